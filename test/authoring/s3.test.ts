// The helpers that migrations import, on thousands of objects of the embedded S3.
import type { S3Client } from '@aws-sdk/client-s3';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ListedObject, PageCursor } from '../../authoring/s3.ts';
import { copyObjects, deleteObjects, moveObjects, ObjectsFailed, pages } from '../../authoring/s3.ts';
import type { RequestHook, Verdict } from '../../local/embedded-aws.ts';
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
    expect(new Set(operations)).toEqual(new Set(['HeadObject', 'GetObjectTagging']));
  }, 60_000);

  it('names each that changed since it was listed, is gone or denied; and copies the others', async () => {
    await bucketOf('changing', 6);
    const objects = await listed('changing');
    await put('changing', keyOf(1), 'another');
    await deleteObjects({ s3, bucket: 'changing', keys: [keyOf(2)] });
    objects[3] = { ...objects[3]!, size: 7 };
    onRequest = ({ operation, key }) =>
      operation === 'CopyObject' && key === to(keyOf(4)) ? { status: 403, code: 'AccessDenied' } : 'pass';
    const error = await failed(copyObjects({ s3, bucket: 'changing', objects, to }));
    expect(error.failures.map(({ key }) => key)).toEqual([1, 2, 3, 4].map(keyOf));
    expect(error.failures.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('HTTP 412') as unknown,
      expect.stringContaining('NoSuchKey') as unknown,
      expect.stringContaining('HTTP 412') as unknown,
      expect.stringContaining('AccessDenied') as unknown,
    ]);
    expect(error.message).toMatch(/^4 of 6 objects could not be copied:\n/);
    expect(await keysIn('changing', 'copy of ')).toEqual([0, 5].map((n) => to(keyOf(n))));
  });

  it('overwrites what is there and differs when it is asked to, and else refuses it by name', async () => {
    await bucketOf('stale', 2);
    await put('stale', to(keyOf(0)), 'OBJECT 0');
    await put('stale', to(keyOf(1)), 'short');
    const copies = { s3, bucket: 'stale', objects: (await listed('stale')).slice(-2), to };
    const error = await failed(copyObjects(copies));
    expect(error.failures.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(
        /^its target s3:\/\/stale\/copy of .* is there already, with other bytes: .*overwrite: true$/,
      ) as unknown,
      expect.stringContaining('with other bytes') as unknown,
    ]);
    expect([await copied('stale', 0), await copied('stale', 1)]).toEqual(['OBJECT 0', 'short']);
    await copyObjects({ ...copies, overwrite: true });
    expect([await copied('stale', 0), await copied('stale', 1)]).toEqual(['object 0', 'object 1']);
    expect((await s3.send(new HeadObjectCommand({ Bucket: 'stale', Key: keyOf(0) }))).ContentLength).toBe(8);
  });
});

describe('moveObjects', () => {
  let bucket: string;
  let buckets = 0;
  beforeEach(async () => {
    bucket = await bucketOf(`moves-${(buckets += 1)}`, 0);
  });
  const write = (Key: string, Body: string | Buffer, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));
  const move = async (to: (key: string) => string, more: Partial<Parameters<typeof moveObjects>[0]> = {}) => {
    const objects = (await listed(bucket)).filter(({ key }) => key.startsWith('in/'));
    await moveObjects({ s3, bucket, objects, to, ...more });
  };
  const out = (key: string) => key.replace('in/', 'out/');
  const reasons = async (work: Promise<unknown>) =>
    Object.fromEntries((await failed(work)).failures.map(({ key, reason }) => [key, reason]));
  const text = async (Key: string) =>
    (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body?.transformToString();
  const head = (Key: string) => s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }));
  /** Does it once, at the first request that this is about, before or after that one is carried out. */
  const once = (operation: string, key: string, what: () => Promise<unknown>) => {
    let done = false;
    onRequest = async (request): Promise<Verdict> => {
      if (done || request.operation !== operation || request.key !== key) return 'pass';
      done = true;
      await what();
      return 'pass';
    };
  };

  it('moves all, to another bucket too, and has nothing to do when it is called again', async () => {
    const other = await bucketOf(`${bucket}-other`, 0);
    for (const key of ['in/a', 'in/b/ü &+', 'in/c']) await write(key, key);
    await move(out, { toBucket: other });
    expect(await keysIn(bucket)).toEqual([]);
    expect(await keysIn(other)).toEqual(['out/a', 'out/b/ü &+', 'out/c']);
    await move(out, { toBucket: other });
  });

  it('takes what it has moved for moved when it is given the same list, and nothing else for that', async () => {
    for (const key of ['in/a', 'in/b', 'in/c']) await write(key, key);
    const objects = await listed(bucket);
    await moveObjects({ s3, bucket, objects: objects.slice(0, 1), to: out });
    await deleteObjects({ s3, bucket, keys: ['in/b', 'in/c'] });
    await write('out/b', 'of somebody else');
    const { failures } = await failed(moveObjects({ s3, bucket, objects, to: out }));
    expect(failures.map(({ key }) => key)).toEqual(['in/b', 'in/c']);
    expect(failures[1]?.reason).toBe('it is gone since it was listed (NoSuchKey)');
  });

  it('refuses a target that is the object itself, and moves the others', async () => {
    await write('in/Archive.txt', 'only one');
    await write('in/archive/b.txt', 'b');
    const to = (key: string) => key.replace('archive/', '');
    expect(await reasons(move(to))).toEqual({ 'in/Archive.txt': 'its target is the object itself' });
    expect(await keysIn(bucket)).toEqual(['in/Archive.txt', 'in/b.txt']);
  });

  it('refuses a key at another name of a bucket, which may be the object itself', async () => {
    await write('in/a', 'a');
    const there = { toBucket: 'arn:aws:s3:eu-west-1:000000000000:accesspoint/same' };
    expect(await reasons(move((key) => key, there))).toEqual({
      'in/a': expect.stringContaining('may be the object itself') as unknown,
    });
  });

  it('refuses two sources with one target: within a call all of them, later the one that finds the target taken', async () => {
    const basename = (key: string) => `out/${key.split('/').at(-1)}`;
    for (const key of ['in/a/report.csv', 'in/m/other.csv', 'in/z/report.csv']) await write(key, key);
    const target = `s3://${bucket}/out/report.csv is the target of in/a/report.csv, in/z/report.csv`;
    expect(await reasons(move(basename))).toEqual({ 'in/a/report.csv': target, 'in/z/report.csv': target });
    expect(await keysIn(bucket)).toEqual(['in/a/report.csv', 'in/z/report.csv', 'out/other.csv']);

    for await (const { objects } of pages({ s3, bucket, prefix: 'in/', pageSize: 1 })) {
      const moved = moveObjects({ s3, bucket, objects, to: basename });
      if (objects[0]?.key === 'in/a/report.csv') await moved;
      else
        expect(await reasons(moved)).toEqual({
          'in/z/report.csv': expect.stringContaining('is there already') as unknown,
        });
    }
    expect(await text('out/report.csv')).toBe('in/a/report.csv');
    expect(await text('in/z/report.csv')).toBe('in/z/report.csv');
  });

  it('refuses a target that is to be moved itself', async () => {
    for (const key of ['in/a', 'in/ax']) await write(key, 'the same');
    expect(Object.keys(await reasons(move((key) => `${key}x`)))).toEqual(['in/a']);
    expect(await keysIn(bucket)).toEqual(['in/a', 'in/axx']);
  });

  it.each([
    ['is no text', () => 1 as never, 'expected a key from to(), found number'],
    ['is empty', () => '', 'a key has 1 to 1,024 bytes, and its target has 0'],
    ['is too long', () => 'ü'.repeat(513), 'a key has 1 to 1,024 bytes, and its target has 1026'],
    [
      'cannot be told',
      () => {
        throw new TypeError('no date');
      },
      'expected a key from to(), found TypeError: no date',
    ],
  ])('refuses a target that %s', async (_, to, reason) => {
    await write('in/a', 'a');
    expect(await reasons(move(to))).toEqual({ 'in/a': reason });
    expect(await keysIn(bucket)).toEqual(['in/a']);
  });

  it.each(['HeadObject', 'CopyObject', 'DeleteObject'])(
    'keeps what is put at a source anew, with other bytes or other headers, before %s',
    async (operation) => {
      for (const key of ['in/a', 'in/b', 'in/c', 'in/d']) await write(key, 'old');
      const objects = await listed(bucket);
      const changed = new Set<string>();
      const anew: Record<string, () => Promise<unknown>> = {
        'in/a': () => write('in/a', 'new'),
        'in/b': () => write('in/b', 'old', { ContentType: 'text/new' }),
        'in/c': () => write('in/c', 'old', { Tagging: 'new=1' }),
      };
      onRequest = async (request): Promise<Verdict> => {
        const source = (request.key ?? '').replace('out/', 'in/');
        const change = anew[source];
        if (request.operation === operation && change && !changed.has(source)) {
          changed.add(source);
          await change();
        }
        return 'pass';
      };
      const moved = moveObjects({ s3, bucket, objects, to: out });
      await moved.catch(() => undefined);
      expect(await text('in/a')).toBe('new');
      const kept = async (key: string) => head(key).catch(() => head(out(key)));
      // What S3 cannot make a condition of a delete is looked at right before it: that instant stays.
      if (operation !== 'DeleteObject') {
        expect((await kept('in/b')).ContentType).toBe('text/new');
        expect((await kept('in/c')).TagCount).toBe(1);
      }
      expect(await text('out/d')).toBe('old');
      await expect(head('in/d')).rejects.toMatchObject({ name: 'NotFound' });
    },
  );

  it('says that a source was tagged anew while it was copied', async () => {
    await write('in/a', 'a', { Tagging: 'a=1' });
    onRequest = async ({ operation, key }): Promise<Verdict> => {
      if (operation === 'HeadObject' && key === 'in/a' && (await keysIn(bucket, 'out/')).length > 0) {
        const Tagging = { TagSet: [{ Key: 'a', Value: '2' }] };
        onRequest = () => 'pass';
        await s3.send(new PutObjectTaggingCommand({ Bucket: bucket, Key: 'in/a', Tagging }));
      }
      return 'pass';
    };
    expect(await reasons(move(out))).toEqual({ 'in/a': expect.stringContaining('put or tagged anew') as unknown });
    expect(await keysIn(bucket)).toEqual(['in/a', 'out/a']);
  });

  const BESIDE: [string, object][] = [
    ['content type', { ContentType: 'text/other' }],
    ['content encoding', { ContentEncoding: 'gzip' }],
    ['content language', { ContentLanguage: 'de' }],
    ['content disposition', { ContentDisposition: 'attachment' }],
    ['cache control', { CacheControl: 'no-store' }],
    ['expires', { Expires: new Date('2030-01-01') }],
    ['metadata', { Metadata: { a: '1' } }],
    ['website redirect', { WebsiteRedirectLocation: '/x' }],
    ['number of tags', { Tagging: 'a=1' }],
    ['storage class', { StorageClass: 'STANDARD_IA' }],
  ];
  const KMS = {
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: 'arn:aws:kms:eu-west-1:000000000000:key/1',
  } as const;
  const LOCK = {
    ObjectLockMode: 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date('2099-01-01'),
    ObjectLockLegalHoldStatus: 'ON',
  } as const;

  it.each([...BESIDE, ['KMS key', KMS], ['object lock', LOCK]] as [string, object][])(
    'refuses a target with the same bytes and another %s, empty ones too',
    async (what, more) => {
      await write('in/a', 'same', more);
      await write('out/a', 'same');
      await write('in/empty', '', more);
      await write('out/empty', '');
      const refusal = expect.stringMatching(new RegExp(`is there already, with other .*${what}`)) as unknown;
      expect(await reasons(move(out))).toEqual({ 'in/a': refusal, 'in/empty': refusal });
      expect((await keysIn(bucket)).filter((key) => key.startsWith('in/'))).toEqual(['in/a', 'in/empty']);
      await move(out, { overwrite: true });
      const { $metadata, LastModified, ...moved } = await head('out/a');
      await write('reference', 'same', more);
      const { $metadata: other, LastModified: later, ...reference } = await head('reference');
      expect(moved).toEqual(reference);
      expect([$metadata, LastModified, other, later]).toHaveLength(4);
    },
  );

  it('compares the tags themselves, not their number alone', async () => {
    await write('in/a', 'same', { Tagging: 'a=1' });
    await write('out/a', 'same', { Tagging: 'a=2' });
    expect(await reasons(move(out))).toEqual({ 'in/a': expect.stringContaining('with other tags') as unknown });
  });

  const ALL = Object.assign({}, ...BESIDE.map(([, more]) => more), KMS, LOCK) as object;
  const FIVE_MB = 5 * 1024 ** 2;
  async function upload(Key: string, bodies: Buffer[], more: object = {}, algorithm: object = {}): Promise<void> {
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ Bucket: bucket, Key, ...more, ...algorithm }),
    );
    const Parts = [];
    for (const [index, Body] of bodies.entries()) {
      const part = { Bucket: bucket, Key, UploadId, PartNumber: index + 1, Body };
      const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...part, ...algorithm }));
      Parts.push({ PartNumber: index + 1, ETag, ChecksumCRC32 });
    }
    const done = { Bucket: bucket, Key, UploadId, MultipartUpload: { Parts } };
    await s3.send(new CompleteMultipartUploadCommand(done));
  }

  it.each([
    ['without a checksum of its own', {}],
    ['with a checksum of its parts', { ChecksumAlgorithm: 'CRC32' }],
  ])(
    'moves an object in parts in the same parts, %s, with all that it has, and reads no byte of it',
    async (_, algorithm) => {
      // Neither evenly cut: 6, 5 and 0.1 MB.
      const bodies = [FIVE_MB + 1_000_000, FIVE_MB, 100_000].map((size, n) => Buffer.alloc(size, String(n)));
      await upload('in/parts', bodies, ALL, algorithm);
      const { LastModified: _1, $metadata: _2, ...before } = await head('in/parts');
      const operations: string[] = [];
      onRequest = ({ operation }) => {
        operations.push(operation);
        return 'pass';
      };
      await move(out);
      const { LastModified: _3, $metadata: _4, ...after } = await head('out/parts');
      expect(after).toEqual(before);
      expect(after.ETag).toMatch(/-3"$/);
      expect(operations).toContain('UploadPartCopy');
      expect(operations).not.toContain('GetObject');
      expect(operations).not.toContain('CopyObject');

      // A copy that was made before is known by what S3 tells of it.
      await upload('in/parts', bodies, ALL, algorithm);
      operations.length = 0;
      await move(out);
      expect(operations.filter((operation) => /^(GetObject|UploadPartCopy|CopyObject)$/.test(operation))).toEqual([]);
      expect(await keysIn(bucket)).toEqual(['out/parts']);
      expect([_, _1, _2, _3, _4]).toHaveLength(5);
    },
  );

  it('leaves no parts behind when a copy in parts fails', async () => {
    await upload('in/parts', [Buffer.alloc(FIVE_MB), Buffer.alloc(10)]);
    onRequest = ({ operation }) =>
      operation === 'CompleteMultipartUpload' ? { status: 403, code: 'AccessDenied' } : 'pass';
    expect(await reasons(move(out))).toEqual({ 'in/parts': expect.stringContaining('AccessDenied') as unknown });
    expect(readdirSync(path.join(started.folder, 'aws', 's3', '.incoming'))).toEqual([]);
    expect(await keysIn(bucket)).toEqual(['in/parts']);
  });

  describe('a copy in parts that was cut off', () => {
    const BODIES = [FIVE_MB + 1_000_000, FIVE_MB, FIVE_MB, 100_000].map((size, n) => Buffer.alloc(size, String(n)));

    /** What a function leaves whose time was over. */
    async function cutOff(from: string, numbers: readonly number[], client = s3, more: object = {}): Promise<void> {
      const target = { Bucket: bucket, Key: 'out/parts' };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...target, ...more }));
      for (const PartNumber of numbers) {
        const start = BODIES.slice(0, PartNumber - 1).reduce((sum, { length }) => sum + length, 0);
        const CopySourceRange = `bytes=${start}-${start + (BODIES[PartNumber - 1]?.length ?? 0) - 1}`;
        const part = { ...target, UploadId, PartNumber, CopySource: `${bucket}/${from}`, CopySourceRange };
        await client.send(new UploadPartCopyCommand(part));
      }
    }
    /** @returns the parts that a move copied */
    async function moved(): Promise<(string | undefined)[]> {
      const parts: (string | undefined)[] = [];
      onRequest = ({ operation, key }) => {
        if (operation === 'UploadPartCopy') parts.push(key);
        return 'pass';
      };
      const { ETag } = await head('in/parts');
      await move(out);
      onRequest = () => 'pass';
      expect(await keysIn(bucket)).toContain('out/parts');
      expect((await head('out/parts')).ETag).toBe(ETag);
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'out/parts' }));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(Buffer.concat(BODIES))).toBe(true);
      return parts;
    }
    const unfinished = async () =>
      (await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;

    it('goes on with the parts that are there, and leaves none behind', async () => {
      await upload('in/parts', BODIES);
      await cutOff('in/parts', [4]);
      await cutOff('in/parts', [1, 3, 4]);
      expect(await moved()).toHaveLength(1);
      expect(await keysIn(bucket)).toEqual(['out/parts']);
      expect(await unfinished()).toBe(1);
    });

    it('begins with its first part where they are of something else, and those are gone', async () => {
      await upload('in/parts', BODIES);
      await upload(
        'other',
        BODIES.map((body) => Buffer.alloc(body.length, 'x')),
      );
      await cutOff('other', [1, 2]);
      expect(await moved()).toHaveLength(2 + 4);
      expect(await unfinished()).toBe(0);
    });

    it('does not touch what others have begun, or what was begun otherwise or before the source was put', async () => {
      const other = new S3({
        credentials: { accessKeyId: 'SOMEBODYELSE', secretAccessKey: 'x' },
        endpoint: `${started.aws.endpoint}/${started.aws.credentials.accessKeyId}`, // with the run's key, as who signs with their own
        forcePathStyle: true,
        region: started.aws.region,
      });
      await upload('in/parts', BODIES);
      await cutOff('in/parts', [1, 2], other);
      await cutOff('in/parts', [1, 2], s3, { ChecksumAlgorithm: 'CRC32' });
      await cutOff('in/parts', [1, 2], s3, { StorageClass: 'STANDARD_IA' });
      expect(await moved()).toHaveLength(4);
      expect(await unfinished()).toBe(3);

      await upload('in/parts', BODIES);
      const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 10_000);
      await cutOff('in/parts', [1, 2]);
      clock.mockRestore();
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'out/parts' }));
      await upload('in/parts', BODIES);
      expect(await moved()).toHaveLength(4);
    });

    it('begins with its first part where nobody may look for them', async () => {
      await upload('in/parts', BODIES);
      await cutOff('in/parts', [1, 2]);
      onRequest = ({ operation }) =>
        operation === 'ListMultipartUploads' ? { status: 403, code: 'AccessDenied' } : 'pass';
      await move(out);
      expect(await keysIn(bucket)).toEqual(['out/parts']);
    });
  });

  it('reads both where S3 does not tell whether they are the same', async () => {
    await upload('in/parts', [Buffer.from('content')], {}, { ChecksumAlgorithm: 'CRC32' });
    await write('out/parts', 'content', { ContentType: 'binary/octet-stream' });
    await upload('in/other', [Buffer.from('content')], {}, { ChecksumAlgorithm: 'CRC32' });
    await write('out/other', 'CONTENT', { ContentType: 'binary/octet-stream' });
    const refusal = expect.stringContaining('with other bytes') as unknown;
    // The SDK sends a content type of its own with neither.
    expect(await reasons(move(out))).toEqual({ 'in/other': refusal });
    expect(await keysIn(bucket)).toEqual(['in/other', 'out/other', 'out/parts']);
  });

  it('names what is archived, and moves the others', async () => {
    await write('in/a', 'a', { StorageClass: 'DEEP_ARCHIVE' });
    await write('in/b', 'b', { StorageClass: 'GLACIER_IR' });
    expect(await reasons(move(out))).toEqual({
      'in/a': 'it is archived (DEEP_ARCHIVE): restore it (RestoreObject), and retry when that is done',
    });
    expect(await keysIn(bucket)).toEqual(['in/a', 'out/b']);
    expect((await head('out/b')).StorageClass).toBe('GLACIER_IR');
  });

  it('says which permission is missing where tags cannot be read', async () => {
    for (const key of ['in/a', 'out/a']) await write(key, 'same');
    onRequest = ({ operation }) => (operation === 'GetObjectTagging' ? { status: 403, code: 'AccessDenied' } : 'pass');
    expect(await reasons(move(out))).toEqual({
      'in/a': expect.stringContaining('grant s3:GetObjectTagging') as unknown,
    });
    expect(await keysIn(bucket)).toEqual(['in/a', 'out/a']);
  });

  it.each(['CopyObject', 'DeleteObject', 'HeadObject'])(
    'tries again, and tells, when %s is to go slower',
    async (slow) => {
      const told = vi.spyOn(console, 'warn').mockReturnValue(undefined);
      for (const key of ['in/a', 'in/b']) await write(key, key);
      let left = 3;
      onRequest = ({ operation }) =>
        operation === slow && (left -= 1) >= 0 ? { status: 503, code: 'SlowDown' } : 'pass';
      await move(out);
      expect(await keysIn(bucket)).toEqual(['out/a', 'out/b']);
      expect(told.mock.calls.flat().join('\n')).toMatch(/it is tried again[^]*requests were tried again/);
      told.mockRestore();
    },
  );

  it.each(['CopyObject', 'DeleteObject', 'CompleteMultipartUpload'])(
    'takes its own %s for done when the answer was lost',
    async (lost) => {
      const told = vi.spyOn(console, 'warn').mockReturnValue(undefined);
      await write('in/a', 'a');
      await upload('in/parts', [Buffer.alloc(FIVE_MB), Buffer.alloc(10)]);
      const seen = new Set<string>();
      onRequest = ({ operation, key = '' }) => {
        if (operation !== lost || seen.has(key)) return 'pass';
        seen.add(key);
        return 'drop-answer';
      };
      await move(out);
      expect(await keysIn(bucket)).toEqual(['out/a', 'out/parts']);
      told.mockRestore();
    },
  );

  it('does not overwrite what somebody else puts at a target meanwhile', async () => {
    await write('in/a', 'mine');
    once('CopyObject', 'out/a', () => write('out/a', 'theirs'));
    expect(await reasons(move(out))).toEqual({ 'in/a': expect.stringContaining('is there already') as unknown });
    expect([await text('in/a'), await text('out/a')]).toEqual(['mine', 'theirs']);
    once('CopyObject', 'out/a', () => write('out/a', 'theirs again'));
    expect(await reasons(move(out, { overwrite: true }))).toEqual({
      'in/a': expect.stringContaining('is there already') as unknown,
    });
    expect([await text('in/a'), await text('out/a')]).toEqual(['mine', 'theirs again']);
  });

  it('moves keys that XML cannot hold', async () => {
    for (const key of ['in/a\u0001', 'in/b\r\n', 'in/c +%2B']) await write(key, key);
    await move(out);
    expect(await listed(bucket)).toMatchObject([{ key: 'out/a\u0001' }, { key: 'out/b\r\n' }, { key: 'out/c +%2B' }]);
  });
});

describe('a page', () => {
  /** Lists without anything being there: what a page is depends on sizes and on the time that the work takes. */
  const listing = (sizes: number[]) => {
    const Contents = sizes.map((Size, n) => ({ Key: keyOf(n), Size, ETag: '"x"' }));
    return {
      s3: { send: () => Promise.resolve({ Contents, IsTruncated: false }) } as unknown as S3Client,
      bucket: 'x',
    };
  };
  const counts = async (sizes: number[], secondsFor: (objects: ListedObject[]) => number) => {
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const found: number[] = [];
    for await (const { objects } of pages(listing(sizes))) {
      found.push(objects.length);
      now += secondsFor(objects) * 1_000;
    }
    clock.mockRestore();
    return found;
  };

  it('holds what can be done in half a minute, by the pace until then', async () => {
    const [first = 0, ...others] = await counts(Array<number>(1_000).fill(0), ({ length }) => length / 5);
    expect([first, others]).toEqual([1_000, []]);
    expect(await counts(Array<number>(1_000).fill(1e9), ({ length }) => length * 2)).toEqual([
      16,
      ...Array<number>(65).fill(15),
      9,
    ]);
    expect(await counts(Array<number>(10).fill(4e10), () => 500)).toEqual(Array<number>(10).fill(1));
  });
});

describe('what is given to a helper', () => {
  const objects = [{ key: 'a', size: 1, etag: '"x"' }];
  const to = (key: string) => `${key}x`;
  const base = () => ({ s3, bucket: 'many' });
  const cases: [string, () => unknown, string][] = [
    ...[0, -1, Number.NaN, 1_001, 1.5, '10', null].map((pageSize): [string, () => unknown, string] => [
      `pages with pageSize ${JSON.stringify(pageSize)}`,
      () => pages({ ...base(), pageSize: pageSize as number }),
      `pages() expected pageSize to be a whole number from 1 to 1000, found ${typeof pageSize === 'string' ? '"10"' : String(pageSize)}.`,
    ]),
    [
      'pages without a bucket',
      () => pages({ ...base(), bucket: '' }),
      'expected bucket to be the name of a bucket, found ""',
    ],
    [
      'pages with a wrong name',
      () => pages({ ...base(), pagesize: 1 } as never),
      'expected options s3, bucket, prefix, prefixes, resume, pageSize, counted, found pagesize',
    ],
    [
      'pages from a wrong cursor',
      () => pages({ ...base(), resume: 'a' as never }),
      'expected resume to be the cursor of a checkpoint of pages(), found "a"',
    ],
    ['pages of nothing', () => pages(undefined as never), 'pages() expected options, found undefined'],
    [
      'copyObjects with no client',
      () => copyObjects({ ...base(), s3: {} as never, objects, to }),
      'expected s3 to be an S3Client',
    ],
    [
      'copyObjects with keys',
      () => copyObjects({ ...base(), objects: ['a'] as never, to }),
      'expected objects to be a list of objects as pages() gives them',
    ],
    [
      'moveObjects at no time',
      () => moveObjects({ ...base(), objects, to, concurrency: 0 }),
      'expected concurrency to be a whole number from 1 to 256, found 0',
    ],
    [
      'moveObjects to a text',
      () => moveObjects({ ...base(), objects, to: 'x' as never }),
      'expected to to be a function, found "x"',
    ],
    [
      'moveObjects with a text for a flag',
      () => moveObjects({ ...base(), objects, to, overwrite: 'no' as never }),
      'expected overwrite to be true or false',
    ],
    ['deleteObjects of nothing', () => deleteObjects(base()), 'expected keys or objects, found both or neither'],
    ['deleteObjects of both', () => deleteObjects({ ...base(), keys: [], objects: [] }), 'expected keys or objects'],
    [
      'deleteObjects of an empty key',
      () => deleteObjects({ ...base(), keys: ['a', ''] }),
      'expected keys to be a list of keys',
    ],
    [
      'pages with the cursor of another listing',
      () => pages({ ...base(), prefix: 'a/', resume: { after: 'b/50', done: 50 } }),
      'expected resume to be the cursor of a listing of "a/", found one of "b/50"',
    ],
    [
      'deleteObjects of a text',
      () => deleteObjects({ ...base(), keys: 'abc' as never }),
      'expected keys to be a list of keys',
    ],
  ];

  it.each(cases)('is refused before anything is done: %s', async (_, call, message) => {
    let requests = 0;
    onRequest = () => {
      requests += 1;
      return 'pass';
    };
    await expect(async () => await call()).rejects.toMatchObject({
      code: 'BadArgument',
      message: expect.stringContaining(message) as unknown,
    });
    expect(requests).toBe(0);
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

  it('names a key of line breaks alone, which the SDK reads as empty in an answer', async () => {
    const bucket = await bucketOf('breaks', 0);
    await put(bucket, '\n', 'new');
    const objects = [{ key: '\n', size: 3, etag: '"00000000000000000000000000000000"' }];
    const error = await failed(deleteObjects({ s3, bucket, objects }));
    expect(error.failures).toEqual([{ key: '\n', reason: expect.stringContaining('it was put anew') as unknown }]);
    await deleteObjects({ s3, bucket, keys: ['\n'] });
    expect(await listed(bucket)).toEqual([]);
  });

  it('leaves what was put anew since it was listed, and says so', async () => {
    await bucketOf('anew', 3);
    const objects = await listed('anew');
    await put('anew', keyOf(1), 'new');
    await deleteObjects({ s3, bucket: 'anew', keys: [keyOf(2)] });
    const error = await failed(deleteObjects({ s3, bucket: 'anew', objects }));
    expect(error.failures).toEqual([{ key: keyOf(1), reason: expect.stringContaining('it was put anew') as unknown }]);
    expect(await keysIn('anew')).toEqual([keyOf(1)]);
  });

  it('deletes keys that XML cannot hold, and those beside them', async () => {
    await bucketOf('no-xml', 1);
    const keys = ['b\u0001', 'c\uffff', 'd\r\n\t'];
    for (const key of keys) await put('no-xml', key, 'x');
    await deleteObjects({ s3, bucket: 'no-xml', keys: [keyOf(0), ...keys] });
    expect(await listed('no-xml')).toEqual([]);
  });

  it('tries again what failed for S3 alone within a 200, and tells', async () => {
    const told = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    const asked: string[][] = [];
    const answers = [
      [
        { Key: 'b', Code: 'InternalError' },
        { Key: 'c', Code: 'AccessDenied', Message: 'no' },
      ],
      [],
    ];
    const send = ({ input }: DeleteObjectsCommand) => {
      asked.push((input.Delete?.Objects ?? []).map(({ Key = '' }) => Key));
      return Promise.resolve({ Errors: answers[asked.length - 1] });
    };
    const client = { send } as unknown as S3Client;
    const error = await failed(deleteObjects({ s3: client, bucket: 'x', keys: ['a', 'b', 'c'] }));
    expect(error.failures).toEqual([{ key: 'c', reason: 'AccessDenied no' }]);
    expect(asked).toEqual([['a', 'b', 'c'], ['b']]);
    expect(told.mock.calls.flat().join()).toContain('InternalError');
    told.mockRestore();
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
