// One migration for several environments, as docs/migrations.md shows it: planned and run in two of them.
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startRun } from '../../client/deployment.ts';
import { startEmbedded } from '../../client/embedded.ts';
import { differenceOf } from '../../core/ledger/sources.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { planDeployed } from '../../project/plan.ts';
import { PROJECT, temporaryProject } from '../support/project.ts';

const documented = readFileSync(path.join(PROJECT, 'docs/migrations.md'), 'utf8');
const section = documented.slice(documented.indexOf('### One migration for several environments'));
const shared = /```ts\n([^]*?)```/.exec(section)?.[1] ?? '';
const ONE_LINE = "export * from '../shared/drop-logs.ts';\n";

const project = {
  ...temporaryProject(
    {
      'migrations/shared/drop-logs.ts': shared,
      'migrations/odin-dev/0007.ts': ONE_LINE,
      'migrations/odin-prod/0012.ts': ONE_LINE,
    },
    { sources: true },
  ),
  configuration: parseConfiguration({
    environments: {
      'odin-dev': { variables: { DATA_BUCKET: 'data-of-dev' } },
      'odin-prod': { variables: { DATA_BUCKET: 'data-of-prod' } },
    },
  }),
};
afterAll(() => project.remove());

/** As they are deployed: what they import is known of a bundle alone. */
const entriesOf = () => planDeployed(project, {}).map(({ manifest }) => manifest.migrations[0]!);

it('each environment has it under a number of its own, with the permissions on its own bucket', () => {
  expect(section).toContain(ONE_LINE);
  const plans = planDeployed(project, { bundling: false });
  expect(plans.map(({ problems, warnings }) => [problems, warnings])).toEqual([
    [[], []],
    [[], []],
  ]);
  const [dev, prod] = plans.map(({ bundles }) => bundles.migrations[0]);
  expect([dev?.id, prod?.id]).toEqual(['0007', '0012']);
  expect(JSON.stringify(dev?.permissions)).toContain('arn:aws:s3:::data-of-dev/logs/2023/*');
  expect(JSON.stringify(prod?.permissions)).toContain('arn:aws:s3:::data-of-prod/logs/2023/*');
  expect([dev?.description, prod?.description]).toEqual(Array(2).fill('Drop the logs of before 2024'));
});

it('each runs it once, on its own bucket alone', async () => {
  for (const [environment, Bucket] of [
    ['odin-dev', 'data-of-dev'],
    ['odin-prod', 'data-of-prod'],
  ] as const) {
    const { deployment, close } = await startEmbedded({ project, environment });
    const { s3 } = deployment;
    await s3.send(new CreateBucketCommand({ Bucket }));
    for (const Key of ['logs/2023/a', 'logs/2023/b', 'logs/2024/a']) {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: environment }));
    }
    const run = await startRun(deployment);
    let described = await deployment.describe(run);
    for (; described.status === 'RUNNING'; described = await deployment.describe(run)) await deployment.pause(50);
    expect(described.status).toBe('SUCCEEDED');
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents.map(({ Key }) => Key)).toEqual(['logs/2024/a']);
    await close();
  }
});

it('a change of what they share is a change of both', () => {
  const before = entriesOf();
  project.write('migrations/shared/drop-logs.ts', shared.replaceAll('2023', '2022'));
  entriesOf().forEach((now, at) => {
    expect(differenceOf(before[at]!, now)).toBe('files');
  });
});
