// What an operator's Redrive in the console does; only where RedriveExecution is there.
import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { fails, takes, works } from './migrations.ts';
import type { Scenario } from './scenario.ts';
import { secondFails, three } from './scenario.ts';
import type { World } from './world.ts';
import { until } from './world.ts';

export const REDRIVES: Scenario[] = [
  {
    title: 'a redrive of an aborted run opens the halt again',
    environment: 'redrive',
    files: secondFails,
    async live(world) {
      const run = await world.start();
      const before = await world.halted('0002', run);
      await world.decide('abort');
      expect(await world.ended(run)).toMatchObject({ status: 'FAILED', error: 'Aborted' });

      await redrive(world, run);
      const again = await world.halted('0002', run);
      expect(again.number).toBeGreaterThan(before.number);
      expect(again.waiting.at(-1)?.token).not.toBe(before.waiting[0]?.token);
      await world.decide('skip', 'alice', 'after all');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });

      // Redriven after another execution finished the work: the ledger has moved on, and it ends by saying so.
      await world.redeploy({ ...three, '0004.ts': fails() });
      const failed = await world.start();
      await world.halted('0004', failed);
      await world.decide('abort');
      await world.ended(failed);
      const next = await world.start();
      await world.halted('0004', next);
      await world.decide('mark-applied', 'alice', 'done');
      await world.ended(next);
      await redrive(world, failed);
      await sleep(50);
      expect(await world.ended(failed)).toMatchObject({ status: 'SUCCEEDED' });
    },
  },
  {
    title: 'a redrive of a run that was stopped while it was halted: the same halt, with another token',
    environment: 'redrive-halted',
    files: secondFails,
    async live(world) {
      const first = await world.start();
      const before = await world.halted('0002', first);
      await world.stop(first);
      await redrive(world, first);
      const after = await until('another token', async () => {
        const halt = await world.openHalt();
        return halt?.waiting.at(-1)?.token === before.waiting[0]?.token ? undefined : halt;
      });
      // The old token stays: nobody could tell which of two is the live one, and a dead one costs nothing.
      expect(after).toMatchObject({ number: before.number, waiting: [{ execution: first }, { execution: first }] });
      await world.decide('skip', 'alice', 'not needed');
      expect(await world.ended(first)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.effects('0002')).toBe(1);
    },
  },
  {
    title:
      'a redrive of a run that was stopped in the middle of a migration: it is not run again, and its outcome counts when it comes',
    environment: 'redrive-running',
    files: { '0001.ts': takes(3), '0002.ts': works() },
    async live(world) {
      const second = await world.start();
      await world.effectsAppear('0001', 1);
      await world.stop(second);
      await redrive(world, second);
      expect(await world.ended(second)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
    },
  },
  {
    title: 'a redrive of a run that was refused: it is refused again',
    environment: 'redrive-late',
    files: { '0001.ts': works(), '0003.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      await world.redeploy(three);
      const refused = await world.start();
      expect(await world.ended(refused)).toMatchObject({ status: 'FAILED', error: 'OutOfOrder' });
      await redrive(world, refused);
      await sleep(50);
      expect(await world.ended(refused)).toMatchObject({ status: 'FAILED', error: 'OutOfOrder' });
    },
  },
];

const redrive = (world: World, executionArn: string) =>
  world.deployment.sfn.send(new RedriveExecutionCommand({ executionArn }));
