// `completed/0004.json`: for people and programs that look into the bucket. If it is there, it is true; its absence says nothing.
import pMap from 'p-map';
import type { Completed } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { completedKey } from '../../core/ledger/keys.ts';
import type { Store } from '../../core/ledger/store.ts';

/** The entry, as it is stored, once for each migration that it names. What is there stays. */
export async function copyCompleted(store: Store, completed: Numbered<Completed>): Promise<void> {
  const body = `${JSON.stringify({ ...completed, sha256: undefined }, undefined, 2)}\n`;
  await pMap(completed.ids, (id) => store.create(completedKey(id), body), { concurrency: WRITE_CONCURRENCY });
}

const WRITE_CONCURRENCY = 16;
