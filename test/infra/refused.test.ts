// What is known only of a finished template is refused when it is synthesised, in the words of who has to change it.
import { Duration, Stack, Stage, Tags } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offlineApp } from '../../infra/build-app.ts';
import { MAX_VARIABLES, OWN_VARIABLES, sizeOfVariables } from '../../project/variables.ts';
import { constructOf, stackOf } from '../support/stack.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'odin-refused-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What the synthesis says of it; empty when it goes well. */
function refusal(build: (scope: Stack) => void, within?: (app: Construct) => Construct): string {
  const app = offlineApp(directory);
  build(new Stack(within?.(app) ?? app, 'Shop'));
  try {
    app.synth();
    return '';
  } catch (thrown) {
    expect((thrown as Error).name).toBe('ValidationFailed');
    return (thrown as Error).message;
  }
}

const allow = (resource: string, sid?: string) => ({
  Sid: sid,
  Effect: 'Allow' as const,
  Action: 's3:GetObject',
  Resource: resource,
});
const many = (count: number) =>
  Array.from({ length: count }, (_, n) => allow(`arn:aws:s3:::bucket/a-prefix/of/some/length/and/more/${n}`));

describe('refused, with the file, what was expected, what was found and what to do', () => {
  it("the policies of a role, that what is granted to it made too long; another's are fine", () => {
    const said = refusal((scope) => {
      const permissions = many(110);
      const { migrations } = constructOf(scope, [
        { id: '0001', permissions },
        { id: '0002', permissions },
      ]);
      const second = migrations[1] ?? expect.fail();
      for (let n = 0; n < 60; n += 1) {
        Bucket.fromBucketName(scope, `Bucket${n}`, `another-bucket-of-the-team-${n}`).grantRead(second);
      }
    });
    expect(said).toMatch(
      /migrations\/odin-dev\/0002.ts, permissions: expected at most 10,240 characters in the policies of its role, with what access and grants add, found at least 1\d,\d{3}\./,
    );
    expect(said).toContain('Name what is alike by one pattern');
    expect(said).toContain('Migration0002Role');
    expect(said).not.toContain('0001.ts');
  });

  it('a Sid that both a file and a grant have', () => {
    const said = refusal((scope) => {
      const { grantPrincipal } = constructOf(scope, [{ id: '0001', permissions: [allow('arn:aws:s3:::a/*', 'Read')] }]);
      grantPrincipal.addToPrincipalPolicy(
        new PolicyStatement({ sid: 'Read', actions: ['sqs:ReceiveMessage'], resources: ['*'] }),
      );
    });
    expect(said).toContain('0001.ts, permissions: expected each Sid once in the policy of its role');
    expect(said).toContain('found "Read" twice');
    expect(said).toContain('Give one of the two statements another.');
  });

  it('variables, with those of the construct', () => {
    const said = refusal((scope) =>
      constructOf(scope, [{ id: '0001', variables: { A: 'a'.repeat(2000) } }], { variables: { B: 'ä'.repeat(1000) } }),
    );
    expect(said).toMatch(/0001.ts, variables: expected at most 4,096 bytes, .* found at least 4,\d{3}\./);
  });

  it('a tag of the team, that IAM would not take of a role', () => {
    const said = refusal((scope) => {
      constructOf(scope, [{ id: '0001' }]);
      Tags.of(scope).add('team', 'R&D, shop');
    });
    expect(said).toContain(
      'The tag team=R&D, shop of the role of migrations/odin-dev/0001.ts: expected letters, digits',
    );
  });

  it.each<[string, string, string, Parameters<Tags['add']>[2]?]>([
    ['a key that is AWS’s own', 'aws:team', 'shop'],
    ['a key without letters', 'team', 'one\ntwo'],
    ['a key that is too long', 'k'.repeat(129), 'shop'],
    ['a value that is too long', 'team', 'v'.repeat(257)],
    ['what roles do not have', 'team', 'R&D', { excludeResourceTypes: ['AWS::IAM::Role'] }],
  ])('a tag: %s', (_, key, value, options) => {
    const said = refusal((scope) => {
      constructOf(scope, [{ id: '0001' }]);
      Tags.of(scope).add(key, value, options);
    });
    const whose = options ? 'AWS::[A-Za-z:]+ \\w+' : 'the role of migrations/odin-dev/0001.ts';
    expect(said.replaceAll(/\s+/g, ' ')).toMatch(new RegExp(`The tag .* of ${whose}: expected letters, digits`));
    expect(said.match(/expected letters, digits/g)).toHaveLength(1);
  });

  it('more tags than AWS takes', () => {
    const said = refusal((scope) => {
      constructOf(scope, [{ id: '0001' }]);
      for (let n = 0; n < 50; n += 1) Tags.of(scope).add(`team-${n}`, 'shop');
    });
    expect(said).toMatch(/5\d tags of the role of migrations\/odin-dev\/0001.ts: expected at most 50/);
  });

  it('a template of more than a million bytes, in a stage too', () => {
    const permissions = many(30);
    const migrations = Array.from({ length: 200 }, (_, n) => ({ id: String(n + 1).padStart(4, '0'), permissions }));
    const said = refusal(
      (scope) => constructOf(scope, migrations),
      (app) => new Stage(app, 'Live'),
    );
    expect(said).toMatch(/The template: expected at most 1,000,000 bytes, found \d,\d{3},\d{3}\./);
    expect(said).toContain('npx --no-install odin-migrate prune');
  });
});

it('nothing is refused of what is near the limits', () => {
  const said = refusal((scope) => {
    constructOf(scope, [{ id: '0001', permissions: many(110), variables: { A: 'a'.repeat(3400) } }], {
      haltAlarmAfter: Duration.hours(1),
    });
    Tags.of(scope).add('team', 'Größe: 5+5=10 / @shop');
  });
  expect(said).toBe('');
});

it("odin-migrate's own variables have the bytes that are kept for them, with the longest names", () => {
  const app = offlineApp(directory);
  const env = { account: '111122223333', region: 'ap-southeast-1' };
  const stack = stackOf(app, [{ id: '0001' }], { name: 'x'.repeat(32), env });
  const lambda = stack.migrations.migrations[0]?.function.node.defaultChild as { environment?: unknown };
  const { variables } = stack.resolve(lambda.environment) as { variables: Record<string, unknown> };
  const filled = Object.entries(variables).map(([name, value]) => {
    if (typeof value === 'string') return [name, value];
    return [
      name,
      'x'.repeat(name === 'ODIN_LEDGER_BUCKET' ? 63 : 'arn:aws-us-gov:iam::111122223333:role/'.length + 64),
    ];
  });
  const longest = { ...Object.fromEntries(filled), ODIN_APP: 'x'.repeat(39) } as Record<string, string>;
  expect(sizeOfVariables(longest)).toBeLessThanOrEqual(OWN_VARIABLES);
  expect(OWN_VARIABLES).toBeLessThan(MAX_VARIABLES / 8);
});
