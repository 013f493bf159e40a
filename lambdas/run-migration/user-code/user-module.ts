// What a migration's file exports, as its process sees it (docs/design.md §3).

export interface MigrationModule {
  migration: (resume?: unknown) => Promise<unknown> | AsyncGenerator<unknown, void, undefined>;
}

/** Evaluates the migration's file. */
export type LoadMigration = () => Promise<MigrationModule>;
