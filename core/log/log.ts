// The log in a store: looked at, and appended to. Whoever wants to change what is true appends the next number, which one
// writer creates; the others read what came and decide anew (docs/design.md §10).
//
//   look ─▶ ask ─▶ create log/N+1 ─┬─ created ──────────▶ done
//    ▲                             ├─ there, our nonce ─▶ done: only the answer was lost
//    └──────── decide anew ────────┴─ there, another's
import pMap from 'p-map';
import { OdinError } from '../errors.ts';
import { unreadable } from '../ledger/ledger.ts';
import type { Store } from '../ledger/store.ts';
import type { Allowed, Completed, Decided, Halted, LedgerIdentity } from './entries.ts';
import { Entry, LOG_FORMAT, sha256 } from './entries.ts';
import type { LogState, Numbered } from './fold.ts';
import { EMPTY_LOG, entryKey, fold } from './fold.ts';
import { formatStateFile, parseStateFile, STATE_KEY } from './state-file.ts';

/** Who appends: said by every entry of it. */
export interface LogWriter {
  /** Of our own names: `list-pending`. */
  function: string;
  requestId: string;
  /** Version of this package. */
  version: string;
  /** Epoch milliseconds; what an entry says of its time is for people, and decides nothing. */
  now: () => number;
  /** A new, unguessable text at every call. */
  nonce: () => string;
}

type Envelope = 'format' | 'number' | 'previous' | 'ledger' | 'time' | 'nonce' | 'writer';

/** What an entry is to say; the log adds the rest. */
export type Content =
  Omit<Allowed, Envelope> | Omit<Halted, Envelope> | Omit<Decided, Envelope> | Omit<Completed, Envelope>;

export interface Appended {
  /** Undefined when, at what the log says now, there was nothing to append. */
  entry: Numbered<Entry> | undefined;
  /** What the log amounts to, the entry among it. */
  state: LogState;
}

export class Log {
  readonly #store: Store;
  readonly #identity: LedgerIdentity;
  /** What was read so far, and the ETag of its last entry. Entries never change, so each is read once. */
  #seen: Seen = NOTHING_SEEN;
  /** Of `state.json`, as it was read or written last. */
  #stateFile: string | undefined;

  /** @param identity whose log it is to be: entry 1 says so, and a log of another is refused */
  constructor(store: Store, identity: LedgerIdentity) {
    this.#store = store;
    this.#identity = identity;
  }

  /**
   * What the log amounts to now.
   * @throws OdinError RecordUnreadable, NewerLedger, LogBroken, OtherLedger; LedgerForbidden and LedgerUnavailable of the store
   */
  async look(): Promise<LogState> {
    if (this.#seen.state.number === 0) this.#seen = await this.#kept();
    return this.#lookFrom(this.#seen);
  }

  async #lookFrom({ state, etag }: Seen): Promise<LogState> {
    // From the last known entry, inclusive: one that was replaced since, in a bucket that was emptied, say, is noticed.
    const { objects: listed } = await this.#store.list(
      PREFIX,
      state.number > 1 ? entryKey(state.number - 1) : undefined,
    );
    const entries = listed.filter(({ key }) => ENTRY_KEY.test(key));
    if (state.number > 0 && (entries[0]?.key !== entryKey(state.number) || entries[0].etag !== etag)) {
      return this.#lookFrom(NOTHING_SEEN);
    }
    const fresh = entries.filter(({ key }) => key > entryKey(state.number));
    const read = await pMap(fresh, ({ key }) => this.#read(key), { concurrency: READ_CONCURRENCY });
    const next = fold(read, state);
    this.#assertOurs(next);
    this.#seen = { state: next, etag: entries.at(-1)?.etag };
    return next;
  }

  /**
   * Appends what `ask` wants at what the log says; asked again each time that somebody else was faster.
   * @param ask undefined: nothing is to be appended. It may throw: then nothing is
   * @throws OdinError as `look`; LedgerUnavailable also when the effect of the request is not known: look again
   */
  async append(writer: LogWriter, ask: (state: LogState) => Promise<Content | undefined>): Promise<Appended> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const state = await this.look();
      const content = await ask(state);
      if (content === undefined) return { entry: undefined, state };
      const entry = await this.#create(writer, state, content);
      if (entry !== undefined) return { entry, state: this.#seen.state };
    }
    throw new OdinError({
      code: 'LedgerUnavailable',
      source: 'system',
      what: `Others appended to the log each of the ${MAX_TRIES} times that an entry was to be appended.`,
      next: 'Try again.',
    });
  }

  /**
   * Keeps what was seen last in `state.json`, so that the next reader need not read the whole log. It is a cache: when
   * somebody else has written it meanwhile, theirs stands.
   */
  async keep(): Promise<void> {
    const { state, etag } = this.#seen;
    if (etag === undefined) return;
    const written = await this.#store.replace(STATE_KEY, formatStateFile({ state, etag }), this.#stateFile);
    this.#stateFile = written === 'conflict' ? (await this.#store.get(STATE_KEY))?.etag : written.etag;
  }

  async #kept(): Promise<Seen> {
    const stored = await this.#store.get(STATE_KEY);
    this.#stateFile = stored?.etag;
    return (stored && parseStateFile(stored.body)) ?? NOTHING_SEEN;
  }

  /** The entry, or undefined when another has its number. */
  async #create(writer: LogWriter, state: LogState, content: Content): Promise<Numbered<Entry> | undefined> {
    const number = state.number + 1;
    const entry = Entry.parse({
      format: LOG_FORMAT,
      number,
      previous: state.sha256,
      ledger: number === 1 ? this.#identity : undefined,
      time: new Date(writer.now()).toISOString(),
      nonce: writer.nonce(),
      writer: { function: writer.function, requestId: writer.requestId, version: writer.version },
      ...content,
    });
    const body = `${JSON.stringify(entry, undefined, 2)}\n`; // indented, because people read it in the console
    const numbered = { ...entry, sha256: sha256(body) };
    const after = fold([numbered], state); // what may not stand there is an error before it is written
    const written = await this.#store.create(entryKey(number), body);
    if (written === 'exists') {
      const there = await this.#store.get(entryKey(number));
      if (there?.body !== body) return undefined;
      this.#seen = { state: after, etag: there.etag };
    } else {
      this.#seen = { state: after, etag: written.etag };
    }
    return numbered;
  }

  async #read(key: string): Promise<Numbered<Entry>> {
    const stored = await this.#store.get(key);
    if (!stored) throw unreadable(key, 'it is listed, or exists for a conditional write, and not for a read');
    return { ...parse(key, stored.body), sha256: sha256(stored.body) };
  }

  #assertOurs({ ledger }: LogState): void {
    const ours = this.#identity;
    if (!ledger) return;
    const { environment, account, region } = ledger;
    if (environment === ours.environment && account === ours.account && region === ours.region) return;
    throw new OdinError({
      code: 'OtherLedger',
      source: 'system',
      what: `This ledger is of environment ${environment} in ${account}, ${region}; expected ${ours.environment} in ${ours.account}, ${ours.region}.`,
      why: 'What was run for another environment says nothing about this one.',
      next: 'Look at the bucket that the functions of this environment name, and deploy the stack that belongs to it.',
    });
  }
}

interface Seen {
  state: LogState;
  etag: string | undefined;
}

const NOTHING_SEEN: Seen = { state: EMPTY_LOG, etag: undefined };
const PREFIX = 'log/';
const ENTRY_KEY = /^log\/\d{8}\.json$/;
const READ_CONCURRENCY = 16;
/** Each time somebody else has changed what is true: there are not so many of them. */
const MAX_TRIES = 20;

function parse(key: string, body: string): Entry {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw unreadable(key, 'it is not JSON', cause);
  }
  assertKnownFormat(key, json);
  const result = Entry.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw unreadable(key, `${issue?.path.join('.') || 'entry'}: ${issue?.message ?? 'not valid'}`, result.error);
  }
  if (entryKey(result.data.number) !== key) throw unreadable(key, `it says that it is entry ${result.data.number}`);
  return result.data;
}

function assertKnownFormat(key: string, json: unknown): void {
  const { format, writer } = (json ?? {}) as { format?: unknown; writer?: { version?: unknown } | null };
  if (typeof format !== 'number' || format <= LOG_FORMAT) return;
  const version = typeof writer?.version === 'string' ? `version ${writer.version}` : 'a newer version';
  throw new OdinError({
    code: 'NewerLedger',
    source: 'system',
    what: `The ledger's ${key} was written by ${version} of odin-migrate, in format ${format}; this one reads up to ${LOG_FORMAT}.`,
    why: 'An older reader could misunderstand it: the run stops here.',
    next: 'Deploy with that version, or a later one.',
  });
}
