// What a checkpointed migration yields: what it has to look like, and what is said of one that cannot be kept.
import { isDeepStrictEqual } from './node-util.ts';
import { describeThrown, OdinError } from '../../../core/errors.ts';
import { JsonValue } from '../../../core/ledger/json.ts';
import * as z from '../../../core/schema.ts';

/** A cursor is bookkeeping, not data: this many bytes of JSON at most. */
export const MAX_CURSOR_BYTES = 64 * 1024;

/** How far a checkpointed migration has come. `done` and `total` count the same things. */
export const YieldedCheckpoint = z.object({
  cursor: JsonValue,
  done: z.optional(z.number().check(z.minimum(0))),
  total: z.optional(z.number().check(z.minimum(0))),
  note: z.optional(z.string().check(z.maxLength(500))),
});

export type YieldedCheckpoint = z.infer<typeof YieldedCheckpoint>;

/**
 * @param last the cursor before it
 * @throws OdinError BadCheckpoint
 */
export function checkpointOf(value: unknown, last: unknown): YieldedCheckpoint {
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

const badCheckpoint = (why: string): OdinError =>
  new OdinError({
    code: 'BadCheckpoint',
    source: 'user',
    what: `The migration yielded a checkpoint that cannot be kept: ${why}.`,
    next: 'Yield { cursor, done?, total?, note? }, the cursor being JSON that differs from the one before.',
  });
