// What is no call of the AWS SDK cannot be recorded, so a preview refuses it. This process has no way out but the pipe to the broker:
// whatever makes a socket is replaced before user code, whoever calls it. Two layers:
//
//   what code calls (net.connect, fork, …)     says in words what is refused
//   Node.js's own handles under all of these   refuse what comes to them in another way
//
// Node's permissions (--permission) refuse other processes, threads, native code and the disk in any case; here they get their words.
// From version 25 on they refuse the network too. User code may have replaced what is called here, `Array.prototype.includes` for one:
// what decides uses nothing of that kind.
import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import dgram from 'node:dgram';
import { subscribe } from 'node:diagnostics_channel';
import dns from 'node:dns';
import dnsPromises from 'node:dns/promises';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import traceEvents from 'node:trace_events';
import v8 from 'node:v8';
import workerThreads from 'node:worker_threads';
import { OdinError } from '../../../core/errors.ts';
import { guardPaths } from './paths.ts';

/** @param target e.g. a host */
type OnRefused = (what: string, target: string) => void;
type Method = (this: unknown, ...args: unknown[]) => unknown;
/** Says no: throws, gives back, or ends what was begun. */
type Refuse = (what: string, target: string, allow?: string) => OdinError;

/** What Node.js's handles answer with. */
const { EACCES } = os.constants.errno;

/** @param allows what the migration's file says that it changes nothing with (`previewAllows`) */
export async function installGuard(allows: readonly string[], onRefused: OnRefused): Promise<void> {
  const refuse: Refuse = (what, target, allow) => {
    onRefused(what, target);
    return new OdinError({
      code: 'RefusedInPreview',
      source: 'user',
      what: `A preview does not let a migration ${what} (${target}): it cannot know that this changes nothing.`,
      next: allow === undefined ? undefined : `If it changes nothing: export const previewAllows = ['${allow}'];`,
    });
  };
  const hosts = allows.filter((each) => each.startsWith('network:')).map((each) => each.slice('network:'.length));
  const network = await networkOf(hosts);
  tellOfPermissions(onRefused);
  guardHandles(network, onRefused);
  guardNetwork(network, refuse);
  if (!allows.includes('child_process')) {
    for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const) {
      replace(childProcess, name, (file) => {
        throw refuse('start a process', String(file), 'child_process');
      });
    }
    guardOtherProcesses(refuse);
  }
  if (!allows.includes('worker_threads')) {
    replace(workerThreads, 'Worker', function refused(file) {
      throw refuse('start a thread', String(file), 'worker_threads');
    });
  }
  if (!allows.includes('addons')) guardNativeCode(refuse);
  guardFilesOfNode(refuse);
  guardPaths();
  syncBuiltinESMExports();
}

// --- what Node.js refuses by itself --------------------------------------------------------------------------------

/** Node.js 24 and later says it: code that catches the error must not hide it. */
function tellOfPermissions(onRefused: OnRefused): void {
  for (const [kind, words] of Object.entries(PERMISSIONS)) {
    subscribe(`node:permission-model:${kind}`, (message) => {
      const { permission, resource } = message as { permission: string; resource: string };
      onRefused(permission === 'FileSystemRead' ? 'read a file' : words, resource);
    });
  }
}

const PERMISSIONS = {
  fs: 'write a file',
  child: 'start a process',
  worker: 'start a thread',
  wasi: 'use WASI',
  addon: 'load a native addon',
  inspector: 'open a debugger',
  'openssl-store': 'load keys by OpenSSL',
};

// --- the network ---------------------------------------------------------------------------------------------------

interface Network {
  isAllowed: (host: unknown) => boolean;
  /** Whether a handle may connect to it: an allowed host that is an address, or an address of one. */
  isAddress: (address: unknown) => boolean;
  anyAllowed: boolean;
  /** Of an allowed host. */
  addressesOf: (host: string) => readonly dns.LookupAddress[];
}

/** What is allowed is looked up now: later, code could answer in the place of the name server. */
async function networkOf(allowed: readonly string[]): Promise<Network> {
  const byHost = Object.create(null) as Record<string, readonly dns.LookupAddress[]>;
  const addresses = Object.create(null) as Record<string, true>;
  for (const host of allowed) {
    const found = await dnsPromises.lookup(host, { all: true }).catch(() => []);
    byHost[host] = found;
    for (const { address } of found) addresses[address] = true;
  }
  return {
    isAllowed: (host) => typeof host === 'string' && byHost[host] !== undefined,
    isAddress: (address) => typeof address === 'string' && addresses[address] === true,
    anyAllowed: allowed.length > 0,
    addressesOf: (host) => byHost[host] ?? [],
  };
}

/** As Node.js says it. */
class HostNotFound extends Error {
  readonly code = 'ENOTFOUND';
}

/** What code calls for a connection, with which `http`, `https`, `http2`, `tls`, `fetch` and `WebSocket` make theirs. */
function guardNetwork({ isAllowed, addressesOf }: Network, refuse: Refuse): void {
  const { apply } = Reflect;
  /** @throws OdinError RefusedInPreview @throws Error ENOTFOUND */
  const found = (host: unknown, asked: unknown): readonly dns.LookupAddress[] => {
    if (typeof host !== 'string' || !isAllowed(host)) {
      throw refuse('look a host up', String(host), `network:${String(host)}`);
    }
    const family = typeof asked === 'number' ? asked : Number((asked as { family?: unknown } | undefined)?.family ?? 0);
    const addresses = addressesOf(host).filter((each) => family === 0 || each.family === family);
    if (addresses.length > 0) return addresses;
    throw new HostNotFound(`getaddrinfo ENOTFOUND ${host}`);
  };
  const wantsAll = (asked: unknown) => typeof asked === 'object' && (asked as { all?: boolean } | null)?.all === true;
  const lookup: Method = (host, ...more) => {
    const then = more.pop() as Method;
    const addresses = found(host, more[0]);
    process.nextTick(() => {
      if (wantsAll(more[0])) then(null, addresses);
      else then(null, addresses[0]?.address, addresses[0]?.family);
    });
    return {};
  };
  replace(dns, 'lookup', lookup);
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws is a rejection
  replace(dnsPromises, 'lookup', async (host, asked) => {
    const addresses = found(host, asked);
    return wantsAll(asked) ? addresses : addresses[0];
  });
  replace(dns, 'lookupService', (address) => {
    throw refuse('look a host up', String(address));
  });
  replace(dnsPromises, 'lookupService', (address) => Promise.reject(refuse('look a host up', String(address))));

  const { connect } = net.Socket.prototype as unknown as { connect: Method };
  replace(net.Socket.prototype, 'connect', function guarded(...args) {
    const { options, listener } = connectionOf(args);
    const { host, path, port } = options;
    if (path === undefined && isAllowed(host)) return apply(connect, this, [{ ...options, lookup }, listener]);
    const target = path ?? `${host}:${String(port)}`;
    const error = refuse('open a connection of its own', target, path === undefined ? `network:${host}` : undefined);
    // It fails as a connection does whose host is not found.
    const failing: Method = (_, __, then) => (then as Method)(error);
    return apply(connect, this, [{ host: 'refused', port: 1, lookup: failing }, listener]);
  });
  replace(net.Server.prototype, 'listen', () => {
    throw refuse('listen for connections', 'TCP');
  });
  for (const name of ['bind', 'connect', 'send', 'sendto'] as const) {
    replace(dgram.Socket.prototype, name, () => {
      throw refuse('send or receive datagrams', 'UDP');
    });
  }
}

/** Of `socket.connect`, in every form: options, port and host, a path, or all of them in a list. Read once: a getter may change its mind. */
function connectionOf(args: readonly unknown[]) {
  const [first, second, third] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  const [listener] = [second, third, args[1]].filter((each) => typeof each === 'function');
  const given: Record<string, unknown> =
    typeof first === 'object' && first !== null
      ? { ...first }
      : typeof first === 'string' && !/^\d+$/.test(first)
        ? { path: first }
        : { port: first, host: second };
  const { host, path, port } = given;
  return {
    options: {
      ...given,
      host: typeof host === 'string' && host !== '' ? host : 'localhost',
      path: typeof path === 'string' && path !== '' ? path : undefined,
      port,
    },
    listener,
  };
}

/**
 * The handles that Node.js makes its sockets of, on which code can lay its hands: `socket._handle`. Their methods are native, and each
 * kind has one prototype for the whole process.
 */
function guardHandles({ isAddress, anyAllowed }: Network, onRefused: OnRefused): void {
  const { apply } = Reflect;
  const no = (what: string): Method => {
    return function refused(_, to) {
      onRefused(what, typeof to === 'string' ? to : 'a handle of Node.js');
      return -EACCES;
    };
  };
  for (const { handle, kind } of handles()) {
    const prototype = Object.getPrototypeOf(handle) as Record<string, Method>;
    for (const name of Object.keys(prototype)) {
      if (kind === 'dns' ? /^(query|getHostByAddr|setServers|setLocalAddress)/.test(name) : CONNECTING.includes(name)) {
        const original = prototype[name];
        const refused = no(kind === 'dns' ? 'look a host up' : 'open a connection of its own');
        const mayConnect = kind === 'tcp' && (name === 'connect' || name === 'connect6');
        const mayAsk = kind === 'dns' && name !== 'setServers' && name !== 'setLocalAddress';
        replace(prototype, name, function guarded(...args) {
          const isLet = (mayConnect && isAddress(args[1])) || (mayAsk && anyAllowed);
          return apply(isLet && original ? original : refused, this, args);
        });
      }
    }
  }
}

const CONNECTING = ['bind', 'bind6', 'listen', 'connect', 'connect6', 'send', 'send6'].concat(
  // A group of others, which is told by a datagram.
  ['addMembership', 'dropMembership', 'addSourceSpecificMembership', 'dropSourceSpecificMembership'],
);

/** One of each kind. Those that are made here are never used; its output is a pipe. */
function handles(): { kind: 'tcp' | 'pipe' | 'udp' | 'dns'; handle: object }[] {
  const handleOf = (owner: object) => (owner as { _handle?: object | null })._handle ?? undefined;
  const socket = net.connect({ host: '127.0.0.1', port: 1 });
  const tcp = handleOf(socket);
  socket.destroy(); // before it has begun
  const datagrams = dgram.createSocket('udp4');
  const udp = Object.getOwnPropertySymbols(datagrams)
    .map((symbol) => (datagrams as unknown as Record<symbol, { handle?: object } | undefined>)[symbol]?.handle)
    .find((handle) => handle !== undefined);
  datagrams.close();
  const found = [
    { kind: 'tcp', handle: tcp },
    { kind: 'pipe', handle: handleOf(process.stdout) },
    { kind: 'udp', handle: udp },
    { kind: 'dns', handle: handleOf(new dns.Resolver()) },
  ] as const;
  return found.map(({ kind, handle }) => {
    if (handle !== undefined) return { kind, handle };
    throw new OdinError({
      code: 'Internal',
      source: 'system',
      what: `Nothing was previewed: the sockets of Node.js ${process.version} are not as expected (${kind}).`,
    });
  });
}

// --- other processes, and native code ------------------------------------------------------------------------------

/** Its function is one, and `SIGUSR1` opens a debugger. */
function guardOtherProcesses(refuse: Refuse): void {
  const { apply } = Reflect;
  const { pid: own } = process;
  const mine = (owner: object, name: string) => {
    const original = (owner as Record<string, Method | undefined>)[name];
    if (!original) return;
    replace(owner, name, (pid, ...more) => {
      if (pid === own) return apply(original, owner, [pid, ...more]);
      throw refuse('touch another process', String(pid), 'child_process');
    });
  };
  for (const name of ['kill', '_kill', '_debugProcess']) mine(process, name);
  mine(os, 'setPriority');
}

/** Of the flags of V8 some open its inside. SQLite opens files by itself, past the permissions of Node.js. */
function guardNativeCode(refuse: Refuse): void {
  replace(process, 'dlopen', (_, file) => {
    throw refuse('load a native addon', String(file), 'addons');
  });
  for (const name of ['binding', '_linkedBinding']) {
    replace(process, name, (binding) => {
      throw refuse('look into Node.js', String(binding));
    });
  }
  replace(crypto, 'setEngine', (engine) => {
    throw refuse('load a native addon', String(engine), 'addons');
  });
  replace(v8, 'setFlagsFromString', (flags) => {
    throw refuse('set flags of V8', String(flags), 'addons');
  });
  const sqlite = process.getBuiltinModule('node:sqlite') as object | undefined;
  if (!sqlite) return;
  for (const name of ['DatabaseSync', 'backup']) {
    replace(sqlite, name, function refused(...args) {
      const file: unknown = name === 'backup' ? args[1] : args[0];
      throw refuse('open a database of node:sqlite', String(file), 'addons');
    });
  }
}

/**
 * What Node.js writes by itself. Some versions do not hold these against their permissions. A folder that `cpSync` copies without a filter it
 * copies with its links, and what is written through these lies elsewhere; with a filter, each link is asked for as any other is.
 */
function guardFilesOfNode(refuse: Refuse): void {
  const { apply } = Reflect;
  const { cpSync } = fs as unknown as Record<'cpSync', Method>;
  replace(fs, 'cpSync', (from, to, options) => {
    const { ...given } = (options ?? {}) as { filter?: unknown };
    if (typeof given.filter !== 'function') given.filter = () => true;
    return apply(cpSync, fs, [from, to, given]);
  });
  replace(process.report, 'writeReport', (file) => {
    throw refuse('write a file', typeof file === 'string' ? file : 'report.json');
  });
  for (const name of ['reportOnFatalError', 'reportOnSignal', 'reportOnUncaughtException']) {
    Object.defineProperty(process.report, name, {
      get: () => false,
      set: () => {
        throw refuse('write a file', 'report.json');
      },
    });
  }
  replace(traceEvents, 'createTracing', () => {
    throw refuse('write a file', 'node_trace.1.log');
  });
  replace(v8, 'setHeapSnapshotNearHeapLimit', () => {
    throw refuse('write a file', '*.heapsnapshot');
  });
}

/** User code may replace it again: what was there before is out of its reach. */
function replace(owner: object, name: string, method: Method): void {
  Object.defineProperty(owner, name, { value: method, writable: true, configurable: true, enumerable: true });
}
