// What a deployed environment is known by. Another logical id or name here is another resource: CloudFormation would make
// a new one, beside data, executions and task tokens that belong to the old one.
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { offlineApp } from '../../infra/build-app.ts';
import type { EnvironmentStack } from '../../infra/environment-stack.ts';
import type { Resource } from '../support/resources.ts';
import { nameOf } from '../support/resources.ts';
import { stackOf } from '../support/stack.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'odin-identity-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each([
  ['with the feature flags of today', offlineApp(path.join(directory, 'today'))],
  [
    'with no feature flags',
    new App({
      outdir: path.join(directory, 'none'),
      analyticsReporting: false,
      builtinCloudFormationValidation: false,
    }),
  ],
])('an environment of two migrations, %s', (_, app) => {
  const stack = stackOfTwo(app);

  it('has these resources by these ids and names, and keeps what holds data', () => {
    expect(identities(stack)).toEqual(IDENTITIES);
  });

  it('is protected from deletion, under a name of its own', () => {
    expect(stack.terminationProtection).toBe(true);
    expect(stack.stackName).toBe('OdinMigrate-odin-dev');
  });
});

const IDENTITIES = [
  'Baseline013357C7 Lambda::Function odin-migrate-odin-dev-baseline - -',
  'BaselineRole460E2AB2 IAM::Role - - -',
  'Claim2B879C8A SSM::Parameter /odin-migrate/-/odin-dev/claim RetainExceptOnCreate Retain',
  'Dashboard9E4231ED Lambda::Function customWidget-odin-migrate-odin-dev - -',
  'DashboardRoleD122DD55 IAM::Role - - -',
  'HaltB82A3873 Lambda::Function odin-migrate-odin-dev-halt - -',
  'HaltOpenAlarmCDEC2059 CloudWatch::Alarm odin-migrate-odin-dev-halt-open - -',
  'HaltRole3DAE2913 IAM::Role - - -',
  'LedgerB7379752 S3::Bucket - Retain Retain',
  'LedgerName9A3B3D56 SSM::Parameter /odin-migrate/-/odin-dev/ledger RetainExceptOnCreate Retain',
  'LedgerPolicyFBF64D2C S3::BucketPolicy - Retain Retain',
  'ListPendingD647D778 Lambda::Function odin-migrate-odin-dev-list-pending - -',
  'ListPendingRole96B1318F IAM::Role - - -',
  'Migration0001EE58C82F Lambda::Function odin-migrate-odin-dev-0001 - -',
  'Migration0001Role47FDA42B IAM::Role odin-odin-dev-0001-<AWS::Region> - -',
  'Migration0004506B5826 Lambda::Function odin-migrate-odin-dev-0004 - -',
  'Migration0004RoleD799F828 IAM::Role odin-odin-dev-0004-<AWS::Region> - -',
  'MigrationLimitsE219546E IAM::ManagedPolicy - - -',
  'MigrationLogs670D4322 Logs::LogGroup /odin-migrate/odin-dev/migrations Delete Delete',
  'MigrationsDashboard0751939A CloudWatch::Dashboard odin-migrate-odin-dev - -',
  'Notifications87298708 SNS::Topic - - -',
  'NotificationsPolicyF9115BC9 SNS::TopicPolicy - - -',
  'NotificationsteamexamplecomAA2554C5 SNS::Subscription - - -',
  'RecordCompletionD4D97DF4 Lambda::Function odin-migrate-odin-dev-record-completion - -',
  'RecordCompletionRoleCA2D6396 IAM::Role - - -',
  'Registration8466E9D0 SSM::Parameter /odin-migrate/-/odin-dev/registration - -',
  'Resume6A5C3E88 Lambda::Function odin-migrate-odin-dev-resume - -',
  'ResumeRole0925C31A IAM::Role - - -',
  'RunFailedAlarm2D8E4400 CloudWatch::Alarm odin-migrate-odin-dev-run-failed - -',
  'RunOnDeploy Custom::OdinMigrateRun - Delete Delete',
  'RunStoppedAlarm685B9C99 CloudWatch::Alarm odin-migrate-odin-dev-run-stopped - -',
  'RunTimedOutAlarm166E6CFA CloudWatch::Alarm odin-migrate-odin-dev-run-timed-out - -',
  'StartRun073A4C10 Lambda::Function odin-migrate-odin-dev-start-run - -',
  'StartRunRole30C440A9 IAM::Role - - -',
  'StateMachine2E01A3A5 StepFunctions::StateMachine odin-migrate-odin-dev Delete Delete',
  'StateMachineLogs3CB16D3C Logs::LogGroup /aws/vendedlogs/states/odin-migrate-odin-dev Delete Delete',
  'StateMachineRole78EC082E IAM::Role - - -',
  'StateMachineRoleDefaultPolicy433448B5 IAM::Policy - - -',
  'SystemLogsF62C23A5 Logs::LogGroup /odin-migrate/odin-dev/system Delete Delete',
  'WatchFailedAlarm8152DBF4 CloudWatch::Alarm odin-migrate-odin-dev-watch-failed - -',
  'WatchHalts2CD4DB56 Lambda::Function odin-migrate-odin-dev-watch-halts - -',
  'WatchHaltsRole0F966FF5 IAM::Role - - -',
  'WatchHaltsRuleAllowEventRuleOdinMigrateodindevWatchHaltsD09550DCC49737E7 Lambda::Permission <WatchHalts2CD4DB56.Arn> - -',
  'WatchHaltsRuleDC7A3621 Events::Rule - - -',
];

/** One line each: logical id, type, name, what becomes of it when it is deleted and when it is replaced. */
function identities(stack: EnvironmentStack): string[] {
  const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
  return Object.entries(Resources)
    .map(([id, resource]) => {
      const { Type, DeletionPolicy = '-', UpdateReplacePolicy = '-' } = resource;
      return [id, Type.replace('AWS::', ''), nameOf(resource), DeletionPolicy, UpdateReplacePolicy].join(' ');
    })
    .sort();
}

const stackOfTwo = (app: App): EnvironmentStack =>
  stackOf(app, [{ id: '0001' }, { id: '0004' }], {
    environment: { stack: { notify: ['mailto:team@example.com'], runOnDeploy: true } },
  });
