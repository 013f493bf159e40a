// How far a checkpointed migration has come, as the function takes it from the process of user code.
import { JsonValue } from '../../../core/ledger/json.ts';
import * as z from '../../../core/schema.ts';
import { MAX_NOTE } from './limits.ts';

/** `done` and `total` count the same things. */
export const YieldedCheckpoint = z.object({
  cursor: JsonValue,
  done: z.optional(z.number().check(z.minimum(0))),
  total: z.optional(z.number().check(z.minimum(0))),
  note: z.optional(z.string().check(z.maxLength(MAX_NOTE))),
  /** It is made durable before the code after it runs, however soon it comes after the one before it. */
  save: z.optional(z.boolean()),
  /** Epoch milliseconds: what comes after it is for a later slice. */
  notBefore: z.optional(z.int()),
  /** Of a plan: the items that it yielded, as batches. */
  batches: z.optional(z.array(z.array(JsonValue))),
});

export type YieldedCheckpoint = z.infer<typeof YieldedCheckpoint>;
