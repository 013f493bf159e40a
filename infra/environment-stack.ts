// One environment: its ledger, functions, state machine and notification topic.
import { Annotations, ArnFormat, CfnOutput, RemovalPolicy, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import {
  MACHINE_FUNCTIONS,
  migrationLogGroup,
  OUTPUTS,
  resourcePrefix,
  stackName,
  systemFunctionName,
  VARIABLES,
} from '../core/names/names.ts';
import { acknowledgeFindings } from './acknowledgements.ts';
import { createAlarms } from './alarms.ts';
import type { EnvironmentConfiguration } from '../project/configuration.ts';
import { createDashboard } from './dashboard.ts';
import type { PreparedEnvironment } from '../project/plan.ts';
import { allow, createMigrationFunction, createSystemFunction } from './functions.ts';
import { createLedgerBucket, protectLedger } from './ledger-bucket.ts';
import { runOnDeploy } from './run-on-deploy.ts';
import { stateMachineDefinition } from '../core/contract/state-machine.ts';
import { createTopic } from './topic.ts';

export interface EnvironmentStackProps extends StackProps {
  prepared: PreparedEnvironment;
  configuration: EnvironmentConfiguration;
}

export class EnvironmentStack extends Stack {
  constructor(scope: Construct, { prepared, configuration, ...props }: EnvironmentStackProps) {
    const environment = prepared.name;
    super(scope, stackName(environment), {
      description: `odin-migrate: one-time operations of ${environment}`,
      suppressTemplateIndentation: true, // 220 migrations indented are over CloudFormation's 1 MB
      terminationProtection: true, // with the ledger gone, everything would be pending again
      ...props,
    });
    Tags.of(this).add('odin-migrate:environment', environment);
    for (const warning of prepared.warnings) {
      Annotations.of(this).addWarningV2(`odin-migrate:${warning}`, warning);
    }

    const ledger = createLedgerBucket(this);
    const topic = createTopic(this, configuration.notify);
    const systemLogs = this.#logGroup('SystemLogs', `/odin-migrate/${environment}/system`, configuration);
    const migrationLogs = this.#logGroup('MigrationLogs', migrationLogGroup(environment), configuration);

    // By name and not by reference: the machine invokes these functions, so a reference back would be a circle.
    const machineName = resourcePrefix(environment);
    const arn = (service: string, resource: string, resourceName: string) =>
      this.formatArn({ service, resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    const stateMachineArn = arn('states', 'stateMachine', machineName);
    const executions = arn('states', 'execution', `${machineName}:*`);
    const objects = (pattern: string) => [ledger.arnForObjects(pattern)];
    const tell = [
      allow(['sns:Publish'], [topic.topicArn]),
      allow(
        ['events:PutEvents'],
        [this.formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' })],
      ),
    ];

    const common = { environment, ledger, logGroup: systemLogs };
    const listPending = createSystemFunction(this, 'list-pending', {
      ...common,
      bundle: prepared.bundles.system['list-pending'],
      statements: [
        allow(['states:DescribeExecution', 'states:GetExecutionHistory'], [executions]),
        allow(['states:StartExecution'], [stateMachineArn]), // a fresh one, when the history is nearly full
        ...tell,
      ],
      variables: { [VARIABLES.topicArn]: topic.topicArn, [VARIABLES.stateMachineArn]: stateMachineArn },
    });
    const { role: recordCompletion } = createSystemFunction(this, 'record-completion', {
      ...common,
      bundle: prepared.bundles.system['record-completion'],
      statements: [allow(['s3:PutObject'], objects('completed/*'))],
      variables: {},
    });
    const { role: halt } = createSystemFunction(this, 'halt', {
      ...common,
      bundle: prepared.bundles.system.halt,
      statements: [
        allow(['s3:PutObject'], objects('halts/*')),
        allow(['states:DescribeExecution'], [executions]),
        ...tell,
      ],
      variables: { [VARIABLES.topicArn]: topic.topicArn, [VARIABLES.stateMachineArn]: stateMachineArn },
    });
    const { role: resume, lambda: resumeFunction } = createSystemFunction(this, 'resume', {
      ...common,
      bundle: prepared.bundles.system.resume,
      statements: [
        allow(['s3:PutObject'], [...objects('attempts/*/decisions/*'), ...objects('attempts/*/cancelled.json')]),
        allow(['states:StartExecution', 'states:SendTaskSuccess', 'states:SendTaskFailure'], [stateMachineArn]),
        allow(['states:DescribeExecution'], [executions]),
      ],
      variables: { [VARIABLES.stateMachineArn]: stateMachineArn },
    });
    // A function of its own, and not a mode of another: who may invoke it may declare migrations done.
    const { role: baseline } = createSystemFunction(this, 'baseline', {
      ...common,
      bundle: prepared.bundles.system.baseline,
      statements: [allow(['s3:PutObject'], objects('completed/*'))],
      variables: {},
    });
    const dashboardUrl = createDashboard(this, {
      ...common,
      bundle: prepared.bundles.system.dashboard,
      resumeFunction,
      migrations: prepared.bundles.migrations.map(({ id }) => id),
    });
    protectLedger(ledger, { recordCompletion, baseline, halt, resume });

    prepared.bundles.migrations.forEach((migration, index) => {
      const lambda = createMigrationFunction(this, {
        ...common,
        logGroup: migrationLogs,
        bundle: migration.bundle,
        migration,
        predecessor: prepared.bundles.migrations[index - 1]?.id,
        clockMarginSeconds: configuration.clockMarginSeconds,
        variables: configuration.variables,
      });
      // A run in the middle of a deployment never names a function that is not there yet.
      listPending.lambda.node.addDependency(lambda);
    });

    const machine = this.#createStateMachine(environment, machineName, configuration, (name) =>
      arn('lambda', 'function', name),
    );
    machine.node.addDependency(listPending.lambda);
    createAlarms(this, {
      ...common,
      bundle: prepared.bundles.system['watch-halts'],
      stateMachineArn,
      executions,
      topic,
      haltAlarmHours: configuration.haltAlarmHours,
    });
    if (configuration.runOnDeploy) {
      const bundle = prepared.bundles.system['start-run'];
      runOnDeploy(this, { ...common, bundle, stateMachineArn, manifest: prepared.manifest });
    }

    new CfnOutput(this, OUTPUTS.stateMachineArn, { value: machine.stateMachineArn });
    new CfnOutput(this, OUTPUTS.ledgerBucket, { value: ledger.bucketName });
    new CfnOutput(this, OUTPUTS.resumeFunction, { value: systemFunctionName(environment, 'resume') });
    new CfnOutput(this, OUTPUTS.topicArn, { value: topic.topicArn });
    new CfnOutput(this, OUTPUTS.dashboardUrl, { value: dashboardUrl });
    acknowledgeFindings(this, ledger);
  }

  #logGroup(id: string, logGroupName: string, { logRetentionDays }: EnvironmentConfiguration): LogGroup {
    return new LogGroup(this, id, {
      logGroupName,
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- one of its values, as a number
      retention: logRetentionDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  #createStateMachine(
    environment: string,
    stateMachineName: string,
    configuration: EnvironmentConfiguration,
    functionArn: (name: string) => string,
  ): StateMachine {
    const logs = this.#logGroup('StateMachineLogs', `/aws/vendedlogs/states/${stateMachineName}`, configuration);
    const functions = [
      ...MACHINE_FUNCTIONS.map((name) => systemFunctionName(environment, name)),
      `${resourcePrefix(environment)}-????`, // the four digits of a migration
    ];
    const role = new Role(this, 'StateMachineRole', {
      assumedBy: new ServicePrincipal('states.amazonaws.com'),
      inlinePolicies: {
        invoke: new PolicyDocument({ statements: [allow(['lambda:InvokeFunction'], functions.map(functionArn))] }),
      },
    });
    return new StateMachine(this, 'StateMachine', {
      stateMachineName,
      definitionBody: DefinitionBody.fromString(
        this.toJsonString(stateMachineDefinition(environment, this.partition), 2),
      ),
      role,
      tracingEnabled: true,
      // Without execution data: it would show the task tokens of halts (docs/aws-facts.md).
      logs: { destination: logs, level: LogLevel.ALL, includeExecutionData: false },
    });
  }
}
