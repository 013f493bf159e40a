// A deployed environment as the command line sees it: found by its stack's outputs, or embedded.
import type { Stack } from '@aws-sdk/client-cloudformation';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { GetCallerIdentityCommandOutput } from '@aws-sdk/client-sts';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { OdinError } from '../core/errors.ts';
import { assertEnvironmentId } from '../core/names/identifiers.ts';
import { Manifest } from '../core/contract/manifest.ts';
import type { Ledger } from '../core/ledger/ledger.ts';
import type { LedgerIdentity } from '../core/ledger/entries.ts';
import { LOG_PREFIX } from '../core/ledger/keys.ts';
import { LedgerLog } from '../core/ledger/log.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { OUTPUTS, stackName, systemFunctionName } from '../core/names/names.ts';
import type {
  Baselined,
  CancelledAnswer,
  DecidedAnswer,
  ManifestPayload,
  Refusal,
  RunInput,
  TunedAnswer,
} from '../core/contract/payloads.ts';
import { BaselinePayload, CancelPayload, DecidePayload, TunePayload } from '../core/contract/payloads.ts';
import { invokeFunction } from '../aws/invoke.ts';
import { S3Store } from '../aws/s3-store.ts';
import { describeExecution } from '../aws/step-functions.ts';
import { assertEndpoints, awsError } from './aws-errors.ts';
import type { ClientOptions } from './client-options.ts';
import { identityOf } from './identity.ts';
import type { ZodMiniType } from '../core/schema.ts';
import { proofOf } from './proof.ts';
import { findRegistration, listRegistered } from './registration.ts';

export interface Deployment extends EnvironmentId {
  local: boolean;
  options: ClientOptions;
  stateMachineArn: string;
  ledgerBucket: string;
  resumeFunction: string;
  /** Undefined where it is not said. */
  topicArn?: string | undefined;
  /** Undefined when no chat is told. */
  chatTopicArn?: string | undefined;
  /** Of the dashboard in the console; undefined without one. */
  dashboardUrl?: string | undefined;
  ledger: Ledger;
  /** Whose ledger it has to be. */
  identity: LedgerIdentity;
  s3: S3Client;
  sfn: SFNClient;
  lambda: LambdaClient;
  describe: (executionArn: string) => Promise<ExecutionState>;
  /** Waits until something may have changed: the ledger, or how an execution stands. @param ms how long, where nobody tells that */
  pause: (ms: number) => Promise<void>;
}

export interface ExecutionState {
  /** As Step Functions calls it. */
  status?: string | undefined;
  error?: string | undefined;
  cause?: string | undefined;
  output?: string | undefined;
}

/** Where a deployed environment is. */
export interface DeployedPlace {
  /** Undefined of an environment without one. */
  app?: string | undefined;
  /** Where it has to be: credentials of another account are refused. Undefined: wherever they lead. */
  account?: string | undefined;
  aws?: ClientOptions | undefined;
}

/** @throws OdinError NotDeployed, OtherAccount, BadEnvironmentName; NoCredentials and the like when AWS was not reached */
export async function findDeployment(environment: string, place: DeployedPlace): Promise<Deployment> {
  const { of, options } = await ofPlace(environment, place);
  return deploymentOf(of, await whereIs(of, options), options, false);
}

/** Which environment is meant, and how AWS is reached. @throws OdinError BadEnvironmentName, OtherAccount */
export async function ofPlace(
  environment: string,
  { app, account, aws: options = {} }: DeployedPlace,
): Promise<{ of: EnvironmentId; options: ClientOptions }> {
  const of = { app, environment };
  assertEnvironmentId(of);
  assertEndpoints();
  if (account !== undefined) await assertAccount(account, environment, options);
  return { of, options };
}

type Outputs = Readonly<Record<string, string | undefined>>;

/** What the deployment says of itself: a registration in SSM or, without an app, the outputs of the stack that `synth` makes. */
async function whereIs(of: EnvironmentId, options: ClientOptions): Promise<Outputs> {
  const stack = of.app === undefined ? await findStack(stackName(of), options) : undefined;
  if (stack && !failedStack(stack)) {
    return Object.fromEntries(
      (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
    );
  }
  const { registration } = await findRegistration(of, options);
  if (registration) {
    return {
      [OUTPUTS.stateMachineArn]: registration.stateMachineArn,
      [OUTPUTS.ledgerBucket]: registration.ledgerBucket,
      [OUTPUTS.resumeFunction]: registration.resumeFunction,
      [OUTPUTS.topicArn]: registration.topicArn,
      [OUTPUTS.chatTopicArn]: registration.chatTopicArn,
      [OUTPUTS.dashboardUrl]: registration.dashboardUrl,
    };
  }
  const failed = await failedDeployment(of, options);
  if (failed) throw failed;
  const others = (await listRegistered(options)).map(({ app, environment }) =>
    [app, environment].filter(Boolean).join('/'),
  );
  throw new OdinError({
    code: 'NotDeployed',
    source: 'user',
    what: `${of.environment}${of.app === undefined ? '' : ` of ${of.app}`} is not deployed where these credentials lead.`,
    why: `${await whereTheyLead(options)} Found there: ${others.sort().join(', ') || 'no environment'}.`,
    next: {
      words: 'Check its name, --app, --profile and --region, or deploy it',
      verb: 'deploy',
      stack: stackName(of),
    },
  });
}

/** Whether a stack is what a first deployment left that failed, which holds nothing: CDK replaces it only if it is not protected. */
export const failedStack = ({ StackStatus }: Stack): boolean =>
  StackStatus === 'ROLLBACK_COMPLETE' || StackStatus === 'ROLLBACK_FAILED';

/** Undefined too when this identity may not look for it. */
async function failedDeployment(of: EnvironmentId, options: ClientOptions): Promise<OdinError | undefined> {
  const name = stackName(of);
  const stack = await findStack(name, options).catch((thrown: unknown) => {
    if (thrown instanceof OdinError && thrown.code === 'AwsForbidden') return undefined;
    throw thrown;
  });
  if (!stack || !failedStack(stack)) return undefined;
  return new OdinError({
    code: 'NotDeployed',
    source: 'user',
    what: `The first deployment of ${of.environment} failed. Its stack ${name} is left (${stack.StackStatus ?? ''}), and in the way of the next one.`,
    why: stack.StackStatusReason,
    next: { words: 'It holds nothing. Delete it, and deploy again', verb: 'destroy', environment: of.environment },
  });
}

/** Undefined when there is no such stack. */
export async function findStack(name: string, options: ClientOptions): Promise<Stack | undefined> {
  try {
    const answer = await new CloudFormationClient(options).send(new DescribeStacksCommand({ StackName: name }));
    return answer.Stacks?.[0];
  } catch (cause) {
    // CloudFormation's words for it, under a code that means other things too (docs/aws-facts.md).
    if (cause instanceof Error && /^Stack\b.*\bdoes not exist/.test(cause.message)) return undefined;
    throw awsError(cause) ?? cause;
  }
}

/** Before anything is read or written: a profile too many, and the same name in another account, look like success. */
async function assertAccount(expected: string, environment: string, options: ClientOptions): Promise<void> {
  const { Account: found, Arn: arn } = await callerOf(options);
  if (found === expected) return;
  throw new OdinError({
    code: 'OtherAccount',
    source: 'user',
    what: `${environment} is in account ${expected}, and these credentials are of account ${found ?? 'unknown'}.`,
    why: `odin-migrate.json names its account; the caller is ${arn ?? 'unknown'}.`,
    next: 'Name the profile of that account with --profile, or correct the file.',
  });
}

/** Of the user's credentials, in a sentence, as far as AWS says it: what is not found may be somewhere else. */
async function whereTheyLead(options: ClientOptions): Promise<string> {
  const region = await new STSClient(options).config.region();
  const account = await callerOf(options).then(
    (caller) => caller.Account,
    () => undefined,
  );
  return `They lead to ${account === undefined ? '' : `account ${account}, `}region ${region}.`;
}

export async function callerOf(options: ClientOptions): Promise<GetCallerIdentityCommandOutput> {
  try {
    return await new STSClient(options).send(new GetCallerIdentityCommand());
  } catch (cause) {
    throw awsError(cause) ?? cause;
  }
}

export function deploymentOf(of: EnvironmentId, outputs: Outputs, options: ClientOptions, local: boolean): Deployment {
  const output = (name: string) => {
    const value = outputs[name];
    if (value !== undefined) return value;
    throw new OdinError({
      code: 'NotDeployed',
      source: 'user',
      what: `The stack ${stackName(of)} has no output ${name}.`,
      next: { words: 'Deploy it again', verb: 'deploy', stack: stackName(of) },
    });
  };
  const s3 = s3ClientOf(options);
  const ledgerBucket = output(OUTPUTS.ledgerBucket);
  const stateMachineArn = output(OUTPUTS.stateMachineArn);
  const identity = identityOf(of, stateMachineArn);
  const store = new S3Store(s3, ledgerBucket);
  const sfn = new SFNClient(options);
  return {
    ...of,
    local,
    options,
    stateMachineArn,
    ledgerBucket,
    resumeFunction: output(OUTPUTS.resumeFunction),
    topicArn: outputs[OUTPUTS.topicArn],
    chatTopicArn: outputs[OUTPUTS.chatTopicArn],
    dashboardUrl: outputs[OUTPUTS.dashboardUrl],
    ledger: { log: new LedgerLog(store, identity), store },
    identity,
    s3,
    sfn,
    lambda: new LambdaClient(options),
    describe: (executionArn) => describeExecution(sfn, executionArn),
    pause: (ms) => sleep(ms),
  };
}

/** Where an endpoint is named, the bucket is in the path: not every machine resolves `bucket.localhost`. */
export function s3ClientOf(options: ClientOptions = {}): S3Client {
  const named = options.endpoint ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'] ?? '';
  return new S3Client({ ...options, forcePathStyle: named !== '' });
}

/** Who acts: the caller's IAM identity, or this machine's user on the embedded AWS. */
export const operatorOf = async ({ local, options }: Deployment): Promise<string> =>
  local ? `local:${userName()}` : await callerName(options);

/** In a container, a user may be a number that nobody has given a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}

export const callerName = async (options: ClientOptions): Promise<string> => (await callerOf(options)).Arn ?? 'unknown';

/** The manifest that is deployed: the truth about an environment, whatever files are here. */
export async function deployedManifest(deployment: Deployment): Promise<Manifest> {
  const question: ManifestPayload = { ask: 'manifest' };
  const name = systemFunctionName(deployment, 'list-pending');
  const answer = Manifest.safeParse(await invokeFunction(deployment.lambda, name, question));
  if (answer.success) return answer.data;
  throw new OdinError({
    code: 'NotDeployed',
    source: 'user',
    what: `${name} did not answer with its manifest: it was deployed by another version of odin-migrate.`,
    next: { words: 'Deploy it again', verb: 'deploy', stack: stackName(deployment) },
  });
}

/**
 * Starts a run, under a name of its own: a repeated request then starts one execution and not two.
 * @returns the execution's ARN
 */
export async function startRun(
  { sfn, stateMachineArn, local }: Deployment,
  { allowOutOfOrder, allowRenumbered, acceptChanged }: RunInput = {},
): Promise<string> {
  const input: RunInput = { allowOutOfOrder: allowOutOfOrder || undefined, allowRenumbered, acceptChanged };
  const name = `${local ? 'local' : 'run'}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${process.pid}`;
  const { executionArn = '' } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
  );
  return executionArn;
}

/**
 * Invokes `resume`.
 * @throws OdinError with the code and the words that the function refused with
 */
export const sendDecision = (deployment: Deployment, payload: DecidePayload): Promise<DecidedAnswer> =>
  say<DecidedAnswer>(deployment, deployment.resumeFunction, DecidePayload, payload);

/**
 * The migration whose turn is open: what is said of one names it, as a request may be repeated, and arrive when the run has gone on.
 * Undefined when none is.
 */
export const openMigration = async ({ ledger }: Deployment): Promise<string | undefined> =>
  (await ledger.log.look()).turn?.allowed.migration;

/** Invokes `resume` too: who may decide on a halt may cancel. @throws OdinError as sendDecision */
export const sendCancel = (deployment: Deployment, payload: CancelPayload): Promise<CancelledAnswer> =>
  say<CancelledAnswer>(deployment, deployment.resumeFunction, CancelPayload, payload);

/** Invokes `resume` too. @throws OdinError as sendDecision */
export const sendTune = (deployment: Deployment, payload: TunePayload): Promise<TunedAnswer> =>
  say<TunedAnswer>(deployment, deployment.resumeFunction, TunePayload, payload);

/** Invokes `baseline`. @throws OdinError as sendDecision */
export const sendBaseline = (deployment: Deployment, payload: BaselinePayload): Promise<Baselined> =>
  say<Baselined>(deployment, systemFunctionName(deployment, 'baseline'), BaselinePayload, payload);

/** With the proof of who says it, where somebody asks for one. @throws OdinError with the code and the words of a refusal */
async function say<T>(deployment: Deployment, name: string, schema: ZodMiniType<object>, said: object): Promise<T> {
  const payload = schema.safeParse(said).data ?? said; // what is wrong with it, the function says
  const { local, identity, stateMachineArn, options, lambda, ledger } = deployment;
  const proof = local ? undefined : await proofOf(payload, identity, stateMachineArn, options, await timeInAws(ledger));
  const answer = (await invokeFunction(lambda, name, { ...payload, proof }).catch((thrown: unknown) => {
    // Functions of an earlier version take no proof. Nothing was done, and what is said counts more than who is known to say it.
    if (!proof || !(thrown instanceof OdinError) || thrown.code !== 'BadPayload') throw thrown;
    return invokeFunction(lambda, name, payload);
  })) as T | Refusal;
  if (isRefusal(answer)) throw new OdinError({ ...answer, source: 'user' });
  return answer;
}

/** By the clock of S3, as the ledger has it; where that is not to be had, by this machine's. */
const timeInAws = ({ store }: Deployment['ledger']): Promise<Date> =>
  store.list(LOG_PREFIX, `${LOG_PREFIX}~`).then(
    ({ at }) => new Date(at),
    () => new Date(),
  );

const isRefusal = (answer: unknown): answer is Refusal =>
  typeof answer === 'object' && answer !== null && 'result' in answer && answer.result === 'refused';
