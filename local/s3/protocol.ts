// The S3 protocol over the store on disk: what the AWS SDK sends for objects, lists, copies and multipart uploads.
//
// An endpoint that is an IP address makes the SDK v3 put the bucket into the path by itself, so a plain
// `new S3Client({})` works with AWS_ENDPOINT_URL=http://127.0.0.1:port. With `localhost` it would ask for
// `bucket.localhost`, which not every machine resolves; such requests are understood all the same.
//
// Whatever is not supported here is refused by name (NotImplemented): a condition or a version must never be ignored.

import { createHash } from 'node:crypto';
import { closeSync, createReadStream } from 'node:fs';
import { AwsError, escapeXml, header, readBody, unescapeXml } from '../http.ts';
import type { HttpAnswer, HttpRequest } from '../http.ts';
import { iso, notImplemented, OWNER, xml } from './answers.ts';
import { bare, checkReadCondition, writeCondition } from './conditions.ts';
import { listObjects } from './lists.ts';
import {
  checkKey,
  closingOnError,
  commit,
  contentOf,
  decodeUrl,
  kept,
  openCopySource,
  overridden,
  plainBody,
  readRange,
  receiveBody,
} from './requests.ts';
import type { S3Call } from './requests.ts';
import { ObjectStore } from './store.ts';

export interface S3Options {
  /** Where objects live; made when missing, and kept. */
  readonly directory: string;
  readonly region?: string | undefined;
  /** Buckets to create if they are not there. */
  readonly buckets?: readonly string[] | undefined;
}

export interface S3Target {
  readonly operation: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

export type S3 = ReturnType<typeof createS3>;

export function createS3(options: S3Options) {
  const store = new ObjectStore(options.directory);
  const region = options.region ?? 'us-east-1';

  function createBucket(name: string): void {
    checkBucketName(name);
    if (!store.hasBucket(name)) store.createBucket(name);
  }
  for (const bucket of options.buckets ?? []) createBucket(bucket);

  return {
    store,
    /** Does nothing when the bucket exists. */
    createBucket,
    /** Which operation a request is, before anything is done. */
    target: (request: HttpRequest): S3Target => identify(request),

    async handle(request: HttpRequest): Promise<HttpAnswer> {
      const target = identify(request);
      try {
        const operation = OPERATIONS[target.operation];
        if (!operation) throw notImplemented(target.operation);
        return await operation({ store, region, request, bucket: target.bucket ?? '', key: target.key ?? '' });
      } catch (error) {
        return s3ErrorAnswer(error, request, target);
      }
    },

    close(): void {
      store.close();
    },
  };
}

/** An error in S3's form; a HEAD has no body, so there its status says all. */
export function s3ErrorAnswer(error: unknown, request: HttpRequest, target: S3Target): HttpAnswer {
  const known = error instanceof AwsError;
  const code = known ? error.code : 'InternalError';
  const status = known ? error.status : 500;
  if (request.method === 'HEAD' || status === 304) return { status };
  const message = error instanceof Error ? error.message : String(error);
  const resource = `/${target.bucket ?? ''}${target.key === undefined ? '' : `/${target.key}`}`;
  const key = target.key === undefined ? '' : `<Key>${escapeXml(target.key)}</Key>`;
  const bucket = target.bucket === undefined ? '' : `<BucketName>${escapeXml(target.bucket)}</BucketName>`;
  const text = `<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message>${key}${bucket}`;
  return xml('Error', `${text}<Resource>${escapeXml(resource)}</Resource>`, { status, namespace: false });
}

type Operation = (call: S3Call) => HttpAnswer | Promise<HttpAnswer>;

const OPERATIONS: Record<string, Operation> = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  ListObjects: listObjects,
  ListObjectsV2: listObjects,
  PutObject: putObject,
  CopyObject: copyObject,
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
};

/** Query parameters that change nothing here: the SDK's own label, signatures, and what lists read themselves. */
const HARMLESS =
  /^(x-id|x-amz-.*|list-type|prefix|delimiter|marker|max-keys|continuation-token|start-after|encoding-type|fetch-owner|response-.*)$/i;

function identify(request: HttpRequest): S3Target {
  const { bucket, key } = locate(request);
  const flags = [...request.query.keys()].filter((name) => !HARMLESS.test(name));
  const copies = request.headers['x-amz-copy-source'] !== undefined;
  return { bucket, key, operation: operationName(request, bucket, key, flags.sort().join(' '), copies) };
}

function operationName(
  request: HttpRequest,
  bucket: string | undefined,
  key: string | undefined,
  flags: string,
  copies: boolean,
): string {
  const { method } = request;
  if (bucket === undefined) return method === 'GET' ? 'ListBuckets' : `${method} /`;
  const list = request.query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
  const names: Record<string, string> =
    key === undefined
      ? {
          'PUT ': 'CreateBucket',
          'HEAD ': 'HeadBucket',
          'DELETE ': 'DeleteBucket',
          'GET ': list,
          'GET location': 'GetBucketLocation',
          'GET versioning': 'GetBucketVersioning',
          'POST delete': 'DeleteObjects',
        }
      : {
          'PUT ': copies ? 'CopyObject' : 'PutObject',
          'GET ': 'GetObject',
          'HEAD ': 'HeadObject',
          'DELETE ': 'DeleteObject',
          'POST uploads': 'CreateMultipartUpload',
          'PUT partNumber uploadId': copies ? 'UploadPartCopy' : 'UploadPart',
          'POST uploadId': 'CompleteMultipartUpload',
          'DELETE uploadId': 'AbortMultipartUpload',
        };
  return names[`${method} ${flags}`] ?? `${method} ${key === undefined ? 'bucket' : 'object'} ?${flags}`;
}

function locate(request: HttpRequest): { bucket: string | undefined; key: string | undefined } {
  const host = (header(request.headers, 'host') ?? '').replace(/:\d+$/, '');
  const virtual = /^(?<bucket>.+?)(?:\.s3(?:[.-][a-z0-9-]+)?)?\.localhost$/.exec(host)?.groups?.['bucket'];
  const path = request.path.slice(1);
  if (virtual !== undefined && virtual !== 's3') return { bucket: virtual, key: decodeKey(path) };
  const slash = path.indexOf('/');
  const bucket = decodeUrl(slash < 0 ? path : path.slice(0, slash));
  return { bucket: bucket === '' ? undefined : bucket, key: slash < 0 ? undefined : decodeKey(path.slice(slash + 1)) };
}

function decodeKey(path: string): string | undefined {
  return path === '' ? undefined : decodeUrl(path);
}

// Buckets

function listBuckets({ store }: S3Call): HttpAnswer {
  const buckets = store
    .buckets()
    .map(({ name, created }) => `<Bucket><Name>${name}</Name><CreationDate>${iso(created)}</CreationDate></Bucket>`);
  return xml('ListAllMyBucketsResult', `${OWNER}<Buckets>${buckets.join('')}</Buckets>`);
}

async function createBucket({ store, request, bucket }: S3Call): Promise<HttpAnswer> {
  await readBody(request.body);
  checkBucketName(bucket);
  if (store.hasBucket(bucket)) {
    throw new AwsError('BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded', 409);
  }
  store.createBucket(bucket);
  return { status: 200, headers: { location: `/${bucket}` } };
}

function headBucket({ store, bucket, region }: S3Call): HttpAnswer {
  store.requireBucket(bucket);
  return { status: 200, headers: { 'x-amz-bucket-region': region } };
}

function deleteBucket({ store, bucket }: S3Call): HttpAnswer {
  store.deleteBucket(bucket);
  return { status: 204 };
}

function getBucketLocation({ store, bucket, region }: S3Call): HttpAnswer {
  store.requireBucket(bucket);
  return xml('LocationConstraint', region === 'us-east-1' ? '' : region);
}

function getBucketVersioning({ store, bucket }: S3Call): HttpAnswer {
  store.requireBucket(bucket);
  return xml('VersioningConfiguration', '');
}

function checkBucketName(name: string): void {
  if (/^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !/^\d+(\.\d+){3}$/.test(name)) return;
  throw new AwsError('InvalidBucketName', `The specified bucket is not valid: ${name}`);
}

// Objects

async function putObject({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  store.requireBucket(bucket);
  checkKey(key);
  const condition = writeCondition(request);
  const received = await receiveBody(store, request);
  const object = commit(store, received, () => store.put(bucket, key, received, { headers: kept(request), condition }));
  return { status: 200, headers: { etag: object.etag, ...checksum(object.crc32) } };
}

async function copyObject({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  store.requireBucket(bucket);
  checkKey(key);
  await readBody(request.body);
  const condition = writeCondition(request);
  const source = openCopySource(store, request);
  const replaces = header(request.headers, 'x-amz-metadata-directive') === 'REPLACE';
  const received = await store.receive(contentOf(source, undefined));
  const headers = replaces ? kept(request) : source.object.headers;
  const object = commit(store, received, () => store.put(bucket, key, received, { headers, condition }));
  return xml(
    'CopyObjectResult',
    `<ETag>${escapeXml(object.etag)}</ETag><LastModified>${iso(object.modified)}</LastModified>`,
  );
}

function getObject({ store, request, bucket, key }: S3Call): HttpAnswer {
  store.requireBucket(bucket);
  const found = store.open(bucket, key);
  if (!found) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  const { object, fd } = found;
  const range = closingOnError(fd, () => {
    checkReadCondition(object, request);
    return readRange(header(request.headers, 'range'), object.size);
  });
  const whole = range === undefined;
  const { start, end } = range ?? { start: 0, end: object.size - 1 };
  const wantsChecksum = whole && header(request.headers, 'x-amz-checksum-mode') === 'ENABLED';
  const headers = {
    'content-type': 'binary/octet-stream',
    ...object.headers,
    ...overridden(request.query),
    etag: object.etag,
    'last-modified': new Date(object.modified).toUTCString(),
    'accept-ranges': 'bytes',
    'content-length': String(end - start + 1),
    'content-range': range && `bytes ${start}-${end}/${object.size}`,
    ...checksum(wantsChecksum ? object.crc32 : undefined),
  };
  const status = whole ? 200 : 206;
  if (request.method !== 'HEAD') return { status, headers, body: contentOf(found, range) };
  closeSync(fd);
  return { status, headers };
}

function deleteObject({ store, request, bucket, key }: S3Call): HttpAnswer {
  if (request.headers['if-match'] !== undefined) throw notImplemented('DeleteObject with If-Match');
  store.delete(bucket, key);
  return { status: 204 };
}

async function deleteObjects({ store, request, bucket }: S3Call): Promise<HttpAnswer> {
  store.requireBucket(bucket);
  const text = (await readBody(plainBody(request).body)).toString();
  const keys = [...text.matchAll(/<Key>([^]*?)<\/Key>/g)].map((match) => unescapeXml(match[1] ?? ''));
  if (keys.length === 0 || keys.length > 1000) {
    throw new AwsError('MalformedXML', `DeleteObjects takes 1 to 1000 keys, and ${keys.length} were given`);
  }
  if (/<(VersionId|ETag|LastModifiedTime|Size)>/.test(text)) throw notImplemented('DeleteObjects with a condition');
  for (const key of keys) store.delete(bucket, key);
  const quiet = /<Quiet>true<\/Quiet>/.test(text);
  return xml(
    'DeleteResult',
    quiet ? '' : keys.map((key) => `<Deleted><Key>${escapeXml(key)}</Key></Deleted>`).join(''),
  );
}

function checksum(crc32: string | undefined): Record<string, string | undefined> {
  return { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-type': crc32 && 'FULL_OBJECT' };
}

// Multipart uploads

async function createMultipartUpload({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  store.requireBucket(bucket);
  checkKey(key);
  await readBody(request.body);
  const id = store.createUpload({ bucket, key, headers: kept(request) });
  const where = `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key>`;
  return xml('InitiateMultipartUploadResult', `${where}<UploadId>${id}</UploadId>`);
}

async function uploadPart({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  const { id, number } = partOf(request);
  store.upload(id, bucket, key);
  const received = await receiveBody(store, request);
  const part = commit(store, received, () => {
    store.upload(id, bucket, key);
    return store.putPart(id, number, received);
  });
  return { status: 200, headers: { etag: part.etag, 'x-amz-checksum-crc32': received.crc32.toString('base64') } };
}

async function uploadPartCopy({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  const { id, number } = partOf(request);
  store.upload(id, bucket, key);
  await readBody(request.body);
  const source = openCopySource(store, request);
  const text = header(request.headers, 'x-amz-copy-source-range');
  const range = closingOnError(source.fd, () => readRange(text, source.object.size));
  const received = await store.receive(contentOf(source, range));
  const part = commit(store, received, () => store.putPart(id, number, received));
  return xml('CopyPartResult', `<ETag>${escapeXml(part.etag)}</ETag><LastModified>${iso(Date.now())}</LastModified>`);
}

async function completeMultipartUpload({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  const id = request.query.get('uploadId') ?? '';
  const upload = store.upload(id, bucket, key);
  const condition = writeCondition(request);
  const stored = new Map(store.parts(id).map((part) => [part.number, part]));
  const asked = readParts((await readBody(request.body)).toString());
  const parts = asked.map(({ number, etag }) => {
    const part = stored.get(number);
    if (part && bare(part.etag) === bare(etag)) return part;
    throw new AwsError('InvalidPart', `One or more of the specified parts could not be found: part ${number}`);
  });
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (!last && part.size < 5 * 1024 * 1024) {
      throw new AwsError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
    }
  }
  const received = await store.receive(concatenate(parts.map((part) => part.file)));
  // S3's ETag of such an object: the MD5 of its parts' MD5s, and how many there were.
  const digests = Buffer.concat(parts.map((part) => Buffer.from(bare(part.etag), 'hex')));
  const multipartEtag = `"${createHash('md5').update(digests).digest('hex')}-${parts.length}"`;
  const { headers } = upload;
  const object = commit(store, received, () => store.put(bucket, key, received, { headers, condition, multipartEtag }));
  store.dropUpload(id);
  const where = `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key>`;
  return xml('CompleteMultipartUploadResult', `${where}<ETag>${escapeXml(object.etag)}</ETag>`);
}

function abortMultipartUpload({ store, request, bucket, key }: S3Call): HttpAnswer {
  const id = request.query.get('uploadId') ?? '';
  store.upload(id, bucket, key);
  store.dropUpload(id);
  return { status: 204 };
}

function partOf(request: HttpRequest): { id: string; number: number } {
  const number = Number(request.query.get('partNumber'));
  if (Number.isInteger(number) && number >= 1 && number <= 10_000) {
    return { id: request.query.get('uploadId') ?? '', number };
  }
  throw new AwsError('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
}

function readParts(text: string): { number: number; etag: string }[] {
  const parts = [...text.matchAll(/<Part>([^]*?)<\/Part>/g)].map(([, part = '']) => ({
    number: Number(/<PartNumber>\s*(\d+)\s*<\/PartNumber>/.exec(part)?.[1]),
    etag: unescapeXml(/<ETag>([^]*?)<\/ETag>/.exec(part)?.[1] ?? ''),
  }));
  if (parts.length === 0) throw new AwsError('MalformedXML', 'You must specify at least one part');
  if (parts.some(({ number }, index) => number <= (parts[index - 1]?.number ?? 0))) {
    throw new AwsError('InvalidPartOrder', 'The list of parts was not in ascending order.');
  }
  return parts;
}

async function* concatenate(files: string[]): AsyncGenerator<Buffer> {
  for (const file of files) yield* createReadStream(file) as AsyncIterable<Buffer>;
}
