// `odin-migrate history`: the audit trail of an environment or of one migration, oldest first (core/views/history.ts).
import { OdinError } from '../../core/errors.ts';
import type { HistoryEvent } from '../../core/views/history.ts';
import { readHistory } from '../../core/views/history.ts';
import { assertMigrationId } from '../../core/names/identifiers.ts';
import type { ClientOptions } from '../../client/deployment.ts';
import { lookAtEnvironment, placeFor } from '../../client/environment.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { failureText, outcomeText, sourceLineOf } from '../terminal/halts.ts';
import { colour, plain, print, printJson, utc, whileBusy } from '../terminal/output.ts';
import type { Project } from '../../project/project.ts';

export interface HistoryOptions {
  json?: boolean;
  local?: boolean;
}

export async function history(
  project: Project,
  environment: string,
  id: string | undefined,
  { json, local }: HistoryOptions,
  aws: ClientOptions,
): Promise<ExitCode> {
  if (id !== undefined) assertMigrationId(id);
  const events = await whileBusy(`Reading the ledger of ${environment}`, async () => {
    await using seen = await lookAtEnvironment(environment, placeFor(project, local, aws));
    const found = await readHistory(seen.ledger, id);
    if (id !== undefined && found.length === 0 && !seen.manifest.migrations.some((entry) => entry.id === id)) {
      throw new OdinError({
        code: 'UnknownMigration',
        source: 'user',
        what: `${environment} has no migration ${id}: neither its manifest nor its ledger knows it.`,
        next: { words: 'See those that there are', verb: 'status', environment },
      });
    }
    return found;
  });
  if (json) printJson(events);
  else if (events.length === 0)
    print(`Nothing has happened ${id === undefined ? `in ${environment}` : `to ${id}`} yet.`);
  else for (const event of events) printEvent(event);
  return EXIT.done;
}

function printEvent(event: HistoryEvent): void {
  const attempt = event.attempt === 0 ? '' : `  attempt ${event.attempt}`;
  print(`${colour.dim(utc(event.time))}  ${colour.bold(event.migration)}${attempt}  ${happened(event)}`);
  // A halt repeats the error of the attempt that failed.
  const told = event.event === 'finished' || (event.event === 'halted' && event.outcome !== 'failed');
  const place = told ? sourceLineOf(event.error) : '';
  if (place !== '') print(`${' '.repeat(21)}${colour.dim(`at ${place}`)}`);
}

function happened(event: HistoryEvent): string {
  switch (event.event) {
    case 'started':
      return 'started';
    case 'slice':
      return `slice ${event.slice} started`;
    case 'finished':
      return event.outcome === 'succeeded' ? colour.green('succeeded') : failureText(event.error);
    case 'halted':
      return `${colour.red('halted')}: ${outcomeText(event)}`;
    case 'cancelled':
      return `${colour.yellow('cancelled')}, asked by ${plain(event.by)}${because(event.reason)}`;
    case 'decided':
      return `${colour.yellow(event.decision)}, decided by ${plain(event.by)}${because(event.reason)}`;
    case 'completed':
      return `${colour.green(event.completion)}${event.by === undefined ? '' : `, by ${plain(event.by)}`}${because(event.reason)}`;
  }
}

const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${plain(reason)}`);
