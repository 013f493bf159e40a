// The decision of docs/design.md §5: what a run does next. Pure: no I/O, no clock, the same answer for the same situation.

import type { Decision } from '../names/names.ts';

/** The last attempt of one migration, as the ledger and Step Functions show it. */
export interface AttemptSeen {
  attempt: number;
  /** The latest claimed slice; absent when the attempt is known only by a decision on it. Times in epoch milliseconds. */
  claim?: { owner: 'this' | 'alive' | 'dead'; at: number; deadline: number };
  outcome?: 'succeeded' | 'failed';
  /** The latest decision; after an `abort` the attempt can halt, and be decided, again. */
  decision?: Decision;
  /** ARN of another live execution in which this attempt's halt is open, not yet decided. */
  haltOpenIn?: string;
  /**
   * The latest claimed slice, and when it stopped at a checkpoint; absent when it did not, or when a halt was opened since.
   * Nothing of the attempt runs, and nothing of it is unknown.
   */
  stopped?: { slice: number; at: number };
}

export interface Situation {
  /** Ids of the deployed migrations, ascending. */
  manifest: readonly string[];
  /** Ids with a completion, whether or not the manifest still has them. */
  completed: ReadonlySet<string>;
  /** Ids with any attempt and no completion, whether or not the manifest still has them. */
  attempted: ReadonlySet<string>;
  /** The last attempt of the first migration without a completion; absent when it has none. */
  last?: AttemptSeen;
  /** Attempts of other migrations that have no outcome: code that may run until its deadline. */
  unfinishedElsewhere: readonly { migration: string; attempt: number; deadline: number }[];
  allowOutOfOrder: boolean;
  /** Epoch milliseconds. */
  now: number;
}

export type NextStep =
  | { step: 'finished' }
  | { step: 'run'; migration: string; attempt: number; slice: number }
  | { step: 'record'; migration: string; attempt: number }
  | { step: 'wait'; migration: string; attempt: number; seconds: number; why: string }
  | { step: 'halt'; migration: string; attempt: number }
  | { step: 'refuse'; error: 'OutOfOrder'; late: string[]; highest: string }
  | { step: 'refuse'; error: 'HaltedElsewhere'; migration: string; attempt: number; execution: string };

/** The first migration of the manifest without a completion, or undefined when none is left. */
export const firstPending = (manifest: readonly string[], completed: ReadonlySet<string>): string | undefined =>
  manifest.find((id) => !completed.has(id));

/** One row of docs/design.md §5 after the other; the first that holds is the answer. */
export function decide(situation: Situation): NextStep {
  const { manifest, completed, last, now } = situation;
  const migration = firstPending(manifest, completed);
  if (migration === undefined) return { step: 'finished' };

  const late = lateArrivals(situation);
  if (late) return late;

  // Code of another migration may still run: of a higher number, or of one whose file is gone (invariant 2).
  const running = situation.unfinishedElsewhere.find((other) => other.deadline > now);
  if (running) return waitForDeadline(running.migration, running.attempt, running.deadline, now);

  if (!last) return { step: 'run', migration, attempt: 1, slice: 1 };
  const { attempt, claim, outcome, decision } = last;

  if (outcome === 'succeeded') return { step: 'record', migration, attempt };

  if (decision === 'mark-applied' || decision === 'skip' || decision === 'retry') {
    if (outcome === undefined && claim && claim.deadline > now) {
      return waitForDeadline(migration, attempt, claim.deadline, now);
    }
    return decision === 'retry'
      ? { step: 'run', migration, attempt: attempt + 1, slice: 1 }
      : { step: 'record', migration, attempt };
  }

  if (last.haltOpenIn !== undefined) {
    return { step: 'refuse', error: 'HaltedElsewhere', migration, attempt, execution: last.haltOpenIn };
  }
  if (outcome === undefined && decision === undefined && last.stopped) {
    const { slice, at } = last.stopped;
    if (claim?.owner !== 'alive') return { step: 'run', migration, attempt, slice: slice + 1 };
    const why = `attempt ${attempt} of ${migration} is between two slices in another execution`;
    return { step: 'wait', migration, attempt, seconds: pollSeconds(now - at), why };
  }
  if (outcome === undefined && claim) {
    // After its deadline a living owner does not run it: it waits for a decision that never reached it, say. To wait for
    // that would be for ever, and a halt here tells the operators.
    if (claim.owner !== 'dead' && claim.deadline > now) {
      const why = `attempt ${attempt} of ${migration} is running in ${claim.owner === 'this' ? 'this' : 'another'} execution`;
      return { step: 'wait', migration, attempt, seconds: pollSeconds(now - claim.at), why };
    }
  }
  return { step: 'halt', migration, attempt };
}

/**
 * Pending ids below one that was completed, or that was at least attempted: running them now would not be in order.
 */
function lateArrivals({ manifest, completed, attempted, allowOutOfOrder }: Situation): NextStep | undefined {
  if (allowOutOfOrder) return undefined;
  const highest = [...completed, ...attempted].reduce((max, id) => (id > max ? id : max), '');
  const late = manifest.filter((id) => !completed.has(id) && !attempted.has(id) && id < highest);
  return late.length > 0 ? { step: 'refuse', error: 'OutOfOrder', late, highest } : undefined;
}

function waitForDeadline(migration: string, attempt: number, deadline: number, now: number): NextStep {
  const left = Math.ceil((deadline - now) / 1000);
  const why = `attempt ${attempt} of ${migration} may be running until ${new Date(deadline).toISOString()}`;
  return { step: 'wait', migration, attempt, seconds: Math.min(left, MAX_POLL_SECONDS), why };
}

const MIN_POLL_SECONDS = 2;
const MAX_POLL_SECONDS = 300;

/**
 * A tenth of the time that the other has been running, from 2 s to 5 min: a short one is noticed soon, and a long one
 * does not fill the execution's history (25,000 events; a poll costs about 10).
 */
const pollSeconds = (runningMs: number): number =>
  Math.min(Math.max(Math.round(runningMs / 10_000), MIN_POLL_SECONDS), MAX_POLL_SECONDS);
