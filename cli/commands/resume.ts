// `odin-migrate resume`: an operator's decision on a halt, deployed or local.
import { meaningOf } from '../../core/decision/meanings.ts';
import { nothingHalted } from '../../core/decision/nothing-halted.ts';
import type { Decision } from '../../core/names/names.ts';
import { OdinError } from '../../core/errors.ts';
import type { DecidedAnswer, DecidePayload } from '../../core/contract/payloads.ts';
import type { OpenHalt } from '../../core/views/view.ts';
import { lookAtLedger, viewOf } from '../../core/views/view.ts';
import type { Deployment } from '../../client/deployment.ts';
import { findDeployment, operatorOf, sendDecision } from '../../client/deployment.ts';
import type { Place } from '../../client/environment.ts';
import { isLocal, openEnvironment } from '../../client/environment.ts';
import { typed } from '../terminal/commands.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { Told } from '../../client/run-events.ts';
import { untilInterrupted } from '../terminal/interrupt.ts';
import { leftBehind } from '../terminal/left-behind.ts';
import { printHalt } from '../terminal/halts.ts';
import { RunReport } from '../terminal/run-report.ts';
import { atTerminal, keepStdoutForJson, plain, print, printJson, whileBusy } from '../terminal/output.ts';
import { agreed } from '../terminal/questions.ts';
import { followRenewed, goesOnInAws, runToEnd } from '../terminal/run-to-end.ts';

export interface ResumeOptions {
  reason?: string;
  /** Decide only if it is the halt of this entry. */
  halt?: number;
  /** The decision, by its entry, in whose place this one is to count. */
  instead?: number;
  fromStart?: boolean;
  keepCheckpoint?: boolean;
  yes?: boolean;
  wait?: boolean;
  logs?: boolean;
  json?: boolean;
}

export async function resume(
  place: Place,
  environment: string,
  decision: Decision,
  options: ResumeOptions,
): Promise<ExitCode> {
  const begin = beginOf(decision, options);
  if (options.json) keepStdoutForJson();
  const local = isLocal(place);
  const report = new RunReport();
  await using opened = await whileBusy(`Looking at ${environment}`, () =>
    openEnvironment(environment, place, { onLog: report.onLog }),
  );
  const { deployment, manifest, ledger } = opened;
  report.describe(manifest);
  const seen = await lookAtLedger(ledger);
  const { halt } = viewOf(manifest, seen);
  // The one that is seen here, decided or not: if another one is open by then, it is refused.
  const meant = options.halt ?? seen.state.turn?.halt?.halted.number;
  if (meant === undefined) throw nothingHalted(environment);
  if (halt && !local && !options.yes && atTerminal() && !(await confirmed(decision, halt))) {
    print('Nothing was decided.');
    return EXIT.halted;
  }
  const told = await Told.everythingIn(ledger);
  const by = await operatorOf(deployment);
  const answer = await sendDecision(deployment, {
    ask: 'decide',
    decision,
    by,
    reason: options.reason,
    halt: meant,
    instead: options.instead,
    begin,
  });
  if (options.json) printJson(answer);
  print(plain(answer.message));
  if (!local) for (const execution of answer.executions) print(`  ${execution}`); // here nobody can ask for it

  const [executionArn] = answer.executions;
  // On this machine the process that halted is gone, and its execution with it: the new one goes on in this process.
  const follows = (options.wait ?? false) || local;
  if (!follows || executionArn === undefined) {
    printNext(environment, answer, local);
    // Nobody is left whose end could be waited for: that it is aborted is the end.
    return options.wait && answer.decision === 'abort' ? EXIT.failed : EXIT.done;
  }
  const { json, logs } = options;
  const ask = json ? false : undefined;
  const follow = (by: Deployment) =>
    runToEnd({ deployment: by, executionArn, told, report, pollMs: local ? 100 : 1_000, ask, logs });
  const { exitCode } = await untilInterrupted(
    () =>
      whileBusy(`Following ${environment}`, () =>
        followRenewed(follow, deployment, async () =>
          isLocal(place) ? deployment : await findDeployment(environment, place),
        ),
      ),
    async () => {
      if (!isLocal(place)) return goesOnInAws(environment, executionArn);
      await opened.embedded?.close();
      return await leftBehind(place.project, manifest);
    },
  );
  return exitCode;
}

async function confirmed(decision: Decision, halt: OpenHalt): Promise<boolean> {
  printHalt(halt);
  const meaning = meaningOf(decision, halt.reason);
  const message = `${decision} ${halt.migration}: ${meaning}. Do it?`;
  return await agreed(message, false);
}

/** Where a retry of a checkpointed migration begins; undefined: the function decides, or refuses. */
function beginOf(decision: Decision, { fromStart, keepCheckpoint }: ResumeOptions): DecidePayload['begin'] {
  if (!fromStart && !keepCheckpoint) return undefined;
  if (decision === 'retry' && !(fromStart && keepCheckpoint)) return fromStart ? 'start' : 'checkpoint';
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: 'Expected --from-start or --keep-checkpoint with retry, and one of them.',
  });
}

function printNext(environment: string, { executions, decision }: DecidedAnswer, local: boolean): void {
  if (decision === 'abort') {
    const args = local ? [] : ['--wait'];
    print(`Start the next run with: ${typed({ verb: 'run', environment, args })}`);
  } else if (executions.length > 0) print(`Look at it with: ${typed({ verb: 'status', environment })}`);
}
