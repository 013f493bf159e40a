// The construct with files of a team's own: what is wrong with one, what a file may say of what only a deployment knows, and what
// a commit changes.
import type { App } from 'aws-cdk-lib';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { stackName } from '../../core/names/names.ts';
import { addEnvironments, offlineApp } from '../../infra/build-app.ts';
import type { MigrationsProps } from '../../infra/index.ts';
import { Migrations } from '../../infra/index.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { planDeployed } from '../../project/plan.ts';
import { temporaryFolder } from '../../project/temporary.ts';
import type { TemporaryProject } from '../support/project.ts';
import { PROJECT, temporaryProject } from '../support/project.ts';
import type { SynthesisedResource } from '../support/synth.ts';
import { thrownBy } from '../support/thrown.ts';

const run = promisify(execFile);
const OK = 'export async function migration(): Promise<void> {}\n';

let project: TemporaryProject | undefined;
afterEach(() => project?.remove());

let apps = 0;
function appIn({ directory }: TemporaryProject, bundled: boolean): App {
  const app = offlineApp(path.join(directory, `cdk.out.${(apps += 1)}`));
  if (!bundled) app.node.setContext('aws:cdk:bundling-stacks', []);
  return app;
}

/** @param files of odin-dev, name → text */
function synth(
  files: Record<string, string>,
  props: (stack: Stack) => Partial<MigrationsProps> = () => ({}),
  { bundled = false, settings = {} } = {},
) {
  project = temporaryProject({
    'odin-migrate.json': JSON.stringify({ environments: { 'odin-dev': settings } }),
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/odin-dev/${name}`, text])),
  });
  const stack = new Stack(appIn(project, bundled), 'Team');
  const construct = new Migrations(stack, 'Migrations', {
    environmentName: 'odin-dev',
    projectRoot: project.directory,
    ...props(stack),
  });
  const errors = construct.node.metadata.filter(({ type }) => type === 'aws:cdk:error').map(({ data }) => String(data));
  return { stack, construct, errors };
}
const resourcesOf = (stack: Stack) =>
  (Template.fromStack(stack).toJSON() as { Resources: Record<string, SynthesisedResource> }).Resources;
const ofType = (stack: Stack, type: string) => Object.values(resourcesOf(stack)).filter(({ Type }) => Type === type);
const variablesOf = (stack: Stack, name: RegExp) =>
  ofType(stack, 'AWS::Lambda::Function')
    .filter(({ Properties }) => name.test(Properties?.['FunctionName'] as string))
    .map(({ Properties }) => (Properties?.['Environment'] as { Variables: Record<string, unknown> }).Variables);
const rolePolicies = (stack: Stack) =>
  JSON.stringify(
    ofType(stack, 'AWS::IAM::Role')
      .filter(({ Properties }) => JSON.stringify(Properties?.['RoleName'])?.includes('0001'))
      .map(({ Properties }) => Properties?.['Policies']),
  );

describe('what is wrong with files', () => {
  const BROKEN = {
    '0001.ts': OK,
    '0002.ts': 'export async function migration( {}\n',
    '0003.ts': `throw new Error('at the top');\n${OK}`,
    '0004.ts': `process.exit(0);\n${OK}`,
    '0005.ts': `export const timeoutMinutes = 99;\n${OK}`,
    '0006.ts': OK,
  };

  it.each([true, false])('is an error for each, that names it; the others are read (bundled: %s)', (bundled) => {
    const { errors, construct } = synth(BROKEN, undefined, { bundled });
    const named = errors.map((error) => /000\d\.ts/.exec(error)?.[0]);
    expect(named.sort()).toEqual(['0002.ts', '0003.ts', '0004.ts', '0005.ts']);
    expect(errors.find((error) => error.includes('0005'))).toContain('timeoutMinutes: expected at most 15 minutes');
    expect(construct.migrations.map(({ id }) => id)).toEqual(['0001', '0002', '0003', '0004', '0005', '0006']);
  });

  it('is an error too when it shows at bundling alone', () => {
    const imports = `export async function migration() { await import('no-such-package'); }\n`;
    const { errors } = synth({ '0001.ts': OK, '0002.ts': imports }, undefined, { bundled: true });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/0002\.ts:.*no-such-package/);
  });

  it('is an error when they are too many', () => {
    const files = Object.fromEntries(Array.from({ length: 221 }, (_, n) => [`${String(n).padStart(4, '0')}.ts`, OK]));
    const { errors } = synth(files);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('migrations/odin-dev/ has the files of 221 migrations');
  });

  it('refuses its own stack in the CDK CLI, and neither the list nor another stack', () => {
    project = temporaryProject({
      'odin-migrate.json': JSON.stringify({ environments: {} }),
      'migrations/broken/0001.ts': BROKEN['0002.ts'],
      'migrations/good/0001.ts': OK,
    });
    const { directory: cwd } = project;
    const app = `${process.execPath} ${PROJECT}/cli/odin-migrate.js synth`;
    const cdk = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(
        path.join(PROJECT, 'node_modules/.bin/cdk'),
        ['--app', app, ...args],
        {
          cwd,
          env: { ...process.env, CI: 'true', NO_COLOR: '1' },
          encoding: 'utf8',
        },
      );
      return { code: status, output: stdout + stderr };
    };
    const list = cdk('list');
    expect(list.code, list.output).toBe(0);
    expect(list.output).toMatch(/OdinMigrate-broken[^]*OdinMigrate-good/);
    const good = cdk('synth', '--quiet', 'OdinMigrate-good');
    expect(good.code, good.output).toBe(0);
    const broken = cdk('synth', '--quiet', 'OdinMigrate-broken');
    expect(broken.code, broken.output).not.toBe(0);
    expect(broken.output).toContain('migrations/broken/0001.ts');
  }, 300_000);
});

describe('without bundling', () => {
  it('every function has the same code, and the rest of the template is there', () => {
    const files = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`000${n}.ts`, OK]));
    const { stack, errors } = synth(files);
    expect(errors).toEqual([]);
    const functions = ofType(stack, 'AWS::Lambda::Function');
    expect(functions).toHaveLength(18);
    expect(new Set(functions.map(({ Properties }) => JSON.stringify(Properties?.['Code']))).size).toBe(1);
  });

  it('leaves nothing in the temporary folder, and nothing in the project', () => {
    // One of its own: others work in the machine's at the same time.
    const temporary = temporaryFolder();
    vi.stubEnv('TMPDIR', temporary);
    try {
      synth({ '0001.ts': OK }, undefined, { bundled: true });
      expect(readdirSync(temporary).filter((name) => name.startsWith('odin-migrate-'))).toEqual([]);
      expect(readdirSync(project?.directory ?? '').filter((name) => name.startsWith('.'))).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(temporary, { recursive: true });
    }
  });
});

describe('four synths of one project at once', () => {
  it('all work, and deploy the same', async () => {
    project = temporaryProject({
      'odin-migrate.json': '{}',
      'migrations/odin-dev/0001.ts': `import { S3Client } from '@aws-sdk/client-s3';\nexport const s3 = new S3Client({});\n${OK}`,
    });
    const { directory } = project;
    const outputs = [1, 2, 3, 4].map((n) => path.join(directory, `out-${n}`));
    await Promise.all(
      outputs.map((output) =>
        run(process.execPath, [path.join(PROJECT, 'cli/odin-migrate.js'), 'synth'], {
          cwd: directory,
          env: { ...process.env, CDK_OUTDIR: output },
        }),
      ),
    );
    const templates = outputs.map((output) =>
      readFileSync(path.join(output, 'OdinMigrate-odin-dev.template.json'), 'utf8'),
    );
    expect(new Set(templates).size).toBe(1);
  }, 300_000);
});

describe('permissions', () => {
  const AS_FUNCTION = `
    export const permissions = ({ variables, account, region, partition }) => [
      { Effect: 'Allow', Action: 's3:GetObject', Resource: [\`arn:aws:s3:::\${variables.DATA_BUCKET}/*\`] },
      { Effect: 'Allow', Action: 'sns:Publish', Resource: variables.TOPIC },
      { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: \`arn:\${partition}:sqs:\${region}:\${account}:queue\` },
    ];
    export const variables = { COPY: \`of \${process.env.DATA_BUCKET}\` };
    ${OK}`;

  it('may be a function, of tokens too: each stands for its value', () => {
    const { stack, errors } = synth({ '0001.ts': AS_FUNCTION }, (team) => ({
      variables: { DATA_BUCKET: new Bucket(team, 'Data').bucketName, TOPIC: new Topic(team, 'Topic').topicArn },
    }));
    expect(errors).toEqual([]);
    const policies = rolePolicies(stack);
    expect(policies).toMatch(/"arn:aws:s3:::",\{"Ref":"Data\w+"\},"\/\*"/);
    expect(policies).toMatch(/"sns:Publish","Effect":"Allow","Resource":\{"Ref":"Topic\w+"\}/);
    expect(policies).toMatch(
      /"arn:",\{"Ref":"AWS::Partition"\},":sqs:",\{"Ref":"AWS::Region"\},":",\{"Ref":"AWS::AccountId"\},":queue"/,
    );
    expect(JSON.stringify(variablesOf(stack, /-0001$/))).toMatch(
      /"COPY":\{"Fn::Join":\["",\["of ",\{"Ref":"Data\w+"\}\]\]\}/,
    );
    expect(JSON.stringify(resourcesOf(stack))).not.toMatch(/odinToken|⟦|\$\{Token/);
  });

  it.each([
    ['known', '"arn:aws-cn:sqs:cn-north-1:111122223333:queue"'],
    [
      undefined,
      '{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":sqs:",{"Ref":"AWS::Region"},":",{"Ref":"AWS::AccountId"},":queue"]]}',
    ],
  ])('have their values when the files were read before CDK knew them (account and region: %s)', (known, arn) => {
    vi.stubEnv('CDK_DEFAULT_ACCOUNT', known && '111122223333');
    vi.stubEnv('CDK_DEFAULT_REGION', known && 'cn-north-1');
    project = temporaryProject({ 'migrations/odin-dev/0001.ts': AS_FUNCTION });
    project.configuration.environments = parseConfiguration({
      environments: {
        'odin-dev': { variables: { DATA_BUCKET: 'data', TOPIC: 'arn:aws:sns:eu-west-1:111122223333:topic' } },
      },
    }).environments;
    const app = appIn(project, true);
    addEnvironments(app, project, { plans: planDeployed(project) });
    vi.unstubAllEnvs();
    const stack = Stack.of(app.node.findChild(stackName({ environment: 'odin-dev' })));
    expect(rolePolicies(stack)).toContain(arn);
  });

  it('may be a function of what is known, and then see it as it is', () => {
    const { stack, errors } = synth(
      {
        '0001.ts': `export const permissions = ({ variables }) => [
          { Effect: 'Allow', Action: 's3:GetObject', Resource: \`arn:aws:s3:::\${variables.DATA_BUCKET.toLowerCase()}/*\` }];
          ${OK}`,
      },
      undefined,
      { settings: { variables: { DATA_BUCKET: 'Team-Data' } } },
    );
    expect(errors).toEqual([]);
    expect(rolePolicies(stack)).toContain('arn:aws:s3:::team-data/*');
  });

  it.each([
    ['put in lower case', 'permissions[0].Resource', '`arn:aws:s3:::${variables.NAME.toLowerCase()}/*`', 'was changed'],
    ['cut', 'permissions[0].Resource', '`arn:aws:s3:::${variables.NAME.slice(0, 8)}`', 'was changed'],
    ['escaped', 'permissions[0].Resource', '`arn:aws:s3:::${encodeURIComponent(variables.NAME)}`', 'was changed'],
    ['put in upper case', 'permissions[0].Resource', '`arn:aws:s3:::${variables.NAME.toUpperCase()}`', 'was changed'],
    [
      'stripped',
      'permissions[0].Resource',
      "`arn:aws:s3:::${variables.NAME.replaceAll(/[^a-z]/gi, '')}`",
      'was changed',
    ],
    [
      'of a variable that nobody gives',
      'permissions[0].Resource',
      '`arn:aws:s3:::${variables.OTHER}/*`',
      'no "undefined"',
    ],
  ])('is an error with file and field when a value is %s', (_, field, resource, problem) => {
    const { errors } = synth(
      {
        '0001.ts': `export const permissions = ({ variables }) => [{ Effect: 'Allow', Action: 's3:*', Resource: ${resource} }];\n${OK}`,
      },
      (team) => ({ variables: { NAME: new Bucket(team, 'Data').bucketName } }),
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`migrations/odin-dev/0001.ts, ${field}: `);
    expect(errors[0]).toContain(problem);
  });

  it.each([
    ['description', 'export const description = `Cleans ${process.env.NAME}`;'],
    ['access[0]', 'export const access = [process.env.NAME];'],
    ['variables', 'export const variables = { [process.env.NAME]: "x" };'],
  ])('a value that stands elsewhere is an error: %s', (field, line) => {
    const { errors } = synth({ '0001.ts': `${line}\n${OK}` }, (team) => ({
      variables: { NAME: new Bucket(team, 'Data').bucketName },
    }));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`migrations/odin-dev/0001.ts, ${field}: a value that only a deployment knows`);
  });

  it('sees no region that was made up', () => {
    const { stack, errors } = synth({
      '0001.ts': `export const variables = { SEEN: process.env.AWS_REGION ?? 'none' };\n${OK}`,
    });
    expect(errors).toEqual([]);
    expect(variablesOf(stack, /-0001$/)).toMatchObject([{ SEEN: 'none' }]);
  });
});

describe('a commit', () => {
  it('that touches none of the files changes one property of two functions', () => {
    const files = { '0001.ts': OK };
    const resources = (commit: string) => resourcesOf(synth(files, () => ({ commit }), { bundled: true }).stack);
    const [before, after] = [resources('a'.repeat(40)), resources('b'.repeat(40))];
    const changed = Object.keys(before).filter((id) => JSON.stringify(before[id]) !== JSON.stringify(after[id]));
    expect(changed.map((id) => id.replace(/\w{8}$/, ''))).toEqual(['MigrationsListPending', 'MigrationsHalt']);
    for (const id of changed) {
      const text = (of: Record<string, SynthesisedResource>) => JSON.stringify(of[id]);
      expect(text(before).replace('a'.repeat(40), 'b'.repeat(40))).toBe(text(after));
    }
  });

  it('is what the CI system says where git says nothing', () => {
    const before = process.env['CI_COMMIT_SHA'];
    process.env['CI_COMMIT_SHA'] = 'c'.repeat(40);
    try {
      const others = ['GITHUB_SHA'].filter((name) => process.env[name] !== undefined);
      const { stack } = synth({ '0001.ts': OK });
      const expected = others.length === 0 ? 'c'.repeat(40) : process.env['GITHUB_SHA'];
      expect(variablesOf(stack, /list-pending$/)).toMatchObject([{ ODIN_COMMIT: expected }]);
    } finally {
      if (before === undefined) delete process.env['CI_COMMIT_SHA'];
      else process.env['CI_COMMIT_SHA'] = before;
    }
  });
});

it('props: variables of a reserved name are refused', async () => {
  const error = await thrownBy(() => synth({ '0001.ts': OK }, () => ({ variables: { ODIN_MIGRATION: '0002' } })));
  expect(error).toMatchObject({ code: 'BadConfiguration', source: 'user' });
  expect(error.what).toContain('ODIN_MIGRATION');
});

describe('odin-migrate.json', () => {
  it('is found from a folder below, and says app, directory and variables, after what the props say', () => {
    project = temporaryProject({
      'odin-migrate.json': JSON.stringify({
        app: 'shop',
        environments: { 'pr-12': { directory: 'operations/dev', variables: { FIRST: 'file', SECOND: 'file' } } },
      }),
      'operations/dev/0001.ts': OK,
      'infra/app.ts': '',
    });
    const here = process.cwd();
    process.chdir(path.join(project.directory, 'infra'));
    try {
      const stack = new Stack(appIn(project, false), 'Team');
      new Migrations(stack, 'Migrations', { environmentName: 'pr-12', variables: { SECOND: 'props' } });
      expect(variablesOf(stack, /^shop--pr-12--0001$/)).toMatchObject([{ FIRST: 'file', SECOND: 'props' }]);
    } finally {
      process.chdir(here);
    }
  });

  it('is not needed: directory and projectRoot say where the files are', () => {
    project = temporaryProject({ 'ops/0007.ts': OK });
    const stack = new Stack(appIn(project, false), 'Team');
    const { migrations } = new Migrations(stack, 'Migrations', {
      environmentName: 'pr-12',
      directory: 'ops',
      projectRoot: project.directory,
    });
    expect(migrations.map(({ file }) => file)).toEqual(['ops/0007.ts']);
    expect(existsSync(path.join(project.directory, '.odin-migrate'))).toBe(false);
  });
});
