// The embedded S3, by the ordinary SDK client with its defaults.

import { createHash } from 'node:crypto';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, renameSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketLocationCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createS3 } from '../../local/s3/protocol.ts';
import { putObjects, start, temporaryFolder, until, withKey } from './support.ts';
import type { Started } from './support.ts';

let started: Started;
let s3: S3Client;
let Bucket: string;
let buckets = 0;

beforeAll(async () => {
  started = await start();
  s3 = started.s3;
});
afterAll(() => started.stop());

beforeEach(async () => {
  Bucket = `bucket-${++buckets}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
});

const put = (Key: string, Body: string | Buffer | Readable = 'x', more: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const read = async (Key: string, more: object = {}) => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Body?.transformToString();
};
const keys = async (more: object = {}) => {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, ...more }));
  return Contents.map(({ Key }) => Key);
};
const refused = (code: string, status: number) => ({
  name: code,
  $metadata: expect.objectContaining({ httpStatusCode: status }) as unknown,
});

describe('objects', () => {
  it('reads what was written, with its metadata', async () => {
    const written = await put('a', 'content', {
      ContentType: 'text/plain',
      Metadata: { who: 'me' },
      CacheControl: 'no',
    });
    const found = await s3.send(new GetObjectCommand({ Bucket, Key: 'a' }));

    expect(await found.Body?.transformToString()).toBe('content');
    expect(found).toMatchObject({
      ContentType: 'text/plain',
      Metadata: { who: 'me' },
      CacheControl: 'no',
      ContentLength: 7,
    });
    expect(found.ETag).toBe(written.ETag);
    expect(found.ETag).toBe(`"${createHash('md5').update('content').digest('hex')}"`);
    expect(found.ChecksumCRC32).toBe(written.ChecksumCRC32);
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).toMatchObject({
      ContentLength: 7,
      ETag: found.ETag,
    });
  });

  it.each([
    ['an empty string', '', ''],
    ['a buffer', Buffer.from([0xc3, 0xbc]), 'ü'],
    ['an empty buffer', Buffer.alloc(0), ''],
  ])('takes %s as a body', async (_, body, text) => {
    await put('a', body);
    expect(await read('a')).toBe(text);
  });

  it('takes a stream, which the SDK frames in chunks with a checksum behind', async () => {
    const parts = Array.from({ length: 50 }, (_, n) => Buffer.alloc(10_007, n));
    const whole = Buffer.concat(parts);
    await put('stream', Readable.from(parts), { ContentLength: whole.length });

    const { Body, ContentLength, ContentEncoding } = await s3.send(new GetObjectCommand({ Bucket, Key: 'stream' }));
    expect(ContentLength).toBe(whole.length);
    expect(ContentEncoding).toBeUndefined();
    expect(whole.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  });

  it('takes 20 MB, which the SDK announces first (100-continue)', async () => {
    const body = Buffer.alloc(20_000_000, 'abc');
    await put('large', body);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }));
    expect(body.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  });

  it('keeps nothing of a body whose checksum is wrong', async () => {
    await expect(put('a', 'content', { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject(refused('BadDigest', 400));
    await expect(put('b', 'content', { ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' })).rejects.toMatchObject(
      refused('BadDigest', 400),
    );
    await expect(put('c', 'content', { ChecksumAlgorithm: 'SHA256' })).resolves.toBeDefined();
    expect(await keys()).toEqual(['c']);
  });

  it.each([
    'with space',
    'plus+plus',
    'ünï cödé/日本語.txt',
    'per%20cent',
    'q\'u"o<t>e&s',
    'a//b',
    '../../evil',
    'folder/',
    './x',
    '0001',
    `${'long/'.repeat(204)}1024`,
  ])('has room for the key %s', async (Key) => {
    await put(Key, Key);
    expect(await read(Key)).toBe(Key);
    expect(await keys()).toEqual([Key]);
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
    expect(await keys()).toEqual([]);
  });

  it('says what is missing, and where', async () => {
    const noKey = new GetObjectCommand({ Bucket, Key: 'none' });
    await expect(s3.send(noKey)).rejects.toMatchObject(refused('NoSuchKey', 404));
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key: 'none' }))).rejects.toMatchObject(
      refused('NotFound', 404),
    );
    const noBucket = new PutObjectCommand({ Bucket: 'no-such-bucket', Key: 'a', Body: 'x' });
    await expect(s3.send(noBucket)).rejects.toMatchObject(refused('NoSuchBucket', 404));
    await expect(put('x'.repeat(1025))).rejects.toMatchObject(refused('KeyTooLongError', 400));
  });

  it('deletes, also what is not there', async () => {
    await put('a');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await expect(read('a')).rejects.toMatchObject(refused('NoSuchKey', 404));
  });

  it('deletes many at once', async () => {
    for (const key of ['a', 'b&c', 'd']) await put(key);
    const Objects = ['a', 'b&c', 'missing'].map((Key) => ({ Key }));
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted?.map(({ Key }) => Key)).toEqual(['a', 'b&c', 'missing']);
    expect(Errors).toBeUndefined();
    expect(await keys()).toEqual(['d']);
  });

  it.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
  ])('reads the range %s', async (Range, text, contentRange) => {
    await put('digits', '0123456789');
    const found = await s3.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
    expect(await found.Body?.transformToString()).toBe(text);
    expect(found.ContentRange).toBe(contentRange);
    expect(found.$metadata.httpStatusCode).toBe(206);
  });

  it('refuses a range behind the end', async () => {
    await put('digits', '0123456789');
    await expect(read('digits', { Range: 'bytes=10-' })).rejects.toMatchObject(refused('InvalidRange', 416));
  });

  it('reads under a condition', async () => {
    const { ETag } = await put('a');
    expect(await read('a', { IfMatch: ETag })).toBe('x');
    await expect(read('a', { IfMatch: '"other"' })).rejects.toMatchObject(refused('PreconditionFailed', 412));
    await expect(read('a', { IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
  });

  it('finishes a read although the object is replaced and deleted meanwhile', async () => {
    const body = Buffer.alloc(8_000_000, 'old');
    await put('a', body);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'a' }));
    await put('a', 'new');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect(body.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  });

  it('copies, with or without the metadata of the source', async () => {
    await put('from ü+&', 'content', { ContentType: 'text/plain', Metadata: { a: '1' } });
    const CopySource = encodeURIComponent(`${Bucket}/from ü+&`);
    const { CopyObjectResult } = await s3.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource }));
    expect(CopyObjectResult?.ETag).toBe(`"${createHash('md5').update('content').digest('hex')}"`);
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).toMatchObject({
      ContentType: 'text/plain',
      Metadata: { a: '1' },
    });

    const replacing = { MetadataDirective: 'REPLACE', Metadata: { b: '2' } } as const;
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource, ...replacing }));
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).Metadata).toEqual({ b: '2' });

    const missing = new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/none` });
    await expect(s3.send(missing)).rejects.toMatchObject(refused('NoSuchKey', 404));
    const other = new CopyObjectCommand({ Bucket, Key: 'to', CopySource, CopySourceIfMatch: '"other"' });
    await expect(s3.send(other)).rejects.toMatchObject(refused('PreconditionFailed', 412));
  });

  it('reads the source of a copy like a form: a plus that is not encoded is a space', async () => {
    await put('p q', 'a space');
    await put('p+q', 'a plus');
    const copied = async (source: string) => {
      await s3.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/${source}` }));
      return await read('to');
    };
    expect(await copied('p+q')).toBe('a space');
    expect(await copied('p%20q')).toBe('a space');
    expect(await copied('p%2Bq')).toBe('a plus');
    await expect(copied('')).rejects.toMatchObject(refused('InvalidArgument', 400));
    const accessPoint = 'arn:aws:s3:eu-west-1:000000000000:accesspoint/a/object/k';
    const ofPoint = new CopyObjectCommand({ Bucket, Key: 'to', CopySource: accessPoint });
    await expect(s3.send(ofPoint)).rejects.toMatchObject(refused('NotImplemented', 501));
  });

  it('refuses a copy onto itself that changes nothing, also of its tags and of metadata that it does not replace', async () => {
    await put('a', 'x', { Metadata: { a: '1' } });
    const onto = (more: object = {}) =>
      s3.send(new CopyObjectCommand({ Bucket, Key: 'a', CopySource: `${Bucket}/a`, ...more }));
    for (const more of [{}, { Metadata: { a: '2' } }, { TaggingDirective: 'REPLACE', Tagging: 'a=1' }])
      await expect(onto(more)).rejects.toMatchObject(refused('InvalidRequest', 400));
    await onto({ MetadataDirective: 'REPLACE', Metadata: { a: '2' } });
    await onto({ StorageClass: 'STANDARD_IA' });
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).toMatchObject({
      Metadata: { a: '2' },
      StorageClass: 'STANDARD_IA',
    });
  });

  it.each<[string, object, string, number]>([
    ['an ACL', { ACL: 'public-read' }, 'NotImplemented', 501],
    ['a grant', { GrantRead: 'id=1' }, 'NotImplemented', 501],
    ["a customer's key", { SSECustomerAlgorithm: 'AES256', SSECustomerKey: 'k'.repeat(32) }, 'NotImplemented', 501],
    [
      'a context of encryption',
      { ServerSideEncryption: 'aws:kms', SSEKMSEncryptionContext: 'e30=' },
      'NotImplemented',
      501,
    ],
    ['a write into an object', { WriteOffsetBytes: 0 }, 'NotImplemented', 501],
    ['a storage class that S3 does not have', { StorageClass: 'COLD' }, 'InvalidStorageClass', 400],
    ['an encryption that S3 does not have', { ServerSideEncryption: 'rot13' }, 'InvalidArgument', 400],
    ['the bucket of another account', { ExpectedBucketOwner: '111111111111' }, 'AccessDenied', 403],
  ])('refuses %s, and writes nothing', async (_, more, code, status) => {
    await expect(put('a', 'x', more)).rejects.toMatchObject(refused(code, status));
    const upload = new CreateMultipartUploadCommand({ Bucket, Key: 'a', ...more });
    if (!('WriteOffsetBytes' in more)) await expect(s3.send(upload)).rejects.toMatchObject(refused(code, status));
    expect(await keys()).toEqual([]);
  });

  it('takes what changes nothing: the ACL that S3 takes, and the account that has the bucket', async () => {
    await put('a', 'x', { ACL: 'bucket-owner-full-control', ExpectedBucketOwner: '000000000000' });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', BypassGovernanceRetention: true }));
    expect(await keys()).toEqual([]);
  });

  it('does what a signed address asks for beside the key', async () => {
    const own = '?x-amz-storage-class=STANDARD_IA&X-Amz-Tagging=a%3D1&x-amz-meta-who=me&X-Amz-Date=20260101T000000Z';
    const at = (key: string, query: string) => `${withKey(started.aws)}/${Bucket}/${key}${query}`;
    expect((await fetch(at('a', own), { method: 'PUT', body: 'x' })).status).toBe(200);
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).toMatchObject({
      StorageClass: 'STANDARD_IA',
      TagCount: 1,
      Metadata: { who: 'me' },
    });
    expect((await fetch(at('b', '?x-amz-acl=public-read'), { method: 'PUT', body: 'x' })).status).toBe(501);
  });

  it('refuses by name what it does not support', async () => {
    await put('a');
    for (const more of [{ MFA: 'x 1' }, { IfMatchSize: 1 }]) {
      const deletion = new DeleteObjectCommand({ Bucket, Key: 'a', ...more });
      await expect(s3.send(deletion)).rejects.toMatchObject(refused('NotImplemented', 501));
    }
    const acl = new GetObjectAclCommand({ Bucket, Key: 'a' });
    await expect(s3.send(acl)).rejects.toMatchObject(refused('NotImplemented', 501));
    const version = new GetObjectCommand({ Bucket, Key: 'a', VersionId: '1' });
    await expect(s3.send(version)).rejects.toMatchObject(refused('NotImplemented', 501));
    const deleted = new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a', VersionId: '1' }] } });
    await expect(s3.send(deleted)).rejects.toMatchObject(refused('NotImplemented', 501));
    expect(await keys()).toEqual(['a']);
  });
});

describe('what is kept beside the bytes', () => {
  const head = async (Key: string, more: object = {}) => ({
    ...(await s3.send(new HeadObjectCommand({ Bucket, Key, ...more }))),
    $metadata: undefined,
  });
  const copy = (Key: string, more: object = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/source`, ...more }));
  const METADATA = {
    ContentType: 'text/x',
    ContentLanguage: 'de',
    ContentEncoding: 'gzip',
    ContentDisposition: 'attachment',
    CacheControl: 'no-store',
    Metadata: { a: '1' },
  };
  const OWN = {
    StorageClass: 'STANDARD_IA',
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: 'arn:aws:kms:eu-west-1:000000000000:key/1',
    WebsiteRedirectLocation: '/there',
  } as const;
  const Expires = new Date('2030-01-01T00:00:00Z');

  it('is what the writer said, and of the tags a read tells the number', async () => {
    await put('source', 'x', { ...METADATA, ...OWN, Expires, Tagging: 'team=a%20b&x=' });
    expect(await head('source')).toMatchObject({
      ...METADATA,
      ...OWN,
      ExpiresString: 'Tue, 01 Jan 2030 00:00:00 GMT',
      TagCount: 2,
    });
    const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'source' }));
    expect(TagSet).toEqual([
      { Key: 'team', Value: 'a b' },
      { Key: 'x', Value: '' },
    ]);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents?.[0]?.StorageClass).toBe('STANDARD_IA');
  });

  it('is copied, but for storage class, encryption and redirect, which a copy has of its own', async () => {
    await put('source', 'x', { ...METADATA, ...OWN, Expires, Tagging: 'team=a' });
    await copy('plain');
    const plain = await head('plain');
    expect(plain).toMatchObject({ ...METADATA, ExpiresString: 'Tue, 01 Jan 2030 00:00:00 GMT', TagCount: 1 });
    for (const name of Object.keys(OWN)) expect(plain).not.toHaveProperty(name);
    const { ServerSideEncryption, SSEKMSKeyId } = OWN;
    const encrypted = { ServerSideEncryption, SSEKMSKeyId };
    expect(await copy('own', { ...OWN, TaggingDirective: 'REPLACE', Tagging: 'other=1' })).toMatchObject(encrypted);
    expect(await head('own')).toMatchObject({ ...METADATA, ...OWN, TagCount: 1 });
    await copy('replaced', { MetadataDirective: 'REPLACE', ContentType: 'text/y' });
    const replaced = await head('replaced');
    expect(replaced).toMatchObject({ ContentType: 'text/y', Metadata: {}, TagCount: 1 });
    expect(replaced).not.toHaveProperty('CacheControl');
    await expect(copy('source')).rejects.toMatchObject(refused('InvalidRequest', 400));
  });

  it('of tags can be changed without a new time or ETag', async () => {
    await put('a', 'x', { Tagging: 'a=1' });
    const before = await head('a');
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging: { TagSet: [{ Key: 'ä', Value: '<&>' }] } }));
    const tags = new GetObjectTaggingCommand({ Bucket, Key: 'a' });
    expect((await s3.send(tags)).TagSet).toEqual([{ Key: 'ä', Value: '<&>' }]);
    expect(await head('a')).toEqual(before);
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'a' }));
    expect((await s3.send(tags)).TagSet).toEqual([]);
    expect((await head('a')).TagCount).toBeUndefined();
  });

  it('is archived: it is shown, and neither read nor copied', async () => {
    await put('source', 'x', { StorageClass: 'GLACIER' });
    expect(await head('source')).toMatchObject({ StorageClass: 'GLACIER', ContentLength: 1 });
    await expect(read('source')).rejects.toMatchObject(refused('InvalidObjectState', 403));
    await expect(copy('b')).rejects.toMatchObject(refused('InvalidObjectState', 403));
  });

  it('is a checksum: the one that came, or else a CRC64NVME, which a copy has too', async () => {
    const checked = { ChecksumMode: 'ENABLED' } as const;
    await put('source', '123456789', { ChecksumAlgorithm: 'SHA256' });
    const ChecksumSHA256 = createHash('sha256').update('123456789').digest('base64');
    expect(await head('source', checked)).toMatchObject({ ChecksumSHA256, ChecksumType: 'FULL_OBJECT' });
    await copy('b');
    expect(await head('b', checked)).toMatchObject({ ChecksumSHA256, ChecksumType: 'FULL_OBJECT' });
    expect(await head('b')).not.toHaveProperty('ChecksumSHA256');

    await new Promise((resolve, reject) => {
      const headers = { 'content-length': '9' };
      request(`${withKey(started.aws)}/${Bucket}/plain`, { method: 'PUT', headers }, resolve)
        .on('error', reject)
        .end('123456789');
    });
    // The check value of CRC-64/NVME.
    const ChecksumCRC64NVME = Buffer.from('ae8b14860a799888', 'hex').toString('base64');
    expect(await head('plain', checked)).toMatchObject({ ChecksumCRC64NVME, ChecksumType: 'FULL_OBJECT' });
    const attributes = await s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: 'plain',
        ObjectAttributes: ['Checksum', 'ObjectSize', 'ETag', 'StorageClass', 'ObjectParts'],
      }),
    );
    expect(attributes).toMatchObject({
      Checksum: { ChecksumCRC64NVME, ChecksumType: 'FULL_OBJECT' },
      ObjectSize: 9,
      StorageClass: 'STANDARD',
    });
    expect(attributes.ObjectParts).toBeUndefined();
    expect(`"${attributes.ETag}"`).toBe((await head('plain')).ETag);
  });
});

describe('conditional deletes', () => {
  const remove = (Key: string, IfMatch: string) => s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));

  it('delete what is as expected', async () => {
    const { ETag = '' } = await put('a');
    await expect(remove('a', '"other"')).rejects.toMatchObject(refused('PreconditionFailed', 412));
    expect(await keys()).toEqual(['a']);
    await remove('a', ETag);
    expect(await keys()).toEqual([]);
    await expect(remove('a', '*')).rejects.toMatchObject(refused('PreconditionFailed', 412));
    await expect(remove('a', ETag)).rejects.toMatchObject(refused('NoSuchKey', 404));
    await put('b');
    await remove('b', '*');
    expect(await keys()).toEqual([]);
  });

  it('have an ETag for each of many keys, and name those that they leave', async () => {
    const { ETag } = await put('a');
    for (const key of ['b', 'c']) await put(key, 'y');
    const Objects = [{ Key: 'a', ETag }, { Key: 'b', ETag }, { Key: 'c' }, { Key: 'd', ETag }];
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted?.map(({ Key }) => Key)).toEqual(['a', 'c']);
    expect(Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([
      ['b', 'PreconditionFailed'],
      ['d', 'NoSuchKey'],
    ]);
    expect(await keys()).toEqual(['b']);
  });

  it('of a key that XML cannot hold are refused with all that are named beside it', async () => {
    for (const key of ['a', 'b\u0001']) await put(key);
    const Objects = [{ Key: 'a' }, { Key: 'b\u0001' }];
    const both = s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    await expect(both).rejects.toMatchObject(refused('MalformedXML', 400));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'b\u0001' }));
    expect(await keys()).toEqual(['a']);
  });
});

describe('conditional writes', () => {
  const failed = refused('PreconditionFailed', 412);

  it('lets exactly one of 50 parallel creations through', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => put('claim', `writer ${n}`, { IfNoneMatch: '*' })),
    );
    const winners = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
    expect(winners).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(failed);
    expect(await read('claim')).toBe(`writer ${winners[0]}`);
  });

  it('lets exactly one of 50 parallel replacements through', async () => {
    const { ETag: IfMatch } = await put('a', 'first');
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => put('a', `writer ${n}`, { IfMatch })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('creates only what is not there, and again after a delete', async () => {
    await put('a', '1', { IfNoneMatch: '*' });
    await expect(put('a', '2', { IfNoneMatch: '*' })).rejects.toMatchObject(failed);
    expect(await read('a')).toBe('1');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await put('a', '3', { IfNoneMatch: '*' });
  });

  it('replaces only what is as expected', async () => {
    const { ETag } = await put('a', '1');
    await expect(put('a', '2', { IfMatch: '"other"' })).rejects.toMatchObject(failed);
    await put('a', '2', { IfMatch: ETag });
    await expect(put('a', '3', { IfMatch: ETag })).rejects.toMatchObject(failed);
    await expect(put('none', '1', { IfMatch: ETag })).rejects.toMatchObject(refused('NoSuchKey', 404));
  });

  it('holds for copies and multipart uploads', async () => {
    await put('a', '1');
    const copy = { Bucket, Key: 'a', CopySource: `${Bucket}/a` };
    await expect(s3.send(new CopyObjectCommand({ ...copy, IfNoneMatch: '*' }))).rejects.toMatchObject(failed);
    await s3.send(new CopyObjectCommand({ ...copy, Key: 'b', IfNoneMatch: '*' }));

    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    const upload = { Bucket, Key: 'a', UploadId };
    const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'part' }));
    const complete = { ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
    await expect(s3.send(new CompleteMultipartUploadCommand({ ...complete, IfNoneMatch: '*' }))).rejects.toMatchObject(
      failed,
    );
    expect(await read('a')).toBe('1');
    await s3.send(new CompleteMultipartUploadCommand(complete));
    expect(await read('a')).toBe('part');
  });

  it('does not ignore a condition that S3 does not know', async () => {
    await expect(put('a', '1', { IfNoneMatch: '"x"' })).rejects.toMatchObject(refused('NotImplemented', 501));
  });
});

describe('lists', () => {
  it('pages through more than 1000 keys, in the order of their bytes', async () => {
    const written = Array.from({ length: 2300 }, (_, n) => `p/${String(n).padStart(5, '0')}`);
    await putObjects(
      started.aws.s3.store,
      Bucket,
      written.map((key) => [key, 'x']),
    );
    await put('other');

    const pages: number[] = [];
    const found: (string | undefined)[] = [];
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix: 'p/' })) {
      pages.push(page.KeyCount ?? 0);
      for (const { Key } of page.Contents ?? []) found.push(Key);
    }
    expect(pages).toEqual([1000, 1000, 300]);
    expect(found).toEqual(written);
  });

  it('sorts as S3 does: by UTF-8, whatever the case', async () => {
    const sorted = ['A', 'Z', 'a', 'a b', 'a!', 'a+', 'a/b', 'a0', 'b', 'ä', '日', '\u{1F600}'];
    for (const key of [...sorted].reverse()) await put(key);
    expect(await keys()).toEqual([...sorted].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  });

  it('gives each object the ETag, size and time that a read gives', async () => {
    await put('a', 'content');
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
    const { ETag, LastModified } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }));
    expect(Contents).toMatchObject([{ Key: 'a', ETag, Size: 7 }]);
    expect(Math.floor((Contents?.[0]?.LastModified?.getTime() ?? 0) / 1000)).toBe(
      (LastModified?.getTime() ?? 1) / 1000,
    );
  });

  it('folds keys at a delimiter, over pages too', async () => {
    for (const key of ['a/1', 'a/2', 'a/b/3', 'b', 'c/1', 'c/2', 'd', 'e/1']) await put(key);
    const list = (more: object) => s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', ...more }));

    const all = await list({});
    expect(all.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['a/', 'c/', 'e/']);
    expect(all.Contents?.map(({ Key }) => Key)).toEqual(['b', 'd']);
    expect(all.KeyCount).toBe(5);

    const below = await list({ Prefix: 'a/' });
    expect(below.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['a/b/']);
    expect(below.Contents?.map(({ Key }) => Key)).toEqual(['a/1', 'a/2']);

    const seen: (string | undefined)[] = [];
    for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket, Delimiter: '/' })) {
      seen.push(
        ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
        ...(page.Contents ?? []).map(({ Key }) => Key),
      );
    }
    expect(seen.sort()).toEqual(['a/', 'b', 'c/', 'd', 'e/']);
  });

  it('starts after a key, and speaks the first version of the list too', async () => {
    for (const key of ['a', 'b', 'c']) await put(key);
    expect(await keys({ StartAfter: 'a' })).toEqual(['b', 'c']);
    expect(await keys({ MaxKeys: 0 })).toEqual([]);
    const first = await s3.send(new ListObjectsCommand({ Bucket, MaxKeys: 2 }));
    expect(first).toMatchObject({ IsTruncated: true, NextMarker: 'b' });
    const second = await s3.send(new ListObjectsCommand({ Bucket, Marker: 'b' }));
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(['c']);
  });

  it.each(['\n', '\r\n', ' \n\t'])(
    'names %j when it is asked to encode, and else refuses: the SDK reads nothing',
    async (key) => {
      await put(key);
      const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }));
      expect(decodeURIComponent((Contents?.[0]?.Key ?? '').replaceAll('+', ' '))).toBe(key);
      await expect(keys()).rejects.toMatchObject(refused('NotImplemented', 501));
    },
  );

  it('encodes keys that XML cannot hold when it is asked to', async () => {
    const key = 'line\nbreak\u0001';
    await put(key);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }));
    expect(decodeURIComponent(Contents?.[0]?.Key ?? '')).toBe(key);
  });
});

describe('multipart uploads', () => {
  it('puts parts together, in their order, copied ones too', async () => {
    const part = Buffer.alloc(5 * 1024 * 1024, '1');
    await put('source', '0123456789');
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a', ContentType: 'text/x' }));
    const upload = { Bucket, Key: 'a', UploadId };
    const copied = await s3.send(
      new UploadPartCopyCommand({
        ...upload,
        PartNumber: 2,
        CopySource: `${Bucket}/source`,
        CopySourceRange: 'bytes=2-4',
      }),
    );
    await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'replaced' }));
    const first = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: part }));
    const Parts = [
      { PartNumber: 1, ETag: first.ETag },
      { PartNumber: 2, ETag: copied.CopyPartResult?.ETag },
    ];
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));

    const digests = [part, Buffer.from('234')].map((content) => createHash('md5').update(content).digest());
    const etag = `"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-2"`;
    expect(done.ETag).toBe(etag);
    const found = await s3.send(new GetObjectCommand({ Bucket, Key: 'a' }));
    expect(found).toMatchObject({ ETag: etag, ContentType: 'text/x', ContentLength: part.length + 3 });
    expect((await found.Body?.transformToString())?.slice(-4)).toBe('1234');
    const again = s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    await expect(again).rejects.toMatchObject(refused('NoSuchUpload', 404));
  });

  it('refuses parts that are missing, in disorder or too small', async () => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    const upload = { Bucket, Key: 'a', UploadId };
    const parts = [];
    for (const PartNumber of [1, 2]) {
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: 'small' }));
      parts.push({ PartNumber, ETag });
    }
    const complete = (Parts: object[]) =>
      s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
    await expect(complete([{ PartNumber: 3, ETag: '"x"' }])).rejects.toMatchObject(refused('InvalidPart', 400));
    await expect(complete([...parts].reverse())).rejects.toMatchObject(refused('InvalidPartOrder', 400));
    await expect(complete(parts)).rejects.toMatchObject(refused('EntityTooSmall', 400));
    expect(await keys()).toEqual([]);
    await s3.send(new AbortMultipartUploadCommand(upload));
  });

  const PART = Buffer.alloc(5 * 1024 * 1024, 'x');
  async function upload(Key: string, bodies: readonly (string | Buffer)[], more: object = {}) {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
    const Parts = [];
    for (const [index, Body] of bodies.entries()) {
      const part = { PartNumber: index + 1, ...more };
      const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, Body, ...part }));
      Parts.push({ PartNumber: index + 1, ETag, ChecksumCRC32 });
    }
    return { complete: { Bucket, Key, UploadId, MultipartUpload: { Parts } } };
  }
  const crcOf = (body: string | Buffer) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc32(body));
    return bytes;
  };
  const checked = async (Key: string, more: object = {}) =>
    s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED', ...more }));

  it('have a checksum of the whole, or of the parts, as they are asked for', async () => {
    const bodies = [PART, 'end'];
    const whole = await upload('whole', bodies, { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
    await s3.send(new CompleteMultipartUploadCommand(whole.complete));
    const ChecksumCRC32 = crcOf(Buffer.concat([PART, Buffer.from('end')])).toString('base64');
    expect(await checked('whole')).toMatchObject({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });

    const { complete } = await upload('composite', bodies, { ChecksumAlgorithm: 'CRC32' });
    const Parts = complete.MultipartUpload.Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    const bare = s3.send(new CompleteMultipartUploadCommand({ ...complete, MultipartUpload: { Parts } }));
    await expect(bare).rejects.toMatchObject(refused('InvalidRequest', 400));
    await s3.send(new CompleteMultipartUploadCommand(complete));
    const composite = `${crcOf(Buffer.concat(bodies.map(crcOf))).toString('base64')}-2`;
    expect(await checked('composite')).toMatchObject({ ChecksumCRC32: composite, ChecksumType: 'COMPOSITE' });

    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/composite` }));
    expect(await checked('copy')).toMatchObject({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
    expect((await checked('copy')).ETag).not.toContain('-');
  });

  it('are read by their parts, and say how many there are', async () => {
    await s3.send(new CompleteMultipartUploadCommand((await upload('a', [PART, 'end'])).complete));
    expect(await checked('a', { PartNumber: 1 })).toMatchObject({ ContentLength: PART.length, PartsCount: 2 });
    expect(await checked('a', { PartNumber: 2 })).toMatchObject({ ContentLength: 3, PartsCount: 2 });
    expect(await read('a', { PartNumber: 2 })).toBe('end');
    await expect(read('a', { PartNumber: 3 })).rejects.toMatchObject(refused('InvalidPartNumber', 416));
    await put('b', 'one');
    const only = await checked('b', { PartNumber: 1 });
    expect(only.ContentLength).toBe(3);
    expect(only.PartsCount).toBeUndefined();
  });

  it('put together what one CopyObject may not copy', async () => {
    const folder = temporaryFolder();
    const small = createS3({ directory: folder.path, buckets: ['small'], maxCopyBytes: 3 });
    small.store.put('small', 'a', await small.store.receive(Buffer.from('four')), { headers: {} });
    const { status, body } = await small.handle({
      method: 'PUT',
      path: '/small/b',
      query: new URLSearchParams(),
      headers: { 'x-amz-copy-source': 'small/a' },
      body: Readable.from([]),
    });
    expect([status, body]).toEqual([400, expect.stringContaining('<Code>InvalidRequest</Code>')]);
    small.close();
    folder.remove();
  });

  it('forgets an upload that is aborted', async () => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    await s3.send(new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber: 1, Body: 'x' }));
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'a', UploadId }));
    const part = s3.send(new UploadPartCommand({ Bucket, Key: 'a', UploadId, PartNumber: 1, Body: 'x' }));
    await expect(part).rejects.toMatchObject(refused('NoSuchUpload', 404));
    expect(readdirSync(join(started.folder, 'aws', 's3', '.incoming'))).toEqual([]);
  });
});

describe('buckets', () => {
  it('creates, lists, describes and deletes them', async () => {
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toContain(Bucket);
    expect((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe('eu-west-1');
    expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe('eu-west-1');
    await expect(s3.send(new CreateBucketCommand({ Bucket }))).rejects.toMatchObject(
      refused('BucketAlreadyOwnedByYou', 409),
    );
    await expect(s3.send(new CreateBucketCommand({ Bucket: 'Bad_Name' }))).rejects.toMatchObject(
      refused('InvalidBucketName', 400),
    );
    const other = (more: object) => s3.send(new CreateBucketCommand({ Bucket: 'other', ...more }));
    for (const more of [
      { ACL: 'public-read' },
      { ObjectLockEnabledForBucket: true },
      { ObjectOwnership: 'ObjectWriter' },
    ])
      await expect(other(more)).rejects.toMatchObject(refused('NotImplemented', 501));
    const elsewhere = { CreateBucketConfiguration: { LocationConstraint: 'us-west-2' } };
    await expect(other(elsewhere)).rejects.toMatchObject(refused('IllegalLocationConstraintException', 400));
    const tagged = { CreateBucketConfiguration: { Tags: [{ Key: 'a', Value: '1' }] } };
    await expect(other(tagged)).rejects.toMatchObject(refused('NotImplemented', 501));
    await put('a');
    await expect(s3.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject(refused('BucketNotEmpty', 409));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
    await expect(s3.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject(refused('NotFound', 404));
  });
});

describe('the directory', () => {
  it('keeps objects over a restart, and names bodies after their keys', async () => {
    const folder = temporaryFolder();
    const first = createS3({ directory: folder.path, buckets: ['kept'] });
    const received = await first.store.receive(Readable.from([Buffer.from('content')]));
    first.store.put('kept', 'a/b.json', received, { headers: {} });
    first.close();

    const second = createS3({ directory: folder.path, buckets: ['kept'] });
    expect(second.store.get('kept', 'a/b.json')).toMatchObject({ size: 7 });
    expect(readdirSync(join(folder.path, 'kept'))).toEqual([expect.stringMatching(/^a%2Fb\.json~[0-9a-f]{8}$/)]);
    second.close();
    folder.remove();
  });

  it('is shared by two processes: the second create of a key fails', async () => {
    const folder = temporaryFolder();
    const [first, second] = [0, 1].map(() => createS3({ directory: folder.path, buckets: ['shared'] }));
    const body = () => Readable.from([Buffer.from('x')]);
    const create = { headers: {}, condition: { ifNoneMatch: '*' } };
    const one = await first!.store.receive(body());
    const two = await second!.store.receive(body());
    first!.store.put('shared', 'claim', one, create);
    expect(() => second!.store.put('shared', 'claim', two, create)).toThrow(/pre-conditions/);
    first!.close();
    second!.close();
    folder.remove();
  });

  it('holds whole objects only, after its process was killed while it wrote', async () => {
    const folder = temporaryFolder();
    const script = join(folder.path, 'writer.mjs');
    writeFileSync(
      script,
      `import { createS3 } from '${new URL('../../local/s3/protocol.ts', import.meta.url).href}';
       const { store } = createS3({ directory: ${JSON.stringify(folder.path)}, buckets: ['killed'] });
       for (let n = 0; ; n++) {
         const body = Buffer.alloc(100_000 + n, String(n));
         store.put('killed', 'key-' + (n % 5), await store.receive([body]), { headers: { n: String(n) } });
         if (n === 20) process.send('writing');
       }`,
    );
    const writer = fork(script, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
    await once(writer, 'message');
    writer.kill('SIGKILL');
    await once(writer, 'exit');

    const after = createS3({ directory: folder.path });
    const objects = [...after.store.list('killed', { prefix: '', after: '' })];
    expect(objects).toHaveLength(5);
    for (const { file, etag, size, headers } of objects) {
      const body = readFileSync(file);
      expect(`"${createHash('md5').update(body).digest('hex')}"`).toBe(etag);
      expect(size).toBe(100_000 + Number(headers['n']));
    }
    after.close();

    const leftover = join(folder.path, 'killed', 'leftover');
    const recent = join(folder.path, 'killed', 'recent');
    for (const file of [leftover, recent]) writeFileSync(file, 'x');
    utimesSync(leftover, 0, 0);
    createS3({ directory: folder.path }).close();
    expect([existsSync(leftover), existsSync(recent)]).toEqual([false, true]);
    folder.remove();
  });

  it('shows nothing of an upload whose sender dies, and keeps the old object', async () => {
    const incoming = () => readdirSync(join(started.folder, 'aws', 's3', '.incoming'));
    await put('a', 'old');
    await new Promise<void>((resolve) => {
      const upload = request(`${withKey(started.aws)}/${Bucket}/a`, {
        method: 'PUT',
        headers: { 'content-length': '1000000' },
      });
      upload.on('error', () => resolve());
      upload.write('half');
      void until(() => incoming().length === 1, 'half of it is there').then(() => upload.destroy());
    });
    await until(() => incoming().length === 0, 'it is taken away');
    expect(await read('a')).toBe('old');
  });

  it('leaves no body behind when an object is replaced or deleted', async () => {
    for (const text of ['1', '2', '3']) await put('a', text);
    const folder = join(started.folder, 'aws', 's3', Bucket);
    expect(readdirSync(folder)).toHaveLength(1);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(folder)).toBe(true);
  });
});

describe('a disk that fails', () => {
  const copy = (Key: string) => s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/source` }));
  const directory = () => join(started.aws.directory, 's3');

  it.each([10, 100_000])('does not take a body of %i bytes that has lost its end for the object', async (size) => {
    await put('source', 'x'.repeat(size));
    const [file = ''] = readdirSync(join(directory(), Bucket));
    truncateSync(join(directory(), Bucket, file), size / 2);
    await expect(read('source')).rejects.toMatchObject({ name: 'InternalError' });
    await expect(copy('copied')).rejects.toMatchObject({ name: 'InternalError' });
  });

  it('keeps no file open when what it copies to cannot be opened', async () => {
    await put('source', 'x'.repeat(100_000));
    await copy('copied');
    const open = readdirSync('/dev/fd').length;
    renameSync(join(directory(), '.incoming'), join(directory(), '.gone'));
    try {
      for (let n = 0; n < 20; n += 1) await expect(copy('copied')).rejects.toMatchObject({ name: 'InternalError' });
    } finally {
      renameSync(join(directory(), '.gone'), join(directory(), '.incoming'));
    }
    await copy('copied');
    expect(readdirSync('/dev/fd').length).toBeLessThan(open + 10);
  });
});

describe('addresses', () => {
  it('that cannot be read are refused', async () => {
    const answer = await fetch(`${withKey(started.aws)}/${Bucket}/%E0%A4%A`);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('InvalidURI');
  });
});
