// What is measured, and the goal of each. Every ratio is "ours, divided by what stands beside it", so less is better.

export interface Goal {
  /** Of the ratio, at most. */
  ratio?: number | undefined;
  /** Of our own figure, at most, in the row's unit. */
  value?: number | undefined;
}

export interface Row {
  what: string;
  unit: 's' | 'ms' | 'MB' | '';
  /** Absent: for comparison only. */
  goal?: Goal | undefined;
}

/** In the order of the table. */
export const ROWS = {
  'synth-1': { what: 'synth of 1 migration with the S3 client, cold', unit: 's', goal: { ratio: 1.2 } },
  'synth-10': { what: 'the same, 10', unit: 's', goal: { ratio: 1 / 1.6 } },
  'synth-10-memory': { what: 'the same, its memory', unit: 'MB' },
  'synth-100': { what: 'synth of 100, cold', unit: 's', goal: { ratio: 1 / 6 } },
  'synth-100-memory': { what: 'the same, its memory', unit: 'MB', goal: { ratio: 1.3 } },
  'synth-1000': {
    what: 'the same, 1,000 in ten environments: each, against each of 100',
    unit: 'ms',
    goal: { ratio: 1.1 },
  },
  'synth-10-again': { what: 'synth again of 10, nothing changed', unit: 's', goal: { ratio: 0.5 } },
  'synth-100-again': { what: 'synth again of 100, nothing changed', unit: 's', goal: { ratio: 0.5 } },

  'idle-requests': {
    what: 'ledger requests of a run with nothing pending, 3,000 completed',
    unit: '',
    goal: { value: 2 },
  },
  'idle-transitions': { what: 'its state transitions', unit: '', goal: { value: 3 } },
  'idle-invocations': { what: 'its Lambda calls', unit: '', goal: { value: 1 } },
  'each-requests': { what: 'ledger requests of one plain migration', unit: '', goal: { value: 12 } },
  'each-own-requests': { what: 'those of its own function', unit: '', goal: { value: 5 } },
  'each-transitions': { what: 'its state transitions', unit: '', goal: { value: 5 } },
  'each-invocations': { what: 'its Lambda calls', unit: '', goal: { value: 3 } },
  'long-log-requests': { what: 'a run after 15,000 entries, against one after 15', unit: '', goal: { ratio: 1 } },
  'pruned-requests': {
    what: 'a run of ten after 4,990 that were pruned, against one after 20',
    unit: '',
    goal: { ratio: 1.1 },
  },

  'turn-imports': {
    what: 'what a turn imports, wrapper and the process of user code, less one bare process',
    unit: 'ms',
    goal: { ratio: 1.1 },
  },
  'wrapper-imports': { what: 'the wrapper alone', unit: 'ms' },

  'embedded-20': { what: 'embedded run of 20 trivial migrations', unit: 's' },
  'embedded-200': { what: 'embedded run of 200 trivial migrations', unit: 's', goal: { value: 30 } },
  'embedded-200-memory': { what: 'its memory', unit: 'MB', goal: { value: 600 } },
  'embedded-200-umzug': { what: 'the same, against umzug', unit: 's' },
  'embedded-200-alembic': { what: 'the same, against alembic', unit: 's' },
  'embedded-200-each': { what: 'each of the 200, against each of 100', unit: 'ms', goal: { ratio: 1.2 } },

  'local-1-again': {
    what: '`local` with nothing changed and nothing pending, 1 migration',
    unit: 's',
    goal: { value: 1.2 },
  },
  'local-200-again': { what: 'the same, 200', unit: 's', goal: { value: 2 } },
  'local-200-again-memory': { what: 'the same, its memory', unit: 'MB' },
  'status-200': { what: '`status --local`, 200 migrations', unit: 's', goal: { value: 1 } },
  help: { what: '`--help`', unit: 's', goal: { value: 0.2 } },
  'start-fresh': { what: '`npm start` on the sample, from nothing', unit: 's', goal: { value: 3 } },
  'start-again': { what: '`npm start` again', unit: 's', goal: { value: 1.2 } },

  'copies-one': {
    what: 'an object copied and looked at, by one function',
    unit: 'ms',
    goal: { ratio: 1.05 },
  },
  'copies-batch': {
    what: 'the same in batches of 500, one at a time',
    unit: 'ms',
    goal: { ratio: 1.05 },
  },
  'copies-ledger': {
    what: 'the same within one process: with the claims and outcomes of its batches, against none',
    unit: 'ms',
    goal: { ratio: 1.05 },
  },
  'copies-2': { what: 'the same, 2 batches at once', unit: 'ms' },
  'copies-4': { what: 'the same, 4', unit: 'ms' },
  'copies-8': { what: 'the same, 8', unit: 'ms' },
  'copies-16': { what: 'the same, 16', unit: 'ms' },
  'copies-s5cmd': { what: 'the same by one function, against s5cmd', unit: 'ms' },
  'plan-memory': { what: 'memory of a plan of a million keys', unit: 'MB', goal: { ratio: 1.1 } },

  install: { what: '`node_modules` after `npm ci`', unit: 'MB', goal: { value: 400 } },
  tests: { what: '`npm test`, seconds until it is done', unit: 's', goal: { value: 110 } },
} as const satisfies Record<string, Row>;

export type RowName = keyof typeof ROWS;
