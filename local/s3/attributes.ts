// What S3 tells and changes of an object beside its bytes: headers, attributes, checksums, tags.

import { AwsError, escapeXml, header, readBody } from '../http.ts';
import type { HttpAnswer } from '../http.ts';
import { xml } from './answers.ts';
import { algorithmOf } from './checksums.ts';
import type { Algorithm } from './checksums.ts';
import { bare } from './conditions.ts';
import { plainBody, xmlText } from './requests.ts';
import type { S3Call } from './requests.ts';
import type { KeptObject, ObjectStore } from './store.ts';

/** What a read gives back of what is kept: of the tags their number, a checksum when it is asked for. */
export function shown({ headers }: KeptObject, withChecksum: boolean): Record<string, string | undefined> {
  const { 'x-amz-tagging': tagging, ...others } = headers;
  const count = tagging === undefined ? 0 : [...new URLSearchParams(tagging)].length;
  const given = Object.entries(others).filter(([name]) => withChecksum || !name.startsWith('x-amz-checksum-'));
  return { ...Object.fromEntries(given), 'x-amz-tagging-count': count === 0 ? undefined : String(count) };
}

export function checksumOf({ headers }: KeptObject): { algorithm: Algorithm; value: string; type: string } | undefined {
  const name = Object.keys(headers).find((each) => /^x-amz-checksum-(?!type)/.test(each));
  if (name === undefined) return undefined;
  const algorithm = algorithmOf(name.slice('x-amz-checksum-'.length));
  return { algorithm, value: headers[name] ?? '', type: headers['x-amz-checksum-type'] ?? 'FULL_OBJECT' };
}

export function checksumXml(object: KeptObject): string {
  const { algorithm, value, type } = checksumOf(object) ?? {};
  if (algorithm === undefined) return '';
  const name = `Checksum${algorithm.toUpperCase()}`;
  return `<${name}>${value}</${name}><ChecksumType>${type}</ChecksumType>`;
}

export function getObjectAttributes({ store, request, bucket, key }: S3Call): HttpAnswer {
  const object = existing(store, bucket, key);
  const asked = (header(request.headers, 'x-amz-object-attributes') ?? '').split(',').map((name) => name.trim());
  const { parts } = object;
  const attributes: Record<string, string> = {
    ETag: `<ETag>${bare(object.etag)}</ETag>`,
    Checksum: `<Checksum>${checksumXml(object)}</Checksum>`,
    // With the sizes of the parts where their checksums are kept, which is the case of composite ones.
    ObjectParts: parts ? `<ObjectParts><PartsCount>${parts.length}</PartsCount></ObjectParts>` : '',
    StorageClass: `<StorageClass>${object.headers['x-amz-storage-class'] ?? 'STANDARD'}</StorageClass>`,
    ObjectSize: `<ObjectSize>${object.size}</ObjectSize>`,
  };
  const given = Object.entries(attributes).filter(([name]) => asked.includes(name));
  const answer = xml('GetObjectAttributesResponse', given.map(([, text]) => text).join(''));
  return { ...answer, headers: { ...answer.headers, 'last-modified': new Date(object.modified).toUTCString() } };
}

function existing(store: ObjectStore, bucket: string, key: string): KeptObject {
  store.requireBucket(bucket);
  const object = store.get(bucket, key);
  if (!object) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
  return object;
}

export function getObjectTagging({ store, bucket, key }: S3Call): HttpAnswer {
  const tags = [...new URLSearchParams(existing(store, bucket, key).headers['x-amz-tagging'] ?? '')].map(
    ([name, value]) => `<Tag><Key>${escapeXml(name)}</Key><Value>${escapeXml(value)}</Value></Tag>`,
  );
  return xml('Tagging', `<TagSet>${tags.join('')}</TagSet>`);
}

export async function putObjectTagging({ store, request, bucket, key }: S3Call): Promise<HttpAnswer> {
  const text = (await readBody(plainBody(request).body)).toString();
  const tags = [...text.matchAll(/<Tag>([^]*?)<\/Tag>/g)].map(([, tag = '']): [string, string] => [
    xmlText(tag, 'Key') ?? '',
    xmlText(tag, 'Value') ?? '',
  ]);
  store.tag(bucket, existing(store, bucket, key).key, new URLSearchParams(tags).toString());
  return { status: 200 };
}

export function deleteObjectTagging({ store, bucket, key }: S3Call): HttpAnswer {
  store.tag(bucket, existing(store, bucket, key).key, '');
  return { status: 204 };
}
