// The store contract in memory, for tests and simulation. Its ETags change with every write, as S3's do with content.
import type { KeyList, Store, StoredObject, Written } from './store.ts';

export class MemoryStore implements Store {
  readonly objects = new Map<string, StoredObject>();
  readonly #now: () => number;
  #writes = 0;

  /** @param now the store's clock, in epoch milliseconds; by default it stands still */
  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  get(key: string): Promise<StoredObject | undefined> {
    return Promise.resolve(this.objects.get(key));
  }

  create(key: string, body: string): Promise<Written | 'exists'> {
    if (this.objects.has(key)) return Promise.resolve('exists');
    return Promise.resolve(this.#write(key, body));
  }

  replace(key: string, body: string, etag: string | undefined): Promise<Written | 'conflict'> {
    if (this.objects.get(key)?.etag !== etag) return Promise.resolve('conflict');
    return Promise.resolve(this.#write(key, body));
  }

  list(prefix: string, startAfter = ''): Promise<KeyList> {
    const found = [...this.objects].filter(([key]) => key.startsWith(prefix) && key > startAfter);
    const listed = found.map(([key, { etag }]) => ({ key, etag })).sort((a, b) => (a.key < b.key ? -1 : 1));
    return Promise.resolve({ at: this.#now(), objects: listed });
  }

  #write(key: string, body: string): Written {
    this.#writes += 1;
    const etag = `"${this.#writes}"`;
    this.objects.set(key, { body, etag, modified: this.#now() });
    return { etag };
  }
}
