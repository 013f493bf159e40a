// The project that the command line works on: its folder and what its cdk.json says.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';
import type { Configuration } from '../infra/configuration.ts';
import { CONTEXT_KEY, parseConfiguration } from '../infra/configuration.ts';

export interface Project {
  directory: string;
  configuration: Configuration;
}

const DIRECTORY = path.resolve(import.meta.dirname, '..');

/** @throws OdinError BadConfiguration */
export function openProject(directory = DIRECTORY): Project {
  const file = path.join(directory, 'cdk.json');
  let json: { context?: Record<string, unknown> };
  try {
    json = JSON.parse(readFileSync(file, 'utf8')) as typeof json;
  } catch (cause) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `cdk.json cannot be read: ${(cause as Error).message}.`,
      next: 'Mend the file; git has its last good version.',
      cause,
    });
  }
  return { directory, configuration: parseConfiguration(json.context?.[CONTEXT_KEY]) };
}
