// `Run migration`: who may start user code, and what is left of it in the ledger.
import fc from 'fast-check';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunPayload } from '../../core/contract/payloads.ts';
import type { Allowed } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { claimKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import { Claim, Outcome } from '../../core/ledger/turns.ts';
import { VARIABLES } from '../../core/names/names.ts';
import { VERSION } from '../../core/names/version.ts';
import type { Self } from '../../lambdas/run-migration/allowed-turn.ts';
import { selfFromEnvironment } from '../../lambdas/run-migration/handler.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { LoadMigration, MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import { runInThisProcess } from '../support/in-process.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const ME = executionArn('me');
const MINUTE = 60_000;
const OTHER_CODE = 'd'.repeat(64);
const SELF: Self = { migration: '0004', codeSha256: CODE, sliceMs: undefined };

type Turn = Numbered<Allowed>;

let world: World;
let prepared: LedgerBefore;
let self: Self;
/** What the migration's file exports, and how often its code was started. */
let module: MigrationModule;
let starts: number;

function reset(): void {
  world = createWorld();
  prepared = ledgerBefore(world);
  self = SELF;
  starts = 0;
  module = {
    migration: () => {
      starts += 1;
      return Promise.resolve();
    },
  };
}
beforeEach(reset);

const handlerOf = (load: LoadMigration, { services, timing } = world) =>
  createRunMigration(self, services, runInThisProcess(load, timing));

const payloadOf = ({ migration, attempt, slice, number, execution }: Turn): RunPayload => ({
  ask: 'run',
  execution,
  migration,
  attempt,
  slice,
  turn: number,
});

function run(turn: Turn, payload: Partial<RunPayload> = {}, { minutes = 15, requestId = 'request-1' } = {}) {
  const handle = handlerOf(() => Promise.resolve(module));
  return handle({ ...payloadOf(turn), ...payload }, invocation(world, { minutes, requestId }));
}

/** The turn of migration 0004 that the log allows, after the completion of 0002. */
async function allowed(more: Partial<Turn> = {}): Promise<Turn> {
  const before = await prepared.complete('0002', 'baseline');
  const completion = { key: entryKey(before.number), sha256: before.sha256 };
  return prepared.allow('0004', { execution: ME, restsOn: { completion }, ...more });
}

/** The turn of its second attempt, after a person's retry. */
async function allowedAgain(begin: Turn['begin'] = 'start'): Promise<Turn> {
  const first = await allowed();
  await prepared.claim(first);
  await prepared.close(first, 'failed');
  const decided = await prepared.decide(await prepared.halt(first), 'retry');
  const decision = { key: entryKey(decided.number), sha256: decided.sha256 };
  return prepared.allow('0004', { execution: ME, attempt: 2, begin, restsOn: { decision } });
}

async function stored<T>(schema: { parse: (json: unknown) => T }, key: string): Promise<T | undefined> {
  const object = await world.store.inner.get(key);
  return object && schema.parse(JSON.parse(object.body));
}
const claimOf = (turn: Turn): Promise<Claim | undefined> => stored(Claim, claimKey(turn));
const outcomeOf = (turn: Turn): Promise<Outcome | undefined> => stored(Outcome, outcomeKey(turn));

/** Puts another body there, as nothing of ours would. */
async function overwrite(key: string, body: string): Promise<void> {
  await world.store.inner.replace(key, body, (await world.store.inner.get(key))?.etag);
}

/** What a store does whose answer to the first such request is lost: it is sent again, and finds what it has written. */
function losesAnswer(key: string): void {
  const { inner } = world.store;
  world.store.before = once('create', key, () => {
    const create = inner.create.bind(inner);
    inner.create = async (of, body) => {
      inner.create = create;
      await create(of, body);
      return create(of, body);
    };
  });
}

const answerOf = (turn: Turn, outcome: string) => ({
  outcome,
  migration: '0004',
  attempt: turn.attempt,
  slice: turn.slice,
  turn: turn.number,
});
const finished = (turn: Turn) => answerOf(turn, 'finished');
const claimedElsewhere = (turn: Turn) => answerOf(turn, 'claimed elsewhere');

describe('a migration that returns', () => {
  it('is claimed before its file is evaluated, and its outcome is written after its code', async () => {
    const turn = await allowed();
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
    expect(await handle(payloadOf(turn), invocation(world))).toEqual(finished(turn));
    expect(order).toEqual([claimKey(turn), 'file', 'code', outcomeKey(turn)]);
  });

  it('leaves a claim that names its entry and its invocation', async () => {
    const turn = await allowed();
    await run(turn, {}, { requestId: 'request-7' });
    expect(await claimOf(turn)).toEqual({
      format: 1,
      claim: 'claimed',
      entry: { number: turn.number, sha256: turn.sha256 },
      time: '2026-03-01T12:00:00.000Z',
      nonce: 'nonce-1',
      writer: { function: '0004', requestId: 'request-7', version: VERSION },
    });
  });

  it('leaves an outcome that says how long it took', async () => {
    const turn = await allowed();
    module.migration = () => {
      world.clock.advance(4_200);
      return Promise.resolve();
    };
    await run(turn);
    expect(await outcomeOf(turn)).toEqual({
      format: 1,
      outcome: 'succeeded',
      entry: { number: turn.number, sha256: turn.sha256 },
      time: '2026-03-01T12:00:04.200Z',
      nonce: 'nonce-2',
      writer: { function: '0004', requestId: 'request-1', version: VERSION },
      durationMs: 4_200,
      checkpoints: 0,
    });
    expect(world.logs).toEqual([]);
  });

  it('took no time when the clock was set back meanwhile: its outcome can be read', async () => {
    const turn = await allowed();
    module.migration = () => {
      world.clock.advance(-60_000);
      return Promise.resolve();
    };
    await run(turn);
    expect(await outcomeOf(turn)).toMatchObject({ outcome: 'succeeded', durationMs: 0 });
  });

  it('leaves an outcome that says what it has not awaited', async () => {
    const turn = await allowed();
    const leftOver = ['2 timers', '1 connection'];
    const handle = createRunMigration(SELF, world.services, () =>
      Promise.resolve({ outcome: 'finished', checkpoints: 0, leftOver }),
    );
    await handle(payloadOf(turn), invocation(world));
    expect(await outcomeOf(turn)).toMatchObject({ outcome: 'succeeded', leftOver });
  });

  it('may be a plain function that returns nothing', async () => {
    const turn = await allowed();
    module.migration = (() => {
      starts += 1;
    }) as never;
    expect(await run(turn)).toEqual(finished(turn));
    expect(starts).toBe(1);
  });

  it('records no completion, and appends nothing to the log: that is not its own to say', async () => {
    const turn = await allowed();
    await run(turn);
    expect(world.store.writes()).toEqual([`create ${claimKey(turn)}`, `create ${outcomeKey(turn)}`]);
  });

  it.each([
    ['of all', 3, () => prepared.allow('0004', { execution: ME })],
    ['after a completion', 4, () => allowed()],
    ['after a retry', 5, () => allowedAgain()],
  ])('asks the store a handful of times: the first turn %s %i times', async (_, requests, allow) => {
    const turn = await allow();
    expect(await run(turn)).toEqual(finished(turn));
    expect(world.store.calls).toHaveLength(requests);
    expect(world.store.calls.map(({ operation }) => operation)).not.toContain('list');
  });
});

describe('user code of one turn starts at most once', () => {
  it('when 50 invocations with the same payload come at the same time', async () => {
    const turn = await allowed();
    world.store.before = () => turnOfLoop();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => run(turn, {}, { requestId: `r${n}` })));
    expect(starts).toBe(1);
    expect(answers.filter(({ outcome }) => outcome === 'finished')).toEqual([finished(turn)]);
    expect(answers.filter(({ outcome }) => outcome === 'claimed elsewhere')).toHaveLength(49);
    expect(world.logs.filter(({ message }) => message.includes('no code was started'))).toHaveLength(49);
  });

  it('when they come with one request id, as an asynchronous retry of Lambda does', async () => {
    const turn = await allowed();
    world.store.before = () => turnOfLoop();
    await Promise.all([run(turn), run(turn), run(turn)]);
    expect(starts).toBe(1);
  });

  it('in whatever order the store answers them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        reset();
        const turn = await allowed();
        world.store.before = ({ operation }) => scheduler.schedule(Promise.resolve(), `before ${operation}`);
        world.store.after = ({ operation }) => scheduler.schedule(Promise.resolve(), `after ${operation}`);
        const all = Promise.all([run(turn), run(turn), run(turn)]);
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
    const turn = await allowed();
    let again: unknown;
    module.migration = async () => {
      starts += 1;
      again = await run(turn);
      throw new Error('failed');
    };
    await thrownBy(run(turn));
    expect(again).toEqual(claimedElsewhere(turn));
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(1);
  });

  it('when the claim stands and the deadline is long over', async () => {
    const turn = await allowed();
    await prepared.claim(turn);
    world.clock.advance(24 * 60 * MINUTE);
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(0);
  });

  it('and it starts when only the answer to the claim was lost', async () => {
    const turn = await allowed();
    losesAnswer(claimKey(turn));
    expect(await run(turn)).toEqual(finished(turn));
    expect(starts).toBe(1);
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(1);
  });

  it('and it does not, when it is not known whether it was claimed', async () => {
    const turn = await allowed();
    world.store.after = once('create', claimKey(turn), () => {
      throw unavailable();
    });
    expect((await thrownBy(run(turn))).code).toBe('LedgerUnavailable');
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(0);
  });
});

describe('nothing is started', () => {
  /** Neither claimed nor written. */
  async function expectNotAllowed(work: Promise<unknown>, why: string): Promise<void> {
    const error = await thrownBy(work);
    expect(error).toMatchObject({ code: 'NotAllowed', source: 'user' });
    expect(error.message).toContain(why);
    expect(error.next).toContain('Start the state machine');
    expect(world.store.writes()).toEqual([]);
    expect(starts).toBe(0);
  }

  it('when the turn is void, before or just before the claim', async () => {
    const turn = await allowed();
    world.store.before = once('create', claimKey(turn), () => prepared.claim(turn, { claim: 'void' }));
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(0);
    expect(await claimOf(turn)).toMatchObject({ claim: 'void' });
    expect(await outcomeOf(turn)).toBeUndefined();
  });

  it('when what stands there as the claim cannot be read: it may be one', async () => {
    const turn = await allowed();
    await world.store.inner.create(claimKey(turn), 'garbage');
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(0);
  });

  it('and the claim is made void, when the entry allows other code: half of a deployment is there', async () => {
    const turn = await allowed({ codeSha256: OTHER_CODE });
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(0);
    expect(world.store.writes()).toEqual([`create ${claimKey(turn)}`]);
    expect(await claimOf(turn)).toMatchObject({ claim: 'void', otherCodeSha256: CODE, writer: { function: '0004' } });
    self = { ...SELF, codeSha256: OTHER_CODE };
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(0);
  });

  it('and what stands there stays, when the entry allows other code and is claimed', async () => {
    const turn = await allowed({ codeSha256: OTHER_CODE });
    await prepared.claim(turn);
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(await claimOf(turn)).toMatchObject({ claim: 'claimed' });
  });

  it('and this is said, when it is the function of another migration', async () => {
    const error = await thrownBy(run(await allowed(), { migration: '0005' }));
    expect(error).toMatchObject({ code: 'WrongMigration', source: 'system' });
    expect(error.message).toContain('runs migration 0004; it was asked for 0005');
    expect(world.store.calls).toEqual([]);
    expect(starts).toBe(0);
  });

  it('and this is said, when the entry is not there', async () => {
    const turn = await allowed();
    await expectNotAllowed(
      run(turn, { turn: 3 }),
      'Nothing allows attempt 1, slice 1 of 0004: log/00000003.json is not',
    );
  });

  it('and this is said, when the entry is of another kind', async () => {
    const turn = await allowed();
    await expectNotAllowed(run(turn, { turn: 1 }), 'log/00000001.json is a completed entry');
  });

  it('and this is said, when the entry allows another migration', async () => {
    const turn = await prepared.allow('0003', { execution: ME });
    await expectNotAllowed(run(turn, { migration: '0004' }), 'log/00000001.json allows migration 0003, not 0004');
  });

  it.each<[Partial<RunPayload>, string]>([
    [{ attempt: 2 }, 'allows attempt 1, not 2'],
    [{ slice: 2 }, 'allows slice 1, not 2'],
    [{ execution: executionArn('other') }, `allows execution ${ME}, not ${executionArn('other')}`],
  ])('and this is said, when the entry allows another attempt, slice or execution: %o', async (payload, why) => {
    await expectNotAllowed(run(await allowed(), payload), why);
  });

  describe.each<[string, () => Promise<Turn>, (turn: Turn) => string]>([
    ['the completion before it', allowed, ({ restsOn }) => restsOn.completion?.key ?? ''],
    ['the decision to retry', allowedAgain, ({ restsOn }) => restsOn.decision?.key ?? ''],
    [
      'the void claim of the turn before it',
      async () => {
        const before = await allowed();
        const taken = await prepared.claim(before, { claim: 'void' });
        const reference = taken.taken === 'mine' ? taken.reference : undefined;
        return prepared.allow('0004', { execution: ME, restsOn: { turn: reference } });
      },
      ({ restsOn }) => restsOn.turn?.key ?? '',
    ],
  ])('and this is said, when what it rests on is not as it was: %s', (_, allow, keyOf) => {
    it('has changed', async () => {
      const turn = await allow();
      const key = keyOf(turn);
      await overwrite(key, `${(await world.store.inner.get(key))?.body} `);
      await expectNotAllowed(run(turn), `${key}, on which ${entryKey(turn.number)} rests, has changed`);
    });

    it('is not there', async () => {
      const turn = await allow();
      const key = keyOf(turn);
      const { inner } = world.store;
      const get = inner.get.bind(inner);
      inner.get = (of) => (of === key ? Promise.resolve(undefined) : get(of));
      await expectNotAllowed(run(turn), `${key}, on which ${entryKey(turn.number)} rests, is not there`);
    });

    it('and it starts when that is as it was', async () => {
      const turn = await allow();
      expect(keyOf(turn)).toMatch(/^(log|turns)\//);
      expect(await run(turn)).toEqual(finished(turn));
      expect(starts).toBe(1);
    });
  });

  it.each([
    ['is no JSON', 'garbage', 'RecordUnreadable'],
    ['is of no kind', '{"format":1}', 'RecordUnreadable'],
    ['is of a newer format', '{"format":2,"kind":"allowed","writer":{"version":"9.0.0"}}', 'NewerLedger'],
  ])('and the error is passed on, when its entry %s', async (_, body, code) => {
    const turn = await allowed();
    await overwrite(entryKey(turn.number), body);
    expect((await thrownBy(run(turn))).code).toBe(code);
    expect(world.store.writes()).toEqual([]);
    expect(starts).toBe(0);
  });

  it('and the error is passed on, when the last checkpoint cannot be read: the start is not assumed', async () => {
    const turn = await allowedAgain('checkpoint');
    await world.store.inner.create('checkpoints/0004.json', 'garbage');
    const error = await thrownBy(run(turn));
    expect(error.code).toBe('RecordUnreadable');
    expect(error.message).toContain('checkpoints/0004.json');
    expect(world.store.writes()).toEqual([]);
    expect(starts).toBe(0);
  });

  it('and the error is passed on, when the store fails at any call before the code', async () => {
    const hasStarted = () => starts > 0;
    let failing = 0;
    for (; !hasStarted(); failing += 1) {
      reset();
      const turn = await allowedAgain();
      let calls = 0;
      world.store.before = () => {
        if (!hasStarted() && calls++ === failing) throw unavailable();
      };
      const result: unknown = await run(turn).catch((thrown: unknown) => thrown);
      if (hasStarted()) expect(result).toEqual(finished(turn));
      else {
        expect(result).toMatchObject({ code: 'LedgerUnavailable' });
        expect(await claimOf(turn)).toBeUndefined();
      }
      expect(failing).toBeLessThan(10);
    }
    expect(failing).toBe(5); // the entry, what it rests on, the checkpoint, the claim; and once it starts
  });
});

describe('what it runs within', () => {
  /** Milliseconds after which its code is ended. */
  async function endsAfter(turn: Turn, { minutes = 15, claimTakesMs = 0 } = {}): Promise<number | undefined> {
    let ms: number | undefined;
    module.migration = () => {
      ms = [...world.timers][0]?.ms;
      return Promise.resolve();
    };
    world.store.before = once('create', claimKey(turn), () => {
      world.clock.advance(claimTakesMs);
    });
    await run(turn, {}, { minutes });
    return ms;
  }

  it('is the time of its function, but for the last seconds', async () => {
    expect(await endsAfter(await allowed(), { minutes: 10 })).toBe(10 * MINUTE - 4_000);
  });

  it('is that of its entry, when the function may run longer by now: others go by the entry', async () => {
    expect(await endsAfter(await allowed({ timeoutMs: 2 * MINUTE }))).toBe(2 * MINUTE - 4_000);
  });

  it('counts from before the claim, whose time is that of the store', async () => {
    const turn = await allowed({ timeoutMs: 2 * MINUTE });
    expect(await endsAfter(turn, { claimTakesMs: 20_000 })).toBe(2 * MINUTE - 24_000);
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
    const turn = await allowed();
    module.migration = migration;
    const error = await thrownBy(run(turn));
    expect(error).toMatchObject({ code: 'MigrationFailed', source: 'user' });
    expect(error.message).toBe('Migration 0004, attempt 1, failed: RangeError: too much');
    expect(await outcomeOf(turn)).toMatchObject({
      outcome: 'failed',
      error: {
        name: 'RangeError',
        message: 'too much',
        stack: expect.stringContaining(import.meta.filename) as unknown,
      },
      durationMs: 0,
    });
    expect(world.logs).toMatchObject([
      {
        level: 'error',
        message: 'Migration 0004, attempt 1, failed',
        fields: { error: { name: 'RangeError', message: 'too much' } },
      },
    ]);
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
  });

  it('while its file is evaluated: this is user code too, so the turn is claimed and has failed', async () => {
    const turn = await allowed();
    const handle = handlerOf(() => Promise.reject(new SyntaxError('at the top level')));
    const error = await thrownBy(handle(payloadOf(turn), invocation(world)));
    expect(error.code).toBe('MigrationFailed');
    expect(await outcomeOf(turn)).toMatchObject({
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
    const turn = await allowed();
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- user code may
    module.migration = () => Promise.reject(thrown);
    expect((await thrownBy(run(turn))).message).toBe(`Migration 0004, attempt 1, failed: ${said}`);
    expect(await outcomeOf(turn)).toMatchObject({ outcome: 'failed', error: { name: 'Error' } });
  });

  it('with a message of 5 MB: what is written and what is thrown is bounded', async () => {
    const turn = await allowed();
    module.migration = () => Promise.reject(new Error('x'.repeat(5_000_000)));
    expect((await thrownBy(run(turn))).message.length).toBeLessThan(5_000);
    expect((await world.store.inner.get(outcomeKey(turn)))?.body.length).toBeLessThan(25_000);
  });

  it('and whose outcome cannot be written: its own error is the one that is thrown, the outcome is unknown', async () => {
    const turn = await allowed();
    module.migration = () => Promise.reject(new RangeError('the first'));
    world.store.before = once('create', outcomeKey(turn), () => {
      throw unavailable();
    });
    const error = await thrownBy(run(turn));
    expect(error.code).toBe('MigrationFailed');
    expect(error.message).toContain('RangeError: the first');
    expect(await outcomeOf(turn)).toBeUndefined();
    expect(world.logs.filter(({ message }) => message.includes('could not be written'))).toHaveLength(1);
  });
});

describe('an outcome', () => {
  it('that cannot be written is an error, and the ledger shows a claim', async () => {
    const turn = await allowed();
    world.store.before = once('create', outcomeKey(turn), () => {
      throw unavailable();
    });
    const error = await thrownBy(run(turn));
    expect(error).toMatchObject({ code: 'OutcomeNotWritten', source: 'system', cause: { code: 'LedgerUnavailable' } });
    expect(error.what).toBe(
      'Migration 0004, attempt 1, came to an end, and what became of it could not be written: ' +
        'LedgerUnavailable: The store of this test does not answer.',
    );
    expect(world.logs).toEqual([
      {
        level: 'error',
        message: 'The outcome could not be written: nobody knows what became of this turn',
        fields: { cause: error.cause },
      },
    ]);
    expect(starts).toBe(1);
    expect(await claimOf(turn)).toMatchObject({ claim: 'claimed' });
    expect(await outcomeOf(turn)).toBeUndefined();
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(1);
  });

  it('is its own when only the answer was lost', async () => {
    const turn = await allowed();
    losesAnswer(outcomeKey(turn));
    expect(await run(turn)).toEqual(finished(turn));
    expect(await outcomeOf(turn)).toMatchObject({ outcome: 'succeeded' });
  });

  it.each<[string, () => Promise<void>]>([
    ['success', () => Promise.resolve()],
    ['failure', () => Promise.reject(new Error('failed'))],
  ])('that comes when the run has gone on without it changes nothing: %s', async (_, end) => {
    const turn = await allowed();
    module.migration = async () => {
      starts += 1;
      await prepared.close(turn, 'unknown');
      await end();
    };
    const key = outcomeKey(turn);
    expect(await run(turn)).toEqual(claimedElsewhere(turn));
    expect(starts).toBe(1);
    const { body = '' } = (await world.store.inner.get(key)) ?? {};
    expect(JSON.parse(body)).toMatchObject({ outcome: 'unknown', writer: { requestId: 'prepared' } });
    expect(world.logs.map(({ message }) => message)).toContain(
      'The outcome came after the deadline: the run has gone on without it, and a person decides',
    );
  });
});

describe('what its deployment says, in variables', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const selfWith = (variables: Record<string, string>): Self => {
    const all = { [VARIABLES.migration]: '0004', [VARIABLES.codeSha256]: CODE, ...variables };
    for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
    return selfFromEnvironment();
  };

  it('is in seconds, and kept in milliseconds', () => {
    expect(selfWith({ [VARIABLES.sliceSeconds]: '90', [VARIABLES.saveEverySeconds]: '0.5' })).toEqual({
      migration: '0004',
      codeSha256: CODE,
      sliceMs: 90_000,
      saveEveryMs: 500,
    });
    expect(selfWith({ [VARIABLES.saveEverySeconds]: '0' })).toMatchObject({ saveEveryMs: 0 });
  });

  it('may be left out', () => {
    expect(selfWith({})).toEqual({ migration: '0004', codeSha256: CODE, sliceMs: undefined, saveEveryMs: undefined });
  });

  it.each(['soon', '-1', 'Infinity'])('is refused when it is no number of seconds: %s', async (text) => {
    expect(await thrownBy(() => selfWith({ [VARIABLES.sliceSeconds]: text }))).toMatchObject({
      code: 'BadConfiguration',
      source: 'system',
      what: `Expected a number of seconds, found "${text}".`,
    });
  });

  it.each([VARIABLES.migration, VARIABLES.codeSha256])('has to have %s', async (name) => {
    expect(await thrownBy(() => selfWith({ [name]: '' }))).toMatchObject({
      code: 'BadConfiguration',
      source: 'system',
      what: `The environment variable ${name} is not set.`,
      next: 'Deploy the stack again; it sets this variable.',
    });
  });
});
