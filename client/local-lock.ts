// The lock of an environment on this machine.
import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
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
 * The folder may be seen by several machines and containers: whether a process of another one lives, nobody sees from here.
 */
export function lock(directory: string, environment: string): Lock {
  const file = path.join(directory, LOCK_FILE);
  let former: string | undefined;
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      const start = startOf(process.pid);
      const owner = [process.pid, start, placeOfProcesses(), MACHINE];
      writeFileSync(file, owner.map((part) => part ?? UNKNOWN).join(' '), { flag: 'wx' });
      const unlock = () => {
        rmSync(file, { force: true });
      };
      if (start === undefined) process.once('exit', unlock); // else it shows that its process is gone
      const giveBack = () => {
        if (former === undefined) unlock();
        else writeFileSync(file, former);
      };
      return { unlock, giveBack, formerDied: former !== undefined && namesItsPlace(former) };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw notLocked(file, cause);
      former = readFileSync(file, 'utf8');
      const owner = ownerOf(former);
      if (owner !== 'nobody') throw lockedBy(owner, parse(former), environment, file);
      rmSync(file, { force: true });
    }
  }
  throw notLocked(file, undefined);
}

function lockedBy(
  owner: 'alive' | 'elsewhere',
  { pid, machine = nameOfMachine() }: Owner,
  environment: string,
  file: string,
): OdinError {
  const [name = ''] = machine.split('/');
  const other = name === nameOfMachine() ? `another container of ${name}` : name;
  return new OdinError({
    code: 'BadUsage',
    source: 'user',
    what:
      owner === 'alive'
        ? `${environment} is running locally in another process (${pid}).`
        : `${environment} was begun on ${other}, in process ${pid}.`,
    why: owner === 'alive' ? undefined : 'Nothing here shows whether that has ended.',
    next: `Answer the halt there, or end that process. If it is none of odin-migrate, or has ended, remove ${file}.`,
  });
}

const notLocked = (file: string, cause: unknown): OdinError =>
  new OdinError({
    code: 'BadConfiguration',
    source: 'system',
    what: `${file} could not be made${cause === undefined ? '' : `: ${describeThrown(cause)}`}.`,
    next: 'Is the disk full, or the folder of another user? Make room, or remove that file, and try again.',
    cause,
  });

/** Whether a process of here that lives has it. */
export function isHeld(directory: string): boolean {
  const text = readLock(directory);
  return text !== undefined && ownerOf(text) === 'alive';
}

/** Whether the process that ran here last was ended before it could unlock: nothing of it runs any more, but for what it had started. */
export function hasDied(directory: string): boolean {
  const text = readLock(directory);
  return text !== undefined && namesItsPlace(text) && ownerOf(text) === 'nobody';
}

function readLock(directory: string): string | undefined {
  const file = path.join(directory, LOCK_FILE);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

interface Owner {
  pid: number;
  start: string | undefined;
  /** This start of the machine, and the container in it. */
  place: string | undefined;
  machine: string | undefined;
}

function parse(text: string): Owner {
  const [pid, ...others] = text.split(' ');
  const [start, place, machine] = others.map((part) => (part === UNKNOWN ? undefined : part));
  return { pid: Number(pid), start, place, machine };
}

const UNKNOWN = '-';

/** An empty lock is of nobody: a full disk makes one. So is one of this machine from before its last start. */
function ownerOf(text: string): 'nobody' | 'alive' | 'elsewhere' {
  const owner = parse(text);
  const { pid, start } = owner;
  if (!Number.isInteger(pid) || pid <= 0) return 'nobody';
  const seen = seenFromHere(owner);
  if (seen !== 'here') return seen === 'over' ? 'nobody' : seen;
  if (pid === process.pid) return start !== undefined && start === startOf(pid) ? 'alive' : 'nobody';
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EPERM') return 'nobody'; // of another user, it is alive
  }
  const now = startOf(pid);
  return start === undefined || now === undefined || now === start ? 'alive' : 'nobody';
}

/** One of nobody that does was a lock of here: its process was counted here, or ended with the machine. */
const namesItsPlace = (text: string): boolean => parse(text).place !== undefined;

function seenFromHere({ place, machine }: Owner): 'here' | 'over' | 'elsewhere' {
  const here = placeOfProcesses();
  const isNamed = place !== undefined || machine !== undefined; // a number alone is one of here
  if (!isNamed || (place === here && (place !== undefined || machine === MACHINE))) return 'here';
  if (place === undefined || here === undefined || bootOf(place) === bootOf(here)) return 'elsewhere';
  return machine === undefined || machine === MACHINE ? 'over' : 'elsewhere';
}

const bootOf = (place: string): string | undefined => place.split('/')[0];

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

/** Its name alone may be that of another one, too. */
const MACHINE = `${nameOfMachine()}/${machineId()}`;

/** Without its domain, which is of the network that it is in. */
function nameOfMachine(): string {
  return hostname().split('.')[0]?.replaceAll(' ', '_') ?? '';
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return ''; // in many containers, and on other systems
  }
}
