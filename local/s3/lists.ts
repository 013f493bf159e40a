// ListObjects and ListObjectsV2: pages, prefixes and delimiters.

import { asListedKey, isReadAsEmpty } from '../../core/text/listed-key.ts';
import { AwsError, escapeXml } from '../http.ts';
import type { HttpAnswer } from '../http.ts';
import { iso, notImplemented, OWNER, xml } from './answers.ts';
import type { S3Call } from './requests.ts';
import { AFTER_ALL } from './store.ts';
import type { ObjectStore, KeptObject } from './store.ts';

export function listObjects({ store, request, bucket }: S3Call): HttpAnswer {
  store.requireBucket(bucket);
  const { query } = request;
  const second = query.get('list-type') === '2';
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = readMaxKeys(query.get('max-keys'));
  const token = query.get('continuation-token');
  const start = (second ? query.get('start-after') : query.get('marker')) ?? '';
  const page = listPage(store, bucket, {
    prefix,
    delimiter,
    limit: Math.min(maxKeys, 1000),
    after: token === null ? start : decodeToken(token),
  });

  const encoding = query.get('encoding-type');
  const name = encoding === 'url' ? asListedKey : escapeXml;
  // S3 writes it as it is, and the SDK reads nothing: a migration that goes through such a list does not see it.
  if (encoding !== 'url' && [...page.objects.map(({ key }) => key), ...page.prefixes].some(isReadAsEmpty)) {
    throw notImplemented(
      "a list of keys of line breaks alone, which the SDK reads as empty, without EncodingType 'url'",
    );
  }
  const owner = !second || query.get('fetch-owner') === 'true' ? OWNER : '';
  const parts = [
    `<Name>${escapeXml(bucket)}</Name><Prefix>${name(prefix)}</Prefix><MaxKeys>${maxKeys}</MaxKeys>`,
    delimiter === '' ? '' : `<Delimiter>${name(delimiter)}</Delimiter>`,
    encoding === null ? '' : `<EncodingType>${escapeXml(encoding)}</EncodingType>`,
    `<IsTruncated>${page.next !== undefined}</IsTruncated>`,
    second ? `<KeyCount>${page.objects.length + page.prefixes.length}</KeyCount>` : `<Marker>${name(start)}</Marker>`,
    second && start !== '' ? `<StartAfter>${name(start)}</StartAfter>` : '',
    token === null ? '' : `<ContinuationToken>${escapeXml(token)}</ContinuationToken>`,
    second && page.next !== undefined ? `<NextContinuationToken>${encodeToken(page.next)}</NextContinuationToken>` : '',
    !second && page.next !== undefined ? `<NextMarker>${name(page.next)}</NextMarker>` : '',
    ...page.objects.map(
      (object) =>
        `<Contents><Key>${name(object.key)}</Key><LastModified>${iso(object.modified)}</LastModified>` +
        `<ETag>${escapeXml(object.etag)}</ETag><Size>${object.size}</Size>${owner}` +
        `<StorageClass>${object.headers['x-amz-storage-class'] ?? 'STANDARD'}</StorageClass></Contents>`,
    ),
    ...page.prefixes.map((common) => `<CommonPrefixes><Prefix>${name(common)}</Prefix></CommonPrefixes>`),
  ];
  return xml('ListBucketResult', parts.join(''));
}

interface Page {
  readonly objects: KeptObject[];
  readonly prefixes: string[];
  /** Where the next page begins, when there is one. */
  readonly next: string | undefined;
}

/** Jumps over each common prefix instead of reading what is below it. */
function listPage(
  store: ObjectStore,
  bucket: string,
  { prefix, delimiter, limit, after }: { prefix: string; delimiter: string; limit: number; after: string },
): Page {
  const objects: KeptObject[] = [];
  const prefixes: string[] = [];
  let from = after;
  let jumped = limit > 0;
  while (jumped) {
    jumped = false;
    for (const object of store.list(bucket, { prefix, after: from })) {
      if (objects.length + prefixes.length === limit) return { objects, prefixes, next: from };
      const cut = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length);
      if (cut < 0) {
        objects.push(object);
        from = object.key;
        continue;
      }
      const common = object.key.slice(0, cut + delimiter.length);
      prefixes.push(common);
      from = common + AFTER_ALL;
      jumped = true;
      break;
    }
  }
  return { objects, prefixes, next: undefined };
}

function readMaxKeys(text: string | null): number {
  if (text === null) return 1000;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AwsError('InvalidArgument', 'Provided max-keys not an integer or within integer range');
}

function encodeToken(key: string): string {
  return Buffer.from(`1${key}`).toString('base64url');
}

function decodeToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith('1')) throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect');
  return text.slice(1);
}
