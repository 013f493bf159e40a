// The keys of a turn: its claim and its outcome, each created once (docs/design.md §4).
//
//   the function:     read the entry ─▶ create claim ─▶ user code ─▶ create outcome
//   whoever goes on:  no claim? create it as void    no outcome after the deadline? create it as unknown
//
// Whoever comes second finds the key, and decides anew from what stands there. Nothing that comes late can contradict it.
import * as z from '../schema.ts';
import { ErrorSummary } from './error-records.ts';
import type { Store } from './store.ts';
import type { Allowed, Reference } from './entries.ts';
import { StoredCheckpoint } from './checkpoints.ts';
import { LeftOver, LOG_FORMAT, sha256 } from './entries.ts';
import type { Numbered } from './fold.ts';
import { claimKey, outcomeKey } from './keys.ts';
import type { LogWriter } from './log.ts';

type Turn = Numbered<Allowed>;

const common = {
  format: z.literal(LOG_FORMAT),
  /** The entry that allows the turn. One that names another was not made for this turn. */
  entry: z.object({ number: z.int().check(z.minimum(1)), sha256: z.string() }),
  /** Of the writer's clock, for people. What counts is when the store says that the object was written. */
  time: z.iso.datetime(),
  nonce: z.string().check(z.minLength(1)),
  writer: z.object({
    function: z.string().check(z.minLength(1)),
    requestId: z.string().check(z.minLength(1)),
    version: z.string().check(z.minLength(1)),
  }),
};

/** `claim.json`: user code of the turn starts in one invocation, or, when it is `void`, never. */
export const Claim = z.object({
  ...common,
  claim: z.enum(['claimed', 'void']),
  /** Of a void one: the function has this code, and the entry names another. Half of a deployment is there. */
  otherCodeSha256: z.optional(z.string()),
});
export type Claim = z.infer<typeof Claim>;

/** `outcome.json`: no user code of the turn runs any more. */
export const Outcome = z.object({
  ...common,
  /** `stopped`: at a checkpoint. `unknown`: its deadline passed, and nobody said what became of it. */
  outcome: z.enum(['succeeded', 'failed', 'stopped', 'unknown']),
  error: z.optional(ErrorSummary),
  /** Wall time from the claim to the end of user code. */
  durationMs: z.optional(z.int().check(z.minimum(0))),
  /** Checkpoints that were made in the turn. */
  checkpoints: z.optional(z.int().check(z.minimum(0))),
  leftOver: z.optional(LeftOver),
  /** Of `stopped`: the checkpoint that the next slice goes on from. */
  stoppedAt: z.optional(StoredCheckpoint),
});
export type Outcome = z.infer<typeof Outcome>;

type Added = 'format' | 'entry' | 'time' | 'nonce' | 'writer';

/** What is seen of a turn at one look. */
export type TurnLook =
  | { seen: 'unclaimed' }
  /** `at`: when it became so, by the store's clock. */
  | { seen: 'void'; claim: Claim; at: number; reference: Reference }
  /** User code may run until `deadline`, in epoch milliseconds of the store's clock. */
  | { seen: 'claimed'; deadline: number }
  /** `outcome` is undefined when what stands there cannot be read, and its deadline has passed: it is `unknown`. */
  | { seen: 'closed'; outcome: Outcome | undefined; reference: Reference };

/** `mine`: the key is created, by this call. Else what stands there is to be looked at. */
export type Taken = { taken: 'mine'; reference: Reference } | { taken: 'by another' };

/** More than the clocks of one store differ, and more than a function lives on after its timeout. */
export const DEADLINE_MARGIN_MS = 10_000;

/**
 * Looks at a turn: its outcome, and its claim when there is none that can be read.
 * @param now the store's time at the beginning of this look, in epoch milliseconds
 */
export async function lookAtTurn(store: Store, turn: Turn, now: number): Promise<TurnLook> {
  const outcome = await store.get(outcomeKey(turn));
  const readOutcome = outcome && read(Outcome, outcome.body, turn);
  if (outcome && readOutcome) {
    return { seen: 'closed', outcome: readOutcome, reference: { key: outcomeKey(turn), sha256: sha256(outcome.body) } };
  }
  const claim = await store.get(claimKey(turn));
  if (!claim) return { seen: 'unclaimed' };
  const readClaim = read(Claim, claim.body, turn);
  if (readClaim?.claim === 'void') {
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
    return { seen: 'closed', outcome: undefined, reference: { key: outcomeKey(turn), sha256: sha256(outcome.body) } };
  }
  return { seen: 'claimed', deadline };
}

export const takeClaim = (store: Store, turn: Turn, writer: LogWriter, content: Omit<Claim, Added>): Promise<Taken> =>
  take(store, claimKey(turn), turn, writer, content);

export const takeOutcome = (
  store: Store,
  turn: Turn,
  writer: LogWriter,
  content: Omit<Outcome, Added>,
): Promise<Taken> => take(store, outcomeKey(turn), turn, writer, content);

async function take(store: Store, key: string, turn: Turn, writer: LogWriter, content: object): Promise<Taken> {
  const nonce = writer.nonce();
  const record = {
    format: LOG_FORMAT,
    entry: { number: turn.number, sha256: turn.sha256 },
    time: new Date(writer.now()).toISOString(),
    nonce,
    writer: { function: writer.function, requestId: writer.requestId, version: writer.version },
    ...content,
  };
  const body = `${JSON.stringify(record, undefined, 2)}\n`;
  const mine: Taken = { taken: 'mine', reference: { key, sha256: sha256(body) } };
  if ((await store.create(key, body)) !== 'exists') return mine;
  // The store repeats a request whose answer was lost: what stands there may be our own.
  return (await store.get(key))?.body === body ? mine : { taken: 'by another' };
}

/** Who took the turn, for people who look for its log lines; undefined when nobody did, or when that cannot be read. */
export async function readClaim(store: Store, turn: Turn): Promise<Claim | undefined> {
  const stored = await store.get(claimKey(turn));
  return stored && read(Claim, stored.body, turn);
}

/** Undefined when it is not JSON of this shape, or was made for another entry. */
function read<T extends Claim | Outcome>(schema: z.ZodMiniType<T>, body: string, turn: Turn): T | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined; // counts as claimed, and after the deadline as unknown
  }
  const { data } = schema.safeParse(json);
  return data?.entry.number === turn.number && data.entry.sha256 === turn.sha256 ? data : undefined;
}
