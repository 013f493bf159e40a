// What the synthesis reads, as nobody means it: odin-migrate.json, and the names of files and folders.
import fc from 'fast-check';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openProject } from '../../project/project.ts';
import { OdinError } from '../../core/errors.ts';
import { MigrationId } from '../../core/names/identifiers.ts';
import type { Configuration } from '../../project/configuration.ts';
import { configurationOf, parseConfiguration } from '../../project/configuration.ts';
import { discoverEnvironment, environmentNames } from '../../project/discover.ts';
import { changed, HOSTILE_TEXT, hostileJson, hostileText, nested } from '../support/hostile.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import { thrownBy } from '../support/thrown.ts';

let project: TemporaryProject | undefined;
afterEach(() => project?.remove());

const CONTROL = /[\p{Cc}\u2028\u2029\u202e]/u;

describe('odin-migrate.json', () => {
  const ENVIRONMENT = {
    account: '111122223333',
    region: 'eu-west-1',
    variables: { DATA_BUCKET: 'b' },
    local: { variables: {}, data: 'local/data.ts' },
    stack: { notify: ['mailto:team@example.com'], logRetentionDays: 7, haltAlarmHours: 0.5, runOnDeploy: true },
  };
  const GOOD = { app: 'shop', directory: 'operations', environments: { 'odin-dev': ENVIRONMENT } };

  /** What it was read as; undefined when it was refused in the way that is promised. */
  function read(context: unknown): Configuration | undefined {
    try {
      return parseConfiguration(context);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(OdinError);
      const { code, source, what, message } = thrown as OdinError;
      expect({ code, source }).toEqual({ code: 'BadConfiguration', source: 'user' });
      expect(what).toMatch(/^odin-migrate\.json[^]*: .+/);
      expect(message.length).toBeLessThan(2_000);
      return undefined;
    }
  }

  it('is taken, or refused by the name of the field, whatever it says', () => {
    fc.assert(
      fc.property(fc.oneof(hostileJson, changed(GOOD)), (context) => {
        const configuration = read(context);
        if (!configuration) return;
        for (const name of Object.keys(configuration.environments)) {
          expect(() => configurationOf(configuration, name)).not.toThrow();
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(['environments', 'directory', 'other'])('of 50,000 levels is refused, in %s', (field) => {
    expect(read({ [field]: JSON.parse(nested(50_000)) as unknown })).toBeUndefined();
    expect(read(JSON.parse(nested(50_000)))).toBeUndefined();
  });

  it.each([
    'null',
    '7',
    '"text"',
    '[]',
    '{"environments": 7}',
    '{"stack": []}',
    '',
    '{',
    '\ufeff',
    '\ufeff7',
    nested(50_000),
  ])('whose whole is %.20j is refused as a file', async (text) => {
    project = temporaryProject({ 'odin-migrate.json': text });
    const { directory } = project;
    const error = await thrownBy(() => openProject(directory));
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(error.what).toContain('odin-migrate.json');
    expect(error.next).toContain('Correct the file');
  });
});

describe('names of files and folders', () => {
  /** A file system takes everything else. */
  const allowed = (name: string): string => name.replaceAll('/', '').replaceAll('\0', '');
  const fileName = fc
    .oneof(
      hostileText,
      fc.constantFrom('0001', '0002.ts', '12.ts', '001.TS', '0003.ts ', ' 0003.ts', '0003.ts\n', '٠٠٠١.ts', '0004.ts'),
      fc.tuple(fc.integer({ min: 0, max: 99_999 }), hostileText).map(([number, rest]) => `${number}${rest}.ts`),
    )
    .map((name) => Buffer.from(allowed(name).toWellFormed()).subarray(0, 120).toString())
    .filter((name) => !['', '.', '..'].includes(name) && !name.includes('\ufffd'));

  it('a migration is one whose name is four digits and .ts; each other file is one warning, of one line', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fileName, { maxLength: 8 }), (names) => {
        project = temporaryProject();
        const folder = path.join(project.directory, 'migrations/odin-dev');
        mkdirSync(folder, { recursive: true });
        for (const name of names) writeFileSync(path.join(folder, name), '');
        const { migrations, warnings } = discoverEnvironment('odin-dev', project.directory, project.configuration);
        const expected = names.filter((name) => /^[0-9]{4}\.ts$/.test(name) && name.length === 7).sort();
        expect(migrations.map(({ file }) => path.posix.basename(file))).toEqual(expected);
        for (const { id } of migrations) expect(MigrationId.safeParse(id).success).toBe(true);
        expect(warnings).toHaveLength(names.length - expected.length);
        for (const { message } of warnings) expect(message).not.toMatch(CONTROL);
        project.remove();
      }),
      { numRuns: 60 },
    );
  });

  it('an environment is one that can be named so in AWS; any other folder with migrations is refused by its name', async () => {
    project = temporaryProject();
    const { directory, configuration } = project;
    const names = [allowed(HOSTILE_TEXT).slice(0, 60).toWellFormed(), 'Odin', '-x', 'ödin', 'a b'];
    for (const name of names) project.write(`migrations/${name}/0001.ts`, '');
    expect(environmentNames(directory, configuration)).toHaveLength(names.length);
    for (const name of environmentNames(directory, configuration)) {
      const error = await thrownBy(() => discoverEnvironment(name, directory, configuration));
      expect(error).toMatchObject({ code: 'BadEnvironmentName', source: 'user' });
      expect(error.what).toContain(name);
    }
  });
});
