// What the broker lets out: reads of the services that it knows, at their own hosts; and with which signature.
import { GetObjectCommand, S3Client, SelectObjectContentCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { endpointsIn, objectionTo } from '../../lambdas/run-migration/preview/judge.ts';
import type { SignedRequest } from '../../lambdas/run-migration/preview/signature.ts';
import { signatureOf, signedAgain } from '../../lambdas/run-migration/preview/signature.ts';

const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.0' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const request = (method: string, path: string, headers: Record<string, string> = {}, body = ''): SignedRequest => ({
  method,
  path,
  headers,
  body: Buffer.from(body),
});
const named = (operation: string, headers: Record<string, string> = JSON_TYPE, path = '/') =>
  request('POST', path, { 'x-amz-target': `DynamoDB_20120810.${operation}`, ...headers }, '{}');
const form = (body: string, headers: Record<string, string> = FORM) => request('POST', '/', headers, body);

const at = (service: string, sent: SignedRequest, host = `${service}.eu-west-1.amazonaws.com`) =>
  objectionTo(sent, service, new URL(host.includes('//') ? host : `https://${host}`), [])?.what ?? 'sent';
const NO_READ = 'send what is no read';
const ELSEWHERE = 'send to what is no endpoint of AWS';

describe('the judge', () => {
  it.each<[string, string, SignedRequest]>([
    ['S3 GetObject', 's3', request('GET', '/key?x-id=GetObject')],
    ['S3 HeadObject', 's3', request('HEAD', '/key')],
    ['S3 Select', 's3', request('POST', '/key?select=&select-type=2', {}, '<x/>')],
    ['Lambda GetFunction', 'lambda', request('GET', '/2015-03-31/functions/f')],
    ['a target', 'dynamodb', named('GetItem')],
    ['a form', 'sns', form('Action=GetTopicAttributes&Version=2010-03-31')],
    [
      'CBOR',
      'monitoring',
      request('POST', '/service/GraniteServiceVersion20100801/operation/ListMetrics', {
        'smithy-protocol': 'rpc-v2-cbor',
        'content-type': 'application/cbor',
      }),
    ],
  ])('sends a read: %s', (_, service, sent) => {
    expect(at(service, sent)).toBe('sent');
  });

  it.each<[string, string, SignedRequest]>([
    ['S3 PutObject', 's3', request('PUT', '/key?x-id=GetObject')],
    ['S3 DeleteObject', 's3', request('DELETE', '/key')],
    ['S3 DeleteObjects', 's3', request('POST', '/?delete')],
    ['S3 an upload that says select', 's3', request('POST', '/key?uploads&select&select-type=2')],
    [
      'S3 an upload completed that says select',
      's3',
      request('POST', '/key?select&select-type=2&uploadId=x', {}, '<x/>'),
    ],
    ['S3 deletes that say select', 's3', request('POST', '/?delete&select&select-type=2', {}, '<x/>')],
    ['S3 a restore that says select', 's3', request('POST', '/key?restore&select&select-type=2', {}, '<x/>')],
    [
      'S3 a form that says select',
      's3',
      request('POST', '/?select&select-type=2', { 'content-type': 'multipart/form-data' }),
    ],
    ['S3 a GET with another method in a header', 's3', request('GET', '/key', { 'x-http-method-override': 'DELETE' })],
    ['S3 a GET with another method in another header', 's3', request('GET', '/key', { 'x-method-override': 'DELETE' })],
    ['S3 a GET with another method in its query', 's3', request('GET', '/key?_method=DELETE')],
    ['S3 a GET of another server', 's3', request('GET', 'http://169.254.169.254/latest/meta-data')],
    ['S3 a GET of no path', 's3', request('GET', '*')],
    ['Lambda a GET with another method in a header', 'lambda', request('GET', '/f', { 'x-http-method': 'POST' })],
    ['S3 restore', 's3', request('POST', '/key?restore')],
    ['S3 credentials of a session', 's3', request('GET', '/?session')],
    ['S3 a GET with a body', 's3', request('GET', '/key', {}, 'x')],
    ['a method that is none', 's3', request('get', '/key')],
    ['Lambda Invoke', 'lambda', request('POST', '/2015-03-31/functions/f/invocations')],
    ['a target that writes', 'dynamodb', named('PutItem')],
    ['a target that is like a read', 'dynamodb', named('GetItemAndDelete')],
    ['two targets', 'dynamodb', named('GetItem, DynamoDB_20120810.PutItem')],
    ['a target of two forms', 'dynamodb', named('GetItem', FORM)],
    ['a target at a path', 'dynamodb', named('GetItem', JSON_TYPE, '/?Action=PutItem')],
    ['a target by GET', 'dynamodb', { ...named('GetItem'), method: 'GET' }],
    ['a target and CBOR', 'dynamodb', named('GetItem', { 'smithy-protocol': 'rpc-v2-cbor' })],
    ['no target', 'dynamodb', request('POST', '/', JSON_TYPE, '{}')],
    ['a form that writes', 'sns', form('Action=Publish&Message=GetTopicAttributes')],
    ['a form with two actions', 'sns', form('Action=GetTopicAttributes&Action=Publish')],
    ['a form with another action', 'sns', form('Action=GetTopicAttributes&action=Publish')],
    ['a form with another action behind a semicolon', 'sqs', form('Action=ListQueues;Action=DeleteQueue')],
    ['a form with another action in a line of its own', 'sqs', form('Action=ListQueues%0aAction=DeleteQueue')],
    [
      'a form in another alphabet',
      'sns',
      form('Action=ListTopics', { 'content-type': `${FORM['content-type']}; charset=utf-7` }),
    ],
    ['a statement that may write', 'dynamodb', named('ExecuteStatement')],
    ['statements that may write', 'dynamodb', named('ExecuteTransaction')],
    ['writes in a transaction', 'dynamodb', named('TransactWriteItems')],
    ['a query that may write', 'athena', named('StartQueryExecution')],
    ['a task that is taken', 'states', named('GetActivityTask')],
    ['a URL that lets somebody in', 'athena', named('GetPresignedNotebookUrl')],
    ['a session that lets somebody in', 'athena', named('GetSessionEndpoint')],
    ['a parameter that gives credentials', 'ssm', named('GetAccessToken')],
    ['a session', 'sts', form('Action=GetSessionToken')],
    ['a key for data', 'kms', named('GenerateDataKey')],
    ['a form with a target', 'sqs', form('Action=GetQueueUrl', { ...FORM, 'x-amz-target': 'AmazonSQS.DeleteQueue' })],
    [
      'CBOR that writes',
      'monitoring',
      request('POST', '/service/X/operation/PutMetricData', {
        'smithy-protocol': 'rpc-v2-cbor',
        'content-type': 'application/cbor',
      }),
    ],
    ['a message taken from a queue', 'sqs', named('ReceiveMessage')],
    ['credentials', 'sts', form('Action=AssumeRole')],
    ['a service that it does not know', 'execute-api', request('GET', '/')],
  ])('sends no write: %s', (_, service, sent) => {
    expect(at(service, sent)).toBe(NO_READ);
  });

  it.each([
    ['s3', 's3.eu-west-1.amazonaws.com'],
    ['s3', 'bucket.s3.eu-west-1.amazonaws.com'],
    ['s3', 'with.dots.s3.amazonaws.com'],
    ['s3', 'bucket.s3-accelerate.dualstack.amazonaws.com'],
    ['s3', 'bucket.s3-fips.dualstack.us-gov-west-1.amazonaws.com'],
    ['s3', 'point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com'],
    ['s3', 'bucket.s3.cn-north-1.amazonaws.com.cn'],
    ['dynamodb', '123456789012.ddb.eu-west-1.amazonaws.com'],
    ['sns', 'sns.eu-west-1.api.aws'],
    ['iam', 'iam.amazonaws.com'],
    ['iam', 'iam.us-gov.amazonaws.com'],
    ['sqs', 'eu-west-1.queue.amazonaws.com'],
  ])('knows a host of %s: %s', (service, host) => {
    expect(objectionTo(form('Action='), service, new URL(`https://${host}`), [])?.what).not.toBe(ELSEWHERE);
  });

  it.each([
    ['at its own host', 'point-abc--ol-s3.s3.eu-west-1.amazonaws.com', '/key?x-id=GetObject'],
    ['in the path', 's3.eu-west-1.amazonaws.com', '/point-abc--ol-s3/key'],
    ['in the path, encoded', 's3.eu-west-1.amazonaws.com', '/point-abc%2d-%6fl-s3/key'],
  ])('refuses a read of an S3 Object Lambda access point, which runs a function: %s', (_, host, path) => {
    expect(at('s3', request('GET', path), host)).toBe(NO_READ);
  });

  it.each(['/a--ol-s3/key', '/key--ol-s3'])('knows a key that only looks like one: %s', (path) => {
    expect(at('s3', request('GET', path), 'bucket.s3.eu-west-1.amazonaws.com')).toBe('sent');
  });

  it.each([
    ['s3', 'http://s3.eu-west-1.amazonaws.com'],
    ['s3', 's3.eu-west-1.amazonaws.com:8443'],
    ['s3', 's3.eu-west-1.amazonaws.com.example.com'],
    ['s3', 'nots3.eu-west-1.amazonaws.com'],
    ['s3', '111122223333.s3-control.eu-west-1.amazonaws.com'], // GetDataAccess gives credentials
    ['s3', 's3.elb.amazonaws.com'],
    ['s3', 's3.eu-west-1.elb.amazonaws.com'],
    ['s3', 'abc.execute-api.eu-west-1.amazonaws.com'],
    ['s3', 'bucket.s3-website-eu-west-1.amazonaws.com'],
    ['s3', 'vpce-1.s3.eu-west-1.vpce.amazonaws.com'],
    ['s3', 'sqs.eu-west-1.amazonaws.com'],
    ['s3', '127.0.0.1'],
    ['s3', '169.254.169.254'],
  ])('knows that it is none of %s: %s', (service, host) => {
    expect(at(service, request('GET', '/'), host)).toBe(ELSEWHERE);
  });

  it("takes the endpoints of the function's variables for AWS, and what is below them", () => {
    const endpoints = endpointsIn({
      AWS_ENDPOINT_URL: 'http://localhost:4566',
      AWS_ENDPOINT_URL_S3: 'https://minio.example.com',
      AWS_ENDPOINT_URLS: 'https://other.example.com',
      AWS_ENDPOINT_URL_SQS: 'nowhere',
    });
    const to = (url: string) => objectionTo(request('GET', '/'), 's3', new URL(url), endpoints)?.what ?? 'sent';
    expect(['http://localhost:4566', 'http://bucket.localhost:4566', 'https://minio.example.com'].map(to)).toEqual([
      'sent',
      'sent',
      'sent',
    ]);
    for (const other of [
      'https://localhost:4566',
      'http://localhost',
      'http://notlocalhost:4566',
      'https://other.example.com',
    ]) {
      expect(to(other)).toBe(ELSEWHERE);
    }
  });
});

describe('the signature', () => {
  const first = { accessKeyId: 'PREVIEW', secretAccessKey: 'preview', sessionToken: 'preview' };

  /** What a client would send, signed with `first`. */
  async function signed(send: (config: object) => Promise<unknown>): Promise<SignedRequest> {
    let found: SignedRequest | undefined;
    const handle = (sent: {
      method: string;
      path: string;
      query: object;
      headers: Record<string, string>;
      body?: string;
    }) => {
      const query = Object.entries(sent.query)
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
        .join('&');
      found = {
        method: sent.method,
        path: query === '' ? sent.path : `${sent.path}?${query}`,
        headers: sent.headers,
        body: Buffer.from(sent.body ?? ''),
      };
      throw new Error('not sent');
    };
    await send({ region: 'eu-west-1', credentials: first, maxAttempts: 1, requestHandler: { handle } }).catch(
      () => undefined,
    );
    if (!found) throw new Error('nothing was sent');
    return found;
  }

  it.each<[string, (config: object) => Promise<unknown>]>([
    [
      'of S3, with a key that needs encoding',
      (config) =>
        new S3Client(config).send(
          new GetObjectCommand({ Bucket: 'bucket', Key: "a b/ü+&=!'()*~.txt", VersionId: 'v 1/+' }),
        ),
    ],
    [
      'of S3, with a body',
      (config) =>
        new S3Client(config).send(
          new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'x', Metadata: { a: '  two   spaces ' } }),
        ),
    ],
    [
      'of an event stream',
      (config) =>
        new S3Client(config).send(
          new SelectObjectContentCommand({
            Bucket: 'bucket',
            Key: 'k',
            Expression: 'select 1',
            ExpressionType: 'SQL',
            InputSerialization: { JSON: { Type: 'LINES' } },
            OutputSerialization: { JSON: {} },
          }),
        ),
    ],
    [
      'of REST, encoded twice',
      (config) =>
        new LambdaClient(config).send(
          new GetFunctionCommand({ FunctionName: 'arn:aws:lambda:eu-west-1:1:function:f', Qualifier: '$LATEST' }),
        ),
    ],
    [
      'of REST, with a payload',
      (config) => new LambdaClient(config).send(new InvokeCommand({ FunctionName: 'f', Payload: '{}' })),
    ],
    ['of JSON', (config) => new SFNClient(config).send(new DescribeExecutionCommand({ executionArn: 'arn:x' }))],
    ['of a form', (config) => new STSClient(config).send(new GetCallerIdentityCommand({}))],
  ])("is the SDK's own %s", async (_, send) => {
    const sent = await signed(send);
    const signature = signatureOf(sent.headers['authorization']);
    if (!signature) throw new Error(`not understood: ${sent.headers['authorization']}`);
    expect(signature.accessKeyId).toBe('PREVIEW');
    expect(signedAgain(sent, signature, first)).toEqual(sent.headers);
    const other = signedAgain(sent, signature, {
      accessKeyId: 'OTHER',
      secretAccessKey: 'other',
      sessionToken: 'other',
    });
    expect(other).toMatchObject({
      'x-amz-security-token': 'other',
      authorization: expect.stringContaining('Credential=OTHER/') as unknown,
    });
    expect(JSON.stringify(other)).not.toContain('PREVIEW');
  });

  it.each([
    '',
    'Bearer x',
    'AWS4-ECDSA-P256-SHA256 Credential=PREVIEW/20260101/s3/aws4_request, SignedHeaders=host, Signature=00',
  ])('is none: "%s"', (authorization) => {
    expect(signatureOf(authorization)).toBeUndefined();
  });
});
