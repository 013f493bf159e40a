// What may go wrong at a point of a run, and where it does in one schedule.
import { draw, pick } from './random.ts';

export type FaultKind =
  // of a function, at any of its requests
  | 'crash' // it dies before the request took effect
  | 'crash after' // it dies after the request took effect, before the answer arrives
  | 'stall' // minutes pass before the request takes effect
  | 'slow answer' // minutes pass between the effect and the answer
  // of a request to the ledger or to Step Functions
  | 'fails' // 500 or 503 until the SDK gave up, without an effect
  | 'forbidden' // 403
  | 'lost' // it took effect, and the SDK gave up waiting for the answer
  | 'repeated' // it took effect, the answer was lost, and the SDK's repetition was answered: 412
  | 'late' // the SDK gave up, and the request took effect after that
  | 'conflict' // 409 until the adapter gave up
  // of user code
  | 'throws'
  | 'hangs' // it does not end, and is ended
  | 'exits' // its process ends before it
  // of the machine that a function runs on
  | 'stands still' // nothing of the function moves any more, until Lambda ends it
  // of an invocation, as Step Functions sees it
  | 'throttled' // an error which proves that the function did not start
  | 'refused' // an error which proves nothing, and the function did not start
  | 'error while it runs' // the same error, and the function runs
  | 'answer lost' // the function ran to its end, and Step Functions has an error
  | 'duplicate' // dispatched twice at once
  | 'late duplicate' // and again, minutes later
  | 'late start' // the function starts minutes later, perhaps after the task timed out
  // of the world around
  | 'stop' // somebody stops the execution
  | 'stop and redrive' // and redrives it some time later
  | 'start another'
  | 'deploy a later migration'
  | 'deploy a late lower migration'
  | 'deploy without a file'
  | 'deploy other code';

export interface Fault {
  /** The how manyth point of the schedule. */
  point: number;
  kind: FaultKind;
  /** In [0, 1): how long, or which. */
  size: number;
}

const AROUND: FaultKind[] = ['stop', 'stop and redrive', 'start another'];
const OF_FUNCTION: FaultKind[] = ['crash', 'stall', 'slow answer', ...AROUND];

export type Place = 'read' | 'write' | 'call' | 'publish' | 'user' | 'return' | 'invoke';

export const FAULTS: Record<Place, FaultKind[]> = {
  read: [...OF_FUNCTION, 'fails', 'forbidden'],
  write: [...OF_FUNCTION, 'crash after', 'fails', 'forbidden', 'lost', 'repeated', 'late', 'conflict'],
  call: [...OF_FUNCTION, 'crash after', 'fails', 'lost'],
  publish: [...OF_FUNCTION, 'crash after', 'fails', 'lost'],
  user: ['crash', 'stall', ...AROUND, 'throws', 'throws', 'throws', 'hangs', 'exits', 'stands still'],
  return: ['crash', 'slow answer', ...AROUND],
  invoke: [
    'throttled',
    'refused',
    'error while it runs',
    'answer lost',
    'duplicate',
    'late duplicate',
    'late start',
    ...AROUND,
  ],
};

const DEPLOYMENTS: FaultKind[] = [
  'deploy a later migration',
  'deploy a late lower migration',
  'deploy without a file',
  'deploy other code',
];

export const KINDS: FaultKind[] = [...new Set([...Object.values(FAULTS).flat(), ...DEPLOYMENTS])];

/** Trouble without end would never come to rest: so many faults in one schedule, and none after them. */
const MAX_FAULTS = 100;

export interface FaultSource {
  seed: number;
  /** Chance of a fault at a point. */
  rate: number;
  /** Only these kinds, for schedules that go deep into few of them; undefined: all. */
  kinds: readonly FaultKind[] | undefined;
  /** Whether deployments happen. */
  deployments: boolean;
  /** Exactly these, instead of drawn ones. */
  given?: readonly Fault[] | undefined;
}

export class Faults {
  /** Points that were passed. */
  points = 0;
  /** What went wrong, in order. */
  readonly happened: Fault[] = [];
  /** The kinds that could have happened at each point, kept when asked for. */
  readonly places: Place[] | undefined;
  enabled = true;
  readonly #source: FaultSource;
  readonly #given: Map<number, Fault> | undefined;

  constructor(source: FaultSource, keepPlaces = false) {
    this.#source = source;
    this.#given = source.given && new Map(source.given.map((fault) => [fault.point, fault]));
    this.places = keepPlaces ? [] : undefined;
  }

  /** What goes wrong at the next point, if anything. `more`: an extra chance that user code throws. */
  next(place: Place, more = 0): Fault | undefined {
    const point = this.points;
    this.points += 1;
    this.places?.push(place);
    if (!this.enabled) return undefined;
    const given = this.#given?.get(point);
    // In a shortened schedule a point may be of another place than it was.
    const fits = given && [...FAULTS[place], ...DEPLOYMENTS].includes(given.kind);
    const fault = this.#given ? (fits ? given : undefined) : this.#drawn(place, point, more);
    if (fault) this.happened.push(fault);
    return fault;
  }

  #drawn(place: Place, point: number, more: number): Fault | undefined {
    const { seed, rate, deployments, kinds: only } = this.#source;
    const drawn = draw(seed, 'fault', point);
    if (drawn >= rate + more || this.happened.length >= MAX_FAULTS) return undefined;
    const all = deployments && draw(seed, 'deployment', point) < 0.05 ? DEPLOYMENTS : FAULTS[place];
    const kinds = only ? all.filter((kind) => only.includes(kind)) : all;
    if (drawn < rate && kinds.length === 0) return undefined;
    const kind = drawn < rate ? pick(kinds, draw(seed, 'kind', point)) : 'throws';
    return { point, kind, size: draw(seed, 'size', point) };
  }
}
