// Which configurations of protocol.pml are searched, and what must come of each. Sizes and budgets are explained where the model
// declares them.

export interface Configuration {
  name: string;
  /** Of protocol.pml: `NAME` or `NAME=value`. */
  define: string[];
  /** `clean`: no state breaks an invariant. `caught`: some state does. */
  expected: 'clean' | 'caught';
  /** The violation is that the log grows until the model has no more room for it. */
  endless?: boolean | undefined;
}

const design = (name: string, ...define: string[]): Configuration => ({ name, define, expected: 'clean' });
const mutant = (name: string, ...define: string[]): Configuration => ({ name, define, expected: 'caught' });
/** The decision without one of its rules. */
const without = (rule: string, ...define: string[]): Configuration =>
  mutant(`without ${rule}`, `WITHOUT=${rule}`, ...define);

const ONE = ['STARTS=1', 'EXECUTIONS=3'];
const TWO = ['STARTS=2', 'EXECUTIONS=3', 'DECISIONS=1'];
/** Two executions, and nobody who decides. */
const NOBODY = ['STARTS=2', 'EXECUTIONS=2', 'DECISIONS=0'];
const SLICED = ['SLICES=2', 'FAILS=0'];
/** One execution of a parallel migration, whose plan has two batches. */
const PARALLEL = ['STARTS=1', 'EXECUTIONS=3', 'BATCHES=2', 'LOG=14', 'SAY=1', 'DECISIONS=1'];
/** Code 1 of migration 1 becomes code 2. */
const OTHER_CODE = ['CODE=1', 'DEPLOY=2'];
/** 0002 is deployed, and then 0001 as well. */
const LOWER_ADDED = ['MIGRATIONS=2', 'CODE=4', 'DEPLOY=5', 'FAILS=0', 'LOG=20'];

export const SMALL: Configuration[] = [
  design('one execution', ...ONE, 'EAGER=1', 'DECISIONS=2', 'EXECUTIONS=4'),
  design('one execution, every decision', ...ONE, 'SAY=15', 'DECISIONS=2'),
  design('two executions', ...TWO),
  design('two executions, a crash', ...TWO, 'CRASHES=1', 'WATCH=1'),
  design('two executions, a late effect', ...TWO, 'LATES=1', 'WATCH=1', 'SAY=1'),
  design('two executions, a 403', ...TWO, 'DENIALS=1'),
  design('two executions, an invocation given up', ...TWO, 'GAVE_UP=1'),
  design('two executions, a double dispatch', ...TWO, 'DOUBLES=1'),
  design('two executions, user code that hangs', ...TWO, 'HANGS=1', 'FAILS=0'),
  design('two executions, a stop', ...TWO, 'STOPS=1'),
  design('a stop and a redrive', ...ONE, 'STOPS=1', 'REDRIVES=1', 'DECISIONS=2'),
  design('a live execution that is said to be dead', ...TWO, 'WRONG=1'),
  design('two people who contradict each other', ...ONE, 'PEOPLE=2', 'DECISIONS=2', 'SAY=7', 'EXECUTIONS=4'),
  design('slices', ...TWO, ...SLICED),
  design('slices, an invocation given up', 'STARTS=1', 'EXECUTIONS=3', ...SLICED, 'GAVE_UP=1'),
  design('slices, a cancel', ...ONE, ...SLICED, 'CANCELS=1', 'DECISIONS=1'),
  design('a baseline', ...TWO, 'MIGRATIONS=2', 'CODE=5', 'BASELINES=1', 'FAILS=0'),
  design('other code', ...ONE, ...OTHER_CODE, 'DECISIONS=2'),
  design('other code between slices', ...ONE, ...SLICED, ...OTHER_CODE),
  design('a removed file', ...NOBODY, 'MIGRATIONS=2', 'CODE=5', 'DEPLOY=4'),
  design('a removed file, decisions', ...ONE, 'MIGRATIONS=2', 'CODE=5', 'DEPLOY=4', 'SAY=7'),
  design('a lower file', ...NOBODY, ...LOWER_ADDED, 'STOPS=1'),
  design('a lower file, decisions', ...ONE, ...LOWER_ADDED, 'FAILS=1'),
  design('a handover', ...ONE, 'EXECUTIONS=5', 'HANDOVERS=2', 'CRASHES=1', 'FAILS=0'),
  design('a handover, slices, a stop', ...NOBODY, ...SLICED, 'EXECUTIONS=5', 'HANDOVERS=2', 'STOPS=1'),
  design('spoiled keys', ...ONE, 'SPOILS=1', 'DECISIONS=2'),
  design('batches, every decision', ...PARALLEL, 'SAY=15', 'DECISIONS=2'),
  design('batches, a map that ends before its children', ...PARALLEL, 'GAVE_UP=1'),
  design('batches, one that may fail', ...PARALLEL, 'TOLERATED=1', 'FAILS=2'),
  design('batches that S3 slows down', ...PARALLEL, 'SLOWS=2', 'FAILS=1'),
  design(
    'batches that S3 slows down, a map that ends before its children',
    ...PARALLEL,
    'SLOWS=1',
    'GAVE_UP=1',
    'FAILS=0',
  ),
  design('batches that S3 slows down, a crash', ...PARALLEL, 'SLOWS=1', 'CRASHES=1', 'FAILS=0', 'WATCH=1'),
  design('batches, a child twice', ...PARALLEL, 'DOUBLES=1'),
  design('batches, a crash', ...PARALLEL, 'CRASHES=1', 'WATCH=1'),
  design('batches, a late effect', ...PARALLEL, 'LATES=1', 'WATCH=1'),
  design('batches, a 403', ...PARALLEL, 'DENIALS=1'),
  design('batches, user code that hangs', ...PARALLEL, 'HANGS=1'),
  design('batches, a cancel', ...PARALLEL, 'CANCELS=1'),
  design('batches, other code', ...PARALLEL, ...OTHER_CODE),
  design('batches, a plan in slices', ...PARALLEL, 'SLICES=2', 'GAVE_UP=1', 'FAILS=0'),
  design(
    'batches, a map that is stopped, and another run',
    ...PARALLEL,
    'STARTS=2',
    'EXECUTIONS=2',
    'DECISIONS=0',
    'STOPS=1',
  ),
  design('lost answers of a decision', ...ONE, 'PEOPLE=2', 'LOST=1', 'EXECUTIONS=4'),
  mutant('REACH_DONE: runs come to their end', ...ONE, 'REACH_DONE'),

  mutant('REACH_DONE: batches come to their end', ...PARALLEL, 'REACH_DONE'),

  mutant('NO_VOID', ...TWO, 'NO_VOID', 'STOPS=1'),
  mutant('NO_UNKNOWN', ...ONE, 'NO_UNKNOWN', 'LATES=1'),
  mutant('CLOCK_READ_AFTER, NO_UNKNOWN', ...TWO, 'CLOCK_READ_AFTER', 'NO_UNKNOWN', 'GAVE_UP=1'),
  // Each of the two alone is enough without late effects: time is read first, and the key is taken.
  design('CLOCK_READ_AFTER alone', ...ONE, 'CLOCK_READ_AFTER', 'GAVE_UP=1', 'LATES=1', 'WATCH=1'),
  design('NO_UNKNOWN alone, nothing late', ...ONE, 'NO_UNKNOWN', 'GAVE_UP=1'),
  mutant('CLOCK_OF_FUNCTION', ...ONE, 'CLOCK_OF_FUNCTION', 'GAVE_UP=1'),
  mutant(
    'HANDED_BACK, two executions hand over to each other',
    ...ONE,
    ...SLICED,
    'EXECUTIONS=5',
    'HANDOVERS=2',
    'HANDED_BACK',
  ),
  mutant('APPEND_WITHOUT_LOOK', ...TWO, 'APPEND_WITHOUT_LOOK'),
  mutant('WAITERS_BEFORE_DECISION', ...TWO, 'WAITERS_BEFORE_DECISION', 'EAGER=1', 'NO_START'),
  mutant('NO_NONCE', ...ONE, 'NO_NONCE', 'LOST=1'),
  mutant('LAST_VERDICT', ...ONE, 'LAST_VERDICT', 'DENIALS=1', 'DECISIONS=2'),
  mutant('ABORT_GOES_ON', ...TWO, 'ABORT_GOES_ON', 'SAY=8'),
  mutant('SPOILED_IS_CLOSED', ...ONE, 'SPOILED_IS_CLOSED', 'SPOILS=1', 'GAVE_UP=1'),
  mutant('NO_TELL_ON_RECORD', ...TWO, 'NO_TELL_ON_RECORD', 'GAVE_UP=1', 'DECISIONS=0', 'FAILS=0'),
  mutant('NO_LOOK_AFTER_WAITER', ...ONE, 'NO_LOOK_AFTER_WAITER', 'EAGER=1'),
  mutant('HALT_TRUSTS_ITS_CALLER', ...TWO, 'HALT_TRUSTS_ITS_CALLER', 'SAY=2'),
  mutant('no watch', ...ONE, 'CRASHES=1', 'WATCH=0'),
  mutant('a watch that starts nothing', ...TWO, 'CRASHES=1', 'STOPS=1', 'WATCH=2'),
  mutant('NO_NOTIFY', ...ONE, 'NO_NOTIFY'),
  mutant('NO_START', ...TWO, 'NO_START', 'STOPS=1'),
  mutant('NO_CLAIM', ...ONE, 'NO_CLAIM', 'DOUBLES=1'),
  mutant('NO_CODE_CHECK', ...ONE, 'NO_CODE_CHECK', ...OTHER_CODE),
  mutant('BASELINE_IGNORES_TURN', ...TWO, 'BASELINE_IGNORES_TURN', 'MIGRATIONS=2', 'CODE=5', 'BASELINES=1', 'FAILS=0'),
  mutant('NO_LOOK_AFTER_BATCH_CLAIM', ...PARALLEL, 'NO_LOOK_AFTER_BATCH_CLAIM', 'GAVE_UP=1'),
  mutant('BATCHES_BEFORE_CLAIM', ...PARALLEL, 'BATCHES_BEFORE_CLAIM', 'GAVE_UP=1', 'FAILS=0'),
  mutant('NO_BATCH_CLAIM', ...PARALLEL, 'NO_BATCH_CLAIM', 'DOUBLES=1'),
  mutant('NO_BATCH_DEADLINE', ...PARALLEL, 'NO_BATCH_DEADLINE', 'GAVE_UP=1'),
  mutant('NO_BATCH_UNKNOWN', ...PARALLEL, 'NO_BATCH_UNKNOWN', 'CRASHES=1', 'WATCH=1', 'FAILS=0'),
  mutant('CLOSED_IS_VOID', ...PARALLEL, 'CLOSED_IS_VOID'),
  mutant('SLOWED_IS_VOID', ...PARALLEL, 'SLOWED_IS_VOID', 'SLOWS=1', 'FAILS=0'),
  mutant('SLOWED_IS_FAILED', ...PARALLEL, 'SLOWED_IS_FAILED', 'SLOWS=1', 'FAILS=0'),
  mutant('FAILED_IS_SLOWED', ...PARALLEL, 'FAILED_IS_SLOWED'),
  mutant('BROKEN_BATCHES_STOP', ...PARALLEL, 'BROKEN_BATCHES_STOP'),
  mutant('NOT_BEGUN_SUCCEEDED', ...PARALLEL, 'NOT_BEGUN_SUCCEEDED', 'GAVE_UP=1', 'FAILS=0'),
  mutant('RETRY_RUNS_ALL', ...PARALLEL, 'RETRY_RUNS_ALL'),
  mutant('PLAN_NOT_SEALED', ...PARALLEL, 'PLAN_NOT_SEALED', 'SLICES=2'),
  mutant('BATCHES_RUN_AGAIN', ...PARALLEL, 'BATCHES_RUN_AGAIN', 'FAILS=0'),

  without('refuseLate', ...ONE, ...LOWER_ADDED),
  without('refuseLateRetry', ...ONE, ...LOWER_ADDED, 'FAILS=1'),
  without('refuseLateAgain', ...NOBODY, ...LOWER_ADDED, 'STOPS=1'),
  without('recordSuccess', ...ONE, 'GAVE_UP=1', 'FAILS=0'),
  without('closeDecidedTurn', ...ONE, 'GAVE_UP=1'),
  without('recordDecision', ...ONE),
  without('allowNextAttempt', ...ONE),
  without('haltVoidCancelled', ...ONE, 'CANCELS=1', 'CRASHES=1', 'WATCH=1'),
  without('haltRetryOfOtherCode', ...ONE, ...OTHER_CODE),
  without('haltAgain', ...TWO, ...SLICED, 'GAVE_UP=1', 'STOPS=1', 'DECISIONS=0'),
  without('haltCancelled', ...ONE, ...SLICED, 'CANCELS=1'),
  without('haltStoppedOtherCode', ...ONE, ...SLICED, ...OTHER_CODE),
  without('allowNextSlice', ...ONE, ...SLICED),
  without('haltFailed', ...NOBODY, 'STOPS=1'),
  without('closeClaimedTurn', ...TWO, 'GAVE_UP=1'),
  without('voidUnclaimedTurn', ...TWO, 'STOPS=1'),
  { ...without('haltNotStarted', ...ONE, ...OTHER_CODE), endless: true },
  without('haltVoidOtherCode', ...ONE, ...OTHER_CODE, 'DECISIONS=1'),
];

export const LARGE: Configuration[] = [
  design('a lower file, two executions', ...TWO, ...LOWER_ADDED),
  design('a removed file, two executions', ...TWO, 'MIGRATIONS=2', 'CODE=5', 'DEPLOY=4', 'FAILS=0'),
  design('other code, two executions', ...TWO, ...OTHER_CODE),
  design('two executions, two decisions', 'STARTS=2', 'EXECUTIONS=4', 'DECISIONS=2', 'EAGER=1'),
  design('one execution, two crashes, two late effects', ...ONE, 'CRASHES=2', 'LATES=2', 'WATCH=1', 'LOG=16'),
  design('a crash and a late effect', ...TWO, 'CRASHES=1', 'LATES=1', 'WATCH=1', 'FAILS=0', 'SAY=1'),
  design('a stop and an invocation given up', ...TWO, 'STOPS=1', 'GAVE_UP=1'),
  design('slices, a stop, an invocation given up', ...TWO, ...SLICED, 'STOPS=1', 'GAVE_UP=1'),
  design('a handover, two executions', ...TWO, 'EXECUTIONS=4', 'HANDOVERS=1'),
  design('slices, a 403, every decision', ...TWO, ...SLICED, 'DENIALS=1', 'SAY=15', 'FAILS=1'),
];
