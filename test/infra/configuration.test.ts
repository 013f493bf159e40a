// What odin-migrate.json may say, and in which words it is refused.
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { describe, expect, it } from 'vitest';
import { configurationOf, givenThere, parseConfiguration } from '../../project/configuration.ts';
import { openProject } from '../../project/project.ts';
import { temporaryProject } from '../support/project.ts';
import { thrownBy } from '../support/thrown.ts';

const DEFAULTS = {
  variables: {},
  local: { variables: {} },
  stack: {
    notify: [],
    logRetentionDays: 365,
    haltAlarmHours: 4,
    access: {},
    architecture: 'arm64',
    runtime: 'nodejs24.x',
    tracing: 'active',
    alarms: true,
    dashboard: true,
    removalPolicy: 'retain',
    runOnDeploy: false,
  },
};

const of = (environment: object) => ({ environments: { 'odin-dev': environment } });

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
        topic: 'arn:aws-cn:sns:cn-north-1:111122223333:operators',
        topicKey: 'arn:aws-cn:kms:cn-north-1:111122223333:key/0a1b-2c',
        notify: ['mailto:team@example.com', 'https://example.com/hook'],
        encryptionKey: 'arn:aws-cn:kms:cn-north-1:111122223333:key/0a1b-2c',
        vpc: { tags: { team: 'shop' } },
        vpcSubnets: { ids: ['subnet-0a1b'] },
        securityGroups: ['sg-0a1b'],
        architecture: 'x86_64',
        runtime: 'nodejs22.x',
        tracing: 'pass-through',
        logRetentionDays: 7,
        haltAlarmHours: 0.5,
        access: { data: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' }] },
        alarms: false,
        dashboard: 'look',
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

  const FIELD = 'environments.odin-dev';
  const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/0a1b';
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
    [
      'a runtime that the functions are not made for',
      of({ stack: { runtime: 'nodejs20.x' } }),
      `${FIELD}.stack.runtime`,
      'expected "nodejs24.x" or "nodejs22.x"',
    ],
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
    ['a topic by its name', of({ stack: { topic: 'operators' } }), `${FIELD}.stack.topic`, 'expected an ARN such as'],
    [
      'the ARN of something else',
      of({ stack: { encryptionKey: 'arn:aws:sns:eu-west-1:111122223333:operators' } }),
      `${FIELD}.stack.encryptionKey`,
      '"arn:aws:kms:',
    ],
    ['a key of no topic', of({ stack: { topicKey: KEY } }), `${FIELD}.stack.topicKey`, 'expected "topic" beside it'],
    [
      'a key of a topic of its own',
      of({ stack: { chatTopic: 'own', topicKey: KEY } }),
      `${FIELD}.stack.topicKey`,
      'expected "topic" beside it',
    ],
    [
      'a chat that is no topic',
      of({ stack: { chatTopic: '#ops' } }),
      `${FIELD}.stack.chatTopic`,
      'expected "own" or an ARN',
    ],
    [
      'a chat that is told in plain text',
      of({ stack: { notify: ['https://global.sns-api.chatbot.amazonaws.com'] } }),
      `${FIELD}.stack.notify.0`,
      'expected "chatTopic", which its channel is given',
    ],
    ['a VPC by its id alone', of({ stack: { vpc: 'vpc-0a' } }), `${FIELD}.stack.vpc`, 'expected object'],
    ['a VPC by nothing', of({ stack: { vpc: {} } }), `${FIELD}.stack.vpc`, 'expected one of id, name and tags'],
    [
      'a VPC by its id and its name',
      of({ stack: { vpc: { id: 'vpc-0a', name: 'shop' } } }),
      `${FIELD}.stack.vpc`,
      'expected one of id, name and tags',
    ],
    ['an id that is none', of({ stack: { vpc: { id: 'shop' } } }), `${FIELD}.stack.vpc.id`, '"vpc-0a1b2c3d"'],
    [
      'subnets of no VPC',
      of({ stack: { vpcSubnets: { group: 'a' } } }),
      `${FIELD}.stack.vpcSubnets`,
      '"vpc" beside it',
    ],
    [
      'subnets by two ways',
      of({ stack: { vpc: { name: 'shop' }, vpcSubnets: { group: 'a', ids: ['subnet-0a'] } } }),
      `${FIELD}.stack.vpcSubnets`,
      'expected one of ids, group and type',
    ],
    [
      'public subnets, in which a function reaches nothing',
      of({ stack: { vpc: { name: 'shop' }, vpcSubnets: { type: 'PUBLIC' } } }),
      `${FIELD}.stack.vpcSubnets.type`,
      '"PRIVATE_ISOLATED"',
    ],
    [
      'security groups of no VPC',
      of({ stack: { securityGroups: ['sg-0a'] } }),
      `${FIELD}.stack.securityGroups`,
      '"vpc" beside it',
    ],
    ['another processor', of({ stack: { architecture: 'arm' } }), `${FIELD}.stack.architecture`, '"x86_64"'],
    ['a word for tracing', of({ stack: { tracing: true } }), `${FIELD}.stack.tracing`, '"pass-through"'],
    [
      'access that is no statement',
      of({ stack: { access: { data: [{ Effect: 'Allow', Action: 'read' }] } } }),
      `${FIELD}.stack.access.data.0.Action`,
      'an action such as "s3:GetObject"',
    ],
  ])('refuses %s, and names the field, what was expected and what was found', async (_, context, field, said) => {
    const error = await thrownBy(() => parseConfiguration(context));
    expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
    expect(error.what).toContain(`${['odin-migrate.json', field].filter(Boolean).join(', ')}: `);
    expect(error.message).toContain(said);
    expect(error.why).toMatch(/^Found .+\.$/);
    expect(error.next).toContain('docs/configuration.md');
  });

  it.each(['ODIN_X', 'AWS_REGION', 'LAMBDA_X', 'POWERTOOLS_X', 'NODE_OPTIONS', 'TZ', '_HANDLER', '1A', 'A-B', 'A'])(
    'refuses the variable name %s',
    async (name) => {
      const error = await thrownBy(() => parseConfiguration(of({ variables: { [name]: 'x' } })));
      expect(error.code).toBe('BadConfiguration');
      expect(error.what).toContain(`${FIELD}.variables.${name}`);
    },
  );

  it('takes a variable whose name only looks like one that is reserved', () => {
    const variables = { ODINX: '1', MY_AWS_REGION: '2', NODE_OPTIONS_X: '3', TZX: '4', aB: '5' };
    expect(configurationOf(parseConfiguration(of({ variables })), 'odin-dev').variables).toEqual(variables);
  });
});

describe('givenThere', () => {
  it('has the partition of each region that CDK knows, and of no other', () => {
    const settings = configurationOf(parseConfiguration({}), 'odin-dev');
    const partitionIn = (region: string) => givenThere({ ...settings, account: '111122223333', region }).partition;
    const regions = RegionInfo.regions.filter(({ partition }) => partition !== undefined);
    expect(regions.length).toBeGreaterThan(30);
    expect(regions.map(({ name }) => [name, partitionIn(name)])).toEqual(
      regions.map(({ name, partition }) => [name, partition]),
    );
    expect(partitionIn('the-moon')).toBe('⟦odinToken.partition⟧');
    for (const { name } of regions) expect(() => parseConfiguration(of({ region: name })), name).not.toThrow();
  });
});

it('is read with the byte order mark that an editor has put before it', () => {
  const project = temporaryProject({ 'odin-migrate.json': '\uFEFF{ "app": "shop" }' });
  try {
    expect(openProject(project.directory).configuration.app).toBe('shop');
  } finally {
    project.remove();
  }
});
