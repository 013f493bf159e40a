// The environment's Lambda functions, each with a role of its own that allows what it needs and no more.
import { Duration, Stack, Tags } from 'aws-cdk-lib';
import {
  AccountRootPrincipal,
  Effect,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { keys, prefixes } from '../core/ledger/keys.ts';
import { migrationFunctionName, migrationRoleName, systemFunctionName, VARIABLES } from '../core/names/names.ts';
import type { SystemFunction } from '../core/names/names.ts';
import type { Bundle } from '../project/bundle.ts';
import type { InspectedMigration } from '../project/inspect.ts';
import { MIGRATION_TAG } from './ledger-bucket.ts';

const SYSTEM_MEMORY_MB = 512;
const SYSTEM_TIMEOUT = Duration.seconds(90);

export interface Common {
  environment: string;
  ledger: Bucket;
  bundle: Bundle;
  logGroup: LogGroup;
}

export function createSystemFunction(
  scope: Construct,
  name: SystemFunction,
  {
    environment,
    ledger,
    bundle,
    logGroup,
    statements,
    variables,
  }: Common & { statements: PolicyStatement[]; variables: Record<string, string> },
): { lambda: LambdaFunction; role: Role } {
  const id = name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
  const role = functionRole(scope, `${id}Role`, logGroup, [...readLedger(ledger), ...statements]);
  const lambda = new LambdaFunction(scope, id, {
    ...commonProps(bundle, logGroup),
    functionName: systemFunctionName(environment, name),
    role: role.withoutPolicyUpdates(),
    timeout: SYSTEM_TIMEOUT,
    memorySize: SYSTEM_MEMORY_MB,
    environment: { ...commonVariables(environment, ledger), ...variables },
  });
  return { lambda, role };
}

export function createMigrationFunction(
  scope: Construct,
  {
    environment,
    ledger,
    bundle,
    logGroup,
    migration,
    predecessor,
    clockMarginSeconds,
    variables,
  }: Common & {
    migration: InspectedMigration;
    predecessor: string | undefined;
    clockMarginSeconds: number;
    variables: Record<string, string>;
  },
): LambdaFunction {
  const { id } = migration;
  const stack = Stack.of(scope);
  const roleName = migrationRoleName(environment, id, stack.region);
  const roleArn = stack.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: roleName });
  const role = functionRole(
    scope,
    `Migration${id}Role`,
    logGroup,
    [
      ...writeOwnPart(ledger, id, predecessor),
      allow(['sts:AssumeRole'], [roleArn]),
      ...migration.permissions.map((statement) => PolicyStatement.fromJson(statement)),
    ],
    roleName,
  );
  letAssumeItself(role, roleArn);
  Tags.of(role).add(MIGRATION_TAG, id);
  return new LambdaFunction(scope, `Migration${id}`, {
    ...commonProps(bundle, logGroup),
    functionName: migrationFunctionName(environment, id),
    ...(migration.description !== undefined && { description: migration.description }),
    role: role.withoutPolicyUpdates(),
    timeout: Duration.seconds(migration.timeoutSeconds),
    memorySize: migration.memoryMB,
    environment: {
      ...variables,
      ...migration.variables,
      ...commonVariables(environment, ledger),
      [VARIABLES.migration]: id,
      ...(predecessor !== undefined && { [VARIABLES.predecessor]: predecessor }),
      [VARIABLES.sourceSha256]: migration.sourceSha256,
      [VARIABLES.codeSha256]: bundle.codeSha256,
      [VARIABLES.clockMarginSeconds]: String(clockMarginSeconds),
      [VARIABLES.roleArn]: roleArn,
      ...(migration.previewAllows.length > 0 && {
        [VARIABLES.previewAllows]: JSON.stringify(migration.previewAllows),
      }),
    },
  });
}

export const allow = (actions: string[], resources: string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions, resources });

const commonProps = (bundle: Bundle, logGroup: LogGroup) => ({
  runtime: Runtime.NODEJS_24_X,
  architecture: Architecture.ARM_64,
  handler: 'index.handler',
  code: Code.fromAsset(bundle.directory),
  tracing: Tracing.ACTIVE,
  logGroup,
});

const commonVariables = (environment: string, ledger: Bucket) => ({
  [VARIABLES.environment]: environment,
  [VARIABLES.ledgerBucket]: ledger.bucketName,
  NODE_OPTIONS: '--enable-source-maps',
});

/** Inline policies and no separate ones: two resources per function, of the 500 that a template may have. */
function functionRole(
  scope: Construct,
  id: string,
  logGroup: LogGroup,
  statements: PolicyStatement[],
  roleName?: string,
): Role {
  return new Role(scope, id, {
    ...(roleName !== undefined && { roleName }),
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: {
      logs: new PolicyDocument({
        statements: [
          allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]),
          // X-Ray has no resources to name.
          allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*']),
        ],
      }),
      function: new PolicyDocument({ statements }),
    },
  });
}

/**
 * A preview takes a session of the function's role that a session policy narrows to reading. A role may assume itself only
 * if it says so; it is named by a condition, because a policy cannot name a principal that is not there yet.
 */
const letAssumeItself = (role: Role, roleArn: string): void =>
  role.assumeRolePolicy?.addStatements(
    new PolicyStatement({
      sid: 'PreviewAssumesItself',
      actions: ['sts:AssumeRole'],
      principals: [new AccountRootPrincipal()],
      conditions: { ArnEquals: { 'aws:PrincipalArn': roleArn } },
    }),
  );

/** Listing is allowed so that a missing key answers 404; without it S3 answers 403 (docs/aws-facts.md). */
const readLedger = (ledger: Bucket): PolicyStatement[] => [
  allow(['s3:ListBucket'], [ledger.bucketArn]),
  allow(['s3:GetObject'], [ledger.arnForObjects('*')]),
];

function writeOwnPart(ledger: Bucket, id: string, predecessor: string | undefined): PolicyStatement[] {
  const own = `${prefixes.attempts(id)}*`;
  const objects = (...patterns: string[]) => patterns.map((pattern) => ledger.arnForObjects(pattern));
  const completions = [id, ...(predecessor === undefined ? [] : [predecessor])].map(keys.completed);
  return [
    allow(['s3:ListBucket'], [ledger.bucketArn]),
    allow(['s3:GetObject'], objects(own, keys.checkpoint(id), ...completions)),
    allow(
      ['s3:PutObject'],
      objects(
        ...['started.json', 'slices/*.json', 'finished.json', 'out-of-time.json'].map((name) => `${own}/${name}`),
        keys.checkpoint(id),
      ),
    ),
  ];
}
