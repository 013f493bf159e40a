// What a deployed environment is known by. Another logical id or name here is another resource: CloudFormation would make
// a new one, beside data, executions and task tokens that belong to the old one.
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

/** Role → what it was given since. */
const ALLOWED_SINCE: Record<string, string[]> = {
  // It says how many are told of halts.
  DashboardRole: ['sns:GetTopicAttributes'],
  // Its map of batches is a child execution for each.
  StateMachineRole: [
    'states:DescribeExecution',
    'states:RedriveExecution',
    'states:StartExecution',
    'states:StopExecution',
  ],
  // It tunes how many batches run at the same time.
  ResumeRole: ['states:ListMapRuns', 'states:UpdateMapRun'],
  // It looks at the ledger before it starts a run, and tells the operators when it cannot.
  StartRunRole: ['s3:GetObject', 's3:ListBucket', 'sns:Publish', 'states:DescribeExecution'],
  // It tells the operators of every run that ends badly.
  WatchHaltsRole: ['sns:Publish'],
};

/** It holds nothing, and its name has the region now: that of another region was the same dashboard. */
const RENAMED_SINCE = 'MigrationsDashboard0751939A ';

/** Templates of before there was a construct. */
const stored = (file: string) =>
  JSON.parse(readFileSync(path.join(import.meta.dirname, file), 'utf8')) as { Resources: Record<string, Resource> };

describe.each([
  ['with the feature flags of today', 'environment.template.json', offlineApp(path.join(directory, 'today'))],
  [
    'with no feature flags',
    'environment-without-flags.template.json',
    new App({
      outdir: path.join(directory, 'none'),
      analyticsReporting: false,
      builtinCloudFormationValidation: false,
    }),
  ],
])('an environment of two migrations, %s', (_, file, app) => {
  const before = stored(file);
  const stack = stackOfTwo(app);
  const now = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };

  it('has every resource of the stored template by its id and its name, and keeps what holds data', () => {
    const identitiesBefore = identities(before.Resources);
    expect(identitiesBefore).toHaveLength(41);
    const kept = identitiesBefore.filter((identity) => !identity.startsWith(RENAMED_SINCE));
    expect(kept).toHaveLength(40);
    expect(identities(now.Resources)).toEqual(expect.arrayContaining(kept));
  });

  it('allows what it allowed, and what is listed here: the same actions of each role', () => {
    for (const [id, { Type }] of Object.entries(before.Resources)) {
      if (Type !== 'AWS::IAM::Role') continue;
      const since = ALLOWED_SINCE[id.slice(0, -8)] ?? []; // without CDK's hash
      expect([id, actionsOf(now, id)]).toEqual([id, [...actionsOf(before, id), ...since].sort()]);
    }
  });

  it('is protected from deletion, under a name of its own', () => {
    expect(stack.terminationProtection).toBe(true);
    expect(stack.stackName).toBe('OdinMigrate-odin-dev');
  });
});

function actionsOf({ Resources }: { Resources: Record<string, Resource> }, role: string): string[] {
  const policies = (Resources[role]?.Properties?.['Policies'] ?? []) as {
    PolicyDocument: { Statement: { Effect: string; Action: string | string[] }[] };
  }[];
  return [
    ...new Set(policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement.flatMap(({ Action }) => Action))),
  ].sort();
}

/** One line each: logical id, type, name, what becomes of it when it is deleted and when it is replaced. */
function identities(Resources: Record<string, Resource>): string[] {
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
