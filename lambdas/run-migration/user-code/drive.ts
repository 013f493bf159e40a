// Runs user code: a plain migration to its end, a checkpointed one from checkpoint to checkpoint.
import { OdinError } from '../../../core/errors.ts';
import { badCheckpoint, checkpointOf } from './checkpoint.ts';
import type { Batches } from './plan.ts';
import { badPlan, batchesOf, ITEMS_PER_BATCH } from './plan.ts';
import { isDeepStrictEqual } from './node-util.ts';
import type { StartBatch } from './protocol.ts';
import type { MigrationModule } from './user-module.ts';
import type { YieldedCheckpoint } from './yielded.ts';

export interface Driven {
  /** Makes a checkpoint durable, or leaves that to the next one; says whether the next step may begin. */
  ask: (checkpoint: YieldedCheckpoint) => Promise<'go on' | 'stop'>;
  /** Hears what is wrong and does not matter, in a sentence. */
  warn: (sentence: string) => void;
  /** Of a parallel migration: the batch to run. It is planned when there is none. */
  batch?: StartBatch | undefined;
  /** Whether a parallel migration runs its batches after its plan, one after the other: a preview. */
  whole?: boolean | undefined;
}

/**
 * @param cursor of the last checkpoint of the migration, of whichever attempt; undefined when there is none
 * @returns `stopped` when it was told to stop at a checkpoint
 */
export async function drive(module: MigrationModule, cursor: unknown, driven: Driven): Promise<'finished' | 'stopped'> {
  const { batch, whole } = driven;
  if (batch) return runBatch(module, batch);
  if (!module.plan) return follow(module.migration(cursor), cursor, driven);
  const planned: Batches = [];
  const size = module.parallel?.itemsPerBatch ?? ITEMS_PER_BATCH;
  const end = await follow(module.plan(cursor), cursor, driven, (value) => {
    const batches = batchesOf(value, size);
    if (!whole) return batches;
    planned.push(...batches);
    return undefined;
  });
  if (!whole || end === 'stopped') return end;
  for (const [index, items] of planned.entries()) {
    await runBatch(module, { items, number: index + 1, of: planned.length });
    // Only to hear whether there is time for another one.
    const count = { done: index + 1, total: planned.length, note: 'batches' };
    if ((await driven.ask({ cursor: { batches: index + 1 }, ...count })) === 'stop') return 'stopped';
  }
  return 'finished';
}

/** @param batchesIn what a plan has yielded, as batches */
async function follow(
  begun: unknown,
  cursor: unknown,
  { ask, warn }: Driven,
  batchesIn?: (value: unknown) => Batches | undefined,
): Promise<'finished' | 'stopped'> {
  // Awaited in any case: an async function may return a generator, and an awaited generator is that generator.
  const running: unknown = await begun;
  if (!isCheckpointed(running)) {
    if (batchesIn) throw badPlan('gave back no async generator', 'Write "export async function* plan".');
    assertDone(running);
    return 'finished';
  }
  let last = cursor;
  const warned = new Set<string>();
  // Whatever JavaScript can go through: `return()`, with which `finally` blocks run when it ends early, is optional.
  for await (const value of running) {
    const { checkpoint, dropped } = checkpointOf(value);
    // A field is wrong in the same way each time.
    for (const [field, sentence] of dropped) if (!warned.has(field) && warned.add(field)) warn(sentence);
    if (isDeepStrictEqual(last, checkpoint.cursor)) {
      throw badCheckpoint(
        `its cursor ${JSON.stringify(checkpoint.cursor)} is the one before it again, so it would never end`,
      );
    }
    last = checkpoint.cursor;
    if ((await ask({ ...checkpoint, batches: batchesIn?.(value) })) === 'stop') return 'stopped';
  }
  return 'finished';
}

async function runBatch(module: MigrationModule, { items, ...batch }: StartBatch): Promise<'finished'> {
  const result: unknown = await module.migration(items, batch);
  if (isCheckpointed(result)) {
    throw neverRan(
      'an async generator',
      'The migration() of a parallel one is an async function: its plan() alone has checkpoints.',
    );
  }
  assertDone(result);
  return 'finished';
}

const isCheckpointed = (result: unknown): result is AsyncIterable<unknown> =>
  typeof result === 'object' && result !== null && Symbol.asyncIterator in result;

/**
 * What a plain migration gives back is nobody's, but for what shows that its work is not done.
 * @throws OdinError BadMigrationFile
 */
function assertDone(result: unknown): void {
  if (typeof result === 'function')
    throw neverRan('a function, which nobody calls', 'Call it, and await what it does.');
  if (isGenerator(result)) throw neverRan('a generator that is not async', 'Write "export async function* migration".');
  if (!Array.isArray(result)) return;
  if (result.some((each) => typeof each === 'function')) {
    throw neverRan('a list of functions, which nobody calls', 'Call them, and await what they do.');
  }
  if (!result.some(isThenable)) return;
  throw new OdinError({
    code: 'BadMigrationFile',
    source: 'user',
    what: 'migration() gave back a list of promises, which nobody awaits: it ended before their work was done.',
    next: 'Write "await Promise.all(…)".',
  });
}

const isGenerator = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

const neverRan = (what: string, next: string): OdinError =>
  new OdinError({
    code: 'BadMigrationFile',
    source: 'user',
    what: `migration() gave back ${what}, so that none of its code has run.`,
    next,
  });
