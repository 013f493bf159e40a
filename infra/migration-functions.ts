// One function and one role for each migration: what its file asks for, and its own part of the ledger.
import { Duration, Stack, Tags } from 'aws-cdk-lib';
import { AccountRootPrincipal, ManagedPolicy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { EnvironmentId } from '../core/names/names.ts';
import {
  migrationFunctionName,
  migrationRoleName,
  partName,
  systemFunctionName,
  VARIABLES,
} from '../core/names/names.ts';
import type { Bundles } from '../project/bundle.ts';
import type { EnvironmentConfiguration } from '../project/configuration.ts';
import type { InspectedMigration } from '../project/inspect.ts';
import { allow, commonProps, commonVariables, deny, functionArn, functionRole, withValues } from './functions.ts';
import { ledgerStatements } from './ledger-access.ts';
import { LEDGER_TAG, MIGRATION_TAG } from './ledger-bucket.ts';
import type { MachineNames } from './state-machine.ts';

export interface MigrationFunctionsProps extends EnvironmentId {
  ledger: Bucket;
  machine: MachineNames;
  logGroup: LogGroup;
  /** Ascending by id. */
  migrations: Bundles<InspectedMigration>['migrations'];
  configuration: EnvironmentConfiguration;
}

export function createMigrationFunctions(scope: Construct, props: MigrationFunctionsProps): LambdaFunction[] {
  const limits = leaveTheRunAlone(scope, props, props.machine);
  return props.migrations.map((migration) => createMigrationFunction(scope, props, migration, limits));
}

function createMigrationFunction(
  scope: Construct,
  props: MigrationFunctionsProps,
  migration: MigrationFunctionsProps['migrations'][number],
  limits: ManagedPolicy,
): LambdaFunction {
  const { ledger, logGroup, configuration } = props;
  const { id, bundle, previewAllows } = migration;
  const stack = Stack.of(scope);
  const roleName = migrationRoleName(props, id, stack.region);
  const roleArn = stack.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: roleName });
  const role = functionRole(
    scope,
    `Migration${id}Role`,
    logGroup,
    [
      ...ledgerStatements(ledger, 'migration', id),
      allow(['sts:AssumeRole'], [roleArn]),
      ...migration.permissions.map((statement) => PolicyStatement.fromJson(statement)),
    ],
    { roleName, managedPolicies: [limits] },
  );
  letAssumeItself(role, roleArn);
  Tags.of(role).add(MIGRATION_TAG, id);
  Tags.of(role).add(LEDGER_TAG, ledger.bucketName);
  return new LambdaFunction(scope, `Migration${id}`, {
    ...commonProps(bundle, logGroup),
    functionName: migrationFunctionName(props, id),
    description: migration.description ?? `Migration ${id} of ${props.environment}`,
    role: role.withoutPolicyUpdates(),
    timeout: Duration.seconds(migration.timeoutSeconds),
    memorySize: migration.memoryMB,
    environment: {
      ...configuration.variables,
      ...migration.variables,
      ...commonVariables(props, ledger),
      ...withValues({
        [VARIABLES.migration]: id,
        [VARIABLES.codeSha256]: bundle.codeSha256,
        [VARIABLES.roleArn]: roleArn,
        [VARIABLES.previewAllows]: previewAllows.length > 0 ? JSON.stringify(previewAllows) : undefined,
      }),
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

/**
 * Whatever its own permissions say, a migration starts no run, answers no halt and decides nothing. One policy for all of them:
 * in each role it would not fit into the template. By patterns, which match the migrations' functions too.
 */
const leaveTheRunAlone = (scope: Construct, of: EnvironmentId, machine: MachineNames): ManagedPolicy =>
  new ManagedPolicy(scope, 'MigrationLimits', {
    description: `What no migration of ${of.environment} may do, whatever its file asks for`,
    statements: [
      deny(
        ['lambda:*'],
        [partName(of, '*'), systemFunctionName(of, 'dashboard'), `${systemFunctionName(of, 'dashboard')}:*`].map(
          (name) => functionArn(scope, name),
        ),
      ),
      deny(['states:*'], [machine.arn, machine.executions]), // the history too: task tokens are in it (docs/aws-facts.md)
      // On everything: such a request has a token, and names no machine.
      deny(['states:SendTask*'], ['*']),
    ],
  });
