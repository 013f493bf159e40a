// Projects to measure, each in a folder of its own below the bench's temporary one, with the packages of this project.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT } from '../test/support/project.ts';
import type { Measurable } from './measure.ts';
import { NODE } from './measure.ts';

export const COMMAND_LINE = path.join(PROJECT, 'cli/odin-migrate.js');
export const ENVIRONMENT = 'bench';

/** Forgets what this project itself keeps of its functions: one that is installed brings them built. */
export function forgetKept(): void {
  rmSync(path.join(PROJECT, 'node_modules/.cache/odin-migrate'), { recursive: true, force: true });
}

/** The ids `0001`, `0002`, … */
export const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n + 1).padStart(4, '0'));

export const TRIVIAL = 'export async function migration(): Promise<void> {}\n';

/** Uses the S3 client, and is like no other, so that nothing which is kept of another one fits. */
export const usesS3 = (id: string, project: string): string =>
  [
    "import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';",
    'const s3 = new S3Client({});',
    'export async function migration(): Promise<void> {',
    `  const { KeyCount = 0 } = await s3.send(new ListObjectsV2Command({ Bucket: 'bench', Prefix: '${project}/${id}/' }));`,
    '  console.log(KeyCount);',
    '}',
    '',
  ].join('\n');

export interface BenchProject {
  directory: string;
  write: (file: string, text: string) => void;
  /** What is typed as `odin-migrate …` in it. */
  odin: (...args: string[]) => Measurable;
}

/** @param files path → text; in place of the project's name stands what is like no other project's */
export function makeProject(folder: string, files: (unique: string) => Record<string, string>): BenchProject {
  const directory = mkdtempSync(path.join(folder, 'project-'));
  const unique = path.basename(directory);
  const write = (file: string, text: string) => {
    mkdirSync(path.join(directory, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(directory, file), text);
  };
  linkPackages(directory);
  const name = unique.toLowerCase();
  write('package.json', JSON.stringify({ name, version: '1.0.0', type: 'module' }));
  write('package-lock.json', JSON.stringify({ name, version: '1.0.0', lockfileVersion: 3, packages: {} }));
  write('odin-migrate.json', '{}');
  for (const [file, text] of Object.entries(files(unique))) write(file, text);
  return {
    directory,
    write,
    odin: (...args) => ({ run: [NODE, COMMAND_LINE, ...args], cwd: directory }),
  };
}

export const environmentOf = (
  count: number,
  text: (id: string, unique: string) => string,
  environment = ENVIRONMENT,
): ((unique: string) => Record<string, string>) => {
  return (unique) =>
    Object.fromEntries(ids(count).map((id) => [`migrations/${environment}/${id}.ts`, text(id, unique)]));
};

/** As npm would have installed them, and odin-migrate beside them. What tools keep there is each project's own. */
function linkPackages(directory: string): void {
  const packages = path.join(directory, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(path.join(PROJECT, 'node_modules')).filter((each) => each !== '.cache')) {
    symlinkSync(path.join(PROJECT, 'node_modules', name), path.join(packages, name));
  }
  symlinkSync(PROJECT, path.join(packages, 'odin-migrate'));
}
