// The audit trail: every record of the ledger as one line of what happened, oldest first.
import pMap from 'p-map';
import type { Decision } from '../names/names.ts';
import type { AttemptIndex, Ledger } from '../ledger/ledger.ts';
import { claimKey, unreadable } from '../ledger/ledger.ts';
import type {
  Cancellation,
  Claim,
  Completion,
  DecisionRecord,
  ErrorSummary,
  Finished,
  HaltRecord,
} from '../ledger/records.ts';

export type HistoryEvent = {
  /** ISO 8601. */
  time: string;
  migration: string;
  /** 0 for a baseline. */
  attempt: number;
  execution: string;
  requestId: string;
  gitCommit?: string;
} & (
  | { event: 'started' }
  | { event: 'slice'; slice: number }
  | { event: 'finished'; outcome: Finished['outcome']; error?: ErrorSummary; slices: number }
  | { event: 'halted'; halt: number; outcome: HaltRecord['outcome']; error?: ErrorSummary }
  | { event: 'cancelled'; by: string; reason?: string }
  | { event: 'decided'; halt: number; decision: Decision; by: string; reason?: string }
  | { event: 'completed'; completion: Completion['completion']; by?: string; reason?: string }
);

/**
 * @param migration only this one's
 * @throws OdinError RecordUnreadable, LedgerForbidden, LedgerUnavailable
 */
export async function readHistory(ledger: Ledger, migration?: string): Promise<HistoryEvent[]> {
  const attempts = await ledger.attempts(migration);
  const completed = await ledger.completedIds();
  const ids = [...new Set([...attempts.keys(), ...completed])].filter(
    (id) => migration === undefined || id === migration,
  );
  const perMigration = await pMap(ids.sort(), (id) => eventsOf(ledger, id, attempts.get(id) ?? [], completed.has(id)), {
    concurrency: READ_CONCURRENCY,
  });
  // Stable: what has the same time stays in the order of its migration's life.
  return perMigration.flat().sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

async function eventsOf(
  ledger: Ledger,
  id: string,
  attempts: readonly AttemptIndex[],
  isCompleted: boolean,
): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  // Only the latest halt's record is kept; of an earlier one its decision remains.
  const halt = attempts.length > 0 ? await ledger.halt(id) : undefined;
  for (const { attempt, slices, finished, cancelled, halts } of attempts) {
    for (let slice = 1; slice <= slices; slice += 1) {
      const claim = await ledger.claim(id, attempt, slice);
      // Each slice's claim follows the one before it. Whoever put a later one there did not write this ledger.
      if (!claim) throw unreadable(claimKey(id, attempt, slice), `it is missing, and slice ${slices} is there`);
      events.push(claimed(claim));
    }
    const cancellation = cancelled ? await ledger.cancellation(id, attempt) : undefined;
    if (cancellation) events.push(cancelledBy(cancellation));
    const outcome = finished ? await ledger.finished(id, attempt) : undefined;
    if (outcome) events.push(ended(outcome));
    if (halt?.attempt === attempt) events.push(halted(halt));
    for (let number = 1; number <= halts; number += 1) {
      const decision = await ledger.decision(id, attempt, number);
      if (decision) events.push(decided(decision));
    }
  }
  const completion = isCompleted ? await ledger.completion(id) : undefined;
  if (completion) events.push(completedBy(completion));
  return events;
}

const claimed = (claim: Claim): HistoryEvent =>
  claim.slice === 1 ? { ...common(claim), event: 'started' } : { ...common(claim), event: 'slice', slice: claim.slice };

const ended = (finished: Finished): HistoryEvent => ({
  ...common(finished),
  event: 'finished',
  outcome: finished.outcome,
  slices: finished.slices,
  ...(finished.error && { error: finished.error }),
});

const halted = (record: HaltRecord): HistoryEvent => ({
  ...common(record),
  time: record.waiting.map(({ since }) => since).sort()[0] ?? record.time,
  event: 'halted',
  halt: record.halt,
  outcome: record.outcome,
  ...(record.error && { error: record.error }),
});

const cancelledBy = (record: Cancellation): HistoryEvent => ({
  ...common(record),
  event: 'cancelled',
  by: record.by,
  ...(record.reason !== undefined && { reason: record.reason }),
});

const decided = (record: DecisionRecord): HistoryEvent => ({
  ...common(record),
  event: 'decided',
  halt: record.halt,
  decision: record.decision,
  by: record.by,
  ...(record.reason !== undefined && { reason: record.reason }),
});

const completedBy = (record: Completion): HistoryEvent => ({
  ...common(record),
  event: 'completed',
  completion: record.completion,
  ...(record.by !== undefined && { by: record.by }),
  ...(record.reason !== undefined && { reason: record.reason }),
});

const common = ({
  time,
  migration,
  attempt,
  execution,
  requestId,
  gitCommit,
}: Cancellation | Claim | Finished | HaltRecord | DecisionRecord | Completion) => ({
  time,
  migration,
  attempt,
  execution,
  requestId,
  ...(gitCommit !== undefined && { gitCommit }),
});

const READ_CONCURRENCY = 16;
