// What keeps a preview from changing anything besides the recorder: its process, its credentials, its guard.
import { STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OdinError } from '../../core/errors.ts';
import { readOnlySessionPolicy } from '../../core/preview/read-only.ts';
import { createPreview } from '../../lambdas/run-migration/preview/preview.ts';
import { readOnlySession } from '../../lambdas/run-migration/preview/session.ts';
import type { RequestSummary } from '../../local/embedded-aws.ts';
import { start } from '../local/support.ts';
import { embeddedPlatform } from '../scenarios/embedded-platform.ts';
import type { Platform } from '../scenarios/platform.ts';
import { World } from '../scenarios/world.ts';

const ATTEMPTS = `
import { execSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { Worker } from 'node:worker_threads';
import { GetObjectCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
const endpoint = process.env['AWS_ENDPOINT_URL'] ?? '';
const attempt = async (name: string, work: () => unknown) => {
  try {
    await work();
    console.log(name + ': done');
  } catch (thrown) {
    const { name: type, cause } = thrown as Error;
    console.log(name + ': ' + ((cause as Error | undefined)?.name ?? (thrown as { code?: string }).code ?? type));
  }
};
export async function migration(): Promise<void> {
  await attempt('fetch', () => fetch(endpoint + '/scenario-effects/raw', { method: 'PUT', body: 'x' }));
  await attempt('http', () => new Promise((resolve, reject) => get(endpoint, resolve).on('error', reject)));
  await attempt('execSync', () => execSync('true'));
  await attempt('spawn', () => spawn('true'));
  await attempt('thread', () => new Worker('0', { eval: true }));
  await attempt('native addon', () => process.dlopen({ exports: {} }, '/addon.node'));
  await attempt('write beside it', () => writeFileSync('/tmp/odin-preview-wrote-this', ''));
  await attempt('write into its scratch folder', () => writeFileSync(tmpdir() + '/file', ''));
  await attempt('read from S3', () => new S3Client({}).send(new ListBucketsCommand({})));
  console.log('signs as ' + process.env['AWS_ACCESS_KEY_ID'] + ' ' + process.env['AWS_SESSION_TOKEN']);
}
`;

const FILES = {
  '0001.ts': ATTEMPTS,
  '0002.ts': `export const previewAllows = ['child_process', 'network:127.0.0.1'];\n${ATTEMPTS}`,
  '0003.ts': `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
export async function migration(): Promise<void> {
  await new S3Client({}).send(new PutObjectCommand({ Bucket: 'a', Key: 'b', Body: 'cd' }));
  process.stdout.write('before\\n', () => process.exit(3));
  await new Promise(() => setInterval(() => undefined, 60_000));
}`,
  // 5 s of its time are kept for the answer.
  '0004.ts': `export const timeoutMinutes = 6 / 60;
export async function migration(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}`,
  '0005.ts': `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
export async function migration(): Promise<void> {
  const s3 = new S3Client({});
  for (let number = 0; number < 1_000; number += 1) {
    console.log('x'.repeat(10_000));
    await s3.send(new PutObjectCommand({ Bucket: 'bucket-' + number, Key: 'k'.repeat(1_000), Body: '' }));
  }
  throw new Error('y'.repeat(100_000));
}`,
  '0007.ts': `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
export async function migration(): Promise<void> {
  void new S3Client({}).send(new PutObjectCommand({ Bucket: 'a', Key: 'b', Body: 'cd' }));
}`,
  '0008.ts': `import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
export async function migration(): Promise<void> {
  setInterval(() => undefined, 60_000);
  await new S3Client({}).send(new PutObjectCommand({ Bucket: 'a', Key: 'b', Body: 'cd' }));
}`,
  '0006.ts': `export async function migration(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}`,
};

describe('a preview on the embedded AWS', () => {
  let platform: Platform;
  let world: World;

  beforeAll(async () => {
    platform = await embeddedPlatform();
    const deployment = (await platform.deploy([{ environment: 'isolated', files: FILES }])).get('isolated');
    if (!deployment) throw new Error('isolated was not deployed');
    world = new World(platform, 'isolated', deployment);
  });
  afterAll(async () => {
    await platform.close();
  });

  it('has no credentials, and refuses what is no read of the SDK', async () => {
    const report = await world.preview('0001');
    expect(report.output).toEqual([
      'fetch: RefusedInPreview',
      'http: RefusedInPreview',
      'execSync: RefusedInPreview',
      'spawn: RefusedInPreview',
      'thread: RefusedInPreview',
      'native addon: RefusedInPreview',
      'write beside it: ERR_ACCESS_DENIED',
      'write into its scratch folder: done',
      'read from S3: done',
      'signs as PREVIEW preview',
    ]);
    const target = new URL(world.deployment.options.endpoint ?? '').host;
    expect(report.refused).toEqual([
      { what: 'open a connection of its own', target, count: 2 },
      { what: 'start a process', target: 'true', count: 2 },
      { what: 'start a thread', target: '0', count: 1 },
      { what: 'load a native addon', target: '/addon.node', count: 1 },
      { what: 'write a file', target: '/tmp/odin-preview-wrote-this', count: 1 },
    ]);
  });

  it('lets a migration do what its file says changes nothing', async () => {
    const { output, refused, allows } = await world.preview('0002');
    expect(allows).toEqual(['child_process', 'network:127.0.0.1']);
    expect(output.slice(1, 5)).toEqual(['http: done', 'execSync: done', 'spawn: done', 'thread: RefusedInPreview']);
    expect(refused).toHaveLength(3);
  });

  it('tells what was seen of one that ends its process', async () => {
    const report = await world.preview('0003');
    expect(report).toMatchObject({
      outcome: 'ended',
      error: { name: 'ProcessExited' },
      calls: [{ operation: 'PutObject', bytes: 2 }],
      output: ['before'],
    });
    expect(report.error?.message).toContain('exit code 3');
  });

  it('tells of a write that nobody awaits, as a run would', async () => {
    expect(await world.preview('0007')).toMatchObject({
      outcome: 'threw',
      error: { name: 'NotAwaited', message: expect.stringContaining('S3:PutObject s3://a/b') as unknown },
    });
  });

  it('tells what else is alive when it is over', async () => {
    const report = await world.preview('0008');
    expect(report).toMatchObject({ outcome: 'finished', leftOver: ['1 timer'] });
    expect(report.output).toEqual([expect.stringContaining('1 timer')]);
  });

  it("ends one that does not end within the function's time", async () => {
    expect(await world.preview('0004')).toMatchObject({ outcome: 'cut off', calls: [], checkpoints: 0 });
  });

  it('ends one long before that, if the payload says so', async () => {
    const { text } = await world.invokeByHand('0006', { ask: 'preview', migration: '0006', endAfterSeconds: 1 });
    expect(JSON.parse(text)).toMatchObject({ outcome: 'cut off', calls: [], checkpoints: 0 });
  });

  it('answers within the limit of a function, and says how much it left out', async () => {
    const report = await world.preview('0005');
    expect(JSON.stringify(report).length).toBeLessThan(2_000_000);
    expect(report.omitted).toEqual({ calls: 800, occurrences: 0, lines: 800 });
    expect(report.error?.message.length).toBeLessThan(5_000);
  });

  it('is never a run: a payload that is half a preview is refused', async () => {
    const run = { execution: 'arn:x', migration: '0001', attempt: 1, slice: 1, turn: 1 };
    for (const payload of [
      { ...run, ask: 'preview' },
      { ask: 'preview', migration: '0001', attempt: 1 },
      { ...run, ask: 'run', migration: undefined },
      { ...run, preview: true },
      { migration: '0001' },
    ]) {
      const { error, text } = await world.invokeByHand('0001', payload);
      expect([error, text]).toEqual([true, expect.stringContaining('BadPayload')]);
    }
    const other = await world.invokeByHand('0001', { ask: 'preview', migration: '0002' });
    expect(other.text).toContain('WrongMigration');
    expect(await world.attempts('0001')).toBe(0);
  });
});

describe('the session', () => {
  it('is the role itself, narrowed by the session policy; without one nothing is started', async () => {
    const requests: RequestSummary[] = [];
    let verdict: 'pass' | { status: number; code: string } = 'pass';
    const started = await start({
      onRequest: (request) => {
        requests.push(request);
        return verdict;
      },
    });
    try {
      const { aws } = started;
      const sts = new STSClient({
        endpoint: aws.endpoint,
        region: aws.region,
        credentials: aws.credentials,
      });
      const roleArn = 'arn:aws:iam::000000000000:role/odin-dev-0001';
      expect(await readOnlySession(sts, roleArn, '0001')).toEqual({
        accessKeyId: aws.credentials.accessKeyId,
        secretAccessKey: 'embedded',
        sessionToken: 'embedded-session',
      });
      expect(requests[0]?.input).toMatchObject({ RoleArn: roleArn, Policy: readOnlySessionPolicy() });

      verdict = { status: 403, code: 'AccessDenied' };
      const preview = createPreview({
        migration: '0001',
        allows: [],
        session: () => readOnlySession(sts, roleArn, '0001'),
        inProcess: () => expect.unreachable('a process was started'),
        onLine: () => undefined,
        now: () => Date.now(),
      });
      const invocation = { requestId: 'r', functionName: 'f', functionArn: 'a', remainingMs: () => 60_000 };
      const thrown: unknown = await preview({ ask: 'preview', migration: '0001' }, invocation).catch(
        (error: unknown) => error,
      );
      expect((thrown as OdinError).code).toBe('NoReadOnlySession');
      expect((thrown as OdinError).message).toContain('AccessDenied');
    } finally {
      await started.stop();
    }
  });
});
