// What is no call of the AWS SDK cannot be recorded, so a preview refuses it: connections that no read of the SDK opens,
// other processes, other threads, native addons. The process's own permissions (--permission) refuse the last three and writes to
// the disk in any case; here they get their words.
import { AsyncLocalStorage } from 'node:async_hooks';
import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import workerThreads from 'node:worker_threads';
import { OdinError } from '../../../core/errors.ts';

const reading = new AsyncLocalStorage<true>();

/** Runs what may open connections. */
export const throughTheGuard = <T>(work: () => Promise<T>): Promise<T> => reading.run(true, work);

/** @param onRefused is told what, and to which target */
export function installGuard(allows: readonly string[], onRefused: (what: string, target: string) => void): void {
  const refuse = (what: string, target: string, allow: string): OdinError => {
    onRefused(what, target);
    return new OdinError({
      code: 'RefusedInPreview',
      source: 'user',
      what: `A preview does not let a migration ${what} (${target}): it cannot know that this changes nothing.`,
      next: `If it changes nothing: export const previewAllows = ['${allow}'];`,
    });
  };

  const { connect } = net.Socket.prototype as unknown as { connect: (...args: unknown[]) => net.Socket };
  net.Socket.prototype.connect = function guarded(this: net.Socket, ...args: unknown[]) {
    const { host, target } = peerOf(args);
    if (reading.getStore() || allows.includes(`network:${host}`)) return connect.apply(this, args);
    const error = refuse('open a connection of its own', target, `network:${host}`);
    process.nextTick(() => this.destroy(error));
    return this;
  };
  dgram.Socket.prototype.send = (() => {
    throw refuse('send datagrams', 'UDP', 'network:<host>');
  }) as never;

  if (!allows.includes('child_process')) {
    const thrower = (file: unknown) => {
      throw refuse('start a process', String(file), 'child_process');
    };
    for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const) {
      childProcess[name] = thrower as never;
    }
  }
  if (!allows.includes('worker_threads')) {
    workerThreads.Worker = function refused(file: unknown) {
      throw refuse('start a thread', String(file), 'worker_threads');
    } as never;
  }
  if (!allows.includes('addons')) {
    process.dlopen = (_, file) => {
      throw refuse('load a native addon', file, 'addons');
    };
  }
  syncBuiltinESMExports();
}

/** Of the arguments of `socket.connect`, in every form: options, port and host, a path, or all of them in a list. */
function peerOf(args: unknown[]): { host: string; target: string } {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'object' && first !== null) {
    const { host = 'localhost', port, path } = first as { host?: string; port?: unknown; path?: string | null };
    if (port === undefined && typeof path === 'string') return { host: path, target: path };
    return { host, target: `${host}:${String(port)}` };
  }
  const host = typeof second === 'string' ? second : 'localhost';
  return typeof first === 'string' && !/^\d+$/.test(first)
    ? { host: first, target: first }
    : { host, target: `${host}:${String(first)}` };
}
