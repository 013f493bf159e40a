// `npm run build`: dist/, which is what is published. Nothing in the repository runs from it.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'tsdown';
import { writeOwnFunctions } from '../project/own-functions.ts';
import { BUILT_FUNCTIONS, PACKAGE_DIRECTORY } from '../project/package.ts';

rmSync(path.join(PACKAGE_DIRECTORY, 'dist'), { recursive: true, force: true });
await build({ cwd: PACKAGE_DIRECTORY });
writeOwnFunctions(BUILT_FUNCTIONS);
