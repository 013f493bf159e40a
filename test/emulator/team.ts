// What a team does on the emulator, whichever app deploys its environment: it types commands, deploys, and destroys the stack.
import {
  CloudFormationClient,
  DeleteStackCommand,
  UpdateTerminationProtectionCommand,
  waitUntilStackDeleteComplete,
} from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { expect } from 'vitest';
import { cleanEnvironment } from '../package/tarball.ts';
import type { Deployed } from './cdk.ts';
import { deploy } from './cdk.ts';
import type { Emulator } from './ministack.ts';
import { account, region } from './ministack.ts';

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
  s3: S3Client;
  cloudFormation: CloudFormationClient;
  /** Types `odin-migrate …` in the project. */
  odin: (...args: string[]) => Promise<Typed>;
  /** In another folder, outside of any project. */
  odinElsewhere: (...args: string[]) => Promise<Typed>;
  /** @param stacks as `cdk deploy` names them */
  deploy: (...stacks: string[]) => Promise<Deployed>;
  /** @param stack as CloudFormation names it */
  destroy: (stack: string) => Promise<void>;
}

export function teamOf({ emulator, directory, command, app }: TeamOptions): Team {
  const options = {
    region,
    endpoint: emulator.endpoint,
    credentials: { accessKeyId: account, secretAccessKey: 'test' },
  };
  const cloudFormation = new CloudFormationClient(options);
  return {
    s3: new S3Client({ ...options, forcePathStyle: true }),
    cloudFormation,
    odin: (...args) => typed(directory, args),
    odinElsewhere: (...args) => typed(tmpdir(), args),
    deploy: (...stacks) => deploy(emulator, { app, stacks, cwd: directory }),
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

export interface Life {
  environment: string;
  /** Its stack, as `cdk deploy` names it. */
  selector: string;
  /** Its stack, as CloudFormation names it. */
  stack: string;
  /** Migrations that are completed: all that there are. */
  completed: number;
  /** Says in the app which bucket was its ledger. */
  nameLedger: (bucket: string) => void;
}

/**
 * The stack is destroyed, a deployment that would begin a second, empty ledger is refused, and the first one is brought back.
 * @returns its bucket
 */
export async function loseAndAdopt(
  team: Team,
  { environment, selector, stack, completed, nameLedger }: Life,
): Promise<string> {
  await team.destroy(stack);
  await expect(team.deploy(selector)).rejects.toThrow(/already exists/i);
  await team.destroy(stack); // what a first deployment that was rolled back leaves may be protected

  const adopted = await team.odin('adopt', environment, '--yes');
  expect(adopted).toMatchObject({ code: 0 });
  const [, bucket = ''] = /existingLedgerBucketName: '([^']+)'/.exec(adopted.text) ?? [];
  nameLedger(bucket);
  await team.deploy(selector);
  expect((await team.odin('run', environment, '--wait')).text).toContain('nothing was pending');
  expect((await team.odin('status', environment)).text).toContain(`${completed} of ${completed} completed`);
  return bucket;
}
