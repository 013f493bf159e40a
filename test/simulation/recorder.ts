// Writes down what really happened, in true time, and holds it against the invariants of docs/design.md §7. It knows the ledger's
// keys and fields from docs/records.md alone and shares no code with what is under test.
import { createHash } from 'node:crypto';

export interface Violation {
  /** The number of the invariant in docs/design.md §7; 0: the code under test broke, or the ledger holds what docs/records.md does not know. */
  invariant: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  what: string;
  time: number;
}

/** Who sends a request. */
export interface Author {
  /** `halt`, or a migration's four digits. */
  name: string;
  requestId: string;
  /** Ids and codes of the manifest that its function was deployed with. */
  manifest: ReadonlyMap<string, string>;
  /** Those that its completed.json named. */
  pruned: readonly string[];
  allowOutOfOrder: boolean;
  preview: boolean;
  /** When the invocation began. */
  since: number;
}

export interface UserStart {
  turn: number;
  migration: string;
  attempt: number;
  slice: number;
  sandbox: number;
  requestId: string;
  /** What it goes on from. */
  cursor: unknown;
  codeSha256: string;
  /** Which one it is, of a parallel migration, and what it was given to do. */
  batch?: number | undefined;
  items?: readonly unknown[] | undefined;
  /** It plans batches: here, some in any case. */
  plans?: boolean | undefined;
}

/** A request as a model of the protocol sees it: see README.md, "Traces". */
export interface RequestLine {
  time: number;
  actor: string;
  request: string;
  body?: unknown;
  /** `now`, `late` (after its caller gave up, or was ended) or `none`. */
  effect: 'now' | 'late' | 'none';
  answer: string;
  /** What went wrong at it: with `lost` its caller has heard nothing, with `repeated` the answer to a repetition. */
  fault?: string | undefined;
}

type Fields = Record<string, unknown>;

/** With the fields that are read here by name. */
export interface Entry extends Fields {
  number: number;
  kind: 'allowed' | 'halted' | 'decided' | 'completed';
  migration: string;
  attempt: number;
}

/** Of an entry that allows batches. */
interface Planned {
  of: number;
  plan: { turn: number; batches: number }[];
  slowed?: number | undefined;
}

interface Turn {
  number: number;
  entry: Entry;
  migration: string;
  attempt: number;
  slice: number;
  claim: { kind: unknown; by: unknown; time: number } | undefined;
  outcome: string | undefined;
  outcomeTime: number;
  /** What its user code did, whatever the ledger says of it. */
  code: 'not started' | 'runs' | 'returned' | 'threw' | 'slowed' | 'stopped' | 'died';
  /** The cursor that it was given, or yielded last. */
  yielded: unknown;
  /** When what comes after that may begin, as it said: epoch milliseconds. */
  notBefore: number | undefined;
  /** Of a turn of batches: by their numbers, those that were claimed or whose code has started. */
  batches: Map<number, BatchSeen>;
  /** Of these, those that are marked as failed, in the order of that. */
  marked: number[];
  /** Its code makes a plan. */
  plans: boolean;
  cancelled: boolean;
  halts: Halt[];
}

interface BatchSeen {
  claimedBy: unknown;
  /** It was claimed when its turn was closed: it looks for that, and does not begin. */
  late: boolean;
  outcome: string | undefined;
  code: Turn['code'];
}

/** User code that runs now. */
interface Running {
  turn: Turn;
  batch: number | undefined;
  sandbox: number;
}

interface Halt {
  number: number;
  reason: unknown;
  turn: Turn;
  decided: Entry | undefined;
  /** The operators were told, or it was tried. */
  notified: boolean;
}

/** What a person asked for, and what came of it. */
interface Asked {
  ask: Fields;
  /** The entry that says so. */
  entry: Entry | undefined;
  /** How often it arrived. */
  deliveries: number;
}

/** Docs/records.md, "written by". */
const WRITERS: [key: RegExp, writers: string[]][] = [
  [/^log\/\d{8}\.json$/, ['list-pending', 'halt', 'resume', 'record-completion', 'baseline']],
  [/^turns\/(\d{4})\/\d{8}\/(claim|outcome)\.json$/, ['migration', 'list-pending']],
  [/^turns\/(\d{4})\/\d{8}\/batches\/\d{6}-(items|claim|later)\.json$/, ['migration']],
  [/^turns\/(\d{4})\/\d{8}\/batches\/\d{6}-(outcome|failed)\.json$/, ['migration', 'list-pending']],
  [/^turns\/(\d{4})\/\d{8}\/failures\.jsonl$/, ['list-pending']],
  [/^checkpoints\/(\d{4})\.json$/, ['migration']],
  [/^waiters\/\d{8}\/[^/]+\.json$/, ['halt']],
  [/^completed\/\d{4}\.json$/, ['record-completion', 'baseline', 'list-pending']],
  [/^state\.json$/, ['list-pending']],
];

export class Recorder {
  readonly violations: Violation[] = [];
  readonly timeline: string[] | undefined;
  readonly requests: RequestLine[] | undefined;
  /** `0010, attempt 1, slice 1`, in the order in which user code started. */
  readonly starts: string[] = [];
  readonly #now: () => number;
  /** Bodies as they were written last. */
  readonly #written = new Map<string, string>();
  readonly #entries: Entry[] = [];
  readonly #turns = new Map<number, Turn>();
  readonly #halts = new Map<number, Halt>();
  #open: Turn | undefined;
  readonly #completed = new Map<string, Entry>();
  #running: Running[] = [];
  /** Batches whose success is recorded, by their plan and number. */
  readonly #succeeded = new Set<string>();
  readonly #asked = new Map<string, Asked>();
  #requests = 0;
  /** Of `halt`, `resume`, `record-completion`: some did not come to their end, so that somebody may not have been told. */
  #cutOff = false;
  /** When `list-pending` began to look last, and when a halt was decided last. */
  #lastList = -1;
  #lastDecision = 0;

  constructor(now: () => number, { trace, requests }: { trace: boolean; requests: boolean }) {
    this.#now = now;
    this.timeline = trace ? [] : undefined;
    this.requests = requests ? [] : undefined;
  }

  trace(who: string, what: string): void {
    this.timeline?.push(`${new Date(this.#now()).toISOString().slice(5, 23)}  ${who.padEnd(26)} ${what}`);
  }

  violated(invariant: Violation['invariant'], what: string): void {
    this.violations.push({ invariant, what, time: this.#now() });
    this.trace('VIOLATION', `invariant ${invariant}: ${what}`);
  }

  requested(
    author: Author,
    request: string,
    line: Pick<RequestLine, 'effect' | 'fault'> & { body?: string | undefined },
    result: unknown,
  ): void {
    if (!this.requests) return;
    const { effect, fault, body } = line;
    const written = body === undefined || request.endsWith('.jsonl') ? undefined : (JSON.parse(body) as unknown);
    const actor = `${author.name}#${author.requestId}`;
    this.requests.push({ time: this.#now(), actor, request, body: written, effect, answer: answerOf(result), fault });
  }

  died({ name, requestId }: Author): void {
    this.#happened(`${name}#${requestId}`, 'dies');
  }

  /** Something that is no request: user code, an execution, a person. */
  #happened(actor: string, request: string, answer = '', body?: unknown): void {
    this.requests?.push({ time: this.#now(), actor, request, body, effect: 'now', answer });
  }

  // --- user code --------------------------------------------------------------------------------------------------

  userCodeStarts(start: UserStart): void {
    const {
      turn: number,
      migration,
      attempt,
      slice,
      sandbox,
      requestId,
      cursor,
      codeSha256,
      batch,
      items,
      plans,
    } = start;
    const name = `${migration}, attempt ${attempt}, slice ${slice}${batch === undefined ? '' : `, batch ${batch}`}`;
    this.starts.push(name);
    this.trace(`function ${sandbox}`, `USER CODE STARTS of entry ${number}: ${name}`);
    this.#happened(`${migration}#${requestId}`, `user code starts ${number}`);
    const turn = this.#turns.get(number);
    for (const other of this.#running) {
      const together = batch !== undefined && other.turn === turn && other.batch !== undefined && other.batch !== batch;
      if (!together) this.violated(1, `user code of ${name} started while that of ${describe(other.turn)} was running`);
    }
    if (!turn || turn.migration !== migration || turn.attempt !== attempt || turn.slice !== slice) {
      return this.violated(1, `user code of ${name} started, and entry ${number} does not allow it`);
    }
    if (turn !== this.#open) this.violated(1, `user code of ${name} started, and entry ${number} is settled`);
    if (turn.outcome !== undefined) this.violated(1, `user code of ${name} started after its outcome`);
    if (turn.entry['codeSha256'] !== codeSha256)
      this.violated(1, `other code of ${name} started than entry ${number} allows`);
    this.#running.push({ turn, batch, sandbox });
    if (batch !== undefined) return this.#batchStarts(turn, batch, items, name, requestId);
    if (turn.entry['batches'] !== undefined)
      this.violated(1, `user code of ${name} started, and its turn runs batches`);
    if (turn.code !== 'not started') this.violated(1, `user code of ${name}, entry ${number}, started a second time`);
    if (turn.claim?.kind !== 'claimed' || turn.claim.by !== requestId) {
      this.violated(1, `user code of ${name} started without the claim of entry ${number}`);
    }
    // What invariant 2 asks of a later attempt was asked when its entry was appended: the log does not change after that.
    this.#checkCursor(turn, cursor, codeSha256);
    turn.code = 'runs';
    turn.plans = plans ?? false;
    turn.yielded = cursor;
  }

  /** Once in its turn, by who has claimed it, and never again when its success is recorded. */
  #batchStarts(turn: Turn, batch: number, items: UserStart['items'], name: string, requestId: string): void {
    const seen = turn.batches.get(batch);
    if (!restOf(turn.entry).includes(batch))
      this.violated(1, `${name} started, and entry ${turn.number} does not allow it`);
    const planned = this.#plannedItems(turn.entry)[batch - 1];
    if (JSON.stringify(items) !== JSON.stringify(planned))
      this.violated(5, `${name} was given ${JSON.stringify(items)}, and ${JSON.stringify(planned)} were planned`);
    if (seen?.claimedBy !== requestId) this.violated(1, `user code of ${name} started without its claim`);
    if (seen && seen.code !== 'not started') this.violated(1, `user code of ${name} started a second time`);
    if (seen?.outcome !== undefined) this.violated(1, `user code of ${name} started after its outcome`);
    if (seen?.late) this.violated(1, `user code of ${name} started, and was claimed when its turn was closed`);
    if (this.#succeeded.has(batchName(turn.entry, batch))) this.violated(2, `${name} started, and had succeeded`);
    for (const other of this.#turnsOf(turn.migration, turn.attempt)) {
      const before = other === turn ? undefined : other.batches.get(batch);
      if (before && before.code !== 'not started' && before.outcome !== 'slowed-down')
        this.violated(1, `${name} started a second time in its attempt, and S3 had not slowed it down`);
    }
    turn.batches.set(batch, { claimedBy: requestId, late: false, outcome: undefined, ...seen, code: 'runs' });
  }

  /** Where a turn begins: as its entry says, and never at a cursor of other code unless a person said so. */
  #checkCursor({ entry, migration, attempt }: Turn, cursor: unknown, codeSha256: string): void {
    const kept = this.#written.get(`checkpoints/${migration}.json`);
    const checkpoint = kept === undefined ? undefined : (JSON.parse(kept) as Fields);
    const expected = entry['begin'] === 'checkpoint' ? checkpoint?.['cursor'] : undefined;
    if (JSON.stringify(cursor) !== JSON.stringify(expected)) {
      this.violated(
        1,
        `entry ${entry.number} begins at ${String(entry['begin'])}, and its user code was given another cursor`,
      );
    }
    const early = cursor === undefined ? 0 : Date.parse(String(checkpoint?.['notBefore'])) - this.#now();
    if (early > 0)
      this.violated(1, `user code of entry ${entry.number} started ${early} ms before the time of its checkpoint`);
    if (cursor === undefined || checkpoint?.['codeSha256'] === codeSha256) return;
    const decision = this.#turnsOf(migration, attempt - 1)
      .flatMap(({ halts }) => halts)
      .at(-1)?.decided;
    const asked = this.#asked.get(String(decision?.['by']));
    if (asked?.ask['begin'] !== 'checkpoint') {
      this.violated(2, `entry ${entry.number} goes on at a cursor of other code, and no person said so`);
    }
  }

  userCodeYields(sandbox: number, cursor: unknown, notBefore: number | undefined): void {
    const { turn } = this.#runningIn(sandbox) ?? {};
    if (!turn) return;
    if (turn.notBefore !== undefined)
      this.violated(1, `user code of ${describe(turn)} went on at ${String(turn.yielded)}, where it was to wait`);
    Object.assign(turn, { yielded: cursor, notBefore });
  }

  userCodeEnds(sandbox: number, how: 'returned' | 'threw' | 'slowed' | 'stopped'): void {
    this.#codeEnds(this.#runningIn(sandbox), how);
  }

  /** Its process was ended; nothing of it runs any more. */
  userCodeKilled(sandbox: number): void {
    this.#codeEnds(this.#runningIn(sandbox), 'died');
  }

  /** Its machine died, or was frozen: what a frozen one left running would go on when it is thawed. */
  functionEnds(sandbox: number, died: boolean): void {
    if (died) this.userCodeKilled(sandbox);
  }

  #runningIn(sandbox: number): Running | undefined {
    return this.#running.find((one) => one.sandbox === sandbox);
  }

  #codeEnds(found: Running | undefined, how: Exclude<Turn['code'], 'not started' | 'runs'>): void {
    if (!found) return;
    const { turn, batch } = found;
    const seen = batch === undefined ? turn : turn.batches.get(batch);
    if (seen) seen.code = how;
    const which = batch === undefined ? '' : `, batch ${batch}`;
    this.trace(`entry ${turn.number}`, `user code of ${describe(turn)}${which} ${how}`);
    this.#happened(
      `${turn.migration}#user code`,
      `user code ends ${[turn.number, batch].filter((part) => part !== undefined).join(' ')}`,
      how,
    );
    this.#running = this.#running.filter((one) => one !== found);
  }

  // --- the ledger -------------------------------------------------------------------------------------------------

  written(key: string, body: string, author: Author): void {
    const before = this.#written.get(key);
    this.#written.set(key, body);
    this.#checkAuthor(key, author);
    if (key.endsWith('.jsonl')) return this.#failuresListed(key, body);
    const record = JSON.parse(body) as Fields;
    const again = key === 'state.json' || key.startsWith('checkpoints/');
    if (before !== undefined && !again) this.violated(5, `${key} was written a second time`);
    const turn = /^turns\/(\d{4})\/(\d{8})\/(claim|outcome)\.json$/.exec(key);
    const batch = /^turns\/(\d{4})\/(\d{8})\/batches\/(\d{6})-(claim|outcome)\.json$/.exec(key);
    const [, of, marked] = /^turns\/\d{4}\/(\d{8})\/batches\/(\d{6})-failed\.json$/.exec(key) ?? [];
    if (key.startsWith('log/')) this.#appended(key, record as Entry, author);
    else if (turn) this.#taken(key, turn, record);
    else if (batch) this.#batchTaken(key, batch, record);
    else if (marked !== undefined) this.#turns.get(Number(of))?.marked.push(Number(marked));
    else if (key.startsWith('completed/')) this.#copied(key, record);
    else if (key.startsWith('checkpoints/')) this.#moved(key, before, record);
    else if (key === 'state.json') this.#cached(record);
  }

  #checkAuthor(key: string, { name, preview }: Author): void {
    const [pattern, writers] = WRITERS.find(([known]) => known.test(key)) ?? [];
    if (!pattern || !writers) return this.violated(0, `${key} is no key of the ledger`);
    const isOwn = writers.includes('migration') && pattern.exec(key)?.[1] === name;
    if (!isOwn && !writers.includes(name)) this.violated(0, `${name} wrote ${key}`);
    if (preview) this.violated(0, `a preview of ${name} wrote ${key}`);
  }

  /** Invariant 5: the log has no gap, and each entry holds the hash of the one before it. */
  #appended(key: string, entry: Entry, author: Author): void {
    const { number } = entry;
    const before = this.#entries.at(-1);
    const previous = before && hash(this.#written.get(entryKey(before.number)) ?? '');
    if (key !== entryKey(number) || number !== (before?.number ?? 0) + 1) {
      this.violated(5, `${key} follows entry ${before?.number ?? 0}`);
    }
    if (entry['previous'] !== (previous ?? null))
      this.violated(5, `${key} does not hold the hash of the entry before it`);
    if ((entry['ledger'] !== undefined) !== (number === 1)) this.violated(5, `entry 1 alone says whose ledger it is`);
    if (this.#entries.some((other) => other['nonce'] === entry['nonce'])) this.violated(5, `${key} has an old nonce`);
    this.#entries.push(entry);
    this.trace('log', `ENTRY ${number}: ${summaryOf(entry)}`);
    switch (entry.kind) {
      case 'allowed':
        return this.#allowed(entry, author);
      case 'halted':
        return this.#halted(entry, author);
      case 'decided':
        return this.#decided(entry);
      case 'completed':
        return this.#completes(entry);
      default:
        return this.violated(0, `${key} is of another kind`);
    }
  }

  #allowed(entry: Entry, { manifest, pruned, allowOutOfOrder }: Author): void {
    const { number, migration, attempt } = entry;
    const slice = Number(entry['slice']);
    const name = `entry ${number} (${migration}, attempt ${attempt}, slice ${slice})`;
    const before = this.#open;
    for (const other of this.#running)
      this.violated(1, `${name} was allowed while user code of ${describe(other.turn)} ran`);
    // Exempt: whoever says from the start means all of it, also when that attempt died before it had planned anew.
    if (entry['begin'] === 'start') {
      for (const batch of this.#succeeded) if (batch.startsWith(`["${migration}"`)) this.#succeeded.delete(batch);
    }
    if (entry['batches'] !== undefined) this.#checkBatches(entry, name);
    if (this.#completed.has(migration)) this.violated(1, `${name} was allowed, and ${migration} is completed`);
    if (manifest.get(migration) !== entry['codeSha256'])
      this.violated(1, `${name} allows code that is in no manifest of its writer`);
    if (!before && (attempt !== 1 || slice !== 1)) this.violated(2, `${name} follows on no turn`);
    if (before) {
      const why = whyNotAfter(before, entry);
      if (why !== undefined) this.violated(2, `${name} was allowed, and ${why}`);
    }
    const succeeded = this.#turnsOf(migration).find(({ outcome }) => outcome === 'succeeded');
    if (succeeded) this.violated(2, `${name} was allowed, and ${describe(succeeded)} had succeeded`);
    // Exempt: what began goes on. A lower file that is deployed between two slices is refused afterwards, by name.
    if (!allowOutOfOrder && slice === 1) {
      for (const lower of manifest.keys()) {
        if (lower < migration && !this.#completed.has(lower))
          this.violated(3, `${name} was allowed before ${lower} was completed`);
      }
    }
    // An open turn is settled first: what is lacking cannot be adopted while it is open.
    if (!before) {
      for (const id of pruned.filter((each) => !this.#completed.has(each)))
        this.violated(3, `${name} was allowed, and ${id} was pruned and is not completed`);
    }
    // Nobody allows it in a simulation.
    const again = [...this.#completed.keys()].find(
      (id) => !manifest.has(id) && this.#turnsOf(id).at(-1)?.entry['sourceSha256'] === entry['sourceSha256'],
    );
    if (!before && again !== undefined)
      this.violated(4, `${name} does again what ${again} has done, whose file is gone`);
    this.#checkReferences(entry, Object.values((entry['restsOn'] ?? {}) as Fields));
    const turn: Turn = {
      number,
      entry,
      migration,
      attempt,
      slice,
      claim: undefined,
      outcome: undefined,
      outcomeTime: Infinity,
      code: 'not started',
      yielded: undefined,
      notBefore: undefined,
      batches: new Map(),
      marked: [],
      plans: false,
      cancelled: false,
      halts: [],
    };
    this.#turns.set(number, turn);
    this.#open = turn;
  }

  /** The plan is what its turns have put down, whole and in order, and what is left of it are those that have not succeeded. */
  #checkBatches(entry: Entry, name: string): void {
    const { of, plan, slowed } = entry['batches'] as Planned;
    const batches = this.#plannedItems(entry);
    const items = batches.flat();
    if (batches.length !== of || items.some((item, at) => item !== at))
      this.violated(5, `${name} runs a plan that is not what was planned: ${JSON.stringify(items)}`);
    const last = plan.at(-1)?.turn ?? 0;
    const whole = this.#turnsOf(entry.migration).some(
      (turn) => turn.number >= last && turn.entry['batches'] === undefined && turn.code === 'returned',
    );
    if (!whole) this.violated(5, `${name} runs a plan that has not come to its end`);
    const left = Array.from({ length: of }, (_, at) => at + 1).filter(
      (at) => !this.#succeeded.has(batchName(entry, at)),
    );
    const before = this.#turnsOf(entry.migration, entry.attempt).filter(wasSlowed);
    if ((slowed ?? 0) !== before.length)
      this.violated(7, `${name} says ${String(slowed)}, and S3 has slowed down ${before.length} turns`);
    const { outcomeTime = 0 } = before.at(-1) ?? {};
    if (before.length > 0 && this.#now() < outcomeTime + pauseMs(before.length))
      this.violated(7, `${name} was allowed ${this.#now() - outcomeTime} ms after S3 had slowed it down`);
    if (JSON.stringify(restOf(entry)) !== JSON.stringify(left))
      this.violated(2, `${name} runs ${restOf(entry).join()}, and ${left.join()} are left`);
  }

  /** What each batch of its plan is made of. */
  #plannedItems(entry: Entry): unknown[][] {
    const { plan } = entry['batches'] as Planned;
    const keys = plan.flatMap(({ turn, batches }) =>
      Array.from({ length: batches }, (_, at) => {
        const [digits, batch] = [String(turn).padStart(8, '0'), String(at + 1).padStart(6, '0')];
        return `turns/${entry.migration}/${digits}/batches/${batch}-items.json`;
      }),
    );
    return keys.map(
      (key) => (JSON.parse(this.#written.get(key) ?? '{"items":["none"]}') as { items: unknown[] }).items,
    );
  }

  #halted(entry: Entry, author: Author): void {
    const { number, migration, attempt } = entry;
    const turn = this.#open;
    if (!turn || turn.number !== entry['turn'] || turn.migration !== migration || turn.attempt !== attempt) {
      return this.violated(0, `entry ${number} is a halt of no open turn`);
    }
    const last = turn.halts.at(-1);
    if (last && !last.decided) this.violated(0, `entry ${number} is a second halt beside entry ${last.number}`);
    const untrue = whyUntrue(turn, String(entry['reason']), author);
    if (untrue !== undefined) this.violated(6, `entry ${number} says ${String(entry['reason'])}, and ${untrue}`);
    this.#checkReferences(entry, [entry['outcome']]);
    const halt: Halt = { number, reason: entry['reason'], turn, decided: undefined, notified: false };
    turn.halts.push(halt);
    this.#halts.set(number, halt);
  }

  #decided(entry: Entry): void {
    const { number } = entry;
    const [by, decision] = [String(entry['by']), String(entry['decision'])];
    const asked = this.#asked.get(by);
    const said = asked?.ask['ask'] === 'cancel' ? 'cancel' : asked?.ask['decision'];
    if (!asked || said !== decision)
      return this.violated(4, `entry ${number} says ${decision} by ${by}, who never said so`);
    // Exempt: a word that names no halt is of whichever is open when it arrives, also when it arrives twice.
    const mayRepeat = asked.deliveries > 1 && asked.ask['halt'] === undefined;
    if (asked.entry && !mayRepeat)
      this.violated(8, `entries ${asked.entry.number} and ${number} are of one word of ${by}`);
    asked.entry = entry;
    if (decision === 'cancel') {
      if (this.#open?.number !== entry['of']) this.violated(8, `entry ${number} cancels what is not the open turn`);
      if (this.#open) this.#open.cancelled = true;
      return;
    }
    const halt = this.#halts.get(Number(entry['of']));
    if (!halt || halt.turn !== this.#open || halt !== halt.turn.halts.at(-1)) {
      return this.violated(
        8,
        `entry ${number} decides entry ${String(entry['of'])}, which is not the halt that is open`,
      );
    }
    if (halt.decided?.number !== entry['instead'])
      this.violated(8, `entry ${number} decides what entry ${halt.decided?.number ?? 'none'} had decided`);
    const named = asked.ask['halt'];
    if (named !== undefined && named !== halt.number)
      this.violated(8, `entry ${number} decides another halt than ${by} named`);
    halt.decided = entry;
    this.#lastDecision = this.#now();
  }

  #completes(entry: Entry): void {
    const { number } = entry;
    const completion = String(entry['completion']);
    const ids = entry['ids'] as string[];
    for (const id of ids) {
      const before = this.#completed.get(id);
      if (before) this.violated(4, `entry ${number} completes ${id}, as entry ${before.number} had`);
      this.#completed.set(id, entry);
    }
    for (const { turn } of this.#running)
      this.violated(1, `entry ${number} completes ${ids.join()} while user code of ${describe(turn)} runs`);
    this.#checkReferences(entry, [entry['restsOn']]);
    const turn = this.#open;
    if (completion === 'baseline') {
      const asked = this.#asked.get(String(entry['by']));
      if (asked?.ask['ask'] !== 'baseline') this.violated(4, `entry ${number} is a baseline, and nobody asked for it`);
      if (turn) this.violated(4, `entry ${number} is a baseline while the turn of entry ${turn.number} is open`);
      return;
    }
    if (!turn || ids.length !== 1 || turn.migration !== ids[0]) {
      return this.violated(4, `entry ${number} completes ${ids.join()}, which has no open turn`);
    }
    this.#open = undefined;
    if (completion === 'applied') {
      const right = turn.outcome === 'succeeded' && (turn.code === 'returned' || this.#allSucceeded(turn));
      if (!right)
        this.violated(4, `entry ${number} says applied, and user code ${turn.code}, outcome ${turn.outcome ?? 'none'}`);
      return;
    }
    const word = completion === 'skipped' ? 'skip' : 'mark-applied';
    const settling = turn.halts.find(settles);
    if (settling?.decided?.['decision'] !== word)
      this.violated(4, `entry ${number} says ${completion}, and no person said so first`);
    if (turn.outcome === 'succeeded') this.violated(4, `entry ${number} says ${completion} of what succeeded`);
    if (turn.claim === undefined)
      this.violated(4, `entry ${number} says ${completion}, and the turn may still be claimed`);
    if (!isVoid(turn) && turn.outcome === undefined) {
      this.violated(4, `entry ${number} says ${completion}, and the turn is not closed`);
    }
  }

  /** What an entry rests on stands there, as it says. */
  #checkReferences({ number }: Entry, references: unknown[]): void {
    for (const reference of references) {
      if (reference === undefined) continue;
      const { key, sha256 } = reference as { key: string; sha256: string };
      if (hash(this.#written.get(key) ?? '') !== sha256)
        this.violated(5, `entry ${number} rests on ${key}, which is another`);
    }
  }

  #taken(key: string, [, migration, digits, what]: RegExpExecArray, record: Fields): void {
    const turn = this.#turns.get(Number(digits));
    const writer = record['writer'] as Fields;
    if (!turn || turn.migration !== migration) return this.violated(0, `${key} is of no turn`);
    if (what === 'claim') {
      if (turn.entry['batches'] !== undefined) this.#checkClosing(key, turn, record);
      turn.claim = { kind: record['claim'], by: writer['requestId'], time: this.#now() };
      return;
    }
    if (turn.entry['batches'] !== undefined) return this.#batchesClosed(key, turn, String(record['outcome']));
    if (turn.code === 'runs') this.violated(1, `${key} was written while user code of ${describe(turn)} was running`);
    if (turn.claim?.kind !== 'claimed') this.violated(0, `${key} was written without a claim`);
    if (record['outcome'] === 'succeeded' && turn.code !== 'returned') {
      this.violated(4, `${key} says succeeded, and user code ${turn.code}`);
    }
    if (record['outcome'] === 'succeeded' && turn.plans)
      this.violated(4, `${key} says succeeded, and none of the batches that were planned has run`);
    if (record['outcome'] === 'stopped') this.#checkStop(key, turn, record);
    turn.outcome = record['outcome'] as string;
    turn.outcomeTime = this.#now();
  }

  /** Not each checkpoint that it yields is saved; the one at which it stops is. One that is to wait for its time stops where it begins. */
  #checkStop(key: string, turn: Turn, record: Fields): void {
    const stoppedAt = (record['stoppedAt'] as Fields | undefined)?.['checkpoint'] as Fields | undefined;
    const time = stoppedAt?.['notBefore'] as string | undefined;
    const at = time === undefined ? undefined : Date.parse(time);
    if (turn.code === 'not started') {
      const kept = this.#written.get(`checkpoints/${turn.migration}.json`) ?? 'null';
      if (at === undefined || JSON.stringify(stoppedAt) !== JSON.stringify(JSON.parse(kept)))
        this.violated(5, `${key} says stopped, and user code of ${describe(turn)} has not started`);
      return;
    }
    if (stoppedAt?.['cursor'] !== turn.yielded) {
      this.violated(
        5,
        `${key} says stopped at ${String(stoppedAt?.['cursor'])}, and user code at ${String(turn.yielded)}`,
      );
    }
    if (at !== turn.notBefore)
      this.violated(5, `${key} says that it goes on at ${String(at)}, and user code said ${String(turn.notBefore)}`);
  }

  /** No batch of the turn runs, or can begin. */
  #batchesClosed(key: string, turn: Turn, outcome: string): void {
    for (const { turn: other, batch } of this.#running) {
      if (other === turn)
        this.violated(1, `${key} was written while batch ${String(batch)} of ${describe(turn)} was running`);
    }
    if (!turn.claim) this.violated(0, `${key} was written, and its batches may still begin`);
    if ((outcome === 'succeeded') !== this.#allSucceeded(turn))
      this.violated(4, `${key} says ${outcome}, and these are left: ${this.#leftOf(turn).join()}`);
    const open = [...turn.batches.values()].some(({ late, outcome: ended }) => !late && ended === undefined);
    if (open && outcome !== 'succeeded')
      this.violated(4, `${key} was written before each batch that began had an outcome`);
    const broke = [...turn.batches.values()].some((batch) => batch.outcome === 'failed' || batch.outcome === 'unknown');
    const stuck = !broke && this.#isStuck(turn);
    if ((broke || stuck) !== (outcome === 'failed' || outcome === 'unknown'))
      this.violated(6, `${key} says ${outcome}, and ${broke ? 'a batch' : 'no batch'} of it broke`);
    if (broke && !this.#written.has(key.replace('outcome.json', 'failures.jsonl')))
      this.violated(6, `${key} says ${outcome}, and what each batch said is nowhere`);
    turn.outcome = outcome;
    turn.outcomeTime = this.#now();
  }

  /** Slowed down ten times before, and none has come of it. */
  #isStuck(turn: Turn): boolean {
    const before = this.#turnsOf(turn.migration, turn.attempt).filter((other) => other !== turn && wasSlowed(other));
    return (
      wasSlowed(turn) &&
      before.length >= 10 &&
      ![...turn.batches.values()].some(({ outcome }) => outcome === 'succeeded')
    );
  }

  /** All that broke, and no others. */
  #failuresListed(key: string, body: string): void {
    const turn = this.#turns.get(Number(key.split('/')[2]));
    const listed = body.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as Fields)['batch']]));
    const broke = [...(turn?.batches ?? [])]
      .filter(([, { outcome }]) => outcome === 'failed' || outcome === 'unknown')
      .map(([batch]) => batch)
      .sort((one, other) => one - other);
    if (listed.join() !== broke.join())
      this.violated(6, `${key} lists ${listed.join()}, and these broke: ${broke.join()}`);
  }

  /** Closed by a batch: because it has other code, somebody cancelled, S3 slowed one down, or more have failed than may. */
  #checkClosing(key: string, { entry, batches, cancelled }: Turn, record: Fields): void {
    const byBatch = (record['writer'] as Fields)['function'] === entry.migration;
    if (!byBatch || cancelled || record['otherCodeSha256'] !== undefined) return;
    if ([...batches.values()].some(({ outcome }) => outcome === 'slowed-down')) return;
    const { tolerated = 0 } = entry['batches'] as { tolerated?: number };
    const failed = [...batches.values()].filter(({ outcome }) => outcome === 'failed').length;
    if (failed <= tolerated) this.violated(7, `${key} was created when ${failed} had failed, and ${tolerated} may`);
  }

  /** A function has come to its end, and has seen each that was marked before its own batch: if these are too many, its turn is closed. */
  batchAnswered(number: number, batch: number): void {
    const turn = this.#turns.get(number);
    if (!turn || turn.claim) return;
    const { tolerated = 0 } = turn.entry['batches'] as { tolerated?: number };
    const failed = turn.marked.indexOf(batch) + 1;
    if (failed > tolerated)
      this.violated(
        7,
        `${describe(turn)} is not closed: batch ${batch} is the ${failed}. that failed, and ${tolerated} may`,
      );
  }

  #batchTaken(key: string, [, migration, digits, number, what]: RegExpExecArray, record: Fields): void {
    const turn = this.#turns.get(Number(digits));
    const batch = Number(number);
    const writer = record['writer'] as Fields;
    if (!turn || turn.migration !== migration || turn.entry['batches'] === undefined)
      return this.violated(0, `${key} is of no turn of batches`);
    const seen = turn.batches.get(batch) ?? {
      claimedBy: undefined,
      late: false,
      outcome: undefined,
      code: 'not started',
    };
    if (what === 'claim') {
      turn.batches.set(batch, { ...seen, claimedBy: writer['requestId'], late: turn.claim !== undefined });
      return;
    }
    const outcome = String(record['outcome']);
    if (seen.claimedBy === undefined) this.violated(0, `${key} was written without a claim`);
    if (seen.code === 'runs') this.violated(1, `${key} was written while its code was running`);
    if (outcome === 'succeeded' && seen.code !== 'returned')
      this.violated(4, `${key} says succeeded, and user code ${seen.code}`);
    if (outcome === 'not-begun' && seen.code !== 'not started')
      this.violated(4, `${key} says not-begun, and user code ${seen.code}`);
    if ((outcome === 'slowed-down') !== (seen.code === 'slowed') && outcome !== 'unknown')
      this.violated(4, `${key} says ${outcome}, and user code ${seen.code}`);
    turn.batches.set(batch, { ...seen, outcome });
    if (outcome === 'succeeded') this.#succeeded.add(batchName(turn.entry, batch));
  }

  #leftOf({ entry }: Turn): number[] {
    return restOf(entry).filter((batch) => !this.#succeeded.has(batchName(entry, batch)));
  }

  #allSucceeded(turn: Turn): boolean {
    return turn.entry['batches'] !== undefined && this.#leftOf(turn).length === 0;
  }

  #copied(key: string, record: Fields): void {
    const entry = this.#completed.get(/\d{4}/.exec(key)?.[0] ?? '');
    if (JSON.stringify(entry) !== JSON.stringify(record)) this.violated(4, `${key} is no copy of its entry`);
  }

  /** A checkpoint is fenced by turn: what a later turn has moved, an earlier one does not. */
  #moved(key: string, before: string | undefined, record: Fields): void {
    const old = before === undefined ? undefined : (JSON.parse(before) as Fields);
    if (Number(record['turn']) < Number(old?.['turn'] ?? 0))
      this.violated(5, `${key} was moved back by an earlier turn`);
    if (record['sequence'] !== Number(old?.['sequence'] ?? 0) + 1) this.violated(5, `${key} lost a checkpoint`);
  }

  #cached(record: Fields): void {
    const number = Number(record['number']);
    const is = hash(this.#written.get(entryKey(number)) ?? '');
    if (record['sha256'] !== is) this.violated(5, `state.json stands for another entry ${number}`);
    const known = record['migrations'] as Record<string, Fields>;
    for (const [id, { number: by }] of this.#completed) {
      if (by <= number && known[id]?.['completion'] === undefined)
        this.violated(5, `state.json has lost the completion of ${id}`);
    }
  }

  /** Somebody else has put it there, and nobody can delete it: of a claim that is no claim, the worst is to be taken. */
  spoiled(key: string): void {
    this.trace('somebody', `puts ${key}`);
    const [, of, batch] = /^turns\/\d{4}\/(\d{8})\/batches\/(\d{6})-outcome\.json$/.exec(key) ?? [];
    const seen = this.#turns.get(Number(of))?.batches.get(Number(batch));
    if (seen) seen.outcome = 'unknown';
    const turn = this.#turns.get(Number(/^turns\/\d{4}\/(\d{8})\/claim\.json$/.exec(key)?.[1]));
    if (turn) turn.claim = { kind: 'claimed', by: undefined, time: this.#now() };
  }

  /** Everything that was recorded must stand in the bucket as it was recorded. */
  compare(objects: ReadonlyMap<string, { body: string }>): void {
    for (const [key, body] of this.#written) {
      const found = objects.get(key);
      if (!found) this.violated(5, `${key} is gone`);
      else if (found.body !== body) this.violated(5, `${key} is another`);
    }
  }

  // --- people, messages, executions -------------------------------------------------------------------------------

  /** What a person asks for, under a name that nobody uses twice. */
  asked(by: string, ask: Fields): void {
    this.#asked.set(by, { ask, entry: undefined, deliveries: 0 });
    this.trace(by, `asks ${JSON.stringify(ask)}`);
    this.#happened(by, `asks ${JSON.stringify(ask)}`);
  }

  invocationBegins({ name, requestId, since, manifest }: Author, payload: unknown): void {
    if (name === 'list-pending') this.#lastList = since;
    this.#happened(`${name}#${requestId}`, 'begins', '', { payload, manifest: Object.fromEntries(manifest) });
  }

  /** What became of an execution's task: its answer, or the error's name. */
  heard(execution: string, state: string, answer: { output: unknown } | { error: string }): void {
    if ('error' in answer) this.#happened(execution, `hears of ${state}`, answer.error);
    else this.#happened(execution, `hears of ${state}`, 'done', answer.output);
  }

  executionStarted(name: string, input: unknown): void {
    this.trace(name, `starts ${JSON.stringify(input)}`);
    this.#happened(name, 'starts', '', input);
  }

  executionRedriven(name: string, state: string): void {
    this.trace(name, `is redriven from ${state}`);
    this.#happened(name, `is redriven from ${state}`);
  }

  /** @param codes by id, of all functions at once or of some of them */
  deployed(functions: string, codes: Readonly<Record<string, string>>): void {
    this.#happened('deployment', `comes to ${functions}`, '', codes);
  }

  invocationFailed(name: string): void {
    if (['halt', 'resume', 'record-completion'].includes(name)) this.#cutOff = true;
  }

  delivered(by: unknown): void {
    const asked = this.#asked.get(String(by));
    if (asked) asked.deliveries += 1;
  }

  /** Invariant 8: whoever is not the first is told so, and nobody is told that he was when he was not. */
  answered(by: string, answer: Fields): void {
    this.trace(by, `is told ${JSON.stringify(answer)}`);
    this.#happened(by, 'is told', JSON.stringify(answer));
    const asked = this.#asked.get(by);
    if (!asked || asked.ask['ask'] === 'baseline') return;
    const { result } = answer;
    const counts = asked.entry !== undefined;
    if (result === 'refused') {
      // Exempt, as above: the answer is that of one delivery, and the entry of another.
      // So is that of a word which counted, and in whose place another one came before it arrived again.
      const replaced = this.#entries.some((entry) => entry['instead'] === asked.entry?.number);
      const mayDiffer = asked.deliveries > 1 && (asked.ask['halt'] === undefined || replaced);
      if (counts && !mayDiffer) this.violated(8, `${by} was refused, and entry ${asked.entry?.number} is his`);
      return;
    }
    if (result !== 'already') {
      if (!counts) this.violated(8, `${by} was told ${String(result)}, and no entry says so`);
      return;
    }
    if (asked.ask['ask'] === 'cancel') return;
    // What counted when it was looked at: another one may have come in its place since.
    const counted = this.entries.find(({ number, kind }) => kind === 'decided' && number === answer['entry']);
    const fields = ['by', 'decision', 'of'] as const;
    if (!counted || fields.some((field) => counted[field] !== (field === 'of' ? answer['halt'] : answer[field]))) {
      this.violated(
        8,
        `${by} was told that ${String(answer['by'])} had decided ${String(answer['decision'])}, who had not`,
      );
    }
  }

  failed(by: string, error: string): void {
    this.trace(by, `is told ${error}`);
    this.#happened(by, 'is told', error);
  }

  /** @param text has the command that answers the halt */
  notificationTried(subject: string, text: string, went: boolean): void {
    this.trace('operators', `notification ${went ? 'sent' : 'NOT sent'}: ${subject}`);
    for (const [, digits] of text.matchAll(/--halt (\d+)/g)) {
      const halt = this.#halts.get(Number(digits));
      if (halt) halt.notified = true;
    }
  }

  executionEnded(name: string, status: string, error: string, cause: string): void {
    this.trace(name, `ended ${status} ${error} ${cause}`);
    this.#happened(name, `ends ${status}`, error);
    if (status === 'FAILED' && (error === '' || cause === '')) this.violated(6, `${name} failed and does not say why`);
  }

  /** An execution ended green: its last look found nothing pending. @param listed ids of the manifest that it was asked by */
  executionFinished(name: string, listed: readonly string[]): void {
    for (const id of listed) {
      if (!this.#completed.has(id)) this.violated(6, `${name} succeeded, and ${id} is not completed`);
    }
  }

  /** An execution that waits for a person, when nothing else happens any more. */
  waitsForOperator(name: string, token: string, watched: boolean): void {
    const [key] =
      [...this.#written].find(
        ([known, body]) => known.startsWith('waiters/') && (JSON.parse(body) as Fields)['token'] === token,
      ) ?? [];
    const halt = this.#halts.get(Number(key?.split('/')[1]));
    if (!halt) return this.violated(6, `${name} waits for a person, and its token is in no halt`);
    const settled = halt.decided !== undefined || halt.turn !== this.#open;
    // Exempt until the watch has looked: whoever settled it may have been cut off before all were told.
    if (settled && (watched || !this.#cutOff))
      this.violated(7, `${name} waits in the halt of entry ${halt.number}, which is settled`);
    if (!settled && !halt.notified) this.violated(6, `nobody was told of the halt of entry ${halt.number}`);
  }

  /** At rest, when the watch has looked: what a person decided has been taken up, by an execution that listed after it. */
  nobodyActs(): void {
    const decided = this.#open?.halts.at(-1)?.decided;
    if (!this.#open || !decided || decided['decision'] === 'abort' || this.#lastList > this.#lastDecision) return;
    this.violated(7, `entry ${decided.number} decides ${decided['decision'] as string}, and nobody acts on it`);
  }

  /** At the end, when everything is answered and a run has finished: nothing that broke has been passed over. */
  nothingWasSilent(): void {
    for (const turn of this.#turns.values()) {
      const codes = [turn, ...turn.batches.values()].map(({ code }) => code);
      const broke =
        codes.includes('threw') || codes.includes('died') || turn.outcome === 'failed' || turn.outcome === 'unknown';
      // Exempt: what a person stopped at its checkpoint, and what died in a `finally` block after it was told to stop, did stop.
      if (!broke || turn.outcome === 'stopped') continue;
      if (turn.halts.length === 0) this.violated(6, `${describe(turn)} broke, and no halt says so`);
    }
    if (this.#open) this.violated(7, `${describe(this.#open)} is still open`);
  }

  nextRequest(): number {
    return (this.#requests += 1);
  }

  // --- what people look at before they act ------------------------------------------------------------------------

  get entries(): readonly Readonly<Entry>[] {
    return this.#entries;
  }

  get haltNumbers(): number[] {
    return [...this.#halts.keys()];
  }

  /** Of the halt that is open. */
  get openHalt(): { number: number; migration: string; attempt: number } | undefined {
    const halt = this.#open?.halts.at(-1);
    if (!this.#open || !halt || halt.decided) return undefined;
    return { number: halt.number, migration: this.#open.migration, attempt: this.#open.attempt };
  }

  isCompleted(migration: string): boolean {
    return this.#completed.has(migration);
  }

  #turnsOf(migration: string, attempt?: number): Turn[] {
    return [...this.#turns.values()].filter(
      (turn) => turn.migration === migration && (attempt === undefined || turn.attempt === attempt),
    );
  }
}

/**
 * What a person is told must be so. Exempt: a halt that is opened again after an abort keeps its reason, which was true then; and a
 * claim or an outcome that arrives after the halt has looked: they are keys beside the log, and wake nobody. Whatever is said then,
 * what became of the turn is read first.
 */
function whyUntrue(turn: Turn, reason: string, { since, manifest }: Author): string | undefined {
  const { outcome, outcomeTime, claim, cancelled, halts, code, migration, entry } = turn;
  const last = halts.at(-1)?.decided;
  const decision = last?.['decision'] as string | undefined;
  if (decision === 'abort' && halts.at(-1)?.reason === reason) return undefined;
  const deployed = manifest.get(migration);
  const meant = decision === 'retry' ? ((last?.['retry'] ?? {}) as Fields)['codeSha256'] : entry['codeSha256'];
  switch (reason) {
    case 'file-gone':
      return deployed === undefined ? undefined : 'its file is there';
    case 'code-changed':
      return deployed !== undefined && deployed !== meant ? undefined : 'it is the same code, or its file is gone';
    case 'unrecorded':
      return halts.some(settles) || outcome === 'succeeded' ? undefined : 'nothing is known that could be recorded';
    default:
      if (decision !== undefined && decision !== 'abort') return `a person had said ${decision}`;
  }
  switch (reason) {
    case 'failed':
      return outcome === 'failed' ? undefined : `its outcome is ${outcome ?? 'none'}`;
    case 'unknown':
      if (outcomeTime >= since) return undefined;
      return outcome === undefined || outcome === 'unknown' ? undefined : `its outcome is ${outcome ?? 'none'}`;
    case 'cancelled':
      return cancelled ? undefined : 'nobody cancelled it';
    case 'not-started':
      if (claim && claim.time >= since) return undefined;
      return claim?.kind !== 'claimed' && code === 'not started' && !hasBegun(turn) ? undefined : 'it was claimed';
    default:
      return 'that is no reason';
  }
}

const settles = ({ decided }: Halt): boolean =>
  decided?.['decision'] === 'skip' || decided?.['decision'] === 'mark-applied';

/** Why a turn may not follow on the open one; undefined when it may. */
function whyNotAfter(before: Turn, entry: Entry): string | undefined {
  const { migration, attempt } = entry;
  const slice = Number(entry['slice']);
  if (before.migration !== migration) return `${describe(before)} is not settled`;
  const closed = isVoid(before) || before.outcome !== undefined;
  if (!closed) return `${describe(before)} is not closed`;
  const last = before.halts.at(-1);
  const verdict = before.halts.some(settles);
  if (attempt === before.attempt + 1 && slice === 1) {
    if (last?.decided?.['decision'] !== 'retry') return 'no person said retry of the attempt before it';
    if (verdict) return 'a person had settled the attempt before it';
    const { codeSha256 } = (last.decided['retry'] ?? {}) as Fields;
    return codeSha256 === entry['codeSha256'] ? undefined : 'the retry was said of other code';
  }
  if (attempt !== before.attempt) return `it does not follow on ${describe(before)}`;
  if (before.halts.length > 0) return `${describe(before)} had halted`;
  if (before.cancelled) return `${describe(before)} was cancelled`;
  const first = slice === 1 && attempt === 1;
  const sameCode = before.entry['codeSha256'] === entry['codeSha256'];
  // Nothing of a first slice has run when its turn is void, so that whatever is deployed then may be its code.
  if (!sameCode && !(first && isVoid(before))) return 'an attempt is one code';
  if (slice === before.slice + 1) return before.outcome === 'stopped' ? undefined : `${describe(before)} did not stop`;
  if (slice === before.slice) return isVoid(before) ? undefined : `${describe(before)} may have run`;
  return `it does not follow on ${describe(before)}`;
}

/** `1-17,19` as docs/records.md has it. */
function restOf(entry: Entry): number[] {
  const { rest } = entry['batches'] as { rest: string };
  return rest.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return range === '' ? [] : Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}

const batchName = (entry: Entry, batch: number): string =>
  JSON.stringify([entry.migration, (entry['batches'] as Fields)['plan'], batch]);

const wasSlowed = ({ batches }: Turn): boolean =>
  [...batches.values()].some(({ outcome }) => outcome === 'slowed-down');

/** Docs/design.md §6: 15 s, and twice as long each time, up to 15 minutes; S3 says whole seconds. */
const pauseMs = (times: number): number => Math.min(15_000 * 2 ** (times - 1), 15 * 60_000) - 1_000;

/** Some code of a batch has started, or may yet. */
const hasBegun = ({ batches }: Turn): boolean =>
  [...batches.values()].some(({ late, outcome }) => !late && outcome !== 'not-begun');

/** No code of it has run, or will. */
const isVoid = (turn: Turn): boolean => turn.claim?.kind === 'void' && !hasBegun(turn);

function answerOf(result: unknown): string {
  if (typeof result === 'string' || typeof result === 'boolean') return String(result);
  if (result === undefined) return 'absent';
  return (result as { existed?: boolean }).existed ? 'existed' : 'done';
}

const describe = ({ migration, attempt, slice }: Turn): string => `${migration}, attempt ${attempt}, slice ${slice}`;

const summaryOf = (entry: Entry): string =>
  ['kind', 'migration', 'attempt', 'slice', 'turn', 'reason', 'decision', 'of', 'by', 'ids', 'completion', 'begin']
    .flatMap((field) => (entry[field] === undefined ? [] : [`${field} ${JSON.stringify(entry[field])}`]))
    .join(', ');

const hash = (body: string): string => createHash('sha256').update(body).digest('hex');
const entryKey = (number: number): string => `log/${String(number).padStart(8, '0')}.json`;
