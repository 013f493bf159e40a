// package.json as it is published: with what `publishConfig` says in place of what the repository says, as pnpm and Yarn do it and
// npm does not. `npm pack` and `npm publish` call this before they pack (prepack) and after it (postpack).
//
// The repository runs from its sources, on any Node.js that can install its own; what is installed runs from dist/.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { OdinError } from '../core/errors.ts';
import { PACKAGE_DIRECTORY } from '../project/package.ts';

const MANIFEST = path.join(PACKAGE_DIRECTORY, 'package.json');
/** The repository's, while another is in its place. One that is found there is of a `npm pack` that did not come to its end. */
const KEPT = path.join(PACKAGE_DIRECTORY, '.odin-migrate/package-kept.json');

/** Fields that npm itself understands in `publishConfig`. */
const NPMS = ['access', 'provenance'];
/** Of use in the repository only. `scripts` stay: npm reads `postpack` from the manifest that it has packed. */
const OF_THE_REPOSITORY = ['devDependencies', 'allowScripts'];

type Manifest = Record<string, unknown> & { publishConfig: Record<string, unknown> };

export function published(manifest: Manifest): Record<string, unknown> {
  const { publishConfig, ...fields } = manifest;
  const kept = Object.entries(fields).filter(([name]) => !OF_THE_REPOSITORY.includes(name));
  const replacing = Object.entries(publishConfig);
  return {
    ...Object.fromEntries([...kept, ...replacing.filter(([name]) => !NPMS.includes(name))]),
    publishConfig: Object.fromEntries(replacing.filter(([name]) => NPMS.includes(name))),
  };
}

function put(): void {
  restore();
  mkdirSync(path.dirname(KEPT), { recursive: true });
  copyFileSync(MANIFEST, KEPT);
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8')) as Manifest;
  writeFileSync(MANIFEST, `${JSON.stringify(published(manifest), undefined, 2)}\n`);
}

function restore(): void {
  if (existsSync(KEPT)) renameSync(KEPT, MANIFEST);
}

if (import.meta.main) {
  const [asked = ''] = process.argv.slice(2);
  const work = { put, restore }[asked];
  if (!work) throw new OdinError({ code: 'BadUsage', source: 'user', what: 'Expected "put" or "restore".' });
  work();
}
