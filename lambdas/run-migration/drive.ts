// Runs user code: a plain migration to its end, a checkpointed one from checkpoint to checkpoint.
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { describeThrown, OdinError } from '../../core/errors.ts';
import { Json } from '../../core/ledger/json.ts';
import type { CheckpointRecord } from '../../core/ledger/records.ts';
import type { Checkpoint, MigrationModule } from './user-module.ts';
import { isCheckpointed } from './user-module.ts';

export interface Driver {
  /** The last checkpoint of the migration, of whichever attempt. */
  checkpoint: CheckpointRecord | undefined;
  /** Makes a checkpoint durable; returns what was recorded. */
  save: (previous: CheckpointRecord | undefined, next: Checkpoint) => Promise<CheckpointRecord>;
  /** Lets the next slice start from this checkpoint, in whatever execution: no code of this slice runs any more. */
  stop: (last: CheckpointRecord) => Promise<unknown>;
  /** Milliseconds that this slice may still use. */
  remainingMs: () => number;
  now: () => number;
}

/** A cursor is bookkeeping, not data: this many bytes of JSON at most. */
export const MAX_CURSOR_BYTES = 64 * 1024;
/** The time kept back at the end of a slice, besides twice its longest step. */
const SAFETY_MS = 5_000;

/** @returns `more` when the slice stopped at a checkpoint because its time runs out */
export async function drive(module: MigrationModule, driver: Driver): Promise<'finished' | 'more'> {
  // Awaited also when it is a generator, which then is itself: an async function may return one.
  const running: unknown = await module.migration(driver.checkpoint?.cursor);
  if (!isCheckpointed(running)) {
    if (isGenerator(running)) throw notAsync();
    return 'finished';
  }
  let last: CheckpointRecord | 'finished';
  try {
    last = await steps(running, driver);
  } finally {
    // Lets its own `finally` blocks run, whatever ended it here; nothing happens to one that has ended.
    await running.return();
  }
  if (last === 'finished') return 'finished';
  await driver.stop(last);
  return 'more';
}

/** To its end, or to the checkpoint at which the time of this slice runs short. */
async function steps(
  running: AsyncGenerator<unknown, void, undefined>,
  driver: Driver,
): Promise<CheckpointRecord | 'finished'> {
  let last = driver.checkpoint;
  let longest = 0;
  for (;;) {
    const from = driver.now();
    const result = await running.next();
    if (result.done) return 'finished';
    const checkpoint = validate(result.value, last);
    longest = Math.max(longest, driver.now() - from);
    last = await driver.save(last, checkpoint);
    if (driver.remainingMs() < SAFETY_MS + 2 * longest) return last;
  }
}

const CheckpointShape = z.object({
  cursor: Json,
  done: z.number().min(0).optional(),
  total: z.number().min(0).optional(),
  note: z.string().max(500).optional(),
});

function validate(value: unknown, last: CheckpointRecord | undefined): Checkpoint {
  const parsed = attempt(() => CheckpointShape.safeParse(value));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badCheckpoint(`${issue?.path.join('.') || 'the value'}: ${issue?.message ?? 'not valid'}`);
  }
  const { done, total, note } = parsed.data;
  const json = attempt(() => JSON.stringify(parsed.data.cursor));
  const cursor = JSON.parse(json) as unknown; // as it will be read back: -0 is 0 then
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_CURSOR_BYTES) throw badCheckpoint(`its cursor is ${bytes} bytes of JSON, over ${MAX_CURSOR_BYTES}`);
  if (last && isDeepStrictEqual(last.cursor, cursor)) {
    throw badCheckpoint(`its cursor ${JSON.stringify(cursor)} is the one before it again, so it would never end`);
  }
  return {
    cursor,
    ...(done !== undefined && { done }),
    ...(total !== undefined && { total }),
    ...(note !== undefined && { note }),
  };
}

/** What refers to itself, or is nested too deep, is for no parser. */
function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw badCheckpoint(`its cursor cannot be written as JSON (${describeThrown(thrown).split('\n')[0] ?? ''})`);
  }
}

const isGenerator = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;

const notAsync = (): OdinError =>
  new OdinError({
    code: 'BadMigrationFile',
    source: 'user',
    what: 'migration() gave back a generator that is not async, so that none of its code has run.',
    next: 'Write "export async function* migration".',
  });

const badCheckpoint = (why: string): OdinError =>
  new OdinError({
    code: 'BadCheckpoint',
    source: 'user',
    what: `The migration yielded a checkpoint that cannot be kept: ${why}.`,
    next: 'Yield { cursor, done?, total?, note? }, the cursor being JSON that differs from the one before.',
  });
