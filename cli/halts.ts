// What a halt is and how it is answered, in the words that every command uses.
import { choices, resumeCommand } from '../core/choices.ts';
import { firstSourceLine } from '../core/summaries.ts';
import type { OpenHalt } from '../core/view.ts';
import { colour, plain, print, utc } from './output.ts';

export const OUTCOMES: Record<OpenHalt['outcome'], string> = {
  failed: 'it failed',
  unknown: 'unknown outcome, it may have run in part',
  unrecorded: 'it succeeded, but its completion could not be recorded',
};

export interface Where {
  environment: string;
  local: boolean;
}

/** The open halt with its error, as `status` and `resume` show it. */
export function printHalt(halt: OpenHalt): void {
  const { migration, attempt, outcome, error, since, description } = halt;
  const what = description === undefined ? '' : `  ${plain(description)}`;
  print(`${colour.red('■')} ${colour.bold(migration)}${what}`);
  print(`  halted since ${utc(since)} UTC, attempt ${attempt}: ${OUTCOMES[outcome]}`);
  if (error) print(`  ${colour.red(plain(`${error.name}: ${error.message}`))}`);
  const line = error?.stack === undefined ? '' : firstSourceLine(error.stack);
  if (line !== '') print(`  ${colour.dim(`at ${plain(line)}`)}`);
}

export function printDecisions(where: Where, halt: OpenHalt): void {
  print();
  print('Nothing later runs until somebody decides. Type one of:');
  for (const { decision, meaning } of choices(halt.outcome)) {
    print(`  ${resumeCommand(where, decision, halt)}`);
    print(`      ${colour.dim(meaning)}`);
  }
}
