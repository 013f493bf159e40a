// What a migration's file may export, in which words a bad one is refused, and that reading it does no harm.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { discoverEnvironment } from '../../project/discover.ts';
import type { InspectedMigration } from '../../project/inspect.ts';
import { inspectMigrations } from '../../project/inspect.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import type { Given } from '../../project/placeholder.ts';
import { NOTHING_GIVEN } from '../../project/placeholder.ts';
import { missing } from '../../project/compile.ts';
import { thrownBy } from '../support/thrown.ts';

const LAYER = 'arn:aws:lambda:eu-west-1:111122223333:layer:ffmpeg';
const OK = 'export async function migration(): Promise<void> {}\n';

let project: TemporaryProject;
afterEach(() => {
  project.remove();
  vi.unstubAllEnvs();
});

/** The first file is 0001.ts, the second 0002.ts, and so on; shared.ts is beside them. */
function inspect(...sources: string[]): InspectedMigration[] {
  return inspectGiven(undefined, ...sources);
}

function inspectGiven(given: Given | undefined, ...sources: string[]): InspectedMigration[] {
  project = temporaryProject({
    'migrations/shared.ts': `export const bucket: string = 'b';`,
    ...Object.fromEntries(sources.map((text, n) => [`migrations/odin-dev/000${n + 1}.ts`, text])),
  });
  const { migrations } = discoverEnvironment('odin-dev', project.directory, project.configuration);
  return inspectMigrations(migrations, given);
}

describe('a good file', () => {
  it('may be the function alone', () => {
    expect(inspect(OK)).toEqual([
      {
        id: '0001',
        file: 'migrations/odin-dev/0001.ts',
        path: path.join(project.directory, 'migrations/odin-dev/0001.ts'),
        sourceSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
        description: undefined,
        permissions: [],
        timeoutSeconds: 900,
        memoryMB: 1024,
        layers: [],
        variables: {},
        access: [],
        previewAllows: [],
        checkpointed: false,
        remarks: [],
        reads: [],
      },
    ]);
  });

  it('may export everything, and import packages and other files', () => {
    const [first, second, third] = inspect(
      `import { S3Client } from '@aws-sdk/client-s3';
       import { bucket } from '../shared.ts';
       export const description = 'Move ä to b';
       export const permissions = [
         { Sid: 'One', Effect: 'Allow', Action: 's3:GetObject', Resource: ['arn:aws:s3:::' + bucket + '/*'] },
         { Effect: 'Deny', NotAction: ['s3:*'], NotResource: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
       ];
       export const timeoutMinutes = 2.5;
       export const memoryMB = 10240;
       export const ephemeralStorageMB = 10240, architecture = 'x86_64';
       export const layers = ['${LAYER}:3', 'arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:53'];
       export const variables = { DATA_BUCKET: bucket };
       export const other = new S3Client({});
       export async function* migration(resume?: number): AsyncGenerator<{ cursor: number }> { yield { cursor: 1 }; }`,
      `export const timeoutMinutes = 0.001; export const migration = () => {};`,
      // What is undefined is as good as absent.
      `export const description = undefined; export const migration = async () => {};`,
    );
    expect(first).toMatchObject({
      description: 'Move ä to b',
      permissions: [
        { Sid: 'One', Effect: 'Allow', Action: 's3:GetObject', Resource: ['arn:aws:s3:::b/*'] },
        {
          Effect: 'Deny',
          NotAction: ['s3:*'],
          NotResource: '*',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
      timeoutSeconds: 150,
      memoryMB: 10_240,
      ephemeralStorageMB: 10_240,
      architecture: 'x86_64',
      layers: [`${LAYER}:3`, 'arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:53'],
      variables: { DATA_BUCKET: 'b' },
      checkpointed: true,
    });
    expect(second).toMatchObject({ timeoutSeconds: 1, checkpointed: false });
    expect(third).toMatchObject({ description: undefined });
  });

  it('has the variables of the environment while it is evaluated, and its region', () => {
    const [file] = inspectGiven(
      { ...NOTHING_GIVEN, variables: { DATA_BUCKET: 'the-data' }, region: 'eu-west-1' },
      `const bucket = process.env['DATA_BUCKET'];
       export const permissions = [{ Effect: 'Allow', Action: 's3:GetObject', Resource: \`arn:aws:s3:::\${bucket}/*\` }];
       export const description = \`Of \${process.env['AWS_REGION']}\`;\n${OK}`,
    );
    expect(file).toMatchObject({
      permissions: [{ Resource: 'arn:aws:s3:::the-data/*' }],
      description: 'Of eu-west-1',
    });
  });

  it('may have other exports; one that looks like a misspelt one is told', () => {
    const [one, two] = inspect(
      `export const memoryMb = 2048, timeout = 5, permission = [], env = {}; export const rows = 7;
       export const timeoutOf = () => 5;\n${OK}`,
      `export const memoryMB = 2048;\n${OK}`,
    );
    expect(one?.remarks).toEqual([
      'exports env, which nothing reads: is variables meant?',
      'exports memoryMb, which nothing reads: is memoryMB meant?',
      'exports permission, which nothing reads: is permissions meant?',
      'exports timeout, which nothing reads: is timeoutMinutes meant?',
    ]);
    expect(two?.remarks).toEqual([]);
  });

  it('may hold what is not ASCII, which is told where it would be in the template', () => {
    const [one] = inspect(
      `export const description = 'Move ä to b', variables = { CITY: 'Zürich', PLAIN: 'b' };
       export const permissions = [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/ä/*' }];\n${OK}`,
    );
    expect(one?.remarks).toEqual([
      expect.stringMatching(/^variables.CITY: expected ASCII\. It is deployed as it is, .* Escape it/),
      expect.stringMatching(/^permissions\[0\].Resource: expected ASCII\. .* Write "\*" in place of such letters\.$/),
    ]);
  });

  it.each([
    ['permisions', 'permissions'],
    ['Permisssions', 'permissions'],
    ['descritpion', 'description'],
    ['acess', 'access'],
    ['timeuotMinutes', 'timeoutMinutes'],
    ['memryMB', 'memoryMB'],
    ['varables', 'variables'],
    ['reviewAllows', 'previewAllows'],
    ['ephemeralStorage', 'ephemeralStorageMB'],
    ['ephemeralStorageMb', 'ephemeralStorageMB'],
    ['arch', 'architecture'],
    ['layerArns', 'layers'],
    ['concurrency', 'parallel'],
  ])('that exports %s is asked whether %s is meant', (name, meant) => {
    const [file] = inspect(`export const ${name} = [];\n${OK}`);
    expect(file?.remarks).toEqual([`exports ${name}, which nothing reads: is ${meant} meant?`]);
  });

  it.each([
    ['vpc', 'an environment has one VPC for all its migrations (vpc, in docs/construct.md)'],
    ['securityGroups', 'an environment has one VPC for all its migrations (vpc, in docs/construct.md)'],
    ['runtime', 'an environment has one for all its functions (runtime, in docs/configuration.md)'],
    ['retries', 'nothing is tried again unasked: a failure halts, and an operator decides'],
    ['role', 'what a migration may do is said by permissions and access'],
    ['dependsOn', 'migrations run in the order of their numbers'],
  ])('that exports %s is told where that is said', (name, where) => {
    const [file] = inspect(`export const ${name} = [];\n${OK}`);
    expect(file?.remarks).toEqual([`exports ${name}, which nothing reads: ${where}.`]);
  });

  it.each([
    [{ region: 'eu-central-1', partition: 'aws' }, 'the region eu-central-1'],
    [{ region: 'cn-north-1', partition: 'aws-cn' }, 'the partition aws-cn'],
  ])('that has a layer from elsewhere is refused in %j', async (place, where) => {
    const source = `export const layers = ['${LAYER}:1'];\n${OK}`;
    expect(inspectGiven(NOTHING_GIVEN, source)[0]?.layers).toEqual([`${LAYER}:1`]);
    project.remove();
    const { message } = await thrownBy(() => inspectGiven({ ...NOTHING_GIVEN, ...place }, source));
    expect(message).toContain(
      `migrations/odin-dev/0001.ts, layers: expected layers of ${where}, in which the environment is, found [0] "${LAYER}:1"`,
    );
  });

  it('is told of functions that other tools call, and of those whose names are nearly read', () => {
    const [file] = inspect(`export const down = () => 1, plans = () => 1, planned = () => 1, vpc = () => 1;\n${OK}`);
    expect(file?.remarks).toEqual([
      'exports down, which nothing reads: migration() alone is called, and there is no way back but another migration.',
      'exports plans, which nothing reads: is plan meant?',
    ]);
  });

  it.each(['success', 'process', 'bucket', 'rows', 'regions', 'partitions', 'disk', 'tmpPrefix', 'batch', 'roles'])(
    'may export %s',
    (name) => {
      expect(inspect(`export const ${name} = [];\n${OK}`)[0]?.remarks).toEqual([]);
    },
  );

  it('may have undefined and null as parts of words, and JSON with a null in it', () => {
    const [file] = inspect(
      `export const variables = { JSON: '{"a":null,"b":[null]}', NAME: 'nullable-undefinedness' };
       export const permissions = [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::nullable/*' }];\n${OK}`,
    );
    expect(file?.variables).toMatchObject({ NAME: 'nullable-undefinedness' });
  });

  it('is not needed at all', () => {
    project = temporaryProject();
    expect(inspectMigrations([])).toEqual([]);
  });
});

describe('a bad file is refused, with its name, the field, what was expected and what was found', () => {
  const permission = (text: string) => `export const permissions = [${text}];\n${OK}`;
  it.each([
    ['no `migration`', 'export const other = 1;', 'migration', 'expected an exported async function, no such export'],
    ['only a default export', 'export default async function migration() {}', 'migration', 'no such export'],
    ['a `migration` that is no function', 'export const migration = {};', 'migration', 'found object'],
    [
      'a description of two lines',
      `export const description = 'a\\nb';${OK}`,
      'description',
      'expected one line without control characters, found "a\\nb"',
    ],
    [
      'a description of 201 characters',
      `export const description = 'x'.repeat(201);${OK}`,
      'description',
      'at most 200',
    ],
    ['a description that is a function', `export const description = () => 'x';${OK}`, 'description', 'function'],
    [
      'a single permission',
      `export const permissions = {};${OK}`,
      'permissions',
      'expected a list of IAM policy statements, found {}',
    ],
    [
      'a permission without an effect',
      permission(`{ Action: 's3:*', Resource: '*' }`),
      'permissions[0].Effect',
      'found nothing',
    ],
    [
      'a misspelt effect',
      permission(`{ Effect: 'allow', Action: 's3:*', Resource: '*' }`),
      'permissions[0].Effect',
      'found "allow"',
    ],
    [
      'a permission without an action',
      permission(`{ Effect: 'Allow', Resource: '*' }`),
      'permissions[0]',
      'expected either Action or NotAction',
    ],
    [
      'both kinds of action',
      permission(`{ Effect: 'Allow', Action: 's3:*', NotAction: 'sqs:*', Resource: '*' }`),
      'permissions[0]',
      'either Action or NotAction',
    ],
    [
      'a permission without a resource',
      permission(`{ Effect: 'Allow', Action: 's3:*' }`),
      'permissions[0]',
      'either Resource or NotResource',
    ],
    [
      'an action without its service',
      permission(`{ Effect: 'Allow', Action: ['s3:GetObject', 'PutObject'], Resource: '*' }`),
      'permissions[0].Action[1]',
      'expected "*" or an action such as "s3:GetObject", found "PutObject"',
    ],
    [
      'an action with a space in it, in the second statement',
      permission(
        `{ Effect: 'Allow', Action: 's3:*', Resource: '*' }, { Effect: 'Deny', Action: 's3:Get Object', Resource: '*' }`,
      ),
      'permissions[1].Action',
      'such as "s3:GetObject", found "s3:Get Object"',
    ],
    [
      'a resource that is no ARN',
      permission(`{ Effect: 'Allow', Action: 's3:*', Resource: 'my-bucket' }`),
      'permissions[0].Resource',
      'expected "*" or an ARN such as "arn:aws:s3:::bucket/*", found "my-bucket"',
    ],
    [
      'an ARN that is too short',
      permission(`{ Effect: 'Allow', Action: 's3:*', NotResource: ['*', 'arn:aws:s3:bucket'] }`),
      'permissions[0].NotResource[1]',
      'found "arn:aws:s3:bucket"',
    ],
    [
      'an action that is no text',
      permission(`{ Effect: 'Allow', Action: 7, Resource: '*' }`),
      'permissions[0].Action',
      'or a list of such, found 7',
    ],
    ['a statement in text', permission(`'s3:GetObject'`), 'permissions[0]', 'expected an IAM policy statement'],
    ['a `migration` that is a class', 'export class migration {}', 'migration', 'async function, found a class'],
    [
      'a tolerance of one that has no plan',
      `export const parallel = { toleratedFailures: 1 };${OK}`,
      'parallel',
      'expected an exported plan() beside it',
    ],
    ...['5', '101%', '-1%', 0.5, -1, null].map((tolerance) => [
      `a tolerance of ${String(tolerance)}`,
      `export const parallel = { toleratedFailures: ${JSON.stringify(tolerance)} }; export async function* plan() {}${OK}`,
      'parallel.toleratedFailures',
      `expected a number of batches, or a share of the plan's, e.g. '5%', found ${JSON.stringify(tolerance)}`,
    ]),
    ['minutes in a bigint', `export const timeoutMinutes = 5n;${OK}`, 'timeoutMinutes', 'found "5n"'],
    [
      'a misspelt key',
      permission(`{ Effect: 'Allow', Actions: ['s3:*'], Resource: '*' }`),
      'permissions[0]',
      'Actions',
    ],
    [
      'a principal',
      permission(`{ Effect: 'Allow', Action: 's3:*', Resource: '*', Principal: '*' }`),
      'permissions[0]',
      'Principal',
    ],
    [
      'no action in the list',
      permission(`{ Effect: 'Allow', Action: [], Resource: '*' }`),
      'permissions[0].Action',
      'found []',
    ],
    [
      'a resource with letters that IAM does not take',
      permission(`{ Effect: 'Allow', Action: 's3:*', Resource: ['*', 'arn:aws:s3:::b/売上/*'] }`),
      'permissions[0].Resource[1]',
      'expected characters that IAM takes in a policy (U+0020 to U+00FF), and "*" for any others, "arn:aws:s3:::b/*/*", found "arn:aws:s3:::b/売上/*"',
    ],
    [
      'a condition with such letters',
      permission(
        `{ Effect: 'Allow', Action: 's3:*', Resource: '*', Condition: { StringEquals: { 's3:prefix': ['a', '売上/'] } } }`,
      ),
      'permissions[0].Condition.StringEquals["s3:prefix"][1]',
      'with StringLike or ArnLike "*" for any others, "*/", found "売上/"',
    ],
    [
      'a condition on a key with such letters',
      permission(
        `{ Effect: 'Allow', Action: 's3:*', Resource: '*', Condition: { StringEquals: { 'aws:ResourceTag/売': 'a' } } }`,
      ),
      'permissions[0].Condition.StringEquals["aws:ResourceTag/売"]',
      'expected characters that IAM takes in a policy (U+0020 to U+00FF)',
    ],
    [
      'a Sid of other characters than letters and digits',
      permission(`{ Sid: 'read-data', Effect: 'Allow', Action: 's3:*', Resource: '*' }`),
      'permissions[0].Sid',
      'expected letters and digits (A-Z, a-z, 0-9) alone, as IAM has it, found "read-data"',
    ],
    [
      'one Sid twice',
      permission(
        `{ Sid: 'Read', Effect: 'Allow', Action: 's3:*', Resource: '*' }, { Sid: 'Read', Effect: 'Allow', Action: 'sqs:*', Resource: '*' }`,
      ),
      'permissions[1].Sid',
      'expected another than that of statement 1 of the list: IAM takes each once, found "Read"',
    ],
    [
      'more permissions than a role has room for',
      `export const permissions = Array.from({ length: 250 }, (_, n) => ({
         Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket/a-prefix/of/some/length/' + n }));${OK}`,
      'permissions',
      "expected what fits into the 10240 characters of a role's inline policies, found at least",
    ],
    [
      'more variables than a function has room for',
      `export const variables = { LONG: 'ä'.repeat(1900) };${OK}`,
      'variables',
      "expected what fits into the 4096 bytes of a function's variables, of which odin-migrate has 500, found 3811 bytes",
    ],
    [
      'a description with a control character',
      `export const description = 'a\\u001b[31m';${OK}`,
      'description',
      'expected one line without control characters, found "a\\u001b[31m"',
    ],
    [
      '16 minutes',
      `export const timeoutMinutes = 16;${OK}`,
      'timeoutMinutes',
      "expected at most 15 minutes, Lambda's limit (a longer one is checkpointed), found 16",
    ],
    ['no minutes', `export const timeoutMinutes = 0;${OK}`, 'timeoutMinutes', 'expected more than 0 minutes, found 0'],
    [
      'minutes in text',
      `export const timeoutMinutes = '15';${OK}`,
      'timeoutMinutes',
      'expected a number of minutes, found "15"',
    ],
    [
      'minutes that are no number',
      `export const timeoutMinutes = NaN;${OK}`,
      'timeoutMinutes',
      'expected a number of minutes, found "NaN"',
    ],
    [
      'too little memory',
      `export const memoryMB = 255;${OK}`,
      'memoryMB',
      "expected at least 256: user code has a process of its own beside the function's, and with less both run out of memory, found 255",
    ],
    [
      'too much memory',
      `export const memoryMB = 10241;${OK}`,
      'memoryMB',
      "expected at most 10240, Lambda's largest, found 10241",
    ],
    [
      'too little ephemeral storage',
      `export const ephemeralStorageMB = 511;${OK}`,
      'ephemeralStorageMB',
      'expected at least 512, which every function has, found 511',
    ],
    [
      'too much ephemeral storage',
      `export const ephemeralStorageMB = 10241;${OK}`,
      'ephemeralStorageMB',
      "expected at most 10240, Lambda's largest, found 10241",
    ],
    [
      'another processor',
      `export const architecture = 'arm';${OK}`,
      'architecture',
      'expected "arm64" or "x86_64", found "arm"',
    ],
    [
      'a layer by its name',
      `export const layers = ['ffmpeg'];${OK}`,
      'layers[0]',
      'expected the ARN of a version of a layer, such as "arn:aws:lambda:eu-west-1:111122223333:layer:ffmpeg:3", found "ffmpeg"',
    ],
    [
      'a layer without its version',
      `export const layers = ['${LAYER}'];${OK}`,
      'layers[0]',
      `expected the ARN of a version, with its number at the end, found "${LAYER}"`,
    ],
    [
      'a layer twice',
      `export const layers = ['${LAYER}:1', '${LAYER}:2'];${OK}`,
      'layers[1]',
      `expected each layer once, in one version, found "${LAYER}:2"`,
    ],
    [
      'six layers',
      `export const layers = [1, 2, 3, 4, 5, 6].map((n) => 'arn:aws:lambda:eu-west-1:111122223333:layer:l' + n + ':1');${OK}`,
      'layers',
      "expected at most 5 layers, Lambda's limit, found [",
    ],
    [
      'one layer',
      `export const layers = '${LAYER}:1';${OK}`,
      'layers',
      `expected a list of ARNs of versions of layers, found "${LAYER}:1"`,
    ],
    ['half a MB', `export const memoryMB = 256.5;${OK}`, 'memoryMB', 'expected a whole number of MB, found 256.5'],
    [
      'a variable of our own',
      `export const variables = { ODIN_MIGRATION: '1' };${OK}`,
      'variables.ODIN_MIGRATION',
      'found "1"',
    ],
    [
      'a variable that is no text',
      `export const variables = { A_B: 1 };${OK}`,
      'variables.A_B',
      'expected text, found 1',
    ],
    [
      'an allowance of everything in a preview',
      `export const previewAllows = ['*'];${OK}`,
      'previewAllows[0]',
      'expected "addons", "child_process", "worker_threads" or "network:<host>", found "*"',
    ],
    [
      'a file that throws at its top level',
      `throw new RangeError('at the top level');${OK}`,
      'the file',
      'could not be evaluated: RangeError: at the top level',
    ],
    [
      'a file that rejects at its top level',
      `await Promise.reject(new Error('later'));${OK}`,
      'the file',
      'Error: later',
    ],
    [
      'a file that throws an error of another realm',
      `import vm from 'node:vm'; vm.runInNewContext("throw new TypeError('elsewhere')");${OK}`,
      'the file',
      'could not be evaluated: TypeError: elsewhere',
    ],
    [
      'a file whose error has causes',
      `throw new Error('no table', { cause: new AggregateError([new Error('one'), 'two'], '') });${OK}`,
      'the file',
      'could not be evaluated: Error: no table; caused by AggregateError; 1 of 2: Error: one; 2 of 2: two',
    ],
    ['a file that throws null', `throw null;${OK}`, 'the file', 'could not be evaluated: null'],
    [
      'a file whose error cannot be read',
      `throw { toJSON() { throw 1; } };${OK}`,
      'the file',
      'could not be evaluated: something that cannot be described',
    ],
    ['a file that throws an object', `throw { status: 7 };${OK}`, 'the file', 'could not be evaluated: {"status":7}'],
    ...[
      ['`arn:aws:s3:::${process.env.NO_SUCH_BUCKET}/*`', 'undefined'],
      ['`arn:aws:s3:::data-${process.env.NO_SUCH_BUCKET}`', 'undefined'],
      ['`arn:aws:s3:::${null}/*`', 'null'],
      ['`arn:aws:s3:::${{}}/*`', '[object Object]'],
    ].map(([resource = '', empty = '']): [string, string, string, string] => [
      `the resource ${resource}`,
      permission(`{ Effect: 'Allow', Action: 's3:GetObject', Resource: [${resource}] }`),
      'permissions[0].Resource[0]',
      `and no "${empty}" in it`,
    ]),
    [
      'a condition with a variable that nobody gives',
      permission(
        '{ Effect: "Allow", Action: "s3:*", Resource: "*", Condition: { StringLike: { "s3:prefix": [`${process.env.NO_SUCH}/*`] } } }',
      ),
      'permissions[0].Condition',
      'without "undefined" or "null" in it',
    ],
    ...[
      ['`${process.env.NO_SUCH_TABLE}`', 'undefined'],
      ['`${null}`', 'null'],
      ['`s3://${process.env.NO_SUCH_BUCKET}/data`', 'undefined'],
      ['`${{}}`', '[object Object]'],
    ].map(([value = '', empty = '']): [string, string, string, string] => [
      `the variable ${value}`,
      `export const variables = { TABLE: ${value} };${OK}`,
      'variables.TABLE',
      `expected a text without "${empty}" in it`,
    ]),
    ['a file that throws text', `throw 'text';${OK}`, 'the file', 'could not be evaluated: text'],
  ])('%s', async (_, source, field, said) => {
    const error = await thrownBy(() => inspect(OK, source));
    expect(error).toMatchObject({ code: 'BadMigrationFile', source: 'user' });
    expect(error.what.startsWith(`migrations/odin-dev/0002.ts, ${field}: `)).toBe(true);
    expect(error.what).toContain(said);
    expect(error.next).toContain('docs/migrations.md');
  });

  it('a syntax error, with its place', async () => {
    const error = await thrownBy(() => inspect(OK, 'export const a = 1;\nexport async function {'));
    expect(error).toMatchObject({ code: 'BundlingFailed', source: 'user' });
    expect(error.what).toMatch(/migrations\/odin-dev\/0002\.ts:2:\d+: /);
  });

  it('a package that is not installed', async () => {
    const error = await thrownBy(() => inspect(`import x from 'no-such-package';\nexport const y = x;\n${OK}`));
    expect(error.code).toBe('BadMigrationFile');
    expect(error.what).toContain('migrations/odin-dev/0001.ts');
    expect(error.what).toContain("Cannot find package 'no-such-package'");
    expect(error.next).toBe('no-such-package is not installed here. Type: npm install no-such-package');
  });

  it.each([
    [`Could not resolve "@scope/name/part"`, '@scope/name is not installed here. Type: npm install @scope/name'],
    [`Could not resolve "./nope.ts"`, undefined],
    ['No loader is configured for ".parquet" files', expect.stringContaining("with { type: 'text' }") as string],
  ])('what to do where "%s" was said', (said, next) => {
    expect(missing([`migrations/odin-dev/0001.ts:1:17: ${said}`])).toEqual(next);
  });

  it('a message of 1 MB is cut', async () => {
    const error = await thrownBy(() => inspect(`throw new Error('x'.repeat(1_000_000));${OK}`));
    expect(error.message.length).toBeLessThan(2_000);
  });
});

describe('a file that ends the process, or never comes to an end, does not stop the synthesis for ever', () => {
  it.each([
    ['process.exit(0)', 'process.exit(0);'],
    ['process.exit(1)', 'process.exit(1);'],
    [
      'an exception outside',
      'setTimeout(() => { throw new Error("later"); }); await new Promise((r) => setTimeout(r, 50));',
    ],
    ['an await that nothing ends', 'await new Promise(() => {});'],
  ])('%s', async (_, source) => {
    const error = await thrownBy(() => inspect(OK, `${source}\n${OK}`));
    expect(error).toMatchObject({ code: 'BadMigrationFile', source: 'user' });
    expect(error.what).toContain('migrations/odin-dev/0002.ts');
    expect(error.what).toContain('did not come to an end');
    expect(error.why).toContain('works at its top level, or ends the process');
    expect(error.next).toContain('Move the work into migration()');
  });

  it('a timer that would run for ever ends with the reading', () => {
    expect(inspect(`setInterval(() => {}, 1000);\n${OK}`)).toHaveLength(1);
  });

  it('what a file prints is not taken for the answer', () => {
    expect(inspect(`console.log('[{"type":"function"}]'); console.error('x');\n${OK}`)).toHaveLength(1);
  });
});

describe('the process that reads the files', () => {
  it('has no AWS credentials, no endpoint, no profile and no home of the user', () => {
    for (const name of ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN', 'PROFILE', 'ROLE_ARN', 'ENDPOINT_URL']) {
      vi.stubEnv(`AWS_${name}`, 'SECRET');
    }
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', 'SECRET');
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'SECRET');
    vi.stubEnv('GITHUB_TOKEN', 'SECRET');
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    vi.stubEnv('HOME', '/home/somebody');
    const [migration] = inspect(
      `import { homedir } from 'node:os';
       export const variables = { NAMES: Object.keys(process.env).sort().join(), ALL: JSON.stringify(process.env), HOME_IS: homedir() };
       ${OK}`,
    );
    const { NAMES = '', ALL, HOME_IS } = migration?.variables ?? {};
    const allowed = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'SystemRoot', 'AWS_REGION', 'AWS_EC2_METADATA_DISABLED'];
    expect(NAMES.split(',').filter((name) => !allowed.includes(name))).toEqual([]);
    expect(NAMES).toContain('AWS_EC2_METADATA_DISABLED');
    expect(ALL).not.toContain('SECRET');
    expect(HOME_IS).toBe('/home/somebody/.none');
  });

  it('leaves nothing in the project', () => {
    inspect(OK);
    expect(readdirSync(project.directory).sort()).toEqual(['migrations', 'node_modules']);
    expect(readdirSync(path.join(project.directory, 'migrations/odin-dev'))).toEqual(['0001.ts']);
  });

  it('does not read what an earlier synthesis left there', () => {
    inspect(OK, OK);
    const { migrations } = discoverEnvironment('odin-dev', project.directory, project.configuration);
    project.write('migrations/odin-dev/0001.ts', 'process.exit(0);');
    expect(() => inspectMigrations(migrations)).toThrow('did not come to an end');
  });
});
