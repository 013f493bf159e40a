// Several pending migrations in one preview: each sees what those before it would have written. What it tells is held against
// what a run of all of them then does.
import { CreateBucketCommand, GetObjectCommand, paginateListObjectsV2, PutObjectCommand } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { previewMigrations } from '../../client/preview.ts';
import type { Previewed } from '../../core/preview/preview.ts';
import { caveats } from '../../core/preview/words.ts';
import { embeddedPlatform } from '../scenarios/embedded-platform.ts';
import type { Files, Platform } from '../scenarios/platform.ts';
import { World } from '../scenarios/world.ts';
import { deployedManifest } from '../../client/deployment.ts';

const S3 = `
import { CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand,
  paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
const s3 = new S3Client({});
const list = async (prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix: prefix }))
    for (const { Key = '' } of Contents) keys.push(Key);
  return keys;
};
`;
const file = (bucket: string, code: string) => `const Bucket = '${bucket}';\n${S3}\n${code}`;

/** 1,003 objects, of which the first migration removes 120: the second one then has 883. */
const CHAIN: Files = {
  '0001.ts': file(
    'chain',
    `export async function migration(): Promise<void> {
      const Objects = (await list('in/')).filter((key) => key.endsWith('.tmp')).map((Key) => ({ Key }));
      await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'settings', Body: '{"to":"out/"}', ContentType: 'text/x', Metadata: { by: 'me' } }));
    }`,
  ),
  // Its time is so short that each page is a slice.
  '0002.ts': file(
    'chain',
    `export const timeoutMinutes = 10 / 60;
    export async function* migration(after?: string): AsyncGenerator<{ cursor: string }> {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'settings' }));
      const { to } = JSON.parse((await Body?.transformToString()) ?? '') as { to: string };
      const keys = (await list('in/')).filter((key) => after === undefined || key > after);
      for (let index = 0; index < keys.length; index += 300) {
        const page = keys.slice(index, index + 300);
        await Promise.all(page.map((key) =>
          s3.send(new CopyObjectCommand({ Bucket, CopySource: Bucket + '/' + key, Key: key.replace('in/', to) }))));
        console.log(page.length + ' copied, ' + (await list(to)).length + ' there');
        yield { cursor: page.at(-1) ?? '' };
      }
    }`,
  ),
  '0003.ts': file(
    'chain',
    `export async function migration(): Promise<void> {
      const copies = await list('out/');
      console.log(copies.length + ' copies');
      for (const Key of copies.slice(0, 3)) {
        const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        console.log(Key + ' ' + ContentLength + ' ' + (await Body?.transformToString()));
      }
      for (const Key of copies) await s3.send(new DeleteObjectCommand({ Bucket, Key: Key.replace('out/', 'in/') }));
      const { ContentType, Metadata } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'settings' }));
      console.log((await list('in/')).length + ' left ' + ContentType + ' ' + JSON.stringify(Metadata));
    }`,
  ),
  '0004.ts': file(
    'chain',
    `export async function migration(): Promise<void> {
      console.log((await list('elsewhere/')).length);
    }`,
  ),
};

const ENDS: Files = {
  '0001.ts': file(
    'ends',
    `export async function migration(): Promise<void> {
      await s3.send(new PutObjectCommand({ Bucket, Key: 'a/1', Body: 'x' }));
      throw new Error('half way');
    }`,
  ),
  // Contents that do not compress: with them it is too much to hand on, without them it is not.
  '0002.ts': file(
    'ends',
    `import { randomBytes } from 'node:crypto';
    export async function migration(): Promise<void> {
      console.log((await list('a/')).join());
      for (let number = 0; number < 3; number += 1)
        await s3.send(new PutObjectCommand({ Bucket, Key: 'large/' + number, Body: randomBytes(1_000_000) }));
    }`,
  ),
  '0003.ts': file(
    'ends',
    `import { randomBytes } from 'node:crypto';
    export async function migration(): Promise<void> {
      console.log((await list('large/')).join());
      console.log((await s3.send(new HeadObjectCommand({ Bucket, Key: 'large/0' }))).ContentLength);
      await s3.send(new GetObjectCommand({ Bucket, Key: 'large/0' })).catch((error: Error) => console.log(error.name));
      const Metadata = { random: '' };
      for (let number = 0; number < 2_700; number += 1) {
        Metadata.random = randomBytes(1_000).toString('hex');
        await s3.send(new PutObjectCommand({ Bucket, Key: 'many/' + number, Metadata: { ...Metadata } }));
      }
    }`,
  ),
  '0004.ts': file(
    'ends',
    `export async function migration(): Promise<void> {
      console.log((await list('many/')).length + ' ' + (await list('large/')).length);
    }`,
  ),
};

let platform: Platform;
const worlds = new Map<string, World>();

beforeAll(async () => {
  platform = await embeddedPlatform();
  const specs = [
    { environment: 'chain', files: CHAIN },
    { environment: 'ends', files: ENDS },
  ];
  for (const [environment, deployment] of await platform.deploy(specs)) {
    worlds.set(environment, new World(platform, environment, deployment));
    await deployment.s3.send(new CreateBucketCommand({ Bucket: environment }));
  }
});
afterAll(async () => {
  await platform.close();
});

const of = (environment: string): World => {
  const world = worlds.get(environment);
  if (!world) throw new Error(`${environment} was not deployed`);
  return world;
};

async function previews(environment: string, named?: string[], limit?: number): Promise<Previewed[]> {
  const { deployment } = of(environment);
  const { migrations } = await deployedManifest(deployment);
  const entries = migrations.filter(({ id }) => named?.includes(id) ?? true);
  const found: Previewed[] = [];
  for await (const previewed of previewMigrations(
    deployment,
    entries,
    migrations.map(({ id }) => id),
    limit,
  ))
    found.push(previewed);
  return found;
}

async function keys(bucket: string, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client: of(bucket).deployment.s3 },
    { Bucket: bucket, Prefix: prefix },
  ))
    for (const { Key = '' } of Contents) found.push(Key);
  return found;
}

const callsOf = ({ calls }: Previewed, operation: string) =>
  calls.filter((group) => group.operation === operation).reduce((sum, group) => sum + group.items, 0);

describe('a preview of several pending migrations', () => {
  it('tells of each what a run then does: 883 copies, and not 1,003', async () => {
    const { s3 } = of('chain').deployment;
    await pMap(
      Array.from({ length: 1_003 }, (_, number) => `in/${String(number).padStart(4, '0')}`),
      (key, number) =>
        s3.send(new PutObjectCommand({ Bucket: 'chain', Key: number < 120 ? `${key}.tmp` : key, Body: key })),
      { concurrency: 20 },
    );
    const before = await keys('chain', '');
    const [first, second, third, fourth] = await previews('chain');
    expect(await keys('chain', '')).toEqual(before);
    if (!first || !second || !third || !fourth) throw new Error('not all were previewed');

    expect(callsOf(first, 'DeleteObjects')).toBe(120);
    expect(second).toMatchObject({ outcome: 'finished', checkpoints: 3, slices: 4, stale: [] });
    expect(callsOf(second, 'CopyObject')).toBe(883);
    expect(second.output).toContain('283 copied, 883 there');
    expect(third).toMatchObject({ outcome: 'finished', stale: [] });
    expect(third.output).toEqual([
      '883 copies',
      'out/0120 7 in/0120',
      'out/0121 7 in/0121',
      'out/0122 7 in/0122',
      '0 left text/x {"by":"me"}',
    ]);
    expect(caveats(first)).toEqual([]);
    expect(caveats(second).join()).toMatch(/reads were answered as if 0001 had run: its numbers rest on that/);
    expect(caveats(third).join()).toMatch(/reads were answered as if 0001, 0002 had run/);
    expect(caveats(fourth)).toEqual(['it read nothing that 0001, 0002, 0003 would change']);

    const { status } = await of('chain').runToEnd();
    expect(status).toBe('SUCCEEDED');
    expect(await keys('chain', 'out/')).toHaveLength(883);
    expect(await keys('chain', 'in/')).toEqual([]);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'chain', Key: 'out/0120' }));
    expect(await Body?.transformToString()).toBe('in/0120');
  });
});

describe('what the next one is told', () => {
  it('what one that threw had written; nothing of contents, or nothing at all, that would be too much', async () => {
    const [first, second, third, fourth] = await previews('ends');
    if (!first || !second || !third || !fourth) throw new Error('not all were previewed');
    expect(first.outcome).toBe('threw');
    expect(second.output).toEqual(['a/1']);
    expect(caveats(second)).toEqual([
      '1 read was answered as if 0001 had run: its numbers rest on that',
      'of what 0001 would change, it knew what is told above, and no more',
    ]);
    expect(third.output).toEqual(['large/0,large/1,large/2', '1000000', 'NoSuchKey']);
    expect(third.stale).toMatchObject([{ what: 'S3:GetObject', target: 's3://ends/large/0', count: 1, of: '0002' }]);
    expect(fourth.output).toEqual(['0 3']);
    expect(fourth.before).toEqual([
      { migration: '0001', seen: 'part' },
      { migration: '0002', seen: 'all' },
      { migration: '0003', seen: 'too much' },
    ]);
  });

  it('of one that is previewed alone: which were not', async () => {
    const [fourth] = await previews('ends', ['0004']);
    expect(fourth?.output).toEqual(['0 0']);
    expect(fourth && caveats(fourth)).toEqual([
      'it saw the data without what 0001, 0002, 0003 would change: pending before it, and not previewed',
    ]);
  });
});
