// What migrations do with many S3 objects: go through them page by page, delete them, copy them. Import it as
// `odin-migrate/s3`.
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NotFound,
  paginateListObjectsV2,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pMap from 'p-map';
import { describeThrown, OdinError } from '../core/errors.ts';

export interface ListedObject {
  key: string;
  /** Bytes. */
  size: number;
  /** In its quotation marks, as S3 has it. */
  etag: string;
}

/** Where a listing goes on; `done` and `total` count objects. */
export interface PageCursor {
  after: string;
  done: number;
  total?: number | undefined;
}

export interface Page {
  /** At least one, in the order of their keys. */
  objects: ListedObject[];
  /** To be yielded when the page is done with. */
  checkpoint: { cursor: PageCursor; done: number; total?: number };
}

export interface Listing {
  s3: S3Client;
  bucket: string;
  prefix?: string | undefined;
  /** The cursor of the last page that is done with: what `migration(resume)` is given. */
  resume?: PageCursor | undefined;
  /** Objects per page, 1 to 1,000, which is the default. */
  pageSize?: number | undefined;
  /** Lists everything once before the first page, so that the checkpoints have a total: one request per 1,000 objects. */
  counted?: boolean | undefined;
}

/**
 * The objects under a prefix in the order of their keys, page by page. An object that is created meanwhile, with a key after
 * the cursor, is listed too: write your output under another prefix.
 */
export async function* pages(listing: Listing): AsyncGenerator<Page, void, undefined> {
  const { resume, pageSize = 1000, counted = false } = listing;
  const total = resume ? resume.total : counted ? await count(listing) : undefined;
  let done = resume?.done ?? 0;
  for await (const objects of list(listing, pageSize, resume?.after)) {
    done += objects.length;
    const counts = total === undefined ? { done } : { done, total };
    yield { objects, checkpoint: { cursor: { after: objects.at(-1)?.key ?? '', ...counts }, ...counts } };
  }
}

async function count(listing: Listing): Promise<number> {
  let objects = 0;
  for await (const page of list(listing, 1000, undefined)) objects += page.length;
  return objects;
}

async function* list(
  { s3, bucket, prefix }: Listing,
  pageSize: number,
  after: string | undefined,
): AsyncGenerator<ListedObject[], void, undefined> {
  const where = { Bucket: bucket, Prefix: prefix, StartAfter: after };
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3, pageSize }, where)) {
    const objects = Contents.map(({ Key = '', Size = 0, ETag = '' }) => ({ key: Key, size: Size, etag: ETag }));
    if (objects.length > 0) yield objects;
  }
}

/** Some of the objects could not be dealt with; the others were. */
export class ObjectsFailed extends OdinError {
  /** All of them; the message names the first ones. */
  readonly failures: readonly KeyFailure[];

  constructor(verb: string, failures: readonly KeyFailure[], of: number) {
    const shown = failures.slice(0, SHOWN).map(({ key, reason }) => `${key}: ${reason}`);
    if (failures.length > SHOWN) shown.push(`and ${failures.length - SHOWN} more`);
    const what = [`${failures.length} of ${of} objects could not be ${verb}:`, ...shown].join('\n  ');
    super({ code: 'ObjectsFailed', source: 'user', what });
    this.failures = failures;
  }
}

export interface KeyFailure {
  key: string;
  reason: string;
}

/** With the HTTP status of S3's answer: to a HEAD it says nothing else. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof OdinError) return thrown.what;
  const status = thrown instanceof S3ServiceException ? thrown.$metadata.httpStatusCode : undefined;
  return describeThrown(thrown) + (status === undefined ? '' : ` (HTTP ${status})`);
}

const SHOWN = 20;
/** The most that one DeleteObjects takes. */
const DELETE_BATCH = 1000;
const DELETES_AT_ONCE = 4;

/**
 * Deletes every key that can be deleted; a key that is not there counts as deleted.
 * @throws ObjectsFailed which names every key that could not be
 */
export async function deleteObjects({
  s3,
  bucket,
  keys,
}: {
  s3: S3Client;
  bucket: string;
  keys: readonly string[];
}): Promise<void> {
  const batches = Array.from({ length: Math.ceil(keys.length / DELETE_BATCH) }, (_, at) =>
    keys.slice(at * DELETE_BATCH, (at + 1) * DELETE_BATCH),
  );
  const failures = await pMap(
    batches,
    async (batch): Promise<KeyFailure[]> => {
      const Delete = { Objects: batch.map((Key) => ({ Key })), Quiet: true };
      try {
        // It answers 200 also when it could not delete some of the keys.
        const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }));
        return Errors.map(({ Key = '', Code = 'no code', Message = '' }) => ({
          key: Key,
          reason: `${Code} ${Message}`,
        }));
      } catch (thrown) {
        return batch.map((key) => ({ key, reason: reasonOf(thrown) }));
      }
    },
    { concurrency: DELETES_AT_ONCE },
  );
  if (failures.flat().length > 0) throw new ObjectsFailed('deleted', failures.flat(), keys.length);
}

export interface Copies {
  s3: S3Client;
  bucket: string;
  objects: readonly ListedObject[];
  /** The key that each is copied to. */
  to: (key: string) => string;
  /** The bucket that they are copied to; the same one without it. */
  toBucket?: string | undefined;
  /** Copies at the same time; 16 without it. */
  concurrency?: number | undefined;
}

/** CopyObject takes 5 GB. */
const MAX_COPY_BYTES = 5 * 1024 ** 3;

/**
 * Copies every object that can be copied, as it was listed, and makes sure that the copy is what the source is. What was
 * copied before is not copied again.
 * @throws ObjectsFailed which names every key that could not be: changed since it was listed, over 5 GB, denied, …
 */
export async function copyObjects(copies: Copies): Promise<void> {
  const { objects, concurrency = 16 } = copies;
  const failures = await pMap(
    objects,
    async (object): Promise<KeyFailure[]> => {
      try {
        await copyVerified(copies, object);
        return [];
      } catch (thrown) {
        return [{ key: object.key, reason: reasonOf(thrown) }];
      }
    },
    { concurrency },
  );
  if (failures.flat().length > 0) throw new ObjectsFailed('copied', failures.flat(), objects.length);
}

async function copyVerified(copies: Copies, source: ListedObject): Promise<void> {
  const { s3, bucket, to, toBucket = bucket } = copies;
  const target = { Bucket: toBucket, Key: to(source.key) };
  if (await isCopy(copies, source, target)) return;
  if (source.size > MAX_COPY_BYTES) {
    throw cannotCopy(`it has ${source.size} bytes, and CopyObject takes 5 GB: copy it by a multipart upload`);
  }
  const CopySource = [bucket, ...source.key.split('/')].map(encodeURIComponent).join('/');
  await s3.send(new CopyObjectCommand({ ...target, CopySource, CopySourceIfMatch: source.etag }));
  if (!(await isCopy(copies, source, target))) {
    throw cannotCopy(`s3://${target.Bucket}/${target.Key} differs from it, or is gone, after it was copied`);
  }
}

const cannotCopy = (what: string): OdinError => new OdinError({ code: 'ObjectsFailed', source: 'user', what });

async function isCopy(
  { s3, bucket }: Copies,
  source: ListedObject,
  target: { Bucket: string; Key: string },
): Promise<boolean> {
  try {
    const { ContentLength, ETag } = await s3.send(new HeadObjectCommand(target));
    if (ContentLength !== source.size) return false;
    // The ETag of a multipart upload, or of an object under a KMS key, is not its MD5. So equal ETags prove that the
    // contents are equal, but different ones prove nothing.
    if (ETag === source.etag) return true;
  } catch (thrown) {
    if (thrown instanceof NotFound) return false;
    throw thrown;
  }
  return (await sha256(s3, { Bucket: bucket, Key: source.key })) === (await sha256(s3, target));
}

async function sha256(s3: S3Client, object: { Bucket: string; Key: string }): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand(object));
  const hash = createHash('sha256');
  await pipeline(Body as Readable, hash);
  return hash.digest('hex');
}
