// Node.js holds a path against its permissions as it is written, and the kernel follows links: `/var/run/../proc` is below `/var` for the one,
// and `/proc` for the other. And a relative path of asynchronous work counts from the folder in which the process is when that begins, later than
// it was asked for. So every path is made absolute, and rid of `..`, before Node.js is given it: then both read the same.
import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Owner = Record<string, (Method & { native?: Method | undefined }) | undefined>;

/** By which of their arguments are paths; each is there with a callback, as `…Sync`, and as a promise, or in some of these. */
const METHODS: readonly [names: string, ...at: number[]][] = [
  ['access appendFile chmod chown createReadStream createWriteStream exists lchmod lchown lstat lutimes mkdir', 0],
  ['mkdtemp mkdtempDisposable open openAsBlob opendir readFile readdir readlink realpath rm rmdir stat statfs', 0],
  ['truncate unlink unwatchFile utimes watch watchFile writeFile', 0],
  ['copyFile cp link rename', 0, 1],
  ['symlink', 1], // what it leads to counts from where it lies
];

/** To be called before user code: what it uses, that may replace. */
export function guardPaths(): void {
  const open = fsPromises.open as unknown as Method;
  Object.assign(fsPromises, { open: (...args: unknown[]) => remembered(apply(open, fsPromises, args)) });
  const owners = [fs, fsPromises] as unknown as Owner[];
  for (const [names, ...at] of METHODS) {
    for (const name of names.split(' ').flatMap((each) => [each, `${each}Sync`])) {
      for (const owner of owners) guard(owner, name, at);
    }
  }
  guard(process as unknown as Owner, 'chdir', [0]);
  guard(process as unknown as Owner, 'loadEnvFile', [0]);
}

function guard(owner: Owner, name: string, at: readonly number[]): void {
  const original = owner[name];
  if (typeof original !== 'function') return;
  const guarded = Object.assign(withPlainPaths(original, at), original);
  if (typeof original.native === 'function') guarded.native = withPlainPaths(original.native, at);
  Object.defineProperty(owner, name, { value: guarded, writable: true, configurable: true, enumerable: true });
}

function withPlainPaths(original: Method, at: readonly number[]): Owner[string] & Method {
  const [one, other] = at;
  return function guarded(...args) {
    if (one !== undefined && one < args.length) args[one] = plain(args[one]);
    if (other !== undefined && other < args.length) args[other] = plain(args[other]);
    return apply(original, this, args);
  };
}

// As they are before user code, which may replace each of them.
const { apply } = Reflect;
const { isUint8Array } = types;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const { decode } = TextDecoder.prototype as unknown as { decode: Method };
const { add, has } = WeakSet.prototype as unknown as { add: Method; has: Method };

/** The open files of `fs.promises`, which stand for a path in some calls. */
const opened = new WeakSet();

async function remembered(handle: unknown): Promise<unknown> {
  const file = await handle;
  apply(add, opened, [file]);
  return file;
}

/** What is neither a path nor an open file is nothing: an object may be one thing when it is looked at, and another when it is used. */
function plain(path: unknown): unknown {
  if (typeof path === 'string') return absolute(path);
  if (typeof path !== 'object' || path === null) return path;
  if (isUint8Array(path)) return absolute(apply(decode, decoder, [path]) as string);
  if (apply(has, opened, [path]) === true) return path;
  const { href, protocol, hostname, pathname } = path as Record<string, unknown>;
  return href && protocol
    ? absolute(fileURLToPath({ href, protocol, hostname, pathname } as unknown as URL))
    : undefined;
}

/** What ends with a slash goes on doing so: `mkdtemp('/tmp/')`. */
function absolute(path: string): string {
  if (path === '') return path;
  const found = resolve(path);
  return path[path.length - 1] === '/' && found !== '/' ? `${found}/` : found;
}
