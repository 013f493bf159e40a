// `cancel`: an operator asks the running checkpointed migration to stop at its next checkpoint. Its function looks for the
// record at every checkpoint, ends the attempt as failed, and the run halts.
import { OdinError } from '../../core/errors.ts';
import { codeOf } from '../../core/ledger/ledger.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { CancelAnswer, Cancelled, CancelPayload } from '../../core/contract/payloads.ts';
import type { Cancellation, Claim } from '../../core/ledger/records.ts';
import { stoppedAt } from '../../core/decision/situation.ts';
import { orRefusal } from '../shared/refusal.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';

/**
 * Safe to call again: the first one who asks for an attempt to stop is the one who is recorded.
 * Refuses with NothingRunning and NotCheckpointed; nothing is written then.
 */
export function createCancel({ environment, ledger, log, now }: Services, manifest: Manifest) {
  return ({ cancel: { by, reason = '' } }: CancelPayload, { requestId }: Invocation): Promise<CancelAnswer> =>
    orRefusal(log, async (): Promise<Cancelled> => {
      const claim = await running();
      const { migration, attempt, execution } = claim;
      if (!(await isCheckpointed(migration, attempt))) throw notCheckpointed(claim);
      const { created, record } = await ledger.createCancellation(
        { migration, attempt, execution, ...codeOf(claim) },
        { requestId, now },
        { by, ...(reason.trim() !== '' && { reason: reason.trim() }) },
      );
      if (created) log.info(`${by} asked attempt ${attempt} of ${migration} to stop at its next checkpoint`);
      return {
        result: created ? 'cancelled' : 'already',
        migration,
        attempt,
        by: record.by,
        time: record.time,
        ...(record.reason !== undefined && { reason: record.reason }),
        message: message(created, record),
      };
    });

  /** The claim of the slice that runs, or that was the last one to stop. Of several, as after a stopped run, the newest. */
  async function running(): Promise<Claim> {
    const attempts = await ledger.attempts();
    const completed = await ledger.completedIds();
    const found: Claim[] = [];
    for (const [migration, indexes] of attempts) {
      const index = indexes.at(-1);
      if (!index || index.finished || completed.has(migration)) continue;
      const claim = await ledger.latestClaim(migration, index);
      if (!claim) continue;
      const mayRun = Date.parse(claim.deadline) > now() || (await stoppedAt(ledger, migration, index)) !== undefined;
      if (mayRun) found.push(claim);
    }
    const newest = found.sort((a, b) => (a.time < b.time ? -1 : 1)).at(-1);
    if (newest) return newest;
    throw new OdinError({
      code: 'NothingRunning',
      source: 'user',
      what: `No migration of ${environment} is running, so there is nothing to cancel.`,
      why: 'A halt is answered with resume.',
      next: { words: 'See what there is', verb: 'status', environment },
    });
  }

  /** One whose file is not deployed any more is known by its checkpoints. */
  async function isCheckpointed(migration: string, attempt: number): Promise<boolean> {
    const entry = manifest.migrations.find(({ id }) => id === migration);
    return entry?.checkpointed ?? (await ledger.checkpoint(migration))?.attempt === attempt;
  }

  function notCheckpointed({ migration, attempt, deadline }: Claim): OdinError {
    return new OdinError({
      code: 'NotCheckpointed',
      source: 'user',
      what: `Migration ${migration}, attempt ${attempt}, yields no checkpoints, so it cannot be stopped in the middle.`,
      why: `Lambda ends it before ${deadline} at the latest, and the run halts then.`,
      next: { words: 'Wait for its outcome', verb: 'status', environment },
    });
  }
}

function message(created: boolean, { migration, attempt, by, time }: Cancellation): string {
  const asked = created ? 'Recorded' : `${by} had asked for it at ${time}`;
  return `${asked}: ${migration}, attempt ${attempt}, stops at its next checkpoint, and the run halts there. A retry goes on from it.`;
}
