// A run that goes on in another process of this machine, as a deployment: what is said to it goes to the AWS inside that process.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { OdinError } from '../core/errors.ts';
import type { EmbeddedAws } from '../local/embedded-aws.ts';
import { assertKnownEnvironment } from '../project/discover.ts';
import type { Project } from '../project/project.ts';
import type { Deployment } from './deployment.ts';
import { deploymentOf } from './deployment.ts';
import { localDirectory, readOutputs } from './local-folder.ts';
import { isHeld } from './local-lock.ts';

const Door = z.object({
  endpoint: z.string(),
  region: z.string(),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
});

const doorFile = (directory: string): string => path.join(directory, 'door.json');

/**
 * Says to this user's other processes where it is, and by which key it lets them in.
 * @returns what takes that back
 */
export function openDoor(directory: string, { endpoint, region, credentials }: EmbeddedAws): () => void {
  const file = doorFile(directory);
  rmSync(file, { force: true }); // a mode counts for a new file only
  writeFileSync(file, JSON.stringify({ endpoint, region, credentials }), { mode: 0o600 });
  return () => {
    rmSync(file, { force: true });
  };
}

/** @throws OdinError NothingRunning when no process of this machine runs it */
export function runningHere(project: Project, environment: string): Deployment {
  assertKnownEnvironment(environment, project.directory, project.configuration);
  const directory = localDirectory(project, environment);
  const file = doorFile(directory);
  const outputs = readOutputs(directory);
  if (!isHeld(directory) || !existsSync(file) || !outputs) {
    throw new OdinError({
      code: 'NothingRunning',
      source: 'user',
      what: `No process of this machine runs ${environment}, so nobody is there to be asked.`,
      next: { words: 'See what there is', verb: 'status', environment },
    });
  }
  const options = Door.parse(JSON.parse(readFileSync(file, 'utf8')));
  return deploymentOf({ app: project.configuration.app, environment }, outputs, options, true);
}
