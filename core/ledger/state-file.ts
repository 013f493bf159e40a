// `state.json`: a cache of what the log amounts to, which a person can read. Nothing is decided on it that the log does not say:
// it names the last entry that it stands for, with that object's ETag, and is ignored when another object stands there.
import * as z from 'zod';
import type { LogState } from './fold.ts';

/** Raised when `fold` keeps something else of the same entries: what an older or newer version kept is ignored. */
const FOLD_VERSION = 1;

export interface KeptState {
  state: LogState;
  /** Of the object of the last entry. */
  etag: string;
}

/** The open halt, or the open turn, on top; then a line for each migration. */
export function formatStateFile({ state, etag }: KeptState): string {
  const { migrations, turn, ...log } = state;
  const lines = Object.entries(migrations).map(([id, known]) => `    ${JSON.stringify(id)}: ${JSON.stringify(known)}`);
  const open = turn?.halt && !turn.halt.decided ? turn.halt.halted : undefined;
  const head = { fold: FOLD_VERSION, etag, openHalt: open, turn, ...log };
  const fields = Object.entries(head).filter(([, value]) => value !== undefined);
  return [
    '{',
    ...fields.map(
      ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ')},`,
    ),
    '  "migrations": {',
    lines.join(',\n'),
    '  }',
    '}',
    '',
  ].join('\n');
}

const Kept = z.object({
  fold: z.literal(FOLD_VERSION),
  etag: z.string(),
  number: z.int().min(1),
  sha256: z.string(),
  ledger: z.custom<LogState['ledger']>(),
  turn: z.custom<LogState['turn']>().optional(),
  run: z.custom<LogState['run']>().optional(),
  migrations: z.record(z.string(), z.custom<LogState['migrations'][string]>()),
});

/** Undefined for what this version did not write: the log is read from its beginning then. */
export function parseStateFile(body: string): KeptState | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined; // a cache that cannot be read is none
  }
  const { data } = Kept.safeParse(json);
  if (!data) return undefined;
  const { number, sha256, ledger, turn, run, migrations, etag } = data;
  return { state: { number, sha256, ledger, migrations, turn, run }, etag };
}
