import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assertEnvironmentId,
  assertEnvironmentName,
  isEnvironmentName,
  isNearMiss,
  MAX_ENVIRONMENT_LENGTH,
  MigrationId,
  migrationIdOf,
} from '../../core/names/identifiers.ts';
import type { EnvironmentId } from '../../core/names/names.ts';
import {
  migrationFunctionName,
  migrationRoleName,
  resourcePrefix,
  continuingExecutionName,
  stackName,
  SYSTEM_FUNCTIONS,
  systemFunctionName,
} from '../../core/names/names.ts';
import { thrownBy } from '../support/thrown.ts';

describe("a migration's file name", () => {
  it.each([
    ['0001.ts', '0001'],
    ['0000.ts', '0000'],
    ['9999.ts', '9999'],
  ])('%s is migration %s', (file, id) => {
    expect(migrationIdOf(file)).toBe(id);
    expect(isNearMiss(file)).toBe(false);
    expect(MigrationId.safeParse(id).success).toBe(true);
  });

  it.each([
    '001.ts',
    '00001.ts',
    '1.ts',
    '0001.TS',
    '0001.Ts',
    '0001_x.ts',
    '0001-x.ts',
    '0001 copy.ts',
    '0001.js',
    '0001.mts',
    '0001.cts',
    '0001.tsx',
    '0001.d.ts',
    '0001.test.ts',
    '0001..ts',
  ])('%s is a near miss', (file) => {
    expect(migrationIdOf(file)).toBeUndefined();
    expect(isNearMiss(file)).toBe(true);
  });

  it.each(['README.md', 'helpers.ts', 'x0001.ts', '.0001.ts', '0001.sql', '0001', '0001.ts~', '', 'ts', '٠٠٠١.ts'])(
    '%j is neither',
    (file) => {
      expect(migrationIdOf(file)).toBeUndefined();
      expect(isNearMiss(file)).toBe(false);
    },
  );

  it.each(['0001.ts\n', ' 0001.ts', '0001.ts ', 'a/0001.ts'])('%j is no migration', (file) => {
    expect(migrationIdOf(file)).toBeUndefined();
  });

  it('is a migration only if nothing is before and behind it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 }), (before, after) => {
        const id = migrationIdOf(`${before}0001.ts${after}`);
        expect(id).toBe(before === '' && after === '' ? '0001' : undefined);
      }),
    );
  });

  it.each(['004', '00004', '000a', '', ' 0004', '0004\n', '+004', '٠٠٠٤'])('%j is no id', (id) => {
    expect(MigrationId.safeParse(id).success).toBe(false);
  });
});

describe("an environment's name", () => {
  it.each(['odin-dev', 'a', 'p1', 'a-b-c', 'x'.repeat(MAX_ENVIRONMENT_LENGTH)])('%s is one', (name) => {
    expect(isEnvironmentName(name)).toBe(true);
    expect(() => assertEnvironmentName(name)).not.toThrow();
  });

  it.each([
    '',
    'Odin',
    'odin_dev',
    'odin.dev',
    'odin--dev',
    '-odin',
    'odin-',
    '1odin',
    'odin dev',
    'odin/dev',
    '..',
    'ödin',
    'odin\n',
    'x'.repeat(MAX_ENVIRONMENT_LENGTH + 1),
  ])('%j is none, and the error states the rule and what to do', async (name) => {
    expect(isEnvironmentName(name)).toBe(false);
    const error = await thrownBy(() => {
      assertEnvironmentName(name);
    });
    expect(error).toMatchObject({ code: 'BadEnvironmentName', source: 'user' });
    expect(error.what).toContain(`"${name}"`);
    expect(error.why).toMatch(/lower-case letters, digits and single hyphens, .* at most 32 characters/);
    const unfit = /[^a-z0-9-]/u.exec(name)?.[0] ?? name;
    expect(error.why).toContain(name.length > 32 ? `found ${name.length} characters.` : `found "${unfit}".`);
    expect(error.next).toContain(`migrations/${name}/`);
  });
});

describe('every AWS name that is derived from a longest name', () => {
  const environment = `a${'-b'.repeat(15)}c`;

  it('is of the longest environment name', () => {
    expect(environment).toHaveLength(MAX_ENVIRONMENT_LENGTH);
    expect(isEnvironmentName(environment)).toBe(true);
  });

  it.each([
    // AWS: at most 64 characters of a-z, A-Z, 0-9, - and _.
    ...SYSTEM_FUNCTIONS.map((name) => [`function ${name}`, systemFunctionName({ environment }, name), 64] as const),
    ['function of a migration', migrationFunctionName({ environment }, '0001'), 64] as const,
    // AWS: at most 80 characters of the same for state machines and executions, 128 for stacks.
    ['state machine', resourcePrefix({ environment }), 80] as const,
    ['execution', continuingExecutionName(99_999_999, 99_999), 80] as const,
    ['stack', stackName({ environment }), 128] as const,
  ])('%s: %s has at most %i characters, and only those that AWS allows', (_, name, longest) => {
    expect(name.length).toBeLessThanOrEqual(longest);
    expect(name).toMatch(/^[a-zA-Z][a-zA-Z0-9-]*$/);
  });

  it('gives no two functions of two environments one name', () => {
    const names = (of: string) => [
      ...SYSTEM_FUNCTIONS.map((name) => systemFunctionName({ environment: of }, name)),
      migrationFunctionName({ environment: of }, '0001'),
    ];
    const name = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,7}$/).filter(isEnvironmentName);
    fc.assert(
      fc.property(name, name, (a, b) => {
        fc.pre(a !== b);
        expect(new Set([...names(a), ...names(b)]).size).toBe(2 * names(a).length);
      }),
    );
  });

  it('gives no two pairs of an app and an environment one name, and none that is too long', () => {
    const all = (of: EnvironmentId) => [
      stackName(of),
      resourcePrefix(of),
      ...SYSTEM_FUNCTIONS.map((name) => systemFunctionName(of, name)),
      migrationFunctionName(of, '0001'),
      migrationRoleName(of, '0001', 'ap-southeast-1'),
    ];
    const name = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,19}$/).filter(({ length }) => length <= 20);
    const pair = fc.record({ app: fc.option(name, { nil: undefined }), environment: name });
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        fc.pre(a.app !== b.app || a.environment !== b.environment);
        assertEnvironmentId(a);
        assertEnvironmentId(b);
        const names = [...all(a), ...all(b)];
        expect(new Set(names).size).toBe(names.length);
        for (const each of names) expect(each.length).toBeLessThanOrEqual(64);
      }),
    );
  });

  it.each([
    [{ app: 'a--b', environment: 'dev' }, '"a--b" cannot be an app.'],
    [{ app: 'Shop', environment: 'dev' }, '"Shop" cannot be an app.'],
    [{ app: 'a'.repeat(30), environment: 'b'.repeat(11) }, 'are too long together'],
  ])('refuses the pair %j', async (of, what) => {
    const error = await thrownBy(() => assertEnvironmentId(of));
    expect(error.code).toBe('BadConfiguration');
    expect(error.what).toContain(what);
  });

  it('gives each entry that a run goes on from, and each try, an execution name of its own', () => {
    const continued = fc.tuple(fc.integer({ min: 0, max: 99_999_999 }), fc.integer({ min: 1, max: 200 }));
    fc.assert(
      fc.property(continued, continued, (a, b) => {
        expect(continuingExecutionName(...a) === continuingExecutionName(...b)).toBe(String(a) === String(b));
      }),
    );
  });
});
