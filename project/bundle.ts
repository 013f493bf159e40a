// The bundles of an environment: one for each of this package's functions, and one for each migration's. What many of them have in
// common is compiled once and copied: one esbuild call for all migrations, and one for each client of the AWS SDK that they import
// (docs/aws-facts.md: one process per function is nine times slower).
// The same source gives the same bytes on every machine: nothing in a bundle depends on a path outside the project.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type * as esbuild from 'esbuild';
import { OdinError } from '../core/errors.ts';
import type { SystemFunction } from '../core/names/names.ts';
import { SYSTEM_FUNCTIONS } from '../core/names/names.ts';
import type { CopyOf, Package } from './beside.ts';
import type { Sources } from '../core/ledger/sources.ts';
import { packagesBeside, shipBeside, targetOf } from './beside.ts';
import type { ClientName } from './clients.ts';
import { Clients } from './clients.ts';
import type { BundleFiles, Compiled } from './compile.ts';
import { compile, DEPLOYED, NOWHERE, textOf } from './compile.ts';
import type { MigrationFile } from './discover.ts';
import { findPackage } from './node-modules.ts';
import { PACKAGE_DIRECTORY } from './package.ts';
import { asksWhereItLies } from './opened-beside.ts';
import { ownFiles } from './own-functions.ts';
import { assertReadable, sourcesOf } from './sources.ts';

/** It lies nowhere until somebody writes it: most often the same lies there already. */
export interface Bundle {
  /** `index.mjs`, what that imports, and a `node_modules` folder for packages that cannot be in one file. Path → content. */
  files: ReadonlyMap<string, string | CopyOf>;
  /** SHA-256 of all of it, hexadecimal. */
  sha256: string;
  /** That of the code. Of a migration's: without the files that follow from the others, and the map. */
  codeSha256: string;
}

export interface Bundles<M> {
  system: Record<SystemFunction, Bundle>;
  /** Each migration with its bundle and what that was made of, in the order given. */
  migrations: (M & { bundle: Bundle; sources?: Sources | undefined })[];
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
  /** For which native addons are shipped, as Lambda calls it, unless a file says another; this machine's when left out. */
  architecture?: string | undefined;
}

/** @throws OdinError BundlingFailed, with the place in the file */
export function bundleEnvironment<M extends MigrationFile & { architecture?: string | undefined }>(
  projectDirectory: string,
  migrations: readonly M[],
  { practiceFault, architecture }: BundleOptions = {},
): Bundles<M> {
  const clients = new Clients(projectDirectory);
  const compiled = compileMigrations(projectDirectory, migrations, clients);
  return {
    system: Object.fromEntries(
      SYSTEM_FUNCTIONS.map((name) => {
        return [name, bundleOf(renamed(ownFiles(name), `${name}.mjs`, 'index.mjs'))];
      }),
    ) as Record<SystemFunction, Bundle>,
    migrations: compiled.map(({ migration, code, map, imported, beside, sources }) => {
      const { id } = migration;
      const fault = practiceFault?.migration === id ? practiceFault : undefined;
      const files = new Map<string, string | CopyOf>([
        ...imported.flatMap((client) => [...clients.filesOf(client)]),
        ...ownFiles('run-migration'),
        ...ownFiles('user-process'),
        [`${id}.mjs`, code],
        ...shipBeside(beside, targetOf(architecture && (migration.architecture ?? architecture)), migration.file),
      ]);
      const more: BundleFiles = new Map([
        [`${id}.mjs.map`, map],
        ['index.mjs', indexOf(id, fault)],
        [`${id}.process.mjs`, processOf(id, imported)],
        ...(fault ? ownFiles('practice-fault') : []),
      ]);
      return { ...migration, bundle: withMore(bundleOf(files), more), sources };
    }),
  };
}

interface CompiledMigration<M> {
  migration: M;
  code: string;
  map: string;
  imported: ClientName[];
  /** What is shipped beside it, because it cannot be in one file. */
  beside: Package[];
  sources: Sources;
}

/**
 * What each migration's bundle would be made of, by its id.
 * @throws OdinError BundlingFailed, BadMigrationFile
 */
export function readSources(directory: string, migrations: readonly MigrationFile[]): Map<string, Sources> {
  const compiled = compileMigrations(directory, migrations, new Clients(directory));
  return new Map(compiled.map(({ migration, sources }) => [migration.id, sources]));
}

/** In their order. */
function compileMigrations<M extends MigrationFile>(
  directory: string,
  migrations: readonly M[],
  clients: Clients,
  but?: ReadonlySet<ClientName>,
): CompiledMigration<M>[] {
  const { files, imports, modules, entries, metafile } = compileBesidePackages(directory, {
    ...DEPLOYED,
    ...clients.besides(but),
    sourcemap: 'linked',
    sourcesContent: false,
    entryPoints: migrations.map(({ id, path: file }) => ({ in: file, out: id })),
  });
  return migrations.flatMap((migration): CompiledMigration<M>[] => {
    const name = `${migration.id}.mjs`;
    const own = modules.get(name) ?? [];
    const notShared = clients.notShared(metafile, own, directory);
    if (notShared.size > 0) return compileMigrations(directory, [migration], clients, notShared);
    const imported = clients.importedBy(imports.get(name) ?? []);
    const beside = importedPackages(metafile, own, directory, migration.file);
    const outside = [
      ...imported.flatMap((client) => findPackage(client, directory) ?? []),
      ...beside.map((each) => each.directory),
    ];
    return [
      {
        migration,
        code: textOf(files, name),
        map: nameSources(textOf(files, `${name}.map`), directory),
        imported,
        beside,
        sources: sourcesOf(entries.get(name) ?? '', metafile, outside, directory),
      },
    ];
  });
}

/** Which packages cannot be in one file is known from what is in it, or from where that fails: then it is made again. */
function compileBesidePackages(directory: string, options: esbuild.BuildOptions & { external: string[] }): Compiled {
  const external = new Set<string>();
  for (;;) {
    const { made, files, failed } = attempt();
    const inside = files.map((file) => path.resolve(directory, file));
    const asking = made ? filesThatAsk(made, inside) : undefined;
    const found = packagesBeside(inside, [directory, PACKAGE_DIRECTORY], asking).filter((name) => !external.has(name));
    if (found.length === 0) {
      if (!made) throw failed;
      assertReadable(Object.keys(made.metafile.inputs), directory, made.metafile.inputs);
      return made;
    }
    for (const name of found) external.add(name);
  }

  function attempt() {
    try {
      const made = compile(directory, { ...options, external: [...options.external, ...external] });
      return { made, files: Object.keys(made.metafile.inputs), failed: undefined };
    } catch (failed) {
      const errors = ((failed as OdinError).cause as Partial<esbuild.BuildFailure> | undefined)?.errors ?? [];
      return { made: undefined, files: errors.flatMap(({ location }) => location?.file ?? []), failed };
    }
  }
}

/** Of packages, those that ask where they lie. They are read only if the bundles say that there are any. */
function filesThatAsk({ files }: Compiled, inside: readonly string[]): Set<string> {
  const codes = [...files].filter(([file]) => file.endsWith('.mjs')).map(([, text]) => text);
  if (!codes.some((code) => asksWhereItLies(code.replace(DEPLOYED.banner.js, '')))) return new Set();
  return new Set(
    inside.filter(
      (file) =>
        file.includes(`${path.sep}node_modules${path.sep}`) &&
        existsSync(file) &&
        asksWhereItLies(readFileSync(file, 'utf8')),
    ),
  );
}

/**
 * @param file the migration, for errors
 * @throws OdinError BundlingFailed when two of one name are imported
 */
function importedPackages(
  { inputs }: esbuild.Metafile,
  modules: readonly string[],
  directory: string,
  file: string,
): Package[] {
  const found = new Map<string, string>();
  for (const module of modules) {
    for (const imported of inputs[module]?.imports ?? []) {
      const [name] = /^(@[^/]+\/)?[^/.][^/]*/.exec(imported.path) ?? [];
      if (!imported.external || name === undefined) continue;
      const from = findPackage(name, path.dirname(path.resolve(directory, module)));
      if (from === undefined) continue; // Node.js's own, or an optional one that is not installed
      const other = found.get(name) ?? from;
      if (other !== from) throw twoOfOneName(file, name, [other, from].sort());
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

function indexOf(id: string, practiceFault: PracticeFault | undefined): string {
  const { fault, checkpoint } = practiceFault ?? {};
  const practice = practiceFault ? `, withPracticeFault(${JSON.stringify({ fault, checkpoint })})` : '';
  return [
    "import { migrationHandler } from './run-migration.mjs';",
    ...(practiceFault ? ["import { withPracticeFault } from './practice-fault.mjs';"] : []),
    `export const handler = migrationHandler(\`\${import.meta.dirname}/${id}.process.mjs\`${practice});\n`,
  ].join('\n');
}

/** The migration is imported when the wrapper asks for it and not before: its top level is user code (docs/design.md §4). */
const processOf = (id: string, clients: readonly ClientName[]): string =>
  [
    "import { runMigration } from './user-process.mjs';",
    'runMigration({',
    `  load: () => import('./${id}.mjs'),`,
    `  clients: [${clients.map((client) => `() => import('./${client}.mjs')`).join(', ')}],`,
    '});\n',
  ].join('\n');

const renamed = (files: BundleFiles, from: string, to: string): BundleFiles =>
  new Map([...files].map(([file, content]) => [file === from ? to : file, content]));

export function bundleOf(files: Bundle['files']): Bundle {
  const sha256 = hashOf(files);
  return { files, sha256, codeSha256: sha256 };
}

/** It is the same code with them. */
export function withMore({ files, codeSha256 }: Bundle, more: BundleFiles): Bundle {
  const all = new Map([...files, ...more]);
  return { files: all, sha256: hashOf(all), codeSha256 };
}

/** Of the names and the hashes of the contents: most of a bundle is in all the others too, and is hashed once. */
function hashOf(files: Bundle['files']): string {
  const lines = [...files].map(([file, content]) => `${file} ${hashOfContent(content)}\n`);
  return createHash('sha256').update(lines.sort().join('')).digest('hex');
}

const hashes = new Map<string, string>();

function hashOfContent(content: string | CopyOf): string {
  if (typeof content !== 'string') return createHash('sha256').update(readFileSync(content.copyOf)).digest('hex');
  const hash = hashes.get(content) ?? createHash('sha256').update(content).digest('hex');
  hashes.set(content, hash);
  return hash;
}

/** Unless it lies there already. Where something else lies, or half of it, it is written anew. */
export function writeBundle({ files }: Bundle, directory: string): void {
  if (liesIn(directory, files)) return;
  const part = `${directory}.${process.pid}`;
  rmSync(part, { recursive: true, force: true });
  for (const folder of new Set([...files.keys()].map((file) => path.dirname(path.join(part, file))))) {
    mkdirSync(folder, { recursive: true });
  }
  for (const [file, content] of files) {
    const to = path.join(part, file);
    if (typeof content === 'string') writeFileSync(to, content);
    else copyFileSync(content.copyOf, to);
  }
  rmSync(directory, { recursive: true, force: true });
  renameSync(part, directory);
}

function liesIn(directory: string, files: Bundle['files']): boolean {
  if (!existsSync(directory)) return false;
  const found = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
    (entry) => !entry.isDirectory(),
  );
  return (
    found.length === files.size &&
    found.every(({ parentPath, name }) => {
      const content = files.get(path.relative(directory, path.join(parentPath, name)).split(path.sep).join('/'));
      if (content === undefined) return false;
      const expected = typeof content === 'string' ? Buffer.from(content) : readFileSync(content.copyOf);
      return readFileSync(path.join(parentPath, name)).equals(expected);
    })
  );
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
