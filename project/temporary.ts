// Where something is made that nobody looks for: each has a folder of its own, so that any number of processes work at once.
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, lstatSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';

/** In the temporary folder, by its real path: compilers name files by that. */
export const temporaryFolder = (): string => realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-migrate-')));

/** Where everything that stays on this machine goes; ignored by git. */
export const WORK_FOLDER = '.odin-migrate';

/**
 * That of a project; of one that is read-only, a folder among the temporary ones which every command finds again.
 * @throws OdinError BadConfiguration when that name is somebody else's
 */
export function workFolder(projectDirectory: string): string {
  const own = path.join(projectDirectory, WORK_FOLDER);
  if (isWritable(existsSync(own) ? own : projectDirectory)) return own;
  const name = createHash('sha256').update(projectDirectory).digest('hex').slice(0, 16);
  return ofThisUser(path.join(realpathSync(tmpdir()), `odin-migrate-${name}`));
}

/** With what it lies in, as far as that has to be made. Other users of the machine neither read nor write it. */
export function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PRIVATE });
  if (lstatSync(folder).uid === process.getuid?.()) chmodSync(folder, PRIVATE);
}

const PRIVATE = 0o700;

/** Code that lies there is run, and others may make what they want among the temporary files. */
function ofThisUser(folder: string): string {
  makeIfMissing(folder);
  const found = lstatSync(folder);
  const own = process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0);
  if (found.isDirectory() && own) return folder;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: `${folder}, where what is run here is kept because the project's folder is read-only, is not a folder of yours alone.`,
    next: 'Remove it, name another place in TMPDIR, or make the project writable.',
  });
}

function makeIfMissing(folder: string): void {
  try {
    mkdirSync(folder, { mode: PRIVATE });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
