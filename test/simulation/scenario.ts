// What a schedule plays with, apart from its faults: migrations, starts, operators, clocks, deployments.
import type { FaultKind } from './faults.ts';
import type { Deployment, PlannedMigration } from './planned.ts';
import { KINDS } from './faults.ts';
import { draw, pick, spread } from './random.ts';

export interface Scenario {
  migrations: PlannedMigration[];
  /** When runs are started, in milliseconds from the beginning. */
  startsMs: number[];
  /** People who decide in the middle of it, and how many turns each of them takes. */
  operators: number;
  decisions: number;
  /** Chance that one of them asks what runs to stop, instead of deciding. */
  cancels?: number | undefined;
  /** What they always say; undefined: now this, now that. */
  say?: 'retry';
  /** Chance of a fault at a point, and the extra one that user code throws in a step. */
  rate: number;
  userFails: number;
  /** The only faults that are drawn; undefined: all. */
  kinds: readonly FaultKind[] | undefined;
  deployments: boolean;
  /** Chance that a run is started with allowOutOfOrder. */
  outOfOrder: number;
  /** The clocks of two functions differ by at most so much. */
  clocksApartMs: number;
  snsDown: boolean;
  /** Keys in a page of a list. */
  pageSize: number;
  /** A run is handed over when its execution has so many events; undefined: as deployed, which is never here. */
  handoverEvents?: number | undefined;
  /** The longest latency of a request; undefined: each takes 10 ms. */
  latencyMs: number | undefined;
}

/** Nothing happens in it but what is put into it: one run, no faults by chance, all clocks and latencies the same. */
export const QUIET: Omit<Scenario, 'migrations'> = {
  startsMs: [0],
  operators: 1,
  decisions: 1,
  rate: 0,
  userFails: 0,
  kinds: undefined,
  deployments: false,
  outOfOrder: 0,
  clocksApartMs: 0,
  snsDown: false,
  pageSize: 1000,
  latencyMs: undefined,
};

const MINUTE = 60_000;

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
    kinds: few ? KINDS.filter((_, at) => draw(seed, 'kind', at) < 0.2) : undefined,
    userFails: pick([0, 0.05, 0.3], chance('user fails')),
    deployments: chance('deployments') < 0.3,
    outOfOrder: pick([0, 0, 0.3], chance('out of order')),
    clocksApartMs: pick([0, 60_000], chance('clocks')),
    snsDown: chance('sns') < 0.1,
    pageSize: pick([1000, 1000, 2, 1], chance('page')),
    latencyMs: pick([undefined, 100, 5_000], chance('latency')),
    cancels: pick([undefined, undefined, 0.3], chance('cancels')),
    handoverEvents: pick([undefined, undefined, undefined, 60, 20], chance('handover')),
  };
}

export function plannedMigration(seed: number, number: number): PlannedMigration {
  const chance = (purpose: string) => draw(seed, purpose, number);
  const checkpointed = chance('checkpointed') < 0.4;
  return {
    id: String(number).padStart(4, '0'),
    steps: 1 + Math.floor(chance('steps') * 4),
    stepMs: spread(10, checkpointed ? 60_000 : 3 * MINUTE, chance('step')),
    timeoutMs: pick([1, 5, 15], chance('timeout')) * MINUTE,
    sliceMs: checkpointed ? pick([10_000, 30_000, MINUTE], chance('slice')) : undefined,
  };
}

type NameOf = (environment: string, migration: string) => string;

export function deploymentOf(version: number, planned: readonly PlannedMigration[], nameOf: NameOf): Deployment {
  const environment = 'simulated';
  return {
    version,
    manifest: {
      formatVersion: 1,
      environment,
      gitCommit: `commit-${version}`,
      migrations: planned.map(({ id, sliceMs }) => ({
        id,
        file: `migrations/${environment}/${id}.ts`,
        functionName: nameOf(environment, id),
        sourceSha256: 'a'.repeat(64),
        checkpointed: sliceMs !== undefined,
      })),
    },
    migrations: new Map(
      planned.map((one, at) => [nameOf(environment, one.id), { planned: one, predecessor: planned[at - 1]?.id }]),
    ),
  };
}

/** The deployment that follows on another one, for a fault of a kind `deploy …`. */
export function changedDeployment(current: Deployment, kind: FaultKind, size: number, nameOf: NameOf): Deployment {
  const planned = [...current.migrations.values()].map((entry) => entry.planned);
  const numbers = planned.map(({ id }) => Number(id));
  const seed = Math.floor(size * 2 ** 31);
  const version = current.version + 1;
  switch (kind) {
    case 'deploy a later migration':
      planned.push(plannedMigration(seed, Math.max(0, ...numbers) + 10));
      break;
    case 'deploy a late lower migration': {
      const lower = 10 * Math.floor(size * numbers.length) + 5;
      if (!numbers.includes(lower)) planned.push(plannedMigration(seed, lower));
      planned.sort((a, b) => (a.id < b.id ? -1 : 1));
      break;
    }
    case 'deploy without a file':
      planned.splice(Math.floor(size * planned.length), 1);
      break;
    default:
      return deploymentOf(
        version,
        planned.map(({ id }) => plannedMigration(seed, Number(id))),
        nameOf,
      );
  }
  return deploymentOf(version, planned, nameOf);
}
