// Deletes of many objects.
import type { _Error as S3Error, S3Client } from '@aws-sdk/client-s3';
import { DeleteObjectCommand, DeleteObjectsCommand, HeadObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { isReadAsEmpty } from '../../core/text/listed-key.ts';
import type { ObjectFailure } from './failures.ts';
import { failureOf, notBegun, refused, statusOf, throwIfAny } from './failures.ts';
import type { ListedObject } from './listing.ts';
import { BUCKET, CLIENT, KEYS, OBJECTS, checkOptions, wrong } from './options.ts';
import { passes, Retries } from './retries.ts';

/** Of one bucket, by `keys` or by `objects`. */
export interface Deletions {
  s3: S3Client;
  bucket: string;
  /** Deletes what is there under these keys, whatever it is. */
  keys?: readonly string[] | undefined;
  /** Deletes these as they were listed, and not what was put under their keys since. Needs `s3:GetObject` too. */
  objects?: readonly ListedObject[] | undefined;
}

interface Doomed {
  Key: string;
  ETag?: string | undefined;
}

interface Deleting {
  s3: S3Client;
  bucket: string;
  retries: Retries;
}

/** The most that one DeleteObjects takes. */
const BATCH = 1_000;
const BATCHES_AT_ONCE = 4;
const SINGLE_AT_ONCE = 16;

/** What XML 1.0 cannot hold, and with it no DeleteObjects: S3 would refuse all that are named beside it. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

/**
 * Deletes every one that can be deleted; what is not there counts as deleted.
 * @throws ObjectsFailed which names every key that could not be; OdinError BadArgument
 */
export async function deleteObjects(deletions: Deletions): Promise<void> {
  checkOptions('deleteObjects', deletions, {
    required: { s3: CLIENT, bucket: BUCKET },
    optional: { keys: KEYS, objects: OBJECTS },
  });
  const { s3, bucket, keys, objects } = deletions;
  if ((keys === undefined) === (objects === undefined)) {
    throw wrong('deleteObjects', 'expected keys or objects, found both or neither');
  }
  const all: Doomed[] =
    keys?.map((Key) => ({ Key })) ?? (objects ?? []).map(({ key, etag }) => ({ Key: key, ETag: etag }));
  // An error that the answer names one of line breaks alone by would be nobody's.
  const isSingle = ({ Key }: Doomed) => NOT_XML.test(Key) || isReadAsEmpty(Key);
  const single = all.filter(isSingle);
  const others = single.length === 0 ? all : all.filter((doomed) => !isSingle(doomed));
  const batches = Array.from({ length: Math.ceil(others.length / BATCH) }, (_, at) =>
    others.slice(at * BATCH, (at + 1) * BATCH),
  );
  const deleting = { s3, bucket, retries: new Retries() };
  const failures = [
    ...(await pMap(batches, (batch) => deleteBatch(deleting, batch), { concurrency: BATCHES_AT_ONCE })),
    ...(await pMap(single, (one) => deleteSingle(deleting, one), { concurrency: SINGLE_AT_ONCE })),
  ].flat();
  deleting.retries.tell();
  throwIfAny('deleted', failures, all.length);
}

async function deleteBatch(deleting: Deleting, batch: readonly Doomed[]): Promise<ObjectFailure[]> {
  const { s3, bucket, retries } = deleting;
  if (retries.gaveUp) return batch.map(({ Key }) => notBegun(Key));
  const failures: ObjectFailure[] = [];
  let left = batch;
  try {
    await retries.again(`DeleteObjects of s3://${bucket}/`, async () => {
      const Delete = { Objects: [...left], Quiet: true };
      // It answers 200 also when it could not delete some of the keys.
      const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }));
      const again = new Set<string>();
      for (const { Key = '', Code = 'no code', Message = '' } of Errors) {
        if (passes(Code)) again.add(Key);
        else if (Code === 'PreconditionFailed')
          failures.push(...(await failuresOf(Key, () => sayWhatChanged(deleting, Key))));
        else if (Code !== 'NoSuchKey') failures.push({ key: Key, reason: `${Code} ${Message}`, slowed: false });
      }
      left = left.filter(({ Key }) => again.has(Key));
      const first = Errors.find(({ Code = '' }) => passes(Code));
      if (first) throw asException(first);
    });
  } catch (thrown) {
    failures.push(...left.map(({ Key }) => failureOf(Key, thrown)));
  }
  return failures;
}

/** An error in a 200, as if it had come by itself. */
const asException = ({ Code = '', Message: message = '' }: S3Error): S3ServiceException =>
  new S3ServiceException({ name: Code, message, $fault: 'server', $metadata: {} });

const deleteSingle = async (deleting: Deleting, { Key, ETag }: Doomed): Promise<ObjectFailure[]> =>
  deleting.retries.gaveUp ? [notBegun(Key)] : failuresOf(Key, () => deleteOne(deleting, Key, ETag));

async function failuresOf(key: string, work: () => Promise<void>): Promise<ObjectFailure[]> {
  try {
    await work();
    return [];
  } catch (thrown) {
    return [failureOf(key, thrown)];
  }
}

/**
 * @param etag without it, whatever is there
 * @throws OdinError ObjectsFailed when something else is there by now
 */
export async function deleteOne(deleting: Deleting, key: string, etag: string | undefined): Promise<void> {
  const { s3, bucket, retries } = deleting;
  try {
    await retries.again(`DeleteObject of s3://${bucket}/${key}`, () =>
      s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag })),
    );
  } catch (thrown) {
    // The answer of an earlier try may have been lost: then it is gone.
    if (statusOf(thrown) === 412) await sayWhatChanged(deleting, key);
    else if (statusOf(thrown) !== 404 || (thrown as Error).name === 'NoSuchBucket') throw thrown;
  }
}

async function sayWhatChanged({ s3, bucket, retries }: Deleting, key: string): Promise<void> {
  try {
    await retries.again(`HeadObject of s3://${bucket}/${key}`, () =>
      s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })),
    );
  } catch (thrown) {
    if (statusOf(thrown) === 404) return;
    throw thrown;
  }
  throw refused('it was put anew after it was listed, and what is there now was not deleted');
}
