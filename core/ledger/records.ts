// One schema for each record of the ledger (docs/design.md §4). docs/records.md shows an example of each.
import * as z from 'zod';
import { DECISIONS } from '../names/names.ts';
import { MigrationId } from '../names/identifiers.ts';
import { Json } from './json.ts';

/** Raised when a record's meaning changes; a reader that does not know a version stops the run. */
export const FORMAT_VERSION = 1;

const Time = z.iso.datetime();
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Count = z.int().min(0);
const Number1 = z.int().min(1);

const common = {
  formatVersion: z.literal(FORMAT_VERSION),
  migration: MigrationId,
  attempt: Number1,
  /** ARN of the execution that caused the record. */
  execution: z.string().min(1),
  time: Time,
  requestId: z.string().min(1),
  /** SHA-256 of the migration's source text, hexadecimal. */
  sourceSha256: Sha256.optional(),
  /** SHA-256 of the deployed function's bundle, hexadecimal. */
  codeSha256: Sha256.optional(),
  gitCommit: z.string().optional(),
};

/** An error as it is kept: cut to a bounded size by `errorSummary`. */
export const ErrorSummary = z.object({ name: z.string(), message: z.string(), stack: z.string().optional() });
export type ErrorSummary = z.infer<typeof ErrorSummary>;

/** What a state's `Catch` puts at `$.error`. `Cause` is the JSON of Lambda's error, or plain text. */
export const CaughtError = z.object({ Error: z.string().optional(), Cause: z.string().optional() });

/** `started.json` and `slices/NNNN.json`: the claim of one slice, made before its user code. */
export const Claim = z.object({
  ...common,
  slice: Number1,
  /** Made anew by each invocation, so that a repeated request is not taken for its own first one. */
  nonce: z.string().min(1),
  /** When Lambda will have ended the function, plus a margin for clocks. */
  deadline: Time,
});
export type Claim = z.infer<typeof Claim>;

/** `finished.json`: user code returned or threw. */
export const Finished = z.object({
  ...common,
  outcome: z.enum(['succeeded', 'failed']),
  error: ErrorSummary.optional(),
  /** Wall time of the last slice in milliseconds. */
  durationMs: Count,
  slices: Number1,
});
export type Finished = z.infer<typeof Finished>;

/** `cancelled.json`: an operator asked the attempt to stop at its next checkpoint. */
export const Cancellation = z.object({
  ...common,
  reason: z.string().optional(),
  /** Who asked, as in a decision. */
  by: z.string().min(1),
});
export type Cancellation = z.infer<typeof Cancellation>;

/** `decisions/NN.json`: what an operator said to the attempt's NNth halt. */
export const DecisionRecord = z.object({
  ...common,
  halt: Number1,
  decision: z.enum(DECISIONS),
  reason: z.string().optional(),
  /** Who decided: an IAM identity, or what the caller said of itself. */
  by: z.string().min(1),
});
export type DecisionRecord = z.infer<typeof DecisionRecord>;

export const COMPLETIONS = ['applied', 'marked-applied', 'skipped', 'baseline'] as const;

/** `completed/NNNN.json`: the migration is done with, for ever. `attempt` is 0 for a baseline, which had none. */
export const Completion = z.object({
  ...common,
  attempt: Count,
  completion: z.enum(COMPLETIONS),
  reason: z.string().optional(),
  by: z.string().optional(),
  startedAt: Time.optional(),
  finishedAt: Time.optional(),
});
export type Completion = z.infer<typeof Completion>;

/** `checkpoints/NNNN.json`, mutable: how far a checkpointed migration has come. */
export const CheckpointRecord = z.object({
  ...common,
  slice: Number1,
  /** Counts the checkpoints of the migration, over all its attempts. */
  sequence: Number1,
  cursor: Json,
  done: z.number().min(0).optional(),
  total: z.number().min(0).optional(),
  note: z.string().optional(),
  /** When this attempt began, and how much was done by then: for its rate. */
  began: z.object({ time: Time, done: z.number().min(0) }).optional(),
  /** The slice stopped at this checkpoint: the next slice may start. */
  stopped: z.boolean(),
});
export type CheckpointRecord = z.infer<typeof CheckpointRecord>;

/** `halts/NNNN.json`, mutable: the halt that is, or was last, open, and the executions that wait in it. */
export const HaltRecord = z.object({
  ...common,
  halt: Number1,
  /** `failed`: user code threw. `unknown`: it may have run. `unrecorded`: it succeeded, its completion was not written. */
  outcome: z.enum(['failed', 'unknown', 'unrecorded']),
  error: ErrorSummary.optional(),
  waiting: z
    .array(
      z.object({
        execution: z.string().min(1),
        token: z.string().min(1),
        since: Time,
        /** The run's input, for the execution that takes over when this one is gone. */
        allowOutOfOrder: z.boolean(),
      }),
    )
    .min(1),
});
export type HaltRecord = z.infer<typeof HaltRecord>;
