// `Run batch`: one batch of a parallel migration, in an invocation of its own. Many run at the same time (docs/design.md §4).
//
//   read the entry ─▶ closed? ─▶ create the batch's claim ─▶ closed? ─▶ user code ─▶ create the batch's outcome
import type { BatchAnswer, BatchPayload } from '../../core/contract/payloads.ts';
import type { Invocation, LedgerServices } from '../../core/contract/ports.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { claimBatch, endBatch, listBatches, markBatch, readItems } from '../../core/ledger/batches.ts';
import { claimKey } from '../../core/ledger/keys.ts';
import { errorSummary } from '../../core/ledger/summaries.ts';
import { takeClaim } from '../../core/ledger/turns.ts';
import { writerOf } from '../shared/writer.ts';
import type { Self, TurnOfBatches } from './allowed-turn.ts';
import { allowedBatch } from './allowed-turn.ts';
import { outcomeNotWritten } from './run-migration.ts';
import { untilNearlyOver } from './time.ts';
import type { RunUserCode, UserCodeEnd } from './user-code/supervise.ts';

/** Of what the helpers throw when S3 asks for fewer requests, and nothing else was wrong: so its code says that it may be run again. */
const SLOWED_DOWN: ErrorCode = 'SlowedDown';

/**
 * A batch that failed closes its turn, if more have failed by now than the turn tolerates: no further one begins. So does one that S3 has
 * slowed down: the next turn runs it again, with fewer at a time.
 * @throws OdinError LedgerForbidden, LedgerUnavailable: nothing was run; OutcomeNotWritten: nobody knows
 */
export function createRunBatch(self: Self, services: LedgerServices, runUserCode: RunUserCode) {
  const { ledger, log, now } = services;
  const { store } = ledger;

  return async (payload: BatchPayload, invocation: Invocation): Promise<BatchAnswer> => {
    const { batch } = payload;
    const writer = writerOf(services, self.migration, invocation);
    const notBegun: BatchAnswer = { batch, outcome: 'not begun' };
    // Taken before the claims: the store's time of the one that closes the turn, from which others count, is later.
    const asked = now();
    const turn = await allowedBatch(self, ledger, payload);
    if (turn.codeSha256 !== self.codeSha256) {
      await takeClaim(store, turn, writer, { claim: 'void', otherCodeSha256: self.codeSha256 });
      return notBegun;
    }
    // Before its claim, which would have to be looked at: of thousands most end here when one has failed.
    if (await isClosed(turn)) return notBegun;
    if (await isCancelled(turn)) {
      await takeClaim(store, turn, writer, { claim: 'void' });
      return notBegun;
    }
    const { taken } = await claimBatch(store, turn, writer, batch);
    if (taken !== 'mine') {
      log.warn(`Another invocation has batch ${batch}: no code was started`);
      return notBegun;
    }
    if (await isClosed(turn)) {
      await endBatch(store, turn, writer, batch, { outcome: 'not-begun' });
      await markBatch(store, turn, writer, batch, 'later');
      return notBegun;
    }
    const from = now();
    const end = await runBatch(turn, batch, Math.min(invocation.remainingMs(), turn.timeoutMs - (from - asked)));
    const { error, leftOver } = end;
    const slowed = end.outcome === 'threw' && end.error.name === SLOWED_DOWN;
    const outcome = slowed ? ('slowed-down' as const) : error ? ('failed' as const) : ('succeeded' as const);
    const whose = `Batch ${batch} of ${turn.migration}, attempt ${turn.attempt},`;
    if (slowed) log.warn(`${whose} was slowed down by S3, and is run again later`, { error });
    else if (error) log.error(`${whose} failed`, { error });
    const content = { outcome, error, durationMs: Math.max(0, now() - from), leftOver };
    await endBatch(store, turn, writer, batch, content).catch((cause: unknown) => {
      throw outcomeNotWritten(`Batch ${batch} of ${turn.migration}`, turn, cause);
    });
    if (error) {
      await markBatch(store, turn, writer, batch, slowed ? 'later' : 'failed');
      if (slowed || (await tooManyFailed(turn))) await takeClaim(store, turn, writer, { claim: 'void' });
    }
    return { batch, outcome: outcome === 'slowed-down' ? 'slowed down' : outcome };
  };

  /** Of those that fail at the same time, the last one to look sees all. */
  async function tooManyFailed(turn: TurnOfBatches): Promise<boolean> {
    const { tolerated = 0 } = turn.batches;
    return tolerated === 0 || (await listBatches(store, turn)).failed.length > tolerated;
  }

  /** Whoever closes a turn creates its claim: then no batch of it begins any more, whatever stands there. */
  async function isClosed(turn: TurnOfBatches): Promise<boolean> {
    return (await store.get(claimKey(turn))) !== undefined;
  }

  async function isCancelled({ number }: TurnOfBatches): Promise<boolean> {
    for (let next = number + 1; ; next += 1) {
      const entry = await ledger.log.entry(next);
      if (!entry) return false;
      if (entry.kind === 'decided' && entry.decision === 'cancel') return true;
    }
  }

  /** What it is made of is read after its claim: what is wrong with that is a failure of the batch. */
  async function runBatch(turn: TurnOfBatches, number: number, remainingMs: number): Promise<UserCodeEnd> {
    const { migration, attempt, slice, batches } = turn;
    try {
      const items = await readItems(store, migration, batches.plan, number);
      return await runUserCode({
        migration,
        attempt,
        slice,
        cursor: undefined,
        batch: { items, number, of: batches.of },
        sliceMs: remainingMs,
        endAfterMs: untilNearlyOver(remainingMs),
        saveEveryMs: Infinity,
        save: () => Promise.resolve('go on'), // a batch has no checkpoints: its code is an async function
      });
    } catch (thrown) {
      return { outcome: 'threw', error: errorSummary(thrown), checkpoints: 0 };
    }
  }
}
