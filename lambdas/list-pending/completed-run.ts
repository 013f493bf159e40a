// What a run that ends well had needed operators for.
import type { RunCompleted } from '../../core/contract/events.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { LogState } from '../../core/ledger/fold.ts';

/** @param run the name that all its executions have in common */
export function completedRun(
  manifest: Manifest,
  state: LogState,
  { run, execution, now }: { run: string; execution: string; now: number },
): RunCompleted {
  const haltedAt = state.run?.name === run ? state.run.haltedAt : [];
  return {
    version: 1,
    environment: manifest.environment,
    execution,
    completed: completedCount(state),
    migrations: migrationsCount(manifest),
    afterHalts: haltedAt.flatMap((migration) => {
      const completion = state.migrations[migration]?.completion;
      return completion ? [{ migration, completion: completion.completion, by: completion.by }] : [];
    }),
    time: new Date(now).toISOString(),
  };
}

/** Those that were pruned are among them. */
export const migrationsCount = ({ migrations, pruned = [] }: Manifest): number => migrations.length + pruned.length;

export const completedCount = ({ migrations }: LogState): number =>
  Object.values(migrations).filter(({ completion }) => completion !== undefined).length;
