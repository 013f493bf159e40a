// What a deployed migration cannot do to the ledger, whatever its own permissions say. The emulator enforces the roles'
// policies and the bucket's.
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOnlySessionPolicy } from '../../core/read-only.ts';
import type { Platform } from '../scenarios/platform.ts';
import { DATA_BUCKET } from '../scenarios/platform.ts';
import { works } from '../scenarios/migrations.ts';
import { World } from '../scenarios/world.ts';
import { emulatorPlatform } from './emulator-platform.ts';

/** Tries each of these as the role of migration 0002, and leaves the answers in the data bucket. */
const ATTEMPTS = {
  'completes itself': `put('completed/0002.json', '*')`,
  'completes another': `put('completed/0003.json', '*')`,
  'claims for another': `put('attempts/0003/0001/started.json', '*')`,
  'decides for itself': `put('attempts/0002/0001/decisions/01.json', '*')`,
  'opens a halt': `put('halts/0002.json')`,
  'moves the checkpoint of another': `put('checkpoints/0003.json')`,
  'changes a completion': `put('completed/0001.json')`,
  'changes its own claim': `put('attempts/0002/0001/started.json')`,
  'deletes a completion': `remove('completed/0001.json')`,
  'deletes its own claim': `remove('attempts/0002/0001/started.json')`,
};

/** The same migration, by a session of its role that is narrowed as a preview's is: past the recorder, so to speak. */
const NARROWED = {
  'writes where it may write': `narrowed.send(new PutObjectCommand({ Bucket: '${DATA_BUCKET}', Key: 'narrowed' }))`,
  'deletes where it may delete': `narrowed.send(new DeleteObjectCommand({ Bucket: '${DATA_BUCKET}', Key: 'greedy.json' }))`,
  'writes its own checkpoint': `narrowed.send(new PutObjectCommand({ Bucket, Key: 'checkpoints/0002.json', Body: '{}' }))`,
};

const greedy = `
import {
  DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
const s3 = new S3Client({});
const Bucket = process.env['ODIN_LEDGER_BUCKET'];
export const permissions = [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }];

const put = (Key: string, IfNoneMatch?: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: '{}', IfNoneMatch }));
const remove = (Key: string) => s3.send(new DeleteObjectCommand({ Bucket, Key }));

export async function migration(): Promise<void> {
  const answers: Record<string, string> = {};
  const attempt = async (name: string, work: () => Promise<unknown>) => {
    answers[name] = await work().then(() => 'allowed', (thrown: Error) => thrown.name);
  };
${Object.entries(ATTEMPTS)
  .map(([name, work]) => `  await attempt(${JSON.stringify(name)}, () => ${work});`)
  .join('\n')}
  const { Credentials = {} } = await new STSClient({}).send(new AssumeRoleCommand({
    RoleArn: process.env['ODIN_ROLE_ARN'],
    RoleSessionName: 'narrowed',
    Policy: ${JSON.stringify(readOnlySessionPolicy())},
  }));
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '', SessionToken } = Credentials;
  const narrowed = new S3Client({ credentials: { accessKeyId, secretAccessKey, sessionToken: SessionToken } });
  await attempt('reads', () => narrowed.send(new ListObjectsV2Command({ Bucket: '${DATA_BUCKET}' })));
${Object.entries(NARROWED)
  .map(([name, work]) => `  await attempt(${JSON.stringify(`narrowed: ${name}`)}, () => ${work});`)
  .join('\n')}
  // The same permission does hold outside the ledger, and for its own checkpoint.
  await attempt('writes its own checkpoint', () => put('checkpoints/0002.json'));
  await s3.send(new PutObjectCommand({ Bucket: '${DATA_BUCKET}', Key: 'greedy.json', Body: JSON.stringify(answers) }));
}
`;

describe('on the emulator, with policies enforced', () => {
  let platform: Platform;
  let world: World;

  beforeAll(async () => {
    platform = await emulatorPlatform();
    const specs = [{ environment: 'greedy', files: { '0001.ts': works(), '0002.ts': greedy, '0003.ts': works() } }];
    const deployment = (await platform.deploy(specs)).get('greedy');
    if (!deployment) throw new Error('greedy was not deployed');
    world = new World(platform, 'greedy', deployment);
  });
  afterAll(async () => {
    await platform.close();
  });

  it('a preview of a migration has a session that can read, and nothing is written', async () => {
    const before = await world.everything();
    expect(await world.preview('0001')).toMatchObject({ outcome: 'finished', stale: [], refused: [] });
    expect(await world.everything()).toEqual(before);
  });

  it('a migration that was given s3:* writes its own part of the ledger and nothing else of it', async () => {
    expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
    const { s3, ledgerBucket } = world.deployment;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: DATA_BUCKET, Key: 'greedy.json' }));
    const expected = Object.fromEntries(Object.keys(ATTEMPTS).map((name) => [name, 'AccessDenied']));
    expect(JSON.parse((await Body?.transformToString()) ?? '')).toEqual({
      ...expected,
      ...Object.fromEntries(Object.keys(NARROWED).map((name) => [`narrowed: ${name}`, 'AccessDenied'])),
      reads: 'allowed',
      'writes its own checkpoint': 'allowed',
    });
    await s3.send(new HeadObjectCommand({ Bucket: ledgerBucket, Key: 'completed/0001.json' }));
  });
});
