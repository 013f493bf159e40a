// A project of a test's own, inside this one: its migrations find this project's packages.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Project } from '../../project/project.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { PROJECT } from '../support/project.ts';

export interface TestProject extends Project {
  remove: () => void;
}

/** @param files path relative to `migrations/` → text */
export function testProject(files: Record<string, string>): TestProject {
  const parent = path.join(PROJECT, '.odin-migrate', 'test');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(path.join(parent, 'project-'));
  symlinkSync(path.join(PROJECT, 'tsconfig.json'), path.join(directory, 'tsconfig.json'));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(directory, 'migrations', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return {
    directory,
    configuration: parseConfiguration({}),
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
