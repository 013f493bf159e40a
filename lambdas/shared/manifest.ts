// The manifest, as it was shipped beside the function's bundle.
import { readFileSync } from 'node:fs';
import { Manifest } from '../../core/contract/manifest.ts';

export const MANIFEST_FILE = 'manifest.json';

export const shippedManifest = (): Manifest =>
  Manifest.parse(JSON.parse(readFileSync(new URL(MANIFEST_FILE, import.meta.url), 'utf8')));
