// `List pending`: what it answers to the state machine, and in which words it refuses.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Decision } from '../../core/names/names.ts';
import { keys } from '../../core/ledger/keys.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { RunInput } from '../../core/contract/payloads.ts';
import { createListPending, HANDOVER_EVENTS } from '../../lambdas/list-pending/list-pending.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { World } from '../support/services.ts';
import { createWorld, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

let world: World;
let me: string;
let other: string;

beforeEach(() => {
  world = createWorld();
  me = world.executions.run('me');
  other = world.executions.run('other');
});

const list = (input: RunInput = {}, manifest: Manifest = manifestOf('0001', '0002', '0003')) =>
  createListPending(world.services, manifest)({ execution: me, input });
const subject = (migration: string, attempt: number, execution: string) => ({ migration, attempt, execution });
const claim = (migration: string, attempt = 1, execution = me) =>
  world.ledger.createClaim(subject(migration, attempt, execution), world.writer, {
    slice: 1,
    nonce: 'n',
    deadline: new Date(world.clock.now() + 16 * 60_000).toISOString(),
  });
const finish = (migration: string, outcome: 'succeeded' | 'failed', attempt = 1) =>
  world.ledger.createFinished(subject(migration, attempt, me), world.writer, { outcome, durationMs: 1, slices: 1 });
const decide = (migration: string, decision: Decision, attempt = 1, halt = 1) =>
  world.ledger.createDecision(subject(migration, attempt, me), world.writer, { halt, decision, by: 'her' });
const complete = (...ids: string[]) =>
  Promise.all(
    ids.map((id) => world.ledger.createCompletion(subject(id, 1, me), world.writer, { completion: 'applied' })),
  );
const openHalt = (migration: string, execution: string) =>
  world.ledger.updateHalt(subject(migration, 1, execution), world.writer, () => ({
    halt: 1,
    outcome: 'failed',
    waiting: [{ execution, token: 't', since: world.clock.iso(), allowOutOfOrder: false }],
  }));

describe('what is pending', () => {
  it('runs first: with the function to invoke, the first slice and the deployed commit', async () => {
    await complete('0001');
    expect(await list()).toEqual({
      step: 'run',
      migration: '0002',
      attempt: 1,
      slice: 1,
      functionName: 'odin-migrate-odin-dev-0002',
      gitCommit: 'abc123',
    });
  });

  it('runs in the order of the manifest, and never the same again', async () => {
    const order: string[] = [];
    for (let step = await list(); step.step !== 'finished'; step = await list()) {
      if (step.step !== 'run') throw new Error(`unexpected: ${step.step}`);
      order.push(step.migration);
      await complete(step.migration);
    }
    expect(order).toEqual(['0001', '0002', '0003']);
  });

  it('is nothing: says so, with how many the ledger has', async () => {
    await complete('0000', '0001', '0002', '0003');
    expect(await list()).toEqual({
      step: 'finished',
      completed: 4,
      leftBehind: [],
      summary: 'Nothing is pending in odin-dev: each of its 3 migrations is completed (4 in the ledger).',
    });
    expect(await list({}, manifestOf())).toEqual({
      step: 'finished',
      completed: 4,
      leftBehind: [],
      summary: 'odin-dev has no migrations: nothing to run.',
    });
  });

  it('is nothing, and what broke before its file was deleted is named', async () => {
    await complete('0001');
    await claim('0002');
    expect(await list({}, manifestOf('0001'))).toEqual({
      step: 'finished',
      completed: 1,
      leftBehind: ['0002'],
      summary:
        'Nothing is pending in odin-dev: each of its 1 migrations is completed (1 in the ledger). ' +
        '0002 was attempted and never completed, and its file is gone.',
    });
  });

  it('is run after git commits that are not known', async () => {
    expect(await list({}, { ...manifestOf('0001'), gitCommit: null })).toMatchObject({ step: 'run', gitCommit: null });
  });
});

describe('an attempt that was made', () => {
  it('and succeeded is recorded', async () => {
    await claim('0001');
    await finish('0001', 'succeeded');
    expect(await list()).toEqual({ step: 'record', migration: '0001', attempt: 1 });
  });

  it.each([
    ['this execution', () => claim('0001', 1, me)],
    ['another one that is alive', () => claim('0001', 1, other)],
  ])('by %s and has no outcome yet is waited for', async (_, make) => {
    await make();
    expect(await list()).toMatchObject({ step: 'wait', migration: '0001', attempt: 1, seconds: 2 });
  });

  it('by an execution that is gone halts', async () => {
    await claim('0001', 1, other);
    world.executions.stop(other);
    expect(await list()).toEqual({ step: 'halt', migration: '0001', attempt: 1 });
  });

  it('and failed halts', async () => {
    await claim('0001');
    await finish('0001', 'failed');
    expect(await list()).toEqual({ step: 'halt', migration: '0001', attempt: 1 });
  });

  it('and failed runs again after a retry, as the next attempt and from its first slice', async () => {
    await claim('0001');
    await finish('0001', 'failed');
    await decide('0001', 'retry');
    expect(await list()).toMatchObject({ step: 'run', migration: '0001', attempt: 2, slice: 1 });
  });

  it('and may still run is waited for, until its deadline, after a retry', async () => {
    await claim('0001');
    await decide('0001', 'retry');
    world.clock.advance(15 * 60_000);
    expect(await list()).toEqual({
      step: 'wait',
      migration: '0001',
      attempt: 1,
      seconds: 60,
      why: 'attempt 1 of 0001 may be running until 2026-03-01T12:16:00.000Z',
    });
    world.clock.advance(60_000);
    expect(await list()).toMatchObject({ step: 'run', attempt: 2 });
  });

  it.each(['mark-applied', 'skip'] as const)('and was decided %s is recorded', async (decision) => {
    await claim('0001');
    await finish('0001', 'failed');
    await decide('0001', decision);
    expect(await list()).toEqual({ step: 'record', migration: '0001', attempt: 1 });
  });

  it('and was aborted halts again', async () => {
    await claim('0001');
    await finish('0001', 'failed');
    await decide('0001', 'abort');
    expect(await list()).toEqual({ step: 'halt', migration: '0001', attempt: 1 });
  });
});

describe('a history that is nearly full', () => {
  const events = (count: number, execution = me) => world.executions.eventCounts.set(execution, count);

  it('lets a fresh execution carry the run on, with the same input, started once', async () => {
    events(HANDOVER_EVENTS);
    const step = await list({ allowOutOfOrder: true });
    expect(step).toEqual({
      step: 'handed over',
      execution: executionArn('me-part-2'),
      summary:
        'This execution has 20000 events of the 25,000 that it may have. The run goes on in ' +
        `${executionArn('me-part-2')}.`,
    });
    expect(await list({ allowOutOfOrder: true })).toEqual(step);
    expect(world.executions.started).toEqual([{ name: 'me-part-2', input: { allowOutOfOrder: true } }]);
  });

  it('is far below the limit of Step Functions, and not reached one event before', async () => {
    expect(HANDOVER_EVENTS).toBeLessThanOrEqual(24_000);
    events(HANDOVER_EVENTS - 1);
    expect(await list()).toMatchObject({ step: 'run' });
    expect(world.executions.started).toEqual([]);
  });

  it('hands over to the part after one that is gone', async () => {
    events(HANDOVER_EVENTS);
    world.executions.stop(world.executions.run('me-part-2'));
    expect(await list()).toMatchObject({ step: 'handed over', execution: executionArn('me-part-3') });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['records', async () => (await claim('0001'), await finish('0001', 'succeeded'))],
    ['waits for another execution', () => claim('0001', 1, other)],
  ])('hands over a run that %s', async (_, prepare) => {
    await prepare();
    events(HANDOVER_EVENTS);
    expect(await list()).toMatchObject({ step: 'handed over' });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['finished', () => complete('0001', '0002', '0003')],
    ['halt', async () => (await claim('0001'), await finish('0001', 'failed'))],
    ['refuse', () => complete('0003')],
    ['wait', () => claim('0001')], // for its own slice, which would lose its owner
  ])('changes nothing for the step %s', async (step, prepare) => {
    await prepare();
    events(HANDOVER_EVENTS);
    expect(await list()).toMatchObject({ step });
    expect(world.executions.started).toEqual([]);
  });

  it('stops the listing, which is repeated, when Step Functions does not say how full it is', async () => {
    world.services.executions = { ...world.services.executions, events: () => Promise.reject(new Error('throttled')) };
    await expect(list()).rejects.toThrow('throttled');
  });

  it('keeps what its earlier parts had halted at in mind: the last part tells of it', async () => {
    me = world.executions.run('run-1-part-3');
    await openHalt('0002', executionArn('run-1'));
    await openHalt('0003', executionArn('run-11'));
    await complete('0001', '0002', '0003');
    await list();
    expect(world.sentEvents.at(-1)?.detail).toMatchObject({
      execution: me,
      afterHalts: [{ migration: '0002', completion: 'applied' }],
    });
  });
});

describe('a refusal', () => {
  it('of one late file names it, what ran before it, and both ways out', async () => {
    await complete('0001', '0003');
    const step = await list();
    expect(step).toMatchObject({ step: 'refuse', error: 'OutOfOrder' });
    expect(step.step === 'refuse' && step.cause).toBe(
      'migrations/odin-dev/0002.ts is pending, but 0003 was run before: running it now would not be in order. ' +
        'Give the late file the next free number, or, if the order does not matter, type ' +
        '"npx odin-migrate run odin-dev --allow-out-of-order", or start odin-migrate-odin-dev with the ' +
        'input {"allowOutOfOrder": true}.',
    );
    expect(await list({ allowOutOfOrder: true })).toMatchObject({ step: 'run', migration: '0002' });
    world.services.local = true;
    const local = await list();
    expect(local.step === 'refuse' && local.cause).toContain('"npx odin-migrate local odin-dev --allow-out-of-order"');
  });

  it('of several late files names them all', async () => {
    await complete('0003');
    const step = await list();
    expect(step.step === 'refuse' && step.cause).toMatch(
      /^migrations\/odin-dev\/0001\.ts, migrations\/odin-dev\/0002\.ts are pending, but 0003 was run before/,
    );
  });

  it('of the 220 late files that an environment may have fits into what Step Functions keeps of a cause', async () => {
    const ids = Array.from({ length: 220 }, (_, n) => String(n).padStart(4, '0'));
    await complete('9999');
    const step = await list({}, manifestOf(...ids));
    expect(step.step === 'refuse' && step.cause.length).toBeLessThan(32_768);
  });

  it('because of a halt elsewhere names the execution, and the command that resumes it', async () => {
    await claim('0001', 1, other);
    await finish('0001', 'failed');
    await openHalt('0001', other);
    const step = await list();
    expect(step).toMatchObject({ step: 'refuse', error: 'HaltedElsewhere' });
    const cause = step.step === 'refuse' ? step.cause : '';
    expect(cause).toContain(`Migration 0001, attempt 1, is halted in another execution, ${other},`);
    expect(cause).toContain('npx odin-migrate resume odin-dev retry|mark-applied|skip|abort --reason "..."');
    world.services.local = true;
    const local = await list();
    expect(local.step === 'refuse' && local.cause).toBe(`${cause} --local`);
  });
});

describe('a ledger that cannot be read', () => {
  it.each(['completed/0001.json', keys.started('0001', 1), 'completed/readme.txt', 'attempts/readme.txt'])(
    'stops the run, and the record is named: %s',
    async (key) => {
      await world.store.inner.create(key, 'garbage');
      const error = await thrownBy(list());
      expect(error.code).toBe('RecordUnreadable');
      expect(error.message).toContain(key);
    },
  );

  it.each(['list', 'get'] as const)('stops the run when a %s fails, and writes nothing', async (operation) => {
    await complete('0001');
    const written = world.store.writes();
    world.store.before = once(operation, /^completed\//, () => {
      throw unavailable();
    });
    expect((await thrownBy(list())).code).toBe('LedgerUnavailable');
    expect(world.store.writes()).toEqual(written);
  });

  it('stops the run when Step Functions does not say whether an owner is alive', async () => {
    await claim('0001', 1, other);
    world.services.executions = { ...world.services.executions, isAlive: () => Promise.reject(new Error('throttled')) };
    await expect(list()).rejects.toThrow('throttled');
  });
});

it('writes nothing, whatever it finds', async () => {
  await claim('0001');
  const written = world.store.writes();
  await list();
  expect(world.store.writes()).toEqual(written);
  expect(world.logs.at(-1)).toMatchObject({ level: 'info', message: 'Next: wait' });
});
