// Which files are migrations, which are skipped and how loudly, and which environments there are.
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { nextText } from '../../core/text/command.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { formatCompleted } from '../../project/completed.ts';
import {
  allEnvironments,
  assertKnownEnvironment,
  assertNotTooMany,
  discoverEnvironment,
  environmentTyped,
  environmentNames,
  folderOf,
  MAX_MIGRATIONS,
  onlyEnvironment,
  returnedText,
} from '../../project/discover.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import { thrownBy } from '../support/thrown.ts';

let project: TemporaryProject;
afterEach(() => project.remove());

function discover(files: string[] | Record<string, string>, name = 'odin-dev') {
  const texts = Array.isArray(files) ? Object.fromEntries(files.map((file) => [file, ''])) : files;
  project = temporaryProject(
    Object.fromEntries(Object.entries(texts).map(([file, text]) => [`migrations/odin-dev/${file}`, text])),
  );
  return discoverEnvironment(name, project.directory, project.configuration);
}

describe('discoverEnvironment', () => {
  it('finds the migrations in ascending order, with gaps and without warnings', () => {
    const { name, migrations, warnings } = discover(['0010.ts', '0002.ts', '9999.ts', '0000.ts']);
    expect(name).toBe('odin-dev');
    expect(migrations.map(({ id }) => id)).toEqual(['0000', '0002', '0010', '9999']);
    expect(migrations[1]).toMatchObject({
      file: 'migrations/odin-dev/0002.ts',
      path: path.join(project.directory, 'migrations/odin-dev/0002.ts'),
    });
    expect(warnings).toEqual([]);
  });

  it('warns loudly of migrations in a folder below, but for one that is configured', () => {
    const { migrations, warnings } = discover([
      '0001.ts',
      'more/0002.ts',
      'more/deep/0003.ts',
      'lib/a.ts',
      '.x/0004.ts',
    ]);
    expect(migrations).toHaveLength(1);
    expect(warnings.filter(({ nearMiss }) => nearMiss).map(({ message }) => message)).toEqual([
      'migrations/odin-dev/more/0002.ts is NOT a migration and was skipped: it must lie in migrations/odin-dev/ itself, and not in a folder below.',
      'migrations/odin-dev/more/deep/0003.ts is NOT a migration and was skipped: it must lie in migrations/odin-dev/ itself, and not in a folder below.',
    ]);
    expect(environmentNames(project.directory, parseConfiguration({}))).toEqual(['odin-dev']);
    const environments = { more: { directory: 'migrations/odin-dev/more' } };
    const configured = discoverEnvironment('odin-dev', project.directory, parseConfiguration({ environments }));
    expect(configured.warnings.filter(({ nearMiss }) => nearMiss)).toEqual([]);
  });

  it('warns loudly of near misses in a folder below too, and not of other code', () => {
    const { warnings } = discover([
      '0001.ts',
      'dist/0001.js',
      'dist/0001.d.ts',
      'lib/3d.ts',
      'lib/2fa.ts',
      'more/2.ts',
      'more/0003.js',
      'more/0004.tsx',
      'more/0005-add.ts',
      'more/00006.mts',
    ]);
    expect(warnings.filter(({ nearMiss }) => nearMiss).map(({ message }) => message.split(' ')[0])).toEqual(
      ['00006.mts', '0003.js', '0004.tsx', '0005-add.ts', '2.ts'].map((name) => `migrations/odin-dev/more/${name}`),
    );
  });

  it.each([
    [['0007'], true],
    [['0007/index.ts'], true],
    [['0007/data.csv'], false],
    [['0001/index.ts'], false], // beside 0001.ts, which may import it
  ])('of %j says loudly that it is skipped: %s', (files, nearMiss) => {
    const { warnings } = discover(['0001.ts', ...files]);
    expect(warnings.map((warning) => warning.nearMiss)).toEqual([nearMiss]);
  });

  it('takes a folder for an environment that has migrations below it alone: they are not passed over', () => {
    project = temporaryProject({ 'migrations/team/deep/0001.ts': '', 'migrations/shared/lib/a.ts': '' });
    expect(environmentNames(project.directory, parseConfiguration({}))).toEqual(['team']);
  });

  it('hashes the source text, in which the kind of line end does not count', () => {
    const { migrations } = discover({
      '0001.ts': 'export const a = "ü";\n// b\n',
      '0002.ts': 'export const a = "ü";\r\n// b\r\n',
      '0003.ts': 'export const a = "ü";\n// b\n ',
    });
    const expected = createHash('sha256').update('export const a = "ü";\n// b\n').digest('hex');
    expect(migrations.map(({ sourceSha256 }) => sourceSha256 === expected)).toEqual([true, true, false]);
  });

  it.each([
    ['0004\u001b[31m.ts', '0004\\u{1b}[31m.ts'],
    ['0004\u202e.ts', '0004\\u{202e}.ts'],
    ['\u200b0004.ts', '\\u{200b}0004.ts'],
  ])('spells out a near miss that is shown as if it were none: %j', (file, spelled) => {
    const [warning] = discover([file, '0007.ts']).warnings;
    expect(warning?.message).toBe(
      `migrations/odin-dev/0004.ts is NOT a migration and was skipped: its name has more in it than is shown, "${spelled}".`,
    );
  });

  it.each(['001.ts', '00001.ts', '0001_x.ts', '0001-add.ts', '0001.d.ts', '0001 (1).ts', '1.ts'])(
    'warns loudly of the near miss %s',
    (file) => {
      const { migrations, warnings } = discover([file, '0007.ts']);
      expect(migrations.map(({ id }) => id)).toEqual(['0007']);
      expect(warnings).toHaveLength(1);
      const { message = '', nearMiss } = warnings[0] ?? {};
      expect(nearMiss).toBe(true);
      expect(message.startsWith(`migrations/odin-dev/${file} is NOT a migration and was skipped: `)).toBe(true);
      expect(message).toContain('four digits and ".ts", e.g. 0001.ts.');
    },
  );

  it.each(['0001.mts', '0001.cts', '0001.js', '0001.mjs', '0001.cjs', '0001.tsx', '0001.TS'])(
    'refuses %s: it is plainly meant to run',
    async (file) => {
      const { code, what, next } = await thrownBy(() => discover([file, '0002.ts']));
      expect(code).toBe('BadMigrationFile');
      expect(what).toBe(`Expected migrations to be TypeScript, "NNNN.ts", found migrations/odin-dev/${file}.`);
      expect(next).toBe('Rename to 0001.ts.');
    },
  );

  it('takes what lies beside a migration for what a compiler has made of it', () => {
    const { migrations, warnings } = discover(['0001.ts', '0001.js', '0001.d.ts']);
    expect(migrations.map(({ id }) => id)).toEqual(['0001']);
    expect(warnings.map(({ nearMiss }) => nearMiss)).toEqual([false, false]);
  });

  it('warns of each other thing that it skips, a folder too', () => {
    const { migrations, warnings } = discover(['README.md', 'helpers.ts', '.DS_Store', 'old/a.ts', '0002.ts']);
    expect(migrations.map(({ id }) => id)).toEqual(['0002']);
    expect(warnings).toEqual(
      ['.DS_Store', 'README.md', 'helpers.ts', 'old'].map((file) => ({
        message: `migrations/odin-dev/${file} was skipped: it is not a migration.`,
        nearMiss: false,
      })),
    );
  });

  it('takes a folder that is named like a migration for none', () => {
    const { migrations, warnings } = discover(['0001.ts/index.ts']);
    expect(migrations).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toMatch(/^migrations\/odin-dev\/0001\.ts .*was skipped: .* found a folder\.$/);
    expect(warnings[0]?.nearMiss).toBe(true);
  });

  it('takes a link for none: it has no text of its own, which git would show', () => {
    project = temporaryProject({ 'migrations/odin-dev/0001.ts': '' });
    symlinkSync('0001.ts', path.join(project.directory, 'migrations/odin-dev/0002.ts'));
    const { migrations, warnings } = discoverEnvironment('odin-dev', project.directory, parseConfiguration({}));
    expect(migrations.map(({ id }) => id)).toEqual(['0001']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toMatch(/0002\.ts is NOT a migration and was skipped: .* found a link/);
    expect(warnings[0]?.nearMiss).toBe(true);
  });

  it('finds nothing in an empty folder, without a warning', () => {
    project = temporaryProject();
    mkdirSync(path.join(project.directory, 'migrations/odin-dev'), { recursive: true });
    expect(discoverEnvironment('odin-dev', project.directory, project.configuration)).toEqual({
      name: 'odin-dev',
      migrations: [],
      completed: [],
      returned: [],
      warnings: [],
    });
  });

  it('refuses a folder that is not there, or that is a file: it is not taken for an empty one', async () => {
    const missing = await thrownBy(() => discover(['0001.ts'], 'odin-prod'));
    expect(missing).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(missing.what).toBe('migrations/odin-prod/, the folder of odin-prod, does not exist.');
    expect(missing.why).toContain('remove all of its functions');
    const parsed = parseConfiguration({ environments: { 'odin-dev': { directory: 'migrations/odin-dev/0001.ts' } } });
    const file = await thrownBy(() => discoverEnvironment('odin-dev', project.directory, parsed));
    expect(file.what).toMatch(
      /^migrations\/odin-dev\/0001\.ts, the folder of odin-dev, cannot be read: Error: ENOTDIR/,
    );
  });

  it('names files from the project, however the folder is written', () => {
    discover(['0001.ts']);
    const { directory } = project;
    const named = (settings: object) =>
      discoverEnvironment('odin-dev', directory, parseConfiguration(settings)).migrations.map(({ file }) => file);
    for (const all of ['migrations', './migrations/', path.join(directory, 'migrations')]) {
      expect(named({ directory: all })).toEqual(['migrations/odin-dev/0001.ts']);
      const own = { environments: { 'odin-dev': { directory: `${all}/odin-dev` } } };
      expect(named(own)).toEqual(['migrations/odin-dev/0001.ts']);
    }
    project.write('migrations/0002.ts', '');
    const above = { ...project.configuration, directory: '..' };
    expect(folderOf(path.join(directory, 'packages/ops'), above, 'odin-dev')).toBe('../odin-dev');
  });

  it('reads the folder that is configured', () => {
    project = temporaryProject({ 'operations/odin-dev/0001.ts': '' });
    const configuration = parseConfiguration({ directory: 'operations' });
    const { migrations } = discoverEnvironment('odin-dev', project.directory, configuration);
    expect(migrations.map(({ file }) => file)).toEqual(['operations/odin-dev/0001.ts']);
  });

  it.each(['Odin', 'odin_dev', '..', '../..', 'x'.repeat(33)])('refuses the environment name %j', async (name) => {
    project = temporaryProject();
    const error = await thrownBy(() => discoverEnvironment(name, project.directory, project.configuration));
    expect(error.code).toBe('BadEnvironmentName');
  });

  it('takes as many migrations as a template may hold, and refuses one more', async () => {
    const files = Array.from({ length: MAX_MIGRATIONS }, (_, n) => `${String(n).padStart(4, '0')}.ts`);
    const most = discover(files);
    expect(most.migrations).toHaveLength(220);
    expect(() => assertNotTooMany(most)).not.toThrow();
    project.write('migrations/odin-dev/9999.ts', '');
    const more = discoverEnvironment('odin-dev', project.directory, project.configuration);
    const error = await thrownBy(() => assertNotTooMany(more));
    expect(error).toMatchObject({ code: 'TooManyMigrations', source: 'user', next: { verb: 'prune' } });
    expect(error.what).toBe(
      'migrations/odin-dev/ has the files of 221 migrations; one environment deploys at most 220.',
    );
  });
});

describe('discoverEnvironment, where completed.json is', () => {
  const TIME = '2026-11-02T10:11:12.123Z';
  const hash = createHash('sha256').update('// as it was run\n').digest('hex');
  const named = formatCompleted([
    { id: '0001', completion: 'applied', time: TIME, sourceSha256: hash },
    { id: '0002', completion: 'applied', time: TIME, sourceSha256: hash },
    { id: '0003', completion: 'baseline', time: TIME, sourceSha256: undefined },
  ]);

  it('takes what it names for completed, and nothing of it for a migration', () => {
    const { migrations, completed, returned, warnings } = discover({ 'completed.json': named, '0004.ts': '' });
    expect(migrations.map(({ id }) => id)).toEqual(['0004']);
    expect(completed.map(({ id }) => id)).toEqual(['0001', '0002', '0003']);
    expect({ returned, warnings }).toEqual({ returned: [], warnings: [] });
  });

  it('takes one that begins with the byte order mark of an editor', () => {
    const { completed } = discover({
      'completed.json': '\uFEFF{ "0001": "applied 2026-11-02T10:11:12.123Z", "format": 1 }',
    });
    expect(completed.map(({ id }) => id)).toEqual(['0001']);
  });

  it('a file that comes back is none either, and whether it is what was run is told', () => {
    const { migrations, returned } = discover({
      'completed.json': named,
      '0001.ts': '// as it was run\r\n',
      '0002.ts': '// new work\n',
      '0003.ts': '// nobody knows\n',
    });
    expect(migrations).toEqual([]);
    expect(returned.map(({ id, changed }) => [id, changed])).toEqual([
      ['0001', false],
      ['0002', true],
      ['0003', true],
    ]);
    expect(returned.map(returnedText)).toEqual([
      'migrations/odin-dev/0001.ts does not run: completed.json names 0001 as completed. Delete it: prune does.',
      ...['0002', '0003'].map(
        (id) =>
          `migrations/odin-dev/${id}.ts does not run: completed.json names ${id} as completed, and with another text. ` +
          'If it is new work, give it the next free number; if it came back by a merge, delete it.',
      ),
    ]);
  });

  it('counts no pruned one among those that a template may hold', () => {
    const many = Array.from({ length: 5000 }, (_, n) => ({
      id: String(n).padStart(4, '0'),
      completion: 'applied' as const,
      time: TIME,
      sourceSha256: hash,
    }));
    const found = discover({ 'completed.json': formatCompleted(many), '5000.ts': '' });
    expect(found.completed).toHaveLength(5000);
    expect(() => assertNotTooMany(found)).not.toThrow();
  });

  it('refuses one that cannot be read', async () => {
    const error = await thrownBy(() => discover({ 'completed.json': '{' }));
    expect(error.what).toBe('migrations/odin-dev/completed.json cannot be read: it is not JSON.');
  });

  it('is an environment, also when nothing else is in the folder: its stack must not vanish from a synth', () => {
    project = temporaryProject({ 'migrations/odin-dev/completed.json': named });
    expect(environmentNames(project.directory, project.configuration)).toEqual(['odin-dev']);
  });
});

describe('environmentNames', () => {
  it('are the folders with migrations and those that are configured, each once, in order; files and hidden folders are none', () => {
    project = temporaryProject({
      'migrations/odin-staging/0001.ts': '',
      'migrations/odin-dev/0001.ts': '',
      'migrations/.cache/0001.ts': '',
      'migrations/README.md': '',
    });
    const configuration = parseConfiguration({ environments: { 'odin-prod': {}, 'odin-dev': {} } });
    expect(environmentNames(project.directory, configuration)).toEqual(['odin-dev', 'odin-prod', 'odin-staging']);
  });

  it('a folder for shared code is none, and one with a near miss is', () => {
    project = temporaryProject({
      'migrations/shared/s3.ts': '',
      'migrations/odin-dev/001.ts': '',
      'migrations/odin-prod/0001.mjs': '',
    });
    mkdirSync(path.join(project.directory, 'migrations/empty'));
    expect(environmentNames(project.directory, project.configuration)).toEqual(['odin-dev', 'odin-prod']);
    const configuration = parseConfiguration({ environments: { empty: {} } });
    expect(environmentNames(project.directory, configuration)).toEqual(['empty', 'odin-dev', 'odin-prod']);
  });

  it('are none when there is no folder', () => {
    project = temporaryProject();
    expect(environmentNames(project.directory, project.configuration)).toEqual([]);
  });

  it('of all of them: a folder that is not there is an error', async () => {
    project = temporaryProject();
    const error = await thrownBy(() => allEnvironments(project.directory, project.configuration));
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(error.what).toBe('migrations/, the folder of all environments, does not exist.');
    mkdirSync(path.join(project.directory, 'migrations'));
    expect(allEnvironments(project.directory, project.configuration)).toEqual([]);
  });
});

describe('assertKnownEnvironment', () => {
  const check = (name: string) => () => {
    assertKnownEnvironment(name, project.directory, project.configuration);
  };

  it('lets a known one through, and names all of them for an unknown one', async () => {
    project = temporaryProject({ 'migrations/odin-dev/0001.ts': '', 'migrations/odin-prod/0001.ts': '' });
    expect(check('odin-dev')).not.toThrow();
    const error = await thrownBy(check('odin-devv'));
    expect(error).toMatchObject({ code: 'UnknownEnvironment', source: 'user' });
    expect(error.what).toBe('There is no environment "odin-devv".');
    expect(error.why).toBe('Found: odin-dev, odin-prod.');
    expect(error.next).toEqual({ words: 'To begin it', verb: 'init', environment: 'odin-devv' });
  });

  it('says that there is none at all', async () => {
    project = temporaryProject();
    expect((await thrownBy(check('odin-dev'))).why).toBe('Found no folder with migrations in migrations/.');
  });

  it.each(['', '.', '..', 'odin-dev/', 'odin-dev/../odin-dev', 'constructor', '__proto__'])(
    'knows no %j',
    async (name) => {
      project = temporaryProject({ 'migrations/odin-dev/0001.ts': '' });
      expect((await thrownBy(check(name))).code).toBe('UnknownEnvironment');
    },
  );
});

describe('onlyEnvironment', () => {
  const only = (...names: string[]) => {
    project = temporaryProject(Object.fromEntries(names.map((name) => [`migrations/${name}/0001.ts`, ''])));
    return onlyEnvironment(project.directory, project.configuration);
  };

  it('is the one that there is', () => {
    expect(only('odin-dev')).toBe('odin-dev');
  });

  it('is asked for by name when there are several, with each command to type', async () => {
    const error = await thrownBy(() => only('odin-dev', 'odin-prod'));
    expect(error).toMatchObject({ code: 'BadUsage', source: 'user' });
    expect(error.what).toContain('odin-dev, odin-prod');
    expect(error.next).toContain(
      'npx --no-install odin-migrate local odin-dev, or npx --no-install odin-migrate local odin-prod',
    );
  });

  it('is nothing when there is none, and how to begin one is said', async () => {
    const error = await thrownBy(() => only());
    expect(error).toMatchObject({ code: 'UnknownEnvironment', source: 'user' });
    expect(nextText(error.next ?? '')).toContain('npx --no-install odin-migrate init <environment>');
  });
});

describe('an environment as it is typed', () => {
  const directory = path.resolve('/work/project');
  const configuration = parseConfiguration({
    directory: 'db/migrations',
    environments: { 'odin-prod': { directory: 'production' }, 'odin-qa': { directory: '../shared/qa' } },
  });
  const typedIn = (from: string, typed: string) =>
    environmentTyped(typed, { directory, configuration }, path.join(directory, from));

  it.each([
    ['.', 'odin-dev', 'odin-dev'],
    ['.', 'db/migrations/odin-dev', 'odin-dev'],
    ['.', './db/migrations/odin-dev/', 'odin-dev'],
    ['.', 'db\\migrations\\odin-dev\\', 'odin-dev'],
    ['.', '/work/project/db/migrations/odin-dev', 'odin-dev'],
    ['db/migrations', 'odin-dev/', 'odin-dev'],
    ['db/migrations', './odin-dev', 'odin-dev'],
    ['db/migrations', 'db/migrations/odin-dev', 'odin-dev'],
    ['src', '../db/migrations/odin-dev/', 'odin-dev'],
    ['.', 'production/', 'odin-prod'],
    ['.', '../shared/qa', 'odin-qa'],
    ['.', 'src/odin-dev', 'src/odin-dev'],
    ['.', 'db/migrations/odin-dev/0001.ts', 'db/migrations/odin-dev/0001.ts'],
    ['.', 'db/migrations/', 'db/migrations/'],
  ])('in %s, %s is %s', (from, typed, name) => {
    expect(typedIn(from, typed)).toBe(name);
  });

  it('outside of a project is the folder in one called migrations', () => {
    expect(environmentTyped('../shop/migrations/odin-dev/', undefined)).toBe('odin-dev');
    expect(environmentTyped('../shop/odin-dev/', undefined)).toBe('../shop/odin-dev/');
  });
});
