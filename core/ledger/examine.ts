// Examines a whole ledger: whether its log holds together, and whether every object beside it is what the log says. It changes
// nothing, and it goes on after what is wrong, so that one look tells all of it.
import { isDeepStrictEqual } from 'node:util';
import pMap from 'p-map';
import type * as z from '../schema.ts';
import { OdinError } from '../errors.ts';
import type { Ledger } from './ledger.ts';
import { CheckpointRecord } from './checkpoints.ts';
import { BatchClaim, BatchMarked, BatchItems, BatchOutcome, hasBegun, lookAtBatches, restAfter } from './batches.ts';
import type { Allowed, Completed, Entry, LedgerIdentity, Reference } from './entries.ts';
import { identityText, isSameLedger, sha256 } from './entries.ts';
import type { LogState, Numbered } from './fold.ts';
import { EMPTY_LOG, fold } from './fold.ts';
import { jsonOf } from './json.ts';
import type { KindName } from './keys.ts';
import { claimKey, completedKey, entryKey, KINDS, outcomeKey, partsOf, STATE_KEY } from './keys.ts';
import { parseStateFile } from './state-file.ts';
import type { StoredObject } from './store.ts';
import type { RecordOfTurn } from './turn-records.ts';
import { readRecord } from './turn-records.ts';
import { Claim, Outcome } from './turns.ts';

/**
 * `missing-entry`, `unreadable-entry`: the log stops there. `broken-log`: an entry does not follow from those before it.
 * `other-ledger`: entry 1 names another environment, account or region. `missing-object`, `changed-object`: what an entry rests on
 * is not there, or is not what it was. `spoiled`: a claim, an outcome or a checkpoint cannot be read, or was made for another
 * entry. `contradiction`: objects that cannot stand beside each other. `unclosed-turn`: the log has gone on from a turn whose code
 * may run. `missing-copy`, `changed-copy`: of a completion. `stray-object`: the log has no entry for it. `wrong-state`: `state.json`
 * says something else than the log. Only to be known: `ignored-state`, which readers pass over, and `foreign-key`.
 */
export type FindingName =
  | 'missing-entry'
  | 'unreadable-entry'
  | 'broken-log'
  | 'other-ledger'
  | 'missing-object'
  | 'changed-object'
  | 'spoiled'
  | 'contradiction'
  | 'unclosed-turn'
  | 'missing-copy'
  | 'changed-copy'
  | 'stray-object'
  | 'wrong-state'
  | 'ignored-state'
  | 'foreign-key';

export interface LedgerFinding {
  finding: FindingName;
  /** Of the object that it is about. */
  key: string;
  /** Number of the entry that says otherwise. */
  entry?: number | undefined;
  /** A clause that says what is wrong there, when the name does not. */
  why?: string | undefined;
}

export interface Examination {
  findings: LedgerFinding[];
  /** How much was looked at. */
  objects: number;
  entries: number;
  turns: number;
  references: number;
  copies: number;
}

const NOTES: readonly FindingName[] = ['ignored-state', 'foreign-key'];

/** False of what is only to be known. */
export const isWrong = ({ finding }: LedgerFinding): boolean => !NOTES.includes(finding);

/**
 * @param identity whose ledger it has to be; undefined when nobody can tell
 * @throws OdinError LedgerForbidden, LedgerUnavailable
 */
export async function examineLedger(ledger: Ledger, identity: LedgerIdentity | undefined): Promise<Examination> {
  const { objects } = await ledger.store.list('');
  return await new Examiner(ledger, identity, objects).examine();
}

const READ_CONCURRENCY = 16;

interface Key {
  key: string;
  kind: KindName;
  migration: string | undefined;
  number: number | undefined;
}

class Examiner {
  readonly #ledger: Ledger;
  readonly #identity: LedgerIdentity | undefined;
  readonly #listed: ReadonlyMap<string, string>;
  readonly #keys: Key[] = [];
  readonly #findings: LedgerFinding[] = [];
  /** Number → entry, of those that can be read. */
  readonly #entries = new Map<number, Numbered<Entry>>();
  /** Key → SHA-256 of what is stored there; undefined when nothing is. */
  readonly #hashes = new Map<string, Promise<string | undefined>>();
  #last = 0;
  #references = 0;

  constructor(ledger: Ledger, identity: LedgerIdentity | undefined, listed: readonly { key: string; etag: string }[]) {
    this.#ledger = ledger;
    this.#identity = identity;
    this.#listed = new Map(listed.map(({ key, etag }) => [key, etag]));
    for (const { key } of listed) {
      const known = keyOf(key);
      if (known) this.#keys.push(known);
      else this.#found('foreign-key', key);
    }
  }

  async examine(): Promise<Examination> {
    await this.#readEntries();
    this.#checkChain();
    await this.#checkState(this.#foldAll());
    const turns = [...this.#entries.values()].filter((entry) => entry.kind === 'allowed');
    await each(turns, (turn) => this.#checkTurn(turn));
    await each([...this.#entries.values()], (entry) => this.#checkReferences(entry));
    const copies = await this.#checkCopies();
    await each(this.#keys, (key) => this.#checkOwner(key));
    return {
      findings: this.#findings.sort((a, b) => Number(a.key > b.key) - Number(a.key < b.key)),
      objects: this.#listed.size,
      entries: this.#entries.size,
      turns: turns.length,
      references: this.#references,
      copies,
    };
  }

  #found(finding: FindingName, key: string, more: Pick<LedgerFinding, 'entry' | 'why'> = {}): void {
    this.#findings.push({ finding, key, ...more });
  }

  async #readEntries(): Promise<void> {
    const numbers = this.#keys.flatMap(({ kind, number }) =>
      kind === 'entry' && number !== undefined ? [number] : [],
    );
    this.#last = numbers.at(-1) ?? 0;
    const listed = new Set(numbers);
    for (let number = 1; number <= this.#last; number += 1) {
      if (!listed.has(number)) this.#found('missing-entry', entryKey(number));
    }
    const read = await pMap(numbers, (number) => this.#readEntry(number), { concurrency: READ_CONCURRENCY });
    for (const entry of read) if (entry) this.#entries.set(entry.number, entry);
  }

  async #readEntry(number: number): Promise<Numbered<Entry> | undefined> {
    try {
      const entry = await this.#ledger.log.entry(number);
      if (!entry) this.#found('missing-entry', entryKey(number));
      return entry;
    } catch (thrown) {
      if (!(thrown instanceof OdinError) || !['RecordUnreadable', 'NewerLedger'].includes(thrown.code)) throw thrown;
      this.#found('unreadable-entry', entryKey(number), { why: thrown.what });
      return undefined;
    }
  }

  #checkChain(): void {
    for (const { number, previous, ledger } of this.#entries.values()) {
      const before = this.#entries.get(number - 1);
      if (before && previous !== before.sha256) {
        this.#found('broken-log', entryKey(number), { why: `it does not follow entry ${number - 1} as it is stored` });
      }
      if (ledger && this.#identity && !isSameLedger(ledger, this.#identity)) {
        this.#found('other-ledger', entryKey(number), { why: identityText(ledger) });
      }
    }
  }

  /**
   * What each prefix of the log amounts to, by its number; up to the first entry that does not follow from those before it. Gaps and
   * hashes were looked at before: here it is the meaning that has to hold.
   */
  #foldAll(): Map<number, LogState> {
    const states = new Map<number, LogState>();
    let state = EMPTY_LOG;
    for (const entry of this.#entries.values()) {
      try {
        state = fold([entry], { ...state, number: entry.number - 1, sha256: entry.previous });
      } catch (thrown) {
        if (!(thrown instanceof OdinError) || thrown.code !== 'LogBroken') throw thrown;
        this.#found('broken-log', entryKey(entry.number), { why: thrown.what });
        break; // what follows would be told of as well, and only because of this one
      }
      states.set(entry.number, state);
    }
    return states;
  }

  async #checkState(states: ReadonlyMap<number, LogState>): Promise<void> {
    const stored = this.#listed.has(STATE_KEY) ? await this.#ledger.store.get(STATE_KEY) : undefined;
    if (!stored) return;
    const kept = parseStateFile(stored.body);
    const number = kept?.state.number ?? 0;
    if (!kept) {
      this.#found('ignored-state', STATE_KEY, { why: 'it is spoiled, or of another version' });
    } else if (number <= this.#last && this.#listed.get(entryKey(number)) !== kept.etag) {
      this.#found('ignored-state', STATE_KEY, { why: `it was made of another ${entryKey(number)} than stands there` });
    } else if (await this.#isToCome(number)) {
      return; // it was kept after this look began
    } else if (number > this.#last) {
      this.#found('wrong-state', STATE_KEY, { why: `it stands for ${entryKey(number)}, which is not there` });
    } else if (states.has(number) && !isDeepStrictEqual(asJson(kept.state), asJson(states.get(number)))) {
      this.#found('wrong-state', STATE_KEY, { entry: number });
    }
  }

  async #checkTurn(turn: Numbered<Allowed>): Promise<void> {
    const [claim, outcome] = await Promise.all([
      this.#read(Claim, claimKey(turn), turn),
      this.#read(Outcome, outcomeKey(turn), turn),
    ]);
    const batches = turn.batches && (await lookAtBatches(this.#ledger.store, turn));
    const isVoid = isVoidClaim(claim) && !(batches && hasBegun(batches));
    if (outcome !== undefined && claim === undefined) {
      this.#found('contradiction', outcomeKey(turn), { why: 'its turn was never claimed' });
    }
    if (outcome !== undefined && isVoid) {
      this.#found('contradiction', outcomeKey(turn), { why: 'its turn is void: no code of it ever ran' });
    }
    const failures = outcome !== 'spoiled' && outcome && 'batches' in outcome ? outcome.batches?.failures : undefined;
    if (failures) await this.#checkReference(failures, turn.number);
    if (turn.batches && batches && isSuccess(outcome)) {
      const left = restAfter(turn.batches.rest, batches);
      if (left !== '') {
        this.#found('contradiction', outcomeKey(turn), {
          why: `it says succeeded, and these batches did not: ${left}`,
        });
      }
    }
    if (outcome === undefined && !isVoid && !this.#isOpen(turn)) {
      this.#found('unclosed-turn', claim === undefined ? claimKey(turn) : outcomeKey(turn), { entry: turn.number });
    }
  }

  /** Nothing after it says that it is over: neither the next turn nor its completion. */
  #isOpen({ number, migration }: Numbered<Allowed>): boolean {
    return [...this.#entries.values()].every(
      (later) =>
        later.number <= number ||
        (later.kind !== 'allowed' && !(later.kind === 'completed' && later.ids.includes(migration))),
    );
  }

  async #read<T extends Claim | Outcome>(
    schema: z.ZodMiniType<T>,
    key: string,
    turn: Numbered<Allowed>,
  ): Promise<T | 'spoiled' | undefined> {
    const stored = await this.#get(key);
    if (!stored) return undefined;
    const { data } = schema.safeParse(jsonOf(stored.body));
    if (data?.entry.number === turn.number && data.entry.sha256 === turn.sha256) return data;
    const why = data ? `it was made for entry ${data.entry.number}, with another hash` : 'it cannot be read';
    this.#found('spoiled', key, { entry: turn.number, why });
    return 'spoiled';
  }

  async #checkReferences(entry: Numbered<Entry>): Promise<void> {
    for (const reference of referencesOf(entry)) await this.#checkReference(reference, entry.number);
    if (entry.kind === 'completed' && entry.completion !== 'baseline') await this.#checkCompletion(entry);
  }

  async #checkReference({ key, sha256: expected }: Reference, entry: number): Promise<void> {
    this.#references += 1;
    const found = await this.#hashOf(key);
    if (found === undefined) this.#found('missing-object', key, { entry });
    else if (found !== expected) this.#found('changed-object', key, { entry });
  }

  /** Applied: because its code succeeded. The others: because a person said so. */
  async #checkCompletion({ number, completion, restsOn }: Numbered<Completed>): Promise<void> {
    const kind = restsOn && keyOf(restsOn.key)?.kind;
    const expected = completion === 'applied' ? 'outcome' : 'entry';
    if (!restsOn || kind !== expected) {
      const what = completion === 'applied' ? 'an outcome' : 'a decision';
      this.#found('contradiction', entryKey(number), { why: `it says ${completion}, and does not rest on ${what}` });
      return;
    }
    const outcome =
      kind === 'outcome' ? Outcome.safeParse(jsonOf((await this.#get(restsOn.key))?.body ?? '')).data : undefined;
    if (outcome && outcome.outcome !== 'succeeded') {
      this.#found('contradiction', entryKey(number), { why: `it says applied, and its code ${outcome.outcome}` });
    }
  }

  /** @returns how many there are to be */
  async #checkCopies(): Promise<number> {
    const of = new Map<string, Numbered<Completed>>();
    for (const entry of this.#entries.values()) {
      if (entry.kind === 'completed') for (const id of entry.ids) if (!of.has(id)) of.set(id, entry);
    }
    await each([...of], async ([id, entry]) => {
      const found = await this.#hashOf(completedKey(id));
      if (found === undefined) this.#found('missing-copy', completedKey(id), { entry: entry.number });
      else if (found !== entry.sha256) this.#found('changed-copy', completedKey(id), { entry: entry.number });
    });
    for (const { kind, key, migration = '' } of this.#keys) {
      if (kind === 'completed' && !of.has(migration)) {
        this.#found('stray-object', key, { why: 'no entry of the log completes it' });
      }
    }
    return of.size;
  }

  /** Whether the log has the entry to which a turn's keys, a checkpoint and a waiter belong. */
  async #checkOwner({ kind, key, migration, number }: Key): Promise<void> {
    if (kind === 'claim' || kind === 'outcome' || kind === 'batch' || kind === 'failures')
      await this.#checkAllowed(key, migration, number);
    if (kind === 'batch') await this.#checkBatch(key, number);
    if (kind === 'waiter' && number !== undefined && this.#entries.get(number)?.kind !== 'halted') {
      if (!(await this.#isToCome(number))) this.#found('stray-object', key, { why: `entry ${number} is no halt` });
    }
    if (kind === 'checkpoint') {
      const { data } = CheckpointRecord.safeParse(jsonOf((await this.#get(key))?.body ?? ''));
      if (data) await this.#checkAllowed(key, migration, data.turn);
      else this.#found('spoiled', key, { why: 'it cannot be read' });
    }
  }

  /** A batch's records are read for the turn's entry alone, and its outcome follows its claim. */
  async #checkBatch(key: string, number = 0): Promise<void> {
    const turn = this.#entries.get(number);
    if (turn?.kind !== 'allowed') return; // told of already
    const what = BATCH_RECORDS.find(([end]) => key.endsWith(end));
    if (!what) {
      this.#found('foreign-key', key);
      return;
    }
    const body = (await this.#get(key))?.body;
    if (body !== undefined && !readRecord<RecordOfTurn>(what[1], body, turn)) {
      this.#found('spoiled', key, { entry: number, why: 'it cannot be read, or was made for another entry' });
    }
    if (key.endsWith(OUTCOME_END) && !this.#listed.has(key.replace(OUTCOME_END, CLAIM_END))) {
      this.#found('contradiction', key, { why: 'its batch was never claimed' });
    }
  }

  async #checkAllowed(key: string, migration: string | undefined, number = 0): Promise<void> {
    const entry = this.#entries.get(number);
    if ((entry?.kind === 'allowed' && entry.migration === migration) || (await this.#isToCome(number))) return;
    this.#found('stray-object', key, { why: `entry ${number} allows no turn of ${migration ?? 'it'}` });
  }

  /** Whether the log has gone on to this number since it was listed. */
  async #isToCome(number: number): Promise<boolean> {
    return number > this.#last && (await this.#get(entryKey(number))) !== undefined;
  }

  #hashOf(key: string): Promise<string | undefined> {
    const kind = keyOf(key);
    if (kind?.kind === 'entry') return Promise.resolve(this.#entries.get(kind.number ?? 0)?.sha256);
    const known = this.#hashes.get(key) ?? this.#get(key).then((stored) => stored && sha256(stored.body));
    this.#hashes.set(key, known);
    return known;
  }

  #get(key: string): Promise<StoredObject | undefined> {
    return this.#ledger.store.get(key);
  }
}

const CLAIM_END = '-claim.json';
const OUTCOME_END = '-outcome.json';
const BATCH_RECORDS = [
  ['-items.json', BatchItems],
  [CLAIM_END, BatchClaim],
  [OUTCOME_END, BatchOutcome],
  ['-failed.json', BatchMarked],
  ['-later.json', BatchMarked],
] as const;

const isVoidClaim = (claim: Claim | 'spoiled' | undefined): boolean =>
  claim !== undefined && claim !== 'spoiled' && claim.claim === 'void';

const isSuccess = (outcome: Outcome | 'spoiled' | undefined): boolean =>
  outcome !== undefined && outcome !== 'spoiled' && outcome.outcome === 'succeeded';

const each = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  await pMap(items, work, { concurrency: READ_CONCURRENCY });
};

function referencesOf(entry: Entry): Reference[] {
  switch (entry.kind) {
    case 'allowed':
      return Object.values(entry.restsOn).filter((reference) => reference !== undefined);
    case 'halted':
      return entry.outcome ? [entry.outcome] : [];
    case 'decided':
      return [];
    case 'completed':
      return entry.restsOn ? [entry.restsOn] : [];
  }
}

/** Undefined of a key that is none of ours. */
function keyOf(key: string): Key | undefined {
  for (const kind of Object.keys(KINDS) as KindName[]) {
    const parts = partsOf(kind, key);
    if (parts) return { key, kind, migration: parts.migration, number: parts.number };
  }
  return undefined;
}

/** As it is stored: without what is undefined. */
const asJson = (state: LogState | undefined): unknown => jsonOf(JSON.stringify(state ?? null));
