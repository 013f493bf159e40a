// Finds the environments and their migrations' files (docs/design.md §2).
import type { Dirent } from 'node:fs';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';
import {
  assertEnvironmentName,
  idWithOtherEnding,
  isEnvironmentName,
  isMeantBelow,
  isNearMiss,
  migrationIdOf,
} from '../core/names/identifiers.ts';
import { plainLine } from '../core/ledger/summaries.ts';
import { commandLine } from '../core/text/command.ts';
import type { CompletedMigration } from './completed.ts';
import { COMPLETED_FILE, readCompleted } from './completed.ts';
import type { Configuration } from './configuration.ts';
import { CONFIGURATION_FILE, configurationOf } from './configuration.ts';
import type { Project } from './project.ts';
import { significantHash } from './source-text.ts';

export interface MigrationFile {
  id: string;
  /** Relative to the project, with forward slashes: `migrations/odin-dev/0004.ts`. */
  file: string;
  path: string;
  sourceSha256: string;
}

export interface DiscoveredEnvironment {
  name: string;
  /** Those that are not in completed.json, ascending by id. */
  migrations: MigrationFile[];
  /** What completed.json names, ascending by id. */
  completed: CompletedMigration[];
  /** Files of those: nothing of them is deployed. */
  returned: ReturnedFile[];
  warnings: DiscoveryWarning[];
}

/** The file of a migration that completed.json names: it was to be gone. */
export interface ReturnedFile extends MigrationFile {
  /** It is not the text that was run: somebody means it to run, and it never would. */
  changed: boolean;
}

/** Of a file that was skipped. */
export interface DiscoveryWarning {
  /** One sentence. */
  message: string;
  /** Its name looks as if it were meant to be a migration: its work would never be done. */
  nearMiss: boolean;
}

/** Two resources per migration, and CloudFormation's 500 per template (docs/aws-facts.md). */
export const MAX_MIGRATIONS = 220;

/**
 * The names of all environments: folders with migrations, and those that odin-migrate.json lists. Ascending. A folder without any is a
 * home for shared code; one with a near miss is none, so that its work is not passed over in silence.
 */
export function environmentNames(projectDirectory: string, configuration: Configuration): string[] {
  const directory = path.resolve(projectDirectory, configuration.directory);
  const own = ownFolders(projectDirectory, configuration);
  const folders = existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
        .map((entry) => entry.name)
        .filter(
          (name) =>
            readdirSync(path.join(directory, name)).some(
              (file) => (migrationIdOf(file) ?? isNearMiss(file)) || file === COMPLETED_FILE,
            ) || nestedIn(path.join(directory, name), own).length > 0,
        )
    : [];
  return [...new Set([...folders, ...Object.keys(configuration.environments)])].sort();
}

/** Folders that odin-migrate.json names as those of environments: what is in them is theirs, wherever they lie. */
const ownFolders = (projectDirectory: string, { environments }: Configuration): ReadonlySet<string> =>
  new Set(
    Object.values(environments).flatMap(({ directory }) =>
      directory === undefined ? [] : [path.resolve(projectDirectory, directory)],
    ),
  );

/** Files below the folders in it that are called as migrations are, from the folder; nothing runs them. */
function nestedIn(
  directory: string,
  but: ReadonlySet<string>,
  isMeant = (name: string) => migrationIdOf(name) !== undefined,
): string[] {
  const below = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        const isNone = entry.name.startsWith('.') || entry.name === 'node_modules' || but.has(at);
        return isNone ? [] : below(at);
      }
      const found = folder !== directory && isMeant(entry.name);
      return found ? [path.relative(directory, at).split(path.sep).join('/')] : [];
    });
  return below(directory).sort();
}

/**
 * As environmentNames, for what is done with all of them: a folder that is not there is not taken for one without environments.
 * @throws OdinError BadConfiguration
 */
export function allEnvironments(projectDirectory: string, configuration: Configuration): string[] {
  const names = environmentNames(projectDirectory, configuration);
  if (names.length > 0 || existsSync(path.resolve(projectDirectory, configuration.directory))) return names;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: `${configuration.directory}/, the folder of all environments, does not exist.`,
    next: {
      words: `Correct "directory" in ${CONFIGURATION_FILE}, or begin an environment`,
      verb: 'init',
      environment: '<environment>',
    },
  });
}

/** @throws OdinError UnknownEnvironment, listing those that there are */
export function assertKnownEnvironment(name: string, projectDirectory: string, configuration: Configuration): void {
  const names = environmentNames(projectDirectory, configuration);
  if (names.includes(name)) return;
  throw new OdinError({
    code: 'UnknownEnvironment',
    source: 'user',
    what: `There is no environment "${name}".`,
    why:
      names.length > 0
        ? `Found: ${names.join(', ')}.`
        : `Found no folder with migrations in ${configuration.directory}/.`,
    next: isEnvironmentName(name) ? { words: 'To begin it', verb: 'init', environment: name } : undefined,
  });
}

/**
 * The name of the environment that was typed: itself, or its folder as a shell completes it (`migrations/odin-dev/`, with backslashes
 * too), from where it was typed or from the project. What is neither stays as it is.
 * @param project that is around, if there is one
 */
export function environmentTyped(typed: string, project: Project | undefined, from = process.cwd()): string {
  const folder = typed.replaceAll('\\', '/');
  if (!folder.includes('/')) return typed;
  if (!project) return /(?:^|\/)migrations\/([^/]+)\/?$/.exec(folder)?.[1] ?? typed;
  const { directory, configuration } = project;
  const absolute = (folderInProject: string) => path.resolve(directory, folderInProject);
  const meant = new Set([path.resolve(from, folder), absolute(folder)]);
  const configured = Object.keys(configuration.environments).find((name) =>
    meant.has(absolute(folderOf(directory, configuration, name))),
  );
  const [inFolder] = [...meant].filter((each) => path.dirname(each) === absolute(configuration.directory));
  return configured ?? (inFolder === undefined ? typed : path.basename(inFolder));
}

/**
 * The one that `local` means when none is named.
 * @throws OdinError BadUsage when there are several, UnknownEnvironment when there is none
 */
export function onlyEnvironment(projectDirectory: string, configuration: Configuration): string {
  const [name, ...others] = environmentNames(projectDirectory, configuration);
  if (name !== undefined && others.length === 0) return name;
  throw name === undefined
    ? new OdinError({
        code: 'UnknownEnvironment',
        source: 'user',
        what: 'There is no environment.',
        why: `Found no folder with migrations in ${configuration.directory}/.`,
        next: { words: 'Begin one', verb: 'init', environment: '<environment>' },
      })
    : new OdinError({
        code: 'BadUsage',
        source: 'user',
        what: `Expected the name of an environment: there are ${[name, ...others].join(', ')}.`,
        next: `Type one of them: ${[name, ...others].map(localCommand).join(', or ')}`,
      });
}

const localCommand = (environment: string): string => commandLine({ verb: 'run', environment }, { local: true });

/**
 * The folder of an environment's files from the project's, however it is configured: `migrations/odin-dev`. In messages and in the
 * manifest, which is the same wherever the project lies.
 */
export function folderOf(projectDirectory: string, configuration: Configuration, environment: string): string {
  const named =
    configurationOf(configuration, environment).directory ?? path.join(configuration.directory, environment);
  const from = path.relative(projectDirectory, path.resolve(projectDirectory, named));
  return from.split(path.sep).join('/') || '.';
}

/**
 * @throws OdinError BadEnvironmentName, BadConfiguration when its folder cannot be read, BadMigrationFile for a file with another
 *   ending than `.ts` and for a completed.json that cannot be read
 */
export function discoverEnvironment(
  name: string,
  projectDirectory: string,
  configuration: Configuration,
): DiscoveredEnvironment {
  assertEnvironmentName(name);
  const folder = folderOf(projectDirectory, configuration, name);
  const directory = path.resolve(projectDirectory, folder);

  const completed = readCompleted(directory, `${folder}/${COMPLETED_FILE}`);
  const pruned = new Map(completed.map((each) => [each.id, each]));
  const migrations: MigrationFile[] = [];
  const returned: ReturnedFile[] = [];
  const warnings: DiscoveryWarning[] = [];
  const entries = entriesOf(name, directory, folder).sort((a, b) => (a.name < b.name ? -1 : 1));
  const taken = new Set(entries.filter((entry) => entry.isFile()).map((entry) => migrationIdOf(entry.name)));
  /** Beside 0001.ts, `0001.js` and `0001.d.ts` are what a compiler made of it. */
  const isMadeOfAnother = (name: string) => taken.has(name.slice(0, 4)) && COMPILED.test(name);
  refuseOtherEndings(
    folder,
    entries.map(({ name }) => name).filter((name) => !isMadeOfAnother(name)),
  );
  const below = nestedIn(directory, ownFolders(projectDirectory, configuration), (name) => {
    return isMeantBelow(name) && !isMadeOfAnother(name);
  });
  for (const nested of below) {
    const message = `${plainLine(`${folder}/${nested}`, 500)} is NOT a migration and was skipped: it must lie in ${folder}/ itself, and not in a folder below.`;
    warnings.push({ message, nearMiss: true });
  }
  for (const entry of entries) {
    const id = entry.isFile() ? migrationIdOf(entry.name) : undefined;
    const file = `${folder}/${entry.name}`;
    if (entry.name === COMPLETED_FILE || below.some((nested) => nested.startsWith(`${entry.name}/`))) continue;
    if (id === undefined) {
      const skipped = plainLine(file, 500);
      const isNamed = migrationIdOf(entry.name) !== undefined;
      const looksNamed = migrationIdOf(plainLine(entry.name, 500)) !== undefined;
      const isUnnamed = !taken.has(entry.name) && isCalledByNumber(directory, entry);
      const nearMiss = isUnnamed || ((looksNamed || isNearMiss(entry.name)) && !isMadeOfAnother(entry.name));
      const expected = isNamed
        ? `it must be a file, found a ${entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'thing that is none'}`
        : looksNamed
          ? `its name has more in it than is shown, "${spelledOut(entry.name)}"`
          : 'its name must be four digits and ".ts", e.g. 0001.ts';
      const message = nearMiss
        ? `${skipped} is NOT a migration and was skipped: ${expected}.`
        : `${skipped} was skipped: it is not a migration.`;
      warnings.push({ message, nearMiss });
      continue;
    }
    const filePath = path.join(directory, entry.name);
    const found = { id, file, path: filePath, sourceSha256: sha256OfSource(readFileSync(filePath, 'utf8')) };
    const was = pruned.get(id);
    if (was) returned.push({ ...found, changed: isOther(found, was) });
    else migrations.push(found);
  }
  return { name, migrations, completed, returned, warnings };
}

/** @throws OdinError TooManyMigrations: of so many functions no stack can be made */
export function assertNotTooMany({ name, migrations }: DiscoveredEnvironment): void {
  if (migrations.length <= MAX_MIGRATIONS) return;
  throw new OdinError({
    code: 'TooManyMigrations',
    source: 'user',
    what: `${path.posix.dirname(migrations[0]?.file ?? name)}/ has the files of ${migrations.length} migrations; one environment deploys at most ${MAX_MIGRATIONS}.`,
    why: 'A CloudFormation template holds at most 500 resources.',
    next: { words: 'Only what is not completed needs a file', verb: 'prune', environment: name },
  });
}

/** Of a returned file, in a sentence. */
export function returnedText({ file, id, changed }: ReturnedFile): string {
  const named = `${file} does not run: completed.json names ${id} as completed`;
  return changed
    ? `${named}, and with another text. If it is new work, give it the next free number; if it came back by a merge, delete it.`
    : `${named}. Delete it: prune does.`;
}

/** A folder that is not there is no empty one: to deploy without its files would be to remove every function. */
function entriesOf(environment: string, directory: string, folder: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (cause) {
    const isGone = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: isGone
        ? `${folder}/, the folder of ${environment}, does not exist.`
        : `${folder}, the folder of ${environment}, cannot be read: ${describeThrown(cause)}.`,
      why: 'To deploy it like this would be to remove all of its functions.',
      next: `Correct "directory" in ${CONFIGURATION_FILE}, or make the folder. Git keeps none that is empty: when all is done, keep some other file there.`,
      cause,
    });
  }
}

/** A file that is called `0001`, or a folder with an index in it; a folder of data is none. */
function isCalledByNumber(directory: string, entry: Dirent): boolean {
  if (!/^\d{4}$/.test(entry.name)) return false;
  if (!entry.isDirectory()) return true;
  return readdirSync(path.join(directory, entry.name)).some((name) => /^index\.[cm]?[jt]sx?$/i.test(name));
}

const COMPILED = /^\d{4}(\.js|\.d\.ts)$/;

/** Such a file is plainly meant to run: to skip it would be to lose its work. */
function refuseOtherEndings(folder: string, names: readonly string[]): void {
  const wrong = names.flatMap((name) => {
    const id = idWithOtherEnding(name);
    return id === undefined ? [] : [{ name: `${folder}/${name}`, right: `${id}.ts` }];
  });
  if (wrong.length === 0) return;
  throw new OdinError({
    code: 'BadMigrationFile',
    source: 'user',
    what: `Expected migrations to be TypeScript, "NNNN.ts", found ${wrong.map(({ name }) => name).join(', ')}.`,
    why: 'A file with another ending would never be run.',
    next: `Rename to ${wrong.map(({ right }) => right).join(', ')}.`,
  });
}

/** Also when nobody knows what was run: it may be new work. */
const isOther = ({ path: filePath, sourceSha256 }: MigrationFile, was: CompletedMigration): boolean =>
  was.sourceSha256 !== sourceSha256 && was.meaning !== significantHash(filePath);

/** Line endings do not count: git may change them on checkout. */
const sha256OfSource = (text: string): string =>
  createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');

/** What a terminal does not show, by its numbers. */
const spelledOut = (name: string): string =>
  name.replace(/[^ -~]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
