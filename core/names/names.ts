// Names that the CDK app, the functions and the command line share. Each name is written once, here.
/** The states of docs/design.md §6, as an operator reads them in the console. */
export const STATES = {
  listPending: 'List pending',
  whatNext: 'What next?',
  runMigration: 'Run migration',
  runBatches: 'Run batches',
  outcome: 'Outcome?',
  recordCompletion: 'Record completion',
  wait: 'Wait',
  halt: 'Halt for operator',
  finished: 'Finished',
  handedOver: 'Handed over',
  refused: 'Refused',
  unknownStep: 'Unknown step',
} as const;

/** Environment variables of the deployed functions. */
export const VARIABLES = {
  environment: 'ODIN_ENVIRONMENT',
  /** Absent without one. */
  app: 'ODIN_APP',
  /** Of the stack: whose ledger it is. */
  account: 'ODIN_ACCOUNT',
  ledgerBucket: 'ODIN_LEDGER_BUCKET',
  stateMachineArn: 'ODIN_STATE_MACHINE_ARN',
  topicArn: 'ODIN_TOPIC_ARN',
  /** Absent when no chat is told. */
  chatTopicArn: 'ODIN_CHAT_TOPIC_ARN',
  resumeFunction: 'ODIN_RESUME_FUNCTION',
  migration: 'ODIN_MIGRATION',
  codeSha256: 'ODIN_CODE_SHA256',
  /** What is deployed, as the records name it; list-pending's and halt's alone. */
  commit: 'ODIN_COMMIT',
  /** The address of the console's dashboard; halt's alone. Absent without a dashboard. */
  dashboardUrl: 'ODIN_DASHBOARD_URL',
  /** Ends a slice of a checkpointed migration after so many seconds, long before the function's time is over. */
  sliceSeconds: 'ODIN_SLICE_SECONDS',
  /** Saves a checkpoint that comes so many seconds after the last one, at the earliest; 0: each of them. */
  saveEverySeconds: 'ODIN_SAVE_EVERY_SECONDS',
  /** Where the ledger's S3 is, when it is not where the migration's own S3 is (the embedded default). */
  ledgerEndpoint: 'ODIN_LEDGER_ENDPOINT_URL',
  /** Set on the embedded AWS, and nowhere else. */
  local: 'ODIN_LOCAL',
  /** The function's own role, which a preview assumes again, narrowed to reading. */
  roleArn: 'ODIN_ROLE_ARN',
  /** What the migration's file allows in a preview besides reading from AWS (`previewAllows`), as JSON. */
  previewAllows: 'ODIN_PREVIEW_ALLOWS',
} as const;

/**
 * In a structured line that user code wrote: whose line it is. The fields beside it are user code's own, and one of them may be called
 * `migration` or `attempt`, too.
 */
export const RUN_FIELD = 'odin-migrate';

/** Outputs of an environment's stack, by which the command line finds a deployed environment. */
export const OUTPUTS = {
  stateMachineArn: 'StateMachineArn',
  ledgerBucket: 'LedgerBucketName',
  resumeFunction: 'ResumeFunctionName',
  topicArn: 'NotificationTopicArn',
  chatTopicArn: 'ChatTopicArn',
  dashboardUrl: 'DashboardUrl',
} as const;

export const SYSTEM_FUNCTIONS = [
  'list-pending',
  'record-completion',
  'halt',
  'resume',
  'baseline',
  'dashboard',
  'watch-halts',
  'start-run',
  'check-removals',
] as const;
export type SystemFunction = (typeof SYSTEM_FUNCTIONS)[number];

/** Those that the state machine may invoke. */
export const MACHINE_FUNCTIONS = ['list-pending', 'record-completion', 'halt'] as const satisfies SystemFunction[];

const PREFIX = 'odin-migrate';

/**
 * Which environment it is. `app` keeps the environments of several repositories in one account apart; without it, the name
 * alone does. Neither holds `--`, so that two pairs never make one name.
 */
export interface EnvironmentId {
  app?: string | undefined;
  environment: string;
}

/** `shop--odin-dev`, or `odin-dev` without an app: one text for one environment. */
export const qualifiedName = ({ app, environment }: EnvironmentId): string =>
  app === undefined ? environment : `${app}--${environment}`;

/** `shop--odin-dev`, or `odin-migrate-odin-dev` without an app; also the state machine's name */
export const resourcePrefix = (of: EnvironmentId): string =>
  of.app === undefined ? `${PREFIX}-${of.environment}` : qualifiedName(of);

/** `shop--odin-dev--halt`, or `odin-migrate-odin-dev-halt` without an app */
export const partName = (of: EnvironmentId, part: string): string =>
  `${resourcePrefix(of)}${of.app === undefined ? '-' : '--'}${part}`;

/** `shop--odin-dev--migrations`, or `OdinMigrate-odin-dev` without an app: of the stack that `odin-migrate synth` makes. */
export const stackName = (of: EnvironmentId): string =>
  of.app === undefined ? `OdinMigrate-${of.environment}` : partName(of, 'migrations');

/**
 * `shop--odin-dev--list-pending` (at most 64 characters); the dashboard's is `customWidget-shop--odin-dev`, the beginning that
 * AWS advises for widget functions, so that a viewer's permission can name them all (docs/aws-facts.md).
 */
export const systemFunctionName = (of: EnvironmentId, name: SystemFunction): string =>
  name === 'dashboard' ? `customWidget-${resourcePrefix(of)}` : partName(of, name);

/** `shop--odin-dev--0004` */
export const migrationFunctionName = (of: EnvironmentId, migration: string): string => partName(of, migration);

/**
 * `shop--odin-dev--0004--eu-west-1`, or `odin-odin-dev-0004-eu-west-1` without an app; at most 64 characters. Fixed, so that
 * the role can name itself in its own policies; with the region, because a role's name is unique in the whole account.
 */
export const migrationRoleName = (of: EnvironmentId, migration: string, region: string): string =>
  of.app === undefined
    ? `odin-${of.environment}-${migration}-${region}`
    : `${migrationFunctionName(of, migration)}--${region}`;

/** `/odin-migrate/shop--odin-dev/migrations`: what the migrations' functions log; `system`: what the others do */
export const logGroupName = (of: EnvironmentId, whose: 'migrations' | 'system'): string =>
  `/${PREFIX}/${qualifiedName(of)}/${whose}`;

/** Under which the parameters of all environments are. */
export const PARAMETERS = '/odin-migrate/';

/** `/odin-migrate/shop/odin-dev/`; a hyphen stands for the app of an environment without one, which no app is called. */
export const parameterPath = ({ app = '-', environment }: EnvironmentId): string =>
  `${PARAMETERS}${app}/${environment}/`;

/**
 * Of a parameter of SSM. `claim` and `ledger` stay when the stack goes; `registration` is where the commands look.
 * `/odin-migrate/shop/odin-dev/claim`
 */
export const parameterName = (of: EnvironmentId, name: 'claim' | 'ledger' | 'registration'): string =>
  `${parameterPath(of)}${name}`;

/** Which environment a parameter is of; undefined when it is none of ours. */
export function environmentOfParameter(name: string): EnvironmentId | undefined {
  const [, app, environment] = /^\/odin-migrate\/([^/]+)\/([^/]+)\/[^/]+$/.exec(name) ?? [];
  return environment === undefined ? undefined : { app: app === '-' ? undefined : app, environment };
}

/** The metric of `watch-halts`, with the environment's qualified name as its dimension. */
export const HALT_METRIC = { namespace: PREFIX, name: 'OpenHaltHours', dimension: 'Environment' } as const;

/**
 * `deploy-` and the id of CloudFormation's request: the name of the execution that a deployment starts. A repeated request then starts
 * one, and every deployment that asks for a run has one of its own.
 */
export const deployedExecutionName = (requestId: string): string =>
  `deploy-${requestId.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`.slice(0, 80);

/**
 * `continue-00000045`: the fixed name of the execution that carries a run on in place of another, from entry 45 of the log on.
 * Fixed, so that two deliveries of one decision, or a repeated handover, start one execution (docs/aws-facts.md: names are
 * unique for 90 days). `tries` above 1: the executions of the names before it have ended.
 */
export const continuingExecutionName = (entry: number, tries = 1): string =>
  `continue-${pad(entry, 8)}${tries === 1 ? '' : `-${tries}`}`;

/**
 * Whether an execution may be handed a run by another: it carries on from a later entry, or under a later name of the same one. A run
 * is handed on in that order alone, so that no two executions leave it to each other.
 * @param arn any execution's ARN; one that carries nothing on comes before all that do
 */
export function carriesOnAfter(arn: string, other: string): boolean {
  const [entry, tries] = placeOf(arn);
  const [otherEntry, otherTries] = placeOf(other);
  return entry > otherEntry || (entry === otherEntry && tries > otherTries);
}

function placeOf(arn: string): [entry: number, tries: number] {
  const found = /^continue-(\d+)(?:-(\d+))?$/.exec(executionName(arn));
  return found ? [Number(found[1]), Number(found[2] ?? 1)] : [-1, 1];
}

/** The last part of an execution's ARN. */
export const executionName = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1);

/** The region of an ARN; empty of what has none. */
export const regionOf = (arn: string): string => arn.split(':')[3] ?? '';

export const accountOf = (arn: string): string => arn.split(':')[4] ?? '';

/** ARN of another execution of the same state machine. */
export const siblingExecution = (arn: string, name: string): string =>
  `${arn.slice(0, arn.lastIndexOf(':') + 1)}${name}`;

export const pad = (value: number, width: number): string => String(value).padStart(width, '0');

export const DECISIONS = ['retry', 'mark-applied', 'skip', 'abort'] as const;
/** What an operator says to a halt. */
export type Decision = (typeof DECISIONS)[number];
