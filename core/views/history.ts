// The audit trail: the log, entry by entry, in its order. Nothing is left out, and every kind of entry has its words here.
import type { Ledger } from '../ledger/ledger.ts';
import type { Allowed, Completed, Decided, Entry, Halted } from '../ledger/entries.ts';
import type { Numbered } from '../ledger/fold.ts';
import { linesOfError, firstSourceLine, shortCommit } from '../ledger/summaries.ts';
import { duration } from '../text/format.ts';
import { tookOf } from './view.ts';
import type { Tone } from './words.ts';
import { haltText, leftOverText, TONES, who } from './words.ts';

/** An entry in words: `word` and `text` are one line, `details` the lines below it. Texts of others are as they were written. */
export interface EntryWords {
  tone: Tone;
  word: string;
  /** Goes on from the word; may be empty. */
  text: string;
  details: string[];
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

/** Of an error: its causes have lines of their own. */
const MAX_LINES = 12;
const MAX_LINE = 500;

function halted({ reason, error }: Halted): EntryWords {
  const place = error?.stack === undefined ? '' : firstSourceLine(error.stack);
  return {
    tone: TONES.halted,
    word: 'halted',
    text: `: ${haltText(reason)}`,
    details: [...(error ? linesOfError(error, MAX_LINES, MAX_LINE) : []), ...(place === '' ? [] : [`at ${place}`])],
  };
}

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
  const { completion, by, identity, reason, leftOver } = entry;
  const took = tookOf(entry);
  return {
    tone: TONES[completion],
    word: completion,
    text: [
      ...(took === undefined ? [] : [` in ${duration(took)}`]),
      ...(by === undefined ? [] : [`, by ${who({ by, identity })}`]),
      because(reason),
    ].join(''),
    details: leftOver ? [leftOverText(leftOver)] : [],
  };
}

const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${reason}`);
