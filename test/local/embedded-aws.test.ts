// The one endpoint: which service a request is for, what the SDK's clients make of its answers, and faults on order.

import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  InvalidToken,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  RedriveExecutionCommand,
  SFNClient,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { invokeFunction } from '../../aws/invoke.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import type { RequestSummary, Verdict } from '../../local/embedded-aws.ts';
import type { LambdaLogLine } from '../../local/lambda/host.ts';
import type { Notification } from '../../local/messages/sns.ts';
import { start, temporaryFolder, until, withKey, writeFunction } from './support.ts';
import type { Started } from './support.ts';

const logs: LambdaLogLine[] = [];
const notifications: Notification[] = [];
let seen: RequestSummary[] = [];
let decide: (request: RequestSummary) => Verdict | Promise<Verdict>;
let started: Started;

const SOURCES = {
  echo: `export const handler = async (event, context) => ({ event, id: context.awsRequestId });`,
  throws: `export const handler = async () => { console.log('tried'); throw new TypeError('no'); };`,
  ends: `export const handler = async () => process.exit(1);`,
  env: `export const handler = async () => process.env;`,
  migrates: `import { createRequire } from 'node:module';
    const { S3Client, PutObjectCommand } = createRequire('${import.meta.filename}')('@aws-sdk/client-s3');
    export const handler = async (Body) => {
      await new S3Client({}).send(new PutObjectCommand({ Bucket: 'migrated', Key: 'a', Body }));
    };`,
  halt: `import { createRequire } from 'node:module';
    const { SFNClient, SendTaskSuccessCommand } = createRequire('${import.meta.filename}')('@aws-sdk/client-sfn');
    export const handler = async ({ token }) => {
      await new SFNClient({}).send(new SendTaskSuccessCommand({ taskToken: token, output: '{"from":"inside"}' }));
    };`,
};

beforeAll(async () => {
  started = await start({
    onLog: (line) => logs.push(line),
    onNotification: (notification) => notifications.push(notification),
    onRequest: (request) => {
      seen.push(request);
      return decide(request);
    },
    asyncRetryDelaysMs: [1, 1],
  });
  const functions = Object.entries(SOURCES).map(([name, source]) => writeFunction(started.folder, name, source));
  started.aws.lambda.updateFunctions(functions.map((config) => ({ ...config, timeoutSeconds: 60 })));
});
afterAll(() => started.stop());
beforeEach(() => {
  seen = [];
  decide = () => 'pass';
});

const text = (payload: Uint8Array | undefined) => new TextDecoder().decode(payload);
const json = (payload: Uint8Array | undefined) => JSON.parse(text(payload)) as Record<string, unknown>;

describe('Lambda', () => {
  const invoke = (FunctionName: string, Payload = '{}', more: object = {}) =>
    started.lambda.send(new InvokeCommand({ FunctionName, Payload, ...more }));

  it('answers an invocation, by name and by ARN', async () => {
    const answer = await invoke('echo', '{"a":"ü"}');
    expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
    expect(answer.FunctionError).toBeUndefined();
    expect(json(answer.Payload)).toEqual({ event: { a: 'ü' }, id: answer.$metadata.requestId });
    const byArn = await invoke('arn:aws:lambda:eu-west-1:000000000000:function:echo');
    expect(byArn.StatusCode).toBe(200);
  });

  it('marks an error of the function', async () => {
    const answer = await invoke('throws');
    expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
    expect(json(answer.Payload)).toMatchObject({ errorType: 'TypeError', errorMessage: 'no' });
  });

  it('is invoked by the command line: what a function answers is given back, and what it fails with is thrown', async () => {
    expect(await invokeFunction(started.lambda, 'echo', { a: 1 })).toMatchObject({ event: { a: 1 } });
    await expect(invokeFunction(started.lambda, 'throws', {})).rejects.toMatchObject({
      code: 'TypeError',
      source: 'system',
      what: 'no',
    });
    await expect(invokeFunction(started.lambda, 'unknown', {})).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    // Lambda itself says so of a function that is ended: what was asked may be done, and what to do next is said.
    await expect(invokeFunction(started.lambda, 'ends', {})).rejects.toMatchObject({
      code: 'Internal',
      source: 'system',
      what: expect.stringMatching(/^ends ended before it answered: .*exit/) as string,
      next: expect.stringContaining('Ask the same again') as string,
    });
  });

  it('takes an event, and tries it three times with one request id', async () => {
    logs.length = 0;
    const answer = await invoke('throws', '{}', { InvocationType: 'Event' });
    expect(answer.StatusCode).toBe(202);
    await until(() => logs.length >= 3, 'three tries');
    expect(new Set(logs.map(({ requestId }) => requestId))).toEqual(new Set([answer.$metadata.requestId]));
  });

  it('knows a dry run, and what is missing', async () => {
    expect((await invoke('echo', '{}', { InvocationType: 'DryRun' })).StatusCode).toBe(204);
    await expect(invoke('none')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:eu-west-1:000000000000:function:none',
    });
    await expect(invoke('none', '{}', { InvocationType: 'Event' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

describe('Step Functions', () => {
  const waiting = {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Parameters: { FunctionName: 'echo', Payload: { 'token.$': '$$.Task.Token' } },
    End: true,
  };
  const create = (name: string, state: object = waiting) =>
    started.aws.stepFunctions.createStateMachine(name, JSON.stringify({ StartAt: 'A', States: { A: state } }))
      .stateMachineArn;
  const tokenOf = async (executionArn: string) => {
    const found = () =>
      started.aws.stepFunctions.getExecutionHistory(executionArn).findLast(({ type }) => type === 'TaskScheduled');
    await until(() => found() !== undefined, 'the task is scheduled');
    const { parameters } = found()?.['taskScheduledEventDetails'] as { parameters: string };
    return (JSON.parse(parameters) as { Payload: { token: string } }).Payload.token;
  };

  it('starts, describes, lists, answers and tells the history', async () => {
    const { sfn } = started;
    const stateMachineArn = create('api');
    const { executionArn, startDate } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn, name: 'one', input: '{"a":1}' }),
    );
    expect(startDate).toBeInstanceOf(Date);
    const running = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    expect(running).toMatchObject({ status: 'RUNNING', name: 'one', input: '{"a":1}', stateMachineArn, startDate });
    await expect(
      sfn.send(new StartExecutionCommand({ stateMachineArn, name: 'one', input: '{}' })),
    ).rejects.toBeInstanceOf(ExecutionAlreadyExists);

    const taskToken = await tokenOf(executionArn ?? '');
    await sfn.send(new SendTaskHeartbeatCommand({ taskToken }));
    await sfn.send(new SendTaskSuccessCommand({ taskToken, output: '{"b":2}' }));
    await started.aws.stepFunctions.waitFor(executionArn ?? '');
    const ended = await sfn.send(new DescribeExecutionCommand({ executionArn }));
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: '{"b":2}',
      redriveStatus: 'NOT_REDRIVABLE',
      redriveCount: 0,
    });
    expect(ended.stopDate).toBeInstanceOf(Date);
    await expect(sfn.send(new SendTaskSuccessCommand({ taskToken, output: '1' }))).rejects.toBeInstanceOf(TaskTimedOut);

    const history = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 2 }));
    expect(history.events?.map(({ type, id }) => [type, id])).toEqual([
      ['ExecutionStarted', 1],
      ['TaskStateEntered', 2],
    ]);
    expect(history.events?.[1]?.stateEnteredEventDetails).toMatchObject({ name: 'A', input: '{"a":1}' });
    const last = await sfn.send(new GetExecutionHistoryCommand({ executionArn, reverseOrder: true }));
    expect(last.events?.[0]).toMatchObject({
      type: 'ExecutionSucceeded',
      executionSucceededEventDetails: { output: '{"b":2}' },
    });
    const rest = await sfn.send(new GetExecutionHistoryCommand({ executionArn, nextToken: history.nextToken }));
    expect(rest.events?.[0]?.id).toBe(3);

    await sfn.send(new StartExecutionCommand({ stateMachineArn, name: 'two' }));
    const { executions } = await sfn.send(new ListExecutionsCommand({ stateMachineArn }));
    expect(executions?.map(({ name, status }) => [name, status])).toEqual([
      ['two', 'RUNNING'],
      ['one', 'SUCCEEDED'],
    ]);
    const filtered = await sfn.send(new ListExecutionsCommand({ stateMachineArn, statusFilter: 'SUCCEEDED' }));
    expect(filtered.executions).toHaveLength(1);
    const paged = await sfn.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 1 }));
    expect(paged.nextToken).toBeDefined();
  });

  it('stops, fails and redrives', async () => {
    const { sfn } = started;
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: create('redriven') }));
    const taskToken = await tokenOf(executionArn ?? '');
    await sfn.send(new SendTaskFailureCommand({ taskToken, error: 'Aborted', cause: 'by me' }));
    await started.aws.stepFunctions.waitFor(executionArn ?? '');
    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'FAILED',
      error: 'Aborted',
      cause: 'by me',
      redriveStatus: 'REDRIVABLE',
    });
    const { redriveDate } = await sfn.send(new RedriveExecutionCommand({ executionArn }));
    expect(redriveDate).toBeInstanceOf(Date);
    await until(
      () =>
        started.aws.stepFunctions.getExecutionHistory(executionArn ?? '').filter(({ type }) => type === 'TaskScheduled')
          .length === 2,
      'it is scheduled again',
    );
    expect(await tokenOf(executionArn ?? '')).not.toBe(taskToken);
    const { stopDate } = await sfn.send(new StopExecutionCommand({ executionArn, error: 'E', cause: 'C' }));
    expect(stopDate).toBeInstanceOf(Date);
    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'ABORTED',
      error: 'E',
      redriveCount: 1,
    });
  });

  it('gives the errors that the SDK knows as classes', async () => {
    const { sfn } = started;
    const executionArn = 'arn:aws:states:eu-west-1:000000000000:execution:api:none';
    await expect(sfn.send(new DescribeExecutionCommand({ executionArn }))).rejects.toBeInstanceOf(
      ExecutionDoesNotExist,
    );
    await expect(sfn.send(new SendTaskSuccessCommand({ taskToken: 'x', output: '1' }))).rejects.toBeInstanceOf(
      InvalidToken,
    );
    const taskToken = `AQCEAAAAKgAAAAMAAAAA${'A'.repeat(128)}`;
    await expect(sfn.send(new SendTaskSuccessCommand({ taskToken, output: '1' }))).rejects.toBeInstanceOf(
      TaskDoesNotExist,
    );
  });

  it('refuses what is no JSON', async () => {
    const headers = { 'x-amz-target': 'AWSStepFunctions.StartExecution', 'content-type': 'application/x-amz-json-1.0' };
    const answer = await fetch(withKey(started.aws), { method: 'POST', headers, body: '{' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ __type: 'SerializationException' });
  });

  it('describes and updates a machine', async () => {
    const { sfn } = started;
    const stateMachineArn = create('described');
    const definition = JSON.stringify({ StartAt: 'S', States: { S: { Type: 'Succeed' } } });
    await sfn.send(new UpdateStateMachineCommand({ stateMachineArn, definition }));
    expect(await sfn.send(new DescribeStateMachineCommand({ stateMachineArn }))).toMatchObject({
      name: 'described',
      definition,
    });
    const { stateMachines } = await sfn.send(new ListStateMachinesCommand({}));
    expect(stateMachines?.map(({ name }) => name)).toContain('described');
  });

  it('is answered from inside a function, by a plain client', async () => {
    const state = { ...waiting, Parameters: { FunctionName: 'halt', Payload: { 'token.$': '$$.Task.Token' } } };
    const { executionArn } = await started.sfn.send(
      new StartExecutionCommand({ stateMachineArn: create('inside', state) }),
    );
    expect(await started.aws.stepFunctions.waitFor(executionArn ?? '')).toMatchObject({ output: '{"from":"inside"}' });
  });
});

describe('SNS and STS', () => {
  it('write a notification down', async () => {
    const { topicArn: TopicArn } = started.aws.sns.createTopic('operators');
    const { MessageId } = await started.sns.send(
      new PublishCommand({ TopicArn, Subject: 'Halted', Message: 'Why.\nü & <so>' }),
    );
    await started.sns.send(new PublishCommand({ TopicArn, Message: 'no subject' }));
    await started.sns.send(new PublishCommand({ TopicArn, Subject: '売上 halted', Message: 'UTF-8' }));
    expect(notifications).toMatchObject([
      { messageId: MessageId, topicName: 'operators', subject: 'Halted', message: 'Why.\nü & <so>' },
      { subject: undefined },
      { subject: '売上 halted' },
    ]);
    expect(started.aws.sns.messages).toHaveLength(3);
    expect(notifications.map(({ file }) => file.split('/').slice(-3).join('/'))).toEqual([
      'notifications/operators/1.txt',
      'notifications/operators/2.txt',
      'notifications/operators/3.txt',
    ]);
    expect(readFileSync(notifications[0]?.file ?? '', 'utf8')).toBe('Halted\n\nWhy.\nü & <so>\n');
  });

  it('refuse what SNS refuses', async () => {
    const { topicArn: TopicArn } = started.aws.sns.createTopic('operators');
    const publish = (more: object) => started.sns.send(new PublishCommand({ TopicArn, Message: 'x', ...more }));
    await expect(publish({ TopicArn: `${TopicArn}x` })).rejects.toMatchObject({ name: 'NotFoundException' });
    await expect(publish({ Subject: 'two\nlines' })).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await expect(publish({ Subject: 'x'.repeat(100) })).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await expect(publish({ Message: '' })).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  it('say who one is', async () => {
    const sts = new STSClient(clientOptions());
    expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: '000000000000',
      Arn: 'arn:aws:sts::000000000000:assumed-role/embedded/local',
    });
  });
});

describe('any other service', () => {
  it('is refused by name, in its own protocol', async () => {
    const sqs = new SQSClient(clientOptions());
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'q' }))).rejects.toMatchObject({
      message: expect.stringMatching(/not sqs\..*AWS_ENDPOINT_URL_SQS/) as unknown,
    });
    const iam = await fetch(withKey(started.aws), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: 'AWS4-HMAC-SHA256 Credential=a/20260301/us-east-1/iam/aws4_request, Signature=0',
      },
      body: 'Action=ListRoles',
    });
    expect(iam.status).toBe(400);
    expect(await iam.text()).toMatch(/<Code>NotImplemented<\/Code><Message>.*not iam\./);
  });
});

describe('a hook in front', () => {
  const Bucket = 'hooked';
  beforeAll(async () => {
    decide = () => 'pass';
    await started.s3.send(new CreateBucketCommand({ Bucket }));
  });

  it('is told what is asked', async () => {
    await started.s3.send(new PutObjectCommand({ Bucket, Key: 'a/ü', Body: 'x' }));
    await started.lambda.send(new InvokeCommand({ FunctionName: 'echo' }));
    await started.sfn.send(new ListStateMachinesCommand({ maxResults: 5 }));
    expect(seen).toMatchObject([
      { service: 's3', operation: 'PutObject', via: 'http', bucket: Bucket, key: 'a/ü' },
      { service: 'lambda', operation: 'Invoke', via: 'http', functionName: 'echo' },
      { service: 'states', operation: 'ListStateMachines', via: 'http', input: { maxResults: 5 } },
    ]);
  });

  it('refuses, and nothing happens', async () => {
    decide = () => ({ status: 503, code: 'SlowDown' });
    const put = started.s3.send(new PutObjectCommand({ Bucket, Key: 'b', Body: Buffer.alloc(3_000_000) }));
    await expect(put).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
    const invoked = started.lambda.send(new InvokeCommand({ FunctionName: 'echo' }));
    await expect(invoked).rejects.toMatchObject({ name: 'SlowDown' });
    const listed = started.sfn.send(new ListStateMachinesCommand({}));
    await expect(listed).rejects.toMatchObject({ name: 'SlowDown' });
    decide = () => 'pass';
    await expect(started.s3.send(new GetObjectCommand({ Bucket, Key: 'b' }))).rejects.toMatchObject({
      name: 'NoSuchKey',
    });
  });

  it('carries out and drops the answer: a client that tries again meets its own work', async () => {
    let dropped = 0;
    decide = () => (dropped++ === 0 ? 'drop-answer' : 'pass');
    const patient = new S3Client({ ...clientOptions(), maxAttempts: 3 });
    const put = patient.send(new PutObjectCommand({ Bucket, Key: 'c', Body: 'mine', IfNoneMatch: '*' }));
    await expect(put).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const { Body } = await started.s3.send(new GetObjectCommand({ Bucket, Key: 'c' }));
    expect(await Body?.transformToString()).toBe('mine');
  });

  it("reaches the state machine's own invocations", async () => {
    const state = {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: { FunctionName: 'throws' },
      End: true,
    };
    const definition = JSON.stringify({ StartAt: 'A', States: { A: state } });
    const { stateMachineArn } = started.aws.stepFunctions.createStateMachine('hooked', definition);
    const run = async () => {
      const { executionArn } = started.aws.stepFunctions.startExecution({ stateMachineArn });
      return started.aws.stepFunctions.waitFor(executionArn);
    };
    logs.length = 0;
    decide = () => ({ status: 429, code: 'TooManyRequestsException' });
    expect((await run()).error).toBe('Lambda.TooManyRequestsException');
    expect(logs).toHaveLength(0);
    decide = () => 'drop-answer';
    expect((await run()).error).toBe('Lambda.SdkClientException');
    expect(logs.length).toBeGreaterThan(0);
    expect(seen.every(({ via, functionName }) => via === 'states' && functionName === 'throws')).toBe(true);
  });
});

describe('the environment', () => {
  it('of a child brings every client here, and keeps the real AWS out', async () => {
    const { environment, endpoint } = started.aws;
    expect(environment).toMatchObject({
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    });
    expect(endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);

    const answer = await started.lambda.send(new InvokeCommand({ FunctionName: 'env' }));
    expect(json(answer.Payload)).toMatchObject({
      ...environment,
      ODIN_LEDGER_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_SFN: endpoint,
    });
  });

  it('needs nothing of a migration but `new S3Client({})`', async () => {
    await started.s3.send(new CreateBucketCommand({ Bucket: 'migrated' }));
    const answer = await started.lambda.send(new InvokeCommand({ FunctionName: 'migrates', Payload: '"moved"' }));
    expect(answer.FunctionError).toBeUndefined();
    expect(started.aws.s3.store.get('migrated', 'a')).toMatchObject({ size: 5 });
  });

  it('lets a user keep their own S3, but not for the ledger and the machine', async () => {
    const folder = temporaryFolder();
    const parentEnvironment = {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9000',
      AWS_ACCESS_KEY_ID: 'mine',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_PROFILE: 'dev',
      OTHER: 'x',
    };
    const aws = await startEmbeddedAws({ directory: folder.path, parentEnvironment });
    const ofMigration = { environment: { ODIN_MIGRATION: '0001' } };
    aws.lambda.updateFunctions([
      writeFunction(folder.path, 'migrates', SOURCES.env, ofMigration),
      writeFunction(folder.path, 'system', SOURCES.env),
    ]);
    const environmentOf = async (name: string) =>
      JSON.parse((await aws.lambda.invoke(name, '{}')).payload) as Record<string, string>;
    const environment = await environmentOf('migrates');
    expect(environment).toMatchObject({
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9000',
      AWS_ACCESS_KEY_ID: 'mine',
      AWS_PROFILE: 'dev',
      ODIN_LEDGER_ENDPOINT_URL: withKey(aws),
      AWS_ENDPOINT_URL_SFN: withKey(aws),
      AWS_ENDPOINT_URL_SNS: withKey(aws),
      AWS_ENDPOINT_URL_LAMBDA: withKey(aws),
      AWS_ENDPOINT_URL_STS: withKey(aws),
    });
    expect(environment).not.toHaveProperty('OTHER');
    expect(environment).not.toHaveProperty('AWS_CONFIG_FILE');
    const system = await environmentOf('system');
    expect(system).toMatchObject({ ...aws.environment, ODIN_LEDGER_ENDPOINT_URL: aws.endpoint });
    expect(system).not.toHaveProperty('AWS_PROFILE');
    await aws.close();
    folder.remove();
  });
});

describe('the door', () => {
  const signed = (service: string, accessKey: string) => ({
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/20260301/eu-west-1/${service}/aws4_request, Signature=0`,
  });
  const target = (name: string) => ({ 'x-amz-target': name, 'content-type': 'application/x-amz-json-1.0' });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const REQUESTS: [string, string, string, Record<string, string>, string][] = [
    ['s3', 'PUT', '/door/planted', {}, 'x'],
    ['s3', 'GET', '/', {}, ''],
    ['states', 'POST', '/', target('AWSStepFunctions.ListStateMachines'), '{}'],
    ['lambda', 'POST', '/2015-03-31/functions/echo/invocations', {}, '{}'],
    ['events', 'POST', '/', target('AWSEvents.PutEvents'), '{"Entries":[]}'],
    ['ssm', 'POST', '/', target('AmazonSSM.GetParametersByPath'), '{"Path":"/"}'],
    ['sns', 'POST', '/', form, 'Action=Publish&Message=x'],
    ['sts', 'POST', '/', form, 'Action=GetCallerIdentity'],
    ['sts', 'POST', '/', form, 'Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r'],
    ['cloudformation', 'POST', '/', form, 'Action=DescribeStacks'],
    ['sqs', 'OPTIONS', '/', {}, ''],
  ];

  /** What a browser, a neighbour and a process of the run would send. fetch() would not let a test choose the Host. */
  const ask = (method: string, path: string, headers: Record<string, string>, body: string) =>
    new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
      request({ host: '127.0.0.1', port: started.aws.port, method, path, headers }, (answer) => {
        textOf(answer).then((body) => {
          resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers });
        }, reject);
      })
        .once('error', reject)
        .end(body);
    });

  it.each(REQUESTS)('%s: %s %s is for a process of the run alone', async (service, method, path, headers, body) => {
    const key = started.aws.credentials.accessKeyId;
    const mine = { ...headers, ...signed(service, key) };
    const refused: Record<string, string>[] = [
      headers,
      { ...headers, ...signed(service, 'embedded') },
      { ...headers, ...signed(service, '') },
      { ...headers, ...signed(service, `${key}0`) },
      { ...mine, origin: 'https://evil.example' },
      { ...mine, origin: 'null' },
      { ...mine, origin: started.aws.endpoint },
      { ...mine, host: 'evil.example' },
      { ...mine, host: `evil.example:${started.aws.port}` },
      { ...mine, host: `127.0.0.1.evil.example:${started.aws.port}` },
      { ...mine, host: '127.0.0.1' },
      { ...mine, host: `127.0.0.1:${started.aws.port - 1}` },
      { ...mine, host: `door.localhost:${started.aws.port}` },
    ];
    for (const sent of refused) {
      const answer = await ask(method, path, sent, body);
      const told = `${String(answer.headers['x-amzn-errortype'])} ${answer.body}`; // Lambda's errors have their names there alone
      expect([sent, answer.status, told]).toEqual([sent, 403, expect.stringContaining('AccessDenied')]);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
    for (const wrong of [key.toLowerCase(), `${key}0`, `/${key}`, `%${key}`]) {
      expect((await ask(method, `/${wrong}${path}`, headers, body)).status).toBe(403);
    }
    expect(seen).toEqual([]);
    for (const known of [await ask(method, path, mine, body), await ask(method, `/${key}${path}`, headers, body)]) {
      expect(known.status).not.toBe(403);
    }
    expect(seen).toHaveLength(2);
  });

  it.each([
    ['S3', (options) => new S3Client(options).send(new PutObjectCommand({ Bucket: 'b', Key: 'ü', Body: 'x' }))],
    ['S3, a list', (options) => new S3Client(options).send(new ListObjectsV2Command({ Bucket: 'b' }))],
    ['Step Functions', (options) => new SFNClient(options).send(new ListStateMachinesCommand({}))],
    ['Lambda', (options) => new LambdaClient(options).send(new InvokeCommand({ FunctionName: 'echo' }))],
    ['EventBridge', (options) => new EventBridgeClient(options).send(new PutEventsCommand({ Entries: [] }))],
    ['SSM', (options) => new SSMClient(options).send(new GetParametersByPathCommand({ Path: '/' }))],
    ['SNS', (options) => new SNSClient(options).send(new PublishCommand({ TopicArn: 'a', Message: 'x' }))],
    ['STS', (options) => new STSClient(options).send(new GetCallerIdentityCommand({}))],
    ['CloudFormation', (options) => new CloudFormationClient(options).send(new DescribeStacksCommand({}))],
    ['SQS, which is not here', (options) => new SQSClient(options).send(new GetQueueUrlCommand({ QueueName: 'q' }))],
  ] satisfies [string, (options: ReturnType<typeof clientOptions>) => Promise<unknown>][])(
    'says so to the SDK in the words of %s',
    async (_, send) => {
      const options = { ...clientOptions(), credentials: { accessKeyId: 'mine', secretAccessKey: 'x' } };
      await expect(send(options)).rejects.toMatchObject({
        name: 'AccessDenied',
        message: expect.stringMatching(
          /^This AWS answers to the processes of its own run only: .*AWS_ACCESS_KEY_ID/,
        ) as string,
        $metadata: { httpStatusCode: 403 },
      });
    },
  );

  it('says what is wrong with an address in the form of its service', async () => {
    const mine = signed('s3', started.aws.credentials.accessKeyId);
    const answer = await ask('GET', '/b/%E0%A4%A', mine, '');
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('<Code>InvalidURI</Code>')]);
  });

  it.each([
    ['lambda', '/2015-03-31/functions/%/invocations', {}, '{}'],
    ['states', '/', target('AWSStepFunctions.constructor'), '{}'],
    ['states', '/', target('AWSStepFunctions.__proto__'), '{}'],
    ['states', '/', target('AWSStepFunctions.StartExecution'), 'null'],
    ['events', '/', target('AWSEvents.PutEvents'), '{"Entries":[null]}'],
    ['events', '/', target('AWSEvents.PutEvents'), '{"Entries":[{"Source":"s","Time":1e99}]}'],
    ['ssm', '/', target('AmazonSSM.DeleteParameters'), '{"Names":5}'],
    ['sts', '/', form, 'Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&DurationSeconds=1e99'],
  ])('%s: %s %j %s is a fault of who asks', async (service, path, headers, body) => {
    const mine = { ...headers, ...signed(service, started.aws.credentials.accessKeyId) };
    const answer = await ask('POST', path, mine, body);
    expect([answer.status, answer.body]).toEqual([400, expect.not.stringMatching(/\bat .*\d+:\d+/)]);
  });

  it('has another key in each run', async () => {
    const other = await start();
    const { accessKeyId } = other.aws.credentials;
    await other.stop();
    expect(accessKeyId).not.toBe(started.aws.credentials.accessKeyId);
    expect(accessKeyId).toMatch(/^EMBEDDED[0-9A-F]{40}$/);
  });

  it('is open to clients that sign with the key in an address', async () => {
    await started.s3.send(new CreateBucketCommand({ Bucket: 'by-address' }));
    const credential = `${started.aws.credentials.accessKeyId}/20260301/eu-west-1/s3/aws4_request`;
    expect((await ask('GET', `/by-address?X-Amz-Credential=${encodeURIComponent(credential)}`, {}, '')).status).toBe(
      200,
    );
  });

  it('takes from the SDK every service by the key in the path, whatever it signs with', async () => {
    const options = {
      ...clientOptions(),
      endpoint: withKey(started.aws),
      credentials: { accessKeyId: 'mine', secretAccessKey: 'x' },
    };
    const s3 = new S3Client(options);
    await s3.send(new CreateBucketCommand({ Bucket: 'by-path' }));
    await s3.send(new PutObjectCommand({ Bucket: 'by-path', Key: 'a//b ü', Body: 'x' }));
    expect(started.aws.s3.store.get('by-path', 'a//b ü')).toMatchObject({ size: 1 });
    const lambda = new LambdaClient(options);
    expect((await lambda.send(new InvokeCommand({ FunctionName: 'echo' }))).StatusCode).toBe(200);
    expect((await new SFNClient(options).send(new ListStateMachinesCommand({}))).stateMachines).toBeDefined();
    expect((await new STSClient(options).send(new GetCallerIdentityCommand({}))).Account).toBe('000000000000');
    const { topicArn: TopicArn } = started.aws.sns.createTopic('by-path');
    expect(await new SNSClient(options).send(new PublishCommand({ TopicArn, Message: 'x' }))).toHaveProperty(
      'MessageId',
    );
  });
});

describe('closing', () => {
  it('ends everything, also what runs', async () => {
    const { promise: runs, resolve: hear } = Promise.withResolvers<undefined>();
    const other = await start({ onLog: () => hear(undefined) });
    const source = `export const handler = () => {
      console.log('it runs');
      return new Promise((resolve) => setTimeout(resolve, 60_000));
    };`;
    other.aws.lambda.updateFunctions([writeFunction(other.folder, 'f', source, { timeoutSeconds: 60 })]);
    const running = other.aws.lambda.invoke('f', '{}');
    await runs;
    await other.stop();
    expect((await running).functionError).toBe('Unhandled');
  });
});

function clientOptions() {
  return {
    endpoint: started.aws.endpoint,
    region: 'eu-west-1',
    credentials: started.aws.credentials,
    maxAttempts: 1,
  };
}
