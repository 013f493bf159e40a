// What a trace of the simulation is to the model: the requests of which the model knows, in its words. Pure.
//
// A line that is not known here is an error, and so is one that the model has no word for. What is left out is left out by a rule that
// says why; README.md has the list.
import type { RequestLine } from '../simulation/recorder.ts';

/** One event, as `protocol.pml` has it with TRACE: words of its `mtype`, or numbers. */
export interface Event {
  word: string;
  by: number;
  fields: (string | number | undefined)[];
  /** The line of the trace that it is made from. */
  line: number;
}

/** As the model's functions number those who send a request. */
export const FUNCTION = 100;
export const PERSON = 120;
const NETWORK = 140;
const WATCHES = 141;

/** How large the model is (conformance.ts compiles it so). */
export interface Size {
  /** Executions that people start; those that carry on have the numbers after them. */
  starts: number;
  executions: number;
  invocations: number;
  /** Who may decide, cancel and adopt at a time. */
  people: number;
  cancellers: number;
  migrations: number;
  /** Of a plan. */
  batches: number;
  /** Of the log. */
  entries: number;
}

/** The trace has what the model has not: the scenario should not have been drawn. */
export class OutOfScope extends Error {
  override name = 'OutOfScope';
}

/** Invoke errors that prove that the function did not start: Step Functions repeats it, and nothing has happened. */
const REPEATED = ['Lambda.TooManyRequestsException'];
/** Errors of a migration's function, before its code, and of `record-completion` that are repeated for a while. */
const REPEATED_FOR_A_WHILE = ['LedgerForbidden', 'LedgerUnavailable'];

const WORDS: Record<string, string> = {
  allowed: 'ALLOWED',
  halted: 'HALTED',
  decided: 'DECIDED',
  completed: 'COMPLETED',
  failed: 'FAILED',
  unknown: 'UNKNOWN',
  cancelled: 'CANCELLED',
  'code-changed': 'CODE_CHANGED',
  'file-gone': 'FILE_GONE',
  'not-started': 'NOT_STARTED',
  unrecorded: 'UNRECORDED',
  retry: 'RETRY',
  'mark-applied': 'MARK',
  skip: 'SKIP',
  abort: 'ABORT',
  cancel: 'CANCEL',
  applied: 'APPLIED',
  'marked-applied': 'MARKED',
  skipped: 'SKIPPED',
  baseline: 'BASELINE',
  claimed: 'CLAIMED',
  void: 'VOID',
  succeeded: 'SUCCEEDED',
  stopped: 'STOPPED',
  'not-begun': 'NOT_BEGUN',
  'slowed-down': 'SLOWED',
  slowed: 'SLOWED',
  run: 'RUN',
  record: 'RECORD',
  wait: 'WAIT',
  halt: 'HALT',
  refuse: 'REFUSE',
  finished: 'FINISH',
  returned: 'RETURNED',
  threw: 'THREW',
  died: 'THREW',
};

type Fields = Record<string, unknown>;

interface Execution {
  index: number;
  /** Its last answer or error ends it: that it ends says nothing new. */
  ends: boolean;
  /** The last function of the system that was invoked for it. */
  system: Invocation | undefined;
}

interface Invocation {
  actor: string;
  name: string;
  execution: Execution | undefined;
  payload: Fields;
  manifest: number;
  /** Of a migration's: as the model numbers it. */
  ownCode: number | undefined;
  /** A process of the model: a migration's invocation, or somebody who says something. */
  slot: number | undefined;
  /** Its first look at the log has happened. */
  looked: boolean;
  /** When it looked last. */
  lookedAt: number;
  /** All that it may do, when the model knows nothing of it. */
  apart: RegExp | undefined;
  /** It was under way when its execution was redriven: what the model's execution does now is not its work. */
  beside: boolean;
  ended: boolean;
  /** Its execution has heard of its end. */
  heard: boolean;
  /** By its bit: the batch that it is asked for; 0: its turn. */
  batch: number;
  /** It has claimed its batch. */
  claimed: boolean;
  /** The turn whose batches it lists next, to decide on them. */
  listsBatchesOf: number | undefined;
  /** A key of the turn was read as absent on this line: the claim is next. */
  reading: { turn: number; line: number } | undefined;
  /** What it reads of a turn, it decides on. */
  decides: boolean;
  /** The key that it reads once to see whether what stands there is its own. */
  compares: string | undefined;
  asks: Asks | undefined;
  /** The event of its last look, when nothing has followed on it. */
  fresh: Keyed | undefined;
  /** It has appended, or handed over: its answer says nothing new. */
  wrote: boolean;
  /** The halt whose waiters it has read, and by execution the token that waited last. */
  halt: { number: number; tokens: Map<number, string> } | undefined;
  /** `halt`: it has left its token. */
  left: boolean;
  notified: boolean;
  /** `halt`: its token was answered: the execution goes on without it. */
  answered: boolean;
  /** The model's process has no more to do for it. */
  over: boolean;
  /** An execution that existed under the name that it wanted to start. */
  existed: { entry: number; name: number; index: number } | undefined;
}

/** Events are put in the order of their keys: some belong before the line that says so. */
interface Keyed {
  key: number;
  event: Event;
}

interface Asks {
  owner: boolean | undefined;
  ownerLine: number;
  listLine: number | undefined;
  elsewhere: boolean;
  line: number;
}

interface Turn {
  number: number;
  batches: boolean;
  /** How many before it S3 has slowed down. */
  slowed: number;
  /** Batches that have begun, and those that have ended, by their bits. */
  begun: Set<number>;
  ended: Set<number>;
  execution: string;
  timeoutMs: number;
  claim: { line: number; time: number; kind: string } | undefined;
  outcome: string | undefined;
  /** Until when what goes on with it waits: because S3 has slowed it down, or its checkpoint says so. */
  pausedUntil: number;
  passed: boolean;
}

/** @throws OutOfScope, or Error for a line that is not known */
export function eventsOf(lines: readonly RequestLine[], size: Size): Event[] {
  const translation = new Translation(lines, size);
  lines.forEach((line, at) => translation.take(line, at));
  return translation.events();
}

class Translation {
  readonly #size: Size;
  readonly #out: Keyed[] = [];
  readonly #executions = new Map<string, Execution>();
  readonly #invocations = new Map<string, Invocation>();
  /** Of migrations: `slots[3]` is the invocation that the model's third process runs. */
  readonly #slots: (Invocation | undefined)[];
  readonly #people: (Invocation | undefined)[];
  readonly #turns = new Map<number, Turn>();
  readonly #entries: Fields[] = [];
  /** By turn, or by turn and batch. */
  readonly #claimedBy = new Map<string, Invocation>();
  /** Migrations whose plan is sealed. */
  readonly #sealed = new Set<string>();
  /** Tokens as they were left: by halt, by execution. */
  readonly #waiters = new Map<number, Map<number, string>>();
  readonly #haltOfToken = new Map<string, Invocation>();
  /** Actors that die while a request of theirs is under way that will have an effect. */
  readonly #underWay = new Map<string, RequestLine>();
  /** Invocations of whose end an execution hears at once. */
  readonly #heard = new Set<string>();
  readonly #started = new Map<number, number>();
  readonly #codes = new Map<string, string[]>();
  readonly #lines: readonly RequestLine[];
  #time = 0;
  #at = 0;

  constructor(lines: readonly RequestLine[], size: Size) {
    this.#lines = lines;
    this.#size = size;
    this.#slots = Array.from({ length: size.invocations }, () => undefined);
    this.#people = Array.from({ length: size.people + size.cancellers + 1 }, () => undefined);
    const late = new Set<string>();
    const askedBy = new Map<string, string>();
    for (const [at, { time, actor, request, body, effect, fault }] of lines.entries()) {
      if (request === 'begins') askedBy.set(actor, executionOf(body));
      // One whose answer is lost, or comes late, is heard of later, perhaps right after the end of one that somebody else invoked.
      const before = lines[at - 1];
      if (request === 'hears of Run migration' && before?.time === time && askedBy.get(before.actor) === actor) {
        this.#heard.add(before.actor);
      }
      const what = `${actor} ${request}`;
      if (effect === 'none' && fault === 'late') late.add(what);
      if (effect === 'late' && !late.has(what) && isLedgerWrite(request)) this.#underWay.set(actor, lines[0]!);
    }
  }

  events(): Event[] {
    return this.#out.sort((a, b) => a.key - b.key).map(({ event }) => event);
  }

  take(line: RequestLine, at: number): void {
    this.#time = line.time;
    this.#at = at;
    const [, name, requestId] = /^(.+)#(request-\d+)$/.exec(line.actor) ?? [];
    if (name !== undefined && requestId !== undefined) {
      this.#ofFunction(name, line);
      return;
    }
    const { actor, request } = line;
    if (actor.endsWith('#user code')) {
      this.#userCodeEnds(line);
      return;
    }
    if (/^(asks |is told)/.test(request)) return; // what a person says is what `resume` is invoked with
    if (request === 'starts') {
      this.#starts(actor);
      return;
    }
    if (request.startsWith('hears of ')) {
      this.#hears(actor, line);
      return;
    }
    if (request.startsWith('ends ')) {
      this.#ends(actor, line);
      return;
    }
    if (request.startsWith('is redriven from ')) {
      this.#isRedriven(actor);
      return;
    }
    throw unknownLine(line);
  }

  // --- executions -------------------------------------------------------------------------------------------------

  #starts(name: string): void {
    const carriesOn = name.startsWith('continue-');
    const before = [...this.#executions.keys()].filter((other) => other.startsWith('continue-') === carriesOn).length;
    const index = carriesOn ? this.#size.starts + before : before;
    if (index >= (carriesOn ? this.#size.executions : this.#size.starts)) throw new OutOfScope('too many executions');
    this.#executions.set(name, { index, ends: false, system: undefined });
    if (!carriesOn) {
      this.#emit('START', index);
      return;
    }
    this.#started.set(index, this.#at); // by a request, of which the next line tells
  }

  #isRedriven(name: string): void {
    const execution = this.#execution(name);
    if (execution.system) execution.system.beside = !execution.system.ended;
    execution.system = undefined;
    this.#emit('REDRIVEN', execution.index);
  }

  #ends(name: string, { request, answer }: RequestLine): void {
    const execution = this.#execution(name);
    const { index, ends } = execution;
    execution.ends = false;
    if (request === 'ends ABORTED') {
      this.#emit('ENDS', index, 'STOPPED');
      return;
    }
    if (ends || answer === 'Aborted') return;
    if (request === 'ends SUCCEEDED') throw new Error(`${name} succeeds, and nothing said so`);
    this.#emit('ENDS', index, 'FAILED');
  }

  #hears(name: string, line: RequestLine): void {
    const execution = this.#execution(name);
    const { index } = execution;
    const { request, answer } = line;
    const failed = answer !== 'done';
    const body = (line.body ?? {}) as Fields;
    if (execution.system) execution.system.heard = true;
    switch (request) {
      case 'hears of List pending': {
        if (failed) {
          this.#emit('HEARS', index, 'ERROR');
          return;
        }
        const step = String(body['step']);
        execution.ends = step === 'finished' || step === 'refuse' || step === 'handed over';
        if (step === 'handed over') {
          this.#emit('HEARS', index, 'DONE', this.#execution(nameIn(body['execution'])).index);
          return;
        }
        if (execution.system?.wrote) return;
        this.#emit('HEARS', index, word(step), step === 'halt' ? word(body['reason']) : undefined);
        return;
      }
      case 'hears of Run migration': {
        if (REPEATED.includes(answer)) return;
        const again = REPEATED_FOR_A_WHILE.includes(answer) && !this.#goesOnToHalt(name);
        const outcome = failed ? (again ? 'AGAIN' : 'ERROR') : ANSWERS[String(body['outcome'])];
        this.#emit('HEARS', index, outcome);
        return;
      }
      case 'hears of Run batch':
        return; // nothing is decided on what a child says
      case 'hears of Record completion': {
        this.#emit('HEARS', index, failed ? (this.#goesOnToHalt(name) ? 'UNRECORDED' : 'ERROR') : 'RECORD');
        return;
      }
      case 'hears of Halt for operator': {
        if (!failed || answer === 'Aborted') return; // whoever told its token has an event
        this.#emit('HEARS', index, answer === 'HaltNotNeeded' ? 'LIST' : 'ERROR');
        return;
      }
      default:
        throw unknownLine(line);
    }
  }

  /** Whether the machine goes on to the halt after this error, and does not invoke the same function again. */
  #goesOnToHalt(name: string): boolean {
    for (const { actor, request, body } of this.#lines.slice(this.#at + 1)) {
      if (actor === name && request.startsWith('hears of ')) return request === 'hears of Halt for operator';
      if (actor === name && request.startsWith('is redriven from ')) return request.endsWith(' Halt for operator');
      if (request === 'begins' && executionOf(body) === name) return payloadOf(body)['ask'] === 'halt';
    }
    return false;
  }

  // --- functions --------------------------------------------------------------------------------------------------

  #ofFunction(name: string, line: RequestLine): void {
    const { actor, request } = line;
    if (name === 'dashboard' || name === 'start-run') return; // they read; what is started has a line of its own
    if (request === 'begins') {
      this.#begins(name, line);
      return;
    }
    const invocation = this.#invocations.get(actor);
    if (!invocation) throw unknownLine(line);
    if (isEnd(request)) invocation.ended = true;
    if (invocation.beside) {
      this.#goesOnBeside(invocation, line);
      return;
    }
    if (request === 'dies' && this.#underWay.has(actor)) this.#isLate(invocation);
    this.#askedAll(invocation, request);
    if (invocation.apart) {
      this.#isApart(invocation, line);
      return;
    }
    if (/^\d{4}$/.test(name)) {
      this.#ofMigration(invocation, line);
      return;
    }
    if (name === 'halt' && request === 'publishes' && !invocation.answered) {
      // Whoever tries to tell them has no more to do, whatever comes of it; a message of the dead is nobody's.
      if (!invocation.notified && line.effect !== 'late') this.#emit('NOTIFY', this.#known(invocation));
      invocation.notified = true;
      return;
    }
    if (isAside(request)) return;
    if (request.startsWith('fails with ')) assertFromOutside(line);
    if (isEnd(request)) {
      this.#isOver(invocation, request);
      return;
    }
    if (line.effect === 'none') {
      if (line.fault === 'late' && isLedgerWrite(request)) this.#isLate(invocation, line);
      return; // its function fails, or goes on without it
    }
    // Who asked is gone: nobody hears what is there.
    if (line.effect === 'late' && /^(get|list|is|how many) /.test(request)) return;
    if (!request.startsWith('list log/')) invocation.fresh = undefined;
    const log = /^create log\/(\d{8})\.json$/.exec(request)?.[1];
    if (log !== undefined) {
      this.#appends(invocation, line);
      return;
    }
    const key = /^(get|create) turns\/\d{4}\/(\d{8})\/(claim|outcome)\.json$/.exec(request);
    if (key) {
      if (key[1] === 'get') this.#reads(invocation, line, key);
      else this.#takes(invocation, line, key);
      return;
    }
    if (request.startsWith('create turns/')) {
      this.#endsBatch(invocation, line);
      return;
    }
    if (request.startsWith('list turns/')) {
      this.#listsBatches(invocation, line);
      return;
    }
    if (request.startsWith('list log/')) {
      this.#looks(invocation, line);
      return;
    }
    if (request.startsWith('create waiters/')) {
      this.#leaves(invocation, line);
      return;
    }
    if (request.startsWith('list waiters/')) {
      this.#listsWaiters(invocation, line);
      return;
    }
    if (request.startsWith('get waiters/')) return; // they never change
    if (request.startsWith('SendTask')) {
      this.#tells(invocation, line);
      return;
    }
    if (request.startsWith('StartExecution ')) {
      this.#carriesOn(invocation, line);
      return;
    }
    if (/^is .* alive\?$/.test(request)) {
      this.#asks(invocation, line);
      return;
    }
    throw unknownLine(line);
  }

  #begins(name: string, { actor, body }: RequestLine): void {
    const { manifest } = body as { manifest: Record<string, string> };
    const payload = payloadOf(body);
    const execution = this.#executions.get(executionOf(body)); // somebody may name one that was never started
    const invocation: Invocation = {
      actor,
      name,
      execution,
      payload,
      manifest: this.#manifest(manifest),
      ownCode: undefined,
      slot: undefined,
      looked: false,
      lookedAt: 0,
      apart: undefined,
      beside: false,
      ended: false,
      heard: false,
      batch: payload['ask'] === 'batch' ? bitOf(payload['batch']) : 0,
      claimed: false,
      listsBatchesOf: undefined,
      reading: undefined,
      decides: false,
      compares: undefined,
      asks: undefined,
      fresh: undefined,
      wrote: false,
      halt: undefined,
      left: false,
      notified: false,
      answered: false,
      over: false,
      existed: undefined,
    };
    this.#invocations.set(actor, invocation);
    if (!/^\d{4}$/.test(name)) {
      if (execution) {
        // One that was invoked before a redrive, and begins after it.
        const { system } = execution;
        if (system && !system.heard && !system.answered) throw new OutOfScope(BESIDE);
        execution.system = invocation;
      }
      if (name === 'halt') this.#haltOfToken.set(String(payload['token']), invocation);
      return;
    }
    invocation.ownCode = this.#code(name, manifest[name] ?? '');
    if (payload['ask'] === 'preview') invocation.apart = PREVIEWS;
    else if (this.#isAllowed(invocation)) this.#isInvoked(invocation);
    else invocation.apart = REFUSES;
  }

  /** Whether the log has the entry of its payload, and that says the same. */
  #isAllowed({ name, payload }: Invocation): boolean {
    const entry = this.#entries.find(({ number }) => number === payload['turn']);
    const same = (field: string) => entry?.[field] === payload[field];
    const batches = entry?.['batches'] as Batches | undefined;
    const batch = payload['batch'];
    const fits = batches ? batch !== undefined && numbersIn(batches.rest).includes(Number(batch)) : batch === undefined;
    if (!fits || payload['migration'] !== name) return false;
    return same('migration') && same('attempt') && same('slice') && same('execution');
  }

  #isInvoked(invocation: Invocation): void {
    const { actor, execution, payload, batch } = invocation;
    const slot = this.#slots.indexOf(undefined);
    if (slot < 0) throw new OutOfScope('too many invocations at once');
    this.#slots[slot] = invocation;
    invocation.slot = slot;
    invocation.apart = undefined;
    // Of one that was dispatched twice, the execution waits for the one whose end it hears of. Somebody may invoke it, too.
    const by = execution && batch === 0 && this.#heard.has(actor) ? execution.index : WATCHES;
    this.#emit('INVOKE', by, Number(payload['turn']), slot, invocation.ownCode, batch);
  }

  /** A preview, or a function that was invoked by hand with what no entry says. */
  #isApart(invocation: Invocation, line: RequestLine): void {
    if (!invocation.apart?.test(line.request)) throw unknownLine(line);
    // Its entry has come since it was invoked.
    const reads = line.request.startsWith('get log/') && line.answer === 'done';
    if (reads && invocation.apart === REFUSES && this.#isAllowed(invocation)) this.#isInvoked(invocation);
  }

  /** What it reads leads to nothing but what it writes, and for that the model has no process. It may tell, as the watch does. */
  #goesOnBeside(invocation: Invocation, line: RequestLine): void {
    const { request, effect, answer } = line;
    if (request.startsWith('list waiters/')) this.#listsWaiters(invocation, line);
    else if (request.startsWith('SendTask') && effect !== 'none') this.#tells(invocation, line);
    else if (answer === 'done' && (isLedgerWrite(request) || request.startsWith('StartExecution '))) {
      throw new OutOfScope(BESIDE);
    }
  }

  #isOver(invocation: Invocation, request: string): void {
    const { slot } = invocation;
    if (invocation.name === 'halt' && !invocation.answered && request.startsWith('answers ')) {
      this.#emit('GONE', this.#known(invocation));
      return;
    }
    if (slot === undefined) return;
    const refused = request.startsWith('answers {"result":"refused"');
    this.#emit('GONE', PERSON + slot, request.startsWith('answers ') ? (refused ? 2 : 1) : 0);
    this.#people[slot] = undefined;
    invocation.slot = undefined;
  }

  /** Whose request it is, to the model; undefined when the model takes no notice of it any more. */
  #sender({ name, execution, slot }: Invocation): number | undefined {
    if (/^\d{4}$/.test(name)) return slot === undefined ? undefined : FUNCTION + slot;
    if (name === 'resume' || name === 'baseline') return slot === undefined ? undefined : PERSON + slot;
    return execution?.index;
  }

  #known(invocation: Invocation): number {
    const by = this.#sender(invocation);
    if (by === undefined) throw new Error(`${invocation.actor} acts, and the model has no process for it`);
    return by;
  }

  // --- looks ------------------------------------------------------------------------------------------------------

  #looks(invocation: Invocation, { request }: RequestLine): void {
    if (!/^list log\/( after log\/\d{8}\.json)?$/.test(request)) throw new Error(`unknown: ${request}`);
    // A log that was empty, and is begun while that is looked into, is looked at once more: only that look counts.
    const before = invocation.fresh;
    if (before) this.#out.splice(this.#out.indexOf(before), 1);
    const first = !invocation.looked || before?.event.word === 'LOOK_HALT' || before?.event.word === 'SAYS';
    const sent = this.#out.length;
    this.#looksAt(invocation, first);
    invocation.fresh = this.#out.length > sent ? this.#out.at(-1) : undefined;
  }

  #looksAt(invocation: Invocation, first: boolean): void {
    const { name, manifest, execution } = invocation;
    invocation.looked = true;
    invocation.lookedAt = this.#time;
    if (name === 'watch-halts') return; // what is settled stays so
    if (name === 'resume' || name === 'baseline') {
      this.#personLooks(invocation, first);
      return;
    }
    if (!execution || (name === 'halt' && invocation.answered)) return;
    if (!invocation.left) this.#deadlinePasses();
    invocation.decides = !invocation.left;
    const looks = name === 'list-pending' ? 'LOOK_LIST' : name === 'record-completion' ? 'LOOK_RECORD' : undefined;
    const { allowOutOfOrder } = (invocation.payload['input'] ?? {}) as Fields;
    if (looks !== undefined) {
      this.#emit(looks, execution.index, manifest, allowOutOfOrder === true ? 1 : 0);
      return;
    }
    if (invocation.left) {
      this.#emit('LOOK_WAITER', execution.index);
      return;
    }
    this.#emit(first ? 'LOOK_HALT' : 'LOOK_AGAIN', execution.index, manifest);
  }

  #personLooks(invocation: Invocation, first: boolean): void {
    const { payload, manifest, name } = invocation;
    if (!first) {
      if (invocation.slot !== undefined) this.#emit('LOOK_AGAIN', PERSON + invocation.slot, manifest);
      return;
    }
    const { people, cancellers } = this.#size;
    const turn = this.#openTurn();
    if (name === 'baseline') {
      if (this.#migration(payload['through']) !== 1) throw new OutOfScope('a baseline of more than the lowest id');
      this.#takesPart(invocation, people + cancellers, people + cancellers + 1);
      this.#emit('SAYS', PERSON + invocation.slot!, manifest, 'BASELINE');
      return;
    }
    if (payload['ask'] === 'cancel') {
      const cancelled = turn && this.#entries.some((one) => one['decision'] === 'cancel' && one['of'] === turn.number);
      if (!turn || cancelled) return; // it says so, and does nothing
      this.#takesPart(invocation, people, people + cancellers);
      this.#emit('SAYS', PERSON + invocation.slot!, manifest, 'CANCEL');
      return;
    }
    const open = this.#openHalt();
    const named = payload['halt'];
    if (open === undefined || (named !== undefined && named !== open)) return; // it tells again what was settled
    this.#takesPart(invocation, 0, people);
    this.#emit('SAYS', PERSON + invocation.slot!, manifest, word(payload['decision']), open);
  }

  #takesPart(invocation: Invocation, from: number, to: number): void {
    if (invocation.slot !== undefined) return;
    const slot = this.#people.findIndex((one, at) => at >= from && at < to && one === undefined);
    if (slot < 0) throw new OutOfScope('too many people at once');
    this.#people[slot] = invocation;
    invocation.slot = slot;
  }

  /** The deadline of the open turn is before what S3's clock says now. */
  #deadlinePasses(): void {
    const turn = this.#openTurn();
    if (!turn?.claim || turn.outcome !== undefined || turn.passed) return;
    const open = [...turn.begun].some((batch) => !turn.ended.has(batch));
    if (turn.claim.kind !== 'claimed' && !open) return;
    if (second(this.#time) <= second(turn.claim.time) + turn.timeoutMs + MARGIN_MS) return;
    turn.passed = true;
    this.#emit('PASSES', WATCHES, turn.number);
  }

  #reads(invocation: Invocation, { answer, request }: RequestLine, [, , digits, what]: RegExpExecArray): void {
    if (!invocation.decides || !invocation.execution) return; // for a text
    const compared = invocation.compares === request.slice('get '.length);
    invocation.compares = undefined;
    if (compared) return;
    const turn = Number(digits);
    const by = invocation.execution.index;
    const there = answer === 'done';
    if (what === 'outcome') {
      invocation.reading = there ? undefined : { turn, line: this.#at };
      if (there) this.#emit('READ', by, turn, 1, undefined, this.#isPaused(turn, invocation.lookedAt) ? 1 : 0);
    } else if (invocation.reading) {
      // An outcome comes after its claim, and neither changes: there is one moment at which both answers are true.
      const claimed = this.#turns.get(turn)?.claim?.line ?? -1;
      const at = there ? Math.max(invocation.reading.line, claimed + 0.1) : this.#at;
      this.#emitAt(at, 'READ', by, turn, 0, there ? 1 : 0, this.#isVoidSince(turn, invocation.lookedAt) ? 1 : 0);
      invocation.reading = undefined;
      if (there && this.#turns.get(turn)?.batches) invocation.listsBatchesOf = turn;
    } else return;
    if (what === 'claim' || there) this.#isToAsk(invocation, turn);
  }

  /** Those of a turn that is closed, after its keys; any other list says nothing new. */
  #listsBatches(invocation: Invocation, { request }: RequestLine): void {
    const turn = Number(/^list turns\/\d{4}\/(\d{8})\/batches\/$/.exec(request)?.[1]);
    if (invocation.listsBatchesOf !== turn || !invocation.execution) return;
    invocation.listsBatchesOf = undefined;
    this.#emit('LOOK_BATCHES', invocation.execution.index);
  }

  /** Whether the turn was made void less than five minutes before the look. */
  #isVoidSince(turn: number, lookedAt: number): boolean {
    const claim = this.#turns.get(turn)?.claim;
    return claim?.kind === 'void' && second(lookedAt) < second(claim.time) + DEPLOYMENT_MS;
  }

  /** Whether the next turn still waits at the look. */
  #isPaused(turn: number, lookedAt: number): boolean {
    return second(lookedAt) < (this.#turns.get(turn)?.pausedUntil ?? 0);
  }

  #isToAsk(invocation: Invocation, number: number): void {
    if (invocation.name !== 'list-pending') {
      invocation.decides = false;
      return;
    }
    invocation.asks = { owner: undefined, ownerLine: 0, listLine: undefined, elsewhere: false, line: this.#at };
    if (!this.#turns.has(number)) throw new Error(`turn ${number} is not in the log`);
  }

  #asks(invocation: Invocation, { answer, request }: RequestLine): void {
    const alive = answer === 'true';
    const { existed, asks } = invocation;
    // It hands over: to itself it does not.
    if (existed && alive && existed.index !== invocation.execution?.index) {
      this.#emitCarriesOn(invocation, existed, true);
    }
    invocation.existed = undefined;
    if (!asks || existed) return;
    if (asks.listLine === undefined) {
      asks.owner = alive;
      asks.ownerLine = this.#at;
    } else if (alive) {
      asks.elsewhere = true;
    }
    asks.line = this.#at;
    if (!/^is .* alive\?$/.test(request)) throw new Error(request);
  }

  /** The next request of `list-pending` says that it has asked all that it asks before it decides. */
  #askedAll(invocation: Invocation, request: string): void {
    const { asks, execution } = invocation;
    if (!asks || !execution || /^(is .* alive\?|(list|get) (waiters|turns\/.*\/batches)\/.*|dies)$/.test(request))
      return;
    invocation.asks = undefined;
    const { owner, listLine, elsewhere } = asks;
    if (owner === undefined && listLine === undefined) return;
    const at = listLine === undefined ? asks.ownerLine : elsewhere ? asks.line : listLine;
    this.#emitAt(at, 'ASK', execution.index, bit(owner), listLine === undefined ? undefined : bit(elsewhere));
  }

  // --- writes -----------------------------------------------------------------------------------------------------

  #appends(invocation: Invocation, line: RequestLine): void {
    const entry = line.body as Fields;
    const isNew = line.answer === 'done';
    if (line.effect === 'late') {
      if (isNew) this.#appended(entry);
      this.#emit('EFFECT', NETWORK, ...(isNew ? this.#entryFields(entry) : [0]));
      return;
    }
    const by = this.#known(invocation);
    if (!isNew) {
      // The others look again within the step that the 412 leads to.
      if (invocation.name === 'list-pending' || invocation.name === 'record-completion') this.#emit('MISS', by);
      return;
    }
    this.#appended(entry);
    invocation.wrote = true;
    this.#emit('PUT', by, ...this.#entryFields(entry));
  }

  #entryFields(entry: Fields): Event['fields'] {
    const { kind, migration, attempt } = entry;
    switch (kind) {
      case 'allowed': {
        const code = this.#code(String(migration), String(entry['codeSha256']));
        return [
          'ALLOWED',
          this.#migration(migration),
          Number(attempt),
          Number(entry['slice']),
          this.#batchesOf(entry),
          entry['begin'] === 'start' ? 1 : 0,
          code,
        ];
      }
      case 'halted':
        return [
          'HALTED',
          this.#migration(migration),
          Number(attempt),
          undefined,
          word(entry['reason']),
          Number(entry['turn']),
        ];
      case 'decided': {
        const retry = entry['retry'] as Fields | undefined;
        const code = retry && this.#code(String(migration), String(retry['codeSha256']));
        const what = word(entry['decision']);
        return ['DECIDED', this.#migration(migration), Number(attempt), undefined, what, Number(entry['of']), code];
      }
      default: {
        const [id] = entry['ids'] as string[];
        return ['COMPLETED', this.#migration(id), undefined, undefined, word(entry['completion'])];
      }
    }
  }

  /** The batches that it allows, a bit for each; 0: it allows none. */
  #batchesOf({ batches }: Fields): number {
    const { of, rest } = (batches as Batches | undefined) ?? { of: 0, rest: '' };
    if (of > this.#size.batches) throw new OutOfScope('many batches');
    return numbersIn(rest).reduce((bits, batch) => bits + bitOf(batch), 0);
  }

  #appended(entry: Fields): void {
    if (this.#entries.length >= this.#size.entries) throw new OutOfScope('a long log');
    this.#entries.push(entry);
    if (entry['kind'] !== 'allowed') return;
    this.#turns.set(Number(entry['number']), {
      number: Number(entry['number']),
      batches: entry['batches'] !== undefined,
      slowed: (entry['batches'] as Batches | undefined)?.slowed ?? 0,
      begun: new Set(),
      ended: new Set(),
      execution: String(entry['execution']),
      timeoutMs: Number(entry['timeoutMs']),
      claim: undefined,
      outcome: undefined,
      pausedUntil: 0,
      passed: false,
    });
  }

  #takes(invocation: Invocation, line: RequestLine, [, , digits, what]: RegExpExecArray): void {
    const body = line.body as Fields;
    const isNew = line.answer === 'done';
    const number = Number(digits);
    const turn = this.#turns.get(number);
    const kind = String(body[what === 'claim' ? 'claim' : 'outcome']);
    if (isNew && turn && what === 'claim') turn.claim = { line: this.#at, time: this.#time, kind };
    if (isNew && turn && what === 'outcome') {
      turn.outcome = kind;
      const { slowed = 0 } = (body['batches'] ?? {}) as { slowed?: number };
      if (slowed > 0) turn.pausedUntil = second(this.#time) + pauseMs(turn.slowed);
      const { notBefore } = (body['stoppedAt'] as { checkpoint: { notBefore?: string } } | undefined)?.checkpoint ?? {};
      if (notBefore !== undefined) turn.pausedUntil = Date.parse(notBefore);
    }
    if (line.effect === 'late') {
      this.#emit('EFFECT', NETWORK, isNew ? 1 : 0);
      return;
    }
    this.#emit('TAKE', this.#known(invocation), number, word(kind), isNew ? 1 : 0);
    invocation.decides = true;
    invocation.compares = isNew && line.fault !== 'repeated' ? undefined : line.request.slice('create '.length);
    invocation.reading = undefined;
    if (what === 'claim' && isNew && kind === 'claimed') this.#claimedBy.set(String(number), invocation);
    else invocation.over = true;
  }

  /** A claim or an outcome of a batch. */
  #takesBatch(invocation: Invocation, line: RequestLine, digits: string, number: string, what: string): void {
    const body = line.body as Fields;
    const isNew = line.answer === 'done';
    const turn = this.#turns.get(Number(digits));
    const batch = bitOf(number);
    if (isNew) (what === 'claim' ? turn?.begun : turn?.ended)?.add(batch);
    if (line.effect === 'late') {
      this.#emit('EFFECT', NETWORK, isNew ? 1 : 0);
      return;
    }
    this.#emit('TAKE_BATCH', this.#known(invocation), Number(digits), batch, word(body[what]), isNew ? 1 : 0);
    if (what === 'claim' && isNew) {
      invocation.claimed = true;
      this.#claimedBy.set(`${Number(digits)} ${Number(number)}`, invocation);
    } else if (body[what] !== 'failed' && body[what] !== 'slowed-down') invocation.over = true;
  }

  /** Of a batch whose deadline is over, by who goes on without it; then all are looked at again. */
  #endsBatch(invocation: Invocation, line: RequestLine): void {
    const [, digits = '', number = '', what = ''] = BATCH_KEY.exec(line.request) ?? [];
    if (what !== 'outcome') throw unknownLine(line);
    if (line.effect === 'late') throw new OutOfScope('a batch that is closed late');
    this.#takesBatch(invocation, line, digits, number, what);
    invocation.over = false;
    invocation.listsBatchesOf = Number(digits);
  }

  /** A request of it is under way, and nobody waits for the answer. */
  #isLate(invocation: Invocation, line?: RequestLine): void {
    this.#underWay.delete(invocation.actor);
    if (line?.request.startsWith('create waiters/')) return;
    const by = this.#sender(invocation);
    if (by === undefined) return;
    this.#emit('LATE', by);
    invocation.over = true;
  }

  // --- waiters ----------------------------------------------------------------------------------------------------

  #leaves(invocation: Invocation, { request, answer, effect, body }: RequestLine): void {
    if (effect === 'late') throw new OutOfScope('a waiter that is left late');
    if (answer !== 'done') return; // it was there: the request was repeated
    const halt = Number(/^create waiters\/(\d{8})\//.exec(request)?.[1]);
    const { index } = invocation.execution!;
    const known = this.#waiters.get(halt) ?? new Map<number, string>();
    this.#waiters.set(halt, known.set(index, String((body as Fields)['token'])));
    invocation.left = true;
    invocation.decides = false;
    this.#emit('LEAVE', index, halt);
  }

  #listsWaiters(invocation: Invocation, { request }: RequestLine): void {
    const { name, asks } = invocation;
    if (name === 'watch-halts' && request === 'list waiters/') return;
    const number = Number(/^list waiters\/(\d{8})\/$/.exec(request)?.[1]);
    if (asks) {
      asks.listLine = this.#at;
      return;
    }
    // Before it appends, `resume` looks whether somebody who waits may run out of order: it reads what never changes, and tells nobody.
    if (name === 'resume' && !this.#isSettled(number)) return;
    if (name === 'halt' && !invocation.left) return; // its own token, which only a repeated invocation would find
    invocation.halt = { number, tokens: new Map(this.#waiters.get(number)) };
    if (this.#isHeeded(invocation)) this.#emit('WAITERS', this.#known(invocation), number);
  }

  #isSettled(halt: number): boolean {
    return this.#entries
      .slice(halt)
      .some(({ kind, decision }) => kind === 'completed' || (kind === 'decided' && decision !== 'cancel'));
  }

  /** Whether the model follows what it tells; else it is as the watch, which may tell at any time what is settled. */
  #isHeeded(invocation: Invocation): boolean {
    const { name, answered, slot, beside } = invocation;
    if (name === 'watch-halts' || (name === 'halt' && answered) || beside) return false;
    return name !== 'resume' || slot !== undefined;
  }

  #tells(invocation: Invocation, line: RequestLine): void {
    const { request, answer, effect } = line;
    const [, how, token = ''] = /^SendTask(Success|Failure) (.*)$/.exec(request) ?? [];
    const execution = this.#execution(token.replace(/^token-\d+-of-/, ''));
    const { halt } = invocation;
    if (!halt) throw unknownLine(line);
    if (answer === 'sent') {
      const told = this.#haltOfToken.get(token);
      if (told) told.answered = true;
    }
    if (halt.tokens.get(execution.index) !== token) {
      if (answer === 'sent') throw new Error(`${token} was not the last of its execution, and was told`);
      return; // of an earlier try: nobody waits with it
    }
    const result = how === 'Success' ? 'GO_ON' : 'ABORT';
    const by = this.#isHeeded(invocation) && effect === 'now' ? this.#known(invocation) : WATCHES;
    this.#emit('TELL', by, execution.index, result, answer === 'sent' ? 1 : 0, halt.number);
  }

  #carriesOn(invocation: Invocation, { request, answer }: RequestLine): void {
    const [, entry, name] = /^StartExecution continue-(\d+)(?:-(\d+))?$/.exec(request) ?? [];
    if (entry === undefined) throw new Error(`unknown: ${request}`);
    const { index } = this.#execution(request.slice('StartExecution '.length));
    const started = { entry: Number(entry), name: Number(name ?? 1), index };
    if (answer === 'done') this.#emitCarriesOn(invocation, started, false);
    else invocation.existed = started;
  }

  #emitCarriesOn(
    invocation: Invocation,
    { entry, name, index }: { entry: number; name: number; index: number },
    existed: boolean,
  ): void {
    invocation.wrote = true;
    const by = this.#isHeeded(invocation) ? this.#known(invocation) : WATCHES;
    this.#emitAt(existed ? this.#at : this.#started.get(index)!, 'CARRY_ON', by, entry, name, index);
  }

  // --- a migration's function -------------------------------------------------------------------------------------

  #ofMigration(invocation: Invocation, line: RequestLine): void {
    const { request, effect, fault } = line;
    if (/^(create|replace) checkpoints\//.test(request)) {
      this.#plans(invocation, line);
      return;
    }
    const reads = Number(/^get turns\/\d{4}\/(\d{8})\/claim\.json$/.exec(request)?.[1]);
    if (invocation.batch !== 0 && effect === 'now' && reads === invocation.payload['turn']) {
      this.#looksWhetherClosed(invocation, line);
      return;
    }
    // What it reads never changes; and nothing is decided on how many have failed but whether it closes the turn.
    if (/^(get|user code of|list turns\/)/.test(request) || isAside(request)) return;
    const start = /^user code starts (\d+)/.exec(request);
    if (start) {
      this.#emit('CODE_STARTS', this.#known(invocation));
      return;
    }
    if (request.startsWith('fails with ')) assertFromOutside(line);
    if (isEnd(request)) {
      this.#isGone(invocation);
      return;
    }
    const key = /^(create) turns\/\d{4}\/(\d{8})\/(claim|outcome)\.json$/.exec(request);
    const [, digits = '', number = '', what] = BATCH_KEY.exec(request) ?? [];
    if (!key && what === undefined) throw unknownLine(line);
    if (effect !== 'none' && key) this.#takes(invocation, line, key);
    else if (effect !== 'none' && what !== undefined) this.#takesBatch(invocation, line, digits, number, what);
    else if (fault === 'late') this.#isLate(invocation, line);
    if (invocation.over) this.#freeSlot(invocation);
  }

  /** Whether its plan is sealed by now, or, after one that was, is made anew. */
  #plans(invocation: Invocation, { body, answer, effect }: RequestLine): void {
    const plan = (body as Fields)['plan'] as { sealed: boolean; turns: { batches: number }[] } | undefined;
    if (answer !== 'done' || plan?.sealed === undefined || plan.sealed === this.#sealed.has(invocation.name)) return;
    if (plan.sealed) this.#sealed.add(invocation.name);
    else this.#sealed.delete(invocation.name);
    const of = plan.turns.reduce((sum, { batches }) => sum + batches, 0);
    if (of > this.#size.batches) throw new OutOfScope('many batches');
    const by = effect === 'late' || invocation.over ? NETWORK : this.#known(invocation);
    this.#emit('SEALS', by, plan.sealed ? 2 ** of - 1 : 0, Number(invocation.payload['turn']));
  }

  /** Before its claim and after it. */
  #looksWhetherClosed(invocation: Invocation, { answer }: RequestLine): void {
    if (invocation.over) return; // it compares what stands there with what it wrote
    const closed = answer === 'done';
    this.#emit('IS_CLOSED', this.#known(invocation), Number(invocation.payload['turn']), closed ? 1 : 0);
    if (!closed || invocation.claimed) return;
    this.#freeSlot(invocation);
  }

  #isGone(invocation: Invocation): void {
    if (!invocation.over) this.#emit('GONE', this.#known(invocation));
    this.#freeSlot(invocation);
  }

  #freeSlot(invocation: Invocation): void {
    invocation.over = true;
    if (invocation.slot !== undefined) this.#slots[invocation.slot] = undefined;
    invocation.slot = undefined;
  }

  #userCodeEnds({ request, answer }: RequestLine): void {
    const of = /^user code ends (\d+(?: \d+)?)$/.exec(request)?.[1] ?? '';
    const invocation = this.#claimedBy.get(of);
    if (!invocation) throw new Error(`user code of turn ${of} ends, and nobody has claimed it`);
    this.#emit('CODE_ENDS', this.#known(invocation), word(answer));
  }

  // --- words ------------------------------------------------------------------------------------------------------

  #execution(name: string): Execution {
    const found = this.#executions.get(name);
    if (!found) throw new Error(`${name} was never started`);
    return found;
  }

  #openTurn(): Turn | undefined {
    const last = this.#entries.findLast(({ kind }) => kind === 'allowed' || kind === 'completed');
    return last?.['kind'] === 'allowed' ? this.#turns.get(Number(last['number'])) : undefined;
  }

  #openHalt(): number | undefined {
    const last = this.#entries.findLast(({ decision }) => decision !== 'cancel');
    return last?.['kind'] === 'halted' ? Number(last['number']) : undefined;
  }

  /** Two bits for each id: 0 is no file. */
  #manifest(codes: Record<string, string>): number {
    return Object.entries(codes).reduce(
      (all, [id, code]) => all + this.#code(id, code) * 4 ** (this.#migration(id) - 1),
      0,
    );
  }

  #migration(id: unknown): number {
    const number = Number(id) / 10;
    if (!Number.isInteger(number) || number < 1 || number > this.#size.migrations)
      throw new OutOfScope(`migration ${String(id)}`);
    return number;
  }

  #code(migration: string, sha256: string): number {
    const known = this.#codes.get(migration) ?? [];
    if (!known.includes(sha256)) known.push(sha256);
    this.#codes.set(migration, known);
    const code = known.indexOf(sha256) + 1;
    if (code > 3) throw new OutOfScope('a fourth code of a migration');
    return code;
  }

  #emit(what: string, by: number, ...fields: Event['fields']): void {
    this.#emitAt(this.#at, what, by, ...fields);
  }

  #emitAt(key: number, what: string, by: number, ...fields: Event['fields']): void {
    this.#out.push({ key, event: { word: what, by, fields, line: this.#at } });
  }
}

/** A preview asks the ledger for nothing; what says something else than its entry is refused when that is read. */
const PREVIEWS = /^(preview of |answers |fails with |dies$)/;
const REFUSES = /^(get log\/|fails with (NotAllowed|WrongMigration|LedgerUnavailable|LedgerForbidden): |dies$)/;

const BESIDE = 'a function beside its redriven execution';

const ANSWERS: Record<string, string> = { finished: 'SUCCEEDED', more: 'MORE', 'claimed elsewhere': 'ELSEWHERE' };

/** As core/ledger/turns.ts has it, which is not asked: docs/design.md §4. */
const MARGIN_MS = 10_000;
/** As core/decision/decide.ts has it: half of a deployment is waited for so long. */
const DEPLOYMENT_MS = 5 * 60_000;
/** Docs/design.md §6. */
const pauseMs = (times: number): number => Math.min(15_000 * 2 ** times, 15 * 60_000);

/** Of what begins. */
const payloadOf = (body: unknown): Fields => (body as { payload: Fields }).payload;
const executionOf = (body: unknown): string => nameIn(payloadOf(body)['execution']);

/** `''` of what is no ARN. */
const nameIn = (arn: unknown): string => (typeof arn === 'string' ? arn.slice(arn.lastIndexOf(':') + 1) : '');

const second = (time: number): number => Math.floor(time / 1000) * 1000;

interface Batches {
  slowed?: number | undefined;
  of: number;
  rest: string;
}

const BATCH_KEY = /^create turns\/\d{4}\/(\d{8})\/batches\/(\d{6})-(claim|outcome)\.json$/;

const bitOf = (batch: unknown): number => 2 ** (Number(batch) - 1);

/** `1-17,19` as docs/records.md has it. */
const numbersIn = (rest: string): number[] =>
  rest.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return range === '' ? [] : Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });

const bit = (value: boolean | undefined): number | undefined => (value === undefined ? undefined : value ? 1 : 0);

/** Errors that are made around a function, and those by which it says what the model knows. */
const FROM_OUTSIDE =
  /^fails with (LedgerUnavailable|LedgerForbidden|Internal: ServiceUnavailable|DecisionNotDelivered|HaltNotNeeded|MigrationFailed|OutcomeNotWritten): /;

/** To fail of itself is nothing that the model has. */
function assertFromOutside(line: RequestLine): void {
  if (!FROM_OUTSIDE.test(line.request)) throw unknownLine(line);
}

function word(text: unknown): string {
  const found = WORDS[String(text)];
  if (found === undefined) throw new Error(`the model has no word for "${String(text)}"`);
  return found;
}

/** Nothing is decided on what these say: caches, copies, messages; and an entry, once it was listed, never changes. */
const isAside = (request: string): boolean =>
  /^((get|replace|create) state\.json|(list|get|create) completed\/|list (attempts|completed)\/|get log\/|get checkpoints\/|get turns\/.*\/batches\/|create turns\/.*-(items|failed|later)\.json$|(get|create) turns\/.*\/failures\.jsonl$|publishes|sends an event|how many events )/.test(
    request,
  );

const isEnd = (request: string): boolean => /^(answers |fails with |dies$)/.test(request);

const isLedgerWrite = (request: string): boolean => /^create (log|turns|waiters)\//.test(request) && !isAside(request);

const unknownLine = (line: RequestLine): Error => new Error(`no rule for ${JSON.stringify(line).slice(0, 300)}`);
