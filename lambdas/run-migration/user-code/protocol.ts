// What a migration's function and the process that runs its code say to each other. User code can write to the same
// channel: what comes from there is validated, and what does not fit ends the turn as a known failure.
import * as z from '../../../core/schema.ts';
import { MAX_SUMMARY } from '../../../core/ledger/summaries.ts';
import { PreviewAnswer, PreviewReport } from '../../../core/preview/preview.ts';
import { LEFT_OVER, MAX_CURSOR_BYTES } from './limits.ts';
import type { Batch } from '../../../core/ledger/plan.ts';
import { YieldedCheckpoint } from './yielded.ts';

export interface StartMessage {
  type: 'start';
  /** Where it goes on from; absent: from its beginning. */
  cursor?: unknown;
  /** Present: it runs this batch of a parallel migration, and plans nothing. */
  batch?: StartBatch | undefined;
  /** Present: every write is held back. */
  preview?: StartPreview | undefined;
}

export interface StartBatch extends Batch {
  items: unknown[];
}

export interface StartPreview {
  migration: string;
  allows: string[];
  /** What was handed on to it. */
  before?: string | undefined;
}

/** To a checkpoint, when it is durable or refused. After `stop` no code runs but the `finally` blocks. */
export interface AnswerMessage {
  type: 'answer';
  answer: 'go on' | 'stop';
}

export type ToProcess = StartMessage | AnswerMessage;

const CheckpointMessage = z.object({
  type: z.literal('checkpoint'),
  checkpoint: YieldedCheckpoint.check(
    z.refine(
      ({ cursor }) => Buffer.byteLength(JSON.stringify(cursor)) <= MAX_CURSOR_BYTES,
      `expected a cursor of at most ${MAX_CURSOR_BYTES} bytes`,
    ),
  ),
});

/** What a preview has seen until now. */
export const Seen = z.pick(PreviewReport, { calls: true, simulated: true, stale: true, refused: true, omitted: true });
export type Seen = z.infer<typeof Seen>;

/** What a preview hands on, said once, right before its end. */
const HandedOnMessage = z.extend(z.required(z.pick(PreviewAnswer, { handedOn: true })), {
  type: z.literal('handed on'),
});

const BoundedError = z.object({
  name: z.string().check(z.maxLength(MAX_SUMMARY.name)),
  message: z.string().check(z.maxLength(MAX_SUMMARY.message)),
  stack: z.optional(z.string().check(z.maxLength(MAX_SUMMARY.stack))),
});

/** What was still alive when a migration had returned: `2 timers`. */
const LeftOver = z.array(z.string().check(z.maxLength(LEFT_OVER.length))).check(z.maxLength(LEFT_OVER.items));

/**
 * How the code ended, as its process tells. `threw`: out of migration() or the file's top level. `crashed`: out of a timer, a
 * listener or a promise that nobody awaits. `stuck`: it awaits what nothing is left to settle.
 */
const EndMessage = z.discriminatedUnion('outcome', [
  z.object({ type: z.literal('end'), outcome: z.enum(['finished', 'stopped']), leftOver: z.optional(LeftOver) }),
  z.object({ type: z.literal('end'), outcome: z.literal('stuck') }),
  z.object({ type: z.literal('end'), outcome: z.enum(['threw', 'crashed']), error: BoundedError }),
]);
export type EndMessage = z.infer<typeof EndMessage>;

/** Its process is there, and its code is loaded now: what came before is no step of the migration. */
const BeginsMessage = z.object({ type: z.literal('begins') });

export const ToFunction = z.union([
  BeginsMessage,
  CheckpointMessage,
  z.object({ type: z.literal('seen'), seen: Seen }),
  HandedOnMessage,
  EndMessage,
]);
export type ToFunction = z.infer<typeof ToFunction>;
