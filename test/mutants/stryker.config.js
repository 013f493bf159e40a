// What `npm run test:mutants` gives Stryker. mutants.ts says in the environment which files, and where the results go.

const { MUTANTS_FILES, MUTANTS_WHERE } = process.env;

export default {
  mutate: JSON.parse(MUTANTS_FILES),
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  // Which tests reach a mutant is measured, and those alone are run. What Vitest would find by imports is nearly all of them.
  vitest: { configFile: 'test/mutants/vitest.config.ts', related: false, pool: 'threads' },
  coverageAnalysis: 'perTest',
  // One mutant at a time: its tests wait for nothing but the processor.
  concurrency: 1,
  incremental: true,
  incrementalFile: `${MUTANTS_WHERE}/results.json`,
  jsonReporter: { fileName: `${MUTANTS_WHERE}/report.json` },
  tempDirName: `${MUTANTS_WHERE}/sandbox`,
  reporters: ['json', 'progress-append-only'],
  ignorePatterns: ['.odin-migrate', 'cdk.out', 'dist', 'examples'],
  // A machine that is busy with something else has taken more than the five that it gives by itself.
  dryRunTimeoutMinutes: 30,
  // Besides half as long again as its tests take.
  timeoutMS: 20_000,
  allowConsoleColors: false,
};
