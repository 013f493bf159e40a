// What the functions ask of Step Functions.
import type { SFNClient } from '@aws-sdk/client-sfn';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import type { Executions } from '../core/contract/ports.ts';

export function createExecutions(sfn: SFNClient, stateMachineArn: string): Executions {
  /** Whoever invokes a function by hand may say anything; only this machine's executions are asked for. */
  async function ofKnown<T>(executionArn: string, ask: () => Promise<T>): Promise<T | undefined> {
    if (!executionArn.startsWith(executionArnOf(stateMachineArn, ''))) return undefined;
    try {
      return await ask();
    } catch (thrown) {
      if (thrown instanceof ExecutionDoesNotExist) return undefined;
      throw thrown;
    }
  }
  return {
    async isAlive(executionArn) {
      const known = await ofKnown(executionArn, () => sfn.send(new DescribeExecutionCommand({ executionArn })));
      return known?.status === 'RUNNING' || known?.status === 'PENDING_REDRIVE';
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
