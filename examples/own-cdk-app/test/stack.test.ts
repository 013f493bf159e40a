import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { ShopStack } from '../shop-stack.ts';

/** Without bundling: a test of the template needs none. */
const newApp = () => new App({ context: { 'aws:cdk:bundling-stacks': [] } });

it('0001 may change what is in the bucket, and 0002 may not', () => {
  const stack = new ShopStack(newApp(), 'Shop', { environmentName: 'odin-dev' });
  const roles = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Role'));
  const policiesOf = (id: string) =>
    JSON.stringify(
      roles.filter(({ Properties }) => JSON.stringify(Properties.RoleName ?? '').includes(`shop--odin-dev--${id}`)),
    );
  expect(policiesOf('0001')).toContain('s3:DeleteObject*');
  expect(policiesOf('0002')).not.toContain('s3:DeleteObject*');
  expect(policiesOf('0002')).toContain('s3:ListBucket');
}, 60_000);

it('a branch runs the files of odin-dev', () => {
  const stack = new ShopStack(newApp(), 'Shop', { environmentName: 'pr-12', filesOf: 'odin-dev' });
  expect(stack.migrations.migrations.map(({ file }) => file)).toEqual([
    'migrations/odin-dev/0001.ts',
    'migrations/odin-dev/0002.ts',
  ]);
}, 60_000);
