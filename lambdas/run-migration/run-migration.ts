// `Run migration`: the wrapper around a migration's file. Claims a turn, has its code run, writes its outcome.
import { OdinError } from '../../core/errors.ts';
import { describeThrown } from '../../core/thrown.ts';
import { progressOf, progressText } from '../../core/views/progress.ts';
import type { RunAnswer, RunPayload } from '../../core/contract/payloads.ts';
import type { Invocation, LedgerServices } from '../../core/contract/ports.ts';
import type { CheckpointRecord, StoredCheckpoint } from '../../core/ledger/checkpoints.ts';
import { fencedOut, moveCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed, Did } from '../../core/ledger/entries.ts';
import type { LogWriter } from '../../core/ledger/log.ts';
import type { ErrorSummary } from '../../core/ledger/error-records.ts';
import { errorSummary } from '../../core/ledger/summaries.ts';
import { takeOutcome } from '../../core/ledger/turns.ts';
import { writerOf } from '../shared/writer.ts';
import type { AllowedTurn, Self } from './allowed-turn.ts';
import { claimAllowedTurn } from './allowed-turn.ts';
import { planRecorder } from './plan.ts';
import { untilNearlyOver } from './time.ts';
import type { RunUserCode, UserCodeEnd } from './user-code/supervise.ts';

/**
 * A checkpoint is two requests, and what has to be done again after a crash is what was done since the last one: a second of it
 * costs less than a write for each object of a migration that yields so often.
 */
const SAVE_EVERY_MS = 1_000;

interface Ended {
  end: UserCodeEnd;
  /** Of the checkpoints that it made. */
  last: StoredCheckpoint | undefined;
  /** By all slices and attempts until now. */
  did?: Did | undefined;
}

/**
 * @param runUserCode called after the claim, because a module's top level is user code too. When it is over, nothing of its
 *   code runs any more: no write can follow the outcome
 * @throws OdinError MigrationFailed when user code failed: its outcome is in the ledger by then, unless the log says that it
 *   could not be written; OutcomeNotWritten when it did not fail, and nobody knows. LedgerForbidden, LedgerUnavailable:
 *   nothing was run
 */
export function createRunMigration(self: Self, services: LedgerServices, runUserCode: RunUserCode) {
  const { ledger, log, now } = services;

  return async (payload: RunPayload, invocation: Invocation): Promise<RunAnswer> => {
    const { migration, attempt, slice, turn: number } = payload;
    const answer = (outcome: RunAnswer['outcome']): RunAnswer => ({ outcome, migration, attempt, slice, turn: number });
    const writer = writerOf(services, self.migration, invocation);
    // Taken before the claim: the store's time of the claim, from which others count, is later.
    const asked = now();
    const claimed = await claimAllowedTurn(self, ledger, payload, writer);
    if (claimed === 'claimed elsewhere') {
      log.warn('Another invocation has this turn, or it is void: no code was started');
      return answer('claimed elsewhere');
    }
    const { turn } = claimed;
    // The function may have a longer timeout by now than its entry says: others go by the entry.
    const remainingMs = Math.min(invocation.remainingMs(), turn.timeoutMs - (now() - asked));
    const from = now();
    const { end, last, did } = await runTurn(claimed, writer, remainingMs);
    const { error, leftOver } = end;
    if (error) log.error(`Migration ${migration}, attempt ${attempt}, failed`, { error });
    const failure = error && failed(turn, error);
    const { taken } = await takeOutcome(ledger.store, turn, writer, {
      outcome: end.outcome === 'finished' ? 'succeeded' : end.outcome === 'stopped' ? 'stopped' : 'failed',
      error,
      durationMs: Math.max(0, now() - from),
      checkpoints: end.checkpoints,
      leftOver,
      did: end.outcome === 'finished' ? did : undefined,
      stoppedAt: end.outcome === 'stopped' ? last : undefined,
    }).catch((cause: unknown) => {
      log.error('The outcome could not be written: nobody knows what became of this turn', { cause });
      throw failure ?? outcomeNotWritten(`Migration ${migration}`, turn, cause);
    });
    if (taken === 'by another') {
      log.error('The outcome came after the deadline: the run has gone on without it, and a person decides');
      return answer('claimed elsewhere');
    }
    if (failure) throw failure;
    return answer(end.outcome === 'stopped' ? 'more' : 'finished');
  };

  /** @param remainingMs until others may take it that no code of the turn runs any more */
  async function runTurn(
    { turn, checkpoint, waiting }: AllowedTurn,
    writer: LogWriter,
    remainingMs: number,
  ): Promise<Ended> {
    if (waiting) return { end: { outcome: 'stopped', checkpoints: 0 }, last: waiting };
    const { migration, attempt, slice, begin } = turn;
    let last: StoredCheckpoint | undefined;
    const before = begin === 'checkpoint' ? checkpoint?.checkpoint : undefined;
    const goesOn = before?.attempt === attempt ? before.began : undefined;
    const began = goesOn ?? { time: new Date(now()).toISOString(), done: before?.done ?? 0 };
    let next = turn.number + 1;
    let isOver = false;
    /**
     * Looks at what came to the log since: a halt, which is opened when its answer is lost, or the cancellation.
     * @throws OdinError FencedOut when another turn is allowed: then this one has ended for everybody else
     */
    const isCancelled = async (): Promise<boolean> => {
      for (;;) {
        const entry = await ledger.log.entry(next);
        if (!entry) return false;
        next += 1;
        if (entry.kind === 'allowed') throw fencedOut(turn);
        if (entry.kind === 'decided' && entry.decision === 'cancel') return true;
      }
    };
    const plan = planRecorder(ledger.store, turn, writer, before?.plan);
    const ended: UserCodeEnd = await runUserCode({
      migration,
      attempt,
      slice,
      cursor: before?.cursor,
      sliceMs: Math.min(remainingMs, self.sliceMs ?? Infinity),
      endAfterMs: untilNearlyOver(remainingMs),
      saveEveryMs: self.saveEveryMs ?? SAVE_EVERY_MS,
      save: async (made) => {
        if (made.batches) await plan.add(made.batches);
        // Its code was ended meanwhile: a function that is thawed after its outcome would move the checkpoint.
        if (isOver) throw fencedOut(turn);
        const notBefore = made.notBefore === undefined ? undefined : new Date(made.notBefore).toISOString();
        const next = { ...pick(made), began, plan: plan.recorded(), notBefore };
        last = await moveCheckpoint(ledger.store, turn, last ?? checkpoint, next, now());
        const progress = progressOf(last.checkpoint);
        log.info(`Checkpoint ${last.checkpoint.sequence}: ${progressText(progress)}`, {
          ...progress,
          cursor: last.checkpoint.cursor,
        });
        // Whether its time has come is seen by `list-pending`, which goes by the store's clock.
        return notBefore !== undefined || (await isCancelled()) ? 'stop' : 'go on';
      },
    }).catch((thrown: unknown): UserCodeEnd => ({ outcome: 'threw', error: errorSummary(thrown), checkpoints: 0 }));
    isOver = true;
    const at = last?.checkpoint ?? before;
    if (ended.outcome !== 'finished' || !at || plan.batches() === 0) return { end: ended, last, did: at && didOf(at) };
    try {
      const sealed = { ...pick(at), began, plan: plan.sealed() };
      last = await moveCheckpoint(ledger.store, turn, last ?? checkpoint, sealed, now());
      log.info(`The plan is sealed: ${plan.batches()} batches`);
      // What comes next are the batches, in a turn of theirs.
      return { end: { ...ended, outcome: 'stopped' }, last };
    } catch (thrown) {
      return { end: { outcome: 'threw', error: errorSummary(thrown), checkpoints: ended.checkpoints }, last };
    }
  }
}

/** Undefined when it counted nothing and said nothing. */
const didOf = ({ done, total, note }: CheckpointRecord): Did | undefined =>
  done === undefined && note === undefined ? undefined : { done, total, note };

const pick = ({ cursor, done, total, note }: Pick<CheckpointRecord, 'cursor' | 'done' | 'total' | 'note'>) => ({
  cursor,
  done,
  total,
  note,
});

/**
 * The machine tries the ledger's own errors again: they prove that no code has run. This one does not.
 * @param whose `Migration 0004`
 */
export const outcomeNotWritten = (whose: string, { attempt }: Allowed, cause: unknown): OdinError =>
  new OdinError({
    code: 'OutcomeNotWritten',
    source: 'system',
    what: `${whose}, attempt ${attempt}, came to an end, and what became of it could not be written: ${describeThrown(cause)}`,
    cause,
  });

const failed = ({ migration, attempt }: Allowed, { name, message }: ErrorSummary): OdinError =>
  new OdinError({
    code: 'MigrationFailed',
    source: 'user',
    what: `Migration ${migration}, attempt ${attempt}, failed: ${name}: ${message}`,
  });
