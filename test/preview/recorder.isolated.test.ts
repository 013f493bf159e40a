// The recorder between real clients and the embedded S3: what it lists is what a run sends, and nothing of it is written.
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  paginateListObjectsV2,
  PutObjectCommand,
  S3,
  UploadPartCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  waitUntilObjectExists,
} from '@aws-sdk/client-s3';
import * as S3Module from '@aws-sdk/client-s3';
import * as SQSModule from '@aws-sdk/client-sqs';
import { SQSClient, SendMessageBatchCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Call, CallListener } from '../../lambdas/run-migration/preview/call.ts';
import { moveObjects, pages } from '../../authoring/s3.ts';
import { packed, unpacked } from '../../lambdas/run-migration/preview/handed-on.ts';
import { installRecorder } from '../../lambdas/run-migration/preview/recorder.ts';
import type { RequestSummary } from '../../local/embedded-aws.ts';
import { putSampleData } from '../../migrations/sample-data.ts';
import * as move from '../../migrations/sample/0001.ts';
import * as remove from '../../migrations/sample/0002.ts';
import * as rewrite from '../../migrations/sample/0003.ts';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';

let started: Started;
let s3: S3;
let requests: RequestSummary[];
let calls: Call[];
let occurrences: [string, string, string][];
let restore: () => void;

const Bucket = 'data';
const record = () => {
  ({ restore } = installRecorder([S3Module, SQSModule], listener));
};
const listener: CallListener = {
  call: (call) => calls.push(call),
  occurrence: (kind, what, target) => occurrences.push([kind, what, target]),
};

beforeAll(async () => {
  started = await start({
    onRequest: (request) => {
      requests.push(request);
      return 'pass';
    },
  });
  requests = [];
  for (const [name, value] of Object.entries(started.aws.environment)) vi.stubEnv(name, value);
  s3 = new S3({});
  await s3.send(new CreateBucketCommand({ Bucket }));
  vi.spyOn(console, 'log').mockReturnValue(undefined);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await started.stop();
});
beforeEach(() => {
  requests = [];
  calls = [];
  occurrences = [];
  restore = () => undefined;
});
afterEach(() => {
  restore();
});

const put = (key: string, body = 'x') => s3.putObject({ Bucket, Key: key, Body: body });

/** Every object with its ETag, past the recorder. */
async function listing(bucket: string): Promise<string[]> {
  const found: string[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket })) {
    for (const { Key = '', ETag = '' } of page.Contents ?? []) found.push(`${Key} ${ETag}`);
  }
  return found;
}

async function drained(steps: AsyncGenerator): Promise<void> {
  while (!(await steps.next()).done);
}

/** As the embedded S3 sees a call: listings and batches have no key. */
const asRequest = ({ operation, targets }: Call): string => {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/(.*)$/.exec(targets[0] ?? '') ?? [];
  return `${operation} ${bucket}/${/^(List|DeleteObjects)/.test(operation) ? '' : key}`;
};
const requested = () => requests.map(({ operation, bucket = '', key = '' }) => `${operation} ${bucket}/${key}`).sort();

describe('the sample migrations', () => {
  it.each([
    ['0001', move.migration],
    ['0002', remove.migration],
    ['0003', () => drained(rewrite.migration())],
  ])(
    '%s: a preview lists exactly the calls that the run then makes, and makes only the reads',
    async (id, migration) => {
      const bucket = `sample-${id}`;
      await putSampleData(s3, bucket);
      vi.stubEnv('DATA_BUCKET', bucket);
      const before = await listing(bucket);

      record();
      requests = [];
      await migration();
      restore();
      expect(requests.filter(({ operation }) => !/^(Get|Head|List)/.test(operation))).toEqual([]);
      expect(await listing(bucket)).toEqual(before);

      requests = [];
      await migration();
      expect(calls.map(asRequest).sort()).toEqual(requested());
      const after = new Set(await listing(bucket));
      const gone = before
        .filter((object) => !after.has(object))
        .map((object) => object.slice(0, object.lastIndexOf(' ')));
      const changed = calls
        .filter(({ operation }) => /^(Put|Delete)/.test(operation))
        .flatMap(({ targets }) => targets);
      expect(changed.sort()).toEqual(gone.map((key) => `s3://${bucket}/${key}`).sort());
      expect(occurrences.filter(([seen]) => seen === 'stale')).toEqual([]);
    },
  );
});

describe('what the recorder catches', () => {
  it('every way to call a client: commands, callbacks, methods, waiters', async () => {
    await put('ways/there');
    record();
    await s3.send(new PutObjectCommand({ Bucket, Key: 'ways/command', Body: 'body' }));
    await new Promise((resolve) => {
      s3.send(new DeleteObjectCommand({ Bucket, Key: 'ways/there' }), (error: unknown) => {
        resolve(error);
      });
    });
    await s3.putObject({ Bucket, Key: 'ways/method', Body: Buffer.from('bytes') });
    await waitUntilObjectExists({ client: s3, maxWaitTime: 5, minDelay: 1 }, { Bucket, Key: 'ways/method' });
    const failed = await new Promise((resolve) => {
      s3.send(new HeadObjectCommand({ Bucket, Key: 'ways/there' }), (error: unknown) => {
        resolve(error);
      });
    });
    expect(failed).toBeInstanceOf(NotFound);
    restore();
    expect(calls.map(({ operation, sent, bytes }) => [operation, sent, bytes])).toEqual([
      ['PutObject', false, 4],
      ['DeleteObject', false, 0],
      ['PutObject', false, 5],
      ['HeadObject', true, 0],
      ['HeadObject', true, 0],
    ]);
    expect(await listing(Bucket)).toHaveLength(1);
    await s3.deleteObject({ Bucket, Key: 'ways/there' });
  });

  it('other services, with an answer that looks like success; their reads are sent', async () => {
    const sqs = new SQSClient({ maxAttempts: 1 });
    record();
    const QueueUrl = `${started.aws.endpoint}/000000000000/queue`;
    const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: Id }));
    const answer = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(answer.Successful?.map(({ Id }) => Id)).toEqual(['a', 'b']);
    expect(answer.Failed).toEqual([]);
    await expect(sqs.send(new GetQueueAttributesCommand({ QueueUrl }))).rejects.toThrow('supports S3');
    expect(calls).toMatchObject([
      { service: 'SQS', operation: 'SendMessageBatch', sent: false, targets: [QueueUrl, QueueUrl] },
      { service: 'SQS', operation: 'GetQueueAttributes', sent: true },
    ]);
    expect(occurrences).toEqual([['stale', 'SQS:GetQueueAttributes', QueueUrl]]);
  });

  it('a service and a command that it does not know: as writes, with their sizes', async () => {
    record();
    class UnheardOfCommand extends PutObjectCommand {}
    const client = new S3({});
    Object.assign(client.config, { serviceId: 'Quantum Ledger' });
    const command = new UnheardOfCommand({ Bucket, Key: 'a' });
    Object.assign(command, { schema: undefined }); // as in older clients
    await client.send(command);
    expect(calls).toEqual([
      {
        sent: false,
        service: 'Quantum Ledger',
        operation: 'UnheardOf',
        targets: [''],
        bytes: '{"Bucket":"data","Key":"a"}'.length,
        unsized: 0,
      },
    ]);
    expect(requests).toEqual([]);
  });

  it('a multipart upload of a stream, as @aws-sdk/lib-storage makes it', async () => {
    record();
    const target = { Bucket, Key: 'multipart' };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target));
    const Parts = [];
    for (const PartNumber of [1, 2]) {
      const Body = Readable.from([Buffer.alloc(3), Buffer.alloc(4)]);
      const { ETag } = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    }
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
    const head = await s3.send(new HeadObjectCommand(target));
    expect(head.ContentLength).toBe(14);
    expect(head.ETag).toBe(done.ETag);
    expect(calls.map(({ operation, bytes }) => [operation, bytes])).toEqual([
      ['CreateMultipartUpload', 0],
      ['UploadPart', 7],
      ['UploadPart', 7],
      ['CompleteMultipartUpload', 0],
      ['HeadObject', 0],
    ]);
    expect(requests).toEqual([]);
  });
});

describe('reads after held-back writes', () => {
  const keysOf = async (input: object = {}) =>
    (await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', ...input }))).Contents?.map(({ Key }) => Key);

  beforeAll(async () => {
    for (let number = 0; number < 10; number += 1) await put(`list/${number}`, 'x'.repeat(number));
  });

  it('a listing has what was written and not what was deleted; what is deleted until nothing is left, ends', async () => {
    record();
    await put('list/45', 'new');
    await put('list/3', 'longer than it was');
    await s3.deleteObject({ Bucket, Key: 'list/5' });
    expect(await keysOf()).toEqual(['0', '1', '2', '3', '4', '45', '6', '7', '8', '9'].map((key) => `list/${key}`));
    expect(await keysOf({ StartAfter: 'list/4' })).toEqual(['45', '6', '7', '8', '9'].map((key) => `list/${key}`));
    const paged: unknown[] = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 3 }, { Bucket, Prefix: 'list/' })) {
      for (const { Key, Size } of page.Contents ?? []) paged.push(`${Key} ${Size}`);
    }
    expect(paged).toContain('list/3 18');
    expect(paged.filter((key, index) => paged.indexOf(key) !== index)).toEqual([]);
    expect(paged).toHaveLength(10);

    let rounds = 0;
    for (;;) {
      const keys = await keysOf({ MaxKeys: 3 });
      if (!keys) break;
      const Objects = keys.map((Key) => ({ Key: Key ?? '' }));
      await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      rounds += 1;
    }
    expect(rounds).toBeLessThan(11);
    const deleted = calls.filter(({ operation }) => operation === 'DeleteObjects');
    expect(deleted.flatMap(({ targets }) => targets)).toHaveLength(10);
    // 0..9 without 3 and 5, and the two that were to be written: every size is known from a listing or the write.
    expect(deleted.reduce((sum, { bytes, unsized }) => sum + bytes + unsized * 1e6, 0)).toBe(37 + 18 + 3);
    expect(occurrences.every(([seen]) => seen === 'simulated')).toBe(true);
  });

  it('an object that was written or copied can be read, one that was deleted cannot', async () => {
    record();
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy of nine', CopySource: `${Bucket}/list%2F9` }));
    await s3.deleteObject({ Bucket, Key: 'list/9' });
    await put('note', 'what was written');
    await put('a note', 'with a space');
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copied note', CopySource: `${Bucket}/a+note` }));
    const read = async (Key: string) =>
      (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
    expect(await read('copy of nine')).toBe('xxxxxxxxx');
    expect(await read('note')).toBe('what was written');
    expect(await read('copied note')).toBe('with a space');
    expect((await s3.headObject({ Bucket, Key: 'copy of nine' })).ContentLength).toBe(9);
    await expect(read('list/9')).rejects.toBeInstanceOf(NoSuchKey);
    await expect(
      s3.send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource: `${Bucket}/nowhere` })),
    ).rejects.toBeInstanceOf(NoSuchKey);
  });

  const FIVE_MB = 5 * 1024 * 1024;
  const OWN = {
    ContentType: 'text/x',
    CacheControl: 'no-store',
    Metadata: { who: 'me' },
    WebsiteRedirectLocation: '/there',
    StorageClass: 'STANDARD_IA',
  } as const;

  it('a head of what was put, copied or put together is as rich as the real one', async () => {
    await s3.putObject({ Bucket, Key: 'rich/source', Body: 'x', Tagging: 'a=1', ...OWN });
    const real = await s3.headObject({ Bucket, Key: 'rich/source', ChecksumMode: 'ENABLED' });
    const beside = (head: object) => ({ ...head, $metadata: undefined, LastModified: undefined });
    const head = async (Key: string) => beside(await s3.headObject({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    const { WebsiteRedirectLocation, StorageClass } = OWN;
    const tags = async (Key: string) => (await s3.getObjectTagging({ Bucket, Key })).TagSet;

    record();
    await s3.putObject({ Bucket, Key: 'rich/put', Body: 'x', Tagging: 'a=1', ...OWN });
    expect(await head('rich/put')).toMatchObject({ ...OWN, TagCount: 1, ContentLength: 1, ETag: real.ETag });
    // Encoded as one often sees it: slashes too.
    const CopySource = encodeURIComponent(`${Bucket}/rich/source`);
    const own = { WebsiteRedirectLocation, StorageClass };
    await s3.copyObject({ Bucket, Key: 'rich/copy', CopySource, ...own });
    const { AcceptRanges: _, ...copied } = beside(real) as { AcceptRanges?: string };
    expect(await head('rich/copy')).toEqual(copied);
    expect(await tags('rich/copy')).toEqual([{ Key: 'a', Value: '1' }]);
    await s3.putObjectTagging({ Bucket, Key: 'rich/source', Tagging: { TagSet: [] } });
    expect(await tags('rich/source')).toEqual([]);
    expect((await head('rich/source')) as object).not.toHaveProperty('TagCount', 1);
    await s3.copyObject({ Bucket, Key: 'rich/again', CopySource, MetadataDirective: 'REPLACE', ContentType: 'text/y' });
    const again = await head('rich/again');
    expect(again).toMatchObject({ ContentType: 'text/y', Metadata: {} });
    for (const field of ['CacheControl', 'StorageClass', 'WebsiteRedirectLocation']) {
      expect(again).not.toHaveProperty(field);
    }
    expect(occurrences.filter(([seen]) => seen === 'stale')).toEqual([]);
    expect(_).toBe('bytes');
  });

  it('a page of a listing is no longer than was asked for, and the rest is on the next ones, encoded or not', async () => {
    for (const key of ['pages/a', 'pages/m', 'pages/z']) await put(key);
    record();
    for (const key of ['pages/b', 'pages/c d+', 'pages/n', 'pages/o', 'pages/zz']) await put(key);
    for (const EncodingType of [undefined, 'url'] as const) {
      const pages: (string | undefined)[][] = [];
      const input = { Bucket, Prefix: 'pages/', MaxKeys: 2, EncodingType };
      for (let ContinuationToken: string | undefined; ;) {
        const page = await s3.listObjectsV2({ ...input, ContinuationToken });
        expect(page.KeyCount).toBe(page.Contents?.length);
        pages.push((page.Contents ?? []).map(({ Key }) => Key?.slice('pages/'.length)));
        if (!page.IsTruncated) break;
        ContinuationToken = page.NextContinuationToken;
      }
      const spaced = EncodingType ? 'c+d%2B' : 'c d+';
      expect(pages).toEqual([
        ['a', 'b'],
        [spaced, 'm'],
        ['n', 'o'],
        ['z', 'zz'],
      ]);
    }
  });

  it('a move of objects of every kind ends in a preview as it does in a run, and changes nothing', async () => {
    const move = async () => {
      for await (const { objects } of pages({ s3, bucket: Bucket, prefix: 'kinds/' })) {
        await moveObjects({ s3, bucket: Bucket, objects, to: (key) => `moved/${key}` });
      }
    };
    await s3.putObject({ Bucket, Key: 'kinds/rich +', Body: 'x', Tagging: 'a=1', ...OWN });
    await put('kinds/same');
    await put('moved/kinds/same');
    await put('kinds/xml\u0001');
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: 'kinds/parts', ...OWN, Tagging: 'b=2' });
    const Parts = [];
    for (const [index, Body] of [Buffer.alloc(FIVE_MB), 'end'].entries()) {
      const part = { Bucket, Key: 'kinds/parts', UploadId, PartNumber: index + 1, Body };
      Parts.push({ PartNumber: index + 1, ETag: (await s3.uploadPart(part)).ETag });
    }
    await s3.completeMultipartUpload({ Bucket, Key: 'kinds/parts', UploadId, MultipartUpload: { Parts } });
    const before = await listing(Bucket);
    record();
    requests = [];
    await move();
    restore();
    expect(requests.filter(({ operation }) => !/^(Get|Head|List)/.test(operation))).toEqual([]);
    expect(occurrences.filter(([seen]) => seen === 'stale')).toEqual([]);
    expect(await listing(Bucket)).toEqual(before);
    requests = [];
    await move();
    expect(calls.map(asRequest).sort()).toEqual(requested());
  });

  it("a get of a copy has the copy's own headers and ETag, and takes conditions on them", async () => {
    await s3.putObject({ Bucket, Key: 'own/source', Body: 'x', Metadata: { of: 'source' } });
    record();
    const copy = { Bucket, Key: 'own/copy', CopySource: `${Bucket}/own/source` };
    await s3.copyObject({ ...copy, MetadataDirective: 'REPLACE', ContentType: 'text/y', Metadata: { of: 'copy' } });
    const { ETag } = await s3.headObject({ Bucket, Key: 'own/copy' });
    const { Body, ...head } = await s3.getObject({ Bucket, Key: 'own/copy', IfMatch: ETag });
    expect(await Body?.transformToString()).toBe('x');
    expect(head).toMatchObject({ ContentType: 'text/y', Metadata: { of: 'copy' }, ContentLength: 1, ETag });
    expect(occurrences.filter(([seen]) => seen === 'stale')).toEqual([]);
  });

  it('a bucket has other names: a read by one of what may have been written by another is told', async () => {
    const [alias, arn] = ['point-abcdefgh1-s3alias', 'arn:aws:s3:eu-west-1:111122223333:accesspoint/point'];
    await put('names/there');
    record();
    const told = async (read: Promise<unknown>) => {
      occurrences = [];
      await read.catch(() => undefined);
      return occurrences.filter(([seen]) => seen === 'stale').map(([, what, target]) => `${what} ${target}`);
    };
    await s3.putObject({ Bucket: alias, Key: 'names/put', Body: 'x' });
    await s3.deleteObject({ Bucket: arn, Key: 'names/there' });
    await s3.putObjectTagging({ Bucket: arn, Key: 'names/tagged', Tagging: { TagSet: [{ Key: 'a', Value: '1' }] } });
    expect(await told(s3.headObject({ Bucket, Key: 'names/put' }))).toEqual(['S3:HeadObject s3://data/names/put']);
    expect(await told(s3.getObject({ Bucket, Key: 'names/there' }))).toEqual(['S3:GetObject s3://data/names/there']);
    expect(await told(s3.getObjectTagging({ Bucket, Key: 'names/tagged' }))).toHaveLength(1);
    expect(await told(s3.listObjectsV2({ Bucket, Prefix: 'names/' }))).toEqual(['S3:ListObjectsV2 s3://data/names/']);
    const copy = { Bucket, Key: 'names/copy', CopySource: `${Bucket}/names/there` };
    expect(await told(s3.copyObject(copy))).toEqual(['S3:CopyObject s3://data/names/copy']);
    expect(await told(s3.copyObject({ ...copy, CopySource: `${arn}/object/names/put` }))).toHaveLength(1);
    // By the other name itself it is there, and what is another object is none of its.
    expect(await told(s3.headObject({ Bucket: alias, Key: 'names/put' }))).toEqual([]);
    expect(await told(s3.headObject({ Bucket, Key: 'names/other' }))).toEqual([]);
    expect(await told(s3.listObjectsV2({ Bucket, Prefix: 'other/' }))).toEqual([]);
    await s3.putObject({ Bucket, Key: 'names/own', Body: 'x' });
    expect(await told(s3.getObject({ Bucket: alias, Key: 'names/own' }))).toHaveLength(1);
  });

  it('a read that fails is told too', async () => {
    record();
    await s3.putObject({ Bucket, Key: 'fails', Body: 'long', ContentType: 'text/x' });
    await expect(s3.getObject({ Bucket, Key: 'fails', Range: 'bytes=0-1' })).rejects.toBeInstanceOf(NoSuchKey);
    expect(occurrences).toEqual([['stale', 'S3:GetObject', 's3://data/fails']]);
  });

  it('what was put, copied, tagged and deleted is there for who comes after, and whose it was is known', async () => {
    for (const key of ['after/kept', 'after/deleted', 'after/source']) await put(key);
    const first = installRecorder([S3Module, SQSModule], listener);
    await s3.putObject({ Bucket, Key: 'after/put', Body: 'new', Expires: new Date(0), ...OWN });
    await s3.copyObject({ Bucket, Key: 'after/copy', CopySource: `${Bucket}/after/source` });
    await s3.deleteObject({ Bucket, Key: 'after/deleted' });
    await s3.putObjectTagging({ Bucket, Key: 'after/kept', Tagging: { TagSet: [{ Key: 'a', Value: '1' }] } });
    const sqs = new SQSClient({ maxAttempts: 1 });
    const QueueUrl = `${started.aws.endpoint}/000000000000/after`;
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: 'a', MessageBody: 'a' }] }));
    const head = await s3.headObject({ Bucket, Key: 'after/put' });
    const handedOn = packed(first.handOn(), '0001') ?? '';
    first.restore();

    const told: unknown[][] = [];
    const hears = { call: () => undefined, occurrence: (...occurrence: unknown[]) => told.push(occurrence) };
    ({ restore } = installRecorder([S3Module, SQSModule], hears, { before: unpacked(handedOn, '0002') }));
    const { Contents } = await s3.listObjectsV2({ Bucket, Prefix: 'after/' });
    expect(Contents?.map(({ Key, Size }) => `${Key} ${Size}`)).toEqual([
      'after/copy 1',
      'after/kept 1',
      'after/put 3',
      'after/source 1',
    ]);
    expect(await s3.headObject({ Bucket, Key: 'after/put' })).toEqual(head);
    const { Body } = await s3.getObject({ Bucket, Key: 'after/put' });
    expect(await Body?.transformToString()).toBe('new');
    await expect(s3.headObject({ Bucket, Key: 'after/deleted' })).rejects.toBeInstanceOf(NotFound);
    expect((await s3.getObjectTagging({ Bucket, Key: 'after/kept' })).TagSet).toEqual([{ Key: 'a', Value: '1' }]);
    await s3.copyObject({ Bucket, Key: 'after/again', CopySource: `${Bucket}/after/copy` });
    await expect(sqs.send(new GetQueueAttributesCommand({ QueueUrl }))).rejects.toThrow('supports S3');
    expect(told).toEqual([
      ['simulated', 'S3:ListObjectsV2', 's3://data', '0001'],
      ['simulated', 'S3:HeadObject', 's3://data', '0001'],
      ['simulated', 'S3:GetObject', 's3://data', '0001'],
      ['simulated', 'S3:HeadObject', 's3://data', '0001'],
      ['simulated', 'S3:GetObjectTagging', 's3://data', '0001'],
      ['simulated', 'S3:CopyObject', 's3://data', '0001'],
      ['stale', 'SQS:GetQueueAttributes', QueueUrl, '0001'],
    ]);
    // Of what it had written in an earlier slice it is told as of its own.
    told.length = 0;
    restore();
    ({ restore } = installRecorder([S3Module, SQSModule], hears, { before: unpacked(handedOn, '0001') }));
    await s3.headObject({ Bucket, Key: 'after/put' });
    expect(told).toEqual([['simulated', 'S3:HeadObject', 's3://data', undefined]]);
  });

  it('a read that cannot know of them is told', async () => {
    record();
    await put('list/new');
    const { Contents } = await s3.send(new ListObjectsCommand({ Bucket, Prefix: 'list/' }));
    await s3.send(new ListObjectsCommand({ Bucket, Prefix: 'other/' }));
    expect(Contents).toHaveLength(10);
    expect(occurrences).toEqual([['stale', 'S3:ListObjects', 's3://data/list/']]);
  });
});
