// Whatever comes from the ledger, a file's name or an error, a line that is printed is one line, and acts on no terminal.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { printDecisions, printHalt } from '../../cli/terminal/halts.ts';
import {
  busyWith,
  colour,
  plain,
  print,
  printCommands,
  printError,
  printJson,
  table,
} from '../../cli/terminal/output.ts';
import { printPreview } from '../../cli/terminal/preview-output.ts';
import { RunReport } from '../../cli/terminal/run-report.ts';
import { OdinError } from '../../core/errors.ts';
import type { Entry } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { plainLine } from '../../core/ledger/summaries.ts';
import { escape } from '../../lambdas/dashboard/html.ts';
import { openHalt, reportOf } from '../dashboard/support.ts';
import { HOSTILE_TEXT, hostileText } from '../support/hostile.ts';

/** Control characters, and what cannot be seen or turns the direction of text; joiners within words are text. */
const ACTS = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/u;

let written: string[];
beforeEach(() => {
  written = [];
  const keep = (chunk: unknown) => written.push(String(chunk)) > 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** What GitHub Actions and Azure Pipelines take as commands to themselves. */
const COMMANDS = /^\s*::|##\w*\[/;
const COMMAND_TEXTS = [
  '::error file=a.ts,line=1::forged',
  '  ::stop-commands::x',
  '\u001b[0m::add-mask::e',
  '\u200b::error::hidden',
  'x ##[error]forged',
  'key##vso[task.setvariable variable=PATH]/tmp',
  '###vso[task.prependpath]/tmp',
  '#\u200b#vso[task.prependpath]/tmp',
  '##teamcity[buildProblem]',
];

/** The lines that a view prints of this text. */
function linesOf(view: (text: string) => void, text: string): string[] {
  written = [];
  view(text);
  const all = written.join('');
  expect(all.endsWith('\n')).toBe(true);
  return all.slice(0, -1).split('\n');
}

const at = {
  time: '2026-03-01T12:00:00.000Z',
  number: 2,
  run: 'r',
  writer: { function: 'f', requestId: 'r', version: 'v' },
};
const entry = (text: string, of: object): Numbered<Entry> =>
  ({ ...at, migration: '0004', attempt: 1, of: 1, by: text, reason: text, ...of }) as unknown as Numbered<Entry>;
const event = (of: (text: string) => Numbered<Entry>) => (text: string) => {
  new RunReport().event({ event: 'appended', entry: of(text) });
};
const error = (text: string) => ({ name: text, message: text, stack: `${text}\n    at ${text} (${text})` });

const VIEWS: Record<string, (text: string) => void> = {
  'a line': (text) => print(text),
  'a line with a paint': (text) => print(`  ${colour.red(text)} ${colour.dim(`${text} ${colour.bold(text)}`)}`),
  'a table': (text) =>
    table([{ heading: 'A' }, { heading: text }], [[{ text: `x${text}`, paint: colour.dim }, { text }]]).lines.forEach(
      (line) => print(line),
    ),
  commands: (text) => printCommands(text, [[text, text]]),
  'an error': (text) =>
    printError(new OdinError({ code: 'BadUsage', source: 'user', what: text, why: text, next: text })),
  'an error of ours': (text) =>
    printError(
      new OdinError({
        code: 'Internal',
        source: 'system',
        what: text,
        cause: Object.assign(new Error('x'), { stack: `Error: x\u001b[2J\u202e\n    at ${plain(text)}` }),
      }),
    ),
  'a halt': (text) => printHalt(openHalt('0004', { description: text, error: error(text) })),
  decisions: (text) => printDecisions(text, openHalt('0004')),
  'a preview': (text) =>
    printPreview(
      {
        ...reportOf('0004', {
          outcome: 'threw',
          error: error(text),
          output: [text],
          leftOver: [text],
          simulated: [{ what: text, target: text, count: 1 }],
          stale: [{ what: text, target: text, count: 1 }],
          refused: [{ what: text, target: text, count: 1 }],
          calls: [{ ...reportOf('0004').calls[0]!, target: text, operation: text, examples: [text] }],
        }),
        description: text,
        before: [],
      },
      { isFirst: true },
    ),
  'what a migration printed': (text) => {
    const line = JSON.stringify({ from: 'migration', migration: '0004', attempt: 1, message: text });
    new RunReport().onLog({ function: 'f', requestId: 'r', line } as never);
  },
  'a failure in a run': (text) => {
    const report = new RunReport();
    for (const of of [
      { kind: 'allowed', slice: 1 },
      { kind: 'halted', reason: 'failed', error: error(text) },
    ])
      report.event({ event: 'appended', entry: entry(text, of) });
  },
  'a decision in a run': event((text) => entry(text, { kind: 'decided', decision: 'skip' })),
  'a cancel in a run': event((text) => entry(text, { kind: 'decided', decision: 'cancel' })),
  'a completion in a run': event((text) =>
    entry(text, { kind: 'completed', completion: 'applied', ids: ['0004'], leftOver: [text] }),
  ),
  'a halt in a run': (text) => {
    new RunReport().event({ event: 'halted', halt: openHalt('0004', { reason: 'unknown', error: error(text) }) });
  },
  progress: (text) => {
    const checkpoint = { cursor: text, done: 1, total: 2, note: text, time: at.time, sequence: 1, attempt: 1 };
    new RunReport().event({ event: 'progress', checkpoint } as never);
  },
};

describe.each(Object.keys(VIEWS))('%s', (name) => {
  const view = VIEWS[name]!;

  it('says nothing to a CI service, in whose log it may stand', () => {
    for (const command of COMMAND_TEXTS) {
      for (const text of [command, `a\n${command}`, `a\r${command}`]) {
        expect([text, linesOf(view, text).filter((line) => COMMANDS.test(line))]).toEqual([text, []]);
      }
    }
  });

  it('has no line of its own but those of a tame text, and nothing that acts on a terminal', () => {
    // An error, and what a migration prints, may have several lines: all but the first are indented.
    const own = (lines: string[]) => lines.filter((line) => !line.startsWith(' ')).length;
    const tame = own(linesOf(view, 'tame'));
    for (const text of [HOSTILE_TEXT, 'a\nb', 'a\r\nb', '\u001b[31mred', '\u202egnp', '\u009b2J']) {
      expect([text, own(linesOf(view, text))]).toEqual([text, tame]);
    }
    fc.assert(
      fc.property(hostileText, (text) => {
        for (const line of linesOf(view, text)) expect(line).not.toMatch(ACTS);
      }),
      { numRuns: 40 },
    );
  });
});

it('in colour a line has our colours, and no other escape', () => {
  vi.stubEnv('NO_COLOR', undefined);
  vi.stubEnv('FORCE_COLOR', '1');
  const [line = ''] = linesOf((text) => print(`${colour.red('■')} ${colour.dim(text)} ${text}`), HOSTILE_TEXT);
  expect(line).toContain('\u001b[31m■\u001b[39m');
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  expect(line.replaceAll(/\u001b\[(?:2|22|31|39)m/g, '')).not.toMatch(ACTS);
});

it('JSON is valid, says what it was given, and acts on no terminal and no CI service', () => {
  fc.assert(
    fc.property(fc.oneof(hostileText, fc.string({ unit: 'binary' }), fc.constantFrom(...COMMAND_TEXTS)), (text) => {
      written = [];
      printJson({ [text]: text });
      const printed = written.join('');
      expect(printed.replaceAll('\n', '')).not.toMatch(ACTS);
      expect(printed.split('\n').filter((line) => COMMANDS.test(line))).toEqual([]);
      expect(JSON.parse(printed)).toEqual({ [text]: text });
    }),
    { numRuns: 60 },
  );
});

it('halves of pairs become no character that nobody has looked at', () => {
  const [high, low] = ['\udb40', '\udc41']; // of an invisible letter, U+E0041
  for (const between of ['\u200b', '\u202e', '\u001b[0m', '']) {
    const text = `a${high}${between}${low}b`;
    expect(plain(text).replace(/\ufffd+/, '?')).toBe(between === '' ? 'ab' : 'a?b');
    expect(linesOf((line) => print(line), text).join('')).not.toMatch(ACTS);
  }
});

it('a text is read once, whatever it begins and does not end: in another way these would take hours', () => {
  const length = 400_000;
  const pieces = [';?', '[', ']', ';', 'a;', '0;', '#', '9;9', '?;a', '##', '::', ' ', '\t', 'x', '\ud800'];
  const begun = [
    '\u001b',
    '\u009b',
    '\u001b]',
    '\u001b]8;;',
    '\u001bP',
    '\u0090',
    '\u009d',
    '\u009b[',
    '\u001b ',
    '\u001b[1',
  ];
  for (const piece of [...pieces, ...begun]) {
    const text = piece.repeat(length / piece.length);
    for (const all of [text, `\u001b${text}`, `\u001b]${text}`, `\u009d${text}`]) expect(plain(all)).not.toMatch(ACTS);
  }
}, 60_000);

it('a terminal escape goes with all that is in it', () => {
  const link = '\u001b]8;;https://evil.example\u001b\\text\u001b]8;;\u0007';
  const texts = [
    link,
    '\u001bP1;2q#0\u001b\\text',
    '\u009d0;title\u009ctext',
    '\u001b_payload\u001b\\text',
    '\u001b[38;2;1;2;3mtext',
  ];
  texts.push('\u009b2Jtext', '\u001b(Btext', '\u001bctext', '\u001b]0;title\u0007text');
  for (const text of texts) expect([text, plain(text)]).toEqual([text, 'text']);
});

it("a line of a mail and a text of a page have nothing of it either; a page's text keeps its lines", () => {
  fc.assert(
    fc.property(fc.oneof(hostileText, fc.string({ unit: 'binary' })), (text) => {
      expect(plainLine(text, 1000)).not.toMatch(ACTS);
      expect(escape(text).replaceAll(/[\n\t]/g, '')).not.toMatch(/(?![\u200c\u200d])[\p{Cc}\p{Cf}]/u);
    }),
  );
});

it('what it is busy with is a line too', () => {
  busyWith(HOSTILE_TEXT); // nothing is busy: nothing is written
  expect(written).toEqual([]);
});

it('what a migration prints stands below the end of the one before it, though its log was there first', () => {
  const report = new RunReport();
  const append = (of: object) => {
    report.event({ event: 'appended', entry: entry('t', of) });
  };
  const prints = (migration: string, text: string) => {
    report.line({ by: 'migration', level: 'info', migration, attempt: 1, batch: undefined, text });
  };
  append({ kind: 'allowed', migration: '0001', slice: 1 });
  prints('0002', 'of the second');
  prints('0001', 'of the first');
  append({ kind: 'completed', completion: 'applied', migration: '0001', ids: ['0001'] });
  append({ kind: 'allowed', migration: '0002', slice: 1 });
  expect(written.map((line) => /▶ 0001|✔ 0001|▶ 0002|of the \w+/.exec(line)?.[0])).toEqual([
    '▶ 0001',
    'of the first',
    '✔ 0001',
    '▶ 0002',
    'of the second',
  ]);
});
