// What anybody may send to the two servers that listen on this machine. Each request is answered, in time, by no failure of the server's
// own; nothing is done for who does not know the secret; and after all of it the server is what it was.
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect } from 'vitest';
import type { DashboardServer } from '../../cli/dashboard/server.ts';
import { startDashboardServer } from '../../cli/dashboard/server.ts';
import type { EmbeddedAws, RequestSummary } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { FUNCTIONS, createHaltedWorld } from '../support/deployed.ts';
import { changed, hostileJson, hostileText, nested } from '../support/hostile.ts';
import { fuzz } from './fuzz.ts';

let directory: string;
let aws: EmbeddedAws;
let seen: RequestSummary[];
let dashboard: DashboardServer;
let calls: unknown[];

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'odin-fuzz-http-'));
  seen = [];
  aws = await startEmbeddedAws({
    directory,
    parentEnvironment: {},
    onRequest: (request) => {
      seen.push(request);
      return 'pass';
    },
  });
  aws.s3.createBucket('bucket');
  dashboard = await startDashboardServer({
    environment: 'odin-dev',
    place: 'on this machine',
    port: 0,
    pollMs: 1000,
    callWidget: async ({ call, theme, forms }) => {
      calls.push(call);
      const html = await FUNCTIONS.dashboard.handler(await createHaltedWorld())({
        ...call,
        widgetContext: { theme, forms: { all: forms }, params: {} },
      });
      return html as string;
    },
  });
});
afterAll(async () => {
  await aws.close();
  await dashboard.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** Undefined: Node.js itself sends no such request. */
async function ask(port: number, { method, path: address, headers, body }: Sent) {
  return new Promise<{ status: number; body: string } | undefined>((resolve, reject) => {
    let request;
    try {
      request = httpRequest({ host: '127.0.0.1', port, method, path: address, headers });
    } catch {
      resolve(undefined);
      return;
    }
    request
      .once('response', (answer) => {
        text(answer).then((whole) => {
          resolve({ status: answer.statusCode ?? 0, body: whole });
        }, reject);
      })
      .once('error', (error: NodeJS.ErrnoException) => {
        // A server may hang up on what is no HTTP, and on a body that it does not read.
        if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code?.startsWith('HPE_')) resolve(undefined);
        else reject(error);
      })
      .end(body);
  });
}

/** Bytes that need be no request. It is enough that the server goes on. */
async function sendBytes(port: number, bytes: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket
      .resume()
      .on('error', () => undefined)
      .on('close', () => {
        resolve();
      });
    setTimeout(() => socket.destroy(), 200).unref();
  });
}

const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'TRACE'];
const urlPart = fc.oneof(
  hostileText.map((part) => encodeURIComponent(part.slice(0, 400).toWellFormed())),
  fc.constantFrom(
    '',
    '.',
    '..',
    '%2e%2e',
    '%2F',
    '%',
    '%zz',
    '%E0%A4%A',
    '%00',
    'bucket',
    'key',
    '2015-03-31',
    'functions',
  ),
  fc.constantFrom('invocations', 'latest', '//', '%F0%9F%A6%A5'),
);
const FLAGS = [
  ...['list-type=2', 'uploads', 'uploadId=x', 'partNumber=1', 'partNumber=-1', 'delete', 'tagging', 'attributes'],
  ...[
    'prefix=',
    'prefix=%',
    'max-keys=0',
    'max-keys=-1',
    'max-keys=1e9',
    'max-keys=x',
    'continuation-token=x',
    'delimiter=/',
  ],
  ...[
    'encoding-type=url',
    'versions',
    'versionId=x',
    'acl',
    'policy',
    'select',
    'restore',
    'response-content-type=x%0d%0a',
  ],
  ...['X-Amz-Credential=x', 'start-after=%FF', 'location', 'versioning', 'x-id=GetObject'],
];
const somewhere = fc.oneof(
  fc.array(urlPart, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
  fc.array(urlPart, { minLength: 1, maxLength: 2 }).map((parts) => `/bucket/${parts.join('/')}`),
  urlPart.map((name) => `/2015-03-31/functions/${name}/invocations`),
  fc.constant('/'),
);
const address = fc
  .tuple(somewhere, fc.subarray(FLAGS, { maxLength: 3 }))
  .map(([at, flags]) => `${at}${flags.length > 0 ? `?${flags.join('&')}` : ''}`);

/** By the service that signs it: its operations, and fields that one of them takes. */
const JSON_CALLS: Record<string, { operations: string[]; fields: object }> = {
  states: {
    operations: [
      ...['StartExecution', 'DescribeExecution', 'StopExecution', 'GetExecutionHistory', 'ListExecutions'],
      ...['SendTaskSuccess', 'SendTaskFailure', 'SendTaskHeartbeat', 'RedriveExecution', 'ListStateMachines'],
      ...['CreateStateMachine', 'UpdateStateMachine', 'DeleteStateMachine', 'constructor', '__proto__', ''],
    ].map((name) => `AWSStepFunctions.${name}`),
    fields: {
      ...{
        stateMachineArn: 'arn:aws:states:eu-west-1:000000000000:stateMachine:m',
        name: 'm',
        input: '{}',
        maxResults: 1,
      },
      ...{ executionArn: 'arn:aws:states:eu-west-1:000000000000:execution:m:e', nextToken: 'x', reverseOrder: true },
      ...{ taskToken: 't', output: '{}', error: 'E', cause: 'c', statusFilter: 'RUNNING', redriveFilter: 'REDRIVEN' },
      definition: JSON.stringify({ StartAt: 'A', States: { A: { Type: 'Pass', End: true } } }),
    },
  },
  events: {
    operations: ['AWSEvents.PutEvents', 'AWSEvents.PutRule'],
    fields: {
      Entries: [{ Source: 's', DetailType: 'd', Detail: '{}', EventBusName: 'default', Time: 1, Resources: ['r'] }],
    },
  },
  ssm: {
    operations: ['GetParameter', 'PutParameter', 'GetParametersByPath', 'DeleteParameters'].map(
      (name) => `AmazonSSM.${name}`,
    ),
    fields: { Name: '/a', Value: 'v', Type: 'String', Path: '/', Recursive: true, Names: ['/a'] },
  },
  sqs: { operations: ['AmazonSQS.SendMessage', 'x'], fields: {} },
};
const jsonCall = fc.constantFrom(...Object.entries(JSON_CALLS)).chain(([service, { operations, fields }]) =>
  fc.record({
    service: fc.constant(service),
    method: fc.constant('POST'),
    path: fc.constant('/'),
    headers: fc.constantFrom(...operations).map((operation) => ({ 'x-amz-target': operation })),
    body: fc.oneof(
      changed(fields).map((json) => JSON.stringify(json) ?? ''),
      fc.constantFrom(nested(20_000), '', 'null', '[]', '5', '{'),
    ),
  }),
);
const FORMS = [
  'Action=Publish&TopicArn=a&Message=m&MessageStructure=json',
  'Action=Publish&TopicArn=a&Message={"default":5}&MessageStructure=json',
  'Action=GetTopicAttributes&TopicArn=%',
  'Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=%3C&DurationSeconds=1e99',
  'Action=AssumeRole&RoleArn=x&DurationSeconds=-1',
  'Action=DescribeStacks&StackName=constructor',
  'Action=GetCallerIdentity',
  'Action=',
];
const formCall = fc.record({
  service: fc.constantFrom('sns', 'sts', 'cloudformation', 'cloudfront', ''),
  method: fc.constant('POST'),
  path: fc.constant('/'),
  headers: fc.constant({ 'content-type': 'application/x-www-form-urlencoded' }),
  body: fc
    .tuple(
      fc.constantFrom(...FORMS),
      fc.oneof(
        fc.constant(''),
        hostileText.map((more) => more.slice(0, 2_000)),
      ),
    )
    .map(([form, more]) => form + more),
});
const lambdaCall = fc.record({
  service: fc.constant('lambda'),
  method: fc.constantFrom('POST', 'GET'),
  path: urlPart.map((name) => `/2015-03-31/functions/${name}/invocations`),
  headers: fc.constantFrom({}, { 'x-amz-invocation-type': 'Event' }, { 'x-amz-invocation-type': 'DryRun' }),
  body: hostileJson.map((json) => JSON.stringify(json) ?? ''),
});
const XML = [
  '<Delete><Object><Key>a</Key></Object></Delete>',
  '<Delete><Object><Key>&#xFFFFFFFF;</Key></Object></Delete>',
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>',
  '<Tagging><TagSet><Tag><Key>a</Key><Value>&#0;</Value></Tag></TagSet></Tagging>',
  '<'.repeat(5_000),
];
const objectBody = fc.oneof(
  fc.constantFrom(...XML, ''),
  hostileText.map((body) => body.slice(0, 20_000)),
);
const HEADERS = {
  'content-type': ['application/x-amz-json-1.0', 'application/x-www-form-urlencoded', 'application/xml', 'x'],
  'x-amz-copy-source': ['/bucket/key', 'bucket/%', '/', '%E0%A4%A', 'bucket/key?versionId=1'],
  'x-amz-copy-source-range': ['bytes=0-1', 'bytes=9-1', 'x'],
  range: ['bytes=0-0', 'bytes=-1', 'bytes=5-1', 'bytes=99999999999999999999-', 'x'],
  'if-none-match': ['*', '"x"', ''],
  'if-match': ['*', '"x"'],
  'if-modified-since': ['x', '-1'],
  'x-amz-content-sha256': [
    'UNSIGNED-PAYLOAD',
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'x',
  ],
  'content-encoding': ['aws-chunked', 'gzip', 'aws-chunked,gzip'],
  'x-amz-decoded-content-length': ['0', '-1', 'x', '99999999999'],
  'x-amz-trailer': ['x-amz-checksum-crc32', 'x'],
  'x-amz-checksum-crc32': ['x', 'AAAAAA=='],
  'x-amz-sdk-checksum-algorithm': ['CRC32', 'SHA1', 'x'],
  'x-amz-tagging': ['a=b', '%', 'a=b&a=c'],
  'x-amz-object-attributes': ['ETag', 'x', ''],
  'x-amz-invocation-type': ['Event', 'DryRun', 'x'],
  'x-amz-metadata-directive': ['COPY', 'REPLACE', 'x'],
  'content-md5': ['x', '1B2M2Y8AsgTpgAmY7PhCfg=='],
  'x-http-method-override': ['DELETE'],
};
const awsHeaders = fc
  .subarray(Object.entries(HEADERS), { maxLength: 5 })
  .chain((entries) =>
    fc.tuple(...entries.map(([name, values]) => fc.constantFrom(...values).map((value) => [name, value] as const))),
  )
  .map((entries) => Object.fromEntries(entries) as Record<string, string>);

const objectCall = fc.record({
  service: fc.constantFrom('s3', 's3', 's3', '%'),
  method: fc.constantFrom(...METHODS),
  path: address,
  headers: awsHeaders,
  body: objectBody,
});

const awsCall: fc.Arbitrary<Sent & { service: string }> = fc.oneof(
  { weight: 5, arbitrary: objectCall },
  { weight: 3, arbitrary: jsonCall },
  { weight: 1, arbitrary: formCall },
  { weight: 1, arbitrary: lambdaCall },
);

fuzz(
  'the embedded AWS answers any request, and does nothing for who does not know its key',
  0.2,
  fc.tuple(
    awsCall,
    fc.integer({ min: 0, max: 3 }).map((stranger) => stranger !== 0),
  ),
  async ([{ service, ...sent }, knows]) => {
    seen.length = 0;
    const key = knows ? aws.credentials.accessKeyId : 'EMBEDDED';
    const authorization = `AWS4-HMAC-SHA256 Credential=${key}/20260301/eu-west-1/${service}/aws4_request, Signature=0`;
    const body = ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(sent.method) ? '' : sent.body;
    const headers = { ...sent.headers, authorization, 'content-length': String(Buffer.byteLength(body)) };
    const answer = await ask(aws.port, { ...sent, headers, body });
    if (!knows) {
      expect(seen).toEqual([]);
      if (answer) expect(answer.status).toBe(403);
    }
    // A 501 and a 503 are words for what is not done here. A 500 is a fault of the server.
    if (answer) expect([answer.status, answer.body]).not.toEqual([500, expect.anything()]);
    expect(
      await ask(aws.port, {
        method: 'GET',
        path: `/${aws.credentials.accessKeyId}/bucket?list-type=2`,
        headers: {},
        body: '',
      }),
    ).toMatchObject({ status: 200 });
  },
);

const bytes = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 2_000 }),
  fc
    .tuple(
      fc.constantFrom(...METHODS, 'CONNECT', 'X'),
      address,
      fc.array(
        hostileText.map((line) => line.slice(0, 300)),
        { maxLength: 4 },
      ),
    )
    .map(([method, at, lines]) => `${method} ${at} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`),
  fc.constantFrom(
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'PUT /a HTTP/1.1\r\nExpect: 100-continue\r\n\r\n',
  ),
  fc.constantFrom(
    'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\u0016\u0003\u0001',
  ),
);

fuzz('both servers go on after bytes that are no request', 0.1, bytes, async (sent) => {
  seen.length = 0;
  const { port } = new URL(dashboard.url);
  calls = [];
  await Promise.all([sendBytes(aws.port, sent), sendBytes(Number(port), sent)]);
  expect([seen, calls]).toEqual([[], []]);
  const listed = { method: 'GET', path: `/${aws.credentials.accessKeyId}/bucket?list-type=2`, headers: {}, body: '' };
  expect(await ask(aws.port, listed)).toMatchObject({ status: 200 });
  expect(await ask(Number(port), { method: 'GET', path: '/', headers: {}, body: '' })).toMatchObject({ status: 200 });
});

const REQUEST = {
  call: { decide: { decision: 'retry', halt: 3 }, preview: { migration: '0002' }, page: 1 },
  theme: 'dark',
  timezone: '+00:00',
  forms: { reason: 'r', operator: 'o' },
};

fuzz(
  'the local dashboard answers any request, and does nothing for who does not know its token',
  0.1,
  fc.record({
    method: fc.constantFrom('POST', 'POST', 'POST', ...METHODS),
    path: fc.oneof(fc.constantFrom('/widget', '/widget', '/run', '/', '/page.js', '/../page.js'), address),
    body: fc
      .oneof(changed(REQUEST), changed({ ...REQUEST, call: {} }), hostileJson)
      .map((json) => JSON.stringify(json) ?? ''),
    knows: fc.boolean(),
    from: fc.constantFrom('the page', 'https://evil.example', 'null', ''),
    type: fc.constantFrom('application/json', 'application/json', 'text/plain', ''),
  }),
  async ({ knows, from, type, ...sent }) => {
    calls = [];
    const { origin, port, hash } = new URL(dashboard.url);
    const headers: Record<string, string> = { 'content-length': String(Buffer.byteLength(sent.body)) };
    headers['x-odin-token'] = knows ? hash.slice(1) : hash.slice(2);
    if (from !== '') headers['origin'] = from === 'the page' ? origin : from;
    if (type !== '') headers['content-type'] = type;
    const answer = await ask(Number(port), { ...sent, headers });
    if (!knows || from !== 'the page' || type !== 'application/json') expect(calls).toEqual([]);
    if (answer) {
      expect(answer.body).not.toMatch(/\bInternal\b|\n\s+at /);
      if (answer.status === 500) expect(answer.body).toMatch(/BadPayload|: /); // the widget's own words
    }
    expect(await ask(Number(port), { method: 'GET', path: '/', headers: {}, body: '' })).toMatchObject({ status: 200 });
  },
);
