// Builds a log for tests: entries that follow one another, numbered and chained as the log's writers do it.
import type { Entry } from '../../../core/ledger/entries.ts';
import { APPENDED_BY, Entry as EntrySchema, sha256 } from '../../../core/ledger/entries.ts';
import type { Numbered } from '../../../core/ledger/fold.ts';

export const CODE = 'c'.repeat(64);
export const OTHER_CODE = 'd'.repeat(64);

/** What a test says of an entry; the rest is filled in. */
export type Said = { kind: Entry['kind'] } & Record<string, unknown>;

export function logOf(...said: Said[]): Numbered<Entry>[] {
  const entries: Numbered<Entry>[] = [];
  for (const content of said) {
    const before = entries.at(-1);
    const number = entries.length + 1;
    const entry = EntrySchema.parse({
      format: 1,
      number,
      previous: before?.sha256 ?? null,
      ledger: before ? undefined : { environment: 'dev', account: '000000000000', region: 'eu-west-1' },
      time: '2026-03-01T12:00:00Z',
      nonce: `nonce-${number}`,
      writer: { function: APPENDED_BY[content.kind][0], requestId: 'request', version: '1.0.0' },
      ...content,
    });
    entries.push({ ...entry, sha256: sha256(JSON.stringify(entry)) });
  }
  return entries;
}

const reference = { key: 'turns/0001/00000001/outcome.json', sha256: 'a'.repeat(64) };

export const allowed = (migration: string, attempt = 1, slice = 1, more: Record<string, unknown> = {}): Said => ({
  kind: 'allowed',
  migration,
  attempt,
  slice,
  run: 'run',
  execution: 'arn:aws:states:eu-west-1:000000000000:execution:odin-migrate-dev:run',
  sourceSha256: 'b'.repeat(64),
  codeSha256: CODE,
  timeoutMs: 900_000,
  begin: 'start',
  restsOn: {},
  ...more,
});

/** A turn after one that stopped, or that is void. */
export const allowedAfter = (migration: string, attempt: number, slice: number, more: object = {}): Said =>
  allowed(migration, attempt, slice, { restsOn: { turn: reference }, ...more });

export const halted = (turn: number, migration: string, attempt = 1, reason = 'failed'): Said => ({
  kind: 'halted',
  migration,
  attempt,
  turn,
  run: 'run',
  reason,
});

export const decided = (of: number, decision: string, migration: string, attempt = 1, more: object = {}): Said => ({
  kind: 'decided',
  decision,
  migration,
  attempt,
  of,
  by: 'anna',
  retry: decision === 'retry' ? { codeSha256: CODE, begin: 'checkpoint' } : undefined,
  ...more,
});

export const completed = (ids: string[], completion = 'applied'): Said => ({ kind: 'completed', ids, completion });
