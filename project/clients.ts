// The AWS SDK's clients that a project has, each bundled once for all of its migrations. A client is a file of its own, with what it
// loads in files beside it: so a bundle takes no longer with a hundred migrations than with one, the bytes of one migration do not
// depend on what another imports, and a cold start reads no client that the migration does not use.
//
// A client brings its own copy of what lies below the clients. That is a few hundred kilobytes for the second client of one
// migration, and what a project installs decides nothing else.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type * as esbuild from 'esbuild';
import type { BundleFiles } from './compile.ts';
import { DEPLOYED } from './compile.ts';
import { compileOnce } from './kept.ts';
import { findPackage, nodeModulesFrom } from './node-modules.ts';

/** As a migration imports it, `@aws-sdk/client-s3`. */
export type ClientName = string;

const SCOPE = '@aws-sdk';

/** Where a bundle has it: in a folder whose name no import of a team's own begins with. */
const fileOf = (client: ClientName): string => `./${client}.mjs`;
const ALL_FILES = `./${SCOPE}/*`;

export class Clients {
  readonly #directory: string;
  readonly #found: ReadonlySet<ClientName>;
  readonly #bundled = new Map<ClientName, BundleFiles>();

  /** @param directory of the project */
  constructor(directory: string) {
    this.#directory = directory;
    this.#found = new Set(
      nodeModulesFrom(directory)
        .map((folder) => path.join(folder, SCOPE))
        .filter((folder) => existsSync(folder))
        .flatMap((folder) => readdirSync(folder))
        .filter((name) => name.startsWith('client-'))
        .map((name) => `${SCOPE}/${name}`),
    );
  }

  /** Options with which a migration's bundle imports the clients and has none of them in it. @param but those that it has in it */
  besides(but: ReadonlySet<ClientName> = new Set()): { alias: Record<string, string>; external: string[] } {
    const clients = [...this.#found].filter((client) => !but.has(client));
    return { alias: Object.fromEntries(clients.map((client) => [client, fileOf(client)])), external: [ALL_FILES] };
  }

  /** Those that a bundle imports from beside it, ascending. */
  importedBy(imports: readonly string[]): ClientName[] {
    return [...this.#found].filter((client) => imports.includes(fileOf(client))).sort();
  }

  /**
   * Those that a bundle must have in it: some of its modules takes another version of it than the project, one that a package brings,
   * or something that is not the package's main file.
   * @param directory from which the modules are named
   */
  notShared({ inputs }: esbuild.Metafile, modules: readonly string[], directory: string): Set<ClientName> {
    const found = new Set<ClientName>();
    for (const module of modules) {
      for (const { path: imported, external } of inputs[module]?.imports ?? []) {
        const client = [...this.#found].find((each) => external && `${imported}/`.startsWith(`${fileOf(each)}/`));
        if (client === undefined) continue;
        const own = findPackage(client, path.dirname(path.resolve(directory, module)));
        if (imported !== fileOf(client) || own !== findPackage(client, this.#directory)) found.add(client);
      }
    }
    return found;
  }

  /** @throws OdinError BundlingFailed */
  filesOf(client: ClientName): BundleFiles {
    const bundled = this.#bundled.get(client);
    if (bundled) return bundled;
    // From its own folder: nothing in it depends on where the project lies.
    const own = findPackage(client, this.#directory) ?? this.#directory;
    const { files } = compileOnce(client, this.#directory, own, {
      ...DEPLOYED,
      ...NAMES_AS_THEY_ARE,
      entryPoints: [{ in: client, out: client }],
      splitting: true,
      chunkNames: `${client}-[hash]`,
    });
    const named: BundleFiles = new Map([...files].map(([file, text]) => [file, namedOnce(text)]));
    this.#bundled.set(client, named);
    return named;
  }
}

const NAMES_AS_THEY_ARE = { minify: false, minifySyntax: true, minifyWhitespace: true } satisfies esbuild.BuildOptions;

/**
 * The compiler has each function named whenever it is made, and the SDK makes dozens for each request: a tenth of what that costs. Classes
 * alone are named, each once. Functions and methods that are declared have their names, since they are not minified.
 */
function namedOnce(text: string): string {
  return text
    .replaceAll(/static\{__name\(this,("[^"]+")\)/g, 'static{__name(this,$1,!0)')
    .replace(
      '__name=(target,value)=>__defProp(target,"name",{value,configurable:!0})',
      '__name=(target,value,isClass)=>isClass?__defProp(target,"name",{value,configurable:!0}):target',
    );
}
