// S3 as it would be after the writes that a preview has held back, as far as one can know without writing: a migration that
// copies, verifies the copy and then deletes the source goes the same way as in a run. It is handed on to the slices and the
// migrations that come after.
//
// HeadObject, GetObject and ListObjectsV2 without a delimiter are answered from here. Every other read of a key or prefix
// that a held-back write would have changed is told as stale.
import type { ListObjectsV2CommandOutput, _Object, Tag } from '@aws-sdk/client-s3';
import { NoSuchKey, NotFound } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { isAccessPoint } from '../../../core/names/access-point.ts';
import { asListedKey, listedKey } from '../../../core/text/listed-key.ts';

/** An object as a held-back write would have left it. `by`: an earlier migration; undefined: this one. */
type Held = { by?: string | undefined } & ({ there: false } | ({ there: true; lastModified: Date } & Content));

interface Content {
  /** Bytes; undefined when not known. */
  size?: number | undefined;
  etag?: string | undefined;
  /** A copy's content can be read at its source. */
  source?: Place | undefined;
  /** A small object's content. */
  body?: Uint8Array | undefined;
  /** What else a HeadObject tells: content type, metadata, a checksum, … */
  beside?: Input | undefined;
  tags?: Tags | undefined;
}

/** A tag set, or that of the object that it was copied from. */
type Tags = { set: Tag[] } | { of: Place };

interface Place {
  bucket: string;
  key: string;
  /** Absent: the current one. */
  version?: string | undefined;
}

/** An object as a listing or a head showed it. */
interface Known {
  size: number;
  etag: string | undefined;
  /** As a head showed it. */
  beside?: Input | undefined;
}

interface Upload {
  /** What the object will have beside its bytes. */
  beside: Input;
  tags: Tags;
  parts: Map<number, Content>;
}

type Input = Record<string, unknown>;
type Send = (operation: 'same' | 'HeadObject', input: Input) => Promise<Input>;

/** How a read was answered: with what is there, as if the held-back writes had been made, or with what they would change. */
export type ReadFrom = 'real' | 'simulated' | 'stale';

/**
 * A read's answer, or what it fails with. `by`: the migrations whose held-back writes it is as if they had been made, or does not see; undefined stands
 * for this one.
 */
export interface ReadAnswer {
  output: Input | Error;
  seen: ReadFrom;
  by: (string | undefined)[];
}

/** A write that is held back: what the SDK would have answered, and the sizes of what it writes or deletes. */
export interface HeldBack {
  output: Input;
  bytes: number;
  unsized: number;
  /** Of a copy: the earlier migration that would have written its source. */
  from?: string | undefined;
  /** Of a copy: who may have written its source under another name of its bucket, which was not seen; undefined stands for this migration. */
  unseen?: (string | undefined)[] | undefined;
}

/** What later slices and migrations go on from. */
export interface HeldInS3 {
  held: Map<string, Map<string, Held>>;
  tagged: Map<string, Tagged>;
  uploads: Map<string, Upload>;
  pageEnds: Map<string, string>;
}

interface Tagged {
  by?: string | undefined;
  set: Tag[];
}

/** Sizes are remembered for so many objects; beyond that they are told as not known. */
const MAX_KNOWN = 500_000;
/** Contents of objects that were to be written are kept up to so many bytes in all, to be read again. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;
/** A checkpoint has the token of a page that was just read. */
const HANDED_ON_TOKENS = 10;

export class S3Shadow {
  readonly #held: Map<string, Map<string, Held>>;
  readonly #known = new Map<string, Known>();
  readonly #uploads: Map<string, Upload>;
  /** Of objects that were tagged anew, by bucket and key. */
  readonly #tagged: Map<string, Tagged>;
  /** Buckets, by the names that were used. */
  readonly #taggedIn: Set<string>;
  /** The last key of the page that a continuation token follows. */
  readonly #pageEnds: Map<string, string>;
  #kept = 0;

  /** @param before what earlier slices and migrations held back */
  constructor(before?: HeldInS3) {
    this.#held = before?.held ?? new Map<string, Map<string, Held>>();
    this.#uploads = before?.uploads ?? new Map<string, Upload>();
    this.#tagged = before?.tagged ?? new Map<string, Tagged>();
    this.#taggedIn = new Set([...this.#tagged.keys()].map((name) => BUCKET_OF.exec(name)?.[0] ?? ''));
    this.#pageEnds = before?.pageEnds ?? new Map<string, string>();
  }

  handOn(): HeldInS3 {
    const pageEnds = new Map([...this.#pageEnds].slice(-HANDED_ON_TOKENS));
    return { held: this.#held, uploads: this.#uploads, tagged: this.#tagged, pageEnds };
  }

  // --- reads -----------------------------------------------------------------------------------------------------

  async read(operation: string, input: Input, send: Send): Promise<ReadAnswer> {
    const read = () => this.#readByName(operation, input, send);
    const { Bucket, Key, Prefix, VersionId } = input;
    if (typeof Bucket !== 'string' || VersionId !== undefined || !TELLS_OF_OBJECTS.test(operation)) return read();
    const of = typeof Key === 'string' ? { key: Key } : { prefix: typeof Prefix === 'string' ? Prefix : '' };
    const by = this.#underOtherNames(Bucket, of);
    if (by.length === 0) return read();
    return { ...(await orStale('stale', undefined, async () => outputOf(await read()))), by };
  }

  /** Who wrote what may be the same object: a bucket has names besides its own, and which these are, nobody here knows. */
  #underOtherNames(bucket: string, of: { key: string } | { prefix: string }): (string | undefined)[] {
    const authors = new Set<string | undefined>();
    for (const [name, objects] of this.#held) {
      if (name === bucket || !(isAccessPoint(name) || isAccessPoint(bucket))) continue;
      if ('prefix' in of) for (const [key, { by }] of objects) if (key.startsWith(of.prefix)) authors.add(by);
      const held = 'key' in of ? objects.get(of.key) : undefined;
      if (held) authors.add(held.by);
    }
    if ('key' in of) {
      for (const name of this.#taggedIn) {
        const tagged = this.#tagged.get(`${name}/${of.key}`);
        if (tagged && name !== bucket && (isAccessPoint(name) || isAccessPoint(bucket))) authors.add(tagged.by);
      }
    }
    return [...authors];
  }

  async #readByName(operation: string, input: Input, send: Send): Promise<ReadAnswer> {
    const { Bucket: bucket, Key: key } = input;
    if (typeof bucket !== 'string') return { output: await send('same', input), seen: 'real', by: [] };
    if (typeof key !== 'string') return this.#readBucket(operation, bucket, input, send);

    const held = this.#held.get(bucket)?.get(key);
    const tagged = this.#tagged.get(`${bucket}/${key}`);
    const answered = (seen: ReadFrom, output: Input | Error, by = held?.by): ReadAnswer => ({ output, seen, by: [by] });
    if (input['VersionId'] !== undefined) return { output: await send('same', input), seen: 'real', by: [] };
    if (operation === 'GetObjectTagging' && (tagged || held?.there)) {
      const tags = tagged ?? (held?.there ? held.tags : undefined);
      if (tags && 'set' in tags) return answered('simulated', { ...METADATA, TagSet: tags.set }, (tagged ?? held)?.by);
      if (tags) return this.#atSource(tags.of, input, send, held?.by, (output) => output);
    }
    if (!held) {
      const output = await send('same', input);
      if (operation === 'HeadObject' && input['PartNumber'] === undefined) {
        this.#remember(bucket, key, output['ContentLength'], output['ETag'], output);
      }
      if (operation !== 'HeadObject' || !tagged) return { output, seen: 'real', by: [] };
      return answered('simulated', { ...output, TagCount: countOf(tagged.set) }, tagged.by);
    }
    if (!held.there && operation === 'HeadObject') return answered('simulated', notFound());
    if (!held.there && operation === 'GetObject') return answered('simulated', noSuchKey(key));
    const whole = input['Range'] === undefined && input['PartNumber'] === undefined;
    if (whole && held.there && operation === 'HeadObject' && held.size !== undefined) {
      const head = { ...METADATA, ...headOf(held) };
      return answered('simulated', tagged ? { ...head, TagCount: countOf(tagged.set) } : head);
    }
    if (held.there && operation === 'GetObject' && held.source) {
      return this.#atSource(held.source, input, send, held.by, (output) => ({
        ...headOf(held),
        ...pick(output, BODY_FIELDS),
      }));
    }
    if (whole && held.there && operation === 'GetObject' && held.body) {
      return answered('simulated', { ...METADATA, ...headOf(held), Body: sdkStream(held.body) });
    }
    return orStale('stale', held.by, () => send('same', input));
  }

  /** A copy is read where it comes from. */
  #atSource(
    { bucket: Bucket, key: Key, version: VersionId }: Place,
    input: Input,
    send: Send,
    by: string | undefined,
    answer: (output: Input) => Input,
  ): Promise<ReadAnswer> {
    return orStale('simulated', by, async () =>
      answer(await send('same', { ...input, ...WITHOUT_CONDITIONS, Bucket, Key, VersionId })),
    );
  }

  async #readBucket(operation: string, bucket: string, input: Input, send: Send): Promise<ReadAnswer> {
    const prefix = typeof input['Prefix'] === 'string' ? input['Prefix'] : '';
    const authors = new Set<string | undefined>();
    for (const [key, { by }] of this.#held.get(bucket) ?? []) if (key.startsWith(prefix)) authors.add(by);
    // Neither tells of objects.
    const by = operation === 'HeadBucket' || operation === 'ListMultipartUploads' ? [] : [...authors];
    const lists = operation === 'ListObjectsV2' && input['Delimiter'] === undefined;
    const output = await (lists ? this.#list(bucket, prefix, input, send) : send('same', input));
    return { output, seen: by.length === 0 ? 'real' : lists ? 'simulated' : 'stale', by };
  }

  /**
   * A page with the held-back writes made: without what was deleted, with what was written between its first and last key, and
   * no longer than was asked for.
   */
  async #list(bucket: string, prefix: string, input: Input, send: Send): Promise<Input> {
    const held = this.#held.get(bucket) ?? new Map<string, Held>();
    const token = input['ContinuationToken'];
    const own = typeof token === 'string' ? ownToken(token) : undefined;
    let after =
      own ??
      (typeof token === 'string' ? this.#pageEnds.get(token) : ((input['StartAfter'] as string | undefined) ?? ''));
    let asked = own === undefined ? input : { ...input, ContinuationToken: undefined, StartAfter: own };
    for (;;) {
      const page = (await send('same', asked)) as unknown as ListObjectsV2CommandOutput;
      const { Contents = [], IsTruncated = false, NextContinuationToken } = page;
      const encoded = page.EncodingType === 'url';
      const found = encoded ? Contents.map((object) => ({ ...object, Key: listedKey(object.Key ?? '') })) : Contents;
      for (const { Key = '', Size, ETag } of found) this.#remember(bucket, Key, Size, ETag);
      const last = found.at(-1)?.Key ?? '';
      if (NextContinuationToken !== undefined) this.#pageEnds.set(NextContinuationToken, last);
      if (held.size === 0) return page as unknown as Input;

      // A token that another process was given: what was written before this page is on no page.
      const from = after ?? found[0]?.Key ?? '';
      const real = found.filter(({ Key = '' }) => held.get(Key)?.there !== false);
      const keys = new Set(real.map(({ Key }) => Key));
      const objects: _Object[] = real.map((object) => ({ ...object, ...written(held.get(object.Key ?? '')) }));
      for (const [key, object] of held) {
        const onPage = key.startsWith(prefix) && precedes(from, key) && (!IsTruncated || !precedes(last, key));
        if (object.there && onPage && !keys.has(key))
          objects.push({ Key: key, StorageClass: 'STANDARD', ...written(object) });
      }
      if (objects.length > 0 || !IsTruncated) {
        objects.sort((a, b) => (precedes(a.Key ?? '', b.Key ?? '') ? -1 : 1));
        const most = typeof input['MaxKeys'] === 'number' ? input['MaxKeys'] : 1_000;
        const shown = objects.slice(0, most);
        const cut = shown.length < objects.length;
        return {
          ...page,
          IsTruncated: IsTruncated || cut,
          // S3's own goes on after all of this page.
          NextContinuationToken: cut ? tokenAfter(shown.at(-1)?.Key ?? from) : NextContinuationToken,
          Contents: shown.length === 0 ? undefined : encoded ? shown.map(withEncodedKey) : shown,
          KeyCount: shown.length,
        };
      }
      // All of this page was deleted; S3 would begin with the next one.
      after = last;
      asked = { ...input, ContinuationToken: NextContinuationToken, StartAfter: undefined };
    }
  }

  // --- writes, held back -----------------------------------------------------------------------------------------

  /** @throws NoSuchKey for a copy of what is not there, as S3 does */
  async write(operation: string, input: Input, send: Send): Promise<HeldBack> {
    const { Bucket, Key, VersionId } = input;
    const bucket = typeof Bucket === 'string' ? Bucket : '';
    const key = typeof Key === 'string' ? Key : '';
    switch (operation) {
      case 'PutObject': {
        const content = await this.#contentOf(input['Body']);
        this.#hold(bucket, key, { ...content, ...ownOf(input) });
        return sized({ ETag: content.etag }, content.size);
      }
      case 'CopyObject': {
        const { from, unseen, ...copied } = await this.#copied(input['CopySource'], send);
        const content = copyOf(copied, input);
        this.#hold(bucket, key, content);
        const output = { CopyObjectResult: { ETag: content.etag, LastModified: new Date() } };
        return { ...sized(output, content.size, from), unseen };
      }
      case 'PutObjectTagging':
      case 'DeleteObjectTagging': {
        const { TagSet = [] } = (input['Tagging'] ?? {}) as { TagSet?: Tag[] };
        this.#tagged.set(`${bucket}/${key}`, { set: TagSet });
        this.#taggedIn.add(bucket);
        return sized({}, 0);
      }
      case 'DeleteObject': {
        const size = this.#sizeOf(bucket, key);
        if (VersionId === undefined) this.#hold(bucket, key, undefined);
        return sized({}, size);
      }
      case 'DeleteObjects':
        return this.#deleteObjects(bucket, input['Delete'] as DeleteInput | undefined);
      case 'CreateMultipartUpload': {
        const UploadId = `preview-${this.#uploads.size + 1}`;
        this.#uploads.set(UploadId, { ...ownOf(input), parts: new Map() });
        return sized({ Bucket, Key, UploadId }, 0);
      }
      case 'UploadPart': {
        const { size, etag } = await this.#contentOf(input['Body']);
        this.#uploads.get(String(input['UploadId']))?.parts.set(Number(input['PartNumber']), { size, etag });
        return sized({ ETag: etag }, size);
      }
      case 'UploadPartCopy': {
        const { from, unseen, ...content } = await this.#copied(input['CopySource'], send);
        const { etag } = content;
        const size = rangeSize(input['CopySourceRange']) ?? content.size;
        const upload = this.#uploads.get(String(input['UploadId']));
        upload?.parts.set(Number(input['PartNumber']), { ...content, size });
        return { ...sized({ CopyPartResult: { ETag: etag, LastModified: new Date() } }, size, from), unseen };
      }
      case 'CompleteMultipartUpload': {
        const { beside, tags, parts } = this.#uploads.get(String(input['UploadId'])) ?? {};
        const content = await this.#assembled(
          [...(parts ?? [])].sort(([a], [b]) => a - b).map(([, part]) => part),
          send,
        );
        this.#hold(bucket, key, { ...content, beside: { ...beside, ...checksumsIn(content.beside) }, tags });
        // The parts were counted when they were sent.
        const Location = `https://${bucket}.s3.amazonaws.com/${key}`;
        return sized({ Bucket, Key, ETag: content.etag, Location }, 0);
      }
      default:
        return sized({}, 0);
    }
  }

  #deleteObjects(bucket: string, { Objects = [], Quiet = false }: DeleteInput = {}): HeldBack {
    let bytes = 0;
    let unsized = 0;
    for (const { Key = '', VersionId } of Objects) {
      const size = this.#sizeOf(bucket, Key);
      if (size === undefined) unsized += 1;
      else bytes += size;
      if (VersionId === undefined) this.#hold(bucket, Key, undefined);
    }
    return { output: { ...METADATA, Deleted: Quiet ? undefined : Objects }, bytes, unsized };
  }

  /** What the parts make: the whole of one object that they were all copied from, or something new. */
  async #assembled(parts: readonly Content[], send: Send): Promise<Content> {
    const sizes = parts.map((part) => part.size);
    const size = sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, part) => sum + (part ?? 0), 0);
    const [source, ...others] = new Set(parts.map((part) => part.source && nameOf(part.source)));
    const place = parts[0]?.source;
    if (source !== undefined && others.length === 0 && place) {
      const whole = this.#known.get(source) ?? (await this.#head(place, send));
      if (whole?.size === size && whole?.etag?.endsWith(`-${parts.length}"`)) return { ...whole, source: place };
    }
    return { size, etag: `"${md5(parts.map((part) => part.etag ?? '').join())}-${parts.length}"` };
  }

  #hold(bucket: string, key: string, content: Content | undefined): void {
    this.#tagged.delete(`${bucket}/${key}`);
    const objects = this.#held.get(bucket) ?? new Map<string, Held>();
    this.#held.set(bucket, objects);
    const before = objects.get(key);
    if (before?.there && before.body) this.#kept -= before.body.length;
    objects.set(key, content ? { there: true, lastModified: new Date(), ...content } : { there: false });
  }

  async #contentOf(body: unknown): Promise<Content> {
    const hash = createHash('md5');
    const chunks: Uint8Array[] = [];
    let size = 0;
    let keeps = true;
    for await (const chunk of chunksOf(body)) {
      hash.update(chunk);
      size += chunk.length;
      keeps &&= this.#kept + size <= MAX_KEPT_BYTES;
      if (keeps) chunks.push(chunk);
    }
    if (keeps) this.#kept += size;
    return { size, etag: `"${hash.digest('hex')}"`, body: keeps ? Buffer.concat(chunks) : undefined };
  }

  async #copied(copySource: unknown, send: Send): Promise<Content & Pick<HeldBack, 'from' | 'unseen'>> {
    const source = placeOf(copySource);
    if (!source) return {};
    const unseen = source.version === undefined ? this.#underOtherNames(source.bucket, source) : [];
    return { ...(await this.#copiedByName(source, send)), unseen };
  }

  async #copiedByName(source: Place, send: Send): Promise<Content & Pick<HeldBack, 'from'>> {
    const held = source.version === undefined ? this.#held.get(source.bucket)?.get(source.key) : undefined;
    if (held && !held.there) throw noSuchKey(source.key);
    const name = nameOf(source);
    const tagged = this.#tagged.get(name);
    if (held) {
      const { by, size, etag, source: first, body, beside, tags } = held;
      return { size, etag, source: first, body: body && Buffer.from(body), beside, tags: tagged ?? tags, from: by };
    }
    const known = this.#known.get(name);
    const content = known?.beside ? known : await this.#head(source, send);
    return { ...(content ?? known), source, tags: tagged ?? { of: source }, from: tagged?.by };
  }

  /** Also of what may not be read: a copy needs no more than its own permission, and then its size is not known. */
  async #head({ bucket, key, version }: Place, send: Send): Promise<Known | undefined> {
    try {
      const output = await send('HeadObject', {
        Bucket: bucket,
        Key: key,
        VersionId: version,
        ChecksumMode: 'ENABLED',
      });
      return {
        size: output['ContentLength'] as number,
        etag: output['ETag'] as string | undefined,
        beside: besideOf(output),
      };
    } catch (thrown) {
      if (thrown instanceof NotFound) throw noSuchKey(key);
      return undefined;
    }
  }

  /** Zero for what is not there; undefined when not known. */
  #sizeOf(bucket: string, key: string): number | undefined {
    const held = this.#held.get(bucket)?.get(key);
    if (held) return held.there ? held.size : 0;
    return this.#known.get(`${bucket}/${key}`)?.size;
  }

  #remember(bucket: string, key: string, size: unknown, etag: unknown, head?: Input): void {
    if (typeof size !== 'number' || this.#known.size >= MAX_KNOWN) return;
    const beside = head && besideOf(head);
    this.#known.set(`${bucket}/${key}`, { size, etag: typeof etag === 'string' ? etag : undefined, beside });
  }
}

/** A read that fails has not seen what was held back: a copy's source, say, may be what the code's role must not read. */
async function orStale(seen: ReadFrom, by: string | undefined, read: () => Promise<Input>): Promise<ReadAnswer> {
  try {
    return { output: await read(), seen, by: [by] };
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    return { output: thrown, seen: 'stale', by: [by] };
  }
}

function outputOf({ output }: ReadAnswer): Input {
  if (output instanceof Error) throw output;
  return output;
}

interface DeleteInput {
  Objects?: { Key?: string; VersionId?: string }[];
  Quiet?: boolean;
}

/** Of `bucket/key`: an ARN has a slash in it. */
const BUCKET_OF = /^(?:arn:[^/]*\/)?[^/]*/;

const TELLS_OF_OBJECTS = /^(?:Get|Head)Object|^ListObject|^SelectObject/;

/** What every answer of the SDK has. */
export const METADATA = {
  $metadata: { httpStatusCode: 200, requestId: 'held-back-by-the-preview', attempts: 1, totalRetryDelay: 0 },
};

const sized = (output: Input, size: number | undefined, from?: string): HeldBack => ({
  output: { ...METADATA, ...output },
  bytes: size ?? 0,
  unsized: size === undefined ? 1 : 0,
  from,
});

const headOf = ({ size, etag, lastModified, beside, tags }: Extract<Held, { there: true }>): Input => ({
  Metadata: {},
  ...beside,
  ...(tags && 'set' in tags ? { TagCount: countOf(tags.set) } : undefined),
  ContentLength: size,
  ETag: etag,
  LastModified: lastModified,
});

/** Of the answer to a GetObject of a copy's source: the rest is the copy's own. */
const BODY_FIELDS = ['$metadata', 'AcceptRanges', 'Body', 'ContentLength', 'ContentRange'];

/** They are the copy's, and hold. */
const WITHOUT_CONDITIONS = {
  IfMatch: undefined,
  IfNoneMatch: undefined,
  IfModifiedSince: undefined,
  IfUnmodifiedSince: undefined,
};

/** What a copy takes over from its source, unless it is to replace it. */
const METADATA_FIELDS = [
  'ContentType',
  'ContentEncoding',
  'ContentLanguage',
  'ContentDisposition',
  'CacheControl',
  'Expires',
  'ExpiresString',
  'Metadata',
  'MissingMeta',
];
/** What every write says of its own. */
const OWN_FIELDS = [
  'StorageClass',
  'WebsiteRedirectLocation',
  'ServerSideEncryption',
  'SSEKMSKeyId',
  'BucketKeyEnabled',
  'ObjectLockMode',
  'ObjectLockRetainUntilDate',
  'ObjectLockLegalHoldStatus',
];

const pick = (from: Input, fields: readonly string[]): Input =>
  Object.fromEntries(fields.filter((field) => from[field] !== undefined).map((field) => [field, from[field]]));

/** All that a head tells but what each object has of its own. */
const besideOf = (head: Input): Input => ({
  ...pick(head, [...METADATA_FIELDS, ...OWN_FIELDS, 'TagCount']),
  ...checksumsIn(head),
});

const checksumsIn = (head: Input = {}): Input =>
  pick(
    head,
    Object.keys(head).filter((field) => field.startsWith('Checksum')),
  );

/** What a write says of its own object. */
const ownOf = (input: Input): { beside: Input; tags: Tags } => ({
  beside: { ...metadataIn(input), ...ownIn(input) },
  tags: { set: tagsIn(input['Tagging']) },
});

function metadataIn(input: Input): Input {
  const { Expires, ...fields } = pick(input, METADATA_FIELDS);
  const { Metadata = {} } = input as { Metadata?: Record<string, string> };
  const lower = Object.entries(Metadata).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ContentType: 'application/octet-stream', // of the SDK
    ...fields,
    Metadata: Object.fromEntries(lower),
    ...(Expires instanceof Date ? { Expires, ExpiresString: Expires.toUTCString() } : undefined),
  };
}

function ownIn(input: Input): Input {
  const { StorageClass, ...fields } = pick(input, OWN_FIELDS);
  return StorageClass === undefined || StorageClass === 'STANDARD' ? fields : { ...fields, StorageClass };
}

const tagsIn = (tagging: unknown): Tag[] =>
  [...new URLSearchParams(typeof tagging === 'string' ? tagging : '')].map(([Key, Value]) => ({ Key, Value }));

const countOf = (tags: readonly Tag[]): number | undefined => (tags.length === 0 ? undefined : tags.length);

/** Of an object in parts the copy is in one piece: it has another ETag, and only a checksum of the whole stays. */
function copyOf(content: Content, input: Input): Content {
  const { beside = {}, etag = '' } = content;
  const metadata = input['MetadataDirective'] === 'REPLACE' ? metadataIn(input) : pick(beside, METADATA_FIELDS);
  const replacesTags = input['TaggingDirective'] === 'REPLACE';
  return {
    ...content,
    etag: /-\d+"$/.test(etag) ? `"${md5(etag)}"` : content.etag,
    beside: {
      ...metadata,
      ...ownIn(input),
      ...(beside['ChecksumType'] === 'FULL_OBJECT' ? checksumsIn(beside) : undefined),
      ...(replacesTags ? undefined : pick(beside, ['TagCount'])),
    },
    tags: replacesTags ? { set: tagsIn(input['Tagging']) } : content.tags,
  };
}

const withEncodedKey = (object: _Object): _Object => ({ ...object, Key: asListedKey(object.Key ?? '') });

const OWN_TOKEN = 'preview-after-';
const tokenAfter = (key: string): string => OWN_TOKEN + Buffer.from(key).toString('base64url');
const ownToken = (token: string): string | undefined =>
  token.startsWith(OWN_TOKEN) ? Buffer.from(token.slice(OWN_TOKEN.length), 'base64url').toString() : undefined;

const written = (held: Held | undefined): Partial<_Object> =>
  held?.there ? { Size: held.size, ETag: held.etag, LastModified: held.lastModified } : {};

/** In the order of S3's listings, by bytes of UTF-8. */
const precedes = (a: string, b: string): boolean => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/**
 * `/bucket/key%20encoded?versionId=…`, in which the slash may be encoded too, and a space a plus; or `arn:…:accesspoint/name/object/key`. Undefined
 * for what is not encoded: S3 refuses that, and whoever wrote it sees it there.
 */
function placeOf(copySource: unknown): Place | undefined {
  const [text = '', query] = (typeof copySource === 'string' ? copySource : '').split('?');
  const place = decoded(text.replaceAll('+', ' '));
  const [, bucket, key] = OF_ACCESS_POINT.exec(place) ?? /^\/?([^/:]+)\/([^]+)$/.exec(place) ?? [];
  if (bucket === undefined || key === undefined) return undefined;
  return { bucket, key, version: new URLSearchParams(query).get('versionId') ?? undefined };
}

const OF_ACCESS_POINT = /^(arn:[^/]*:accesspoint\/[^/]+)\/object\/([^]+)$/;

const nameOf = ({ bucket, key, version }: Place): string =>
  version === undefined ? `${bucket}/${key}` : `${bucket}/${key}?versionId=${version}`;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function rangeSize(range: unknown): number | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(typeof range === 'string' ? range : '') ?? [];
  return first === undefined ? undefined : Number(last) - Number(first) + 1;
}

/** A body as the SDK takes it: nothing, text, bytes, a blob, or a stream of either kind. */
async function* chunksOf(body: unknown): AsyncGenerator<Uint8Array> {
  if (body === undefined || body === null) return;
  if (typeof body === 'string') yield Buffer.from(body);
  else if (ArrayBuffer.isView(body)) yield new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  else if (body instanceof ArrayBuffer) yield new Uint8Array(body);
  else if (body instanceof Blob) yield* chunksOf(body.stream());
  else for await (const chunk of body as AsyncIterable<unknown>) yield* chunksOf(chunk);
}

/** A body as the SDK gives it. */
function sdkStream(body: Uint8Array): Readable {
  return Object.assign(Readable.from([Buffer.from(body)], { objectMode: false }), {
    transformToByteArray: () => Promise.resolve(new Uint8Array(body)),
    transformToString: (encoding?: BufferEncoding) => Promise.resolve(Buffer.from(body).toString(encoding)),
    transformToWebStream: () => new Blob([new Uint8Array(body)]).stream(),
  });
}

const notFound = (): NotFound =>
  new NotFound({ message: 'UnknownError', $metadata: { ...METADATA.$metadata, httpStatusCode: 404 } });

const noSuchKey = (key: string): NoSuchKey =>
  Object.assign(
    new NoSuchKey({
      message: 'The specified key does not exist.',
      $metadata: { ...METADATA.$metadata, httpStatusCode: 404 },
    }),
    { Key: key },
  );
