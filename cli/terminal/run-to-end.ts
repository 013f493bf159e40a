// Follows a run to its end or to its halt, asks for a decision where somebody can answer, and says how it came out.
import { input, select } from '@inquirer/prompts';
import { choices, needsReason } from '../../core/decision/meanings.ts';
import type { Decision } from '../../core/names/names.ts';
import { asOdinError } from '../../core/errors.ts';
import { leftBehindBy } from '../../core/contract/payloads.ts';
import type { OpenHalt } from '../../core/views/view.ts';
import { openHaltOf } from '../../core/views/view.ts';
import { awsError } from '../../client/aws-errors.ts';
import type { Deployment } from '../../client/deployment.ts';
import { here, operatorOf, sendDecision } from '../../client/deployment.ts';
import type { ExitCode } from './exit-codes.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import type { RunEvent, Seen } from '../../client/follow.ts';
import { follow } from '../../client/follow.ts';
import { printDecisions } from './halts.ts';
import { atTerminal, colour, plain, print, printError, withoutSpinner } from './output.ts';
import { answerTo } from './questions.ts';
import type { Report } from './report.ts';

export interface Run {
  deployment: Deployment;
  executionArn: string;
  seen: Seen;
  report: Report;
  pollMs: number;
  /** Whether a person may be asked; at a terminal, unless told otherwise. */
  ask?: boolean;
}

export interface RunResult {
  execution: string;
  outcome: 'done' | 'halted' | 'refused' | 'failed';
  exitCode: ExitCode;
  halt?: OpenHalt;
  error?: string;
  cause?: string;
}

export async function runToEnd(run: Run): Promise<RunResult> {
  const { deployment, seen, report, pollMs } = run;
  let execution = run.executionArn;
  for await (const event of follow(deployment, execution, seen, pollMs)) {
    report.event(event);
    if (event.event === 'handed over') execution = event.execution;
    if (event.event === 'halted') {
      const halt = openHaltOf(event.halt);
      const decided = (run.ask ?? atTerminal()) && (await withoutSpinner(() => ask(deployment, halt)));
      if (!decided) {
        printDecisions(deployment, halt);
        return { execution, outcome: 'halted', exitCode: EXIT.halted, halt };
      }
    }
    if (event.event === 'ended') return { execution, ...ended(event, deployment, report.summary()) };
  }
  return { execution, outcome: 'failed', exitCode: EXIT.failed };
}

type Ending = Extract<RunEvent, { event: 'ended' }>;

function ended(
  { status, error, cause, output }: Ending,
  deployment: Deployment,
  done: string | undefined,
): Omit<RunResult, 'execution'> {
  if (done !== undefined) print();
  if (status === 'SUCCEEDED') {
    print(`${colour.green('Done')}: ${done ?? 'nothing was pending'}.`);
    for (const id of leftBehindBy(output)) {
      print(
        `${colour.yellow('▲')} ${id}  was attempted and never completed, and its file is gone: npx odin-migrate history ${deployment.environment} ${id}`,
      );
    }
    return { outcome: 'done', exitCode: EXIT.done };
  }
  const code = error === undefined || error === '' ? status : error;
  const why = cause === undefined || cause === '' ? undefined : here(deployment, plain(messageOf(cause)));
  print(`${colour.red(`The run ended ${status.toLowerCase()}`)}: ${plain(code)}`);
  if (why !== undefined) print(`  ${why}`);
  if (done !== undefined) print(`  Before that: ${done}.`);
  const refused = exitCodeOf(code) === EXIT.refused;
  return {
    ...(refused ? { outcome: 'refused', exitCode: EXIT.refused } : { outcome: 'failed', exitCode: EXIT.failed }),
    error: code,
    ...(why !== undefined && { cause: why }),
  };
}

/** A failed function's cause is JSON with an errorMessage; a refusal's is the sentence itself. */
function messageOf(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : cause;
  } catch {
    return cause;
  }
}

/** @returns whether a decision was sent; false when the question was left by Ctrl-C */
async function ask(deployment: Deployment, { migration, attempt, outcome }: OpenHalt): Promise<boolean> {
  for (;;) {
    const decision = await answerTo(
      select<Decision>({
        message: `What should happen with ${migration}?`,
        choices: choices(outcome).map(({ decision: value, meaning }) => ({
          value,
          short: value,
          name: `${value.padEnd(13)} ${meaning}`,
        })),
      }),
    );
    if (decision === undefined) return false;
    const required = needsReason(decision);
    const reason = await answerTo(input({ message: required ? 'Reason:' : 'Reason (may be empty):', required }));
    if (reason === undefined) return false;
    try {
      const answer = await sendDecision(deployment, {
        decision,
        by: await operatorOf(deployment),
        halt: { migration, attempt },
        ...(reason.trim() !== '' && { reason: reason.trim() }),
      });
      print(`  ${plain(answer.message)}`);
      return true;
    } catch (thrown) {
      printError(awsError(thrown) ?? asOdinError(thrown));
    }
  }
}
