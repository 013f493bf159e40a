// Which schedules of the simulation the model is asked to follow: of its size, and with what it knows.
import type { DirectedFault, FaultKind } from '../simulation/faults.ts';
import { planned } from '../simulation/planned.ts';
import { draw, pick } from '../simulation/random.ts';
import type { Scenario } from '../simulation/scenario.ts';
import type { Size } from './events.ts';

/** So large the model is compiled for it. */
export const SIZE: Size = { starts: 8, executions: 12, invocations: 4, people: 3, cancellers: 2, migrations: 3 };

const MINUTE = 60_000;

/** At any request. Not among them, because the model does not have them: previews, invocations by hand, a redrive beside its function. */
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
  'decide',
  'cancel',
  'watch',
  'view',
];

/** At an invocation of a migration's function; one of the system's is never dispatched twice in the model. */
const INVOCATION_KINDS: FaultKind[] = [
  'throttled',
  'refused',
  'error while it runs',
  'answer lost',
  'duplicate',
  'late duplicate',
  'late start',
];

export function scenarioFor(seed: number): Scenario {
  const chance = (purpose: string, ...numbers: number[]) => draw(seed, `conformance ${purpose}`, ...numbers);
  const count = pick([1, 1, 2, 3], chance('migrations'));
  const starts = pick([1, 1, 2, 3], chance('starts'));
  const window = pick([1_000, 5 * MINUTE], chance('window'));
  return {
    migrations: Array.from({ length: count }, (_, at) =>
      planned(`00${at + 1}0`, {
        steps: 1 + Math.floor(chance('steps', at) * 3),
        stepMs: pick([1_000, 20_000], chance('step', at)),
        timeoutMs: pick([1, 5], chance('timeout', at)) * MINUTE,
        sliceMs: chance('checkpointed', at) < 0.4 ? 20_000 : undefined,
        code: 1,
      }),
    ),
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
    latencyMs: pick([undefined, 100, 5_000], chance('latency')),
    directed: chance('invocation') < 0.3 ? [invocationFault(chance)] : [],
    finish: true,
  };
}

function invocationFault(chance: (purpose: string) => number): DirectedFault {
  return {
    who: 'Step Functions',
    what: /invokes .*-00\d0$/,
    nth: 1 + Math.floor(chance('which invocation') * 3),
    kind: pick(INVOCATION_KINDS, chance('invocation kind')),
    size: chance('size'),
  };
}
