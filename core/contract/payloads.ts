// What travels between the states of the machine and into the functions (docs/design.md §6). One schema per payload.
import * as z from 'zod';
import { DECISIONS } from '../names/names.ts';
import type { ErrorCode } from '../errors.ts';
import type { Next } from '../text/command.ts';
import { CaughtError } from '../ledger/records.ts';
import { MigrationId } from '../names/identifiers.ts';

/** What a run may be started with. `Comment` is what the console's "Start execution" offers by default. */
export const RunInput = z.strictObject({
  allowOutOfOrder: z.boolean().optional(),
  Comment: z.string().optional(),
});
export type RunInput = z.infer<typeof RunInput>;

const Arn = z.string().min(1).max(2048);
const Attempt = z.int().min(1);

export const ListPendingPayload = z.object({ execution: Arn, input: RunInput });
export type ListPendingPayload = z.infer<typeof ListPendingPayload>;

/** Asks `list-pending` for the manifest that is deployed, and for nothing to be done: the command line's question. */
export const ManifestQuestion = z.strictObject({ describe: z.literal('manifest') });
export type ManifestQuestion = z.infer<typeof ManifestQuestion>;

/** `Run migration`: asks a migration's function for one slice of one attempt. */
export const RunPayload = z.object({
  execution: Arn,
  migration: MigrationId,
  attempt: Attempt,
  slice: z.int().min(1),
  gitCommit: z.string().nullable(),
});
export type RunPayload = z.infer<typeof RunPayload>;

export const RecordPayload = z.object({ execution: Arn, migration: MigrationId, attempt: Attempt });
export type RecordPayload = z.infer<typeof RecordPayload>;

/** `Halt for operator`: `at` is the state's whole input, a step with or without a caught error. */
export const HaltPayload = z.object({
  execution: Arn,
  input: z.unknown(),
  token: z.string().min(1),
  at: z.object({
    migration: MigrationId,
    attempt: Attempt,
    /** Of `Run migration`. */
    error: CaughtError.optional(),
    /** Of `Record completion`. */
    unrecorded: CaughtError.optional(),
  }),
});
export type HaltPayload = z.infer<typeof HaltPayload>;

/** Text that a person typed. Step Functions refuses half a surrogate pair. */
const Words = z.string().overwrite((text) => text.toWellFormed());

/** `resume`, invoked by an operator. With `halt`, the decision holds for that halt only, or is refused. */
export const ResumePayload = z.strictObject({
  decision: z.enum(DECISIONS),
  reason: Words.max(4000).optional(),
  by: Words.min(1).max(512),
  halt: z.strictObject({ migration: MigrationId, attempt: Attempt }).optional(),
});
export type ResumePayload = z.infer<typeof ResumePayload>;

/** `resume`, invoked by an operator who wants the running attempt to stop at its next checkpoint. */
export const CancelPayload = z.strictObject({
  cancel: z.strictObject({ by: ResumePayload.shape.by, reason: ResumePayload.shape.reason }),
});
export type CancelPayload = z.infer<typeof CancelPayload>;

/** `baseline`, invoked by an operator: every migration up to `through` ran before this system knew of it. */
export const BaselinePayload = z.strictObject({
  through: MigrationId,
  reason: Words.trim().min(1, 'expected a reason').max(4000),
  by: Words.min(1).max(512),
});
export type BaselinePayload = z.infer<typeof BaselinePayload>;

/** Output of `List pending`: the step, as `What next?` reads it. */
export type Step =
  | { step: 'run'; migration: string; attempt: number; slice: number; functionName: string; gitCommit: string | null }
  | { step: 'record'; migration: string; attempt: number }
  | { step: 'wait'; migration: string; attempt: number; seconds: number; why: string }
  | { step: 'halt'; migration: string; attempt: number }
  | FinishedStep
  | HandedOver
  | { step: 'refuse'; error: string; cause: string };

/**
 * Output of an execution that has nothing left to do. `leftBehind`: migrations that were attempted and never completed,
 * and whose file is gone; nobody will run or decide them any more, and so whoever looks at the run is told.
 */
const FinishedStep = z.object({
  step: z.literal('finished'),
  completed: z.int().min(0),
  leftBehind: z.array(MigrationId),
  summary: z.string(),
});
export type FinishedStep = z.infer<typeof FinishedStep>;

/** What a finished run left behind, by its output. */
export const leftBehindBy = (output: string | undefined): string[] =>
  output === undefined ? [] : (FinishedStep.safeParse(JSON.parse(output)).data?.leftBehind ?? []);

/** Output of an execution that a fresh one carries on: `execution` is its ARN. */
const HandedOver = z.object({ step: z.literal('handed over'), execution: Arn, summary: z.string() });
export type HandedOver = z.infer<typeof HandedOver>;

/** The execution that carries on the run which ended with this output, or undefined when the run itself has ended. */
export function handedOverTo(output: string | undefined): string | undefined {
  if (output === undefined) return undefined;
  return HandedOver.safeParse(JSON.parse(output)).data?.execution;
}

/** Output of `Run migration`, as `Outcome?` reads it. `more`: the slice stopped at a checkpoint, and the next may start. */
export interface RunOutcome {
  outcome: 'finished' | 'more' | 'claimed elsewhere';
  migration: string;
  attempt: number;
}

/** A refusal is an answer and not a failed function: engines rename errors, and codes must last. */
export interface Refusal {
  result: 'refused';
  code: ErrorCode;
  what: string;
  why?: string | undefined;
  next?: Next | undefined;
}

/** Answer of `resume`. */
export type ResumeAnswer = Resumed | Refusal;

/** Answer of `resume` to a `CancelPayload`. */
export type CancelAnswer = Cancelled | Refusal;

export interface Cancelled {
  /** `already`: somebody else had asked before, and is named here. */
  result: 'cancelled' | 'already';
  migration: string;
  attempt: number;
  by: string;
  time: string;
  reason?: string;
  message: string;
}

/** Answer of `baseline`. */
export type BaselineAnswer = Baselined | Refusal;

export interface Baselined {
  result: 'recorded';
  /** Ids recorded now, and those that had a completion before; ascending. */
  recorded: string[];
  already: string[];
  by: string;
  message: string;
}

export interface Resumed {
  /** `already`: this halt had been decided before; the decision below is the one that counts. */
  result: 'decided' | 'already';
  migration: string;
  attempt: number;
  decision: string;
  by: string;
  time: string;
  reason?: string;
  /** The executions that go on, or the one that was started in their place; empty after an abort. */
  executions: string[];
  /** Until when the run waits before it acts, because the old attempt may still be running (ISO time). */
  waitsUntil?: string;
  message: string;
}
