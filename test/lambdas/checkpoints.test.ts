// `Run migration` with a checkpointed migration: an async generator, in slices.
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { keys } from '../../core/ledger/keys.ts';
import type { RunOutcome, RunPayload } from '../../core/contract/payloads.ts';
import type { Self } from '../../lambdas/run-migration/claim.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { Fault } from '../../lambdas/run-migration/practice-fault.ts';
import { withPracticeFault } from '../../lambdas/run-migration/practice-fault.ts';
import type { RunUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { executionArn } from '../support/fake-executions.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const MINUTE = 60_000;
const PAYLOAD: RunPayload = { execution: executionArn('me'), migration: '0004', attempt: 1, slice: 1, gitCommit: null };

let world: World;
let self: Self;
/** What each start of user code received. */
let resumed: unknown[];

beforeEach(() => {
  world = createWorld();
  self = {
    migration: '0004',
    predecessor: undefined,
    sourceSha256: HASH,
    codeSha256: HASH,
    clockMarginMs: MINUTE,
    sliceMs: undefined,
  };
  resumed = [];
});

const inThisProcess = (module: MigrationModule): RunUserCode =>
  runInThisProcess(() => Promise.resolve(module), world.timing);

type Generate = (resume: unknown) => AsyncGenerator<unknown, void, undefined>;

function run(generate: Generate, payload: Partial<RunPayload> = {}, minutes = 15): Promise<RunOutcome> {
  const module: MigrationModule = {
    migration: (resume) => {
      resumed.push(resume);
      return generate(resume);
    },
  };
  const handle = createRunMigration(self, world.services, inThisProcess(module));
  return handle({ ...PAYLOAD, ...payload }, invocation(world, { minutes }));
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
const checkpoint = () => world.ledger.checkpoint('0004');
const outcome = (attempt = 1) => world.ledger.finished('0004', attempt);
const decideRetry = (attempt: number) =>
  world.ledger.createDecision({ migration: '0004', attempt, execution: 'arn:x' }, world.writer, {
    halt: 1,
    decision: 'retry',
    by: 'her',
  });

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

  it('says which execution, attempt and slice made it, and how far it is', async () => {
    await run(steps(2, 1_000));
    expect(await checkpoint()).toMatchObject({
      migration: '0004',
      attempt: 1,
      slice: 1,
      execution: executionArn('me'),
      time: '2026-03-01T12:00:02.000Z',
      cursor: 2,
      done: 2,
      total: 2,
      stopped: false,
    });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded', slices: 1, durationMs: 2_000 });
  });

  it('says where its attempt began, over all slices of it, so that its rate is that of the attempt', async () => {
    await run(steps(100, MINUTE));
    world.clock.advance(10 * MINUTE); // between two slices
    await thrownBy(
      run(
        async function* (resume) {
          yield* steps(14, MINUTE)(resume);
          throw new Error('failed');
        },
        { slice: 2 },
      ),
    );
    expect(await checkpoint()).toMatchObject({ done: 14, began: { time: '2026-03-01T12:00:00.000Z', done: 0 } });
    await decideRetry(1);
    world.clock.advance(10 * MINUTE);
    const began = world.clock.iso();
    await run(steps(16, MINUTE), { attempt: 2 });
    expect(await checkpoint()).toMatchObject({ done: 16, began: { time: began, done: 14 } });
    expect(world.logs.map(({ message }) => message)).toContain(
      'Checkpoint 15: 15 of 16 (93 %), 1/min, about 60 s left',
    );
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
      await decideRetry(1);
      await run(() => yields(), { attempt: 2 });
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
    await decideRetry(1);
    await run((resume) => yields({ cursor: `${String(resume)}, three` }), { attempt: 2 });
    expect(resumed).toEqual([undefined, 'two']);
    expect(await checkpoint()).toMatchObject({ cursor: 'two, three', sequence: 3, attempt: 2 });
  });

  it('that cannot be written fails the attempt, and the code after it does not run', async () => {
    let after = false;
    world.store.before = once('replace', keys.checkpoint('0004'), () => {
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

  it('that cannot be read fails the attempt before its code starts', async () => {
    await world.store.inner.create(keys.checkpoint('0004'), 'garbage');
    const error = await thrownBy(run(() => yields()));
    expect(error.message).toContain(keys.checkpoint('0004'));
    expect(resumed).toEqual([]);
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { name: 'RecordUnreadable' } });
  });
});

describe('a slice', () => {
  const MORE = { outcome: 'more', migration: '0004', attempt: 1 };

  it('stops at a checkpoint when its time runs short, and asks for the next one', async () => {
    const done: number[] = [];
    // After nine minutes there are six left: enough for two more of a minute. After 13 there are less than 5 s + 2 min.
    expect(await run(steps(100, MINUTE, done))).toEqual(MORE);
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(await checkpoint()).toMatchObject({ cursor: 13, stopped: true, slice: 1 });
    expect(await outcome()).toBeUndefined();
  });

  it('keeps twice the time of its longest step in reserve, not of its last one', async () => {
    const durations = [4 * MINUTE, 2 * MINUTE, MINUTE, MINUTE];
    await run(async function* () {
      for (const [n, ms] of durations.entries()) {
        world.clock.advance(ms);
        yield await Promise.resolve({ cursor: n });
      }
    });
    expect(await checkpoint()).toMatchObject({ cursor: 2, stopped: true }); // eight minutes were left, not five seconds more
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
    let slice = 1;
    for (let answer: RunOutcome | undefined; answer?.outcome !== 'finished'; slice += 1) {
      answer = await run(steps(30, MINUTE, done), { slice });
      expect(answer.outcome).toBe(done.length === 30 ? 'finished' : 'more');
    }
    expect(done).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    expect(resumed).toEqual([undefined, 13, 26]);
    expect(await outcome()).toMatchObject({ outcome: 'succeeded', slices: 3 });
    expect(await checkpoint()).toMatchObject({ cursor: 30, sequence: 30, slice: 3 });
    expect(await world.ledger.claim('0004', 1, 3)).toMatchObject({ slice: 3, deadline: '2026-03-01T12:42:00.000Z' });
  });

  it('may be ended early by configuration, for practice', async () => {
    self = { ...self, sliceMs: 10_000 };
    expect(await run(steps(100, 1_000))).toEqual(MORE);
    expect(await checkpoint()).toMatchObject({ cursor: 4, stopped: true }); // 5 s + twice the second of a step
  });

  it('is never made longer by configuration than the function may run', async () => {
    self = { ...self, sliceMs: 60 * MINUTE };
    expect(await run(steps(100, MINUTE))).toEqual(MORE);
    expect(await checkpoint()).toMatchObject({ cursor: 13 });
  });

  it('has stopped when the `finally` of the migration is over, and not before', async () => {
    const seen: (boolean | undefined)[] = [];
    await run(async function* () {
      try {
        world.clock.advance(14 * MINUTE);
        yield await Promise.resolve({ cursor: 1 });
      } finally {
        seen.push((await checkpoint())?.stopped);
      }
    });
    expect(seen).toEqual([false]);
    expect(await checkpoint()).toMatchObject({ cursor: 1, sequence: 1, stopped: true });
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
    expect(await checkpoint()).toMatchObject({ cursor: 1, stopped: false });
    expect(await outcome()).toMatchObject({ outcome: 'failed' });
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
  const second = (payload: Partial<RunPayload> = {}) => run(() => yields(), { slice: 2, ...payload });
  async function expectNotAuthorised(work: Promise<unknown>, slice: number): Promise<void> {
    const before = [resumed.length, world.store.writes()];
    const error = await thrownBy(work);
    expect(error).toMatchObject({ code: 'AttemptNotAuthorised', source: 'user' });
    expect(error.message).toContain(`slice ${slice} of attempt`);
    expect(error.message).toContain(`slice ${slice - 1} has not stopped at a checkpoint`);
    expect([resumed.length, world.store.writes()]).toEqual(before);
  }

  it('does not start when there was none before it', () => expectNotAuthorised(second(), 2));

  it('does not start while the one before it runs, checkpoint or not', async () => {
    await run(async function* () {
      await expectNotAuthorised(second(), 2);
      yield { cursor: 1 };
      await expectNotAuthorised(second(), 2);
    });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded' });
  });

  it('does not start when the one before it died after a checkpoint at which it had not stopped', async () => {
    await world.ledger.createClaim({ migration: '0004', attempt: 1, execution: 'arn:x' }, world.writer, {
      slice: 1,
      nonce: 'n',
      deadline: world.clock.iso(),
    });
    await world.ledger.moveCheckpoint({ migration: '0004', attempt: 1, execution: 'arn:x' }, world.writer, undefined, {
      slice: 1,
      cursor: 1,
    });
    world.clock.advance(60 * MINUTE);
    await expectNotAuthorised(second(), 2);
  });

  it('does not start when it leaves one out', async () => {
    await run(steps(100, 14 * MINUTE));
    await expectNotAuthorised(second({ slice: 3 }), 3);
  });

  it('does not start when the one before it was never claimed, whatever the checkpoint says', async () => {
    const subject = { migration: '0004', attempt: 1, execution: 'arn:x' };
    const first = await world.ledger.moveCheckpoint(subject, world.writer, undefined, { slice: 1, cursor: 1 });
    await world.ledger.stopAtCheckpoint(subject, world.writer, first);
    await expectNotAuthorised(second(), 2);
  });

  it('does not start for a checkpoint at which another attempt stopped', async () => {
    await run(steps(100, 14 * MINUTE));
    await decideRetry(1);
    world.clock.advance(60 * MINUTE);
    await expectNotAuthorised(second({ attempt: 2 }), 2);
  });

  it('starts once, when many invocations come at the same time', async () => {
    await run(steps(100, 14 * MINUTE));
    const answers = await Promise.all(Array.from({ length: 20 }, () => second()));
    expect(answers.filter((answer) => answer.outcome === 'finished')).toHaveLength(1);
    expect(resumed).toEqual([undefined, 1]);
  });

  it('is the only one that may run: the one before it does not start again', async () => {
    await run(steps(100, 14 * MINUTE));
    expect(await run(() => yields())).toMatchObject({ outcome: 'claimed elsewhere' });
    await second();
    expect(await second()).toMatchObject({ outcome: 'claimed elsewhere' });
    expect(resumed).toEqual([undefined, 1]);
  });

  it('does not start when an operator decided after the one before it', async () => {
    await run(steps(100, 14 * MINUTE));
    await world.ledger.createDecision({ migration: '0004', attempt: 1, execution: 'arn:x' }, world.writer, {
      halt: 1,
      decision: 'abort',
      by: 'her',
    });
    expect(await second()).toMatchObject({ outcome: 'claimed elsewhere' });
    expect(resumed).toHaveLength(1);
  });
});

describe('a checkpoint that cannot be kept', () => {
  const large = 'x'.repeat(64 * 1024);

  it.each<[string, unknown, string]>([
    ['no object', 7, 'the value'],
    ['nothing', undefined, 'the value'],
    ['without a cursor', { done: 1 }, 'cursor'],
    ['with an undefined cursor', { cursor: undefined }, 'cursor'],
    ['with a function', { cursor: () => 1 }, 'cursor'],
    ['with a Date', { cursor: new Date(0) }, 'cursor'],
    ['with a Map', { cursor: new Map([[1, 2]]) }, 'cursor'],
    ['with a bigint', { cursor: 10n }, 'cursor'],
    ['with a number that is not finite', { cursor: [NaN] }, 'cursor'],
    ['with undefined inside', { cursor: { token: undefined } }, 'cursor'],
    ['with a cursor of more than 64 KB', { cursor: large }, `${64 * 1024 + 2} bytes of JSON, over ${64 * 1024}`],
    ['with a negative count', { cursor: 1, done: -1 }, 'done'],
    ['with a count that is no number', { cursor: 1, total: '7' }, 'total'],
    ['with a note of 501 characters', { cursor: 1, note: 'x'.repeat(501) }, 'note'],
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
    const error = await thrownBy(run((resume) => yields({ cursor: resume }), { slice: 2 }));
    expect(error.message).toContain('its cursor 1 is the one before it again');
    expect(await outcome()).toMatchObject({ outcome: 'failed', slices: 2 });
  });

  it('may return to an earlier cursor, if another one is between', async () => {
    await run(() => yields({ cursor: 'a' }, { cursor: 'b' }, { cursor: 'a' }));
    expect(await checkpoint()).toMatchObject({ cursor: 'a', sequence: 3 });
  });
});

describe('an attempt that somebody asked to stop', () => {
  const cancel = (reason?: string) =>
    world.ledger.createCancellation({ migration: '0004', attempt: 1, execution: 'arn:x' }, world.writer, {
      by: 'alice',
      ...(reason !== undefined && { reason }),
    });

  it('stops at its next checkpoint, which is durable; the code after it does not run, its `finally` does', async () => {
    const seen: unknown[] = [];
    const error = await thrownBy(
      run(async function* () {
        try {
          yield { cursor: 'one', done: 1, total: 3 };
          await cancel('the data is wrong');
          yield { cursor: 'two', done: 2, total: 3 };
          seen.push('after two');
        } finally {
          seen.push('finally');
        }
      }),
    );
    expect(seen).toEqual(['finally']);
    expect(error.code).toBe('MigrationFailed');
    expect(await checkpoint()).toMatchObject({ cursor: 'two', stopped: false });
    expect(await outcome()).toMatchObject({
      outcome: 'failed',
      error: {
        name: 'Cancelled',
        message:
          'alice asked for it to stop at 2026-03-01T12:00:00.000Z: the data is wrong. It stopped at its checkpoint 2, ' +
          '2 of 3 (66 %); no code after that has run. A retry goes on from there.',
      },
    });
  });

  it('does not begin its next slice: the claim is made, and no code starts', async () => {
    await run(steps(100, 14 * MINUTE));
    await cancel();
    const error = await thrownBy(run(() => yields(), { slice: 2 }));
    expect(error.message).toContain('Cancelled: alice asked for it to stop at 2026-03-01T12:14:00.000Z. It stopped at');
    expect(resumed).toEqual([undefined]);
    expect(await outcome()).toMatchObject({ outcome: 'failed', slices: 2, error: { name: 'Cancelled' } });
  });

  it('goes on from there after a retry, which nobody cancelled', async () => {
    await cancel();
    await thrownBy(run(() => yields({ cursor: 'one' }, { cursor: 'two' })));
    await decideRetry(1);
    expect(await run((resume) => yields({ cursor: `after ${String(resume)}` }), { attempt: 2 })).toMatchObject({
      outcome: 'finished',
    });
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
    expect(await checkpoint()).toMatchObject({ cursor: 1, stopped: false });
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
    world.store.before = once('replace', keys.checkpoint('0004'), () => {
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

describe('an older attempt that is still running (a zombie)', () => {
  it('is fenced out at its next checkpoint, once the newer attempt has made one', async () => {
    const zombie: string[] = [];
    const error = await thrownBy(
      run(async function* () {
        yield { cursor: 'zombie 1' };
        // Lambda should have ended it long ago. An operator decides, and the next attempt begins.
        world.clock.advance(17 * MINUTE);
        await decideRetry(1);
        await run(() => yields({ cursor: 'newer 1' }), { attempt: 2 });
        zombie.push('before its next checkpoint');
        yield { cursor: 'zombie 2' };
        zombie.push('after it');
      }),
    );
    expect(error.message).toContain('FencedOut');
    expect(zombie).toEqual(['before its next checkpoint']);
    expect(await checkpoint()).toMatchObject({ cursor: 'newer 1', attempt: 2 });
    expect(await outcome(2)).toMatchObject({ outcome: 'succeeded' });
    expect(await outcome(1)).toMatchObject({ outcome: 'failed', error: { name: 'FencedOut' } });
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
    const error = await thrownBy(handle(PAYLOAD, invocation(world)));
    expect(error.message).toContain('PracticeFailure: Attempt 1 of 0004 fails because --fail 0004 asked for it.');
    expect(starts).toBe(0);
    await decideRetry(1);
    expect(await handle({ ...PAYLOAD, attempt: 2 }, invocation(world))).toMatchObject({ outcome: 'finished' });
    expect(starts).toBe(1);
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
    const error = await thrownBy(handle(PAYLOAD, invocation(world)));
    expect(error.message).toContain('Attempt 1 of 0004 fails after checkpoint 2 because --fail 0004@2 asked for it.');
    expect(await checkpoint()).toMatchObject({ cursor: 2 });
    await decideRetry(1);
    expect(await handle({ ...PAYLOAD, attempt: 2 }, invocation(world))).toMatchObject({ outcome: 'finished' });
    expect(seen).toEqual([1, 2, 'finally', 3, 4, 'finally']);
  });

  it('of an end of time after a checkpoint: the function does not answer, also when its code is ended in time', async () => {
    const seen: unknown[] = [];
    const handle = practised({ fault: 'timeout', checkpoint: 2 }, { migration: generate(seen) });
    const answered = vi.fn();
    handle(PAYLOAD, invocation(world)).then(answered, answered);
    await vi.waitFor(async () => {
      expect(await checkpoint()).toMatchObject({ cursor: 2 });
    });
    [...world.timers][0]?.work();
    await sleep(20);
    expect(answered).not.toHaveBeenCalled();
    expect(seen).toEqual([1, 2]);
    expect(await outcome()).toBeUndefined();
  });
});
