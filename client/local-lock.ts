// The lock of an environment on this machine.
import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';

export const LOCK_FILE = 'process';

export interface Lock {
  unlock: () => void;
  /** As it was before, for whoever comes next: nothing was done under it. */
  giveBack: () => void;
  /** Whether it was taken over from a process of this machine that was ended before it could unlock. */
  formerDied: boolean;
}

/**
 * The embedded S3 belongs to one process at a time: its conditional writes hold within a process. A lock whose process is gone is taken
 * over: its number may be another program's by now, so a lock says when its process was started, and where processes are counted so.
 */
export function lock(directory: string, environment: string): Lock {
  const file = path.join(directory, LOCK_FILE);
  let former: string | undefined;
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const start = startOf(process.pid);
      writeFileSync(file, [process.pid, start, placeOfProcesses()].join(' ').trim(), { flag: 'wx' });
      const unlock = () => {
        rmSync(file, { force: true });
      };
      if (start === undefined) process.once('exit', unlock); // else it shows that its process is gone
      const giveBack = () => {
        if (former === undefined) unlock();
        else writeFileSync(file, former);
      };
      return { unlock, giveBack, formerDied: isOfHere(former) };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw notLocked(file, cause);
      former = readFileSync(file, 'utf8');
      const { pid, start } = parse(former);
      if (isOwnedBy(pid, start)) {
        throw new OdinError({
          code: 'BadUsage',
          source: 'user',
          what: `${environment} is running locally in another process (${pid}).`,
          next: `Answer the halt there, or end that process. If it is none of odin-migrate, remove ${file}.`,
        });
      }
      rmSync(file, { force: true });
    }
  }
  throw notLocked(file, undefined);
}

const notLocked = (file: string, cause: unknown): OdinError =>
  new OdinError({
    code: 'BadConfiguration',
    source: 'system',
    what: `${file} could not be made${cause === undefined ? '' : `: ${describeThrown(cause)}`}.`,
    next: 'Is the disk full, or the folder of another user? Make room, or remove that file, and try again.',
    cause,
  });

/** Whether the process that ran here last was ended before it could unlock: nothing of it runs any more, but for what it had started. */
export function hasDied(directory: string): boolean {
  const file = path.join(directory, LOCK_FILE);
  if (!existsSync(file)) return false;
  const text = readFileSync(file, 'utf8');
  const { pid, start } = parse(text);
  return isOfHere(text) && !isOwnedBy(pid, start);
}

function parse(text: string): { pid: number; start: string | undefined; place: string | undefined } {
  const [pid, start, place] = text.trim().split(' ');
  return { pid: Number(pid), start, place };
}

function isOfHere(text = ''): boolean {
  const { place } = parse(text);
  return place !== undefined && place === placeOfProcesses();
}

/** An empty lock is of nobody: a full disk makes one. */
function isOwnedBy(pid: number, start: string | undefined): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (pid === process.pid) return start !== undefined && start === startOf(pid);
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EPERM') return false; // of another user, it is alive
  }
  const now = startOf(pid);
  return start === undefined || now === undefined || now === start;
}

/** When a process was started, in the kernel's own count; undefined where no /proc says it. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** This machine since its start, and the container in it; undefined where no /proc says it. */
function placeOfProcesses(): string | undefined {
  try {
    const started = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${started}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}
