// What a deployed migration cannot do to the ledger, whatever its own permissions say. The emulator enforces the roles'
// policies and the bucket's.
import type { Capability } from '@aws-sdk/client-cloudformation';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOnlySessionPolicy } from '../../core/preview/read-only.ts';
import type { Platform } from '../scenarios/platform.ts';
import { type } from '../scenarios/command-line.ts';
import { DATA_BUCKET } from '../scenarios/platform.ts';
import type { Statement } from '../support/policies.ts';
import { documentedStatements } from '../support/policies.ts';
import { fails, works } from '../scenarios/migrations.ts';
import { until, World } from '../scenarios/world.ts';
import { account } from './ministack.ts';
import { emulatorPlatform } from './emulator-platform.ts';

/** Tries each of these as the role of migration 0002, whose turn is entry 3, and leaves the answers in the data bucket. */
const ATTEMPTS = {
  'appends to the log': `put('log/00000004.json', '*')`,
  'completes itself': `put('completed/0002.json', '*')`,
  'claims for another': `put('turns/0003/00000005/claim.json', '*')`,
  'writes beside its keys': `put('turns/0002/00000003/decision.json', '*')`,
  'waits in a halt': `put('waiters/00000004/mine.json', '*')`,
  'repairs an entry': `put('repairs/00000001.json', '*')`,
  'rewrites the cache': `put('state.json', '*')`,
  'moves the checkpoint of another': `put('checkpoints/0003.json', '*')`,
  'moves its own checkpoint, whatever it is': `put('checkpoints/0002.json')`,
  'changes an entry': `put('log/00000002.json')`,
  'changes its own claim': `put('turns/0002/00000003/claim.json')`,
  'deletes an entry': `remove('log/00000002.json')`,
  'deletes its own claim': `remove('turns/0002/00000003/claim.json')`,
  'reads task tokens': `s3.send(new GetObjectCommand({ Bucket, Key: 'waiters/00000004/mine.json' }))`,
  'takes the policy away': `s3.send(new DeleteBucketPolicyCommand({ Bucket }))`,
  'lets records expire': `s3.send(new DeleteBucketLifecycleCommand({ Bucket }))`,
  'ends the versioning': `s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }))`,
};

/** The same migration, by a session of its role that is narrowed as a preview's is: past the recorder, so to speak. */
const NARROWED = {
  'writes where it may write': `narrowed.send(new PutObjectCommand({ Bucket: '${DATA_BUCKET}', Key: 'narrowed' }))`,
  'deletes where it may delete': `narrowed.send(new DeleteObjectCommand({ Bucket: '${DATA_BUCKET}', Key: 'greedy.json' }))`,
  'writes its own checkpoint': `narrowed.send(new PutObjectCommand({ Bucket, Key: 'checkpoints/0002.json', Body: '{}', IfNoneMatch: '*' }))`,
};

const greedy = `
import {
  DeleteBucketLifecycleCommand, DeleteBucketPolicyCommand, DeleteObjectCommand, GetObjectCommand, ListBucketsCommand,
  ListObjectsV2Command, PutBucketVersioningCommand, PutObjectCommand, S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
const s3 = new S3Client({});
let Bucket: string | undefined;
export const permissions = [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }];

const put = (Key: string, IfNoneMatch?: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: '{}', IfNoneMatch }));
const remove = (Key: string) => s3.send(new DeleteObjectCommand({ Bucket, Key }));

export async function migration(): Promise<void> {
  // Nobody tells it where the ledger is, nor its role's name; it finds out.
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  Bucket = Buckets.find(({ Name = '' }) => Name.includes('greedy'))?.Name;
  const { Arn = '' } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  const [, account, role] = /^arn:aws:sts::(\\d+):assumed-role\\/([^/]+)\\//.exec(Arn) ?? [];
  const answers: Record<string, string> = {};
  const attempt = async (name: string, work: () => Promise<unknown>) => {
    answers[name] = await work().then(() => 'allowed', (thrown: Error) => thrown.name);
  };
${Object.entries(ATTEMPTS)
  .map(([name, work]) => `  await attempt(${JSON.stringify(name)}, () => ${work});`)
  .join('\n')}
  const { Credentials = {} } = await new STSClient({}).send(new AssumeRoleCommand({
    RoleArn: 'arn:aws:iam::' + account + ':role/' + role,
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
  await attempt('writes its own checkpoint', () => put('checkpoints/0002.json', '*'));
  await s3.send(new PutObjectCommand({ Bucket: '${DATA_BUCKET}', Key: 'greedy.json', Body: JSON.stringify(answers) }));
}
`;

describe('on the emulator, with policies enforced', () => {
  let platform: Platform;
  let world: World;
  let odinDev: World;

  beforeAll(async () => {
    platform = await emulatorPlatform();
    const deployments = await platform.deploy([
      { environment: 'greedy', files: { '0001.ts': works(), '0002.ts': greedy, '0003.ts': works() } },
      { environment: 'odin-dev', files: { '0001.ts': works(), '0002.ts': fails() } },
    ]);
    const worldOf = (environment: string) => new World(platform, environment, deployments.get(environment)!);
    world = worldOf('greedy');
    odinDev = worldOf('odin-dev');
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

  it('an operator with the policy of docs/configuration.md can use each command, and without a statement not', async () => {
    const all = documentedStatements(odinDev.deployment.ledgerBucket);
    const [looker, operator] = await Promise.all([
      identity(
        odinDev,
        'looker',
        all.filter(({ Sid = '' }) => ['Look', 'ReadTheLedger', 'AskForTheManifest'].includes(Sid)),
      ),
      identity(odinDev, 'operator', all),
    ]);
    expect((await type(looker, 'status', 'odin-dev')).code).toBe(0);
    for (const refused of [
      ['run', 'odin-dev'],
      ['preview', 'odin-dev'],
      ['baseline', 'odin-dev', '--through', '0001', '--reason', 'no'],
    ]) {
      expect(await type(looker, ...refused)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^AwsForbidden: [^]*docs\/configuration\.md/) as string,
      });
    }
    const adopted = await type(operator, 'baseline', 'odin-dev', '--through', '0001', '--reason', 'ran elsewhere');
    expect(adopted).toMatchObject({ code: 0, stderr: '' });
    expect((await type(operator, 'preview', 'odin-dev', '0001')).code).not.toBe(1);
    expect((await type(operator, 'run', 'odin-dev', '--wait')).code).toBe(2);
    expect((await type(looker, 'resume', 'odin-dev', 'retry')).stderr).toMatch(/^AwsForbidden: /);
    const skipped = await type(operator, 'resume', 'odin-dev', 'skip', '--reason', 'not here', '--wait');
    expect(skipped).toMatchObject({ code: 0, stderr: '' });
    expect((await odinDev.completion('0002'))?.by).toMatch(/assumed-role\/operator\/night$/);
    expect((await type(looker, 'history', 'odin-dev')).stdout).toContain('not here');
  });
});

/** The environment variables of a session of an IAM role with these statements and no others. */
async function identity({ deployment }: World, name: string, statements: Statement[]): Promise<Record<string, string>> {
  const { options } = deployment;
  const cloudFormation = new CloudFormationClient(options);
  const document = (Statement: object[]) => ({ Version: '2012-10-17', Statement });
  const Properties = {
    RoleName: name,
    AssumeRolePolicyDocument: document([{ Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' }]),
    Policies: [{ PolicyName: 'documented', PolicyDocument: document(statements) }],
  };
  const TemplateBody = JSON.stringify({ Resources: { Role: { Type: 'AWS::IAM::Role', Properties } } });
  const Capabilities: Capability[] = ['CAPABILITY_NAMED_IAM'];
  await cloudFormation.send(new CreateStackCommand({ StackName: name, TemplateBody, Capabilities }));
  await until(`the stack ${name}`, async () => {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    return Stacks[0]?.StackStatus === 'CREATE_COMPLETE' || undefined;
  });
  const RoleArn = `arn:aws:iam::${account}:role/${name}`;
  const { Credentials } = await new STSClient(options).send(
    new AssumeRoleCommand({ RoleArn, RoleSessionName: 'night' }),
  );
  return {
    AWS_ENDPOINT_URL: options.endpoint ?? '',
    AWS_REGION: options.region ?? '',
    AWS_ACCESS_KEY_ID: Credentials?.AccessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: Credentials?.SecretAccessKey ?? '',
    AWS_SESSION_TOKEN: Credentials?.SessionToken ?? '',
  };
}
