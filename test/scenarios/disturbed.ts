// Objects that are moved in parallel, by batches that fail, crash, are slowed down and are retried: they lie where an undisturbed run would
// have put them, byte for byte.
import { GetObjectCommand, HeadObjectCommand, paginateListObjectsV2, PutObjectCommand } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { expect } from 'vitest';
import { FAULTS_IN_BATCHES, movesInBatches } from './migrations.ts';
import { DATA_BUCKET } from './platform.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';
import { until } from './world.ts';

/** What is put under a key: empty ones, equal ones, and ones of all kinds of bytes. */
export const bodyOf = (n: number): Buffer =>
  n % 50 === 0 ? Buffer.alloc(0) : n % 3 === 0 ? Buffer.from('the same') : Buffer.from([n % 256, n >> 8, 0, 255, 10]);
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

/** Two times as many objects, one half moved undisturbed. */
export const DISTURBED: Scenario = {
  title: `${OBJECTS} objects are moved by batches that fail, crash, are slowed down and retried, and lie as after an undisturbed run`,
  environment: 'disturbed',
  files: {
    '0001.ts': movesInBatches('calm', 40),
    '0002.ts': movesInBatches('wild', 40, FAULTS_IN_BATCHES, 60),
  },
  async live(world) {
    const { s3 } = world.deployment;
    const put = (from: string) => (n: number) =>
      s3.send(
        new PutObjectCommand({
          Bucket: DATA_BUCKET,
          Key: keyOf(`${from}/disturbed/`, n),
          Body: bodyOf(n),
          Metadata: { n: String(n % 7) },
        }),
      );
    const numbers = Array.from({ length: OBJECTS }, (_, n) => n);
    for (const from of ['calm', 'wild']) await pMap(numbers, put(from), { concurrency: 8 });
    expect(await runRetried(world)).toEqual(expect.arrayContaining(['failed']));
    expect(await world.effects('0001')).toBe(OBJECTS / 40);
    // Each that was disturbed has started twice: 15 batches, of which three of each kind, and one whose function died.
    expect(await world.effects('0002')).toBe(15 + 10);
    const left = async (prefix: string) => {
      const found: unknown[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client: s3 },
        { Bucket: DATA_BUCKET, Prefix: prefix },
      ))
        found.push(...(await pMap(Contents, ({ Key = '' }) => whole(Key, prefix), { concurrency: 8 })));
      return found;
    };
    const whole = async (Key: string, prefix: string) => {
      const { Metadata, ContentType, ETag } = await s3.send(new HeadObjectCommand({ Bucket: DATA_BUCKET, Key }));
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: DATA_BUCKET, Key }));
      return {
        key: Key.slice(prefix.length),
        Metadata,
        ContentType,
        ETag,
        bytes: await Body?.transformToString('hex'),
      };
    };
    const wild = await left('to/wild/disturbed/');
    expect(wild).toEqual(await left('to/calm/disturbed/'));
    expect(wild).toHaveLength(OBJECTS);
    expect([await world.objects('calm/disturbed/'), await world.objects('wild/disturbed/')]).toEqual([[], []]);
  },
};
