// S3 as it would be after the writes that a preview has held back, as far as one can know without writing: a migration that
// copies, verifies the copy and then deletes the source goes the same way as in a run.
//
// HeadObject, GetObject and ListObjectsV2 without a delimiter are answered from here. Every other read of a key or prefix
// that a held-back write would have changed is told as stale.
import type { ListObjectsV2CommandOutput, _Object } from '@aws-sdk/client-s3';
import { NoSuchKey, NotFound } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** An object as a held-back write would have left it. */
type Held = { there: false } | ({ there: true; lastModified: Date } & Content);

interface Content {
  /** Bytes; undefined when not known. */
  size?: number | undefined;
  etag?: string | undefined;
  /** A copy's content can be read at its source. */
  source?: Place | undefined;
  /** A small object's content. */
  body?: Uint8Array | undefined;
}

interface Place {
  bucket: string;
  key: string;
}

/** An object as a listing or a head showed it. */
interface Known {
  size: number;
  etag: string | undefined;
}

type Input = Record<string, unknown>;
type Send = (operation: 'same' | 'HeadObject', input: Input) => Promise<Input>;

/** How a read was answered: with what is there, as if the held-back writes had been made, or with what they would change. */
export type ReadFrom = 'real' | 'simulated' | 'stale';

/** A write that is held back: what the SDK would have answered, and the sizes of what it writes or deletes. */
export interface HeldBack {
  output: Input;
  bytes: number;
  unsized: number;
}

/** Sizes are remembered for so many objects; beyond that they are told as not known. */
const MAX_KNOWN = 500_000;
/** Contents of objects that were to be written are kept up to so many bytes in all, to be read again. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

export class S3Shadow {
  readonly #held = new Map<string, Map<string, Held>>();
  readonly #known = new Map<string, Known>();
  readonly #uploads = new Map<string, Map<number, Content>>();
  /** The last key of the page that a continuation token follows. */
  readonly #pageEnds = new Map<string, string>();
  #kept = 0;

  // --- reads -----------------------------------------------------------------------------------------------------

  async read(operation: string, input: Input, send: Send): Promise<{ output: Input; seen: ReadFrom }> {
    const { Bucket: bucket, Key: key } = input;
    if (typeof bucket !== 'string') return { output: await send('same', input), seen: 'real' };
    if (typeof key !== 'string') return this.#readBucket(operation, bucket, input, send);

    const held = this.#held.get(bucket)?.get(key);
    if (!held) {
      const output = await send('same', input);
      if (operation === 'HeadObject') this.#remember(bucket, key, output['ContentLength'], output['ETag']);
      return { output, seen: 'real' };
    }
    const whole = input['VersionId'] === undefined && input['Range'] === undefined && input['PartNumber'] === undefined;
    if (whole && !held.there && operation === 'HeadObject') throw notFound();
    if (whole && !held.there && operation === 'GetObject') throw noSuchKey(key);
    if (whole && held.there && operation === 'HeadObject' && held.size !== undefined) {
      return { output: { ...METADATA, ...headOf(held) }, seen: 'simulated' };
    }
    if (held.there && operation === 'GetObject' && held.source) {
      const { bucket: Bucket, key: Key } = held.source;
      return { output: await send('same', { ...input, Bucket, Key }), seen: 'simulated' };
    }
    if (whole && held.there && operation === 'GetObject' && held.body) {
      return { output: { ...METADATA, ...headOf(held), Body: sdkStream(held.body) }, seen: 'simulated' };
    }
    return { output: await send('same', input), seen: 'stale' };
  }

  async #readBucket(
    operation: string,
    bucket: string,
    input: Input,
    send: Send,
  ): Promise<{ output: Input; seen: ReadFrom }> {
    const prefix = typeof input['Prefix'] === 'string' ? input['Prefix'] : '';
    const changed = [...(this.#held.get(bucket)?.keys() ?? [])].some((key) => key.startsWith(prefix));
    const lists = operation === 'ListObjectsV2' && input['Delimiter'] === undefined;
    if (lists) return { output: await this.#list(bucket, prefix, input, send), seen: changed ? 'simulated' : 'real' };
    return { output: await send('same', input), seen: changed && operation !== 'HeadBucket' ? 'stale' : 'real' };
  }

  /** A page with the held-back writes made: without what was deleted, with what was written between its first and last key. */
  async #list(bucket: string, prefix: string, input: Input, send: Send): Promise<Input> {
    const held = this.#held.get(bucket) ?? new Map<string, Held>();
    const token = input['ContinuationToken'];
    let after =
      typeof token === 'string' ? this.#pageEnds.get(token) : ((input['StartAfter'] as string | undefined) ?? '');
    let asked = input;
    for (;;) {
      const page = (await send('same', asked)) as unknown as ListObjectsV2CommandOutput;
      const { Contents = [], IsTruncated = false, NextContinuationToken } = page;
      for (const { Key = '', Size, ETag } of Contents) this.#remember(bucket, Key, Size, ETag);
      const last = Contents.at(-1)?.Key ?? '';
      if (NextContinuationToken !== undefined) this.#pageEnds.set(NextContinuationToken, last);
      if (held.size === 0) return page as unknown as Input;

      // A token that another process was given: what was written before this page is on no page.
      const from = after ?? Contents[0]?.Key ?? '';
      const real = Contents.filter(({ Key = '' }) => held.get(Key)?.there !== false);
      const keys = new Set(real.map(({ Key }) => Key));
      const objects: _Object[] = real.map((object) => ({ ...object, ...written(held.get(object.Key ?? '')) }));
      for (const [key, object] of held) {
        const onPage = key.startsWith(prefix) && precedes(from, key) && (!IsTruncated || !precedes(last, key));
        if (object.there && onPage && !keys.has(key))
          objects.push({ Key: key, StorageClass: 'STANDARD', ...written(object) });
      }
      if (objects.length > 0 || !IsTruncated) {
        objects.sort((a, b) => (precedes(a.Key ?? '', b.Key ?? '') ? -1 : 1));
        return { ...page, Contents: objects.length > 0 ? objects : undefined, KeyCount: objects.length };
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
        this.#hold(bucket, key, content);
        return sized({ ETag: content.etag }, content.size);
      }
      case 'CopyObject': {
        const content = await this.#copied(input['CopySource'], send);
        this.#hold(bucket, key, content);
        return sized({ CopyObjectResult: { ETag: content.etag, LastModified: new Date() } }, content.size);
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
        this.#uploads.set(UploadId, new Map());
        return sized({ Bucket, Key, UploadId }, 0);
      }
      case 'UploadPart': {
        const { size, etag } = await this.#contentOf(input['Body']);
        this.#uploads.get(String(input['UploadId']))?.set(Number(input['PartNumber']), { size, etag });
        return sized({ ETag: etag }, size);
      }
      case 'UploadPartCopy': {
        const { etag } = await this.#copied(input['CopySource'], send);
        const size = rangeSize(input['CopySourceRange']);
        this.#uploads.get(String(input['UploadId']))?.set(Number(input['PartNumber']), { size, etag });
        return sized({ CopyPartResult: { ETag: etag, LastModified: new Date() } }, size);
      }
      case 'CompleteMultipartUpload': {
        const parts = [...(this.#uploads.get(String(input['UploadId'])) ?? [])].sort(([a], [b]) => a - b);
        const sizes = parts.map(([, part]) => part.size);
        const size = sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, part) => sum + (part ?? 0), 0);
        const etag = `"${md5(parts.map(([, part]) => part.etag ?? '').join())}-${parts.length}"`;
        this.#hold(bucket, key, { size, etag });
        // The parts were counted when they were sent.
        return sized({ Bucket, Key, ETag: etag, Location: `https://${bucket}.s3.amazonaws.com/${key}` }, 0);
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

  #hold(bucket: string, key: string, content: Content | undefined): void {
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

  async #copied(copySource: unknown, send: Send): Promise<Content> {
    const source = placeOf(copySource);
    if (!source) return {};
    const held = this.#held.get(source.bucket)?.get(source.key);
    if (held && !held.there) throw noSuchKey(source.key);
    if (held)
      return { size: held.size, etag: held.etag, source: held.source, body: held.body && Buffer.from(held.body) };
    const known = this.#known.get(`${source.bucket}/${source.key}`) ?? (await this.#head(source, send));
    return { ...known, source };
  }

  /** Also of what may not be read: a copy needs no more than its own permission, and then its size is not known. */
  async #head({ bucket, key }: Place, send: Send): Promise<Known | undefined> {
    try {
      const { ContentLength, ETag } = await send('HeadObject', { Bucket: bucket, Key: key });
      return { size: ContentLength as number, etag: ETag as string | undefined };
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

  #remember(bucket: string, key: string, size: unknown, etag: unknown): void {
    if (typeof size !== 'number' || this.#known.size >= MAX_KNOWN) return;
    this.#known.set(`${bucket}/${key}`, { size, etag: typeof etag === 'string' ? etag : undefined });
  }
}

interface DeleteInput {
  Objects?: { Key?: string; VersionId?: string }[];
  Quiet?: boolean;
}

/** What every answer of the SDK has. */
export const METADATA = {
  $metadata: { httpStatusCode: 200, requestId: 'held-back-by-the-preview', attempts: 1, totalRetryDelay: 0 },
};

const sized = (output: Input, size: number | undefined): HeldBack => ({
  output: { ...METADATA, ...output },
  bytes: size ?? 0,
  unsized: size === undefined ? 1 : 0,
});

const headOf = ({ size, etag, lastModified }: Extract<Held, { there: true }>): Input => ({
  ContentLength: size,
  ETag: etag,
  LastModified: lastModified,
  Metadata: {},
});

const written = (held: Held | undefined): Partial<_Object> =>
  held?.there ? { Size: held.size, ETag: held.etag, LastModified: held.lastModified } : {};

/** In the order of S3's listings, by bytes of UTF-8. */
const precedes = (a: string, b: string): boolean => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** `/bucket/key%20encoded?versionId=…`; undefined for an access point's ARN. */
function placeOf(copySource: unknown): Place | undefined {
  const [, bucket, key] = /^\/?([^/:]+)\/([^?]+)/.exec(typeof copySource === 'string' ? copySource : '') ?? [];
  return bucket === undefined || key === undefined ? undefined : { bucket, key: decodeURIComponent(key) };
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
