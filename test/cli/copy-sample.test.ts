// A sample of real objects, copied from one S3 to another.
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseSample, copySample } from '../../client/copy-sample.ts';
import type { RequestSummary } from '../../local/embedded-aws.ts';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';

const COUNT = 1_200; // more than one page of a listing

describe('a sample of real objects', () => {
  let real: Started;
  let here: Started;
  const requests: RequestSummary[] = [];
  const progress: string[] = [];
  const sample = async (
    options: { url: string; objects?: number; bytes?: number },
    meanwhile?: () => Promise<unknown>,
  ) => {
    const onProgress = (text: string) => progress.push(text);
    const chosen = await chooseSample({ from: real.s3, objects: 100, bytes: 1e6, onProgress, ...options });
    await meanwhile?.();
    return await copySample(chosen, here.s3);
  };
  const keysOf = async (Bucket: string, Prefix: string) => {
    const keys: string[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2({ client: here.s3 }, { Bucket, Prefix })) {
      keys.push(...Contents.map(({ Key = '' }) => Key));
    }
    return keys;
  };

  beforeAll(async () => {
    real = await start({
      onRequest: (request) => {
        requests.push(request);
        return 'pass';
      },
    });
    here = await start();
    await real.s3.send(new CreateBucketCommand({ Bucket: 'data' }));
    for (let number = 0; number < COUNT; number += 1) {
      const Key = `many/${String(number).padStart(5, '0')}`;
      await real.s3.send(
        new PutObjectCommand({
          Bucket: 'data',
          Key,
          Body: 'x'.repeat(100),
          ContentType: 'text/csv',
          Metadata: { number: String(number) },
        }),
      );
    }
    for (const [name, size] of [
      ['a', 10],
      ['b', 5_000],
      ['c', 20],
    ] as const) {
      await real.s3.send(new PutObjectCommand({ Bucket: 'data', Key: `sizes/${name}`, Body: 'x'.repeat(size) }));
    }
    requests.length = 0;
  });
  afterAll(async () => {
    await real.stop();
    await here.stop();
  });

  it('is spread over the whole prefix, and as it is there; the real S3 is only read', async () => {
    const copied = await sample({ url: 's3://data/many/', objects: 100 });
    expect(copied).toEqual({
      url: 's3://data/many/',
      objects: 100,
      bytes: 10_000,
      gone: 0,
      archived: 0,
      listed: COUNT,
      more: false,
    });
    const keys = await keysOf('data', 'many/');
    expect(keys).toHaveLength(100);
    expect(keys[0]).toBe('many/00000');
    expect(keys[99]).toBe('many/01188');
    const head = await here.s3.send(new HeadObjectCommand({ Bucket: 'data', Key: 'many/00012' }));
    expect(head).toMatchObject({ ContentLength: 100, ContentType: 'text/csv', Metadata: { number: '12' } });
    expect([...new Set(requests.map(({ operation }) => operation))].sort()).toEqual(['GetObject', 'ListObjectsV2']);
    expect(progress.at(-1)).toBe('Copying from s3://data/many/: 100 of 100 objects');
  });

  it('is not put over what an earlier run has left', async () => {
    await expect(sample({ url: 's3://data/many/' })).rejects.toThrow('as the last run left them');
  });

  it('leaves out what is over the limit of bytes', async () => {
    expect(await sample({ url: 's3://data/sizes/', bytes: 1_000 })).toMatchObject({ objects: 2, bytes: 30, listed: 3 });
    expect(await keysOf('data', 'sizes/')).toEqual(['sizes/a', 'sizes/c']);
    await expect(sample({ url: 's3://data/sizes/b', bytes: 1_000 })).rejects.toThrow('over the limit of 0.001 MB');
  });

  it('says that there is nothing, or no such place', async () => {
    await expect(sample({ url: 's3://data/none/' })).rejects.toThrow('There is no object under s3://data/none/.');
    const none = { code: 'BadUsage', what: 'There is no bucket nowhere where these credentials lead.' };
    await expect(sample({ url: 's3://nowhere/x/' })).rejects.toMatchObject(none);
    await expect(sample({ url: 'data/none' })).rejects.toThrow('Expected s3://bucket/prefix/, found "data/none".');
  });

  it('leaves out what is gone or archived, and says so; of nothing else there is no sample', async () => {
    const put = (Key: string, more: object = {}) =>
      real.s3.send(new PutObjectCommand({ Bucket: 'data', Key, Body: 'x', ...more }));
    for (const key of ['cold/a', 'cold/\n']) await put(key);
    await put('cold/b', { StorageClass: 'GLACIER' });
    await put('cold/c');
    const gone = () => real.s3.send(new DeleteObjectCommand({ Bucket: 'data', Key: 'cold/c' }));
    expect(await sample({ url: 's3://data/cold/' }, gone)).toMatchObject({
      objects: 2,
      gone: 1,
      archived: 1,
      listed: 4,
    });
    await put('ice/a', { StorageClass: 'DEEP_ARCHIVE' });
    await expect(sample({ url: 's3://data/ice/' })).rejects.toMatchObject({
      code: 'BadUsage',
      what: expect.stringContaining('0 are gone, 1 are archived') as string,
    });
  });
});
