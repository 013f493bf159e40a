// What an execution lives through that began with an earlier definition of the machine, and meets the functions and the people of
// a later one: it keeps its own to its end (docs/aws-facts.md).
import { expect } from 'vitest';
import type { Decision } from '../../core/names/names.ts';
import { fails, inBatches, slowly, works } from './migrations.ts';
import type { Scenario } from './scenario.ts';
import { until } from './world.ts';

const FAILS = { '0001.ts': works(), '0002.ts': fails(), '0003.ts': works() };
const MENDED = { ...FAILS, '0002.ts': works('Mended') };

const DECIDED: Record<Decision, { status: string; completions: Record<string, string> }> = {
  retry: { status: 'SUCCEEDED', completions: { '0001': 'applied', '0002': 'applied', '0003': 'applied' } },
  'mark-applied': {
    status: 'SUCCEEDED',
    completions: { '0001': 'applied', '0002': 'marked-applied', '0003': 'applied' },
  },
  skip: { status: 'SUCCEEDED', completions: { '0001': 'applied', '0002': 'skipped', '0003': 'applied' } },
  abort: { status: 'FAILED', completions: { '0001': 'applied' } },
};

export const UPGRADES: Scenario[] = [
  ...Object.entries(DECIDED).map(([decision, { status, completions }]): Scenario => ({
    title: `halted before the deployment, and answered with ${decision} after it`,
    environment: `upgraded-${decision}`,
    files: FAILS,
    async live(world) {
      const run = await world.start();
      await world.halted('0002', run);
      await world.redeploy(MENDED);
      expect(await world.decide(decision as Decision, 'alice', 'seen')).toMatchObject({ result: 'decided' });
      expect(await world.ended(run)).toMatchObject({ status });
      expect(await world.completions()).toEqual(completions);
    },
  })),
  {
    title: 'cancelled before the deployment: a retry after it goes on at the checkpoint',
    environment: 'upgraded-cancel',
    files: { '0001.ts': slowly(60) },
    async live(world) {
      const run = await world.start();
      await until('the first checkpoint', () => world.checkpoint('0001'));
      await world.cancel();
      expect(await world.halted('0001', run)).toMatchObject({ reason: 'cancelled' });
      const { done = 60 } = (await world.checkpoint('0001')) ?? {};
      expect(done).toBeLessThan(60);
      await world.redeploy({ '0001.ts': slowly(60), '0002.ts': works() });
      await world.decide('retry');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.checkpoint('0001')).toMatchObject({ done: 60, attempt: 2 });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
    },
  },
  {
    title: 'deployed between two slices: the attempt goes on, slice after slice',
    environment: 'upgraded-slices',
    files: { '0001.ts': slowly(20, 10, 30) },
    async live(world) {
      const run = await world.start();
      await until('the first checkpoint', () => world.checkpoint('0001'));
      await world.redeploy({ '0001.ts': slowly(20, 10, 30), '0002.ts': works() });
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.checkpoint('0001')).toMatchObject({ done: 20, attempt: 1 });
      expect((await world.turn('0001'))?.slice).toBeGreaterThan(1);
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
    },
  },
  {
    title: 'halted before the deployment, and mended as batches: what knows no batches hands over to what does',
    environment: 'upgraded-batches',
    files: FAILS,
    async live(world) {
      const run = await world.start();
      await world.halted('0002', run);
      await world.redeploy({ ...FAILS, '0002.ts': inBatches(20) });
      await world.decide('retry');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      await until('the end of what took over', async () => '0003' in (await world.completions()) || undefined);
      expect(await world.completions()).toEqual(DECIDED.retry.completions);
      expect(await world.objects('items/upgraded-batches/')).toHaveLength(20);
    },
  },
];
