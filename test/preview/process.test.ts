// What the process of a preview is given, and what is left of it afterwards.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PreviewAllows, PreviewPayload } from '../../core/preview/preview.ts';
import { VARIABLES } from '../../core/names/names.ts';
import { createPreview } from '../../lambdas/run-migration/preview/preview.ts';
import type { ProcessSettings } from '../../lambdas/run-migration/user-code/fork.ts';
import type { RunUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
import { thrownBy } from '../support/thrown.ts';

/** What could lead to credentials, or has Node.js load or write something by itself. */
const KEPT_BACK = [
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_SECURITY_TOKEN',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_LAMBDA_RUNTIME_API',
  'NODE_OPTIONS',
  'NODE_V8_COVERAGE',
  'NODE_COMPILE_CACHE',
  'NODE_REDIRECT_WARNINGS',
  'NODE_REPL_EXTERNAL_MODULE',
  'NODE_REPL_HISTORY',
  'NODE_CHANNEL_FD',
  'NODE_UNIQUE_ID',
  'LD_PRELOAD',
  'LD_AUDIT',
  'LD_DEBUG_OUTPUT',
  'DYLD_INSERT_LIBRARIES',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
  VARIABLES.ledgerBucket,
  VARIABLES.roleArn,
];
/** But certificates and modules, of files that can be read. */
const LOAD_AND_WRITE_NOTHING = [
  ...['FORCE_COLOR', 'NO_COLOR', 'NODE_DISABLE_COLORS', 'NODE_DEBUG', 'NODE_DEBUG_NATIVE', 'NODE_EXTRA_CA_CERTS'],
  ...['NODE_NO_WARNINGS', 'NODE_PATH', 'NODE_PENDING_DEPRECATION', 'NODE_PENDING_PIPE_INSTANCES', 'TZ'],
  ...['NODE_PRESERVE_SYMLINKS', 'NODE_SKIP_PLATFORM_CHECK', 'NODE_TLS_REJECT_UNAUTHORIZED', 'UV_THREADPOOL_SIZE'],
];
const REPLACED = {
  AWS_ACCESS_KEY_ID: 'PREVIEW',
  AWS_SECRET_ACCESS_KEY: 'preview',
  AWS_SESSION_TOKEN: 'preview',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
};

const INVOCATION = { requestId: 'r', functionName: 'f', functionArn: 'a', remainingMs: () => 60_000 };
const CREDENTIALS = { accessKeyId: 'a', secretAccessKey: 's', sessionToken: 't' };

interface Given {
  settings: Omit<ProcessSettings, 'file'>;
  options: Parameters<RunUserCode>[0];
  scratch: string;
}

/** @param run stands in for the process: what it does while it lives */
async function preview(
  asked: Partial<PreviewPayload> = {},
  run: (given: Given) => ReturnType<RunUserCode> = () => Promise.resolve({ outcome: 'finished', checkpoints: 0 }),
  allows: PreviewAllows = [],
): Promise<Given> {
  let given: Given | undefined;
  const work = createPreview({
    migration: '0001',
    allows,
    session: () => Promise.resolve(CREDENTIALS),
    inProcess: (settings) => (options) => {
      given = { settings, options, scratch: settings.env['TMPDIR'] ?? '' };
      return run(given);
    },
    onLine: () => undefined,
    now: () => 0,
  });
  await work({ ask: 'preview', migration: '0001', ...asked }, INVOCATION).catch((thrown: unknown) => {
    if (!given) throw thrown;
  });
  if (!given) throw new Error('No process was started.');
  return given;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the process of a preview', () => {
  it('has the variables of its function, and none that leads to credentials', async () => {
    for (const name of [...KEPT_BACK, ...Object.keys(REPLACED)]) vi.stubEnv(name, 'SECRET');
    vi.stubEnv('DATA_BUCKET', 'data');
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    const { env } = (await preview()).settings;
    expect(env).toMatchObject({ DATA_BUCKET: 'data', AWS_REGION: 'eu-west-1', ...REPLACED });
    expect(KEPT_BACK.filter((name) => name in env)).toEqual([]);
    expect(Object.entries(env).filter(([, value]) => value === 'SECRET')).toEqual([]);
  });

  it('was looked at for every variable that Node.js knows', () => {
    const help = execFileSync(process.execPath, ['--help'], { encoding: 'utf8' });
    const named = [...help.slice(help.indexOf('Environment variables')).matchAll(/^([A-Z][A-Z0-9_]+)(?= |$)/gm)];
    const known = new Set([...KEPT_BACK, ...LOAD_AND_WRITE_NOTHING]);
    expect(named.length).toBeGreaterThan(15);
    expect(named.map(([name]) => name).filter((name) => !known.has(name))).toEqual([]);
  });

  it('may write into a folder of its own, which is gone when it has ended', async () => {
    const { scratch, settings } = await preview({}, ({ scratch: own }) => {
      writeFileSync(path.join(own, 'file'), '');
      expect(readdirSync(own)).toEqual(['file']);
      return Promise.resolve({ outcome: 'finished', checkpoints: 0 });
    });
    expect(existsSync(scratch)).toBe(false);
    const writes = settings.execArgv?.filter((option) => option.startsWith('--allow-fs-write'));
    expect(writes).toEqual([`--allow-fs-write=${scratch}`]);
  });

  it('leaves no folder behind when it could not be run', async () => {
    const { scratch } = await preview({}, () => Promise.reject(new Error('no memory')));
    expect(scratch).not.toBe('');
    expect(existsSync(scratch)).toBe(false);
  });

  it.each<[PreviewAllows, string[]]>([
    [[], []],
    [['addons'], ['--allow-addons']],
    [['child_process'], ['--allow-child-process']],
    [['worker_threads'], ['--allow-worker']],
  ])('that allows %j may do that, and nothing else', async (allows, expected) => {
    const { execArgv = [] } = (await preview({}, undefined, allows)).settings;
    expect(execArgv[0]).toBe('--permission');
    expect(execArgv.filter((option) => /^--allow-(?!fs-)/.test(option))).toEqual(expected);
  });

  it('cannot read what the system knows of other processes', async () => {
    const { scratch, settings } = await preview();
    const { execArgv = [] } = settings;
    const reads = execArgv.flatMap((option) => option.split('--allow-fs-read=').slice(1));
    expect(reads.filter((folder) => /^\/(proc|dev)/.test(folder))).toEqual([
      ...['/proc/self/exe', '/proc/cpuinfo', '/proc/meminfo'],
      ...['null', 'zero', 'full', 'random', 'urandom', 'stdin'].map((name) => `/dev/${name}`),
    ]);
    expect(reads).toContain('/tmp');
    expect(reads).not.toContain('/');
    // Both may lie below a folder that it cannot read: `/dev/shm`.
    expect(reads).toEqual(expect.arrayContaining([scratch, path.resolve('lambdas/run-migration/preview')]));
  });

  it.each([
    ['all but what answering takes', {}, 55_000, 55_000],
    ['a slice of so many seconds', { seconds: 2 }, 2_000, 55_000],
    ['so many seconds in all', { endAfterSeconds: 9 }, 9_000, 9_000],
    ['no more than its function', { seconds: 600, endAfterSeconds: 600 }, 55_000, 55_000],
  ])('has time: %s', async (_, asked, sliceMs, endAfterMs) => {
    expect((await preview(asked)).options).toMatchObject({ sliceMs, endAfterMs });
  });

  it('is not started for another migration', async () => {
    expect(await thrownBy(preview({ migration: '0002' }))).toMatchObject({
      code: 'WrongMigration',
      what: 'This function previews migration 0001; it was asked for 0002.',
    });
  });
});
