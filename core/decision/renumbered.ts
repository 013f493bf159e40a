// A completed migration's file that goes on under another number: it would run a second time.
import type { LogState } from '../ledger/fold.ts';
import type { SourceHashes } from '../ledger/sources.ts';
import { isSameWork } from '../ledger/sources.ts';

export interface Renumbered {
  id: string;
  /** The number under which the same work is completed, and which no file has any more. */
  was: string;
}

/** Of the migrations that were never run. @param manifest ascending by id */
export function renumberedIn(
  { migrations }: Pick<LogState, 'migrations'>,
  manifest: readonly ({ id: string } & SourceHashes)[],
): Renumbered[] {
  const there = new Set(manifest.map(({ id }) => id));
  const gone = Object.entries(migrations).filter(([id, { completion }]) => completion && !there.has(id));
  return manifest.flatMap(({ id, ...now }) => {
    if (migrations[id]) return [];
    const [was] = gone.find(([, { completion }]) => completion && isSameWork(completion, now)) ?? [];
    return was === undefined ? [] : [{ id, was }];
  });
}
