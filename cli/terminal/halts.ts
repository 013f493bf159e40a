// What a halt is and how it is answered, in the words that every command uses.
import { meanings, resumeCommand } from '../../core/decision/meanings.ts';
import { commitsText, firstSourceLine } from '../../core/ledger/summaries.ts';
import type { OpenHalt } from '../../core/views/view.ts';
import { haltText } from '../../core/views/words.ts';
import { nobodyIsTold, subscribersText } from '../../core/views/subscribers.ts';
import type { SubscribersSeen } from '../../client/subscribers.ts';
import { typed } from './commands.ts';
import { colour, errorText, plain, print, utc } from './output.ts';

/** Where the error is, in the migration's own file if that can be told; empty when there is no such place. */
export const sourceLineOf = (error: OpenHalt['error']): string =>
  error?.stack === undefined ? '' : plain(firstSourceLine(error.stack));

/** The open halt with its error, as `status` and `resume` show it. */
export function printHalt({ migration, attempt, error, since, description, reason, commits }: OpenHalt): void {
  const what = description === undefined ? '' : `  ${plain(description)}`;
  print(`${colour.red('■')} ${colour.bold(migration)}${what}`);
  print(`  halted since ${utc(since)} UTC, attempt ${attempt}: ${haltText(reason)}`);
  const commit = commitsText(commits);
  if (commit !== undefined) print(`  ${commit}`);
  for (const line of error ? errorText(error) : []) print(`  ${colour.red(line)}`);
  const place = sourceLineOf(error);
  if (place !== '') print(`  ${colour.dim(`at ${place}`)}`);
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
    print(`      ${colour.dim(meaning)}`);
  }
}
