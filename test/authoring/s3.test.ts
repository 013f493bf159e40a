// The helpers that migrations import, on thousands of objects of the embedded S3.
import type { S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ListedObject, PageCursor } from '../../authoring/s3.ts';
import { copyObjects, deleteObjects, ObjectsFailed, pages } from '../../authoring/s3.ts';
import type { RequestHook } from '../../local/embedded-aws.ts';
import type { Started } from '../local/support.ts';
import { putObjects, start } from '../local/support.ts';

const OBJECTS = 2_500;
let started: Started;
let s3: S3Client;
let onRequest: RequestHook;

const keyOf = (n: number) => `data/${String(n).padStart(5, '0')}`;
const put = (bucket: string, key: string, body: string) =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));

async function bucketOf(name: string, count: number): Promise<string> {
  const objects = Array.from({ length: count }, (_, n): [string, string] => [keyOf(n), `object ${n}`]);
  await putObjects(started.aws.s3.store, name, objects);
  return name;
}
async function keysIn(bucket: string, Prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix })) {
    keys.push(...Contents.map(({ Key = '' }) => Key));
  }
  return keys;
}
async function listed(bucket: string): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const page of pages({ s3, bucket })) objects.push(...page.objects);
  return objects;
}
async function failed(work: Promise<unknown>): Promise<ObjectsFailed> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ObjectsFailed);
  return thrown as ObjectsFailed;
}

beforeAll(async () => {
  started = await start({ onRequest: (request) => onRequest(request) });
  ({ s3 } = started);
  onRequest = () => 'pass';
  await bucketOf('many', OBJECTS);
});
afterAll(() => started.stop());
beforeEach(() => {
  onRequest = () => 'pass';
});

describe('pages', () => {
  it('are all objects in the order of their keys, a thousand at a time, with checkpoints that count them', async () => {
    const seen: string[] = [];
    const checkpoints: unknown[] = [];
    for await (const { objects, checkpoint } of pages({ s3, bucket: 'many', prefix: 'data/', counted: true })) {
      seen.push(...objects.map(({ key }) => key));
      checkpoints.push(checkpoint);
    }
    expect(seen).toEqual(Array.from({ length: OBJECTS }, (_, n) => keyOf(n)));
    expect(checkpoints).toEqual(
      [1000, 2000, 2500].map((done) => {
        const counts = { done, total: OBJECTS };
        return { cursor: { after: keyOf(done - 1), ...counts }, ...counts };
      }),
    );
  });

  it('go on after any cursor, as it comes back from JSON, also when what was before it is gone', async () => {
    const all = { s3, bucket: 'many', pageSize: 300 };
    const first = (await pages({ ...all, counted: true }).next()).value!;
    const resume = JSON.parse(JSON.stringify(first.checkpoint.cursor)) as PageCursor;
    const left: string[] = [];
    for await (const { objects, checkpoint } of pages({ ...all, counted: true, resume })) {
      expect(objects.length).toBeLessThanOrEqual(300);
      left.push(...objects.map(({ key }) => key));
      expect(checkpoint).toMatchObject({ done: 300 + left.length, total: OBJECTS });
    }
    expect(left).toEqual(Array.from({ length: OBJECTS - 300 }, (_, n) => keyOf(n + 300)));
    expect(await pages({ ...all, resume: { after: keyOf(OBJECTS), done: OBJECTS } }).next()).toMatchObject({
      done: true,
    });
  });

  it('are none of a prefix that has no object, and have no total that was not asked for', async () => {
    expect(await pages({ s3, bucket: 'many', prefix: 'other/', counted: true }).next()).toMatchObject({ done: true });
    const { value } = await pages({ s3, bucket: 'many', pageSize: 2 }).next();
    expect(value).toEqual({
      objects: [0, 1].map((n) => ({ key: keyOf(n), size: 8, etag: expect.stringMatching(/^"\w{32}"$/) as unknown })),
      checkpoint: { cursor: { after: keyOf(1), done: 2 }, done: 2 },
    });
  });
});

describe('copyObjects', () => {
  const to = (key: string) => `copy of ${key.replace('data/', 'ä/')}`;
  const copied = async (bucket: string, n: number) =>
    (await (await s3.send(new GetObjectCommand({ Bucket: bucket, Key: to(keyOf(n)) }))).Body?.transformToString()) ??
    '';

  it('copies hundreds, to another bucket too, and does not copy again what is there', async () => {
    await bucketOf('target', 0);
    const objects = (await listed('many')).slice(0, 300);
    const operations: string[] = [];
    onRequest = ({ operation }) => {
      operations.push(operation);
      return 'pass';
    };
    await copyObjects({ s3, bucket: 'many', objects, to, toBucket: 'target' });
    expect(await keysIn('target')).toEqual(objects.map(({ key }) => to(key)));
    expect(await copied('target', 299)).toBe('object 299');
    expect(operations.filter((operation) => operation === 'CopyObject')).toHaveLength(300);
    operations.length = 0;
    await copyObjects({ s3, bucket: 'many', objects, to, toBucket: 'target' });
    expect(new Set(operations)).toEqual(new Set(['HeadObject']));
  }, 60_000);

  it('names each that changed since it was listed, is gone, is too large or denied; and copies the others', async () => {
    await bucketOf('changing', 6);
    const objects = await listed('changing');
    await put('changing', keyOf(1), 'another');
    await deleteObjects({ s3, bucket: 'changing', keys: [keyOf(2)] });
    objects[3] = { ...objects[3]!, size: 5 * 1024 ** 3 + 1 };
    onRequest = ({ operation, key }) =>
      operation === 'CopyObject' && key === to(keyOf(4)) ? { status: 403, code: 'AccessDenied' } : 'pass';
    const error = await failed(copyObjects({ s3, bucket: 'changing', objects, to }));
    expect(error.failures.map(({ key }) => key)).toEqual([1, 2, 3, 4].map(keyOf));
    expect(error.failures.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('HTTP 412') as unknown,
      expect.stringContaining('NoSuchKey') as unknown,
      'it has 5368709121 bytes, and CopyObject takes 5 GB: copy it by a multipart upload',
      expect.stringContaining('AccessDenied') as unknown,
    ]);
    expect(error.message).toMatch(/^4 of 6 objects could not be copied:\n/);
    expect(await keysIn('changing', 'copy of ')).toEqual([0, 5].map((n) => to(keyOf(n))));
  });

  it('overwrites what is there and differs, whatever its size', async () => {
    await bucketOf('stale', 2);
    await put('stale', to(keyOf(0)), 'OBJECT 0');
    await put('stale', to(keyOf(1)), 'short');
    await copyObjects({ s3, bucket: 'stale', objects: (await listed('stale')).slice(-2), to });
    expect([await copied('stale', 0), await copied('stale', 1)]).toEqual(['object 0', 'object 1']);
    expect((await s3.send(new HeadObjectCommand({ Bucket: 'stale', Key: keyOf(0) }))).ContentLength).toBe(8);
  });
});

describe('deleteObjects', () => {
  it('goes on after a batch that was refused, and names each of its keys', async () => {
    let batches = 0;
    onRequest = ({ operation }) =>
      operation === 'DeleteObjects' && (batches += 1) === 1 ? { status: 403, code: 'AccessDenied' } : 'pass';
    const keys = await keysIn('many');
    const error = await failed(deleteObjects({ s3, bucket: 'many', keys }));
    expect(error).toMatchObject({ name: 'ObjectsFailed', code: 'ObjectsFailed' });
    expect(error.failures.map(({ key }) => key)).toEqual(keys.slice(0, 1000));
    expect(error.message).toContain(`1000 of 2500 objects could not be deleted:\n  ${keyOf(0)}: AccessDenied`);
    expect(error.message).toContain('(HTTP 403)\n  and 980 more');
    expect(await keysIn('many')).toEqual(keys.slice(0, 1000));
  });

  it('deletes what is named and nothing else; what is not there counts as deleted', async () => {
    const keys = await keysIn('many');
    await deleteObjects({ s3, bucket: 'many', keys: [...keys.slice(5), 'not/there'] });
    expect(await keysIn('many')).toEqual(keys.slice(0, 5));
    await deleteObjects({ s3, bucket: 'many', keys: [] });
  });
});

it('is imported by the name of the package, by Node.js, the type checker and the bundler alike', async () => {
  const { pages: byName } = await import('odin-migrate/s3');
  expect(byName).toBe(pages);
});
