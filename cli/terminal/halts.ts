// What a halt is and how it is answered, in the words that every command uses.
import { meanings, resumeCommand } from '../../core/decision/meanings.ts';
import { firstSourceLine, wasCancelled } from '../../core/ledger/summaries.ts';
import type { HaltRecord } from '../../core/ledger/records.ts';
import type { OpenHalt } from '../../core/views/view.ts';
import { typed } from './commands.ts';
import { colour, plain, print, utc } from './output.ts';

const OUTCOMES: Record<OpenHalt['outcome'], string> = {
  failed: 'it failed',
  unknown: 'unknown outcome, it may have run in part',
  unrecorded: 'it succeeded, but its completion could not be recorded',
};

/** Why it halted, to follow "halted:". */
export const outcomeText = ({ outcome, error }: Pick<HaltRecord, 'outcome' | 'error'>): string =>
  wasCancelled(error) ? 'it was cancelled, and stopped at a checkpoint' : OUTCOMES[outcome];

/** Where the error is, in the migration's own file if that can be told; empty when there is no such place. */
export const sourceLineOf = (error: OpenHalt['error']): string =>
  error?.stack === undefined ? '' : plain(firstSourceLine(error.stack));

/** How an attempt ended that did not succeed. */
export const failureText = (error: OpenHalt['error']): string =>
  wasCancelled(error)
    ? `${colour.yellow('stopped')}: ${plain(error?.message ?? '')}`
    : `${colour.red('failed')}: ${error ? plain(`${error.name}: ${error.message}`) : ''}`;

/** The open halt with its error, as `status` and `resume` show it. */
export function printHalt(halt: OpenHalt): void {
  const { migration, attempt, error, since, description } = halt;
  const what = description === undefined ? '' : `  ${plain(description)}`;
  print(`${colour.red('■')} ${colour.bold(migration)}${what}`);
  print(`  halted since ${utc(since)} UTC, attempt ${attempt}: ${outcomeText(halt)}`);
  if (error) print(`  ${colour.red(plain(`${error.name}: ${error.message}`))}`);
  const place = sourceLineOf(error);
  if (place !== '') print(`  ${colour.dim(`at ${place}`)}`);
}

export function printDecisions(environment: string, halt: OpenHalt): void {
  print();
  print('Nothing later runs until somebody decides. Type one of:');
  for (const { decision, meaning } of meanings(halt.outcome)) {
    print(`  ${typed(resumeCommand(environment, decision, halt))}`);
    print(`      ${colour.dim(meaning)}`);
  }
}
