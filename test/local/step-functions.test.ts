// The embedded Step Functions: the state language as an existing engine runs it, and executions around it.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AwsError } from '../../local/http.ts';
import type { LambdaAnswer } from '../../local/lambda/host.ts';
import { StepFunctions } from '../../local/step-functions/step-functions.ts';
import { until } from './support.ts';

type Event = Record<string, unknown>;
type Handler = (event: Event) => unknown;

const INVOKE = 'arn:aws:states:::lambda:invoke';
const CALLBACK = `${INVOKE}.waitForTaskToken`;

let functions: Record<string, Handler>;
let service: StepFunctions;

class FunctionError extends Error {
  readonly payload: object;
  constructor(payload: object) {
    super('function error');
    this.payload = payload;
  }
}

beforeEach(() => {
  functions = {};
  service = new StepFunctions({ lambda: { invoke } });
});
afterEach(() => service.close());

async function invoke(name: string, payload: string): Promise<LambdaAnswer> {
  const handler = functions[name];
  if (!handler) throw new AwsError('ResourceNotFoundException', `Function not found: ${name}`, 404);
  try {
    return { requestId: 'r', payload: JSON.stringify((await handler(JSON.parse(payload) as Event)) ?? null) };
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    return { requestId: 'r', payload: JSON.stringify(error.payload), functionError: 'Unhandled' };
  }
}

const task = (name: string, more: object = {}) => ({
  Type: 'Task',
  Resource: INVOKE,
  Parameters: { FunctionName: name, 'Payload.$': '$' },
  OutputPath: '$.Payload',
  End: true,
  ...more,
});
const callback = (more: object = {}) => ({
  Type: 'Task',
  Resource: CALLBACK,
  Parameters: { FunctionName: 'halt', Payload: { 'token.$': '$$.Task.Token', 'input.$': '$' } },
  End: true,
  ...more,
});

function create(states: Record<string, object>, more: object = {}): string {
  const definition = JSON.stringify({ StartAt: Object.keys(states)[0], States: states, ...more });
  return service.createStateMachine('machine', definition).stateMachineArn;
}

function begin(states: Record<string, object>, input: unknown = {}, name?: string): string {
  const request = { stateMachineArn: create(states), input: JSON.stringify(input), name };
  return service.startExecution(request).executionArn;
}

const run = async (states: Record<string, object>, input: unknown = {}) => service.waitFor(begin(states, input));
const entered = (arn: string) =>
  service
    .getExecutionHistory(arn)
    .filter(({ type }) => type.endsWith('StateEntered'))
    .map((event) => (event['stateEnteredEventDetails'] as { name: string }).name);

describe('a task', () => {
  it('has the answer of lambda:invoke', async () => {
    functions['f'] = (event) => ({ got: event });
    const { status, output } = await run({ A: task('f', { OutputPath: '$' }) }, { a: 1 });
    expect(status).toBe('SUCCEEDED');
    expect(JSON.parse(output ?? '')).toEqual({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      Payload: { got: { a: 1 } },
    });
  });

  it.each([null, 0, '', false, 'text', [], [1], {}])('may answer %j', async (value) => {
    functions['f'] = () => value;
    expect(JSON.parse((await run({ A: task('f') })).output ?? '')).toEqual(value);
  });

  it('sees what identifies its execution', async () => {
    functions['f'] = (event) => event;
    const Payload = {
      'id.$': '$$.Execution.Id',
      'name.$': '$$.Execution.Name',
      'input.$': '$$.Execution.Input',
      'start.$': '$$.Execution.StartTime',
      'machine.$': '$$.StateMachine.Name',
    };
    const arn = begin(
      {
        P: { Type: 'Pass', Result: { other: 1 }, Next: 'A' },
        A: task('f', { Parameters: { FunctionName: 'f', Payload } }),
      },
      { a: 1 },
      'run-1',
    );
    expect(arn).toBe('arn:aws:states:eu-west-1:000000000000:execution:machine:run-1');
    const output = JSON.parse((await service.waitFor(arn)).output ?? '') as Event;
    expect(output).toMatchObject({ id: arn, name: 'run-1', input: { a: 1 }, machine: 'machine' });
    expect(output['start']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('fails with the type of the error, and the whole payload as its cause', async () => {
    const payload = { errorType: 'MigrationFailed', errorMessage: 'no', trace: ['MigrationFailed: no', 'at x'] };
    functions['f'] = () => Promise.reject(new FunctionError(payload));
    expect(await run({ A: task('f') })).toMatchObject({
      status: 'FAILED',
      error: 'MigrationFailed',
      cause: JSON.stringify(payload),
    });
  });

  it('fails as Step Functions names what the Invoke API refuses', async () => {
    expect(await run({ A: task('none') })).toMatchObject({
      error: 'Lambda.ResourceNotFoundException',
      cause: expect.stringMatching(
        /^Function not found: none \(Service: Lambda, Status Code: 404, Request ID: /,
      ) as unknown,
    });
  });

  it('is retried as its retriers say, and then caught', async () => {
    const times: number[] = [];
    functions['f'] = () => {
      times.push(Date.now());
      return Promise.reject(new FunctionError({ errorType: times.length < 3 ? 'Again' : 'Other', errorMessage: 'x' }));
    };
    const states = {
      A: task('f', {
        Retry: [
          { ErrorEquals: ['Never'], MaxAttempts: 0 },
          { ErrorEquals: ['Again'], IntervalSeconds: 0.1, BackoffRate: 2, MaxAttempts: 5 },
        ],
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'B' }],
      }),
      B: { Type: 'Succeed' },
    };
    const { status, output } = await run(states, { kept: 1 });
    expect(status).toBe('SUCCEEDED');
    expect(JSON.parse(output ?? '')).toEqual({
      kept: 1,
      error: { Error: 'Other', Cause: JSON.stringify({ errorType: 'Other', errorMessage: 'x' }) },
    });
    expect(times).toHaveLength(3);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(95);
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(190);
  });

  it('times out by its own clock, and its late answer changes nothing', async () => {
    functions['slow'] = () => sleep(1300, 'late');
    const states = {
      A: task('slow', { TimeoutSeconds: 1, Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'B' }] }),
      B: callback(),
    };
    functions['halt'] = () => undefined;
    const arn = begin(states);
    await until(() => entered(arn).includes('B'), 'it is caught');
    await sleep(400);
    expect(service.describeExecution(arn).status).toBe('RUNNING');
    const types = service.getExecutionHistory(arn).map(({ type }) => type);
    expect(types.filter((type) => type === 'TaskSucceeded')).toEqual([]);
    expect(types).toContain('TaskTimedOut');
  });

  it('without a timeout, or with one of a year, does not time out at once', async () => {
    functions['f'] = () => sleep(50, 1);
    expect((await run({ A: task('f', { TimeoutSeconds: 31_536_000 }) })).status).toBe('SUCCEEDED');
    const arn = service.startExecution({ stateMachineArn: create({ A: task('f') }, { TimeoutSeconds: 31_536_000 }) });
    expect((await service.waitFor(arn.executionArn)).status).toBe('SUCCEEDED');
  });

  it('may not answer more than 256 KiB; States.ALL does not catch that', async () => {
    functions['f'] = () => 'x'.repeat(270_000);
    const states = { A: task('f', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] }), B: { Type: 'Succeed' } };
    expect(await run(states)).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });
});

describe('other states', () => {
  it('fail with what their paths say', async () => {
    const fail = { Type: 'Fail', ErrorPath: '$.error', CausePath: '$.cause' };
    expect(await run({ F: fail }, { error: 'OutOfOrder', cause: 'Because.\nReally.' })).toMatchObject({
      status: 'FAILED',
      error: 'OutOfOrder',
      cause: 'Because.\nReally.',
    });
  });

  it('fail with a name only, or with nothing, as they are written', async () => {
    const named = await run({ F: { Type: 'Fail', Error: 'E' } });
    expect([named.error, named.cause]).toEqual(['E', undefined]);
    const bare = await run({ F: { Type: 'Fail' } });
    expect([bare.status, bare.error, bare.cause]).toEqual(['FAILED', undefined, undefined]);
  });

  it('choose, wait by a path, and pass on', async () => {
    const states = {
      C: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.step', StringEquals: 'wait', Next: 'W' },
          {
            And: [
              { Variable: '$.step', IsPresent: true },
              { Variable: '$.n', NumericGreaterThan: 1 },
            ],
            Next: 'S',
          },
        ],
        Default: 'F',
      },
      W: { Type: 'Wait', SecondsPath: '$.seconds', Next: 'S' },
      S: { Type: 'Succeed' },
      F: { Type: 'Fail', Error: 'Default' },
    };
    const started = Date.now();
    expect((await run(states, { step: 'wait', seconds: 1 })).status).toBe('SUCCEEDED');
    expect(Date.now() - started).toBeGreaterThanOrEqual(990);
    expect((await run(states, { step: 'x', n: 2 })).status).toBe('SUCCEEDED');
    expect((await run(states, { step: 'x', n: 1 })).error).toBe('Default');
  });

  it('are refused when the embedded engine would do something else', () => {
    const refused = (states: Record<string, object>) => () => create(states);
    expect(refused({ A: task('f', { Resource: 'arn:aws:states:::sns:publish' }) })).toThrow(
      /Resource that is not supported/,
    );
    expect(refused({ A: task('f', { End: undefined, Next: 'B' }) })).toThrow(/leads to 'B'/);
    expect(refused({ A: { Type: 'Dance' } })).toThrow(/unknown Type/);
    expect(refused({ A: task('f', { TimeoutSecondsPath: '$.t' }) })).toThrow(
      /TimeoutSecondsPath of 'A' is not supported/,
    );
    expect(() => service.createStateMachine('m', '{')).toThrow(AwsError);
    expect(() => service.createStateMachine('m', '{"QueryLanguage":"JSONata"}')).toThrow(/JSONata/);
  });
});

describe('an execution', () => {
  const waits = { A: callback() };
  beforeEach(() => {
    functions['halt'] = () => undefined;
  });

  it('of the same name and input is the same while it runs', async () => {
    const stateMachineArn = create(waits);
    const first = service.startExecution({ stateMachineArn, name: 'n', input: '{"a":1}' });
    expect(service.startExecution({ stateMachineArn, name: 'n', input: '{"a":1}' })).toEqual(first);
    const again = (input: string) => () => service.startExecution({ stateMachineArn, name: 'n', input });
    expect(again('{"a":2}')).toThrow(expect.objectContaining({ code: 'ExecutionAlreadyExists' }) as Error);
    service.stopExecution(first.executionArn);
    await service.waitFor(first.executionArn);
    expect(again('{"a":1}')).toThrow(expect.objectContaining({ code: 'ExecutionAlreadyExists' }) as Error);
  });

  it.each(['', 'x'.repeat(81), 'a b', 'a:b', 'a/b', 'a\u0001'])('may not be called %j', (name) => {
    const start = () => service.startExecution({ stateMachineArn: create(waits), name });
    expect(start).toThrow(expect.objectContaining({ code: 'InvalidName' }) as Error);
  });

  it('is unknown when it never was, or its machine never was', () => {
    const code = (name: string) => expect.objectContaining({ code: name }) as Error;
    const arn = 'arn:aws:states:eu-west-1:000000000000:execution:machine:none';
    expect(() => service.describeExecution(arn)).toThrow(code('ExecutionDoesNotExist'));
    expect(() => service.describeExecution('nonsense')).toThrow(code('InvalidArn'));
    expect(() => service.startExecution({ stateMachineArn: 'arn' })).toThrow(code('StateMachineDoesNotExist'));
    const start = () => service.startExecution({ stateMachineArn: create(waits), input: '{' });
    expect(start).toThrow(code('InvalidExecutionInput'));
  });

  it('keeps its definition when the machine is replaced', async () => {
    let token = '';
    functions['halt'] = (event) => void (token = String(event['token']));
    const arn = begin({ A: callback({ End: undefined, Next: 'B' }), B: { Type: 'Fail', Error: 'Old' } });
    await until(() => token !== '', 'the token');
    create({ A: { Type: 'Succeed' } });
    service.sendTaskSuccess(token, '{}');
    expect((await service.waitFor(arn)).error).toBe('Old');
    expect(
      (
        await service.waitFor(
          service.startExecution({ stateMachineArn: create({ A: { Type: 'Succeed' } }) }).executionArn,
        )
      ).status,
    ).toBe('SUCCEEDED');
  });

  it('that is stopped is over at once; its function goes on, its retries do not', async () => {
    let calls = 0;
    let ended = 0;
    functions['f'] = async () => {
      calls++;
      await sleep(50);
      ended++;
      throw new FunctionError({ errorType: 'E', errorMessage: 'x' });
    };
    const Retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 0.01, MaxAttempts: 50 }];
    const arn = begin({ A: task('f', { Retry, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] }), B: task('f') });
    await until(() => calls === 1, 'the call');
    const { stopDate } = service.stopExecution(arn, { error: 'Why', cause: 'Because' });
    expect(service.describeExecution(arn)).toMatchObject({
      status: 'ABORTED',
      stopDate,
      error: 'Why',
      cause: 'Because',
    });
    await until(() => ended === 1, 'the end of the call');
    expect(calls).toBe(1);
    expect(service.stopExecution(arn, { error: 'Later' }).stopDate).toBe(stopDate);
    expect(service.describeExecution(arn).error).toBe('Why');
    expect(service.getExecutionHistory(arn).at(-1)).toMatchObject({
      type: 'ExecutionAborted',
      executionAbortedEventDetails: { error: 'Why', cause: 'Because' },
    });
  });

  it('times out as a whole', async () => {
    const stateMachineArn = create(waits, { TimeoutSeconds: 1 });
    const { executionArn } = service.startExecution({ stateMachineArn });
    expect((await service.waitFor(executionArn)).status).toBe('TIMED_OUT');
  });

  it('ends when its history is full, as in AWS', async () => {
    const states = {
      A: { Type: 'Pass', Next: 'B' },
      B: { Type: 'Choice', Choices: [{ Variable: '$.x', IsPresent: true, Next: 'C' }], Default: 'A' },
      C: { Type: 'Succeed' },
    };
    const arn = begin(states);
    const ended = await service.waitFor(arn);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(ended.cause).toContain('25000');
    expect(() => service.redriveExecution(arn)).toThrow('cannot be redriven');
  }, 20_000);

  it('has a history in the order of what happened', async () => {
    functions['f'] = () => 1;
    const arn = begin({ A: task('f', { End: undefined, Next: 'B' }), B: { Type: 'Succeed' } });
    await service.waitFor(arn);
    const history = service.getExecutionHistory(arn);
    expect(history.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
      'TaskStateExited',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ]);
    expect(history.map(({ id }) => id)).toEqual(history.map((_, index) => index + 1));
    expect(history[1]).toMatchObject({ stateEnteredEventDetails: { name: 'A', input: '{}' } });
    expect(history[5]).toMatchObject({ stateExitedEventDetails: { name: 'A', output: '1' } });
  });

  it('has a history that ends with why it failed', async () => {
    const arn = begin({ B: { Type: 'Fail', Error: 'E', Cause: 'C' } });
    await service.waitFor(arn);
    expect(service.getExecutionHistory(arn)).toMatchObject([
      { type: 'ExecutionStarted', executionStartedEventDetails: { input: '{}' } },
      { type: 'FailStateEntered', stateEnteredEventDetails: { name: 'B' } },
      { type: 'ExecutionFailed', executionFailedEventDetails: { error: 'E', cause: 'C' } },
    ]);
  });
});

describe('a callback', () => {
  let tokens: string[];
  beforeEach(() => {
    tokens = [];
    functions['halt'] = (event) => void tokens.push(String(event['token']));
  });
  const token = async (number = 1) => {
    await until(() => tokens.length >= number, `token ${number}`);
    return tokens[number - 1] ?? '';
  };
  const code = (name: string) => expect.objectContaining({ code: name }) as Error;

  it('waits for success, and has its output', async () => {
    const arn = begin({ A: callback() });
    service.sendTaskSuccess(await token(), '{"decision":"retry"}');
    expect(await service.waitFor(arn)).toMatchObject({ status: 'SUCCEEDED', output: '{"decision":"retry"}' });
  });

  it('waits for failure, and has its error and cause', async () => {
    const arn = begin({ A: callback() });
    service.sendTaskFailure(await token(), { error: 'Aborted', cause: 'by me' });
    expect(await service.waitFor(arn)).toMatchObject({ status: 'FAILED', error: 'Aborted', cause: 'by me' });
  });

  it('may be answered while its function still runs', async () => {
    functions['halt'] = async (event) => {
      service.sendTaskSuccess(String(event['token']), '1');
      await sleep(200);
      throw new FunctionError({ errorType: 'Late', errorMessage: 'x' });
    };
    expect(await run({ A: callback() })).toMatchObject({ status: 'SUCCEEDED', output: '1' });
  });

  it('fails when its function fails, and its token is closed', async () => {
    functions['halt'] = (event) => {
      tokens.push(String(event['token']));
      throw new FunctionError({ errorType: 'HaltNotNeeded', errorMessage: 'x' });
    };
    expect(await run({ A: callback() })).toMatchObject({ status: 'FAILED', error: 'HaltNotNeeded' });
    expect(() => service.sendTaskSuccess(tokens[0] ?? '', '1')).toThrow(code('TaskTimedOut'));
  });

  it('gets a new token whenever it is scheduled again; the old one is closed', async () => {
    const arn = begin({ A: callback({ Retry: [{ ErrorEquals: ['Again'], IntervalSeconds: 0.01, MaxAttempts: 3 }] }) });
    service.sendTaskFailure(await token(1), { error: 'Again' });
    const second = await token(2);
    expect(second).not.toBe(tokens[0]);
    expect(() => service.sendTaskSuccess(tokens[0] ?? '', '1')).toThrow(code('TaskTimedOut'));
    service.sendTaskSuccess(second, '2');
    expect((await service.waitFor(arn)).output).toBe('2');
  });

  it('has a token of its own in each of many executions', async () => {
    const stateMachineArn = create({ A: callback() });
    functions['halt'] = (event) => void tokens.push(`${String(event['token'])} ${JSON.stringify(event['input'])}`);
    const arns = Array.from({ length: 20 }, (_, n) => service.startExecution({ stateMachineArn, input: `"${n}"` }));
    await token(20);
    for (const [one = '', input = ''] of tokens.map((pair) => pair.split(' '))) service.sendTaskSuccess(one, input);
    const outputs = await Promise.all(arns.map(({ executionArn }) => service.waitFor(executionArn)));
    expect(outputs.map(({ output }) => output)).toEqual(arns.map((_, n) => `"${n}"`));
  });

  it('has one token however often its parameters name it', async () => {
    const Payload = { 'token.$': '$$.Task.Token', nested: { 'again.$': '$$.Task.Token' } };
    let seen: Event = {};
    functions['halt'] = (event) => void (seen = event);
    begin({ A: callback({ Parameters: { FunctionName: 'halt', Payload } }) });
    await until(() => 'token' in seen, 'the call');
    expect((seen['nested'] as Event)['again']).toBe(seen['token']);
  });

  it('is closed by its timeout and by the end of its execution', async () => {
    const timedOut = begin({ A: callback({ TimeoutSeconds: 1 }) });
    const first = await token(1);
    expect(await service.waitFor(timedOut)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(() => service.sendTaskSuccess(first, '1')).toThrow(code('TaskTimedOut'));

    const stopped = begin({ A: callback() });
    const second = await token(2);
    service.sendTaskHeartbeat(second);
    service.stopExecution(stopped);
    expect(() => service.sendTaskFailure(second)).toThrow(code('TaskTimedOut'));
    expect(() => service.sendTaskHeartbeat(second)).toThrow(code('TaskTimedOut'));
  });

  it('takes each answer once, and only one that it can read', async () => {
    const arn = begin({ A: callback() });
    const one = await token();
    expect(() => service.sendTaskSuccess(one, '{')).toThrow(code('InvalidOutput'));
    service.sendTaskSuccess(one, '1');
    expect(() => service.sendTaskSuccess(one, '2')).toThrow(code('TaskTimedOut'));
    expect((await service.waitFor(arn)).output).toBe('1');
    expect(() => service.sendTaskSuccess('garbage', '1')).toThrow(code('InvalidToken'));
    const foreign = one.slice(0, 20) + 'A'.repeat(one.length - 20);
    expect(() => service.sendTaskSuccess(foreign, '1')).toThrow(code('TaskDoesNotExist'));
  });
});

describe('a redrive', () => {
  it('runs on from the state that failed, with its input, as the same execution', async () => {
    let healthy = false;
    const inputs: unknown[] = [];
    functions['first'] = () => ({ from: 'first' });
    functions['second'] = (event) => {
      inputs.push(event);
      if (!healthy) throw new FunctionError({ errorType: 'Sick', errorMessage: 'x' });
      return event;
    };
    const Payload = { 'at.$': '$', 'started.$': '$$.Execution.Input', 'id.$': '$$.Execution.Id' };
    const states = {
      A: task('first', { End: undefined, Next: 'B' }),
      B: task('second', {
        Parameters: { FunctionName: 'second', Payload },
        ResultPath: '$.b',
        OutputPath: '$.b.Payload',
      }),
    };
    const arn = begin(states, { original: 1 });
    const failed = await service.waitFor(arn);
    expect(failed).toMatchObject({ status: 'FAILED', error: 'Sick', redriveCount: 0, redriveStatus: 'REDRIVABLE' });

    healthy = true;
    const { redriveDate } = service.redriveExecution(arn);
    expect(service.describeExecution(arn)).toMatchObject({ status: 'RUNNING', redriveStatus: 'NOT_REDRIVABLE' });
    expect(service.describeExecution(arn).error).toBeUndefined();
    const done = await service.waitFor(arn);
    expect(done).toMatchObject({ status: 'SUCCEEDED', executionArn: arn, redriveCount: 1, redriveDate });
    expect(inputs[1]).toEqual(inputs[0]);
    expect(inputs[1]).toEqual({ at: { from: 'first' }, started: { original: 1 }, id: arn });
    expect(entered(arn)).toEqual(['A', 'B', 'B']);
    expect(() => service.redriveExecution(arn)).toThrow(
      expect.objectContaining({ code: 'ExecutionNotRedrivable' }) as Error,
    );
  });

  it('opens a callback again with a new token, also at once after a stop', async () => {
    const tokens: string[] = [];
    functions['halt'] = (event) => void tokens.push(String(event['token']));
    const arn = begin({ A: callback() });
    await until(() => tokens.length === 1, 'the token');
    service.stopExecution(arn);
    service.redriveExecution(arn);
    await until(() => tokens.length === 2, 'a new token');
    expect(() => service.sendTaskSuccess(tokens[0] ?? '', '1')).toThrow(AwsError);
    service.sendTaskFailure(tokens[1] ?? '', { error: 'Aborted' });
    expect(await service.waitFor(arn)).toMatchObject({ status: 'FAILED', error: 'Aborted', redriveCount: 1 });
    service.redriveExecution(arn);
    await until(() => tokens.length === 3, 'a third token');
    service.sendTaskSuccess(tokens[2] ?? '', '3');
    expect(await service.waitFor(arn)).toMatchObject({ status: 'SUCCEEDED', redriveCount: 2 });
  });

  it('of a Fail state fails again', async () => {
    const arn = begin({ F: { Type: 'Fail', Error: 'E' } });
    await service.waitFor(arn);
    service.redriveExecution(arn);
    expect(await service.waitFor(arn)).toMatchObject({ status: 'FAILED', error: 'E', redriveCount: 1 });
  });
});

describe('a Distributed Map', () => {
  const map = {
    Type: 'Map',
    ItemsPath: '$.items',
    MaxConcurrencyPath: '$.most',
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      StartAt: 'One',
      States: { One: task('one') },
    },
    End: true,
  };

  it('runs as many children as it says, and as many as it is told while it goes on, each once', async () => {
    const waiting: (() => void)[] = [];
    const seen: number[] = [];
    functions['one'] = (item) =>
      new Promise((resolve) => {
        seen.push(Number(item));
        waiting.push(() => resolve(item));
      });
    const { executionArn } = service.startExecution({
      stateMachineArn: create({ Batches: map }),
      input: JSON.stringify({ items: [1, 2, 3, 4, 5, 6], most: 1 }),
    });
    await until(() => waiting.length === 1, '1 to run');
    const [run] = service.listMapRuns(executionArn);
    expect(run).toMatchObject({ maxConcurrency: 1, stopDate: undefined });
    service.updateMapRun(run?.arn ?? '', 3);
    await until(() => waiting.length === 3, '3 to run');
    service.updateMapRun(run?.arn ?? '', 1); // those that run end, and then one at a time
    waiting.splice(0, 2).forEach((end) => end());
    waiting.splice(0, 1).forEach((end) => end());
    await until(() => waiting.length === 1, '1 to run');
    service.updateMapRun(run?.arn ?? '', 0);
    await until(() => waiting.length === 3, '3 to run');
    waiting.forEach((end) => end());
    expect(await service.waitFor(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '[1,2,3,4,5,6]' });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(run?.stopDate).toBeDefined();
    expect(() => service.updateMapRun(run?.arn ?? '', 2)).toThrow('Map Run is not RUNNING');
    expect(() => service.updateMapRun('arn:of:another', 2)).toThrow('Resource not found');
  });

  it('begins no further child when its execution is stopped', async () => {
    let begun = 0;
    functions['one'] = () => {
      begun += 1;
      return new Promise(() => undefined);
    };
    const { executionArn } = service.startExecution({
      stateMachineArn: create({ Batches: map }),
      input: JSON.stringify({ items: [1, 2, 3], most: 1 }),
    });
    await until(() => begun === 1, '1 to run');
    service.stopExecution(executionArn);
    const [run] = service.listMapRuns(executionArn);
    expect(run?.stopDate).toBeDefined();
    expect(() => service.updateMapRun(run?.arn ?? '', 3)).toThrow('Map Run is not RUNNING');
    expect(begun).toBe(1);
  });
});
