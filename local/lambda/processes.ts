// A sandbox's processes: its worker and all that it started. AWS freezes all of them between two invocations
// (docs/aws-facts.md), and ends all of them with the sandbox.
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

interface Running {
  pid: number;
  parent: number;
  group: number;
}

/** Ends a process and everything below it, also what became a group of its own. */
export function killAll(root: number): void {
  // Stopped first: what stands still starts nothing while it is looked for.
  for (const pid of stopAll(root)) send(pid, 'SIGKILL');
}

/**
 * Ends what is left of the processes that were started with a variable whose value begins so. A process cannot take that back: the
 * kernel tells what it was started with.
 * @param variable `NAME=value`
 * @returns whether surely none is left. False where no /proc tells it: nothing is ended then
 */
export async function endAllStartedWith(variable: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const found = startedWith(variable);
    if (found.length === 0) return true;
    for (const pid of found) send(pid, 'SIGKILL');
    await sleep(20);
  }
  return false;
}

const MAX_LOOKS = 100;

function startedWith(variable: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const started = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      return started.some((each) => each.startsWith(variable)) ? [Number(name)] : [];
    } catch {
      return []; // it is gone, or another user's
    }
  });
}

/** Stops processes, and lets them go on. A stopped process cannot see that its parent is gone; a warden does that for it. */
export class Freezer {
  #warden: ChildProcess | undefined;
  readonly #watched = new Set<number>();

  /**
   * @param childless it has started nothing that may run: to look at all processes of the machine takes longer than a small function
   * @returns what lets them go on
   */
  freeze(root: number, childless: boolean): () => void {
    if (process.platform === 'win32') return () => undefined;
    if (childless) send(root, 'SIGSTOP');
    const stopped = childless ? [root] : stopAll(root);
    this.#watch(stopped);
    return () => {
      for (const pid of stopped) send(pid, 'SIGCONT');
    };
  }

  close(): void {
    this.#warden?.stdin?.end();
  }

  /** However this process ends, its pipe to the warden closes. The warden then lets the stopped ones go on, and they see that it is gone. */
  #watch(pids: readonly number[]): void {
    this.#warden ??= startWarden();
    for (const pid of pids) {
      if (this.#watched.has(pid)) continue;
      this.#watched.add(pid);
      this.#warden.stdin?.write(`${pid}\n`);
    }
  }
}

function startWarden(): ChildProcess {
  const script = 'while read -r pid; do pids="$pids $pid"; done; kill -CONT $pids';
  // A Ctrl-C in the terminal is not for it.
  const warden = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  warden.on('error', () => undefined);
  warden.stdin.on('error', () => undefined);
  (warden.stdin as unknown as { unref: () => void }).unref();
  warden.unref();
  return warden;
}

/** Stops a process and all below it, in as many looks as it takes until nothing new is found. */
function stopAll(root: number): number[] {
  const stopped = new Set<number>();
  for (let found = [root]; found.length > 0;) {
    for (const pid of found) {
      send(pid, 'SIGSTOP');
      stopped.add(pid);
    }
    found = below(stopped, running()).filter((pid) => !stopped.has(pid));
  }
  return [...stopped];
}

function below(pids: ReadonlySet<number>, all: readonly Running[]): number[] {
  return all
    .filter(({ parent, group, pid }) => pids.has(parent) || pids.has(group) || pids.has(pid))
    .map(({ pid }) => pid);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone.
  }
}

function running(): Running[] {
  return process.platform === 'linux' ? fromProc() : fromPs();
}

function fromProc(): Running[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // `pid (name) state parent group …`; a name may hold anything.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [, parent, group] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      return [{ pid: Number(name), parent: parent ?? 0, group: group ?? 0 }];
    } catch {
      return []; // it is gone
    }
  });
}

function fromPs(): Running[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [pid = 0, parent = 0, group = 0] = line.trim().split(/\s+/).map(Number);
    return { pid, parent, group };
  });
}
