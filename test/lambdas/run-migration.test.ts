// `Run migration`: who may start user code, and what is left of it in the ledger.
import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Decision } from '../../core/names/names.ts';
import { DECISIONS } from '../../core/names/names.ts';
import { keys } from '../../core/ledger/keys.ts';
import type { RunPayload } from '../../core/contract/payloads.ts';
import type { Self } from '../../lambdas/run-migration/claim.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { LoadMigration, MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { executionArn } from '../support/fake-executions.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const ME = executionArn('me');
const MINUTE = 60_000;
const PAYLOAD: RunPayload = { execution: ME, migration: '0004', attempt: 1, slice: 1, gitCommit: 'abc123' };
const SELF: Self = {
  migration: '0004',
  predecessor: undefined,
  sourceSha256: HASH,
  codeSha256: 'b'.repeat(64),
  clockMarginMs: MINUTE,
  sliceMs: undefined,
};

let world: World;
let self: Self;
/** What the migration's file exports, and how often its code was started. */
let module: MigrationModule;
let starts: number;

beforeEach(() => {
  world = createWorld();
  self = SELF;
  starts = 0;
  module = {
    migration: () => {
      starts += 1;
      return Promise.resolve();
    },
  };
});

const handlerOf = (load: LoadMigration, { services, timing } = world) =>
  createRunMigration(self, services, runInThisProcess(load, timing));

function run(payload: Partial<RunPayload> = {}, { minutes = 15, requestId = 'request-1' } = {}) {
  const handle = handlerOf(() => Promise.resolve(module));
  return handle({ ...PAYLOAD, ...payload }, invocation(world, { minutes, requestId }));
}

const subject = (migration = '0004', attempt = 1) => ({ migration, attempt, execution: executionArn('before') });
const claimed = (attempt: number, slice = 1, minutes = 16) =>
  world.ledger.createClaim(subject('0004', attempt), world.writer, {
    slice,
    nonce: `before/${attempt}/${slice}`,
    deadline: new Date(world.clock.now() + minutes * MINUTE).toISOString(),
  });
const finished = (attempt: number, outcome: 'succeeded' | 'failed' = 'failed') =>
  world.ledger.createFinished(subject('0004', attempt), world.writer, { outcome, durationMs: 1, slices: 1 });
const decided = (attempt: number, decision: Decision, halt = 1) =>
  world.ledger.createDecision(subject('0004', attempt), world.writer, { halt, decision, by: 'her' });
const completed = (migration: string) =>
  world.ledger.createCompletion(subject(migration), world.writer, { completion: 'applied' });

const FINISHED = { outcome: 'finished', migration: '0004', attempt: 1 };
const CLAIMED_ELSEWHERE = { outcome: 'claimed elsewhere', migration: '0004', attempt: 1 };

describe('a migration that returns', () => {
  it('is claimed before its file is evaluated, and its outcome is written after its code', async () => {
    const order: string[] = [];
    world.store.after = ({ operation, key }) => {
      if (operation === 'create') order.push(key);
    };
    module.migration = () => {
      order.push('code');
      return Promise.resolve();
    };
    const handle = handlerOf(() => {
      order.push('file');
      return Promise.resolve(module);
    });
    expect(await handle(PAYLOAD, invocation(world))).toEqual(FINISHED);
    expect(order).toEqual([keys.started('0004', 1), 'file', 'code', keys.finished('0004', 1)]);
  });

  it('leaves a claim that says until when it may run, of what source, code and commit', async () => {
    await run({}, { minutes: 10, requestId: 'request-7' });
    expect(await world.ledger.claim('0004', 1, 1)).toEqual({
      formatVersion: 1,
      migration: '0004',
      attempt: 1,
      slice: 1,
      execution: ME,
      time: '2026-03-01T12:00:00.000Z',
      requestId: 'request-7',
      nonce: 'nonce-1',
      deadline: '2026-03-01T12:11:00.000Z', // ten minutes, and one for clocks
      sourceSha256: HASH,
      codeSha256: 'b'.repeat(64),
      gitCommit: 'abc123',
    });
  });

  it('leaves an outcome that says how long it took', async () => {
    module.migration = () => {
      world.clock.advance(4_200);
      return Promise.resolve();
    };
    await run({ gitCommit: null });
    const outcome = await world.ledger.finished('0004', 1);
    expect(outcome).toMatchObject({ outcome: 'succeeded', durationMs: 4_200, slices: 1, execution: ME });
    expect(outcome?.time).toBe('2026-03-01T12:00:04.200Z');
    expect(outcome).not.toHaveProperty('error');
    expect(outcome).not.toHaveProperty('gitCommit');
  });

  it('may be a plain function that returns nothing', async () => {
    module.migration = (() => {
      starts += 1;
    }) as never;
    expect(await run()).toEqual(FINISHED);
    expect(starts).toBe(1);
  });

  it('records no completion: that is not its own to say', async () => {
    await run();
    expect(world.store.writes()).toEqual([`create ${keys.started('0004', 1)}`, `create ${keys.finished('0004', 1)}`]);
  });
});

describe('user code of one attempt starts at most once', () => {
  it('when 50 invocations with the same payload come at the same time', async () => {
    world.store.before = () => turn();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => run({}, { requestId: `r${n}` })));
    expect(starts).toBe(1);
    expect(answers.filter(({ outcome }) => outcome === 'finished')).toEqual([FINISHED]);
    expect(answers.filter(({ outcome }) => outcome === 'claimed elsewhere')).toHaveLength(49);
    expect(world.logs.filter(({ message }) => message.includes('no code was started'))).toHaveLength(49);
  });

  it('when they come with one request id, as an asynchronous retry of Lambda does', async () => {
    world.store.before = () => turn();
    await Promise.all([run(), run(), run()]);
    expect(starts).toBe(1);
  });

  it('in whatever order the store answers them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        world = createWorld();
        starts = 0;
        world.store.before = ({ operation }) => scheduler.schedule(Promise.resolve(), `before ${operation}`);
        world.store.after = ({ operation }) => scheduler.schedule(Promise.resolve(), `after ${operation}`);
        const all = Promise.all([run(), run(), run()]);
        await scheduler.waitFor(all);
        expect(starts).toBe(1);
        expect((await all).map(({ outcome }) => outcome).sort()).toEqual([
          'claimed elsewhere',
          'claimed elsewhere',
          'finished',
        ]);
      }),
      { numRuns: 50 },
    );
  });

  it('when it is invoked again later, while it runs, after it ended and after it failed', async () => {
    let again: unknown;
    module.migration = async () => {
      starts += 1;
      again = await run();
      throw new Error('failed');
    };
    await thrownBy(run());
    expect(again).toEqual(CLAIMED_ELSEWHERE);
    expect(await run()).toEqual(CLAIMED_ELSEWHERE);
    expect(starts).toBe(1);
  });

  it('when the claim stands and the deadline is long over', async () => {
    await claimed(1);
    world.clock.advance(24 * 60 * MINUTE);
    expect(await run()).toEqual(CLAIMED_ELSEWHERE);
    expect(starts).toBe(0);
  });
});

describe('nothing is started, claimed or written', () => {
  async function expectNothing(work: Promise<unknown>): Promise<void> {
    const before = [...world.store.writes()];
    expect(await work).toEqual(CLAIMED_ELSEWHERE);
    expect(world.store.writes()).toEqual(before);
    expect(starts).toBe(0);
  }

  it('when the migration is completed', async () => {
    await completed('0004');
    await expectNothing(run());
  });

  it('when a later attempt exists', async () => {
    await claimed(2);
    await expectNothing(run());
  });

  it('when the attempt has an outcome', async () => {
    await finished(1);
    await expectNothing(run());
  });

  it.each(DECISIONS)('when an operator decided %s on the attempt, which had not started', async (decision) => {
    await decided(1, decision);
    await expectNothing(run());
  });

  it('and this is said, when it is the function of another migration', async () => {
    const error = await thrownBy(run({ migration: '0005' }));
    expect(error).toMatchObject({ code: 'WrongMigration', source: 'system' });
    expect(error.message).toContain('runs migration 0004; it was asked for 0005');
    expect(world.store.calls).toEqual([]);
    expect(starts).toBe(0);
  });

  it('and this is said, when its predecessor is not completed', async () => {
    self = { ...SELF, predecessor: '0002' };
    await world.ledger.createFinished(subject('0002'), world.writer, {
      outcome: 'succeeded',
      durationMs: 1,
      slices: 1,
    });
    await completed('0001');
    const before = world.store.writes();
    const error = await thrownBy(run());
    expect(error).toMatchObject({ code: 'PredecessorNotCompleted', source: 'user' });
    expect(error.message).toContain('0004 runs only after 0002');
    expect(error.next).toContain('Start the state machine');
    expect(world.store.writes()).toEqual(before);
    expect(starts).toBe(0);
    await completed('0002');
    expect(await run()).toEqual(FINISHED);
    expect(starts).toBe(1);
  });

  it.each([
    ['its own completion', keys.completed('0004')],
    ["its predecessor's completion", keys.completed('0002')],
  ])('and the error is passed on, when %s cannot be read', async (_, key) => {
    self = { ...SELF, predecessor: '0002' };
    await world.store.inner.create(key, 'garbage');
    expect((await thrownBy(run())).code).toBe('RecordUnreadable');
    expect(world.store.writes()).toEqual([]);
    expect(starts).toBe(0);
  });

  it('and the error is passed on, when the store fails at any call before the code', async () => {
    self = { ...SELF, predecessor: '0002' };
    await completed('0002');
    await finished(1);
    await decided(1, 'retry');
    for (let failing = 0, calls = 0; ; failing += 1, calls = 0) {
      const fresh = await copyOf(world);
      fresh.store.before = () => {
        if (starts === 0 && calls++ === failing) throw unavailable();
      };
      const handle = handlerOf(() => Promise.resolve(module), fresh);
      const work = handle({ ...PAYLOAD, attempt: 2 }, invocation(fresh));
      if (starts === 0 && failing > 20) throw new Error('the code never starts');
      const result = await work.catch((thrown: unknown) => thrown);
      if (starts === 1) break;
      // The checkpoint is read after the claim: the attempt has failed then, because of the same error.
      expect((result as Error).message).toContain('The store of this test does not answer.');
    }
  });

  async function copyOf(of: World): Promise<World> {
    const copy = createWorld();
    for (const { key } of (await of.store.inner.list('')).objects) {
      await copy.store.inner.create(key, (await of.store.inner.get(key))?.body ?? '');
    }
    return copy;
  }
});

describe('a later attempt', () => {
  const second = () => run({ attempt: 2 });
  async function expectNotAuthorised(why: string): Promise<void> {
    const before = world.store.writes();
    const error = await thrownBy(second());
    expect(error).toMatchObject({ code: 'AttemptNotAuthorised', source: 'user' });
    expect(error.message).toContain(why);
    expect(error.next).toContain('Start the state machine');
    expect(world.store.writes()).toEqual(before);
    expect(starts).toBe(0);
  }

  it('does not start when there is no earlier one', () =>
    expectNotAuthorised('no operator decided "retry" on attempt 1'));

  it('does not start when the earlier one failed and nobody decided', async () => {
    await claimed(1);
    await finished(1);
    await expectNotAuthorised('no operator decided "retry" on attempt 1');
  });

  it.each(DECISIONS.filter((decision) => decision !== 'retry'))('does not start after %s', async (decision) => {
    await finished(1);
    await decided(1, decision);
    await expectNotAuthorised('no operator decided "retry" on attempt 1');
  });

  it('does not start when the latest decision is not retry', async () => {
    await finished(1);
    await decided(1, 'retry', 1);
    await decided(1, 'abort', 2);
    await expectNotAuthorised('no operator decided "retry" on attempt 1');
  });

  it('does not start when retry was decided on an attempt before the one before it', async () => {
    await finished(1);
    await decided(1, 'retry');
    const error = await thrownBy(run({ attempt: 3 }));
    expect(error.message).toContain('no operator decided "retry" on attempt 2');
    expect(starts).toBe(0);
  });

  it('does not start before the deadline of the earlier one, which has no outcome', async () => {
    await claimed(1, 1, 16);
    await decided(1, 'retry');
    world.clock.advance(16 * MINUTE - 1);
    await expectNotAuthorised('attempt 1 may be running until 2026-03-01T12:16:00.000Z');
    world.clock.advance(1);
    expect(await second()).toMatchObject({ outcome: 'finished', attempt: 2 });
    expect(starts).toBe(1);
  });

  it('waits for the deadline of the latest slice', async () => {
    await claimed(1, 1, 1);
    await claimed(1, 2, 30);
    await decided(1, 'retry');
    world.clock.advance(29 * MINUTE);
    await expectNotAuthorised('may be running until 2026-03-01T12:30:00.000Z');
  });

  it('starts at once when the earlier one has its outcome, or never started', async () => {
    await claimed(1);
    await finished(1);
    await decided(1, 'retry');
    expect(await second()).toMatchObject({ outcome: 'finished', attempt: 2 });
    world = createWorld();
    await decided(1, 'retry');
    expect(await second()).toMatchObject({ outcome: 'finished', attempt: 2 });
    expect(starts).toBe(2);
  });

  it('starts after an abort that was followed by a retry', async () => {
    await finished(1);
    await decided(1, 'abort', 1);
    await decided(1, 'retry', 2);
    expect(await second()).toMatchObject({ outcome: 'finished', attempt: 2 });
  });
});

describe('what happens between the first check and the claim', () => {
  it.each([
    ['a decision', () => decided(1, 'mark-applied')],
    ['a retry', () => decided(1, 'retry')],
    ['a completion', () => completed('0004')],
    ['a later attempt', () => claimed(2)],
  ])('%s: user code does not start, and the attempt says so at once', async (_, happens) => {
    world.store.before = once('create', keys.started('0004', 1), happens);
    expect(await run()).toEqual(CLAIMED_ELSEWHERE);
    expect(starts).toBe(0);
    expect(await world.ledger.claim('0004', 1, 1)).toMatchObject({ execution: ME });
    expect(await world.ledger.finished('0004', 1)).toMatchObject({
      outcome: 'failed',
      error: { name: 'FencedOut', message: expect.stringContaining('before its code started') as unknown },
      durationMs: 0,
    });
  });

  it('a decision after the claim is seen too, when it comes before the second check', async () => {
    world.store.after = once('create', keys.started('0004', 1), () => decided(1, 'skip'));
    expect(await run()).toEqual(CLAIMED_ELSEWHERE);
    expect(starts).toBe(0);
  });

  it('the second check fails: user code does not start, and the claim stands', async () => {
    let wasClaimed = false;
    world.store.after = once('create', keys.started('0004', 1), () => {
      wasClaimed = true;
    });
    world.store.before = ({ operation }) => {
      if (wasClaimed && operation !== 'create') throw unavailable();
    };
    expect((await thrownBy(run())).code).toBe('LedgerUnavailable');
    expect(starts).toBe(0);
    world.store.before = () => undefined;
    expect(await world.ledger.finished('0004', 1)).toBeUndefined();
    expect(await run()).toEqual(CLAIMED_ELSEWHERE);
  });
});

describe('a migration that fails', () => {
  it.each([
    ['rejects', () => Promise.reject(new RangeError('too much'))],
    [
      'throws before it is asynchronous',
      () => {
        throw new RangeError('too much');
      },
    ],
  ])('%s: its outcome is written, and MigrationFailed says what it threw', async (_, migration) => {
    module.migration = migration;
    const error = await thrownBy(run());
    expect(error).toMatchObject({ code: 'MigrationFailed', source: 'user' });
    expect(error.message).toBe('Migration 0004, attempt 1, failed: RangeError: too much');
    expect(await world.ledger.finished('0004', 1)).toMatchObject({
      outcome: 'failed',
      error: {
        name: 'RangeError',
        message: 'too much',
        stack: expect.stringContaining(import.meta.filename) as unknown,
      },
      slices: 1,
    });
  });

  it('while its file is evaluated: this is user code too, so the attempt is claimed and has failed', async () => {
    const handle = handlerOf(() => Promise.reject(new SyntaxError('at the top level')));
    const error = await thrownBy(handle(PAYLOAD, invocation(world)));
    expect(error.code).toBe('MigrationFailed');
    expect(await world.ledger.finished('0004', 1)).toMatchObject({
      outcome: 'failed',
      error: { name: 'SyntaxError', message: 'at the top level' },
    });
  });

  it.each([
    ['text', 'Error: text'],
    [undefined, 'Error: undefined'],
    [{ code: 7 }, 'Error: {"code":7}'],
    [null, 'Error: null'],
  ])('may throw what is no error: %s', async (thrown, said) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- user code may
    module.migration = () => Promise.reject(thrown);
    expect((await thrownBy(run())).message).toBe(`Migration 0004, attempt 1, failed: ${said}`);
    expect(await world.ledger.finished('0004', 1)).toMatchObject({ outcome: 'failed', error: { name: 'Error' } });
  });

  it('with a message of 5 MB: what is written and what is thrown is bounded', async () => {
    module.migration = () => Promise.reject(new Error('x'.repeat(5_000_000)));
    expect((await thrownBy(run())).message.length).toBeLessThan(5_000);
    expect((await world.store.inner.get(keys.finished('0004', 1)))?.body.length).toBeLessThan(25_000);
  });

  it('and whose outcome cannot be written: its own error is the one that is thrown, the outcome is unknown', async () => {
    module.migration = () => Promise.reject(new RangeError('the first'));
    world.store.before = once('create', keys.finished('0004', 1), () => {
      throw unavailable();
    });
    const error = await thrownBy(run());
    expect(error.code).toBe('MigrationFailed');
    expect(error.message).toContain('RangeError: the first');
    expect(await world.ledger.finished('0004', 1)).toBeUndefined();
    expect(world.logs.filter(({ message }) => message.includes('could not be written'))).toHaveLength(1);
  });
});

describe('a migration that returns, and whose outcome cannot be written', () => {
  it('is an error, and the ledger shows an unknown outcome', async () => {
    world.store.before = once('create', keys.finished('0004', 1), () => {
      throw unavailable();
    });
    expect((await thrownBy(run())).code).toBe('LedgerUnavailable');
    expect(starts).toBe(1);
    expect(await world.ledger.claim('0004', 1, 1)).toBeDefined();
    expect(await world.ledger.finished('0004', 1)).toBeUndefined();
    expect(await run()).toEqual(CLAIMED_ELSEWHERE);
    expect(starts).toBe(1);
  });
});
