// Runs user code: a plain migration to its end, a checkpointed one from checkpoint to checkpoint.
import { OdinError } from '../../../core/errors.ts';
import type { MigrationModule } from './user-module.ts';
import type { YieldedCheckpoint } from './yielded.ts';

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
  // A plain migration, which most are, loads no schemas. None of the generator's code has run yet.
  const { checkpointOf } = await import('./yielded.ts');
  let last = cursor;
  try {
    for (;;) {
      const result = await running.next();
      if (result.done) return 'finished';
      const checkpoint = checkpointOf(result.value, last);
      last = checkpoint.cursor;
      if ((await save(checkpoint)) === 'stop') return 'stopped';
    }
  } finally {
    // Lets its own `finally` blocks run, whatever ended it here; nothing happens to one that has ended.
    await running.return();
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
