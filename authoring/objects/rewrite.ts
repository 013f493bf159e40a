// Rewrites the bytes of many objects: each is read, changed as a stream, and written if it is still what was read.
import type { S3Client } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import pMap from 'p-map';
import type { Access, Head, ObjectAddress } from './beside.ts';
import { CHANGED, head, tagsOf, uriOf } from './beside.ts';
import type { Expected } from './copy-one.ts';
import { checkReadable, ownOf } from './copy-one.ts';
import { eachObject } from './each.ts';
import { refused, statusOf } from './failures.ts';
import type { ListedObject } from './listing.ts';
import { BUCKET, CLIENT, FLAG, FUNCTION, MARK, OBJECTS, TEXT, checkOptions, whole } from './options.ts';
import { Retries } from './retries.ts';

/** What an object is to be: bytes, or a stream of them. */
export type Rewritten = Uint8Array | string | AsyncIterable<Uint8Array | string>;

export interface Rewrites {
  s3: S3Client;
  bucket: string;
  objects: readonly ListedObject[];
  /**
   * Makes the new bytes of the old ones, as they are stored: what is compressed is read compressed. Undefined leaves the object as it
   * is. It may be called again for the same object, after an error of S3 that passes.
   */
  transform: (body: Readable, object: ListedObject) => Promise<Rewritten | undefined> | Rewritten | undefined;
  /** Names this rewrite: an object that has been through it has the name in its metadata (`odin-rewritten`), and is not changed again. */
  mark: string;
  /** The key that each is written to; each in its own place without it. */
  to?: ((key: string) => string) | undefined;
  /** The bucket that they are written to; the same one without it. */
  toBucket?: string | undefined;
  /** Replaces what is at a target; without it, such an object is refused. */
  overwrite?: boolean | undefined;
  /** Of the new bytes; that of the old ones without it. */
  contentType?: string | undefined;
  /** Objects at the same time, 1 to 64; 4 without it: each has up to 64 MB of its new bytes in memory. */
  concurrency?: number | undefined;
}

const PARTS_AT_ONCE = 3;
/** S3 takes parts of 5 MiB and more, 10,000 of an object. */
const PART_BYTES = 16 * 1024 ** 2;
const MAX_PARTS = 10_000;
const MARK_FIELD = 'odin-rewritten';

/**
 * Rewrites every object that can be rewritten, on the condition that it is what was listed, with all that S3 keeps beside its bytes:
 * content type, metadata, tags, storage class, key, locks. What has been rewritten before, with this mark, is left: it may be begun
 * again at any point. Needs `s3:GetObject`, `s3:PutObject`, `s3:AbortMultipartUpload`, and `s3:GetObjectTagging` and
 * `s3:PutObjectTagging` where objects have tags.
 * @throws ObjectsFailed which names every key that could not be: changed since it was listed, archived, refused by `transform`, …;
 * OdinError BadArgument
 */
export async function rewriteObjects(rewrites: Rewrites): Promise<void> {
  checkOptions('rewriteObjects', rewrites, {
    required: { s3: CLIENT, bucket: BUCKET, objects: OBJECTS, transform: FUNCTION, mark: MARK },
    optional: { to: FUNCTION, toBucket: BUCKET, overwrite: FLAG, contentType: TEXT, concurrency: whole(1, 64) },
  });
  const { s3, objects, concurrency = 4 } = rewrites;
  const access = { s3, retries: new Retries() };
  const { retries } = access;
  await eachObject({ objects, concurrency, verb: 'rewritten', retries }, (object) =>
    rewriteOne(access, rewrites, object),
  );
}

async function rewriteOne(access: Access, rewrites: Rewrites, object: ListedObject): Promise<void> {
  const { bucket, toBucket = bucket, to, overwrite = false } = rewrites;
  const source = { Bucket: bucket, Key: object.key };
  const target = { Bucket: toBucket, Key: to ? to(object.key) : object.key };
  const inPlace = target.Bucket === source.Bucket && target.Key === source.Key;
  const work = { ...rewrites, object, source, target, inPlace };
  const found = await head(access, source);
  if (!found) throw refused('it is gone since it was listed (NoSuchKey)');
  if (inPlace && isMarked(found, rewrites.mark, undefined)) return;
  if (found.ETag !== object.etag) throw refused(CHANGED);
  checkReadable(found);
  if (found.MissingMeta)
    throw refused(`it has ${found.MissingMeta} metadata that HTTP cannot show, and would lose them`);
  let expected: Expected = { IfMatch: object.etag };
  if (!inPlace) {
    const there = await head(access, target);
    if (there && isMarked(there, rewrites.mark, object.etag)) return;
    if (there && !overwrite) {
      throw refused(`its target ${uriOf(target)} is there already: give it another target, or pass overwrite: true`);
    }
    expected = there ? { IfMatch: there.ETag ?? '' } : { IfNoneMatch: '*' };
  }
  const tags = found.TagCount ? await tagsOf(access, source) : undefined;
  try {
    // Anew as a whole: a stream that was read is gone.
    await access.retries.again(`The rewrite of ${uriOf(source)}`, () => write(access, work, found, tags, expected));
  } catch (thrown) {
    if (statusOf(thrown) !== 412 && statusOf(thrown) !== 404) throw thrown;
    // Somebody changed it; or an answer was lost, and what is there is this one.
    const now = await head(access, target);
    if (now && isMarked(now, rewrites.mark, object.etag)) return;
    throw refused(inPlace ? CHANGED : `${uriOf(target)} changed meanwhile, or the object did (HTTP 412)`, thrown);
  }
}

/** Its own mark has the ETag of what it was made of. @param etag undefined: of whatever */
const isMarked = ({ Metadata = {} }: Head, mark: string, etag: string | undefined): boolean =>
  etag === undefined
    ? (Metadata[MARK_FIELD]?.startsWith(`${mark} `) ?? false)
    : Metadata[MARK_FIELD] === markOf(mark, etag);

const markOf = (mark: string, etag: string): string => `${mark} ${etag.replaceAll('"', '')}`;

interface Work extends Rewrites {
  object: ListedObject;
  source: ObjectAddress;
  target: ObjectAddress;
  inPlace: boolean;
}

async function write(
  access: Access,
  { object, source, target, inPlace, transform, mark, contentType }: Work,
  found: Head,
  tags: string | undefined,
  expected: Expected,
): Promise<void> {
  const { s3 } = access;
  const { Body } = await s3.send(new GetObjectCommand({ ...source, IfMatch: object.etag }));
  const body = Body as Readable;
  // What goes wrong with it while nobody reads is told to whoever reads next.
  body.on('error', () => undefined);
  const common = {
    ...target,
    ...ownOf(found),
    ContentType: contentType ?? found.ContentType,
    ContentEncoding: found.ContentEncoding,
    ContentLanguage: found.ContentLanguage,
    ContentDisposition: found.ContentDisposition,
    CacheControl: found.CacheControl,
    Expires: found.ExpiresString === undefined ? undefined : new Date(found.ExpiresString),
    Metadata: { ...found.Metadata, [MARK_FIELD]: markOf(mark, object.etag) },
    Tagging: tags,
  };
  /** A write says nothing of an object elsewhere: it is looked at right before. */
  const checkSource = async () => {
    if (!inPlace) await head(access, source, { IfMatch: object.etag });
  };
  try {
    const made = await transform(body, object);
    if (made === undefined) return;
    const parts = inParts(chunksOf(made), Math.max(PART_BYTES, Math.ceil((2 * object.size) / MAX_PARTS)));
    const first = await parts.next();
    const second = first.done ? first : await parts.next();
    if (second.done) {
      await checkSource();
      await s3.send(new PutObjectCommand({ ...common, ...expected, Body: first.value ?? Buffer.alloc(0) }));
      return;
    }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(common));
    const upload = { ...target, UploadId };
    try {
      const Parts = await uploadAll(s3, upload, [first.value ?? Buffer.alloc(0), second.value], parts);
      await checkSource();
      await s3.send(new CompleteMultipartUploadCommand({ ...upload, ...expected, MultipartUpload: { Parts } }));
    } catch (thrown) {
      // Its parts would be paid for until somebody looks for them.
      await s3.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw thrown;
    }
  } finally {
    body.destroy();
  }
}

/** A few at the same time, and no more of the stream in memory than these. */
async function uploadAll(
  s3: S3Client,
  upload: ObjectAddress & { UploadId: string | undefined },
  first: readonly Buffer[],
  rest: AsyncIterable<Buffer>,
): Promise<CompletedPart[]> {
  async function* all(): AsyncGenerator<{ Body: Buffer; PartNumber: number }> {
    let PartNumber = 0;
    for (const Body of first) yield { Body, PartNumber: (PartNumber += 1) };
    for await (const Body of rest) yield { Body, PartNumber: (PartNumber += 1) };
  }
  return pMap(
    all(),
    async ({ Body, PartNumber }) => {
      const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
      return { ETag, ChecksumCRC32, PartNumber };
    },
    { concurrency: PARTS_AT_ONCE },
  );
}

async function* chunksOf(made: Rewritten): AsyncGenerator<Buffer> {
  if (typeof made === 'string' || made instanceof Uint8Array) {
    yield bufferOf(made);
    return;
  }
  for await (const chunk of made) yield bufferOf(chunk);
}

/** The same memory. */
const bufferOf = (chunk: Uint8Array | string): Buffer =>
  typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);

/** All of one size but the last one. */
async function* inParts(chunks: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer, undefined> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  for await (let chunk of chunks) {
    while (bytes + chunk.length >= size) {
      const taken = size - bytes;
      yield Buffer.concat([...gathered, chunk.subarray(0, taken)]);
      chunk = chunk.subarray(taken);
      gathered = [];
      bytes = 0;
    }
    if (chunk.length > 0) gathered.push(chunk);
    bytes += chunk.length;
  }
  if (bytes > 0) yield Buffer.concat(gathered);
  return undefined;
}
