// Objects that are moved in parallel, by batches that fail, crash, are slowed down and are retried: they lie where an undisturbed run would
// have put them, byte for byte, which is known of each from what was put.
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { expect } from 'vitest';
import { FAULTS_IN_BATCHES, movesInBatches } from './migrations.ts';
import { DATA_BUCKET } from './platform.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';
import { until } from './world.ts';

/** What is put: empty ones, equal ones, and ones of all kinds of bytes. By `n` each is told from all others. */
export const objectOf = (n: number) => ({
  Body:
    n % 50 === 0 ? Buffer.alloc(0) : n % 3 === 0 ? Buffer.from('the same') : Buffer.from([n % 256, n >> 8, 0, 255, 10]),
  ContentType: 'text/x-moved',
  Metadata: { n: String(n) },
});
export const keyOf = (prefix: string, n: number): string =>
  `${prefix}${String(n).padStart(6, '0')}/${n % 9 === 0 ? 'ü &+' : 'a'}`;

/** Runs, and retries whenever it halts. @returns why it halted, each time */
export async function runRetried(world: World): Promise<string[]> {
  const run = await world.start();
  const reasons: string[] = [];
  for (let last = 0; ;) {
    const halt = await until('the next halt, or the end', async () => {
      const { status } = await world.describe(run);
      if (status !== 'RUNNING') return { status };
      const open = await world.openHalt();
      return open && open.number !== last && open.waiting.length > 0 ? open : undefined;
    });
    if ('status' in halt) {
      expect(halt.status).toBe('SUCCEEDED');
      return reasons;
    }
    reasons.push(halt.reason);
    last = halt.number;
    await world.decide('retry');
  }
}

const OBJECTS = 600;
const FROM = 'wild/disturbed/';

export const DISTURBED: Scenario = {
  title: `${OBJECTS} objects are moved by batches that fail, crash, are slowed down and retried, and each lies where it belongs`,
  environment: 'disturbed',
  files: { '0001.ts': movesInBatches('wild', 40, FAULTS_IN_BATCHES, 60) },
  async live(world) {
    const { s3 } = world.deployment;
    const numbers = Array.from({ length: OBJECTS }, (_, n) => n);
    const put = (n: number) =>
      s3.send(new PutObjectCommand({ Bucket: DATA_BUCKET, Key: keyOf(FROM, n), ...objectOf(n) }));
    await pMap(numbers, put, { concurrency: 8 });
    expect(await runRetried(world)).toEqual(expect.arrayContaining(['failed']));
    // Each that was disturbed has started twice: 15 batches, of which three of each kind, and one whose function died.
    expect(await world.effects('0001')).toBe(15 + 10);
    const moved = async (n: number) => {
      const Key = `to/${keyOf(FROM, n)}`;
      const { Body, ContentType, Metadata } = await s3.send(new GetObjectCommand({ Bucket: DATA_BUCKET, Key }));
      return { Body: Buffer.from((await Body?.transformToByteArray()) ?? []), ContentType, Metadata };
    };
    expect(await pMap(numbers, moved, { concurrency: 8 })).toEqual(numbers.map(objectOf));
    expect(await world.objects(`to/${FROM}`)).toHaveLength(OBJECTS);
    expect(await world.objects(FROM)).toEqual([]);
  },
};
