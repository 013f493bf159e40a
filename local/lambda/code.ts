// Where a function's code lies while it runs here. Of functions that have files in common, each file lies in one place: Node.js then
// compiles it once, and a process that has loaded it for one function has it for the next.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { LambdaFunctionConfig } from './functions.ts';

export interface CodePlace {
  /** Absolute; holds what the bundle holds. */
  directory: string;
  /** The same for all functions that can run in one process; undefined: the function has its processes for itself. */
  common: string | undefined;
}

/** Variables that Node.js reads when a process starts. */
const OF_THE_PROCESS = /^(NODE_.*|UV_.*|LD_.*)$/;

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
    const { directory, ownFiles, environment = {}, memoryMB, runtime } = config;
    const alone: CodePlace = { directory, common: undefined };
    if (ownFiles === undefined || process.platform === 'win32') return alone; // links are for administrators there
    const names = readdirSync(directory).sort();
    const own = names.filter((name) => ownFiles.includes(name));
    const shared = names.filter((name) => !ownFiles.includes(name));
    if (shared.length === 0) return alone;
    const hash = hashOf(directory, shared);
    const files = path.join(this.#directory, hash);
    copyOnce(files, (to) => {
      for (const name of shared) cpSync(path.join(directory, name), path.join(to, name), { recursive: true });
    });
    // What a linked file imports is looked for beside the file that the link leads to.
    const place = path.join(this.#directory, `${hash}-${hashOf(directory, own)}`);
    copyOnce(place, (to) => {
      for (const name of own) cpSync(path.join(directory, name), path.join(to, name), { recursive: true });
      for (const name of shared) symlinkSync(path.join('..', hash, name), path.join(to, name));
    });
    const started = Object.entries(environment).filter(([name]) => OF_THE_PROCESS.test(name));
    return { directory: place, common: JSON.stringify([hash, memoryMB, runtime, started.sort()]) };
  }
}

/** A folder that is there is whole. */
function copyOnce(directory: string, fill: (to: string) => void): void {
  if (existsSync(directory)) return;
  const half = `${directory}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true });
  fill(half);
  renameSync(half, directory);
}

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
