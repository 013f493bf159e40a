import { describe, expect, it } from 'vitest';
import type { Decision } from '../../core/names/names.ts';
import type { AttemptSeen, NextStep, Situation } from '../../core/decision/decide.ts';
import { DECISIONS } from '../../core/names/names.ts';
import { decide } from '../../core/decision/decide.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const PAST = NOW - 60_000;
const FUTURE = NOW + 90_000;
const OTHER = 'arn:aws:states:eu-west-1:000000000000:execution:odin-migrate-dev:other';

/** Every attempt that the ledger can show for the first pending migration, and none. */
function everyAttempt(): (AttemptSeen | undefined)[] {
  const attempts: (AttemptSeen | undefined)[] = [undefined];
  const claims: AttemptSeen['claim'][] = [undefined];
  for (const owner of ['this', 'alive', 'dead'] as const) {
    for (const deadline of [PAST, FUTURE]) claims.push({ owner, at: NOW - 100_000, deadline });
  }
  for (const attempt of [1, 7]) {
    for (const claim of claims) {
      for (const outcome of [undefined, 'succeeded', 'failed'] as const) {
        for (const decision of [undefined, ...DECISIONS]) {
          for (const haltOpenIn of [undefined, OTHER]) {
            attempts.push({
              attempt,
              ...(claim && { claim }),
              ...(outcome && { outcome }),
              ...(decision && { decision }),
              ...(haltOpenIn !== undefined && { haltOpenIn }),
            });
            if (claim) attempts.push({ ...attempts.at(-1)!, stopped: { slice: 3, at: NOW - 50_000 } });
          }
        }
      }
    }
  }
  return attempts;
}

function everySituation(): Situation[] {
  const situations: Situation[] = [];
  for (const last of everyAttempt()) {
    for (const completed of [[], ['0001'], ['0001', '0002', '0003'], ['0001', '0003']]) {
      for (const attempted of [[], ['0002'], ['0003'], ['0002', '0003']]) {
        for (const elsewhere of [undefined, PAST, FUTURE]) {
          for (const allowOutOfOrder of [false, true]) {
            situations.push({
              manifest: ['0001', '0002', '0003'],
              completed: new Set(completed),
              attempted: new Set(attempted.filter((id) => !completed.includes(id))),
              ...(last && { last }),
              unfinishedElsewhere:
                elsewhere === undefined ? [] : [{ migration: '0009', attempt: 1, deadline: elsewhere }],
              allowOutOfOrder,
              now: NOW,
            });
          }
        }
      }
    }
  }
  return situations;
}

/** The table of docs/design.md §5, each row as its condition and its step, without the code's order or helpers. */
interface Row {
  row: string;
  holds: (s: Situation) => boolean;
  step: string;
}
const pendingOf = (s: Situation) => ['0001', '0002', '0003'].find((id) => !s.completed.has(id));
const isLate = (s: Situation) => {
  const seen = [...s.completed, ...s.attempted];
  return s.manifest.some((id) => !seen.includes(id) && seen.some((other) => other > id));
};
const mayRun = (s: Situation) => s.last?.outcome === undefined && (s.last?.claim?.deadline ?? 0) > NOW;
const leadsOn = (decision: Decision | undefined) => decision !== undefined && decision !== 'abort';
const undecided = (s: Situation) => s.last !== undefined && !leadsOn(s.last.decision) && s.last.outcome !== 'succeeded';

const isStopped = (s: Situation) =>
  s.last?.stopped !== undefined && s.last.outcome === undefined && s.last.decision === undefined;

const TABLE: Row[] = [
  { row: 'none is left', holds: (s) => pendingOf(s) === undefined, step: 'finished' },
  { row: 'late and not allowed', holds: (s) => isLate(s) && !s.allowOutOfOrder, step: 'refuse OutOfOrder' },
  {
    row: 'code of another migration may be running',
    holds: (s) => s.unfinishedElsewhere.some(({ deadline }) => deadline > NOW),
    step: 'wait',
  },
  { row: 'no attempt', holds: (s) => s.last === undefined, step: 'run 1' },
  { row: 'succeeded', holds: (s) => s.last?.outcome === 'succeeded', step: 'record' },
  { row: 'decided onward, old attempt may run', holds: (s) => leadsOn(s.last?.decision) && mayRun(s), step: 'wait' },
  {
    row: 'mark-applied or skip',
    holds: (s) => s.last?.decision === 'mark-applied' || s.last?.decision === 'skip',
    step: 'record',
  },
  { row: 'retry', holds: (s) => s.last?.decision === 'retry', step: 'run n+1' },
  {
    row: 'halt open in another live execution',
    holds: (s) => undecided(s) && s.last?.haltOpenIn !== undefined,
    step: 'refuse HaltedElsewhere',
  },
  {
    row: 'stopped at a checkpoint, owner another live execution',
    holds: (s) => isStopped(s) && s.last?.claim?.owner === 'alive',
    step: 'wait',
  },
  { row: 'stopped at a checkpoint', holds: isStopped, step: 'run the next slice' },
  {
    row: 'no outcome, owner this or another live execution, deadline not passed',
    holds: (s) => undecided(s) && mayRun(s) && s.last?.claim?.owner !== 'dead',
    step: 'wait',
  },
  { row: 'any other', holds: () => true, step: 'halt' },
];

function brief(next: NextStep, s: Situation): string {
  if (next.step === 'refuse') return `refuse ${next.error}`;
  if (next.step !== 'run') return next.step;
  if (next.slice !== 1) {
    const follows = next.attempt === s.last?.attempt && next.slice === (s.last.stopped?.slice ?? 0) + 1;
    return follows ? 'run the next slice' : 'run ?';
  }
  return next.attempt === 1 && !s.last ? 'run 1' : next.attempt === (s.last?.attempt ?? 0) + 1 ? 'run n+1' : 'run ?';
}

describe('decide', () => {
  const situations = everySituation();

  it('answers the first row of the table that holds, in every situation', () => {
    const seen = new Set<string>();
    for (const situation of situations) {
      const row = TABLE.find(({ holds }) => holds(situation));
      seen.add(row?.row ?? '');
      expect(brief(decide(situation), situation), `${row?.row ?? ''}: ${JSON.stringify(situation)}`).toBe(row?.step);
    }
    expect([...seen].sort()).toEqual(TABLE.map(({ row }) => row).sort()); // every row was reached
  });

  it('names the first pending migration and its last attempt', () => {
    for (const situation of situations) {
      const next = decide(situation);
      if (next.step === 'run' || next.step === 'record' || next.step === 'halt') {
        expect(next.migration).toBe(pendingOf(situation));
        const later = next.step === 'run' && next.slice === 1 ? 1 : 0;
        expect(next.attempt).toBe((situation.last?.attempt ?? 0) + later);
      }
    }
  });

  it('starts a later attempt only after retry, and nothing while code may be running', () => {
    for (const situation of situations) {
      const next = decide(situation);
      if (next.step !== 'run') continue;
      if (next.slice > 1) {
        expect(situation.last?.stopped).toBeDefined();
        expect(situation.last?.claim?.owner).not.toBe('alive');
      } else if (situation.last) {
        expect(situation.last.decision).toBe('retry');
        expect(situation.last.outcome).not.toBe('succeeded');
        expect(mayRun(situation)).toBe(false);
      }
      expect(situation.unfinishedElsewhere.every(({ deadline }) => deadline <= NOW)).toBe(true);
    }
  });

  it('waits at least a second and at most five minutes', () => {
    for (const situation of situations) {
      const next = decide(situation);
      if (next.step !== 'wait') continue;
      expect(Number.isInteger(next.seconds)).toBe(true);
      expect(next.seconds).toBeGreaterThanOrEqual(1);
      expect(next.seconds).toBeLessThanOrEqual(300);
    }
  });

  it('polls a long running attempt of another execution less often than a young one', () => {
    const waiting = (runningMs: number) => {
      const claim = { owner: 'alive' as const, at: NOW - runningMs, deadline: FUTURE };
      const next = decide({
        manifest: ['0001'],
        completed: new Set(),
        attempted: new Set(['0001']),
        last: { attempt: 1, claim },
        unfinishedElsewhere: [],
        allowOutOfOrder: false,
        now: NOW,
      });
      return next.step === 'wait' ? next.seconds : undefined;
    };
    expect([1_000, 60_000, 600_000, 86_400_000].map(waiting)).toEqual([2, 6, 60, 300]);
  });

  it('polls one that is between two slices elsewhere by the time since it stopped, not since its slice began', () => {
    const next = decide({
      manifest: ['0001'],
      completed: new Set(),
      attempted: new Set(['0001']),
      last: {
        attempt: 1,
        claim: { owner: 'alive', at: NOW - 900_000, deadline: FUTURE },
        stopped: { slice: 1, at: NOW - 500 },
      },
      unfinishedElsewhere: [],
      allowOutOfOrder: false,
      now: NOW,
    });
    expect(next).toMatchObject({ step: 'wait', seconds: 2 });
    expect(next).toHaveProperty('why', 'attempt 1 of 0001 is between two slices in another execution');
  });

  it('names every late file, and what was run before it', () => {
    const next = decide({
      manifest: ['0001', '0002', '0004'],
      completed: new Set(['0003', '0004']),
      attempted: new Set(),
      unfinishedElsewhere: [],
      allowOutOfOrder: false,
      now: NOW,
    });
    expect(next).toEqual({ step: 'refuse', error: 'OutOfOrder', late: ['0001', '0002'], highest: '0004' });
  });
});
