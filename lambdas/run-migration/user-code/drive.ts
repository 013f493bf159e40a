// Runs user code: a plain migration to its end, a checkpointed one from checkpoint to checkpoint.
import { isDeepStrictEqual } from 'node:util';
import { describeThrown, OdinError } from '../../../core/errors.ts';
import { YieldedCheckpoint, MAX_CURSOR_BYTES } from './protocol.ts';
import type { MigrationModule } from './user-module.ts';

/**
 * @param cursor of the last checkpoint of the migration, of whichever attempt; undefined when there is none
 * @param save makes a checkpoint durable, and says whether the next step may begin
 * @returns `stopped` when it was told to stop at a checkpoint
 */
export async function drive(
  module: MigrationModule,
  cursor: unknown,
  save: (checkpoint: YieldedCheckpoint) => Promise<'go on' | 'stop'>,
): Promise<'finished' | 'stopped'> {
  // Awaited in any case: an async function may return a generator, and an awaited generator is that generator.
  const running: unknown = await module.migration(cursor);
  if (!isCheckpointed(running)) {
    if (isGenerator(running)) throw notAsync();
    return 'finished';
  }
  let last = cursor;
  try {
    for (;;) {
      const result = await running.next();
      if (result.done) return 'finished';
      const checkpoint = validate(result.value, last);
      last = checkpoint.cursor;
      if ((await save(checkpoint)) === 'stop') return 'stopped';
    }
  } finally {
    // Lets its own `finally` blocks run, whatever ended it here; nothing happens to one that has ended.
    await running.return();
  }
}

function validate(value: unknown, last: unknown): YieldedCheckpoint {
  const parsed = attempt(() => YieldedCheckpoint.safeParse(value));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badCheckpoint(`${issue?.path.join('.') || 'the value'}: ${issue?.message ?? 'not valid'}`);
  }
  const json = attempt(() => JSON.stringify(parsed.data.cursor));
  const cursor = JSON.parse(json) as YieldedCheckpoint['cursor']; // as it will be read back: -0 is 0 then
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_CURSOR_BYTES) throw badCheckpoint(`its cursor is ${bytes} bytes of JSON, over ${MAX_CURSOR_BYTES}`);
  if (isDeepStrictEqual(last, cursor)) {
    throw badCheckpoint(`its cursor ${JSON.stringify(cursor)} is the one before it again, so it would never end`);
  }
  return { ...parsed.data, cursor };
}

/** What refers to itself, or is nested too deep, is for no parser. */
function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw badCheckpoint(`its cursor cannot be written as JSON (${describeThrown(thrown).split('\n')[0] ?? ''})`);
  }
}

const isCheckpointed = (result: unknown): result is AsyncGenerator<unknown, void, undefined> =>
  typeof result === 'object' && result !== null && Symbol.asyncIterator in result;

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
