// The keys of a turn: its claim and its outcome, each created once (docs/design.md §4).
//
//   the function:     read the entry ─▶ create claim ─▶ user code ─▶ create outcome
//   whoever goes on:  no claim? create it as void    no outcome after the deadline? create it as unknown
//
// Whoever comes second finds the key, and decides anew from what stands there. Nothing that comes late can contradict it.
import * as z from '../schema.ts';
import type { BatchesLook } from './batches.ts';
import { hasBegun, listBatches, lookAtBatches, openIn } from './batches.ts';
import { ErrorSummary } from './error-records.ts';
import type { Store, StoredObject } from './store.ts';
import { StoredCheckpoint } from './checkpoints.ts';
import { Did, LeftOver, Reference, sha256 } from './entries.ts';
import { claimKey, outcomeKey } from './keys.ts';
import type { LogWriter } from './log.ts';
import type { Added, Taken, Turn } from './turn-records.ts';
import { readRecord, recordFields, takeKey } from './turn-records.ts';

/**
 * `claim.json`: user code of the turn starts in one invocation, or, when it is `void`, never. Of a turn of batches it is always `void`:
 * no batch begins any more, and those that have begun go on.
 */
export const Claim = z.object({
  ...recordFields,
  claim: z.enum(['claimed', 'void']),
  /** Of a void one: the function has this code, and the entry names another. Half of a deployment is there. */
  otherCodeSha256: z.optional(z.string()),
});
export type Claim = z.infer<typeof Claim>;

/** `outcome.json`: no user code of the turn runs any more. */
export const Outcome = z.object({
  ...recordFields,
  /** `stopped`: at a checkpoint. `unknown`: its deadline passed, and nobody said what became of it. */
  outcome: z.enum(['succeeded', 'failed', 'stopped', 'unknown']),
  error: z.optional(ErrorSummary),
  /** Wall time from the claim to the end of user code. */
  durationMs: z.optional(z.int().check(z.minimum(0))),
  /** Checkpoints that were made in the turn. */
  checkpoints: z.optional(z.int().check(z.minimum(0))),
  leftOver: z.optional(LeftOver),
  /** Of one that succeeded: what it had done in all its slices and attempts, as its last checkpoint says. */
  did: z.optional(Did),
  /** Of `stopped`: the checkpoint that the next slice goes on from. */
  stoppedAt: z.optional(StoredCheckpoint),
  /** Of a turn of batches: how many the plan has, and what became of them; `succeeded` in all turns until now. */
  batches: z.optional(
    z.object({
      of: z.int(),
      succeeded: z.int(),
      failed: z.int(),
      unknown: z.int(),
      left: z.int(),
      /** Of those that are left: S3 asked for fewer requests. Absent: none. */
      slowed: z.optional(z.int()),
      /** What each of those that failed said, and of which nobody knows: `failures.jsonl`. */
      failures: z.optional(Reference),
    }),
  ),
});
export type Outcome = z.infer<typeof Outcome>;

/** What is seen of a turn at one look. */
export type TurnLook =
  | { seen: 'unclaimed' }
  /** `at`: when it became so, by the store's clock. */
  | { seen: 'void'; claim: Claim; at: number; reference: Reference }
  /**
   * User code may run until `deadline`, in epoch milliseconds of the store's clock; 0 when all batches that began have ended.
   * `batches`: of a turn of batches, when each that began has an outcome.
   */
  | { seen: 'claimed'; deadline: number; batches?: BatchesLook | undefined }
  /**
   * `outcome` is undefined when what stands there cannot be read, and its deadline has passed: it is `unknown`. `at`: when it was put
   * there, by the store's clock.
   */
  | { seen: 'closed'; outcome: Outcome | undefined; at: number; reference: Reference };

/** More than the clocks of one store differ, and more than a function lives on after its timeout. */
export const DEADLINE_MARGIN_MS = 10_000;

/**
 * Looks at a turn: its outcome, and its claim when there is none that can be read.
 * @param now the store's time at the beginning of this look, in epoch milliseconds
 */
export async function lookAtTurn(store: Store, turn: Turn, now: number): Promise<TurnLook> {
  const outcome = await store.get(outcomeKey(turn));
  const readOutcome = outcome && readRecord(Outcome, outcome.body, turn);
  if (outcome && readOutcome) {
    return closedBy(turn, outcome, readOutcome);
  }
  const claim = await store.get(claimKey(turn));
  if (!claim) return { seen: 'unclaimed' };
  const readClaim = readRecord(Claim, claim.body, turn);
  const keys = turn.batches && (await listBatches(store, turn));
  // Thousands of outcomes say nothing of a turn of which one batch is still waited for.
  const waits = keys !== undefined && openIn(keys).length > 0;
  const batches = keys && !waits ? await lookAtBatches(store, turn, keys) : undefined;
  if (readClaim?.claim === 'void' && !waits && !(batches && hasBegun(batches))) {
    return {
      seen: 'void',
      claim: readClaim,
      at: claim.modified,
      reference: { key: claimKey(turn), sha256: sha256(claim.body) },
    };
  }
  // A claim that cannot be read, or that was made for another entry, is one all the same: user code may have started.
  const deadline = claim.modified + turn.timeoutMs + DEADLINE_MARGIN_MS;
  if (outcome && now > deadline) {
    return closedBy(turn, outcome, undefined);
  }
  // Where an outcome stands that cannot be read, no other one can be created before: it would be asked for again and again.
  const over = batches?.open.length === 0 && !outcome;
  return { seen: 'claimed', deadline: over ? 0 : deadline, batches };
}

const closedBy = (turn: Turn, { body, modified }: StoredObject, outcome: Outcome | undefined): TurnLook => ({
  seen: 'closed',
  outcome,
  at: modified,
  reference: { key: outcomeKey(turn), sha256: sha256(body) },
});

/** When the slice after one that stopped may begin, as its checkpoint says: epoch milliseconds. Undefined: at once. */
export function goesOnAt({ stoppedAt }: Pick<Outcome, 'stoppedAt'>): number | undefined {
  const { notBefore } = stoppedAt?.checkpoint ?? {};
  return notBefore === undefined ? undefined : Date.parse(notBefore);
}

export const takeClaim = (store: Store, turn: Turn, writer: LogWriter, content: Omit<Claim, Added>): Promise<Taken> =>
  takeKey(store, claimKey(turn), turn, writer, content);

export const takeOutcome = (
  store: Store,
  turn: Turn,
  writer: LogWriter,
  content: Omit<Outcome, Added>,
): Promise<Taken> => takeKey(store, outcomeKey(turn), turn, writer, content);

/** Who took the turn, for people who look for its log lines; undefined when nobody did, or when that cannot be read. */
export async function readClaim(store: Store, turn: Turn): Promise<Claim | undefined> {
  const stored = await store.get(claimKey(turn));
  return stored && readRecord(Claim, stored.body, turn);
}
