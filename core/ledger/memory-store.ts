// The store contract in memory, for tests and simulation. Its ETags change with every write, as S3's do with content.
import type { Store, StoredObject } from './store.ts';

export class MemoryStore implements Store {
  readonly objects = new Map<string, StoredObject>();
  #writes = 0;

  get(key: string): Promise<StoredObject | undefined> {
    return Promise.resolve(this.objects.get(key));
  }

  create(key: string, body: string): Promise<'created' | 'exists'> {
    if (this.objects.has(key)) return Promise.resolve('exists');
    this.#write(key, body);
    return Promise.resolve('created');
  }

  replace(key: string, body: string, etag: string | undefined): Promise<'replaced' | 'conflict'> {
    if (this.objects.get(key)?.etag !== etag) return Promise.resolve('conflict');
    this.#write(key, body);
    return Promise.resolve('replaced');
  }

  list(prefix: string, startAfter = ''): Promise<{ key: string; etag: string }[]> {
    const found = [...this.objects].filter(([key]) => key.startsWith(prefix) && key > startAfter);
    return Promise.resolve(found.map(([key, { etag }]) => ({ key, etag })).sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  #write(key: string, body: string): void {
    this.#writes += 1;
    this.objects.set(key, { body, etag: `"${this.#writes}"` });
  }
}
