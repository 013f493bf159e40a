// A project that is read-only: what its commands keep goes where every one of them finds it again.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePrivate, workFolder } from '../../project/temporary.ts';
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
  const stdio = 'pipe';
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', stdio }).trim();
}

const removed = (folder: string) => {
  rmSync(folder, { recursive: true, force: true });
};

it('is one folder among the temporary ones when the project is read-only', () => {
  chmodSync(project, 0o555);
  const folder = asked();
  expect(path.dirname(folder)).toBe(realpathSync(tmpdir()));
  expect(path.basename(folder)).toMatch(/^odin-migrate-[0-9a-f]{16}$/);
  expect(asked()).toBe(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  removed(folder);
});

describe('its name among the temporary ones, which anybody can work out,', () => {
  let folder: string;
  beforeEach(() => {
    chmodSync(project, 0o555);
    folder = asked();
    removed(folder);
  });
  afterEach(() => {
    removed(folder);
  });

  it.runIf(process.getuid?.() === 0)('is not taken from another user, who could put code into it', () => {
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    expect(asked).toThrow(/is not a folder of yours alone/);
  });

  it('is not taken when it is a link', () => {
    symlinkSync(project, folder);
    expect(asked).toThrow(/is not a folder of yours alone/);
  });
});

it('is closed to other users of the machine: it holds data, keys and code', () => {
  const named = path.join(project, '.odin-migrate/local/odin-dev');
  mkdirSync(named, { recursive: true });
  chmodSync(named, 0o755); // as it was made before
  makePrivate(named);
  expect(statSync(named).mode & 0o777).toBe(0o700);
  makePrivate(path.join(project, 'new/local/odin-dev'));
  expect(statSync(path.join(project, 'new')).mode & 0o777).toBe(0o700);
});

it('is in the project as long as that can be written', () => {
  chmodSync(project, 0o777);
  expect(asked()).toBe(path.join(project, '.odin-migrate'));
});
