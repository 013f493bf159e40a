// `checkpoints/0004.json`: how far a checkpointed migration has come, and where a retry begins. It is replaced, and fenced by
// turn; nothing is decided on it (docs/design.md §4).
import * as z from '../schema.ts';
import { OdinError } from '../errors.ts';
import { jsonOf, JsonValue } from './json.ts';
import { PlannedBatches } from './plan.ts';
import { misfitOf, unreadable } from './unreadable.ts';
import type { Store } from './store.ts';
import type { Allowed } from './entries.ts';
import type { Numbered } from './fold.ts';
import { LOG_FORMAT } from './entries.ts';
import { checkpointKey } from './keys.ts';

/** Of one with a time, before which nothing goes on from it: to a version that does not know of that, it must not be readable. */
const WITH_TIME = 2;

export const CheckpointRecord = z.object({
  format: z.literal([LOG_FORMAT, WITH_TIME]),
  /** Number of the entry that allows the turn in which it was made. */
  turn: z.int().check(z.minimum(1)),
  attempt: z.int().check(z.minimum(1)),
  slice: z.int().check(z.minimum(1)),
  /** The code that made it, and that alone knows what its cursor means. */
  codeSha256: z.string(),
  /** Counts the checkpoints of the migration, over all its attempts. */
  sequence: z.int().check(z.minimum(1)),
  time: z.iso.datetime(),
  cursor: JsonValue,
  done: z.optional(z.number().check(z.minimum(0))),
  total: z.optional(z.number().check(z.minimum(0))),
  note: z.optional(z.string()),
  /** When this attempt began, and how much was done by then: for its rate. */
  began: z.optional(z.object({ time: z.iso.datetime(), done: z.number().check(z.minimum(0)) })),
  plan: z.optional(PlannedBatches),
  /** What goes on from it begins at this time, by the store's clock, or later. */
  notBefore: z.optional(z.iso.datetime()),
});
export type CheckpointRecord = z.infer<typeof CheckpointRecord>;

/** A checkpoint and the ETag under which it stands, from which the next one moves on. */
export const StoredCheckpoint = z.object({ checkpoint: CheckpointRecord, etag: z.string() });
export type StoredCheckpoint = z.infer<typeof StoredCheckpoint>;

/** @throws OdinError RecordUnreadable: where to go on from is not known, and the start is not assumed */
export async function readCheckpoint(store: Store, migration: string): Promise<StoredCheckpoint | undefined> {
  const key = checkpointKey(migration);
  const stored = await store.get(key);
  return stored && { checkpoint: parse(key, stored.body), etag: stored.etag };
}

/** What the next checkpoint is put in the place of. */
export interface Replaced {
  etag: string;
  /** Undefined when what stands there counts for nothing: its sequence begins anew. */
  checkpoint: CheckpointRecord | undefined;
}

/**
 * What stands there before an attempt that begins at the start. Such an attempt needs none of it, so what cannot be read, or says that
 * it is of a later turn, does not stop it: else one object of a migration's role would leave no decision but to give it up.
 */
export async function checkpointBefore(
  store: Store,
  { migration, number }: Numbered<Allowed>,
): Promise<Replaced | undefined> {
  const stored = await store.get(checkpointKey(migration));
  if (!stored) return undefined;
  const { data } = CheckpointRecord.safeParse(jsonOf(stored.body));
  return { etag: stored.etag, checkpoint: data && data.turn < number ? data : undefined };
}

/**
 * Moves on from the checkpoint that the caller saw last (`undefined`: none).
 * @param now epoch milliseconds
 * @throws OdinError FencedOut when another turn has moved it since
 */
export async function moveCheckpoint(
  store: Store,
  turn: Allowed,
  previous: Replaced | undefined,
  next: Pick<CheckpointRecord, 'cursor' | 'done' | 'total' | 'note' | 'began' | 'plan' | 'notBefore'>,
  now: number,
): Promise<StoredCheckpoint> {
  const { migration, attempt, slice, codeSha256, number } = turn;
  if (previous?.checkpoint && previous.checkpoint.turn > number) throw fencedOut(turn);
  const checkpoint: CheckpointRecord = {
    format: next.notBefore === undefined ? LOG_FORMAT : WITH_TIME,
    turn: number,
    attempt,
    slice,
    codeSha256,
    sequence: (previous?.checkpoint?.sequence ?? 0) + 1,
    time: new Date(now).toISOString(),
    ...next,
  };
  const key = checkpointKey(migration);
  const body = `${JSON.stringify(checkpoint, undefined, 2)}\n`;
  const written = await store.replace(key, body, previous?.etag);
  if (written !== 'conflict') return { checkpoint, etag: written.etag };
  // The store repeats a request whose answer was lost: what stands there may be our own.
  const there = await store.get(key);
  if (there?.body === body) return { checkpoint, etag: there.etag };
  throw fencedOut(turn);
}

function parse(key: string, body: string): CheckpointRecord {
  const json = jsonOf(body);
  if (json === undefined) throw unreadable(key, 'it is not JSON', undefined, WITHOUT_IT);
  const result = CheckpointRecord.safeParse(json);
  if (result.success) return result.data;
  throw unreadable(key, misfitOf(result.error, 'checkpoint'), result.error, WITHOUT_IT);
}

const WITHOUT_IT = 'A retry --from-start does not read it.';

/** Of a turn that is over for everybody else. */
export const fencedOut = ({ migration, attempt, slice, number }: Allowed): OdinError =>
  new OdinError({
    code: 'FencedOut',
    source: 'system',
    what: `Another turn of ${migration} has begun since that of entry ${number}, attempt ${attempt}, slice ${slice}.`,
    why: 'This turn is not the one that counts any more, so it stops without changing anything further.',
  });
