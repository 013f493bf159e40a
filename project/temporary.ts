// Where something is made that nobody looks for: each has a folder of its own, so that any number of processes work at once.
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** In the temporary folder, by its real path: compilers name files by that. */
export const temporaryFolder = (): string => realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-migrate-')));
