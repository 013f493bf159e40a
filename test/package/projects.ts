// What `npm run pack:check` does with the tarball: projects as teams have them, and what is typed in each. A step is added by
// a line in a list.
import path from 'node:path';
import { PACKAGE_DIRECTORY } from '../../project/package.ts';
import { APP, APP_CODE, example, JEST, json, MIGRATION, PRETENDED, TYPES, VITEST } from './files.ts';
import { npmInstall, OLDEST_PEERS, ours, PEERS } from './tarball.ts';

export interface Step {
  name: string;
  run: string[];
  /** A folder of the project. */
  at?: string;
  env?: Record<string, string>;
  /** 0 without it. */
  exitCode?: number;
  says?: string[];
  saysNot?: string[];
}

export interface TeamProject {
  name: string;
  /** In the work folder. */
  folder: string;
  /** In the empty folder, before the files are written. When one of these or of `install` fails, the steps are not tried. */
  begin?: Step[];
  /** Path → text. */
  files: Record<string, string>;
  install: Step[];
  steps: Step[];
}

const TOOLS = ['tsx@4.23.15', '@types/node@24.10.1'];

const npx = (...command: string[]): string[] => ['npx', '--no-install', ...command];
const odin = (...args: string[]): string[] => npx('odin-migrate', ...args);
const add = (...packages: string[]): Step => ({
  name: 'npm install',
  run: npmInstall(...packages),
});
/** For Vitest and for Jest, whose five seconds a busy machine may need for a synthesis. */
const PATIENT = '--testTimeout=120000';
const TESTS = ['npm', 'test', '--', PATIENT];
const type = (name: string, file: string): Step => ({ name, run: npx('tsc', '-p', file) });

const SCHEMA_IS_THERE = "require('node:fs').statSync(require('./odin-migrate.json').$schema)";

/** In place of the line of a new migration that throws until it is written. */
const WRITE_0002 = `const fs = require('node:fs');
const file = 'migrations/odin-dev/0002.ts';
fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/throw new Error.*/, "console.log('written');"));`;

export const ofTheTarball = (tarball: string): Step[] => [
  { name: 'has at most 2 MB', run: ['find', tarball, '-size', '-2048k'], says: [tarball] },
  {
    name: 'has the licences of what is built into it',
    run: ['tar', '-xOzf', tarball, 'package/dist/THIRD-PARTY-LICENCES.txt'],
    says: ['zod 4', '@middy/core', 'Apache License'],
  },
  { name: 'exports what docs/api says', run: ['npm', 'run', 'api:check'] },
  { name: 'publint', run: npx('publint', 'run', tarball, '--strict'), says: ['All good!'] },
  { name: 'are the types wrong', run: npx('attw', tarball, '--profile', 'node16') },
];

export const projects = (tarball: string): TeamProject[] => [
  {
    name: 'from an empty folder', // what the README says of the first five minutes
    folder: 'Shop Orders',
    begin: [{ name: 'npm init', run: ['npm', 'init', '-y'] }],
    files: {},
    install: [
      add(tarball, ...['aws-cdk-lib', 'constructs'].map(ours)),
      { name: 'npm install -D', run: ['npm', 'install', '-D', '--loglevel=error', ours('aws-cdk')] },
    ],
    steps: [
      { name: 'a wrong name', run: odin('init', 'Odin'), exitCode: 1, says: ['BadEnvironmentName'] },
      {
        name: 'init',
        run: odin('init', 'odin-dev'),
        says: ['odin-migrate.json', 'migrations/odin-dev/0001.ts', '.gitignore', 'cdk.json', 'app shop-orders'],
        saysNot: ['kept'],
      },
      { name: 'check', run: odin('check'), says: ['1 migration, nothing to remark'] },
      { name: 'local', run: odin('local'), says: ['local odin-dev', 'Done: 1 applied.'] },
      { name: 'a halt', run: odin('local', 'odin-dev', '--fresh', '--fail', '0001'), exitCode: 2, says: ['retry'] },
      { name: 'resume', run: odin('resume', 'odin-dev', 'retry', '--local', '--yes'), says: ['1 applied'] },
      { name: 'init again', run: odin('init', 'odin-dev'), says: ['kept'], saysNot: ['written'] },
      { name: 'the schema is where the file says', run: ['node', '-e', SCHEMA_IS_THERE] },
      { name: 'cdk list', run: npx('cdk', 'list'), says: ['shop-orders--odin-dev--migrations'] },
    ],
  },
  {
    name: 'examples/without-cdk-app',
    folder: 'without-cdk-app',
    files: example('without-cdk-app'),
    install: [add(tarball, ...PEERS, ...['aws-cdk', 'vitest', 'typescript', '@types/node'].map(ours))],
    steps: [
      { name: 'check', run: odin('check', '--strict'), says: ['2 migrations, nothing to remark'] },
      { name: 'types', run: ['npm', 'run', 'types'] },
      { name: 'local', run: odin('local', 'odin-dev'), says: ['3 carts and 24 orders', 'Done: 2 applied.'] },
      { name: 'a halt', run: odin('local', 'odin-dev', '--fresh', '--fail', '0002@1'), exitCode: 2 },
      {
        name: 'resume',
        run: odin('resume', 'odin-dev', 'retry', '--local', '--yes'),
        says: ['begins at the last checkpoint', '24 done', 'Done: 1 applied.'],
      },
      { name: 'tests of its migrations', run: TESTS },
      { name: 'cdk synth', run: npx('cdk', 'synth', '--quiet', 'shop--odin-dev--migrations') },
    ],
  },
  {
    name: 'examples/own-cdk-app',
    folder: 'own-cdk-app',
    files: example('own-cdk-app'),
    install: [add(tarball, ...PEERS, ...['aws-cdk', 'vitest', 'typescript', '@types/node'].map(ours))],
    steps: [
      { name: 'check', run: odin('check', '--strict'), says: ['2 migrations, nothing to remark'] },
      { name: 'types', run: ['npm', 'run', 'types'] },
      { name: 'local', run: odin('local', 'odin-dev'), says: ['2 carts and an order', 'Done: 2 applied.'] },
      { name: 'tests of its template', run: TESTS },
      { name: 'cdk list', run: npx('cdk', 'list'), says: ['dev/Shop', 'branch/Shop'] },
      { name: 'cdk synth of a stage', run: npx('cdk', 'synth', '--quiet', 'dev/Shop') },
    ],
  },
  {
    name: 'npm',
    folder: 'Über uns/ein Projekt', // spaces, and letters beyond ASCII
    files: { ...APP, ...MIGRATION, ...VITEST, ...TYPES, ...PRETENDED },
    install: [add(tarball, ...PEERS, ...TOOLS, ours('vitest'), ours('aws-cdk'), 'typescript@5.9.3')],
    steps: [
      { name: 'new', run: odin('new', 'odin-dev'), says: ['migrations/odin-dev/0002.ts'] },
      { name: 'what new wrote gets its work', run: ['node', '-e', WRITE_0002] },
      { name: 'check', run: odin('check'), says: ['nothing to remark'] },
      { name: 'local', run: odin('local', 'odin-dev'), says: ['four objects', 'Done: 2 applied.'] },
      { name: 'local, in a folder below', run: odin('local', 'odin-dev'), at: 'migrations', says: ['pending  0 of 2'] },
      { name: 'a halt', run: odin('local', 'odin-dev', '--fresh', '--fail', '0001'), exitCode: 2 },
      { name: 'status', run: odin('status', 'odin-dev', '--local'), exitCode: 2, says: ['retry'] },
      { name: 'resume', run: odin('resume', 'odin-dev', 'retry', '--local', '--yes'), says: ['2 applied'] },
      { name: 'one copy of the S3 client in a bundle', run: ['node', 'copies.mjs'], says: ['1 copy'] },
      { name: 'tests of a migration and of a stack, in Vitest', run: npx('vitest', 'run', PATIENT) },
      type('TypeScript 5.9, nodenext', 'tsconfig.json'),
      type('TypeScript 5.9, node16', 'tsconfig.node16.json'),
      type('TypeScript 5.9, node', 'tsconfig.node10.json'),
      { name: 'cdk synth of its app', run: npx('cdk', 'synth', '--quiet') },
      {
        name: 'new, of each kind',
        run: [
          'sh',
          '-c',
          'npx --no-install odin-migrate new odin-dev --checkpointed && npx --no-install odin-migrate new odin-dev --parallel',
        ],
        says: ['migrations/odin-dev/0003.ts', 'migrations/odin-dev/0004.ts'],
      },
      {
        name: 'check of what new has written',
        run: odin('check', '--strict'),
        exitCode: 1,
        says: ['4 migrations, 2 warnings', '0003.ts  Its work is not written yet', '0004.ts  Its work'],
      },
      {
        name: 'nothing else can be imported',
        run: ['node', '-e', 'import("odin-migrate/dist/index.mjs")'],
        exitCode: 1,
        says: ['ERR_PACKAGE_PATH_NOT_EXPORTED'],
      },
      {
        name: 'an older Node.js is told what is needed',
        run: odin('--help'),
        env: { NODE_OPTIONS: '--require=./as-node-20.cjs' },
        exitCode: 1,
        says: ['needs Node.js 22.18'],
      },
      {
        name: "Plug'n'Play is refused by name",
        run: odin('check'),
        env: { NODE_OPTIONS: '--require=./as-plug-and-play.cjs' },
        exitCode: 1,
        says: ["Plug'n'Play"],
      },
    ],
  },
  {
    name: 'cdk init',
    folder: 'team-app', // CommonJS, tsx, Jest 30, TypeScript 7, as `cdk init` writes it
    begin: [
      {
        name: 'cdk init',
        run: [
          path.join(PACKAGE_DIRECTORY, 'node_modules/.bin/cdk'),
          'init',
          'app',
          '--language=typescript',
          '--generate-only',
        ],
      },
    ],
    files: {
      ...MIGRATION,
      ...JEST,
      'odin-migrate.json': APP['odin-migrate.json'] ?? '',
      'bin/team-app.ts': APP_CODE,
      'uses.ts': TYPES['uses.ts'] ?? '',
      'typed.ts': TYPES['typed.ts'] ?? '',
    },
    install: [add(tarball, ours('@aws-sdk/client-s3'))],
    steps: [
      { name: 'tests of a migration and of a stack, in Jest', run: TESTS },
      type('TypeScript 7, nodenext', 'tsconfig.json'),
      { name: 'cdk synth of its app', run: npx('cdk', 'synth', '--quiet') },
      { name: 'check', run: odin('check'), says: ['nothing to remark'] },
    ],
  },
  {
    name: 'pnpm',
    folder: 'pnpm',
    files: { ...APP, ...MIGRATION, 'tools/package.json': json({ private: true }), ...TYPES },
    install: [
      { name: 'npm install pnpm', run: ['npm', 'install', '--loglevel=error', 'pnpm@10.33.0'], at: 'tools' },
      {
        name: 'pnpm add',
        run: ['tools/node_modules/.bin/pnpm', 'add', tarball, ...PEERS, ...TOOLS, ours('aws-cdk'), 'typescript@7.0.2'],
      },
    ],
    steps: [
      { name: 'check', run: odin('check'), says: ['nothing to remark'] },
      { name: 'local', run: odin('local', 'odin-dev'), says: ['Done: 1 applied.'] },
      { name: 'one copy of the S3 client in a bundle', run: ['node', 'copies.mjs'], says: ['1 copy'] },
      type('TypeScript 7, nodenext', 'tsconfig.json'),
      type('TypeScript 7, node16', 'tsconfig.node16.json'),
      { name: 'cdk synth of its app', run: npx('cdk', 'synth', '--quiet') },
    ],
  },
  {
    name: 'a workspace on Node.js 22.18, with the oldest peers',
    folder: 'workspace',
    files: {
      'package.json': json({ private: true, workspaces: ['packages/*'], allowScripts: { node: true } }),
      ...below('packages/ops', { ...APP, ...MIGRATION }),
    },
    install: [
      { ...add('node@22.18.0'), name: 'npm install node' },
      { ...add(tarball, ...OLDEST_PEERS, ...TOOLS, ours('aws-cdk')), at: 'packages/ops' },
    ],
    steps: [
      { name: 'Node.js', run: npx('node', '--version'), says: ['v22.18.0'] },
      { name: 'check', run: odin('check'), at: 'packages/ops', says: ['nothing to remark'] },
      {
        name: 'local',
        run: odin('local', 'odin-dev'),
        at: 'packages/ops',
        says: ['Done: 1 applied.', 'Node.js 22.18.0 runs'],
        saysNot: ['ExperimentalWarning'],
      },
      {
        name: 'one copy of the S3 client in a bundle',
        run: ['node', 'copies.mjs'],
        at: 'packages/ops',
        says: ['1 copy'],
      },
      { name: 'cdk synth of its app', run: npx('cdk', 'synth', '--quiet'), at: 'packages/ops' },
      {
        name: 'init of another environment',
        run: odin('init', 'odin-prod'),
        at: 'packages/ops/migrations',
        says: ['migrations/odin-prod/0001.ts', 'an app of your own'],
        saysNot: ['cdk deploy'],
      },
    ],
  },
];

function below(folder: string, files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([file, text]) => [`${folder}/${file}`, text]));
}
