// The bundles of an environment: one for each of this package's functions, and one for each migration's. What many of them have in
// common is compiled once and copied: one esbuild call for all migrations, and one for each client of the AWS SDK that they import
// (docs/aws-facts.md: one process per function is nine times slower).
// The same source gives the same bytes on every machine: nothing in a bundle depends on a path outside the project.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SystemFunction } from '../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../core/names/names.ts';
import type { ClientName } from './clients.ts';
import { Clients } from './clients.ts';
import type { BundleFiles } from './compile.ts';
import { compile, textOf, DEPLOYED, NOWHERE } from './compile.ts';
import type { MigrationFile } from './discover.ts';
import { PACKAGE_DIRECTORY } from './package.ts';
import { ownFiles } from './own-functions.ts';

export interface Bundle {
  /** Holds `index.mjs`, and what that imports. */
  directory: string;
  /** SHA-256 of what it holds, hexadecimal. Of a migration's: without `index.mjs`, which is the same for all, and the map. */
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
  const clients = new Clients(projectDirectory);
  const compiled = compileMigrations(projectDirectory, migrations, clients);
  return {
    system: Object.fromEntries(
      SYSTEM_FUNCTIONS.map((name) => {
        const files = renamed(ownFiles(name), `${name}.mjs`, 'index.mjs');
        return [name, write(path.join(outputDirectory, name), files, sha256Of(files))];
      }),
    ) as Record<SystemFunction, Bundle>,
    migrations: compiled.map(({ migration, code, map, imported }) => {
      const { id } = migration;
      const fault = practiceFault?.migration === id ? practiceFault : undefined;
      const files: BundleFiles = new Map([
        ...imported.flatMap((client) => [...clients.filesOf(client)]),
        ...ownFiles('run-migration'),
        [`${id}.mjs`, code],
      ]);
      const more: BundleFiles = new Map([
        [`${id}.mjs.map`, map],
        ['index.mjs', indexOf(id, imported, fault)],
        ...(fault ? ownFiles('practice-fault') : []),
      ]);
      const directory = path.join(outputDirectory, id);
      return { ...migration, bundle: write(directory, new Map([...files, ...more]), sha256Of(files)) };
    }),
  };
}

interface CompiledMigration<M> {
  migration: M;
  code: string;
  map: string;
  imported: ClientName[];
}

/** In their order. */
function compileMigrations<M extends MigrationFile>(
  directory: string,
  migrations: readonly M[],
  clients: Clients,
  but?: ReadonlySet<ClientName>,
): CompiledMigration<M>[] {
  const { files, imports, modules, metafile } = compile(directory, {
    ...DEPLOYED,
    ...clients.besides(but),
    sourcemap: 'linked',
    sourcesContent: false,
    entryPoints: migrations.map(({ id, path: file }) => ({ in: file, out: id })),
  });
  return migrations.flatMap((migration): CompiledMigration<M>[] => {
    const name = `${migration.id}.mjs`;
    const notShared = clients.notShared(metafile, modules.get(name) ?? [], directory);
    if (notShared.size > 0) return compileMigrations(directory, [migration], clients, notShared);
    const map = nameSources(textOf(files, `${name}.map`), directory);
    return [{ migration, code: textOf(files, name), map, imported: clients.importedBy(imports.get(name) ?? []) }];
  });
}

/** The migration is imported when the wrapper asks for it and not before: its top level is user code (docs/design.md §4). */
function indexOf(id: string, clients: readonly ClientName[], practiceFault: PracticeFault | undefined): string {
  const { fault, checkpoint } = practiceFault ?? {};
  const practice = `withPracticeFault(${JSON.stringify({ fault, checkpoint })})`;
  return [
    "import { migrationHandler } from './run-migration.mjs';",
    ...(practiceFault ? ["import { withPracticeFault } from './practice-fault.mjs';"] : []),
    'export const handler = await migrationHandler({',
    '  index: import.meta.url,',
    `  load: () => import('./${id}.mjs'),`,
    `  clients: [${clients.map((client) => `() => import('./${client}.mjs')`).join(', ')}],`,
    ...(practiceFault ? [`  practice: ${practice},`] : []),
    '});\n',
  ].join('\n');
}

const renamed = (files: BundleFiles, from: string, to: string): BundleFiles =>
  new Map([...files].map(([file, content]) => [file === from ? to : file, content]));

function sha256Of(files: BundleFiles): string {
  const hash = createHash('sha256');
  for (const [file, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${file} ${Buffer.byteLength(content)}\n`).update(content);
  }
  return hash.digest('hex');
}

function write(directory: string, files: BundleFiles, codeSha256: string): Bundle {
  for (const [file, content] of files) {
    const to = path.join(directory, file);
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, content);
  }
  return { directory, codeSha256 };
}

/**
 * Names the sources in a map from the project's root, or from this package's, and not from where the map lies now: the bundle is
 * copied to other places, and a stack trace then says `/var/task/migrations/odin-dev/0004.ts:12` in Lambda.
 */
function nameSources(map: string, projectDirectory: string): string {
  const parsed = JSON.parse(map) as { sources: string[] };
  parsed.sources = parsed.sources.map((source) => {
    // A source is a URL: a letter that is not ASCII is written with percent signs in it.
    const absolute = path.resolve(NOWHERE, decodeURIComponent(source));
    const root = absolute.startsWith(PACKAGE_DIRECTORY + path.sep) ? PACKAGE_DIRECTORY : projectDirectory;
    return path.relative(root, absolute).split(path.sep).join('/');
  });
  return JSON.stringify(parsed);
}
