// What is mutated, which tests are to notice it, and how many of a hundred mutants they have to.

export interface Area {
  name: string;
  /** Globs, from the root of the project. */
  files: readonly string[];
  /** Globs of the tests that every mutant is tried against. */
  tests: readonly string[];
  /** Of those, what takes long: only what the others let pass is tried against it. */
  slow: readonly string[];
  /** Percent of a file's mutants that have to be noticed, those that are named in `equivalent.ts` left out. */
  least: number;
}

const OF_FUNCTIONS = [
  'test/core/**/*.test.ts',
  'test/contract/stores.test.ts',
  'test/lambdas/*.test.ts',
  'test/simulation/*.test.ts',
];
const SLOW_OF_FUNCTIONS = [
  'test/contract/stores.test.ts',
  'test/lambdas/{checkpoints,executions,handover,hostile-payloads,hostile-records,killed,requests,user-code}.test.ts',
  'test/simulation/*.test.ts',
];

/** In the order of how much a fault in it endangers what is promised. A file belongs to the first area that names it. */
export const AREAS: readonly Area[] = [
  {
    name: 'protocol',
    files: [
      'core/{ledger,decision}/*.ts',
      'lambdas/{baseline,halt,list-pending,record-completion,run-migration}/*.ts',
      'lambdas/shared/*.ts',
    ],
    tests: OF_FUNCTIONS,
    slow: SLOW_OF_FUNCTIONS,
    least: 95,
  },
  {
    name: 'core',
    files: ['core/**/*.ts'],
    tests: [...OF_FUNCTIONS, 'test/dashboard/*.test.ts'],
    slow: SLOW_OF_FUNCTIONS,
    least: 95,
  },
  {
    name: 'functions',
    files: ['lambdas/{resume,watch-halts,start-run,check-removals,dashboard}/*.ts'],
    tests: [...OF_FUNCTIONS, 'test/dashboard/*.test.ts'],
    slow: SLOW_OF_FUNCTIONS,
    least: 90,
  },
  {
    name: 'preview',
    files: ['lambdas/run-migration/{preview,user-code}/*.ts'],
    tests: [
      'test/preview/*.test.ts',
      'test/lambdas/{checkpoints,handler,killed,user-code}.test.ts',
      'test/contract/*.test.ts',
    ],
    slow: ['test/preview/{isolation,several,walls}.test.ts', 'test/lambdas/{checkpoints,killed,user-code}.test.ts'],
    least: 90,
  },
  {
    name: 'infra',
    files: ['infra/*.ts', 'project/*.ts'],
    tests: ['test/infra/*.test.ts'],
    slow: ['test/infra/{bundle,files,hostile-input,imports,nag,upgrade}*.test.ts'],
    least: 90,
  },
  {
    name: 'people',
    files: ['cli/dashboard/*.ts', 'local/door.ts', 'client/*.ts', 'cli/check/*.ts', 'authoring/**/*.ts', 'aws/*.ts'],
    tests: [
      'test/dashboard/*.test.ts',
      'test/cli/*.test.ts',
      'test/authoring/*.test.ts',
      'test/lambdas/{executions,notification-aws,said-by}.test.ts',
      'test/local/settle-dead.test.ts',
    ],
    slow: [],
    least: 90,
  },
];
