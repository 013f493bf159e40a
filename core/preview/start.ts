// Where a preview of a migration begins.
import type { ManifestEntry } from '../contract/manifest.ts';
import type { CheckpointRecord } from '../ledger/checkpoints.ts';
import { readCheckpoint } from '../ledger/checkpoints.ts';
import type { Store } from '../ledger/store.ts';

/**
 * The last checkpoint, from which a run would go on; undefined for the start. A checkpoint of other code is not gone on from: only
 * the code that made it knows what its cursor means.
 * @throws OdinError RecordUnreadable
 */
export async function previewStart(
  store: Store,
  { id, codeSha256 }: Pick<ManifestEntry, 'id' | 'codeSha256'>,
): Promise<CheckpointRecord | undefined> {
  const stored = await readCheckpoint(store, id);
  return stored?.checkpoint.codeSha256 === codeSha256 ? stored.checkpoint : undefined;
}
