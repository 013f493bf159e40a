// What the S3 operations read out of a request: bodies, ranges, and the headers that are kept.

import { closeSync, createReadStream, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { decodeAwsChunked } from './aws-chunked.ts';
import { AwsError, header } from '../http.ts';
import type { HttpRequest } from '../http.ts';
import { notImplemented } from './answers.ts';
import { checkCopyCondition } from './conditions.ts';
import type { Opened, Received, ObjectStore } from './store.ts';

/** What an operation gets. */
export interface S3Call {
  readonly store: ObjectStore;
  readonly region: string;
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

export async function receiveBody(store: ObjectStore, request: HttpRequest): Promise<Received> {
  const { body, trailers } = plainBody(request);
  const given = (name: string) => header(request.headers, name);
  const announced = `${given('x-amz-trailer') ?? ''} ${Object.keys(request.headers).join(' ')}`;
  const received = await store.receive(body, {
    sha1: announced.includes('x-amz-checksum-sha1'),
    sha256: announced.includes('x-amz-checksum-sha256'),
  });
  const length = given('x-amz-decoded-content-length') ?? given('content-length');
  const checks: [string | undefined, string | undefined][] = [
    [given('content-md5'), received.md5.toString('base64')],
    [length, String(received.size)],
    ...(['crc32', 'sha1', 'sha256'] as const).map((name): [string | undefined, string | undefined] => [
      given(`x-amz-checksum-${name}`) ?? trailers[`x-amz-checksum-${name}`],
      received[name]?.toString('base64'),
    ]),
  ];
  if (checks.every(([expected, actual]) => expected === undefined || expected === actual)) return received;
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

export function openCopySource(store: ObjectStore, request: HttpRequest): Opened {
  const text = header(request.headers, 'x-amz-copy-source') ?? '';
  if (text.includes('?versionId=')) throw notImplemented('a version of a copy source');
  const path = decodeUrl(text).replace(/^\//, '');
  const slash = path.indexOf('/');
  const bucket = path.slice(0, slash);
  store.requireBucket(bucket);
  const source = store.open(bucket, path.slice(slash + 1));
  if (!source) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  closingOnError(source.fd, () => {
    checkCopyCondition(source.object, request);
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

const KEPT =
  /^(content-(type|disposition|language)|cache-control|expires|x-amz-meta-.*|x-amz-website-redirect-location)$/;

/** The headers of a write that a read gives back. */
export function kept(request: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of Object.keys(request.headers)) {
    const value = header(request.headers, name);
    if (KEPT.test(name) && value !== undefined) headers[name] = value;
  }
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
