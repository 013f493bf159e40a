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
  | 'forbidden' // 403, for some minutes: whatever its role asks of the ledger
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
  | 'decide' // somebody answers the halt that is open, or one that was
  | 'cancel'
  | 'baseline'
  | 'watch' // the watch looks
  | 'view' // somebody looks at the dashboard, or asks for the status
  | 'preview'
  | 'by hand' // somebody invokes a function of the machine himself
  | 'deploy a later migration'
  | 'deploy a late lower migration'
  | 'deploy without a file'
  | 'deploy other code'
  | 'deploy without what is completed'; // and a completed.json that names it

export interface Fault {
  /** The how manyth point of the schedule. */
  point: number;
  kind: FaultKind;
  /** In [0, 1): how long, or which. */
  size: number;
  /** Exactly how long, in milliseconds, where it matters. */
  ms?: number | undefined;
}

/** A fault at a request that is named: it stays where it is when the functions send other requests before it. */
export interface DirectedFault extends Omit<Fault, 'point'> {
  /** `list-pending`, or a migration's four digits; of an invocation by Step Functions: `Step Functions`. */
  who: string;
  /** Matches the request, as a timeline shows it. */
  what: RegExp;
  /** The how manyth such request, from 1. */
  nth?: number | undefined;
}

const AROUND: FaultKind[] = [
  'stop',
  'stop',
  'stop and redrive',
  'start another',
  'decide',
  'cancel',
  'baseline',
  'watch',
  'view',
  'preview',
  'by hand',
];
/** Drawn as one kind, and then which of them. */
const SOMEBODY = 'stop and redrive';
const OF_FUNCTION: FaultKind[] = ['crash', 'stall', 'slow answer', SOMEBODY, SOMEBODY];

export type Place = 'read' | 'write' | 'call' | 'publish' | 'user' | 'return' | 'invoke';

/** What Step Functions and Lambda do between a state and its function. */
export const OF_INVOCATION = [
  'throttled',
  'refused',
  'error while it runs',
  'answer lost',
  'duplicate',
  'late duplicate',
  'late start',
] satisfies FaultKind[];

export const FAULTS: Record<Place, FaultKind[]> = {
  read: [...OF_FUNCTION, 'fails', 'forbidden'],
  write: [...OF_FUNCTION, 'crash after', 'fails', 'forbidden', 'lost', 'repeated', 'late', 'conflict'],
  call: [...OF_FUNCTION, 'crash after', 'fails', 'lost'],
  publish: [...OF_FUNCTION, 'crash after', 'fails', 'lost'],
  user: ['crash', 'stall', SOMEBODY, SOMEBODY, 'throws', 'throws', 'throws', 'hangs', 'exits', 'stands still'],
  return: ['crash', 'slow answer', SOMEBODY, SOMEBODY],
  invoke: [...OF_INVOCATION, SOMEBODY, SOMEBODY],
};

const DEPLOYMENTS: FaultKind[] = [
  'deploy a later migration',
  'deploy a late lower migration',
  'deploy without a file',
  'deploy other code',
  'deploy without what is completed',
];

export const KINDS: FaultKind[] = [...new Set([...Object.values(FAULTS).flat(), ...AROUND, ...DEPLOYMENTS])];

/** Trouble without end would never come to rest: so many faults in one schedule, and none after them. */
const MAX_FAULTS = 100;

/** So many points after a fault, another one is likely: what breaks a protocol is often two things at once. */
const NEAR_POINTS = 12;

export interface FaultSource {
  seed: number;
  /** Chance of a fault at a point. */
  rate: number;
  /** So many times as likely at the points where the ledger is written, and in the next points after a fault. */
  atWrites: number;
  nearEachOther: number;
  /** Only these kinds, for schedules that go deep into few of them; undefined: all. */
  kinds: readonly FaultKind[] | undefined;
  /** Whether deployments happen. */
  deployments: boolean;
  /** Exactly these, instead of drawn ones. */
  given?: readonly Fault[] | undefined;
  directed?: readonly DirectedFault[] | undefined;
}

/** Which request of whom a point is. */
export interface Point {
  place: Place;
  who: string;
  what: string;
}

export class Faults {
  /** Points that were passed. */
  points = 0;
  /** What went wrong, in order. */
  readonly happened: Fault[] = [];
  /** What each point was, kept when asked for. */
  readonly passed: Point[] | undefined;
  enabled = true;
  readonly #source: FaultSource;
  readonly #given: Map<number, Fault> | undefined;
  /** How many requests each directed fault has matched. */
  readonly #matched = new Map<DirectedFault, number>();

  constructor(source: FaultSource, keepPoints = false) {
    this.#source = source;
    this.#given = source.given && new Map(source.given.map((fault) => [fault.point, fault]));
    this.passed = keepPoints ? [] : undefined;
  }

  /** Directed faults of which no request was found: a scenario that was to show something has not shown it. */
  get missed(): DirectedFault[] {
    const { directed = [] } = this.#source;
    return directed.filter((fault) => (this.#matched.get(fault) ?? 0) < (fault.nth ?? 1));
  }

  /** What goes wrong at the next point, if anything. `more`: an extra chance that user code throws. */
  next(at: Point, more = 0): Fault | undefined {
    const point = this.points;
    this.points += 1;
    this.passed?.push(at);
    if (!this.enabled) return undefined;
    const given = this.#given?.get(point);
    // In a shortened schedule a point may be of another place than it was.
    const fits = given && [...FAULTS[at.place], ...AROUND, ...DEPLOYMENTS].includes(given.kind);
    const drawn = this.#given ? (fits ? given : undefined) : this.#drawn(at.place, point, more);
    const fault = this.#directed(at, point) ?? drawn;
    if (fault) this.happened.push(fault);
    return fault;
  }

  #directed({ who, what }: Point, point: number): Fault | undefined {
    let found: Fault | undefined;
    for (const fault of this.#source.directed ?? []) {
      if (fault.who !== who || !fault.what.test(what)) continue;
      const count = (this.#matched.get(fault) ?? 0) + 1;
      this.#matched.set(fault, count);
      if (count === (fault.nth ?? 1)) found = { point, kind: fault.kind, size: fault.size, ms: fault.ms };
    }
    return found;
  }

  #drawn(place: Place, point: number, more: number): Fault | undefined {
    const { seed, deployments, kinds: only } = this.#source;
    const rate = this.#rate(place, point);
    const drawn = draw(seed, 'fault', point);
    if (drawn >= rate + more || this.happened.length >= MAX_FAULTS) return undefined;
    const all = deployments && draw(seed, 'deployment', point) < 0.05 ? DEPLOYMENTS : FAULTS[place];
    const acts = only ? AROUND.filter((act) => only.includes(act)) : AROUND;
    const kinds = only ? all.filter((kind) => (kind === SOMEBODY ? acts.length > 0 : only.includes(kind))) : all;
    if (drawn < rate && kinds.length === 0) return undefined;
    const kind = drawn < rate ? pick(kinds, draw(seed, 'kind', point)) : 'throws';
    const exactly = kind === SOMEBODY ? pick(acts, draw(seed, 'who acts', point)) : kind;
    return { point, kind: exactly, size: draw(seed, 'size', point) };
  }

  #rate(place: Place, point: number): number {
    const { rate, atWrites, nearEachOther } = this.#source;
    const last = this.happened.at(-1);
    const near = last !== undefined && point - last.point <= NEAR_POINTS;
    const written = place === 'write' || place === 'call';
    return Math.min(0.5, rate * (written ? atWrites : 1) * (near ? nearEachOther : 1));
  }
}
