// The ledger's keys (docs/design.md §4): what stands under each, and who may write it. The roles of the functions and the
// bucket's policy are made from this declaration.
import type { SystemFunction } from '../names/names.ts';
import { pad, SYSTEM_FUNCTIONS } from '../names/names.ts';
import { APPENDERS } from './entries.ts';

/** A function that works on the ledger: one of ours by its name, or that of the migration which the key names. */
export type LedgerFunction = SystemFunction | 'migration';

export interface Kind {
  /** `<migration>` stands for a migration's four digits, `<number>` for an entry's eight, `<id>` for any name. */
  pattern: string;
  writers: readonly LedgerFunction[];
  readers: readonly LedgerFunction[];
  /** Whether it is created once, or is replaced from one ETag to the next. */
  written: 'once' | 'again';
  /** Whether nobody else may read it, whatever their role allows: whoever has it can act with it. */
  secret?: true | undefined;
}

/** All of them look at the log. */
const SYSTEM: readonly SystemFunction[] = SYSTEM_FUNCTIONS;
const ALL: readonly LedgerFunction[] = [...SYSTEM, 'migration'];

export const KINDS = {
  entry: { pattern: 'log/<number>.json', writers: APPENDERS, readers: ALL, written: 'once' },
  claim: {
    pattern: 'turns/<migration>/<number>/claim.json',
    writers: ['migration', 'list-pending'],
    readers: ALL,
    written: 'once',
  },
  outcome: {
    pattern: 'turns/<migration>/<number>/outcome.json',
    writers: ['migration', 'list-pending'],
    readers: ALL,
    written: 'once',
  },
  /**
   * `000017-items`, `000017-claim` and `000017-outcome`: what a batch is made of, and its own claim and outcome below its turn's.
   * `000017-failed` and `000017-later` say in their names, which a list shows, what the outcome says inside.
   */
  batch: {
    pattern: 'turns/<migration>/<number>/batches/<id>.json',
    writers: ['migration', 'list-pending'],
    readers: ALL,
    written: 'once',
  },
  /** Of a turn of batches, before its outcome: a line of JSON for each that failed, or of which nobody knows what became. */
  failures: {
    pattern: 'turns/<migration>/<number>/failures.jsonl',
    writers: ['list-pending'],
    readers: SYSTEM,
    written: 'once',
  },
  checkpoint: { pattern: 'checkpoints/<migration>.json', writers: ['migration'], readers: ALL, written: 'again' },
  waiter: {
    pattern: 'waiters/<number>/<id>.json',
    writers: ['halt'],
    readers: ['halt', 'resume', 'watch-halts', 'record-completion'],
    written: 'once',
    secret: true,
  },
  completed: {
    pattern: 'completed/<migration>.json',
    writers: ['record-completion', 'baseline', 'list-pending'],
    readers: SYSTEM,
    written: 'once',
  },
  state: { pattern: 'state.json', writers: ['list-pending'], readers: SYSTEM, written: 'again' },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

const NUMBER_WIDTH = 8;
const BATCH_WIDTH = 6;

/** `log/00000042.json` */
export const entryKey = (number: number): string => keyOf('entry', { number });
/** `turns/0004/00000042/claim.json` */
export const claimKey = (turn: { migration: string; number: number }): string => keyOf('claim', turn);
export const outcomeKey = (turn: { migration: string; number: number }): string => keyOf('outcome', turn);
/** What did not succeed: it failed, or nobody knows; or it is to be done later. */
export type BatchMark = 'failed' | 'later';
/** `turns/0004/00000042/batches/000017-claim.json`; `items` are below the turn that planned them, the others below the one that runs them. */
export const batchKey = (
  turn: { migration: string; number: number },
  batch: number,
  what: 'items' | 'claim' | 'outcome' | BatchMark,
): string => keyOf('batch', { ...turn, id: `${pad(batch, BATCH_WIDTH)}-${what}` });
/** `turns/0004/00000042/batches/` */
export const batchesPrefix = (turn: { migration: string; number: number }): string => prefixOf('batch', turn);
export const failuresKey = (turn: { migration: string; number: number }): string => keyOf('failures', turn);
export const checkpointKey = (migration: string): string => keyOf('checkpoint', { migration });
export const waiterKey = (halt: number, id: string): string => keyOf('waiter', { number: halt, id });
export const completedKey = (migration: string): string => keyOf('completed', { migration });
export const STATE_KEY = KINDS.state.pattern;

export const LOG_PREFIX = 'log/';
export const COMPLETED_PREFIX = 'completed/';
export const CHECKPOINTS_PREFIX = 'checkpoints/';
export const WAITERS_PREFIX = 'waiters/';
/** `waiters/00000045/` */
export const waitersPrefix = (halt: number): string => prefixOf('waiter', { number: halt });

/** The number of an entry's key, or undefined when no entry of ours has such a key. */
export const entryNumberOf = (key: string): number | undefined => partsOf('entry', key)?.number;

/** What stands in a key for each part of its kind's pattern. */
export interface KeyParts {
  migration?: string | undefined;
  number?: number | undefined;
  id?: string | undefined;
}

/** The other way round: the parts of a key, or undefined when it is none of that kind. */
export function partsOf(kind: KindName, key: string): KeyParts | undefined {
  const found = FORMS[kind].exec(key);
  if (!found) return undefined;
  const { migration, number, id } = found.groups ?? {};
  return { migration, number: number === undefined ? undefined : Number(number), id };
}

const FORMS = Object.fromEntries(
  Object.entries(KINDS).map(([kind, { pattern }]) => [
    kind,
    new RegExp(
      `^${pattern
        .replaceAll('.', '\\.')
        .replace('<migration>', '(?<migration>\\d{4})')
        .replace('<number>', `(?<number>\\d{${NUMBER_WIDTH}})`)
        .replace('<id>', '(?<id>[^/]+)')}$`,
    ),
  ]),
) as Record<KindName, RegExp>;

const prefixOf = (kind: KindName, parts: KeyParts): string => keyOf(kind, parts).replace(/[^/]*$/, '');

function keyOf(kind: KindName, { migration = '', number = 0, id = '' }: KeyParts): string {
  return KINDS[kind].pattern
    .replace('<migration>', migration)
    .replace('<number>', pad(number, NUMBER_WIDTH))
    .replace('<id>', id);
}
