// What travels between the states of the machine and into the functions (docs/design.md §6). One schema per payload, and each
// says what it asks for.
import * as z from '../schema.ts';
import { saysWhy } from '../decision/meanings.ts';
import { DECISIONS } from '../names/names.ts';
import type { ErrorCode } from '../errors.ts';
import type { Next } from '../text/command.ts';
import { withoutSecrets } from '../text/secrets.ts';
import type { Said } from '../ledger/entries.ts';
import { HALT_REASONS } from '../ledger/entries.ts';
import { ChangedFile } from './events.ts';
import { Proof } from './proof.ts';
import { CaughtError } from '../ledger/error-records.ts';
import { MigrationId } from '../names/identifiers.ts';
import { MAX_CONCURRENCY } from '../names/lambda-limits.ts';

/** What a run may be started with. `Comment` is what the console's "Start execution" offers by default. */
export const RunInput = z.strictObject({
  allowOutOfOrder: z.optional(z.boolean()),
  /** Ids that may run although the same text was completed under a number whose file is gone. */
  allowRenumbered: z.optional(z.array(MigrationId)),
  /** Ids of completed migrations under whose number another text is meant to stand: nobody is told of them. */
  acceptChanged: z.optional(z.array(MigrationId)),
  /** Of an execution that carries a run on: the name of that run. Absent: the execution's own name. */
  run: z.optional(z.string().check(z.minLength(1), z.maxLength(80))),
  Comment: z.optional(z.string()),
  /** What another state machine sends along that starts this one, to be named as its parent (docs/aws-facts.md). */
  AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.optional(z.string()),
});
export type RunInput = z.infer<typeof RunInput>;

export const Arn = z.string().check(z.minLength(1), z.maxLength(2048));
const Attempt = z.int().check(z.minimum(1));
/** Number of an entry of the log. */
const EntryNumber = z.int().check(z.minimum(1));

/**
 * Version of the machine's definition, which it says in every payload. A halted execution keeps its definition for up to a year, and
 * meets the functions of later releases. Raised when a definition that was released changes (docs/versions.md).
 */
export const DEFINITION = 3;
/** The first that knows the step `run batches`. */
export const BATCHES_DEFINITION = 3;
/** The oldest that these functions serve. An execution of an older one is handed over to a fresh execution. */
export const OLDEST_DEFINITION = 1;
/** Of the definition that asks. Definition 1 did not say it. */
const Definition = z.optional(z.int().check(z.minimum(1)));

/** `List pending`: asks for the next step. */
export const NextPayload = z.object({
  ask: z.literal('next'),
  definition: Definition,
  execution: Arn,
  input: RunInput,
});
export type NextPayload = z.infer<typeof NextPayload>;

/** Asks `list-pending` for the manifest that is deployed, and for nothing to be done: the command line's question. */
export const ManifestPayload = z.strictObject({ ask: z.literal('manifest') });
export type ManifestPayload = z.infer<typeof ManifestPayload>;

/** `Run migration`: asks a migration's function to run the turn of one entry. */
export const RunPayload = z.object({
  ask: z.literal('run'),
  definition: Definition,
  execution: Arn,
  migration: MigrationId,
  attempt: Attempt,
  slice: z.int().check(z.minimum(1)),
  turn: EntryNumber,
});
export type RunPayload = z.infer<typeof RunPayload>;

/** `Run batch`: asks a migration's function to run one batch of a turn. */
export const BatchPayload = z.object({
  ...RunPayload.shape,
  ask: z.literal('batch'),
  batch: z.int().check(z.minimum(1)),
});
export type BatchPayload = z.infer<typeof BatchPayload>;

/** `Record completion`: asks for what became of the turn to be recorded. */
export const RecordPayload = z.object({
  ask: z.literal('record'),
  definition: Definition,
  execution: Arn,
  migration: MigrationId,
  attempt: Attempt,
  turn: EntryNumber,
});
export type RecordPayload = z.infer<typeof RecordPayload>;

/** `Halt for operator`: `at` is the state's whole input, a step with or without a caught error. */
export const HaltPayload = z.object({
  ask: z.literal('halt'),
  definition: Definition,
  execution: Arn,
  input: z.unknown(),
  token: z.string().check(z.minLength(1)),
  at: z.object({
    migration: MigrationId,
    attempt: Attempt,
    turn: EntryNumber,
    /** Of `List pending`, which decided it. */
    reason: z.optional(z.enum(HALT_REASONS)),
    /** Of `Run migration`. */
    error: z.optional(CaughtError),
    /** Of `Record completion`. */
    unrecorded: z.optional(CaughtError),
  }),
});
export type HaltPayload = z.infer<typeof HaltPayload>;

/** Text that a person typed. Step Functions refuses half a surrogate pair. */
const Words = z.string().check(z.overwrite((text) => text.toWellFormed()));
const By = Words.check(z.minLength(1), z.maxLength(512));
/** It stays in the ledger. */
const Reason = Words.check(z.maxLength(4000), z.overwrite(withoutSecrets));

/** `resume`, invoked by an operator. With `halt`, the decision holds for that halt only, or is refused. */
export const DecidePayload = z.strictObject({
  ask: z.literal('decide'),
  decision: z.enum(DECISIONS),
  reason: z.optional(Reason),
  by: By,
  /** Without one, `by` is what the caller says of itself. */
  proof: z.optional(Proof),
  /** Number of the halt's entry. */
  halt: z.optional(EntryNumber),
  /** Number of the decision on it that has had no effect yet, in whose place this one is to count. */
  instead: z.optional(EntryNumber),
  /** Of `retry`: where a checkpointed migration begins. Absent: at its checkpoint, if the same code made it. */
  begin: z.optional(z.enum(['start', 'checkpoint'])),
});
export type DecidePayload = z.infer<typeof DecidePayload>;

/** `resume`, invoked by an operator who wants the running attempt to stop at its next checkpoint. */
export const CancelPayload = z.strictObject({
  ask: z.literal('cancel'),
  /** Which one is meant: refused when another one runs. Without it, the one that runs. */
  migration: z.optional(MigrationId),
  by: By,
  proof: z.optional(Proof),
  reason: z.optional(Reason),
});
export type CancelPayload = z.infer<typeof CancelPayload>;

/** `resume`, invoked by an operator who wants more or fewer batches to run at the same time. */
export const TunePayload = z.strictObject({
  ask: z.literal('tune'),
  concurrency: z.int().check(z.minimum(1), z.maximum(MAX_CONCURRENCY)),
  /** Whose batches are meant: refused when others run. Without it, those that run. */
  migration: z.optional(MigrationId),
  by: By,
  proof: z.optional(Proof),
});
export type TunePayload = z.infer<typeof TunePayload>;

/**
 * `baseline`, invoked by an operator: every migration up to `through` ran before this system knew of it; with `pruned`, what
 * completed.json names, and nothing else.
 */
export const BaselinePayload = z.strictObject({
  ask: z.literal('baseline'),
  through: z.string().check(z.regex(/^(\d{4}|pruned)$/, 'expected four digits, e.g. "0004", or "pruned"')),
  /** The ids that this was for who said it: what a deployment has added since is refused. */
  shown: z.optional(z.array(MigrationId)),
  reason: Reason.check(z.trim(), z.refine(saysWhy, 'expected a reason')),
  by: By,
  proof: z.optional(Proof),
});
export type BaselinePayload = z.infer<typeof BaselinePayload>;

/** Output of `List pending`: the step, as `What next?` reads it. `turn` is the number of the turn's entry. */
export type Step =
  | ({ step: 'run'; functionName: string } & TurnName)
  /** `batches`: their numbers, each for one invocation; `concurrency`: how many at the same time. */
  | ({ step: 'run batches'; functionName: string; concurrency: number; batches: number[] } & TurnName)
  | ({ step: 'record' } & TurnName)
  | { step: 'wait'; seconds: number; why: string }
  | ({ step: 'halt'; reason: (typeof HALT_REASONS)[number] } & TurnName)
  | FinishedStep
  | HandedOver
  | { step: 'refuse'; error: string; cause: string };

export interface TurnName {
  migration: string;
  attempt: number;
  slice: number;
  turn: number;
}

/** Output of an execution that has nothing left to do. */
const FinishedStep = z.object({
  step: z.literal('finished'),
  /** How many migrations the ledger holds as completed. */
  completed: z.int(),
  /** Files that are not those which were run under their numbers, and do not run. Absent when there are none. */
  changed: z.optional(z.array(ChangedFile)),
  summary: z.string(),
});
export type FinishedStep = z.infer<typeof FinishedStep>;

/** What the execution that ended with this output says of files that do not run. */
export function changedIn(output: string | undefined): ChangedFile[] {
  if (output === undefined) return [];
  return FinishedStep.safeParse(JSON.parse(output)).data?.changed ?? [];
}

/** Output of an execution that a fresh one carries on: `execution` is its ARN. */
const HandedOver = z.object({ step: z.literal('handed over'), execution: Arn, summary: z.string() });
export type HandedOver = z.infer<typeof HandedOver>;

/** The execution that carries on the run which ended with this output, or undefined when the run itself has ended. */
export function handedOverTo(output: string | undefined): string | undefined {
  if (output === undefined) return undefined;
  return HandedOver.safeParse(JSON.parse(output)).data?.execution;
}

/**
 * Output of `Run migration`, as `Outcome?` reads it. `more`: it stopped at a checkpoint, and the next turn may start.
 * `claimed elsewhere`: another has this turn, or it is void; no code was started.
 */
export interface RunAnswer extends TurnName {
  outcome: 'finished' | 'more' | 'claimed elsewhere';
}

/** Output of `Run batch`. What became of it is in the ledger, and nobody decides on this. */
export interface BatchAnswer {
  batch: number;
  outcome: 'succeeded' | 'failed' | 'slowed down' | 'not begun';
}

/** A refusal is an answer and not a failed function: engines rename errors, and codes must last. */
export interface Refusal {
  result: 'refused';
  code: ErrorCode;
  what: string;
  why?: string | undefined;
  next?: Next | undefined;
}

/** Answer of `resume` to a `DecidePayload`. */
export type DecideAnswer = DecidedAnswer | Refusal;

/** Answer of `resume` to a `CancelPayload`. */
export type CancelAnswer = CancelledAnswer | Refusal;

export interface CancelledAnswer extends Said {
  /** `already`: somebody else had asked before, and is named here. */
  result: 'cancelled' | 'already';
  migration: string;
  attempt: number;
  /** ISO time. */
  time: string;
  reason?: string | undefined;
  message: string;
}

/** Answer of `resume` to a `TunePayload`. */
export type TuneAnswer = TunedAnswer | Refusal;

export interface TunedAnswer {
  result: 'tuned';
  migration: string;
  attempt: number;
  concurrency: number;
  message: string;
}

/** Answer of `baseline`. */
export type BaselineAnswer = Baselined | Refusal;

export interface Baselined extends Said {
  result: 'recorded';
  /** Ids recorded now, and those that had a completion before; ascending. */
  recorded: string[];
  already: string[];
  message: string;
}

export interface DecidedAnswer extends Said {
  /** `already`: this halt had been decided before; the decision below is the one that counts. */
  result: 'decided' | 'already';
  migration: string;
  attempt: number;
  /** Number of the halt's entry. */
  halt: number;
  /** Number of the decision's entry. */
  entry: number;
  decision: string;
  /** ISO time. */
  time: string;
  reason?: string | undefined;
  /** The executions that go on, or the one that was started in their place; empty after an abort. */
  executions: string[];
  /** Until when the run waits before it acts, because the turn's code may still be running (ISO time). */
  waitsUntil?: string | undefined;
  message: string;
}
