// An assembly on this machine: taken as it lies there as long as the same would come out, and made again when anything differs.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeAssembly } from '../../client/assembly.ts';
import { stackName } from '../../core/names/names.ts';
import type { PracticeFault } from '../../project/bundle.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { planEnvironment } from '../../project/plan.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';

const file = (description: string, code = '1') =>
  `export const description = '${description}';\nexport const migration = () => Promise.resolve(${code});\n`;

let project: TemporaryProject;

const at = (name: string) => path.join(project.directory, 'assembly', name);
const template = () => at(`${stackName({ environment: 'odin-dev' })}.template.json`);

/** @returns whether it was made, and not taken as it lay there */
async function isMade(
  settings: object = {},
  variables: Record<string, string> = {},
  practiceFault?: PracticeFault,
): Promise<boolean> {
  const time = () => statSync(template(), { bigint: true, throwIfNoEntry: false })?.ctimeNs;
  const before = time();
  const configuration = parseConfiguration({ environments: { 'odin-dev': settings } });
  const { directory } = project;
  const plan = planEnvironment({ environment: 'odin-dev', projectDirectory: directory, configuration, practiceFault });
  await makeAssembly({ project: { directory, configuration }, plan, variables, practiceFault, directory: at('') });
  plan.remove();
  return time() !== before;
}

beforeAll(() => {
  project = temporaryProject();
});
beforeEach(async () => {
  project.write('migrations/odin-dev/0001.ts', file('First'));
  await isMade();
  expect(await isMade()).toBe(false);
});
afterAll(() => {
  project.remove();
});

describe('makeAssembly', () => {
  it('has the bundles in it', () => {
    expect(readdirSync(at('')).some((name) => existsSync(at(`${name}/0001.mjs`)))).toBe(true);
  });

  it.each<[string, () => Promise<boolean>]>([
    ['what a file says of itself has changed', () => isMadeWith(file('Other'))],
    ['what a file does has changed', () => isMadeWith(file('First', '2'))],
    ['there is another file', () => isMadeWith(file('Second'), 'migrations/odin-dev/0002.ts')],
    ['the settings of the environment have changed', () => isMade({ stack: { haltAlarmHours: 5 } })],
    ['the variables of its functions have changed', () => isMade({}, { MORE: 'a' })],
    ['a fault is practised', () => isMade({}, {}, { migration: '0001', fault: 'fail' })],
    ['it is of another commit', () => isMadeAt('a'.repeat(40))],
  ])('makes it again when %s', async (_, made) => {
    expect(await made()).toBe(true);
  });

  it.each<[string, () => void]>([
    [
      'a file of it is gone',
      () => {
        rmSync(template());
      },
    ],
    [
      'a file of it was written',
      () => {
        writeFileSync(template(), readFileSync(template(), 'utf8'));
      },
    ],
    [
      'there is a file more',
      () => {
        writeFileSync(at('more'), '');
      },
    ],
    [
      'nothing says that it is whole',
      () => {
        rmSync(at('sealed'));
      },
    ],
  ])('makes it again when %s', async (_, damage) => {
    damage();
    expect(await isMade()).toBe(true);
    expect(existsSync(at('more'))).toBe(false);
  });
});

/** No git says it: the project is in a temporary folder. */
async function isMadeAt(commit: string): Promise<boolean> {
  vi.stubEnv('GITHUB_SHA', commit);
  try {
    return await isMade();
  } finally {
    vi.unstubAllEnvs();
  }
}

async function isMadeWith(text: string, name = 'migrations/odin-dev/0001.ts'): Promise<boolean> {
  project.write(name, text);
  const made = await isMade();
  rmSync(path.join(project.directory, name));
  return made;
}
