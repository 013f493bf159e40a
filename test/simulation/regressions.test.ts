// What once broke the protocol, each as the schedule in which it did: with the real functions, and with what has to happen now.
import { describe, expect, it } from 'vitest';
import * as code from './code.ts';
import { planned } from './planned.ts';
import type { Scenario } from './scenario.ts';
import { ANNA_RETRIES, FIRST_THROWS, QUIET } from './scenario.ts';
import type { Result } from './simulation.ts';
import { simulate } from './simulation.ts';

const plain = planned('0010');
const next = planned('0020', { steps: 1 });
const inSlices = planned('0010', { steps: 3, stepMs: 4_000, sliceMs: 10_000 });
const record = 'odin-migrate-simulated-record-completion';

/** Plays it: no invariant is violated, and everything that was to happen at a request has happened. */
async function play(scenario: Partial<Scenario> & Pick<Scenario, 'migrations'>): Promise<Result> {
  const whole = { ...QUIET, operators: 0, finish: false, ...scenario };
  const result = await simulate({ seed: 1, scenario: whole }, { code, trace: true });
  const told = result.timeline?.join('\n');
  expect(result.violations, told).toEqual([]);
  expect(result.missed, told).toEqual([]);
  return result;
}

/** `allowed 0010 1/1`, `halted failed`, `decided retry`, `completed 0010 applied`. */
const logOf = ({ entries }: Result): string[] =>
  entries.map(({ kind, migration, attempt, slice, reason, decision, ids, completion }) => {
    if (kind === 'allowed') return `allowed ${migration} ${attempt}/${String(slice)}`;
    if (kind === 'completed') return `completed ${String(ids)} ${String(completion)}`;
    return `${kind} ${String(kind === 'halted' ? reason : decision)}`;
  });

const answerTo = ({ answers }: Result, by: string): unknown => {
  const answer = answers.find((one) => one.by === by)?.answer;
  return answer?.['result'] === 'refused' ? answer['code'] : answer?.['result'];
};

const endOf = ({ executions }: Result, name: string): string | undefined => {
  const execution = executions.find((one) => one.name === name);
  return execution && [execution.status, execution.error].join(' ').trim();
};

describe('an empty log', () => {
  it('is not taken for an old ledger when another run begins it, and completes something, while it is looked at', async () => {
    const played = await play({
      migrations: [planned('0010', { steps: 1, stepMs: 1_000 })],
      startsMs: [0, 1_000],
      directed: [{ who: 'list-pending', what: /^list completed\//, kind: 'stall', size: 0, ms: 60_000 }],
    });
    expect(logOf(played)).toEqual(['allowed 0010 1/1', 'completed 0010 applied']);
    expect(endOf(played, 'run-1')).toBe('SUCCEEDED');
  });
});

describe('a turn speaks for itself alone', () => {
  it('a slice that stopped, and whose function does not know it, while another run goes on with the next one', async () => {
    const played = await play({
      migrations: [inSlices],
      directed: [{ who: '0010', what: /^create .*outcome/, kind: 'lost', size: 1, ms: 22_000 }],
      script: [
        { after: { who: '0010', what: /^create .*outcome/ }, act: 'stop', name: 'run-1' },
        { after: { who: '0010', what: /^create .*outcome/ }, ms: 1_000, act: 'start', name: 'other' },
      ],
    });
    expect(played.starts.slice(0, 2)).toEqual(['0010, attempt 1, slice 1', '0010, attempt 1, slice 2']);
    expect(logOf(played).at(-1)).toBe('completed 0010 applied');
    expect(logOf(played)).not.toContain('halted failed');
    expect(endOf(played, 'other')).toBe('SUCCEEDED');
  });

  it('an attempt that succeeds while a retry of it waits for its deadline is recorded, and there is no other', async () => {
    const played = await play({
      migrations: [plain],
      directed: [
        { who: 'Step Functions', what: /-0010$/, kind: 'error while it runs', size: 0, ms: 1_000 },
        // Its outcome arrives after the deadline, just before somebody else creates it as unknown.
        { who: '0010', what: /^create .*outcome/, kind: 'late', size: 0, ms: 60_000 },
        { who: 'list-pending', what: /^create .*outcome/, kind: 'stall', size: 0, ms: 60_000 },
      ],
      script: [
        {
          after: { who: 'halt', what: /^create waiters/ },
          ms: 1_000,
          act: 'decide',
          decision: 'retry',
          by: 'anna',
          halt: 'open',
        },
      ],
    });
    expect(played.starts).toEqual(['0010, attempt 1, slice 1']);
    expect(logOf(played)).toEqual(['allowed 0010 1/1', 'halted unknown', 'decided retry', 'completed 0010 applied']);
  });
});

describe('an execution whose history is nearly full', () => {
  it('is not handed the run back by the one that it hands it to, however long it takes to end', async () => {
    const played = await play({
      migrations: [inSlices],
      handoverEvents: 20,
      directed: [{ who: 'list-pending', what: /^replace state/, kind: 'stall', size: 0, ms: 60_000 }],
    });
    expect(endOf(played, 'run-1')).toBe('SUCCEEDED');
    expect(logOf(played).at(-1)).toBe('completed 0010 applied');
  });
});

describe('a checkpoint that says when it is gone on from', () => {
  const waiting = planned('0010', { steps: 2, stepMs: 4_000, sliceMs: 30_000, waitMs: 20 * 60_000 });
  const twice = { ...waiting, steps: 3 };
  const timesOf = ({ entries }: Result) => entries.map(({ time }) => Date.parse(String(time)));
  const AT_OUTCOME = { after: { who: '0010', what: /^create .*outcome/ } };

  it('is waited for, at each of them, and its run needs nobody', async () => {
    const played = await play({ migrations: [twice] });
    // The third says no time, and nothing comes after it.
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'allowed 0010 1/2',
      'allowed 0010 1/3',
      'completed 0010 applied',
    ]);
    const [first = 0, second = 0, third = 0] = timesOf(played);
    expect([second - first, third - second].every((ms) => ms > 20 * 60_000 && ms < 21 * 60_000)).toBe(true);
    expect(endOf(played, 'run-1')).toBe('SUCCEEDED');
  });

  it('a run that is stopped in the wait: another one waits for the rest, and beside it a third one', async () => {
    const played = await play({
      migrations: [waiting],
      script: [
        { ...AT_OUTCOME, ms: 60_000, act: 'stop', name: 'run-1' },
        { ...AT_OUTCOME, ms: 120_000, act: 'start', name: 'other' },
        { ...AT_OUTCOME, ms: 180_000, act: 'start', name: 'third' },
      ],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'allowed 0010 1/2',
      'allowed 0010 1/3',
      'completed 0010 applied',
    ]);
    expect([endOf(played, 'other'), endOf(played, 'third')]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  });

  it('one that is redriven in the wait goes on with it', async () => {
    const played = await play({
      migrations: [waiting],
      script: [
        { ...AT_OUTCOME, ms: 60_000, act: 'stop', name: 'run-1' },
        { ...AT_OUTCOME, ms: 120_000, act: 'redrive', name: 'run-1' },
      ],
    });
    expect(endOf(played, 'run-1')).toBe('SUCCEEDED');
    expect(logOf(played)).not.toContain('halted failed');
  });

  it('one whose history is nearly full in the wait hands over, and the next one waits', async () => {
    const played = await play({ migrations: [waiting], handoverEvents: 60 });
    expect(logOf(played).at(-1)).toBe('completed 0010 applied');
    expect(played.executions.length).toBeGreaterThan(1);
  });

  it('a cancel halts within five minutes, and a retry stops there before any of its code', async () => {
    const played = await play({
      migrations: [waiting],
      script: [{ ...AT_OUTCOME, ms: 300_000, act: 'cancel', by: 'ben' }, ANNA_RETRIES],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'decided cancel',
      'halted cancelled',
      'decided retry',
      'allowed 0010 2/1',
      'allowed 0010 2/2',
      'allowed 0010 2/3',
      'completed 0010 applied',
    ]);
    const [, cancelled = 0, halted = 0] = timesOf(played);
    expect(halted - cancelled).toBeLessThan(301_000);
    expect(played.starts).toEqual(['0010, attempt 1, slice 1', '0010, attempt 2, slice 2', '0010, attempt 2, slice 3']);
  });

  it('other code in the wait halts before its time, and goes on at it when a person keeps the checkpoint', async () => {
    const played = await play({
      migrations: [waiting],
      script: [
        { ...AT_OUTCOME, ms: 60_000, act: 'deploy', migrations: [{ ...waiting, code: 2 }] },
        { ...ANNA_RETRIES, begin: 'checkpoint' } as typeof ANNA_RETRIES,
      ],
    });
    expect(logOf(played).slice(0, 5)).toEqual([
      'allowed 0010 1/1',
      'halted code-changed',
      'decided retry',
      'allowed 0010 2/1',
      'allowed 0010 2/2',
    ]);
    const [first = 0, , , , next = 0] = timesOf(played);
    expect(next - first).toBeGreaterThan(20 * 60_000);
    expect(logOf(played).at(-1)).toBe('completed 0010 applied');
  });

  it('a plan waits too, and its batches come when it is sealed', async () => {
    const played = await play({
      migrations: [planned('0010', { steps: 1, waitMs: 60_000, batches: { of: 2, yields: 1, atOnce: 2 } })],
    });
    expect(logOf(played)).toEqual([
      ...[1, 2, 3, 4].map((slice) => `allowed 0010 1/${slice}`).slice(0, logOf(played).length - 1),
      'completed 0010 applied',
    ]);
  });
});

describe('a start and something else', () => {
  it('a baseline before the turn is allowed: the run decides anew', async () => {
    const played = await play({
      migrations: [plain, next],
      directed: [{ who: 'list-pending', what: /^create log/, kind: 'stall', size: 0, ms: 5_000 }],
      script: [{ after: { who: 'list-pending', what: /^list log/ }, act: 'baseline', by: 'anna', through: '0010' }],
    });
    expect(logOf(played).slice(0, 2)).toEqual(['completed 0010 baseline', 'allowed 0020 1/1']);
    expect(played.starts).toEqual(['0020, attempt 1, slice 1']);
  });

  it('a baseline after the turn is allowed, and before it is claimed, is refused', async () => {
    const played = await play({
      migrations: [plain, next],
      directed: [{ who: '0010', what: /^create .*claim/, kind: 'stall', size: 0, ms: 20_000 }],
      script: [{ after: { who: 'list-pending', what: /^create log/ }, act: 'baseline', by: 'anna', through: '0010' }],
    });
    expect(answerTo(played, 'anna')).toBe('AlreadyAttempted');
    expect(played.starts).toEqual(['0010, attempt 1, slice 1', '0020, attempt 1, slice 1']);
  });

  it('a file that is removed while it runs: another run waits for it, and records it', async () => {
    const played = await play({
      migrations: [plain, next],
      script: [
        { after: { who: '0010', what: /step 0$/ }, act: 'deploy', migrations: [next] },
        { after: { who: '0010', what: /step 0$/ }, ms: 1_000, act: 'start', name: 'other' },
      ],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'completed 0010 applied',
      'allowed 0020 1/1',
      'completed 0020 applied',
    ]);
  });

  it('a lower number that is deployed while a higher one starts is refused, by name, when that has ended', async () => {
    const played = await play({
      migrations: [next],
      script: [
        { after: { who: 'list-pending', what: /^create log/ }, act: 'deploy', migrations: [plain, next] },
        { after: { who: 'list-pending', what: /^create log/ }, ms: 1_000, act: 'start', name: 'other' },
      ],
    });
    expect(played.starts).toEqual(['0020, attempt 1, slice 1']);
    expect([endOf(played, 'run-1'), endOf(played, 'other')]).toEqual(['FAILED OutOfOrder', 'FAILED OutOfOrder']);
  });
});

describe('one halt, one decision', () => {
  it('what was decided first stays, also when it could not be recorded and something else is said of that', async () => {
    const said = { act: 'decide', halt: 'open' } as const;
    const played = await play({
      migrations: [plain],
      directed: [
        FIRST_THROWS,
        { who: 'record-completion', what: /^list log/, kind: 'forbidden', size: 0, ms: 122_000 },
      ],
      script: [
        { after: { who: 'halt', what: /^create waiters/ }, ms: 1_000, ...said, decision: 'mark-applied', by: 'anna' },
        { after: { who: 'halt', what: /^create waiters/, nth: 2 }, ms: 1_000, ...said, decision: 'retry', by: 'ben' },
        { after: { who: 'halt', what: /^create waiters/, nth: 2 }, ms: 1_010, ...said, decision: 'skip', by: 'carol' },
      ],
    });
    expect(played.starts).toEqual(['0010, attempt 1, slice 1']);
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'halted failed',
      'decided mark-applied',
      'halted unrecorded',
      'decided retry',
      'completed 0010 marked-applied',
    ]);
    expect(played.entries.at(-1)?.['by']).toBe('anna');
    expect(answerTo(played, 'ben')).toBe('decided');
    expect(answerTo(played, 'carol')).toBe('AlreadyDecided');
  });

  it('what can have no effect any more gives way to what is said instead of it', async () => {
    const lower = planned('0005');
    const played = await play({
      migrations: [plain],
      directed: [FIRST_THROWS],
      script: [
        {
          after: { who: 'halt', what: /^create waiters/ },
          ms: 1_000,
          ...{ act: 'decide', halt: 'open', decision: 'retry', by: 'anna' },
        },
        { after: { who: 'resume', what: /^create log/ }, act: 'deploy', migrations: [lower, plain] },
        { atMs: 600_000, act: 'decide', halt: 2, decision: 'skip', by: 'ben' },
        { atMs: 700_000, act: 'decide', halt: 2, decision: 'skip', by: 'carol', instead: 3 },
      ],
    });
    expect(played.starts).toEqual(['0010, attempt 1, slice 1']);
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'halted failed',
      'decided retry',
      'decided skip',
      'completed 0010 skipped',
    ]);
    expect(endOf(played, 'run-1')).toBe('FAILED OutOfOrder');
    expect(answerTo(played, 'ben')).toBe('AlreadyDecided');
    expect(answerTo(played, 'carol')).toBe('decided');
  });

  it('a halt of what never started holds every run', async () => {
    const played = await play({
      migrations: [plain],
      directed: [{ who: 'Step Functions', what: /-0010$/, kind: 'refused', size: 0 }],
      script: [{ after: { who: 'halt', what: /^create waiters/ }, ms: 1_000, act: 'start', name: 'other' }],
    });
    expect(played.starts).toEqual([]);
    expect(endOf(played, 'other')).toBe('FAILED HaltedElsewhere');
    expect(logOf(played)).toEqual(['allowed 0010 1/1', 'halted not-started']);
    expect(endOf(played, 'run-1')).toBe('RUNNING');
  });

  it('an execution whose halt was settled, and that was not told, does not wait for ever', async () => {
    const played = await play({
      migrations: [plain],
      directed: [FIRST_THROWS, { who: 'resume', what: /^SendTaskSuccess/, kind: 'fails', size: 0 }],
      script: [
        {
          after: { who: 'halt', what: /^create waiters/ },
          ms: 1_000,
          act: 'decide',
          decision: 'retry',
          by: 'anna',
          halt: 'open',
        },
        { after: { who: 'resume', what: /^SendTaskSuccess/ }, ms: 1_000, act: 'start', name: 'other' },
      ],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'halted failed',
      'decided retry',
      'allowed 0010 2/1',
      'completed 0010 applied',
    ]);
    expect([endOf(played, 'other'), endOf(played, 'run-1')]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  });
});

it('a decision that is recorded, and told to nobody, and of which nobody waits any more, is acted on', async () => {
  const played = await play({
    migrations: [plain],
    directed: [FIRST_THROWS, { who: 'resume', what: /^create log/, kind: 'crash after', size: 0 }],
    script: [
      { after: { who: 'halt', what: /^create waiters/ }, ms: 1_000, act: 'stop', name: 'run-1' },
      { after: { who: 'halt', what: /^create waiters/ }, ms: 2_000, act: 'decide', decision: 'retry', by: 'anna' },
    ],
  });
  expect(played.starts).toEqual(['0010, attempt 1, slice 1', '0010, attempt 2, slice 1']);
  expect(logOf(played).at(-1)).toBe('completed 0010 applied');
});

describe('the process of user code', () => {
  const retried = {
    after: { who: 'halt', what: /^create waiters/ },
    ms: 1_000,
    act: 'decide',
    decision: 'retry',
    by: 'anna',
  } as const;

  it('what is left pending when its time is over does not go on, also when its function is thawed', async () => {
    const played = await play({
      migrations: [plain],
      warm: 1,
      directed: [{ who: '0010', what: /step 1$/, kind: 'hangs', size: 0 }],
      script: [retried],
    });
    expect(played.starts).toEqual(['0010, attempt 1, slice 1', '0010, attempt 2, slice 1']);
    expect(played.entries[1]?.['error']).toMatchObject({ name: 'OutOfTime' });
    expect(logOf(played).at(-1)).toBe('completed 0010 applied');
    // The hook of the second attempt's steps: those of the first one's process never came again.
    expect(played.timeline?.filter((line) => line.includes('user code of 0010, step')).length).toBe(4);
  });

  it("an error at a file's top level does not stick to the function that is thawed", async () => {
    const played = await play({
      migrations: [plain],
      warm: 1,
      directed: [{ who: '0010', what: /top level$/, kind: 'throws', size: 0 }],
      script: [retried],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'halted failed',
      'decided retry',
      'allowed 0010 2/1',
      'completed 0010 applied',
    ]);
  });
});

describe('other code', () => {
  const other = { ...inSlices, code: 2 };

  it('does not go on at the cursor of a failed attempt unless a person says so', async () => {
    const halted = { who: 'halt', what: /^create waiters/ };
    const played = await play({
      migrations: [inSlices],
      directed: [{ who: '0010', what: /step 1$/, kind: 'throws', size: 0 }],
      script: [
        { after: halted, act: 'deploy', migrations: [other] },
        { after: halted, ms: 1_000, act: 'decide', decision: 'retry', by: 'anna' },
        { after: halted, ms: 2_000, act: 'decide', decision: 'retry', by: 'ben', begin: 'start' },
      ],
    });
    expect([answerTo(played, 'anna'), answerTo(played, 'ben')]).toEqual(['OtherCode', 'decided']);
    expect(played.entries.find(({ attempt, kind }) => kind === 'allowed' && attempt === 2)?.['begin']).toBe('start');
    expect(logOf(played).at(-1)).toBe('completed 0010 applied');
  });

  it('does not go on with the next slice of an attempt', async () => {
    const played = await play({
      migrations: [inSlices],
      script: [{ after: { who: '0010', what: /^create .*outcome/ }, act: 'deploy', migrations: [other] }],
    });
    expect(played.starts).toEqual(['0010, attempt 1, slice 1']);
    expect(logOf(played)).toEqual(['allowed 0010 1/1', 'halted code-changed']);
  });
});

describe('what is in the ledger', () => {
  it('a completion is not recorded by hand while code may run', async () => {
    const turn = { execution: 'somebody', migration: '0010', attempt: 1, turn: 1 };
    const byHand = { act: 'invoke', functionName: record, payload: { ask: 'record', ...turn } } as const;
    const played = await play({
      migrations: [plain],
      directed: [
        { who: 'Step Functions', what: /-0010$/, kind: 'error while it runs', size: 0, ms: 1_000 },
        { who: '0010', what: /step 1$/, kind: 'stands still', size: 0 },
      ],
      script: [
        { after: { who: '0010', what: /step 0$/ }, ...byHand },
        { after: { who: 'halt', what: /^create waiters/ }, ms: 1_000, act: 'decide', decision: 'skip', by: 'anna' },
        { after: { who: 'resume', what: /^create log/ }, ms: 1_000, ...byHand },
      ],
    });
    expect(logOf(played)).toEqual(['allowed 0010 1/1', 'halted unknown', 'decided skip', 'completed 0010 skipped']);
    const [, , decided, completed] = played.entries.map(({ time }) => Date.parse(String(time)));
    expect(completed! - decided!).toBeGreaterThan(40_000);
  });

  it('each halt keeps its error, and stands before what was decided on it', async () => {
    const played = await play({
      migrations: [plain],
      directed: [FIRST_THROWS, { who: '0010', what: /step 0$/, nth: 2, kind: 'exits', size: 0 }],
      script: [
        ANNA_RETRIES,
        {
          after: { who: 'halt', what: /^create waiters/, nth: 2 },
          ms: 1_000,
          act: 'decide',
          decision: 'abort',
          by: 'ben',
        },
      ],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'halted failed',
      'decided retry',
      'allowed 0010 2/1',
      'halted failed',
      'decided abort',
    ]);
    const errors = played.entries.flatMap(({ kind, error }) =>
      kind === 'halted' ? [(error as { name: string }).name] : [],
    );
    expect(errors).toEqual(['UserFailure', 'ProcessExited']);
    expect(endOf(played, 'run-1')).toBe('FAILED Aborted');
  });

  it('what a taken-over role has put there stops one turn, and no environment', async () => {
    const played = await play({
      migrations: [plain],
      script: [
        { atMs: 0, act: 'put', key: 'turns/0010/x/started.json', body: 'rubbish' },
        {
          after: { who: 'list-pending', what: /^create log/ },
          act: 'put',
          key: 'turns/0010/00000001/claim.json',
          body: '{"claim":"mine"}',
        },
        ANNA_RETRIES,
      ],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'halted unknown',
      'decided retry',
      'allowed 0010 2/1',
      'completed 0010 applied',
    ]);
    expect(played.starts).toEqual(['0010, attempt 2, slice 1']);
  });

  it('a decision that another execution goes on from, while the one that waits was not told: the watch tells it, and nobody waits for ever', async () => {
    const played = await play({
      migrations: [planned('0010', { steps: 1 })],
      startsMs: [0, 10 * 60_000],
      directed: [
        FIRST_THROWS,
        // Somebody invokes list-pending as if he were the execution that waits.
        { who: 'resume', what: /^list waiters/, kind: 'by hand', size: 0.99 },
        { who: 'resume', what: /^get waiters/, kind: 'fails', size: 0 },
      ],
      script: [ANNA_RETRIES],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'halted failed',
      'decided retry',
      'allowed 0010 2/1',
      'completed 0010 applied',
    ]);
    expect(endOf(played, 'run-1')).toBe('SUCCEEDED');
    expect(endOf(played, 'run-2')).toBe('SUCCEEDED');
  });
});

describe('batches', () => {
  const inBatches = planned('0010', { steps: 1, stepMs: 10_000, batches: { of: 3, yields: 3, atOnce: 3 } });
  const batchesStarted = ({ starts }: Result): string[] =>
    starts.flatMap((start) => /attempt (\d+, slice \d+, batch \d+)$/.exec(start)?.[1] ?? []);
  const RUNS = /invokes .*-0010$/;
  /** The first invocation plans. */
  const nthBatch = (nth: number) => ({ who: 'Step Functions', what: RUNS, nth: nth + 1 });

  it('a map that is stopped half way: the next run waits for those that began, and runs the others', async () => {
    const played = await play({
      migrations: [{ ...inBatches, batches: { of: 3, yields: 3, atOnce: 1 } }],
      script: [
        { after: { who: '0010', what: /^create .*000001-claim/ }, act: 'stop', name: 'run-1' },
        { after: { who: '0010', what: /^create .*000001-claim/ }, ms: 1_000, act: 'start', name: 'other' },
      ],
    });
    expect(batchesStarted(played)).toEqual(['1, slice 2, batch 1', '1, slice 3, batch 2', '1, slice 3, batch 3']);
    expect(played.entries.map((entry) => (entry['batches'] as { rest: string } | undefined)?.rest)).toEqual([
      undefined,
      '1-3',
      '2-3',
      undefined,
    ]);
    expect(endOf(played, 'other')).toBe('SUCCEEDED');
  });

  it('a child that is dispatched twice, and one that begins after the end of its map, run nothing', async () => {
    const played = await play({
      migrations: [inBatches],
      directed: [
        { ...nthBatch(1), kind: 'duplicate', size: 0 },
        { ...nthBatch(2), kind: 'late duplicate', size: 0, ms: 20 * 60_000 },
      ],
    });
    expect(batchesStarted(played).sort()).toEqual([1, 2, 3].map((batch) => `1, slice 2, batch ${batch}`));
    expect(logOf(played)).toEqual(['allowed 0010 1/1', 'allowed 0010 1/2', 'completed 0010 applied']);
  });

  it('a child that has not begun when its map is given up finds its turn closed, and is run in the next one', async () => {
    const played = await play({
      migrations: [inBatches],
      directed: [{ ...nthBatch(2), kind: 'late start', size: 0, ms: 20 * 60_000 }],
      script: [
        { after: { who: '0010', what: /^create .*000001-outcome/ }, ms: 30_000, act: 'stop', name: 'run-1' },
        { after: { who: '0010', what: /^create .*000001-outcome/ }, ms: 31_000, act: 'start', name: 'other' },
      ],
    });
    expect(batchesStarted(played).sort()).toEqual([
      '1, slice 2, batch 1',
      '1, slice 2, batch 3',
      '1, slice 3, batch 2',
    ]);
    expect(logOf(played).at(-1)).toBe('completed 0010 applied');
  });

  it('a child that runs on after its map, beside one that failed: there is no halt, and no retry, before it has ended', async () => {
    const played = await play({
      migrations: [{ ...inBatches, timeoutMs: 15 * 60_000 }],
      directed: [
        { ...nthBatch(1), kind: 'error while it runs', size: 0, ms: 1_000 },
        { who: '0010', what: /^create .*000001-outcome/, kind: 'stall', size: 0, ms: 5 * 60_000 },
        { who: '0010', what: /step 0$/, nth: 2, kind: 'throws', size: 0 },
        { who: '0010', what: /step 0$/, nth: 3, kind: 'throws', size: 0 },
        { who: '0010', what: /step 0$/, nth: 4, kind: 'throws', size: 0 },
      ],
      script: [ANNA_RETRIES],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'allowed 0010 1/2',
      'halted failed',
      'decided retry',
      'allowed 0010 2/1',
      'completed 0010 applied',
    ]);
    const [, began, halted] = played.entries.map(({ time }) => Date.parse(String(time)));
    expect(halted! - began!).toBeGreaterThan(5 * 60_000);
  });

  it('a plan that was ended while it put down a batch moves no checkpoint when its function is thawed', async () => {
    const played = await play({
      migrations: [inBatches],
      warm: 1,
      directed: [{ who: '0010', what: /000001-items/, kind: 'stall', size: 0, ms: 2 * 60_000 }],
      script: [{ atMs: 6 * 60_000, act: 'preview', migration: '0010' }],
    });
    expect(logOf(played)).toEqual(['allowed 0010 1/1', 'halted failed']);
    expect(played.timeline?.filter((line) => / (create|replace) checkpoints/.test(line))).toEqual([]);
  });

  /** The first step is of the plan. */
  const nthIsSlowed = (nth: number) => ({
    who: '0010',
    what: /step 0$/,
    nth: nth + 1,
    kind: 'throws' as const,
    size: 0.9,
  });

  it('a batch that S3 slows down closes its turn, and is run in the next one, with what had not begun', async () => {
    const played = await play({
      migrations: [{ ...inBatches, batches: { of: 3, yields: 3, atOnce: 1 } }],
      directed: [nthIsSlowed(2)],
    });
    expect(batchesStarted(played)).toEqual([
      '1, slice 2, batch 1',
      '1, slice 2, batch 2',
      '1, slice 3, batch 2',
      '1, slice 3, batch 3',
    ]);
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'allowed 0010 1/2',
      'allowed 0010 1/3',
      'completed 0010 applied',
    ]);
    expect(played.entries[2]?.['batches']).toMatchObject({ rest: '2-3', slowed: 1 });
  });

  it('what S3 slows down again and again halts, and a retry begins anew', async () => {
    const played = await play({
      migrations: [{ ...inBatches, batches: { of: 1, yields: 1, atOnce: 1 } }],
      directed: Array.from({ length: 11 }, (_, at) => nthIsSlowed(at + 1)),
      script: [ANNA_RETRIES],
    });
    expect(logOf(played)).toEqual([
      ...Array.from({ length: 12 }, (_, at) => `allowed 0010 1/${at + 1}`),
      'halted failed',
      'decided retry',
      'allowed 0010 2/1',
      'completed 0010 applied',
    ]);
    const times = played.entries.map(({ time }) => Date.parse(String(time)));
    expect(times[12]! - times[1]!).toBeGreaterThan(75 * 60_000);
    expect(played.entries.at(-2)?.['batches']).not.toHaveProperty('slowed');
  });

  it('what a plan throws because of S3 is a failure: nobody but a person has it run again', async () => {
    const played = await play({ migrations: [inBatches], directed: [nthIsSlowed(0)] });
    expect(logOf(played)).toEqual(['allowed 0010 1/1', 'halted failed']);
  });

  it('an outcome of a batch that cannot be read is one of which nobody knows: a person decides', async () => {
    const key = 'turns/0010/00000002/batches/000002-outcome.json';
    const played = await play({
      migrations: [inBatches],
      script: [{ after: { who: '0010', what: /step 0$/, nth: 2 }, act: 'put', key, body: 'rubbish' }, ANNA_RETRIES],
    });
    expect(logOf(played)).toEqual([
      'allowed 0010 1/1',
      'allowed 0010 1/2',
      'halted unknown',
      'decided retry',
      'allowed 0010 2/1',
      'completed 0010 applied',
    ]);
  });
});
