// What a migration's function and the process that runs its code say to each other. User code can write to the same
// channel: what comes from there is validated, and what does not fit ends the turn as a known failure.
import * as z from 'zod';
import { JsonValue } from '../../../core/ledger/json.ts';
import { MAX_SUMMARY } from '../../../core/ledger/summaries.ts';
import { PreviewReport } from '../../../core/preview/preview.ts';

/**
 * The process's file descriptors for it, each message a line of JSON. Not Node.js's own IPC: there, a line that is no JSON is an
 * error that nothing can catch, in the function.
 */
export const CHANNEL = { write: 3, read: 4 } as const;

export interface StartMessage {
  type: 'start';
  /** Where it goes on from; absent: from its beginning. */
  cursor?: unknown;
  /** Present: every write is held back. */
  preview?: { allows: string[] } | undefined;
}

/** To a checkpoint, when it is durable or refused. After `stop` no code runs but the `finally` blocks. */
export interface AnswerMessage {
  type: 'answer';
  answer: 'go on' | 'stop';
}

export type ToProcess = StartMessage | AnswerMessage;

/** A cursor is bookkeeping, not data: this many bytes of JSON at most. */
export const MAX_CURSOR_BYTES = 64 * 1024;

/** UTF-16 units of a note, which is cut to that. */
export const MAX_NOTE = 500;

/** How far a checkpointed migration has come. `done` and `total` count the same things. */
export const YieldedCheckpoint = z.object({
  cursor: JsonValue,
  done: z.number().min(0).optional(),
  total: z.number().min(0).optional(),
  note: z.string().max(MAX_NOTE).optional(),
});

export type YieldedCheckpoint = z.infer<typeof YieldedCheckpoint>;

const CheckpointMessage = z.object({
  type: z.literal('checkpoint'),
  checkpoint: YieldedCheckpoint.refine(
    ({ cursor }) => Buffer.byteLength(JSON.stringify(cursor)) <= MAX_CURSOR_BYTES,
    `expected a cursor of at most ${MAX_CURSOR_BYTES} bytes`,
  ),
});

/** What a preview has seen until now. */
export const Seen = PreviewReport.pick({ calls: true, simulated: true, stale: true, refused: true, omitted: true });
export type Seen = z.infer<typeof Seen>;

const BoundedError = z.object({
  name: z.string().max(MAX_SUMMARY.name),
  message: z.string().max(MAX_SUMMARY.message),
  stack: z.string().max(MAX_SUMMARY.stack).optional(),
});

/** How many of what a migration left behind are told, and how long each may be. */
export const LEFT_OVER = { items: 10, length: 200 };

/** What was still alive when a migration had returned: `2 timers`. */
const LeftOver = z.array(z.string().max(LEFT_OVER.length)).max(LEFT_OVER.items);

/**
 * How the code ended, as its process tells. `threw`: out of migration() or the file's top level. `crashed`: out of a timer, a
 * listener or a promise that nobody awaits. `stuck`: it awaits what nothing is left to settle.
 */
const EndMessage = z.discriminatedUnion('outcome', [
  z.object({ type: z.literal('end'), outcome: z.enum(['finished', 'stopped']), leftOver: LeftOver.optional() }),
  z.object({ type: z.literal('end'), outcome: z.literal('stuck') }),
  z.object({ type: z.literal('end'), outcome: z.enum(['threw', 'crashed']), error: BoundedError }),
]);
export type EndMessage = z.infer<typeof EndMessage>;

export const ToFunction = z.union([CheckpointMessage, z.object({ type: z.literal('seen'), seen: Seen }), EndMessage]);
export type ToFunction = z.infer<typeof ToFunction>;
