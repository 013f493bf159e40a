// Where something is made that nobody looks for: each has a folder of its own, so that any number of processes work at once.
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** In the temporary folder, by its real path: compilers name files by that. */
export const temporaryFolder = (): string => realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-migrate-')));

/** Where everything that stays on this machine goes; ignored by git. */
export const WORK_FOLDER = '.odin-migrate';

/** That of a project; of one that is read-only, a folder among the temporary ones which every command finds again. */
export function workFolder(projectDirectory: string): string {
  const own = path.join(projectDirectory, WORK_FOLDER);
  if (isWritable(existsSync(own) ? own : projectDirectory)) return own;
  const name = createHash('sha256').update(projectDirectory).digest('hex').slice(0, 16);
  return path.join(realpathSync(tmpdir()), `odin-migrate-${name}`);
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
