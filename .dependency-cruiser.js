// Who may import whom, and no circles, of files or of folders. A type that is imported counts as much as code.
// `npm run lint` runs it; docs/design.md §8 says what each folder is for.

/** Each part, by the beginning of its path, and the parts that it may import besides itself. */
const PARTS = {
  core: [],
  aws: ['core'],
  lambdas: ['aws', 'core'],
  project: ['core'],
  infra: ['project', 'core'],
  local: ['project/package.ts', 'core'],
  client: ['infra', 'local', 'project', 'aws', 'core'],
  cli: ['client', 'local', 'project', 'aws', 'core'],
  'authoring/types.ts': ['core'],
  'authoring/s3.ts': ['authoring/objects', 'core'],
  'authoring/objects': ['core'],
  'authoring/testing.ts': ['authoring/test-ledger.ts', 'client', 'local', 'project', 'core'],
  'authoring/test-ledger.ts': ['core'],
  migrations: ['authoring'],
  scripts: ['cli', 'project', 'core'],
};

/** The folders of core. Each may import those after it, and the files for all of them. */
const CORE = ['preview', 'contract', 'views', 'decision', 'ledger', 'names', 'text'];
const CORE_FILES = ['core/errors.ts', 'core/schema.ts', 'core/thrown.ts'];

const CORE_PACKAGES = ['zod', 'p-map'];
const CORE_BUILTINS = ['buffer', 'crypto', 'path', 'util'];

const ALL = [...new Set(Object.keys(PARTS).map((part) => part.split('/')[0])), 'test', 'bench', 'docs'];

/** One of several paths, or of what is in them. */
const oneOf = (...paths) => `^(${paths.map((path) => path.replaceAll('.', '\\.')).join('|')})(/|$)`;
const packages = (...names) => `^node_modules/(${names.join('|')})/`;

const CDK = packages('aws-cdk-lib', 'constructs');

export default {
  forbidden: [
    ...Object.entries(PARTS).map(([part, below]) => ({
      name: `${part}-imports-only-what-is-below`,
      comment: `${part} may import ${below.join(', ') || 'nothing of the other parts'}.`,
      from: { path: oneOf(part) },
      to: { path: oneOf(...ALL), pathNot: oneOf(part, ...below) },
    })),
    ...CORE.map((folder, index) => ({
      name: `core/${folder}-imports-only-what-is-below`,
      comment: `core/${folder} may import ${CORE.slice(index + 1).join(', ') || 'no other folder of core'}, and ${CORE_FILES.join(', ')}.`,
      from: { path: oneOf(`core/${folder}`) },
      to: { path: '^core/', pathNot: oneOf(...CORE_FILES, ...CORE.slice(index).map((below) => `core/${below}`)) },
    })),
    {
      name: 'core-is-pure',
      comment: `core may import ${CORE_PACKAGES.join(', ')}, and of Node.js ${CORE_BUILTINS.join(', ')}.`,
      from: { path: '^core/' },
      to: {
        pathNot: [oneOf(...ALL), packages(...CORE_PACKAGES), `^(node:)?(${CORE_BUILTINS.join('|')})$`],
      },
    },
    {
      name: 'what-is-deployed-takes-zod-from-core',
      comment: 'core/schema.ts has the form of zod that a cold start can afford.',
      from: { path: oneOf('core', 'aws', 'lambdas'), pathNot: oneOf('core/schema.ts') },
      to: { path: packages('zod') },
    },
    {
      name: 'one-function-knows-no-other',
      comment:
        'What functions share is in lambdas/shared; lambdas/run-migration/preview is a mode of its function alone.',
      from: { path: '^lambdas/([^/]+)/' },
      to: { path: '^lambdas/', pathNot: '^lambdas/($1|shared)/' },
    },
    {
      name: 'migrations-import-the-package',
      comment: 'A migration names what it imports of this project as odin-migrate/…: it can move to another project.',
      from: { path: '^migrations/' },
      to: { path: '^authoring/', dependencyTypes: ['local'] },
    },
    {
      name: 'no-cdk-where-it-is-not-needed',
      comment: 'What runs in Lambda has no CDK in it, and a plan is made without loading it.',
      from: { path: oneOf('core', 'aws', 'lambdas', 'project', 'authoring/s3.ts', 'authoring/types.ts', 'migrations') },
      to: { path: CDK, reachable: true },
    },
    { name: 'no-circle-of-files', from: {}, to: { circular: true } },
    { name: 'no-circle-of-folders', scope: 'folder', from: {}, to: { circular: true } },
  ].map((rule) => ({ severity: 'error', ...rule })),

  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(cdk\\.out|\\.odin-migrate|coverage|dist|examples)/' },
    tsPreCompilationDeps: true, // imports of types too
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
