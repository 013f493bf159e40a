// Bundles all functions of one environment in one esbuild call (AWS-FACTS: one process per function is nine times slower).
// The same source gives the same bytes on every machine: nothing in a bundle depends on a path outside the project.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as esbuild from 'esbuild';
import { SYSTEM_FUNCTIONS } from '../core/names.ts';
import type { MigrationFile } from './discover.ts';
import { bundlingFailed } from './inspect.ts';

export interface Bundle {
  /** Holds `index.mjs` and its source map. */
  directory: string;
  /** SHA-256 of `index.mjs`, hexadecimal. */
  codeSha256: string;
}

export interface Bundles {
  system: ReadonlyMap<string, Bundle>;
  migrations: ReadonlyMap<string, Bundle>;
}

/** @throws OdinError BundlingFailed, with the place in the file */
export function bundleEnvironment(
  projectDirectory: string,
  outputDirectory: string,
  migrations: readonly MigrationFile[],
): Bundles {
  rmSync(outputDirectory, { recursive: true, force: true });
  const entryDirectory = path.join(outputDirectory, 'entries');
  mkdirSync(entryDirectory, { recursive: true });
  const wrapper = path.join(projectDirectory, 'lambdas/entries/run-migration.ts');
  for (const { id, path: file } of migrations) {
    writeFileSync(path.join(entryDirectory, `${id}.ts`), migrationEntry(entryDirectory, wrapper, file));
  }

  const entryPoints = [
    ...SYSTEM_FUNCTIONS.map((name) => ({
      in: path.join(projectDirectory, `lambdas/entries/${name}.ts`),
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
      banner: { js: "import{createRequire as __odinRequire}from'node:module';const require=__odinRequire(import.meta.url);" },
      logLevel: 'silent',
    });
  } catch (thrown) {
    throw bundlingFailed(thrown);
  }
  rmSync(entryDirectory, { recursive: true });

  const bundleOf = (name: string): [string, Bundle] => {
    const directory = path.join(outputDirectory, name);
    const code = readFileSync(path.join(directory, 'index.mjs'));
    return [name, { directory, codeSha256: createHash('sha256').update(code).digest('hex') }];
  };
  return {
    system: new Map(SYSTEM_FUNCTIONS.map(bundleOf)),
    migrations: new Map(migrations.map(({ id }) => bundleOf(id))),
  };
}

/** The migration is imported when the wrapper asks for it and not before: its top level is user code (DESIGN §4). */
function migrationEntry(from: string, wrapper: string, file: string): string {
  const relative = (to: string) => JSON.stringify(path.relative(from, to).split(path.sep).join('/'));
  return (
    `import { migrationHandler } from ${relative(wrapper)};\n` +
    `export const handler = migrationHandler(() => import(${relative(file)}));\n`
  );
}
