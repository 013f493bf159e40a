// What is published, in dist/: the package's four entries for `import` and `require`, and the command line for itself. Every file
// lies at the top level of dist/, one below the root, as the sources do that ask where they are (project/package.ts).
import { defineConfig, type UserConfig } from 'tsdown';

const ENTRIES = {
  index: 'infra/index.ts',
  s3: 'authoring/s3.ts',
  testing: 'authoring/testing.ts',
  types: 'authoring/types.ts',
};

const COMMON: UserConfig = {
  outDir: 'dist',
  platform: 'node',
  target: 'node22.18', // the oldest that the packed package.json asks for
  sourcemap: true,
  outputOptions: { sourcemapExcludeSources: true }, // a stack names file and line; the text is in the repository
  clean: false,
  hash: false,
  report: false,
  logLevel: 'warn',
  failOnWarn: true,
  checks: { legacyCjs: false, pluginTimings: false }, // Jest loads CommonJS only
  deps: { onlyBundle: false }, // what is a development dependency and is imported
};

/** Types name zod itself, and not what deployed code takes it from: a namespace that is exported again has no name in them. */
const SCHEMA_TYPES = {
  name: 'schema-types',
  resolveId: {
    order: 'pre' as const,
    handler: (id: string) => (/\/schema\.ts$/.test(id) ? { id: 'zod/mini', external: true } : undefined),
  },
};

export default defineConfig([
  {
    ...COMMON,
    entry: { ...ENTRIES, 'command-line': 'cli/main.ts', worker: 'local/lambda/worker.ts' },
    format: 'esm',
    dts: false,
    copy: [
      { from: 'cli/dashboard/page', to: 'dist' },
      { from: 'project/iam-names.txt', to: 'dist' },
      { from: 'cli/bin.js', to: 'dist/cli', rename: 'odin-migrate.js' },
    ],
  },
  { ...COMMON, entry: ENTRIES, format: 'cjs', dts: false },
  // For `require` too: scripts/build.ts.
  { ...COMMON, entry: ENTRIES, format: 'esm', dts: { emitDtsOnly: true }, plugins: [SCHEMA_TYPES] },
]);
