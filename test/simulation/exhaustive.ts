// Not by chance: small worlds, and in each of them every single fault at every request, and every pair of faults.
import type { Fault, FaultKind, Place, Point } from './faults.ts';
import { planned } from './planned.ts';
import type { Scenario } from './scenario.ts';
import { QUIET } from './scenario.ts';
import type { Options, Schedule } from './simulation.ts';
import { simulate } from './simulation.ts';

const SEED = 1;
const base = { ...QUIET, decisions: 3, say: 'retry' as const };
const fails = (who: string) => [{ who, what: /^user code of .* step 0$/, kind: 'throws' as const, size: 0 }];
const inSlices = planned('0010', { steps: 2, stepMs: 4_000, sliceMs: 10_000 });

/** Each is one thing that matters, as small as it can be: pairs grow with the square of its requests. */
export const WORLDS = {
  'two slices': { ...base, migrations: [inSlices], operators: 0 },
  'a wait between two slices': { ...base, migrations: [{ ...inSlices, waitMs: 60_000 }], operators: 0 },
  'a failure, a halt and a retry': { ...base, migrations: [planned('0010', { steps: 1 })], directed: fails('0010') },
  'two migrations': {
    ...base,
    migrations: [planned('0010', { steps: 1 }), planned('0020', { steps: 1 })],
    operators: 0,
  },
  'two runs of two slices': { ...base, migrations: [inSlices], startsMs: [0, 3_000], operators: 0 },
  'two runs, a failure between them': {
    ...base,
    migrations: [planned('0010', { steps: 1 })],
    startsMs: [0, 15_000],
    directed: fails('0010'),
  },
  batches: {
    ...base,
    migrations: [planned('0010', { steps: 1, stepMs: 4_000, batches: { of: 2, yields: 1, atOnce: 2 } })],
    operators: 0,
  },
  'a batch that fails, and a retry of the rest': {
    ...base,
    migrations: [planned('0010', { steps: 1, stepMs: 4_000, batches: { of: 3, yields: 3, atOnce: 2 } })],
    directed: [{ who: '0010', what: /^user code of .* step 0$/, kind: 'throws' as const, size: 0, nth: 2 }],
  },
  'a batch that fails, of two that may': {
    ...base,
    migrations: [planned('0010', { steps: 1, stepMs: 4_000, batches: { of: 2, yields: 2, atOnce: 1, tolerated: 1 } })],
    directed: [{ who: '0010', what: /^user code of .* step 0$/, kind: 'throws' as const, size: 0, nth: 2 }],
  },
  'a halt that two people answer': {
    ...base,
    migrations: [planned('0010', { steps: 1 })],
    operators: 0,
    directed: fails('0010'),
    script: [
      { atMs: 60_000, act: 'decide', decision: 'retry', by: 'anna', halt: 'open' },
      { atMs: 60_000, act: 'decide', decision: 'mark-applied', by: 'ben', halt: 'open' },
    ],
  },
} satisfies Record<string, Scenario>;

export type WorldName = keyof typeof WORLDS;

/** What may happen at a point. */
const KINDS: Record<Place, FaultKind[]> = {
  read: ['crash', 'forbidden'],
  write: ['crash', 'crash after', 'lost', 'repeated', 'late'],
  call: ['crash', 'crash after', 'lost'],
  publish: ['crash', 'fails'],
  user: ['crash', 'throws', 'stands still', 'stop'],
  return: ['crash', 'stop', 'stop and redrive'],
  invoke: ['refused', 'answer lost', 'error while it runs', 'late start', 'duplicate', 'late duplicate', 'stop'],
};

/** Of those, for the pairs of every test run: where something is written, said or started, and its end is not heard of. */
const AT_RECORDS: Record<Place, FaultKind[]> = {
  read: [],
  write: ['crash', 'lost', 'late'],
  call: ['lost'],
  publish: [],
  user: ['throws', 'stands still'],
  return: ['crash'],
  invoke: ['answer lost', 'late duplicate', 'stop'],
};

export interface Extent {
  depth: 1 | 2;
  /** Whether all kinds of faults at all requests are meant, or those where the ledger is written. */
  all: boolean;
}

/** The schedules of a world with one fault (1), or with two (2), without end of repetition. */
export async function* exhaustive(
  world: WorldName,
  options: Options,
  { depth, all }: Extent,
): AsyncGenerator<Schedule> {
  const schedule = { seed: SEED, scenario: WORLDS[world] };
  const kinds = all ? KINDS : AT_RECORDS;
  for (const one of faultsAfter(await pointsOf({ ...schedule, faults: [] }, options), -1, kinds)) {
    const single: Schedule = { ...schedule, faults: [one] };
    yield single;
    if (depth === 1) continue;
    // The second fault may be anywhere in what the first one leads to.
    for (const two of faultsAfter(await pointsOf(single, options), one.point, kinds)) {
      yield { ...schedule, faults: [one, two] };
    }
  }
}

function* faultsAfter(points: readonly Point[], after: number, kinds: typeof KINDS): Generator<Fault> {
  for (let point = after + 1; point < points.length; point += 1) {
    for (const kind of kinds[points[point]!.place]) yield { point, kind, size: 0.5 };
  }
}

/** Those of the trouble; at its end, when all is answered and a last run is started, nothing goes wrong any more. */
async function pointsOf(schedule: Schedule, options: Options): Promise<Point[]> {
  const { passed = [], troubled } = await simulate(schedule, { ...options, points: true });
  return passed.slice(0, troubled);
}
