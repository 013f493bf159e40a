// Prints a run while it goes on, asks for decisions at a terminal, and says how it ended.
import { setTimeout as sleep } from 'node:timers/promises';
import { input, select } from '@inquirer/prompts';
import { meanings, needsReason, saysWhy } from '../../core/decision/meanings.ts';
import type { Decision } from '../../core/names/names.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { asOdinError, OdinError } from '../../core/errors.ts';
import { describeThrown } from '../../core/thrown.ts';
import type { ChangedFile } from '../../core/contract/events.ts';
import type { OpenHalt } from '../../core/views/view.ts';
import { awsError } from '../../client/aws-errors.ts';
import type { Deployment } from '../../client/deployment.ts';
import { operatorOf, sendDecision } from '../../client/deployment.ts';
import { logLineOf } from '../../client/log-line.ts';
import { LogBeside, MigrationLog } from '../../client/migration-log.ts';
import type { Told } from '../../client/run-events.ts';
import type { RunEnd } from '../../client/follow-run.ts';
import { followRun } from '../../client/follow-run.ts';
import { typed, where } from './commands.ts';
import type { ExitCode } from './exit-codes.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { printDecisions } from './halts.ts';
import { canBeShown, colour, hanging, plain, print, printError, withoutSpinner } from './output.ts';
import { answerTo } from './questions.ts';
import type { RunReport } from './run-report.ts';

export interface Run {
  deployment: Deployment;
  executionArn: string;
  told: Told;
  report: RunReport;
  pollMs: number;
  /** Whether to ask for decisions. Default: at a terminal that a list can be drawn on. */
  ask?: boolean | undefined;
  /** Whether to show what the migrations of a deployed environment print. Of one on this machine it is shown anyway. */
  logs?: boolean | undefined;
  /** It runs one migration anew, in a ledger that the next such run forgets: what is decided later finds nothing. */
  again?: boolean | undefined;
}

/** What is printed as JSON. */
export interface RunResult {
  execution: string;
  outcome: 'done' | 'halted' | 'refused' | 'failed';
  exitCode: ExitCode;
  halt?: OpenHalt | undefined;
  /** Files that are not those which were run under their numbers, and did not run. */
  changed?: ChangedFile[] | undefined;
  error?: string | undefined;
  cause?: string | undefined;
}

export async function runToEnd({
  deployment,
  report,
  ask = canBeShown(),
  again,
  logs,
  ...run
}: Run): Promise<RunResult> {
  const log = logs ? logBeside(deployment, run.told, report) : undefined;
  const pause = async (ms: number): Promise<void> => {
    await Promise.all([deployment.pause(ms), log?.look()]);
  };
  let allowedAt = run.told.printed;
  const following = followRun({
    ...run,
    deployment: { ...deployment, pause },
    onEvent: async (event) => {
      const entry = event.event === 'appended' ? event.entry : undefined;
      if (entry?.kind === 'allowed') allowedAt = Date.parse(entry.time);
      // What it printed stands above what became of it.
      if ((entry?.kind === 'completed' && entry.completion === 'applied') || entry?.kind === 'halted')
        await log?.upToEndOf(allowedAt, (ms) => deployment.pause(ms));
      report.event(event);
    },
    onHalt: async (halt) => {
      if (ask && (await withoutSpinner(() => askFor(deployment, halt)))) return true;
      if (again) print('Mend it, and type the same again: it begins anew.');
      else printDecisions(deployment.environment, halt);
      return false;
    },
  });
  const end = await following.catch((thrown: unknown) => {
    throw deployment.local ? thrown : goesOn(thrown, deployment.environment, run.executionArn);
  });
  return { execution: end.execution, ...printEnd(deployment.environment, end, report.summary()) };
}

/**
 * Follows on once with new clients, which read the credentials that are there now, when those of the first ones have expired: somebody, or
 * something, may have signed in again meanwhile.
 * @param renewed the deployment, found anew
 */
export async function followRenewed(
  follow: (by: Deployment) => Promise<RunResult>,
  deployment: Deployment,
  renewed: () => Promise<Deployment>,
): Promise<RunResult> {
  try {
    return await follow(deployment);
  } catch (thrown) {
    if (deployment.local || !(thrown instanceof OdinError) || thrown.code !== 'NoCredentials') throw thrown;
    const found = await renewed().catch(() => undefined);
    if (!found) throw thrown;
    return await follow(found);
  }
}

function logBeside(deployment: Deployment, told: Told, report: RunReport): LogBeside {
  const log = new MigrationLog(deployment, { from: told.printed });
  let isTold = false;
  return new LogBeside(log, {
    event: ({ time, migration, message }) => {
      told.printed = Math.max(told.printed, time);
      const line = logLineOf(message);
      if (line) report.line({ ...line, migration: migration ?? line.migration });
    },
    failure: (thrown) => {
      if (isTold) return;
      isTold = true;
      print(colour.yellow(`  What the migrations print cannot be shown: ${describeThrown(thrown)}`));
    },
  });
}

/** Who follows a run is not who runs it: when AWS does not answer here any more, it goes on there. */
function goesOn(thrown: unknown, environment: string, execution: string): unknown {
  const error = awsError(thrown);
  if (!error) return thrown;
  const { code, source, what, next } = error;
  const first = typeof next === 'string' ? `${next} Then look at it` : 'Look at it';
  return new OdinError({
    code,
    source,
    what,
    why: `The run goes on in AWS, and nobody here follows it: ${execution}`,
    next: { words: first, verb: 'status', environment },
    cause: thrown,
  });
}

/** What is said by who stops following a run of a deployed environment. */
export const goesOnInAws = (environment: string, execution: string): string[] => [
  `The run goes on in AWS, and nobody here follows it: ${execution}`,
  `Follow it again with: ${typed({ verb: 'run', environment, args: ['--wait'] })}`,
  `Look at it with: ${typed({ verb: 'status', environment })}`,
];

/** It looks like success: somebody waits for a file to run that never will. */
export function printChanged(environment: string, changed: readonly ChangedFile[]): void {
  for (const { migration, file } of changed) {
    print(colour.yellow(`  ${plain(file)}: another text was completed under ${migration}, and this one does not run.`));
  }
  const [first] = changed;
  if (!first) return;
  const args = changed.map(({ migration }) => `--accept-changed ${migration}`);
  print(`  If it is new work, give it a number of its own: ${typed({ verb: 'new', environment })}`);
  print(`  If it is meant: ${typed({ verb: 'run', environment, args })}`);
  if (where().local)
    print(
      `  To run it anew, on fresh data: ${typed({ verb: 'run', environment, args: ['--again', first.migration] })}`,
    );
}

function printEnd(environment: string, end: RunEnd, done: string | undefined): Omit<RunResult, 'execution'> {
  switch (end.outcome) {
    case 'halted':
      return { outcome: 'halted', exitCode: EXIT.halted, halt: end.halt };
    case 'done':
      if (done !== undefined) print();
      print(`${colour.green('Done')}: ${done ?? 'nothing was pending'}.`);
      printChanged(environment, end.changed);
      return {
        outcome: 'done',
        exitCode: EXIT.done,
        changed: end.changed.length > 0 ? end.changed : undefined,
      };
    case 'ended': {
      const { status, error } = end;
      const cause = end.cause && plain(end.cause);
      if (done !== undefined) print();
      print(`${colour.red(`The run ended ${status.toLowerCase()}`)}: ${plain(error)}`);
      if (cause) print(`  ${cause}`);
      if (done !== undefined) print(`  Before that: ${done}.`);
      return exitCodeOf(error) === EXIT.refused
        ? { outcome: 'refused', exitCode: EXIT.refused, error, cause }
        : { outcome: 'failed', exitCode: EXIT.failed, error, cause };
    }
  }
}

/** Seldom enough for a question that stands all night, and often enough for two who talk to each other. */
const LOOK_MS = 5_000;

/**
 * Somebody else may answer the halt while it is asked here: then the question is taken back.
 * @returns whether it is decided, here or elsewhere; false when the question was left by Ctrl-C
 */
async function askFor(deployment: Deployment, halt: OpenHalt): Promise<boolean> {
  const elsewhere = new AbortController();
  const over = new AbortController();
  void decidedElsewhere(deployment, halt.halt, over.signal).then(
    () => elsewhere.abort(),
    () => undefined, // the question is over
  );
  try {
    return await askUntilAnswered(deployment, halt, elsewhere.signal);
  } catch (thrown) {
    if (!elsewhere.signal.aborted) throw thrown;
    print('  Somebody else has decided meanwhile.');
    return true;
  } finally {
    over.abort();
  }
}

/** Resolves when the halt is not open any more. @throws when the question is over */
async function decidedElsewhere({ ledger }: Deployment, halt: number, over: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(LOOK_MS, undefined, { signal: over, ref: false });
    const state = await ledger.log.look().catch(() => undefined);
    if (state && (state.turn?.halt?.halted.number !== halt || state.turn.halt.decided)) return;
  }
}

/** Refusals of a halt that is not open any more: there is nothing to ask. */
const SETTLED: readonly ErrorCode[] = ['AlreadyDecided', 'OtherHalt', 'NothingHalted'];

async function askUntilAnswered(
  deployment: Deployment,
  { migration, halt, reason: halted }: OpenHalt,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const decision = await answerTo(
      select<Decision>(
        {
          message: `What should happen with ${migration}?`,
          choices: meanings(halted).map(({ decision: value, meaning }) => ({
            value,
            short: value,
            name: hanging(`${value.padEnd(13)} ${meaning}`, 16, 2).join('\n'),
          })),
          pageSize: 20,
        },
        { signal },
      ),
    );
    if (decision === undefined) return false;
    const required = needsReason(decision);
    const message = required ? 'Reason:' : 'Reason (may be empty):';
    const validate = (text: string) =>
      !required || saysWhy(text) || 'It stays in the ledger for whoever asks later: say why.';
    const reason = await answerTo(input({ message, validate }, { signal }));
    if (reason === undefined) return false;
    try {
      const answer = await sendDecision(deployment, {
        ask: 'decide',
        decision,
        by: await operatorOf(deployment),
        halt,
        reason: reason.trim() || undefined,
      });
      print(`  ${plain(answer.message)}`);
      return true;
    } catch (thrown) {
      const error = awsError(thrown) ?? asOdinError(thrown);
      printError(error);
      if (SETTLED.includes(error.code)) return true;
    }
  }
}
