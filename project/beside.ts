// What is shipped beside a bundle, and not in it: packages with native addons or WebAssembly, or whose code asks where it lies, which look
// for files next to their own, and the packages that those need. They are laid out as a node_modules folder, in which Node.js finds them.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';
import { LAMBDA_MOST } from '../core/names/lambda-limits.ts';
import { bytesText } from '../core/text/format.ts';
import { withoutMark } from '../core/text/mark.ts';
import { findPackage } from './node-modules.ts';

export interface Package {
  /** As it is imported. */
  name: string;
  /** Its real path. */
  directory: string;
}

/** A file as it is. */
export interface CopyOf {
  /** Absolute. */
  copyOf: string;
}

/** What a native addon has to be made for. */
export interface Target {
  /** As `process.platform` and `process.arch`. */
  platform: string;
  arch: string;
  /** Lambda's Linux has no musl. */
  inLambda: boolean;
}

/** @param architecture as Lambda calls it, `arm64` or `x86_64`; undefined: this machine */
export function targetOf(architecture: string | undefined): Target {
  if (architecture === undefined) return { platform: process.platform, arch: process.arch, inLambda: false };
  return { platform: 'linux', arch: architecture === 'x86_64' ? 'x64' : architecture, inLambda: true };
}

/**
 * Of the packages that these files are of, those that a bundle cannot hold: they have such files, or need a package that has, and
 * that its code may look for by a name which it makes up.
 * @param files absolute, by their real paths
 * @param asking those of them that ask where they lie
 * @param own the folders of packages whose code is bundled whatever lies there
 * @returns their names
 */
export function packagesBeside(
  files: Iterable<string>,
  own: readonly string[],
  asking: ReadonlySet<string> = new Set(),
): string[] {
  const packages = new Map<string, Package>();
  const inTypeScript = new Set<string>();
  const withFiles = new Set<string>();
  for (const file of files) {
    const found = packageOf(file);
    if (!found || own.some((folder) => isWithin(folder, found.directory))) continue;
    packages.set(found.directory, found);
    if (/\.[cm]?tsx?$/.test(file)) inTypeScript.add(found.directory);
    if (asking.has(file)) withFiles.add(found.directory);
  }
  const looked = new Map<string, boolean>();
  const hasBinaries = (directory: string): boolean => {
    const known = looked.get(directory) ?? filesOf(directory).some((file) => BINARY.test(file));
    looked.set(directory, known);
    return known;
  };
  const beside = [...packages.values()].filter(
    ({ directory }) =>
      !inTypeScript.has(directory) && // a package of the team's own workspace, which Node.js could not load as it is
      (withFiles.has(directory) ||
        hasBinaries(directory) ||
        needed(directory).some((each) => hasBinaries(each.directory))),
  );
  return beside.map(({ name }) => name);
}

const isWithin = (directory: string, root: string): boolean =>
  directory === root || directory.startsWith(root + path.sep);

/** The one whose folder it lies in; undefined when no package.json above it has a name. */
function packageOf(file: string): Package | undefined {
  const parts = file.split(path.sep);
  const at = parts.lastIndexOf('node_modules') + 1;
  if (at > 0) {
    const end = at + (parts[at]?.startsWith('@') ? 2 : 1);
    return { name: parts.slice(at, end).join('/'), directory: parts.slice(0, end).join(path.sep) };
  }
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    const { name } = manifestOf(directory);
    if (name !== undefined) return { name, directory };
    if (directory === path.dirname(directory)) return undefined;
  }
}

interface PackageManifest {
  name?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** Empty when there is none. */
function manifestOf(directory: string): PackageManifest {
  const file = path.join(directory, 'package.json');
  return existsSync(file) ? (JSON.parse(withoutMark(readFileSync(file, 'utf8'))) as PackageManifest) : {};
}

interface Needed extends Package {
  /** It may be missing: so are those of other platforms. */
  optional: boolean;
}

/** What is installed of what it says that it needs. */
function needed(directory: string): Needed[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifestOf(directory);
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return names.flatMap((name) => {
    const found = findPackage(name, directory);
    return found === undefined ? [] : [{ name, directory: found, optional: name in optionalDependencies }];
  });
}

const BINARY = /\.(node|wasm)$/;

/** Its own, relative to it, in order; without what compilers read and leave. */
function filesOf(directory: string, below = ''): string[] {
  return readdirSync(path.join(directory, below), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const file = path.join(below, entry.name);
      if (entry.isDirectory()) return NOT_SHIPPED.has(entry.name) ? [] : filesOf(directory, file);
      return entry.isFile() && !FOR_COMPILERS.test(entry.name) ? [file] : [];
    });
}

const NOT_SHIPPED = new Set(['node_modules', 'obj.target', '.git', '.deps']);
const FOR_COMPILERS = /\.(c|cc|cpp|cxx|h|hh|hpp|o|a|d|gypi?|mk|pdb|lib|map|d\.[cm]?ts|tsbuildinfo)$/;

/**
 * Packages, and all that they need, as they are to lie in the node_modules folder of a bundle.
 * @param file the migration that imports them, for errors
 * @returns path, relative to the bundle → content
 * @throws OdinError BundlingFailed for a package whose native addons are all for another system, and for more than Lambda takes
 */
export function shipBeside(roots: readonly Package[], target: Target, file: string): Map<string, CopyOf> {
  const placed = layOut(roots, target, file);
  const files = new Map<string, CopyOf>();
  const sizes = new Map<string, number>();
  for (const [place, directory] of placed) {
    let size = 0;
    for (const each of filesOf(directory)) {
      const from = path.join(directory, each);
      if (each.endsWith('.node') && !fits(from, target)) continue; // of another system, beside one that fits
      files.set(path.join(place, each).split(path.sep).join('/'), { copyOf: from });
      size += statSync(from).size;
    }
    sizes.set(place, size);
  }
  if (target.inLambda) assertNotTooLarge(sizes, file);
  return files;
}

/** Lambda would say it when the stack is half there. @param sizes of packages, by their places @throws OdinError BundlingFailed */
function assertNotTooLarge(sizes: ReadonlyMap<string, number>, file: string): void {
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (all <= LAMBDA_MOST.unpackedBytes) return;
  const largest = [...sizes].sort(([, a], [, b]) => b - a).slice(0, 3);
  const named = largest.map(([place, size]) => `${place.replace(/^.*node_modules./, '')} ${bytesText(size)}`);
  throw new OdinError({
    code: 'BundlingFailed',
    source: 'user',
    what: `${file}: the packages that are shipped beside its bundle have ${bytesText(all)}, expected ${bytesText(LAMBDA_MOST.unpackedBytes)} at most: ${named.join(', ')}.`,
    why: 'A function has no more in Lambda, unpacked, with its layers.',
    next: 'Take a smaller package, or fetch what is large from S3 into os.tmpdir() when migration() begins (ephemeralStorageMB).',
  });
}

/** Each package's place, relative to the bundle, so that each finds the very ones that it found where it is installed. */
function layOut(roots: readonly Package[], target: Target, file: string): Map<string, string> {
  const placed = new Map<string, string>();
  const waiting: string[] = [];
  const place = (at: string, name: string, directory: string) => {
    const to = path.join(at, 'node_modules', name);
    placed.set(to, directory);
    waiting.push(to);
  };
  for (const root of roots) {
    assertFits(root, target, file);
    place('', root.name, root.directory);
  }
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    const directory = placed.get(at) ?? '';
    for (const each of thoseThatFit(directory, target, file)) {
      const found = foundIn(placed, at, each.name);
      if (found === each.directory) continue;
      place(found === undefined ? '' : at, each.name, each.directory);
    }
  }
  return placed;
}

/** As Node.js looks for it, from a package that lies there. */
function foundIn(placed: ReadonlyMap<string, string>, from: string, name: string): string | undefined {
  for (let at = from; ; at = path.dirname(at)) {
    const found = placed.get(path.join(at === '.' ? '' : at, 'node_modules', name));
    if (found !== undefined || at === '.') return found;
  }
}

/** What a package needs: of its optional ones, of which there is one for each system, those for this system. */
function thoseThatFit(directory: string, target: Target, file: string): Needed[] {
  const isFit = (each: Needed) => hasOneThatFits(each.directory, target);
  const all = needed(directory);
  const fitting = all.filter(isFit);
  const misfits = all.filter((each) => !isFit(each));
  const hasAnother = [directory, ...fitting.filter(({ optional }) => optional).map((each) => each.directory)].some(
    (each) => addonsOf(each).length > 0,
  );
  const misfit = misfits.find(({ optional }) => !optional || !hasAnother);
  if (misfit) assertFits(misfit, target, file);
  return fitting;
}

const addonsOf = (directory: string): string[] => filesOf(directory).filter((file) => file.endsWith('.node'));

function hasOneThatFits(directory: string, target: Target): boolean {
  const addons = addonsOf(directory);
  return addons.length === 0 || addons.some((file) => fits(path.join(directory, file), target));
}

function fits(file: string, { platform, arch, inLambda }: Target): boolean {
  const made = madeFor(file);
  return made.platform === platform && (made.arch === arch || made.arch === 'any') && !(inLambda && made.musl);
}

/** @throws OdinError BundlingFailed */
function assertFits({ name, directory }: Package, target: Target, file: string): void {
  if (hasOneThatFits(directory, target)) return;
  const found = addonsOf(directory).map((addon) => `${addon} for ${systemText(madeFor(path.join(directory, addon)))}`);
  throw new OdinError({
    code: 'BundlingFailed',
    source: 'user',
    what: `${file}: the package ${name} has no native addon for ${systemText(target)}, found ${found.join(', ')}.`,
    why: target.inLambda ? 'On that its function runs, in Lambda.' : 'On that its function runs, on this machine.',
    next: target.inLambda
      ? `Install it for that too (npm install --os=linux --cpu=${target.arch} --libc=glibc), or choose the other architecture.`
      : 'Install the packages anew on this machine.',
  });
}

const systemText = ({ platform, arch, musl = false }: { platform: string; arch: string; musl?: boolean }): string =>
  platform === 'unknown' ? 'no system that is known' : `${platform} ${arch}${musl ? ' with musl' : ''}`;

interface MadeFor {
  platform: string;
  arch: string;
  musl: boolean;
}

/** From its first bytes: the formats of Linux (ELF), macOS (Mach-O) and Windows (PE). */
function madeFor(file: string): MadeFor {
  const bytes = readFileSync(file);
  const at = (offset: number, size: 2 | 4) => (bytes.length < offset + size ? 0 : bytes.readUIntLE(offset, size));
  const of = (platform: string, machines: Record<number, string>, machine: number): MadeFor => ({
    platform,
    arch: machines[machine] ?? `machine ${machine}`,
    musl: platform === 'linux' && bytes.includes('libc.musl-'),
  });
  if (at(0, 4) === 0x46_4c_45_7f)
    return of('linux', { 0x3e: 'x64', 0xb7: 'arm64', 0x28: 'arm', 0x03: 'ia32' }, at(18, 2));
  if (at(0, 4) === 0xfe_ed_fa_cf) return of('darwin', { 0x01_00_00_07: 'x64', 0x01_00_00_0c: 'arm64' }, at(4, 4));
  if (at(0, 4) === 0xbe_ba_fe_ca) return of('darwin', { 0: 'any' }, 0); // for several processors
  if (at(0, 2) === 0x5a_4d) return of('win32', { 0x86_64: 'x64', 0xaa_64: 'arm64' }, at(at(0x3c, 4) + 4, 2));
  return of('unknown', { 0: 'any' }, 0);
}
