// Which schedules of the simulation the model is asked to follow: of its size, and with what it knows.
import type { DirectedFault, FaultKind } from '../simulation/faults.ts';
import { OF_INVOCATION } from '../simulation/faults.ts';
import { MUTANTS } from '../simulation/mutants.ts';
import { planned } from '../simulation/planned.ts';
import { draw, pick } from '../simulation/random.ts';
import type { PlannedMigration } from '../simulation/planned.ts';
import type { Act, Scenario } from '../simulation/scenario.ts';
import { ANNA_RETRIES, FIRST_THROWS, QUIET } from '../simulation/scenario.ts';
import type { Size } from './events.ts';

/** So large the model is compiled for it. */
export const SIZE: Size = {
  starts: 12,
  executions: 24,
  invocations: 6,
  people: 3,
  cancellers: 2,
  migrations: 3,
  batches: 4,
  entries: 60,
};

const MINUTE = 60_000;

/** At any request. Not among them: what is `by hand`, of which the model has a migration's function alone (see `invoked`). */
const KINDS: FaultKind[] = [
  'crash',
  'crash after',
  'stall',
  'slow answer',
  'fails',
  'forbidden',
  'lost',
  'repeated',
  'conflict',
  'throws',
  'hangs',
  'exits',
  'stands still',
  'stop',
  'stop and redrive',
  'decide',
  'cancel',
  'watch',
  'view',
  'preview',
];

export function scenarioFor(seed: number): Scenario {
  const chance = (purpose: string, ...numbers: number[]) => draw(seed, `conformance ${purpose}`, ...numbers);
  const count = pick([1, 1, 2, 3], chance('migrations'));
  const starts = pick([1, 1, 2, 3], chance('starts'));
  const window = pick([1_000, 5 * MINUTE], chance('window'));
  const all = Array.from({ length: count }, (_, at) =>
    planned(`00${at + 1}0`, {
      steps: 1 + Math.floor(chance('steps', at) * 3),
      stepMs: pick([1_000, 20_000], chance('step', at)),
      timeoutMs: pick([1, 5], chance('timeout', at)) * MINUTE,
      sliceMs: chance('checkpointed', at) < 0.4 ? 20_000 : undefined,
      batches: chance('parallel', at) < 0.3 ? batches(chance, at) : undefined,
      waitMs: chance('waits', at) < 0.2 ? 20_000 : undefined,
      code: 1,
    }),
  );
  const deploys = chance('deploys') < 0.35;
  return {
    // Some are deployed later, and lower than what was there.
    migrations: deploys ? all.filter((_, at) => at === count - 1 || chance('at first', at) < 0.7) : all,
    script: [
      ...(deploys ? deployments(all, chance) : []),
      ...(chance('baseline') < 0.1 ? [baseline(chance)] : []),
      ...(chance('redrives') < 0.3 ? [redrive(chance)] : []),
      ...(chance('by hand') < 0.3 ? [invoked(chance)] : []),
    ],
    startsMs: Array.from({ length: starts }, (_, at) => Math.round(chance('start', at) * window)),
    operators: pick([0, 1, 2], chance('operators')),
    decisions: pick([1, 2, 3], chance('decisions')),
    cancels: pick([undefined, 0.3], chance('cancels')),
    rate: pick([0, 0.005, 0.02, 0.05], chance('rate')),
    userFails: pick([0, 0.1, 0.3], chance('user fails')),
    atWrites: pick([1, 4], chance('at writes')),
    nearEachOther: pick([1, 5], chance('near each other')),
    kinds: KINDS,
    deployments: false,
    deploymentMs: 0,
    outOfOrder: 0,
    clocksApartMs: 2 * 24 * 60 * MINUTE,
    warm: pick([0, 0.5], chance('warm')),
    snsDown: false,
    pageSize: 1000,
    handoverEvents: pick([undefined, undefined, undefined, 60, 120], chance('handover')),
    latencyMs: pick([undefined, 100, 5_000], chance('latency')),
    directed: [
      ...(chance('invocation') < 0.3 ? [invocationFault(chance)] : []),
      ...(chance('handover is lost') < 0.3 ? [LOST_HANDOVER] : []),
    ],
    finish: true,
  };
}

const batches = (chance: Chance, at: number) => ({
  of: 1 + Math.floor(chance('batches', at) * 3),
  yields: 1 + Math.floor(chance('yields', at) * 2),
  atOnce: 1 + Math.floor(chance('at once', at) * 2),
  tolerated: chance('tolerated', at) < 0.3 ? 1 : undefined,
});

type Chance = (purpose: string, ...numbers: number[]) => number;

/** All at once, or of one function alone; each migration as it was, with other code, or not at all. */
function deployments(all: PlannedMigration[], chance: Chance): Act[] {
  return Array.from({ length: 1 + Math.floor(chance('how many deployments') * 2) }, (_, time): Act => {
    const drawn = (purpose: string, at = 0) => chance(`deployment ${purpose}`, time, at);
    const migrations = all
      .filter((_one, at) => drawn('keeps', at) < 0.8)
      .map((one, at) => ({ ...one, code: drawn('changes', at) < 0.4 ? 2 : 1 }));
    const atMs = Math.round(drawn('when') * 8 * MINUTE);
    const one = pick(all, drawn('which'));
    return drawn('half') < 0.25
      ? {
          atMs,
          act: 'deploy one',
          functionName: `odin-migrate-simulated-${one.id}`,
          migrations: all.map((each) => ({ ...each, code: 2 })),
        }
      : { atMs, act: 'deploy', migrations };
  });
}

const baseline = (chance: Chance): Act => ({
  atMs: Math.round(chance('baseline at') * MINUTE),
  act: 'baseline',
  by: 'adopter',
  through: '0010',
});

/** Of one that was stopped or has failed by then; of any other it does nothing. */
const redrive = (chance: Chance): Act => ({
  atMs: Math.round(chance('redrive at') * 180 * MINUTE),
  act: 'redrive',
  name: pick(['run-1', 'run-2'], chance('redriven')),
});

/** Somebody invokes a migration's function himself, with what an entry says, or with what none does. */
const invoked = (chance: Chance): Act => ({
  atMs: Math.round(chance('invoked at') * 5 * MINUTE),
  ...byHand(pick([1, 1, 2], chance('invoked attempt')), pick([1, 1, 1, 4], chance('invoked turn'))),
});

const byHand = (attempt: number, turn: number) => ({
  act: 'invoke' as const,
  functionName: 'odin-migrate-simulated-0010',
  payload: {
    ask: 'run',
    execution: 'arn:aws:states:eu-west-1:000000000000:execution:odin-migrate-simulated:run-1',
    migration: '0010',
    attempt,
    slice: 1,
    turn,
  },
});

/** The one that hands over is asked again, and finds what the other one has begun. */
const LOST_HANDOVER: DirectedFault = { who: 'list-pending', what: /^StartExecution/, kind: 'crash after', size: 0 };

const plain = planned('0010', { steps: 1 });
const inSlices = planned('0010', { steps: 3, stepMs: 4_000, sliceMs: 10_000 });
const other = (one: PlannedMigration): PlannedMigration => ({ ...one, code: 2 });
const later = planned('0020', { steps: 1 });

const quietly = (scenario: Partial<Scenario>): Partial<Scenario> => ({
  ...QUIET,
  migrations: [plain],
  operators: 0,
  finish: false,
  ...scenario,
});
/** Somebody says retry as soon as the halt is there, and something is deployed as soon as that is there. */
const retriedAnd = (...acts: Act[]): Partial<Scenario> =>
  quietly({
    directed: [FIRST_THROWS],
    script: [ANNA_RETRIES, ...acts],
  });
const AFTER_RETRY = { after: { who: 'resume', what: /^create log/ } };
/** `list-pending` dies when it has appended the turn, so that the next one makes it void; before that something happens. */
const allowedAnd = (nth: number, act: Act, more: Partial<Scenario> = {}): Partial<Scenario> => {
  const dies: DirectedFault = { who: 'list-pending', what: /^create log/, nth, kind: 'crash after', size: 0 };
  return quietly({ ...more, directed: [...(more.directed ?? []), dies], script: [...(more.script ?? []), act] });
};
const afterAllowed = (nth: number) => ({ after: { who: 'list-pending', what: /^create log/, nth } });
const HALF_DEPLOYED = quietly({
  script: [{ atMs: 0, act: 'deploy one', functionName: 'odin-migrate-simulated-0010', migrations: [other(plain)] }],
  startsMs: [1_000],
});

const inBatches = planned('0010', { steps: 1, stepMs: 10_000, batches: { of: 3, yields: 2, atOnce: 2 } });
/** Two runs of one parallel migration. What else happens is drawn. */
const IN_BATCHES: Partial<Scenario> = {
  migrations: [inBatches],
  startsMs: [0, 30_000],
  script: [],
  operators: 1,
  decisions: 3,
  rate: 0.04,
  userFails: 0.15,
};
/** The only batch of a plan is slowed down once. The first step is the plan's. */
const SLOWED = quietly({
  migrations: [{ ...inBatches, batches: { of: 1, yields: 1, atOnce: 1 } }],
  directed: [{ who: '0010', what: /step 0$/, nth: 2, kind: 'throws', size: 0.9 }],
});
const WAITING = quietly({ migrations: [{ ...inSlices, waitMs: 10 * MINUTE }] });
const ofBatches = ({ focus }: { focus?: Partial<Scenario> | undefined }): boolean =>
  focus?.migrations?.some((one) => one.batches !== undefined) ?? false;

/** Schedules that show what a planted fault does, where those that are drawn rarely do. By the fault's name. */
export const SHOWING: Record<string, Partial<Scenario>> = {
  ...Object.fromEntries(MUTANTS.filter(ofBatches).map(({ name }) => [name, IN_BATCHES])),
  'a batch that S3 has slowed down counts as one that has not begun': SLOWED,
  'without the rule waitAfterSlowDown': SLOWED,
  'a slice is allowed before the time of its checkpoint': WAITING,
  'without the rule waitForTime': WAITING,
  'the claim of a batch is unconditional': quietly({
    migrations: [inBatches],
    directed: [{ who: 'Step Functions', what: /invokes .*-0010$/, nth: 3, kind: 'duplicate', size: 0 }],
  }),
  'a batch is run that its turn does not allow': quietly({
    migrations: [inBatches],
    script: [
      {
        after: { who: 'list-pending', what: /^create log/, nth: 2 },
        ...byHand(1, 2),
        payload: { ...byHand(1, 2).payload, ask: 'batch', slice: 2, batch: 4 },
      },
    ],
  }),
  'a batch is run with other code than its entry allows': quietly({
    migrations: [inBatches],
    script: [
      {
        after: { who: '0010', what: /^create .*outcome/ },
        act: 'deploy one',
        functionName: 'odin-migrate-simulated-0010',
        migrations: [other(inBatches)],
      },
    ],
  }),
  // One claims when the other one has failed.
  'a batch that did not begin is taken for succeeded': quietly({
    migrations: [inBatches],
    directed: [
      { who: '0010', what: /^create .*000001-claim/, kind: 'stall', size: 0, ms: 40_000 },
      { who: '0010', what: /step 0$/, nth: 2, kind: 'throws', size: 0 },
    ],
    script: [ANNA_RETRIES],
  }),
  'a late lower file is run': quietly({
    migrations: [later],
    startsMs: [0, 10 * MINUTE],
    script: [{ atMs: 5 * MINUTE, act: 'deploy', migrations: [plain, later] }],
  }),
  'other code runs than its entry allows': HALF_DEPLOYED,
  'a payload is believed that says something else than its entry': quietly({
    script: [{ after: { who: 'list-pending', what: /^create log/ }, ...byHand(2, 1) }],
  }),
  'a decision on another halt than the one that was named': quietly({
    directed: [FIRST_THROWS, { ...FIRST_THROWS, nth: 2 }],
    script: [
      ANNA_RETRIES,
      {
        after: { who: 'halt', what: /^create waiters/, nth: 2 },
        ms: 1_000,
        act: 'decide',
        decision: 'retry',
        by: 'ben',
        halt: 2,
      },
    ],
  }),
  'a baseline is recorded while a turn is open': quietly({
    script: [{ after: { who: '0010', what: /^create .*claim/ }, act: 'baseline', by: 'adopter', through: '0010' }],
  }),
  'the retry that CDK adds by default is on': quietly({
    directed: [{ who: 'Step Functions', what: /invokes .*-0010$/, kind: 'refused', size: 0.1 }],
  }),
  'without the rule recordDecision': quietly({
    directed: [FIRST_THROWS],
    script: [
      {
        after: { who: 'halt', what: /^create waiters/ },
        ms: 1_000,
        act: 'decide',
        decision: 'mark-applied',
        by: 'anna',
      },
    ],
  }),
  'what did not succeed is recorded as applied': quietly({
    directed: [{ who: 'record-completion', what: /^get turns/, kind: 'forbidden', size: 0, ms: 0 }],
  }),
  'without the rule haltWithoutFile': retriedAnd({ ...AFTER_RETRY, act: 'deploy', migrations: [later] }),
  'without the rule haltRetryOfOtherCode': retriedAnd({ ...AFTER_RETRY, act: 'deploy', migrations: [other(plain)] }),
  'without the rule haltStoppedWithoutFile': quietly({
    migrations: [inSlices],
    script: [{ after: { who: '0010', what: /^create .*outcome/ }, act: 'deploy', migrations: [later] }],
  }),
  'without the rule haltStoppedOtherCode': quietly({
    migrations: [inSlices],
    script: [{ after: { who: '0010', what: /^create .*outcome/ }, act: 'deploy', migrations: [other(inSlices)] }],
  }),
  'without the rule haltVoidCancelled': allowedAnd(
    1,
    { ...afterAllowed(1), act: 'cancel', by: 'anna' },
    { migrations: [inSlices] },
  ),
  'without the rule haltVoidWithoutFile': allowedAnd(1, { ...afterAllowed(1), act: 'deploy', migrations: [later] }),
  'without the rule haltVoidOtherCode': allowedAnd(
    2,
    { ...afterAllowed(2), act: 'deploy', migrations: [other(plain)] },
    retriedAnd(),
  ),
  // The rest of the deployment comes in the end: a run without the rule asks for ever.
  'without the rule haltNotStarted': {
    ...HALF_DEPLOYED,
    script: [
      ...(HALF_DEPLOYED.script ?? []),
      { after: { who: 'list-pending', what: /^create log/, nth: 8 }, act: 'deploy', migrations: [other(plain)] },
    ],
  },
  'without the rule waitForNextSliceElsewhere': quietly({
    migrations: [inSlices],
    startsMs: [0, 5_000],
    directed: [{ who: 'list-pending', what: /^create log/, nth: 2, kind: 'stall', size: 0, ms: 30_000 }],
  }),
  'without the rule waitForDeployment': HALF_DEPLOYED,
};

function invocationFault(chance: (purpose: string) => number): DirectedFault {
  return {
    who: 'Step Functions',
    what: /invokes .*-00\d0$/,
    nth: 1 + Math.floor(chance('which invocation') * 3),
    // One of the system's functions is never dispatched twice in the model.
    kind: pick(OF_INVOCATION, chance('invocation kind')),
    size: chance('size'),
  };
}

/** Faults that are the same to the model, and why. By the fault's name. */
export const OUTSIDE: Record<string, string> = {
  'what S3 has slowed down goes on for ever': 'how often that may be is not in a trace',
  'what the batches said that failed is put down nowhere': 'nothing is decided on what they said',
  'a batch that fails closes its turn, however many may fail': 'how many may fail is not in a trace',
  'one batch more may fail than the turn tolerates before it is closed': 'how many may fail is not in a trace',
  'a batch of what was yielded is counted, and not put down': 'it has no items, and counts what the plan says',
  'a batch is given what another one is made of': 'it has no items',
  'what a turn planned after its last checkpoint counts too': 'it has no items, and counts what the plan says',
  'an outcome of a batch that cannot be read is taken for none': 'nobody puts anything into a ledger of its traces',
  'a plan forgets what the slices before have planned': 'it has no items, and counts what the plan says',
  'a run goes on although the log lacks what was pruned': 'it has no completed.json',
  'an entry of a log is appended without the hash of the one before it': 'it has no hashes',
  'the time of a checkpoint is not recorded': 'nothing of a checkpoint is in it, but whether its time has come',
  'a slice goes on at a checkpoint that says when': 'it has no checkpoints',
  'a retry goes on before the time of its checkpoint': 'it has no checkpoints',
  'a slice whose time is over stops at a checkpoint that is not saved':
    'nothing is decided on a checkpoint, so it has none',
  'the file of a completed migration is run again under another number': 'it has no texts',
  'other code goes on at a cursor, and nobody said so': 'it has no checkpoints, and not where an attempt begins',
};
