// What was compiled once is kept in node_modules/.cache, and taken again as long as each file that it was made of is as it was.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as esbuild from 'esbuild';
import * as z from 'zod';
import type { Compiled } from './compile.ts';
import { compile } from './compile.ts';
import { cacheFolder, nodeModulesOf } from './node-modules.ts';

/** Size, and the times of the last change of content and of anything: a package manager may set the first of them as it likes. */
const Stamp = z.array(z.number());

const Kept = z.object({
  /** Of the options and of esbuild. */
  asked: z.string(),
  /** Of each file that it was made of. */
  stamps: z.record(z.string(), Stamp),
  files: z.record(z.string(), z.string()),
  /** Of each file, those that it imports. */
  imports: z.record(z.string(), z.array(z.string()).readonly()),
});

/** What package managers write when they have changed something: a file may now be found elsewhere. */
const INSTALLED = ['.package-lock.json', '.modules.yaml', '.yarn-state.yml'];

/**
 * As compile(), for what seldom changes. Nothing is kept where nothing can be written.
 * @param name of what is compiled
 * @param project the folder whose packages and files it is made of
 * @param directory from which it is looked for
 * @throws OdinError BundlingFailed
 */
export function compileOnce(
  name: string,
  project: string,
  directory: string,
  options: esbuild.BuildOptions,
): Pick<Compiled, 'files' | 'imports'> {
  const cache = cacheFolder(project);
  if (cache === undefined) return compile(directory, options);
  const file = path.join(cache, `${name.replaceAll('/', '-')}.json`);
  const asked = JSON.stringify([esbuild.version, directory, options]);
  const kept = read(file);
  if (kept?.asked === asked && Object.entries(kept.stamps).every(([each, stamp]) => isSame(stamp, stampOf(each)))) {
    return { files: new Map(Object.entries(kept.files)), imports: new Map(Object.entries(kept.imports)) };
  }
  const began = Date.now();
  const { files, imports, inputs } = compile(directory, options);
  const stamps = { ...Object.fromEntries(inputs.map((each) => [each, stampOf(each)])), ...installedStamps(project) };
  // What changed meanwhile may not be what was compiled.
  if (Object.values(stamps).every(([, , changed = 0]) => changed < began)) {
    write(file, { asked, stamps, files: Object.fromEntries(files), imports: Object.fromEntries(imports) });
  }
  return { files, imports };
}

/** Changes when packages are installed. File → stamp. */
export function installedStamps(project: string): Record<string, number[]> {
  const nodeModules = nodeModulesOf(project) ?? '';
  return Object.fromEntries(INSTALLED.map((each) => path.join(nodeModules, each)).map((each) => [each, stampOf(each)]));
}

const isSame = (one: readonly number[], other: readonly number[]): boolean => one.join() === other.join();

/** Nothing for a file that is not there. */
export function stampOf(file: string): number[] {
  const found = statSync(file, { throwIfNoEntry: false });
  return found ? [found.size, found.mtimeMs, found.ctimeMs] : [];
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Undefined for what is not there, or not as it was written. */
function read(file: string): z.infer<typeof Kept> | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    const end = text.indexOf('\n');
    return text.slice(0, end) === sha256(text.slice(end + 1)) ? Kept.parse(JSON.parse(text.slice(end + 1))) : undefined;
  } catch {
    return undefined;
  }
}

function write(file: string, kept: z.infer<typeof Kept>): void {
  const text = JSON.stringify(kept);
  const part = `${file}.${process.pid}`;
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(part, `${sha256(text)}\n${text}`);
    renameSync(part, file); // several processes may do so at once, and none reads half of it
  } catch {
    // A folder that cannot be written: it is compiled again next time.
  }
}
