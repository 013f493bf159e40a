// What a bundle was made of: the text of each file of the project, and the versions of the packages. By it a run tells that another
// file stands under a number than was run (core/ledger/sources.ts).
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type * as esbuild from 'esbuild';
import type { Sources } from '../core/ledger/sources.ts';
import { SOURCES_VERSION } from '../core/ledger/sources.ts';
import { withoutMark } from '../core/text/mark.ts';
import { significantText, readSource } from './source-text.ts';

const NODE_MODULES = /(^|\/)node_modules\//;
/** The last package on the way to a module: others may lie around it. */
const PACKAGE = /^.*(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+/;
/** As project/compile.ts loads them, or as they are imported: `with { type: 'bytes' }`. */
const isBinary = (module: string, inputs: esbuild.Metafile['inputs']): boolean =>
  /\.(wasm|node)$/i.test(module) || inputs[module]?.with?.['type'] === 'bytes';

/**
 * @param modules by their names from the folder in which was compiled
 * @param inputs of the metafile, if it came to one: how each is imported
 * @throws OdinError BadMigrationFile for one of the project's that is not UTF-8
 */
export function assertReadable(
  modules: readonly string[],
  directory: string,
  inputs: esbuild.Metafile['inputs'] = {},
): void {
  for (const module of ownModules(modules, directory)) {
    if (!isBinary(module, inputs)) readSource(directory, module);
  }
}

/**
 * @param entry the migration's own module, by its name from the folder in which was compiled
 * @param metafile of its bundle; what is in that of several migrations is not of each
 * @param packages those that it imports from beside the bundle, by their folders
 */
export function sourcesOf(
  entry: string,
  metafile: esbuild.Metafile,
  packages: readonly string[],
  directory: string,
): Sources {
  const modules = importedBy(entry, metafile);
  const hash = (module: string) => hashOf(directory, module, isBinary(module, metafile.inputs));
  const texts = ownModules(modules, directory)
    .filter((module) => module !== entry)
    // As the migration finds it: its own name is not among it, so that one which was renumbered is known.
    .map((module) => `${path.posix.relative(path.posix.dirname(entry), module)} ${hash(module)}`)
    .sort();
  const installed = modules.flatMap((module) => PACKAGE.exec(module)?.[0] ?? []);
  const folders = new Set([...installed.map((folder) => path.resolve(directory, folder)), ...packages]);
  const versions = new Set([...folders].map(versionIn));
  return {
    version: SOURCES_VERSION,
    files: sha256([hash(entry), ...texts].join('\n')),
    packages: sha256([...versions].sort().join('\n')),
  };
}

/**
 * A file, all that it imports, and what that imports. Of the metafile's inputs and not of its outputs: a constant of another file
 * leaves nothing of that file in the bundle but its value.
 */
function importedBy(file: string, { inputs }: esbuild.Metafile): string[] {
  const found = new Set([file]);
  for (const each of found) {
    for (const imported of inputs[each]?.imports ?? []) if (!imported.external) found.add(imported.path);
  }
  return [...found];
}

/** Those of the project, and of what it has in a workspace: no package's, and none that is no file. */
const ownModules = (modules: readonly string[], directory: string): string[] =>
  modules.filter((module) => !NODE_MODULES.test(module) && existsSync(path.resolve(directory, module)));

function hashOf(directory: string, module: string, binary: boolean): string {
  if (binary) return sha256(readFileSync(path.resolve(directory, module)));
  return sha256(significantText(module, readSource(directory, module)));
}

function versionIn(folder: string): string {
  const { name, version } = JSON.parse(withoutMark(readFileSync(path.join(folder, 'package.json'), 'utf8'))) as Record<
    string,
    unknown
  >;
  return `${String(name)}@${String(version)}`;
}

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');
