// Whose the folder of an environment is: that of a process of this machine, of another one that shares it, or of one that is gone.
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { hasDied, isHeld, lock } from '../../client/local-lock.ts';
import type { OdinError } from '../../core/errors.ts';

let directory: string;
let file: string;
/** What a lock of this process says. */
let own: string[];
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'odin-lock-'));
  file = path.join(directory, 'process');
  const { unlock } = lock(directory, 'dev');
  own = readFileSync(file, 'utf8').split(' ');
  boot = (own[2] ?? '').replace(/.\/.*/, (end) => (end.startsWith('0') ? '1' : '0'));
  unlock();
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function refusal(): OdinError {
  try {
    lock(directory, 'dev');
  } catch (thrown) {
    return thrown as OdinError;
  }
  throw new Error('It was taken.');
}

/** Another process of here that lives, and one that does not. */
const ALIVE = String(process.ppid);
const GONE = '999999999';

/** Another start of this machine: its name differs in its end alone. */
let boot: string;
const processes = 'pid:[1]';

it.each([
  ['that is gone here: its number counts there', GONE],
  ['whose number is that of a process here', ALIVE],
])('of another machine, with a process %s, it is not taken: the folder is on a shared disk', (_, pid) => {
  const [, start, place] = own;
  const text = `${pid} ${start} ${place?.replace(/^[^/]+/, boot)} anne-laptop/0123`;
  writeFileSync(file, text);
  const { code, what, why, next } = refusal();
  expect(code).toBe('BadUsage');
  expect(what).toBe(`dev was begun on anne-laptop, in process ${pid}.`);
  expect(why).toBe('Nothing here shows whether that has ended.');
  expect(next).toBe(
    `Answer the halt there, or end that process. If it is none of odin-migrate, or has ended, remove ${file}.`,
  );
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect([isHeld(directory), hasDied(directory)]).toEqual([false, false]);
});

it('of another machine that names processes in no /proc, it is not taken either', () => {
  writeFileSync(file, `${GONE} - - mac.local/`);
  expect(refusal().what).toContain('dev was begun on mac.local, in process');
});

it.each([true, false])('of another container of this machine it is not taken (its machine is named: %s)', (isNamed) => {
  const [, start, place, machine] = own;
  writeFileSync(file, [GONE, start, place?.replace(/\/.*/, `/${processes}`), ...(isNamed ? [machine] : [])].join(' '));
  expect([isHeld(directory), hasDied(directory)]).toEqual([false, false]);
  expect(refusal().what).toContain(
    `dev was begun on another container of ${hostname().split('.')[0]}, in process ${GONE}`,
  );
});

it('of this machine before it was started again, its process is surely over', () => {
  const [, start, place, machine] = own;
  writeFileSync(file, `${ALIVE} ${start} ${place?.replace(/^[^/]+/, boot)} ${machine}`);
  expect([isHeld(directory), hasDied(directory)]).toEqual([false, true]);
  const { formerDied, unlock } = lock(directory, 'dev');
  expect(formerDied).toBe(true);
  unlock();
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, `${ALIVE} ${start} ${place?.replace(/^[^/]+/, boot)}`); // as one was written before
  expect(hasDied(directory)).toBe(true);
});

it('of a process of here that is gone it is taken, and of one that lives it is not', () => {
  const [, , place, machine] = own;
  writeFileSync(file, `${GONE} 1 ${place} ${machine}`);
  expect(hasDied(directory)).toBe(true);
  lock(directory, 'dev').unlock();
  writeFileSync(file, `${ALIVE} - ${place} ${machine}`);
  expect([isHeld(directory), hasDied(directory)]).toEqual([true, false]);
  expect(refusal()).toMatchObject({
    source: 'user',
    what: `dev is running locally in another process (${ALIVE}).`,
    why: undefined,
  });
});

it('without a place, as one was written before, its process counts as one of here', () => {
  writeFileSync(file, GONE);
  expect(hasDied(directory)).toBe(false);
  expect(lock(directory, 'dev').formerDied).toBe(false);
});

it('of this machine under the name that it has in another network, it is seen', () => {
  const [, start, place] = own;
  writeFileSync(file, `${process.pid} ${start} ${place} other-name/`);
  expect(isHeld(directory)).toBe(true);
});

it('of another user it is not taken while their process lives, which nobody else may signal', () => {
  const [, , ...where] = own;
  const stat = readFileSync(`/proc/${ALIVE}/stat`, 'utf8');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
  });
  onTestFinished(() => void vi.restoreAllMocks());
  writeFileSync(file, [ALIVE, start, ...where].join(' '));
  expect(refusal().what).toBe(`dev is running locally in another process (${ALIVE}).`);
  writeFileSync(file, [ALIVE, 1, ...where].join(' ')); // its number is another program's by now
  lock(directory, 'dev').unlock();
});

it('says which process has it, since when, where processes are counted so, and on which machine', () => {
  const id = existsSync('/etc/machine-id') ? readFileSync('/etc/machine-id', 'utf8').trim() : '';
  const started = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  expect(own).toEqual([
    String(process.pid),
    expect.stringMatching(/^\d+$/),
    `${started}/${readlinkSync('/proc/self/ns/pid')}`,
    `${hostname().split('.')[0]?.replaceAll(' ', '_')}/${id}`,
  ]);
});

it('is of nobody when there is none, or what there is names no process, as a full disk leaves it', () => {
  expect([isHeld(directory), hasDied(directory)]).toEqual([false, false]);
  for (const text of ['', '\n', 'garbage', '0', '1.5']) {
    writeFileSync(file, text);
    expect([text, isHeld(directory), hasDied(directory)]).toEqual([text, false, false]);
    lock(directory, 'dev').unlock();
  }
});

it('of this very process it is not taken a second time, and of one that had its number before it is', () => {
  const { unlock } = lock(directory, 'dev');
  expect(refusal().what).toBe(`dev is running locally in another process (${process.pid}).`);
  unlock();
  const [pid, , place, machine] = own;
  for (const start of ['1', '-']) {
    writeFileSync(file, [pid, start, place, machine].join(' '));
    expect(hasDied(directory)).toBe(true);
    lock(directory, 'dev').unlock();
  }
});

it('is given back as it was, when nothing was done under it', () => {
  lock(directory, 'dev').giveBack();
  expect(existsSync(file)).toBe(false);
  const [, , ...where] = own;
  const former = [GONE, '1', ...where].join(' ');
  writeFileSync(file, former);
  lock(directory, 'dev').giveBack();
  expect(readFileSync(file, 'utf8')).toBe(former);
});

it('is let go of without a word when somebody has removed it, and by nothing else than what took it', () => {
  const listeners = process.listenerCount('exit');
  const { unlock } = lock(directory, 'dev');
  expect(process.listenerCount('exit')).toBe(listeners); // that its process is gone is seen
  rmSync(file);
  unlock();
  expect(existsSync(file)).toBe(false);
});

it('that cannot be made says why, and is nobody else’s', () => {
  rmSync(directory, { recursive: true });
  const { code, source, what, next } = refusal();
  expect([code, source]).toEqual(['BadConfiguration', 'system']);
  expect(what).toMatch(/process could not be made: .*ENOENT: no such file or directory/);
  expect(next).toMatch(/^Is the disk full, or the folder of another user\?/);
});
