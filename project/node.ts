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
  return { path: own, version, warning: warningOf(version) };
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

const versionOf = (program: string): string =>
  execFileSync(program, ['--version'], { encoding: 'utf8' }).trim().replace(/^v/, '');

export function warningOf(version: string): string | undefined {
  if (Number(version.split('.')[0]) === LAMBDAS_MAJOR) return undefined;
  return `Node.js ${version} runs the migrations here, and ${LAMBDAS_MAJOR} in Lambda: npm install -D node@${LAMBDAS_MAJOR} brings that.`;
}
