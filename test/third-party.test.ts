// The licences of what is built into dist/.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { licencesOf } from '../scripts/third-party.ts';
import { thrownBy } from './support/thrown.ts';

let root: string;
const dist = () => path.join(root, 'dist');
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'odin-licences-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}
function packageAt(directory: string, name: string, files: Record<string, string>, license?: string): void {
  write(`${directory}/package.json`, JSON.stringify({ name, version: '1.2.3', license }));
  for (const [file, text] of Object.entries(files)) write(`${directory}/${file}`, text);
}
const map = (file: string, ...sources: string[]) => write(`dist/${file}.map`, JSON.stringify({ sources }));

it('names each package once, under its licence, and the notice beside that', () => {
  packageAt('node_modules/a', 'a', { LICENSE: 'MIT, by a' }, 'MIT');
  packageAt('node_modules/@b/c', '@b/c', { 'LICENSE.md': 'Apache', NOTICE: 'Made by b' }, 'Apache-2.0');
  packageAt('node_modules/d/node_modules/e', 'e', { LICENCE: 'MIT, by a' }, 'MIT');
  packageAt('node_modules/not-in-it', 'not-in-it', {});
  map('index.mjs', '../core/errors.ts', '../node_modules/a/index.js', '../node_modules/d/node_modules/e/index.js');
  map('functions/run/handler.mjs', '../../../node_modules/a/other.js');
  const text = licencesOf(dist(), [
    path.join(root, 'core/errors.ts'),
    path.join(root, 'node_modules/@b/c/lib/index.js'),
  ]);
  expect(text).toContain('\n@b/c 1.2.3 (Apache-2.0)\n\nApache\n\nMade by b\n');
  expect(text).toContain('\na 1.2.3 (MIT)\ne 1.2.3 (MIT)\n\nMIT, by a\n');
  expect(text.match(/1\.2\.3/g)).toHaveLength(3);
});

it('says of a package without the text of its licence that there is none', () => {
  packageAt('node_modules/a', 'a', {}, 'MIT-0');
  map('index.mjs', '../node_modules/a/index.js');
  expect(licencesOf(dist(), [])).toContain('a 1.2.3 (MIT-0)\n\nNo text of it is in the package.');
});

it('refuses a package that names no licence', async () => {
  packageAt('node_modules/a', 'a', { LICENSE: 'text' });
  map('index.mjs', '../node_modules/a/index.js');
  expect((await thrownBy(() => licencesOf(dist(), []))).what).toContain('a 1.2.3 is built into dist/');
});
