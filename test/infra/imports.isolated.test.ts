// What a migration may import besides packages of JavaScript: `check` takes it, and the bundle that is deployed has all of it. It is
// run outside of the project, where nothing else would be found.
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkEnvironment } from '../../cli/commands/check.ts';
import { RunReport } from '../../cli/terminal/run-report.ts';
import { runToEnd } from '../../cli/terminal/run-to-end.ts';
import { startRun } from '../../client/deployment.ts';
import { startEmbedded } from '../../client/embedded.ts';
import { previewMigration } from '../../client/preview.ts';
import { Told } from '../../client/run-events.ts';
import type { Bundle } from '../../project/bundle.ts';
import type { EnvironmentPlan } from '../../project/plan.ts';
import { planEnvironment } from '../../project/plan.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';

/** A real package with native addons: one package for each system, which its code finds by a name that it makes up. */
const NATIVE = 'lightningcss';
const REPORT = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
const LIBC = REPORT.header.glibcVersionRuntime === undefined ? '-musl' : '-gnu';
const NATIVE_HERE = `${NATIVE}-${process.platform}-${process.arch}${process.platform === 'linux' ? LIBC : ''}`;
/** (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)) */
const ADD_WASM = Buffer.from('AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=', 'base64');

const TYPES = `declare module '*.sql' { const text: string; export default text; }
declare module '*.csv' { const text: string; export default text; }
declare module '*.txt' { const text: string; export default text; }
declare module '*.dat' { const text: string; export default text; }
declare module '*.bin' { const bytes: Uint8Array; export default bytes; }
declare module '*.wasm' { const bytes: Uint8Array<ArrayBuffer>; export default bytes; }
`;
const TSCONFIG = {
  extends: './tsconfig.base.json',
  compilerOptions: { paths: { '@shop/*': ['./src/*'], '#text': ['./src/text.ts'] } },
  include: ['src', 'migrations'],
};
const BASE = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    skipLibCheck: true,
    allowJs: true,
    types: ['node'],
    allowImportingTsExtensions: true,
    noEmit: true,
    resolveJsonModule: true,
  },
};

const FILES = {
  'package.json': '{"name":"shop","type":"module"}',
  'tsconfig.json': JSON.stringify(TSCONFIG),
  'tsconfig.base.json': JSON.stringify(BASE),
  'src/types.d.ts': TYPES,
  'src/orders.ts': `import { text } from '#text';\nexport const orders = (): string => text('orders');\n`,
  'src/text.ts': 'export const text = (name: string): string => `the ${name}`;\n',
  'src/js.js': "export const js = 'js';\n",
  'src/mjs.mjs': "export const mjs = 'mjs';\n",
  'src/cjs.cjs': "exports.cjs = 'cjs';\n",
  'src/mts.mts': "export const mts: string = 'mts';\n",
  'src/cts.cts': "export const cts: string = 'cts';\n",
  'migrations/odin-dev/0001.ts': `import { orders } from '@shop/orders.ts';
import { text } from '#text';
import { js } from '@shop/js.js';
import { mjs } from '../../src/mjs.mjs';
import { cjs } from '../../src/cjs.cjs';
import { mts } from '@shop/mts.mjs';
import { cts } from '../../src/cts.cts';

export async function migration(): Promise<void> {
  console.log('first:', orders(), text('text'), js, mjs, cjs, mts, cts);
}
`,
  'migrations/odin-dev/prices.json': '{ "pears": 3 }',
  'migrations/odin-dev/orders.sql': 'select 1;',
  'migrations/odin-dev/orders.csv': 'a,b',
  'migrations/odin-dev/orders.txt': 'some text',
  'migrations/odin-dev/0002.ts': `import prices from './prices.json' with { type: 'json' };
import sql from './orders.sql';
import csv from './orders.csv';
import txt from './orders.txt';

export async function migration(): Promise<void> {
  console.log('second:', prices.pears, sql, csv, txt);
}
`,
  'migrations/odin-dev/0003.ts': `import { transform } from '${NATIVE}';

export const previewAllows = ['addons'];

export async function migration(): Promise<void> {
  const { code } = transform({ filename: 'a.css', code: Buffer.from('a { color: #ff0000 }'), minify: true });
  console.log('third:', code.toString());
}
`,
  'node_modules/adder/package.json':
    '{"name":"adder","version":"1.0.0","main":"lib/index.js","types":"lib/index.d.ts","dependencies":{"adder-core":"1"}}',
  'node_modules/adder/lib/index.d.ts': 'export function add(a: number, b: number): number;\n',
  'node_modules/adder/lib/index.js': `const { instance } = require('adder-core');
exports.add = (a, b) => instance(require('node:path').join(__dirname, 'add.wasm')).exports.add(a, b);
`,
  'node_modules/adder-core/package.json': '{"name":"adder-core","version":"1.0.0"}',
  'node_modules/adder-core/index.js': `const { readFileSync } = require('node:fs');
exports.instance = (file) => new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
`,
  // It has no such files, and looks for its data where it lies.
  'node_modules/greeter/package.json': '{"name":"greeter","version":"1.0.0","types":"index.d.ts"}',
  'node_modules/greeter/index.d.ts': 'export function greet(): string;\n',
  'node_modules/greeter/index.js':
    "exports.greet = () => require('node:fs').readFileSync(require('node:path').join(__dirname, 'greeting.txt'), 'utf8');\n",
  'node_modules/greeter/greeting.txt': 'hello',
  'migrations/odin-dev/notes.dat': 'a note',
  'migrations/odin-dev/0005.ts': `import { greet } from 'greeter';
import notes from './notes.dat' with { type: 'text' };
import picture from './picture.bin' with { type: 'bytes' };

export async function migration(): Promise<void> {
  console.log('fifth:', greet(), notes, picture.length, picture[0]);
}
`,
  'migrations/odin-dev/0004.ts': `import { add } from 'adder';
import bytes from '../../src/add.wasm';

export async function migration(): Promise<void> {
  const { instance } = await WebAssembly.instantiate(bytes);
  const own = (instance.exports['add'] as (a: number, b: number) => number)(30, 4);
  console.log('fourth:', add(2, 3), own);
}
`,
};

let project: TemporaryProject;
const outside = realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-outside-')));

beforeAll(() => {
  project = temporaryProject(FILES, { packages: [NATIVE, '@types/node'] });
  writeFileSync(path.join(project.directory, 'migrations/odin-dev/picture.bin'), Buffer.from([0xff, 0xfe, 0x80])); // no UTF-8
  for (const file of ['node_modules/adder/lib/add.wasm', 'src/add.wasm']) {
    writeFileSync(path.join(project.directory, file), ADD_WASM);
  }
});
afterAll(() => {
  project.remove();
  rmSync(outside, { recursive: true, force: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

function planOf(environment: string, architecture?: string): EnvironmentPlan {
  const { directory, configuration } = project;
  return planEnvironment({ environment, projectDirectory: directory, configuration, architecture });
}
const bundleOf = ({ bundles }: EnvironmentPlan, id: string) =>
  bundles.migrations.find((each) => each.id === id)!.bundle;
const filesBeside = ({ files }: Bundle) => [...files.keys()].filter((file) => file.startsWith('node_modules')).sort();

describe('aliases, modules of every kind, JSON, text, native addons and WebAssembly', () => {
  it('check finds nothing wrong', async () => {
    const { findings } = await checkEnvironment(project, 'odin-dev', undefined);
    expect(findings.filter(({ rule }) => rule !== 'name')).toEqual([]);
  });

  it('run on this machine, from the bundles alone', async () => {
    const lines: string[] = [];
    const embedded = await startEmbedded({
      project,
      environment: 'odin-dev',
      directory: outside,
      onLog: ({ line }) => lines.push(line),
    });
    try {
      vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      const { deployment, manifest } = embedded;
      for (const entry of manifest.migrations) {
        expect(await previewMigration(deployment, entry)).toMatchObject({ outcome: 'finished', refused: [] });
      }
      lines.length = 0;
      const told = await Told.everythingIn(deployment.ledger);
      const executionArn = await startRun(deployment, {});
      const report = new RunReport();
      report.describe(manifest);
      expect(await runToEnd({ deployment, executionArn, told, report, pollMs: 100 })).toMatchObject({ exitCode: 0 });
    } finally {
      await embedded.close();
    }
    const printed = lines.flatMap(
      (line) => /"message":"((?:first|second|third|fourth|fifth): [^"]*)"/.exec(line)?.[1] ?? [],
    );
    expect(printed).toEqual([
      'first: the orders the text js mjs cjs mts cts',
      'second: 3 select 1; a,b some text',
      'third: a{color:red}',
      'fourth: 5 34',
      'fifth: hello a note 3 255',
    ]);
  });
});

describe('what is shipped beside a bundle', () => {
  it('is what the migration imports, what that needs, and nothing else; the others have nothing', () => {
    const plan = planOf('odin-dev');
    expect(plan.problems).toEqual([]);
    for (const id of ['0001', '0002']) expect(filesBeside(bundleOf(plan, id))).toEqual([]);
    const packages = (id: string) =>
      [...new Set(filesBeside(bundleOf(plan, id)).map((file) => file.split('/')[1]))].sort();
    expect(packages('0003')).toEqual(['detect-libc', NATIVE, NATIVE_HERE]);
    expect(filesBeside(bundleOf(plan, '0004'))).toEqual([
      'node_modules/adder-core/index.js',
      'node_modules/adder-core/package.json',
      'node_modules/adder/lib/add.wasm',
      'node_modules/adder/lib/index.js',
      'node_modules/adder/package.json',
    ]);
    expect(packages('0005')).toEqual(['greeter']);
  });

  it('is a part of the code: another content is other code', () => {
    project.write('migrations/adds/0001.ts', FILES['migrations/odin-dev/0004.ts']);
    const core = 'node_modules/adder-core/index.js';
    const text = readFileSync(path.join(project.directory, core), 'utf8');
    const code = () => bundleOf(planOf('adds'), '0001').codeSha256;
    const before = code();
    project.write(core, `${text}// changed\n`);
    expect(code()).not.toBe(before);
    project.write(core, text);
    expect(code()).toBe(before);
  });

  it('is refused when its addon is for another processor than that of the function, by name', () => {
    const [architecture, arch] = process.arch === 'arm64' ? ['x86_64', 'x64'] : ['arm64', 'arm64'];
    project.write('migrations/styles/0001.ts', FILES['migrations/odin-dev/0003.ts']);
    const { problems } = planOf('styles', architecture);
    expect(problems).toHaveLength(1);
    const [{ code, what, next } = {}] = problems;
    expect(code).toBe('BundlingFailed');
    expect(what).toContain(
      `migrations/styles/0001.ts: the package ${NATIVE_HERE} has no native addon for linux ${arch}, found `,
    );
    expect(what).toContain(`.node for ${process.platform} ${process.arch}`);
    const own = process.arch === 'arm64' ? 'arm64' : 'x86_64';
    project.write(
      'migrations/styles/0001.ts',
      `export const architecture = '${architecture}';\n${FILES['migrations/odin-dev/0003.ts']}`,
    );
    expect(planOf('styles', own).problems[0]?.what).toBe(what);
    expect(next).toContain(`npm install --os=linux --cpu=${arch}`);
  });
});

describe('a native addon that is a file of the project', () => {
  it('is refused by name, with what to make of it', async () => {
    project.write('migrations/other/0001.ts', `import '../../src/own.node';\nexport async function migration() {}\n`);
    project.write('src/own.node', '');
    const { findings } = await checkEnvironment(project, 'other', undefined);
    expect(findings.find(({ rule }) => rule === 'exports')?.message).toContain(
      'migrations/other/0001.ts imports src/own.node: a native addon is shipped as a part of its package',
    );
  });
});

describe('a file that code opens where the migration lies', () => {
  it.each([
    ["new URL('./prices.csv', import.meta.url)", './prices.csv'],
    ["path.join(import.meta.dirname, 'data', 'prices.csv')", 'data'],
    ["path.resolve(import.meta.dirname, '../prices.csv')", '../prices.csv'],
    ['`${import.meta.dirname}/prices.csv`', '/prices.csv'],
    ["import.meta.dirname + '/prices.csv'", '/prices.csv'],
    ["path.join(path.dirname(fileURLToPath(import.meta.url)), 'prices.csv')", 'prices.csv'],
    ["path.dirname(fileURLToPath(import.meta.url)) + '/prices.csv'", '/prices.csv'],
    ["fileURLToPath(new URL('./prices.csv', import.meta.url))", './prices.csv'],
  ])('%s is refused by name, with what to make of it', async (code, name) => {
    const text = `import path from 'node:path';\nimport { fileURLToPath } from 'node:url';\nexport const previewAllows = [];\nexport async function migration() { console.log(path, fileURLToPath, ${code}); }\n`;
    project.write('migrations/opens/0001.ts', text);
    const { findings } = await checkEnvironment(project, 'opens', undefined);
    expect(findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([
      `the file: opens "${name}" where it lies, which is not there in Lambda: what is imported is shipped, and nothing else. Write import data from '${name}' with { type: 'text' }, or 'bytes' for what is no text.`,
    ]);
    expect(planOf('opens').problems.map(({ what }) => what)).toHaveLength(1);
  });

  it('is told when the folder has a name of its own first', async () => {
    const text = `import { dirname } from 'node:path';\nimport { fileURLToPath } from 'node:url';\nconst here = dirname(fileURLToPath(import.meta.url));\nexport async function migration() { console.log(here); }\n`;
    project.write('migrations/here/0001.ts', text);
    const { findings } = await checkEnvironment(project, 'here', undefined);
    expect(findings.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^asks for import\.meta\.url, which is \/var\/task in Lambda/),
    );
  });

  it('what else asks where the file lies is told: it is not there in Lambda', async () => {
    const text = `export async function migration() { console.log(import.meta.dirname, process.argv[1] === import.meta.filename); }\n`;
    project.write('migrations/asks/0001.ts', text);
    const { findings } = await checkEnvironment(project, 'asks', undefined);
    expect(findings.map(({ severity, message }) => [severity, message])).toEqual([
      [
        'warning',
        expect.stringMatching(
          /^asks for import\.meta\.dirname and import\.meta\.filename, which is \/var\/task in Lambda/,
        ),
      ],
    ]);
  });
});

describe('two packages of one name beside a bundle', () => {
  it('are refused, with both places', () => {
    const at = (folder: string) => `${folder}/node_modules/twice`;
    for (const folder of [at('src/lib'), at('migrations')]) {
      project.write(`${folder}/package.json`, '{"name":"twice"}');
      project.write(`${folder}/index.js`, `exports.where = '${folder}';\n`);
      project.write(`${folder}/a.wasm`, '');
    }
    project.write('src/lib/index.ts', "export { where } from 'twice';\n");
    const text = `import { where as one } from 'twice';
import { where as other } from '../../src/lib/index.ts';

export async function migration() {
  console.log(one, other);
}
`;
    project.write('migrations/twice/0001.ts', text);
    expect(planOf('twice').problems.map(({ what }) => what)).toEqual([
      `migrations/twice/0001.ts: two different packages are imported as twice: ${[at('migrations'), at('src/lib')]
        .map((folder) => path.join(project.directory, folder))
        .join(' and ')}.`,
    ]);
  });
});
