// `Record completion`: writes that a migration is done with, from what the ledger holds and not from what it was told.
import { OdinError } from '../../core/errors.ts';
import { codeOf } from '../../core/ledger/ledger.ts';
import type { Completion } from '../../core/ledger/records.ts';
import type { RecordPayload } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';

/**
 * Idempotent: a completion that stands already is success (docs/design.md §6).
 * @throws OdinError NothingToRecord when neither user code returned nor an operator said so (docs/design.md §7, invariant 4)
 */
export function createRecordCompletion({ ledger, log, now }: Services) {
  return async (
    { migration, attempt, execution }: RecordPayload,
    { requestId }: Invocation,
  ): Promise<{ migration: string; completion: Completion['completion'] }> => {
    const what = await whatToRecord(migration, attempt);
    const claim = await ledger.claim(migration, attempt, 1);
    const { created, record } = await ledger.createCompletion(
      { migration, attempt, execution, ...codeOf(claim) },
      { requestId, now },
      { ...what, ...(claim && { startedAt: claim.time }) },
    );
    if (created) log.info(`Completed ${migration}: ${record.completion}`);
    else log.info(`${migration} was completed before, at ${record.time}: ${record.completion}`);
    return { migration, completion: record.completion };
  };

  async function whatToRecord(
    migration: string,
    attempt: number,
  ): Promise<Pick<Completion, 'completion' | 'reason' | 'by' | 'finishedAt'>> {
    const finished = await ledger.finished(migration, attempt);
    if (finished?.outcome === 'succeeded') return { completion: 'applied', finishedAt: finished.time };

    const index = (await ledger.attemptsOf(migration)).find((seen) => seen.attempt === attempt);
    const decided = await ledger.latestDecision(migration, index);
    if (decided?.decision === 'mark-applied' || decided?.decision === 'skip') {
      return {
        completion: decided.decision === 'skip' ? 'skipped' : 'marked-applied',
        by: decided.by,
        finishedAt: decided.time,
        ...(decided.reason !== undefined && { reason: decided.reason }),
      };
    }
    throw new OdinError({
      code: 'NothingToRecord',
      source: 'system',
      what: `Attempt ${attempt} of ${migration} did not succeed, and no operator marked it applied or skipped it.`,
      why: 'A completion exists only if user code returned, or an operator said so.',
    });
  }
}
