// What a migration's file exports, as its process sees it (docs/design.md §3).
import type { Batch } from '../../../core/ledger/plan.ts';

export interface MigrationModule {
  /** Of a parallel one it is given the items of a batch, and which one that is. */
  migration: (resume?: unknown, batch?: Batch) => Promise<unknown> | AsyncGenerator<unknown, void, undefined>;
  /** A parallel one has it. */
  plan?: ((resume?: unknown) => Promise<unknown> | AsyncGenerator<unknown, void, undefined>) | undefined;
  parallel?: { itemsPerBatch?: number | undefined } | undefined;
}

/** Evaluates the migration's file. */
export type LoadMigration = () => Promise<MigrationModule>;
