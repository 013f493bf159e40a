// The stack of one environment, as `odin-migrate synth` and the embedded AWS make it: nothing but the construct, and outputs.
import { CfnOutput, type Environment, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { OUTPUTS, qualifiedName, stackName, systemFunctionName } from '../core/names/names.ts';
import { configurationOf } from '../project/configuration.ts';
import type { Project } from '../project/project.ts';
import { configuredProps, configuredPropsHere } from './configured-props.ts';
import { given } from './functions.ts';
import type { InternalProps } from './migrations.ts';
import { Migrations } from './migrations.ts';

export interface EnvironmentStackProps {
  environment: string;
  project: Project;
  /** Where it goes; the CDK CLI's current account and region when left out. */
  env?: Environment | undefined;
  /** More variables, which go before those of odin-migrate.json. */
  variables?: Record<string, string> | undefined;
  plan?: InternalProps['plan'];
  commit?: string | undefined;
  /** Nothing is there but what it makes, nothing is emptied, and a file may ask for what only the team's app grants. */
  onThisMachine?: boolean | undefined;
}

export class EnvironmentStack extends Stack {
  readonly migrations: Migrations;

  constructor(
    scope: Construct,
    { environment, project, env = {}, variables, plan, commit, onThisMachine = false }: EnvironmentStackProps,
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
      ...(onThisMachine ? configuredPropsHere(this, settings) : configuredProps(this, environment, settings)),
      variables,
      project,
      plan,
      commit,
      onThisMachine,
    };
    // The id is left out of logical ids: they are those of the parts.
    this.migrations = new Migrations(this, 'Default', props);
    const { stateMachine, ledger, topic, chatTopic, dashboardUrl } = this.migrations;
    const outputs = {
      [OUTPUTS.stateMachineArn]: stateMachine.stateMachineArn,
      [OUTPUTS.ledgerBucket]: ledger.bucketName,
      [OUTPUTS.resumeFunction]: systemFunctionName(of, 'resume'),
      [OUTPUTS.topicArn]: topic.topicArn,
      ...given({ [OUTPUTS.chatTopicArn]: chatTopic?.topicArn, [OUTPUTS.dashboardUrl]: dashboardUrl }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
