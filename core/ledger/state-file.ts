// `state.json`: a cache of what the log amounts to, which a person can read. Nothing is decided on it that the log does not say:
// it names the last entry that it stands for, with that object's ETag, and is ignored when another object stands there, or when it
// does not hold what was written.
import { sha256 } from './entries.ts';
import type { LogState } from './fold.ts';

/** Raised when `fold` keeps something else of the same entries: what an older or newer version kept is ignored. */
const FOLD_VERSION = 4;

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
  const text = [
    '{',
    ...fields.map(
      ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ')},`,
    ),
    '  "migrations": {',
    lines.join(',\n'),
    '  },',
  ].join('\n');
  return `${text}\n  "seal": "${sha256(text)}"\n}\n`;
}

/** The seal is of all text above it: what holds it is as it was written, and need not be looked at field by field. */
const SEALED = /^(?<text>[^]*)\n {2}"seal": "(?<seal>[0-9a-f]{64})"\n\}\n$/;

/** Undefined for what this version did not write: the log is read from its beginning then. */
export function parseStateFile(body: string): KeptState | undefined {
  const { text, seal } = SEALED.exec(body)?.groups ?? {};
  if (text === undefined || seal !== sha256(text)) return undefined;
  const kept = JSON.parse(body) as LogState & { fold: number; etag: string };
  if (kept.fold !== FOLD_VERSION) return undefined;
  const { number, sha256: hash, ledger, migrations, turn, run, etag } = kept;
  return { state: { number, sha256: hash, ledger, migrations, turn, run }, etag };
}
