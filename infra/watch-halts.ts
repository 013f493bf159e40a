// The watch: a function that looks every few minutes how long a halt has been open, and says it as a metric. It also tells the
// operators of every run that ends badly.
//
// Step Functions has no metric and no event for an execution that waits (docs/aws-facts.md), and a running execution is not a
// halted one. What is halted, and since when, is in the ledger: the function looks there.
import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { VARIABLES } from '../core/names/names.ts';
import { allow } from './functions.ts';
import type { CreatedFunction, SystemParts } from './system-functions.ts';
import { createSystemFunction } from './system-functions.ts';
import { letPublish, topicVariables } from './topic.ts';

export const WATCH_MINUTES = 15;

export function createWatch(scope: Construct, parts: SystemParts): CreatedFunction {
  const { environment, machine } = parts;
  const watchHalts = createSystemFunction(scope, 'watch-halts', parts, {
    statements: [
      allow(['states:DescribeExecution'], [machine.executions]),
      allow(['states:StartExecution'], [machine.arn]), // when a decision was recorded, and nobody acts on it
    ],
    variables: { [VARIABLES.stateMachineArn]: machine.arn, ...topicVariables(parts) },
  });
  new Rule(scope, 'WatchHaltsRule', {
    description: `Looks every ${WATCH_MINUTES} minutes how long a halt in ${environment} has been open`,
    schedule: Schedule.rate(Duration.minutes(WATCH_MINUTES)),
    targets: [new LambdaTarget(watchHalts.lambda)],
  });
  letPublish(parts, watchHalts.role);
  new Rule(scope, 'RunEndedBadlyRule', {
    description: `Tells the operators of every run in ${environment} that ends badly`,
    eventPattern: {
      source: ['aws.states'],
      detailType: ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [machine.arn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
    },
    targets: [new LambdaTarget(watchHalts.lambda)],
  });
  return watchHalts;
}
