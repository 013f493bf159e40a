import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  appFrom,
  assertEnvironmentId,
  assertEnvironmentName,
  assertMigrationId,
  idWithOtherEnding,
  isEnvironmentName,
  isMeantBelow,
  isNearMiss,
  MAX_ENVIRONMENT_LENGTH,
  MigrationId,
  migrationIdOf,
  problemOfApp,
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

it('says what it expected in place of four digits', async () => {
  expect(() => assertMigrationId('0004')).not.toThrow();
  expect(await thrownBy(() => assertMigrationId('4'))).toMatchObject({
    code: 'BadUsage',
    source: 'user',
    what: 'Expected a migration\'s four digits, e.g. 0004, found "4".',
  });
  expect(MigrationId.safeParse('4').error?.issues[0]?.message).toBe('expected four digits, e.g. "0004"');
});

it('knows the number of a file with another ending of code, and of no other file', () => {
  for (const ending of ['mts', 'cts', 'js', 'mjs', 'cjs', 'tsx', 'jsx', 'TS']) {
    expect(idWithOtherEnding(`0004.${ending}`)).toBe('0004');
  }
  for (const file of [
    '0004.ts',
    '004.js',
    '00004.js',
    '0004.jsm',
    '0004.json',
    '0004.xjs',
    'x0004.js',
    '0004_x.js',
    '0004.s',
  ]) {
    expect([file, idWithOtherEnding(file)]).toEqual([file, undefined]);
  }
});

it('knows what is meant as a migration in a folder below, where other code lies', () => {
  for (const file of ['1.ts', '0001.ts', '0001.js', '0001.MTS', '0001_x.ts', '0001-x.cjs', '0001 x.jsx', '12345.tsx']) {
    expect([file, isMeantBelow(file)]).toEqual([file, true]);
  }
  for (const file of [
    ...['3d.ts', '0001x.ts', '00012x.ts', '0001.test.ts', '001_x.ts', 'x.ts', 'x0001.ts', '0001_x/y.ts', '0001_.json'],
    ...['0001.ts.bak', '0001.xs', '0001.xts', '0001_x', 'x1.ts', '0001ts'],
  ]) {
    expect([file, isMeantBelow(file)]).toEqual([file, false]);
  }
});

describe("an app's name", () => {
  it.each(['a', 'shop', 'a-1-b', 'x'.repeat(39)])('%s is one', (name) => {
    expect(problemOfApp(name)).toBeUndefined();
  });

  it.each([
    ['a--b', '"a--b"'],
    ['Shop', '"S"'],
    ['1a', '"1a"'],
    ['x'.repeat(40), '40 characters'],
  ])('%s is none', (name, found) => {
    expect(problemOfApp(name)).toBe(
      'Expected lower-case letters, digits and single hyphens, beginning with a letter, ' +
        `at most 39 characters; found ${found}.`,
    );
  });

  it.each([
    ['shop', 'shop'],
    ['@acme/shop', 'shop'],
    ['@acme/My_Shop.app', 'my-shop-app'],
    ['x@acme/shop', 'x-acme-shop'],
    ['42-shop-7', 'shop-7'],
    ['7up-shop', 'shop'],
    ['shop--', 'shop'],
    ['a'.repeat(30), 'a'.repeat(24)],
    [`${'a'.repeat(20)}-bcd-e`, `${'a'.repeat(20)}-bcd`],
    [`${'a'.repeat(20)}-bcde-f`, 'a'.repeat(20)],
    ['42', undefined],
    ['@acme/', undefined],
    ['', undefined],
  ])('is made of a package’s: %s gives %s', (packageName, app) => {
    expect(appFrom(packageName)).toBe(app);
    if (app !== undefined) expect(problemOfApp(app)).toBeUndefined();
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
    `X${'x'.repeat(MAX_ENVIRONMENT_LENGTH - 1)}`,
    'x'.repeat(MAX_ENVIRONMENT_LENGTH + 1),
  ])('%j is none, and the error states the rule and what to do', async (name) => {
    expect(isEnvironmentName(name)).toBe(false);
    const error = await thrownBy(() => {
      assertEnvironmentName(name);
    });
    expect(error).toMatchObject({ code: 'BadEnvironmentName', source: 'user' });
    const unfit = /[^a-z0-9-]/u.exec(name)?.[0] ?? name;
    const found = name.length > 32 ? '33 characters' : `"${unfit}"`;
    expect(error).toMatchObject({
      what: `"${name}" cannot be an environment: it becomes part of AWS resource names.`,
      why: `Expected lower-case letters, digits and single hyphens, beginning with a letter, at most 32 characters; found ${found}.`,
      next: `Rename the folder migrations/${name}/ and its entry in odin-migrate.json, if it has one.`,
    });
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
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(error.what).toContain(what);
  });

  it('says why a pair is too long, and how much fits', async () => {
    expect(() => assertEnvironmentId({ app: 'a'.repeat(29), environment: 'b'.repeat(11) })).not.toThrow();
    expect(() => assertEnvironmentId({ environment: 'b'.repeat(32) })).not.toThrow();
    expect((await thrownBy(() => assertEnvironmentId({ app: 'shop', environment: 'Dev' }))).code).toBe(
      'BadEnvironmentName',
    );
    expect(await thrownBy(() => assertEnvironmentId({ app: 'Shop', environment: 'dev' }))).toMatchObject({
      why: 'Expected lower-case letters, digits and single hyphens, beginning with a letter, at most 39 characters; found "S".',
    });
    const [app, environment] = ['a'.repeat(30), 'b'.repeat(11)];
    expect(await thrownBy(() => assertEnvironmentId({ app, environment }))).toMatchObject({
      what: `The app "${app}" and the environment "${environment}" are too long together.`,
      why: 'Names of AWS resources are made of both, and hold at most 40 characters of them; found 41.',
      next: 'Give one of the two a shorter name, before anything of it is deployed: "app" is in odin-migrate.json.',
    });
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
