// Parallel migrations: their plan, their batches, and what becomes of those that fail.
import { expect } from 'vitest';
import { inBatches, works } from './migrations.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

const keys = (environment: string, items: number): string[] =>
  Array.from({ length: items }, (_, index) => `items/${environment}/${String(index + 1).padStart(4, '0')}`);

/** What was left is done by a retry: then every item is there. @param starts of batches, in all attempts together */
async function retried(world: World, run: string, items: number, starts: number): Promise<void> {
  const { environment } = world;
  await world.decide('retry');
  expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await world.objects(`items/${environment}/`)).toEqual(keys(environment, items));
  expect(await world.effects('0001')).toBe(starts);
}

export const BATCHES: Scenario[] = [
  {
    title: 'a parallel migration is planned, and each of its batches runs once, several at the same time',
    environment: 'batches',
    files: { '0001.ts': inBatches(20), '0002.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
      expect(await world.objects('items/batches/')).toEqual(keys('batches', 20));
      expect(await world.effects('0001')).toBe(10);
      expect((await world.checkpoint('0001'))?.plan).toMatchObject({ items: 20, sealed: true });
      expect(await world.outcome('0001')).toMatchObject({
        outcome: 'succeeded',
        batches: { of: 10, succeeded: 10, failed: 0, unknown: 0, left: 0 },
      });
    },
  },
  {
    title: 'a batch that fails halts the run, no further one begins, and a retry runs those that are left',
    environment: 'batch-fails',
    files: {
      '0001.ts': inBatches(
        20,
        `if (number === 3 && (await put('broken/' + environment, '', '*'))) throw new Error('no room');`,
      ),
      '0002.ts': works(),
    },
    async live(world) {
      const run = await world.start();
      const halt = await world.halted('0001', run);
      expect(halt).toMatchObject({ reason: 'failed', error: { name: 'BatchesFailed' } });
      expect(halt.error?.message).toMatch(/^1 of 10 batches failed\. \d have succeeded, \d have not begun\./);
      expect(halt.error?.message).toContain('1 × Error: no room (batch 3)');
      const [told] = await world.notified(1);
      expect(told?.message).toContain('1 of 10 batches failed');
      const begun = await world.effects('0001');
      expect(begun).toBeLessThan(10);

      await retried(world, run, 20, 11); // batch 3 twice
      expect(await world.attempts('0001')).toBe(2);
    },
  },
  {
    title: 'a batch whose function dies leaves it unknown what became of it: the run waits for its deadline, and halts',
    environment: 'batch-dies',
    files: {
      '0001.ts': inBatches(
        8,
        `if (number === 2 && (await put('broken/' + environment, '', '*'))) { process.kill(process.ppid, 'SIGKILL'); await hang(); }`,
      ),
    },
    async live(world) {
      const run = await world.start();
      const halt = await world.halted('0001', run);
      expect(halt).toMatchObject({ reason: 'unknown', error: { name: 'BatchesFailed' } });
      expect(halt.error?.message).toContain('of 1 nobody knows what became (batch 2)');
      await retried(world, run, 8, 5);
    },
  },
  {
    title: 'an execution stopped while batches run: the next one waits for those that began, and runs the others',
    environment: 'batches-stopped',
    files: {
      '0001.ts': inBatches(8, 'await new Promise((resolve) => setTimeout(resolve, 3_000));', { concurrency: 2 }),
    },
    async live(world) {
      const stopped = await world.start();
      await world.effectsAppear('0001', 1);
      await world.stop(stopped);
      const next = await world.start();
      expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.objects('items/batches-stopped/')).toEqual(keys('batches-stopped', 8));
      expect(await world.effects('0001')).toBe(4);
      expect(await world.attempts('0001')).toBe(1);
    },
  },
  {
    title: 'batches that are cancelled: those that run end, no further one begins, and a retry runs the rest',
    environment: 'batches-cancelled',
    files: {
      '0001.ts': inBatches(12, 'await new Promise((resolve) => setTimeout(resolve, 1_500));', { concurrency: 2 }),
    },
    async live(world) {
      const run = await world.start();
      await world.effectsAppear('0001', 1);
      await world.cancel('alice', 'the data is wrong');
      expect(await world.halted('0001', run)).toMatchObject({ reason: 'cancelled' });
      const begun = await world.effects('0001');
      expect(begun).toBeLessThan(6);
      expect(await world.objects('items/batches-cancelled/')).toHaveLength(2 * begun);
      await retried(world, run, 12, 6);
    },
  },
  {
    title: 'a preview of a parallel migration plans it and shows the calls of all its batches, and changes nothing',
    environment: 'batches-previewed',
    files: { '0001.ts': inBatches(8) },
    async live(world) {
      const before = await world.everything();
      const previewed = await world.preview('0001');
      expect(previewed).toMatchObject({
        outcome: 'finished',
        share: 1,
        checkpoint: { done: 4, total: 4, note: 'batches' },
      });
      const puts = previewed.calls.filter(({ operation, sent }) => operation === 'PutObject' && !sent);
      expect(puts.reduce((sum, { items }) => sum + items, 0)).toBe(4 + 8); // each batch leaves an effect
      expect(await world.everything()).toEqual(before);
    },
  },
];
