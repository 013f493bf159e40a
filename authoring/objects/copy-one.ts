// The copy of one object, within S3, with all that it has.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart, CopyPartResult } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import type { Access, Head, ObjectAddress } from './beside.ts';
import { CHANGED, CHECKSUMS, head, isKms, lockOf, tagsOf, uriOf } from './beside.ts';
import { refused } from './failures.ts';

/** What has to hold of the target: `*`, that nothing is there; an ETag, that this is what is there. */
export type Expected = { IfNoneMatch: '*' } | { IfMatch: string };

const PARTS_AT_ONCE = 8;
/** CopyObject takes 5 GB. Only of an object whose parts S3 does not tell: what is larger has parts. */
const MAX_WHOLE_BYTES = 5 * 1024 ** 3;
const PART_BYTES = 1024 ** 3;

/**
 * An object that was uploaded in parts is copied in the same parts: then its ETag and its checksums are those of its source,
 * and its size does not matter.
 * @returns the ETag of the copy
 */
export async function copyBytes(
  access: Access,
  [source, target]: readonly [ObjectAddress, ObjectAddress],
  found: Head,
  expected: Expected,
): Promise<string | undefined> {
  const sizes = await partSizes(access, source, found);
  return sizes
    ? copyInParts(access, [source, target], found, sizes, expected)
    : copyWhole(access, [source, target], found, expected);
}

async function copyWhole(
  { s3, retries }: Access,
  [source, target]: readonly [ObjectAddress, ObjectAddress],
  found: Head,
  expected: Expected,
): Promise<string | undefined> {
  const { CopyObjectResult } = await retries.again(`CopyObject to ${uriOf(target)}`, () =>
    s3.send(
      new CopyObjectCommand({
        ...target,
        ...ownOf(found),
        ...expected,
        CopySource: copySource(source),
        CopySourceIfMatch: found.ETag,
      }),
    ),
  );
  return CopyObjectResult?.ETag;
}

/** What no copy takes over by itself (docs/aws-facts.md). */
const ownOf = (found: Head) => ({
  StorageClass: found.StorageClass,
  WebsiteRedirectLocation: found.WebsiteRedirectLocation,
  ServerSideEncryption: isKms(found) ? found.ServerSideEncryption : undefined,
  SSEKMSKeyId: isKms(found) ? found.SSEKMSKeyId : undefined,
  BucketKeyEnabled: isKms(found) ? found.BucketKeyEnabled : undefined,
  ObjectLockMode: lockOf(found)?.mode,
  ObjectLockRetainUntilDate: lockOf(found)?.until,
  ObjectLockLegalHoldStatus: found.ObjectLockLegalHoldStatus === 'ON' ? ('ON' as const) : undefined,
});

/** Undefined for an object that was put in one piece. */
async function partSizes(access: Access, source: ObjectAddress, found: Head): Promise<number[] | undefined> {
  const { ETag = '', ContentLength: size = 0 } = found;
  if (!/-\d+"$/.test(ETag) || size === 0) return undefined;
  const part = async (PartNumber: number) => {
    const { PartsCount, ContentLength = 0 } = (await head(access, source, { IfMatch: ETag, PartNumber })) ?? {};
    return { count: PartsCount, size: ContentLength };
  };
  const { count, size: first } = await part(1);
  if (count === undefined) return size > MAX_WHOLE_BYTES ? evenly(size, PART_BYTES) : undefined;
  if (Math.ceil(size / first) === count) return evenly(size, first);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return pMap(numbers, async (number) => (await part(number)).size, { concurrency: PARTS_AT_ONCE });
}

const evenly = (size: number, part: number): number[] =>
  Array.from({ length: Math.ceil(size / part) }, (_, index) => Math.min(part, size - index * part));

async function copyInParts(
  access: Access,
  [source, target]: readonly [ObjectAddress, ObjectAddress],
  found: Head,
  sizes: readonly number[],
  expected: Expected,
): Promise<string | undefined> {
  const { s3, retries } = access;
  if (found.MissingMeta)
    throw refused(`it has ${found.MissingMeta} metadata that HTTP cannot show, and no copy in parts has`);
  const [ChecksumAlgorithm] = CHECKSUMS.find(([, field]) => found[field] !== undefined) ?? [];
  const { UploadId } = await retries.again(`CreateMultipartUpload of ${uriOf(target)}`, async () =>
    s3.send(
      new CreateMultipartUploadCommand({
        ...target,
        ...ownOf(found),
        ContentType: found.ContentType,
        ContentEncoding: found.ContentEncoding,
        ContentLanguage: found.ContentLanguage,
        ContentDisposition: found.ContentDisposition,
        CacheControl: found.CacheControl,
        Expires: found.ExpiresString === undefined ? undefined : new Date(found.ExpiresString),
        Metadata: found.Metadata,
        Tagging: await tagsOf(access, source),
        ChecksumAlgorithm,
        ChecksumType: ChecksumAlgorithm && found.ChecksumType,
      }),
    ),
  );
  const upload = { ...target, UploadId };
  try {
    const Parts = await copyParts(access, source, upload, found, sizes);
    const { ETag } = await retries.again(`CompleteMultipartUpload of ${uriOf(target)}`, () =>
      s3.send(new CompleteMultipartUploadCommand({ ...upload, ...expected, MultipartUpload: { Parts } })),
    );
    return ETag;
  } catch (thrown) {
    // Its parts would be paid for until somebody looks for them. Where that is denied, a rule of the bucket has to do it.
    await s3.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw thrown;
  }
}

function copyParts(
  { s3, retries }: Access,
  source: ObjectAddress,
  upload: ObjectAddress & { UploadId: string | undefined },
  found: Head,
  sizes: readonly number[],
): Promise<CompletedPart[]> {
  let start = 0;
  const ranges = sizes.map((size) => {
    start += size;
    return `bytes=${start - size}-${start - 1}`;
  });
  return pMap(
    ranges,
    async (CopySourceRange, index) => {
      const part = { PartNumber: index + 1, CopySourceRange };
      const { CopyPartResult: copied = {} } = await retries.again(`UploadPartCopy to ${uriOf(upload)}`, () =>
        s3.send(
          new UploadPartCopyCommand({
            ...upload,
            ...part,
            CopySource: copySource(source),
            CopySourceIfMatch: found.ETag,
          }),
        ),
      );
      return { PartNumber: part.PartNumber, ETag: copied.ETag, ...checksumsOf(copied) };
    },
    { concurrency: PARTS_AT_ONCE },
  );
}

const checksumsOf = (copied: CopyPartResult): Partial<CompletedPart> =>
  Object.fromEntries(CHECKSUMS.map(([, field]) => [field, copied[field]]));

function copySource({ Bucket, Key }: ObjectAddress): string {
  const path = Bucket.startsWith('arn:') ? `${Bucket}/object/${Key}` : `${Bucket}/${Key}`;
  return path.split('/').map(encodeURIComponent).join('/');
}

/** @throws OdinError ObjectsFailed for what has to be restored before anybody can copy it */
export function checkReadable({ StorageClass, ArchiveStatus, Restore }: Head): void {
  const archived = ArchiveStatus ?? (/^(GLACIER|DEEP_ARCHIVE)$/.test(StorageClass ?? '') ? StorageClass : undefined);
  if (archived === undefined || Restore?.includes('ongoing-request="false"')) return;
  throw refused(
    Restore === undefined
      ? `it is archived (${archived}): restore it (RestoreObject), and retry when that is done`
      : `it is archived (${archived}), and its restore is under way: retry when that is done`,
  );
}

/** @throws OdinError ObjectsFailed */
export function checkAsListed(found: Head | undefined, { size }: { size: number }): Head {
  if (!found) throw refused('it is gone since it was listed (NoSuchKey)');
  if (found.ContentLength !== size) throw refused(CHANGED);
  return found;
}
