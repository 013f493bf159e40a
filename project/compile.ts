// One call of esbuild, with what all bundles have in common. The same source gives the same bytes on every machine.
import path from 'node:path';
import * as esbuild from 'esbuild';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';
import { assertReadable } from './sources.ts';

/** Path, relative to the output folder → content. */
export type BundleFiles = ReadonlyMap<string, string>;

/** What else may be imported, beside JSON: text, and WebAssembly as its bytes. An addon is in the package that has it. */
const LOADERS: Record<string, esbuild.Loader> = {
  ...Object.fromEntries(
    ['txt', 'sql', 'csv', 'tsv', 'md', 'html', 'xml', 'yaml', 'yml', 'jsonl', 'ndjson', 'graphql', 'gql', 'pem'].map(
      (ending) => [`.${ending}`, 'text' as const],
    ),
  ),
  '.wasm': 'binary',
  '.node': 'empty',
};

/** Whatever runs it. */
export const COMMON = {
  bundle: true,
  outExtension: { '.js': '.mjs' },
  platform: 'node',
  format: 'esm',
  loader: LOADERS,
  logLevel: 'silent',
} satisfies esbuild.BuildOptions;

/** What runs in Lambda. */
export const DEPLOYED = {
  ...COMMON,
  target: 'node22', // the oldest that may be configured (project/configuration.ts)
  mainFields: ['module', 'main'],
  minify: true,
  keepNames: true, // class names in errors and stack traces stay readable
  // Bundled CommonJS packages call require() for Node's own modules, which an ES module does not have.
  banner: {
    js: "import{createRequire as __odinRequire}from'node:module';const require=__odinRequire(import.meta.url);",
  },
} satisfies esbuild.BuildOptions;

/** Nowhere: what is written, others write. */
export const NOWHERE = path.resolve('/odin-migrate');

export function textOf(files: BundleFiles, name: string): string {
  const content = files.get(name);
  if (content !== undefined) return content;
  throw new OdinError({ code: 'Internal', source: 'system', what: `esbuild made no ${name}.` });
}

export interface Compiled {
  files: BundleFiles;
  /** Of each file, those of its imports that lie beside it or that it was told to leave out. */
  imports: ReadonlyMap<string, readonly string[]>;
  /** Of each file, the modules that it is made of, by names from the folder in which was compiled. */
  modules: ReadonlyMap<string, readonly string[]>;
  /** Of each file that was asked for, the module that it is compiled from, by its name from there. */
  entries: ReadonlyMap<string, string>;
  /** Absolute: all that it was made of. */
  inputs: readonly string[];
  metafile: esbuild.Metafile;
}

/**
 * @param directory from which entries and what they import are looked for
 * @throws OdinError BundlingFailed, with the place in the file
 */
export function compile(directory: string, options: esbuild.BuildOptions): Compiled {
  try {
    const { outputFiles, metafile } = esbuild.buildSync({
      ...options,
      absWorkingDir: directory,
      outdir: NOWHERE,
      metafile: true,
      write: false,
    });
    const named = (file: string) => path.relative(NOWHERE, path.resolve(directory, file)).split(path.sep).join('/');
    const files: BundleFiles = new Map(outputFiles.map(({ path: file, text }) => [named(file), text]));
    const imports = new Map(
      Object.entries(metafile.outputs).map(([file, output]) => [
        named(file),
        output.imports.map(({ path: imported, external }) => (external ? imported : named(imported))),
      ]),
    );
    const modules = new Map(
      Object.entries(metafile.outputs).map(([file, { inputs }]) => [named(file), Object.keys(inputs)]),
    );
    const entries = new Map(
      Object.entries(metafile.outputs).flatMap(([file, { entryPoint }]) =>
        entryPoint === undefined ? [] : [[named(file), entryPoint] as const],
      ),
    );
    const inputs = Object.keys(metafile.inputs).map((input) => path.resolve(directory, input));
    return { files, imports, modules, entries, inputs, metafile };
  } catch (thrown) {
    throw bundlingFailed(thrown, directory);
  }
}

/** Ends esbuild's process, which would stay as long as this one. It starts again when it is needed. */
export const stopCompiler = (): Promise<void> => esbuild.stop();

/** What esbuild says, with the place in the file. @throws OdinError BadMigrationFile of one that is not UTF-8: that is what is wrong */
function bundlingFailed(thrown: unknown, directory: string): OdinError {
  const errors = (thrown as Partial<esbuild.BuildFailure>).errors ?? [];
  const named = errors.flatMap(({ location }) => location?.file ?? []);
  assertReadable(named, directory);
  const lines = errors.map(({ text, location }) =>
    location ? `${location.file}:${location.line}:${location.column}: ${text}` : text,
  );
  return new OdinError({
    code: 'BundlingFailed',
    source: 'user',
    what: lines.length > 0 ? `${lines.slice(0, 5).join('; ')}.` : describeThrown(thrown),
    next: missing(lines) ?? 'Correct the file and try again.',
    cause: thrown,
  });
}

/** What to do where somebody imports what is not there, as the compiler and Node.js say it; undefined for anything else. */
export function missing(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const [, ...names] = /Could not resolve "([^"]+)"|Cannot find (?:package|module) '([^']+)'/.exec(line) ?? [];
    const name = names.find((each) => each !== undefined);
    const [, of] = /^((?:@[^/]+\/)?[^@./][^/]*)/.exec(name ?? '') ?? [];
    if (of !== undefined) return `${of} is not installed here. Type: npm install ${of}`;
    if (line.includes('No loader is configured'))
      return "Say what it is imported as: import data from './data.csv' with { type: 'text' }, or 'bytes' for what is no text.";
  }
  return undefined;
}
