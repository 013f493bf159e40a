// Real data for a local run: a bounded sample of what is under an S3 prefix, read with the user's own credentials and put
// into the embedded S3 under the same bucket and keys.
import type { S3Client } from '@aws-sdk/client-s3';
import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  GetObjectCommand,
  InvalidObjectState,
  ListObjectsV2Command,
  NoSuchBucket,
  NoSuchKey,
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
  /** Chosen, and not copied: gone since they were listed, or archived. */
  gone: number;
  archived: number;
  /** How many objects were seen; `more` when there are others that were not looked at. */
  listed: number;
  more: boolean;
}

export interface SampleOptions {
  /** Read only. */
  from: S3Client;
  url: string;
  /** At most so many objects, spread evenly over those listed, and so many bytes. */
  objects: number;
  bytes: number;
  onProgress: (text: string) => void;
}

/** What is to be copied, and how. */
export interface ChosenSample extends SampleOptions {
  bucket: string;
  prefix: string;
  chosen: SampleObject[];
  listed: number;
  more: boolean;
}

export const DEFAULT_SAMPLE_OBJECTS = 200;
export const DEFAULT_SAMPLE_MB = 256;

/** A prefix may have millions: so many keys are listed, and the sample is taken from them. */
const MAX_LISTED = 20_000;

/** Before anything is changed here. @throws OdinError BadUsage when there is nothing to copy; NoCredentials and the like */
export async function chooseSample(options: SampleOptions): Promise<ChosenSample> {
  const { from, url, objects, bytes, onProgress } = options;
  const { bucket, prefix } = parseS3Url(url);
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
  return { ...options, bucket, prefix, chosen, listed: found.length, more };
}

/** @throws OdinError BadUsage when objects of an earlier run are there, or none of those that were chosen can be copied */
export async function copySample(sample: ChosenSample, to: S3Client): Promise<Sample> {
  const { from, url, bucket, prefix, chosen, listed, more, onProgress } = sample;
  await assertNothingThere(to, bucket, prefix, url);
  await createBucket(to, bucket);
  const leftOut = { gone: 0, archived: 0 };
  const copied: SampleObject[] = [];
  await pMap(
    chosen,
    async (object) => {
      const left = await copy(from, to, bucket, object.key);
      if (left) leftOut[left] += 1;
      else copied.push(object);
      onProgress(`Copying from ${url}: ${copied.length} of ${chosen.length} objects`);
    },
    { concurrency: 8 },
  );
  if (copied.length > 0) return { url, objects: copied.length, bytes: sumOf(copied), ...leftOut, listed, more };
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: `None of the ${chosen.length} objects that were chosen under ${url} can be copied: ${leftOut.gone} are gone, ${leftOut.archived} are archived.`,
    next: 'Restore those that are archived (RestoreObject), or name another prefix.',
  });
}

export interface SampleObject {
  key: string;
  size: number;
}

async function list(s3: S3Client, bucket: string, prefix: string): Promise<{ found: SampleObject[]; more: boolean }> {
  const found: SampleObject[] = [];
  const asked = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' } as const;
  try {
    for await (const page of paginateListObjectsV2({ client: s3 }, asked)) {
      for (const { Key = '', Size = 0 } of page.Contents ?? []) found.push({ key: listedKey(Key), size: Size });
      if (found.length >= MAX_LISTED) return { found, more: page.IsTruncated ?? false };
    }
  } catch (thrown) {
    if (!(thrown instanceof NoSuchBucket)) throw thrown;
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `There is no bucket ${bucket} where these credentials lead.`,
      next: 'Check its name, --profile and --region.',
      cause: thrown,
    });
  }
  return { found, more: false };
}

/** Evenly over the whole list: the first of each of so many parts of it. */
const spread = (found: readonly SampleObject[], count: number): SampleObject[] =>
  found.filter(
    (_, index) => Math.floor((index * count) / found.length) !== Math.floor(((index - 1) * count) / found.length),
  );

/** Those that fit, in their order; one that is too big does not keep out the ones after it. */
function within(bytes: number, found: readonly SampleObject[]): SampleObject[] {
  let left = bytes;
  return found.filter(({ size }) => {
    if (size > left) return false;
    left -= size;
    return true;
  });
}

const sumOf = (found: readonly SampleObject[]): number => found.reduce((sum, { size }) => sum + size, 0);

/** @returns why it was not copied */
async function copy(
  from: S3Client,
  to: S3Client,
  bucket: string,
  key: string,
): Promise<'gone' | 'archived' | undefined> {
  let object;
  try {
    object = await from.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  } catch (thrown) {
    if (thrown instanceof NoSuchKey) return 'gone';
    if (thrown instanceof InvalidObjectState) return 'archived';
    throw thrown;
  }
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
  return undefined;
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
