// Completions by the word of somebody, and the copies of all of them.
// `completed/0004.json`: for people and programs that look into the bucket. If it is there, it is true; its absence says nothing.
import pMap from 'p-map';
import type { OdinError } from '../errors.ts';
import type { Completed, Said } from './entries.ts';
import type { LogState, Numbered, TurnState } from './fold.ts';
import { completedKey } from './keys.ts';
import type { Ledger } from './ledger.ts';
import type { EntryContent, LogWriter } from './log.ts';
import type { Store } from './store.ts';

const WRITE_CONCURRENCY = 16;

/** Each has a copy of its entry: 5,000 copies of one that names 5,000 are 300 MB. What was pruned cannot run between two entries. */
export const PRUNED_AT_ONCE = 100;

/** The entry, as it is stored, once for each migration that it names. What is there stays. */
export async function copyCompleted(store: Store, completed: Numbered<Completed>): Promise<void> {
  const body = `${JSON.stringify({ ...completed, sha256: undefined }, undefined, 2)}\n`;
  await pMap(completed.ids, (id) => store.create(completedKey(id), body), { concurrency: WRITE_CONCURRENCY });
}

interface Reasoned extends Said {
  reason: string;
}

/**
 * Appends that these ran elsewhere. What has a completion keeps it.
 * @param ids ascending
 * @param whileOpen what is thrown while a turn is open
 * @param atOnce how many an entry names at most; all of them when left out
 * @returns those that were recorded
 */
export async function recordBaseline(
  { log, store }: Ledger,
  writer: LogWriter,
  ids: readonly string[],
  said: Reasoned,
  { whileOpen, atOnce = ids.length }: { whileOpen: (turn: TurnState) => OdinError; atOnce?: number | undefined },
): Promise<string[]> {
  const recorded: string[] = [];
  for (let from = 0; from < ids.length; from += atOnce) {
    const asked = ids.slice(from, from + atOnce);
    const { entry } = await log.append(
      writer,
      async (state) => await Promise.resolve(baselineOf(state, asked, said, whileOpen)),
    );
    const completed = entry as Numbered<Completed> | undefined; // it appends no other kind
    if (completed) await copyCompleted(store, completed);
    recorded.push(...(completed?.ids ?? []));
  }
  return recorded;
}

/** Undefined: all are completed already. */
function baselineOf(
  { turn, migrations }: LogState,
  ids: readonly string[],
  { by, identity, reason }: Reasoned,
  whileOpen: (turn: TurnState) => OdinError,
): EntryContent | undefined {
  if (turn) throw whileOpen(turn);
  const pending = ids.filter((id) => !migrations[id]?.completion);
  return pending.length === 0
    ? undefined
    : { kind: 'completed', ids: pending, completion: 'baseline', by, identity, reason };
}
