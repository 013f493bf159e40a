// Other people's text as part of a line: what acts on a terminal, begins another line, cannot be seen, or turns the direction of text.
import { describe, expect, it } from 'vitest';
import { withoutControls } from '../../core/text/plain.ts';
import { who, whoShort } from '../../core/views/words.ts';
import { escape } from '../../lambdas/dashboard/html.ts';

const codes = (...ranges: [first: number, last: number][]): string[] =>
  ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index)),
  );

/** By what they are, and not by the properties that the code asks for. */
const ACTING: Record<string, string[]> = {
  'controls of C0': codes([0x00, 0x08], [0x0b, 0x1f]),
  'delete, and controls of C1': codes([0x7f, 0x9f]),
  'bidirectional marks, overrides and isolates': codes(
    [0x200e, 0x200f],
    [0x202a, 0x202e],
    [0x2066, 0x2069],
    [0x61c, 0x61c],
  ),
  'no width': ['\u200b', '\u2060', '\ufeff', '\u00ad', '\u180e', ...codes([0x2061, 0x2064])],
  'fillers, which look like nothing': ['\u034f', '\u115f', '\u1160', '\u3164', '\uffa0', '\u17b4'],
  'tags, which spell text that nobody sees': codes([0xe0001, 0xe0001], [0xe0020, 0xe007f]),
  'marks of annotations, and of music': codes([0xfff9, 0xfffb], [0x1d173, 0x1d17a]),
};

describe.each(Object.entries(ACTING))('%s', (_, characters) => {
  it('are in no line, and in no page', () => {
    for (const one of characters) {
      // A letter of ASCII behind one of them may end a sequence, and goes with it.
      expect([one.codePointAt(0)?.toString(16), withoutControls(`a${one}ß`)]).toBeOneOf([
        [one.codePointAt(0)?.toString(16), 'aß'],
        [one.codePointAt(0)?.toString(16), 'a ß'],
      ]);
      expect([one.codePointAt(0)?.toString(16), escape(`a${one}b`)]).toEqual([
        one.codePointAt(0)?.toString(16),
        'a\ufffdb',
      ]);
    }
  });
});

it.each([
  ['a link', '\u001b]8;;https://evil.example\u001b\\here\u001b]8;;\u001b\\', 'here'],
  ['a link that ends with a bell', '\u001b]8;;https://evil.example\u0007here\u001b]8;;\u0007', 'here'],
  ['a title', '\u001b]0;title\u0007text', 'text'],
  ['a colour, in eight bits', '\u009b31mtext', 'text'],
  ['a clearing of the screen', '\u001b[2J\u001b[Htext', 'text'],
  ['a reset', '\u001bctext', 'text'],
  ['another set of characters', '\u001b(Btext', 'text'],
  ['another coding of them', '\u001b$(Ctext', 'text'],
  ['two lines', 'one\r\ntwo', 'one two'],
  ['two lines of another kind', 'one\u2028two\u2029three\u0085four', 'one two three four'],
])('%s is none', (_, text, expected) => {
  expect(withoutControls(text)).toBe(expected);
});

it.each([
  ['clipboard', '\u001b]52;c;ZXZpbA==\u0007text'],
  ['a sequence that has no end', 'text\u001b]8;;https://evil.example'],
  ['a device control', '\u001bP+q544e\u001b\\text'],
])('of %s nothing is left that acts', (_, text) => {
  expect(withoutControls(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

it('what belongs to words and signs stays: joiners, and what chooses a form', () => {
  for (const text of ['نامه\u200cای', '👩\u200d🔬', '⚠\ufe0f', '葛\u{e0100}', 'e\u0301', '\u00e4']) {
    expect(withoutControls(text)).toBe(text);
  }
});

it('nobody is verified who says so, with what cannot be seen in it neither', () => {
  for (const by of [
    'verified',
    'alice (VERIFIED)',
    'alice (veri\u200bfied)',
    'alice (\u202everified)',
    'verif\u200cied',
    've\ufe0frified',
    'ｖerified',
    'veriﬁed',
    'v\u3164erified',
  ]) {
    for (const text of [who({ by }), whoShort({ by })]) {
      expect(text).toMatch(/ \(claimed\)$/);
      const plain = withoutControls(text)
        .normalize('NFKC')
        .replaceAll(/\u200c|\u200d|\ufe0f/g, '');
      expect(plain, 'as it is shown').not.toMatch(/verified/i);
    }
  }
});
