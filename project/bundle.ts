// Bundles all migrations of one environment in one esbuild call, and all system functions in another (docs/aws-facts.md: one
// process per function is nine times slower).
// The same source gives the same bytes on every machine: nothing in a bundle depends on a path outside the project.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { OdinError } from '../core/errors.ts';
import type { SystemFunction } from '../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../core/names/names.ts';
import type { Package } from './beside.ts';
import { findPackage, packagesBeside, shipBeside, targetOf } from './beside.ts';
import type { MigrationFile } from './discover.ts';
import { bundlingFailed, LOADERS } from './inspect.ts';
import {
  BUILT_FUNCTIONS,
  isBuilt,
  PACKAGE_DIRECTORY,
  systemFunctionSource,
  wrapper,
  WRAPPER_SOURCES,
} from './package.ts';

export interface Bundle {
  /** Holds `index.mjs`, its source map, and a `node_modules` folder when something is shipped beside it. */
  directory: string;
  /** SHA-256, hexadecimal: of `index.mjs` and, if there is any, of what is shipped beside it. */
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

export interface BundleOptions {
  practiceFault?: PracticeFault | undefined;
  /** For which native addons are shipped, as Lambda calls it; this machine's when left out. */
  architecture?: string | undefined;
}

/** @throws OdinError BundlingFailed, with the place in the file */
export function bundleEnvironment<M extends MigrationFile>(
  projectDirectory: string,
  outputDirectory: string,
  migrations: readonly M[],
  { practiceFault, architecture }: BundleOptions = {},
): Bundles<M> {
  rmSync(outputDirectory, { recursive: true, force: true });
  write(systemFunctions(), outputDirectory);
  const { files, beside } = migrationFunctions(projectDirectory, outputDirectory, migrations);
  write(files, outputDirectory);

  const target = targetOf(architecture);
  const bundleOf = (name: string, shipped: readonly string[] = []): Bundle => {
    const directory = path.join(outputDirectory, name);
    return { directory, codeSha256: hashOf(directory, shipped) };
  };
  const bundles = {
    system: Object.fromEntries(SYSTEM_FUNCTIONS.map((name) => [name, bundleOf(name)])) as Record<
      SystemFunction,
      Bundle
    >,
    migrations: migrations.map((migration) => {
      const { id, file } = migration;
      const shipped = shipBeside(beside.get(id) ?? [], path.join(outputDirectory, id), target, file);
      return { ...migration, bundle: bundleOf(id, shipped) };
    }),
  };
  // After its hash: the migration's code is the same with a fault around it, and a retry without that goes on.
  const faulty = migrations.filter(({ id }) => id === practiceFault?.migration);
  write(migrationFunctions(projectDirectory, outputDirectory, faulty, practiceFault).files, outputDirectory);
  return bundles;
}

function hashOf(directory: string, shipped: readonly string[]): string {
  const sha256 = (file: string) =>
    createHash('sha256')
      .update(readFileSync(path.join(directory, file)))
      .digest('hex');
  const code = sha256('index.mjs');
  if (shipped.length === 0) return code;
  const all = [code, ...shipped.map((file) => `${file} ${sha256(file)}`)];
  return createHash('sha256').update(all.join('\n')).digest('hex');
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

interface MigrationFunctions {
  files: BundleFiles;
  /** Migration → the packages that are shipped beside its bundle. */
  beside: ReadonlyMap<string, Package[]>;
}

function migrationFunctions(
  projectDirectory: string,
  outputDirectory: string,
  migrations: readonly MigrationFile[],
  practiceFault?: PracticeFault,
): MigrationFunctions {
  if (migrations.length === 0) return { files: new Map(), beside: new Map() };
  const entryDirectory = path.join(outputDirectory, 'entries');
  mkdirSync(entryDirectory, { recursive: true });
  const entryPoints = migrations.map(({ id, path: file }) => {
    const entry = path.join(entryDirectory, `${id}.ts`);
    writeFileSync(entry, migrationEntry(entryDirectory, file, practiceFault));
    return { in: entry, out: `${id}/index` };
  });
  const { made, external } = bundleBesidePackages(projectDirectory, outputDirectory, entryPoints);
  const files = new Map(made.files);
  const beside = new Map<string, Package[]>();
  for (const [index, { id, file: migration }] of migrations.entries()) {
    const output = path.relative(projectDirectory, path.join(outputDirectory, id, 'index.mjs'));
    const packages = importedPackages(made.metafile, output.split(path.sep).join('/'), projectDirectory, migration);
    if (packages.length === 0) continue;
    beside.set(id, packages);
    // An import of what is not in the bundle happens before any code of it: the file is a part of its own, which the wrapper imports
    // when it asks for the file.
    const { files: inParts } = bundle(projectDirectory, outputDirectory, {
      ...DEPLOYED,
      entryPoints: entryPoints.slice(index, index + 1),
      external,
      splitting: true,
      chunkNames: `${id}/[name]-[hash]`,
    });
    for (const [file, content] of inParts) files.set(file, content);
  }
  rmSync(entryDirectory, { recursive: true });
  return { files, beside };
}

/** Which packages cannot be in a bundle is known from what is in it, or from where bundling fails: then it is made again. */
function bundleBesidePackages(directory: string, outdir: string, entryPoints: { in: string; out: string }[]) {
  const external = new Set<string>();
  for (;;) {
    const { made, files, failed } = attempt();
    const inside = files.map((file) => path.resolve(directory, file));
    const found = packagesBeside(inside, [directory, PACKAGE_DIRECTORY]).filter((name) => !external.has(name));
    if (found.length === 0) {
      if (made) return { made, external: [...external] };
      throw failed;
    }
    for (const name of found) external.add(name);
  }

  function attempt() {
    try {
      const made = bundle(directory, outdir, { ...DEPLOYED, entryPoints, external: [...external] });
      return { made, files: Object.keys(made.metafile.inputs), failed: undefined };
    } catch (failed) {
      const errors = ((failed as OdinError).cause as Partial<esbuild.BuildFailure> | undefined)?.errors ?? [];
      return { made: undefined, files: errors.flatMap(({ location }) => location?.file ?? []), failed };
    }
  }
}

/**
 * @param output the bundle, as the metafile names it
 * @param file the migration, for errors
 * @throws OdinError BundlingFailed when two of one name are imported
 */
function importedPackages(metafile: esbuild.Metafile, output: string, directory: string, file: string): Package[] {
  const found = new Map<string, string>();
  for (const input of Object.keys(metafile.outputs[output]?.inputs ?? {})) {
    for (const imported of metafile.inputs[input]?.imports ?? []) {
      const [name] = /^(@[^/]+\/)?[^/]+/.exec(imported.path) ?? [];
      if (!imported.external || name === undefined) continue;
      const from = findPackage(name, path.dirname(path.resolve(directory, input)));
      if (from === undefined) continue; // Node.js's own, or an optional one that is not installed
      const other = found.get(name) ?? from;
      if (other !== from) throw twoOfOneName(file, name, [other, from]);
      found.set(name, from);
    }
  }
  return [...found].map(([name, from]) => ({ name, directory: from })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

const twoOfOneName = (file: string, name: string, directories: string[]): OdinError =>
  new OdinError({
    code: 'BundlingFailed',
    source: 'user',
    what: `${file}: two different packages are imported as ${name}: ${directories.join(' and ')}.`,
    why: 'It is shipped beside the bundle, as it is, and there is one place for it.',
    next: 'Let all of the code use one version of it.',
  });

const COMMON = {
  bundle: true,
  outExtension: { '.js': '.mjs' },
  sourcemap: 'linked',
  sourcesContent: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  loader: LOADERS,
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
