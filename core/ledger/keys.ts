// The keys of the ledger (docs/design.md §4), built and taken apart here and nowhere else.
import { pad } from '../names/names.ts';

export const keys = {
  started: (migration: string, attempt: number) => `${attemptPrefix(migration, attempt)}started.json`,
  slice: (migration: string, attempt: number, slice: number) =>
    `${attemptPrefix(migration, attempt)}slices/${pad(slice, 4)}.json`,
  finished: (migration: string, attempt: number) => `${attemptPrefix(migration, attempt)}finished.json`,
  cancelled: (migration: string, attempt: number) => `${attemptPrefix(migration, attempt)}cancelled.json`,
  decision: (migration: string, attempt: number, halt: number) =>
    `${attemptPrefix(migration, attempt)}decisions/${pad(halt, 2)}.json`,
  completed: (migration: string) => `completed/${migration}.json`,
  checkpoint: (migration: string) => `checkpoints/${migration}.json`,
  halt: (migration: string) => `halts/${migration}.json`,
};

export const prefixes = {
  attempts: (migration: string) => `attempts/${migration}/`,
  completed: 'completed/',
  halts: 'halts/',
};

type OncePerAttempt = 'started' | 'finished' | 'cancelled';

/** What a key under `attempts/` names. */
export type AttemptKey =
  | { record: OncePerAttempt; migration: string; attempt: number }
  | { record: 'slice'; migration: string; attempt: number; slice: number }
  | { record: 'decision'; migration: string; attempt: number; halt: number };

/** At most a million of each: readers count up to such a number, and nobody gets there. */
const ATTEMPT_KEY =
  /^attempts\/(\d{4})\/(\d{4,6})\/(?:(started|finished|cancelled)|slices\/(\d{4,6})|decisions\/(\d{2,6}))\.json$/;

/** The parts of a key under `attempts/`, or undefined when no record of ours has such a key. */
export function parseAttemptKey(key: string): AttemptKey | undefined {
  const match = ATTEMPT_KEY.exec(key);
  if (!match) return undefined;
  const [, migration = '', attemptText = '', record, slice, halt] = match;
  const attempt = Number(attemptText);
  const parsed: AttemptKey =
    slice !== undefined
      ? { record: 'slice', migration, attempt, slice: Number(slice) }
      : halt !== undefined
        ? { record: 'decision', migration, attempt, halt: Number(halt) }
        : { record: record as OncePerAttempt, migration, attempt };
  // Only a key that we would write: the record of 00001/started.json would be looked for in 0001/, and be absent.
  return attempt >= 1 && keyOf(parsed) === key ? parsed : undefined;
}

function keyOf(parsed: AttemptKey): string | undefined {
  const { migration, attempt } = parsed;
  switch (parsed.record) {
    case 'started':
    case 'finished':
    case 'cancelled':
      return keys[parsed.record](migration, attempt);
    case 'slice': // the first slice's claim is started.json
      return parsed.slice >= 2 ? keys.slice(migration, attempt, parsed.slice) : undefined;
    case 'decision':
      return parsed.halt >= 1 ? keys.decision(migration, attempt, parsed.halt) : undefined;
  }
}

/** The migration of a key `completed/0004.json` or `halts/0004.json`, or undefined. */
export const migrationOfKey = (key: string): string | undefined =>
  /^(?:completed|halts)\/(\d{4})\.json$/.exec(key)?.[1];

const attemptPrefix = (migration: string, attempt: number): string => `attempts/${migration}/${pad(attempt, 4)}/`;
