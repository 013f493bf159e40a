// The project that the command line works on: the team's folder and what its cdk.json says.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { OdinError } from '../core/errors.ts';
import type { Configuration } from './configuration.ts';
import { CONTEXT_KEY, parseConfiguration } from './configuration.ts';
import { refusePlugAndPlay } from './package.ts';

export interface Project {
  directory: string;
  configuration: Configuration;
}

const FILE = 'cdk.json';

/** As much of it as this project reads. */
const CdkJson = z.object({ context: z.record(z.string(), z.unknown()).optional() });

/**
 * @param directory its root; the nearest folder with a cdk.json, from the current one upwards, without it
 * @throws OdinError BadConfiguration
 */
export function openProject(directory = findProject(process.cwd())): Project {
  refusePlugAndPlay();
  const file = path.join(directory, FILE);
  let context: Record<string, unknown> | undefined;
  try {
    context = CdkJson.parse(JSON.parse(readFileSync(file, 'utf8'))).context;
  } catch (cause) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `${FILE} cannot be read: ${problemOf(cause)}.`,
      next: 'Correct the file; git has its last good version.',
      cause,
    });
  }
  return { directory, configuration: parseConfiguration(context?.[CONTEXT_KEY]) };
}

function findProject(from: string): string {
  for (let directory = from; ; directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, FILE))) return directory;
    if (directory !== path.dirname(directory)) continue;
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `There is no ${FILE} in ${from}, nor in a folder above it.`,
      next: 'Go to the folder of the project, or make the file: docs/configuration.md shows it.',
    });
  }
}

function problemOf(cause: unknown): string {
  const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
  return issue ? `${issue.path.join('.') || 'the whole'}: ${issue.message}` : (cause as Error).message;
}
