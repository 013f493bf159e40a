// The alarms of an environment, the watch behind one of them, and the topic that takes them.
import { Match } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
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
  it('each tell the topic, and take silence for health', () => {
    const alarms = Object.values(stack.template.findResources('AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(5);
    const [topic] = Object.keys(stack.template.findResources('AWS::SNS::Topic'));
    for (const { Properties } of alarms) {
      expect(Properties).toMatchObject({
        AlarmActions: [{ Ref: topic }],
        TreatMissingData: 'notBreaching',
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      });
    }
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

  it('one is of the watch itself', () => {
    stack.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'odin-migrate-odin-dev-watch-failed',
      MetricName: 'Errors',
      Namespace: 'AWS/Lambda',
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
      ScheduleExpression: 'rate(15 minutes)',
      State: 'ENABLED',
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [id, 'Arn'] } })],
    });
    stack.template.hasResourceProperties('AWS::Lambda::Permission', {
      FunctionName: { 'Fn::GetAtt': [id, 'Arn'] },
      Principal: 'events.amazonaws.com',
    });
  });

  it('may read the ledger, ask whether an execution is alive, tell those who wait, and start a run that nobody carries on', () => {
    expect(actionsOf('WatchHaltsRole')).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:GetObject',
      's3:ListBucket',
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
