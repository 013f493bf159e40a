// The life of an environment of an app: deployed by `odin-migrate synth`, found by its registration, its stack destroyed, a second
// and empty ledger refused, the old one brought back.
import {
  CloudFormationClient,
  DeleteStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { GetBucketTaggingCommand, PutBucketTaggingCommand, S3Client } from '@aws-sdk/client-s3';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackName } from '../../core/names/names.ts';
import type { TemporaryProject } from '../support/project.ts';
import { PROJECT, temporaryProject } from '../support/project.ts';
import { bootstrap, deploy } from './cdk.ts';
import type { Emulator } from './ministack.ts';
import { account, region, startMiniStack } from './ministack.ts';

const STACK = stackName({ app: 'shop', environment: 'odin-dev' });
const COMMAND = path.join(PROJECT, 'cli/odin-migrate.js');
const configuration = (stack: object = {}) => JSON.stringify({ app: 'shop', environments: { 'odin-dev': { stack } } });

describe('an environment of an app', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-migrate-emulator-'));
  let emulator: Emulator;
  let project: TemporaryProject;
  /** Of the ledger that is adopted, and left. */
  let bucket = '';

  beforeAll(async () => {
    emulator = await startMiniStack({ directory });
    await bootstrap(emulator);
    project = temporaryProject({
      'odin-migrate.json': configuration(),
      'migrations/odin-dev/0001.ts': 'export async function migration(): Promise<void> {}\n',
    });
  });
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    project.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  const odin = (args: string[], cwd = project.directory) =>
    new Promise<{ code: number; text: string }>((resolve) => {
      const env = { ...process.env, ...emulator.environment };
      execFile(process.execPath, [COMMAND, ...args], { cwd, env }, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr });
      });
    });
  const deployIt = () =>
    deploy(emulator, { app: `${process.execPath} ${COMMAND} synth`, stacks: [STACK], cwd: project.directory });
  const options = () => ({
    region,
    endpoint: emulator.endpoint,
    credentials: { accessKeyId: account, secretAccessKey: 'test' },
  });
  const s3 = () => new S3Client({ ...options(), forcePathStyle: true });
  const destroyIt = async () => {
    const cloudFormation = new CloudFormationClient(options());
    await cloudFormation.send(
      new UpdateTerminationProtectionCommand({ StackName: STACK, EnableTerminationProtection: false }),
    );
    await cloudFormation.send(new DeleteStackCommand({ StackName: STACK }));
  };

  it('is deployed, and found from its project and, with --app, from anywhere', async () => {
    await deployIt();
    const ran = await odin(['run', 'odin-dev', '--wait']);
    expect(ran.text).toContain('Done: 1 applied.');
    expect((await odin(['status', 'odin-dev', '--app', 'shop'], tmpdir())).text).toContain('1 of 1 completed');
    const elsewhere = await odin(['status', 'odin-dev'], tmpdir());
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.text).toContain('Found there: shop/odin-dev.');
  });

  it('is not adopted while it is deployed', async () => {
    const refused = await odin(['adopt', 'odin-dev', '--yes']);
    expect(refused).toMatchObject({ code: 3, text: expect.stringContaining(`by the stack ${STACK}`) as string });
  });

  it('gets no second, empty ledger after its stack was destroyed, and its own one back', async () => {
    await destroyIt();
    await expect(deployIt()).rejects.toThrow(/already exists/i);
    await destroyIt(); // what a first deployment that was rolled back leaves is protected too

    const adopted = await odin(['adopt', 'odin-dev', '--yes']);
    expect(adopted).toMatchObject({ code: 0 });
    [, bucket = ''] = /"existingLedgerBucketName": "([^"]+)"/.exec(adopted.text) ?? [];
    project.write('odin-migrate.json', configuration({ existingLedgerBucketName: bucket }));
    await deployIt();
    expect((await odin(['run', 'odin-dev', '--wait'])).text).toContain('nothing was pending');
    expect((await odin(['status', 'odin-dev'])).text).toContain('1 of 1 completed');
  });

  it('begins a new ledger when somebody says so, with a reason', async () => {
    await destroyIt();
    const TagSet = [{ Key: 'team', Value: 'shop' }];
    await s3().send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }));
    const left = await odin(['start-over', 'odin-dev', '--yes', '--reason', 'the data was thrown away']);
    expect(left).toMatchObject({ code: 0, text: expect.stringContaining('begins a new ledger') as string });
    const tagged = await s3().send(new GetBucketTaggingCommand({ Bucket: bucket }));
    expect(Object.fromEntries((tagged.TagSet ?? []).map(({ Key = '', Value }) => [Key, Value]))).toMatchObject({
      team: 'shop',
      'odin-migrate:left-because': 'the data was thrown away',
    });
    project.write('odin-migrate.json', configuration());
    await deployIt();
    expect((await odin(['status', 'odin-dev'])).text).toContain('0 of 1 completed');
  });
});
