// The helpers for what is more than a move: rewrites, deletes under prefixes, stages, what there is; on the embedded S3.
import type { S3Client } from '@aws-sdk/client-s3';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip, createGzip, gzipSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DeletedCursor, ListedObject, PageCursor, Rewrites, StageCursor } from '../../authoring/s3.ts';
import {
  copyObjects,
  deletePrefix,
  exists,
  folders,
  moveObjects,
  ObjectsFailed,
  pages,
  rewriteObjects,
  stages,
} from '../../authoring/s3.ts';
import type { RequestHook } from '../../local/embedded-aws.ts';
import type { Started } from '../local/support.ts';
import { putObjects, start } from '../local/support.ts';

let started: Started;
let s3: S3Client;
let onRequest: RequestHook;
let operations: string[];

beforeAll(async () => {
  started = await start({
    onRequest: (request) => {
      operations.push(request.operation);
      return onRequest(request);
    },
  });
  ({ s3 } = started);
});
afterAll(() => started.stop());
beforeEach(() => {
  onRequest = () => 'pass';
  operations = [];
});

const newClient = () => {
  const { endpoint, region, credentials } = started.aws;
  return new S3({ endpoint, region, credentials, maxAttempts: 1 });
};

let buckets = 0;
async function bucketWith(...keys: string[]): Promise<string> {
  const bucket = `bucket-${(buckets += 1)}`;
  await putObjects(
    started.aws.s3.store,
    bucket,
    keys.map((key): [string, string] => [key, `text of ${key}`]),
  );
  return bucket;
}
async function keysIn(bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket })) {
    keys.push(...Contents.map(({ Key = '' }) => Key));
  }
  return keys;
}
async function listed(bucket: string, prefix = ''): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const page of pages({ s3, bucket, prefix })) objects.push(...page.objects);
  return objects;
}
const read = async (bucket: string, Key: string) =>
  Buffer.from(
    (await (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body?.transformToByteArray()) ?? [],
  );
const headOf = (bucket: string, Key: string) => s3.send(new HeadObjectCommand({ Bucket: bucket, Key }));
const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of from) found.push(each);
  return found;
}
const failuresOf = async (work: Promise<unknown>) => {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ObjectsFailed);
  return (thrown as ObjectsFailed).failures;
};

describe('pages of several prefixes', () => {
  it('are each object once, in the order of keys, and go on from any cursor in the right one', async () => {
    const bucket = await bucketWith('a/1', 'b/1', 'b/2', 'b/c/1', 'c/1', 'd/1');
    const prefixes = ['d/', 'b/', 'b/c/', 'a/'];
    const options = { s3, bucket, prefixes, pageSize: 1, counted: true };
    const found = await all(pages(options));
    const keys = found.flatMap(({ objects }) => objects.map(({ key }) => key));
    expect(keys).toEqual(['a/1', 'b/1', 'b/2', 'b/c/1', 'd/1']);
    expect(found.map(({ checkpoint: { done, total } }) => [done, total])).toEqual([1, 2, 3, 4, 5].map((n) => [n, 5]));
    for (const [index, { checkpoint }] of found.entries()) {
      const left = await all(pages({ ...options, resume: json(checkpoint.cursor) }));
      expect(left.flatMap(({ objects }) => objects.map(({ key }) => key))).toEqual(keys.slice(index + 1));
    }
  });

  it('refuse the cursor of another listing, and a prefix beside prefixes', () => {
    const resume: PageCursor = { after: 'e/1', done: 1 };
    expect(() => pages({ s3, bucket: 'b', prefixes: ['a/', 'b/'], resume })).toThrow(
      'expected resume to be the cursor of a listing of "a/", "b/", found one of "e/1"',
    );
    expect(() => pages({ s3, bucket: 'b', prefix: 'a/', prefixes: ['b/'] })).toThrow('found both');
  });
});

describe('deletePrefix', () => {
  it('deletes what the filter chooses, counts it, and goes on from its cursor', async () => {
    const bucket = await bucketWith('logs/1.gz', 'logs/2.txt', 'logs/3.gz', 'logs/4.gz', 'other/1.gz');
    const options = {
      s3,
      bucket,
      prefix: 'logs/',
      pageSize: 2,
      filter: ({ key }: ListedObject) => key.endsWith('.gz'),
    };
    const first = (await deletePrefix(options).next()).value;
    expect(first).toMatchObject({ done: 2, note: '1 deleted, 1 kept', cursor: { deleted: 1 } });
    const resume = json(first?.cursor) as DeletedCursor;
    expect((await all(deletePrefix({ ...options, resume }))).at(-1)).toMatchObject({
      done: 4,
      note: '3 deleted, 1 kept',
    });
    expect(await keysIn(bucket)).toEqual(['logs/2.txt', 'other/1.gz']);
  });

  it('leaves what was put anew since it was listed, and deletes no whole bucket unasked', async () => {
    const bucket = await bucketWith('logs/1', 'logs/2');
    const deleting = all(
      deletePrefix({
        s3,
        bucket,
        prefix: 'logs/',
        filter: ({ key }) => {
          if (key === 'logs/1') void s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'new' }));
          return true;
        },
      }),
    );
    onRequest = async ({ operation }): Promise<'pass'> => {
      // Not before the new one is there.
      if (operation === 'DeleteObjects') while (!operations.includes('PutObject')) await new Promise(setImmediate);
      return 'pass';
    };
    expect(await failuresOf(deleting)).toEqual([
      { key: 'logs/1', reason: 'it was put anew after it was listed, and what is there now was not deleted' },
    ]);
    expect(await keysIn(bucket)).toEqual(['logs/1']);
    expect(() => deletePrefix({ s3, bucket })).toThrow("the whole bucket is prefix: ''");
  });
});

describe('exists and folders', () => {
  it('tell what there is', async () => {
    const bucket = await bucketWith('top', 'data/afc/1', 'data/afc/2', 'data/bfc/x/1', 'data/ä b/1', 'data/file');
    expect(await exists({ s3, bucket, key: 'top' })).toBe(true);
    expect(await exists({ s3, bucket, key: 'data/' })).toBe(false);
    expect(await all(folders({ s3, bucket }))).toEqual(['data/']);
    expect(await all(folders({ s3, bucket, prefix: 'data/' }))).toEqual(['data/afc/', 'data/bfc/', 'data/ä b/']);
    expect(await all(folders({ s3, bucket, prefix: 'data/', resume: 'data/afc/' }))).toEqual([
      'data/bfc/',
      'data/ä b/',
    ]);
    expect(await all(folders({ s3, bucket, prefix: 'none/' }))).toEqual([]);
  });

  it('go on over many pages', async () => {
    const keys = Array.from({ length: 1_100 }, (_, n) => `data/${String(n).padStart(4, '0')}/file`);
    const bucket = await bucketWith(...keys);
    expect(await all(folders({ s3, bucket, prefix: 'data/' }))).toEqual(keys.map((key) => key.replace('file', '')));
  });

  it('say what is missing where it cannot be told', async () => {
    const bucket = await bucketWith('top');
    onRequest = () => ({ code: 'AccessDenied', status: 403 });
    await expect(exists({ s3, bucket, key: 'none' })).rejects.toThrow('grant s3:ListBucket of the bucket too');
  });
});

describe('rewriteObjects', () => {
  const upper = async (body: Readable): Promise<string> =>
    (await body.setEncoding('utf8').toArray()).join('').toUpperCase();
  const mark = '0007';

  it('rewrites each in its place, as a stream, and keeps what stands beside its bytes', async () => {
    const bucket = await bucketWith('data/1');
    const kept = {
      ContentType: 'application/x-ndjson',
      ContentEncoding: 'gzip',
      CacheControl: 'max-age=60',
      ContentLanguage: 'de',
      ContentDisposition: 'attachment',
      Metadata: { source: 'afc' },
    };
    await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: 'data/2', Body: gzipSync('{"a":1}\n'), Tagging: 'a=b', ...kept }),
    );
    await rewriteObjects({
      s3,
      bucket,
      objects: (await listed(bucket)).slice(1),
      mark,
      transform: (body) =>
        body
          .pipe(createGunzip())
          .map((chunk: Buffer) => chunk.toString().replace('1', '2'))
          .pipe(createGzip()),
    });
    expect(gunzipSync(await read(bucket, 'data/2')).toString()).toBe('{"a":2}\n');
    expect(await headOf(bucket, 'data/2')).toMatchObject({
      ...kept,
      Metadata: { source: 'afc', 'odin-rewritten': expect.stringMatching(/^0007 \w{32}$/) as unknown },
    });
    const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: 'data/2' }));
    expect(TagSet).toEqual([{ Key: 'a', Value: 'b' }]);
    expect((await read(bucket, 'data/1')).toString()).toBe('text of data/1');
  });

  it('rewrites none twice, whether it is listed anew or as it was before', async () => {
    const bucket = await bucketWith('data/1', 'data/2');
    const before = await listed(bucket);
    const calls: string[] = [];
    const options: Omit<Rewrites, 'objects'> = {
      s3,
      bucket,
      mark,
      transform: async (body, { key }) => {
        calls.push(key);
        return `${await upper(body)}!`;
      },
    };
    await rewriteObjects({ ...options, objects: before.slice(0, 1) });
    await rewriteObjects({ ...options, objects: before });
    await rewriteObjects({ ...options, objects: await listed(bucket) });
    expect(calls).toEqual(['data/1', 'data/2']);
    expect((await read(bucket, 'data/1')).toString()).toBe('TEXT OF DATA/1!');
    await rewriteObjects({ ...options, objects: await listed(bucket), mark: '0008' });
    expect((await read(bucket, 'data/1')).toString()).toBe('TEXT OF DATA/1!!');
  });

  it('leaves what the transformation leaves, and names what it refuses, what changed and what is gone', async () => {
    const bucket = await bucketWith('1 leave', '2 refuse', '3 change', '4 gone', '5 rewrite');
    const objects = [...(await listed(bucket)), { key: '6 never', size: 1, etag: '"a"' }];
    const { etag } = objects[0] ?? {};
    const failures = await failuresOf(
      rewriteObjects({
        s3,
        bucket,
        objects,
        mark,
        transform: async (body, { key }) => {
          if (key.endsWith('leave')) return undefined;
          if (key.endsWith('refuse')) throw new Error('no header');
          if (key.endsWith('change')) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'new' }));
          if (key.endsWith('gone')) await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
          return upper(body);
        },
      }),
    );
    expect(failures).toEqual([
      { key: '2 refuse', reason: 'Error: no header' },
      { key: '3 change', reason: 'it changed since it was listed (HTTP 412)' },
      { key: '4 gone', reason: 'it changed since it was listed (HTTP 412)' },
      { key: '6 never', reason: 'it is gone since it was listed (NoSuchKey)' },
    ]);
    expect(await headOf(bucket, '1 leave')).toMatchObject({ ETag: etag, Metadata: {} });
    expect((await read(bucket, '3 change')).toString()).toBe('new');
    expect((await read(bucket, '5 rewrite')).toString()).toBe('TEXT OF 5 REWRITE');
  });

  it('writes elsewhere: goes on with what is there of it, and replaces nothing else', async () => {
    const bucket = await bucketWith('in/1', 'in/2', 'out/2');
    const objects = await listed(bucket, 'in/');
    const options = {
      ...{ s3, bucket, mark, objects, transform: upper },
      to: (key: string) => key.replace('in/', 'out/'),
      contentType: 'text/x-loud',
    };
    const taken = [
      {
        key: 'in/2',
        reason: `its target s3://${bucket}/out/2 is there already: give it another target, or pass overwrite: true`,
      },
    ];
    expect(await failuresOf(rewriteObjects(options))).toEqual(taken);
    operations = [];
    expect(await failuresOf(rewriteObjects(options))).toEqual(taken);
    expect(new Set(operations)).toEqual(new Set(['HeadObject']));
    await rewriteObjects({ ...options, overwrite: true });
    expect((await read(bucket, 'out/2')).toString()).toBe('TEXT OF IN/2');
    expect(await headOf(bucket, 'out/1')).toMatchObject({ ContentType: 'text/x-loud' });
    expect((await read(bucket, 'in/1')).toString()).toBe('text of in/1');
  });

  it('writes what is large in parts, in little memory, and leaves none when the stream breaks', async () => {
    const bucket = await bucketWith();
    const large = randomBytes(40 * 1024 ** 2);
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'large', Body: large, ContentType: 'x/y' }));
    const objects = await listed(bucket);
    await failuresOf(
      rewriteObjects({
        ...{ s3, bucket, objects, mark },
        transform: (body) =>
          Readable.from(
            (async function* () {
              for await (const chunk of body) yield chunk as Buffer;
              throw new Error('the last row is broken');
            })(),
          ),
      }),
    );
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads).toBeUndefined();
    expect(await headOf(bucket, 'large')).toMatchObject({ ETag: objects[0]?.etag });
    await rewriteObjects({ s3, bucket, objects, mark, transform: (body) => body });
    expect((await read(bucket, 'large')).equals(large)).toBe(true);
    expect(await headOf(bucket, 'large')).toMatchObject({
      ContentType: 'x/y',
      ETag: expect.stringMatching(/-3"$/) as unknown,
    });
  });

  it('begins an object anew after an error that passes, and finds its own when an answer was lost', async () => {
    const bucket = await bucketWith('1', '2');
    let calls = 0;
    let puts = 0;
    onRequest = ({ operation }) => {
      if (operation !== 'PutObject') return 'pass';
      puts += 1;
      return puts === 1 ? 'drop-answer' : puts === 2 ? { status: 503, code: 'SlowDown' } : 'pass';
    };
    await rewriteObjects({
      ...{ s3, bucket, mark, concurrency: 1 },
      objects: await listed(bucket),
      transform: (body) => {
        calls += 1;
        return upper(body);
      },
    });
    expect(calls).toBe(3);
    expect((await read(bucket, '1')).toString()).toBe('TEXT OF 1');
    expect((await read(bucket, '2')).toString()).toBe('TEXT OF 2');
  });

  it('refuses what it does not know before anything is done', async () => {
    const options = { s3, bucket: 'b', objects: [], transform: upper };
    await expect(rewriteObjects({ ...options, mark: 'two words' })).rejects.toThrow('a name of 1 to 100 letters');
    await expect(rewriteObjects(options as never)).rejects.toThrow('expected mark to be');
  });
});

describe('stages', () => {
  async function* steps(from: number, to: number): AsyncGenerator<{ cursor: number; done: number; note: string }> {
    for (let n = from; n < to; n += 1)
      yield await Promise.resolve({ cursor: n + 1, done: n + 1, note: `step ${n + 1}` });
  }
  const entered: unknown[] = [];
  const three = {
    list: (resume = 0) => {
      entered.push(['list', resume]);
      return steps(resume, 2);
    },
    tell: async () => {
      entered.push(['tell']);
      await Promise.resolve();
    },
    remove: (resume = 0) => {
      entered.push(['remove', resume]);
      return steps(resume, 1);
    },
  };
  const CHECKPOINTS = [
    { cursor: { in: 'list', cursor: 1 }, done: 1, note: 'list, 1 of 3: step 1' },
    { cursor: { in: 'list', cursor: 2 }, done: 2, note: 'list, 1 of 3: step 2' },
    { cursor: { after: 'list' }, items: [], done: 2, note: 'list, 1 of 3: step 2', save: true },
    { cursor: { after: 'tell' }, items: [], note: 'tell, 2 of 3', save: true },
    { cursor: { in: 'remove', cursor: 1 }, done: 1, note: 'remove, 3 of 3: step 1' },
    { cursor: { after: 'remove' }, items: [], done: 1, note: 'remove, 3 of 3: step 1', save: true },
  ];
  beforeEach(() => (entered.length = 0));

  it('run in their order, each to its end, and go on from every checkpoint without one that is finished', async () => {
    expect(await all(stages(three))).toEqual(CHECKPOINTS);
    const wanted = [
      [['list', 1], ['tell'], ['remove', 0]],
      [['list', 2], ['tell'], ['remove', 0]],
      [['tell'], ['remove', 0]],
      [['remove', 0]],
      [['remove', 1]],
      [],
    ];
    for (const [index, { cursor }] of CHECKPOINTS.entries()) {
      entered.length = 0;
      const left = await all(stages(three, json(cursor) as StageCursor));
      expect(entered).toEqual(wanted[index]);
      expect(left.at(-1)?.cursor).toEqual(index === 5 ? undefined : { after: 'remove' });
    }
  });

  it('end the one that runs when they are left', async () => {
    let left = false;
    async function* one() {
      try {
        yield await Promise.resolve({ cursor: 1 });
        yield { cursor: 2 };
      } finally {
        left = true;
      }
    }
    for await (const { cursor } of stages({ one })) {
      expect(cursor).toEqual({ in: 'one', cursor: 1 });
      break;
    }
    expect(left).toBe(true);
  });

  it('refuse a cursor of another, names that have an order of their own, and what is no stage', async () => {
    expect(() => stages(three, { after: 'copy' })).toThrow(
      'expected resume to be in one of the stages list, tell, remove, found "copy"',
    );
    expect(() => stages({ 1: three.list })).toThrow('found "1"');
    expect(() => stages({ a: 1 as never })).toThrow('expected an object of functions');
    await expect(all(stages({ a: (() => [1]) as never }))).rejects.toThrow('expected the stage a to be');
  });
});

describe('another region', () => {
  it('has a client of its own, which alone writes there', async () => {
    const bucket = await bucketWith('a/1', 'a/2');
    const target = await bucketWith();
    const asked: [string, string][] = [];
    const watched = (name: string) => {
      const client = newClient();
      client.middlewareStack.add(
        (next, { commandName }) =>
          (args) => {
            asked.push([
              name,
              `${commandName} ${(args.input as { Bucket: string }).Bucket === bucket ? 'source' : 'target'}`,
            ]);
            return next(args);
          },
        { step: 'initialize' },
      );
      return client;
    };
    const copies = {
      s3: watched('from'),
      toS3: watched('to'),
      bucket,
      toBucket: target,
      to: (key: string) => `copy of ${key}`,
    };
    await copyObjects({ ...copies, objects: (await listed(bucket)).slice(0, 1) });
    await moveObjects({ ...copies, objects: (await listed(bucket)).slice(1) });
    expect(await keysIn(target)).toEqual(['copy of a/1', 'copy of a/2']);
    expect(await keysIn(bucket)).toEqual(['a/1']);
    expect(asked.filter(([name]) => name === 'from').every(([, what]) => what.endsWith('source'))).toBe(true);
    expect(asked.filter(([name]) => name === 'to').every(([, what]) => what.endsWith('target'))).toBe(true);
    expect(asked.map((each) => each.join(' '))).toEqual(
      expect.arrayContaining(['to CopyObjectCommand target', 'from DeleteObjectCommand source']),
    );
    await expect(copyObjects({ ...copies, toBucket: undefined, objects: [] })).rejects.toThrow(
      'expected toS3 beside another bucket',
    );
  });

  it('is named where the client is not of it', async () => {
    const bucket = await bucketWith('a/1');
    const objects = await listed(bucket);
    const elsewhere = newClient();
    elsewhere.middlewareStack.add(
      () => () =>
        Promise.reject(
          Object.assign(new Error('The bucket must be addressed elsewhere'), {
            name: 'PermanentRedirect',
            $metadata: { httpStatusCode: 301 },
            $response: { headers: { 'x-amz-bucket-region': 'eu-central-1' } },
          }),
        ),
      { step: 'initialize' },
    );
    const [failure] = await failuresOf(copyObjects({ s3: elsewhere, bucket, objects, to: (key) => `b/${key}` }));
    expect(failure?.reason).toContain("new S3Client({ region: 'eu-central-1' })");
  });
});
