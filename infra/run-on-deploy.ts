// `runOnDeploy`: the deployment itself starts a run, as its very last step, and does not wait for it.
import { CfnOutput, CustomResource, Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { createHash } from 'node:crypto';
import type { Manifest } from '../core/contract/manifest.ts';
import { VARIABLES } from '../core/names/names.ts';
import { allow } from './functions.ts';
import type { SystemParts } from './system-functions.ts';
import { createSystemFunction } from './system-functions.ts';
import { letPublish, topicVariables } from './topic.ts';

/**
 * Call it last: it runs after everything that the scope holds by now. Step Functions may still use the definition of
 * before for an execution that is started right after an update (docs/aws-facts.md). Here that is harmless: what there is to do
 * comes from the manifest inside `list-pending`, which CloudFormation has waited for, and what is done is in the ledger;
 * the definition names no migration.
 */
export function runOnDeploy(
  scope: Construct,
  parts: SystemParts,
  of: { manifest: Manifest; commit: string | undefined },
): Construct {
  const { machine } = parts;
  const everythingElse = scope.node.children.slice();
  const { lambda, role } = createSystemFunction(scope, 'start-run', parts, {
    statements: [
      allow(['states:StartExecution'], [machine.arn]),
      allow(['states:DescribeExecution'], [machine.executions]),
    ],
    variables: { [VARIABLES.stateMachineArn]: machine.arn, ...topicVariables(parts) },
  });
  letPublish(parts, role);
  const resource = new CustomResource(scope, 'RunOnDeploy', {
    serviceToken: lambda.functionArn,
    resourceType: 'Custom::OdinMigrateRun',
    // CloudFormation calls the function when this has changed. The git commit is part of it: a deployment of another commit runs again,
    // a repeated one of the same commit does not.
    properties: { Deployed: sha256(JSON.stringify(of)) },
    // CloudFormation waits an hour for an answer that got lost; starting takes seconds.
    serviceTimeout: Duration.minutes(5),
  });
  resource.node.addDependency(...everythingElse);
  // Shown at the end of `cdk deploy`: the deployment does not fail when the run could not be started.
  new CfnOutput(scope, 'RunOnDeployOutcome', { value: resource.getAttString('Outcome') });
  return resource;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
