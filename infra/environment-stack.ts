// One environment, part by part. Each part is made in a file of its own. None is a construct of its own: that would put its id
// into the logical ids of what it holds, and CloudFormation would replace the ledger (test/infra/identity.test.ts).
import { Annotations, CfnOutput, type Environment, Stack, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { logGroupName, OUTPUTS, qualifiedName, stackName, systemFunctionName } from '../core/names/names.ts';
import { VERSION } from '../core/names/version.ts';
import type { EnvironmentConfiguration } from '../project/configuration.ts';
import type { EnvironmentPlan } from '../project/plan.ts';
import { acknowledgeFindings } from './acknowledgements.ts';
import { createAlarms } from './alarms.ts';
import { createConsoleDashboard } from './dashboard.ts';
import { createLedgerBucket, protectLedger } from './ledger-bucket.ts';
import { createLogGroup } from './log-group.ts';
import { createMigrationFunctions } from './migration-functions.ts';
import { claimEnvironment, registerEnvironment } from './registration.ts';
import { runOnDeploy } from './run-on-deploy.ts';
import { createStateMachine, namesOfMachine } from './state-machine.ts';
import type { SystemParts } from './system-functions.ts';
import { createSystemFunctions } from './system-functions.ts';
import { createTopic } from './topic.ts';
import { createWatch } from './watch-halts.ts';

export interface EnvironmentStackProps {
  plan: EnvironmentPlan;
  configuration: EnvironmentConfiguration;
  /** Where it goes; the CDK CLI's current account and region when left out. */
  env?: Environment | undefined;
}

export class EnvironmentStack extends Stack {
  constructor(scope: Construct, { plan, configuration, env = {} }: EnvironmentStackProps) {
    const { app, environment } = plan.manifest;
    super(scope, stackName(plan.manifest), {
      description: `odin-migrate: one-time operations of ${qualifiedName(plan.manifest)}`,
      suppressTemplateIndentation: true, // 220 migrations indented are over CloudFormation's 1 MB
      terminationProtection: true, // with the ledger gone, everything would be pending again
      env,
    });
    Tags.of(this).add('odin-migrate:environment', qualifiedName(plan.manifest));
    for (const warning of plan.warnings) {
      Annotations.of(this).addWarningV2(`odin-migrate:${warning}`, warning);
    }

    const { logRetentionDays, haltAlarmHours } = configuration.stack;
    const { bundles, manifest } = plan;
    const claim = claimEnvironment(this, manifest);
    const ledger = createLedgerBucket(this);
    const topic = createTopic(this, configuration.stack.notify);
    const parts: SystemParts = {
      app,
      environment,
      ledger,
      topic,
      machine: namesOfMachine(this, manifest),
      bundles: bundles.system,
      logGroup: createLogGroup(this, 'SystemLogs', logGroupName(manifest, 'system'), logRetentionDays),
    };
    const system = createSystemFunctions(this, parts);
    const dashboardUrl = createConsoleDashboard(this, parts, {
      resumeFunction: system.resume.lambda,
      migrations: bundles.migrations.map(({ id }) => id),
    });
    const migrations = createMigrationFunctions(this, {
      app,
      environment,
      ledger,
      machine: parts.machine,
      logGroup: createLogGroup(this, 'MigrationLogs', logGroupName(manifest, 'migrations'), logRetentionDays),
      migrations: bundles.migrations,
      configuration,
    });
    // list-pending ships the manifest. It is deployed last, so that a run never names a function that is not there yet.
    for (const migration of migrations) system['list-pending'].lambda.node.addDependency(migration);

    const machine = createStateMachine(this, manifest, logRetentionDays);
    machine.node.addDependency(system['list-pending'].lambda);
    const watchHalts = createWatch(this, parts);
    createAlarms(this, parts, watchHalts.lambda, haltAlarmHours);
    protectLedger(ledger, { ...system, 'watch-halts': watchHalts });
    registerEnvironment(this, manifest, ledger, {
      version: VERSION,
      stack: this.stackName,
      stateMachineArn: machine.stateMachineArn,
      ledgerBucket: ledger.bucketName,
      resumeFunction: systemFunctionName(manifest, 'resume'),
      topicArn: topic.topicArn,
      dashboardUrl,
    });
    if (configuration.stack.runOnDeploy) runOnDeploy(this, parts, manifest);

    new CfnOutput(this, OUTPUTS.stateMachineArn, { value: machine.stateMachineArn });
    new CfnOutput(this, OUTPUTS.ledgerBucket, { value: ledger.bucketName });
    new CfnOutput(this, OUTPUTS.resumeFunction, { value: systemFunctionName(manifest, 'resume') });
    new CfnOutput(this, OUTPUTS.topicArn, { value: topic.topicArn });
    new CfnOutput(this, OUTPUTS.dashboardUrl, { value: dashboardUrl });
    acknowledgeFindings(this, ledger);
    for (const part of this.node.children) if (part !== claim) part.node.addDependency(claim);
  }
}
