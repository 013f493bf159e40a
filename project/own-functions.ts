// What this package runs in Lambda, as JavaScript: its own functions, and what stands around a migration. The same for every
// environment of every project. An installed package brings it in dist/functions (scripts/build.ts); in the repository it is
// compiled when its sources have changed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SYSTEM_FUNCTIONS } from '../core/names/names.ts';
import type { BundleFiles, Compiled } from './compile.ts';
import { compile, DEPLOYED, textOf } from './compile.ts';
import { compileOnce } from './kept.ts';
import { BUILT_FUNCTIONS, isBuilt, ownSource, PACKAGE_DIRECTORY } from './package.ts';

/**
 * `run-migration` exports `migrationHandler`, `user-process` `runMigration`, and `practice-fault` `withPracticeFault`. The others export
 * Lambda's `handler`.
 */
const OWN = [...SYSTEM_FUNCTIONS, 'run-migration', 'user-process', 'practice-fault'] as const;
export type Own = (typeof OWN)[number];

interface OwnFunctions {
  files: BundleFiles;
  /** The names of each one's files: `<name>.mjs`, and what that imports, which others may import too. */
  of: Record<Own, string[]>;
}

let own: OwnFunctions | undefined;

/** `<name>.mjs`, and all that it imports. */
export function ownFiles(name: Own): BundleFiles {
  own ??= isBuilt
    ? readOwnFunctions()
    : whoseFiles(
        TOGETHER.map((names, at) =>
          compileOnce(`own-functions-${at + 1}`, PACKAGE_DIRECTORY, PACKAGE_DIRECTORY, optionsOf(names)),
        ),
      );
  const { files, of } = own;
  return new Map(of[name].map((file) => [file, textOf(files, file)]));
}

/** Says which files are whose, in an installed package. */
const LIST = 'functions.json';

function readOwnFunctions(): OwnFunctions {
  const read = (file: string) => readFileSync(path.join(BUILT_FUNCTIONS, file), 'utf8');
  const of = JSON.parse(read(LIST)) as OwnFunctions['of'];
  return { of, files: new Map(Object.values(of).flatMap((names) => names.map((file) => [file, read(file)]))) };
}

/** For an installed package, of the sources as they are. The same bytes each time: a test compares. @returns those sources */
export function writeOwnFunctions(directory: string): readonly string[] {
  const compiled = TOGETHER.map((names) => compile(PACKAGE_DIRECTORY, optionsOf(names)));
  const { files, of } = whoseFiles(compiled);
  mkdirSync(directory, { recursive: true });
  for (const [file, content] of [...files, [LIST, `${JSON.stringify(of, undefined, 2)}\n`]] as const) {
    writeFileSync(path.join(directory, file), content);
  }
  return compiled.flatMap(({ inputs }) => inputs);
}

/**
 * Which of them have files in common. What is common to few of them is a file of its own, and each file is time at a start: so the
 * two of a migration have none.
 */
const TOGETHER: readonly (readonly Own[])[] = [
  [...SYSTEM_FUNCTIONS, 'practice-fault'],
  ['run-migration'],
  ['user-process'],
];

const optionsOf = (names: readonly Own[]) => ({
  ...DEPLOYED,
  entryPoints: names.map((name) => ({ in: ownSource(name), out: name })),
  splitting: true,
  // Beside the others: a function reads the manifest from beside itself.
  chunkNames: 'part-[name]-[hash]',
});

function whoseFiles(compiled: readonly Pick<Compiled, 'files' | 'imports'>[]): OwnFunctions {
  // Files of one name are the same: it has their hash in it.
  const files = new Map(compiled.flatMap((each) => [...each.files]));
  const imports = new Map(compiled.flatMap((each) => [...each.imports]));
  const filesOf = (name: Own): string[] => {
    const found = new Set([`${name}.mjs`]);
    for (const file of found) {
      for (const imported of imports.get(file) ?? []) if (files.has(imported)) found.add(imported);
    }
    return [...found];
  };
  return { files, of: Object.fromEntries(OWN.map((name) => [name, filesOf(name)])) as OwnFunctions['of'] };
}
