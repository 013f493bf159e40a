// Bundles all functions of one environment in one esbuild call (docs/aws-facts.md: one process per function is nine times slower).
// The same source gives the same bytes on every machine: nothing in a bundle depends on a path outside the project.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as esbuild from 'esbuild';
import type { SystemFunction } from '../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../core/names/names.ts';
import type { MigrationFile } from './discover.ts';
import { bundlingFailed } from './inspect.ts';

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
  const entryDirectory = path.join(outputDirectory, 'entries');
  mkdirSync(entryDirectory, { recursive: true });
  const relative = (to: string) => JSON.stringify(path.relative(entryDirectory, to).split(path.sep).join('/'));
  const lambdas = path.join(projectDirectory, 'lambdas');
  for (const { id, path: file } of migrations) {
    const fault = practiceFault?.migration === id ? practiceFault : undefined;
    writeFileSync(path.join(entryDirectory, `${id}.ts`), migrationEntry(relative, lambdas, file, fault));
  }

  const known = systemBundles.get(projectDirectory);
  const entryPoints = [
    ...(known ? [] : SYSTEM_FUNCTIONS).map((name) => ({
      in: path.join(lambdas, name, 'handler.ts'),
      out: `${name}/index`,
    })),
    ...migrations.map(({ id }) => ({ in: path.join(entryDirectory, `${id}.ts`), out: `${id}/index` })),
  ];
  try {
    esbuild.buildSync({
      entryPoints,
      outdir: outputDirectory,
      outExtension: { '.js': '.mjs' },
      absWorkingDir: projectDirectory,
      bundle: true,
      minify: true,
      keepNames: true, // class names in errors and stack traces stay readable
      sourcemap: 'linked',
      sourcesContent: false,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      mainFields: ['module', 'main'],
      // Bundled CommonJS packages call require() for Node's own modules, which an ES module does not have.
      banner: {
        js: "import{createRequire as __odinRequire}from'node:module';const require=__odinRequire(import.meta.url);",
      },
      logLevel: 'silent',
    });
  } catch (thrown) {
    throw bundlingFailed(thrown);
  }
  rmSync(entryDirectory, { recursive: true });
  for (const { out } of entryPoints) {
    nameSourcesFrom(projectDirectory, outputDirectory, path.join(outputDirectory, `${out}.mjs.map`));
  }
  if (known) write(known, outputDirectory);
  else systemBundles.set(projectDirectory, read(outputDirectory));

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

/**
 * The system functions' bundles by project, as file → content. They are the same for every environment, so that a synth of
 * ten environments makes them once.
 */
const systemBundles = new Map<string, Map<string, Buffer>>();

const SYSTEM_FILES = SYSTEM_FUNCTIONS.flatMap((name) => [`${name}/index.mjs`, `${name}/index.mjs.map`]);

const read = (directory: string): Map<string, Buffer> =>
  new Map(SYSTEM_FILES.map((file) => [file, readFileSync(path.join(directory, file))]));

function write(files: ReadonlyMap<string, Buffer>, directory: string): void {
  for (const [file, content] of files) {
    mkdirSync(path.join(directory, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(directory, file), content);
  }
}

/** The migration is imported when the wrapper asks for it and not before: its top level is user code (docs/design.md §4). */
function migrationEntry(
  relative: (to: string) => string,
  lambdas: string,
  file: string,
  practiceFault: PracticeFault | undefined,
): string {
  const wrapper = relative(path.join(lambdas, 'run-migration/handler.ts'));
  // Each path on a line of its own: the columns of the source map are then the same wherever the work folder lies.
  const load = `() => import(\n${relative(file)}\n)`;
  const { fault, checkpoint } = practiceFault ?? {};
  return fault === undefined
    ? `import { migrationHandler } from ${wrapper};\nexport const handler = migrationHandler(${load});\n`
    : `import { migrationHandler } from ${wrapper};\n` +
        `import { withPracticeFault } from ${relative(path.join(lambdas, 'run-migration/practice-fault.ts'))};\n` +
        `export const handler = migrationHandler(${load}, withPracticeFault(${JSON.stringify({ fault, checkpoint })}));\n`;
}

/**
 * Names the sources in a map from the project's root and not from where the map lies now: the bundle is copied to other
 * places, and a stack trace then says `/var/task/migrations/odin-dev/0004.ts:12` in Lambda.
 */
function nameSourcesFrom(projectDirectory: string, outputDirectory: string, file: string): void {
  const map = JSON.parse(readFileSync(file, 'utf8')) as { sources: string[] };
  map.sources = map.sources.map((source) => {
    const absolute = path.resolve(path.dirname(file), source);
    const generated = absolute.startsWith(outputDirectory + path.sep);
    return path
      .relative(generated ? outputDirectory : projectDirectory, absolute)
      .split(path.sep)
      .join('/');
  });
  writeFileSync(file, JSON.stringify(map));
}
