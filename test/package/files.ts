// The files of the projects in projects.ts, path → text.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_DIRECTORY } from '../../project/package.ts';

type Files = Record<string, string>;

/** A migration, and the data of its local runs. */
export const MIGRATION: Files = {
  'migrations/odin-dev/0001.ts': `import { S3Client } from '@aws-sdk/client-s3';
import { deleteObjects, type PageCursor, pages } from 'odin-migrate/s3';

export const description = 'Deletes what is under old/';
export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::team-data'] },
  { Effect: 'Allow', Action: ['s3:DeleteObject'], Resource: ['arn:aws:s3:::team-data/old/*'] },
];

const s3 = new S3Client({});

export async function* migration(resume?: PageCursor): AsyncGenerator<{ cursor: PageCursor }> {
  const bucket = process.env['DATA_BUCKET'] ?? 'team-data';
  for await (const { objects, checkpoint } of pages({ s3, bucket, prefix: 'old/', resume, pageSize: 2 })) {
    await deleteObjects({ s3, bucket, keys: objects.map(({ key }) => key) });
    yield checkpoint;
  }
}
`,
  'migrations/data.ts': `import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

export default async function put(s3: S3Client): Promise<string> {
  await s3.send(new CreateBucketCommand({ Bucket: 'team-data' })).catch(() => undefined);
  for (const key of ['old/1', 'old/2', 'old/3', 'kept']) {
    await s3.send(new PutObjectCommand({ Bucket: 'team-data', Key: key, Body: key }));
  }
  return 'four objects';
}
`,
  /** Which files that the code of 0001 loads have the client in them. */
  'copies.mjs': `import { existsSync, readdirSync, readFileSync } from 'node:fs';
const assembly = '.odin-migrate/local/odin-dev/cdk.out/';
const bundle = readdirSync(assembly).map((name) => assembly + name).find((folder) => existsSync(folder + '/0001.mjs'));
const files = [bundle + '/0001.mjs', ...readdirSync(bundle + '/@aws-sdk').map((name) => bundle + '/@aws-sdk/' + name)];
// The namespace of its shapes.
const copies = files.filter((file) => readFileSync(file, 'utf8').includes('com.amazonaws.s3')).length;
console.log(copies === 1 ? '1 copy' : copies + ' copies');
`,
};

export const APP_CODE = `import { App, Stack } from 'aws-cdk-lib';
import { Migrations } from 'odin-migrate';

new Migrations(new Stack(new App(), 'Team'), 'Migrations', { environmentName: 'odin-dev' });
`;

/** A CDK app of a team's own, in ES modules. */
export const APP: Files = {
  'package.json': json({ name: 'team', private: true, type: 'module' }),
  'cdk.json': json({ app: 'npx --no-install tsx app.ts' }),
  'odin-migrate.json': json({
    environments: {
      'odin-dev': { variables: { DATA_BUCKET: 'team-data' }, local: { data: 'migrations/data.ts' } },
    },
  }),
  'app.ts': APP_CODE,
};

const STACK_TEST = `
test('the stack has the function of 0001', () => {
  const stack = new Stack(new App(), 'Team');
  new Migrations(stack, 'Migrations', { environmentName: 'odin-dev' });
  Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', { FunctionName: 'odin-migrate-odin-dev-0001' });
}, 60_000);
`;
const MIGRATION_TEST = `
let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment({ environment: 'odin-dev' });
}, 60_000);
afterAll(() => environment.close());

test('0001 deletes what is under old/', async () => {
  await environment.put('team-data', { 'old/1': '1', 'old/2': '2', 'old/3': '3', kept: 'kept' });
  expect(await environment.run('0001')).toMatchObject({ outcome: 'finished', checkpoints: 2 });
  expect(await environment.list('team-data')).toEqual(['kept']);
}, 60_000);
`;
const STACK_IMPORTS = `import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Migrations } from 'odin-migrate';
`;
const MIGRATION_IMPORTS = `import { startTestEnvironment, type TestEnvironment } from 'odin-migrate/testing';
`;

const tests = (imports: string): Files => ({
  'test/stack.test.ts': imports + STACK_IMPORTS + STACK_TEST,
  'test/migration.test.ts': imports + MIGRATION_IMPORTS + MIGRATION_TEST,
});

export const VITEST: Files = tests("import { afterAll, beforeAll, expect, test } from 'vitest';\n");
/** Its functions are globals. */
export const JEST: Files = tests('');

const tsconfig = (module: string, skipLibCheck: boolean, moduleResolution = module): string =>
  json({
    compilerOptions: {
      target: 'es2022',
      lib: ['es2022'],
      module,
      moduleResolution,
      types: ['node'],
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck,
    },
    files: ['migrations/odin-dev/0001.ts', 'migrations/data.ts', 'app.ts', 'uses.ts', 'typed.ts'],
  });

/** `nodenext` checks the declarations of this package as a whole, and of all others: it takes its time. */
export const TYPES: Files = {
  'tsconfig.json': tsconfig('nodenext', false),
  'tsconfig.node16.json': tsconfig('node16', true),
  /** Of many an older project: it knows no `exports`. */
  'tsconfig.node10.json': tsconfig('commonjs', true, 'node10'),
  'uses.ts': `import type { TestEnvironment } from 'odin-migrate/testing';

export const run = (environment: TestEnvironment) => environment.run('0001', { crashAfterCheckpoint: 1 });
`,
  /** What an author types, and what an editor has to tell of. */
  'typed.ts': `import type { Permissions as FromTheRoot } from 'odin-migrate';
import type { Batch, Checkpoint, Migration, Permissions, Plan, PlannedItems } from 'odin-migrate/types';

export const permissions: Permissions = [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::team-data/*' }];
export const same: FromTheRoot = permissions;
// @ts-expect-error -- of what?
export const half: Permissions = [{ Effect: 'Allow', Action: 's3:GetObject' }];
export const plain: Migration = async () => {};
// @ts-expect-error -- it has no cursor
export const none: Migration = async function* () { yield { done: 1 }; };
export const checkpointed: Migration = async function* (resume = 0) { yield { cursor: resume + 1, done: 1, total: 2, notBefore: new Date() }; };
export async function* declared(resume = 0): AsyncGenerator<Checkpoint<number>> { yield { cursor: resume + 1 }; }
export const plan: Plan<string, number> = async function* (resume = 0) { yield { items: ['a'], cursor: resume + 1 }; };
export async function* planned(): AsyncGenerator<PlannedItems<string>> { yield { items: ['a'], cursor: 'a' }; }
export const batches: Migration = async (items: string[], batch) => console.log(items, batch.of);
export async function batch(items: string[], { number }: Batch): Promise<void> { console.log(items, number); }
`,
};

/** Of one of the projects in examples/. */
export function example(name: string): Files {
  const folder = path.join(PACKAGE_DIRECTORY, 'examples', name);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((file) => !/^(node_modules|cdk\.out|\.odin-migrate|package-lock\.json)/.test(file));
  return Object.fromEntries(files.map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]));
}

/** What a Node.js of that version, or Yarn's Plug'n'Play, looks like to a program. */
export const PRETENDED: Files = {
  'as-node-20.cjs': "Object.defineProperty(process.versions, 'node', { value: '20.20.2' });\n",
  'as-plug-and-play.cjs': "Object.defineProperty(process.versions, 'pnp', { value: '3' });\n",
};

export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
