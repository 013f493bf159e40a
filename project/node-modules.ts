// Where the packages lie that a project has installed.
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** The folders in which Node.js looks for a package, the nearest first. */
export function nodeModulesFrom(directory: string): string[] {
  const parent = path.dirname(directory);
  const own = path.basename(directory) === 'node_modules' ? [] : [path.join(directory, 'node_modules')];
  return parent === directory ? own : [...own, ...nodeModulesFrom(parent)];
}

/** Where Node.js finds a package from a folder, by its real path; undefined when it is not installed. */
export function findPackage(name: string, from: string): string | undefined {
  const found = nodeModulesFrom(from)
    .map((folder) => path.join(folder, name))
    .find((folder) => existsSync(path.join(folder, 'package.json')));
  return found === undefined ? undefined : realpathSync(found);
}

/** The nearest; undefined when there is none. */
export const nodeModulesOf = (directory: string): string | undefined =>
  nodeModulesFrom(directory).find((folder) => existsSync(folder));

/** Where a project keeps what need not be made again; undefined without a node_modules. */
export function cacheFolder(directory: string): string | undefined {
  const nodeModules = nodeModulesOf(directory);
  return nodeModules === undefined ? undefined : path.join(nodeModules, '.cache/odin-migrate');
}
