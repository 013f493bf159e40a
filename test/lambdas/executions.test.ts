// The contract of Executions over the fake, and over the real adapter and SDK on the embedded Step Functions.
import { CreateStateMachineCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecutions } from '../../aws/step-functions.ts';
import type { EmbeddedAws, RequestHook } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { executionsContract } from '../support/executions-contract.ts';
import { executionArn, FakeExecutions } from '../support/fake-executions.ts';

executionsContract('the fake', () => {
  const executions = new FakeExecutions();
  return {
    executions,
    run: (name) => executions.run(name),
    wait: (name) => {
      const execution = executions.run(name);
      return { execution, token: executions.wait(execution) };
    },
    stop: (execution) => executions.stop(execution),
    arnOf: executionArn,
    ended: () => undefined,
    close: () => undefined,
  };
});

describe('the fake, besides the contract', () => {
  it('notes what was sent and what was started, each once', async () => {
    const executions = new FakeExecutions();
    const token = executions.wait(executions.run('one'));
    await executions.succeedTask(token, { a: 1 });
    await executions.succeedTask(token, { a: 1 });
    await executions.start('two', {});
    await executions.start('two', {});
    expect(executions.sent).toEqual([{ token, answer: { output: { a: 1 } } }]);
    expect(executions.started).toEqual([{ name: 'two', input: {} }]);
  });

  it('fails as often as it was told, and does nothing then', async () => {
    const executions = new FakeExecutions();
    const token = executions.wait(executions.run('one'));
    executions.failures.push(new Error('throttled'), new Error('throttled'));
    await expect(executions.succeedTask(token, {})).rejects.toThrow('throttled');
    await expect(executions.start('two', {})).rejects.toThrow('throttled');
    expect(await executions.succeedTask(token, {})).toBe('sent');
    expect(executions.started).toEqual([]);
  });

  it('lets nobody wait who does not run', () => {
    expect(() => new FakeExecutions().wait(executionArn('one'))).toThrow('does not run');
  });
});

describe('on the embedded Step Functions', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-executions-'));
  let aws: EmbeddedAws;
  let sfn: SFNClient;
  let machines = 0;
  let onRequest: RequestHook = () => 'pass';
  /** Name of the waiting execution → its token, as the halt function would be told. */
  const tokens = new Map<string, string>();

  beforeAll(async () => {
    aws = await startEmbeddedAws({ directory, parentEnvironment: {}, onRequest: (request) => onRequest(request) });
    const { endpoint, region } = aws;
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    sfn = new SFNClient({ endpoint, region, credentials, maxAttempts: 1 });
    aws.lambda.invoke = (_, payload) => {
      const { token, execution } = JSON.parse(payload) as { token: string; execution: string };
      tokens.set(execution, token);
      return Promise.resolve({ requestId: 'r', payload: '{}' });
    };
  });
  afterAll(async () => {
    sfn.destroy();
    await aws.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Every execution of it waits for a callback. */
  async function newMachine(): Promise<string> {
    machines += 1;
    const wait = {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { FunctionName: 'halt', Payload: { 'token.$': '$$.Task.Token', 'execution.$': '$$.Execution.Id' } },
      TimeoutSeconds: 60,
      End: true,
    };
    const definition = JSON.stringify({ StartAt: 'Wait', States: { Wait: wait } });
    const { stateMachineArn = '' } = await sfn.send(
      new CreateStateMachineCommand({ name: `machine-${machines}`, definition, roleArn: 'arn:aws:iam::1:role/r' }),
    );
    return stateMachineArn;
  }

  executionsContract('the SDK', async () => {
    const stateMachineArn = await newMachine();
    const run = async (name: string) => {
      const { executionArn: arn = '' } = await sfn.send(
        new StartExecutionCommand({ stateMachineArn, name, input: '{}' }),
      );
      return arn;
    };
    return {
      executions: createExecutions(sfn, stateMachineArn),
      run,
      wait: async (name) => {
        const execution = await run(name);
        while (!tokens.has(execution)) await turn();
        return { execution, token: tokens.get(execution) ?? '' };
      },
      stop: async (execution) => {
        await sfn.send(new StopExecutionCommand({ executionArn: execution }));
      },
      arnOf: (name) => `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`,
      ended: async (execution) => {
        await aws.stepFunctions.waitFor(execution);
      },
      close: () => undefined,
    };
  });

  it('counts every event of the history, beyond what one page of it holds', async () => {
    const machine = await newMachine();
    const { executionArn: arn = '' } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn: machine, name: 'counted', input: '{}' }),
    );
    while (!tokens.has(arn)) await turn();
    await createExecutions(sfn, machine).succeedTask(tokens.get(arn) ?? '', {});
    await aws.stepFunctions.waitFor(arn);
    const history = aws.stepFunctions.getExecutionHistory(arn);
    expect(history.length).toBeGreaterThan(5);
    expect(await createExecutions(sfn, machine).events(arn)).toBe(history.length);
  });

  it('takes an execution of another machine as not alive: who invokes a function by hand may say anything', async () => {
    const [own, foreign] = [await newMachine(), await newMachine()];
    const { executionArn: arn = '' } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn: foreign, input: '{}' }),
    );
    expect(await createExecutions(sfn, foreign).isAlive(arn)).toBe(true);
    expect(await createExecutions(sfn, own).isAlive(arn)).toBe(false);
  });

  it('never takes an error of Step Functions for "not alive", "gone" or "existed"', async () => {
    const machine = await newMachine();
    const executions = createExecutions(sfn, machine);
    onRequest = () => ({ status: 400, code: 'AccessDeniedException' });
    for (const work of [
      () => executions.isAlive(`${machine.replace(':stateMachine:', ':execution:')}:one`),
      () => executions.events(`${machine.replace(':stateMachine:', ':execution:')}:one`),
      () => executions.succeedTask('token', {}),
      () => executions.failTask('token', 'Aborted', 'why'),
      () => executions.start('one', {}),
    ]) {
      await expect(work()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    }
    onRequest = () => 'pass';
  });
});
