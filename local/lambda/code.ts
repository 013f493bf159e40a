// Where a function's code lies while it runs here. Of functions that have files in common, each file lies in one place: Node.js then
// compiles it once, and a process that has loaded it for one function has it for the next.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LambdaFunctionConfig } from './functions.ts';
import { splitHandler } from './protocol.ts';

export interface CodePlace {
  /** Absolute; holds what the bundle holds. */
  directory: string;
  /** File and export, as in AWS. */
  handler: string;
  /** The same for all functions that can run in one process; undefined: the function has its processes for itself. */
  common: string | undefined;
}

/** Variables that Node.js reads when a process starts. */
const OF_THE_PROCESS = /^(NODE_.*|UV_.*|LD_.*)$/;

const DEFAULT_HANDLER = 'index.handler';

export class CodeFolder {
  readonly #directory: string;
  readonly #places = new WeakMap<LambdaFunctionConfig, CodePlace>();

  /** @param directory absolute; emptied now */
  constructor(directory: string) {
    rmSync(directory, { recursive: true, force: true });
    this.#directory = directory;
  }

  placeOf(config: LambdaFunctionConfig): CodePlace {
    const place = this.#places.get(config) ?? this.#put(config);
    this.#places.set(config, place);
    return place;
  }

  #put(config: LambdaFunctionConfig): CodePlace {
    const { directory: bundle, ownFiles, environment = {}, handler = DEFAULT_HANDLER, memoryMB, runtime } = config;
    const names = readdirSync(bundle).sort();
    const shared = names.filter((name) => !ownFiles?.includes(name));
    if (ownFiles === undefined || shared.length === 0) return aloneAt(config);
    const hash = hashOf(bundle, shared);
    const own = new Map(
      names.flatMap((name): [string, Buffer][] =>
        ownFiles.includes(name) ? [[ownName(config, name), readFileSync(path.join(bundle, name))]] : [],
      ),
    );
    const directory = this.#folderFor(hash, own);
    if (!existsSync(directory)) {
      const half = `${directory}.half`;
      for (const name of shared) cpSync(path.join(bundle, name), path.join(half, name), { recursive: true });
      renameSync(half, directory);
    }
    for (const [name, content] of own) writeFileSync(path.join(directory, name), content);
    const started = Object.entries(environment).filter(([name]) => OF_THE_PROCESS.test(name));
    const [file, exported] = splitHandler(handler);
    return {
      directory,
      handler: `${path.basename(ownName(config, `${file}.mjs`), '.mjs')}.${exported}`,
      common: JSON.stringify([directory, memoryMB, runtime, started.sort()]),
    };
  }

  /** Where the own files of no other function, nor of another version of this one, have their names. */
  #folderFor(hash: string, own: ReadonlyMap<string, Buffer>): string {
    for (let count = 1; ; count += 1) {
      const directory = path.join(this.#directory, count === 1 ? hash : `${hash}-${count}`);
      const taken = [...own].some(([name, content]) => {
        const file = path.join(directory, name);
        return existsSync(file) && !readFileSync(file).equals(content);
      });
      if (!taken) return directory;
    }
  }
}

export const aloneAt = ({ directory, handler = DEFAULT_HANDLER }: LambdaFunctionConfig): CodePlace => ({
  directory,
  handler,
  common: undefined,
});

/** The file of the handler is called the same in all bundles. */
const ownName = ({ name, handler = DEFAULT_HANDLER }: LambdaFunctionConfig, file: string): string =>
  file === `${splitHandler(handler)[0]}.mjs` ? `${name}.mjs` : file;

/** Of the files' names and contents, and of those in folders: 16 hexadecimal digits. */
function hashOf(directory: string, names: readonly string[]): string {
  const hash = createHash('sha256');
  const add = (name: string): void => {
    const file = path.join(directory, name);
    const content = readable(file);
    if (content) {
      hash.update(`${name} ${content.length}\n`).update(content);
      return;
    }
    for (const below of readdirSync(file).sort()) add(path.join(name, below));
  };
  for (const name of names) add(name);
  return hash.digest('hex').slice(0, 16);
}

/** Undefined of a folder. */
function readable(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
    throw thrown;
  }
}
