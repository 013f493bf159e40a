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

/** All system functions' bundles. What several of them have in common is there once: each is a file of its own and some of those. */
export interface SystemFunctions {
  files: BundleFiles;
  /** The names of a function's files; its own is the first. */
  of: Record<SystemFunction, string[]>;
}

/** The same for every environment of every project: an installed package brings them, and a process makes them once. */
let system: SystemFunctions | undefined;

function systemFunctions(): BundleFiles {
  system ??= isBuilt ? readSystemFunctions() : bundleSystemFunctions();
  const { files, of } = system;
  const named = (name: SystemFunction, file: string) => `${name}/${file === `${name}.mjs` ? 'index.mjs' : file}`;
  return new Map(
    SYSTEM_FUNCTIONS.flatMap((name) => of[name].map((file) => [named(name, file), files.get(file) ?? ''] as const)),
  );
}

/** Says which files are whose, in an installed package. */
const LIST = 'functions.json';

function readSystemFunctions(): SystemFunctions {
  const read = (file: string) => readFileSync(path.join(BUILT_FUNCTIONS, file), 'utf8');
  const of = JSON.parse(read(LIST)) as SystemFunctions['of'];
  return { of, files: new Map(Object.values(of).flatMap((names) => names.map((file) => [file, read(file)]))) };
}

/** What an installed package runs in place of the sources in lambdas/. The same bytes each time: a test compares. */
export function bundlePackage(): BundleFiles {
  const { files, of } = bundleSystemFunctions();
  return new Map([...files, ...bundleWrapper(), [LIST, `${JSON.stringify(of, undefined, 2)}\n`]]);
}

function bundleSystemFunctions(): SystemFunctions {
  const { files, metafile } = bundle(PACKAGE_DIRECTORY, BUILT_FUNCTIONS, {
    ...DEPLOYED,
    entryPoints: SYSTEM_FUNCTIONS.map((name) => ({ in: systemFunctionSource(name), out: name })),
    splitting: true,
  });
  const imports = new Map(
    Object.entries(metafile.outputs).map(([file, output]) => [
      path.basename(file),
      output.imports.filter(({ external }) => !external).map((imported) => path.basename(imported.path)),
    ]),
  );
  const filesOf = (name: SystemFunction): string[] => {
    const found = new Set([`${name}.mjs`]);
    for (const file of found) for (const imported of imports.get(file) ?? []) found.add(imported);
    return [...found].flatMap((file) => [file, `${file}.map`]).filter((file) => files.has(file));
  };
  const of = Object.fromEntries(SYSTEM_FUNCTIONS.map((name) => [name, filesOf(name)])) as SystemFunctions['of'];
  return { files, of };
}

/**
 * What the migrations' bundles are made of, as JavaScript, for an installed package. The AWS SDK is left to the project that it
 * is installed in: the bundle of a migration has one copy of a client, the team's.
 */
const bundleWrapper = (): BundleFiles =>
  bundle(PACKAGE_DIRECTORY, BUILT_FUNCTIONS, {
    ...COMMON,
    entryPoints: WRAPPER_SOURCES,
    entryNames: 'run-migration/[name]',
    external: ['@aws-sdk/*'],
  }).files;

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
  const { files } = bundle(projectDirectory, outputDirectory, { ...DEPLOYED, entryPoints });
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
function bundle(directory: string, outdir: string, options: esbuild.BuildOptions) {
  try {
    const { outputFiles, metafile } = esbuild.buildSync({
      ...options,
      absWorkingDir: directory,
      outdir,
      metafile: true,
      write: false,
    });
    const files: BundleFiles = new Map(
      outputFiles.map(({ path: file, text }) => [
        path.relative(outdir, file).split(path.sep).join('/'),
        options.minify && file.endsWith('.map') ? nameSources(text, path.dirname(file), directory, outdir) : text,
      ]),
    );
    return { files, metafile };
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
    // A source is a URL: a letter that is not ASCII is written with percent signs in it.
    const absolute = path.resolve(mapDirectory, decodeURIComponent(source));
    const root = roots.find((each) => absolute.startsWith(each + path.sep)) ?? projectDirectory;
    return path.relative(root, absolute).split(path.sep).join('/');
  });
  return JSON.stringify(parsed);
}
