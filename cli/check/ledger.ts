// What a ledger says of the files here: the deployed environment's, and the one on this machine.
import type { Manifest } from '../../core/contract/manifest.ts';
import { mayBeRemoved, refusedRemovals, removedBy } from '../../core/decision/removals.ts';
import type { Renumbered } from '../../core/decision/renumbered.ts';
import { renumberedIn } from '../../core/decision/renumbered.ts';
import type { LogState } from '../../core/ledger/fold.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import type { EnvironmentView, ManifestSeen, MigrationView } from '../../core/views/view.ts';
import { isCompleted, lookAtLedger, viewOf } from '../../core/views/view.ts';
import { PROGRAM } from '../../core/text/command.ts';
import { idsText } from '../../core/text/format.ts';
import type { CompletedMigration } from '../../project/completed.ts';
import { typed, typedError } from '../terminal/commands.ts';
import type { Finding } from './finding.ts';

export interface LedgerFiles {
  view: EnvironmentView;
  renumbered: Renumbered[];
}

/** @returns also the log that it stands on @throws OdinError as `LedgerLog.look` */
export async function compareWith(ledger: Ledger, manifest: ManifestSeen): Promise<LedgerFiles & { state: LogState }> {
  const seen = await lookAtLedger(ledger);
  const { state } = seen;
  return { state, view: viewOf(manifest, seen), renumbered: renumberedIn(state, manifest.migrations) };
}

/**
 * @param accepted ids of which somebody said that their other text is meant
 * @param allowed ids whose functions may go
 */
export function deployedFindings(
  files: LedgerFiles,
  accepted: readonly string[],
  allowed: readonly string[] = [],
): Finding[] {
  const { environment, migrations, halt } = files.view;
  const ran = migrations.filter(({ state }) => state !== 'pending' && state !== 'late');
  const highest = ran.at(-1)?.id ?? '';
  const found = migrations.flatMap(({ id, file, state }): Finding[] => {
    const about = { environment, file };
    if (state === 'late') {
      const message = `${id} is late: ${highest} was run before, so a run refuses it. Give it the next free number, or run with --allow-out-of-order.`;
      return [{ ...about, severity: 'error', rule: 'late', message }];
    }
    if (halt?.migration !== id) return [];
    if (file === undefined && !mayBeRemoved(allowed, id)) {
      const message = `${id} is halted, and its file is not here, so a retry of it could not run. Put the file back, or decide mark-applied, skip or abort first (${typed({ verb: 'status', environment })}).`;
      return [{ environment, severity: 'error', rule: 'halted', message }];
    }
    const message = `Halted, attempt ${halt.attempt}: nothing later runs until somebody decides (${typed({ verb: 'status', environment })}).`;
    return [{ ...about, severity: 'warning', rule: 'halted', message }];
  });
  return [...found, ...otherFiles(files, accepted, 'the deployed ledger', undefined), ...pendingNote(files.view)];
}

/** One for all of them: a line for each would hide what is wrong. */
function pendingNote({ environment, migrations }: EnvironmentView): Finding[] {
  const ids = migrations.filter(({ state }) => state === 'pending').map(({ id }) => id);
  if (ids.length === 0) return [];
  const message = `The next run has ${ids.length} to run: ${idsText(ids)}.`;
  return [{ environment, severity: 'note', rule: 'pending', message }];
}

/** The deployment itself would be refused for these. @param deployed the manifest that is deployed @param allowed ids whose functions may go */
export function removalFindings(
  deployed: Manifest,
  next: ManifestSeen,
  state: LogState,
  allowed: readonly string[],
): Finding[] {
  const { environment } = next;
  return refusedRemovals(removedBy(deployed, next, allowed), { environment, deployed, next, state }).map((error) => ({
    environment,
    severity: 'error',
    rule: 'removed',
    message: typedError(error).join(' '),
  }));
}

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

/** Of what was run here, only what would be lost: the next `local` says the rest. */
export function localFindings(files: LedgerFiles, accepted: readonly string[]): Finding[] {
  const { environment } = files.view;
  const fresh = `to forget what was run here: ${PROGRAM} local ${environment} --fresh`;
  return otherFiles(files, accepted, 'the ledger on this machine', fresh);
}

/** Files that are not those which were run under their numbers, and those which were run under another number. */
function otherFiles(
  { view: { environment, migrations }, renumbered }: LedgerFiles,
  accepted: readonly string[],
  ledger: string,
  more: string | undefined,
): Finding[] {
  const or = more === undefined ? '' : `; ${more}`;
  return [
    ...migrations.flatMap(({ id, file, state, changedSince, packagesChangedSince, finishedAt }): Finding[] => {
      if (!isCompleted(state) || !(changedSince || packagesChangedSince)) return [];
      const when = `${state}, ${finishedAt ?? ''}`;
      const about = { environment, file, rule: 'changed' } as const;
      if (!changedSince) {
        const message = `Completed (${when}) with other versions of the packages that it imports, says ${ledger}; it does not run again.`;
        return [{ ...about, severity: 'note', message }];
      }
      const what = `Another text, of the file or of one that it imports, was completed under ${id} (${when}), says ${ledger}: this one does not run.`;
      if (accepted.includes(id)) return [{ ...about, severity: 'note', message: `${what} That is accepted.` }];
      const next = `If it is new work, give it a number of its own (${typed({ verb: 'new', environment })}); if it is meant, say --accept-changed ${id}${or}.`;
      return [{ ...about, severity: 'error', message: `${what} ${next}` }];
    }),
    ...renumbered.map(({ id, was }): Finding => {
      const message = `The same text was completed under ${was}, whose file is gone, says ${ledger}: a run refuses it. Delete this file, or give it back the number ${was}; to do its work again, run with --allow-renumbered ${id}${or}.`;
      return { environment, severity: 'error', rule: 'renumbered', file: fileOf(id, migrations), message };
    }),
  ];
}

const fileOf = (id: string, migrations: readonly MigrationView[]): string | undefined =>
  migrations.find((migration) => migration.id === id)?.file;
