// `npm run build`: dist/, which is what is published. Nothing in the repository runs from it.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'tsdown';
import { writeOwnFunctions } from '../project/own-functions.ts';
import { BUILT_FUNCTIONS, PACKAGE_DIRECTORY } from '../project/package.ts';
import { LICENCES_FILE, licencesOf } from './third-party.ts';

const DIST = path.join(PACKAGE_DIRECTORY, 'dist');

rmSync(DIST, { recursive: true, force: true });
await build({ cwd: PACKAGE_DIRECTORY });
typesOfRequire();
const inputs = writeOwnFunctions(BUILT_FUNCTIONS);
writeFileSync(path.join(DIST, LICENCES_FILE), licencesOf(DIST, inputs));

/** Those of `import`, which say the same of what is required: only that they name each other by another ending. */
function typesOfRequire(): void {
  for (const file of readdirSync(DIST).filter((name) => name.endsWith('.d.mts'))) {
    const text = readFileSync(path.join(DIST, file), 'utf8');
    const renamed = text.replaceAll(/(["']\.\/[^"']+)\.mjs(["'])/g, '$1.cjs$2').replaceAll('.d.mts.map', '.d.cts.map');
    writeFileSync(path.join(DIST, file.replace(/\.d\.mts$/, '.d.cts')), renamed);
  }
}
