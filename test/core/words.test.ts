// The words and the tone of states and halts: the same on the terminal, in mails and on the dashboard.
import { describe, expect, it } from 'vitest';
import type { Tone } from '../../core/views/words.ts';
import {
  askedToStop,
  didText,
  haltText,
  heldBackText,
  leftOverText,
  stateName,
  stateWord,
  TONES,
  waitsText,
  who,
  whoShort,
} from '../../core/views/words.ts';

it('a state has the tone of what is to be done about it', () => {
  const states = (tone: Tone) => Object.keys(TONES).filter((state) => TONES[state as keyof typeof TONES] === tone);
  expect({
    done: states('good'),
    'goes on by itself': states('busy'),
    'to be looked at': states('warn'),
    'to be acted upon': states('bad'),
    'nothing to see': states('quiet'),
  }).toEqual({
    done: ['applied', 'marked-applied', 'baseline'],
    'goes on by itself': ['starting', 'running', 'stopped', 'succeeded', 'decided'],
    'to be looked at': ['late'],
    'to be acted upon': ['halted', 'aborted', 'failed', 'unknown'],
    'nothing to see': ['skipped', 'pending'],
  });
});

it('a state is called as the code calls it, but for those that would be misread', () => {
  const names = Object.keys(TONES).map((state) => [state, stateName(state as keyof typeof TONES)]);
  expect(names.filter(([state, name]) => state !== name)).toEqual([
    ['marked-applied', 'marked applied'],
    ['stopped', 'at a checkpoint'],
    ['succeeded', 'recording'],
  ]);
});

it.each([
  [{ state: 'halted' }, 'halted'],
  [{ state: 'decided', decision: 'retry' }, 'retry decided'],
  [{ state: 'decided' }, 'decided'],
  [{ state: 'aborted', decision: 'abort' }, 'aborted'],
  [{ state: 'stopped' }, 'at a checkpoint'],
  [{ state: 'stopped', waitsUntil: '2026-03-01T12:00:00Z' }, 'waiting'],
] as const)('of %j the word is %j', (migration, word) => {
  expect(stateWord(migration)).toBe(word);
});

it.each([
  ['failed', 'it failed'],
  ['unknown', 'its outcome is unknown, it may have run in part'],
  ['cancelled', 'it was cancelled, and stopped at a checkpoint'],
  ['code-changed', 'it began with other code than is deployed now'],
  ['file-gone', 'its file is not deployed any more'],
  ['not-started', 'its function did not start'],
  ['unrecorded', 'what became of it is known, but its completion could not be recorded'],
] as const)('what halted as %s is told why', (reason, text) => {
  expect(haltText(reason)).toBe(text);
});

describe('a person', () => {
  const verified = { is: 'verified' } as const;
  const claimed = { is: 'claimed', why: 'no proof' } as const;

  it('is verified when the proof was checked, and claimed otherwise', () => {
    expect(who({ by: 'arn:aws:iam::111122223333:user/alice', identity: verified })).toBe(
      'arn:aws:iam::111122223333:user/alice (verified)',
    );
    expect(who({ by: 'alice', identity: claimed })).toBe('alice (claimed)');
    expect(who({ by: 'alice' })).toBe('alice (claimed)');
  });

  it('who says to be verified keeps the rest of the name', () => {
    expect(who({ by: 'alice, Verified and VERIFIED' })).toBe('alice, … and … (claimed)');
    expect(who({ by: 've\u200crified ali\ufe0fce' })).toBe('… alice (claimed)');
    // Of one who does not, the name is as it was typed, but for what acts on a terminal.
    expect(who({ by: 'ﬁona\u200d \u001b[31mred' })).toBe('ﬁona\u200d red (claimed)');
  });

  it.each([
    ['arn:aws:sts::111122223333:assumed-role/Operator/alice', verified, 'alice (verified)'],
    ['arn:aws:iam::111122223333:root', verified, 'arn:aws:iam::111122223333:root (verified)'],
    ['alice/bob', undefined, 'alice/bob (claimed)'],
    ['an arn:aws:iam::111122223333:user/alice', undefined, 'an arn:aws:iam::111122223333:user/alice (claimed)'],
    ['dashboard of AWS, without a name\nand more', undefined, 'dashboard (claimed)'],
    ['my dashboard of AWS', undefined, 'my dashboard of AWS (claimed)'],
    ['alice (dashboard at 10.0.0.1)', undefined, 'alice (claimed)'],
    ['alice (dashboard at\n10.0.0.1)', undefined, 'alice (claimed)'],
    ['alice (dashboard at 10.0.0.1) too', undefined, 'alice (dashboard at 10.0.0.1) too (claimed)'],
  ])('%j is shown by name: %j, %j', (by, identity, name) => {
    expect(whoShort({ by, identity })).toBe(name);
  });

  it('asked it to stop, and maybe said why', () => {
    expect(askedToStop({ by: 'alice', identity: verified, reason: 'too slow' })).toBe(
      'alice (verified) asked it to stop: too slow',
    );
    expect(askedToStop({ by: 'alice' })).toBe('alice (claimed) asked it to stop');
  });
});

it('what it did is told as far as it was said', () => {
  expect(didText({ done: 4000, total: 4000, note: 'moved to incoming/' })).toBe(
    '4000 of 4000 (100 %)  moved to incoming/',
  );
  expect(didText({ done: 3 })).toBe('3 done');
  expect(didText({ note: 'moved' })).toBe('moved');
  expect(didText({})).toBe('');
});

it('what had not ended when its code had is named, with what to do about it', () => {
  expect(leftOverText(['2 timers', '1 connection'])).toBe(
    'it was over, and what it had begun was not: 2 timers, 1 connection. ' +
      'That ended with its process; await, clear or close all that it starts',
  );
});

it('what waits is told with its time', () => {
  expect(waitsText('12:00')).toBe('waits until 12:00, as its checkpoint says; no function runs until then');
  const because = 'is held back until 12:00, because its code may be running until then.';
  expect(heldBackText('12:00')).toBe(`A decision ${because}`);
  expect(heldBackText('12:00', 'retry')).toBe(`The decision retry ${because}`);
});
