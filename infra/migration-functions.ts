// One function and one role for each migration: what its file asks for, and its own part of the ledger.
import { Duration, Stack, Tags } from 'aws-cdk-lib';
import { AccountRootPrincipal, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { keys, prefixes } from '../core/ledger/keys.ts';
import { migrationFunctionName, migrationRoleName, VARIABLES } from '../core/names/names.ts';
import type { Bundles } from '../project/bundle.ts';
import type { EnvironmentConfiguration } from '../project/configuration.ts';
import type { InspectedMigration } from '../project/inspect.ts';
import { allow, commonProps, commonVariables, functionRole } from './functions.ts';
import { MIGRATION_TAG } from './ledger-bucket.ts';

export interface MigrationFunctionsProps {
  environment: string;
  ledger: Bucket;
  logGroup: LogGroup;
  /** Ascending by id. */
  migrations: Bundles<InspectedMigration>['migrations'];
  configuration: EnvironmentConfiguration;
}

export const createMigrationFunctions = (scope: Construct, props: MigrationFunctionsProps): LambdaFunction[] =>
  props.migrations.map((migration, index) =>
    createMigrationFunction(scope, props, migration, props.migrations[index - 1]?.id),
  );

function createMigrationFunction(
  scope: Construct,
  { environment, ledger, logGroup, configuration }: MigrationFunctionsProps,
  migration: MigrationFunctionsProps['migrations'][number],
  predecessor: string | undefined,
): LambdaFunction {
  const { id, bundle, previewAllows } = migration;
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
    { roleName },
  );
  letAssumeItself(role, roleArn);
  Tags.of(role).add(MIGRATION_TAG, id);
  return new LambdaFunction(scope, `Migration${id}`, {
    ...commonProps(bundle, logGroup),
    functionName: migrationFunctionName(environment, id),
    description: migration.description ?? `Migration ${id} of ${environment}`,
    role: role.withoutPolicyUpdates(),
    timeout: Duration.seconds(migration.timeoutSeconds),
    memorySize: migration.memoryMB,
    environment: {
      ...configuration.variables,
      ...migration.variables,
      ...commonVariables(environment, ledger),
      ...withValues({
        [VARIABLES.migration]: id,
        [VARIABLES.predecessor]: predecessor,
        [VARIABLES.sourceSha256]: migration.sourceSha256,
        [VARIABLES.codeSha256]: bundle.codeSha256,
        [VARIABLES.clockMarginSeconds]: String(configuration.clockMarginSeconds),
        [VARIABLES.roleArn]: roleArn,
        [VARIABLES.previewAllows]: previewAllows.length > 0 ? JSON.stringify(previewAllows) : undefined,
      }),
    },
  });
}

const withValues = (variables: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined));

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
        ...['started.json', 'slices/*.json', 'finished.json'].map((name) => `${own}/${name}`),
        keys.checkpoint(id),
      ),
    ),
  ];
}
