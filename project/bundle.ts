// Bundles all migrations of one environment in one esbuild call, and all system functions in another (docs/aws-facts.md: one
// process per function is nine times slower).
// The same source gives the same bytes on every machine: nothing in a bundle depends on a path outside the project.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as esbuild from 'esbuild';
import type { SystemFunction } from '../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../core/names/names.ts';
import type { MigrationFile } from './discover.ts';
import { bundlingFailed } from './inspect.ts';
import {
  BUILT_FUNCTIONS,
  isBuilt,
  PACKAGE_DIRECTORY,
  systemFunctionSource,
  wrapper,
  WRAPPER_SOURCES,
} from './package.ts';

export interface Bundle {
  /** Holds `index.mjs` and its source map. */
  directory: string;
  /** SHA-256 of `index.mjs`, hexadecimal. */
  codeSha256: string;
}

export interface Bundles<M> {
  system: Record<SystemFunction, Bundle>;
  /** Each migration with its bundle, in the order given. */
  migrations: (M & { bundle: Bundle })[];
}

/** A fault to practise a halt with, on the embedded default only: bundles for a deployment have none of this code. */
export interface PracticeFault {
  migration: string;
  fault: 'fail' | 'crash' | 'timeout';
  /** After which checkpoint; undefined: before its code runs. */
  checkpoint?: number | undefined;
}

/** @throws OdinError BundlingFailed, with the place in the file */
export function bundleEnvironment<M extends MigrationFile>(
  projectDirectory: string,
  outputDirectory: string,
  migrations: readonly M[],
  practiceFault?: PracticeFault,
): Bundles<M> {
  rmSync(outputDirectory, { recursive: true, force: true });
  write(systemFunctions(), outputDirectory);
  write(migrationFunctions(projectDirectory, outputDirectory, migrations, practiceFault), outputDirectory);

  const bundleOf = (name: string): Bundle => {
    const directory = path.join(outputDirectory, name);
    const code = readFileSync(path.join(directory, 'index.mjs'));
    return { directory, codeSha256: createHash('sha256').update(code).digest('hex') };
  };
  return {
    system: Object.fromEntries(SYSTEM_FUNCTIONS.map((name) => [name, bundleOf(name)])) as Record<
      SystemFunction,
      Bundle
    >,
    migrations: migrations.map((migration) => ({ ...migration, bundle: bundleOf(migration.id) })),
  };
}

/** Path, relative to the output folder → content. */
export type BundleFiles = ReadonlyMap<string, string>;

/** The same for every environment of every project: an installed package brings them, and a process makes them once. */
let systemFiles: BundleFiles | undefined;

function systemFunctions(): BundleFiles {
  systemFiles ??= isBuilt ? new Map(SYSTEM_FILES.map(readBuilt)) : bundleSystemFunctions();
  return systemFiles;
}

const SYSTEM_FILES = SYSTEM_FUNCTIONS.flatMap((name) => [`${name}/index.mjs`, `${name}/index.mjs.map`]);

const readBuilt = (file: string): [string, string] => [file, readFileSync(path.join(BUILT_FUNCTIONS, file), 'utf8')];

/** From their sources. The same bytes each time: a test compares. */
export const bundleSystemFunctions = (): BundleFiles =>
  bundle(PACKAGE_DIRECTORY, BUILT_FUNCTIONS, {
    ...DEPLOYED,
    entryPoints: SYSTEM_FUNCTIONS.map((name) => ({ in: systemFunctionSource(name), out: `${name}/index` })),
  });

/**
 * What the migrations' bundles are made of, as JavaScript, for an installed package. The AWS SDK is left to the project that it
 * is installed in: the bundle of a migration has one copy of a client, the team's.
 */
export const bundleWrapper = (): BundleFiles =>
  bundle(PACKAGE_DIRECTORY, path.join(BUILT_FUNCTIONS, 'run-migration'), {
    ...COMMON,
    entryPoints: Object.values(WRAPPER_SOURCES),
    external: ['@aws-sdk/*'],
  });

function migrationFunctions(
  projectDirectory: string,
  outputDirectory: string,
  migrations: readonly MigrationFile[],
  practiceFault: PracticeFault | undefined,
): BundleFiles {
  const entryDirectory = path.join(outputDirectory, 'entries');
  mkdirSync(entryDirectory, { recursive: true });
  const entryPoints = migrations.map(({ id, path: file }) => {
    const entry = path.join(entryDirectory, `${id}.ts`);
    const fault = practiceFault?.migration === id ? practiceFault : undefined;
    writeFileSync(entry, migrationEntry(entryDirectory, file, fault));
    return { in: entry, out: `${id}/index` };
  });
  const files = bundle(projectDirectory, outputDirectory, { ...DEPLOYED, entryPoints });
  rmSync(entryDirectory, { recursive: true });
  return files;
}

const COMMON = {
  bundle: true,
  outExtension: { '.js': '.mjs' },
  sourcemap: 'linked',
  sourcesContent: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  logLevel: 'silent',
} satisfies esbuild.BuildOptions;

const DEPLOYED = {
  ...COMMON,
  minify: true,
  keepNames: true, // class names in errors and stack traces stay readable
  // Bundled CommonJS packages call require() for Node's own modules, which an ES module does not have.
  banner: {
    js: "import{createRequire as __odinRequire}from'node:module';const require=__odinRequire(import.meta.url);",
  },
} satisfies esbuild.BuildOptions;

/** The map of what is bundled again is left as it is: esbuild reads it from where it lies. */
function bundle(directory: string, outdir: string, options: esbuild.BuildOptions): BundleFiles {
  try {
    const { outputFiles } = esbuild.buildSync({ ...options, absWorkingDir: directory, outdir, write: false });
    return new Map(
      outputFiles.map(({ path: file, text }) => [
        path.relative(outdir, file).split(path.sep).join('/'),
        options.minify && file.endsWith('.map') ? nameSources(text, path.dirname(file), directory, outdir) : text,
      ]),
    );
  } catch (thrown) {
    throw bundlingFailed(thrown);
  }
}

function write(files: BundleFiles, directory: string): void {
  for (const [file, content] of files) {
    mkdirSync(path.join(directory, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(directory, file), content);
  }
}

/** The migration is imported when the wrapper asks for it and not before: its top level is user code (docs/design.md §4). */
function migrationEntry(entryDirectory: string, file: string, practiceFault: PracticeFault | undefined): string {
  const relative = (to: string) => JSON.stringify(path.relative(entryDirectory, to).split(path.sep).join('/'));
  // Each path on a line of its own: the columns of the source map are then the same wherever the work folder lies.
  const load = `() => import(\n${relative(file)}\n)`;
  const { fault, checkpoint } = practiceFault ?? {};
  const handler = `import { migrationHandler } from\n${relative(wrapper.handler)};\n`;
  return fault === undefined
    ? `${handler}export const handler = migrationHandler(${load});\n`
    : `${handler}import { withPracticeFault } from\n${relative(wrapper.practiceFault)};\n` +
        `export const handler = migrationHandler(${load}, withPracticeFault(${JSON.stringify({ fault, checkpoint })}));\n`;
}

/**
 * Names the sources in a map from the project's root, or from this package's, and not from where the map lies now: the bundle is
 * copied to other places, and a stack trace then says `/var/task/migrations/odin-dev/0004.ts:12` in Lambda.
 */
function nameSources(map: string, mapDirectory: string, projectDirectory: string, outputDirectory: string): string {
  const parsed = JSON.parse(map) as { sources: string[] };
  const roots = [outputDirectory, PACKAGE_DIRECTORY];
  parsed.sources = parsed.sources.map((source) => {
    const absolute = path.resolve(mapDirectory, source);
    const root = roots.find((each) => absolute.startsWith(each + path.sep)) ?? projectDirectory;
    return path.relative(root, absolute).split(path.sep).join('/');
  });
  return JSON.stringify(parsed);
}
