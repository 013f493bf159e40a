// A project that is read-only: what its commands keep goes where every one of them finds it again.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { workFolder } from '../../project/temporary.ts';
import { PROJECT } from '../support/project.ts';

let project: string;
beforeEach(() => {
  project = realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-read-only-')));
});
afterEach(() => {
  chmodSync(project, 0o755);
  rmSync(project, { recursive: true });
});

it('is in the project, and makes nothing by itself', () => {
  expect(workFolder(project)).toBe(path.join(project, '.odin-migrate'));
  expect(existsSync(path.join(project, '.odin-migrate'))).toBe(false);
});

/** By somebody whom permissions bind: root, who may write anywhere, becomes nobody. */
function asked(): string {
  const module = pathToFileURL(path.join(PROJECT, 'project/temporary.ts')).href;
  const script = `const { workFolder } = await import(${JSON.stringify(module)});
if (process.getuid?.() === 0) process.setuid(65534);
console.log(workFolder(${JSON.stringify(project)}));`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim();
}

it('is one folder among the temporary ones when the project is read-only', () => {
  chmodSync(project, 0o555);
  const folder = asked();
  expect(path.dirname(folder)).toBe(realpathSync(tmpdir()));
  expect(path.basename(folder)).toMatch(/^odin-migrate-[0-9a-f]{16}$/);
  expect(asked()).toBe(folder);
});

it('is in the project as long as that can be written', () => {
  chmodSync(project, 0o777);
  expect(asked()).toBe(path.join(project, '.odin-migrate'));
});
