// For how long a halt has been open, as the alarm on it sees it; and that what settled a halt is told again.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Allowed, Halted } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { waiterKey } from '../../core/ledger/keys.ts';
import { openHaltLine } from '../../lambdas/watch-halts/metric.ts';
import { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const HOUR = 3_600_000;
let world: World;
let ledger: LedgerBefore;
let me: string;
let token: string;
let turn: Numbered<Allowed>;
let halted: Numbered<Halted>;
beforeEach(() => {
  world = createWorld();
  ledger = ledgerBefore(world);
  me = world.executions.run('me');
  token = world.executions.wait(me);
});

const watch = () => createWatchHalts(world.services)();
async function halt(): Promise<void> {
  turn = await ledger.allow('0004', { execution: me });
  halted = await ledger.halt(turn);
  await ledger.wait(halted, me, token);
}

describe('the hours of an open halt', () => {
  it('are none of an empty log', async () => {
    expect(await watch()).toEqual({ openHaltHours: 0, toldNow: [] });
    expect(world.store.calls.map(({ key }) => key)).not.toContain('waiters/'); // nobody can ever have waited
    expect(world.logs).toEqual([
      { level: 'info', message: 'No halt is open', fields: { halt: undefined, openHaltHours: 0, toldNow: [] } },
    ]);
  });

  it('are known before anybody is told, whatever comes of that', async () => {
    await halt();
    await ledger.decide(halted, 'retry');
    world.executions.failures.push(new Error('throttled'));
    const measured: number[] = [];
    await expect(createWatchHalts(world.services, (hours) => measured.push(hours))()).rejects.toThrow('throttled');
    expect(measured).toEqual([0]);
  });

  it('are none of one that was opened by a clock that is ahead', async () => {
    await halt();
    world.clock.advance(-HOUR);
    expect((await watch()).openHaltHours).toBe(0);
  });

  it('count from when it was opened, also when another execution has joined', async () => {
    await halt();
    world.clock.advance(3 * HOUR);
    const other = world.executions.run('other');
    await ledger.wait(halted, other, world.executions.wait(other));
    world.clock.advance(1.5 * HOUR);
    expect((await watch()).openHaltHours).toBe(4.5);
  });

  it('count of one whose execution was stopped: it still waits for a decision', async () => {
    await halt();
    world.executions.stop(me);
    world.clock.advance(HOUR);
    expect(await watch()).toEqual({ openHaltHours: 1, toldNow: [] });
    expect(world.logs).toEqual([
      { level: 'info', message: '0004 is halted', fields: { halt: 2, openHaltHours: 1, toldNow: [] } },
    ]);
  });

  it.each(['retry', 'abort'] as const)('do not count of one that was decided: %s', async (decision) => {
    await halt();
    await ledger.decide(halted, decision);
    world.clock.advance(HOUR);
    expect((await watch()).openHaltHours).toBe(0);
  });

  it('count of the halt that follows an abort from its own beginning', async () => {
    await halt();
    world.clock.advance(HOUR);
    await ledger.decide(halted, 'abort');
    await ledger.halt(turn);
    world.clock.advance(HOUR);
    expect((await watch()).openHaltHours).toBe(1);
  });

  it('do not count of a migration that was completed meanwhile', async () => {
    await halt();
    await ledger.complete('0004');
    world.clock.advance(HOUR);
    expect((await watch()).openHaltHours).toBe(0);
  });
});

it('the metric is a line in the form that CloudWatch reads: what it cannot read it passes over in silence', () => {
  expect(JSON.parse(openHaltLine({ app: 'shop', environment: 'odin-dev' }, 4.5, 1_700_000_000_000))).toEqual({
    _aws: {
      Timestamp: 1_700_000_000_000,
      CloudWatchMetrics: [
        {
          Namespace: 'odin-migrate',
          Dimensions: [['Environment']],
          Metrics: [{ Name: 'OpenHaltHours', Unit: 'None' }],
        },
      ],
    },
    Environment: 'shop--odin-dev',
    OpenHaltHours: 4.5,
  });
});

describe('what settled a halt', () => {
  it('is told to whoever was not told: who decided may have been cut off', async () => {
    await halt();
    await ledger.decide(halted, 'retry');
    expect((await watch()).toldNow).toEqual([me]);
    expect(world.executions.sent).toEqual([{ token, answer: { output: { decision: 'retry', by: 'anna' } } }]);
    expect((await watch()).toldNow).toEqual([]);
    expect(world.executions.started).toEqual([]); // the one that was told goes on
  });

  it('is told of an abort by ending those that wait', async () => {
    await halt();
    await ledger.decide(halted, 'abort');
    await watch();
    expect(await world.executions.isAlive(me)).toBe(false);
    expect(world.executions.started).toEqual([]);
  });

  it('is told to one that waits beside another that is gone', async () => {
    await halt();
    await ledger.wait(halted, executionArn('gone'), 'its token');
    await ledger.complete('0004');
    expect((await watch()).toldNow).toEqual([me]);
  });

  it('is nothing of a halt that was opened since the look, and of the open one nothing is read', async () => {
    turn = await ledger.allow('0004', { execution: me });
    world.store.before = once('list', 'waiters/', async () => {
      halted = await ledger.halt(turn);
      await ledger.wait(halted, me, token);
    });
    expect((await watch()).toldNow).toEqual([]);
    await watch();
    world.store.calls.length = 0;
    expect((await watch()).toldNow).toEqual([]);
    expect(world.store.calls.map(({ operation }) => operation)).toEqual(['list', 'list']);
    expect(world.executions.sent).toEqual([]);
  });

  it('is told of a completion, and in an older halt too', async () => {
    await halt();
    await ledger.complete('0004');
    await ledger.halt(await ledger.allow('0005'));
    expect((await watch()).toldNow).toEqual([me]);
    expect(world.executions.sent).toEqual([{ token, answer: { output: { completion: 'applied' } } }]);
  });

  it('lets a fresh execution go on when nobody acts on it, once', async () => {
    await halt();
    world.executions.stop(me);
    await ledger.decide(halted, 'retry');
    const continued = executionArn('continue-00000003');
    expect((await watch()).toldNow).toEqual([continued]);
    expect((await watch()).toldNow).toEqual([continued]);
    expect(world.executions.started).toEqual([{ name: 'continue-00000003', input: { run: 'me' } }]);
  });

  it('lets a fresh execution go on also when nobody had left a waiter', async () => {
    turn = await ledger.allow('0004', { execution: me });
    await ledger.decide(await ledger.halt(turn), 'retry');
    expect((await watch()).toldNow).toEqual([executionArn('continue-00000003')]);
  });

  it('starts nothing when the run has gone on from it', async () => {
    await halt();
    world.executions.stop(me);
    await ledger.decide(halted, 'retry');
    await ledger.allow('0004', { attempt: 2 });
    expect((await watch()).toldNow).toEqual([]);
    expect(world.executions.started).toEqual([]);
  });

  it('lets the next execution go on when the one that was started has ended, and leaves it to a person after the third', async () => {
    await halt();
    world.executions.stop(me);
    await ledger.decide(halted, 'retry');
    const names = ['continue-00000003', 'continue-00000003-2', 'continue-00000003-3'];
    for (const name of names) {
      expect((await watch()).toldNow).toEqual([executionArn(name)]);
      world.executions.stop(executionArn(name));
    }
    const errors = () => world.logs.filter(({ level }) => level === 'error');
    expect(errors()).toEqual([]);
    expect((await watch()).toldNow).toEqual([]);
    expect(world.executions.started.map(({ name }) => name)).toEqual(names);
    expect(errors()).toEqual([
      {
        level: 'error',
        message:
          'Nobody acts on the decision of entry 3: each of the 3 executions that were started for it has ended. Their errors say why; ' +
          'the next run, or the same decision again, acts on it.',
        fields: { halt: 2 },
      },
    ]);
  });

  it('starts nothing while one that waited still runs: it may go on by itself', async () => {
    await halt();
    await world.executions.succeedTask(token, {});
    await ledger.decide(halted, 'retry');
    expect((await watch()).toldNow).toEqual([]);
    expect(world.executions.started).toEqual([]);
  });

  it('costs a list of the log and one of the waiters, however many have waited in the past', async () => {
    await halt();
    for (let n = 0; n < 20; n += 1) {
      await ledger.decide(halted, 'abort');
      halted = await ledger.halt(turn);
      await ledger.wait(halted, executionArn(`past-${n}`), `token ${n}`);
    }
    world.executions.stop(me);
    await watch();
    world.store.calls.length = 0;
    await watch();
    expect(world.store.calls).toEqual([
      { operation: 'list', key: 'log/' },
      { operation: 'list', key: 'waiters/' },
    ]);
  });

  it('is told in one halt although another has a waiter that cannot be read, and the watch fails', async () => {
    await halt();
    await ledger.complete('0004');
    const next = await ledger.halt(await ledger.allow('0005'));
    await ledger.complete('0005');
    world.executions.run('other');
    const key = waiterKey(next.number, `${'a'.repeat(32)}-other`);
    await world.store.inner.create(key, 'garbage');
    expect((await thrownBy(watch())).code).toBe('RecordUnreadable');
    expect(world.executions.sent).toHaveLength(1);
  });
});
