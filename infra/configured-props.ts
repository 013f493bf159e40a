// What odin-migrate.json says of a stack, as props of the construct.
import { Annotations, Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import type { ISubnet, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { SecurityGroup, Subnet, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, UrlSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { OdinError } from '../core/errors.ts';
import type { StackConfiguration } from '../project/configuration.ts';
import { CONFIGURATION_FILE } from '../project/configuration.ts';
import type { Permission } from '../project/permission.ts';
import { ARCHITECTURES, given } from './functions.ts';
import type { DeployedMigration } from './migration.ts';
import type { MigrationsProps } from './migrations.ts';
import { createTopic } from './topic.ts';

/**
 * @param scope the stack: what is named by an ARN, an id or a tag becomes a construct in it
 * @throws OdinError BadConfiguration when a VPC is to be looked up, and it is not known where
 */
export function configuredProps(
  scope: Construct,
  environment: string,
  settings: StackConfiguration,
): Partial<MigrationsProps> {
  const encryptionKey =
    settings.encryptionKey === undefined ? undefined : Key.fromKeyArn(scope, 'EncryptionKey', settings.encryptionKey);
  const elsewhere = (id: string, topicArn: string | undefined): ITopic | undefined =>
    topicArn === undefined || topicArn === 'own'
      ? undefined
      : Topic.fromTopicAttributes(scope, id, { topicArn, ...given({ keyArn: settings.topicKey }) });
  return {
    ...configuredPropsHere(scope, settings, encryptionKey),
    ...networkOf(scope, environment, settings),
    runOnDeploy: settings.runOnDeploy,
    ...given({
      topic: elsewhere('OperatorsTopic', settings.topic),
      chatTopic: elsewhere(CHAT_TOPIC, settings.chatTopic),
      encryptionKey,
      existingLedgerBucketName: settings.existingLedgerBucketName,
      removalPolicy: settings.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : undefined,
    }),
  };
}

const CHAT_TOPIC = 'ChatNotifications';

/**
 * On this machine: without what was made elsewhere, in a VPC or not, and with a ledger of its own that is kept. `local` starts the run
 * itself.
 */
export const configuredPropsHere = (
  scope: Construct,
  settings: StackConfiguration,
  encryptionKey?: IKey,
): Partial<MigrationsProps> => ({
  alarms: settings.alarms,
  dashboard: settings.dashboard,
  chatTopic: settings.chatTopic === 'own' ? createTopic(scope, CHAT_TOPIC, encryptionKey) : undefined,
  architecture: ARCHITECTURES[settings.architecture],
  runtime: RUNTIMES[settings.runtime],
  tracing: TRACINGS[settings.tracing],
  subscriptions: settings.notify.map((address) =>
    address.startsWith('mailto:')
      ? new EmailSubscription(address.slice('mailto:'.length))
      : new UrlSubscription(address),
  ),
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- one of CloudWatch Logs' own values, as a number
  logRetention: settings.logRetentionDays,
  haltAlarmAfter: Duration.minutes(settings.haltAlarmHours * 60),
  access: Object.fromEntries(
    Object.entries(settings.access).map(([name, statements]) => [
      name,
      (migration: DeployedMigration) => allowAll(migration, statements),
    ]),
  ),
});

const RUNTIMES = { 'nodejs24.x': Runtime.NODEJS_24_X, 'nodejs22.x': Runtime.NODEJS_22_X };
const TRACINGS = { active: Tracing.ACTIVE, 'pass-through': Tracing.PASS_THROUGH, disabled: Tracing.DISABLED };

function allowAll({ grantPrincipal }: DeployedMigration, statements: readonly Permission[]): void {
  for (const statement of statements) grantPrincipal.addToPrincipalPolicy(PolicyStatement.fromJson(statement));
}

type NetworkProps = Pick<MigrationsProps, 'vpc' | 'vpcSubnets' | 'securityGroups'>;

function networkOf(scope: Construct, environment: string, settings: StackConfiguration): NetworkProps {
  const { vpcSubnets, securityGroups = [] } = settings;
  return {
    vpc: vpcOf(scope, environment, settings),
    vpcSubnets: vpcSubnets && subnetsOf(scope, vpcSubnets),
    securityGroups: securityGroups.map((id) => SecurityGroup.fromSecurityGroupId(scope, id, id, { mutable: false })),
  };
}

function vpcOf(scope: Construct, environment: string, { vpc, vpcSubnets }: StackConfiguration): IVpc | undefined {
  if (!vpc) return undefined;
  // With the subnets, its id is all that the template says of it. CDK wants a zone, and nothing asks for that.
  if (vpc.id !== undefined && vpcSubnets?.ids) {
    return Vpc.fromVpcAttributes(scope, 'Vpc', { vpcId: vpc.id, availabilityZones: ['any'] });
  }
  const { account, region } = Stack.of(scope);
  if (Token.isUnresolved(account) || Token.isUnresolved(region)) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `${CONFIGURATION_FILE}, environments.${environment}.stack.vpc: it is not known in which account and region the VPC is looked up.`,
      next: `Say account and region in environments.${environment}, or the VPC by its id and its subnets by theirs (vpcSubnets.ids).`,
    });
  }
  return Vpc.fromLookup(scope, 'Vpc', given({ vpcId: vpc.id, vpcName: vpc.name, tags: vpc.tags }));
}

function subnetsOf(
  scope: Construct,
  { ids, group, type }: NonNullable<StackConfiguration['vpcSubnets']>,
): SubnetSelection {
  if (ids) return { subnets: ids.map((id) => subnetOf(scope, id)) };
  return given({ subnetGroupName: group, subnetType: type && SubnetType[type] });
}

function subnetOf(scope: Construct, id: string): ISubnet {
  const subnet = Subnet.fromSubnetId(scope, id, id);
  Annotations.of(subnet).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId'); // nothing routes here
  return subnet;
}
