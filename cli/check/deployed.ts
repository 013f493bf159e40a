// What a deployed environment's ledger says of the files here.
import type { LogState } from '../../core/ledger/fold.ts';
import type { EnvironmentView } from '../../core/views/view.ts';
import { isCompleted } from '../../core/views/view.ts';
import type { CompletedMigration } from '../../project/completed.ts';
import { typed } from '../terminal/commands.ts';
import type { Finding } from './finding.ts';

/** What completed.json says and the deployed ledger does not: a run refuses, or the file is of another text than was run. */
export function prunedFindings(
  environment: string,
  completed: readonly CompletedMigration[],
  { migrations }: LogState,
): Finding[] {
  return completed.flatMap(({ id, sourceSha256 }): Finding[] => {
    const { completion } = migrations[id] ?? {};
    if (!completion) {
      const message = `completed.json names ${id}, and the deployed ledger does not have it as completed: a run refuses.`;
      return [{ environment, severity: 'error', rule: 'completed', message }];
    }
    const ran = completion.sourceSha256;
    if (ran === undefined || sourceSha256 === undefined || ran === sourceSha256) return [];
    const message = `completed.json names ${id} with another text than the one that the deployed ledger was run with.`;
    return [{ environment, severity: 'warning', rule: 'changed', message }];
  });
}

/** @param view made of the files here and the deployed ledger */
export function deployedFindings({ environment, migrations, halt }: EnvironmentView): Finding[] {
  const ran = migrations.filter(({ state }) => state !== 'pending' && state !== 'late');
  const highest = ran.at(-1)?.id ?? '';
  return migrations.flatMap(({ id, file, state, changedSince, finishedAt }): Finding[] => {
    const about = { environment, file };
    if (state === 'late') {
      const message = `${id} is late: ${highest} was run before, so a run refuses it. Give it the next free number, or run with --allow-out-of-order.`;
      return [{ ...about, severity: 'error', rule: 'late', message }];
    }
    if (state === 'pending')
      return [{ ...about, severity: 'note', rule: 'pending', message: 'Pending: the next run runs it.' }];
    if (isCompleted(state) && changedSince) {
      const message = `Changed since it was completed (${state}, ${finishedAt ?? ''}); it does not run again. If this is new work, give it a new number.`;
      return [{ ...about, severity: 'warning', rule: 'changed', message }];
    }
    if (halt?.migration === id) {
      const message = `Halted, attempt ${halt.attempt}: nothing later runs until somebody decides (${typed({ verb: 'status', environment })}).`;
      return [{ ...about, severity: 'warning', rule: 'halted', message }];
    }
    return [];
  });
}
