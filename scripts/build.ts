// `npm run build`: dist/, which is what is published. Nothing in the repository runs from it.
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'tsdown';
import { writeOwnFunctions } from '../project/own-functions.ts';
import { BUILT_FUNCTIONS, PACKAGE_DIRECTORY } from '../project/package.ts';
import { LICENCES_FILE, licencesOf } from './third-party.ts';

const DIST = path.join(PACKAGE_DIRECTORY, 'dist');

rmSync(DIST, { recursive: true, force: true });
await build({ cwd: PACKAGE_DIRECTORY });
const inputs = writeOwnFunctions(BUILT_FUNCTIONS);
writeFileSync(path.join(DIST, LICENCES_FILE), licencesOf(DIST, inputs));
