// What pages somebody when nobody looks: a run that ended badly, and a halt that nobody answers.
import { Duration } from 'aws-cdk-lib';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { Alarm, ComparisonOperator, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { HALT_METRIC, resourcePrefix, VARIABLES } from '../core/names.ts';
import type { Bundle } from './bundle.ts';
import { allow, createSystemFunction } from './functions.ts';

const WATCH_MINUTES = 15;

export interface AlarmsProps {
  environment: string;
  ledger: Bucket;
  logGroup: LogGroup;
  /** Of `watch-halts`. */
  bundle: Bundle;
  stateMachineArn: string;
  /** ARN pattern of the machine's executions. */
  executions: string;
  topic: Topic;
  haltAlarmHours: number;
}

export function createAlarms(scope: Construct, props: AlarmsProps): void {
  const { environment, stateMachineArn, executions, topic, haltAlarmHours, ...common } = props;

  /** Missing data is no alarm: Step Functions and Lambda send none while nothing happens. */
  const alarm = (id: string, name: string, alarmDescription: string, metric: IMetric, threshold: number) =>
    new Alarm(scope, id, {
      alarmName: `${resourcePrefix(environment)}-${name}`,
      alarmDescription,
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new SnsAction(topic));

  const ended = (metricName: string) =>
    new Metric({
      namespace: 'AWS/States',
      metricName,
      dimensionsMap: { StateMachineArn: stateMachineArn },
      statistic: Stats.SUM,
      period: Duration.minutes(1),
    });
  alarm(
    'RunFailedAlarm',
    'run-failed',
    `A run in ${environment} failed, timed out, or was aborted. docs/runbook.md says what each error means.`,
    new MathExpression({
      label: 'Runs that ended badly',
      expression: 'FILL(failed, 0) + FILL(timedOut, 0) + FILL(aborted, 0)',
      usingMetrics: {
        failed: ended('ExecutionsFailed'),
        timedOut: ended('ExecutionsTimedOut'),
        aborted: ended('ExecutionsAborted'),
      },
      period: Duration.minutes(1),
    }),
    1,
  );

  // Step Functions has no metric and no event for an execution that waits (AWS-FACTS), and a running execution is not
  // a halted one. What is halted, and since when, is in the ledger: a function looks there, and says it as a metric.
  const { lambda: watch } = createSystemFunction(scope, 'watch-halts', {
    environment,
    ...common,
    statements: [allow(['states:DescribeExecution'], [executions])],
    variables: { [VARIABLES.stateMachineArn]: stateMachineArn },
  });
  new Rule(scope, 'WatchHaltsRule', {
    description: `Looks every ${WATCH_MINUTES} minutes how long a halt in ${environment} has been open`,
    schedule: Schedule.rate(Duration.minutes(WATCH_MINUTES)),
    targets: [new LambdaTarget(watch)],
  });
  alarm(
    'HaltOpenAlarm',
    'halt-open',
    `A halt in ${environment} has waited for a decision for ${haltAlarmHours} h or longer. See docs/runbook.md.`,
    new Metric({
      namespace: HALT_METRIC.namespace,
      metricName: HALT_METRIC.name,
      dimensionsMap: { [HALT_METRIC.dimension]: environment },
      statistic: Stats.MAXIMUM,
      period: Duration.minutes(WATCH_MINUTES),
    }),
    haltAlarmHours,
  );
  // A watch that fails sends no metric, and the alarm above would stay silent.
  alarm(
    'WatchFailedAlarm',
    'watch-failed',
    `Open halts in ${environment} cannot be watched: the function watch-halts fails. Its log says why.`,
    watch.metricErrors({ period: Duration.hours(1), statistic: Stats.SUM }),
    2, // two in an hour: once may be a hiccup, and each failed invocation is tried again by Lambda
  );
}
