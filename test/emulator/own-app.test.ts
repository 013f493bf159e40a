// A team's own CDK app, from the packed tarball: examples/own-cdk-app, whose bucket and migrations are in a Stage. It is granted by
// `access`, run, halted, mended, resumed, destroyed, refused and adopted, with the command line that `npm install` put there.
//
// The emulator asks nobody for permission to use the bucket's key: that the grant covers it too is in test/infra/construct.test.ts.
import { ListObjectsV2Command, NoSuchBucket, PutObjectCommand } from '@aws-sdk/client-s3';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example } from '../package/files.ts';
import { cleanEnvironment, npmInstall, pack, PEERS, writeFiles } from '../package/tarball.ts';
import { bootstrap } from './cdk.ts';
import type { Emulator } from './ministack.ts';
import { startMiniStack } from './ministack.ts';
import type { Team } from './team.ts';
import { bucketOf, loseStack, teamOf } from './team.ts';

const FILES = example('own-cdk-app');
const SHOP_STACK = 'shop-stack.ts';

/** What the example lacks: a file that writes, and asks for nothing. */
const CLOSES_ORDERS = `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

export async function migration(): Promise<void> {
  await new S3Client({}).send(new PutObjectCommand({ Bucket: process.env['DATA_BUCKET'], Key: 'orders/closed', Body: 'all' }));
}
`;

describe('an app of a team, installed from the tarball', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-own-app-'));
  const project = path.join(directory, 'shop');
  const write = (file: string, text: string) => writeFiles(project, { [file]: text });
  let emulator: Emulator;
  let team: Team;

  beforeAll(async () => {
    await Promise.all([start(), install()]);
    team = teamOf({ emulator, directory: project, command: [path.join(project, 'node_modules/.bin/odin-migrate')] });
  });
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    emulator = await startMiniStack({ directory: path.join(directory, 'emulator') });
    await bootstrap(emulator);
  }

  async function install(): Promise<void> {
    writeFiles(project, { ...FILES, 'migrations/odin-dev/0003.ts': CLOSES_ORDERS });
    const [npm = '', ...args] = npmInstall(await pack(directory), ...PEERS);
    await promisify(execFile)(npm, args, { cwd: project, env: cleanEnvironment() });
  }

  let orders = '';
  /** What a halt tells to type. */
  let retry: string[] = [];

  it('is deployed in a stage, and a file does what the app grants to it by name, and nothing else', async () => {
    expect((await team.deploy('dev/Shop')).text).not.toContain('is deleted with its stack');
    orders = await bucketOf(team, 'dev-Shop', 'Orders');
    for (const Key of ['carts/1', 'carts/2', 'orders/1']) {
      await team.s3.send(new PutObjectCommand({ Bucket: orders, Key, Body: Key }));
    }

    const ran = await team.odinElsewhere('run', 'odin-dev', '--app', 'shop', '--wait');
    expect(ran.code).toBe(2);
    expect(ran.text).toMatch(
      /✔ 0001 {2}applied[^]*✔ 0002 {2}applied[^]*✖ 0003 {2}failed: AccessDenied: .*s3:PutObject/,
    );
    expect(await keysIn(orders)).toEqual(['orders/1']);
    [, ...retry] = (/odin-migrate (resume odin-dev retry .*)/.exec(ran.text)?.[0] ?? '').split(' ');
  });

  it('is halted, and resumed as the halt says when its file asks for access and is deployed', async () => {
    write('migrations/odin-dev/0003.ts', `export const access = ['orders'];\n${CLOSES_ORDERS}`);
    const { text } = await team.deploy('dev/Shop', 'branch/Shop');
    expect(text).toContain('The ledger of shop--pr-12 is deleted with its stack');

    const resumed = await team.odinElsewhere(...retry, '--wait');
    expect(resumed).toMatchObject({ code: 0, text: expect.stringContaining('1 applied') as string });
    expect(await keysIn(orders)).toEqual(['orders/1', 'orders/closed']);
  });

  it('of a branch takes its ledger with it', async () => {
    const ledger = await bucketOf(team, 'branch-Shop', 'MigrationsLedger');
    expect((await team.odin('run', 'pr-12', '--wait')).text).toContain('Done: 3 applied.');
    expect(await keysIn(ledger)).toContain('completed/0003.json');

    await team.destroy('branch-Shop');
    await expect(keysIn(ledger)).rejects.toThrow(NoSuchBucket);
    expect((await team.odin('adopt', 'pr-12', '--yes')).text).toContain('has no ledger that was kept');
  });

  it('gets no second, empty ledger after its stack was destroyed, and its own one back', async () => {
    await loseStack(team, { selector: 'dev/Shop', stack: 'dev-Shop' });

    const adopted = await team.odin('adopt', 'odin-dev', '--yes');
    expect(adopted).toMatchObject({ code: 0, text: expect.stringContaining('3 migrations completed') as string });
    const [former = ''] = /existingLedgerBucketName: '[^']+'/.exec(adopted.text) ?? [];
    const props = '      environmentName,\n';
    write(SHOP_STACK, FILES[SHOP_STACK]!.replace(props, `${props}      ${former},\n`));
    await team.deploy('dev/Shop');
    expect((await team.odin('run', 'odin-dev', '--wait')).text).toContain('nothing was pending');
    expect((await team.odin('status', 'odin-dev')).text).toContain('3 of 3 completed');
    expect(await keysIn(orders)).toEqual(['orders/1', 'orders/closed']);
  });

  async function keysIn(Bucket: string): Promise<string[]> {
    const { Contents = [] } = await team.s3.send(new ListObjectsV2Command({ Bucket }));
    return Contents.map(({ Key = '' }) => Key);
  }
});
