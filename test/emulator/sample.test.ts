// The sample environment as a user deploys it: by the `app` of cdk.json, with the migrations' own permissions enforced.
import { S3Client } from '@aws-sdk/client-s3';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { deploymentOf } from '../../client/deployment.ts';
import { stackName } from '../../core/names/names.ts';
import { describeSampleData, putSampleData } from '../../migrations/sample-data.ts';
import { PROJECT } from '../support/project.ts';
import type { Platform } from '../scenarios/platform.ts';
import { World } from '../scenarios/world.ts';
import { bootstrap, deploy } from './cdk.ts';
import { region, startMiniStack } from './ministack.ts';

const BUCKET = 'odin-sample-data';

it('the sample environment deploys from cdk.json, and its migrations need no permission that they do not declare', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-migrate-emulator-'));
  await using emulator = await startMiniStack({ directory });
  await bootstrap(emulator);
  const { app } = JSON.parse(readFileSync(path.join(PROJECT, 'cdk.json'), 'utf8')) as { app: string };
  const { outputs } = await deploy(emulator, {
    app,
    stacks: [stackName({ environment: 'sample' })],
    context: { environment: 'sample' },
  });

  const options = {
    endpoint: emulator.endpoint,
    region,
    credentials: { accessKeyId: '000000000000', secretAccessKey: 'test' },
  };
  const s3 = new S3Client({ ...options, forcePathStyle: true });
  await putSampleData(s3, BUCKET);
  const objects = async () =>
    Object.fromEntries((await describeSampleData(s3, BUCKET)).map(({ prefix, objects: count }) => [prefix, count]));
  const before = await objects();

  const deployment = deploymentOf(
    { environment: 'sample' },
    outputs[stackName({ environment: 'sample' })] ?? {},
    options,
    false,
  );
  const world = new World({} as Platform, 'sample', deployment);
  expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
  expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied', '0003': 'applied' });

  const after = await objects();
  expect(before['odin/archive/cubic/']).toBeGreaterThan(100);
  expect(after['odin/archive/cubic/']).toBe(0);
  expect(after['odin/incoming/cubic/']).toBe(
    (before['odin/archive/cubic/'] ?? 0) + (before['odin/incoming/cubic/'] ?? 0),
  );
  expect(after['odin/data/cubic/ods/']).toBe((before['odin/data/cubic/ods/'] ?? 0) - 120);
  expect(after['odin/data/afc/sales/']).toBe(before['odin/data/afc/sales/']);
  rmSync(directory, { recursive: true, force: true });
});
