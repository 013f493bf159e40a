// A project in a temporary folder: this project's sources and packages, with migrations of a test's own.
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Configuration } from '../../project/configuration.ts';
import { parseConfiguration } from '../../project/configuration.ts';

/** The root folder of this project. */
export const PROJECT = path.resolve(import.meta.dirname, '../..');

export interface TemporaryProject {
  directory: string;
  configuration: Configuration;
  /** Makes or overwrites a file, and its folders. */
  write: (file: string, text: string) => void;
  remove: () => void;
}

/**
 * @param files path → text
 * @param sources also copies what a bundle is made of: authoring/, aws/, core/, lambdas/ and the files that steer the compiler
 * @param packages those of this project's packages that it has; all of them when left out
 * @param under folders between the temporary folder and the project: its path then has another length
 */
export function temporaryProject(
  files: Record<string, string> = {},
  { sources = false, under = '', packages = undefined as string[] | undefined } = {},
): TemporaryProject {
  const temporary = realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-project-')));
  const directory = path.join(temporary, under);
  mkdirSync(directory, { recursive: true });
  for (const name of packages ?? ['']) {
    const link = path.join(directory, 'node_modules', name);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(PROJECT, 'node_modules', name), link);
  }
  for (const name of sources ? ['authoring', 'aws', 'core', 'lambdas', 'package.json', 'tsconfig.json'] : []) {
    cpSync(path.join(PROJECT, name), path.join(directory, name), { recursive: true });
  }
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), text);
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  return {
    directory,
    configuration: parseConfiguration({}),
    write,
    remove: () => rmSync(temporary, { recursive: true, force: true }),
  };
}
