// `Run migration`: the wrapper around a migration's file. Claims a slice, runs user code, writes its outcome.
import { OdinError } from '../../core/errors.ts';
import { progressOf, progressText } from '../../core/views/progress.ts';
import type { RunOutcome, RunPayload } from '../../core/contract/payloads.ts';
import type { CheckpointRecord } from '../../core/ledger/records.ts';
import { errorSummary } from '../../core/ledger/summaries.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import type { Self } from './claim.ts';
import { claim, subjectOf } from './claim.ts';
import { drive } from './drive.ts';
import type { LoadMigration } from './user-module.ts';

/**
 * So long before the end of the function it is noted that its code is still running. A slice that looks after its time has
 * stopped by then (SAFETY_MS in drive.ts).
 */
const NEARLY_OVER_MS = 4_000;

const untilNearlyOver = (remainingMs: number): number => remainingMs - Math.min(NEARLY_OVER_MS, remainingMs / 5);

/**
 * @param load evaluates the migration's file; called after the claim, because a module's top level is user code too,
 *   and because Lambda may run an init phase twice (docs/aws-facts.md)
 * @throws OdinError MigrationFailed when user code threw: its outcome is in the ledger by then
 */
export function createRunMigration(self: Self, services: Services, load: LoadMigration) {
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
    const finish = (outcome: 'succeeded' | 'failed', thrown?: unknown) =>
      ledger.createFinished(subject, writer, {
        outcome,
        durationMs: Math.max(0, now() - from),
        slices: slice,
        ...(outcome === 'failed' && { error: errorSummary(thrown) }),
      });
    const sliceMs = Math.min(invocation.remainingMs(), self.sliceMs ?? Infinity);

    const outOfTime = services.after(untilNearlyOver(invocation.remainingMs()), () => {
      log.warn('Its code is still running, and Lambda is about to end it: it may be half done');
      const running = { slice, durationMs: Math.max(0, now() - from) };
      ledger.createOutOfTime(subject, writer, running).catch((cause: unknown) => {
        log.error('That its time was over could not be written to the ledger', { error: errorSummary(cause) });
      });
    });

    let result: 'finished' | 'more';
    try {
      const checkpoint = await ledger.checkpoint(migration);
      if (slice > 1) await assertNotCancelled(payload, checkpoint);
      const goesOn = checkpoint?.attempt === attempt ? checkpoint.began : undefined;
      const began = goesOn ?? { time: new Date(from).toISOString(), done: checkpoint?.done ?? 0 };
      result = await drive(await load(payload), {
        checkpoint,
        save: async (previous, next) => {
          const content = { ...next, cursor: next.cursor as never, slice, began };
          const saved = await ledger.moveCheckpoint(subject, writer, previous, content);
          const progress = progressOf(saved);
          log.info(`Checkpoint ${saved.sequence}: ${progressText(progress)}`, { ...progress, cursor: next.cursor });
          await assertNotCancelled(payload, saved);
          return saved;
        },
        stop: (last) => ledger.stopAtCheckpoint(subject, writer, last),
        remainingMs: () => from + sliceMs - now(),
        now,
      });
    } catch (thrown) {
      const error = errorSummary(thrown);
      log.error(`Migration ${migration}, attempt ${attempt}, failed`, { error });
      // Should this write fail too, then the first error is the one to report; the ledger shows an unknown outcome.
      await finish('failed', thrown).catch((cause: unknown) => {
        log.error('The outcome could not be written to the ledger', { error: errorSummary(cause) });
      });
      throw new OdinError({
        code: 'MigrationFailed',
        source: 'user',
        what: `Migration ${migration}, attempt ${attempt}, failed: ${error.name}: ${error.message}`,
        cause: thrown,
      });
    } finally {
      outOfTime();
    }
    if (result === 'more') return { outcome: 'more', migration, attempt };
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
