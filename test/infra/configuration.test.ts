// What odin-migrate.json may say, and in which words it is refused.
import { describe, expect, it } from 'vitest';
import { configurationOf, parseConfiguration } from '../../project/configuration.ts';
import { thrownBy } from '../support/thrown.ts';

const DEFAULTS = {
  variables: {},
  local: { variables: {} },
  stack: {
    notify: [],
    logRetentionDays: 365,
    haltAlarmHours: 4,
    access: {},
    alarms: true,
    dashboard: true,
    removalPolicy: 'retain',
    runOnDeploy: false,
  },
};

describe('parseConfiguration', () => {
  it('needs nothing', () => {
    const configuration = parseConfiguration({});
    expect(configuration).toEqual({ directory: 'migrations', environments: {} });
    expect(configurationOf(configuration, 'odin-dev')).toEqual(DEFAULTS);
  });

  it('takes every field', () => {
    const environment = {
      account: '111122223333',
      region: 'us-gov-west-1',
      profile: 'team',
      directory: 'operations/all',
      variables: { DATA_BUCKET: 'b' },
      local: { variables: { DATA_BUCKET: 'here' }, data: 'local/data.ts' },
      stack: {
        notify: ['mailto:team@example.com', 'https://example.com/hook'],
        logRetentionDays: 7,
        haltAlarmHours: 0.5,
        access: { data: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }] },
        alarms: false,
        dashboard: false,
        removalPolicy: 'destroy',
        runOnDeploy: true,
      },
    };
    const file = { $schema: 's', app: 'shop', directory: 'operations', environments: { 'odin-dev': environment } };
    const configuration = parseConfiguration(file);
    expect(configuration).toEqual(file);
    expect(configurationOf(configuration, 'odin-dev')).toEqual(environment);
    expect(configurationOf(configuration, 'odin-prod')).toEqual(DEFAULTS);
  });

  const of = (environment: object) => ({ environments: { 'odin-dev': environment } });
  const FIELD = 'environments.odin-dev';
  it.each<[string, unknown, string, string]>([
    ['a list', [], '', 'expected object'],
    ['text', 'text', '', 'expected object'],
    ['nothing', null, '', 'expected object'],
    ['a field that it does not know', { migration: 'x' }, '', 'migration'],
    ['an empty folder', { directory: '' }, 'directory', '""'],
    ['an app with two hyphens', { app: 'a--b' }, 'app', 'single hyphens'],
    ['an app with capital letters', { app: 'Shop' }, 'app', 'found "S"'],
    ['an app of 40 characters', { app: 'a'.repeat(40) }, 'app', 'found 40 characters'],
    ['an environment that is no object', { environments: { 'odin-dev': 7 } }, FIELD, '7'],
    ['a misspelt field of an environment', of({ notifi: [] }), FIELD, 'notifi'],
    ['an account that is a number', of({ account: 111_122_223_333 }), `${FIELD}.account`, '111122223333'],
    ['an account that is too short', of({ account: '1' }), `${FIELD}.account`, 'expected twelve digits in quotes'],
    ['a region that is none', of({ region: 'Europe' }), `${FIELD}.region`, 'expected a region, e.g. "eu-west-1"'],
    ['a variable that is no text', of({ variables: { A_B: 1 } }), `${FIELD}.variables.A_B`, 'Found 1.'],
    [
      'an address without its kind',
      of({ stack: { notify: ['me@example.com'] } }),
      `${FIELD}.stack.notify.0`,
      'expected "mailto:…@…"',
    ],
    [
      'an address that is not encrypted',
      of({ stack: { notify: ['http://example.com'] } }),
      `${FIELD}.stack.notify.0`,
      '"http://example.com"',
    ],
    [
      'a retention that CloudWatch does not know',
      of({ stack: { logRetentionDays: 8 } }),
      `${FIELD}.stack.logRetentionDays`,
      'Found 8.',
    ],
    [
      'a retention without end',
      of({ stack: { logRetentionDays: 9999 } }),
      `${FIELD}.stack.logRetentionDays`,
      'Found 9999.',
    ],
    [
      'a retention that is text',
      of({ stack: { logRetentionDays: 'ONE_YEAR' } }),
      `${FIELD}.stack.logRetentionDays`,
      '"ONE_YEAR"',
    ],
  ])('refuses %s, and names the field, what was expected and what was found', async (_, context, field, said) => {
    const error = await thrownBy(() => parseConfiguration(context));
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(error.what).toContain(`${['odin-migrate.json', field].filter(Boolean).join(', ')}: `);
    expect(error.message).toContain(said);
    expect(error.why).toMatch(/^Found .+\.$/);
    expect(error.next).toContain('docs/configuration.md');
  });

  it.each(['ODIN_X', '1A', 'A-B', 'A'])('refuses the variable name %s', async (name) => {
    const error = await thrownBy(() => parseConfiguration(of({ variables: { [name]: 'x' } })));
    expect(error.code).toBe('BadConfiguration');
    expect(error.what).toContain(`${FIELD}.variables.${name}`);
  });
});
