// What pages somebody when nobody looks: a run that ended badly, a halt, a halt that nobody answers, and a watch that does not watch.
import { Duration } from 'aws-cdk-lib';
import type { AlarmProps, IMetric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { EnvironmentId } from '../core/names/names.ts';
import { HALT_METRIC, partName, qualifiedName } from '../core/names/names.ts';
import type { SystemParts } from './system-functions.ts';
import { eachTopic } from './topic.ts';
import { WATCH_MINUTES } from './watch-halts.ts';

/** Three alarms, and not one on a sum: so an alarm's name says what happened, and no metric math is needed. */
const RUNS_THAT_END_BADLY = [
  ['RunFailedAlarm', 'run-failed', 'ExecutionsFailed', 'has failed, or was aborted by a decision'],
  ['RunTimedOutAlarm', 'run-timed-out', 'ExecutionsTimedOut', 'has timed out'],
  ['RunStoppedAlarm', 'run-stopped', 'ExecutionsAborted', 'was stopped'],
] as const;

/** @param functions `watch-halts` measures how long a halt has been open (watch-halts.ts) */
export function createAlarms(
  scope: Construct,
  parts: SystemParts,
  { halt, watchHalts }: { halt: LambdaFunction; watchHalts: LambdaFunction },
  haltAlarmHours: number,
): Alarm[] {
  const { environment, machine } = parts;
  /** Missing data is no alarm, unless it says otherwise: Step Functions and Lambda send none while nothing happens. */
  const alarm = (
    id: string,
    name: string,
    alarmDescription: string,
    metric: IMetric,
    threshold: number,
    more: Partial<AlarmProps> = {},
  ): Alarm => {
    const made = new Alarm(scope, id, {
      alarmName: partName(parts, name),
      alarmDescription,
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...more,
    });
    made.addAlarmAction(...eachTopic(parts).map((topic) => new SnsAction(topic)));
    return made;
  };

  const runbook = 'docs/runbook.md says what it means and what to do.';
  const ended = RUNS_THAT_END_BADLY.map(([id, name, metricName, what]) => {
    const metric = new Metric({
      namespace: 'AWS/States',
      metricName,
      dimensionsMap: { StateMachineArn: machine.arn },
      statistic: Stats.SUM,
      period: Duration.minutes(1),
    });
    return alarm(id, name, `A run in ${environment} ${what}. ${runbook}`, metric, 1);
  });
  return [
    ...ended,
    // The second way to hear of a halt: the function that opens one may fail before it tells, and the topic may not take its message.
    alarm(
      'HaltedAlarm',
      'halted',
      `A run in ${environment} waits for a decision, or could not say so. ${runbook}`,
      halt.metricInvocations({ period: Duration.minutes(1), statistic: Stats.SUM }),
      1,
    ),
    alarm(
      'HaltOpenAlarm',
      'halt-open',
      `A halt in ${environment} has waited for a decision for ${haltAlarmHours} h or longer. ${runbook}`,
      openHaltHours(parts),
      haltAlarmHours,
    ),
    // A watch that cannot read the ledger sends no metric, and the alarm above would stay silent.
    alarm(
      'WatchFailedAlarm',
      'watch-failed',
      `Open halts in ${environment} cannot be watched: the function watch-halts fails. Its log says why.`,
      watchHalts.metricErrors({ period: Duration.hours(1), statistic: Stats.SUM }),
      2, // two in an hour: Lambda tries a failed invocation again, and one failure may pass
    ),
    // One that is throttled, disabled or deleted has no errors either, nor has one whose log lines nobody takes.
    alarm(
      'WatchSilentAlarm',
      'watch-silent',
      `Open halts in ${environment} are not watched: for an hour the function watch-halts has measured nothing. ${runbook}`,
      openHaltHours(parts, { statistic: Stats.SAMPLE_COUNT }),
      1,
      {
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        // Four short periods, and not one long: an alarm looks back over some periods more, and goes off when all are empty (docs/aws-facts.md).
        evaluationPeriods: 60 / WATCH_MINUTES,
        treatMissingData: TreatMissingData.BREACHING,
      },
    ),
  ];
}

/** For how many hours the oldest halt has been open; 0 while none is. */
export const openHaltHours = (of: EnvironmentId, options: MetricOptions = {}): Metric =>
  new Metric({
    namespace: HALT_METRIC.namespace,
    metricName: HALT_METRIC.name,
    dimensionsMap: { [HALT_METRIC.dimension]: qualifiedName(of) },
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(WATCH_MINUTES),
    ...options,
  });
