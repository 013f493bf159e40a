// Not by chance: three migrations, the second of which fails once, and every single crash and every single lost answer in
// its run, and every pair of them.
import type { Fault, FaultKind, Place } from './faults.ts';
import type { Scenario } from './scenario.ts';
import { QUIET } from './scenario.ts';
import type { Options, Schedule } from './simulation.ts';
import { simulate } from './simulation.ts';

const SEED = 1;
const planned = (id: string, sliceMs?: number) => ({ id, steps: 2, stepMs: 20_000, timeoutMs: 60_000, sliceMs });

export const EXHAUSTIVE: Scenario = {
  ...QUIET,
  // The last one has two slices.
  migrations: [planned('0010'), planned('0020'), planned('0030', 30_000)],
  decisions: 3,
  say: 'retry',
};

/** What may happen at a point: the function dies before its request, or the answer of what took effect is lost. */
const KINDS: Record<Place, FaultKind[]> = {
  read: ['crash'],
  write: ['crash', 'crash after', 'lost', 'repeated'],
  call: ['crash', 'crash after', 'lost', 'repeated'],
  publish: ['crash', 'lost'],
  user: ['crash'],
  return: ['crash'],
  invoke: ['refused', 'answer lost'],
};

interface Run {
  schedule: Schedule;
  places: Place[];
}

/** The schedules with no fault but the failure (0), with one more (1), or with two more (2), without end of repetition. */
export async function* exhaustive(options: Options, depth: 1 | 2): AsyncGenerator<Schedule> {
  const failure = await theFailure(options);
  const first = await run([failure], options);
  for (const one of faultsAfter(first, -1, failure)) {
    const single: Schedule = { seed: SEED, scenario: EXHAUSTIVE, faults: [...(first.schedule.faults ?? []), one] };
    yield single;
    if (depth === 1) continue;
    // The second fault may be anywhere in what the first one leads to.
    const then = await run(single.faults ?? [], options);
    for (const two of faultsAfter(then, one.point, failure)) {
      yield { ...single, faults: [...(single.faults ?? []), two] };
    }
  }
}

function* faultsAfter({ places }: Run, after: number, failure: Fault): Generator<Fault> {
  for (let point = after + 1; point < places.length; point += 1) {
    if (point === failure.point) continue;
    for (const kind of KINDS[places[point]!]) yield { point, kind, size: 0.5 };
  }
}

/** The point at which the first step of 0020 throws: the third step of user code. */
async function theFailure(options: Options): Promise<Fault> {
  const { places } = await run([], options);
  const steps = places.flatMap((place, point) => (place === 'user' ? [point] : []));
  return { point: steps[2]!, kind: 'throws', size: 0.5 };
}

async function run(faults: readonly Fault[], options: Options): Promise<Run> {
  const schedule: Schedule = { seed: SEED, scenario: EXHAUSTIVE, faults };
  const { places } = await simulate(schedule, { ...options, places: true });
  return { schedule, places: places ?? [] };
}
