// The ledger's keys (docs/design.md §4): what stands under each, and who may write it. The roles of the functions and the
// bucket's policy are made from this declaration.
import type { SystemFunction } from '../names/names.ts';
import { pad } from '../names/names.ts';
import { APPENDERS } from './entries.ts';

/** Who writes: a function of ours by its name, or the function of the migration that the key names. */
export type Writer = SystemFunction | 'migration';

export interface Kind {
  /** `<migration>` stands for a migration's four digits, `<number>` for an entry's eight, `<id>` for any name. */
  pattern: string;
  writers: readonly Writer[];
  /** Whether it is created once, or is replaced from one ETag to the next. */
  written: 'once' | 'again';
  /** Those who may read it; absent: everybody whose role reads the ledger. */
  readers?: readonly Writer[] | undefined;
}

export const KINDS = {
  entry: { pattern: 'log/<number>.json', writers: APPENDERS, written: 'once' },
  claim: { pattern: 'turns/<migration>/<number>/claim.json', writers: ['migration', 'list-pending'], written: 'once' },
  outcome: {
    pattern: 'turns/<migration>/<number>/outcome.json',
    writers: ['migration', 'list-pending'],
    written: 'once',
  },
  checkpoint: { pattern: 'checkpoints/<migration>.json', writers: ['migration'], written: 'again' },
  waiter: {
    pattern: 'waiters/<number>/<id>.json',
    writers: ['halt'],
    written: 'once',
    readers: ['halt', 'resume', 'watch-halts', 'record-completion', 'list-pending'],
  },
  completed: {
    pattern: 'completed/<migration>.json',
    writers: ['record-completion', 'baseline', 'list-pending'],
    written: 'once',
  },
  state: { pattern: 'state.json', writers: ['list-pending'], written: 'again' },
} as const satisfies Record<string, Kind>;

type KindName = keyof typeof KINDS;

const NUMBER_WIDTH = 8;

/** `log/00000042.json` */
export const entryKey = (number: number): string => keyOf('entry', { number });
/** `turns/0004/00000042/claim.json` */
export const claimKey = (turn: { migration: string; number: number }): string => keyOf('claim', turn);
export const outcomeKey = (turn: { migration: string; number: number }): string => keyOf('outcome', turn);
export const checkpointKey = (migration: string): string => keyOf('checkpoint', { migration });
export const waiterKey = (halt: number, id: string): string => keyOf('waiter', { number: halt, id });
export const completedKey = (migration: string): string => keyOf('completed', { migration });
export const STATE_KEY = KINDS.state.pattern;

export const LOG_PREFIX = 'log/';
export const COMPLETED_PREFIX = 'completed/';
/** `waiters/00000045/` */
export const waitersPrefix = (halt: number): string => waiterKey(halt, '').replace(/[^/]*$/, '');

/** The number of an entry's key, or undefined when no entry of ours has such a key. */
export const entryNumberOf = (key: string): number | undefined => {
  const digits = /^log\/(\d{8})\.json$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

interface Parts {
  migration?: string;
  number?: number;
  id?: string;
}

function keyOf(kind: KindName, { migration = '', number = 0, id = '' }: Parts): string {
  return KINDS[kind].pattern
    .replace('<migration>', migration)
    .replace('<number>', pad(number, NUMBER_WIDTH))
    .replace('<id>', id);
}
