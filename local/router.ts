// From an HTTP request to the service that it is for, and back: the wire protocols of the embedded AWS's services.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { EmbeddedEvents } from './messages/events.ts';
import { isForThisServer, isSecret } from './door.ts';
import { AwsError, escapeXml, header, readBody, sendAnswer, signerOf } from './http.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';
import type { LambdaAnswer, LambdaHost } from './lambda/host.ts';
import { s3ErrorAnswer } from './s3/protocol.ts';
import type { S3 } from './s3/protocol.ts';
import type { Sns } from './messages/sns.ts';
import { callStepFunctions } from './step-functions/api.ts';
import { describeStacks } from './cloudformation/stacks.ts';
import type { Parameters } from './parameters.ts';
import type { Stacks } from './cloudformation/stacks.ts';
import type { StepFunctions } from './step-functions/step-functions.ts';

export interface RequestSummary {
  readonly service: Service;
  /** e.g. `PutObject`, `StartExecution`, `Invoke`, `Publish`. */
  readonly operation: string;
  /** `states`: the state machine itself invokes a function, without HTTP. */
  readonly via: 'http' | 'states';
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly functionName?: string | undefined;
  /** Step Functions, SNS, SSM and EventBridge: the request's fields. */
  readonly input?: Record<string, unknown> | undefined;
}

/**
 * `pass` lets the request through. An error code (and its HTTP status) refuses it: nothing happens. `drop-answer`
 * carries it out and then cuts the connection, so that the caller cannot know.
 */
export type Verdict = 'pass' | 'drop-answer' | { readonly status: number; readonly code: string };
export type RequestHook = (request: RequestSummary) => Verdict | Promise<Verdict>;

export type Service = 's3' | 'states' | 'lambda' | 'sns' | 'events' | 'sts' | 'ssm' | 'cloudformation' | 'unknown';

/** What the endpoint leads to. */
export interface EmbeddedServices {
  readonly s3: S3;
  readonly sns: Sns;
  readonly events: EmbeddedEvents;
  readonly lambda: LambdaHost;
  readonly stepFunctions: StepFunctions;
  readonly stacks: Stacks;
  readonly parameters: Parameters;
  readonly region: string;
  readonly accountId: string;
  /** Who does not know it is nobody here. */
  readonly key: string;
}

/** A request that was understood: what it is, and how to carry it out. */
interface Call {
  readonly summary: RequestSummary;
  run(): HttpAnswer | Promise<HttpAnswer>;
}

export async function serve(
  services: EmbeddedServices,
  decide: RequestHook,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let request = readRequest(incoming);
  let call: Call;
  try {
    request = admitted(incoming, request, services.key);
    call = await understand(services, request);
  } catch (error) {
    incoming.resume();
    await sendAnswer(response, errorAnswer(request, error));
    return;
  }
  const verdict = await decide(call.summary);
  let answer: HttpAnswer;
  try {
    if (typeof verdict === 'object') {
      const message = `Refused by a test: ${call.summary.operation}`;
      throw new AwsError(verdict.code, message, verdict.status);
    }
    answer = await call.run();
  } catch (error) {
    answer = errorAnswer(request, error);
  }
  // What the handler did not read of the request must not stay in the connection.
  incoming.resume();
  if (verdict === 'drop-answer') {
    if (answer.body instanceof Readable) answer.body.destroy();
    incoming.socket.destroy();
    return;
  }
  await sendAnswer(response, answer);
}

/**
 * Of one of the run's own processes. It names the run's key: as the access key of its signature or, where it signs with the user's
 * own credentials, at the head of the path. A page of a browser knows no key, and says where it is from.
 * @throws AwsError AccessDenied
 */
function admitted(incoming: IncomingMessage, request: HttpRequest, key: string): HttpRequest {
  const [, head = '', rest = ''] = /^\/([^/]*)(.*)$/.exec(request.path) ?? [];
  const byPath = isSecret(head, key);
  const known = byPath || isSecret(signerOf(request)?.accessKey ?? '', key);
  const refusal = !isForThisServer(incoming)
    ? 'it was asked for by a name that is not its own.'
    : incoming.headers.origin !== undefined
      ? 'a web page asks.'
      : known
        ? undefined
        : "the request lacks the run's key, AWS_ACCESS_KEY_ID in their environment. A migration's client needs no credentials of its own.";
  if (refusal !== undefined) {
    throw new AwsError('AccessDenied', `This AWS answers to the processes of its own run only: ${refusal}`, 403);
  }
  return byPath ? { ...request, path: rest === '' ? '/' : rest } : request;
}

/** In the form of its service: an SDK takes any other one for an answer that cannot be read, and shows nothing of it. */
function errorAnswer(request: HttpRequest, error: unknown): HttpAnswer {
  switch (serviceOf(request)) {
    case 's3':
      return s3ErrorAnswer(error, request);
    case 'lambda':
      return lambdaError(error);
    case 'sns':
    case 'sts':
    case 'cloudformation':
      return queryError(error);
    case 'states':
    case 'events':
    case 'ssm':
      return jsonError(error);
    case 'unknown':
      return speaksXml(request) ? queryError(error) : jsonError(error);
  }
}

function readRequest(incoming: IncomingMessage): HttpRequest {
  const url = incoming.url ?? '/';
  const mark = url.indexOf('?');
  return {
    method: incoming.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    headers: incoming.headers,
    body: incoming,
  };
}

async function understand(services: EmbeddedServices, request: HttpRequest): Promise<Call> {
  const service = serviceOf(request);
  switch (service) {
    case 's3': {
      const target = services.s3.target(request);
      return {
        summary: { service, via: 'http', ...target },
        run: () => services.s3.handle(request),
      };
    }
    case 'states':
      return understandStates(services, request);
    case 'lambda':
      return understandLambda(services, request);
    case 'events':
      return understandEvents(services, request);
    case 'ssm':
      return understandParameters(services, request);
    case 'sns':
    case 'sts':
    case 'cloudformation':
      return understandQuery(services, service, request);
    case 'unknown':
      return refuse(request);
  }
}

const SPOKEN = ['s3', 'states', 'lambda', 'sns', 'events', 'sts', 'ssm', 'cloudformation'] as const;

/** A signed request names its service. Others are known by their form. */
function serviceOf(request: HttpRequest): Service {
  const scope = signerOf(request)?.service;
  if (scope !== undefined) return SPOKEN.find((name) => name === scope) ?? 'unknown';
  if (header(request.headers, 'x-amz-target')) {
    const target = header(request.headers, 'x-amz-target') ?? '';
    if (target.startsWith('AWSEvents.')) return 'events';
    if (target.startsWith('AmazonSSM.')) return 'ssm';
    return target.startsWith('AWSStepFunctions.') ? 'states' : 'unknown';
  }
  if (request.path.startsWith('/2015-03-31/functions')) return 'lambda';
  if (request.method === 'POST' && request.path === '/' && isForm(request)) return 'sns';
  return 's3';
}

// Step Functions: JSON 1.0

async function understandStates(services: EmbeddedServices, request: HttpRequest): Promise<Call> {
  const operation = (header(request.headers, 'x-amz-target') ?? '').replace('AWSStepFunctions.', '');
  const text = (await readBody(request.body)).toString();
  const input = parseJson(text);
  return {
    summary: { service: 'states', operation, via: 'http', input },
    run: () => json(200, callStepFunctions(services.stepFunctions, operation, input)),
  };
}

// EventBridge: JSON 1.1

async function understandEvents({ events }: EmbeddedServices, request: HttpRequest): Promise<Call> {
  const operation = (header(request.headers, 'x-amz-target') ?? '').replace('AWSEvents.', '');
  const input = parseJson((await readBody(request.body)).toString());
  return {
    summary: { service: 'events', operation, via: 'http', input },
    run: () => {
      if (operation === 'PutEvents') return json(200, events.putEvents(input));
      throw new AwsError('UnknownOperationException', `The embedded AWS does not support events:${operation}`);
    },
  };
}

// SSM: JSON 1.1

async function understandParameters({ parameters }: EmbeddedServices, request: HttpRequest): Promise<Call> {
  const operation = (header(request.headers, 'x-amz-target') ?? '').replace('AmazonSSM.', '');
  const input = parseJson((await readBody(request.body)).toString());
  return {
    summary: { service: 'ssm', operation, via: 'http', input },
    run: () => json(200, parameters.call(operation, input)),
  };
}

function parseJson(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text === '' ? '{}' : text);
  } catch (error) {
    throw new AwsError('SerializationException', String(error));
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  throw new AwsError('SerializationException', 'The body of the request is no JSON object');
}

function jsonError(error: unknown): HttpAnswer {
  const { code, status, message } = known(error);
  const answer = json(status, { __type: code, message });
  return { ...answer, headers: { ...answer.headers, 'x-amzn-errortype': code } };
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: JSON.stringify(value) };
}

// Lambda: REST

function understandLambda({ lambda }: EmbeddedServices, request: HttpRequest): Call {
  const [, encoded, operation] = /^\/2015-03-31\/functions\/([^/]+)(?:\/(.*))?$/.exec(request.path) ?? [];
  const functionName = encoded === undefined ? undefined : decoded(encoded);
  const invokes = request.method === 'POST' && operation === 'invocations' && functionName !== undefined;
  return {
    summary: { service: 'lambda', operation: invokes ? 'Invoke' : request.path, via: 'http', functionName },
    run: async () => {
      if (invokes) return invokeOverHttp(lambda, functionName, request);
      throw new AwsError(
        'UnknownOperationException',
        `The embedded Lambda supports Invoke only, not ${request.path}`,
        404,
      );
    },
  };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new AwsError('InvalidParameterValueException', `The name of a function cannot be decoded: ${name}`);
  }
}

function lambdaError(error: unknown): HttpAnswer {
  const { code, status, message } = known(error);
  const type = status < 500 ? 'User' : 'Service';
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': code };
  return { status, headers, body: JSON.stringify({ Type: type, Message: message, message }) };
}

async function invokeOverHttp(lambda: LambdaHost, functionName: string, request: HttpRequest): Promise<HttpAnswer> {
  const payload = (await readBody(request.body)).toString();
  const type = header(request.headers, 'x-amz-invocation-type') ?? 'RequestResponse';
  if (type === 'DryRun') {
    lambda.configOf(functionName);
    return { status: 204 };
  }
  if (type === 'Event') {
    const { requestId } = lambda.invokeAsync(functionName, payload);
    return { status: 202, headers: { 'x-amzn-requestid': requestId } };
  }
  const answer = await lambda.invoke(functionName, payload);
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': answer.requestId,
      'x-amz-executed-version': '$LATEST',
      'x-amz-function-error': answer.functionError,
    },
    body: answer.payload,
  };
}

/** Invocations by the state machine pass the hook too, and fail as they would for Step Functions. */
export async function invokeFromStates(
  lambda: LambdaHost,
  decide: RequestHook,
  functionName: string,
  payload: string,
): Promise<LambdaAnswer> {
  const verdict = await decide({ service: 'lambda', operation: 'Invoke', via: 'states', functionName });
  if (typeof verdict === 'object') throw new AwsError(verdict.code, 'Refused by a test: Invoke', verdict.status);
  const answer = await lambda.invoke(functionName, payload);
  if (verdict === 'drop-answer') throw new AwsError('SdkClientException', 'Unable to execute HTTP request', 500);
  return answer;
}

// SNS, STS and CloudFormation: the query protocol

async function understandQuery(
  services: EmbeddedServices,
  service: 'sns' | 'sts' | 'cloudformation',
  request: HttpRequest,
): Promise<Call> {
  const form = new URLSearchParams((await readBody(request.body)).toString());
  const operation = form.get('Action') ?? '';
  return {
    summary: {
      service: operation === 'GetCallerIdentity' || operation === 'AssumeRole' ? 'sts' : service,
      operation,
      via: 'http',
      input: Object.fromEntries(form),
    },
    run: () => {
      if (operation === 'Publish') return publish(services.sns, form);
      if (operation === 'GetTopicAttributes') return topicAttributes(form.get('TopicArn') ?? '');
      if (operation === 'GetCallerIdentity') return callerIdentity(services.accountId);
      if (operation === 'AssumeRole') return assumeRole(form, services.key);
      if (operation === 'DescribeStacks') {
        const described = describeStacks(services.stacks, form.get('StackName') ?? undefined);
        return queryAnswer(operation, 'http://cloudformation.amazonaws.com/doc/2010-05-15/', described);
      }
      throw new AwsError('InvalidAction', `The embedded AWS does not support ${service}:${operation}`);
    },
  };
}

function publish(sns: Sns, form: URLSearchParams): HttpAnswer {
  if (form.has('MessageStructure')) {
    throw new AwsError('InvalidParameter', 'The embedded AWS does not support MessageStructure');
  }
  const { messageId } = sns.publish({
    topicArn: form.get('TopicArn') ?? form.get('TargetArn') ?? '',
    subject: form.get('Subject') ?? undefined,
    message: form.get('Message') ?? '',
  });
  return queryAnswer('Publish', 'http://sns.amazonaws.com/doc/2010-03-31/', `<MessageId>${messageId}</MessageId>`);
}

/** Nobody subscribes here: what is published becomes a file. */
function topicAttributes(arn: string): HttpAnswer {
  const attributes = {
    TopicArn: arn,
    SubscriptionsConfirmed: '0',
    SubscriptionsPending: '0',
    SubscriptionsDeleted: '0',
  };
  const entries = Object.entries(attributes).map(
    ([key, value]) => `<entry><key>${key}</key><value>${escapeXml(value)}</value></entry>`,
  );
  const result = `<Attributes>${entries.join('')}</Attributes>`;
  return queryAnswer('GetTopicAttributes', 'http://sns.amazonaws.com/doc/2010-03-31/', result);
}

function callerIdentity(accountId: string): HttpAnswer {
  const arn = `arn:aws:sts::${accountId}:assumed-role/embedded/local`;
  const result = `<Arn>${arn}</Arn><UserId>EMBEDDED:local</UserId><Account>${accountId}</Account>`;
  return queryAnswer('GetCallerIdentity', 'https://sts.amazonaws.com/doc/2011-06-15/', result);
}

/** The run's own credentials, as a session: nothing is checked, and no session policy either. */
function assumeRole(form: URLSearchParams, key: string): HttpAnswer {
  const role = /^(arn:[\w-]+):iam::(\d{12}):role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(form.get('RoleArn') ?? '');
  const session = form.get('RoleSessionName') ?? '';
  if (!role) throw new AwsError('ValidationError', `${form.get('RoleArn')} is not the ARN of a role`);
  const [, partition, account, name] = role;
  const seconds = Number(form.get('DurationSeconds') ?? 3600);
  if (!(seconds >= 900 && seconds <= 43_200)) {
    throw new AwsError(
      'ValidationError',
      `DurationSeconds: expected 900 to 43200, found ${form.get('DurationSeconds')}`,
    );
  }
  const expires = new Date(Date.now() + seconds * 1000).toISOString();
  const credentials =
    `<AccessKeyId>${key}</AccessKeyId><SecretAccessKey>embedded</SecretAccessKey>` +
    `<SessionToken>embedded-session</SessionToken><Expiration>${expires}</Expiration>`;
  const arn = escapeXml(`${partition}:sts::${account}:assumed-role/${name}/${session}`);
  const user = `<Arn>${arn}</Arn><AssumedRoleId>EMBEDDED:${escapeXml(session)}</AssumedRoleId>`;
  return queryAnswer(
    'AssumeRole',
    'https://sts.amazonaws.com/doc/2011-06-15/',
    `<Credentials>${credentials}</Credentials><AssumedRoleUser>${user}</AssumedRoleUser>`,
  );
}

function queryAnswer(operation: string, namespace: string, result: string): HttpAnswer {
  const metadata = `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>`;
  const content = `<${operation}Result>${result}</${operation}Result>${metadata}`;
  const body = `<${operation}Response xmlns="${namespace}">${content}</${operation}Response>`;
  return { status: 200, headers: { 'content-type': 'text/xml' }, body };
}

function queryError(error: unknown): HttpAnswer {
  const { code, status, message } = known(error);
  const type = status < 500 ? 'Sender' : 'Receiver';
  const text = `<Error><Type>${type}</Type><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`;
  const body = `<ErrorResponse>${text}<RequestId>${randomUUID()}</RequestId></ErrorResponse>`;
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

// Anything else

/** A migration that uses another service gets an error that names it; without this it would be taken for a bucket. */
function refuse(request: HttpRequest): Call {
  const name = signerOf(request)?.service ?? header(request.headers, 'x-amz-target') ?? request.path;
  const variable = `AWS_ENDPOINT_URL_${name.replaceAll(/\W/g, '_').toUpperCase()}`;
  const message = `The embedded AWS supports S3, Step Functions, Lambda, SNS, EventBridge, STS and CloudFormation's DescribeStacks, and not ${name}. To reach it elsewhere, set ${variable}.`;
  return {
    summary: { service: 'unknown', operation: name, via: 'http' },
    run: () => {
      throw new AwsError('NotImplemented', message, 400);
    },
  };
}

/** As the query protocol does; a few others have that form of errors too. */
const speaksXml = (request: HttpRequest): boolean =>
  isForm(request) || ['cloudfront', 'route53'].includes(signerOf(request)?.service ?? '');

const isForm = ({ headers }: HttpRequest): boolean =>
  header(headers, 'content-type')?.startsWith('application/x-www-form-urlencoded') ?? false;

function known(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new AwsError('InternalFailure', message, 500);
}
