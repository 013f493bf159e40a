// Deliberate faults, to prove that the simulation can fail: each takes away or alters one guard, by its name. Each is a mistake that
// somebody could make.
import { TURN_RULES } from '../../core/decision/decide.ts';
import type { DirectedFault } from './faults.ts';
import { planned } from './planned.ts';
import type { Planted } from './plant.ts';
import type { Scenario } from './scenario.ts';
import { FIRST_THROWS, QUIET } from './scenario.ts';

export interface Mutant {
  name: string;
  planted: Planted[];
  /** What the schedules have in common that look for it; undefined: nothing. */
  focus?: Partial<Scenario> | undefined;
}

const DECIDE = 'core/decision/decide.ts';
const FOLD = 'core/ledger/fold.ts';
const LOG = 'core/ledger/log.ts';
const TURNS = 'core/ledger/turns.ts';
const TURN_RECORDS = 'core/ledger/turn-records.ts';
const BATCHES = 'core/ledger/batches.ts';
const CHECKPOINTS = 'core/ledger/checkpoints.ts';
const PARALLEL = 'core/ledger/parallel.ts';
const PLAN = 'lambdas/run-migration/plan.ts';
const RUN_BATCH = 'lambdas/run-migration/run-batch.ts';
const WAITERS = 'core/ledger/waiters.ts';
const ALLOWED_TURN = 'lambdas/run-migration/allowed-turn.ts';
const SUPERVISE = 'lambdas/run-migration/user-code/supervise.ts';
const HALT = 'lambdas/halt/halt.ts';
const RESUME = 'lambdas/resume/resume.ts';
const RECORD = 'lambdas/record-completion/record-completion.ts';
const COMPLETIONS = 'core/ledger/completions.ts';
const MACHINE = 'core/contract/machine-definition.ts';

/** Functions that are slow, and several runs and people at once. */
const SLOW: Partial<Scenario> = {
  migrations: [planned('0010', { steps: 1, stepMs: 1_000, timeoutMs: 900_000 })],
  startsMs: [0, 30_000, 60_000, 300_000, 400_000],
  operators: 3,
  decisions: 8,
  rate: 0.06,
  userFails: 0.5,
  kinds: ['stall', 'slow answer', 'late start', 'late duplicate', 'error while it runs', 'throws', 'refused', 'decide'],
  deployments: false,
  pageSize: 1000,
  latencyMs: undefined,
};

/** Somebody says retry as soon as the halt is in the log; one request of the halt, or one of `resume`, takes its time. */
const decidedAtOnce = (...slow: DirectedFault[]): Partial<Scenario> => ({
  ...QUIET,
  migrations: [planned('0010', { steps: 1 })],
  operators: 0,
  directed: [FIRST_THROWS, ...slow],
  script: [{ after: { who: 'halt', what: /^create log/ }, act: 'decide', decision: 'retry', by: 'anna', halt: 'open' }],
});
const LATE_WAITER: DirectedFault = { who: 'halt', what: /^create waiters/, kind: 'stall', size: 0, ms: 5_000 };
const LATE_DECISION: DirectedFault = { who: 'resume', what: /^create log/, kind: 'stall', size: 0, ms: 20_000 };

/** Migrations in slices, in runs that are stopped and started. */
const IN_SLICES: Partial<Scenario> = {
  migrations: [planned('0010', { steps: 4, stepMs: 10_000, sliceMs: 10_000 })],
  startsMs: [0, 30_000],
  rate: 0.05,
  kinds: ['stop', 'start another', 'crash', 'throws', 'cancel'],
  deployments: false,
  latencyMs: undefined,
};

/** The same, and what comes after its checkpoints is to wait. */
const WAITING: Partial<Scenario> = {
  ...IN_SLICES,
  migrations: [planned('0010', { steps: 3, stepMs: 2_000, sliceMs: 30_000, waitMs: 20 * 60_000 })],
  kinds: ['stop', 'start another', 'crash', 'throws', 'cancel', 'decide'],
};

/** The function has other code than the rest, for ever. */
const HALF_DEPLOYED: Partial<Scenario> = {
  ...QUIET,
  migrations: [planned('0010')],
  startsMs: [1_000],
  operators: 0,
  finish: false,
  script: [
    {
      atMs: 0,
      act: 'deploy one',
      functionName: 'odin-migrate-simulated-0010',
      migrations: [planned('0010', { code: 2 })],
    },
  ],
};

/** Many batches at once, in runs that are stopped and started. */
export const IN_BATCHES: Partial<Scenario> = {
  migrations: [planned('0010', { steps: 2, stepMs: 10_000, batches: { of: 6, yields: 2, atOnce: 3 } })],
  startsMs: [0, 30_000],
  rate: 0.06,
  userFails: 0.1,
  kinds: [
    'stop',
    'start another',
    'crash',
    'throws',
    'stall',
    'slow answer',
    'late start',
    'late duplicate',
    'decide',
    'cancel',
  ],
  deployments: false,
  latencyMs: undefined,
};

/** The same, and the plan takes some slices. */
const PLANNED_IN_SLICES: Partial<Scenario> = {
  ...IN_BATCHES,
  migrations: [
    planned('0010', { steps: 1, stepMs: 10_000, sliceMs: 10_000, batches: { of: 6, yields: 2, atOnce: 3 } }),
  ],
};

/** Nothing goes wrong but what is put into it. */
const QUIETLY_IN_BATCHES: Partial<Scenario> = {
  ...QUIET,
  migrations: [planned('0010', { steps: 1, stepMs: 10_000, batches: { of: 3, yields: 3, atOnce: 2 } })],
  operators: 0,
};

/** S3 has asked the how manyth batch that begins for fewer requests. */
const nthIsSlowed = (nth: number): DirectedFault => ({
  who: '0010',
  what: /step 0$/,
  nth: nth + 1, // the first step is the plan's
  kind: 'throws',
  size: 0.9,
});
const QUIETLY_SLOWED: Partial<Scenario> = {
  ...QUIETLY_IN_BATCHES,
  migrations: [planned('0010', { steps: 1, batches: { of: 1, yields: 1, atOnce: 1 } })],
  directed: [nthIsSlowed(1)],
};

/** A file is removed between two slices. */
const REMOVED: Partial<Scenario> = {
  ...QUIET,
  migrations: [planned('0010', { steps: 3, stepMs: 4_000, sliceMs: 10_000 })],
  operators: 0,
  finish: false,
  script: [{ after: { who: '0010', what: /^create .*outcome/ }, act: 'deploy', migrations: [planned('0020')] }],
};

/** The file of a completed migration gets another number. */
const RENUMBERED: Partial<Scenario> = {
  ...QUIET,
  migrations: [planned('0010', { text: 'one' })],
  startsMs: [0, 600_000],
  operators: 0,
  finish: false,
  script: [
    {
      after: { who: 'record-completion', what: /^create log/ },
      act: 'deploy',
      migrations: [planned('0020', { text: 'one' })],
    },
  ],
};

const DEPLOYED: Partial<Scenario> = { ...IN_SLICES, rate: 0.1, kinds: undefined, deployments: true, userFails: 0.3 };

const rule = (name: string): Planted => ({ file: DECIDE, name, instead: '() => undefined' });

/** Rules that spare time and people, and keep no promise: without them a run does more, or halts sooner. decide.test.ts holds them. */
export const SPARING: Record<string, string> = {
  refuseHaltedElsewhere: 'a second execution joins the halt, and is told with the first',
  waitForNextSliceElsewhere: 'two executions append slices in turn: whoever is second decides anew',
  runAgain: 'the turn is made void, and a fresh one is allowed',
  waitForOwner: 'the same, and the owner finds the void claim',
  waitForDeployment: 'three turns are void within a minute, and the run halts',
};

const FOCUS: Record<string, Partial<Scenario>> = {
  haltRetryOfOtherCode: DEPLOYED,
  haltStoppedWithoutFile: REMOVED,
  haltStoppedOtherCode: DEPLOYED,
  haltWithoutFile: DEPLOYED,
  haltVoidOtherCode: { ...DEPLOYED, kinds: ['refused', 'stop', 'late start', 'throws', 'deploy other code'] },
  haltVoidWithoutFile: DEPLOYED,
  haltCancelled: IN_SLICES,
  haltVoidCancelled: IN_SLICES,
  haltNotStarted: HALF_DEPLOYED,
  waitForTime: WAITING,
  waitAfterSlowDown: QUIETLY_SLOWED,
};

export const withoutRule = (name: string): Mutant => ({
  name: `without the rule ${name}`,
  planted: [rule(name)],
  focus: FOCUS[name],
});

/** One for every rule of the decision that keeps a promise. */
export const WITHOUT_RULE: Mutant[] = TURN_RULES.filter(([name]) => !(name in SPARING)).map(([name]) =>
  withoutRule(name),
);

export const MUTANTS: Mutant[] = [
  // --- the decision -------------------------------------------------------------------------------------------------
  {
    name: 'a deadline is not waited for',
    planted: [
      { file: DECIDE, name: 'closeOrWait', instead: '(original, turn, seen) => original(turn, seen, Infinity)' },
    ],
  },
  {
    name: 'the deadline is measured by another clock than the store that wrote the claim',
    planted: [
      {
        file: DECIDE,
        name: 'closeOrWait',
        instead: '(original, turn, seen, now) => original(turn, seen, now + 600_000)',
      },
    ],
  },
  {
    name: 'a late lower file is run',
    focus: { deployments: true, outOfOrder: 0, rate: 0.05 },
    planted: [{ file: DECIDE, name: 'refuseLate', instead: '() => undefined' }],
  },
  {
    name: 'a run goes on although the log lacks what was pruned',
    focus: DEPLOYED,
    planted: [{ file: DECIDE, name: 'refuseLacking', instead: '() => undefined' }],
  },
  {
    name: 'the file of a completed migration is run again under another number',
    focus: RENUMBERED,
    planted: [{ file: DECIDE, name: 'refuseRenumbered', instead: '() => undefined' }],
  },
  {
    name: 'the order is from the last to the first',
    planted: [
      {
        file: DECIDE,
        name: 'allowFirstPending',
        instead: '(original, question) => original({ ...question, manifest: [...question.manifest].reverse() })',
      },
    ],
  },
  {
    name: 'what was completed is run again',
    planted: [
      {
        file: DECIDE,
        name: 'allowFirstPending',
        instead: '(original, question) => original({ ...question, state: { ...question.state, migrations: {} } })',
      },
    ],
  },
  // --- the log ------------------------------------------------------------------------------------------------------
  {
    name: 'who comes second does not decide anew',
    planted: [
      {
        file: LOG,
        name: 'append',
        instead:
          '(original, writer, ask) => { let asked: any; return original(writer, (state: any) => (asked ??= ask(state))); }',
      },
    ],
  },
  {
    name: "another's entry is taken for one's own",
    planted: [
      {
        file: LOG,
        name: '#create',
        instead:
          'async (original, writer, state, content) => (await original(writer, state, content)) ?? { ...content, number: state.number + 1 }',
      },
    ],
  },
  {
    name: 'the log is read from a number that somebody else has appended',
    planted: [
      {
        file: LOG,
        name: '#create',
        instead:
          'async (original, writer, state, content) => original(writer, { ...state, number: state.number + 1 }, content)',
      },
    ],
  },
  {
    name: 'an entry of a log is appended without the hash of the one before it',
    planted: [
      {
        file: LOG,
        name: '#create',
        instead:
          "async (original, writer, state, content) => original(writer, { ...state, sha256: state.number === 0 ? null : 'a'.repeat(64) }, content)",
      },
      {
        file: FOLD,
        name: 'next',
        instead:
          '(original, state, entry) => original(entry.number > state.number ? { ...state, sha256: entry.previous } : state, entry)',
      },
    ],
  },
  // --- the keys of a turn -------------------------------------------------------------------------------------------
  {
    name: 'the claim is unconditional',
    planted: [
      {
        file: TURNS,
        name: 'takeClaim',
        instead: "async (original, ...given) => ({ ...(await original(...given)), taken: 'mine' })",
      },
    ],
  },
  {
    name: 'a key is overwritten',
    planted: [
      {
        file: TURN_RECORDS,
        name: 'takeKey',
        instead: `async (original, store, ...given) => original({
          get: (key: any) => store.get(key),
          create: async (key: any, body: any) => store.replace(key, body, (await store.get(key))?.etag),
        }, ...given)`,
      },
    ],
  },
  {
    name: 'who has claimed a turn is taken for dead',
    planted: [
      {
        file: TURNS,
        name: 'lookAtTurn',
        instead: `async (original, store, turn, now) => {
          const look = await original(store, turn, now);
          return look.seen === 'claimed' ? { ...look, deadline: 0 } : look;
        }`,
      },
    ],
  },
  {
    name: 'a turn without a claim counts as void, and nobody takes it',
    planted: [
      {
        file: TURNS,
        name: 'lookAtTurn',
        instead: `async (original, store, turn, now) => {
          const look = await original(store, turn, now);
          return look.seen === 'unclaimed' ? { seen: 'void', claim: {}, at: 0, reference: { key: 'turns', sha256: 'a'.repeat(64) } } : look;
        }`,
      },
    ],
  },
  // --- a migration's function ---------------------------------------------------------------------------------------
  {
    name: 'other code runs than its entry allows',
    focus: HALF_DEPLOYED,
    planted: [
      {
        file: ALLOWED_TURN,
        name: 'claimAllowedTurn',
        instead: `async (original, self, ledger, payload, writer) => {
          const entry = await ledger.log.entry(payload.turn);
          return original({ ...self, codeSha256: entry?.kind === 'allowed' ? entry.codeSha256 : self.codeSha256 }, ledger, payload, writer);
        }`,
      },
    ],
  },
  {
    name: 'a payload is believed that says something else than its entry',
    focus: { ...SLOW, migrations: [planned('0010'), planned('0020')], kinds: ['by hand', 'refused'], rate: 0.2 },
    planted: [
      {
        file: ALLOWED_TURN,
        name: 'readTurn',
        instead: '(original, self, ledger, payload) => ledger.log.entry(payload.turn)',
      },
    ],
  },
  {
    name: 'user code whose time is over goes on',
    focus: { rate: 0.1, kinds: ['hangs', 'stall'], userFails: 0 },
    planted: [
      {
        file: SUPERVISE,
        name: 'superviseUserCode',
        instead: `(original, start, ...given) => original((listeners: any) => ({
          ...start(listeners),
          kill: () => undefined,
          gone: new Promise((resolve) => setImmediate(() => resolve({ code: 0, signal: null }))),
        }), ...given)`,
      },
    ],
  },
  // --- the halt -----------------------------------------------------------------------------------------------------
  {
    name: 'a halt notifies nobody',
    planted: [{ file: HALT, name: 'notify', instead: 'async () => undefined' }],
  },
  {
    name: 'a halt keeps its token to itself',
    planted: [{ file: WAITERS, name: 'leaveWaiter', instead: 'async () => undefined' }],
  },
  {
    name: 'the log is not looked at after the waiter was left',
    focus: decidedAtOnce(LATE_WAITER),
    planted: [{ file: HALT, name: 'isOpen', instead: 'async () => true' }],
  },
  {
    name: 'a halt says that its function did not start, whatever is seen',
    planted: [
      {
        file: HALT,
        name: 'reasonOf',
        instead: "(original, ...given) => { original(...given); return 'not-started'; }",
      },
    ],
  },
  // --- a person's decision ------------------------------------------------------------------------------------------
  {
    name: 'the waiters are read before the decision is appended',
    focus: decidedAtOnce(LATE_WAITER, LATE_DECISION),
    planted: [
      {
        file: RESUME,
        name: 'whatToAppend',
        instead: `async (original, state, payload, said) => {
          const halt = state.turn?.halt?.halted.number;
          if (halt) (store as any).known = (await store.list('waiters/' + String(halt).padStart(8, '0') + '/')).objects;
          return original(state, payload, said);
        }`,
      },
      {
        file: WAITERS,
        name: 'readWaiters',
        instead:
          '(original, store, halt) => original(store.known ? { get: store.get, list: async () => ({ at: 0, objects: store.known }) } : store, halt)',
      },
    ],
  },
  {
    name: 'a decision is told to nobody',
    focus: decidedAtOnce(),
    planted: [{ file: RESUME, name: 'deliver', instead: 'async () => []' }],
  },
  {
    name: 'a decision on another halt than the one that was named',
    planted: [
      {
        file: RESUME,
        name: 'whatToAppend',
        instead:
          '(original, state, payload, said) => original(state, { ...payload, halt: state.turn?.halt?.halted.number }, said)',
      },
    ],
  },
  {
    name: 'a second decision on a halt counts, too',
    planted: [
      {
        file: RESUME,
        name: 'whatToAppend',
        instead: `(original, { turn, ...state }, payload, said) =>
          original({ ...state, turn: turn?.halt ? { ...turn, halt: { ...turn.halt, decided: undefined } } : turn }, payload, said)`,
      },
    ],
  },
  {
    name: 'other code goes on at a cursor, and nobody said so',
    focus: DEPLOYED,
    planted: [
      {
        file: RESUME,
        name: 'retryOf',
        instead:
          "(original, turn, look, payload) => original(turn, look, { ...payload, begin: payload.begin ?? 'checkpoint' })",
      },
    ],
  },
  // --- batches ------------------------------------------------------------------------------------------------------
  {
    name: 'a batch does not look whether its turn is closed',
    focus: IN_BATCHES,
    planted: [{ file: RUN_BATCH, name: 'isClosed', instead: 'async () => false' }],
  },
  {
    name: 'a batch looks whether its turn is closed before its claim alone',
    focus: IN_BATCHES,
    planted: [
      {
        file: RUN_BATCH,
        name: 'isClosed',
        instead: `async (original, turn) => {
          const first = !(turn as any).looked;
          (turn as any).looked = true;
          return first ? original(turn) : false;
        }`,
      },
    ],
  },
  {
    name: 'the claim of a batch is unconditional',
    focus: IN_BATCHES,
    planted: [
      {
        file: BATCHES,
        name: 'claimBatch',
        instead: "async (original, ...given) => ({ ...(await original(...given)), taken: 'mine' })",
      },
    ],
  },
  {
    name: 'the batches that have begun are not looked at: a closed turn is void',
    focus: IN_BATCHES,
    planted: [{ file: BATCHES, name: 'hasBegun', instead: '() => false' }],
  },
  {
    name: 'the deadline of batches that have begun is not waited for',
    focus: IN_BATCHES,
    planted: [
      {
        file: TURNS,
        name: 'lookAtTurn',
        instead: `async (original, store, turn, now) => {
          const look = await original(store, turn, now);
          return look.seen === 'claimed' && turn.batches ? { ...look, deadline: 0 } : look;
        }`,
      },
    ],
  },
  {
    name: 'a batch that comes late is not closed as unknown',
    focus: IN_BATCHES,
    planted: [{ file: BATCHES, name: 'closeBatches', instead: 'async () => undefined' }],
  },
  {
    name: 'a retry runs all batches again',
    focus: IN_BATCHES,
    planted: [
      {
        file: PARALLEL,
        name: 'nextBatches',
        instead: `(original, store, migration, { turn }) =>
          original(store, migration, { turn: turn && { ...turn, allowed: { ...turn.allowed, batches: undefined } } })`,
      },
    ],
  },
  {
    name: 'batches that failed are taken for succeeded',
    focus: IN_BATCHES,
    planted: [
      {
        file: PARALLEL,
        name: 'outcomeOfOver',
        instead: `async (original, store, turn, ...given) => {
          const outcome = await original(store, turn, ...given);
          return turn.batches ? { ...outcome, outcome: 'succeeded' } : outcome;
        }`,
      },
    ],
  },
  {
    name: 'what the batches said that failed is put down nowhere',
    focus: IN_BATCHES,
    planted: [{ file: PARALLEL, name: 'writeFailures', instead: 'async () => undefined' }],
  },
  {
    name: 'a batch that fails closes its turn, however many may fail',
    focus: {
      migrations: [
        planned('0010', { steps: 2, stepMs: 10_000, batches: { of: 6, yields: 2, atOnce: 3, tolerated: 4 } }),
      ],
    },
    planted: [{ file: RUN_BATCH, name: 'tooManyFailed', instead: 'async () => true' }],
  },
  {
    name: 'one batch more may fail than the turn tolerates before it is closed',
    focus: {
      migrations: [
        planned('0010', { steps: 2, stepMs: 10_000, batches: { of: 6, yields: 2, atOnce: 3, tolerated: 1 } }),
      ],
    },
    planted: [
      {
        file: RUN_BATCH,
        name: 'tooManyFailed',
        instead: `(original, turn) =>
          original({ ...turn, batches: { ...turn.batches, tolerated: (turn.batches.tolerated ?? 0) + 1 } })`,
      },
    ],
  },
  {
    name: 'a turn ends with its first outcomes, although it tolerates failures: those that failed are taken for done',
    focus: IN_BATCHES,
    planted: [
      {
        file: BATCHES,
        name: 'restAfter',
        instead: `(original, rest, look: any) =>
          original(rest, { succeeded: [...look.succeeded, ...(look.failed ?? []).map(({ batch }: any) => batch)] })`,
      },
    ],
  },
  {
    name: 'what a turn planned after its last checkpoint counts too',
    focus: IN_BATCHES,
    planted: [
      {
        file: PLAN,
        name: 'sealed',
        instead:
          '(original) => ({ ...original(), turns: original().turns.map((turn: any) => ({ ...turn, batches: turn.batches + 1 })) })',
      },
    ],
  },
  {
    name: 'the batches are listed before their turn is closed, and not after it',
    focus: IN_BATCHES,
    planted: [
      {
        file: TURNS,
        name: 'lookAtTurn',
        instead: `async (original, store, turn, now) => {
          const early = ((turn as any).early ??= await store.list('turns/' + turn.migration + '/' + String(turn.number).padStart(8, '0') + '/batches/'));
          return original({ get: (key: any) => store.get(key), list: async () => early }, turn, now);
        }`,
      },
    ],
  },
  {
    name: 'a turn of batches is over when all that began have ended, and nobody has closed it',
    focus: IN_BATCHES,
    planted: [
      {
        file: TURNS,
        name: 'lookAtTurn',
        instead: `async (original, store, turn, now) => {
          const look = await original(store, turn, now);
          if (look.seen !== 'unclaimed' || !turn.batches) return look;
          const batches = await lookAtBatches(store, turn);
          return hasBegun(batches) ? { seen: 'claimed', deadline: batches.open.length === 0 ? 0 : Infinity, batches } : look;
        }`,
      },
    ],
  },
  {
    name: 'batches are run of a plan that is not sealed',
    focus: PLANNED_IN_SLICES,
    planted: [
      {
        file: PARALLEL,
        name: 'nextBatches',
        instead: `(original, store, ...given) => original({
          list: (...asked: any[]) => store.list(...asked),
          get: async (key: any) => {
            const found = await store.get(key);
            return found && { ...found, body: found.body.replace(/"sealed": ?false/, '"sealed": true') };
          },
        }, ...given)`,
      },
    ],
  },
  {
    name: 'a plan forgets what the slices before have planned',
    focus: PLANNED_IN_SLICES,
    planted: [
      {
        file: PLAN,
        name: 'planRecorder',
        instead:
          '(original, store, turn, writer, before) => original(store, turn, writer, before && { ...before, turns: [] })',
      },
    ],
  },
  {
    name: 'a batch of what was yielded is counted, and not put down',
    focus: QUIETLY_IN_BATCHES,
    planted: [
      {
        file: BATCHES,
        name: 'planBatch',
        instead:
          "async (original, store, turn, writer, batch, items) => batch === 2 ? { taken: 'mine' } : original(store, turn, writer, batch, items)",
      },
    ],
  },
  {
    name: 'a batch is given what another one is made of',
    focus: QUIETLY_IN_BATCHES,
    planted: [
      {
        file: BATCHES,
        name: 'readItems',
        instead: '(original, store, migration, plan) => original(store, migration, plan, 1)',
      },
    ],
  },
  {
    name: 'a batch is run that its turn does not allow',
    focus: { ...IN_BATCHES, kinds: ['by hand', 'throws', 'decide'], rate: 0.1 },
    planted: [
      {
        file: ALLOWED_TURN,
        name: 'allowedBatch',
        instead: `async (original, self, ledger, payload) => {
          const turn = await readTurn(self, ledger, payload);
          return turn.batches ? turn : original(self, ledger, payload);
        }`,
      },
    ],
  },
  {
    name: 'a batch is run with other code than its entry allows',
    focus: {
      ...QUIETLY_IN_BATCHES,
      finish: false,
      script: [
        {
          after: { who: '0010', what: /^create .*outcome/ },
          act: 'deploy one',
          functionName: 'odin-migrate-simulated-0010',
          migrations: [planned('0010', { batches: { of: 3, yields: 3, atOnce: 2 }, code: 2 })],
        },
      ],
    },
    planted: [
      {
        file: ALLOWED_TURN,
        name: 'allowedBatch',
        instead:
          'async (original, self, ledger, payload) => ({ ...(await original(self, ledger, payload)), codeSha256: self.codeSha256 })',
      },
    ],
  },
  {
    name: 'the outcome of a batch is written before its code has ended',
    focus: IN_BATCHES,
    planted: [
      {
        file: RUN_BATCH,
        name: 'runBatch',
        instead: `async (original, ...given) => {
          void original(...given).catch(() => undefined);
          return { outcome: 'finished', checkpoints: 0 };
        }`,
      },
    ],
  },
  {
    name: 'a batch that did not begin is taken for succeeded',
    focus: IN_BATCHES,
    planted: [
      {
        file: BATCHES,
        name: 'lookAtBatches',
        instead: `(original, store, turn) => original({
          list: (...asked: any[]) => store.list(...asked),
          get: async (key: any) => {
            const found = await store.get(key);
            return found && { ...found, body: found.body.replace('"not-begun"', '"succeeded"') };
          },
        }, turn)`,
      },
    ],
  },
  {
    name: 'batches that were left are taken for done, because none has failed',
    focus: IN_BATCHES,
    planted: [
      {
        file: PARALLEL,
        name: 'outcomeOfBatches',
        instead: `(original, ...given) => {
          const became = original(...given);
          return became.outcome === 'stopped' ? { ...became, outcome: 'succeeded' } : became;
        }`,
      },
    ],
  },
  {
    name: 'a batch that failed is run again, and nobody has said so',
    focus: IN_BATCHES,
    planted: [
      {
        file: PARALLEL,
        name: 'outcomeOfBatches',
        instead: '(original, turn, look) => original(turn, { ...look, failed: [] })',
      },
    ],
  },
  {
    name: 'a batch of which nobody knows is run again, and nobody has said so',
    focus: IN_BATCHES,
    planted: [
      {
        file: PARALLEL,
        name: 'outcomeOfBatches',
        instead: '(original, turn, look) => original(turn, { ...look, unknown: [] })',
      },
    ],
  },
  {
    name: 'the time of a checkpoint is not recorded',
    focus: WAITING,
    planted: [
      {
        file: CHECKPOINTS,
        name: 'moveCheckpoint',
        instead: `(original, store, turn, previous, next, now) =>
          original(store, turn, previous, { ...next, notBefore: undefined }, now)`,
      },
    ],
  },
  {
    name: 'a slice goes on at a checkpoint that says when',
    focus: WAITING,
    planted: [
      {
        file: SUPERVISE,
        name: 'superviseUserCode',
        instead: `(original, ...given) => (options) =>
          original(...given)({ ...options, save: async (made) => { await options.save(made); return 'go on'; } })`,
      },
    ],
  },
  {
    name: 'a slice is allowed before the time of its checkpoint',
    focus: WAITING,
    planted: [{ file: TURNS, name: 'goesOnAt', instead: '(original, outcome) => original(outcome) - 300_000' }],
  },
  {
    name: 'a retry goes on before the time of its checkpoint',
    focus: WAITING,
    planted: [{ file: ALLOWED_TURN, name: 'saysWhen', instead: '() => false' }],
  },
  {
    name: 'a batch that S3 has slowed down counts as one that has not begun',
    focus: QUIETLY_SLOWED,
    planted: [{ file: BATCHES, name: 'hasBegun', instead: '(original, look) => original({ ...look, slowed: [] })' }],
  },
  {
    name: 'what S3 has slowed down goes on for ever',
    focus: {
      ...QUIETLY_SLOWED,
      directed: Array.from({ length: 11 }, (_, at) => nthIsSlowed(at + 1)),
    },
    planted: [{ file: PARALLEL, name: 'isStuck', instead: '() => false' }],
  },
  {
    name: 'a batch that failed is taken for one that S3 has slowed down',
    focus: IN_BATCHES,
    planted: [
      {
        file: RUN_BATCH,
        name: 'runBatch',
        instead: `async (original, ...given) => {
          const end = await original(...given);
          return end.outcome === 'threw' ? { ...end, error: { ...end.error, name: 'SlowedDown' } } : end;
        }`,
      },
    ],
  },
  {
    name: 'an outcome of a batch that cannot be read is taken for none',
    focus: {
      ...QUIETLY_IN_BATCHES,
      script: [
        {
          after: { who: '0010', what: /step 0$/, nth: 2 },
          act: 'put',
          key: 'turns/0010/00000002/batches/000002-outcome.json',
          body: 'rubbish',
        },
      ],
    },
    planted: [{ file: PARALLEL, name: 'whenOver', instead: '(original, look) => look' }],
  },
  {
    name: 'from the start goes on with the plan of before',
    focus: IN_BATCHES,
    planted: [
      {
        file: 'lambdas/list-pending/list-pending.ts',
        name: 'batchesOf',
        instead: "(original, next, state) => original({ ...next, begin: 'checkpoint' }, state)",
      },
    ],
  },
  {
    name: 'a turn of batches is run again, by who was allowed it',
    focus: QUIETLY_IN_BATCHES,
    planted: [
      {
        file: DECIDE,
        name: 'runAgain',
        instead:
          '(original, look) => original({ ...look, turn: { ...look.turn, allowed: { ...look.turn.allowed, batches: undefined } } })',
      },
    ],
  },
  {
    name: 'a map that failed halts, while its children run',
    focus: IN_BATCHES,
    planted: [
      {
        file: MACHINE,
        name: 'stateMachineDefinition',
        instead: `(original, ...given) => {
          const definition = original(...given);
          Object.assign(definition.States['Run batches'].Catch[0], { Next: 'Halt for operator', ResultPath: '$.error' });
          return definition;
        }`,
      },
    ],
  },
  // --- checkpoints --------------------------------------------------------------------------------------------------
  {
    name: 'a slice whose time is over stops at a checkpoint that is not saved',
    focus: { ...QUIET, migrations: [planned('0010', { steps: 60, stepMs: 300, sliceMs: 10_000 })] },
    planted: [
      {
        file: SUPERVISE,
        name: 'yielded',
        instead: `(original, checkpoint) => {
          if (clock.now() - savedAt >= saveEveryMs || !isNearlyOver()) original(checkpoint);
          else answer('stop');
        }`,
      },
    ],
  },
  // --- completions --------------------------------------------------------------------------------------------------
  {
    name: 'what did not succeed is recorded as applied',
    planted: [
      {
        file: RECORD,
        name: 'whatToAppend',
        instead: `async (original, state, payload) => {
          try {
            return await original(state, payload);
          } catch {
            return state.turn && { kind: 'completed', ids: [payload.migration], completion: 'applied' };
          }
        }`,
      },
    ],
    focus: { rate: 0.1, kinds: ['by hand', 'crash', 'throws'] },
  },
  {
    name: 'a baseline is recorded while a turn is open',
    focus: { rate: 0.1, kinds: ['baseline', 'start another', 'stall'] },
    planted: [
      {
        file: COMPLETIONS,
        name: 'baselineOf',
        instead: '(original, state, ...given) => original({ ...state, turn: undefined }, ...given)',
      },
      {
        file: FOLD,
        name: 'complete',
        instead:
          "(original, state, entry) => original(entry.completion === 'baseline' ? { ...state, turn: undefined } : state, entry)",
      },
    ],
  },
  // --- the machine --------------------------------------------------------------------------------------------------
  {
    name: 'the retry that CDK adds by default is on',
    planted: [
      {
        file: MACHINE,
        name: 'stateMachineDefinition',
        instead: `(original, ...given) => {
          const definition = original(...given);
          definition.States['Run migration'].Retry.unshift({ ErrorEquals: ['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException'] });
          return definition;
        }`,
      },
    ],
  },
  {
    name: 'an error of a migration ends the run green',
    planted: [
      {
        file: MACHINE,
        name: 'stateMachineDefinition',
        instead: `(original, ...given) => {
          const definition = original(...given);
          definition.States['Run migration'].Catch[0].Next = 'Finished';
          return definition;
        }`,
      },
    ],
  },
  {
    name: 'a run hands over and starts nobody',
    focus: { handoverEvents: 20 },
    planted: [
      {
        file: 'lambdas/shared/continue-run.ts',
        name: 'continueRun',
        instead: "async (original, executions, entry) => 'arn:of-nobody-' + entry",
      },
    ],
  },
];
