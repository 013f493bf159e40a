// A bucket of the embedded S3 as the ledger's store, for this process itself: what a client would read over HTTP.
import { closeSync, readFileSync } from 'node:fs';
import type { KeyList, Store, StoredObject, Written } from '../../core/ledger/store.ts';
import { AwsError } from '../http.ts';
import type { WriteCondition } from './conditions.ts';
import type { ObjectStore } from './store.ts';

const HEADERS = { 'content-type': 'application/json; charset=utf-8' };

export class EmbeddedStore implements Store {
  readonly #objects: ObjectStore;
  readonly #bucket: string;

  constructor(objects: ObjectStore, bucket: string) {
    this.#objects = objects;
    this.#bucket = bucket;
  }

  get(key: string): Promise<StoredObject | undefined> {
    return Promise.resolve().then(() => {
      this.#objects.requireBucket(this.#bucket);
      const opened = this.#objects.open(this.#bucket, key);
      if (!opened) return undefined;
      const { object, fd } = opened;
      try {
        return { body: readFileSync(fd, 'utf8'), etag: object.etag, modified: inSeconds(object.modified) };
      } finally {
        closeSync(fd);
      }
    });
  }

  async create(key: string, body: string): Promise<Written | 'exists'> {
    return (await this.#put(key, body, { ifNoneMatch: '*' })) ?? 'exists';
  }

  async replace(key: string, body: string, etag: string | undefined): Promise<Written | 'conflict'> {
    return (await this.#put(key, body, etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag })) ?? 'conflict';
  }

  list(prefix: string, startAfter = ''): Promise<KeyList> {
    return Promise.resolve().then(() => {
      const at = inSeconds(Date.now());
      this.#objects.requireBucket(this.#bucket);
      const found = [...this.#objects.list(this.#bucket, { prefix, after: startAfter })];
      return { at, objects: found.map(({ key, etag }) => ({ key, etag })) };
    });
  }

  /** Undefined when the condition did not hold. */
  async #put(key: string, body: string, condition: WriteCondition): Promise<Written | undefined> {
    const received = await this.#objects.receive(Buffer.from(body));
    try {
      const { etag } = this.#objects.put(this.#bucket, key, received, { headers: HEADERS, condition });
      return { etag };
    } catch (thrown) {
      this.#objects.discard(received);
      if (thrown instanceof AwsError && ['PreconditionFailed', 'NoSuchKey'].includes(thrown.code)) return undefined;
      throw thrown;
    }
  }
}

/** As S3 tells times (docs/aws-facts.md). */
const inSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;
