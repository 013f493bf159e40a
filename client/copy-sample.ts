// Real data for a local run: a bounded sample of what is under an S3 prefix, read with the user's own credentials and put
// into the embedded S3 under the same bucket and keys.
import type { S3Client } from '@aws-sdk/client-s3';
import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchBucket,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { OdinError } from '../core/errors.ts';
import { listedKey } from '../core/text/listed-key.ts';
import { parseS3Url } from './s3-url.ts';

export interface Sample {
  url: string;
  /** What was copied. */
  objects: number;
  bytes: number;
  /** How many objects were seen; `more` when there are others that were not looked at. */
  listed: number;
  more: boolean;
}

export interface SampleOptions {
  /** Read only. */
  from: S3Client;
  to: S3Client;
  url: string;
  /** At most so many objects, spread evenly over those listed, and so many bytes. */
  objects: number;
  bytes: number;
  onProgress: (text: string) => void;
}

export const DEFAULT_SAMPLE_OBJECTS = 200;
export const DEFAULT_SAMPLE_MB = 256;

/** A prefix may have millions: so many keys are listed, and the sample is taken from them. */
const MAX_LISTED = 20_000;

/** @throws OdinError BadUsage when there is nothing to copy, or objects of an earlier run are there */
export async function copySample({ from, to, url, objects, bytes, onProgress }: SampleOptions): Promise<Sample> {
  const { bucket, prefix } = parseS3Url(url);
  await assertNothingThere(to, bucket, prefix, url);
  onProgress(`Listing ${url}`);
  const { found, more } = await list(from, bucket, prefix);
  if (found.length === 0) {
    throw new OdinError({ code: 'BadUsage', source: 'user', what: `There is no object under ${url}.` });
  }
  const chosen = within(bytes, spread(found, objects));
  if (chosen.length === 0) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `Every object that was looked at under ${url} is over the limit of ${bytes / 1e6} MB.`,
      next: 'Allow more with --sample-mb.',
    });
  }
  await createBucket(to, bucket);
  let done = 0;
  await pMap(
    chosen,
    async ({ key }) => {
      await copy(from, to, bucket, key);
      done += 1;
      onProgress(`Copying from ${url}: ${done} of ${chosen.length} objects`);
    },
    { concurrency: 8 },
  );
  return { url, objects: chosen.length, bytes: sumOf(chosen), listed: found.length, more };
}

interface Found {
  key: string;
  size: number;
}

async function list(s3: S3Client, bucket: string, prefix: string): Promise<{ found: Found[]; more: boolean }> {
  const found: Found[] = [];
  const asked = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' } as const;
  for await (const page of paginateListObjectsV2({ client: s3 }, asked)) {
    for (const { Key = '', Size = 0 } of page.Contents ?? []) found.push({ key: listedKey(Key), size: Size });
    if (found.length >= MAX_LISTED) return { found, more: page.IsTruncated ?? false };
  }
  return { found, more: false };
}

/** Evenly over the whole list: the first of each of so many parts of it. */
const spread = (found: readonly Found[], count: number): Found[] =>
  found.filter(
    (_, index) => Math.floor((index * count) / found.length) !== Math.floor(((index - 1) * count) / found.length),
  );

/** Those that fit, in their order; one that is too big does not keep out the ones after it. */
function within(bytes: number, found: readonly Found[]): Found[] {
  let left = bytes;
  return found.filter(({ size }) => {
    if (size > left) return false;
    left -= size;
    return true;
  });
}

const sumOf = (found: readonly Found[]): number => found.reduce((sum, { size }) => sum + size, 0);

async function copy(from: S3Client, to: S3Client, bucket: string, key: string): Promise<void> {
  const object = await from.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const { Body, ContentLength, ContentType, ContentEncoding, ContentDisposition, CacheControl, Metadata } = object;
  await to.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: Body ?? '',
      ContentLength,
      ContentType,
      ContentEncoding,
      ContentDisposition,
      CacheControl,
      Metadata,
    }),
  );
}

async function assertNothingThere(to: S3Client, bucket: string, prefix: string, url: string): Promise<void> {
  const there = await to
    .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1, EncodingType: 'url' }))
    .then(
      ({ KeyCount = 0 }) => KeyCount > 0,
      (thrown: unknown) => {
        if (thrown instanceof NoSuchBucket) return false;
        throw thrown;
      },
    );
  if (!there) return;
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: `There are objects under ${url} on this machine already, as the last run left them.`,
    next: 'Run without --data to go on with them, or begin anew with --fresh.',
  });
}

async function createBucket(s3: S3Client, bucket: string): Promise<void> {
  try {
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (thrown) {
    if (!(thrown instanceof BucketAlreadyOwnedByYou)) throw thrown;
  }
}
