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
import { isPassing, tell } from './retries.ts';
import type { UploadAddress } from './unfinished.ts';
import { etagOfParts, goingOn, unfinishedCopy } from './unfinished.ts';

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
export const ownOf = (found: Head) => ({
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
  anew = false,
): Promise<string | undefined> {
  const { s3, retries } = access;
  if (found.MissingMeta)
    throw refused(`it has ${found.MissingMeta} metadata that HTTP cannot show, and no copy in parts has`);
  const [ChecksumAlgorithm] = CHECKSUMS.find(([, field]) => found[field] !== undefined) ?? [];
  const begun = await retries.again(`CreateMultipartUpload of ${uriOf(target)}`, async () =>
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
  const own = { ...target, UploadId: begun.UploadId ?? '' };
  return goingOn(own, async () => {
    // Under a key of KMS the ETags of parts prove nothing.
    const earlier = anew || isKms(begun) ? undefined : await unfinishedCopy(access, own, found, sizes);
    if (!earlier) return (await filled(access, source, own, found, sizes, expected))?.ETag;
    await abort(access, own);
    const { upload, parts } = earlier;
    tell(
      `${uriOf(target)}: an earlier attempt has copied ${parts.size} of ${sizes.length} parts, and this one the others`,
    );
    const done = await goingOn(upload, () => filled(access, source, upload, found, sizes, expected, parts));
    if (done) return done.ETag;
    tell(`${uriOf(target)}: what an earlier attempt had copied was something else, and is dropped`);
    return copyInParts(access, [source, target], found, sizes, expected, true);
  });
}

/**
 * @param earlier parts that are there, which have to be those of the source
 * @returns undefined when they are not
 */
async function filled(
  access: Access,
  source: ObjectAddress,
  upload: UploadAddress,
  found: Head,
  sizes: readonly number[],
  expected: Expected,
  earlier?: ReadonlyMap<number, CompletedPart>,
): Promise<{ ETag: string | undefined } | undefined> {
  const { s3, retries } = access;
  try {
    const Parts = await copyParts(access, source, upload, found, sizes, earlier);
    if (earlier && etagOfParts(Parts) !== found.ETag) {
      await abort(access, upload);
      return undefined;
    }
    const { ETag } = await retries.again(`CompleteMultipartUpload of ${uriOf(upload)}`, () =>
      s3.send(new CompleteMultipartUploadCommand({ ...upload, ...expected, MultipartUpload: { Parts } })),
    );
    return { ETag };
  } catch (thrown) {
    // Of what passes, the next attempt goes on with its parts. Else they would be paid for until somebody looks for them.
    if (!isPassing(thrown)) await abort(access, upload);
    throw thrown;
  }
}

/** Where that is denied, a rule of the bucket has to do it. */
async function abort({ s3 }: Access, upload: UploadAddress): Promise<void> {
  await s3.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
}

/** When one fails no other is begun, and those that are under way are waited for: nothing lands after it has thrown. */
async function copyParts(
  { s3, retries }: Access,
  source: ObjectAddress,
  upload: UploadAddress,
  found: Head,
  sizes: readonly number[],
  earlier?: ReadonlyMap<number, CompletedPart>,
): Promise<CompletedPart[]> {
  let start = 0;
  const ranges = sizes.map((size) => {
    start += size;
    return `bytes=${start - size}-${start - 1}`;
  });
  const failures: unknown[] = [];
  const copy = async (PartNumber: number, CopySourceRange: string): Promise<CompletedPart> => {
    const { CopyPartResult: copied = {} } = await retries.again(`UploadPartCopy to ${uriOf(upload)}`, () =>
      s3.send(
        new UploadPartCopyCommand({
          ...upload,
          PartNumber,
          CopySourceRange,
          CopySource: copySource(source),
          CopySourceIfMatch: found.ETag,
        }),
      ),
    );
    return { PartNumber, ETag: copied.ETag, ...checksumsOf(copied) };
  };
  const parts = await pMap(
    ranges,
    async (range, index) => {
      const there = earlier?.get(index + 1);
      if (there || failures.length > 0) return there;
      return copy(index + 1, range).catch((thrown: unknown) => {
        failures.push(thrown);
        return undefined;
      });
    },
    { concurrency: PARTS_AT_ONCE },
  );
  if (failures.length > 0) throw failures[0];
  return parts.flatMap((part) => part ?? []);
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
