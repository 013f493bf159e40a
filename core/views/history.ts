// The audit trail: the log, entry by entry, in its order. Nothing is left out, and every kind of entry has its words here.
import type { Ledger } from '../ledger/ledger.ts';
import type { Allowed, Completed, Decided, Entry, Halted } from '../ledger/entries.ts';
import type { Numbered } from '../ledger/fold.ts';
import type { ErrorSummary } from '../ledger/error-records.ts';
import type { LogState } from '../ledger/fold.ts';
import { shortCommit } from '../ledger/summaries.ts';
import { duration } from '../text/format.ts';
import { tookOf } from './view.ts';
import type { Tone } from './words.ts';
import { didText, haltText, leftOverText, TONES, who } from './words.ts';

/** An entry in words: `word` and `text` are one line, `details` the lines below it. Texts of others are as they were written. */
export interface EntryWords {
  tone: Tone;
  word: string;
  /** Goes on from the word; may be empty. */
  text: string;
  details: string[];
  /** What it halted with. */
  error?: ErrorSummary | undefined;
}

/**
 * @param migration only what is about this one
 * @returns the entries in their order, each proved to follow the one before it
 * @throws OdinError as `LedgerLog.entries`
 */
export async function readHistory({ log }: Pick<Ledger, 'log'>, migration?: string): Promise<Numbered<Entry>[]> {
  const entries = await log.entries();
  return migration === undefined ? entries : entries.filter((entry) => idsOf(entry).includes(migration));
}

/** What happened to one migration, oldest first. */
export interface Trail {
  entries: Entry[];
  /** How many there are before these. */
  earlier: number;
}

/** Of each migration, at most so many of the last entries: a checkpointed one may have one per slice. */
const MAX_TRAIL = 20;

/**
 * The histories of a few migrations, by their ids, without reading the whole log.
 * @param state as it was looked at
 * @throws OdinError as `LedgerLog.entry`
 */
export async function readTrails(
  { log }: Pick<Ledger, 'log'>,
  state: LogState,
  ids: readonly string[],
): Promise<Map<string, Trail>> {
  const wanted = ids.flatMap((id) => {
    const range = rangeOf(id, state);
    return range ? [{ id, ...range, from: Math.max(range.first, range.last - MAX_TRAIL + 1) }] : [];
  });
  const numbers = wanted.flatMap(({ from, last }) =>
    Array.from({ length: last - from + 1 }, (_, index) => from + index),
  );
  const entries = await log.some([...new Set(numbers)]);
  return new Map(
    wanted.map(({ id, first, from, last }) => {
      const own = entries.filter(({ number }) => number >= from && number <= last);
      return [id, { entries: own, earlier: from - first }];
    }),
  );
}

/**
 * At most one turn is open at a time, and it is settled before the next: so what happened to a migration stands together in the log,
 * from behind the completion before its own to its own.
 */
function rangeOf(id: string, { migrations, number }: LogState): { first: number; last: number } | undefined {
  const known = migrations[id];
  if (!known) return undefined;
  const last = known.completion?.number ?? number;
  const before = Object.values(migrations).reduce((highest, { completion }) => {
    const end = completion?.number ?? 0;
    return end < last ? Math.max(highest, end) : highest;
  }, 0);
  return { first: before + 1, last };
}

/** The migrations that an entry is about: one, but for a baseline. */
export const idsOf = (entry: Entry): string[] => (entry.kind === 'completed' ? entry.ids : [entry.migration]);

export function told(entry: Entry): EntryWords {
  switch (entry.kind) {
    case 'allowed':
      return allowed(entry);
    case 'halted':
      return halted(entry);
    case 'decided':
      return decided(entry);
    case 'completed':
      return completed(entry);
  }
}

const allowed = ({ slice, begin, run, gitCommit }: Allowed): EntryWords => ({
  tone: 'busy',
  word: slice === 1 ? 'allowed to run' : `slice ${slice} allowed to run`,
  text: [
    ...(begin === 'checkpoint' ? [' from its checkpoint'] : []),
    ` in ${run}`,
    ...(gitCommit === undefined ? [] : [`, of commit ${shortCommit(gitCommit)}`]),
  ].join(''),
  details: [],
});

const halted = ({ reason, error }: Halted): EntryWords => ({
  tone: TONES.halted,
  word: 'halted',
  text: `: ${haltText(reason)}`,
  details: [],
  error,
});

const decided = ({ decision, of, by, identity, reason, retry }: Decided): EntryWords => ({
  tone: 'warn',
  word: decision,
  text: `${decision === 'cancel' ? `, asked by ${who({ by, identity })}` : `, decided by ${who({ by, identity })} on the halt of entry ${of}`}${because(reason)}`,
  details: [
    ...(retry?.begin === 'checkpoint' ? ['from its last checkpoint'] : []),
    ...(identity?.is === 'claimed' ? [`claimed: ${identity.why}`] : []),
  ],
});

function completed(entry: Completed): EntryWords {
  const { completion, by, identity, reason, leftOver, did } = entry;
  const took = tookOf(entry);
  return {
    tone: TONES[completion],
    word: completion,
    text: [
      ...(took === undefined ? [] : [` in ${duration(took)}`]),
      ...(by === undefined ? [] : [`, by ${who({ by, identity })}`]),
      because(reason),
    ].join(''),
    details: [...(did ? [didText(did)] : []), ...(leftOver ? [leftOverText(leftOver)] : [])],
  };
}

const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${reason}`);
