// What a run that ends well had needed operators for, and which files it left aside.
import type { ChangedFile, RunCompleted } from '../../core/contract/events.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { RunInput } from '../../core/contract/payloads.ts';
import { differenceOf } from '../../core/ledger/sources.ts';
import type { LogState } from '../../core/ledger/fold.ts';

/** @param run the name that all its executions have in common */
export function completedRun(
  manifest: Manifest,
  state: LogState,
  { run, execution, now }: { run: string; execution: string; now: number },
  input: RunInput,
): RunCompleted {
  const changed = changedFiles(manifest, state, input);
  const haltedAt = state.run?.name === run ? state.run.haltedAt : [];
  return {
    version: 1,
    environment: manifest.environment,
    execution,
    completed: completedCount(state),
    migrations: migrationsCount(manifest),
    changed: changed.length > 0 ? changed : undefined,
    afterHalts: haltedAt.flatMap((migration) => {
      const completion = state.migrations[migration]?.completion;
      if (!completion) return [];
      const { by, identity, did } = completion;
      return [{ migration, completion: completion.completion, by, identity, did }];
    }),
    time: new Date(now).toISOString(),
  };
}

/** Those that were pruned are among them. */
export const migrationsCount = ({ migrations, pruned = [] }: Manifest): number => migrations.length + pruned.length;

/** Files that are not those which were run under their numbers, but for those of which the input says that they are meant. */
export const changedFiles = (
  { migrations }: Manifest,
  state: LogState,
  { acceptChanged = [] }: RunInput,
): ChangedFile[] =>
  migrations.flatMap(({ id, file, ...now }) => {
    const ran = state.migrations[id]?.completion;
    const isOther = ran && differenceOf(ran, now) === 'files' && !acceptChanged.includes(id);
    return isOther ? [{ migration: id, file }] : [];
  });

/** Asked where no turn is open: what was begun is completed. */
export const completedCount = ({ migrations }: LogState): number => Object.keys(migrations).length;
