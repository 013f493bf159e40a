// What a migration's file exports, as the wrapper sees it (docs/design.md §3).

import type { RunPayload } from '../../core/contract/payloads.ts';

/** How far a checkpointed migration has come. `cursor` is any JSON value; `done` and `total` count the same things. */
export interface Checkpoint {
  cursor: unknown;
  done?: number;
  total?: number;
  note?: string;
}

export interface MigrationModule {
  migration: (resume?: unknown) => Promise<unknown> | AsyncGenerator<unknown, void, undefined>;
}

/** Evaluates the migration's file. */
export type LoadMigration = (payload: RunPayload) => Promise<MigrationModule>;

export const isCheckpointed = (result: unknown): result is AsyncGenerator<unknown, void, undefined> =>
  typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
