// `odin-migrate prune`: deletes the files of completed migrations, and keeps a line of each in completed.json.
import type { Place } from '../../client/environment.ts';
import { isLocal, lookAtEnvironment } from '../../client/environment.ts';
import { findDeployment } from '../../client/deployment.ts';
import type { Pruning, WhyLeft } from '../../client/prune.ts';
import { applyPruning, assertAsShown, planPruning } from '../../client/prune.ts';
import type { LogState } from '../../core/ledger/fold.ts';
import { assertMigrationId } from '../../core/names/identifiers.ts';
import { idsText, numberOf } from '../../core/text/format.ts';
import { assertKnownEnvironment } from '../../project/discover.ts';
import type { Project } from '../../project/project.ts';
import { typed } from '../terminal/commands.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { colour, keepStdoutForJson, print, printJson, whileBusy } from '../terminal/output.ts';
import { agreed } from '../terminal/questions.ts';

export interface PruneOptions {
  through?: string;
  changed?: boolean;
  yes?: boolean;
  json?: boolean;
}

export async function prune(
  project: Project,
  place: Place,
  environment: string,
  { through, changed, yes, json }: PruneOptions,
): Promise<ExitCode> {
  if (json) keepStdoutForJson();
  assertKnownEnvironment(environment, project.directory, project.configuration);
  if (through !== undefined) assertMigrationId(through);
  const state = await whileBusy(`Reading the ledger of ${environment}`, () => readState(place, environment));
  const plan = () => planPruning(project, environment, state, { through, changed });
  const pruning = plan();
  const { added, deleted, left, completedFile } = pruning;
  const nothing = added.length + deleted.length === 0;
  const does = !nothing && (printPruning(environment, pruning), await agreed('Do that?', yes));
  if (does) {
    assertAsShown(pruning, plan());
    applyPruning(project, pruning);
  }
  if (json) {
    const lines = added.map(({ id }) => id);
    printJson({ environment, completedFile, pruned: does, added: lines, deleted, left });
  }
  if (nothing) {
    print(`Nothing is to be pruned in ${environment}.`);
    printLeft(left);
  } else if (does) {
    print(`Done. Review it with git, commit it, and deploy as ever: ${typed({ verb: 'check', environment })}`);
    if (isLocal(place)) print(colour.yellow(FOR_TRYING));
  } else {
    print('Nothing was changed.');
  }
  return EXIT.done;
}

const FOR_TRYING =
  'It went by the ledger on this machine, which is for trying: a deployed environment whose ledger has not completed these refuses to run.';

async function readState(place: Place, environment: string): Promise<LogState> {
  if (!isLocal(place)) return await (await findDeployment(environment, place)).ledger.log.look();
  await using seen = await lookAtEnvironment(environment, place);
  return await seen.ledger.log.look();
}

function printPruning(environment: string, { completedFile, added, deleted, left }: Pruning): void {
  print(colour.bold(environment));
  if (added.length > 0)
    print(`  ${completedFile} gets ${numberOf(added.length, 'line')}: ${idsText(added.map(({ id }) => id))}`);
  if (deleted.length > 0) print(`  deleted: ${numberOf(deleted.length, 'file')}, which git keeps`);
  printLeft(left);
}

const WHY: Record<WhyLeft, string> = {
  'not completed': 'not completed',
  changed: 'completed, but the file changed since it ran: give new work a new number, or prune with --changed',
  'not committed': 'completed, but git does not have the file as it is here: commit it first',
};

function printLeft(left: Pruning['left']): void {
  for (const [why, text] of Object.entries(WHY)) {
    const ids = left.filter((each) => each.why === why).map(({ id }) => id);
    if (ids.length > 0) print(`  left: ${idsText(ids)}, ${text}`);
  }
}
