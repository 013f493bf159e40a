// The alarms of an environment, the watch behind one of them, and the topic that takes them.
import { Match } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { openHaltLine } from '../../lambdas/watch-halts/metric.ts';
import { synthesiseStack } from '../support/synth.ts';

let stack: ReturnType<typeof synthesiseStack>;
beforeAll(() => {
  stack = synthesiseStack({
    stack: { haltAlarmHours: 2.5, notify: ['mailto:team@example.com', 'https://example.com/hook'] },
  });
});

const machine = {
  'Fn::Join': ['', Match.arrayWith([':stateMachine:odin-migrate-odin-dev'])],
};

describe('the alarms', () => {
  const alarms = () => Object.values(stack.template.findResources('AWS::CloudWatch::Alarm')).map(propertiesOf);

  it('each tell the topic, and take silence for health, but that of the watch', () => {
    expect(alarms()).toHaveLength(7);
    const [topic] = Object.keys(stack.template.findResources('AWS::SNS::Topic'));
    for (const { AlarmName, AlarmActions, TreatMissingData, ComparisonOperator } of alarms()) {
      expect(AlarmActions).toEqual([{ Ref: topic }]);
      const silence = AlarmName === 'odin-migrate-odin-dev-watch-silent';
      expect([TreatMissingData, ComparisonOperator]).toEqual(
        silence ? ['breaching', 'LessThanThreshold'] : ['notBreaching', 'GreaterThanOrEqualToThreshold'],
      );
    }
  });

  it('each watch a metric that is sent, with exactly its dimensions', () => {
    const of = { environment: 'odin-dev' };
    const line = JSON.parse(openHaltLine(of, 1, 0)) as {
      _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
    } & Record<string, unknown>;
    const ours = line._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
      Metrics.flatMap(({ Name }) =>
        Dimensions.map((names) => [Namespace, Name, names.map((name) => [name, line[name]])]),
      ),
    );
    const functions = Object.keys(stack.template.findResources('AWS::Lambda::Function'));
    const ofFunctions = functions.flatMap((id) =>
      ['Invocations', 'Errors'].map((name) => ['AWS/Lambda', name, [['FunctionName', { Ref: id }]]]),
    );
    const ofMachine = ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map((name) => [
      'AWS/States',
      name,
      [['StateMachineArn', expect.anything()]],
    ]);
    const sent = [...ours, ...ofFunctions, ...ofMachine];
    for (const { Namespace, MetricName, Dimensions } of alarms()) {
      const dimensions = Dimensions.map(({ Name, Value }) => [Name, Value]);
      expect(sent).toContainEqual([Namespace, MetricName, dimensions]);
    }
  });

  it.each([
    ['halted', 'halt', 'Invocations', 60, 1],
    ['watch-failed', 'watch-halts', 'Errors', 3600, 2], // Lambda tries a failed invocation again
  ])('one, %s, is of the function %s', (name, functionName, MetricName, Period, Threshold) => {
    const [id] = Object.keys(
      stack.template.findResources('AWS::Lambda::Function', {
        Properties: { FunctionName: `odin-migrate-odin-dev-${functionName}` },
      }),
    );
    stack.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `odin-migrate-odin-dev-${name}`,
      MetricName,
      Namespace: 'AWS/Lambda',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: id } }],
      Period,
      EvaluationPeriods: 1,
      Statistic: 'Sum',
      Threshold,
    });
  });

  it.each([
    ['run-failed', 'ExecutionsFailed'],
    ['run-timed-out', 'ExecutionsTimedOut'],
    ['run-stopped', 'ExecutionsAborted'],
  ])('one, %s, is of an execution of this machine alone: %s', (name, MetricName) => {
    stack.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `odin-migrate-odin-dev-${name}`,
      Namespace: 'AWS/States',
      MetricName,
      Dimensions: [{ Name: 'StateMachineArn', Value: machine }],
      Statistic: 'Sum',
      Threshold: 1,
      Period: 60,
      EvaluationPeriods: 1,
    });
  });

  it('each say what happened, where, and where it stands what to do', () => {
    const where = 'docs/runbook.md says what it means and what to do.';
    expect(
      Object.fromEntries(alarms().map(({ AlarmName, AlarmDescription }) => [AlarmName, AlarmDescription])),
    ).toEqual({
      'odin-migrate-odin-dev-run-failed': `A run in odin-dev has failed, or was aborted by a decision. ${where}`,
      'odin-migrate-odin-dev-run-timed-out': `A run in odin-dev has timed out. ${where}`,
      'odin-migrate-odin-dev-run-stopped': `A run in odin-dev was stopped. ${where}`,
      'odin-migrate-odin-dev-halted': `A run in odin-dev waits for a decision, or could not say so. ${where}`,
      'odin-migrate-odin-dev-halt-open': `A halt in odin-dev has waited for a decision for 2.5 h or longer. ${where}`,
      'odin-migrate-odin-dev-watch-failed':
        'Open halts in odin-dev cannot be watched: the function watch-halts fails. Its log says why.',
      'odin-migrate-odin-dev-watch-silent': `Open halts in odin-dev are not watched: for an hour the function watch-halts has measured nothing. ${where}`,
    });
  });

  it('one is of an hour in which the watch has sent nothing, as short periods', () => {
    stack.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'odin-migrate-odin-dev-watch-silent',
      Namespace: 'odin-migrate',
      MetricName: 'OpenHaltHours',
      Dimensions: [{ Name: 'Environment', Value: 'odin-dev' }],
      Statistic: 'SampleCount',
      Period: 900,
      EvaluationPeriods: 4,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
  });

  it('one is of a halt that has been open for as long as cdk.json says', () => {
    stack.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'odin-migrate-odin-dev-halt-open',
      Namespace: 'odin-migrate',
      MetricName: 'OpenHaltHours',
      Dimensions: [{ Name: 'Environment', Value: 'odin-dev' }],
      Statistic: 'Maximum',
      Period: 900,
      Threshold: 2.5,
    });
  });
});

describe('the watch', () => {
  it('is invoked every 15 minutes', () => {
    const [[id] = []] = Object.entries(
      stack.template.findResources('AWS::Lambda::Function', {
        Properties: { FunctionName: 'odin-migrate-odin-dev-watch-halts' },
      }),
    );
    stack.template.hasResourceProperties('AWS::Events::Rule', {
      Description: 'Looks every 15 minutes how long a halt in odin-dev has been open',
      ScheduleExpression: 'rate(15 minutes)',
      State: 'ENABLED',
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [id, 'Arn'] } })],
    });
    stack.template.hasResourceProperties('AWS::Lambda::Permission', {
      FunctionName: { 'Fn::GetAtt': [id, 'Arn'] },
      Principal: 'events.amazonaws.com',
    });
  });

  it('is invoked when a run of this machine ends badly', () => {
    stack.template.hasResourceProperties('AWS::Events::Rule', {
      Description: 'Tells the operators of every run in odin-dev that ends badly',
      EventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [machine], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      State: 'ENABLED',
    });
  });

  it('may read the ledger, ask whether an execution is alive, tell those who wait, and start a run that nobody carries on', () => {
    expect(actionsOf('WatchHaltsRole')).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:GetObject',
      's3:ListBucket',
      'sns:Publish',
      'states:DescribeExecution',
      'states:SendTaskFailure',
      'states:SendTaskSuccess',
      'states:StartExecution',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });
});

describe('the topic', () => {
  it('takes messages of this account’s alarms, and has each subscription', () => {
    stack.template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Sid: 'AlarmsOfThisAccount',
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Condition: {
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
              ArnLike: { 'aws:SourceArn': { 'Fn::Join': ['', Match.arrayWith([':alarm:*'])] } },
            },
          }),
        ]),
      },
    });
    const subscriptions = Object.values(stack.template.findResources('AWS::SNS::Subscription'));
    expect(subscriptions.map(({ Properties }) => (Properties as { Protocol: string }).Protocol).sort()).toEqual([
      'email',
      'https',
    ]);
  });

  it.each(['HaltRole', 'ListPendingRole'])('is published to, and events are put, by %s', (role) => {
    expect(actionsOf(role)).toEqual(expect.arrayContaining(['sns:Publish', 'events:PutEvents']));
  });

  it.each(['RecordCompletionRole', 'ResumeRole', 'Migration0001Role'])('is not published to by %s', (role) => {
    expect(actionsOf(role)).not.toContain('sns:Publish');
    expect(actionsOf(role)).not.toContain('events:PutEvents');
  });
});

describe('the state machine', () => {
  it('may invoke its own functions and the migrations, and none of the others', () => {
    const policy = JSON.stringify(stack.json.Resources[roleId('StateMachineRole')]?.Properties?.['Policies']);
    const functions = [...policy.matchAll(/function:odin-migrate-odin-dev-([^"]+)"/g)].map(([, name]) => name);
    expect(functions.sort()).toEqual(['????', 'halt', 'list-pending', 'record-completion']);
  });
});

interface AlarmProperties {
  AlarmName: string;
  AlarmDescription: string;
  AlarmActions: unknown[];
  TreatMissingData: string;
  ComparisonOperator: string;
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: unknown }[];
}
const propertiesOf = ({ Properties }: Record<string, unknown>) => Properties as AlarmProperties;

/** The logical id of a role: its construct's id and a hash. */
function roleId(construct: string): string {
  const pattern = new RegExp(`^${construct}[0-9A-F]{8}$`);
  const id = Object.keys(stack.json.Resources).find((name) => pattern.test(name));
  if (id === undefined) throw new Error(`There is no role ${construct}`);
  return id;
}

function actionsOf(construct: string): string[] {
  const policies = stack.json.Resources[roleId(construct)]?.Properties?.['Policies'] as {
    PolicyDocument: { Statement: { Action: string | string[] }[] };
  }[];
  return [
    ...new Set(policies.flatMap((policy) => policy.PolicyDocument.Statement.flatMap(({ Action }) => Action))),
  ].sort();
}
