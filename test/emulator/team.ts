// What a team does on the emulator, whichever app deploys its environment: it types commands, deploys, and destroys the stack.
import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStackResourcesCommand,
  UpdateTerminationProtectionCommand,
  waitUntilStackDeleteComplete,
} from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import type { ClientOptions } from '../../client/client-options.ts';
import { cleanEnvironment } from '../package/tarball.ts';
import type { TemporaryProject } from '../support/project.ts';
import { PROJECT, temporaryProject } from '../support/project.ts';
import type { Deployed } from './cdk.ts';
import { bootstrap, deploy } from './cdk.ts';
import type { Emulator } from './ministack.ts';
import { account, region, startMiniStack } from './ministack.ts';

export interface TeamOptions {
  emulator: Emulator;
  /** The team's project. */
  directory: string;
  /** The program `odin-migrate`, and what stands before its arguments. */
  command: readonly string[];
  /** The command that synthesises; that of the project's cdk.json when left out. */
  app?: string | undefined;
}

export interface Typed {
  code: number;
  /** Of both streams. */
  text: string;
}

export interface Team {
  /** For clients of the SDK that come to its emulator. */
  options: ClientOptions;
  s3: S3Client;
  cloudFormation: CloudFormationClient;
  /** Types `odin-migrate …` in the project. */
  odin: (...args: string[]) => Promise<Typed>;
  /** In another folder, outside of any project. */
  odinElsewhere: (...args: string[]) => Promise<Typed>;
  /** @param stacks as `cdk deploy` names them */
  deploy: (...stacks: string[]) => Promise<Deployed>;
  /** The same, with a context: `cdk deploy -c key=value`. */
  deployWith: (context: Readonly<Record<string, string>>, ...stacks: string[]) => Promise<Deployed>;
  /** The same as `deploy`, of what was synthesised for the last deployment. */
  deployAgain: (...stacks: string[]) => Promise<Deployed>;
  /** @param stack as CloudFormation names it */
  destroy: (stack: string) => Promise<void>;
}

/** A team that works from the sources of this repository, on an emulator of its own. */
export interface TeamAtWork {
  emulator: Emulator;
  project: TemporaryProject;
  team: Team;
  close: () => Promise<void>;
}

/** @param files of the project of the app `shop`, but for its odin-migrate.json */
export async function startTeam(files: Readonly<Record<string, string>>): Promise<TeamAtWork> {
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-migrate-emulator-'));
  const emulator = await startMiniStack({ directory });
  await bootstrap(emulator);
  const project = temporaryProject({ 'odin-migrate.json': JSON.stringify({ app: 'shop' }), ...files });
  const command = [process.execPath, path.join(PROJECT, 'cli/odin-migrate.js')];
  return {
    emulator,
    project,
    team: teamOf({ emulator, directory: project.directory, command, app: [...command, 'synth'].join(' ') }),
    close: async () => {
      await emulator[Symbol.asyncDispose]();
      project.remove();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function teamOf({ emulator, directory, command, app }: TeamOptions): Team {
  const options: ClientOptions = {
    region,
    endpoint: emulator.endpoint,
    credentials: { accessKeyId: account, secretAccessKey: 'test' },
  };
  const cloudFormation = new CloudFormationClient(options);
  const assembly = path.join(directory, 'cdk.out');
  return {
    options,
    s3: new S3Client({ ...options, forcePathStyle: true }),
    cloudFormation,
    odin: (...args) => typed(directory, args),
    odinElsewhere: (...args) => typed(tmpdir(), args),
    deploy: (...stacks) => deploy(emulator, { app, stacks, cwd: directory, output: assembly }),
    deployWith: (context, ...stacks) => deploy(emulator, { app, stacks, cwd: directory, output: assembly, context }),
    deployAgain: (...stacks) => deploy(emulator, { app: assembly, stacks, cwd: directory }),
    async destroy(StackName) {
      await cloudFormation.send(
        new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection: false }),
      );
      await cloudFormation.send(new DeleteStackCommand({ StackName }));
      await waitUntilStackDeleteComplete({ client: cloudFormation, maxWaitTime: 120, minDelay: 1 }, { StackName });
    },
  };

  function typed(cwd: string, args: string[]): Promise<Typed> {
    const [program = '', ...first] = command;
    const env = { ...cleanEnvironment(), ...emulator.environment };
    return new Promise((resolve) => {
      execFile(program, [...first, ...args], { cwd, env }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, text: stdout + stderr });
      });
    });
  }
}

/** What was deployed is destroyed, and deployed again as it was: that would begin a second, empty ledger, and is refused. */
export async function loseStack(team: Team, { selector, stack }: { selector: string; stack: string }): Promise<void> {
  await team.destroy(stack);
  await expect(team.deployAgain(selector)).rejects.toThrow(/already exists/i);
}

/** @param id what the bucket's logical id begins with */
export async function bucketOf({ cloudFormation }: Team, StackName: string, id: string): Promise<string> {
  const { StackResources = [] } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName }));
  const found = StackResources.find(
    ({ ResourceType, LogicalResourceId = '' }) =>
      ResourceType === 'AWS::S3::Bucket' && LogicalResourceId.startsWith(id),
  );
  return found?.PhysicalResourceId ?? '';
}
