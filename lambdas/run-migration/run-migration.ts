// `Run migration`: the wrapper around a migration's file. Claims a slice, has its code run, writes its outcome.
import { OdinError } from '../../core/errors.ts';
import { progressOf, progressText } from '../../core/views/progress.ts';
import type { RunOutcome, RunPayload } from '../../core/contract/payloads.ts';
import type { CheckpointRecord, ErrorSummary } from '../../core/ledger/records.ts';
import { errorSummary } from '../../core/ledger/summaries.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import type { Self } from './claim.ts';
import { claim, subjectOf } from './claim.ts';
import type { RunUserCode, UserCodeEnd } from './user-code/supervise.ts';

/**
 * So long before the end of the function its code is ended, and its outcome is written: the end of a process takes a tenth of a
 * second, a write that has to be repeated a few. A slice that looks after its time has stopped by then (SAFETY_MS in supervise.ts).
 */
const NEARLY_OVER_MS = 4_000;

const untilNearlyOver = (remainingMs: number): number => remainingMs - Math.min(NEARLY_OVER_MS, remainingMs / 5);

/**
 * @param runUserCode called after the claim, because a module's top level is user code too. When it is over, nothing of its
 *   code runs any more: no write can follow the outcome
 * @throws OdinError MigrationFailed when user code failed: its outcome is in the ledger by then
 */
export function createRunMigration(self: Self, services: Services, runUserCode: RunUserCode) {
  const { ledger, log, now } = services;
  return async (payload: RunPayload, invocation: Invocation): Promise<RunOutcome> => {
    const { migration, attempt, slice } = payload;
    if ((await claim(self, services, payload, invocation)) === 'claimed elsewhere') {
      log.warn('Another invocation has this slice, or nothing is left of it to run: no code was started');
      return { outcome: 'claimed elsewhere', migration, attempt };
    }
    const subject = subjectOf(self, payload);
    const writer = { requestId: invocation.requestId, now };
    const from = now();
    const finish = (outcome: 'succeeded' | 'failed', error?: ErrorSummary) =>
      ledger.createFinished(subject, writer, {
        outcome,
        durationMs: Math.max(0, now() - from),
        slices: slice,
        error,
      });

    const runSlice = async (): Promise<Pick<UserCodeEnd, 'outcome'> & { error?: ErrorSummary }> => {
      const before = await ledger.checkpoint(migration);
      if (slice > 1) await assertNotCancelled(payload, before);
      const goesOn = before?.attempt === attempt ? before.began : undefined;
      const began = goesOn ?? { time: new Date(from).toISOString(), done: before?.done ?? 0 };
      let last = before;
      const end = await runUserCode({
        migration,
        attempt,
        slice,
        cursor: before?.cursor,
        sliceMs: Math.min(invocation.remainingMs(), self.sliceMs ?? Infinity),
        endAfterMs: untilNearlyOver(invocation.remainingMs()),
        save: async (checkpoint) => {
          last = await ledger.moveCheckpoint(subject, writer, last, { ...checkpoint, slice, began });
          const progress = progressOf(last);
          log.info(`Checkpoint ${last.sequence}: ${progressText(progress)}`, { ...progress, cursor: last.cursor });
          await assertNotCancelled(payload, last);
        },
      });
      if (end.outcome === 'stopped' && last) await ledger.stopAtCheckpoint(subject, writer, last);
      return end;
    };
    const { outcome, error } = await runSlice().catch((thrown: unknown) => ({
      outcome: 'threw' as const,
      error: errorSummary(thrown),
    }));
    if (error) {
      log.error(`Migration ${migration}, attempt ${attempt}, failed`, { error });
      // Should this write fail too, then the first error is the one to report; the ledger shows an unknown outcome.
      await finish('failed', error).catch((cause: unknown) => {
        log.error('The outcome could not be written to the ledger', { error: errorSummary(cause) });
      });
      throw new OdinError({
        code: 'MigrationFailed',
        source: 'user',
        what: `Migration ${migration}, attempt ${attempt}, failed: ${error.name}: ${error.message}`,
      });
    }
    if (outcome === 'stopped') return { outcome: 'more', migration, attempt };
    await finish('succeeded');
    return { outcome: 'finished', migration, attempt };
  };

  /** @throws OdinError Cancelled, which says who asked for it, and where it stops */
  async function assertNotCancelled(
    { migration, attempt }: RunPayload,
    checkpoint: CheckpointRecord | undefined,
  ): Promise<void> {
    const cancellation = await ledger.cancellation(migration, attempt);
    if (!cancellation) return;
    const { by, time, reason } = cancellation;
    const count = checkpoint === undefined ? '' : progressText(progressOf({ ...checkpoint, began: undefined }));
    throw new OdinError({
      code: 'Cancelled',
      source: 'user',
      what: `${by} asked for it to stop at ${time}${reason === undefined ? '.' : `: ${reason}.`}`,
      why: `It stopped at its checkpoint ${checkpoint?.sequence ?? 0}${count && `, ${count}`}; no code after that has run.`,
      next: 'A retry goes on from there.',
    });
  }
}
