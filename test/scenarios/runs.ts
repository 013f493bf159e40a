// Runs: what is pending, in which order, how often, and what is refused.
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { sendBaseline } from '../../client/deployment.ts';
import type { RunPayload } from '../../core/contract/payloads.ts';
import { sha256 } from '../../core/ledger/entries.ts';
import { claimKey, completedKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import { readClaim } from '../../core/ledger/turns.ts';
import { fails, moves, takes, works } from './migrations.ts';
import { DATA_BUCKET } from './platform.ts';
import type { Scenario } from './scenario.ts';
import { three } from './scenario.ts';
import { until, World } from './world.ts';

export const RUNS: Scenario[] = [
  {
    title: 'a fresh run applies all in order, and a second run applies none',
    environment: 'fresh',
    files: three,
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied', '0003': 'applied' });
      const turns = await world.entries('allowed');
      const { store } = world.deployment.ledger;
      const claims = await Promise.all(turns.map((turn) => readClaim(store, turn)));
      const outcomes = await Promise.all(turns.map(({ migration }) => world.outcome(migration)));
      expect(outcomes).toMatchObject(turns.map(() => ({ outcome: 'succeeded' })));
      for (const [index, outcome] of outcomes.slice(0, 2).entries()) {
        expect(Date.parse(claims[index + 1]?.time ?? '')).toBeGreaterThanOrEqual(Date.parse(outcome?.time ?? 'x'));
      }
      // What people look for in the bucket: a copy of each completion's entry.
      for (const entry of await world.entries('completed')) {
        const copy = await store.get(completedKey(entry.ids[0] ?? ''));
        expect(sha256(copy?.body ?? '')).toBe(entry.sha256);
      }

      const again = await world.runToEnd();
      expect(again).toMatchObject({ status: 'SUCCEEDED' });
      expect(again.output).toContain('Nothing is pending in fresh');
      for (const id of ['0001', '0002', '0003']) expect(await world.effects(id)).toBe(1);
    },
  },
  {
    title: 'an environment without migrations deploys, and a run says that there is nothing to run',
    environment: 'empty',
    files: {},
    async live(world) {
      const run = await world.runToEnd();
      expect(run.status).toBe('SUCCEEDED');
      expect(run.output).toContain('empty has no migrations: nothing to run.');
    },
  },
  ...[2, 8].map((count): Scenario => ({
    title: `${count} executions at once: each effect once`,
    environment: `at-once-${count}`,
    files: { '0001.ts': takes(1), '0002.ts': works(), '0003.ts': works() },
    async live(world) {
      const runs = await Promise.all(Array.from({ length: count }, () => world.start()));
      const ends = await Promise.all(runs.map((run) => world.ended(run)));
      expect(ends.map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 'SUCCEEDED'));
      for (const id of ['0001', '0002', '0003']) expect(await world.effects(id)).toBe(1);
    },
  })),
  {
    title: 'a migration that is added later: only it runs',
    environment: 'added',
    files: { '0001.ts': works(), '0002.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      await world.redeploy({ ...three, '0001.ts': works('Changed after it was applied') });
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect([await world.effects('0001'), await world.effects('0002'), await world.effects('0003')]).toEqual([
        1, 1, 1,
      ]);
    },
  },
  {
    title: 'a late lower number is refused by name, and runs when the input allows it',
    environment: 'late',
    files: { '0001.ts': works(), '0003.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      await world.redeploy(three);
      const refused = await world.runToEnd();
      expect(refused).toMatchObject({ status: 'FAILED', error: 'OutOfOrder' });
      expect(refused.cause).toContain('late/0002.ts');
      expect(await world.effects('0002')).toBe(0);
      expect(await world.runToEnd({ allowOutOfOrder: true })).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.effects('0002')).toBe(1);
    },
  },
  {
    title: 'a migration whose file was deleted after it was applied is not missed',
    environment: 'deleted',
    files: { '0001.ts': works(), '0002.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      await world.redeploy({ '0003.ts': works('Third') });
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied', '0003': 'applied' });
    },
  },
  {
    title: 'what was pruned is not missed, and a run refuses when the ledger lacks some of it, until it is adopted',
    environment: 'pruned',
    files: { '0001.ts': works(), '0002.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      const line = (id: string) => `"${id}": "applied 2026-11-02T10:11:12.123Z"`;
      await world.redeploy({
        'completed.json': `{${line('0001')}, ${line('0002')}, "format": 1}`,
        '0004.ts': works('Fourth'),
      });
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.effects('0004')).toBe(1);

      const lacks = `{${line('0001')}, ${line('0002')}, ${line('0003')}, "format": 1}`;
      await world.redeploy({ 'completed.json': lacks, '0004.ts': works('Fourth'), '0005.ts': works('Fifth') });
      const refused = await world.runToEnd({ allowOutOfOrder: true });
      expect(refused).toMatchObject({ status: 'FAILED', error: 'NotCompleted' });
      expect(refused.cause).toContain('names 0003 as completed');
      expect(await world.effects('0005')).toBe(0);
      const payload = { ask: 'baseline', through: 'pruned', reason: 'ran elsewhere', by: 'anna' } as const;
      expect(await sendBaseline(world.deployment, payload)).toMatchObject({ recorded: ['0003'] });
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      const applied = { '0001': 'applied', '0002': 'applied', '0004': 'applied', '0005': 'applied' };
      expect(await world.completions()).toEqual({ ...applied, '0003': 'baseline' });
    },
  },
  {
    title: 'an environment does not touch its neighbour whose name it begins with',
    environment: 'side',
    files: three,
    async live(world) {
      const neighbours = await world.platform.deploy([{ environment: 'side-by-side', files: three }]);
      const deployment = neighbours.get('side-by-side');
      if (!deployment) throw new Error('the neighbour was not deployed');
      const neighbour = new World(world.platform, 'side-by-side', deployment);
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await neighbour.completions()).toEqual({});
      expect(await neighbour.effects('0001')).toBe(0);
      expect(await neighbour.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect([await world.effects('0001'), await neighbour.effects('0001')]).toEqual([1, 1]);
    },
  },
  {
    title: 'a function invoked by hand, or several times with one payload, runs nothing twice',
    environment: 'by-hand',
    files: { '0001.ts': takes(5), '0002.ts': works() },
    async live(world) {
      const bad = await world.invokeByHand('0001', { key1: 'value1' });
      expect(bad.error).toBe(true);
      expect(bad.text).toContain('Nothing was done');
      const invented: RunPayload = {
        ask: 'run',
        execution: 'by hand',
        migration: '0001',
        attempt: 1,
        slice: 1,
        turn: 1,
      };
      const early = await world.invokeByHand('0001', invented);
      expect(early).toMatchObject({ error: true });
      expect(early.text).toContain(`${entryKey(1)} is not there`);
      expect((await world.invokeByHand('0002', invented)).error).toBe(true); // another migration's payload
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([0, 0]);

      const execution = await world.start();
      const { number: turn } = await until('the turn of 0001', () => world.turn('0001'));
      const allowed: RunPayload = { ...invented, execution, turn };
      const other = await world.invokeByHand('0001', { ...allowed, attempt: 2 });
      expect(other).toMatchObject({ error: true });
      expect(other.text).toContain('allows attempt 1, not 2');
      // The run invokes it, too: one of all of them runs its code.
      const answers = await Promise.all(Array.from({ length: 6 }, () => world.invokeByHand('0001', allowed)));
      const finished = answers.filter(({ text }) => text.includes('"finished"'));
      const elsewhere = answers.filter(({ text }) => text.includes('"claimed elsewhere"'));
      expect(finished.length + elsewhere.length).toBe(6);
      expect(finished.length).toBeLessThanOrEqual(1);
      expect(await world.ended(execution)).toMatchObject({ status: 'SUCCEEDED' });
      expect((await world.invokeByHand('0001', allowed)).text).toContain('claimed elsewhere');
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
    },
  },
  {
    title: 'an entry that cannot be read stops the run, and is not taken as absent',
    environment: 'unreadable',
    files: three,
    spoils: [`unreadable-entry ${entryKey(1)}`],
    async live(world) {
      const { s3, ledgerBucket: Bucket } = world.deployment;
      await s3.send(new PutObjectCommand({ Bucket, Key: entryKey(1), Body: '{"format": 99}' }));
      const run = await world.start();
      const ended = await world.ended(run);
      expect(ended.status).toBe('FAILED');
      expect(ended.cause).toContain('log/00000001.json');
      expect(ended.cause).toContain('in format 99; this one reads up to 1');
      for (const id of ['0001', '0002', '0003']) expect(await world.effects(id)).toBe(0);
    },
  },
  {
    title:
      'a claim and an outcome that cannot be read stop one migration until somebody decides, and not the environment',
    environment: 'spoiled',
    spoils: ['spoiled turns/0001/00000001/claim.json', 'spoiled turns/0002/00000005/outcome.json'],
    files: { '0001.ts': works('Works', 6), '0002.ts': works('Works', 6), '0003.ts': works() },
    async live(world) {
      const { s3, ledgerBucket: Bucket } = world.deployment;
      const spoil = (Key: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: '{"format":' }));
      await spoil(claimKey({ migration: '0001', number: 1 }));
      const run = await world.start();
      const first = await world.halted('0001', run);
      expect(first).toMatchObject({ turn: 1, reason: 'unknown' });
      expect(await world.effects('0001')).toBe(0);

      const number = first.number + 3; // after the decision and the completion
      await spoil(outcomeKey({ migration: '0002', number }));
      await world.decide('skip', 'alice', 'somebody wrote its claim');
      expect(await world.halted('0002', run)).toMatchObject({ turn: number, reason: 'unknown' });
      await world.decide('mark-applied', 'alice', 'its effect is there');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'skipped', '0002': 'marked-applied', '0003': 'applied' });
      expect([await world.effects('0001'), await world.effects('0002'), await world.effects('0003')]).toEqual([
        0, 1, 1,
      ]);
    },
  },
  {
    title: 'an input that nobody understands fails the run before it does anything',
    environment: 'bad-input',
    files: three,
    async live(world) {
      const ended = await world.runToEnd({ allowOutofOrder: true });
      expect(ended.status).toBe('FAILED');
      expect(ended.cause).toContain('allowOutofOrder');
      expect(await world.effects('0001')).toBe(0);
    },
  },
  {
    title: 'a preview changes nothing, also while a run is halted, and lists what the run then does',
    environment: 'previewed',
    files: { '0001.ts': fails(), '0002.ts': moves(3) },
    async live(world) {
      const sizes = [1, 20, 300, 4000, 50_000, 6, 70];
      for (const [index, size] of sizes.entries()) {
        const Key = `from/previewed/${index}`;
        await world.deployment.s3.send(new PutObjectCommand({ Bucket: DATA_BUCKET, Key, Body: 'x'.repeat(size) }));
      }
      const total = sizes.reduce((sum, size) => sum + size);
      const run = await world.start();
      await world.halted('0001', run);
      const before = await world.everything();

      const failing = await world.preview('0001');
      expect(failing).toMatchObject({ outcome: 'threw', error: { message: 'the disk of the past is full' } });
      expect(failing.error?.stack).toMatch(/migrations\/previewed\/0001\.ts:\d+/);
      expect(failing.calls).toMatchObject([
        { sent: false, operation: 'PutObject', items: 1 },
        { sent: true, operation: 'ListObjectsV2' },
      ]);

      const previewed = await world.preview('0002');
      const from = `s3://${DATA_BUCKET}/from/previewed/`;
      const to = `s3://${DATA_BUCKET}/to/previewed/`;
      expect(previewed).toMatchObject({ outcome: 'finished', share: 1, checkpoints: 3, checkpoint: { done: 7 } });
      expect(previewed.calls).toEqual([
        expect.objectContaining({ operation: 'ListObjectsV2', sent: true, calls: 4, target: from }),
        expect.objectContaining({
          operation: 'CopyObject',
          sent: false,
          calls: 7,
          bytes: total,
          unsized: 0,
          target: to,
        }),
        expect.objectContaining({ operation: 'HeadObject', sent: true, calls: 7, target: to }),
        expect.objectContaining({
          operation: 'DeleteObjects',
          sent: false,
          calls: 3,
          items: 7,
          bytes: total,
          target: from,
        }),
      ]);
      expect(previewed.stale).toEqual([]);
      expect(previewed.output).toEqual(['3 objects moved', '3 objects moved', '1 objects moved']);
      const inPart = await world.preview('0002', 0.001);
      expect(inPart).toMatchObject({ outcome: 'more', slices: 1, checkpoints: 1, checkpoint: { done: 3 } });

      expect(await world.everything()).toEqual(before);
      expect(await world.attempts('0002')).toBe(0);

      await world.decide('skip', 'alice', 'only the preview of it was wanted');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.objects('from/previewed/')).toEqual([]);
      expect(await world.objects('to/previewed/')).toHaveLength(previewed.calls[1]?.calls ?? 0);
    },
  },
];
