// A store around another one: every call is noted, and a test may act, or fail, just before or just after any of them.
import { OdinError } from '../../core/errors.ts';
import { MemoryStore } from '../../core/ledger/memory-store.ts';
import type { KeyList, Store, StoredObject, Written } from '../../core/ledger/store.ts';

export type StoreOperation = 'get' | 'create' | 'replace' | 'list';

export interface StoreCall {
  operation: StoreOperation;
  /** The key; of a list its prefix. */
  key: string;
}

type Hook = (call: StoreCall) => unknown;

export class HookedStore implements Store {
  readonly calls: StoreCall[] = [];
  readonly inner: Store;
  /** Both may be asynchronous. What they throw is what the call throws. */
  before: Hook = () => undefined;
  after: Hook = () => undefined;

  constructor(inner: Store = new MemoryStore()) {
    this.inner = inner;
  }

  get(key: string): Promise<StoredObject | undefined> {
    return this.#call('get', key, () => this.inner.get(key));
  }

  create(key: string, body: string): Promise<Written | 'exists'> {
    return this.#call('create', key, () => this.inner.create(key, body));
  }

  replace(key: string, body: string, etag: string | undefined): Promise<Written | 'conflict'> {
    return this.#call('replace', key, () => this.inner.replace(key, body, etag));
  }

  list(prefix: string, startAfter?: string): Promise<KeyList> {
    return this.#call('list', prefix, () => this.inner.list(prefix, startAfter));
  }

  /** The writes so far, as `create attempts/…` and `replace halts/…`. */
  writes(): string[] {
    return this.calls
      .filter(({ operation }) => operation === 'create' || operation === 'replace')
      .map(({ operation, key }) => `${operation} ${key}`);
  }

  async #call<T>(operation: StoreOperation, key: string, work: () => Promise<T>): Promise<T> {
    const call = { operation, key };
    this.calls.push(call);
    await this.before(call);
    const answer = await work();
    await this.after(call);
    return answer;
  }
}

/** A hook that does something the first time that such a call is made, and never again. */
export function once(operation: StoreOperation, key: string | RegExp, work: () => unknown): Hook {
  let done = false;
  return async (call) => {
    const matches = call.operation === operation && (typeof key === 'string' ? call.key === key : key.test(call.key));
    if (done || !matches) return;
    done = true;
    await work();
  };
}

export const unavailable = (): OdinError =>
  new OdinError({ code: 'LedgerUnavailable', source: 'system', what: 'The store of this test does not answer.' });
