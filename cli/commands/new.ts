// `odin-migrate new`: writes the next number's file from a template.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { OdinError } from '../../core/errors.ts';
import { migrationIdOf } from '../../core/names/identifiers.ts';
import { pad } from '../../core/names/names.ts';
import { assertKnownEnvironment, discoverEnvironment, folderOf } from '../../project/discover.ts';
import { typed } from '../terminal/commands.ts';
import { writeProjectFile } from './project-file.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { colour, keepStdoutForJson, print, printJson } from '../terminal/output.ts';
import type { Project } from '../../project/project.ts';

export interface NewOptions {
  description?: string;
  json?: boolean;
}

export function newMigration(project: Project, environment: string, { description, json }: NewOptions): ExitCode {
  if (json) keepStdoutForJson();
  assertKnownEnvironment(environment, project.directory, project.configuration);
  const { file, id } = writeNext(project, environment, description);
  if (json) printJson({ environment, id, file });
  print(file);
  print(colour.dim(`Write its work, then: ${typed({ verb: 'check', environment })}`));
  return EXIT.done;
}

const LAST = 9999;

/**
 * @returns the path of the file, relative to the project
 * @throws OdinError BadUsage
 */
export function writeNext(project: Project, environment: string, description?: string): { file: string; id: string } {
  const { directory, configuration } = project;
  if (description !== undefined && (/[\r\n]/.test(description) || description.length > 200)) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `Expected --description to be one line of at most 200 characters, found ${description.length} characters.`,
    });
  }
  const folder = folderOf(configuration, environment);
  const { migrations, completed, returned } = discoverEnvironment(environment, directory, configuration);
  const used = [
    ...[...migrations, ...completed, ...returned].map(({ id }) => id),
    ...idsOfTheRepository(directory, folder),
  ];
  const next = used.reduce((highest, id) => Math.max(highest, Number(id)), 0) + 1;
  if (next > LAST) {
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `${folder}/ has used its last number, ${LAST}.`,
      next: 'Begin a new environment for what is to come.',
    });
  }
  const id = pad(next, 4);
  const file = `${folder}/${id}.ts`;
  writeProjectFile(directory, file, template(description), 'wx');
  return { file, id };
}

/**
 * Every number that git has ever seen here, on any branch. A completed migration's file may be deleted (docs/design.md §2), and
 * its number must not be used again: the ledger would take the new file for the old one, and never run it.
 */
function idsOfTheRepository(directory: string, folder: string): string[] {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const names = git(
      'log',
      '--all',
      '--format=',
      '--name-only',
      '--no-renames',
      '--diff-filter=A',
      '--',
      folder,
    ).split('\n');
    return names.map((name) => migrationIdOf(path.posix.basename(name))).filter((id) => id !== undefined);
  } catch {
    return []; // no git: the files are all there is to know
  }
}

const template = (description: string | undefined): string => `${
  description === undefined
    ? "// export const description = 'One line that operators see';"
    : `export const description = ${quoted(description)};`
}

/** What this migration may do in AWS, besides its own part of the ledger: IAM policy statements. */
export const permissions = [
  // { Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::my-bucket/my-prefix/*'] },
];

/** Runs once, in this environment, and never again. */
export async function migration(): Promise<void> {
  // Work here, and await all of it: what is not awaited may never happen.
}
`;

/** As Prettier writes it. */
const quoted = (text: string): string =>
  text.includes("'") ? JSON.stringify(text) : `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"')}'`;
