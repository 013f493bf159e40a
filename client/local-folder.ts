// Where an environment on this machine is kept.
import path from 'node:path';
import type { Project } from '../project/project.ts';
import { WORK_FOLDER } from '../project/plan.ts';

export const localDirectory = (project: Project, environment: string): string =>
  path.join(project.directory, WORK_FOLDER, 'local', environment);

/** The stack's outputs, for whoever looks at the ledger without running anything. */
export const OUTPUTS_FILE = 'outputs.json';
