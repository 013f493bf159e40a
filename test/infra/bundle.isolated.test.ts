// Bundles: few esbuild calls, the same bytes from the same source wherever it lies, and stack traces that name the file.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import * as esbuild from 'esbuild';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Allowed } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { readCheckpoint } from '../../core/ledger/checkpoints.ts';
import { claimKey } from '../../core/ledger/keys.ts';
import type { Outcome } from '../../core/ledger/turns.ts';
import { lookAtTurn } from '../../core/ledger/turns.ts';
import { SYSTEM_FUNCTIONS, VARIABLES } from '../../core/names/names.ts';
import type { Bundle, Bundles } from '../../project/bundle.ts';
import { bundleEnvironment, writeBundle } from '../../project/bundle.ts';
import type { MigrationFile } from '../../project/discover.ts';
import { discoverEnvironment } from '../../project/discover.ts';
import { writeOwnFunctions } from '../../project/own-functions.ts';
import { planEnvironment } from '../../project/plan.ts';
import { S3Store } from '../../aws/s3-store.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import { createClock } from '../support/clock.ts';
import { HookedStore } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { HASH, IDENTITY } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

// The real esbuild; only its calls are counted.
vi.mock('esbuild', async (original) => {
  const actual = await original<typeof esbuild>();
  return { ...actual, buildSync: vi.fn(actual.buildSync) };
});
const buildSync = vi.mocked(esbuild.buildSync);

const FILES = {
  // Uses the SDK, as most do: the largest part of a bundle comes from node_modules.
  'migrations/odin-dev/0001.ts': `import { S3Client } from '@aws-sdk/client-s3';
export const description = 'The first';
export async function migration(): Promise<void> {
  new S3Client({}).destroy();
}
`,
  'migrations/odin-dev/0002.ts': `import { check } from '../shared.ts';

interface Row { readonly id: string } // erased, so that lines move

export async function migration(): Promise<void> {
  const rows: Row[] = [];

  check(rows.length);
}
`,
  'migrations/odin-dev/0003.ts': `throw new Error('at the top level of 0003');
export async function migration(): Promise<void> {}
`,
  'migrations/odin-dev/0004.ts': `export async function* migration(resume = 0): AsyncGenerator<{ cursor: number }> {
  yield { cursor: resume + 1 };
  console.log('one');
}
`,
  'migrations/shared.ts': `export class Refused extends Error {
  override name = 'Refused';
}

export function check(count: number): void {
  if (count === 0) throw new Refused(\`\${count} rows\`);
}
`,
};
const THE_FIFTH = `export async function migration(): Promise<void> {}\n`;

let one: TemporaryProject;
let other: TemporaryProject;
let first: Bundles<MigrationFile>;
let second: Bundles<MigrationFile>;
/** The outputs of each call of esbuild for the first project. */
let callsForOne: string[][];

function bundle(project: TemporaryProject): Bundles<MigrationFile> {
  const { migrations } = discoverEnvironment('odin-dev', project.directory, project.configuration);
  return bundleEnvironment(project.directory, migrations);
}
const all = ({ system, migrations }: Bundles<MigrationFile>): { name: string; bundle: Bundle }[] => [
  ...SYSTEM_FUNCTIONS.map((name) => ({ name, bundle: system[name] })),
  ...migrations.map(({ id, bundle }) => ({ name: id, bundle })),
];
/** No package is shipped beside these. */
const contents = ({ files }: Bundle): [string, string][] =>
  [...files].map(([file, content]): [string, string] => [file, content as string]).sort(([a], [b]) => (a < b ? -1 : 1));
const filesOf = (bundle: Bundle) => contents(bundle).map(([file]) => file);
const read = ({ files }: Bundle, file: string) => files.get(file) as string;

/** Tells which classes of the client have another name than they are exported by, and how many functions are given one in ten requests. */
const COUNTS_NAMES = `
let named = 0;
const { defineProperty } = Object;
Object.defineProperty = (target, name, how) => {
  if (name === 'name' && typeof target === 'function') named += 1;
  return defineProperty(target, name, how);
};
const client = await import('./@aws-sdk/client-s3.mjs');
const isClass = (value) => typeof value === 'function' && Function.prototype.toString.call(value).startsWith('class');
const unnamed = Object.entries(client).flatMap(([name, value]) => (isClass(value) && value.name !== name ? [name] : []));
const s3 = new client.S3Client({
  region: 'eu-west-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  requestHandler: { handle: async () => ({ response: { statusCode: 200, headers: {} } }) },
});
const ask = () => s3.send(new client.HeadObjectCommand({ Bucket: 'bucket', Key: 'key' }));
await ask();
const before = named;
for (let n = 0; n < 10; n += 1) await ask();
console.log(JSON.stringify({ unnamed, namedAnew: named - before }));
`;

/** A code of zod's issues. */
const SCHEMAS = 'invalid_type';

/** The text of a file, and of all that it imports but by import(). */
function loadedAtOnce(bundle: Bundle, entry: string): string {
  const files = new Set([entry]);
  for (const file of files) {
    for (const [, imported = ''] of read(bundle, file).matchAll(/\b(?:from|import)\s*["']\.\/([^"']+)["']/g)) {
      files.add(imported);
    }
  }
  return [...files].map((file) => read(bundle, file)).join('\n');
}

beforeAll(() => {
  one = temporaryProject(FILES);
  other = temporaryProject({ ...FILES, 'migrations/odin-dev/0005.ts': THE_FIFTH }, { under: 'deeper/Über 100 %' });
  buildSync.mockClear();
  first = bundle(one);
  callsForOne = buildSync.mock.calls.map(([options]) =>
    (options?.entryPoints as { out: string }[]).map(({ out }) => out),
  );
  second = bundle(other);
});
afterAll(() => {
  one.remove();
  other.remove();
});

describe('bundleEnvironment', () => {
  it("calls esbuild once for all migrations, and at most once for the package's functions and for each client", () => {
    expect(callsForOne.filter(([out]) => out === '0001')).toEqual([['0001', '0002', '0003', '0004']]);
    expect(new Set(callsForOne.map(([out]) => out)).size).toBe(callsForOne.length);
    expect(callsForOne.length).toBeLessThanOrEqual(5);
    expect(all(first).map(({ name }) => name)).toEqual([...SYSTEM_FUNCTIONS, '0001', '0002', '0003', '0004']);
  });

  it('has a migration with its map, and each with what it imports', () => {
    for (const { id, bundle } of first.migrations) {
      const own = filesOf(bundle).filter((file) => !/^(part-|@aws-sdk\/)/.test(file));
      expect(own).toEqual([
        `${id}.mjs`,
        `${id}.mjs.map`,
        `${id}.process.mjs`,
        'index.mjs',
        'run-migration.mjs',
        'user-process.mjs',
      ]);
    }
    for (const name of SYSTEM_FUNCTIONS) {
      expect(filesOf(first.system[name]).filter((file) => !file.startsWith('part-'))).toEqual(['index.mjs']);
    }
    for (const { bundle } of all(first)) {
      const files = filesOf(bundle);
      for (const [file, text] of contents(bundle)) {
        for (const [, imported = ''] of text.matchAll(/\b(?:from|import)\s*\(?["'](\.\.?\/[^"']+)["']/g)) {
          expect(files, `${file} imports it`).toContain(path.join(path.dirname(file), imported));
        }
      }
    }
  });

  it('has a client of the AWS SDK beside the migration that imports it, and beside no other', () => {
    const clients = ({ bundle }: { bundle: Bundle }) =>
      filesOf(bundle).filter((file) => /^@aws-sdk\/client-\w+\.mjs$/.test(file));
    expect(first.migrations.map(clients)).toEqual([['@aws-sdk/client-s3.mjs'], [], [], []]);
  });

  it('has a client whose classes have their names, and which names no function anew for a request', async () => {
    const bundle = first.migrations[0]?.bundle as Bundle;
    const folder = path.join(one.directory, 'names');
    for (const file of filesOf(bundle).filter((each) => each.startsWith('@aws-sdk/'))) {
      one.write(path.join('names', file), read(bundle, file));
    }
    one.write('names/count.mjs', COUNTS_NAMES);
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(folder, 'count.mjs')]);
    expect(JSON.parse(stdout)).toEqual({ unnamed: ['$Command', '__Client'], namedAnew: 0 });
  });

  it('has a client in it that one of its modules takes in another version than the project', () => {
    one.write('older/node_modules/@aws-sdk/client-s3/package.json', '{"name":"@aws-sdk/client-s3","main":"index.js"}');
    one.write('older/node_modules/@aws-sdk/client-s3/index.js', `export const S3Client = 'an older client';\n`);
    one.write('older/package.ts', `export { S3Client as Older } from '@aws-sdk/client-s3';\n`);
    const file = (id: string, text: string) => {
      one.write(`older/${id}.ts`, text);
      return { id, file: `older/${id}.ts`, path: path.join(one.directory, `older/${id}.ts`), sourceSha256: HASH };
    };
    const { migrations } = bundleEnvironment(one.directory, [
      file('0001', `import { Older } from './package.ts';\nimport '@aws-sdk/client-sqs';\nconsole.log(Older);\n`),
      file('0002', `import { SQSClient } from '@aws-sdk/client-sqs';\nnew SQSClient({});\n`),
    ]);
    const [first, second] = migrations.map(({ bundle }) => bundle);
    expect(read(first!, '0001.mjs')).toContain('an older client');
    expect(filesOf(first!)).toContain('@aws-sdk/client-sqs.mjs');
    expect(filesOf(first!)).not.toContain('@aws-sdk/client-s3.mjs');
    expect(read(second!, '0002.mjs')).not.toContain('an older client');
  });

  it('hashes the code that is deployed', () => {
    for (const { name, bundle } of all(first)) {
      const code = contents(bundle).filter(
        ([file]) => !file.endsWith('.map') && !(/^\d/.test(name) && /^(index|\d+\.process)\.mjs$/.test(file)),
      );
      const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
      expect(bundle.codeSha256).toBe(sha256(code.map(([file, text]) => `${file} ${sha256(text)}\n`).join('')));
    }
  });

  it('gives the same bytes for the same source in another copy of the project', () => {
    const others = new Map(all(second).map(({ name, bundle }) => [name, bundle]));
    for (const { name, bundle } of all(first)) {
      const other = others.get(name)!;
      expect(filesOf(other)).toEqual(filesOf(bundle));
      for (const [file, text] of contents(other)) expect(read(bundle, file) === text, `${name}/${file}`).toBe(true);
      expect(other.sha256).toBe(bundle.sha256);
    }
  });

  it('gives the same bytes each time for what the package brings', () => {
    const folders = ['once', 'again'].map((name) => path.join(one.directory, name));
    for (const folder of folders) writeOwnFunctions(folder);
    const [once, again] = folders.map((folder) =>
      readdirSync(folder).map((file) => [file, readFileSync(path.join(folder, file), 'utf8')] as const),
    );
    expect(again).toEqual(once);
    // What esbuild has in place of a require(): no own file has the banner that defines one.
    for (const [file, text] of once ?? []) expect(text, file).not.toContain('Dynamic require of');
    expect(new Map(once).get('halt.mjs')).toBe(read(first.system.halt, 'index.mjs'));
  });

  it('changes no other bundle when a migration is added', () => {
    // The other copy has 0005.ts besides.
    expect(all(second)).toHaveLength(all(first).length + 1);
    expect(
      all(second)
        .slice(0, -1)
        .map(({ bundle }) => bundle.sha256),
    ).toEqual(all(first).map(({ bundle }) => bundle.sha256));
  });

  it('has nothing in it of where the project lies', () => {
    for (const { bundle } of all(first)) {
      for (const [, text] of contents(bundle)) {
        expect(text).not.toContain(one.directory);
        expect(text).not.toContain(path.basename(one.directory));
      }
    }
  });

  it("names the sources in a map from the project's root", () => {
    const { sources } = JSON.parse(read(first.migrations[1]!.bundle, '0002.mjs.map')) as {
      sources: string[];
    };
    expect(sources).toEqual(['migrations/shared.ts', 'migrations/odin-dev/0002.ts']);
  });

  it('has no code for the practice of faults, and each migration only its own', () => {
    for (const { name, bundle } of all(first)) {
      const text = contents(bundle).map(([, each]) => each);
      expect(text.join('\n')).not.toContain('PracticeFailure');
      expect(filesOf(bundle).filter((file) => /^\d/.test(file))).toEqual(
        /^\d/.test(name) ? [`${name}.mjs`, `${name}.mjs.map`, `${name}.process.mjs`] : [],
      );
    }
  });

  it('loads at the start of a run what a run needs: of AWS the ledger alone, and schemas where records are read', () => {
    for (const { bundle, name } of all(first).filter(({ name }) => /^\d/.test(name))) {
      const ofFunction = loadedAtOnce(bundle, 'index.mjs');
      const ofProcess = loadedAtOnce(bundle, `${name}.process.mjs`);
      expect(ofFunction).toContain('GetObject');
      expect(ofFunction).toContain(SCHEMAS);
      for (const other of ['AssumeRole', 'PublishBatch', 'PutEvents', 'StartExecution']) {
        expect(ofFunction).not.toContain(other);
      }
      expect(ofProcess).toContain('beforeExit');
      expect(ofProcess).not.toContain(SCHEMAS);
    }
  });

  it('has no part of CDK', () => {
    for (const { bundle } of all(first)) {
      for (const [, text] of contents(bundle)) expect(text).not.toMatch(/aws-cdk-lib|CfnResource/);
    }
  });

  it('has none of the forty translations of zod, a third of its size', () => {
    const german = readFileSync(path.resolve('node_modules/zod/v4/locales/de.js'), 'utf8');
    const word = 'Ungültige Eingabe';
    expect(german).toContain(word);
    for (const { bundle } of all(first)) {
      for (const [, text] of contents(bundle))
        expect(text.includes(word) || text.includes('Ung\\xFCltige')).toBe(false);
    }
  });

  it('refuses a file that cannot be bundled, with its place', async () => {
    one.write('broken/0009.ts', `export const a = 1;\nimport { x } from './no-such-file.ts';\nexport const b = x;\n`);
    const file = { id: '0009', file: 'broken/0009.ts', path: path.join(one.directory, 'broken/0009.ts') };
    const error = await thrownBy(() => bundleEnvironment(one.directory, [{ ...file, sourceSha256: HASH }]));
    expect(error).toMatchObject({ code: 'BundlingFailed', source: 'user' });
    expect(error.what).toMatch(/^broken\/0009\.ts:2:\d+: Could not resolve/);
  });
});

describe('a bundle that runs', () => {
  let aws: Awaited<ReturnType<typeof startEmbeddedAws>>;
  let s3: S3Client;
  let store: S3Store;
  let ledger: LedgerBefore;
  /** Of the invocation. */
  let turn: Numbered<Allowed>;
  const logs: string[] = [];

  beforeAll(async () => {
    aws = await startEmbeddedAws({
      directory: path.join(one.directory, 'aws'),
      parentEnvironment: {},
      onLog: ({ line }) => logs.push(line),
    });
    const { endpoint, region, credentials } = aws;
    s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: 'ledger' }));
    store = new S3Store(s3, 'ledger');
    ledger = ledgerBefore({ store: new HookedStore(store), clock: createClock() });
    aws.lambda.updateFunctions(
      first.migrations.map(({ id, bundle }) => ({
        name: id,
        directory: written(id, bundle),
        timeoutSeconds: 60,
        environment: {
          NODE_OPTIONS: '--enable-source-maps',
          [VARIABLES.environment]: 'odin-dev',
          [VARIABLES.ledgerBucket]: 'ledger',
          [VARIABLES.migration]: id,
          [VARIABLES.codeSha256]: bundle.codeSha256,
          [VARIABLES.account]: IDENTITY.account,
        },
      })),
    );
  });
  afterAll(async () => {
    s3.destroy();
    await aws.close();
  });
  beforeEach(() => {
    logs.length = 0;
  });

  function written(id: string, bundle: Bundle): string {
    const directory = path.join(one.directory, 'functions', id);
    writeBundle(bundle, directory);
    return directory;
  }

  async function outcome(): Promise<Outcome | undefined> {
    const look = await lookAtTurn(store, turn, 0);
    return look.seen === 'closed' ? look.outcome : undefined;
  }

  async function invoke(migration: string): Promise<Record<string, unknown>> {
    const open = (await ledger.look()).turn?.allowed;
    if (open) await ledger.complete(open.migration, 'skipped');
    const { codeSha256 } = first.migrations.find(({ id }) => id === migration)!.bundle;
    turn = await ledger.allow(migration, { codeSha256 });
    const payload = { ask: 'run', execution: turn.execution, migration, attempt: 1, slice: 1, turn: turn.number };
    return JSON.parse((await aws.lambda.invoke(migration, JSON.stringify(payload))).payload) as Record<string, unknown>;
  }

  it('and throws leaves a stack that names the lines of the files, and the name of the error class', async () => {
    expect(await invoke('0002')).toMatchObject({
      errorType: 'MigrationFailed',
      errorMessage: 'Migration 0002, attempt 1, failed: Refused: 0 rows',
    });
    const error = (await outcome())?.error;
    expect(error).toMatchObject({ name: 'Refused', message: '0 rows' });
    expect(error?.stack).toMatch(/check \(.*migrations\/shared\.ts:6:\d+\)/);
    expect(error?.stack).toMatch(/migration \(.*migrations\/odin-dev\/0002\.ts:8:\d+\)/);
    expect(error?.stack).not.toContain(path.basename(one.directory) + '/migrations');
  });

  it('evaluates the file after the claim: what its top level throws is an outcome of the attempt', async () => {
    expect(await invoke('0003')).toMatchObject({ errorType: 'MigrationFailed' });
    expect(await store.get(claimKey(turn))).toBeDefined();
    const ended = await outcome();
    expect(ended).toMatchObject({ outcome: 'failed', error: { message: 'at the top level of 0003' } });
    expect(ended?.error?.stack).toMatch(/migrations\/odin-dev\/0003\.ts:1:\d+/);
  });

  it('and returns leaves its outcome, its checkpoint, and its prints in the structured log', async () => {
    expect(await invoke('0004')).toMatchObject({ outcome: 'finished', migration: '0004', attempt: 1 });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded' });
    expect(await readCheckpoint(store, '0004')).toMatchObject({
      checkpoint: { cursor: 1, codeSha256: first.migrations[3]?.bundle.codeSha256 },
    });
    const printed = logs.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ from }) => from);
    expect(printed).toMatchObject([{ message: 'one', from: 'migration', migration: '0004', attempt: 1 }]);
  });

  it('and was sent nonsense answers BadPayload, and leaves nothing', async () => {
    const answer = await aws.lambda.invoke('0001', '{"ask":"run","migration":"0001"}');
    expect(answer.functionError).toBe('Unhandled');
    expect(JSON.parse(answer.payload)).toMatchObject({ errorType: 'BadPayload' });
    expect((await store.list('turns/0001/')).objects).toEqual([]);
  });
});

describe('planEnvironment', () => {
  const project = () => {
    one.write('migrations/odin-small/0007.ts', `export const description = 'Small';\n${THE_FIFTH}`);
    one.write('migrations/odin-small/007.ts', '');
    return one;
  };

  it('ships the manifest inside the functions that read it, and in no other', () => {
    const { directory, configuration } = project();
    buildSync.mockClear();
    const plan = planEnvironment({ environment: 'odin-small', projectDirectory: directory, configuration });
    expect(plan.manifest).toEqual({
      formatVersion: 1,
      environment: 'odin-small',
      migrations: [
        {
          id: '0007',
          file: 'migrations/odin-small/0007.ts',
          description: 'Small',
          functionName: 'odin-migrate-odin-small-0007',
          sourceSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
          sources: plan.bundles.migrations[0]?.sources,
          codeSha256: plan.bundles.migrations[0]?.bundle.codeSha256,
          timeoutSeconds: 900,
          checkpointed: false,
        },
      ],
    });
    expect(plan.bundles.migrations[0]?.sources).toMatchObject({ version: 2 });
    expect(plan.warnings).toHaveLength(1);
    for (const name of ['list-pending', 'halt', 'resume', 'baseline', 'dashboard'] as const) {
      expect(JSON.parse(read(plan.bundles.system[name], 'manifest.json'))).toEqual(plan.manifest);
    }
    for (const name of ['record-completion', 'watch-halts'] as const) {
      expect(filesOf(plan.bundles.system[name])).not.toContain('manifest.json');
    }
    expect(buildSync).toHaveBeenCalledTimes(2); // one to read the exports, one for the bundles
  });

  it('writes nothing', () => {
    const { directory, configuration } = project();
    const before = readdirSync(directory).sort();
    planEnvironment({ environment: 'odin-small', projectDirectory: directory, configuration });
    expect(readdirSync(directory).sort()).toEqual(before);
  });

  it('has the same system functions for each environment of a project, and bundles them once', () => {
    const { directory, configuration } = project();
    buildSync.mockClear();
    const plan = planEnvironment({
      environment: 'odin-small',
      projectDirectory: directory,
      configuration,
    });
    const entries = buildSync.mock.calls.at(-1)?.[0]?.entryPoints as { out: string }[];
    expect(entries.map(({ out }) => out)).toEqual(['0007']);
    for (const name of SYSTEM_FUNCTIONS) {
      expect(plan.bundles.system[name].codeSha256).toBe(first.system[name].codeSha256);
    }
  });

  it('may have no migration at all, in a folder that is there', () => {
    const { directory, configuration, write } = project();
    const gone = planEnvironment({ environment: 'odin-empty', projectDirectory: directory, configuration });
    expect(gone.problems.map(({ code }) => code)).toEqual(['BadConfiguration']);
    write('migrations/odin-empty/.gitkeep', '');
    const plan = planEnvironment({ environment: 'odin-empty', projectDirectory: directory, configuration });
    expect(plan.manifest.migrations).toEqual([]);
    expect(plan.problems).toEqual([]);
    expect(plan.bundles.system.halt.codeSha256).toBe(first.system.halt.codeSha256);
  });

  it('of a practice has the fault in the one bundle that it is for, which counts as the code without it', () => {
    const { directory, configuration } = project();
    const options = { environment: 'odin-small', projectDirectory: directory, configuration };
    const plan = planEnvironment({ ...options, practiceFault: { migration: '0007', fault: 'fail' } });
    expect(filesOf(plan.bundles.migrations[0]!.bundle)).toContain('practice-fault.mjs');
    expect(plan.manifest).toEqual(planEnvironment(options).manifest);
  });
});
