// `new`: which number, what text, and what is refused.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Finding } from '../../cli/check/finding.ts';
import { checkEnvironment } from '../../cli/commands/check.ts';
import { newMigration } from '../../cli/commands/new.ts';
import { localDirectory, OUTPUTS_FILE } from '../../client/local-folder.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { OUTPUTS } from '../../core/names/names.ts';
import { EmbeddedStore } from '../../local/s3/ledger-store.ts';
import { ObjectStore, S3_FOLDER } from '../../local/s3/store.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { thrownBy } from '../support/thrown.ts';
import { NO_AWS } from './no-aws.ts';
import type { TestProject } from './project.ts';
import { testProject } from './project.ts';

const FOURTH = "export const description = 'Fourth';\nexport async function migration(): Promise<void> {}\n";
const MIGRATION = 'export async function migration(): Promise<void> {}\n';

let project: TestProject | undefined;
afterEach(() => {
  project?.remove();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** What it prints. */
async function printedBy(
  in_: TestProject,
  environment: string,
  description?: string,
  deployed?: Parameters<typeof newMigration>[3],
): Promise<string[]> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const options = description === undefined ? {} : { description };
  expect(await newMigration(in_, environment, options, deployed)).toBe(0);
  return written.join('').trim().split('\n');
}

/** The path that it prints. */
const typeNew = async (...typed: Parameters<typeof printedBy>): Promise<string> => (await printedBy(...typed))[0] ?? '';

/** All that the check remarks on what `new` has written. */
const notWritten = (id: string): Finding => ({
  environment: 'odin-dev',
  severity: 'warning',
  rule: 'exports',
  file: `migrations/odin-dev/${id}.ts`,
  message: 'Its work is not written yet: it throws, and a run halts there.',
});

it('writes the next number, and what it writes passes the check', async () => {
  project = testProject({ 'odin-dev/0001.ts': MIGRATION, 'odin-dev/0007.ts': MIGRATION });
  expect(await typeNew(project, 'odin-dev', `Move "it" and don't lose \\ it`)).toBe('migrations/odin-dev/0008.ts');
  expect(await typeNew(project, 'odin-dev')).toBe('migrations/odin-dev/0009.ts');
  const text = readFileSync(path.join(project.directory, 'migrations/odin-dev/0008.ts'), 'utf8');
  expect(text).toContain(`export const description = "Move \\"it\\" and don't lose \\\\ it";`);
  const { findings, migrations } = await checkEnvironment(project, 'odin-dev', undefined);
  expect({ findings, migrations }).toEqual({ findings: ['0008', '0009'].map(notWritten), migrations: 4 });
});

it.each([
  ['one that yields checkpoints', { checkpointed: true }, ['migration']],
  ['one with a plan and batches', { parallel: true }, ['migration', 'parallel', 'plan']],
])('writes %s, and throws until it is written', async (_, options, exports) => {
  project = testProject({ 'odin-dev/0001.ts': MIGRATION });
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(console, 'log').mockReturnValue();
  expect(await newMigration(project, 'odin-dev', options)).toBe(0);
  const file = path.join(project.directory, 'migrations/odin-dev/0002.ts');
  const module = (await import(file)) as { migration: (...args: unknown[]) => AsyncGenerator | Promise<void> };
  expect(Object.keys(module).sort()).toEqual([...exports, 'permissions'].sort());
  const run = async () => {
    const running = module.migration([], { number: 1, of: 1 });
    await ('next' in running ? running.next() : running);
  };
  await expect(run()).rejects.toThrow('This migration is not written yet');
  const { findings, migrations } = await checkEnvironment(project, 'odin-dev', undefined);
  expect({ findings, migrations }).toEqual({ findings: [notWritten('0002')], migrations: 2 });
  const text = readFileSync(file, 'utf8');
  expect(await format(text, { ...(await resolveConfig(file)), filepath: file })).toBe(text);
});

it('writes no migration that has checkpoints and batches', async () => {
  project = testProject({ 'odin-dev/0001.ts': MIGRATION });
  const both = newMigration(project, 'odin-dev', { checkpointed: true, parallel: true });
  expect(await thrownBy(both)).toMatchObject({ code: 'BadUsage' });
});

it('writes a file that throws until it is written: what has run is recorded for good', async () => {
  project = testProject({ 'odin-dev/0001.ts': MIGRATION });
  const file = path.join(project.directory, await typeNew(project, 'odin-dev'));
  const { migration } = (await import(file)) as { migration: () => Promise<void> };
  await expect(migration()).rejects.toThrow('This migration is not written yet');
});

it('uses no number of completed.json again, also without git', async () => {
  project = testProject({
    'odin-dev/0001.ts': MIGRATION,
    'odin-dev/completed.json': '{"0041": "applied 2026-11-02T10:11:12Z", "format": 1}',
  });
  expect(await typeNew(project, 'odin-dev')).toBe('migrations/odin-dev/0042.ts');
});

it('refuses an environment that is not there, a description of two lines or with control characters, and a number after 9999', async () => {
  project = testProject({ 'odin-dev/9999.ts': MIGRATION });
  const refused = (environment: string, description?: string) =>
    thrownBy(newMigration(project!, environment, description === undefined ? {} : { description }));
  expect(await refused('odin-prod')).toMatchObject({ code: 'UnknownEnvironment' });
  for (const description of ['two\nlines', 'in \u001b[31mred', 'a\u0007bell', 'a\u009b31m'])
    expect(await refused('odin-dev', description)).toMatchObject({ code: 'BadUsage' });
  expect((await refused('odin-dev')).what).toContain('last number, 9999');
});

it('says which file cannot be written, and why', async () => {
  project = testProject({ 'odin-dev/0001.ts': MIGRATION });
  writeFileSync(path.join(project.directory, 'blocked'), '');
  project.configuration = parseConfiguration({ environments: { 'odin-dev': { directory: 'blocked/odin-dev' } } });
  const error = await thrownBy(typeNew(project, 'odin-dev'));
  expect(error).toMatchObject({ code: 'BadUsage', source: 'user' });
  expect(error.what).toMatch(/^blocked\/odin-dev\/0001\.ts cannot be written: Error: E/);
});

/** A number that was used, and whose file is gone. */
describe('a number whose file was deleted is not used again', () => {
  const git = (directory: string, ...args: string[]) =>
    execFileSync(
      'git',
      ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main', ...args],
      {
        cwd: directory,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
  function commit(directory: string): void {
    git(directory, 'add', '--all', '--force', '.');
    git(directory, 'commit', '--quiet', '--message', 'one');
  }
  const settings = (directory?: string) =>
    parseConfiguration({ environments: { 'odin-dev': directory === undefined ? {} : { directory } } });

  /** A repository with 0001 and 0004, in which 0004 is deleted. */
  function repository({ folder = 'odin-dev', configured = undefined as string | undefined } = {}) {
    project = testProject({ [`${folder}/0001.ts`]: MIGRATION, [`${folder}/0004.ts`]: FOURTH });
    project.configuration = settings(configured);
    const { directory } = project;
    git(directory, 'init', '--quiet');
    commit(directory);
    rmSync(path.join(directory, `migrations/${folder}/0004.ts`));
    return { directory, project, deleted: path.join(directory, `migrations/${folder}/0004.ts`) };
  }

  it('by git, deleted and not committed, and then committed', async () => {
    const { directory, project: in_ } = repository();
    const printed = await printedBy(in_, 'odin-dev');
    expect(printed[0]).toBe('migrations/odin-dev/0005.ts');
    expect(printed[1]).toBe('0005 is above every number of: files, git, ledger on this machine');
    commit(directory);
    rmSync(path.join(directory, 'migrations/odin-dev/0005.ts'));
    expect(await typeNew(in_, 'odin-dev')).toBe('migrations/odin-dev/0006.ts');
  });

  it('when the whole folder is gone', async () => {
    const { directory, project: in_ } = repository();
    rmSync(path.join(directory, 'migrations'), { recursive: true });
    expect(await typeNew(in_, 'odin-dev')).toBe('migrations/odin-dev/0005.ts');
  });

  it.each([
    ['with letters that git quotes', 'mé "q" \t1/odin-dev'],
    ['with signs that are patterns', ':(top)[a-z]*?/odin-dev'],
  ])('below a folder %s', async (_, folder) => {
    const { project: in_ } = repository({ folder, configured: `migrations/${folder}` });
    // A tab of a name is printed as a space: a line holds no control characters.
    expect(await typeNew(in_, 'odin-dev')).toBe(`migrations/${folder.replace('\t', ' ')}/0005.ts`);
  });

  it('on another branch, on one that was merged without it, and in a merge itself', async () => {
    const { directory, project: in_, deleted } = repository();
    writeFileSync(deleted, MIGRATION);
    git(directory, 'checkout', '--quiet', '-b', 'other');
    const file = (id: string) => path.join(directory, `migrations/odin-dev/${id}.ts`);
    writeFileSync(file('0005'), MIGRATION);
    commit(directory);
    rmSync(file('0005'));
    commit(directory);
    git(directory, 'checkout', '--quiet', 'main');
    git(directory, 'merge', '--quiet', '--no-ff', '--no-commit', 'other');
    writeFileSync(file('0006'), MIGRATION);
    commit(directory);
    git(directory, 'branch', '--quiet', '--delete', 'other');
    rmSync(file('0006'));
    commit(directory);
    expect(await typeNew(in_, 'odin-dev')).toBe('migrations/odin-dev/0007.ts');
    rmSync(file('0007'));
    git(directory, 'checkout', '--quiet', '-b', 'third');
    writeFileSync(file('0009'), MIGRATION);
    commit(directory);
    git(directory, 'checkout', '--quiet', 'main');
    expect(await typeNew(in_, 'odin-dev')).toBe('migrations/odin-dev/0010.ts');
  });

  it('whatever git is configured with, and whatever its variables and the locale say', async () => {
    const { directory, project: in_ } = repository();
    const home = path.join(directory, 'home');
    mkdirSync(home);
    writeFileSync(
      path.join(home, '.gitconfig'),
      '[core]\nquotePath = true\nfsmonitor = true\n[log]\nfollow = true\nshowSignature = true\nshowRoot = false\ndiffMerges = off\n' +
        '[diff]\nrelative = true\nrenames = copies\nnoprefix = true\norderFile = /nowhere\n[color]\nui = always\n[pager]\nlog = false\n[format]\npretty = fuller\n',
    );
    for (const [name, value] of Object.entries({
      HOME: home,
      XDG_CONFIG_HOME: home,
      GIT_DIR: path.join(directory, 'elsewhere'),
      GIT_WORK_TREE: '/',
      GIT_INDEX_FILE: '/nowhere',
      GIT_CEILING_DIRECTORIES: directory,
      GIT_ICASE_PATHSPECS: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'log.showRoot',
      GIT_CONFIG_VALUE_0: 'false',
      GIT_EXTERNAL_DIFF: 'false',
      LC_ALL: 'de_DE.UTF-8',
      LANGUAGE: 'de',
    })) {
      vi.stubEnv(name, value);
    }
    expect(await typeNew(in_, 'odin-dev')).toBe('migrations/odin-dev/0005.ts');
  });

  it('in a subfolder of a repository, and in a submodule of one', async () => {
    const { directory, project: in_ } = repository();
    const { configuration } = in_;
    const nested = path.join(directory, 'outer/packages/ops');
    mkdirSync(path.join(nested, 'migrations/odin-dev'), { recursive: true });
    git(path.join(directory, 'outer'), 'init', '--quiet');
    writeFileSync(path.join(nested, 'migrations/odin-dev/0007.ts'), MIGRATION);
    commit(path.join(directory, 'outer'));
    rmSync(path.join(nested, 'migrations/odin-dev/0007.ts'));
    const inner = { ...in_, directory: nested, configuration };
    expect(await typeNew(inner, 'odin-dev')).toBe('migrations/odin-dev/0008.ts');

    const library = path.join(directory, 'library');
    cpSync(path.join(directory, 'migrations'), path.join(library, 'migrations'), { recursive: true });
    writeFileSync(path.join(library, 'migrations/odin-dev/0011.ts'), MIGRATION);
    git(library, 'init', '--quiet');
    commit(library);
    git(nested, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'shared');
    rmSync(path.join(nested, 'shared/migrations/odin-dev/0011.ts'));
    const submodule = { ...inner, configuration: settings('shared/migrations/odin-dev') };
    expect(await typeNew(submodule, 'odin-dev')).toBe('shared/migrations/odin-dev/0012.ts');
  });

  it('a file in a folder below is none', async () => {
    const { directory, project: in_ } = repository();
    mkdirSync(path.join(directory, 'migrations/odin-dev/fixtures'));
    writeFileSync(path.join(directory, 'migrations/odin-dev/fixtures/0900.ts'), '');
    commit(directory);
    expect(await typeNew(in_, 'odin-dev')).toBe('migrations/odin-dev/0005.ts');
  });

  it('says what is not known in a shallow clone, and without git', async () => {
    const { directory, project: in_ } = repository();
    commit(directory);
    writeFileSync(path.join(directory, 'README.md'), '');
    commit(directory);
    git(directory, 'clone', '--quiet', '--depth', '1', `file://${directory}`, 'clone');
    const clone = { ...in_, directory: path.join(directory, 'clone') };
    const printed = (await printedBy(clone, 'odin-dev')).join('\n');
    expect(printed).toContain('0002 is above every number of: files, ledger on this machine\n');
    expect(printed).toMatch(/Not looked at, git: this is a shallow clone.*git fetch --unshallow/);

    vi.stubEnv('PATH', '/nowhere');
    const without = (await printedBy(in_, 'odin-dev')).join('\n');
    expect(without).toContain('Not looked at, git: there is no repository');
  });

  it('by the ledger of this machine, of another environment with the same files too', async () => {
    project = testProject({ 'odin-dev/0001.ts': MIGRATION });
    project.configuration = parseConfiguration({ environments: { 'pr-1': { directory: 'migrations/odin-dev' } } });
    await ranHere(project, 'odin-dev', '0004');
    expect(await typeNew(project, 'odin-dev')).toBe('migrations/odin-dev/0005.ts');
    await ranHere(project, 'pr-1', '0006');
    expect(await typeNew(project, 'odin-dev')).toBe('migrations/odin-dev/0007.ts');
  });

  it('says that AWS could not be asked', async () => {
    project = testProject({ 'odin-dev/0001.ts': MIGRATION });
    for (const [name, value] of Object.entries(NO_AWS)) vi.stubEnv(name, value);
    const printed = await printedBy(project, 'odin-dev', undefined, () => ({ app: 'shop' }));
    expect(printed.find((line) => line.includes('deployed ledger'))).toMatch(
      /Not looked at, deployed ledger: AWS did not answer/,
    );
  });

  it('check says that another file has a number of before, unless that one only got another number', async () => {
    const { directory, project: in_, deleted } = repository();
    commit(directory);
    const found = async (...accepted: string[]) =>
      (await checkEnvironment(in_, 'odin-dev', undefined, accepted)).findings;
    writeFileSync(
      deleted,
      "export const description = 'Other';\nexport async function migration(): Promise<void> {}\n",
    );
    expect(await found()).toMatchObject([{ rule: 'number', severity: 'warning', file: 'migrations/odin-dev/0004.ts' }]);
    expect(await found('0004')).toEqual([]);
    commit(directory);
    expect(await found()).toHaveLength(1);
    writeFileSync(path.join(directory, 'migrations/odin-dev/0005.ts'), `// renumbered\n${FOURTH}`);
    expect(await found()).toEqual([]);
  });
});

it('what was run here under the name of another app is left alone, as local does it', async () => {
  project = testProject({ 'odin-dev/0001.ts': MIGRATION });
  await ranHere(project, 'odin-dev', '0007');
  expect(await typeNew(project, 'odin-dev')).toBe('migrations/odin-dev/0008.ts');
  project.configuration = parseConfiguration({ app: 'shop' });
  const { findings } = await checkEnvironment(project, 'odin-dev', undefined);
  expect(findings.filter(({ message }) => message !== notWritten('').message)).toEqual([]);
  expect((await printedBy(project, 'odin-dev')).join('\n')).toContain('0009 is above every number of');
});

async function ranHere(in_: TestProject, environment: string, id: string): Promise<void> {
  const directory = localDirectory(in_, environment);
  mkdirSync(directory, { recursive: true });
  const arn = `arn:aws:states:eu-west-1:000000000000:stateMachine:odin-migrate-${environment}`;
  const outputs = { [OUTPUTS.stateMachineArn]: arn, [OUTPUTS.ledgerBucket]: 'ledger' };
  writeFileSync(path.join(directory, OUTPUTS_FILE), JSON.stringify(outputs));
  const objects = new ObjectStore(path.join(directory, S3_FOLDER));
  objects.createBucket('ledger');
  const identity = { environment, account: '000000000000', region: 'eu-west-1' };
  const log = new LedgerLog(new EmbeddedStore(objects, 'ledger'), identity);
  const writer = { function: 'baseline', requestId: 'r', version: '1', now: () => 0, nonce: () => 'n' };
  await log.append(writer, () => Promise.resolve({ kind: 'completed', ids: [id], completion: 'baseline' }));
  objects.close();
}
