// What the S3 operations read out of a request: bodies, ranges, and the headers that are kept.

import { closeSync, createReadStream, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { decodeAwsChunked } from './aws-chunked.ts';
import { AwsError, header, unescapeXml } from '../http.ts';
import type { HttpRequest } from '../http.ts';
import { notImplemented } from './answers.ts';
import { algorithmOf, checksumHeaders, DEFAULT_ALGORITHM } from './checksums.ts';
import { checkCopyCondition } from './conditions.ts';
import { without } from './store.ts';
import type { KeptObject, Opened, Received, ObjectStore } from './store.ts';

/** What an operation gets. */
export interface S3Call {
  readonly store: ObjectStore;
  readonly region: string;
  readonly maxCopyBytes: number;
  readonly request: HttpRequest;
  readonly bucket: string;
  readonly key: string;
}

/** The SDK sends a stream in signed chunks with the checksum at the end. This takes the framing off. */
export function plainBody(request: HttpRequest): { body: Readable; trailers: Record<string, string> } {
  const signed = header(request.headers, 'x-amz-content-sha256') ?? '';
  const encoding = header(request.headers, 'content-encoding') ?? '';
  const framed = signed.startsWith('STREAMING-') || encoding.includes('aws-chunked');
  if (!framed) return { body: request.body, trailers: {} };
  const trailers: Record<string, string> = {};
  return { body: Readable.from(decodeAwsChunked(request.body, trailers), { objectMode: false }), trailers };
}

/** A body with the checksum that came with it, or else S3's own; and its headers, as S3 keeps them. */
export async function receiveBody(
  store: ObjectStore,
  request: HttpRequest,
): Promise<{ received: Received; checksum: Record<string, string> }> {
  const { body, trailers } = plainBody(request);
  const given = (name: string) => header(request.headers, name);
  const announced = `${given('x-amz-trailer') ?? ''} ${Object.keys(request.headers).join(' ')}`;
  const named = /x-amz-checksum-(?!algorithm|type|mode)([a-z0-9]+)/.exec(announced)?.[1];
  const algorithm = named === undefined ? DEFAULT_ALGORITHM : algorithmOf(named);
  const received = await store.receive(body, [algorithm]);
  const value = received.checksums[algorithm]?.toString('base64') ?? '';
  const length = given('x-amz-decoded-content-length') ?? given('content-length');
  const checks: [string | undefined, string | undefined][] = [
    [given('content-md5'), received.md5.toString('base64')],
    [length, String(received.size)],
    [given(`x-amz-checksum-${algorithm}`) ?? trailers[`x-amz-checksum-${algorithm}`], value],
  ];
  if (checks.every(([expected, actual]) => expected === undefined || expected === actual)) {
    return { received, checksum: checksumHeaders(algorithm, value, 'FULL_OBJECT') };
  }
  store.discard(received);
  throw new AwsError('BadDigest', 'The length or a checksum that was sent did not match the content that arrived.');
}

/** Deletes a received body if the work fails: it did not become an object. */
export function commit<T>(store: ObjectStore, received: Received, put: () => T): T {
  try {
    return put();
  } catch (error) {
    store.discard(received);
    throw error;
  }
}

/** What a copy is of. S3 reads it like a form: a plus that is not encoded is a space (docs/aws-facts.md). */
export function copySource(request: HttpRequest): { bucket: string; key: string } {
  const text = header(request.headers, 'x-amz-copy-source') ?? '';
  if (text.includes('?versionId=')) throw notImplemented('a version of a copy source');
  const path = decodeUrl(text.replaceAll('+', ' ')).replace(/^\//, '');
  if (path.startsWith('arn:')) throw notImplemented('an access point as a copy source');
  const [, bucket, key] = /^([^/]+)\/([^]+)$/.exec(path) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  const expected = 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey';
  throw new AwsError('InvalidArgument', expected);
}

export function openCopySource(store: ObjectStore, request: HttpRequest): Opened {
  const { bucket, key } = copySource(request);
  store.requireBucket(bucket);
  const source = store.open(bucket, key);
  if (!source) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  closingOnError(source.fd, () => {
    checkCopyCondition(source.object, request);
    if (isArchived(source.object)) {
      throw new AwsError('InvalidObjectState', "The operation is not valid for the object's storage class", 403);
    }
  });
  return source;
}

/** Does the work, and closes the file when that fails. */
export function closingOnError<T>(fd: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The first and the last byte. */
export interface Range {
  start: number;
  end: number;
}

/** In bytes. */
const SMALL = 65_536;

/** Reads an open object, or a part of it, and closes its file. A small one at once: a turn through the thread pool takes longer than the read. */
export function contentOf({ object, fd }: Opened, range: Range | undefined): Buffer | Readable {
  const { start, end } = range ?? { start: 0, end: object.size - 1 };
  const size = end - start + 1;
  if (size > SMALL) return createReadStream('', { fd, start, end });
  try {
    const content = Buffer.alloc(size);
    readSync(fd, content, 0, size, start);
    return content;
  } finally {
    closeSync(fd);
  }
}

export function readRange(text: string | undefined, size: number): Range | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text ?? '');
  // S3 answers a range that it cannot read with the whole object.
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const first = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const last = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (first <= last) return { start: first, end: last };
  throw new AwsError('InvalidRange', 'The requested range is not satisfiable', 416);
}

/** What a copy takes over from its source. */
const METADATA = /^(content-(type|disposition|language|encoding)|cache-control|expires|x-amz-meta-.*)$/;
/** What S3 keeps besides, of the request that writes an object. */
const OWN =
  /^x-amz-(website-redirect-location|storage-class|server-side-encryption(-aws-kms-key-id|-bucket-key-enabled)?|object-lock-.*)$/;

/** Archived: nobody reads or copies the bytes before they are restored. */
export const isArchived = ({ headers }: Pick<KeptObject, 'headers'>): boolean =>
  /^(GLACIER|DEEP_ARCHIVE)$/.test(headers['x-amz-storage-class'] ?? '');

/** Of whom S3 takes the class of an object; the others are of other kinds of buckets. */
const STORAGE_CLASSES =
  /^(STANDARD|REDUCED_REDUNDANCY|STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER|DEEP_ARCHIVE|GLACIER_IR)$/;
const ENCRYPTIONS = /^(AES256|aws:kms|aws:kms:dsse)$/;

/** What is done here, or is said and changes nothing. */
const DONE = new RegExp(
  [
    'x-amz-(date|content-sha256|security-token|user-agent|decoded-content-length|trailer|sdk-checksum-algorithm)',
    'x-amz-(checksum|meta)-.*',
    'x-amz-(tagging|metadata)-directive',
    'x-amz-tagging',
    'x-amz-copy-source(-range|-if-.*)?',
    'x-amz-(object-attributes|optional-object-attributes)',
    'x-amz-(source-)?expected-bucket-owner',
    'x-amz-(request-payer|bypass-governance-retention)', // the bucket is the caller's, and may be deleted from
    OWN.source.slice(1, -1),
  ]
    .map((name) => `^${name}$`)
    .join('|'),
);

/** Those that a signed address may have in place of a header. */
const OF_SIGNATURE =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)$/;

/** What a signed address says of its request, it says in headers from here on. */
export function withHeadersOfAddress(request: HttpRequest): HttpRequest {
  const said = [...request.query]
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => name.startsWith('x-amz-') && !OF_SIGNATURE.test(name) && !name.startsWith('x-amz-checksum-'));
  return said.length === 0 ? request : { ...request, headers: { ...Object.fromEntries(said), ...request.headers } };
}

/**
 * What somebody asks for, and would not get, is refused by name: a rehearsal that drops it proves nothing.
 * @param owner the account that every bucket is of
 */
export function checkAsked({ headers }: HttpRequest, owner: string): void {
  const given = (name: string) => header(headers, name);
  // Of ACLs S3 itself takes this one alone, unless a bucket is told otherwise.
  const asked = Object.keys(headers).filter(
    (name) => name.startsWith('x-amz-') && !(name === 'x-amz-acl' && given(name) === 'bucket-owner-full-control'),
  );
  const others = asked.filter((name) => !DONE.test(name));
  if (others.length > 0) throw notImplemented(others.sort().join(', '));
  for (const name of ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']) {
    if ((given(name) ?? owner) !== owner) throw new AwsError('AccessDenied', 'Access Denied', 403);
  }
  const storageClass = given('x-amz-storage-class') ?? 'STANDARD';
  if (!STORAGE_CLASSES.test(storageClass)) {
    throw new AwsError('InvalidStorageClass', `The storage class you specified is not valid: ${storageClass}`);
  }
  const encryption = given('x-amz-server-side-encryption') ?? 'AES256';
  if (!ENCRYPTIONS.test(encryption)) {
    throw new AwsError('InvalidArgument', `The encryption method specified is not supported: ${encryption}`);
  }
}

const select = (headers: Record<string, string>, which: RegExp) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => which.test(name)));

/** The headers of a write that S3 keeps. */
export function kept(request: HttpRequest): Record<string, string> {
  return { ...metadataOf(request), ...ownOf(request), ...tagsOf(header(request.headers, 'x-amz-tagging')) };
}

/** The headers that a copy has: each directive says whose metadata and whose tags; the rest is the request's. */
export function keptByCopy(source: KeptObject, request: HttpRequest): Record<string, string> {
  const replaces = (directive: string) => header(request.headers, directive) === 'REPLACE';
  const tagging = replaces('x-amz-tagging-directive')
    ? header(request.headers, 'x-amz-tagging')
    : source.headers['x-amz-tagging'];
  return {
    ...(replaces('x-amz-metadata-directive') ? metadataOf(request) : select(source.headers, METADATA)),
    ...ownOf(request),
    ...tagsOf(tagging),
  };
}

const tagsOf = (tagging = ''): Record<string, string> => (tagging === '' ? {} : { 'x-amz-tagging': tagging });

/** What the answer to a write says of how the object is encrypted. */
export const encryptionOf = (headers: Record<string, string>): Record<string, string> =>
  select(headers, /^x-amz-server-side-encryption/);

function ownOf(request: HttpRequest): Record<string, string> {
  const headers = select(request.headers as Record<string, string>, OWN);
  if (headers['x-amz-storage-class'] === 'STANDARD') delete headers['x-amz-storage-class'];
  return headers;
}

function metadataOf(request: HttpRequest): Record<string, string> {
  const headers = select(without(request.headers as Record<string, string>, 'content-encoding'), METADATA);
  const encodings = (header(request.headers, 'content-encoding') ?? '').split(',').map((encoding) => encoding.trim());
  const encoding = encodings.filter((name) => name !== '' && name !== 'aws-chunked').join(', ');
  return encoding === '' ? headers : { ...headers, 'content-encoding': encoding };
}

export function overridden(query: URLSearchParams): Record<string, string> {
  const asked = [...query].filter(([name]) => name.startsWith('response-'));
  return Object.fromEntries(asked.map(([name, value]) => [name.slice('response-'.length), value]));
}

export function checkKey(key: string): void {
  if (Buffer.byteLength(key) > 1024) throw new AwsError('KeyTooLongError', 'Your key is too long');
}

export function decodeUrl(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError('InvalidURI', `Couldn't parse the specified URI: ${text}`);
  }
}

/** The text of an element that has no others in it. */
export function xmlText(text: string, element: string): string | undefined {
  const found = new RegExp(`<${element}>([^]*?)</${element}>`).exec(text)?.[1];
  return found === undefined ? undefined : unescapeXml(found);
}
