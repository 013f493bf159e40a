import { describe, expect, it } from 'vitest';
import { OdinError } from '../../../core/errors.ts';
import type { LogState } from '../../../core/ledger/fold.ts';
import { fold } from '../../../core/ledger/fold.ts';
import { entryKey } from '../../../core/ledger/keys.ts';
import { APPENDED_BY } from '../../../core/ledger/entries.ts';
import { SYSTEM_FUNCTIONS } from '../../../core/names/names.ts';
import { thrownBy } from '../../support/thrown.ts';
import type { Said } from './entries.ts';
import { allowed, allowedAfter, completed, decided, halted, logOf } from './entries.ts';

const stateOf = (...said: Said[]) => fold(logOf(...said));

describe('fold', () => {
  it('knows nothing of an empty log', () => {
    expect(fold([])).toEqual({
      number: 0,
      sha256: null,
      ledger: undefined,
      migrations: {},
      turn: undefined,
      run: undefined,
    });
  });

  it('tells whose log it is, its last entry, what is completed and which turn is open', () => {
    const log = logOf(allowed('0001'), completed(['0001']), allowed('0002'));
    const state = fold(log);
    expect(state).toMatchObject({ number: 3, sha256: log[2]?.sha256, ledger: { environment: 'dev' } });
    expect(state.migrations['0001']).toMatchObject({ attempts: 1, completion: { number: 2, completion: 'applied' } });
    expect(state.migrations['0002']).toEqual({ attempts: 1, completion: undefined });
    expect(state.turn).toMatchObject({ allowed: { number: 3, migration: '0002' }, tries: 1 });
  });

  it('goes on from a state that it gave before, also from one that was kept as JSON', () => {
    const log = logOf(allowed('0001'), halted(1, '0001'), decided(2, 'retry', '0001'), allowed('0001', 2));
    for (let cut = 0; cut <= log.length; cut += 1) {
      const kept = JSON.parse(JSON.stringify(fold(log.slice(0, cut)))) as LogState;
      expect(fold(log.slice(cut), kept)).toEqual(fold(log));
    }
  });

  it('keeps every halt and decision of a turn until the next attempt', () => {
    const before = stateOf(allowed('0001'), halted(1, '0001'), decided(2, 'abort', '0001'), halted(1, '0001'));
    expect(before.turn?.halt).toMatchObject({ halted: { number: 4 }, decided: undefined });
    const after = stateOf(allowed('0001'), halted(1, '0001'), decided(2, 'retry', '0001'), allowed('0001', 2));
    expect(after.turn).toMatchObject({ allowed: { number: 4, attempt: 2 }, halt: undefined });
    expect(after.migrations['0001']).toEqual({ attempts: 2, completion: undefined });
  });

  it('counts the turns in a row that were allowed for one slice', () => {
    const again = allowedAfter('0001', 1, 1);
    expect(stateOf(allowed('0001'), again, again).turn?.tries).toBe(3);
    expect(stateOf(allowed('0001'), again, allowedAfter('0001', 1, 2)).turn?.tries).toBe(1);
  });

  it('keeps the commit that an attempt began with, through its slices and repetitions, and not that of the attempt before', () => {
    const of = (said: Said, gitCommit: string) => ({ ...said, gitCommit });
    const slices = [of(allowed('0001'), 'a'), of(allowedAfter('0001', 1, 1), 'b'), of(allowedAfter('0001', 1, 2), 'c')];
    expect(stateOf(...slices).turn).toMatchObject({ began: 'a', allowed: { gitCommit: 'c' } });
    const retried = [...slices, halted(3, '0001'), decided(4, 'retry', '0001'), of(allowed('0001', 2), 'd')];
    expect(stateOf(...retried).turn?.began).toBe('d');
    expect(stateOf(allowed('0001')).turn?.began).toBeUndefined();
  });

  it('takes a baseline of several, when no turn is open', () => {
    const state = stateOf(completed(['0001', '0002'], 'baseline'), allowed('0003'));
    expect(Object.keys(state.migrations)).toEqual(['0001', '0002', '0003']);
    expect(state.migrations['0002']?.attempts).toBe(0);
  });

  it('completes a turn that has a halt, whatever was decided', () => {
    const state = stateOf(allowed('0001'), halted(1, '0001'), completed(['0001']));
    expect(state.turn).toBeUndefined();
  });

  const NO_TURN = 'it is about attempt 1 of 0001, which has no open turn';
  const retried = [allowed('0001'), halted(1, '0001'), decided(2, 'retry', '0001')];

  it.each<[string, string, Said[]]>([
    ['a turn beside an open one', '0001 is not settled', [allowed('0001'), allowed('0002')]],
    ['a turn of a completed migration', '0001 is completed', [completed(['0001'], 'baseline'), allowed('0001')]],
    ['a first turn that is no first attempt', 'the first turn of 0001 is attempt 1, slice 1', [allowed('0001', 2)]],
    ['a first turn that is a later slice', 'the first turn of 0001 is attempt 1, slice 1', [allowed('0001', 1, 2)]],
    ['a next attempt without a halt', doesNotFollow(2, 1), [allowed('0001'), allowed('0001', 2)]],
    [
      'a next attempt without a decision',
      doesNotFollow(2, 1),
      [allowed('0001'), halted(1, '0001'), allowed('0001', 2)],
    ],
    [
      'a next attempt after mark-applied',
      doesNotFollow(2, 1),
      [allowed('0001'), halted(1, '0001'), decided(2, 'mark-applied', '0001'), allowed('0001', 2)],
    ],
    [
      'a next attempt after abort',
      doesNotFollow(2, 1),
      [allowed('0001'), halted(1, '0001'), decided(2, 'abort', '0001'), allowed('0001', 2)],
    ],
    ['a next attempt that begins later', doesNotFollow(2, 2), [...retried, allowed('0001', 2, 2)]],
    ['an attempt left out', doesNotFollow(3, 1), [...retried, allowed('0001', 3)]],
    ['an attempt left out, without a halt', doesNotFollow(3, 1), [allowed('0001'), allowedAfter('0001', 3, 1)]],
    ['the same turn once more, resting on nothing', doesNotFollow(1, 1), [allowed('0001'), allowed('0001')]],
    ['a next slice that rests on nothing', doesNotFollow(1, 2), [allowed('0001'), allowed('0001', 1, 2)]],
    ['a slice left out', doesNotFollow(1, 3), [allowed('0001'), allowedAfter('0001', 1, 3)]],
    [
      'a next slice of a halted turn',
      doesNotFollow(1, 2),
      [allowed('0001'), halted(1, '0001'), allowedAfter('0001', 1, 2)],
    ],
    ['a halt without a turn', NO_TURN, [halted(1, '0001')]],
    ['a halt of another turn', NO_TURN, [allowed('0001'), halted(2, '0001')]],
    [
      'a halt of another migration',
      'it is about attempt 1 of 0002, which has no open turn',
      [allowed('0001'), halted(1, '0002')],
    ],
    [
      'a halt of another attempt',
      'it is about attempt 2 of 0001, which has no open turn',
      [allowed('0001'), halted(1, '0001', 2)],
    ],
    [
      'a second halt beside an open one',
      'the halt of entry 2 is still open',
      [allowed('0001'), halted(1, '0001'), halted(1, '0001')],
    ],
    ['a decision without a turn', NO_TURN, [decided(1, 'retry', '0001')]],
    [
      'a decision without a halt',
      'entry 1 is not the halt that is open',
      [allowed('0001'), decided(1, 'retry', '0001')],
    ],
    ['a second decision on one halt', 'entry 3 has decided it before', [...retried, decided(2, 'skip', '0001')]],
    [
      'a decision on an earlier halt',
      'entry 2 is not the halt that is open',
      [allowed('0001'), halted(1, '0001'), decided(2, 'abort', '0001'), halted(1, '0001'), decided(2, 'skip', '0001')],
    ],
    ['a cancel of no turn', NO_TURN, [decided(1, 'cancel', '0001')]],
    ['a cancel of another turn', NO_TURN, [allowed('0001'), decided(9, 'cancel', '0001')]],
    [
      'a second cancel',
      'entry 2 has cancelled it before',
      [allowed('0001'), decided(1, 'cancel', '0001'), decided(1, 'cancel', '0001')],
    ],
    ['a completion without a turn', 'no turn is open', [completed(['0001'])]],
    [
      'a completion of another migration than the turn',
      'the turn of entry 1 is not settled by it',
      [allowed('0001'), completed(['0002'])],
    ],
    ['a completion of two', 'the turn of entry 1 is not settled by it', [allowed('0001'), completed(['0001', '0002'])]],
    [
      'a baseline beside an open turn',
      'the turn of entry 1 is not settled by it',
      [allowed('0001'), completed(['0002'], 'baseline')],
    ],
    [
      'a second completion',
      '0001 is completed already',
      [completed(['0001'], 'baseline'), completed(['0002', '0001'], 'baseline')],
    ],
  ])('refuses %s', (_, why, said) => {
    const log = logOf(...said);
    expect(() => fold(log.slice(0, -1))).not.toThrow();
    expect(refusal(() => fold(log))).toEqual([entryKey(log.length), why]);
  });

  it('refuses a gap, a changed entry, and an entry 1 that says nothing of whose log it is', () => {
    const log = logOf(allowed('0001'), completed(['0001']), allowed('0002'));
    const [first, second, third] = log as [(typeof log)[0], (typeof log)[0], (typeof log)[0]];
    const whose = 'entry 1, and it alone, says whose log it is';
    expect(refusal(() => fold([first, third]))).toEqual([entryKey(3), 'expected entry 2']);
    expect(refusal(() => fold([{ ...first, sha256: 'e'.repeat(64) }, second]))).toEqual([
      entryKey(2),
      'it does not follow entry 1 as it is stored',
    ]);
    expect(refusal(() => fold([{ ...first, ledger: undefined }]))).toEqual([entryKey(1), whose]);
    expect(refusal(() => fold([first, { ...second, ledger: first.ledger }]))).toEqual([entryKey(2), whose]);
  });

  it('says why it stops, and where to look', async () => {
    expect(await thrownBy(() => stateOf(allowed('0001', 2)))).toMatchObject({
      code: 'LogBroken',
      source: 'system',
      why: 'Nothing is concluded from a log that does not hold together: the run stops here.',
      next: "Look at log/00000001.json and at the entry before it in the ledger's bucket, and at the versions of both objects.",
    });
  });

  it('keeps of a completion what was run, and when', () => {
    const { completion } = stateOf(allowed('0001'), completed(['0001'])).migrations['0001'] ?? {};
    expect(completion).toMatchObject({
      sourceSha256: 'b'.repeat(64),
      execution: expect.stringContaining('run') as string,
    });
    expect(stateOf(completed(['0001'], 'baseline')).migrations['0001']?.completion?.execution).toBeUndefined();
  });

  it('keeps the first decision that settles a turn, whatever is decided when that could not be recorded', () => {
    const settled = [
      allowed('0001'),
      halted(1, '0001'),
      decided(2, 'skip', '0001'),
      halted(1, '0001', 1, 'unrecorded'),
    ];
    const { turn } = stateOf(...settled, decided(4, 'mark-applied', '0001'));
    expect(turn).toMatchObject({ verdict: { number: 3, decision: 'skip' }, halt: { decided: { number: 5 } } });
    const retried = [...settled, decided(4, 'retry', '0001')];
    expect(stateOf(...retried).turn?.verdict?.number).toBe(3);
    expect(() => stateOf(...retried, allowed('0001', 2))).toThrow('attempt 2, slice 1 does not follow');
  });

  it('takes a decision in place of the one that stands, and of no other', () => {
    const marked = [allowed('0001'), halted(1, '0001'), decided(2, 'mark-applied', '0001')];
    const instead = (number: number) => ({ instead: number });
    const retried = [...marked, decided(2, 'retry', '0001', 1, instead(3))];
    expect(stateOf(...retried).turn).toMatchObject({ halt: { decided: { number: 4 } }, verdict: undefined });
    expect(stateOf(...retried, allowed('0001', 2)).turn?.allowed.attempt).toBe(2);
    expect(stateOf(...retried, decided(2, 'skip', '0001', 1, instead(4))).turn?.verdict?.number).toBe(5);
    for (const wrong of [{}, instead(2), instead(3)]) {
      expect(() => stateOf(...retried, decided(2, 'skip', '0001', 1, wrong))).toThrow('entry 4 has decided it before');
    }
    const open = [allowed('0001'), halted(1, '0001')];
    expect(() => stateOf(...open, decided(2, 'skip', '0001', 1, instead(1)))).toThrow(
      'entry 1, in whose place it is said, is no decision on it',
    );
    const unrecorded = [...marked, halted(1, '0001', 1, 'unrecorded'), decided(4, 'abort', '0001')];
    expect(stateOf(...unrecorded, decided(4, 'skip', '0001', 1, instead(5))).turn?.verdict?.number).toBe(3);
  });

  it('knows at which migrations the last run halted, and forgets it with the next', () => {
    const run = [
      allowed('0001'),
      halted(1, '0001'),
      decided(2, 'retry', '0001'),
      allowed('0001', 2),
      halted(4, '0001', 2),
    ];
    expect(stateOf(...run).run).toEqual({ name: 'run', haltedAt: ['0001'] });
    const marked = [...run, decided(5, 'mark-applied', '0001', 2), completed(['0001'], 'marked-applied')];
    expect(stateOf(...marked, allowed('0002')).run).toEqual({ name: 'run', haltedAt: ['0001'] });
    expect(stateOf(...marked, allowed('0002'), halted(8, '0002')).run?.haltedAt).toEqual(['0001', '0002']);
    expect(stateOf(...marked, allowed('0002', 1, 1, { run: 'next' })).run).toEqual({ name: 'next', haltedAt: [] });
  });

  it('knows since when an attempt is on its way, over its turns', () => {
    const at = (time: string) => ({ time, restsOn: { turn: { key: 'k', sha256: 'a'.repeat(64) } } });
    const state = stateOf(
      allowed('0001', 1, 1, { time: '2026-03-01T12:00:00Z' }),
      allowed('0001', 1, 2, at('2026-03-01T13:00:00Z')),
    );
    expect(state.turn?.since).toBe('2026-03-01T12:00:00Z');
  });

  it.each(Object.entries(APPENDED_BY))('takes an entry %s of nobody but %s', (kind, functions) => {
    const before = [allowed('0001'), halted(1, '0001')];
    const said = {
      allowed: allowed('0001'),
      halted: halted(1, '0001'),
      decided: decided(2, 'retry', '0001'),
      completed: completed(['0001']),
    }[kind as Said['kind']];
    const log = logOf(...before.slice(0, kind === 'allowed' ? 0 : kind === 'halted' ? 1 : 2), said);
    const last = log.at(-1)!;
    expect(fold(log).number).toBe(last.number);
    for (const name of SYSTEM_FUNCTIONS.filter((each) => !functions.includes(each))) {
      const forged = [...log.slice(0, -1), { ...last, writer: { ...last.writer, function: name } }];
      expect(() => fold(forged)).toThrow(`${name} appends no ${kind} entry`);
    }
  });
});

/** The key of the entry that is refused, and why. */
function refusal(work: () => unknown): string[] {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof OdinError)
      return /^The ledger's (\S+) cannot stand where it is: (.*)\.$/.exec(thrown.what)?.slice(1) ?? [];
    throw thrown;
  }
  return ['nothing was thrown'];
}

function doesNotFollow(attempt: number, slice: number): string {
  return `attempt ${attempt}, slice ${slice} does not follow the turn before it`;
}
