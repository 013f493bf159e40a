// `odin-migrate init`: what a project needs before its first migration, written where nothing is yet.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../../core/errors.ts';
import { describeThrown } from '../../core/thrown.ts';
import { appFrom, assertEnvironmentId, assertEnvironmentName } from '../../core/names/identifiers.ts';
import { stackName } from '../../core/names/names.ts';
import { numberOf } from '../../core/text/format.ts';
import { CDK, PROGRAM } from '../../core/text/command.ts';
import { withoutMark } from '../../core/text/mark.ts';
import { CONFIGURATION_FILE, parseConfiguration } from '../../project/configuration.ts';
import { usedNumbers } from '../../client/numbers.ts';
import { discoverEnvironment, folderOf } from '../../project/discover.ts';
import { refusePlugAndPlay } from '../../project/package.ts';
import { WORK_FOLDER } from '../../project/temporary.ts';
import type { Project } from '../../project/project.ts';
import { findProject } from '../../project/project.ts';
import { typed } from '../terminal/commands.ts';
import { writeProjectFile } from './project-file.ts';
import type { ExitCode } from '../terminal/exit-codes.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { colour, plain, print, printCommands } from '../terminal/output.ts';
import { writeNext } from './new.ts';

export interface InitOptions {
  /** The app's name; made from the package's when absent. */
  app?: string | undefined;
  /** A folder of the project; the current one when absent. */
  from?: string | undefined;
}

/** @throws OdinError, before anything is written, for a name that cannot be one and for a file that cannot be read */
export async function init(environment: string, { app, from = process.cwd() }: InitOptions): Promise<ExitCode> {
  refusePlugAndPlay();
  assertEnvironmentName(environment, 'Type it again with another name, such as odin-dev.');
  const { project, text } = planProject(environment, from, app);
  const { directory, configuration } = project;
  assertEnvironmentId({ app: configuration.app, environment });
  const folder = folderOf(directory, configuration, environment);
  const isThere = existsSync(path.resolve(directory, folder));
  const found = isThere ? discoverEnvironment(environment, directory, configuration) : undefined;
  const there = found ? found.migrations.length + found.completed.length : 0;

  if (text === undefined) tell('kept', CONFIGURATION_FILE, `app ${configuration.app ?? '(none)'}`);
  else
    write(directory, CONFIGURATION_FILE, text, `app ${configuration.app}: part of every name, so never changed later`);
  if (there > 0) tell('kept', folder, numberOf(there, 'migration'));
  else
    tell(
      'written',
      writeNext(project, environment, (await usedNumbers(project, environment)).ids, FIRST, FIRST_WORK).file,
      'the first migration, which only says that it ran',
    );
  ignore(directory);
  const deployed = cdkApp(directory);

  const next: [string, string][] = [
    [typed({ verb: 'check', environment }), 'what is wrong, before it is deployed'],
    [`${PROGRAM} local ${environment}`, 'run it here: no AWS account, no Docker'],
  ];
  if (deployed) {
    const stack = stackName({ app: configuration.app, environment });
    next.push([typed({ verb: 'deploy', stack }), 'make it in AWS']);
    next.push([typed({ verb: 'run', environment, args: ['--wait'] }), 'run there what is pending']);
  }
  print();
  printCommands('Type next:', next);
  return EXIT.done;
}

/** It may be run as it is, to see how that goes: whatever comes after it is written with `new`. */
const FIRST = 'A first run, which changes nothing';
const FIRST_WORK = "console.log('The first migration ran, and changed nothing.');";

const SYNTH = `${PROGRAM} synth`;

/** The project that is around, or the one to be: with the text of its odin-migrate.json. */
function planProject(
  environment: string,
  from: string,
  app: string | undefined,
): { project: Project; text?: string | undefined } {
  const home = homeOf(from);
  const found = findProject(from);
  // The nearer of the two: a package of a workspace is a project of its own, whatever lies above it.
  if (found && found.directory.length >= home.length) {
    if (app === undefined || app === found.configuration.app) return { project: found };
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `Expected the app of ${CONFIGURATION_FILE}, ${found.configuration.app ?? '(none)'}, found --app ${app}.`,
      next: 'Leave --app out.',
    });
  }
  const content = {
    $schema: schemaFrom(home),
    app: app ?? appOf(home, environment),
    environments: { [environment]: {} },
  };
  return { project: { directory: home, configuration: parseConfiguration(content) }, text: json(content) };
}

/** The nearest folder with a package.json, where npm would install to; where one is when there is none. */
function homeOf(from: string): string {
  for (let directory = path.resolve(from); ; directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, 'package.json'))) return directory;
    if (directory === path.dirname(directory)) return path.resolve(from);
  }
}

/** Of the package's name, or of the folder's, which `npm init` would give it. */
function appOf(home: string, environment: string): string {
  const name = nameIn(path.join(home, 'package.json')) ?? path.basename(home);
  const app = appFrom(name);
  if (app !== undefined) return app;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: `"${name}" has nothing that an app can be named by: it becomes part of AWS resource names.`,
    next: `Name it: ${PROGRAM} init ${environment} --app <name>`,
  });
}

function nameIn(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { name } = JSON.parse(withoutMark(readFileSync(file, 'utf8'))) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch (cause) {
    throw new OdinError({
      code: 'BadConfiguration',
      source: 'user',
      what: `package.json cannot be read: ${describeThrown(cause)}.`,
      next: 'Correct the file, and type the same again.',
      cause,
    });
  }
}

const SCHEMA = 'node_modules/odin-migrate/odin-migrate.schema.json';

/** Where the schema of the installed package is: in a workspace, in a folder above. */
function schemaFrom(home: string): string {
  for (let up = '.', directory = home; ; up = up === '.' ? '..' : `../${up}`, directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, SCHEMA))) return `${up}/${SCHEMA}`;
    if (directory === path.dirname(directory)) return `./${SCHEMA}`;
  }
}

const IGNORED = [`${WORK_FOLDER}/`, 'cdk.out/'];

/** Adds the lines that are missing to .gitignore. */
function ignore(directory: string): void {
  const file = path.join(directory, '.gitignore');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const there = new Set(before.split(/\r?\n/).map(bare));
  const missing = IGNORED.filter((line) => !there.has(bare(line)));
  if (missing.length === 0) {
    tell('kept', '.gitignore', 'has its lines');
    return;
  }
  const end = before.includes('\r\n') ? '\r\n' : '\n';
  const begin = before === '' || before.endsWith('\n') ? '' : end;
  writeProjectFile(directory, '.gitignore', before + begin + missing.map((line) => line + end).join(''), 'w');
  tell('written', '.gitignore', missing.join(', '));
}

/** `/cdk.out` and `cdk.out/` ignore the same folder here. */
const bare = (line: string): string => line.trim().replaceAll(/^\/|\/$/g, '');

/** @returns whether `npx --no-install cdk deploy` deploys what odin-migrate.json says, and not an app of the team's own */
function cdkApp(directory: string): boolean {
  const file = path.join(directory, 'cdk.json');
  if (!existsSync(file)) {
    write(directory, 'cdk.json', json({ app: SYNTH }), `what \`${CDK}\` starts`);
    return true;
  }
  const isOurs = readFileSync(file, 'utf8').includes('odin-migrate synth');
  tell('kept', 'cdk.json', isOurs ? 'starts odin-migrate synth' : 'an app of your own, which has to deploy it too');
  return isOurs;
}

function write(directory: string, file: string, text: string, why: string): void {
  writeProjectFile(directory, file, text, 'wx');
  tell('written', file, why);
}

function tell(what: 'written' | 'kept', file: string, why: string): void {
  const mark = what === 'written' ? colour.green('written') : colour.dim('kept   ');
  print(`${mark}  ${plain(file)}  ${colour.dim(plain(why))}`);
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
