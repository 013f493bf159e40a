// What a run on this machine leaves when it is interrupted: told from its ledger, when its processes have ended.
import { ledgerHere } from '../../client/environment.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { readView } from '../../core/views/view.ts';
import { progressText } from '../../core/views/progress.ts';
import type { Project } from '../../project/project.ts';
import { typed } from './commands.ts';
import { openNote } from './halts.ts';

/** @param manifest of what ran: the files may be other ones by now, and Ctrl-C has ended the compiler that would read them */
export async function leftBehind(project: Project, manifest: Manifest): Promise<string[]> {
  const { environment } = manifest;
  await using here = ledgerHere(project, environment);
  const { migrations, halt, completed, total } = await readView(here.ledger, manifest, here.isOver);
  const goOn = `Go on with: ${typed({ verb: 'run', environment })}`;
  const open = migrations.find(({ state }) => state === 'unknown' || state === 'failed');
  const waiting = migrations.find(({ waitsUntil }) => waitsUntil !== undefined);
  if (halt) {
    const look = typed({ verb: 'status', environment });
    return [
      `Interrupted. ${halt.migration} is halted and waits for a decision.`,
      `See the answers with: ${look}`,
      goOn,
    ];
  }
  if (waiting) return ['Interrupted. Nothing is running.', ...openNote(waiting, environment), goOn];
  if (!open) return [`Interrupted. Nothing is running; ${completed} of ${total} are completed.`, goOn];
  const progress = open.progress && progressText(open.progress);
  return [
    `Interrupted. ${open.id} was running: its process was ended, and what it had done until then is done.`,
    ...(progress === undefined ? [] : [`Its last checkpoint stays: ${progress}.`]),
    ...openNote(open, environment),
  ];
}
