// Real executions, each of which waits for a callback, for the contract of Executions: on any Step Functions that invokes the
// functions of an embedded AWS.
import type { SFNClient } from '@aws-sdk/client-sfn';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import { createExecutions } from '../../aws/step-functions.ts';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import type { ExecutionsUnderTest } from './executions-contract.ts';

const LOOK_EVERY_MS = 5;

export class WaitingExecutions {
  readonly #sfn: SFNClient;
  /** Execution → its token, as the halt function would be told. */
  readonly #tokens = new Map<string, string>();
  #machines = 0;

  /** From now on every function of `aws` does nothing but note the token that it was given. */
  constructor(aws: EmbeddedAws, sfn: SFNClient) {
    this.#sfn = sfn;
    aws.lambda.invoke = (_, payload) => {
      const { token, execution } = JSON.parse(payload) as { token: string; execution: string };
      this.#tokens.set(execution, token);
      return Promise.resolve({ requestId: 'r', payload: '{}' });
    };
  }

  /** @returns its ARN. Every execution of it waits for a callback. */
  async newMachine(): Promise<string> {
    this.#machines += 1;
    const wait = {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { FunctionName: 'halt', Payload: { 'token.$': '$$.Task.Token', 'execution.$': '$$.Execution.Id' } },
      TimeoutSeconds: 60,
      End: true,
    };
    const name = `machine-${this.#machines}`;
    const definition = JSON.stringify({ StartAt: 'Wait', States: { Wait: wait } });
    const roleArn = 'arn:aws:iam::000000000000:role/states';
    const { stateMachineArn = '' } = await this.#sfn.send(new CreateStateMachineCommand({ name, definition, roleArn }));
    return stateMachineArn;
  }

  async start(stateMachineArn: string, name: string): Promise<string> {
    const { executionArn = '' } = await this.#sfn.send(
      new StartExecutionCommand({ stateMachineArn, name, input: '{}' }),
    );
    return executionArn;
  }

  async token(execution: string): Promise<string> {
    for (;;) {
      const token = this.#tokens.get(execution);
      if (token !== undefined) return token;
      await sleep(LOOK_EVERY_MS);
    }
  }

  async ended(executionArn: string): Promise<void> {
    const describe = new DescribeExecutionCommand({ executionArn });
    while ((await this.#sfn.send(describe)).status === 'RUNNING') await sleep(LOOK_EVERY_MS);
  }

  async underTest(): Promise<ExecutionsUnderTest> {
    const machine = await this.newMachine();
    return {
      executions: createExecutions(this.#sfn, machine, () => Promise.resolve()),
      run: (name) => this.start(machine, name),
      wait: async (name) => {
        const execution = await this.start(machine, name);
        return { execution, token: await this.token(execution) };
      },
      stop: async (executionArn) => {
        await this.#sfn.send(new StopExecutionCommand({ executionArn }));
      },
      arnOf: (name) => `${machine.replace(':stateMachine:', ':execution:')}:${name}`,
      ended: (execution) => this.ended(execution),
      close: () => undefined,
    };
  }
}
