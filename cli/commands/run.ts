// `odin-migrate run`: starts a deployed environment's state machine and, with --wait, follows it to its end or halt.
import { createExecutions } from '../../aws/step-functions.ts';
import type { LogState } from '../../core/ledger/fold.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { haltedIn } from '../../core/ledger/waiters.ts';
import { lackingError } from '../../core/decision/lacking.ts';
import { resumeCommand } from '../../core/decision/meanings.ts';
import type { ChangedFile } from '../../core/contract/events.ts';
import { idsText } from '../../core/text/format.ts';
import { OdinError } from '../../core/errors.ts';
import type { EnvironmentView, MigrationView } from '../../core/views/view.ts';
import { isCompleted, lookAtLedger, readView, viewOf } from '../../core/views/view.ts';
import type { DeployedPlace, Deployment } from '../../client/deployment.ts';
import { findDeployment, startRun } from '../../client/deployment.ts';
import { openEnvironment } from '../../client/environment.ts';
import { discoverEnvironment } from '../../project/discover.ts';
import type { Project } from '../../project/project.ts';
import { subscribersOf } from '../../client/subscribers.ts';
import { typed } from '../terminal/commands.ts';
import { printSubscribers } from '../terminal/halts.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { Told } from '../../client/run-events.ts';
import { busyWith, colour, keepStdoutForJson, print, printJson, whileBusy } from '../terminal/output.ts';
import { untilInterrupted } from '../terminal/interrupt.ts';
import { RunReport } from '../terminal/run-report.ts';
import { followRenewed, goesOnInAws, printChanged, runToEnd } from '../terminal/run-to-end.ts';

export interface RunCommandOptions {
  wait?: boolean;
  logs?: boolean;
  allowOutOfOrder?: boolean;
  allowRenumbered?: string[];
  acceptChanged?: string[];
  json?: boolean;
}

/** Often enough for a person who watches; each look lists the ledger once. */
const POLL_MS = 1_000;

/** @param project that is around, if there is one: its files may look as if they were to run */
export async function run(
  environment: string,
  options: RunCommandOptions,
  deployed: DeployedPlace,
  project?: Project,
): Promise<ExitCode> {
  if (options.json) keepStdoutForJson();
  for (const message of project ? skippedFiles(project, environment) : [])
    print(colour.yellow(`  warning  ${message}`));
  const result = await whileBusy(`Looking at ${environment}`, async () => {
    await using opened = await openEnvironment(environment, deployed);
    const { deployment, manifest, ledger } = opened;
    const seen = await lookAtLedger(ledger);
    await assertNotHalted(deployment, ledger, seen.state);
    const view = viewOf(manifest, seen);
    if (view.lacking) throw lackingError(view.lacking, environment);
    assertKnown(view, options);

    const told = await Told.everythingIn(ledger);
    const underWay = options.wait && !hasInput(options) ? await runUnderWay(deployment, view) : undefined;
    const toDo = `${view.total - view.completed} of ${view.total} migrations to do`;
    let execution = underWay?.execution ?? (await startRun(deployment, options));
    print(`${colour.bold(environment)}  ${underWay ? 'a run is under way, and is followed' : 'started'}, ${toDo}`);
    print(`  ${colour.dim(execution)}`);
    printSubscribers(await subscribersOf(deployment));
    if (!options.wait) {
      printChanged(environment, changedOf(view, options.acceptChanged));
      print(`Look at it with: ${typed({ verb: 'status', environment })}`);
      return { execution, outcome: 'started' as const, exitCode: EXIT.done };
    }
    print();
    busyWith(`Following ${environment}`);
    const report = new RunReport();
    report.describe(manifest);
    if (underWay) report.underWay(underWay);
    const ask = options.json ? false : undefined;
    const follow = (by: Deployment) =>
      runToEnd({ deployment: by, executionArn: execution, told, report, pollMs: POLL_MS, ask, logs: options.logs });
    const followed = () => followRenewed(follow, deployment, () => findDeployment(environment, deployed));
    return await untilInterrupted(
      async () => {
        const result = await followed();
        if (!underWay || result.outcome !== 'done') return result;
        // It may have looked for the last time before the newest deployment.
        const { total, completed } = await readView(ledger, manifest);
        if (completed === total) return result;
        execution = await startRun(deployment, options);
        print(`That run is over, and ${total - completed} of ${total} are to do: another one was started.`);
        print(`  ${colour.dim(execution)}`);
        return await followed();
      },
      () => Promise.resolve(goesOnInAws(environment, execution)),
    );
  });
  if (options.json) printJson(result);
  return result.exitCode;
}

/** What is said of a migration that is not there is a slip, and the one that was meant stays refused or told of. */
function assertKnown(
  { environment, migrations }: EnvironmentView,
  { acceptChanged = [], allowRenumbered = [] }: RunCommandOptions,
): void {
  const known = migrations.map(({ id }) => id); // what was pruned is in the ledger
  const unknown = [...acceptChanged, ...allowRenumbered].find((id) => !known.includes(id));
  if (unknown === undefined) return;
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: `${environment} has no migration "${unknown}"; no run was started.`,
    why: `Deployed, or in the ledger: ${idsText(known) || 'none'}.`,
    next: { words: 'See them', verb: 'status', environment },
  });
}

const hasInput = ({ allowOutOfOrder, allowRenumbered, acceptChanged }: RunCommandOptions): boolean =>
  (allowOutOfOrder ?? false) || allowRenumbered !== undefined || acceptChanged !== undefined;

/** The migration whose turn a run that lives has; undefined between two turns too: then a second run waits for the first. */
async function runUnderWay(
  { sfn, stateMachineArn }: Deployment,
  { migrations }: EnvironmentView,
): Promise<UnderWay | undefined> {
  const open = migrations.find(({ state }) => ['starting', 'running', 'stopped', 'succeeded'].includes(state));
  if (open?.execution === undefined) return undefined;
  const alive = await createExecutions(sfn, stateMachineArn).isAlive(open.execution);
  return alive ? { ...open, execution: open.execution } : undefined;
}

type UnderWay = MigrationView & { execution: string };

/** Files here that look like migrations and are none: whoever starts a run may wait for them. */
function skippedFiles({ directory, configuration }: Project, environment: string): string[] {
  try {
    const { warnings } = discoverEnvironment(environment, directory, configuration);
    return warnings.filter(({ nearMiss }) => nearMiss).map(({ message }) => message);
  } catch (thrown) {
    // Else it is deployed from elsewhere, and what runs is what is deployed.
    return thrown instanceof OdinError && thrown.code === 'BadMigrationFile' ? [thrown.message] : [];
  }
}

const changedOf = ({ migrations }: EnvironmentView, accepted: readonly string[] = []): ChangedFile[] =>
  migrations.flatMap(({ id, file, state, changedSince }) =>
    file !== undefined && isCompleted(state) && changedSince && !accepted.includes(id) ? [{ migration: id, file }] : [],
  );

/** The machine would refuse it too (docs/design.md §5), but by a failed execution, which sets off an alarm. */
async function assertNotHalted(
  { environment, sfn, stateMachineArn }: Deployment,
  { store }: Ledger,
  { turn }: LogState,
): Promise<void> {
  const execution = turn && (await haltedIn(store, turn, createExecutions(sfn, stateMachineArn).isAlive));
  if (!turn?.halt || execution === undefined) return;
  const { migration, attempt, number } = turn.halt.halted;
  throw new OdinError({
    code: 'HaltedElsewhere',
    source: 'user',
    what: `${environment} is halted at ${migration}, attempt ${attempt}, in ${execution}; no second run was started.`,
    why: 'That run goes on as soon as somebody decides.',
    next: { words: 'Decide, e.g.', ...resumeCommand(environment, 'retry', number) },
  });
}
