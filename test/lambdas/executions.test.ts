// The contract of Executions over the fake, and over the real adapter and SDK on the embedded Step Functions.
import { SFNClient } from '@aws-sdk/client-sfn';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecutions } from '../../aws/step-functions.ts';
import type { EmbeddedAws, RequestHook } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { executionsContract } from '../support/executions-contract.ts';
import { executionArn, FakeExecutions } from '../support/fake-executions.ts';
import { WaitingExecutions } from '../support/waiting-executions.ts';

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

it.each([
  ['RUNNING', true],
  ['PENDING_REDRIVE', true],
  ['SUCCEEDED', false],
  ['FAILED', false],
  ['TIMED_OUT', false],
  ['ABORTED', false],
])('an execution that is %s is alive: %s', async (status, alive) => {
  // The embedded Step Functions redrives at once, so none of its executions is pending.
  const sfn = { send: () => Promise.resolve({ status }) } as unknown as SFNClient;
  const machine = 'arn:aws:states:eu-west-1:111122223333:stateMachine:one';
  expect(await createExecutions(sfn, machine).isAlive(`${machine.replace(':stateMachine:', ':execution:')}:it`)).toBe(
    alive,
  );
});

it('a map is tuned once it is known which one runs, and whether that is meant', async () => {
  const machine = 'arn:aws:states:eu-west-1:111122223333:stateMachine:one';
  const asked: unknown[] = [];
  const sfn = {
    send: ({ input }: { input: unknown }) => {
      asked.push(input);
      return Promise.resolve({ mapRuns: [{ mapRunArn: 'over', stopDate: new Date() }, { mapRunArn: 'runs' }] });
    },
  } as unknown as SFNClient;
  const tune = (isMeant: boolean) =>
    createExecutions(sfn, machine).tuneMap(`${machine.replace(':stateMachine:', ':execution:')}:it`, 7, () => {
      asked.push('is it meant?');
      return Promise.resolve(isMeant);
    });
  expect(await tune(false)).toBe('none runs');
  expect(await tune(true)).toBe('tuned');
  const [list, question] = asked;
  expect(asked).toEqual([list, question, list, question, { mapRunArn: 'runs', maxConcurrency: 7 }]);
  expect(question).toBe('is it meant?');
});

describe('on the embedded Step Functions', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-executions-'));
  let aws: EmbeddedAws;
  let sfn: SFNClient;
  let waiting: WaitingExecutions;
  let onRequest: RequestHook = () => 'pass';

  beforeAll(async () => {
    aws = await startEmbeddedAws({ directory, parentEnvironment: {}, onRequest: (request) => onRequest(request) });
    const { endpoint, region, credentials } = aws;
    sfn = new SFNClient({ endpoint, region, credentials, maxAttempts: 1 });
    waiting = new WaitingExecutions(aws, sfn);
  });
  afterAll(async () => {
    sfn.destroy();
    await aws.close();
    rmSync(directory, { recursive: true, force: true });
  });

  executionsContract('the SDK', () => waiting.underTest());

  it('counts every event of the history, beyond what one page of it holds', async () => {
    const machine = await waiting.newMachine();
    const arn = await waiting.start(machine, 'counted');
    await createExecutions(sfn, machine).succeedTask(await waiting.token(arn), {});
    await waiting.ended(arn);
    const history = aws.stepFunctions.getExecutionHistory(arn);
    expect(history.length).toBeGreaterThan(5);
    expect(await createExecutions(sfn, machine).events(arn)).toBe(history.length);
  });

  it('takes an execution of another machine as not alive: who invokes a function by hand may say anything', async () => {
    const [own, foreign] = [await waiting.newMachine(), await waiting.newMachine()];
    const arn = await waiting.start(foreign, 'one');
    expect(await createExecutions(sfn, foreign).isAlive(arn)).toBe(true);
    expect(await createExecutions(sfn, own).isAlive(arn)).toBe(false);
  });

  it('asks again, for some seconds, of an execution that was started a moment ago and is not known yet', async () => {
    const machine = await waiting.newMachine();
    const arn = await waiting.start(machine, 'new');
    const paused: number[] = [];
    const executions = createExecutions(sfn, machine, (ms) => Promise.resolve(paused.push(ms)));
    let unknown = 3;
    onRequest = () => ((unknown -= 1) >= 0 ? { status: 400, code: 'ExecutionDoesNotExist' } : 'pass');
    expect(await executions.isAlive(arn)).toBe(true);
    unknown = 3;
    expect(await executions.events(arn)).toBeGreaterThan(0);
    expect(paused).toEqual([250, 750, 1_000, 250, 750, 1_000]);
    unknown = Infinity;
    paused.length = 0;
    expect(await executions.isAlive(arn)).toBe(false);
    expect(paused.reduce((sum, ms) => sum + ms, 0)).toBe(4_000);
    onRequest = () => 'pass';
  });

  it('never takes an error of Step Functions for "not alive", "gone" or "existed"', async () => {
    const machine = await waiting.newMachine();
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
