// For how long a halt has been open, as the alarm on it sees it.
import { beforeEach, describe, expect, it } from 'vitest';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { createWatchHalts } from '../../lambdas/watch-halts/watch-halts.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation, manifestOf } from '../support/services.ts';

const HOUR = 3_600_000;
let world: World;
let me: string;
beforeEach(() => {
  world = createWorld();
  me = world.executions.run('me');
});

const watch = () => createWatchHalts(world.services)();
const halt = (execution = me, migration = '0004') =>
  createHalt(world.services, manifestOf('0004', '0005'))(
    { execution, input: {}, token: world.executions.wait(execution), at: { migration, attempt: 1 } },
    invocation(world),
  );
const subject = { migration: '0004', attempt: 1, execution: 'someone' };
const decide = (decision: 'retry' | 'abort') =>
  world.ledger.createDecision(subject, world.writer, { halt: 1, decision, by: 'her' });

describe('watch-halts', () => {
  it('sees none in an empty ledger', async () => {
    expect(await watch()).toEqual({ openHalts: 0, openHaltHours: 0 });
  });

  it('counts from when it was opened first, also when another execution has joined', async () => {
    await halt();
    world.clock.advance(3 * HOUR);
    await halt(world.executions.run('other'));
    world.clock.advance(1.5 * HOUR);
    expect(await watch()).toEqual({ openHalts: 1, openHaltHours: 4.5 });
  });

  it('counts a halt whose execution was stopped: it still waits for a decision', async () => {
    await halt();
    world.executions.stop(me);
    world.clock.advance(HOUR);
    expect(await watch()).toEqual({ openHalts: 1, openHaltHours: 1 });
  });

  it.each(['retry', 'abort'] as const)('does not count one that was decided: %s', async (decision) => {
    await halt();
    await decide(decision);
    world.clock.advance(HOUR);
    expect(await watch()).toEqual({ openHalts: 0, openHaltHours: 0 });
  });

  it('counts the halt that follows an abort from its own beginning', async () => {
    await halt();
    world.clock.advance(HOUR);
    await decide('abort');
    await halt(world.executions.run('next'));
    world.clock.advance(HOUR);
    expect(await watch()).toEqual({ openHalts: 1, openHaltHours: 1 });
  });

  it('counts a completed migration only while an execution still waits in its halt', async () => {
    await halt();
    await world.ledger.createCompletion(subject, world.writer, { completion: 'applied' });
    world.clock.advance(HOUR);
    expect(await watch()).toEqual({ openHalts: 1, openHaltHours: 1 });
    world.executions.stop(me);
    expect(await watch()).toEqual({ openHalts: 0, openHaltHours: 0 });
  });

  it('takes the oldest of several', async () => {
    await halt();
    world.clock.advance(HOUR);
    await halt(me, '0005');
    expect(await watch()).toEqual({ openHalts: 2, openHaltHours: 1 });
  });
});
