// Why a run may not go on, and what to type: the console shows it as the cause of the failed execution.
import type { Manifest } from '../../core/contract/manifest.ts';
import type { NextStep } from '../../core/decision/decide.ts';
import { lackingError } from '../../core/decision/lacking.ts';
import { errorLines } from '../../core/errors.ts';
import { resourcePrefix } from '../../core/names/names.ts';
import type { OdinCommand, Where } from '../../core/text/command.ts';
import { commandLine } from '../../core/text/command.ts';

export function refusalText(next: Extract<NextStep, { step: 'refuse' }>, manifest: Manifest, where: Where): string {
  const { environment, migrations } = manifest;
  const command = (verb: OdinCommand['verb'], ...args: string[]) => commandLine({ verb, environment, args }, where);
  if (next.error === 'HaltedElsewhere') {
    return (
      `Migration ${next.migration}, attempt ${next.attempt}, is halted in another execution, ${next.execution}, ` +
      `and waits for an operator's decision. ` +
      `Type: ${command('resume', 'retry|mark-applied|skip|abort', `--halt ${next.halt}`, '--reason "..."')}`
    );
  }
  if (next.error === 'NotCompleted') return errorLines(lackingError(next.lacking, environment, where), where).join(' ');
  const files = next.late.map((id) => migrations.find((entry) => entry.id === id)?.file ?? id);
  return (
    `${files.join(', ')} ${files.length === 1 ? 'is' : 'are'} pending, but ${next.highest} was run before: ` +
    `running ${files.length === 1 ? 'it' : 'them'} now would not be in order. ` +
    `Give the late ${files.length === 1 ? 'file the' : 'files'} next free number${files.length === 1 ? '' : 's'}, or, if the order ` +
    `does not matter, type "${command('run', '--allow-out-of-order')}", or start ` +
    `${resourcePrefix(manifest)} with the input {"allowOutOfOrder": true}.`
  );
}
