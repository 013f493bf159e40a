import { describe, expect, it } from 'vitest';
import type { NextStep, Question, TurnSeen } from '../../core/decision/decide.ts';
import { decide, DEPLOYMENT_MS } from '../../core/decision/decide.ts';
import type { Outcome, TurnLook } from '../../core/ledger/turns.ts';
import { fold } from '../../core/ledger/fold.ts';
import type { Said } from './ledger/entries.ts';
import { allowed, allowedAfter, CODE, completed, decided, halted, logOf, OTHER_CODE } from './ledger/entries.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const OTHER = 'arn:aws:states:eu-west-1:000000000000:execution:odin-migrate-dev:other';

const BATCHES = { batches: { of: 3, plan: [{ turn: 2, sha256: 'a'.repeat(64), batches: 3 }], rest: '1-3' } };

/** Each way in which a log can end with an open turn of 0002. */
const TURNS: Record<string, Said[]> = {
  'first turn': [],
  'a turn again': [allowedAfter('0002', 1, 1)],
  'the third turn in a row': [allowedAfter('0002', 1, 1), allowedAfter('0002', 1, 1)],
  'a later slice': [allowedAfter('0002', 1, 2)],
  'a turn of batches': [allowedAfter('0002', 1, 2, BATCHES)],
  cancelled: [decided(2, 'cancel', '0002')],
  halted: [halted(2, '0002')],
  'halted, cancelled before': [decided(2, 'cancel', '0002'), halted(2, '0002', 1, 'cancelled')],
  retry: [halted(2, '0002'), decided(3, 'retry', '0002')],
  'retry of other code': [
    halted(2, '0002'),
    decided(3, 'retry', '0002', 1, { retry: { codeSha256: OTHER_CODE, begin: 'start' } }),
  ],
  'mark-applied': [halted(2, '0002'), decided(3, 'mark-applied', '0002')],
  'retry that names no code': [halted(2, '0002'), decided(3, 'retry', '0002', 1, { retry: undefined })],
  skip: [halted(2, '0002'), decided(3, 'skip', '0002')],
  'mark-applied, and not recorded': [
    halted(2, '0002'),
    decided(3, 'mark-applied', '0002'),
    halted(2, '0002', 1, 'unrecorded'),
  ],
  'mark-applied, then retry of the recording': [
    halted(2, '0002'),
    decided(3, 'mark-applied', '0002'),
    halted(2, '0002', 1, 'unrecorded'),
    decided(5, 'retry', '0002'),
  ],
  abort: [halted(2, '0002'), decided(3, 'abort', '0002')],
  'halted again': [halted(2, '0002'), decided(3, 'abort', '0002'), halted(2, '0002')],
  'second attempt': [halted(2, '0002'), decided(3, 'retry', '0002'), allowed('0002', 2)],
};

const MANIFESTS: Record<string, string[]> = {
  there: ['0001', '0002', '0003'],
  'its file is gone': ['0001', '0003'],
  'a lower one came later': ['0000', '0001', '0002', '0003'],
};

/** What completed.json may name. It makes no difference to an open turn, which is settled first. */
const PRUNED: Record<string, string[]> = {
  nothing: [],
  'what is completed': ['0001'],
  'what is not': ['0000', '0001'],
};

interface Case extends Question {
  log: string;
  seen: TurnSeen;
  turn: NonNullable<Question['state']['turn']>;
  code: string | undefined;
  decision: string | undefined;
  late: boolean;
}

function everyCase(): Case[] {
  const cases: Case[] = [];
  for (const [log, said] of Object.entries(TURNS)) {
    const state = fold(logOf(completed(['0001'], 'baseline'), allowed('0002'), ...said));
    for (const [files, ids] of Object.entries(MANIFESTS)) {
      for (const code of [CODE, OTHER_CODE]) {
        const manifest = ids.map((id) => ({ id, codeSha256: id === '0002' ? code : CODE }));
        for (const seen of everySeen()) {
          for (const [allowOutOfOrder, names] of orders()) {
            cases.push({
              log: `${log}, ${files}`,
              state,
              seen,
              manifest,
              pruned: PRUNED[names],
              allowOutOfOrder,
              allowRenumbered: [],
              now: NOW,
              turn: state.turn!,
              code: files === 'its file is gone' ? undefined : code,
              decision: state.turn?.halt?.decided?.decision,
              late: files === 'a lower one came later' && !allowOutOfOrder,
            });
          }
        }
      }
    }
  }
  return cases;
}

const orders = () => [false, true].flatMap((allow) => Object.keys(PRUNED).map((names) => [allow, names] as const));

function everyLook(): TurnLook[] {
  const reference = { key: 'turns/0002/00000002/outcome.json', sha256: 'a'.repeat(64) };
  const written = {
    format: 1 as const,
    entry: { number: 2, sha256: 'a'.repeat(64) },
    time: new Date(NOW).toISOString(),
    nonce: 'nonce',
    writer: { function: '0002', requestId: 'request', version: '1.0.0' },
  };
  return [
    { seen: 'unclaimed' },
    { seen: 'void', claim: { ...written, claim: 'void' }, at: NOW, reference },
    ...[NOW, NOW - DEPLOYMENT_MS].map((at) => ({
      seen: 'void' as const,
      claim: { ...written, claim: 'void' as const, otherCodeSha256: OTHER_CODE },
      at,
      reference,
    })),
    ...[NOW - 1, NOW, NOW + 60_000].map((deadline) => ({ seen: 'claimed' as const, deadline })),
    ...(['succeeded', 'failed', 'stopped', 'unknown'] as const).map((outcome) => ({
      seen: 'closed' as const,
      outcome: { ...written, outcome },
      at: NOW,
      reference,
    })),
    ...([NOW - 15_001, NOW - 15_000, NOW - 14_999] as const).map((at) => ({
      seen: 'closed' as const,
      outcome: {
        ...written,
        outcome: 'stopped' as const,
        batches: { of: 3, succeeded: 1, failed: 0, unknown: 0, left: 2, slowed: 1 },
      },
      at,
      reference,
    })),
    ...[NOW - 1, NOW, NOW + 1].map((time) => ({
      seen: 'closed' as const,
      outcome: { ...written, outcome: 'stopped' as const, stoppedAt: stoppedUntil(time) },
      at: NOW,
      reference,
    })),
    { seen: 'closed', outcome: undefined, at: NOW, reference },
  ];
}

const stoppedUntil = (time: number): NonNullable<Outcome['stoppedAt']> => ({
  checkpoint: {
    format: 2,
    turn: 2,
    attempt: 1,
    slice: 1,
    codeSha256: CODE,
    sequence: 1,
    time: new Date(NOW).toISOString(),
    cursor: 1,
    notBefore: new Date(time).toISOString(),
  },
  etag: '"1"',
});

function everySeen(): TurnSeen[] {
  const seen: TurnSeen[] = [];
  for (const look of everyLook()) {
    for (const owner of ['this', 'alive', 'dead'] as const) {
      for (const haltedIn of [undefined, OTHER]) seen.push({ look, owner, haltedIn });
    }
  }
  return seen;
}

const isOpenHalt = (c: Case) => c.turn.halt !== undefined && c.decision === undefined;
const leadsOn = (c: Case) => c.decision !== undefined && c.decision !== 'abort';
const outcomeOf = ({ seen: { look } }: Case) =>
  look.seen !== 'closed' ? undefined : look.outcome === undefined ? 'unknown' : look.outcome.outcome;
const closed = (c: Case) => ['void', 'closed'].includes(c.seen.look.seen);
const mayRun = (c: Case) => c.seen.look.seen === 'claimed' && c.seen.look.deadline >= NOW;
const fresh = (c: Case) => c.turn.halt === undefined;
const stopped = (c: Case) => fresh(c) && outcomeOf(c) === 'stopped';
const isVoid = (c: Case) => fresh(c) && c.seen.look.seen === 'void';
const unclaimed = (c: Case) => fresh(c) && c.seen.look.seen === 'unclaimed';

/** The table of the design, each row as what is seen and its step, without the code's order or its helpers. */
const TABLE: { row: string; holds: (c: Case) => boolean; step: string }[] = [
  { row: 'succeeded', holds: (c) => outcomeOf(c) === 'succeeded', step: 'record applied' },
  { row: 'decided, may run', holds: (c) => leadsOn(c) && mayRun(c), step: 'wait for the deadline' },
  { row: 'decided, no claim', holds: (c) => leadsOn(c) && c.seen.look.seen === 'unclaimed', step: 'take claim' },
  { row: 'decided, no outcome', holds: (c) => leadsOn(c) && !closed(c), step: 'take outcome' },
  {
    row: 'mark-applied',
    holds: (c) => c.decision === 'mark-applied' || (c.decision === 'retry' && c.log.startsWith('mark-applied')),
    step: 'record marked-applied',
  },
  { row: 'skip', holds: (c) => c.decision === 'skip', step: 'record skipped' },
  { row: 'retry, file gone', holds: (c) => c.decision === 'retry' && c.code === undefined, step: 'halt file-gone' },
  {
    row: 'retry of other code than is deployed',
    holds: (c) => c.decision === 'retry' && c.code !== c.turn.halt?.decided?.retry?.codeSha256,
    step: 'halt code-changed',
  },
  { row: 'retry, late', holds: (c) => c.decision === 'retry' && c.late, step: 'refuse OutOfOrder' },
  { row: 'retry', holds: (c) => c.decision === 'retry', step: 'allow attempt n+1' },
  {
    row: 'halt open elsewhere',
    holds: (c) => isOpenHalt(c) && c.seen.haltedIn === OTHER,
    step: 'refuse HaltedElsewhere',
  },
  { row: 'halt open or aborted', holds: (c) => !fresh(c), step: 'halt as before' },
  { row: 'stopped, cancelled', holds: (c) => stopped(c) && c.turn.cancel !== undefined, step: 'halt cancelled' },
  { row: 'stopped, owner alive', holds: (c) => stopped(c) && c.seen.owner === 'alive', step: 'wait for the other' },
  { row: 'stopped, file gone', holds: (c) => stopped(c) && c.code === undefined, step: 'halt file-gone' },
  { row: 'stopped, other code', holds: (c) => stopped(c) && c.code !== CODE, step: 'halt code-changed' },
  {
    row: 'stopped at a checkpoint whose time has not come',
    holds: (c) => {
      const { look } = c.seen;
      const time = look.seen === 'closed' ? look.outcome?.stoppedAt?.checkpoint.notBefore : undefined;
      return stopped(c) && time !== undefined && time > new Date(NOW).toISOString();
    },
    step: 'wait for its time',
  },
  {
    row: 'stopped because S3 slowed it down, a moment ago',
    holds: (c) => {
      const { look } = c.seen;
      const slowed = look.seen === 'closed' && (look.outcome?.batches?.slowed ?? 0) > 0;
      return stopped(c) && slowed && look.at > NOW - 15_000;
    },
    step: 'wait for fewer requests',
  },
  { row: 'stopped', holds: stopped, step: 'allow next slice' },
  { row: 'failed', holds: (c) => outcomeOf(c) === 'failed', step: 'halt failed' },
  { row: 'unknown', holds: (c) => outcomeOf(c) === 'unknown', step: 'halt unknown' },
  { row: 'claimed, may run', holds: mayRun, step: 'wait for the deadline' },
  { row: 'claimed, out of time', holds: (c) => c.seen.look.seen === 'claimed', step: 'take outcome' },
  {
    row: 'unclaimed, ours, same code, no batches',
    holds: (c) =>
      unclaimed(c) &&
      c.seen.owner === 'this' &&
      c.code === CODE &&
      !c.turn.cancel &&
      !c.log.startsWith('a turn of batches'),
    step: 'run again',
  },
  { row: 'unclaimed, owner alive', holds: (c) => unclaimed(c) && c.seen.owner === 'alive', step: 'wait for the other' },
  { row: 'unclaimed', holds: unclaimed, step: 'take claim' },
  { row: 'void, cancelled', holds: (c) => isVoid(c) && c.turn.cancel !== undefined, step: 'halt cancelled' },
  { row: 'void, file gone', holds: (c) => isVoid(c) && c.code === undefined, step: 'halt file-gone' },
  { row: 'void for the third time', holds: (c) => isVoid(c) && c.turn.tries === 3, step: 'halt not-started' },
  {
    row: 'void by other code than is deployed here, a moment ago',
    holds: (c) => {
      const { look } = c.seen;
      return (
        isVoid(c) &&
        look.seen === 'void' &&
        look.claim.otherCodeSha256 === OTHER_CODE &&
        c.code === CODE &&
        look.at === NOW
      );
    },
    step: 'wait for the deployment',
  },
  {
    row: 'void, other code in the middle of an attempt',
    holds: (c) => isVoid(c) && (c.turn.allowed.slice > 1 || c.turn.allowed.attempt > 1) && c.code !== CODE,
    step: 'halt code-changed',
  },
  { row: 'void, late', holds: (c) => isVoid(c) && c.late, step: 'refuse OutOfOrder' },
  { row: 'void', holds: isVoid, step: 'allow the same' },
];

function brief(next: NextStep, { turn }: Case): string {
  const { attempt, slice } = turn.allowed;
  switch (next.step) {
    case 'record':
      return `record ${next.completion}`;
    case 'refuse':
      return `refuse ${next.error}`;
    case 'take':
      return `take ${next.key}`;
    case 'wait':
      return {
        deadline: 'wait for the deadline',
        'other execution': 'wait for the other',
        time: 'wait for its time',
        'fewer requests': 'wait for fewer requests',
        deployment: 'wait for the deployment',
      }[next.until];
    case 'halt':
      return turn.halt && next.reason === turn.halt.halted.reason && turn.halt.decided?.decision !== 'retry'
        ? 'halt as before'
        : `halt ${next.reason}`;
    case 'allow':
      if (next.attempt === attempt + 1 && next.slice === 1) return 'allow attempt n+1';
      if (next.attempt === attempt && next.slice === slice + 1) return 'allow next slice';
      return next.attempt === attempt && next.slice === slice ? 'allow the same' : 'allow ?';
    case 'run again':
    case 'finished':
      return next.step;
  }
}

describe('decide, with an open turn', () => {
  const cases = everyCase();

  it('answers the first row of the table that holds, in every case, and each row is reached', () => {
    const reached = new Set<string>();
    for (const question of cases) {
      const row = TABLE.find(({ holds }) => holds(question));
      reached.add(row?.row ?? '');
      const step = brief(decide(question), question);
      // In so many cases, words for each would take most of the time.
      if (step === row?.step) continue;
      expect.fail(
        `${row?.row ?? ''}: ${step} instead of ${row?.step}: ${question.log} ${JSON.stringify(question.seen)}`,
      );
    }
    expect([...reached].sort()).toEqual(TABLE.map(({ row }) => row).sort());
  });

  it('allows a turn only when no code of the one before it can run, and none after a success', () => {
    for (const question of cases) {
      const next = decide(question);
      if (next.step !== 'allow') continue;
      expect(closed(question)).toBe(true);
      expect(outcomeOf(question)).not.toBe('succeeded');
      expect(next.migration).toBe('0002');
      if (next.attempt > question.turn.allowed.attempt) expect(question.decision).toBe('retry');
    }
  });

  it('gives only steps whose entry the log takes', () => {
    const taken = new Set<string>();
    for (const question of cases) {
      const next = decide(question);
      const { turn } = question;
      const { attempt, number } = turn.allowed;
      // The same step after the same log is the same entry.
      const once = `${question.log}: ${JSON.stringify(next)}`;
      if (taken.has(once)) continue;
      taken.add(once);
      const last = { previous: question.state.sha256, number: question.state.number + 1, ledger: undefined };
      const openHalt = turn.halt !== undefined && turn.halt.decided === undefined;
      const said =
        next.step === 'allow'
          ? allowedAfter('0002', next.attempt, next.slice)
          : next.step === 'halt' && !openHalt
            ? halted(number, '0002', attempt, next.reason)
            : next.step === 'record'
              ? completed(['0002'], next.completion)
              : undefined;
      if (!said) continue;
      const [entry] = logOf({ ...said, ...last });
      expect(fold([entry!], question.state).number).toBe(last.number);
    }
  });

  it('begins a retry where the decision says', () => {
    const question = cases.find(
      (c) => c.log === 'retry of other code, there' && c.code === OTHER_CODE && outcomeOf(c) === 'failed',
    )!;
    expect(decide(question)).toEqual({
      step: 'allow',
      migration: '0002',
      attempt: 2,
      slice: 1,
      begin: 'start',
    });
  });
});

it.each(['start', 'checkpoint'] as const)('begins a retry at the %s, as the decision says', (begin) => {
  const said = [halted(2, '0002'), decided(3, 'retry', '0002', 1, { retry: { codeSha256: CODE, begin } })];
  expect(next('failed', ...said)).toEqual({ step: 'allow', migration: '0002', attempt: 2, slice: 1, begin });
});

it('begins the next slice at the checkpoint', () => {
  const begin = 'checkpoint';
  expect(next('stopped')).toEqual({ step: 'allow', migration: '0002', attempt: 1, slice: 2, begin });
});

/** After a turn of 0002 that ended so. */
function next(outcome: 'failed' | 'stopped', ...said: Said[]): NextStep {
  const look = everyLook().find((each) => each.seen === 'closed' && each.outcome?.outcome === outcome)!;
  return decide({
    state: fold(logOf(completed(['0001'], 'baseline'), allowed('0002'), ...said)),
    seen: { look, owner: 'this', haltedIn: undefined },
    manifest: [{ id: '0002', codeSha256: CODE }],
    allowOutOfOrder: false,
    allowRenumbered: [],
    now: NOW,
  });
}

describe('decide, without an open turn', () => {
  const ask = (state: Question['state'], ids: string[], allowOutOfOrder = false, pruned?: string[]) =>
    decide({
      pruned,
      state,
      seen: undefined,
      manifest: ids.map((id) => ({ id, codeSha256: CODE, checkpointed: true })),
      allowOutOfOrder,
      allowRenumbered: [],
      now: NOW,
    });

  it('refuses what was completed under a number whose file is gone, by name, unless the run allows it', () => {
    const [text, other] = ['b'.repeat(64), 'c'.repeat(64)];
    let state = fold(logOf(allowed('0001'), completed(['0001'])));
    const renumbered = (allowRenumbered: string[], ...manifest: [id: string, sourceSha256: string][]) =>
      decide({
        state,
        seen: undefined,
        manifest: manifest.map(([id, sourceSha256]) => ({ id, sourceSha256, codeSha256: CODE, checkpointed: false })),
        allowOutOfOrder: false,
        allowRenumbered,
        now: NOW,
      });
    const refused = { step: 'refuse', error: 'Renumbered', renumbered: [{ id: '0003', was: '0001' }] };
    expect(renumbered([], ['0002', other], ['0003', text])).toEqual(refused);
    expect(renumbered(['0002'], ['0002', other], ['0003', text])).toEqual(refused);
    expect(renumbered(['0003'], ['0003', text])).toMatchObject({ step: 'allow', migration: '0003' });
    expect(renumbered([], ['0003', other])).toMatchObject({ step: 'allow', migration: '0003' });
    expect(renumbered([], ['0001', text], ['0003', text])).toMatchObject({ step: 'allow', migration: '0003' });
    expect(renumbered([], ['0001', other], ['0003', text])).toMatchObject({ step: 'allow', migration: '0003' });
    // It was allowed to run, and is completed now, too: that is no reason to refuse the next run.
    state = fold(logOf(allowed('0001'), completed(['0001']), allowed('0003'), completed(['0003'])));
    expect(renumbered([], ['0003', text], ['0004', other])).toMatchObject({ step: 'allow', migration: '0004' });
  });

  it('allows attempt 1 of the first that is pending', () => {
    const turn = { step: 'allow', attempt: 1, slice: 1, begin: 'start' };
    expect(ask(fold([]), ['0001', '0002'])).toEqual({ ...turn, migration: '0001' });
    expect(ask(fold(logOf(completed(['0001'], 'baseline'))), ['0001', '0002'])).toEqual({ ...turn, migration: '0002' });
  });

  it('is finished when nothing is pending, whatever else is completed', () => {
    expect(ask(fold([]), [])).toEqual({ step: 'finished' });
    expect(ask(fold(logOf(completed(['0001', '0009'], 'baseline'))), ['0001'])).toEqual({ step: 'finished' });
  });

  it('refuses every pending id below one that is completed, by name, unless the run allows it', () => {
    const state = fold(logOf(completed(['0003'], 'baseline')));
    const refused = { step: 'refuse', error: 'OutOfOrder', late: ['0001', '0002'], highest: '0003' };
    expect(ask(state, ['0001', '0002', '0003', '0004'])).toEqual(refused);
    expect(ask(state, ['0001', '0002', '0003', '0004'], true)).toMatchObject({ step: 'allow', migration: '0001' });
  });

  it('refuses them also when the highest was not run last', () => {
    const state = fold(logOf(completed(['0003'], 'baseline'), allowed('0001'), completed(['0001'])));
    expect(ask(state, ['0001', '0002', '0003'])).toMatchObject({
      error: 'OutOfOrder',
      late: ['0002'],
      highest: '0003',
    });
  });

  it('refuses, whatever is allowed and also when nothing is pending, when the log lacks what was pruned', () => {
    const state = fold(logOf(completed(['0001', '0003'], 'baseline'), allowed('0005'), halted(2, '0005')));
    const ended = { ...state, turn: undefined };
    const refused = { step: 'refuse', error: 'NotCompleted', lacking: ['0002', '0005'] };
    for (const [ids, allow] of [
      [['0006'], false],
      [['0006'], true],
      [[], true],
    ] as const) {
      expect(ask(ended, [...ids], allow, ['0001', '0002', '0005'])).toEqual(refused);
    }
    expect(ask(ended, ['0006'], false, ['0001', '0003'])).toMatchObject({ step: 'allow', migration: '0006' });
    expect(ask(fold([]), [], false, ['0001'])).toMatchObject({ step: 'refuse', lacking: ['0001'] });
  });

  it('what was pruned is in order: what is pending below it is late, and what is above it is not', () => {
    const state = fold(logOf(completed(['0001', '0003'], 'baseline')));
    const pruned = ['0001', '0003'];
    expect(ask(state, ['0002', '0004'], false, pruned)).toEqual({
      step: 'refuse',
      error: 'OutOfOrder',
      late: ['0002'],
      highest: '0003',
    });
    expect(ask(state, ['0004'], false, pruned)).toMatchObject({ step: 'allow', migration: '0004' });
    expect(ask(state, [], false, pruned)).toEqual({ step: 'finished' });
  });
});
