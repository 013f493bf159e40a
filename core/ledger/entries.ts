// The entries of the log (docs/design.md §4): each is created once, in one order, and holds the hash of the one before it.
import { qualifiedName } from '../names/names.ts';
import { createHash } from 'node:crypto';
import * as z from '../schema.ts';
import { ErrorSummary } from './error-records.ts';
import { PlannedBatches } from './plan.ts';
import { Sources } from './sources.ts';
import { MigrationId } from '../names/identifiers.ts';
import type { SystemFunction } from '../names/names.ts';
import { DECISIONS } from '../names/names.ts';

/** Raised when the meaning of an entry changes; a reader stops at an entry of a newer format, and says which version wrote it. */
export const LOG_FORMAT = 1;

const Time = z.iso.datetime();
const Sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const Positive = z.int().check(z.minimum(1));

/** An object of the ledger that an entry rests on: what it said when the entry was appended can be checked afterwards. */
export const Reference = z.object({ key: z.string().check(z.minLength(1)), sha256: Sha256 });
export type Reference = z.infer<typeof Reference>;

/** Whose ledger it is, said by entry 1: another environment's entries are never taken for ours. */
export const LedgerIdentity = z.object({
  /** Absent of an environment without one. */
  app: z.optional(z.string().check(z.minLength(1))),
  environment: z.string().check(z.minLength(1)),
  account: z.string().check(z.minLength(1)),
  region: z.string().check(z.minLength(1)),
});
export type LedgerIdentity = z.infer<typeof LedgerIdentity>;

export const isSameLedger = (one: LedgerIdentity, other: LedgerIdentity): boolean =>
  (['app', 'environment', 'account', 'region'] as const).every((part) => one[part] === other[part]);

/** `shop--odin-dev in 111122223333, eu-west-1` */
export const identityText = (identity: LedgerIdentity): string =>
  `${qualifiedName(identity)} in ${identity.account}, ${identity.region}`;

const envelope = {
  format: z.literal(LOG_FORMAT),
  number: Positive,
  /** SHA-256 of the entry before it, as it is stored; null in entry 1. */
  previous: z.nullable(Sha256),
  /** In entry 1, and in no other. */
  ledger: z.optional(LedgerIdentity),
  time: Time,
  /** Made anew for each append: an answer that was lost is told from somebody else's entry. */
  nonce: z.string().check(z.minLength(1)),
  writer: z.object({
    function: z.string().check(z.minLength(1)),
    requestId: z.string().check(z.minLength(1)),
    version: z.string().check(z.minLength(1)),
  }),
};

/** `verified`: STS said so of the caller. `claimed`: the caller said so of itself. Absent in entries of before: claimed. */
export const CallerIdentity = z.discriminatedUnion('is', [
  z.object({ is: z.literal('verified') }),
  z.object({ is: z.literal('claimed'), why: z.string() }),
]);
export type CallerIdentity = z.infer<typeof CallerIdentity>;

/** Who said something. Verified, `by` is an ARN. */
export interface Said {
  by: string;
  identity?: CallerIdentity | undefined;
}

/** A turn: one invocation of one migration's function may run user code. */
export const Allowed = z.object({
  ...envelope,
  kind: z.literal('allowed'),
  migration: MigrationId,
  attempt: Positive,
  slice: Positive,
  /** The name that all executions of the run have in common. */
  run: z.string().check(z.minLength(1)),
  /** ARN of the execution that owns the turn. */
  execution: z.string().check(z.minLength(1)),
  sourceSha256: Sha256,
  sources: z.optional(Sources),
  codeSha256: Sha256,
  gitCommit: z.optional(z.string()),
  /** How long its function may run, in milliseconds; a turn's deadline is its claim's time plus this and a margin. */
  timeoutMs: Positive,
  /** Where a checkpointed migration begins: at its last checkpoint, or at the start. A plain one begins at the start. */
  begin: z.enum(['start', 'checkpoint']),
  /** Of a turn of batches, which many invocations run: each batch of `rest` in one. */
  batches: z.optional(
    z.object({
      /** How many the plan has. */
      of: z.int().check(z.minimum(1)),
      /** The turns that planned them. */
      plan: PlannedBatches.shape.turns,
      /** Those that have not succeeded yet: `1-17,19`. */
      rest: z.string().check(z.regex(/^(\d+(-\d+)?(,\d+(-\d+)?)*)?$/)),
      /** When more than so many have failed, no further one begins; absent: 0. */
      tolerated: z.optional(z.int().check(z.minimum(0))),
      /** So many turns of batches before it, in its attempt, S3 has slowed down: it runs half as many at a time for each. Absent: 0. */
      slowed: z.optional(z.int().check(z.minimum(1))),
    }),
  ),
  /** The nearest of these three; the first turn of all has none. */
  restsOn: z.object({
    /** The completion of the highest id below it that the log has. */
    completion: z.optional(Reference),
    /** What closed the turn before it: a stop at a checkpoint, or a claim that is void. */
    turn: z.optional(Reference),
    /** The decision `retry`. */
    decision: z.optional(Reference),
  }),
});
export type Allowed = z.infer<typeof Allowed>;

/**
 * `failed`: user code said so. `unknown`: it may have run. `cancelled`: a person asked for it. `code-changed`, `file-gone`: the
 * attempt cannot go on with what is deployed. `not-started`: its function refused or lost each of its turns. `unrecorded`: what
 * became of it is known, and the completion was not written.
 */
export const HALT_REASONS = [
  'failed',
  'unknown',
  'cancelled',
  'code-changed',
  'file-gone',
  'not-started',
  'unrecorded',
] as const;
export type HaltReason = (typeof HALT_REASONS)[number];

/** The commit that the attempt's first turn was allowed under, and the one that was deployed at the halt; where it is known. */
export const Commits = z.object({ began: z.optional(z.string()), deployed: z.optional(z.string()) });
export type Commits = z.infer<typeof Commits>;

/** The run waits for a person. */
export const Halted = z.object({
  ...envelope,
  kind: z.literal('halted'),
  migration: MigrationId,
  attempt: Positive,
  /** Number of the entry that allowed the turn. */
  turn: Positive,
  /** Of the execution that halted first. */
  run: z.string().check(z.minLength(1)),
  reason: z.enum(HALT_REASONS),
  commits: z.optional(Commits),
  error: z.optional(ErrorSummary),
  outcome: z.optional(Reference),
});
export type Halted = z.infer<typeof Halted>;

/**
 * What a person said: of a halt, or `cancel` of an open turn. The first on a halt counts, until one that names it counts instead:
 * as long as it has had no effect.
 */
export const Decided = z.object({
  ...envelope,
  kind: z.literal('decided'),
  decision: z.enum([...DECISIONS, 'cancel']),
  migration: MigrationId,
  attempt: Positive,
  /** Number of the `halted` entry; for `cancel`, of the `allowed` entry. */
  of: Positive,
  by: z.string().check(z.minLength(1)),
  identity: z.optional(CallerIdentity),
  reason: z.optional(z.string()),
  /** Number of the decision on the same halt in whose place it counts. */
  instead: z.optional(Positive),
  /** Of `retry`: the code that it was said of, and where it begins. */
  retry: z.optional(z.object({ codeSha256: Sha256, begin: z.enum(['start', 'checkpoint']) })),
});
export type Decided = z.infer<typeof Decided>;

export const COMPLETIONS = ['applied', 'marked-applied', 'skipped', 'baseline'] as const;

/** What a migration had begun, and was still alive when it was over: `2 timers`. It ended with its process. */
export const LeftOver = z.array(z.string());

/** What a migration had done when it was over: what its last checkpoint said, or how many batches there were. */
export const Did = z.object({
  done: z.optional(z.number().check(z.minimum(0))),
  total: z.optional(z.number().check(z.minimum(0))),
  note: z.optional(z.string()),
});
export type Did = z.infer<typeof Did>;

/** These migrations are done with, for ever. */
export const Completed = z.object({
  ...envelope,
  kind: z.literal('completed'),
  /** One, but for a baseline; ascending. */
  ids: z.array(MigrationId).check(z.minLength(1)),
  completion: z.enum(COMPLETIONS),
  by: z.optional(z.string()),
  identity: z.optional(CallerIdentity),
  reason: z.optional(z.string()),
  startedAt: z.optional(Time),
  finishedAt: z.optional(Time),
  /** Of an applied one, as its outcome says. */
  leftOver: z.optional(LeftOver),
  /** Of an applied one, as its outcome says. */
  did: z.optional(Did),
  /** The outcome or the decision that it rests on; a baseline rests on none. */
  restsOn: z.optional(Reference),
});
export type Completed = z.infer<typeof Completed>;

export const Entry = z.discriminatedUnion('kind', [Allowed, Halted, Decided, Completed]);
export type Entry = z.infer<typeof Entry>;

/** Which functions append each kind of entry. */
export const APPENDED_BY: Record<Entry['kind'], readonly SystemFunction[]> = {
  allowed: ['list-pending'],
  halted: ['halt'],
  decided: ['resume'],
  completed: ['record-completion', 'baseline'],
};

/** All of them together: a role or a policy knows keys, and not what is written there. */
export const APPENDERS: readonly SystemFunction[] = [...new Set(Object.values(APPENDED_BY).flat())];

/** Hexadecimal, of an object's body as it is stored. */
export const sha256 = (body: string): string => createHash('sha256').update(body).digest('hex');
