// The ledger (docs/design.md §4): every read is validated, every write is stamped, and nothing recorded is ever changed.
import { isDeepStrictEqual } from 'node:util';
import pMap from 'p-map';
import type * as z from 'zod';
import { OdinError } from '../errors.ts';
import { keys, migrationOfKey, parseAttemptKey, prefixes } from './keys.ts';
import {
  Cancellation,
  CheckpointRecord,
  Claim,
  Completion,
  DecisionRecord,
  Finished,
  FORMAT_VERSION,
  HaltRecord,
} from './records.ts';
import type { Store } from './store.ts';
import { cut } from './summaries.ts';

/** Who writes: stamped on every record. */
export interface Writer {
  /** The Lambda request id, or whatever identifies the act of writing. */
  requestId: string;
  /** Epoch milliseconds. */
  now: () => number;
}

/** What identifies the subject of a record. */
export interface Subject {
  migration: string;
  attempt: number;
  execution: string;
  sourceSha256?: string | undefined;
  codeSha256?: string | undefined;
  gitCommit?: string | undefined;
}

/** The code that a claim was made for: whoever writes about the attempt afterwards stamps the same. */
export const codeOf = (claim: Claim | undefined): Pick<Subject, 'sourceSha256' | 'codeSha256' | 'gitCommit'> => ({
  sourceSha256: claim?.sourceSha256,
  codeSha256: claim?.codeSha256,
  gitCommit: claim?.gitCommit,
});

/** Whether a create-once write is ours, or what stands there already. */
export type Created<T> = { created: true; record: T } | { created: false; record: T };

/** The keys of one attempt, by their meaning. `slices` and `halts` are the highest numbers, 0 for none. */
export interface AttemptIndex {
  attempt: number;
  slices: number;
  finished: boolean;
  cancelled: boolean;
  halts: number;
}

type HaltContent = Pick<HaltRecord, 'halt' | 'outcome' | 'error' | 'waiting'>;

const READ_CONCURRENCY = 16;

export class Ledger {
  readonly #store: Store;
  /** Completions that were read and found valid, by key and ETag: they never change, so each is read once. */
  readonly #verified = new Set<string>();

  constructor(store: Store) {
    this.#store = store;
  }

  // --- reading ---------------------------------------------------------------------------------------------------

  completion(migration: string): Promise<Completion | undefined> {
    return this.#read(keys.completed(migration), Completion, { migration });
  }

  /** Ids of all completed migrations. Every completion is validated: an unreadable one is an error, never "absent". */
  async completedIds(): Promise<Set<string>> {
    const { objects: listed } = await this.#store.list(prefixes.completed);
    const unverified = listed.filter(({ key, etag }) => !this.#verified.has(`${key} ${etag}`));
    await pMap(
      unverified,
      async ({ key, etag }) => {
        await this.#read(key, Completion, { migration: this.#migrationOf(key) });
        this.#verified.add(`${key} ${etag}`);
      },
      { concurrency: READ_CONCURRENCY },
    );
    return new Set(listed.map(({ key }) => this.#migrationOf(key)));
  }

  /** The attempts of every migration that has any, ascending, by their keys alone. */
  async attempts(migration?: string): Promise<Map<string, AttemptIndex[]>> {
    const { objects: listed } = await this.#store.list(
      migration === undefined ? 'attempts/' : prefixes.attempts(migration),
    );
    const byMigration = new Map<string, AttemptIndex[]>();
    for (const { key } of listed) {
      const parsed = parseAttemptKey(key);
      if (!parsed) throw unreadable(key, 'no record of this ledger has such a key');
      const attempts = byMigration.get(parsed.migration) ?? [];
      byMigration.set(parsed.migration, attempts);
      let index = attempts.find(({ attempt }) => attempt === parsed.attempt);
      if (!index) {
        index = {
          attempt: parsed.attempt,
          slices: 0,
          finished: false,
          cancelled: false,
          halts: 0,
        };
        attempts.push(index);
      }
      if (parsed.record === 'started') index.slices = Math.max(index.slices, 1);
      if (parsed.record === 'slice') index.slices = Math.max(index.slices, parsed.slice);
      if (parsed.record === 'finished') index.finished = true;
      if (parsed.record === 'cancelled') index.cancelled = true;
      if (parsed.record === 'decision') index.halts = Math.max(index.halts, parsed.halt);
    }
    for (const attempts of byMigration.values()) attempts.sort((a, b) => a.attempt - b.attempt);
    return byMigration;
  }

  /** The attempts of one migration, ascending. */
  async attemptsOf(migration: string): Promise<AttemptIndex[]> {
    return (await this.attempts(migration)).get(migration) ?? [];
  }

  /** The last attempt of a migration, or undefined when it has none. */
  async lastAttempt(migration: string): Promise<AttemptIndex | undefined> {
    return (await this.attemptsOf(migration)).at(-1);
  }

  /** The claim of the attempt's latest slice; undefined when no code of it was ever to run. */
  async latestClaim(migration: string, index: AttemptIndex | undefined): Promise<Claim | undefined> {
    return index && index.slices > 0 ? this.claim(migration, index.attempt, index.slices) : undefined;
  }

  /** The decision on the attempt's latest halt that was decided; after an `abort` the same attempt can halt again. */
  async latestDecision(migration: string, index: AttemptIndex | undefined): Promise<DecisionRecord | undefined> {
    return index && index.halts > 0 ? this.decision(migration, index.attempt, index.halts) : undefined;
  }

  claim(migration: string, attempt: number, slice: number): Promise<Claim | undefined> {
    return this.#read(claimKey(migration, attempt, slice), Claim, { migration, attempt, slice });
  }

  finished(migration: string, attempt: number): Promise<Finished | undefined> {
    return this.#read(keys.finished(migration, attempt), Finished, { migration, attempt });
  }

  cancellation(migration: string, attempt: number): Promise<Cancellation | undefined> {
    return this.#read(keys.cancelled(migration, attempt), Cancellation, { migration, attempt });
  }

  decision(migration: string, attempt: number, halt: number): Promise<DecisionRecord | undefined> {
    return this.#read(keys.decision(migration, attempt, halt), DecisionRecord, { migration, attempt, halt });
  }

  async halt(migration: string): Promise<HaltRecord | undefined> {
    return this.#read(keys.halt(migration), HaltRecord, { migration });
  }

  /** Every migration's halt record; a halt is open when its decision is missing. */
  async halts(): Promise<HaltRecord[]> {
    const { objects: listed } = await this.#store.list(prefixes.halts);
    const records = await pMap(listed, ({ key }) => this.halt(this.#migrationOf(key)), {
      concurrency: READ_CONCURRENCY,
    });
    return records.filter((record) => record !== undefined);
  }

  checkpoint(migration: string): Promise<CheckpointRecord | undefined> {
    return this.#read(keys.checkpoint(migration), CheckpointRecord, { migration });
  }

  // --- writing: each record once ---------------------------------------------------------------------------------

  createClaim(subject: Subject, writer: Writer, claim: Pick<Claim, 'slice' | 'nonce' | 'deadline'>) {
    const record: Claim = { ...stamp(subject, writer), ...claim };
    const { migration, attempt } = subject;
    return this.#create(claimKey(migration, attempt, claim.slice), Claim, record, {
      migration,
      attempt,
      slice: claim.slice,
    });
  }

  createFinished(
    subject: Subject,
    writer: Writer,
    outcome: Pick<Finished, 'outcome' | 'error' | 'durationMs' | 'slices'>,
  ) {
    const record: Finished = { ...stamp(subject, writer), ...outcome };
    const { migration, attempt } = subject;
    return this.#create(keys.finished(migration, attempt), Finished, record, { migration, attempt });
  }

  createCancellation(subject: Subject, writer: Writer, cancellation: Pick<Cancellation, 'reason' | 'by'>) {
    const record: Cancellation = { ...stamp(subject, writer), ...cancellation };
    const { migration, attempt } = subject;
    return this.#create(keys.cancelled(migration, attempt), Cancellation, record, { migration, attempt });
  }

  createDecision(
    subject: Subject,
    writer: Writer,
    decision: Pick<DecisionRecord, 'halt' | 'decision' | 'reason' | 'by'>,
  ) {
    const record: DecisionRecord = { ...stamp(subject, writer), ...decision };
    const { migration, attempt } = subject;
    const { halt } = decision;
    return this.#create(keys.decision(migration, attempt, halt), DecisionRecord, record, { migration, attempt, halt });
  }

  createCompletion(
    subject: Subject,
    writer: Writer,
    completion: Pick<Completion, 'completion' | 'reason' | 'by' | 'startedAt' | 'finishedAt'>,
  ) {
    const record: Completion = { ...stamp(subject, writer), ...completion };
    const { migration } = subject;
    return this.#create(keys.completed(migration), Completion, record, { migration });
  }

  // --- writing: the two mutable records, by compare-and-swap -----------------------------------------------------

  /**
   * Replaces a migration's halt record by what `change` makes of the one that stands there; tried again when another
   * writer was faster, so `change` may be called more than once.
   */
  async updateHalt(
    subject: Subject,
    writer: Writer,
    change: (current: HaltRecord | undefined) => Promise<HaltContent> | HaltContent,
  ): Promise<HaltRecord> {
    const key = keys.halt(subject.migration);
    for (let tries = 0; tries < MAX_SWAPS; tries += 1) {
      const stored = await this.#store.get(key);
      const current = stored && parse(key, stored.body, HaltRecord, { migration: subject.migration });
      const record: HaltRecord = { ...stamp(subject, writer), ...(await change(current)) };
      if ((await this.#store.replace(key, serialise(record), stored?.etag)) !== 'conflict') return record;
    }
    throw new OdinError({
      code: 'LedgerUnavailable',
      source: 'system',
      what: `${key} was changed by others each of the ${MAX_SWAPS} times that it was to be written.`,
    });
  }

  /**
   * Moves a migration's checkpoint forward, from the one that the caller saw last (`undefined`: none).
   * @throws OdinError FencedOut when another attempt or slice has moved it since
   */
  async moveCheckpoint(
    subject: Subject,
    writer: Writer,
    previous: CheckpointRecord | undefined,
    next: Pick<CheckpointRecord, 'slice' | 'cursor' | 'done' | 'total' | 'note' | 'began'>,
  ): Promise<CheckpointRecord> {
    const sequence = (previous?.sequence ?? 0) + 1;
    return this.#swapCheckpoint(previous, { ...stamp(subject, writer), ...next, sequence, stopped: false });
  }

  /**
   * Says that the slice which made this checkpoint has stopped there: the next slice may start.
   * @throws OdinError FencedOut as moveCheckpoint
   */
  stopAtCheckpoint(subject: Subject, writer: Writer, last: CheckpointRecord): Promise<CheckpointRecord> {
    return this.#swapCheckpoint(last, { ...last, ...stamp(subject, writer), stopped: true });
  }

  // ---------------------------------------------------------------------------------------------------------------

  async #swapCheckpoint(previous: CheckpointRecord | undefined, record: CheckpointRecord): Promise<CheckpointRecord> {
    const { migration, attempt, slice } = record;
    const key = keys.checkpoint(migration);
    const stored = await this.#store.get(key);
    const current = stored && parse(key, stored.body, CheckpointRecord, { migration });
    if (isDeepStrictEqual(current, previous)) {
      if ((await this.#store.replace(key, serialise(record), stored?.etag)) !== 'conflict') return record;
      // The answer to our own request may have been lost, and its repetition refused.
      const now = await this.#store.get(key);
      if (now?.body === serialise(record)) return record;
    }
    throw new OdinError({
      code: 'FencedOut',
      source: 'system',
      what: `The checkpoint of ${migration} was moved by another attempt or slice than attempt ${attempt}, slice ${slice}.`,
      why: 'This slice is not the one that counts any more, so it stops without changing anything further.',
    });
  }

  async #read<T>(key: string, schema: z.ZodType<T>, expected: object): Promise<T | undefined> {
    const stored = await this.#store.get(key);
    return stored && parse(key, stored.body, schema, expected);
  }

  /** The same bytes standing there already are ours: the first answer was lost and the request repeated. */
  async #create<T extends object>(key: string, schema: z.ZodType<T>, record: T, expected: object): Promise<Created<T>> {
    const body = serialise(schema.parse(record));
    if ((await this.#store.create(key, body)) !== 'exists') return { created: true, record };
    const existing = await this.#store.get(key);
    if (!existing) throw unreadable(key, 'it exists for a conditional write and not for a read');
    if (existing.body === body) return { created: true, record };
    return { created: false, record: parse(key, existing.body, schema, expected) };
  }

  #migrationOf(key: string): string {
    const migration = migrationOfKey(key);
    if (migration === undefined) throw unreadable(key, 'no record of this ledger has such a key');
    return migration;
  }
}

const MAX_SWAPS = 10;

export const claimKey = (migration: string, attempt: number, slice: number): string =>
  slice === 1 ? keys.started(migration, attempt) : keys.slice(migration, attempt, slice);

function stamp(subject: Subject, writer: Writer) {
  const { migration, attempt, execution, sourceSha256, codeSha256, gitCommit } = subject;
  return {
    formatVersion: FORMAT_VERSION,
    migration,
    attempt,
    execution,
    time: new Date(writer.now()).toISOString(),
    requestId: writer.requestId,
    ...(sourceSha256 !== undefined && { sourceSha256 }),
    ...(codeSha256 !== undefined && { codeSha256 }),
    ...(gitCommit !== undefined && { gitCommit }),
  } as const;
}

/** Indented, because people read these records in the console. */
const serialise = (record: object): string => `${JSON.stringify(record, undefined, 2)}\n`;

function parse<T>(key: string, body: string, schema: z.ZodType<T>, expected: object): T {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw unreadable(key, 'it is not JSON', cause);
  }
  const version = typeof json === 'object' && json !== null && 'formatVersion' in json ? json.formatVersion : undefined;
  if (version !== FORMAT_VERSION) {
    throw unreadable(key, `expected format version ${FORMAT_VERSION}, found ${shortOf(version)}`);
  }
  let result: z.ZodSafeParseResult<T>;
  try {
    result = schema.safeParse(json);
  } catch (cause) {
    throw unreadable(key, 'it is nested too deeply', cause); // a cursor may be any JSON: zod ran out of stack
  }
  if (!result.success) {
    const issue = result.error.issues[0];
    throw unreadable(key, `${issue?.path.join('.') || 'record'}: ${issue?.message ?? 'not valid'}`, result.error);
  }
  for (const [field, value] of Object.entries(expected)) {
    const found = (result.data as Record<string, unknown>)[field];
    if (found !== value) throw unreadable(key, `expected ${field} ${String(value)}, found ${String(found)}`);
  }
  return result.data;
}

/** Of what may be anything, at any length and depth: what a sentence can hold. */
function shortOf(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'object' && value !== null ? 'no number' : cut(JSON.stringify(value), 100);
}

export const unreadable = (key: string, why: string, cause?: unknown): OdinError =>
  new OdinError({
    code: 'RecordUnreadable',
    source: 'system',
    what: `The ledger's record ${key} cannot be read: ${why}.`,
    why: 'Nothing is taken as "not applied" because of it: the run stops here.',
    next: `Look at ${key} in the ledger's bucket, and at the versions of that object: an earlier one may be whole.`,
    cause,
  });
