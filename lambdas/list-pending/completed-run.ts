// What a run that ends well had needed operators for.
import type { RunCompleted } from '../../core/contract/events.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { resumedExecutionName, runNameOf } from '../../core/names/names.ts';
import type { FinishedStep } from '../../core/contract/payloads.ts';
import type { HaltRecord } from '../../core/ledger/records.ts';
import type { Services } from '../../core/contract/ports.ts';

export async function completedRun(
  { environment, ledger, now }: Services,
  manifest: Manifest,
  execution: string,
  { completed, leftBehind }: Pick<FinishedStep, 'completed' | 'leftBehind'>,
): Promise<RunCompleted> {
  const afterHalts: RunCompleted['afterHalts'] = [];
  for (const halt of await ledger.halts()) {
    if (!hadHalted(halt, execution)) continue;
    const completion = await ledger.completion(halt.migration);
    if (!completion) continue; // its file is gone, and it was never completed
    afterHalts.push({
      migration: halt.migration,
      completion: completion.completion,
      by: completion.by,
    });
  }
  return {
    version: 1,
    environment,
    execution,
    completed,
    migrations: manifest.migrations.length,
    leftBehind,
    afterHalts,
    time: new Date(now()).toISOString(),
  };
}

/**
 * A halt's record names the executions that waited in it. A run is known by its first execution's name: `-part-N` and
 * `resume-…` continue it.
 */
function hadHalted({ migration, attempt, halt, waiting }: HaltRecord, execution: string): boolean {
  // Part 2 of a run tells of what part 1 had halted at.
  const run = runOf(execution);
  return (
    waiting.some((waited) => runOf(waited.execution) === run) || run === resumedExecutionName(migration, attempt, halt)
  );
}

const runOf = (execution: string): string => runNameOf(execution.slice(execution.lastIndexOf(':') + 1));
