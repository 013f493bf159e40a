// All that S3 keeps of an object besides its key: its bytes, by what S3 itself tells of them, and what stands beside them.
import type { HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, GetObjectTaggingCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reasonOf, refused, statusOf } from './failures.ts';
import type { Retries } from './retries.ts';

export type Head = HeadObjectCommandOutput;

export interface ObjectAddress {
  Bucket: string;
  Key: string;
}

/** A client with its retries. */
export interface Access {
  s3: S3Client;
  retries: Retries;
}

export const uriOf = ({ Bucket, Key }: ObjectAddress): string => `s3://${Bucket}/${Key}`;

/**
 * @param more e.g. `IfMatch`
 * @returns undefined when nothing is there
 * @throws OdinError ObjectsFailed
 */
export async function head(
  { s3, retries }: Access,
  place: ObjectAddress,
  more: { IfMatch?: string | undefined; PartNumber?: number | undefined } = {},
): Promise<Head | undefined> {
  const what = `HeadObject of ${uriOf(place)}`;
  try {
    return await retries.again(what, () =>
      s3.send(new HeadObjectCommand({ ...place, ...more, ChecksumMode: 'ENABLED' })),
    );
  } catch (thrown) {
    if (statusOf(thrown) === 404) return undefined;
    if (statusOf(thrown) === 412) throw refused(CHANGED, thrown);
    throw refused(`${what}: ${reasonOf(thrown)}`, thrown);
  }
}

export const CHANGED = 'it changed since it was listed (HTTP 412)';

/** The tags, in the order of their names, as a query. */
export async function tagsOf({ s3, retries }: Access, place: ObjectAddress): Promise<string> {
  const what = `GetObjectTagging of ${uriOf(place)}`;
  try {
    const { TagSet = [] } = await retries.again(what, () => s3.send(new GetObjectTaggingCommand(place)));
    const tags = TagSet.map(({ Key = '', Value = '' }): [string, string] => [Key, Value]);
    tags.sort(([a], [b]) => (a < b ? -1 : 1));
    return new URLSearchParams(tags).toString();
  } catch (thrown) {
    const hint =
      statusOf(thrown) === 403 ? ': grant s3:GetObjectTagging, without which nobody can say whether it has tags' : '';
    throw refused(`${what}: ${reasonOf(thrown)}${hint}`, thrown);
  }
}

/** What is to be the same at a copy, besides its bytes and tags. */
const BESIDE: Readonly<Record<string, (head: Head) => unknown>> = {
  'content type': (head) => head.ContentType,
  'content encoding': (head) => head.ContentEncoding,
  'content language': (head) => head.ContentLanguage,
  'content disposition': (head) => head.ContentDisposition,
  'cache control': (head) => head.CacheControl,
  expires: (head) => head.ExpiresString,
  metadata: (head) => JSON.stringify(Object.entries(head.Metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))),
  'metadata that HTTP cannot show': (head) => head.MissingMeta ?? 0,
  'website redirect': (head) => head.WebsiteRedirectLocation,
  'storage class': (head) => head.StorageClass ?? 'STANDARD',
  'number of tags': (head) => head.TagCount ?? 0,
};

/** What a copy must have if its source has it; a bucket may give more of it by itself. */
const AT_LEAST: Readonly<Record<string, (head: Head) => unknown>> = {
  'KMS key': (head) => (isKms(head) ? `${head.ServerSideEncryption} ${head.SSEKMSKeyId}` : undefined),
  'object lock': (head) => lockOf(head) && JSON.stringify(lockOf(head)),
  'legal hold': (head) => (head.ObjectLockLegalHoldStatus === 'ON' ? 'ON' : undefined),
};

export const isKms = ({ ServerSideEncryption: how }: Pick<Head, 'ServerSideEncryption'>): boolean =>
  how?.startsWith('aws:kms') ?? false;

/** A lock whose time has come locks nothing, and S3 does not take it for a copy. */
export function lockOf(head: Head): { mode: Head['ObjectLockMode']; until: Date } | undefined {
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until } = head;
  return mode && until && until.getTime() > Date.now() ? { mode, until } : undefined;
}

/** In words, what of the source the target does not have. */
export function differencesBeside(source: Head, target: Head): string[] {
  const differs = Object.entries(BESIDE).filter(([, of]) => of(source) !== of(target));
  const lacks = Object.entries(AT_LEAST).filter(([, of]) => of(source) !== undefined && of(source) !== of(target));
  return [...differs, ...lacks].map(([name]) => name);
}

export const CHECKSUMS = [
  ['CRC64NVME', 'ChecksumCRC64NVME'],
  ['CRC32C', 'ChecksumCRC32C'],
  ['CRC32', 'ChecksumCRC32'],
  ['SHA256', 'ChecksumSHA256'],
  ['SHA1', 'ChecksumSHA1'],
] as const;

/** Whether the bytes are the same, as far as S3 tells without that anybody reads them. */
export function sameBytes(source: Head, target: Head): boolean | 'unknown' {
  if (source.ContentLength !== target.ContentLength) return false;
  if (source.ContentLength === 0 || source.ETag === target.ETag) return true;
  if (isMd5(source) && isMd5(target)) return false;
  const [, field] = CHECKSUMS.find(([, each]) => source[each] !== undefined && target[each] !== undefined) ?? [];
  if (field === undefined || source.ChecksumType !== target.ChecksumType) return 'unknown';
  if (source[field] === target[field]) return true;
  // Of the same bytes in other parts a composite checksum is another one.
  return source.ChecksumType === 'FULL_OBJECT' ? false : 'unknown';
}

/** The ETag of an object in parts, or under a key of KMS or of the customer, is not the MD5 of its bytes. */
const isMd5 = (head: Head): boolean =>
  /^"[0-9a-f]{32}"$/.test(head.ETag ?? '') && !isKms(head) && head.SSECustomerAlgorithm === undefined;

/** Reads both, where S3 does not tell. */
export async function sameContents(
  access: Access,
  [source, target]: readonly [ObjectAddress, ObjectAddress],
): Promise<boolean> {
  const [a, b] = await Promise.all([sha256(access, source), sha256(access, target)]);
  return a === b;
}

function sha256({ s3, retries }: Access, place: ObjectAddress): Promise<string> {
  return retries.again(`GetObject of ${uriOf(place)}`, async () => {
    const { Body } = await s3.send(new GetObjectCommand(place));
    const hash = createHash('sha256');
    await pipeline(Body as Readable, hash);
    return hash.digest('hex');
  });
}
