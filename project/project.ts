// The project that a command works on: the folder with an odin-migrate.json, and what that says.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';
import { PROGRAM } from '../core/text/command.ts';
import { withoutMark } from '../core/text/mark.ts';
import type { Configuration } from './configuration.ts';
import { CONFIGURATION_FILE, parseConfiguration } from './configuration.ts';
import { refusePlugAndPlay } from './package.ts';

export interface Project {
  directory: string;
  configuration: Configuration;
}

/**
 * @param from a folder of the project: its odin-migrate.json is there or in a folder above
 * @throws OdinError BadConfiguration
 */
export function openProject(from = process.cwd()): Project {
  refusePlugAndPlay();
  const project = findProject(from);
  if (project) return project;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: `There is no ${CONFIGURATION_FILE} in ${from}, or in a folder above it.`,
    next: `Go to the folder of your project, or make one: ${PROGRAM} init <environment>`,
  });
}

/** As openProject; undefined when there is none. */
export function findProject(from = process.cwd()): Project | undefined {
  for (let directory = path.resolve(from); ; directory = path.dirname(directory)) {
    const file = path.join(directory, CONFIGURATION_FILE);
    if (existsSync(file)) return { directory, configuration: read(file) };
    if (directory === path.dirname(directory)) return undefined;
  }
}

function read(file: string): Configuration {
  let content: unknown;
  try {
    content = JSON.parse(withoutMark(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `${CONFIGURATION_FILE} cannot be read: ${(cause as Error).message}.`,
      next: 'Correct the file: docs/configuration.md lists every field.',
      cause,
    });
  }
  return parseConfiguration(content);
}
