// The stack of one environment, as `odin-migrate synth` and the embedded AWS make it: nothing but the construct, and outputs.
import { CfnOutput, Duration, type Environment, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EmailSubscription, UrlSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { OUTPUTS, qualifiedName, stackName, systemFunctionName } from '../core/names/names.ts';
import type { StackConfiguration } from '../project/configuration.ts';
import { configurationOf } from '../project/configuration.ts';
import type { Permission } from '../project/permission.ts';
import type { Project } from '../project/project.ts';
import { given } from './functions.ts';
import type { Migration } from './migration.ts';
import type { InternalProps, MigrationsProps } from './migrations.ts';
import { Migrations } from './migrations.ts';

export interface EnvironmentStackProps {
  environment: string;
  project: Project;
  /** Where it goes; the CDK CLI's current account and region when left out. */
  env?: Environment | undefined;
  /** More variables, which go before those of odin-migrate.json. */
  variables?: Record<string, string> | undefined;
  plan?: InternalProps['plan'];
  /** Nothing is emptied there, and a file may ask for what only the team's app grants. */
  onThisMachine?: boolean | undefined;
}

export class EnvironmentStack extends Stack {
  readonly migrations: Migrations;

  constructor(
    scope: Construct,
    { environment, project, env = {}, variables, plan, onThisMachine = false }: EnvironmentStackProps,
  ) {
    const { configuration } = project;
    const settings = configurationOf(configuration, environment).stack;
    const of = { app: configuration.app, environment };
    super(scope, stackName(of), {
      stackName: stackName(of), // in a Stage too, where the commands look for it
      description: `odin-migrate: one-time operations of ${qualifiedName(of)}`,
      suppressTemplateIndentation: true, // 220 migrations indented are over CloudFormation's 1 MB
      terminationProtection: settings.removalPolicy !== 'destroy', // with the ledger gone, everything would be pending again
      env,
    });
    const props: InternalProps = {
      environmentName: environment,
      ...propsOf(onThisMachine ? { ...settings, removalPolicy: 'retain' } : settings),
      variables,
      project,
      plan,
      anyAccess: onThisMachine,
    };
    // The id is left out of logical ids: they are those of the parts.
    this.migrations = new Migrations(this, 'Default', props);
    const { stateMachine, ledger, topic, dashboardUrl } = this.migrations;
    const outputs = {
      [OUTPUTS.stateMachineArn]: stateMachine.stateMachineArn,
      [OUTPUTS.ledgerBucket]: ledger.bucketName,
      [OUTPUTS.resumeFunction]: systemFunctionName(of, 'resume'),
      [OUTPUTS.topicArn]: topic.topicArn,
      ...given({ [OUTPUTS.dashboardUrl]: dashboardUrl }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

/** What odin-migrate.json can say of a stack, as props. */
const propsOf = ({
  notify,
  logRetentionDays,
  haltAlarmHours,
  access,
  removalPolicy,
  ...same
}: StackConfiguration): Partial<MigrationsProps> => ({
  ...same,
  subscriptions: notify.map((address) =>
    address.startsWith('mailto:')
      ? new EmailSubscription(address.slice('mailto:'.length))
      : new UrlSubscription(address),
  ),
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- one of CloudWatch Logs' own values, as a number
  logRetention: logRetentionDays,
  haltAlarmAfter: Duration.minutes(haltAlarmHours * 60),
  access: Object.fromEntries(
    Object.entries(access).map(([name, statements]) => [
      name,
      (migration: Migration) => allowAll(migration, statements),
    ]),
  ),
  removalPolicy: removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : undefined,
});

function allowAll({ grantPrincipal }: Migration, statements: readonly Permission[]): void {
  for (const statement of statements) grantPrincipal.addToPrincipalPolicy(PolicyStatement.fromJson(statement));
}
