// A real `cdk deploy` without AWS: MiniStack (PyPI), a process that speaks AWS's protocols and runs functions.
import { access, chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROJECT } from '../support/project.ts';
import { installPythonProgram } from '../support/python.ts';
import { ProgramError, lastLines, leash, type Leashed } from '../support/leash.ts';

export const account = '000000000000';
export const region = 'eu-west-1';

export interface EmulatorOptions {
  /** An empty or absent folder: logs and the CDK's cache go there. */
  directory: string;
  /** Multiplies every Wait and every Retry interval of Step Functions; 1 is real time, 0 skips them. */
  waitScale?: number;
  /**
   * Each function acts as its own role, and the bucket's policy counts. True when left out; false allows everything.
   * The environment below is the account's root user, whom the emulator never restricts.
   */
  enforceIam?: boolean;
  /** Environment variables that every function has besides its own. */
  functions?: Readonly<Record<string, string>> | undefined;
}

export interface Emulator extends AsyncDisposable {
  readonly endpoint: string;
  /** What an SDK client, the CLI and a `cdk` process need in place of a developer's own AWS settings. */
  readonly environment: Record<string, string>;
  readonly directory: string;
  readonly logFile: string;
  readonly python: string;
  /** Kills the emulator and every function that still runs. All of its state is gone. */
  stop(): Promise<void>;
}

const startSeconds = 60;

export async function startMiniStack(options: EmulatorOptions): Promise<Emulator> {
  const python = await installPythonProgram({
    name: 'emulator',
    requirements: resolve(import.meta.dirname, 'requirements.txt'),
    module: 'ministack',
    oldestMinor: 10,
  });
  const directory = resolve(options.directory);
  const logFile = resolve(directory, 'ministack.log');
  await Promise.all(['bin', 'home'].map((name) => mkdir(resolve(directory, name), { recursive: true })));
  await writeNodeWrapper(resolve(directory, 'bin/node'));
  await linkSdk(resolve(directory, 'sdk'));

  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const server = leash([python, resolve(import.meta.dirname, 'launch')], {
      python,
      cwd: directory,
      env: serverEnvironment(directory, port, options),
      logFile,
    });
    const endpoint = `http://127.0.0.1:${port}`;
    const state = await healthy(endpoint, server);
    if (state === 'healthy') return running(endpoint, server, { directory, logFile, python });
    await server.kill();
    // Somebody else may have taken the port since it was found free.
    const log = lastLines(logFile);
    if (state === 'exited' && log.includes('already in use') && attempt < 3) continue;
    throw new ProgramError(
      state === 'exited'
        ? `MiniStack ended while starting.\n${log}`
        : `MiniStack did not answer within ${startSeconds} s.\n${log}`,
    );
  }
}

function running(
  endpoint: string,
  server: Leashed,
  files: Pick<Emulator, 'directory' | 'logFile' | 'python'>,
): Emulator {
  const stop = () => server.kill();
  const absent = resolve(files.directory, 'home/none');
  return {
    ...files,
    endpoint,
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      // The emulator takes a key of twelve digits for an account's root user.
      AWS_ACCESS_KEY_ID: account,
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_CONFIG_FILE: absent,
      AWS_SHARED_CREDENTIALS_FILE: absent,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function serverEnvironment(directory: string, port: number, options: EmulatorOptions): Record<string, string> {
  const { waitScale = 1, enforceIam = true, functions = {} } = options;
  return {
    ...functions,
    // Functions run by the `node` that is found first, and inherit this environment.
    PATH: [resolve(directory, 'bin'), process.env['PATH'] ?? '/usr/bin:/bin'].join(':'),
    NODE_PATH: resolve(directory, 'sdk'),
    HOME: resolve(directory, 'home'),
    LANG: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1',
    TZ: 'UTC',
    BIND_HOST: '127.0.0.1',
    // The host in queue URLs and in the URLs that custom resources answer to; `localhost` may mean ::1.
    MINISTACK_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    MINISTACK_ACCOUNT_ID: account,
    MINISTACK_REGION: region,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AUTH: String(enforceIam),
    SFN_WAIT_SCALE: String(waitScale),
    LAMBDA_EXECUTOR: 'local',
    // Nothing of these is wanted, and each would open a fixed port or look for a daemon.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    DOCKER_HOST: `unix://${resolve(directory, 'no-docker.sock')}`,
  };
}

/**
 * MiniStack bounds a function's time, not its memory: V8's heap limit comes closest to Lambda's. DEP0169 is of
 * MiniStack's own worker script, and would be the first line of every function's log.
 */
async function writeNodeWrapper(file: string): Promise<void> {
  const node = resolve(PROJECT, 'node_modules/node/bin/node');
  await access(node).catch(() => {
    throw new ProgramError(`${node} is missing, the Node.js that functions run on. Run: npm ci`);
  });
  const limit = '${AWS_LAMBDA_FUNCTION_MEMORY_SIZE:+--max-old-space-size=$AWS_LAMBDA_FUNCTION_MEMORY_SIZE}';
  await writeFile(file, `#!/bin/sh\nexec '${node}' --disable-warning=DEP0169 ${limit} "$@"\n`);
  await chmod(file, 0o755);
}

/** Lambda's Node.js has AWS's SDK, and no other packages: the function of CDK that empties a bucket requires it. */
async function linkSdk(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await symlink(resolve(PROJECT, 'node_modules/@aws-sdk'), resolve(folder, '@aws-sdk'));
}

async function healthy(endpoint: string, server: Leashed): Promise<'healthy' | 'exited' | 'silent'> {
  const deadline = Date.now() + startSeconds * 1000;
  const exited = server.exited.then(() => 'exited' as const);
  while (Date.now() < deadline) {
    const answer = await Promise.race([
      exited,
      fetch(`${endpoint}/_ministack/ready`, { signal: AbortSignal.timeout(5000) }).then(
        (response) => response.ok,
        () => false,
      ),
    ]);
    if (answer === 'exited') return answer;
    if (answer) return 'healthy';
    await sleep(50);
  }
  return 'silent';
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done, fail) => {
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', done);
  });
  const address = probe.address();
  await new Promise((done) => probe.close(done));
  if (address === null || typeof address === 'string') throw new ProgramError('No free port on 127.0.0.1.');
  return address.port;
}
