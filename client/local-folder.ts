// Where an environment on this machine is kept.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import type { Project } from '../project/project.ts';
import { workFolder } from '../project/temporary.ts';

export const localDirectory = (project: Project, environment: string): string =>
  path.join(workFolder(project.directory), 'local', environment);

/** Where one of its migrations runs anew: what the environment has done there stays as it is. */
export const againDirectory = (project: Project, environment: string): string =>
  path.join(workFolder(project.directory), 'again', environment);

/** The stack's outputs, for whoever looks at the ledger without running anything. */
export const OUTPUTS_FILE = 'outputs.json';

/** By their names; undefined when nothing was run there yet. */
export function readOutputs(directory: string): Record<string, string> | undefined {
  const file = path.join(directory, OUTPUTS_FILE);
  if (!existsSync(file)) return undefined;
  return z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, 'utf8')));
}
