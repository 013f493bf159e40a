// The S3 protocol over the store on disk: what the AWS SDK sends for objects, lists, copies and multipart uploads.
//
// An endpoint that is an IP address makes the SDK v3 put the bucket into the path by itself, so a plain
// `new S3Client({})` works with AWS_ENDPOINT_URL=http://127.0.0.1:port. With `localhost` it would ask for
// `bucket.localhost`, which not every machine resolves.
//
// Whatever is not supported here is refused by name (NotImplemented): a condition or a version must never be ignored.

import { closeSync } from 'node:fs';
import { AwsError, escapeXml, header, isXml, readBody } from '../http.ts';
import type { HttpAnswer, HttpRequest } from '../http.ts';
import { iso, notImplemented, OWNER, xml } from './answers.ts';
import {
  checksumOf,
  checksumXml,
  deleteObjectTagging,
  getObjectAttributes,
  getObjectTagging,
  putObjectTagging,
  shown,
} from './attributes.ts';
import { checksumHeaders, DEFAULT_ALGORITHM } from './checksums.ts';
import { checkReadCondition, checkWriteCondition, writeCondition } from './conditions.ts';
import { listObjects } from './lists.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
  uploadPartCopy,
} from './multipart.ts';
import {
  checkAsked,
  checkKey,
  closingOnError,
  commit,
  contentOf,
  copySource,
  decodeUrl,
  encryptionOf,
  isArchived,
  kept,
  keptByCopy,
  openCopySource,
  overridden,
  plainBody,
  readRange,
  receiveBody,
  withHeadersOfAddress,
  xmlText,
} from './requests.ts';
import type { Range, S3Call } from './requests.ts';
import { ObjectStore } from './store.ts';
import type { KeptObject } from './store.ts';

export interface S3Options {
  /** Where objects live; made when missing, and kept. */
  readonly directory: string;
  readonly region?: string | undefined;
  /** Whose the buckets are. */
  readonly accountId?: string | undefined;
  /** Buckets to create if they are not there. */
  readonly buckets?: readonly string[] | undefined;
  /** The most that one CopyObject copies; S3's 5 GiB without it. For tests, which have no such objects. */
  readonly maxCopyBytes?: number | undefined;
}

export interface S3Target {
  readonly operation: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

export type S3 = ReturnType<typeof createS3>;

export function createS3(options: S3Options) {
  const store = new ObjectStore(options.directory);
  const { region = 'us-east-1', accountId = '000000000000' } = options;
  const maxCopyBytes = options.maxCopyBytes ?? 5 * 1024 ** 3;

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

    async handle(sent: HttpRequest): Promise<HttpAnswer> {
      const request = withHeadersOfAddress(sent);
      const target = identify(request);
      try {
        const operation = OPERATIONS[target.operation];
        if (!operation) throw notImplemented(target.operation);
        checkAsked(request, accountId);
        return await operation({
          store,
          region,
          maxCopyBytes,
          request,
          bucket: target.bucket ?? '',
          key: target.key ?? '',
        });
      } catch (error) {
        return s3ErrorAnswer(error, request);
      }
    },

    close(): void {
      store.close();
    },
  };
}

/** An error in S3's form; a HEAD has no body, so there its status says all. */
export function s3ErrorAnswer(error: unknown, request: HttpRequest): HttpAnswer {
  const known = error instanceof AwsError;
  const code = known ? error.code : 'InternalError';
  const status = known ? error.status : 500;
  if (request.method === 'HEAD' || status === 304) return { status };
  const message = error instanceof Error ? error.message : String(error);
  const target = named(request);
  const resource = `/${target.bucket ?? ''}${target.key === undefined ? '' : `/${target.key}`}`;
  const key = target.key === undefined ? '' : `<Key>${escapeXml(target.key)}</Key>`;
  const bucket = target.bucket === undefined ? '' : `<BucketName>${escapeXml(target.bucket)}</BucketName>`;
  const text = `<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message>${key}${bucket}`;
  return xml('Error', `${text}<Resource>${escapeXml(resource)}</Resource>`, { status, namespace: false });
}

/** Of an address that cannot be decoded, nothing. */
function named(request: HttpRequest): ReturnType<typeof locate> {
  try {
    return locate(request);
  } catch {
    return { bucket: undefined, key: undefined };
  }
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
  GetObjectAttributes: getObjectAttributes,
  GetObjectTagging: getObjectTagging,
  PutObjectTagging: putObjectTagging,
  DeleteObjectTagging: deleteObjectTagging,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListMultipartUploads: listMultipartUploads,
  ListParts: listParts,
};

/** Query parameters that change nothing here: the SDK's own label, signatures, and what lists read themselves. */
const HARMLESS =
  /^(x-id|x-amz-.*|list-type|prefix|delimiter|marker|max-keys|continuation-token|start-after|encoding-type|fetch-owner|part-number-marker|response-.*)$/i;

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
          'GET uploads': 'ListMultipartUploads',
        }
      : {
          'PUT ': copies ? 'CopyObject' : 'PutObject',
          'GET ': 'GetObject',
          'GET partNumber': 'GetObject',
          'HEAD ': 'HeadObject',
          'HEAD partNumber': 'HeadObject',
          'GET attributes': 'GetObjectAttributes',
          'GET tagging': 'GetObjectTagging',
          'PUT tagging': 'PutObjectTagging',
          'DELETE tagging': 'DeleteObjectTagging',
          'DELETE ': 'DeleteObject',
          'POST uploads': 'CreateMultipartUpload',
          'PUT partNumber uploadId': copies ? 'UploadPartCopy' : 'UploadPart',
          'POST uploadId': 'CompleteMultipartUpload',
          'DELETE uploadId': 'AbortMultipartUpload',
          'GET uploadId': 'ListParts',
        };
  return names[`${method} ${flags}`] ?? `${method} ${key === undefined ? 'bucket' : 'object'} ?${flags}`;
}

function locate(request: HttpRequest): { bucket: string | undefined; key: string | undefined } {
  const path = request.path.slice(1);
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

async function createBucket({ store, request, bucket, region }: S3Call): Promise<HttpAnswer> {
  const text = (await readBody(request.body)).toString();
  checkBucketName(bucket);
  const [unknown] = /<(Bucket|Location|Tags?)>/.exec(text) ?? [];
  if (unknown !== undefined) throw notImplemented(`a bucket with ${unknown}`);
  const wanted = xmlText(text, 'LocationConstraint') ?? region;
  if (wanted !== region && region !== 'us-east-1') {
    const what = `The ${wanted} location constraint is incompatible for the region specific endpoint this request was sent to.`;
    throw new AwsError('IllegalLocationConstraintException', what);
  }
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
  const { received, checksum } = await receiveBody(store, request);
  const headers = { ...kept(request), ...checksum };
  const object = commit(store, received, () => store.put(bucket, key, received, { headers, condition }));
  return { status: 200, headers: { etag: object.etag, ...checksum, ...encryptionOf(headers) } };
}

async function copyObject({ store, request, bucket, key, maxCopyBytes }: S3Call): Promise<HttpAnswer> {
  store.requireBucket(bucket);
  checkKey(key);
  await readBody(request.body);
  const condition = writeCondition(request);
  const source = openCopySource(store, request);
  const { object } = source;
  const from = copySource(request);
  closingOnError(source.fd, () => {
    if (object.size > maxCopyBytes) {
      const most = `The specified copy source is larger than the maximum allowable size for a copy source: ${maxCopyBytes}`;
      throw new AwsError('InvalidRequest', most);
    }
    checkWriteCondition(store.get(bucket, key), condition);
    if (from.bucket === bucket && from.key === key && !changesSomething(request)) {
      throw new AwsError('InvalidRequest', ITSELF);
    }
  });
  // The source's algorithm, of the whole: a copy is in one piece.
  const algorithm = checksumOf(object)?.algorithm ?? DEFAULT_ALGORITHM;
  const received = await store.receive(contentOf(source, undefined), [algorithm]);
  const value = received.checksums[algorithm]?.toString('base64') ?? '';
  const headers = { ...keptByCopy(object, request), ...checksumHeaders(algorithm, value, 'FULL_OBJECT') };
  const copy = commit(store, received, () => store.put(bucket, key, received, { headers, condition }));
  const answer = xml(
    'CopyObjectResult',
    `<ETag>${escapeXml(copy.etag)}</ETag><LastModified>${iso(copy.modified)}</LastModified>${checksumXml(copy)}`,
  );
  return { ...answer, headers: { ...answer.headers, ...encryptionOf(headers) } };
}

const ITSELF =
  "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.";

/** What S3 wants of a copy onto itself. */
const changesSomething = ({ headers }: HttpRequest): boolean =>
  headers['x-amz-metadata-directive'] === 'REPLACE' ||
  ['x-amz-storage-class', 'x-amz-website-redirect-location', 'x-amz-server-side-encryption'].some(
    (name) => headers[name] !== undefined,
  );

function getObject({ store, request, bucket, key }: S3Call): HttpAnswer {
  store.requireBucket(bucket);
  const found = store.open(bucket, key);
  if (!found) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  const { object, fd } = found;
  const { part, range } = closingOnError(fd, () => {
    checkReadCondition(object, request);
    if (request.method === 'GET' && isArchived(object)) {
      throw new AwsError('InvalidObjectState', "The operation is not valid for the object's storage class", 403);
    }
    const asked = partRange(object, request);
    return { part: asked, range: asked ?? readRange(header(request.headers, 'range'), object.size) };
  });
  const whole = range === undefined;
  const { start, end } = range ?? { start: 0, end: object.size - 1 };
  const wantsChecksum = whole && header(request.headers, 'x-amz-checksum-mode') === 'ENABLED';
  const headers = {
    'content-type': 'binary/octet-stream',
    ...shown(object, wantsChecksum),
    ...overridden(request.query),
    etag: object.etag,
    'last-modified': new Date(object.modified).toUTCString(),
    'accept-ranges': 'bytes',
    'content-length': String(end - start + 1),
    'content-range': range && `bytes ${start}-${end}/${object.size}`,
    'x-amz-mp-parts-count': part && object.parts && String(object.parts.length),
  };
  const status = whole ? 200 : 206;
  if (request.method !== 'HEAD') return { status, headers, body: contentOf(found, range) };
  closeSync(fd);
  return { status, headers };
}

/** The bytes of the part that is asked for; an object in one piece is its own only part. */
function partRange({ size, parts = [size] }: KeptObject, request: HttpRequest): Range | undefined {
  const asked = request.query.get('partNumber');
  if (asked === null || size === 0) return undefined;
  const length = parts[Number(asked) - 1];
  if (length === undefined) throw new AwsError('InvalidPartNumber', 'The requested partnumber is not satisfiable', 416);
  const start = parts.slice(0, Number(asked) - 1).reduce((sum, part) => sum + part, 0);
  return { start, end: start + length - 1 };
}

function deleteObject({ store, request, bucket, key }: S3Call): HttpAnswer {
  store.delete(bucket, key, header(request.headers, 'if-match'));
  return { status: 204 };
}

async function deleteObjects({ store, request, bucket }: S3Call): Promise<HttpAnswer> {
  store.requireBucket(bucket);
  const text = (await readBody(plainBody(request).body)).toString();
  if (!isXml(text)) throw new AwsError('MalformedXML', 'The XML you provided was not well-formed');
  const objects = [...text.matchAll(/<Object>([^]*?)<\/Object>/g)].map(([, object = '']) => object);
  if (objects.length === 0 || objects.length > 1000) {
    throw new AwsError('MalformedXML', `DeleteObjects takes 1 to 1000 keys, and ${objects.length} were given`);
  }
  // The last two are for directory buckets only.
  if (/<(VersionId|LastModifiedTime|Size)>/.test(text))
    throw notImplemented('DeleteObjects of versions, times or sizes');
  const quiet = /<Quiet>true<\/Quiet>/.test(text);
  const results = objects.map((object) => {
    const key = xmlText(object, 'Key') ?? '';
    const name = `<Key>${escapeXml(key)}</Key>`;
    try {
      store.delete(bucket, key, xmlText(object, 'ETag'));
      return quiet ? '' : `<Deleted>${name}</Deleted>`;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return `<Error>${name}<Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message></Error>`;
    }
  });
  return xml('DeleteResult', results.join(''));
}
