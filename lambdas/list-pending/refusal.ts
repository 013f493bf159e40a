// Why a run may not go on, and what to type: the console shows it as the cause of the failed execution.
import type { Manifest } from '../../core/contract/manifest.ts';
import { deployedIds, filesOf } from '../../core/contract/manifest.ts';
import type { NextStep } from '../../core/decision/decide.ts';
import { resumeCommand } from '../../core/decision/meanings.ts';
import { lackingError } from '../../core/decision/lacking.ts';
import { errorLines } from '../../core/errors.ts';
import { resourcePrefix } from '../../core/names/names.ts';
import type { OdinCommand, Where } from '../../core/text/command.ts';
import { commandLine } from '../../core/text/command.ts';
import { idsText } from '../../core/text/format.ts';

export function refusalText(next: Extract<NextStep, { step: 'refuse' }>, manifest: Manifest, where: Where): string {
  const { environment } = manifest;
  const command = (verb: OdinCommand['verb'], ...args: string[]) => commandLine({ verb, environment, args }, where);
  if (next.error === 'HaltedElsewhere') {
    return (
      `Migration ${next.migration}, attempt ${next.attempt}, is halted in another execution, ${next.execution}, ` +
      `and waits for an operator's decision. ` +
      `Decide, e.g.: ${commandLine(resumeCommand(environment, 'retry', next.halt), where)}`
    );
  }
  if (next.error === 'NotCompleted') return errorLines(lackingError(next.lacking, environment, where), where).join(' ');
  if (next.error === 'Renumbered') return renumberedText(next, manifest, where);
  const files = filesOf(manifest, next.late);
  return (
    `${files.join(', ')} ${files.length === 1 ? 'is' : 'are'} pending, but ${next.highest} was run before: ` +
    `running ${files.length === 1 ? 'it' : 'them'} now would not be in order. ` +
    `Give the late ${files.length === 1 ? 'file the' : 'files'} next free number${files.length === 1 ? '' : 's'}, or, if the order ` +
    `does not matter, type "${command('run', '--allow-out-of-order')}", or start ` +
    `${resourcePrefix(manifest)} with the input {"allowOutOfOrder": true}.`
  );
}

/** Of ids that the input of the run names, and that are neither deployed nor in the ledger. */
export function unknownText(unknown: readonly string[], manifest: Manifest): string {
  const known = deployedIds(manifest);
  return (
    `The input names ${idsText(unknown)}, which ${manifest.environment} does not have: nothing was run. ` +
    `Deployed: ${idsText(known) || 'none'}. Correct the input, and start the run again.`
  );
}

function renumberedText(
  { renumbered }: Extract<NextStep, { error: 'Renumbered' }>,
  { environment, migrations, ...of }: Manifest,
  where: Where,
): string {
  const files = renumbered.map(({ id, was }) => {
    const file = migrations.find((entry) => entry.id === id)?.file ?? id;
    return `${file} has the text that was completed under ${was}, whose file is gone`;
  });
  const ids = renumbered.map(({ id }) => id);
  const args = ids.map((id) => `--allow-renumbered ${id}`);
  return (
    `${files.join('; ')}: to run it would be to do its work a second time. Delete it, or give it back its number; or, if it has to be ` +
    `done again, type "${commandLine({ verb: 'run', environment, args }, where)}", or start ` +
    `${resourcePrefix({ ...of, environment })} with the input ${JSON.stringify({ allowRenumbered: ids })}.`
  );
}
