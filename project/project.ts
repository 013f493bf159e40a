// The project that the command line works on: its folder and what its cdk.json says.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { OdinError } from '../core/errors.ts';
import type { Configuration } from './configuration.ts';
import { CONTEXT_KEY, parseConfiguration } from './configuration.ts';

export interface Project {
  directory: string;
  configuration: Configuration;
}

const DIRECTORY = path.resolve(import.meta.dirname, '..');

/** As much of it as this project reads. */
const CdkJson = z.object({ context: z.record(z.string(), z.unknown()).optional() });

/** @throws OdinError BadConfiguration */
export function openProject(directory = DIRECTORY): Project {
  const file = path.join(directory, 'cdk.json');
  let context: Record<string, unknown> | undefined;
  try {
    context = CdkJson.parse(JSON.parse(readFileSync(file, 'utf8'))).context;
  } catch (cause) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `cdk.json cannot be read: ${problemOf(cause)}.`,
      next: 'Correct the file; git has its last good version.',
      cause,
    });
  }
  return { directory, configuration: parseConfiguration(context?.[CONTEXT_KEY]) };
}

function problemOf(cause: unknown): string {
  const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
  return issue ? `${issue.path.join('.') || 'the whole'}: ${issue.message}` : (cause as Error).message;
}
