// The real `cdk` command line against the emulator. Each run leaves its log and its files in a folder of the emulator's.
import { mkdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROJECT } from '../support/project.ts';
import { ProgramError, lastLines, leash } from '../support/leash.ts';
import type { Emulator } from './ministack.ts';
import { account, region } from './ministack.ts';

export interface DeployOptions {
  /** The command that synthesises, run in `cwd`, or the folder of a cloud assembly; what the cdk.json there says when left out. */
  app?: string | undefined;
  /** This project's root folder when left out. */
  cwd?: string;
  /** Which stacks, with what they depend on; all of them when left out. */
  stacks?: readonly string[];
  context?: Readonly<Record<string, string>>;
  /** Where the cloud assembly goes; into the run's own folder when left out. */
  output?: string;
  /** Environment variables of the `app` command. */
  variables?: Readonly<Record<string, string>>;
  /** 600 when left out. */
  timeoutSeconds?: number;
}

export interface Deployed {
  /** Stack name → output name → value. */
  outputs: Record<string, Record<string, string>>;
  /** What `cdk deploy` printed. */
  text: string;
}

interface Run {
  verb: 'bootstrap' | 'deploy';
  args: readonly string[];
  cwd: string;
  folder: string;
  timeoutSeconds: number;
  variables?: Readonly<Record<string, string>>;
}

/** Makes the CDK's own bucket and roles; once per emulator. */
export async function bootstrap(emulator: Emulator): Promise<void> {
  const folder = await newFolder(emulator, 'bootstrap');
  // Not in the project's folder: a cdk.json there would have its app synthesised for nothing.
  await cdk(emulator, {
    verb: 'bootstrap',
    args: [`aws://${account}/${region}`],
    cwd: folder,
    folder,
    timeoutSeconds: 120,
  });
}

export async function deploy(emulator: Emulator, options: DeployOptions): Promise<Deployed> {
  const { app, stacks = [], context = {}, variables = {}, cwd = PROJECT, timeoutSeconds = 600 } = options;
  const folder = await newFolder(emulator, 'deploy');
  const { output = resolve(folder, 'cdk.out') } = options;
  const outputsFile = resolve(folder, 'outputs.json');
  const args = [
    ...(stacks.length > 0 ? stacks : ['--all']),
    ...(app === undefined ? [] : ['--app', app]),
    ...['--output', output],
    ...Object.entries(context).flatMap(([key, value]) => ['--context', `${key}=${value}`]),
    ...['--outputs-file', outputsFile],
    ...['--require-approval', 'never'],
    // Without a change set: fewer round trips, and the emulator's result is the same.
    ...['--method', 'direct'],
    // The time of a stack is mostly that of waiting until it is looked at again.
    ...['--concurrency', '8'],
  ];
  const text = await cdk(emulator, { verb: 'deploy', args, cwd, folder, timeoutSeconds, variables });
  return { outputs: JSON.parse(await readFile(outputsFile, 'utf8')) as Deployed['outputs'], text };
}

/** @returns what it printed */
async function cdk(emulator: Emulator, { verb, args, cwd, folder, timeoutSeconds, variables }: Run): Promise<string> {
  const bin = resolve(PROJECT, 'node_modules/.bin');
  const logFile = resolve(folder, 'cdk.log');
  const common = ['--ci', '--no-color', '--no-notices', '--no-version-reporting'];
  const command = leash([resolve(bin, 'node'), resolve(bin, 'cdk'), verb, ...args, ...common], {
    python: emulator.python,
    cwd,
    env: {
      ...emulator.environment,
      PATH: [bin, process.env['PATH'] ?? '/usr/bin:/bin'].join(':'),
      HOME: resolve(emulator.directory, 'home'),
      CDK_HOME: resolve(emulator.directory, 'home'),
      CDK_DISABLE_VERSION_CHECK: '1',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      ...variables,
    },
    logFile,
  });
  const end = await Promise.race([command.exited, sleep(timeoutSeconds * 1000, 'timeout' as const, { ref: false })]);
  if (end === 0) return readFile(logFile, 'utf8');
  await command.kill();
  const what = end === 'timeout' ? `did not end within ${timeoutSeconds} s` : `ended with code ${end}`;
  throw new ProgramError(
    `cdk ${verb} ${what}.\n${lastLines(logFile)}\n--- the emulator's own log: ${emulator.logFile}`,
  );
}

let runs = 0;

async function newFolder(emulator: Emulator, verb: string): Promise<string> {
  runs += 1;
  const folder = resolve(emulator.directory, `cdk-${verb}-${process.pid}-${runs}`);
  await mkdir(folder, { recursive: true });
  return folder;
}
