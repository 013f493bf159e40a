// One function and one role for each migration: what its file asks for, and its own part of the ledger.
import { Duration, Size, Stack, Tags } from 'aws-cdk-lib';
import type { Connections, IConnectable, ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IGrantable, IPrincipal, IRole, PrincipalPolicyFragment, RoleProps } from 'aws-cdk-lib/aws-iam';
import { AccountRootPrincipal, AnyPrincipal, Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Function as LambdaFunction, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { OdinError } from '../core/errors.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import {
  migrationFunctionName,
  migrationRoleName,
  partName,
  systemFunctionName,
  VARIABLES,
} from '../core/names/names.ts';
import type { Bundles } from '../project/bundle.ts';
import type { InspectedMigration } from '../project/inspect.ts';
import { isAscii } from '../project/inspect.ts';
import type { FunctionSettings } from './functions.ts';
import {
  allow,
  ARCHITECTURES,
  commonProps,
  commonVariables,
  deny,
  ENVIRONMENT_TAG,
  functionArn,
  FunctionRole,
  given,
  migrationRoleArn,
} from './functions.ts';
import { ledgerStatements } from './ledger-access.ts';
import { MIGRATION_TAG } from './ledger-bucket.ts';
import type { MachineNames } from './state-machine.ts';

/**
 * A migration of an environment, as it is deployed. What is granted to it lands in the inline policy of its role; its connections
 * are those of the security groups that all migrations of the environment share.
 */
export interface DeployedMigration extends IGrantable, IConnectable {
  /** The four digits of its file. */
  readonly id: string;
  /** Relative to the project: `migrations/odin-dev/0004.ts`. */
  readonly file: string;
  readonly function: IFunction;
  readonly role: IRole;
}

/** Where the functions of migrations are. */
export interface Network {
  vpc: IVpc;
  vpcSubnets: SubnetSelection | undefined;
  securityGroups: ISecurityGroup[];
}

export interface MigrationFunctionsProps extends EnvironmentId, FunctionSettings {
  machine: MachineNames;
  network: Network | undefined;
  /** Ascending by id. */
  migrations: Bundles<InspectedMigration>['migrations'];
  /** Of every migration; those of a file go before. */
  variables: Record<string, string>;
}

/** A migration, and what its file says. */
export interface MadeMigration {
  migration: DeployedMigration;
  lambda: LambdaFunction;
  file: InspectedMigration;
}

export function createMigrations(scope: Construct, props: MigrationFunctionsProps): MadeMigration[] {
  const limits = leaveTheRunAlone(scope, props);
  return props.migrations.map((file) => createMigration(scope, props, file, limits));
}

function createMigration(
  scope: Construct,
  props: MigrationFunctionsProps,
  file: MigrationFunctionsProps['migrations'][number],
  limits: ManagedPolicy,
): MadeMigration {
  const { ledger, network, variables } = props;
  const { id, bundle, previewAllows } = file;
  const roleName = migrationRoleName(props, id, Stack.of(scope).region);
  const roleArn = migrationRoleArn(scope, props, id);
  const statements = [
    ...ledgerStatements(ledger, 'migration', id),
    allow(['sts:AssumeRole'], [roleArn]),
    ...(network ? [allow(NETWORK_INTERFACES, ['*'])] : []), // has no resources to name
    ...file.permissions.map((statement) => PolicyStatement.fromJson(statement)),
  ];
  const role = new MigrationRole(scope, `Migration${id}Role`, props, roleArn, statements, {
    roleName,
    managedPolicies: [limits],
  });
  Tags.of(role).add(MIGRATION_TAG, id);
  const lambda = new LambdaFunction(scope, `Migration${id}`, {
    ...commonProps(scope, bundle, props),
    ...given({ vpc: network?.vpc, vpcSubnets: network?.vpcSubnets, securityGroups: network?.securityGroups }),
    functionName: migrationFunctionName(props, id),
    description: descriptionOf(file) ?? `Migration ${id} of ${props.environment}`,
    role,
    timeout: Duration.seconds(file.timeoutSeconds),
    memorySize: file.memoryMB,
    ...given({
      architecture: file.architecture && ARCHITECTURES[file.architecture],
      ephemeralStorageSize: file.ephemeralStorageMB === undefined ? undefined : Size.mebibytes(file.ephemeralStorageMB),
      layers: layersOf(scope, file),
    }),
    environment: {
      ...variables,
      ...file.variables,
      ...commonVariables(props, ledger),
      ...given({
        [VARIABLES.migration]: id,
        [VARIABLES.codeSha256]: bundle.codeSha256,
        [VARIABLES.roleArn]: roleArn,
        [VARIABLES.previewAllows]: previewAllows.length > 0 ? JSON.stringify(previewAllows) : undefined,
      }),
    },
  });
  return { migration: migrationOf(id, file.file, lambda, role), lambda, file };
}

const layersOf = (scope: Construct, { id, layers }: InspectedMigration) =>
  layers.length === 0
    ? undefined
    : layers.map((arn, index) => LayerVersion.fromLayerVersionArn(scope, `Migration${id}Layer${index + 1}`, arn));

/** What people read is in the manifest: the template is kept ASCII (docs/aws-facts.md). */
const descriptionOf = ({ description }: InspectedMigration): string | undefined =>
  description !== undefined && isAscii(description) ? description : undefined;

const migrationOf = (id: string, file: string, lambda: LambdaFunction, role: IRole): DeployedMigration => ({
  id,
  file,
  function: lambda,
  role,
  grantPrincipal: role,
  get connections(): Connections {
    if (lambda.isBoundToVpc) return lambda.connections;
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `Migration ${id} has no connections: it is in no VPC.`,
      next: 'Give the construct the vpc of what it has to reach.',
    });
  },
});

/** What Lambda needs of a function's role to put the function into a VPC. */
const NETWORK_INTERFACES = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

class MigrationRole extends FunctionRole {
  override readonly grantPrincipal: IPrincipal = this;
  /**
   * In the policy of something else it is known by its name. By a reference, that would need the role, whose own inline policy
   * may need it: a secret with a key of its own, whose policy CDK adds to, would be a circle.
   */
  override readonly policyFragment: PrincipalPolicyFragment;

  constructor(
    scope: Construct,
    id: string,
    settings: FunctionSettings,
    roleArn: string,
    statements: PolicyStatement[],
    more: Pick<RoleProps, 'roleName' | 'managedPolicies'>,
  ) {
    super(scope, id, settings, statements, more);
    const itself = { ArnEquals: { 'aws:PrincipalArn': roleArn } };
    this.policyFragment = new AnyPrincipal().withConditions(itself).policyFragment;
    // A preview takes a session of the function's role that a session policy narrows to reading. A role may assume itself only
    // if it says so; it is named by a condition, because a policy cannot name a principal that is not there yet.
    this.assumeRolePolicy?.addStatements(
      new PolicyStatement({
        sid: 'PreviewAssumesItself',
        actions: ['sts:AssumeRole'],
        principals: [new AccountRootPrincipal()],
        conditions: itself,
      }),
    );
  }
}

/** A managed policy has no tags, and can be told from others by its path alone. */
const LIMITS_PATH = '/odin-migrate/';

/**
 * Whatever its own permissions say, a migration starts no run, answers no halt and decides nothing, and silences nobody who would
 * tell of it. One policy for all of them: in each role it would not fit into the template. By patterns, which match the migrations'
 * functions too.
 */
function leaveTheRunAlone(scope: Construct, { ledger, machine, ...of }: MigrationFunctionsProps): ManagedPolicy {
  const stack = Stack.of(scope);
  const { encryptionKey } = ledger;
  return new ManagedPolicy(scope, 'MigrationLimits', {
    description: `What no migration of ${of.environment} may do, whatever its file asks for`,
    path: LIMITS_PATH,
    statements: [
      deny(
        ['lambda:*'],
        [partName(of, '*'), systemFunctionName(of, 'dashboard'), `${systemFunctionName(of, 'dashboard')}:*`].map(
          (name) => functionArn(scope, name),
        ),
      ),
      // The history too: task tokens are in it (docs/aws-facts.md). After a colon: versions and aliases.
      deny(['states:*'], [machine.arn, `${machine.arn}:*`, machine.executions, machine.mapRuns, machine.runsOfMaps]),
      // On everything: such a request has a token, and names no machine.
      deny(['states:SendTask*'], ['*']),
      // Of other environments too, whose names nobody here knows: their parts carry a tag.
      new PolicyStatement({
        effect: Effect.DENY,
        actions: [
          ...['lambda:*', 'states:*', 'iam:*', 'ssm:*', 'events:*', 'cloudwatch:*'],
          // What a function of ours needs to log and to publish stays: it is its own role's, and may be granted to a migration.
          ...['logs:Delete*', 'logs:PutRetentionPolicy', 'logs:Untag*'],
          ...['sns:DeleteTopic', 'sns:SetTopicAttributes', 'sns:RemovePermission', 'sns:UntagResource'],
        ],
        resources: ['*'],
        conditions: { Null: { [`aws:ResourceTag/${ENVIRONMENT_TAG}`]: 'false' } },
      }),
      // A tag does not keep a role from being passed (docs/aws-facts.md). Those of ours trust these two services.
      new PolicyStatement({
        effect: Effect.DENY,
        actions: ['iam:PassRole'],
        resources: ['*'],
        conditions: { StringEquals: { 'iam:PassedToService': ['lambda.amazonaws.com', 'states.amazonaws.com'] } },
      }),
      // This policy, and that of each other environment.
      deny(['iam:*'], [stack.formatArn({ service: 'iam', region: '', resource: `policy${LIMITS_PATH}*` })]),
      // With the role that the stack was deployed with, and without passing it.
      deny(
        ['Update*', 'Delete*', '*ChangeSet*', '*Rollback*', 'Cancel*', 'Set*'].map((name) => `cloudformation:${name}`),
        [stack.stackId],
      ),
      // A key that is gone takes the ledger with it.
      ...(encryptionKey
        ? [
            deny(
              ['Put*', 'Disable*', 'Delete*', 'Revoke*', 'Retire*', 'Schedule*', 'Update*'].map(
                (name) => `kms:${name}`,
              ),
              [encryptionKey.keyArn],
            ),
          ]
        : []),
    ],
  });
}
