// An object of many TB is copied over several attempts: the parts that a function had copied before its time was over are there, in
// an upload that nobody completed. It is found again, and gone on with.
import type { CompletedPart, MultipartUpload } from '@aws-sdk/client-s3';
import { ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Access, Head, ObjectAddress } from './beside.ts';
import { CHECKSUMS, uriOf } from './beside.ts';

export type UploadAddress = ObjectAddress & { UploadId: string };

export interface Unfinished {
  upload: UploadAddress;
  /** By their numbers; each has the size that it is to have. */
  parts: Map<number, CompletedPart>;
}

/** Uploads of copies that go on in this process: no other copy goes on with them. */
const GOING_ON = new Set<string>();

export async function goingOn<T>({ UploadId }: UploadAddress, work: () => Promise<T>): Promise<T> {
  GOING_ON.add(UploadId);
  try {
    return await work();
  } finally {
    GOING_ON.delete(UploadId);
  }
}

/**
 * @param own the upload that was just begun: by it one tells which others the same role has begun in the same way
 * @returns of those to the same key, begun since the source was put, the one with the most parts; undefined also when they may not be
 *   listed: then it begins with its first part
 */
export async function unfinishedCopy(
  access: Access,
  own: UploadAddress,
  source: Head,
  sizes: readonly number[],
): Promise<Unfinished | undefined> {
  const { s3, retries } = access;
  try {
    const { Uploads = [] } = await retries.again(`ListMultipartUploads of ${uriOf(own)}`, () =>
      s3.send(new ListMultipartUploadsCommand({ Bucket: own.Bucket, Prefix: own.Key })),
    );
    const begun = Uploads.find(({ UploadId }) => UploadId === own.UploadId);
    const since = source.LastModified?.getTime() ?? Infinity;
    let most: Unfinished | undefined;
    for (const { UploadId = '', Key, Initiated, ...how } of begun ? Uploads : []) {
      const isOther = Key !== own.Key || GOING_ON.has(UploadId);
      if (isOther || (Initiated?.getTime() ?? 0) < since || !begun || begunBy(how) !== begunBy(begun)) continue;
      const upload = { ...own, UploadId };
      const parts = await partsOf(access, upload, sizes);
      if (parts.size > (most?.parts.size ?? 0)) most = { upload, parts };
    }
    return most;
  } catch {
    return undefined;
  }
}

/** A role and a session's name, which Lambda makes the function's; and what an upload says of its object. */
const begunBy = ({ Initiator, StorageClass, ChecksumAlgorithm, ChecksumType }: MultipartUpload): unknown =>
  Initiator?.ID === undefined ? {} : JSON.stringify([Initiator.ID, StorageClass, ChecksumAlgorithm, ChecksumType]);

async function partsOf(
  { s3 }: Access,
  upload: UploadAddress,
  sizes: readonly number[],
): Promise<Map<number, CompletedPart>> {
  const found = new Map<number, CompletedPart>();
  for (let PartNumberMarker: string | undefined, goesOn = true; goesOn;) {
    const {
      Parts = [],
      IsTruncated = false,
      NextPartNumberMarker,
    } = await s3.send(new ListPartsCommand({ ...upload, PartNumberMarker }));
    goesOn = IsTruncated && NextPartNumberMarker !== undefined;
    PartNumberMarker = NextPartNumberMarker;
    for (const { PartNumber = 0, ETag, Size, ...more } of Parts) {
      if (Size !== sizes[PartNumber - 1]) continue;
      const checksums = Object.fromEntries(CHECKSUMS.map(([, field]) => [field, more[field]]));
      found.set(PartNumber, { PartNumber, ETag, ...checksums });
    }
  }
  return found;
}

/** The ETag that S3 will give to an object of these parts, unless it is under a key of KMS: the MD5 of their MD5s. */
export function etagOfParts(parts: readonly CompletedPart[]): string {
  const md5s = parts.map(({ ETag = '' }) => Buffer.from(ETag.replaceAll('"', ''), 'hex'));
  return `"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${parts.length}"`;
}
