// What the functions ask of Step Functions.
import type { DescribeExecutionCommandOutput, SFNClient } from '@aws-sdk/client-sfn';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  InvalidToken,
  ListMapRunsCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
  UpdateMapRunCommand,
} from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Executions } from '../core/contract/ports.ts';

/** Soon after its start Step Functions may not know an execution yet: it is asked so often more, over 4 s (docs/aws-facts.md). */
const UNTIL_KNOWN_MS = [250, 750, 1_000, 2_000];

type Pause = (ms: number) => Promise<unknown>;

/**
 * What is asked of one execution, which may have been started a moment ago.
 * @throws ExecutionDoesNotExist: it is none, or ended more than 90 days ago
 */
export async function onceKnown<T>(ask: () => Promise<T>, pause: Pause = sleep): Promise<T> {
  for (const ms of UNTIL_KNOWN_MS) {
    try {
      return await ask();
    } catch (thrown) {
      if (!(thrown instanceof ExecutionDoesNotExist)) throw thrown;
    }
    await pause(ms);
  }
  return await ask();
}

/** @throws ExecutionDoesNotExist, as `onceKnown` */
export const describeExecution = (
  sfn: SFNClient,
  executionArn: string,
  pause?: Pause,
): Promise<DescribeExecutionCommandOutput> =>
  onceKnown(() => sfn.send(new DescribeExecutionCommand({ executionArn })), pause);

/** Statuses of an execution that goes on: one whose redrive is pending begins again by itself. */
export const ALIVE = ['RUNNING', 'PENDING_REDRIVE'] as const;

/** @param status of an execution, as Step Functions names it */
export const isRunning = (status: string | undefined): boolean => ALIVE.some((alive) => alive === status);

export function createExecutions(sfn: SFNClient, stateMachineArn: string, pause?: Pause): Executions {
  /** Whoever invokes a function by hand may say anything; only this machine's executions are asked for. */
  async function ofKnown<T>(executionArn: string, ask: () => Promise<T>): Promise<T | undefined> {
    if (!executionArn.startsWith(executionArnOf(stateMachineArn, ''))) return undefined;
    try {
      return await onceKnown(ask, pause);
    } catch (thrown) {
      if (thrown instanceof ExecutionDoesNotExist) return undefined;
      throw thrown;
    }
  }
  return {
    async isAlive(executionArn) {
      const known = await ofKnown(executionArn, () => sfn.send(new DescribeExecutionCommand({ executionArn })));
      return isRunning(known?.status);
    },

    async events(executionArn) {
      // Events are numbered from 1: the newest one's number is how many there are.
      const newest = new GetExecutionHistoryCommand({
        executionArn,
        reverseOrder: true,
        maxResults: 1,
        includeExecutionData: false,
      });
      const known = await ofKnown(executionArn, () => sfn.send(newest));
      return known?.events?.[0]?.id ?? 0;
    },

    async tuneMap(executionArn, concurrency, isMeant) {
      const known = await ofKnown(executionArn, () => sfn.send(new ListMapRunsCommand({ executionArn })));
      const running = known?.mapRuns?.filter(({ stopDate }) => stopDate === undefined) ?? [];
      if (running.length === 0 || !(await isMeant())) return 'none runs';
      for (const { mapRunArn } of running) {
        await sfn.send(new UpdateMapRunCommand({ mapRunArn, maxConcurrency: concurrency }));
      }
      return 'tuned';
    },

    succeedTask: (taskToken, output) =>
      sentOrGone(sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }))),

    failTask: (taskToken, error, cause) =>
      sentOrGone(sfn.send(new SendTaskFailureCommand({ taskToken, error, cause }))),

    async start(name, input) {
      try {
        const { executionArn } = await sfn.send(
          new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
        );
        return { execution: executionArn ?? '', existed: false };
      } catch (thrown) {
        if (!(thrown instanceof ExecutionAlreadyExists)) throw thrown;
        return { execution: executionArnOf(stateMachineArn, name), existed: true };
      }
    },
  };
}

/** `…:stateMachine:NAME` → `…:execution:NAME:EXECUTION` */
const executionArnOf = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

/** An expired, closed or unknown token means that nobody waits with it. */
async function sentOrGone(request: Promise<unknown>): Promise<'sent' | 'gone'> {
  try {
    await request;
    return 'sent';
  } catch (thrown) {
    const gone = thrown instanceof TaskTimedOut || thrown instanceof TaskDoesNotExist || thrown instanceof InvalidToken;
    if (gone) return 'gone';
    throw thrown;
  }
}
