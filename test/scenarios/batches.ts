// Parallel migrations: their plan, their batches, and what becomes of those that fail.
import { expect } from 'vitest';
import { inBatches, UNKNOWN_SECONDS, works } from './migrations.ts';
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
      expect(halt.error?.message).toMatch(
        /^1 of 10 batches failed\. \d have succeeded, \d have not begun: no further one begins when one has failed\. /,
      );
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
    title:
      'batches that fail while as many may: the others run to the last, then the run halts, and a retry runs those that failed',
    environment: 'batches-tolerated',
    files: {
      '0001.ts': inBatches(
        20,
        `if (number % 3 === 0 && (await put('broken/' + environment + number, '', '*'))) throw new Error('no room for ' + (number % 2));`,
        { tolerated: '30%' },
      ),
    },
    async live(world) {
      const run = await world.start();
      const halt = await world.halted('0001', run);
      expect(halt).toMatchObject({ reason: 'failed', error: { name: 'BatchesFailed' } });
      expect(halt.error?.message).toMatch(/^3 of 10 batches failed\. 7 have succeeded, 0 have not begun\. /);
      expect(halt.error?.message).toContain('2 × Error: no room for 1 (batches 3, 9)');
      const outcome = await world.outcome('0001');
      const failures = outcome?.batches?.failures?.key ?? '';
      const [told] = await world.notified(1);
      expect(told?.message).toContain(failures);
      const lines = ((await world.inLedger(failures)) ?? '').trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject(
        [3, 6, 9].map((batch) => ({ batch, outcome: 'failed', error: { message: `no room for ${batch % 2}` } })),
      );
      await retried(world, run, 20, 13);
    },
  },
  {
    title: 'more batches fail than may: no further one begins, and the halt says why, and how many did not',
    environment: 'batches-over',
    files: {
      '0001.ts': inBatches(
        16,
        `if (number < 4 && (await put('broken/' + environment + number, '', '*'))) throw new Error('no room');
        await new Promise((resolve) => setTimeout(resolve, 500));`,
        { tolerated: 2, concurrency: 1 },
      ),
    },
    async live(world) {
      const run = await world.start();
      const halt = await world.halted('0001', run);
      expect(halt.error?.message).toMatch(
        /^3 of 8 batches failed\. 0 have succeeded, 5 have not begun: no further one begins when more than 2 have failed\. /,
      );
      expect(await world.effects('0001')).toBe(3);
      await retried(world, run, 16, 11);
    },
  },
  {
    title: 'a batch that S3 slows down is run again by the same attempt, later, and nobody is told: it has not failed',
    environment: 'batch-slow',
    files: {
      '0001.ts': inBatches(
        8,
        `if (number === 2 && (await put('slow/' + environment, '', '*')))
          throw Object.assign(new Error('S3 asks for fewer requests'), { name: 'SlowedDown' });`,
        { concurrency: 2 },
      ),
    },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.objects('items/batch-slow/')).toEqual(keys('batch-slow', 8));
      expect(await world.effects('0001')).toBe(5);
      expect(await world.attempts('0001')).toBe(1);
      expect(await world.outcome('0001')).toMatchObject({ outcome: 'succeeded', batches: { of: 4, left: 0 } });
    },
  },
  {
    title: 'a batch whose function dies leaves it unknown what became of it: the others run, and the run halts',
    environment: 'batch-dies',
    files: {
      '0001.ts': inBatches(
        8,
        `if (number === 2 && (await put('broken/' + environment, '', '*'))) { process.kill(process.ppid, 'SIGKILL'); await hang(); }`,
        { seconds: UNKNOWN_SECONDS },
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
    title: 'batches are tuned while they run, and only then: each of them runs once all the same',
    environment: 'batches-tuned',
    files: {
      // That more run at a time is shown by test/local/step-functions.test.ts: MiniStack takes it, and changes nothing.
      '0001.ts': inBatches(12, 'await new Promise((resolve) => setTimeout(resolve, 1_500));', { concurrency: 1 }),
    },
    async live(world) {
      await expect(world.tune(4)).rejects.toThrow('No batches of batches-tuned are running');
      const run = await world.start();
      await world.effectsAppear('0001', 1);
      expect(await world.tune(4)).toMatchObject({ result: 'tuned', migration: '0001', attempt: 1, concurrency: 4 });
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.effects('0001')).toBe(6);
      await expect(world.tune(4)).rejects.toThrow('No batches of batches-tuned are running');
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
