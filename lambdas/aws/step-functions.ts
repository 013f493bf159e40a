// What the functions ask of Step Functions.
import type { SFNClient } from '@aws-sdk/client-sfn';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import type { Executions } from '../services.ts';

export function createExecutions(sfn: SFNClient, stateMachineArn: string): Executions {
  return {
    async isAlive(executionArn) {
      // Whoever invokes a function by hand may say anything; only this machine's executions can be alive.
      if (!executionArn.startsWith(executionArnOf(stateMachineArn, ''))) return false;
      try {
        const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
        return status === 'RUNNING' || status === 'PENDING_REDRIVE';
      } catch (thrown) {
        if (thrown instanceof ExecutionDoesNotExist) return false;
        throw thrown;
      }
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
