// Ingest everything that Cubic ever delivered once more: move the archive back under the incoming prefix.
// No source is deleted before every copy is verified, so a crash at any point loses nothing and it can run again.

import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NotFound,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';

export const description = 'Move odin/archive/cubic/ back to odin/incoming/cubic/ to ingest it again';
export const timeoutMinutes = 15;
export const memoryMB = 512;
export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::odin-sample-data'] },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:DeleteObject'],
    Resource: ['arn:aws:s3:::odin-sample-data/odin/archive/cubic/*'],
  },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:PutObject'],
    Resource: ['arn:aws:s3:::odin-sample-data/odin/incoming/cubic/*'],
  },
];

const ARCHIVE = 'odin/archive/cubic/';
const INCOMING = 'odin/incoming/cubic/';
const DELETE_BATCH = 1000; // the most that one DeleteObjects takes

const s3 = new S3Client({});

interface Source {
  key: string;
  size: number;
  etag: string;
}

export async function migration(): Promise<void> {
  const { DATA_BUCKET: bucket } = process.env;
  if (!bucket) throw new Error('DATA_BUCKET is not set: name the bucket in the variables of this environment');

  const sources = await listArchive(bucket);
  console.log(`${sources.length} files under ${ARCHIVE} to move`);

  await pMap(sources, (source) => copyVerified(bucket, source), { concurrency: 16 });
  console.log(`${sources.length} copies under ${INCOMING} verified, deleting the sources`);

  for (let start = 0; start < sources.length; start += DELETE_BATCH) {
    await deleteSources(bucket, sources.slice(start, start + DELETE_BATCH));
  }
  console.log(`${sources.length} files moved`);
}

async function listArchive(bucket: string): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: ARCHIVE })) {
    for (const { Key, Size, ETag } of page.Contents ?? []) sources.push({ key: Key!, size: Size!, etag: ETag! });
  }
  return sources;
}

async function copyVerified(bucket: string, source: Source): Promise<void> {
  const target = INCOMING + source.key.slice(ARCHIVE.length);
  if (await isCopy(bucket, source, target)) return;

  const CopySource = [bucket, ...source.key.split('/')].map(encodeURIComponent).join('/');
  await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: target, CopySource, CopySourceIfMatch: source.etag }));
  if (!(await isCopy(bucket, source, target))) {
    throw new Error(`${target} differs from ${source.key}, or is gone, after it was copied: no source was deleted`);
  }
}

async function isCopy(bucket: string, source: Source, target: string): Promise<boolean> {
  try {
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: target }));
    if (head.ContentLength !== source.size) return false;
    // The ETag of a multipart upload, or of an object under a KMS key, is not its MD5. So equal ETags prove that the
    // contents are equal, but different ones prove nothing.
    if (head.ETag === source.etag) return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
  return (await sha256(bucket, source.key)) === (await sha256(bucket, target));
}

async function sha256(bucket: string, key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const hash = createHash('sha256');
  await pipeline(Body as NodeJS.ReadableStream, hash);
  return hash.digest('hex');
}

async function deleteSources(bucket: string, sources: Source[]): Promise<void> {
  const Objects = sources.map(({ key }) => ({ Key: key }));
  const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
  // DeleteObjects answers 200 even when it could not delete some of the keys.
  if (Errors.length > 0) {
    const reasons = Errors.map(({ Key, Code, Message }) => `  ${Key}: ${Code} ${Message}`);
    throw new Error(`${Errors.length} of ${sources.length} files could not be deleted:\n${reasons.join('\n')}`);
  }
}
