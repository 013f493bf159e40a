// What cdk.json may say under "odin-migrate", and in which words it is refused.
import { describe, expect, it } from 'vitest';
import { configurationOf, parseConfiguration } from '../../project/configuration.ts';
import { thrownBy } from '../support/thrown.ts';

const DEFAULTS = {
  variables: {},
  notify: [],
  logRetentionDays: 365,
  haltAlarmHours: 4,
  runOnDeploy: false,
};

describe('parseConfiguration', () => {
  it.each([undefined, null, {}])('needs nothing: %j', (context) => {
    const configuration = parseConfiguration(context);
    expect(configuration).toEqual({ migrations: 'migrations', environments: {} });
    expect(configurationOf(configuration, 'odin-dev')).toEqual(DEFAULTS);
  });

  it('takes every field', () => {
    const environment = {
      account: '111122223333',
      region: 'us-gov-west-1',
      variables: { DATA_BUCKET: 'b' },
      notify: ['mailto:team@example.com', 'https://example.com/hook'],
      logRetentionDays: 7,
      localData: 'local/data.ts',
      haltAlarmHours: 0.5,
      runOnDeploy: true,
    };
    const configuration = parseConfiguration({ migrations: 'operations', environments: { 'odin-dev': environment } });
    expect(configuration.migrations).toBe('operations');
    expect(configurationOf(configuration, 'odin-dev')).toEqual(environment);
    expect(configurationOf(configuration, 'odin-prod')).toEqual(DEFAULTS);
  });

  const of = (environment: object) => ({ environments: { 'odin-dev': environment } });
  const FIELD = 'environments.odin-dev';
  it.each<[string, unknown, string, string]>([
    ['a list', [], '', 'expected object'],
    ['text', 'text', '', 'expected object'],
    ['a field that it does not know', { migration: 'x' }, '', 'migration'],
    ['an empty folder', { migrations: '' }, 'migrations', '""'],
    ['an environment that is no object', { environments: { 'odin-dev': 7 } }, FIELD, '7'],
    ['a misspelt field of an environment', of({ notifi: [] }), FIELD, 'notifi'],
    ['an account that is a number', of({ account: 111_122_223_333 }), `${FIELD}.account`, '111122223333'],
    ['an account that is too short', of({ account: '1' }), `${FIELD}.account`, 'expected twelve digits in quotes'],
    ['a region that is none', of({ region: 'Europe' }), `${FIELD}.region`, 'expected a region, e.g. "eu-west-1"'],
    ['a variable that is no text', of({ variables: { A_B: 1 } }), `${FIELD}.variables.A_B`, 'Found 1.'],
    ['an address without its kind', of({ notify: ['me@example.com'] }), `${FIELD}.notify.0`, 'expected "mailto:…@…"'],
    [
      'an address that is not encrypted',
      of({ notify: ['http://example.com'] }),
      `${FIELD}.notify.0`,
      '"http://example.com"',
    ],
    ['a retention that CloudWatch does not know', of({ logRetentionDays: 8 }), `${FIELD}.logRetentionDays`, 'Found 8.'],
    ['a retention without end', of({ logRetentionDays: 9999 }), `${FIELD}.logRetentionDays`, 'Found 9999.'],
    ['a retention that is text', of({ logRetentionDays: 'ONE_YEAR' }), `${FIELD}.logRetentionDays`, '"ONE_YEAR"'],
  ])('refuses %s, and names the field, what was expected and what was found', async (_, context, field, said) => {
    const error = await thrownBy(() => parseConfiguration(context));
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(error.what).toContain(`cdk.json, context.${['odin-migrate', field].filter(Boolean).join('.')}: `);
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
