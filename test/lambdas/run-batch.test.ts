// `Run batch`: which invocation may run a batch's code, what is left of it in the ledger, and when no further batch begins.
import { beforeEach, describe, expect, it } from 'vitest';
import type { BatchPayload } from '../../core/contract/payloads.ts';
import type { BatchOutcome } from '../../core/ledger/batches.ts';
import { claimBatch, endBatch, markBatch, planBatch } from '../../core/ledger/batches.ts';
import type { Allowed, Reference } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { batchKey, claimKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import type { Claim } from '../../core/ledger/turns.ts';
import type { Self } from '../../lambdas/run-migration/allowed-turn.ts';
import { createRunBatch } from '../../lambdas/run-migration/run-batch.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { RunUserCode, UserCodeEnd, UserCodeOptions } from '../../lambdas/run-migration/user-code/supervise.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const ME = executionArn('me');
const OTHER_CODE = 'd'.repeat(64);

type Turn = Numbered<Allowed>;

let world: World;
let prepared: LedgerBefore;
let self: Self;
/** The turn that has planned three batches, and the one that runs them. */
let planned: Turn;
let turn: Turn;
/** What user code was given, and how it ends. */
let given: UserCodeOptions[];
let ends: () => Promise<UserCodeEnd>;

beforeEach(() => begin());

/** A ledger with a plan of three batches, and the turn that runs them. @param more of what its entry says of them */
async function begin(more: Partial<NonNullable<Allowed['batches']>> = {}): Promise<void> {
  world = createWorld();
  prepared = ledgerBefore(world);
  self = { migration: '0004', codeSha256: CODE, sliceMs: undefined };
  given = [];
  ends = () => Promise.resolve({ outcome: 'finished', checkpoints: 0 });
  planned = await prepared.allow('0004', { execution: ME });
  await prepared.claim(planned);
  const writer = prepared.writer('0004');
  for (const batch of [1, 2, 3]) await planBatch(world.store.inner, planned, writer, batch, [`${batch}a`, `${batch}b`]);
  const stopped = (await prepared.close(planned, 'stopped')) as { reference: Reference };
  const plan = [{ turn: planned.number, sha256: planned.sha256, batches: 3 }];
  turn = await prepared.allow('0004', {
    execution: ME,
    slice: 2,
    begin: 'checkpoint',
    restsOn: { turn: stopped.reference },
    batches: { of: 3, plan, rest: '1-3', ...more },
  });
}

function run(batch = 2, payload: Partial<BatchPayload> = {}, { minutes = 15, requestId = 'request-1' } = {}) {
  const { migration, attempt, slice, number, execution } = turn;
  const runUserCode: RunUserCode = (options) => {
    given.push(options);
    return ends();
  };
  return createRunBatch(
    self,
    world.services,
    runUserCode,
  )(
    { ask: 'batch', execution, migration, attempt, slice, turn: number, batch, ...payload },
    invocation(world, { minutes, requestId }),
  );
}

async function stored<T>(key: string): Promise<T | undefined> {
  const object = await world.store.inner.get(key);
  return object && (JSON.parse(object.body) as T);
}
const claimOf = (batch: number) => stored<Claim>(batchKey(turn, batch, 'claim'));
const outcomeOf = (batch: number) => stored<BatchOutcome>(batchKey(turn, batch, 'outcome'));
const isMarked = async (batch: number) => [
  (await stored(batchKey(turn, batch, 'failed'))) !== undefined,
  (await stored(batchKey(turn, batch, 'later'))) !== undefined,
];
const closes = () => stored<Claim>(claimKey(turn));
const fails = () =>
  Promise.resolve({ outcome: 'threw' as const, error: { name: 'Error', message: 'no room' }, checkpoints: 0 });

describe('a batch', () => {
  it('is claimed, run with its items, and said to have succeeded', async () => {
    ends = () => {
      world.clock.advance(7_000);
      return Promise.resolve({ outcome: 'finished', checkpoints: 0, leftOver: ['1 timer'] });
    };
    expect(await run()).toEqual({ batch: 2, outcome: 'succeeded' });
    expect(given).toMatchObject([
      {
        migration: '0004',
        attempt: 1,
        slice: 2,
        cursor: undefined,
        batch: { items: ['2a', '2b'], number: 2, of: 3 },
        sliceMs: 900_000,
        endAfterMs: 896_000,
        saveEveryMs: Infinity,
      },
    ]);
    expect(await given[0]?.save({} as never)).toBe('go on');
    expect(await claimOf(2)).toMatchObject({ claim: 'claimed', writer: { function: '0004', requestId: 'request-1' } });
    const outcome = await outcomeOf(2);
    expect(outcome).toMatchObject({ outcome: 'succeeded', durationMs: 7_000, leftOver: ['1 timer'] });
    expect(outcome).not.toHaveProperty('error');
    expect([await isMarked(2), await closes()]).toEqual([[false, false], undefined]);
    expect([await claimOf(1), world.logs]).toEqual([undefined, []]);
  });

  it('runs once, whoever asks', async () => {
    expect(await run()).toMatchObject({ outcome: 'succeeded' });
    expect(await run(2, {}, { requestId: 'request-2' })).toEqual({ batch: 2, outcome: 'not begun' });
    expect(given).toHaveLength(1);
    expect(world.logs.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'Another invocation has batch 2: no code was started',
    ]);
  });

  it('has no more time than its turn has, from before its claim, and than its function has', async () => {
    world.store.before = once('create', batchKey(turn, 1, 'claim'), () => world.clock.advance(30_000));
    await run(1, {}, { minutes: 60 });
    await run(2, {}, { minutes: 10 });
    expect(given.map(({ sliceMs, endAfterMs }) => [sliceMs, endAfterMs])).toEqual([
      [870_000, 866_000],
      [600_000, 596_000],
    ]);
  });

  it('whose outcome cannot be written came to an end of which nobody knows', async () => {
    world.store.before = once('create', batchKey(turn, 2, 'outcome'), () => {
      throw unavailable();
    });
    const error = await thrownBy(run());
    expect(error.code).toBe('OutcomeNotWritten');
    expect(error.message).toMatch(/^Batch 2 of 0004, attempt 1, came to an end, and what became of it could not be/);
    expect(await isMarked(2)).toEqual([false, false]);
  });
});

describe('a batch that fails', () => {
  it('says so, and closes its turn: no further one begins', async () => {
    ends = fails;
    world.store.calls.length = 0;
    expect(await run()).toEqual({ batch: 2, outcome: 'failed' });
    expect(world.store.calls.filter(({ operation }) => operation === 'list')).toEqual([]); // one is enough
    expect(await outcomeOf(2)).toMatchObject({ outcome: 'failed', error: { name: 'Error', message: 'no room' } });
    expect([await isMarked(2), await closes()]).toMatchObject([[true, false], { claim: 'void' }]);
    const error = { name: 'Error', message: 'no room' };
    expect(world.logs).toEqual([{ level: 'error', message: 'Batch 2 of 0004, attempt 1, failed', fields: { error } }]);
    expect(await run(3)).toEqual({ batch: 3, outcome: 'not begun' });
    expect(await claimOf(3)).toBeUndefined();
  });

  it('has not, when S3 asked for fewer requests: it is for later, and its turn is closed whatever that tolerates', async () => {
    await begin({ tolerated: 2 });
    const error = { name: 'SlowedDown', message: 'Please reduce your request rate.' };
    ends = () => Promise.resolve({ outcome: 'threw', error, checkpoints: 0 });
    expect(await run()).toEqual({ batch: 2, outcome: 'slowed down' });
    expect(await outcomeOf(2)).toMatchObject({ outcome: 'slowed-down', error });
    expect([await isMarked(2), await closes()]).toMatchObject([[false, true], { claim: 'void' }]);
    expect(world.logs).toEqual([
      {
        level: 'warn',
        message: 'Batch 2 of 0004, attempt 1, was slowed down by S3, and is run again later',
        fields: { error },
      },
    ]);
  });

  it('has, when its process was ended, whatever it had said of S3', async () => {
    const error = { name: 'SlowedDown', message: 'It was ended.' };
    ends = () => Promise.resolve({ outcome: 'ended', error, checkpoints: 0 });
    expect(await run()).toEqual({ batch: 2, outcome: 'failed' });
    expect(await isMarked(2)).toEqual([true, false]);
  });

  it.each([
    [1, [undefined, { claim: 'void' }]],
    [2, [undefined, undefined]],
  ])('closes it when more have failed than the %i that it tolerates', async (tolerated, closed) => {
    await begin({ tolerated });
    ends = fails;
    const seen = [];
    for (const batch of [1, 3]) {
      expect(await run(batch)).toEqual({ batch, outcome: 'failed' });
      seen.push(await closes());
    }
    expect(seen).toMatchObject(closed);
  });

  it('counts those alone that failed in this turn', async () => {
    await begin({ tolerated: 1 });
    const { inner } = world.store;
    await markBatch(inner, turn, prepared.writer('0004'), 3, 'later');
    await run(1);
    ends = fails;
    await run(2);
    expect(await closes()).toBeUndefined();
  });

  it('does so too when its process cannot be started', async () => {
    ends = () => Promise.reject(new Error('no process'));
    expect(await run()).toEqual({ batch: 2, outcome: 'failed' });
    expect(await outcomeOf(2)).toMatchObject({ error: { name: 'Error', message: 'no process' } });
  });

  it('fails when what it is made of cannot be read, and none of its code has run', async () => {
    const key = batchKey(planned, 2, 'items');
    await world.store.inner.replace(key, '{}', (await world.store.inner.get(key))?.etag);
    expect(await run()).toEqual({ batch: 2, outcome: 'failed' });
    expect((await outcomeOf(2))?.error?.message).toContain(key);
    expect(given).toEqual([]);
  });
});

describe('no batch begins', () => {
  it('of a turn that is closed: it is not even claimed', async () => {
    await prepared.claim(turn, { claim: 'void' });
    const written = world.store.writes();
    expect(await run()).toEqual({ batch: 2, outcome: 'not begun' });
    expect([given, world.store.writes()]).toEqual([[], written]);
  });

  it('of one that is closed while it is claimed: that one is for later', async () => {
    world.store.after = once('create', batchKey(turn, 2, 'claim'), () => prepared.claim(turn, { claim: 'void' }));
    expect(await run()).toEqual({ batch: 2, outcome: 'not begun' });
    expect(await outcomeOf(2)).toMatchObject({ outcome: 'not-begun' });
    expect([given, await isMarked(2)]).toEqual([[], [false, true]]);
  });

  it('of one that is cancelled: who sees it first closes it', async () => {
    await prepared.cancel(turn);
    expect(await run()).toEqual({ batch: 2, outcome: 'not begun' });
    expect([given, await claimOf(2), await closes()]).toMatchObject([[], undefined, { claim: 'void' }]);
  });

  it('of one that is cancelled after it halted, and of no other', async () => {
    const halted = await prepared.halt(turn, 'unknown');
    await prepared.decide(halted, 'abort', { reason: 'looked at' });
    expect(await run(1)).toMatchObject({ outcome: 'succeeded' });
    await prepared.cancel(turn);
    expect(await run(2)).toMatchObject({ outcome: 'not begun' });
  });

  it('in a function of other code, which closes the turn and says so', async () => {
    self = { ...self, codeSha256: OTHER_CODE };
    expect(await run()).toEqual({ batch: 2, outcome: 'not begun' });
    expect([given, await claimOf(2)]).toEqual([[], undefined]);
    expect(await closes()).toMatchObject({ claim: 'void', otherCodeSha256: OTHER_CODE });
  });

  it.each<[string, string, number, Partial<BatchPayload>]>([
    ['another migration', 'WrongMigration', 2, { migration: '0005' }],
    ['a batch that the turn does not have', 'NotAllowed', 4, {}],
    ['another attempt', 'NotAllowed', 2, { attempt: 2 }],
    ['another slice', 'NotAllowed', 2, { slice: 1 }],
    ['another execution', 'NotAllowed', 2, { execution: executionArn('other') }],
    ['an entry that is not there', 'NotAllowed', 2, { turn: 9 }],
    ['a turn that plans', 'NotAllowed', 2, { turn: 1, slice: 1 }],
  ])('for %s', async (_, code, batch, payload) => {
    const written = world.store.writes();
    expect((await thrownBy(run(batch, payload))).code).toBe(code);
    expect([given, world.store.writes()]).toEqual([[], written]);
  });

  it('when the turn is asked for as a whole, as one without batches', async () => {
    const { migration, attempt, slice, number, execution } = turn;
    const whole = createRunMigration(self, world.services, () => ends())(
      { ask: 'run', execution, migration, attempt, slice, turn: number },
      invocation(world),
    );
    const error = await thrownBy(whole);
    expect(error.code).toBe('NotAllowed');
    expect(error.message).toContain(`${entryKey(number)} allows batches`);
    expect(await closes()).toBeUndefined();
  });

  it('that has succeeded before this turn', async () => {
    await begin({ rest: '1,3' });
    expect((await thrownBy(run(2))).message).toContain(`${entryKey(turn.number)} does not allow batch 2`);
    expect(await run(3)).toMatchObject({ outcome: 'succeeded' });
  });

  it('of a turn whose ground has changed', async () => {
    const key = outcomeKey(planned);
    await world.store.inner.replace(key, '{}', (await world.store.inner.get(key))?.etag);
    expect((await thrownBy(run())).message).toContain(`${key}, on which ${entryKey(turn.number)} rests, has changed`);
    expect(given).toEqual([]);
  });

  it.each([
    ['get', () => claimKey(turn)],
    ['create', () => batchKey(turn, 2, 'claim')],
  ] as const)('when the ledger does not answer a %s', async (operation, key) => {
    world.store.before = once(operation, key(), () => {
      throw unavailable();
    });
    expect((await thrownBy(run())).code).toBe('LedgerUnavailable');
    expect(given).toEqual([]);
  });
});

it('an outcome of before stands', async () => {
  const { inner } = world.store;
  const writer = prepared.writer('0004');
  await claimBatch(inner, turn, writer, 2);
  await endBatch(inner, turn, writer, 2, { outcome: 'unknown' });
  expect(await run()).toEqual({ batch: 2, outcome: 'not begun' });
  expect(await outcomeOf(2)).toMatchObject({ outcome: 'unknown' });
});
