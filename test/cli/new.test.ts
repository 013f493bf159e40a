// `new`: which number, what text, and what is refused.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { checkEnvironment } from '../../cli/commands/check.ts';
import { newMigration } from '../../cli/commands/new.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { thrownBy } from '../support/thrown.ts';
import type { TestProject } from './project.ts';
import { testProject } from './project.ts';

const MIGRATION = 'export async function migration(): Promise<void> {}\n';

let project: TestProject | undefined;
afterEach(() => {
  project?.remove();
  vi.restoreAllMocks();
});

/** The path that it prints. */
function typeNew(in_: TestProject, environment: string, description?: string): string {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  expect(newMigration(in_, environment, description === undefined ? {} : { description })).toBe(0);
  return written[0]?.trim() ?? '';
}

it('writes the next number, and what it writes passes the check', async () => {
  project = testProject({ 'odin-dev/0001.ts': MIGRATION, 'odin-dev/0007.ts': MIGRATION });
  expect(typeNew(project, 'odin-dev', `Move "it" and don't lose \\ it`)).toBe('migrations/odin-dev/0008.ts');
  expect(typeNew(project, 'odin-dev')).toBe('migrations/odin-dev/0009.ts');
  const text = readFileSync(path.join(project.directory, 'migrations/odin-dev/0008.ts'), 'utf8');
  expect(text).toContain(`export const description = "Move \\"it\\" and don't lose \\\\ it";`);
  const { findings, migrations } = await checkEnvironment(project, 'odin-dev', undefined);
  expect({ findings, migrations }).toEqual({ findings: [], migrations: 4 });
});

it('uses no number again whose file was deleted: the ledger would take the new file for the old one', () => {
  project = testProject({ 'odin-dev/0004.ts': MIGRATION, 'other/0009.ts': MIGRATION });
  const { directory } = project;
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: directory });
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'one');
  rmSync(path.join(directory, 'migrations/odin-dev/0004.ts'));
  project.configuration.environments = parseConfiguration({ environments: { 'odin-dev': {} } }).environments;
  expect(typeNew(project, 'odin-dev')).toBe('migrations/odin-dev/0005.ts');
});

it('uses no number of completed.json again, also without git', () => {
  project = testProject({
    'odin-dev/0001.ts': MIGRATION,
    'odin-dev/completed.json': '{"0041": "applied 2026-11-02T10:11:12Z", "format": 1}',
  });
  expect(typeNew(project, 'odin-dev')).toBe('migrations/odin-dev/0042.ts');
});

it('refuses an environment that is not there, a description of two lines, and a number after 9999', async () => {
  project = testProject({ 'odin-dev/9999.ts': MIGRATION });
  const refused = (environment: string, description?: string) =>
    thrownBy(() => newMigration(project!, environment, description === undefined ? {} : { description }));
  expect(await refused('odin-prod')).toMatchObject({ code: 'UnknownEnvironment' });
  expect(await refused('odin-dev', 'two\nlines')).toMatchObject({ code: 'BadUsage' });
  expect((await refused('odin-dev')).what).toContain('last number, 9999');
});

it('says which file cannot be written, and why', async () => {
  project = testProject({ 'odin-dev/0001.ts': MIGRATION });
  const folder = path.join(project.directory, 'migrations/odin-dev');
  mkdirSync(path.join(folder, '0002.ts'));
  const error = await thrownBy(() => typeNew(project!, 'odin-dev'));
  expect(error).toMatchObject({ code: 'BadUsage', source: 'user' });
  expect(error.what).toMatch(/^migrations\/odin-dev\/0002\.ts cannot be written: Error: EEXIST/);
});
