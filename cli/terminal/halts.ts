// What a halt is and how it is answered, in the words that every command uses.
import { meanings, resumeCommand } from '../../core/decision/meanings.ts';
import { commitsText, firstSourceLine } from '../../core/ledger/summaries.ts';
import type { MigrationView, OpenHalt } from '../../core/views/view.ts';
import { askedToStop, haltText, heldBackText, waitsText } from '../../core/views/words.ts';
import { nobodyIsTold, subscribersText } from '../../core/views/subscribers.ts';
import type { SubscribersSeen } from '../../client/subscribers.ts';
import { typed } from './commands.ts';
import { executionLink } from '../../core/text/links.ts';
import { timeText } from '../../core/text/format.ts';
import { colour, errorText, hanging, hasLinks, link, plain, print, textLines } from './output.ts';

/** Where the error is, in the migration's own file if that can be told; empty when there is no such place. */
export const sourceLineOf = (error: OpenHalt['error']): string =>
  error?.stack === undefined ? '' : plain(firstSourceLine(error.stack));

/**
 * The open halt with its error, as `status` and `resume` show it.
 * @param log where its log is, of a deployed environment
 */
export function printHalt(halt: OpenHalt, log?: string): void {
  const { migration, attempt, error, since, description, reason, commits, cancelled, mayRunUntil } = halt;
  const what = description === undefined ? '' : `  ${plain(description)}`;
  print(`${colour.red('■')} ${colour.bold(migration)}${what}`);
  print(`  halted since ${timeText(since)}, attempt ${attempt}: ${haltText(reason)}`);
  if (cancelled) for (const line of textLines(askedToStop(cancelled))) print(`  ${line}`);
  const commit = commitsText(commits);
  if (commit !== undefined) print(`  ${commit}`);
  for (const line of error ? errorText(error) : []) print(`  ${colour.red(line)}`);
  const place = sourceLineOf(error);
  if (place !== '') print(`  ${colour.dim(`at ${place}`)}`);
  if (log !== undefined && hasLinks())
    print(
      `  ${link(colour.cyan('its log'), log)}  ${link(colour.cyan('its execution'), executionLink(halt.execution))}`,
    );
  if (mayRunUntil !== undefined) print(`  ${colour.yellow(heldBackText(timeText(mayRunUntil)))}`);
}

/** Who would hear of one. */
export function printSubscribers(subscribers: SubscribersSeen | undefined): void {
  if (subscribers === undefined) return;
  if ('unknown' in subscribers) {
    print(colour.dim(`Who is told of halts is not known: ${plain(subscribers.unknown)}`));
    return;
  }
  const warning = nobodyIsTold(subscribers);
  print(warning === undefined ? colour.dim(subscribersText(subscribers)) : colour.yellow(warning));
}

export function printDecisions(environment: string, { halt, reason }: OpenHalt): void {
  print();
  print('Nothing later runs until somebody decides. Type one of:');
  for (const { decision, meaning } of meanings(reason)) {
    print(`  ${typed(resumeCommand(environment, decision, halt))}`);
    for (const line of hanging(`      ${meaning}`, 6)) print(colour.dim(line));
  }
}

/** What comes next of one that has begun and waits for no decision, as far as its state does not say it; and until when that waits. */
export function openNote(migration: MigrationView, environment: string): string[] {
  const { id, attempts, state, decision, mayRunUntil, waitsUntil } = migration;
  const until = mayRunUntil === undefined ? undefined : timeText(mayRunUntil);
  const next = `The next run halts there and asks for a decision: ${typed({ verb: 'run', environment })}`;
  if (state === 'decided' && until !== undefined) return [`${id}: ${heldBackText(until, decision)}`];
  if (state === 'running' && until !== undefined) return [`${id}: its code may be running until ${until}.`];
  if (waitsUntil !== undefined) return [`${id}: ${waitsText(timeText(waitsUntil))}.`];
  if (state === 'failed') return [`${id}: attempt ${attempts} failed. ${next}`];
  if (state === 'unknown')
    return [`${id}: attempt ${attempts} ended, and nobody said how: it may have run in part. ${next}`];
  return [];
}
