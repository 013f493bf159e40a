// The manifest, as it was shipped beside the function's bundle.
import { readFileSync } from 'node:fs';
import { VARIABLES } from '../../core/names/names.ts';
import { Manifest } from '../../core/contract/manifest.ts';

export const MANIFEST_FILE = 'manifest.json';

export const shippedManifest = (): Manifest =>
  Manifest.parse(JSON.parse(readFileSync(new URL(MANIFEST_FILE, import.meta.url), 'utf8')));

/** The same, with the commit that it was deployed from, where the function has it in a variable. */
export const manifestWithCommit = (): Manifest => ({ ...shippedManifest(), gitCommit: process.env[VARIABLES.commit] });
