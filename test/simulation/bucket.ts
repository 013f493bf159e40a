// The ledger bucket, with S3's clock in whole seconds, and as one function reaches it.
import type { Store, StoredObject, Written } from '../../core/ledger/store.ts';
import type { Author, Recorder } from './recorder.ts';
import type { Place } from './faults.ts';
import type { World } from './world.ts';

export class Bucket {
  readonly objects = new Map<string, StoredObject>();
  readonly #world: World;
  readonly #recorder: Recorder;
  #writes = 0;

  constructor(world: World, recorder: Recorder) {
    this.#world = world;
    this.#recorder = recorder;
  }

  /** S3 tells dates without fractions of a second (docs/aws-facts.md). */
  now(): number {
    return Math.floor(this.#world.now / 1000) * 1000;
  }

  create(key: string, body: string, author: Author): Written | 'exists' {
    return this.objects.has(key) ? 'exists' : this.#put(key, body, author);
  }

  replace(key: string, body: string, etag: string | undefined, author: Author): Written | 'conflict' {
    return this.objects.get(key)?.etag === etag ? this.#put(key, body, author) : 'conflict';
  }

  list(prefix: string, after: string, most: number): { key: string; etag: string }[] {
    return [...this.objects]
      .filter(([key]) => key.startsWith(prefix) && key > after)
      .map(([key, { etag }]) => ({ key, etag }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, most);
  }

  /** Whoever puts it: what is spoiled counts as the worst that it may be. */
  put(key: string, body: string): void {
    this.#set(key, body);
    this.#recorder.spoiled(key);
  }

  #set(key: string, body: string): Written {
    this.#writes += 1;
    const etag = `"${this.#writes}"`;
    this.objects.set(key, { body, etag, modified: this.now() });
    return { etag };
  }

  #put(key: string, body: string, author: Author): Written {
    const written = this.#set(key, body);
    this.#recorder.written(key, body, author);
    return written;
  }
}

export interface RequestOptions<T> {
  /** What the SDK's repetition of a request that took effect is answered. */
  repeated?: (first: T) => T;
  failure?: () => Error;
  /** Ends the process of user code. */
  exits?: () => void;
  /** What is written. */
  body?: string;
}

/** A machine that a function runs on, as what it asks of others knows it (sandbox.ts). */
export interface Requester {
  request: <T>(place: Place, what: string, act: (author: Author) => T, options?: RequestOptions<T>) => Promise<T>;
}

/** A list is read in pages, and others write between two of them. */
export function storeOf(bucket: Bucket, sandbox: Requester, pageSize: number): Store {
  return {
    get: (key) => sandbox.request<StoredObject | undefined>('read', `get ${key}`, () => bucket.objects.get(key)),
    create: (key, body) =>
      sandbox.request<Written | 'exists'>('write', `create ${key}`, (author) => bucket.create(key, body, author), {
        repeated: () => 'exists',
        body,
      }),
    replace: (key, body, etag) =>
      sandbox.request<Written | 'conflict'>(
        'write',
        `replace ${key}`,
        (author) => bucket.replace(key, body, etag, author),
        { repeated: () => 'conflict', body },
      ),
    list: async (prefix, startAfter = '') => {
      const objects: { key: string; etag: string }[] = [];
      let at = Infinity;
      for (;;) {
        const last = objects.at(-1)?.key ?? startAfter;
        const page = await sandbox.request('read', `list ${prefix}${last && ` after ${last}`}`, () => ({
          at: bucket.now(),
          objects: bucket.list(prefix, last, pageSize),
        }));
        at = Math.min(at, page.at);
        objects.push(...page.objects);
        if (page.objects.length < pageSize) return { at, objects };
      }
    },
  };
}
