// `List pending`: reads the manifest and the ledger, and says what the run does next.
import type { NextStep, Situation } from '../../core/decision/decide.ts';
import { decide } from '../../core/decision/decide.ts';
import type { RunCompleted } from '../../core/contract/events.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { continuedExecutionName, resourcePrefix } from '../../core/names/names.ts';
import type { Command, Where } from '../../core/text/command.ts';
import { commandLine } from '../../core/text/command.ts';
import type { FinishedStep, HandedOver, ListPendingPayload, RunInput, Step } from '../../core/contract/payloads.ts';
import { readSituation } from '../../core/decision/situation.ts';
import { completedRun } from './completed-run.ts';
import { finishedChat, finishedSubject, finishedText } from './finished-message.ts';
import type { Services } from '../../core/contract/ports.ts';
import { continueRun } from '../shared/continue-run.ts';
import { announce } from '../shared/announce.ts';

/** Of the 25,000 events at which Step Functions ends an execution. A slice or a poll takes 14, and with retries some dozen more. */
export const HANDOVER_EVENTS = 20_000;

/**
 * @param handoverEvents when so many events are in its history, the run goes on in a fresh execution
 * @throws OdinError RecordUnreadable, LedgerForbidden, LedgerUnavailable: the run stops, nothing is taken as absent
 */
export function createListPending(services: Services, manifest: Manifest, handoverEvents = HANDOVER_EVENTS) {
  return async ({ execution, input }: ListPendingPayload): Promise<Step> => {
    const situation = await readSituation(
      services.ledger,
      manifest.migrations.map(({ id }) => id),
      input.allowOutOfOrder ?? false,
      { execution, isAlive: services.executions.isAlive, now: services.now },
    );
    const decided = decide(situation);
    const next =
      (mayHandOver(decided, situation) && (await handOver(execution, input))) ||
      toStep(decided, manifest, situation, services);
    services.log.info(`Next: ${next.step}`, { ...next });
    if (next.step === 'finished') await tellOfTheEnd(execution, next);
    return next;
  };

  /** Repeated, it names the same execution; undefined while there is room in the history. */
  async function handOver(execution: string, input: RunInput): Promise<HandedOver | undefined> {
    const { executions, log } = services;
    const events = await executions.events(execution);
    if (events < handoverEvents) return undefined;
    const name = execution.slice(execution.lastIndexOf(':') + 1);
    const successor = await continueRun(executions, (tries) => continuedExecutionName(name, tries), input);
    log.info(`Handed over to ${successor}`, { events });
    return {
      step: 'handed over',
      execution: successor,
      summary: `This execution has ${events} events of the 25,000 that it may have. The run goes on in ${successor}.`,
    };
  }

  /**
   * A run ends here once, so this is sent once; when the answer of this very invocation is lost, `List pending` is asked
   * again, and it is sent again. The operators hear of a run that had needed them, and programs of every run.
   */
  async function tellOfTheEnd(execution: string, finished: FinishedStep): Promise<void> {
    let run: RunCompleted;
    try {
      run = await completedRun(services, manifest, execution, finished);
    } catch (cause) {
      services.log.error('The end of this run could not be told: the ledger did not say what it had halted at', {
        cause,
      });
      return;
    }
    await announce(services, () => ({
      event: { type: 'Run Completed', detail: run },
      ...(run.afterHalts.length > 0 && {
        message: { subject: finishedSubject(run), text: finishedText(run), chat: finishedChat(run) },
      }),
    }));
  }
}

/**
 * Whether the run can go on elsewhere. What waits for its own slice stays: in another execution the slice would have lost
 * its owner, and would halt.
 */
function mayHandOver({ step }: NextStep, { last }: Situation): boolean {
  return step === 'run' || step === 'record' || (step === 'wait' && last?.claim?.owner !== 'this');
}

function toStep(next: NextStep, manifest: Manifest, situation: Situation, where: Where): Step {
  switch (next.step) {
    case 'run': {
      const functionName = manifest.migrations.find(({ id }) => id === next.migration)?.functionName ?? '';
      return { ...next, functionName, gitCommit: manifest.gitCommit };
    }
    case 'finished':
      return finished(manifest, situation);
    case 'refuse':
      return { step: 'refuse', error: next.error, cause: refusal(next, manifest, where) };
    case 'record':
    case 'wait':
    case 'halt':
      return next;
  }
}

/** Nothing is pending, so what was attempted and not completed is in no manifest any more. */
function finished({ environment, migrations }: Manifest, { completed, attempted }: Situation): FinishedStep {
  const leftBehind = [...attempted].sort();
  const summary = [
    migrations.length === 0
      ? `${environment} has no migrations: nothing to run.`
      : `Nothing is pending in ${environment}: each of its ${migrations.length} migrations is completed (${completed.size} in the ledger).`,
    ...leftBehind.map((id) => `${id} was attempted and never completed, and its file is gone.`),
  ].join(' ');
  return { step: 'finished', completed: completed.size, leftBehind, summary };
}

/** The console shows it as the cause of the failed execution. */
function refusal(
  next: Extract<NextStep, { step: 'refuse' }>,
  { environment, migrations }: Manifest,
  where: Where,
): string {
  const command = (verb: Command['verb'], ...args: string[]) => commandLine({ verb, environment, args }, where);
  if (next.error === 'HaltedElsewhere') {
    return (
      `Migration ${next.migration}, attempt ${next.attempt}, is halted in another execution, ${next.execution}, ` +
      `and waits for an operator's decision. ` +
      `Type: ${command('resume', 'retry|mark-applied|skip|abort', '--reason "..."')}`
    );
  }
  const files = next.late.map((id) => migrations.find((entry) => entry.id === id)?.file ?? id);
  return (
    `${files.join(', ')} ${files.length === 1 ? 'is' : 'are'} pending, but ${next.highest} was run before: ` +
    `running ${files.length === 1 ? 'it' : 'them'} now would not be in order. ` +
    `Give the late ${files.length === 1 ? 'file the' : 'files'} next free number${files.length === 1 ? '' : 's'}, or, if the order ` +
    `does not matter, type "${command('run', '--allow-out-of-order')}", or start ` +
    `${resourcePrefix(environment)} with the input {"allowOutOfOrder": true}.`
  );
}
