// What a schedule plays with, apart from its faults: migrations, starts, people, clocks, deployments.
import type { DirectedFault, FaultKind } from './faults.ts';
import { KINDS } from './faults.ts';
import type { PlannedMigration } from './planned.ts';
import { draw, pick, spread } from './random.ts';
import type { Json } from './stepper.ts';

export interface Scenario {
  migrations: PlannedMigration[];
  /** When runs are started, in milliseconds from the beginning. */
  startsMs: number[];
  /** People who decide in the middle of it, and how many turns each of them takes. */
  operators: number;
  decisions: number;
  /** Chance that one of them asks what runs to stop, instead of deciding. */
  cancels?: number | undefined;
  /** Chance that somebody says something else instead of what was decided last, in time or too late. */
  insteads?: number | undefined;
  /** What they always say; undefined: now this, now that. */
  say?: 'retry';
  /** Chance of a fault at a point, and the extra one that user code throws in a step. */
  rate: number;
  userFails: number;
  /** How much likelier faults are where the ledger is written, and near each other. */
  atWrites: number;
  nearEachOther: number;
  /** The only faults that are drawn; undefined: all. */
  kinds: readonly FaultKind[] | undefined;
  deployments: boolean;
  /** How long a deployment takes at most: for so long half of it is there. */
  deploymentMs: number;
  /** Chance that a run is started with allowOutOfOrder. */
  outOfOrder: number;
  /** The clocks of two functions differ by at most so much. */
  clocksApartMs: number;
  /** Chance that an invocation finds a function that was frozen after an earlier one. */
  warm: number;
  snsDown: boolean;
  /** Keys in a page of a list. */
  pageSize: number;
  /** A run is handed over when its execution has so many events; undefined: as deployed, which is never here. */
  handoverEvents?: number | undefined;
  /** Executions that begin before this time have a definition that the functions do not serve; undefined: none. */
  unservedMs?: number | undefined;
  /** The longest latency of a request; undefined: each takes 10 ms. */
  latencyMs: number | undefined;
  /** What happens besides, at a time or at a request that is named; for schedules that are written by hand. */
  script?: Act[] | undefined;
  directed?: DirectedFault[] | undefined;
  /** The end of it: whether people answer every halt, and a last run is started, which must finish. */
  finish: boolean;
}

/** Something that somebody does. */
export type Act = When & Deed;

type When =
  | { atMs: number }
  /** When such a request has had its effect (or had none); so many milliseconds after it. */
  | { after: { who: string; what: RegExp; nth?: number | undefined }; ms?: number | undefined };

export type Deed =
  /** `halt`: the number of its entry, or the one that is open then; absent: it is not named. */
  | {
      act: 'decide';
      decision: string;
      by: string;
      halt?: number | 'open' | undefined;
      instead?: number;
      begin?: 'start' | 'checkpoint';
    }
  | { act: 'cancel'; by: string }
  | { act: 'baseline'; by: string; through: string }
  | { act: 'watch' }
  | { act: 'preview'; migration: string }
  | { act: 'start'; name: string; allowOutOfOrder?: boolean | undefined }
  | { act: 'stop' | 'redrive'; name: string }
  /** All at once. `pruned`: what completed.json names then; absent: nothing. */
  | { act: 'deploy'; migrations: PlannedMigration[]; pruned?: string[] | undefined }
  /** One function is updated, and the others are not yet. */
  | { act: 'deploy one'; functionName: string; migrations: PlannedMigration[] }
  | { act: 'invoke'; functionName: string; payload: Json }
  /** Writes an object as a role that has been taken over could. */
  | { act: 'put'; key: string; body: string };

/** Nothing happens in it but what is put into it: one run, no faults by chance, all clocks and latencies the same. */
export const QUIET: Omit<Scenario, 'migrations'> = {
  startsMs: [0],
  operators: 1,
  decisions: 1,
  rate: 0,
  userFails: 0,
  atWrites: 1,
  nearEachOther: 1,
  kinds: undefined,
  deployments: false,
  deploymentMs: 0,
  outOfOrder: 0,
  clocksApartMs: 0,
  warm: 0,
  snsDown: false,
  pageSize: 1000,
  latencyMs: undefined,
  finish: true,
};

/** The first step of 0010's code throws, once. */
export const FIRST_THROWS: DirectedFault = { who: '0010', what: /step 0$/, kind: 'throws', size: 0 };

/** Somebody says retry, a second after somebody waits in the halt. */
export const ANNA_RETRIES: Act = {
  after: { who: 'halt', what: /^create waiters/ },
  ms: 1_000,
  act: 'decide',
  decision: 'retry',
  by: 'anna',
};

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export function scenarioOf(seed: number): Scenario {
  const chance = (purpose: string) => draw(seed, purpose);
  const count = 1 + Math.floor(chance('migrations') * 4);
  const starts = pick([1, 1, 2, 2, 3, 4, 8], chance('starts'));
  const window = pick([1_000, 20 * MINUTE, 180 * MINUTE], chance('window'));
  // Half of the schedules have few kinds of faults, and more of each: some trouble needs several of the same kind.
  const few = chance('few kinds') < 0.5;
  const rate = pick([0, 0.003, 0.01, 0.03, 0.08], chance('rate'));
  return {
    migrations: Array.from({ length: count }, (_, at) => plannedMigration(seed, 10 * (at + 1))),
    startsMs: Array.from({ length: starts }, (_, at) => Math.round(draw(seed, 'start', at) * window)),
    operators: pick([0, 1, 1, 2, 3], chance('operators')),
    decisions: pick([2, 4, 8], chance('decisions')),
    rate: few ? rate * 3 : rate,
    atWrites: pick([1, 1, 4], chance('at writes')),
    nearEachOther: pick([1, 1, 5, 20], chance('near each other')),
    kinds: few ? KINDS.filter((_, at) => draw(seed, 'kind', at) < 0.2) : undefined,
    userFails: pick([0, 0.05, 0.3], chance('user fails')),
    deployments: chance('deployments') < 0.3,
    deploymentMs: pick([0, 2 * MINUTE, 10 * MINUTE], chance('deployment takes')),
    outOfOrder: pick([0, 0, 0.3], chance('out of order')),
    // No clock of a function decides anything, so they may be days apart.
    clocksApartMs: pick([0, MINUTE, 2 * DAY], chance('clocks')),
    warm: pick([0, 0.5, 0.9], chance('warm')),
    snsDown: chance('sns') < 0.1,
    pageSize: pick([1000, 1000, 2, 1], chance('page')),
    latencyMs: pick([undefined, 100, 5_000], chance('latency')),
    cancels: pick([undefined, undefined, 0.3], chance('cancels')),
    insteads: pick([undefined, undefined, 0.3], chance('insteads')),
    handoverEvents: pick([undefined, undefined, undefined, 60, 20], chance('handover')),
    unservedMs: chance('unserved') < 0.1 ? 3 * MINUTE : undefined,
    finish: true,
  };
}

export function plannedMigration(seed: number, number: number, code = 1): PlannedMigration {
  const chance = (purpose: string) => draw(seed, purpose, number);
  const checkpointed = chance('checkpointed') < 0.4;
  const batches =
    chance('parallel') < 0.25
      ? {
          of: 1 + Math.floor(chance('batches') * 6),
          yields: 1 + Math.floor(chance('yields') * 3),
          atOnce: 1 + Math.floor(chance('at once') * 3),
          tolerated: pick([undefined, undefined, 1, 2], chance('tolerated')),
        }
      : undefined;
  return {
    id: String(number).padStart(4, '0'),
    steps: 1 + Math.floor(chance('steps') * 4),
    stepMs: spread(10, checkpointed ? MINUTE : 3 * MINUTE, chance('step')),
    timeoutMs: pick([1, 5, 15], chance('timeout')) * MINUTE,
    sliceMs: checkpointed ? pick([10_000, 30_000, MINUTE], chance('slice')) : undefined,
    batches,
    waitMs: chance('waits') < 0.3 ? pick([500, 20_000, 20 * MINUTE], chance('wait')) : undefined,
    code,
  };
}

/** The migrations of the deployment that follows on another one, for a fault of a kind `deploy …`. */
export function changedMigrations(
  current: readonly PlannedMigration[],
  kind: FaultKind,
  size: number,
  pruned: readonly string[] = [],
): PlannedMigration[] {
  const numbers = [...current.map(({ id }) => id), ...pruned].map(Number);
  const seed = Math.floor(size * 2 ** 31);
  switch (kind) {
    case 'deploy a later migration':
      return [...current, plannedMigration(seed, Math.max(0, ...numbers) + 10)];
    case 'deploy a late lower migration': {
      const lower = 10 * Math.floor(size * numbers.length) + 5;
      if (numbers.includes(lower)) return [...current];
      return [...current, plannedMigration(seed, lower)].sort((a, b) => (a.id < b.id ? -1 : 1));
    }
    case 'deploy without a file':
      return current.toSpliced(Math.floor(size * current.length), 1);
    default:
      // Of all of them, or of one.
      return current.map((one, at) => {
        const other = draw(seed, 'all of them') < 0.3 || at === Math.floor(draw(seed, 'which') * current.length);
        return other ? plannedMigration(seed, Number(one.id), (one.code ?? 1) + 1) : one;
      });
  }
}
