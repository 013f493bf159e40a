// Which Node.js runs the functions on this machine.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { nodeFor, warningOf } from '../../project/node.ts';

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-node-')));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(file: string, text: string): string {
  const to = path.join(directory, file);
  mkdirSync(path.dirname(to), { recursive: true });
  writeFileSync(to, text);
  return to;
}

it("is the project's own, found from a workspace's folder too", () => {
  write('node_modules/node/package.json', '{ "name": "node", "bin": { "node": "bin/node" } }');
  const program = write('node_modules/node/bin/node', '#!/bin/sh\necho v22.18.0\n');
  chmodSync(program, 0o755);
  mkdirSync(path.join(directory, 'packages/ops'), { recursive: true });
  expect(nodeFor(path.join(directory, 'packages/ops'))).toEqual({
    path: program,
    version: '22.18.0',
    warning: warningOf('22.18.0'),
  });
});

it('is that of this process when the project has none, or one whose program was never fetched', () => {
  expect(nodeFor(directory)).toEqual({ path: process.execPath, version: process.versions.node, warning: undefined });
  write('node_modules/node/package.json', '{ "name": "node", "bin": { "node": "bin/node" } }');
  expect(nodeFor(directory)).toEqual({ path: process.execPath, version: process.versions.node, warning: undefined });
});

it("is warned of when its major version is not Lambda's", () => {
  expect(warningOf('24.1.0')).toBeUndefined();
  expect(warningOf('22.18.0')).toMatch(/^Node\.js 22\.18\.0 runs the migrations here, and 24 in Lambda: /);
  expect(warningOf('26.0.0')).toMatch(/26\.0\.0/);
  expect(warningOf('22.18.0', true)).toContain('npm rebuild node --ignore-scripts=false');
  vi.stubEnv('NODE_ENV', 'production');
  expect(warningOf('22.18.0')).toContain('npm install -D node@24 --include=dev brings that');
  vi.unstubAllEnvs();
});
