// The ledger's store contract on S3 (core/ledger/store.ts), by conditional writes.
import {
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';
import type { KeyList, Store, StoredObject, Written } from '../core/ledger/store.ts';
import { MAX_RECORD_BYTES } from '../core/ledger/store.ts';

/** The SDK's exponential back-off: 7 retries, at most about 25 s in all. Every request here is safe to repeat. */
const MAX_ATTEMPTS = 8;
/** 409 ConditionalRequestConflict means "try again": 5 times, 3 s in all. */
const CONFLICT_DELAYS_MS = [100, 200, 400, 800, 1_500];

/** @param endpoint of the embedded AWS, with its key in the path where others sign with credentials of the user's: it needs none of them */
export function ledgerClient(endpoint: string | undefined): S3Client {
  if (endpoint === undefined) return new S3Client({ maxAttempts: MAX_ATTEMPTS });
  const embedded = { maxAttempts: MAX_ATTEMPTS, endpoint, forcePathStyle: true };
  const accessKeyId = new URL(endpoint).pathname.slice(1);
  if (accessKeyId === '') return new S3Client(embedded);
  return new S3Client({ ...embedded, credentials: { accessKeyId, secretAccessKey: 'embedded' } });
}

/** The `Date` of S3's answers, by the metadata of each: the SDK drops it, and no function's clock is as good. */
const dates = new WeakMap<object, number>();

function keepDates(s3: S3Client): void {
  s3.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { headers } = answer.response as { headers: Record<string, string | undefined> };
      const date = Date.parse(headers['date'] ?? '');
      if (answer.output && Number.isFinite(date)) dates.set(answer.output.$metadata, date);
      return answer;
    },
    { step: 'deserialize', priority: 'high', name: 'keepDates', override: true },
  );
}

const answeredAt = ({ $metadata }: { $metadata: object }): number | undefined => dates.get($metadata);

export class S3Store implements Store {
  readonly #s3: S3Client;
  readonly #bucket: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
    keepDates(s3);
  }

  async get(key: string): Promise<StoredObject | undefined> {
    try {
      const { Body, ETag, LastModified, ContentLength } = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: key }),
      );
      const modified = LastModified?.getTime();
      if (modified === undefined) throw this.#failure('read', key, 'S3 answered without Last-Modified');
      const isRecord = (ContentLength ?? 0) <= MAX_RECORD_BYTES;
      if (!isRecord) (Body as Readable | undefined)?.destroy();
      return { body: (isRecord && (await Body?.transformToString())) || '', etag: ETag ?? '', modified };
    } catch (thrown) {
      // Only this error means absence. A missing bucket is NoSuchBucket; without s3:ListBucket S3 answers 403.
      if (thrown instanceof S3ServiceException && thrown.name === 'NoSuchKey') return undefined;
      throw this.#failure('read', key, thrown);
    }
  }

  async create(key: string, body: string): Promise<Written | 'exists'> {
    return (await this.#put(key, body, { IfNoneMatch: '*' })) ?? 'exists';
  }

  async replace(key: string, body: string, etag: string | undefined): Promise<Written | 'conflict'> {
    const condition = etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag };
    return (await this.#put(key, body, condition)) ?? 'conflict';
  }

  async list(prefix: string, startAfter?: string): Promise<KeyList> {
    const objects: KeyList['objects'] = [];
    let at: number | undefined;
    const asked = { Bucket: this.#bucket, Prefix: prefix, StartAfter: startAfter };
    try {
      for await (const page of paginateListObjectsV2({ client: this.#s3 }, asked)) {
        at ??= answeredAt(page);
        for (const { Key, ETag } of page.Contents ?? []) objects.push({ key: Key ?? '', etag: ETag ?? '' });
      }
    } catch (thrown) {
      throw this.#failure('list', prefix, thrown);
    }
    if (at === undefined) throw this.#failure('list', prefix, 'S3 answered without a Date');
    return { at, objects };
  }

  /** Undefined when the condition did not hold, and nothing was written. */
  async #put(
    key: string,
    body: string,
    condition: { IfNoneMatch?: string; IfMatch?: string },
  ): Promise<Written | undefined> {
    for (let tries = 0; ; tries += 1) {
      try {
        const { ETag } = await this.#s3.send(
          new PutObjectCommand({
            Bucket: this.#bucket,
            Key: key,
            Body: body,
            ContentType: 'application/json; charset=utf-8',
            ...condition,
          }),
        );
        return { etag: ETag ?? '' };
      } catch (thrown) {
        if (thrown instanceof S3ServiceException) {
          const status = thrown.$metadata.httpStatusCode;
          if (status === 412) return undefined;
          if (condition.IfMatch !== undefined && thrown.name === 'NoSuchKey') return undefined;
          const delay = CONFLICT_DELAYS_MS[tries];
          if (status === 409 && delay !== undefined) {
            await sleep(delay);
            continue;
          }
        }
        throw this.#failure('write', key, thrown);
      }
    }
  }

  #failure(verb: 'read' | 'write' | 'list', key: string, cause: unknown): OdinError {
    const forbidden = cause instanceof S3ServiceException && cause.$metadata.httpStatusCode === 403;
    return new OdinError({
      code: forbidden ? 'LedgerForbidden' : 'LedgerUnavailable',
      source: 'system',
      what: `Could not ${verb} s3://${this.#bucket}/${key}: ${describeThrown(cause)}.`,
      why: 'This says nothing about whether a record is there.',
      next: forbidden
        ? "Look at the role's policy and at the bucket's. In the minutes after a deployment a 403 may pass by itself."
        : 'Try again when S3 answers.',
      cause,
    });
  }
}
