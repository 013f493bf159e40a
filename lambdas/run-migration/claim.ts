// Whether this invocation may run user code, and the claim that makes sure that no other does (docs/design.md §4, §7).
//
//   check the ledger ─▶ create the claim (If-None-Match) ─▶ check for decisions again ─▶ user code
//
// The second check closes the race with an operator: a decision is written and then claims are read (`decide` waits for
// a claim's deadline); a claim is written and then decisions are read. Whatever the order, one sees the other.
import { OdinError } from '../../core/errors.ts';
import type { AttemptIndex, Ledger } from '../../core/ledger/ledger.ts';
import type { RunPayload } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';

/** What a migration's function knows of itself, from its configuration. */
export interface Self {
  migration: string;
  /** The id before it in the manifest; undefined for the first. */
  predecessor: string | undefined;
  sourceSha256: string;
  codeSha256: string;
  /** How much clocks may differ: added to the deadline. */
  clockMarginMs: number;
  /** Ends each slice after this time, for practice; undefined: a slice lasts as long as the function may. */
  sliceMs: number | undefined;
}

export const subjectOf = (self: Self, { migration, attempt, execution, gitCommit }: RunPayload) => ({
  migration,
  attempt,
  execution,
  sourceSha256: self.sourceSha256,
  codeSha256: self.codeSha256,
  ...(gitCommit !== null && { gitCommit }),
});

/**
 * @returns `claimed` when this invocation, and no other ever, may run this slice's user code
 * @throws OdinError WrongMigration, PredecessorNotCompleted, AttemptNotAuthorised: nothing was claimed
 */
export async function claim(
  self: Self,
  { ledger, now, nonce, log }: Services,
  payload: RunPayload,
  invocation: Invocation,
): Promise<'claimed' | 'claimed elsewhere'> {
  if ((await authorise(self, ledger, payload, now())) === 'claimed elsewhere') return 'claimed elsewhere';

  const writer = { requestId: invocation.requestId, now };
  const subject = subjectOf(self, payload);
  const deadline = new Date(now() + invocation.remainingMs() + self.clockMarginMs).toISOString();
  const { created } = await ledger.createClaim(subject, writer, { slice: payload.slice, nonce: nonce(), deadline });
  if (!created) return 'claimed elsewhere';

  if ((await settled(ledger, payload)) === undefined) return 'claimed';
  // Decided or completed between the check and the claim. Saying so spares the run the wait for our deadline.
  const error = { name: 'FencedOut', message: 'An operator decided on this attempt before its code started.' };
  await ledger.createFinished(subject, writer, { outcome: 'failed', error, durationMs: 0, slices: payload.slice });
  log.warn(error.message);
  return 'claimed elsewhere';
}

async function authorise(
  self: Self,
  ledger: Ledger,
  payload: RunPayload,
  now: number,
): Promise<'go on' | 'claimed elsewhere'> {
  const { migration, attempt, slice } = payload;
  if (migration !== self.migration) {
    throw new OdinError({
      code: 'WrongMigration',
      source: 'system',
      what: `This function runs migration ${self.migration}; it was asked for ${migration}.`,
    });
  }
  const index = await settled(ledger, payload);
  if (index) return 'claimed elsewhere';

  if (self.predecessor !== undefined && (await ledger.completion(self.predecessor)) === undefined) {
    throw new OdinError({
      code: 'PredecessorNotCompleted',
      source: 'user',
      what: `Migration ${migration} runs only after ${self.predecessor}, which is not completed.`,
      next: 'Start the state machine: it runs what is pending in order.',
    });
  }
  const attempts = await ledger.attemptsOf(migration);
  if (attempt > 1) await assertRetryDecided(ledger, migration, attempts, attempt, now);

  const claimed = attempts.find((seen) => seen.attempt === attempt)?.slices ?? 0;
  if (slice <= claimed) return 'claimed elsewhere';
  if (slice > 1) await assertSliceStopped(ledger, payload, claimed);
  return 'go on';
}

/**
 * Why no code of this attempt may start any more: the migration is completed, the attempt has an outcome or a decision,
 * or a later attempt exists. Undefined when it may.
 */
async function settled(ledger: Ledger, { migration, attempt }: RunPayload): Promise<string | undefined> {
  if ((await ledger.completion(migration)) !== undefined) return 'completed';
  const attempts = await ledger.attemptsOf(migration);
  if (attempts.some((later) => later.attempt > attempt)) return 'later attempt';
  const index = attempts.find((seen) => seen.attempt === attempt);
  if (index?.finished) return 'finished';
  return index && index.halts > 0 ? 'decided' : undefined;
}

async function assertRetryDecided(
  ledger: Ledger,
  migration: string,
  attempts: readonly AttemptIndex[],
  attempt: number,
  now: number,
): Promise<void> {
  const before = attempts.find((seen) => seen.attempt === attempt - 1);
  const decided = await ledger.latestDecision(migration, before);
  if (decided?.decision !== 'retry') {
    throw notAuthorised(`attempt ${attempt} of ${migration}`, `no operator decided "retry" on attempt ${attempt - 1}`);
  }
  if (!before || before.finished) return;
  const running = await ledger.latestClaim(migration, before);
  if (running && Date.parse(running.deadline) > now) {
    throw notAuthorised(
      `attempt ${attempt} of ${migration}`,
      `attempt ${attempt - 1} may be running until ${running.deadline}`,
    );
  }
}

async function assertSliceStopped(ledger: Ledger, payload: RunPayload, claimed: number): Promise<void> {
  const { migration, attempt, slice } = payload;
  const checkpoint = await ledger.checkpoint(migration);
  const stopped = checkpoint?.attempt === attempt && checkpoint.slice === slice - 1 && checkpoint.stopped;
  if (claimed === slice - 1 && stopped) return;
  throw notAuthorised(
    `slice ${slice} of attempt ${attempt} of ${migration}`,
    `slice ${slice - 1} has not stopped at a checkpoint`,
  );
}

const notAuthorised = (subject: string, why: string): OdinError =>
  new OdinError({
    code: 'AttemptNotAuthorised',
    source: 'user',
    what: `Nothing authorised ${subject}: ${why}.`,
    next: 'Start the state machine instead of invoking this function by hand.',
  });
