// `completed/0004.json`: copies of the log's entries, for people and programs that look into the bucket. Nothing rests on them.
import pMap from 'p-map';
import type { Services } from '../../core/contract/ports.ts';
import type { LogState } from '../../core/ledger/fold.ts';
import { COMPLETED_PREFIX, completedKey, entryKey } from '../../core/ledger/keys.ts';

const WRITE_CONCURRENCY = 16;

/** Best effort: a function that ended between the entry and its copy left this to be done. */
export async function writeMissingCopies({ ledger: { store }, log }: Services, state: LogState): Promise<void> {
  try {
    const there = new Set((await store.list(COMPLETED_PREFIX)).objects.map(({ key }) => key));
    const missing = Object.entries(state.migrations).flatMap(([id, { completion }]) =>
      completion && !there.has(completedKey(id)) ? [{ id, number: completion.number }] : [],
    );
    await pMap(
      missing,
      async ({ id, number }) => {
        const entry = await store.get(entryKey(number));
        if (entry) await store.create(completedKey(id), entry.body);
      },
      { concurrency: WRITE_CONCURRENCY },
    );
  } catch (cause) {
    log.error('A copy of a completion could not be written; the next run tries again', { cause });
  }
}
