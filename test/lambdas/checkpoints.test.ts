// `Run migration` with a checkpointed migration: an async generator, in slices.
import { setImmediate as turnOfLoop, setTimeout as sleep } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunAnswer, RunPayload } from '../../core/contract/payloads.ts';
import type { CheckpointRecord, StoredCheckpoint } from '../../core/ledger/checkpoints.ts';
import { moveCheckpoint, readCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed, Halted } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { checkpointKey, claimKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import type { Outcome } from '../../core/ledger/turns.ts';
import { lookAtTurn } from '../../core/ledger/turns.ts';
import type { Self } from '../../lambdas/run-migration/allowed-turn.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { Fault } from '../../lambdas/run-migration/practice-fault.ts';
import { withPracticeFault } from '../../lambdas/run-migration/practice-fault.ts';
import type { RunUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { executionArn } from '../support/fake-executions.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import { nested } from '../support/hostile.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const MINUTE = 60_000;
const ME = executionArn('me');
const KEY = checkpointKey('0004');

type Turn = Numbered<Allowed>;

let world: World;
let prepared: LedgerBefore;
let self: Self;
/** The last turn that the log allows. */
let turn: Turn;
/** What each start of user code received. */
let resumed: unknown[];

beforeEach(async () => {
  world = createWorld();
  prepared = ledgerBefore(world);
  self = { migration: '0004', codeSha256: CODE, sliceMs: undefined, saveEveryMs: 0 };
  resumed = [];
  turn = await prepared.allow('0004', { execution: ME });
});

const inThisProcess = (module: MigrationModule): RunUserCode =>
  runInThisProcess(() => Promise.resolve(module), world.timing);

type Generate = (resume: unknown) => AsyncGenerator<unknown, void, undefined>;

const payloadOf = ({ migration, attempt, slice, number, execution }: Turn): RunPayload => ({
  ask: 'run',
  execution,
  migration,
  attempt,
  slice,
  turn: number,
});

/** Runs the last turn that was allowed. */
function run(generate: Generate, payload: Partial<RunPayload> = {}, minutes = 15): Promise<RunAnswer> {
  const module: MigrationModule = {
    migration: (resume) => {
      resumed.push(resume);
      return generate(resume);
    },
  };
  const handle = createRunMigration(self, world.services, inThisProcess(module));
  return handle({ ...payloadOf(turn), ...payload }, invocation(world, { minutes }));
}

/** A turn after one that has stopped, or that is void, as list-pending allows it. */
async function allowAfter(slice: number): Promise<void> {
  const look = await lookAtTurn(world.store.inner, turn, world.clock.now());
  const reference = 'reference' in look ? look.reference : undefined;
  const begin = slice > turn.slice ? 'checkpoint' : turn.begin;
  turn = await prepared.allow('0004', {
    execution: ME,
    attempt: turn.attempt,
    slice,
    begin,
    restsOn: { turn: reference },
  });
}
const allowNextSlice = (): Promise<void> => allowAfter(turn.slice + 1);

/** The turn is halted, a person says retry, and the next attempt is allowed. */
async function retry(begin: Allowed['begin'] = 'checkpoint', reason: Halted['reason'] = 'failed'): Promise<void> {
  const halted = await prepared.halt(turn, reason);
  const decided = await prepared.decide(halted, 'retry', { retry: { codeSha256: CODE, begin } });
  const decision = { key: entryKey(decided.number), sha256: decided.sha256 };
  turn = await prepared.allow('0004', { execution: ME, attempt: turn.attempt + 1, begin, restsOn: { decision } });
}

/** Steps from the last cursor to `total`, each of which takes so long. */
const steps = (total: number, stepMs: number, done: number[] = []): Generate =>
  async function* (resume) {
    for (let n = Number(resume ?? 0) + 1; n <= total; n += 1) {
      world.clock.advance(stepMs);
      done.push(n);
      yield await Promise.resolve({ cursor: n, done: n, total });
    }
  };
async function* yields(...values: unknown[]): AsyncGenerator<unknown, void, undefined> {
  for (const value of values) yield await Promise.resolve(value);
}
const checkpoint = async (): Promise<CheckpointRecord | undefined> =>
  (await readCheckpoint(world.store.inner, '0004'))?.checkpoint;
async function outcome(of = turn): Promise<Outcome | undefined> {
  const look = await lookAtTurn(world.store.inner, of, world.clock.now());
  return look.seen === 'closed' ? look.outcome : undefined;
}

describe('a checkpoint', () => {
  it('is durable before the code after its yield runs', async () => {
    const seen: unknown[] = [];
    await run(async function* () {
      for (const cursor of ['a', { b: [1, null] }, 3]) {
        yield { cursor, done: 1, total: 3, note: `at ${JSON.stringify(cursor)}` };
        const stored = await checkpoint();
        seen.push([stored?.cursor, stored?.sequence, stored?.note]);
      }
    });
    expect(seen).toEqual([
      ['a', 1, 'at "a"'],
      [{ b: [1, null] }, 2, 'at {"b":[1,null]}'],
      [3, 3, 'at 3'],
    ]);
  });

  it('says which turn and which code made it, and how far it is', async () => {
    await run(steps(2, 1_000));
    expect(await checkpoint()).toEqual({
      format: 1,
      turn: turn.number,
      attempt: 1,
      slice: 1,
      codeSha256: CODE,
      sequence: 2,
      time: '2026-03-01T12:00:02.000Z',
      cursor: 2,
      done: 2,
      total: 2,
      began: { time: '2026-03-01T12:00:00.000Z', done: 0 },
    });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded', checkpoints: 2, durationMs: 2_000 });
  });

  it('says where its attempt began, over all slices of it, so that its rate is that of the attempt', async () => {
    await run(steps(100, MINUTE));
    world.clock.advance(10 * MINUTE); // between two slices
    await allowNextSlice();
    await thrownBy(
      run(async function* (resume) {
        yield* steps(14, MINUTE)(resume);
        throw new Error('failed');
      }),
    );
    expect(await checkpoint()).toMatchObject({ done: 14, began: { time: '2026-03-01T12:00:00.000Z', done: 0 } });
    await retry();
    world.clock.advance(10 * MINUTE);
    const began = world.clock.iso();
    await run(steps(16, MINUTE));
    expect(await checkpoint()).toMatchObject({ done: 16, began: { time: began, done: 14 } });
    expect(world.logs.map(({ message }) => message)).toContain(
      'Checkpoint 15: 15 of 16 (93 %), 1/min, about 60 s left',
    );
  });

  it('is what was done, when the code ends well: its last counts and note, of whichever slice', async () => {
    const ends = (...values: unknown[]) => run(() => yields(...values));
    await run(async function* () {
      yield* yields({ cursor: 1, done: 7, total: 9, note: 'files moved' });
      world.clock.advance(14 * MINUTE);
      yield { cursor: 2, done: 8, total: 9, note: 'files moved, one was gone' };
    });
    expect(await outcome()).toMatchObject({ outcome: 'stopped' });
    expect((await outcome())?.did).toBeUndefined();
    await allowNextSlice();
    await ends();
    const did = { done: 8, total: 9, note: 'files moved, one was gone' };
    expect(await outcome()).toMatchObject({ outcome: 'succeeded', did });
    expect(await outcome()).not.toHaveProperty('stoppedAt');
  });

  it.each([{ done: 7 }, { note: 'all moved' }])('is what was done, when all that it says is %j', async (did) => {
    await run(() => yields({ cursor: 1, ...did }));
    expect((await outcome())?.did).toEqual(did);
    expect(await outcome()).not.toHaveProperty('stoppedAt');
  });

  it('is nothing that was done when it counts and says nothing, and when the attempt failed', async () => {
    await run(() => yields({ cursor: 1, done: 7 }, 'no checkpoint')).catch(() => undefined);
    expect(await outcome()).toMatchObject({ outcome: 'failed' });
    expect(await outcome()).not.toHaveProperty('did');
    expect(await outcome()).not.toHaveProperty('stoppedAt');
    await retry('start');
    await run(() => yields({ cursor: 1 }));
    expect(await outcome()).toMatchObject({ outcome: 'succeeded' });
    expect((await outcome())?.did).toBeUndefined();
  });

  it('is nothing at first', async () => {
    expect(await run(() => yields())).toMatchObject({ outcome: 'finished' });
    expect(resumed).toEqual([undefined]);
    expect(await checkpoint()).toBeUndefined();
  });

  it.each([null, false, 0, '', {}, [], JSON.parse('{"__proto__":1}') as unknown])(
    'may have the cursor %j, and is resumed with it',
    async (cursor) => {
      await thrownBy(
        run(async function* () {
          yield await Promise.resolve({ cursor });
          throw new Error('after the checkpoint');
        }),
      );
      await retry();
      await run(() => yields());
      expect(resumed).toEqual([undefined, cursor]);
      expect(JSON.stringify(resumed[1])).toBe(JSON.stringify(cursor)); // toEqual does not look at a key __proto__
    },
  );

  it('of the last attempt is what the next attempt receives', async () => {
    await thrownBy(
      run(async function* () {
        yield* yields({ cursor: 'one' }, { cursor: 'two' });
        throw new Error('failed after two');
      }),
    );
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { message: 'failed after two' } });
    await retry();
    await run((resume) => yields({ cursor: `${String(resume)}, three` }));
    expect(resumed).toEqual([undefined, 'two']);
    expect(await checkpoint()).toMatchObject({ cursor: 'two, three', sequence: 3, attempt: 2, turn: turn.number });
  });

  it('of the last attempt is left aside when the retry begins at the start, and is moved on from', async () => {
    await thrownBy(
      run(async function* () {
        yield* yields({ cursor: 'one', done: 1 }, { cursor: 'two', done: 2 });
        throw new Error('failed after two');
      }),
    );
    await retry('start');
    world.clock.advance(MINUTE);
    await run(() => yields({ cursor: 'one', done: 1 }));
    expect(resumed).toEqual([undefined, undefined]);
    expect(await checkpoint()).toMatchObject({
      ...{ cursor: 'one', sequence: 3, attempt: 2 },
      began: { time: '2026-03-01T12:01:00.000Z', done: 0 },
    });
  });

  it.each([
    ['no JSON', () => '{'],
    ['another kind of thing', () => '[]'],
    ['of a later turn', (body: string) => body.replace(/"turn": \d+/, '"turn": 99999999')],
  ])('that is spoiled stops no retry that begins at the start: %s', async (_, spoil) => {
    await thrownBy(run(() => yields({ cursor: 'one' }, 'no checkpoint')));
    const { inner } = world.store;
    const there = await inner.get(KEY);
    await inner.replace(KEY, spoil(there?.body ?? ''), there?.etag);
    await retry('start');
    await run(() => yields({ cursor: 'again' }));
    expect(resumed).toEqual([undefined, undefined]);
    expect(await checkpoint()).toMatchObject({ cursor: 'again', sequence: 1, attempt: 2, turn: turn.number });
  });

  it('is left aside by the same attempt too, when the turn that begins at the start was void', async () => {
    await thrownBy(run(() => yields({ cursor: 'one' }, 'no checkpoint')));
    await retry('start');
    await prepared.claim(turn, { claim: 'void' });
    await allowAfter(1);
    expect(turn).toMatchObject({ attempt: 2, begin: 'start' });
    await run(() => yields({ cursor: 'again' }));
    expect(resumed).toEqual([undefined, undefined]);
    expect(await checkpoint()).toMatchObject({ cursor: 'again', sequence: 2, turn: turn.number });
  });

  it('takes two requests: it is moved, and the log is looked at for a cancellation', async () => {
    const requests: number[] = [];
    await run(async function* () {
      for (const cursor of [1, 2, 3]) {
        requests.push(world.store.calls.length);
        yield await Promise.resolve({ cursor });
      }
    });
    expect(requests).toEqual([2, 4, 6]); // the entry and the claim; there is nothing that the first turn rests on
    expect(world.store.calls).toHaveLength(2 + 3 * 2 + 1);
    expect(world.store.calls.slice(2, 4)).toEqual([
      { operation: 'replace', key: KEY },
      { operation: 'get', key: entryKey(turn.number + 1) },
    ]);
  });

  it('that cannot be written fails the attempt, and the code after it does not run', async () => {
    let after = false;
    world.store.before = once('replace', KEY, () => {
      throw unavailable();
    });
    const error = await thrownBy(
      run(async function* () {
        yield await Promise.resolve({ cursor: 1 });
        after = true;
      }),
    );
    expect(error.code).toBe('MigrationFailed');
    expect(error.message).toContain('LedgerUnavailable');
    expect(after).toBe(false);
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { name: 'LedgerUnavailable' } });
  });

  it('that cannot be read is not taken for the start: the code of the next attempt does not run', async () => {
    await thrownBy(run(() => yields({ cursor: 'one' }, 'no checkpoint')));
    await retry();
    const there = await world.store.inner.get(KEY);
    await world.store.inner.replace(KEY, 'garbage', there?.etag);
    const error = await thrownBy(run(() => yields()));
    expect(error.code).toBe('RecordUnreadable');
    expect(error.message).toContain(KEY);
    expect(resumed).toEqual([undefined]);
    expect(await world.store.inner.get(claimKey(turn))).toBeUndefined();
  });

  it('that is known only when the log can be read after it is durable, and fails the turn', async () => {
    let after = false;
    world.store.before = once('get', entryKey(turn.number + 1), () => {
      throw unavailable();
    });
    await thrownBy(
      run(async function* () {
        yield await Promise.resolve({ cursor: 1 });
        after = true;
      }),
    );
    expect(after).toBe(false);
    expect(await checkpoint()).toMatchObject({ cursor: 1 });
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { name: 'LedgerUnavailable' } });
  });
});

describe('checkpoints that come more often than once a second', () => {
  beforeEach(() => {
    self = { ...self, saveEveryMs: undefined };
  });
  const writes = () => world.store.calls.filter(({ operation }) => operation === 'replace');

  it('are not all saved: one a second at most, and the last one', async () => {
    expect(await run(steps(1_234, 10))).toMatchObject({ outcome: 'finished' });
    expect(writes()).toHaveLength(1 + 12 + 1);
    expect(await checkpoint()).toMatchObject({ cursor: 1_234, done: 1_234, sequence: 14 });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded', checkpoints: 14 });
  });

  it('are all saved of one that takes its time', async () => {
    await run(steps(5, 1_000));
    expect(writes()).toHaveLength(5);
  });

  it('leave an attempt that fails at its last one', async () => {
    await thrownBy(
      run(async function* () {
        yield* yields({ cursor: 'one' }, { cursor: 'two' }, { cursor: 'three' });
        throw new Error('failed');
      }),
    );
    expect(await checkpoint()).toMatchObject({ cursor: 'three', sequence: 2 });
    await retry();
    await run(() => yields());
    expect(resumed).toEqual([undefined, 'three']);
  });

  it('stop a slice at one that is saved, wherever its time is over', async () => {
    const done: number[] = [];
    expect(await run(steps(100_000, 900, done))).toMatchObject({ outcome: 'more' });
    expect(await checkpoint()).toMatchObject({ cursor: done.length });
    expect(await outcome()).toMatchObject({ outcome: 'stopped', stoppedAt: { checkpoint: { cursor: done.length } } });
  });

  it('are looked at for a cancellation at least once a second', async () => {
    const done: number[] = [];
    const answer = await run(async function* (resume) {
      for await (const each of steps(1_000, 100, done)(resume)) {
        if (done.length === 15) await prepared.cancel(turn, { by: 'alice', reason: 'the data is wrong' });
        yield each;
      }
    });
    expect(answer).toMatchObject({ outcome: 'more' });
    expect(done.length).toBe(21);
    expect(await checkpoint()).toMatchObject({ cursor: 21 });
  });
});

describe('a slice', () => {
  const MORE = { outcome: 'more', migration: '0004', attempt: 1, slice: 1, turn: 1 };

  it('stops at a checkpoint when its time runs short, and asks for the next one', async () => {
    const done: number[] = [];
    // After nine minutes there are six left: enough for two more of a minute. After 13 there are less than 10 s + 2 min.
    expect(await run(steps(100, MINUTE, done))).toEqual(MORE);
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    const stoppedAt = await readCheckpoint(world.store.inner, '0004');
    expect(stoppedAt?.checkpoint).toMatchObject({ cursor: 13, slice: 1 });
    expect(await outcome()).toMatchObject({ outcome: 'stopped', checkpoints: 13, stoppedAt });
    expect(await outcome()).not.toHaveProperty('error');
  });

  it('keeps twice the time of its longest step in reserve, not of its last one', async () => {
    const durations = [4 * MINUTE, 2 * MINUTE, MINUTE, MINUTE];
    await run(async function* () {
      for (const [n, ms] of durations.entries()) {
        world.clock.advance(ms);
        yield await Promise.resolve({ cursor: n });
      }
    });
    expect(await checkpoint()).toMatchObject({ cursor: 2 }); // eight minutes were left, not ten seconds more
  });

  it('keeps ten seconds besides: a checkpoint that S3 takes slowly is no failure', async () => {
    const done: number[] = [];
    await run(steps(1_000, 1_000, done));
    expect(done.at(-1)).toBe(15 * 60 - 10 - 2 + 1);
  });

  it('lets the `finally` of the migration run, and nothing else of it', async () => {
    const seen: string[] = [];
    await run(async function* () {
      try {
        world.clock.advance(14 * MINUTE);
        yield await Promise.resolve({ cursor: 1 });
        seen.push('after the yield');
      } finally {
        seen.push('finally');
      }
    });
    expect(seen).toEqual(['finally']);
  });

  it('runs on from the last cursor, over as many slices as it takes, and is finished once', async () => {
    const done: number[] = [];
    for (let answer: RunAnswer | undefined; answer?.outcome !== 'finished';) {
      if (answer) await allowNextSlice();
      answer = await run(steps(30, MINUTE, done));
      expect(answer.outcome).toBe(done.length === 30 ? 'finished' : 'more');
    }
    expect(done).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    expect(resumed).toEqual([undefined, 13, 26]);
    expect(turn).toMatchObject({ attempt: 1, slice: 3 });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded', checkpoints: 4 });
    expect(await checkpoint()).toMatchObject({ cursor: 30, sequence: 30, slice: 3 });
  });

  it('may be ended early by configuration, for practice', async () => {
    self = { ...self, sliceMs: 10_000 };
    expect(await run(steps(100, 1_000))).toEqual(MORE);
    expect(await checkpoint()).toMatchObject({ cursor: 4 }); // 5 s + twice the second of a step
  });

  it('is never made longer by configuration than the function may run', async () => {
    self = { ...self, sliceMs: 60 * MINUTE };
    expect(await run(steps(100, MINUTE))).toEqual(MORE);
    expect(await checkpoint()).toMatchObject({ cursor: 13 });
  });

  it('has stopped when the `finally` of the migration is over, and not before', async () => {
    const seen: unknown[] = [];
    await run(async function* () {
      try {
        world.clock.advance(14 * MINUTE);
        yield await Promise.resolve({ cursor: 1 });
      } finally {
        seen.push(await outcome());
      }
    });
    expect(seen).toEqual([undefined]);
    expect(await outcome()).toMatchObject({
      outcome: 'stopped',
      stoppedAt: { checkpoint: { cursor: 1, sequence: 1 } },
    });
  });

  it('has not stopped, and fails, when the `finally` of the migration throws', async () => {
    const error = await thrownBy(
      run(async function* () {
        try {
          world.clock.advance(14 * MINUTE);
          yield await Promise.resolve({ cursor: 1 });
        } finally {
          await Promise.reject(new Error('cannot close'));
        }
      }),
    );
    expect(error.message).toContain('cannot close');
    expect(await checkpoint()).toMatchObject({ cursor: 1 });
    expect(await outcome()).toMatchObject({ outcome: 'failed' });
    expect(await outcome()).not.toHaveProperty('stoppedAt');
  });

  it('finishes in the slice in which the migration returns, however late', async () => {
    expect(
      await run(async function* () {
        yield await Promise.resolve({ cursor: 1 });
        world.clock.advance(15 * MINUTE - 1);
      }),
    ).toMatchObject({ outcome: 'finished' });
  });
});

describe('a later slice', () => {
  const untilStopped = () => run(steps(100, 14 * MINUTE));
  async function expectNotAllowed(work: Promise<unknown>, why: string): Promise<void> {
    const before = [resumed.length, world.store.writes()];
    const error = await thrownBy(work);
    expect(error).toMatchObject({ code: 'NotAllowed', source: 'user' });
    expect(error.message).toContain(why);
    expect([resumed.length, world.store.writes()]).toEqual(before);
  }

  it('does not start because the one before it has stopped: an entry must allow it', async () => {
    await untilStopped();
    await expectNotAllowed(
      run(() => yields(), { slice: 2 }),
      'allows slice 1, not 2',
    );
    await expectNotAllowed(
      run(() => yields(), { slice: 2, turn: 2 }),
      'log/00000002.json is not there',
    );
  });

  it('takes its cursor and the ETag to move on from from the outcome before it, and asks for no checkpoint', async () => {
    await untilStopped();
    await allowNextSlice();
    world.store.calls.length = 0;
    await run((resume) => yields({ cursor: `after ${String(resume)}` }));
    expect(resumed).toEqual([undefined, 1]);
    expect(world.store.calls.map(({ operation, key }) => `${operation} ${key}`)).toEqual([
      `get ${entryKey(2)}`,
      `get ${outcomeKey({ migration: '0004', number: 1 })}`,
      `create ${claimKey(turn)}`,
      `replace ${KEY}`,
      `get ${entryKey(3)}`,
      `create ${outcomeKey(turn)}`,
    ]);
    expect(await checkpoint()).toMatchObject({ cursor: 'after 1', sequence: 2, turn: 2, slice: 2 });
  });

  it('reads the checkpoint, when the turn before it was void', async () => {
    await untilStopped();
    await allowNextSlice();
    await prepared.claim(turn, { claim: 'void' });
    await allowAfter(2);
    expect(turn).toMatchObject({ number: 3, slice: 2, begin: 'checkpoint' });
    world.store.calls.length = 0;
    await run((resume) => yields({ cursor: `after ${String(resume)}` }));
    expect(resumed).toEqual([undefined, 1]);
    expect(world.store.calls.slice(0, 4).map(({ key }) => key)).toEqual([
      entryKey(3),
      claimKey({ migration: '0004', number: 2 }),
      KEY,
      claimKey(turn),
    ]);
    expect(await checkpoint()).toMatchObject({ cursor: 'after 1', sequence: 2, turn: 3 });
  });

  it('does not start when the outcome before it is another than its entry says', async () => {
    await untilStopped();
    const key = outcomeKey(turn);
    await allowNextSlice();
    const there = await world.store.inner.get(key);
    await world.store.inner.replace(key, there?.body.replace('"cursor": 1', '"cursor": 7') ?? '', there?.etag);
    await expectNotAllowed(
      run(() => yields()),
      `${key}, on which log/00000002.json rests, has changed`,
    );
  });

  it('starts once, when many invocations come at the same time', async () => {
    await untilStopped();
    await allowNextSlice();
    const answers = await Promise.all(Array.from({ length: 20 }, () => run(() => yields())));
    expect(answers.filter((answer) => answer.outcome === 'finished')).toHaveLength(1);
    expect(resumed).toEqual([undefined, 1]);
  });

  it('is the only one that may run: the one before it does not start again', async () => {
    await untilStopped();
    const before = payloadOf(turn);
    await allowNextSlice();
    expect(await run(() => yields(), before)).toMatchObject({ outcome: 'claimed elsewhere', slice: 1, turn: 1 });
    expect(await run(() => yields())).toMatchObject({ outcome: 'finished', slice: 2, turn: 2 });
    expect(await run(() => yields())).toMatchObject({ outcome: 'claimed elsewhere' });
    expect(resumed).toEqual([undefined, 1]);
  });

  it('of other code does not start, and is void', async () => {
    await untilStopped();
    await allowNextSlice();
    self = { ...self, codeSha256: 'd'.repeat(64) };
    expect(await run(() => yields())).toMatchObject({ outcome: 'claimed elsewhere' });
    expect(resumed).toHaveLength(1);
    expect(await lookAtTurn(world.store.inner, turn, world.clock.now())).toMatchObject({
      seen: 'void',
      claim: { otherCodeSha256: 'd'.repeat(64) },
    });
  });
});

describe('a checkpoint that says when what comes after it begins', () => {
  const later = () => new Date(world.clock.now() + 60 * MINUTE);
  const MORE = { outcome: 'more' };

  it('ends its slice: it is saved with its time, and the code after it does not run', async () => {
    let after = false;
    const notBefore = later();
    const answer = await run(async function* () {
      yield* yields({ cursor: 1, done: 1, notBefore });
      after = true;
    });
    expect(answer).toMatchObject(MORE);
    expect(after).toBe(false);
    const stoppedAt = await readCheckpoint(world.store.inner, '0004');
    expect(stoppedAt?.checkpoint).toMatchObject({ format: 2, cursor: 1, done: 1, notBefore: notBefore.toISOString() });
    expect(await outcome()).toMatchObject({ outcome: 'stopped', checkpoints: 1, stoppedAt });
  });

  it('is saved however soon it comes after another one, and the next one has no time', async () => {
    self = { ...self, saveEveryMs: undefined };
    await run(() => yields({ cursor: 1 }, { cursor: 2 }, { cursor: 3, notBefore: later() }));
    expect(await checkpoint()).toMatchObject({ cursor: 3, sequence: 2, format: 2 });
    await allowNextSlice();
    expect(await run(() => yields({ cursor: 4 }))).toMatchObject({ outcome: 'finished' });
    expect(resumed).toEqual([undefined, 3]);
    expect(await checkpoint()).toMatchObject({ cursor: 4, format: 1 });
    expect(await checkpoint()).not.toHaveProperty('notBefore');
  });

  it('ends it too when its time is over: no clock of a function decides', async () => {
    expect(await run(() => yields({ cursor: 1, notBefore: new Date(0) }, { cursor: 2 }))).toMatchObject(MORE);
    expect(await checkpoint()).toMatchObject({ cursor: 1, notBefore: '1970-01-01T00:00:00.000Z' });
  });

  it('ends a slice of a plan, whose items are put down', async () => {
    const module: MigrationModule = {
      migration: () => Promise.resolve(),
      plan: () => yields({ items: [1, 2, 3], cursor: 'a', notBefore: later() }, { items: [4], cursor: 'b' }),
      parallel: { itemsPerBatch: 2 },
    };
    const handle = createRunMigration(self, world.services, inThisProcess(module));
    expect(await handle(payloadOf(turn), invocation(world))).toMatchObject(MORE);
    expect(await checkpoint()).toMatchObject({ format: 2, cursor: 'a', plan: { items: 3, sealed: false } });
    expect((await checkpoint())?.notBefore).toBeDefined();
  });

  it.each(['cancelled', 'failed'] as const)(
    'is stopped at by a retry of what was %s, before any of its code',
    async (reason) => {
      await run(() => yields({ cursor: 1, notBefore: later() }));
      const stoppedAt = await readCheckpoint(world.store.inner, '0004');
      await retry('checkpoint', reason);
      expect(await run(() => yields({ cursor: 2 }))).toMatchObject(MORE);
      expect(resumed).toEqual([undefined]);
      expect(await outcome()).toMatchObject({ outcome: 'stopped', checkpoints: 0, stoppedAt });
      await allowNextSlice();
      expect(await run(() => yields({ cursor: 2 }))).toMatchObject({ outcome: 'finished', attempt: 2, slice: 2 });
      expect(resumed).toEqual([undefined, 1]);
    },
  );

  it('is left aside by a retry from the start', async () => {
    await run(() => yields({ cursor: 1, notBefore: later() }));
    await retry('start');
    expect(await run(() => yields({ cursor: 2 }))).toMatchObject({ outcome: 'finished' });
    expect(resumed).toEqual([undefined, undefined]);
  });

  it('is stopped at again by a turn that comes in the place of a void one, and gone on from after that', async () => {
    await run(() => yields({ cursor: 1, notBefore: later() }));
    await allowNextSlice();
    await prepared.claim(turn, { claim: 'void' });
    await allowAfter(2);
    expect(await run(() => yields({ cursor: 2 }))).toMatchObject(MORE);
    await allowNextSlice();
    expect(await run(() => yields({ cursor: 2 }))).toMatchObject({ outcome: 'finished', slice: 3 });
  });
});

const CIRCULAR: { cursor: unknown[] } = { cursor: [] };
CIRCULAR.cursor.push(CIRCULAR.cursor);

class Position {
  at = 1;
}

const throwing = (field: string): unknown =>
  Object.defineProperty({ cursor: 1 }, field, {
    get: () => {
      throw new Error('no getter');
    },
  });

describe('a checkpoint that cannot be kept', () => {
  const large = 'x'.repeat(64 * 1024);

  it.each<[string, unknown, string]>([
    ['no object', 7, 'expected an object, found 7'],
    ['nothing', undefined, 'expected an object, found undefined'],
    ['without a cursor', { done: 1 }, 'cursor is undefined'],
    ['with an undefined cursor', { cursor: undefined }, 'cursor is undefined'],
    ['with a cursor that throws', throwing('cursor'), 'its cursor cannot be read (Error: no getter)'],
    ['with a function', { cursor: () => 1 }, 'cursor is a function'],
    ['with a symbol', { cursor: [Symbol('s')] }, 'cursor[0] is a symbol'],
    [
      'with a symbol as a key',
      { cursor: { a: { [Symbol('s')]: 1 } } },
      'cursor.a is an object with a symbol among its',
    ],
    ['with a Date', { cursor: { since: new Date(0) } }, 'cursor.since is a Date, which JSON does not give back'],
    ['with a Map', { cursor: new Map([[1, 2]]) }, 'cursor is a Map'],
    ['with a Set', { cursor: { 'seen keys': [new Set()] } }, 'cursor["seen keys"][0] is a Set'],
    ['with bytes', { cursor: { token: Buffer.from('a') } }, 'cursor.token is a Buffer'],
    ['with an object of a class', { cursor: new Position() }, 'cursor is a Position'],
    ['with text in an object', { cursor: Object('a') as unknown }, 'cursor is a String'],
    ['with what says how it is written', { cursor: { toJSON: () => 1 } }, 'cursor.toJSON is a function'],
    ['with a bigint', { cursor: { id: 10n } }, 'cursor.id is a bigint'],
    ['with a number that is none', { cursor: [1, NaN] }, 'cursor[1] is NaN, which JSON cannot hold'],
    ['with a number that has no end', { cursor: { n: -Infinity } }, 'cursor.n is -Infinity'],
    ['with undefined inside', { cursor: { token: undefined } }, 'cursor.token is undefined'],
    ['with undefined far inside', { cursor: { a: [{ b: undefined }] } }, 'cursor.a[0].b is undefined'],
    ['with a list that has holes', { cursor: { a: new Array(3) } }, 'cursor.a is a list with holes'],
    ['with a list that has fields', { cursor: Object.assign([1], { a: 1 }) }, 'cursor is a list with holes, or with'],
    ['with a cursor of more than 64 KB', { cursor: large }, `${64 * 1024 + 2} bytes of JSON, over ${64 * 1024}`],
    ['with a cursor that refers to itself', CIRCULAR, 'cursor[0] is an object that it is in itself'],
    [
      'with a time that is text',
      { cursor: 1, notBefore: 'tomorrow' },
      'its notBefore is "tomorrow", and expected is a Date',
    ],
    ['with a time in seconds', { cursor: 1, notBefore: 1_800 }, 'its notBefore is 1800, and expected is a Date'],
    ['with a time that is null', { cursor: 1, notBefore: null }, 'its notBefore is null'],
    ['with a Date of no time', { cursor: 1, notBefore: new Date(NaN) }, 'its notBefore is a Date of no time'],
    ['with a time that throws', throwing('notBefore'), 'its notBefore cannot be read (Error: no getter)'],
    [
      'with a time that is more than a year away',
      { cursor: 1, notBefore: new Date('2027-03-03') },
      'its notBefore is 2027-03-03T00:00:00.000Z, and expected is a time within a year',
    ],
    ['with a time that no year has', { cursor: 1, notBefore: new Date(8.64e15) }, 'expected is a time within a year'],
    ['with a cursor that is nested too deep', { cursor: JSON.parse(nested(501)) as unknown }, 'nested deeper than 500'],
    [
      'with one that no parser goes through',
      { cursor: JSON.parse(nested(50_000)) as unknown },
      'nested deeper than 500',
    ],
  ])('%s: the attempt fails with BadCheckpoint, and the last good one stays', async (_, value, said) => {
    let after = false;
    const error = await thrownBy(
      run(async function* () {
        yield* yields({ cursor: 'good' }, value);
        after = true;
      }),
    );
    expect(error.code).toBe('MigrationFailed');
    expect(error.message).toContain('BadCheckpoint');
    expect(error.message).toContain(said);
    expect(after).toBe(false);
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { name: 'BadCheckpoint' } });
    expect(await checkpoint()).toMatchObject({ cursor: 'good', sequence: 1 });
  });

  it.each<[string, unknown]>([
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['an object of another realm', runInNewContext('({ a: [1, { b: null }] })')],
    ['the same object twice, side by side', [[Position.name], ['x']].map((each) => [each, each])],
    ['500 levels', JSON.parse(nested(500))],
    ['half of a surrogate pair', '\ud800'],
  ])('is not one whose cursor is %s', async (_, cursor) => {
    expect(await run(() => yields({ cursor }))).toMatchObject({ outcome: 'finished' });
    expect((await checkpoint())?.cursor).toEqual(JSON.parse(JSON.stringify(cursor)));
  });

  it('may have a cursor of exactly 64 KB of JSON', async () => {
    const cursor = large.slice(2);
    expect(await run(() => yields({ cursor }))).toMatchObject({ outcome: 'finished' });
    expect(await checkpoint()).toMatchObject({ cursor });
  });

  it.each([
    ['the same text', 'a', 'a'],
    ['an equal object', { b: 1, c: [1] }, { c: [1], b: 1 }],
  ])('with %s as the one before it: the attempt fails with BadCheckpoint', async (_, first, second) => {
    const error = await thrownBy(run(() => yields({ cursor: first, done: 1 }, { cursor: second, done: 2 })));
    expect(error.message).toContain('BadCheckpoint');
    expect(error.message).toContain('is the one before it again, so it would never end');
    expect(await checkpoint()).toMatchObject({ done: 1 });
  });

  it('with the cursor that the slice was resumed with: the attempt fails, instead of beginning slices for ever', async () => {
    await run(steps(100, 14 * MINUTE));
    await allowNextSlice();
    const error = await thrownBy(run((resume) => yields({ cursor: resume })));
    expect(error.message).toContain('its cursor 1 is the one before it again');
    expect(await outcome()).toMatchObject({ outcome: 'failed', checkpoints: 0 });
  });

  it('may return to an earlier cursor, if another one is between', async () => {
    await run(() => yields({ cursor: 'a' }, { cursor: 'b' }, { cursor: 'a' }));
    expect(await checkpoint()).toMatchObject({ cursor: 'a', sequence: 3 });
  });
});

describe('a turn that somebody asked to stop', () => {
  const cancel = () => prepared.cancel(turn, { by: 'alice', reason: 'the data is wrong' });
  const MORE = { outcome: 'more', slice: 1 };

  it('stops at its next checkpoint, which is durable; the code after it does not run, its `finally` does', async () => {
    const seen: unknown[] = [];
    const answer = await run(async function* () {
      try {
        yield { cursor: 'one', done: 1, total: 3 };
        await cancel();
        yield { cursor: 'two', done: 2, total: 3 };
        seen.push('after two');
      } finally {
        seen.push('finally');
      }
    });
    expect(seen).toEqual(['finally']);
    expect(answer).toMatchObject(MORE);
    const stoppedAt = await readCheckpoint(world.store.inner, '0004');
    expect(stoppedAt?.checkpoint).toMatchObject({ cursor: 'two' });
    expect(await outcome()).toMatchObject({ outcome: 'stopped', checkpoints: 2, stoppedAt });
  });

  it('before it was claimed stops at its first checkpoint', async () => {
    await cancel();
    expect(await run(() => yields({ cursor: 'one' }, { cursor: 'two' }))).toMatchObject(MORE);
    expect(await checkpoint()).toMatchObject({ cursor: 'one' });
  });

  it.each([
    ['before its first checkpoint', 1],
    ['after a checkpoint at which only the halt was seen', 2],
  ])('stops although a halt came between, which is opened when its answer is lost: %s', async (_, at) => {
    const done: number[] = [];
    expect(
      await run(async function* () {
        await prepared.halt(turn, 'unknown');
        for (let n = 1; ; n += 1) {
          if (n === at) await cancel();
          done.push(n);
          yield { cursor: n };
        }
      }),
    ).toMatchObject(MORE);
    expect(done).toHaveLength(at);
    expect((await prepared.look()).turn).toMatchObject({ halt: { halted: { number: 2 } }, cancel: { number: 3 } });
  });

  it('is not stopped by a halt alone', async () => {
    await prepared.halt(turn, 'unknown');
    expect(await run(() => yields({ cursor: 1 }, { cursor: 2 }))).toMatchObject({ outcome: 'finished' });
    // Each entry is read once: the halt, and three times the one after it that is not there.
    const looked = world.store.calls.filter(({ key }) => key.startsWith('log/')).map(({ key }) => key);
    expect(looked).toEqual([1, 2, 3, 3].map(entryKey));
  });

  it('goes on from there after a retry, which nobody cancelled', async () => {
    await cancel();
    await run(() => yields({ cursor: 'one' }, { cursor: 'two' }));
    await retry('checkpoint', 'cancelled');
    expect(await run((resume) => yields({ cursor: `after ${String(resume)}` }))).toMatchObject({ outcome: 'finished' });
    expect(resumed).toEqual([undefined, 'one']);
  });

  it('has succeeded when it comes to its end before a checkpoint', async () => {
    expect(
      await run(async function* () {
        yield { cursor: 1 };
        await cancel();
      }),
    ).toMatchObject({ outcome: 'finished' });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded' });
  });
});

describe('code that is still running when its time is nearly over', () => {
  const only = () => [...world.timers][0]!;

  it('is ended four seconds before the end of the function, and its outcome says so', async () => {
    const seen: string[] = [];
    const error = await thrownBy(
      run(async function* () {
        yield { cursor: 1 };
        expect(only().ms).toBe(15 * MINUTE - 4_000);
        world.clock.advance(only().ms);
        only().work();
        await Promise.resolve();
        seen.push('afterwards');
        yield { cursor: 2 };
        seen.push('after its next checkpoint');
      }),
    );
    expect(error.message).toContain('OutOfTime: Its code was still running after 896 s');
    expect(error.message).toContain('yield more often');
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { name: 'OutOfTime' }, durationMs: 896_000 });
    expect(await checkpoint()).toMatchObject({ cursor: 1 });
    expect(seen).not.toContain('after its next checkpoint');
  });

  it('and has made no checkpoint is told to', async () => {
    const error = await thrownBy(
      run(async function* () {
        only().work();
        yield await new Promise(() => undefined);
      }),
    );
    expect(error.message).toContain('Make it checkpointed (an async generator)');
  });

  it('of a function that has few seconds is ended when a fifth of them is left', async () => {
    await run(
      async function* () {
        yield await Promise.resolve({ cursor: 1 });
        expect(only().ms).toBe(4_800);
      },
      {},
      0.1,
    );
  });

  it('while a checkpoint is being kept: the outcome does not wait for a ledger that does not answer', async () => {
    world.store.before = once('replace', KEY, () => {
      only().work();
      return new Promise<never>(() => undefined);
    });
    expect((await thrownBy(run(() => yields({ cursor: 1 })))).message).toContain('OutOfTime');
    expect(await outcome()).toMatchObject({ outcome: 'failed' });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['returned', () => run(() => yields({ cursor: 1 }))],
    ['threw', () => thrownBy(run(() => yields('no checkpoint')))],
    ['stopped at a checkpoint', () => run(steps(100, 14 * MINUTE))],
  ])('is not waited for any more when the code has %s', async (_, end) => {
    await end();
    expect(world.timers.size).toBe(0);
  });

  it('is not waited for before the claim, nor by an invocation that claims nothing', async () => {
    await run(() => yields());
    expect(await run(() => yields())).toMatchObject({ outcome: 'claimed elsewhere' });
    expect(world.timers.size).toBe(0);
  });
});

describe('an older turn that is still running (a zombie)', () => {
  /** Lambda should have ended it long ago. The run goes on without it, and a person decides. */
  async function goOnWithoutIt(): Promise<Turn> {
    const zombie = turn;
    world.clock.advance(17 * MINUTE);
    await prepared.close(zombie, 'unknown');
    await retry('checkpoint', 'unknown');
    return zombie;
  }

  it('is fenced out at its next checkpoint, once the newer attempt has made one', async () => {
    const seen: string[] = [];
    let zombie: Turn | undefined;
    const answer = await run(async function* () {
      yield { cursor: 'zombie 1' };
      zombie = await goOnWithoutIt();
      await run(() => yields({ cursor: 'newer 1' }));
      seen.push('before its next checkpoint');
      yield { cursor: 'zombie 2' };
      seen.push('after it');
    });
    expect(answer).toMatchObject({ outcome: 'claimed elsewhere', attempt: 1, turn: 1 });
    expect(seen).toEqual(['before its next checkpoint']);
    expect(world.logs.find(({ level }) => level === 'error')?.fields).toMatchObject({ error: { name: 'FencedOut' } });
    expect(await checkpoint()).toMatchObject({ cursor: 'newer 1', attempt: 2 });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded' });
    expect(await outcome(zombie)).toMatchObject({ outcome: 'unknown' });
  });

  it('is fenced out as soon as the newer attempt is allowed: no code after its next checkpoint runs', async () => {
    const seen: string[] = [];
    const answer = await run(async function* () {
      yield { cursor: 'zombie 1' };
      await goOnWithoutIt();
      yield { cursor: 'zombie 2' };
      seen.push('after it');
    });
    expect(answer).toMatchObject({ outcome: 'claimed elsewhere', turn: 1 });
    expect(seen).toEqual([]);
    expect(world.logs.find(({ level }) => level === 'error')?.fields).toMatchObject({ error: { name: 'FencedOut' } });
  });

  it('and the newer attempt is fenced out too, when the zombie has moved the checkpoint that it began at', async () => {
    let moved: StoredCheckpoint | undefined;
    await thrownBy(run(() => yields({ cursor: 'first' }, 'no checkpoint')));
    const zombie = turn;
    await retry();
    const seen: string[] = [];
    const error = await thrownBy(
      run(async function* () {
        const there = await readCheckpoint(world.store.inner, '0004');
        moved = await moveCheckpoint(world.store.inner, zombie, there, { cursor: 'zombie' }, world.clock.now());
        yield { cursor: 'second' };
        seen.push('after it');
      }),
    );
    expect(error.message).toContain('FencedOut');
    expect(seen).toEqual([]);
    expect(await readCheckpoint(world.store.inner, '0004')).toEqual(moved);
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { name: 'FencedOut' } });
  });

  it('has no first checkpoint to make, when one is there already', async () => {
    await world.store.inner.create(KEY, 'whatever it is');
    const error = await thrownBy(run(() => yields({ cursor: 'first' })));
    expect(error.message).toContain('FencedOut');
    expect((await world.store.inner.get(KEY))?.body).toBe('whatever it is');
  });
});

describe('a practice fault', () => {
  const FAIL = { fault: 'fail' } as const;
  const practised = (fault: Fault, module: MigrationModule) =>
    createRunMigration(self, world.services, withPracticeFault(fault)(inThisProcess(module)));

  it('lets the first attempt fail before any code of it runs, and a retry run', async () => {
    let starts = 0;
    const handle = practised(FAIL, {
      migration: () => {
        starts += 1;
        return Promise.resolve();
      },
    });
    const error = await thrownBy(handle(payloadOf(turn), invocation(world)));
    expect(error.message).toContain('PracticeFailure: Attempt 1 of 0004 fails because --fail 0004 asked for it.');
    expect(starts).toBe(0);
    const message = 'Attempt 1 of 0004 fails because --fail 0004 asked for it.';
    // A person who looks for the place in a file of ours would find nothing of theirs.
    expect((await outcome())?.error).toEqual({
      name: 'PracticeFailure',
      message,
      stack: `PracticeFailure: ${message}`,
    });
    await retry();
    expect(await handle(payloadOf(turn), invocation(world))).toMatchObject({ outcome: 'finished' });
    expect(starts).toBe(1);
  });

  it('lets a later slice run', async () => {
    self = { ...self, sliceMs: 1 };
    await run(() => yields({ cursor: 1 }, { cursor: 2 }));
    await allowNextSlice();
    const handle = practised(FAIL, { migration: () => yields() });
    expect(await handle(payloadOf(turn), invocation(world))).toMatchObject({ outcome: 'finished', slice: 2 });
  });

  it.each([undefined, 1])('of a crash ends the process of the function itself, after checkpoint %s', async (after) => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('it is gone');
    });
    const handle = practised({ fault: 'crash', checkpoint: after }, { migration: () => yields({ cursor: 1 }) });
    expect((await thrownBy(handle(payloadOf(turn), invocation(world)))).message).toContain('it is gone');
    expect(exit.mock.calls).toEqual([[1]]);
    exit.mockRestore();
    expect((await checkpoint())?.cursor).toBe(after);
  });

  it('of an end of time before any code: the function does not answer', async () => {
    const answered = vi.fn();
    const started = vi.fn(() => Promise.resolve());
    practised({ fault: 'timeout' }, { migration: started })(payloadOf(turn), invocation(world)).then(
      answered,
      answered,
    );
    await vi.waitFor(async () => {
      expect(await world.store.inner.get(claimKey(turn))).toBeDefined();
    });
    await turnOfLoop();
    expect([answered.mock.calls, started.mock.calls]).toEqual([[], []]);
  });

  it('is none of one that has come to its end before that checkpoint', async () => {
    const handle = practised({ fault: 'timeout', checkpoint: 2 }, { migration: () => yields({ cursor: 1 }) });
    expect(await handle(payloadOf(turn), invocation(world))).toMatchObject({ outcome: 'finished' });
  });

  const generate = (seen: unknown[]): Generate =>
    async function* (resume) {
      try {
        for (let n = Number(resume ?? 0) + 1; n <= 4; n += 1) {
          seen.push(n);
          yield await Promise.resolve({ cursor: n });
        }
      } finally {
        seen.push('finally');
      }
    };

  it('after a checkpoint: it is durable, the code after it does not run, and a retry goes on from it', async () => {
    const seen: unknown[] = [];
    const handle = practised({ ...FAIL, checkpoint: 2 }, { migration: generate(seen) });
    const error = await thrownBy(handle(payloadOf(turn), invocation(world)));
    expect(error.message).toContain('Attempt 1 of 0004 fails after checkpoint 2 because --fail 0004@2 asked for it.');
    expect(await checkpoint()).toMatchObject({ cursor: 2 });
    await retry();
    expect(await handle(payloadOf(turn), invocation(world))).toMatchObject({ outcome: 'finished' });
    expect(seen).toEqual([1, 2, 'finally', 3, 4, 'finally']);
  });

  it('of an end of time after a checkpoint: the function does not answer, also when its code is ended in time', async () => {
    const seen: unknown[] = [];
    const handle = practised({ fault: 'timeout', checkpoint: 2 }, { migration: generate(seen) });
    const answered = vi.fn();
    handle(payloadOf(turn), invocation(world)).then(answered, answered);
    await vi.waitFor(
      async () => {
        expect(await checkpoint()).toMatchObject({ cursor: 2 });
      },
      { timeout: 60_000 },
    );
    [...world.timers][0]?.work();
    await sleep(20);
    expect(answered).not.toHaveBeenCalled();
    expect(seen).toEqual([1, 2]);
    expect(await outcome()).toBeUndefined();
  });
});
