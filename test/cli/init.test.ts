// `init`: what it writes, what it leaves alone, and what it refuses before anything is written.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { checkEnvironment } from '../../cli/commands/check.ts';
import { init } from '../../cli/commands/init.ts';
import { PACKAGE_DIRECTORY } from '../../project/package.ts';
import { openProject } from '../../project/project.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import { thrownBy } from '../support/thrown.ts';

const SYNTH = '{\n  "app": "npx --no-install odin-migrate synth"\n}\n';
const INSTALLED = { 'node_modules/odin-migrate/odin-migrate.schema.json': '{}' };

let project: TemporaryProject;
let printed = '';
beforeEach(() => {
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => (printed += String(text)) !== '');
});
afterEach(() => {
  vi.restoreAllMocks();
  project.remove();
});

/** A folder with a space in its path, no git, and no packages but those that are named. */
function folder(files: Record<string, string> = {}): string {
  project = temporaryProject({}, { under: 'a team/shop' });
  const directory = path.join(project.directory, '../app');
  mkdirSync(directory);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), text);
  }
  return directory;
}

const read = (directory: string, file: string): string => readFileSync(path.join(directory, file), 'utf8');
const configurationIn = (directory: string): unknown => JSON.parse(read(directory, 'odin-migrate.json'));

it('writes all that a project needs, and says what to type next', async () => {
  const directory = folder({ 'package.json': '\uFEFF{ "name": "@team/Shop.Orders" }' }); // as an editor of Windows begins it
  mkdirSync(path.join(directory, 'node_modules'));
  symlinkSync(PACKAGE_DIRECTORY, path.join(directory, 'node_modules/odin-migrate'));
  expect(await init('odin-dev', { from: directory })).toBe(0);
  expect(configurationIn(directory)).toEqual({
    $schema: './node_modules/odin-migrate/odin-migrate.schema.json',
    app: 'shop-orders',
    environments: { 'odin-dev': {} },
  });
  expect(read(directory, 'cdk.json')).toBe(SYNTH);
  expect(read(directory, '.gitignore')).toBe('.odin-migrate/\ncdk.out/\n');
  expect(readdirSync(path.join(directory, 'migrations/odin-dev'))).toEqual(['0001.ts']);
  expect(printed.match(/^ {2}npx .*?(?= {2})/gm)).toEqual([
    '  npx --no-install odin-migrate check odin-dev',
    '  npx --no-install odin-migrate local odin-dev',
    '  npx --no-install cdk deploy shop-orders--odin-dev--migrations',
    '  npx --no-install odin-migrate run odin-dev --wait',
  ]);
  expect(await checkEnvironment(openProject(directory), 'odin-dev', undefined)).toMatchObject({
    migrations: 1,
    findings: [],
  });
});

it('changes nothing when it is typed again', async () => {
  const directory = folder({ 'package.json': '{ "name": "shop" }' });
  const files = ['odin-migrate.json', 'cdk.json', '.gitignore', 'migrations/odin-dev/0001.ts'];
  await init('odin-dev', { from: directory });
  const before = files.map((file) => read(directory, file));
  printed = '';
  await init('odin-dev', { from: directory });
  expect(files.map((file) => read(directory, file))).toEqual(before);
  expect(readdirSync(path.join(directory, 'migrations/odin-dev'))).toEqual(['0001.ts']);
  expect(printed).not.toContain('written');
  expect(printed.match(/^kept/gm)).toHaveLength(4);
});

it('leaves what is there alone: only what is missing is added', async () => {
  const configuration = '{ "directory": "ops", "environments": {} }';
  const directory = folder({
    'package.json': '{ "name": "shop" }',
    'odin-migrate.json': configuration,
    'cdk.json': '{ "app": "npx tsx bin/app.ts" }',
    '.gitignore': 'node_modules/\r\n/cdk.out',
  });
  await init('odin-dev', { from: directory });
  expect(read(directory, 'odin-migrate.json')).toBe(configuration);
  expect(read(directory, 'cdk.json')).toBe('{ "app": "npx tsx bin/app.ts" }');
  expect(read(directory, '.gitignore')).toBe('node_modules/\r\n/cdk.out\r\n.odin-migrate/\r\n');
  expect(existsSync(path.join(directory, 'ops/odin-dev/0001.ts'))).toBe(true);
  expect(printed).toContain('an app of your own');
  expect(printed).not.toContain('cdk deploy');
});

it('adds another environment to a project, from a folder of it', async () => {
  const directory = folder({ 'package.json': '{ "name": "shop" }' });
  await init('odin-dev', { from: directory });
  await init('odin-prod', { from: path.join(directory, 'migrations/odin-dev') });
  expect(readdirSync(path.join(directory, 'migrations'))).toEqual(['odin-dev', 'odin-prod']);
  expect(printed).toContain('npx --no-install cdk deploy shop--odin-prod--migrations');
});

it("makes a workspace's package a project of its own, whose schema is where npm has put it", async () => {
  const root = folder({
    'package.json': '{ "private": true, "workspaces": ["packages/*"] }',
    'odin-migrate.json': '{}',
    'packages/ops/package.json': '{ "name": "@team/ops" }',
    'packages/ops/src/index.ts': '',
    ...INSTALLED,
  });
  await init('odin-dev', { from: path.join(root, 'packages/ops/src') });
  expect(configurationIn(path.join(root, 'packages/ops'))).toMatchObject({
    $schema: '../../node_modules/odin-migrate/odin-migrate.schema.json',
    app: 'ops',
  });
  expect(read(root, 'odin-migrate.json')).toBe('{}');
});

it('uses no number again that git has seen', async () => {
  const directory = folder({ 'package.json': '{}', 'migrations/odin-dev/0003.ts': '' });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: directory });
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'one');
  git('rm', '--quiet', 'migrations/odin-dev/0003.ts');
  await init('odin-dev', { from: directory });
  expect(readdirSync(path.join(directory, 'migrations/odin-dev'))).toEqual(['0004.ts']);
});

it('takes the name of the folder where a package has none, or another that is asked for', async () => {
  const directory = folder({ 'package.json': '{ "private": true }' });
  await init('odin-dev', { from: directory });
  expect(configurationIn(directory)).toMatchObject({ app: 'app' });
  project.remove();
  const other = folder({ 'package.json': '{ "name": "shop" }' });
  await init('odin-dev', { from: other, app: 'till' });
  expect(configurationIn(other)).toMatchObject({ app: 'till' });
});

it.each([
  ['a name with a capital letter', 'Odin', {}, {}, 'BadEnvironmentName'],
  ['a path', '../odin-dev', {}, {}, 'BadEnvironmentName'],
  ['an app that is no name', 'odin-dev', { app: 'a--b' }, {}, 'BadConfiguration'],
  ['names that are too long together', 'x'.repeat(30), { app: 'a'.repeat(11) }, {}, 'BadConfiguration'],
  [
    'a package without a letter in its name',
    'odin-dev',
    {},
    { 'package.json': '{ "name": "123" }' },
    'BadConfiguration',
  ],
  ['a package.json that is no JSON', 'odin-dev', {}, { 'package.json': '{' }, 'BadConfiguration'],
  ['an odin-migrate.json that is no JSON', 'odin-dev', {}, { 'odin-migrate.json': '{' }, 'BadConfiguration'],
  ['another app than the file has', 'odin-dev', { app: 'b' }, { 'odin-migrate.json': '{ "app": "a" }' }, 'BadUsage'],
  [
    'a folder with a file of another ending',
    'odin-dev',
    {},
    { 'migrations/odin-dev/0001.mts': '' },
    'BadMigrationFile',
  ],
])('refuses %s before it writes anything', async (_, environment, options, files, code) => {
  const directory = folder({ 'package.json': '{ "name": "shop" }', ...files });
  const before = readdirSync(directory, { recursive: true }).sort();
  expect((await thrownBy(() => init(environment, { from: directory, ...options }))).code).toBe(code);
  expect(readdirSync(directory, { recursive: true }).sort()).toEqual(before);
});
