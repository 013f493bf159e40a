// Multipart uploads: parts that are sent or copied, and become one object.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { AwsError, escapeXml, header, readBody, signerOf } from '../http.ts';
import type { HttpAnswer, HttpRequest } from '../http.ts';
import { iso, OWNER, xml } from './answers.ts';
import { checksumXml } from './attributes.ts';
import { algorithmOf, checksumHeaders, compositeOf, DEFAULT_ALGORITHM, digests } from './checksums.ts';
import type { Algorithm, ChecksumType } from './checksums.ts';
import { bare, writeCondition } from './conditions.ts';
import {
  checkKey,
  closingOnError,
  commit,
  contentOf,
  encryptionOf,
  kept,
  openCopySource,
  readRange,
  receiveBody,
  xmlText,
} from './requests.ts';
import type { S3Call } from './requests.ts';
import { without } from './store.ts';
import type { Received, Upload } from './store.ts';

export async function createMultipartUpload({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  store.requireBucket(bucket);
  checkKey(key);
  await readBody(request.body);
  const named = header(request.headers, 'x-amz-checksum-algorithm');
  const algorithm = named === undefined ? DEFAULT_ALGORITHM : algorithmOf(named);
  const type =
    header(request.headers, 'x-amz-checksum-type') ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE');
  if ((algorithm.startsWith('sha') && type === 'FULL_OBJECT') || (algorithm === 'crc64nvme' && type === 'COMPOSITE')) {
    throw new AwsError('InvalidRequest', `The ${type} checksum type cannot be used with the ${algorithm} algorithm.`);
  }
  const own = { [ASKED_ALGORITHM]: algorithm, [INITIATED]: iso(Date.now()), [INITIATOR]: callerOf(request) };
  const headers = { ...kept(request), ...own, 'x-amz-checksum-type': type };
  const id = store.createUpload({ bucket, key, headers });
  const where = `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key>`;
  const answer = xml('InitiateMultipartUploadResult', `${where}<UploadId>${id}</UploadId>`);
  return { ...answer, headers: { ...answer.headers, ...encryptionOf(headers) } };
}

/** Kept with an upload, and not with its object. */
const ASKED_ALGORITHM = 'x-amz-checksum-algorithm';
const INITIATED = 'initiated';
const INITIATOR = 'initiator';

/** By the access key: nobody has another name here. */
const callerOf = (request: HttpRequest): string => signerOf(request)?.accessKey ?? 'anonymous';

const algorithmOfUpload = ({ headers }: Upload): Algorithm =>
  algorithmOf(headers[ASKED_ALGORITHM] ?? DEFAULT_ALGORITHM);

export async function uploadPart({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  const { id, number } = partOf(request);
  const algorithm = algorithmOfUpload(store.upload(id, bucket, key));
  const { received, checksum } = await receiveBody(store, request);
  const own = await checksumOfFile(received, algorithm);
  const part = commit(store, received, () => {
    store.upload(id, bucket, key);
    return store.putPart(id, number, received, own);
  });
  return { status: 200, headers: { etag: part.etag, ...without(checksum, 'x-amz-checksum-type') } };
}

/** Of a part that came with another checksum than the upload's, or the same. */
async function checksumOfFile({ file, checksums }: Received, algorithm: Algorithm): Promise<string> {
  const known = checksums[algorithm];
  if (known) return known.toString('base64');
  const all = digests([algorithm]);
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) all.update(chunk);
  return all.digest()[algorithm]?.toString('base64') ?? '';
}

export async function uploadPartCopy({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  const { id, number } = partOf(request);
  const algorithm = algorithmOfUpload(store.upload(id, bucket, key));
  await readBody(request.body);
  const source = openCopySource(store, request);
  const text = header(request.headers, 'x-amz-copy-source-range');
  const range = closingOnError(source.fd, () => readRange(text, source.object.size));
  const received = await store.receive(contentOf(source, range), [algorithm]);
  const value = received.checksums[algorithm]?.toString('base64') ?? '';
  const part = commit(store, received, () => store.putPart(id, number, received, value));
  const name = `Checksum${algorithm.toUpperCase()}`;
  return xml(
    'CopyPartResult',
    `<ETag>${escapeXml(part.etag)}</ETag><LastModified>${iso(Date.now())}</LastModified><${name}>${value}</${name}>`,
  );
}

export async function completeMultipartUpload({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  const id = request.query.get('uploadId') ?? '';
  const upload = store.upload(id, bucket, key);
  const algorithm = algorithmOfUpload(upload);
  const type = upload.headers['x-amz-checksum-type'] ?? 'FULL_OBJECT';
  const condition = writeCondition(request);
  const stored = new Map(store.parts(id).map((part) => [part.number, part]));
  const asked = readParts((await readBody(request.body)).toString(), algorithm);
  const parts = asked.map(({ number, etag, checksum }) => {
    const part = stored.get(number);
    if (!part || bare(part.etag) !== bare(etag) || (checksum ?? part.checksum) !== part.checksum) {
      throw new AwsError('InvalidPart', `One or more of the specified parts could not be found: part ${number}`);
    }
    if (type === 'COMPOSITE' && checksum === undefined) {
      const missing = `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`;
      throw new AwsError('InvalidRequest', missing);
    }
    return part;
  });
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (!last && part.size < 5 * 1024 * 1024) {
      throw new AwsError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
    }
  }
  const composite = type === 'COMPOSITE';
  const received = await store.receive(concatenate(parts.map((part) => part.file)), composite ? [] : [algorithm]);
  const value = composite
    ? compositeOf(
        algorithm,
        parts.map((part) => part.checksum),
      )
    : (received.checksums[algorithm]?.toString('base64') ?? '');
  // S3's ETag of such an object: the MD5 of its parts' MD5s, and how many there were.
  const md5s = Buffer.concat(parts.map((part) => Buffer.from(bare(part.etag), 'hex')));
  const etag = `"${createHash('md5').update(md5s).digest('hex')}-${parts.length}"`;
  const own = without(upload.headers, ASKED_ALGORITHM, INITIATED, INITIATOR);
  const headers = { ...own, ...checksumHeaders(algorithm, value, type as ChecksumType) };
  const multipart = { etag, parts: parts.map((part) => part.size) };
  const object = commit(store, received, () => store.put(bucket, key, received, { headers, condition, multipart }));
  store.dropUpload(id);
  const where = `<Bucket>${escapeXml(bucket)}</Bucket><Key>${escapeXml(key)}</Key>`;
  return xml('CompleteMultipartUploadResult', `${where}<ETag>${escapeXml(object.etag)}</ETag>${checksumXml(object)}`);
}

/** All of them at once. */
export function listMultipartUploads({ store, request, bucket }: S3Call): HttpAnswer {
  store.requireBucket(bucket);
  const prefix = request.query.get('prefix') ?? '';
  const uploads = store.uploads(bucket, prefix).map(({ id, key, headers }) => {
    const by = escapeXml(headers[INITIATOR] ?? '');
    return (
      `<Upload><Key>${escapeXml(key)}</Key><UploadId>${id}</UploadId>` +
      `<Initiator><ID>${by}</ID><DisplayName>${by}</DisplayName></Initiator>${OWNER}` +
      `<StorageClass>${headers['x-amz-storage-class'] ?? 'STANDARD'}</StorageClass><Initiated>${headers[INITIATED] ?? ''}</Initiated>` +
      `<ChecksumAlgorithm>${headers[ASKED_ALGORITHM]?.toUpperCase() ?? ''}</ChecksumAlgorithm>` +
      `<ChecksumType>${headers['x-amz-checksum-type'] ?? ''}</ChecksumType></Upload>`
    );
  });
  const named = `<Bucket>${escapeXml(bucket)}</Bucket><Prefix>${escapeXml(prefix)}</Prefix><IsTruncated>false</IsTruncated>`;
  return xml('ListMultipartUploadsResult', named + uploads.join(''));
}

/** In pages of 1,000. */
export function listParts({ store, request, bucket, key }: S3Call): HttpAnswer {
  const id = request.query.get('uploadId') ?? '';
  const name = `Checksum${algorithmOfUpload(store.upload(id, bucket, key)).toUpperCase()}`;
  const after = Number(request.query.get('part-number-marker') ?? 0);
  const all = store.parts(id).filter(({ number }) => number > after);
  const page = all.slice(0, 1_000);
  const parts = page.map(
    ({ number, etag, size, checksum }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag><Size>${size}</Size><${name}>${checksum}</${name}></Part>`,
  );
  const more = all.length > page.length;
  const next = more ? `<NextPartNumberMarker>${page.at(-1)?.number ?? 0}</NextPartNumberMarker>` : '';
  return xml('ListPartsResult', `<UploadId>${id}</UploadId><IsTruncated>${more}</IsTruncated>${next}${parts.join('')}`);
}

export function abortMultipartUpload({ store, request, bucket, key }: S3Call): HttpAnswer {
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

function readParts(
  text: string,
  algorithm: Algorithm,
): { number: number; etag: string; checksum: string | undefined }[] {
  const parts = [...text.matchAll(/<Part>([^]*?)<\/Part>/g)].map(([, part = '']) => ({
    number: Number(xmlText(part, 'PartNumber')),
    etag: xmlText(part, 'ETag') ?? '',
    checksum: xmlText(part, `Checksum${algorithm.toUpperCase()}`),
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
