// Follows a run to its end or to its halt, asks for a decision where somebody can answer, and gives the exit code.
import { input, select } from '@inquirer/prompts';
import { userInfo } from 'node:os';
import type { Decision } from '../core/decide.ts';
import { asOdinError } from '../core/errors.ts';
import type { HaltRecord } from '../core/records.ts';
import type { Deployment } from './deployment.ts';
import { sendDecision } from './deployment.ts';
import type { ExitCode } from './exit-codes.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import type { RunEvent, Seen } from './follow.ts';
import { follow } from './follow.ts';
import { colour, plain, print, printError } from './output.ts';
import type { Report } from './report.ts';

export interface Run {
  deployment: Deployment;
  executionArn: string;
  seen: Seen;
  report: Report;
  pollMs: number;
}

export async function runToEnd({ deployment, executionArn, seen, report, pollMs }: Run): Promise<ExitCode> {
  for await (const event of follow(deployment, executionArn, seen, pollMs)) {
    report.event(event);
    if (event.event === 'halted') {
      if (!(process.stdin.isTTY && process.stdout.isTTY)) {
        explainHalt(deployment, event.halt);
        return EXIT.halted;
      }
      await ask(deployment, event.halt);
    }
    if (event.event === 'ended') return ended(event, report.summary());
  }
  return EXIT.failed;
}

function ended({ status, error, cause }: Extract<RunEvent, { event: 'ended' }>, done: string | undefined): ExitCode {
  if (done !== undefined) print();
  if (status === 'SUCCEEDED') {
    print(`${colour.green('Done')}: ${done ?? 'nothing was pending'}.`);
    return EXIT.done;
  }
  const code = error ?? status;
  print(`${colour.red(`The run ended ${status.toLowerCase()}`)}: ${plain(code)}`);
  if (cause !== undefined && cause !== '') print(`  ${plain(messageOf(cause))}`);
  if (done !== undefined) print(`  Before that: ${done}.`);
  return exitCodeOf(code) === EXIT.refused ? EXIT.refused : EXIT.failed;
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

async function ask(deployment: Deployment, halt: HaltRecord): Promise<void> {
  const { migration, attempt } = halt;
  for (;;) {
    const decision = await select<Decision>({
      message: `What should happen with ${migration}?`,
      choices: CHOICES.map(([value, what]) => ({ value, short: value, name: `${value.padEnd(13)} ${what}` })),
    });
    const needsReason = decision === 'mark-applied' || decision === 'skip';
    const reason = await input({ message: needsReason ? 'Reason:' : 'Reason (may be empty):', required: needsReason });
    try {
      const answer = await sendDecision(deployment, {
        decision,
        by: localUser(),
        halt: { migration, attempt },
        ...(reason.trim() !== '' && { reason: reason.trim() }),
      });
      print(`  ${plain(answer.message)}`);
      return;
    } catch (thrown) {
      printError(asOdinError(thrown));
    }
  }
}

function explainHalt({ environment, local }: Deployment, { migration, attempt }: HaltRecord): void {
  const where = local ? ' --local' : '';
  const at = `--migration ${migration} --attempt ${attempt}`;
  print();
  print(`Nothing later runs until somebody decides. Type one of:`);
  for (const [decision, what] of CHOICES) {
    const reason = decision === 'mark-applied' || decision === 'skip' ? ' --reason "..."' : '';
    print(`  npx odin-migrate resume ${environment} ${decision}${where} ${at}${reason}`);
    print(`      ${colour.dim(what)}`);
  }
}

const CHOICES: [Decision, string][] = [
  ['retry', 'run it again, as a new attempt'],
  ['mark-applied', 'record it as applied: its effect is there'],
  ['skip', 'record it as skipped: it never runs'],
  ['abort', 'end this run as failed; the next run halts here again'],
];

export const localUser = (): string => `local:${userInfo().username}`;
