// The log in a store: looked at, and appended to. Whoever wants to change what is true appends the next number, which one
// writer creates; the others read what came and decide anew (docs/design.md §4).
//
//   look ─▶ ask ─▶ create log/N+1 ─┬─ created ──────────▶ done
//    ▲                             ├─ there, our nonce ─▶ done: only the answer was lost
//    └──────── decide anew ────────┴─ there, another's
import pMap from 'p-map';
import { OdinError } from '../errors.ts';
import { misfitOf, unreadable } from './unreadable.ts';
import type { Store } from './store.ts';
import type { Allowed, Completed, Decided, Halted, LedgerIdentity } from './entries.ts';
import { Entry, identityText, isSameLedger, LOG_FORMAT, sha256 } from './entries.ts';
import type { LogState, Numbered } from './fold.ts';
import { EMPTY_LOG, fold } from './fold.ts';
import { COMPLETED_PREFIX, entryKey, entryNumberOf, LOG_PREFIX, STATE_KEY } from './keys.ts';
import { formatStateFile, parseStateFile } from './state-file.ts';

/** Who appends: said by every entry of it. */
export interface LogWriter {
  /** Of our own names: `list-pending`; of a migration's function, its four digits. */
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
export type EntryContent =
  Omit<Allowed, Envelope> | Omit<Halted, Envelope> | Omit<Decided, Envelope> | Omit<Completed, Envelope>;

export interface Appended {
  /** Undefined: at what the log says now, nothing was to be appended. */
  entry: Numbered<Entry> | undefined;
  /** What the log amounts to, the entry among it. */
  state: LogState;
}

export class LedgerLog {
  readonly #store: Store;
  /** Whose log it is to be. */
  readonly identity: LedgerIdentity;
  /** What was read so far, and the ETag of its last entry. Entries never change, so each is read once. */
  #seen: Seen = NOTHING_SEEN;
  /** `state.json` as it was read or written last: its ETag, and the last entry that it stands for. */
  #stateFile: { etag: string | undefined; number: number } = { etag: undefined, number: 0 };
  /** When the store answered the first request of the last look, by its own clock: epoch milliseconds. */
  #at = 0;

  /** @param identity whose log it is to be: entry 1 says so, and a log of another is refused */
  constructor(store: Store, identity: LedgerIdentity) {
    this.#store = store;
    this.identity = identity;
  }

  /**
   * What the log amounts to now.
   * @throws OdinError RecordUnreadable, NewerLedger, LogBroken, AnotherAppsLedger; LedgerForbidden and LedgerUnavailable of the store
   */
  async look(): Promise<LogState> {
    if (this.#seen.state.number === 0) this.#seen = await this.#kept();
    return this.#lookFrom(this.#seen);
  }

  /** When the store answered the list of the last look, by its own clock: epoch milliseconds. No function's clock decides. */
  get lookedAt(): number {
    return this.#at;
  }

  async #lookFrom({ state, etag }: Seen): Promise<LogState> {
    // The last known entry is listed again: if another object stands there now (in a bucket that was emptied, say), it is noticed.
    const after = entryKey(Math.max(0, state.number - 1));
    const { at, objects: listed } = await this.#store.list(LOG_PREFIX, after);
    this.#at = at;
    const entries = listed.filter(({ key }) => entryNumberOf(key) !== undefined);
    if (state.number > 0 && (entries[0]?.key !== entryKey(state.number) || entries[0].etag !== etag)) {
      return this.#lookFrom(NOTHING_SEEN);
    }
    if (entries.length === 0 && (await this.#isBegunOrOld())) return this.#lookFrom(NOTHING_SEEN);
    const fresh = entries.filter(({ key }) => key > entryKey(state.number));
    const read = await pMap(fresh, ({ key }) => this.#read(key), { concurrency: READ_CONCURRENCY });
    const next = fold(read, state);
    this.#assertOurs(next);
    this.#seen = { state: next, etag: entries.at(-1)?.etag };
    return next;
  }

  /**
   * One entry; undefined when it is not there (yet).
   * @throws OdinError RecordUnreadable, NewerLedger
   */
  async entry(number: number): Promise<Numbered<Entry> | undefined> {
    const key = entryKey(number);
    const stored = await this.#store.get(key);
    return stored && { ...parse(key, stored.body), sha256: sha256(stored.body) };
  }

  /** All entries, in their order, each proved to follow the one before it. */
  async entries(): Promise<Numbered<Entry>[]> {
    const { number } = await this.look();
    const entries = await this.some(Array.from({ length: number }, (_, index) => index + 1));
    fold(entries);
    return entries;
  }

  /**
   * Those with these numbers, which the log is known to have; that they follow one another is not proved.
   * @throws OdinError RecordUnreadable, NewerLedger
   */
  some(numbers: readonly number[]): Promise<Numbered<Entry>[]> {
    return pMap(numbers, (each) => this.#read(entryKey(each)), { concurrency: READ_CONCURRENCY });
  }

  /**
   * Appends what `ask` makes of what the log says. It is asked again each time that somebody else was faster.
   * @param ask undefined: nothing is to be appended. It may throw: then nothing is
   * @throws OdinError as `look`; LedgerUnavailable also when the effect of the request is not known: look again
   */
  async append(writer: LogWriter, ask: (state: LogState) => Promise<EntryContent | undefined>): Promise<Appended> {
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
   * somebody else has kept as much or more meanwhile, theirs stands.
   * @param behind how many entries it must be behind for that
   * @returns whether it was written
   */
  async keep(behind = 1): Promise<boolean> {
    const { state, etag } = this.#seen;
    if (etag === undefined || state.number - this.#stateFile.number < behind) return false;
    const written = await this.#store.replace(STATE_KEY, formatStateFile({ state, etag }), this.#stateFile.etag);
    if (written === 'conflict') {
      await this.#kept();
      return this.keep(behind);
    }
    this.#stateFile = { etag: written.etag, number: state.number };
    return true;
  }

  async #kept(): Promise<Seen> {
    const stored = await this.#store.get(STATE_KEY);
    const kept = stored && parseStateFile(stored.body);
    this.#stateFile = { etag: stored?.etag, number: kept?.state.number ?? 0 };
    return kept ?? NOTHING_SEEN;
  }

  /**
   * Of a log that was empty: records of the format before it may stand beside it, and what they say is done would be run again.
   * @returns whether others have begun the log meanwhile, and have even left a copy of a completion
   * @throws OdinError OldLedger
   */
  async #isBegunOrOld(): Promise<boolean> {
    for (const prefix of ['attempts/', COMPLETED_PREFIX]) {
      const [first] = (await this.#store.list(prefix)).objects;
      if (first === undefined) continue;
      if ((await this.#store.get(entryKey(1))) !== undefined) return true;
      throw new OdinError({
        code: 'OldLedger',
        source: 'user',
        what: `The ledger's bucket holds ${first.key} and no log: it is in the format from before the log, which this version does not read.`,
        why: 'With an empty log, everything would run again.',
        next: {
          words: 'Deploy to a new bucket, and record there what is done',
          verb: 'baseline',
          environment: this.identity.environment,
          args: ['--through <id>', '--reason "..."'],
        },
      });
    }
    return false;
  }

  /** The entry, or undefined when another has its number. */
  async #create(writer: LogWriter, state: LogState, content: EntryContent): Promise<Numbered<Entry> | undefined> {
    const number = state.number + 1;
    const entry = Entry.parse({
      format: LOG_FORMAT,
      number,
      previous: state.sha256,
      ledger: number === 1 ? this.identity : undefined,
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
    if (!ledger || isSameLedger(ledger, this.identity)) return;
    throw new OdinError({
      code: 'AnotherAppsLedger',
      source: 'system',
      what: `This ledger is of ${identityText(ledger)}; expected ${identityText(this.identity)}.`,
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
const READ_CONCURRENCY = 16;
/** Each time somebody else was faster: there are not so many who append. */
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
  if (!result.success) throw unreadable(key, misfitOf(result.error, 'entry'), result.error);
  const { number, previous } = result.data;
  if (entryKey(number) !== key) throw unreadable(key, `it says that it is entry ${number}`);
  if ((previous === null) !== (number === 1)) throw unreadable(key, 'previous: entry 1 alone follows no other');
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
