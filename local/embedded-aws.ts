// AWS inside this process: one HTTP endpoint that supports enough of S3, Step Functions, Lambda, SNS, EventBridge, STS,
// SSM and CloudFormation for the ordinary SDK clients, so that a migration and the whole state machine run on a laptop as they are.

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { devNull } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VARIABLES } from '../core/names/names.ts';
import { createEventBus } from './messages/events.ts';
import type { EmbeddedEvents } from './messages/events.ts';
import type { LambdaHostOptions, LambdaLogLine } from './lambda/host.ts';
import { LambdaHost } from './lambda/host.ts';
import type { NodeProgram } from './lambda/sandbox.ts';
import { invokeFromStates, serve } from './router.ts';
import type { RequestHook, EmbeddedServices } from './router.ts';
import { createS3 } from './s3/protocol.ts';
import { S3_FOLDER } from './s3/store.ts';
import type { S3 } from './s3/protocol.ts';
import { createSns } from './messages/sns.ts';
import type { Notification, Sns } from './messages/sns.ts';
import { createStacks } from './cloudformation/stacks.ts';
import type { Stacks } from './cloudformation/stacks.ts';
import { createParameters } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { StepFunctions } from './step-functions/step-functions.ts';

export type { RequestHook, RequestSummary, Verdict } from './router.ts';

export interface EmbeddedAwsOptions {
  /** Holds `s3/`, `notifications/`, `events.jsonl`, `compile-cache/`, which are kept, `code/` and `tmp/`. Made when missing. */
  readonly directory: string;
  readonly region?: string | undefined;
  readonly accountId?: string | undefined;
  /** 0, the default, takes a free one. */
  readonly port?: number | undefined;
  readonly onLog?: ((line: LambdaLogLine) => void) | undefined;
  readonly onGone?: LambdaHostOptions['onGone'] | undefined;
  readonly onNotification?: ((notification: Notification) => void) | undefined;
  /** The Node.js that runs the functions; the one of this process without it. */
  readonly node?: NodeProgram | undefined;
  /** For tests of faults: asked before anything is done. */
  readonly onRequest?: RequestHook | undefined;
  /** Pauses before the two retries of an asynchronous invocation. AWS waits a minute and two. */
  readonly asyncRetryDelaysMs?: readonly number[] | undefined;
  /** Whose AWS_ENDPOINT_URL and credentials count as the user's own. Default: `process.env`. */
  readonly parentEnvironment?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface EmbeddedAws {
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accountId: string;
  readonly directory: string;
  readonly s3: S3;
  readonly lambda: LambdaHost;
  readonly stepFunctions: StepFunctions;
  readonly sns: Sns;
  /** What `deployTemplate` deployed here. */
  readonly stacks: Stacks;
  readonly parameters: Parameters;
  readonly events: EmbeddedEvents;
  /** The run's own: a request without them is refused (router.ts). */
  readonly credentials: Credentials;
  /** What a process needs so that its SDK clients come here. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends its executions and all processes of its functions; `close` does it too. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export async function startEmbeddedAws(options: EmbeddedAwsOptions): Promise<EmbeddedAws> {
  const { directory, region = 'eu-west-1', accountId = '000000000000' } = options;
  const decide: RequestHook = options.onRequest ?? (() => 'pass');

  const s3 = createS3({ directory: join(directory, S3_FOLDER), region, accountId });
  const sns = createSns({
    directory: join(directory, 'notifications'),
    region,
    accountId,
    onMessage: options.onNotification,
  });
  const events = createEventBus({ file: join(directory, 'events.jsonl'), region, accountId });

  const compileCache = resolve(directory, 'compile-cache');
  emptyIfLarge(compileCache);

  const server = createServer();
  // An upload may take longer than the five minutes that Node.js allows; idle connections outlive the SDK's pauses.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  // An IP address, so that the SDK puts the bucket into the path: `bucket.localhost` is not resolved everywhere.
  const endpoint = `http://127.0.0.1:${port}`;
  const accessKeyId = `EMBEDDED${randomBytes(20).toString('hex').toUpperCase()}`;
  const credentials = { accessKeyId, secretAccessKey: 'embedded' };
  const place = { endpoint, region, credentials };

  const lambda = new LambdaHost({
    functions: [],
    environment: functionEnvironment(place, options.parentEnvironment ?? process.env),
    onLog: options.onLog,
    onGone: options.onGone,
    compileCache,
    code: resolve(directory, 'code'),
    tmp: resolve(directory, 'tmp'),
    node: options.node,
    region,
    accountId,
    asyncRetryDelaysMs: options.asyncRetryDelaysMs,
  });

  const stepFunctions = new StepFunctions({
    region,
    accountId,
    lambda: { invoke: (name, payload) => invokeFromStates(lambda, decide, name, payload) },
  });

  const stacks = createStacks(region, accountId);
  const parameters = createParameters(region, accountId);
  const services: EmbeddedServices = {
    s3,
    sns,
    events,
    lambda,
    stepFunctions,
    stacks,
    parameters,
    region,
    accountId,
    key: accessKeyId,
  };
  const pending = new Set<Promise<void>>();
  server.on('request', (incoming, response) => {
    const work = serve(services, decide, incoming, response).catch(() => void response.destroy());
    pending.add(work);
    void work.finally(() => pending.delete(work));
  });

  const stop = async (): Promise<void> => {
    stepFunctions.close();
    await lambda.close();
  };

  return {
    endpoint,
    port,
    region,
    accountId,
    directory,
    s3,
    lambda,
    stepFunctions,
    sns,
    stacks,
    parameters,
    events,
    credentials,
    environment: embeddedEnvironment(place),

    stop,

    async close() {
      await stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      // A hook that never answers must not keep this from ending.
      await Promise.race([Promise.allSettled(pending), sleep(2000, undefined, { ref: false })]);
      s3.close();
    },
  };
}

/** The next run finds compiled what it runs again. Code that has changed leaves what was compiled of it behind. */
function emptyIfLarge(directory: string): void {
  if (!existsSync(directory)) return;
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const size = files.reduce(
    (sum, file) => sum + (statSync(join(directory, file), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  if (size > MAX_COMPILED_BYTES) rmSync(directory, { recursive: true, force: true });
}

const MAX_COMPILED_BYTES = 64e6;

type Place = Pick<EmbeddedAws, 'endpoint' | 'region' | 'credentials'>;

/** Everything goes to the embedded endpoint, and nothing of the user's real AWS configuration is read. */
function embeddedEnvironment({ endpoint, region, credentials }: Place): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
  };
}

/** The variables that say where the user's own S3 is, and who the user is there. */
const USERS_OWN =
  /^AWS_(ENDPOINT_URL(_S3)?|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|REGION|DEFAULT_REGION|CONFIG_FILE|SHARED_CREDENTIALS_FILE|CA_BUNDLE)$/;

/**
 * If the user has set an endpoint, the migrations' S3 is there; the ledger and the state machine stay embedded, and so does every
 * function that is no migration's. What comes here of a migration's is signed with the user's own credentials, if there are any: the
 * run's key is in the path.
 */
function functionEnvironment(
  place: Place,
  parent: Readonly<Record<string, string | undefined>>,
): LambdaHostOptions['environment'] {
  const embedded = embeddedEnvironment(place);
  const around = (endpoint: string) => ({
    [VARIABLES.local]: 'true',
    [VARIABLES.ledgerEndpoint]: endpoint,
    AWS_ENDPOINT_URL_SFN: endpoint,
    AWS_ENDPOINT_URL_SNS: endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
    AWS_ENDPOINT_URL_LAMBDA: endpoint,
    AWS_ENDPOINT_URL_STS: endpoint,
  });
  const ours = { ...embedded, ...around(place.endpoint) };
  if (!parent['AWS_ENDPOINT_URL'] && !parent['AWS_ENDPOINT_URL_S3']) return () => ours;
  const own = Object.entries(parent).filter((entry): entry is [string, string] => {
    return USERS_OWN.test(entry[0]) && entry[1] !== undefined && entry[1] !== '';
  });
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_EC2_METADATA_DISABLED } = embedded;
  const defaults = { AWS_REGION, AWS_DEFAULT_REGION, AWS_EC2_METADATA_DISABLED } as Record<string, string>;
  const withKey = around(`${place.endpoint}/${place.credentials.accessKeyId}`);
  const theirs = { ...defaults, ...Object.fromEntries(own), ...withKey };
  return ({ environment = {} }) => (VARIABLES.migration in environment ? theirs : ours);
}
