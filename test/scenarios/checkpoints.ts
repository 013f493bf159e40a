// Checkpointed migrations that end before they are done.
import { expect } from 'vitest';
import { checkpointed, slowly, waits, works } from './migrations.ts';
import type { Scenario } from './scenario.ts';
import { whoSaid } from './scenario.ts';
import { until } from './world.ts';

export const CHECKPOINTS: Scenario[] = [
  {
    title: 'a checkpointed migration killed in a slice goes on from the last checkpoint that was saved',
    environment: 'checkpointed',
    files: { '0001.ts': checkpointed(40, 25) },
    async live(world) {
      const run = await world.start();
      expect(await world.halted('0001', run)).toMatchObject({ reason: 'unknown' });
      // One a second is saved, and the last one only when the function lives to do it (docs/guarantees.md).
      const saved = await world.checkpoint('0001');
      expect(saved?.total).toBe(40);
      expect(saved?.done).toBeGreaterThanOrEqual(1);
      expect(saved?.done).toBeLessThanOrEqual(24);
      await world.decide('retry');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.objects('list/checkpointed/')).toEqual(
        Array.from({ length: 40 }, (_, index) => `list/checkpointed/${String(index + 1).padStart(4, '0')}`),
      );
      expect(await world.attempts('0001')).toBe(2);
    },
  },
  {
    title: 'a checkpointed migration that is cancelled halts at its next checkpoint, and a retry goes on from there',
    environment: 'cancelled',
    files: { '0001.ts': slowly(60), '0002.ts': works() },
    async live(world) {
      await expect(world.cancel()).rejects.toMatchObject({ code: 'NothingRunning' });
      const run = await world.start();
      await until('the first checkpoint', () => world.checkpoint('0001'));
      expect(await world.cancel('alice', 'the data is wrong')).toMatchObject({
        result: 'cancelled',
        migration: '0001',
      });
      expect(await world.cancel('bob')).toMatchObject({ result: 'already', by: whoSaid('alice') });
      const halt = await world.halted('0001', run);
      expect(halt).toMatchObject({ reason: 'cancelled' });
      const [told] = await world.notified(1);
      expect(told?.message).toContain('CANCELLED. It stopped at a checkpoint');
      expect(told?.message).toMatch(/(?:alice \(claimed\)|:root \(verified\)) asked for it to stop/);
      const at = (await world.checkpoint('0001'))?.done ?? 60;
      expect(at).toBeLessThan(60);
      await expect(world.cancel()).rejects.toMatchObject({ code: 'NothingRunning' });

      await world.decide('retry');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.checkpoint('0001')).toMatchObject({ done: 60, attempt: 2 });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
    },
  },
  {
    title:
      'a checkpoint says when it is gone on from: a run that is stopped in the wait leaves it to the next, which waits for the rest',
    environment: 'waits',
    files: { '0001.ts': waits(20), '0002.ts': works() },
    async live(world) {
      const stopped = await world.start();
      const { stoppedAt } = await until('the end of the slice', () => world.outcome('0001'));
      await world.stop(stopped);
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      const [first, next] = await world.entries('allowed');
      expect(next).toMatchObject({
        migration: '0001',
        attempt: 1,
        slice: 2,
        execution: expect.not.stringMatching(stopped) as string,
      });
      // Both times are of clocks of this machine; what decides is that of its S3, which has whole seconds.
      const notBefore = Date.parse(String(stoppedAt?.checkpoint.notBefore));
      expect(notBefore).toBeGreaterThan(Date.parse(String(first?.time)));
      expect(Date.parse(String(next?.time))).toBeGreaterThanOrEqual(notBefore);
      expect(await world.effects('0001')).toBe(2);
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
    },
  },
  {
    title:
      'what waits for an hour halts soon when it is cancelled, and so does its retry, which waits for the same time',
    environment: 'waits-long',
    files: { '0001.ts': waits(3_600) },
    async live(world) {
      const run = await world.start();
      const { stoppedAt } = await until('the end of the slice', () => world.outcome('0001'));
      expect(await world.cancel()).toMatchObject({ result: 'cancelled', migration: '0001' });
      expect(await world.halted('0001', run)).toMatchObject({ reason: 'cancelled', attempt: 1 });
      await world.decide('retry');
      const again = await until('the end of the retry', () => world.outcome('0001', 2));
      expect(again).toMatchObject({ outcome: 'stopped', stoppedAt });
      await world.cancel();
      expect(await world.halted('0001', run)).toMatchObject({ reason: 'cancelled', attempt: 2 });
      expect(await world.effects('0001')).toBe(1);
      await world.decide('skip', 'alice', 'it takes too long');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    },
  },
  {
    title: 'other code is deployed between two slices: the run halts, and a retry says where it begins',
    environment: 'code-changed',
    files: { '0001.ts': slowly(20, 10, 30) },
    async live(world) {
      const stopped = await world.start();
      await until('the first checkpoint', () => world.checkpoint('0001'));
      await world.stop(stopped); // its function is not stopped with it, and comes to the end of its slice
      expect(await until('the end of the slice', () => world.outcome('0001'))).toMatchObject({ outcome: 'stopped' });
      await world.redeploy({ '0001.ts': slowly(1) });
      const run = await world.start();
      expect(await world.halted('0001', run)).toMatchObject({ attempt: 1, reason: 'code-changed' });
      const [told] = await world.notified(1);
      expect(told?.message).toContain('--from-start or --keep-checkpoint');
      const slices = await world.effects('0001');
      const { done } = (await world.checkpoint('0001')) ?? {};

      await expect(world.decide('retry')).rejects.toMatchObject({ code: 'OtherCode' });
      await world.decide('retry', 'alice', 'it reads the same cursor', { begin: 'checkpoint' });
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      // The new code began after its end, and had nothing to do.
      expect(await world.checkpoint('0001')).toMatchObject({ attempt: 1, done });
      expect([await world.effects('0001'), await world.attempts('0001')]).toEqual([slices + 1, 2]);
    },
  },
];
