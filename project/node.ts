// Which Node.js runs the functions on this machine: the one that the project has as a package, so that a team can have Lambda's.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Of the deployed functions: `nodejs24.x`. */
const LAMBDAS_MAJOR = 24;

export interface LocalNode {
  /** Its program. */
  path: string;
  /** `24.21.0` */
  version: string;
  /** One sentence, when it is not of Lambda's major version. */
  warning: string | undefined;
}

export function nodeFor(projectDirectory: string): LocalNode {
  const own = nodeOf(projectDirectory) ?? process.execPath;
  const version = own === process.execPath ? process.versions.node : versionOf(own);
  return { path: own, version, warning: warningOf(version, isBroughtAlong(projectDirectory)) };
}

/** The npm package `node`, which holds a program. */
function nodeOf(projectDirectory: string): string | undefined {
  try {
    const manifest = createRequire(path.join(projectDirectory, 'package.json')).resolve('node/package.json');
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin?: { node?: string } };
    const program = path.join(path.dirname(manifest), bin?.node ?? 'bin/node');
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined; // it has none
  }
}

/** Whether the package is there, and its install script did not run. */
const isBroughtAlong = (projectDirectory: string): boolean =>
  nodeOf(projectDirectory) === undefined && existsSync(path.join(projectDirectory, 'node_modules', 'node'));

const versionOf = (program: string): string =>
  execFileSync(program, ['--version'], { encoding: 'utf8' }).trim().replace(/^v/, '');

export function warningOf(version: string, isHalfInstalled = false): string | undefined {
  if (Number(version.split('.')[0]) === LAMBDAS_MAJOR) return undefined;
  const include = process.env['NODE_ENV'] === 'production' ? ' --include=dev' : '';
  const brings = isHalfInstalled
    ? 'the install script of the package node did not run, and npm rebuild node --ignore-scripts=false runs it'
    : `npm install -D node@${LAMBDAS_MAJOR}${include} brings that`;
  return `Node.js ${version} runs the migrations here, and ${LAMBDAS_MAJOR} in Lambda: ${brings}.`;
}
