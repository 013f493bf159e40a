// The contract that the ledger stands on (docs/design.md §4). test/contract/store.ts runs over every adapter of it.

export interface StoredObject {
  body: string;
  etag: string;
  /** When it was written, by the store's own clock: epoch milliseconds, in S3 whole seconds (docs/aws-facts.md). */
  modified: number;
}

/** What was written stands under this ETag. */
export interface Written {
  etag: string;
}

export interface KeyList {
  /** When the store answered the first request for it, by its own clock: epoch milliseconds, in S3 whole seconds. */
  at: number;
  objects: { key: string; etag: string }[];
}

/**
 * In bytes. No record is so large: what is was put there to use up the memory of whoever reads it, by a role that may write the key. It is
 * read as an empty text.
 */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/**
 * A small, strongly consistent key-value store. Every method fails with an OdinError: `LedgerForbidden` when access is
 * denied, `LedgerUnavailable` when the store did not answer. Neither is ever told as "absent".
 */
export interface Store {
  /** Undefined only when the store says that the key does not exist. */
  get(key: string): Promise<StoredObject | undefined>;
  /** Creates the key unless it exists; atomic against every other create. */
  create(key: string, body: string): Promise<Written | 'exists'>;
  /** Writes the key if its ETag is still `etag`, or if it is still absent (`undefined`). */
  replace(key: string, body: string, etag: string | undefined): Promise<Written | 'conflict'>;
  /** All keys with the prefix, ascending, each with its ETag; with `startAfter`, those that come after that key. */
  list(prefix: string, startAfter?: string): Promise<KeyList>;
}
