// The events that are sent to EventBridge's default bus, for other programs. docs/events.md has the same as JSON Schema.
import * as z from '../schema.ts';
import { MigrationId } from '../names/identifiers.ts';
import { CallerIdentity, Commits, COMPLETIONS, Did, HALT_REASONS } from '../ledger/entries.ts';

export const EVENT_SOURCE = 'odin-migrate';

/** Raised when a field's meaning changes. New fields do not raise it: a reader ignores what it does not know. */
const version = z.literal(1);
const Time = z.iso.datetime();

/** A run waits for an operator. Sent again when the same halt is opened again (by a redrive, or by another execution). */
export const MigrationHalted = z.object({
  version,
  environment: z.string(),
  migration: MigrationId,
  description: z.optional(z.string()),
  /** Path in the repository; absent when the migration is not deployed any more. */
  file: z.optional(z.string()),
  attempt: z.int().check(z.minimum(1)),
  /** Number of the halt's entry in the log: `resume --halt` takes it. */
  halt: z.int().check(z.minimum(1)),
  /** As in the halt's entry (docs/records.md). */
  reason: z.enum(HALT_REASONS),
  /** As in the halt's entry. */
  commits: z.optional(Commits),
  error: z.optional(z.object({ name: z.string(), message: z.string() })),
  /** ARN of the execution that waits. */
  execution: z.string(),
  /** Until when its code may still be running, when that is not known. */
  mayRunUntil: z.optional(Time),
  time: Time,
});
export type MigrationHalted = z.infer<typeof MigrationHalted>;

/** A file that is not what was run under its number. */
export const ChangedFile = z.object({ migration: MigrationId, file: z.string() });
export type ChangedFile = z.infer<typeof ChangedFile>;

/** A run ended well: nothing is pending. Sent at least once per run; `execution` tells a repetition. */
export const RunCompleted = z.object({
  version,
  environment: z.string(),
  /** ARN of the execution. */
  execution: z.string(),
  /** How many migrations the ledger holds as completed. */
  completed: z.int().check(z.minimum(0)),
  /** How many migrations the environment has: those that are deployed, and those that were pruned. */
  migrations: z.int().check(z.minimum(0)),
  /** Files that are not those which were run under their numbers, and so do not run. Absent when there are none. */
  changed: z.optional(z.array(ChangedFile)),
  /** The migrations at which this run had halted. Empty for a run without a halt. */
  afterHalts: z.array(
    z.object({
      migration: MigrationId,
      completion: z.enum(COMPLETIONS),
      by: z.optional(z.string()),
      identity: z.optional(CallerIdentity),
      /** As in its completion (docs/records.md). */
      did: z.optional(Did),
    }),
  ),
  time: Time,
});
export type RunCompleted = z.infer<typeof RunCompleted>;

/** Detail type → schema of the detail. */
export const EVENTS = { 'Migration Halted': MigrationHalted, 'Run Completed': RunCompleted } as const;

export type OdinEvent =
  { type: 'Migration Halted'; detail: MigrationHalted } | { type: 'Run Completed'; detail: RunCompleted };
