// What each decision does to a halt, in the words of every place that offers it: command line, notification, dashboard.
import type { Decision } from '../names/names.ts';
import { DECISIONS } from '../names/names.ts';
import type { HaltRecord } from '../ledger/records.ts';
import type { Command } from '../text/command.ts';

export interface Meaning {
  decision: Decision;
  /** Goes on from the decision's name: `retry` "runs it again". */
  meaning: string;
}

/** What the four decisions do to a halt with this outcome; what cannot be decided there says so. */
export const meanings = (outcome: HaltRecord['outcome']): Meaning[] =>
  DECISIONS.map((decision) => ({ decision, meaning: meaningOf(decision, outcome) }));

export function meaningOf(decision: Decision, outcome: HaltRecord['outcome']): string {
  return { ...MEANINGS, ...(outcome === 'unrecorded' && UNRECORDED) }[decision];
}

const MEANINGS: Record<Decision, string> = {
  retry: 'runs it again, as a new attempt, with the code that is deployed now',
  'mark-applied': 'records it as applied, because you made sure that its effect is there',
  skip: 'records it as skipped: it is not needed, and never runs',
  abort: 'ends this run as failed; the next run halts here again',
};

/** Its code succeeded, and only the completion is missing. */
const UNRECORDED = {
  retry: 'records its success now; nothing is run twice',
  'mark-applied': 'the same, and keeps your reason',
  skip: 'is refused here: it succeeded, and cannot be recorded as skipped',
};

export const needsReason = (decision: Decision): boolean => decision === 'mark-applied' || decision === 'skip';

/** What an operator types. Bound to one attempt's halt: sent late, it does not answer another. */
export const resumeCommand = (
  environment: string,
  decision: Decision,
  { migration, attempt }: { migration: string; attempt: number },
): Command => ({
  verb: 'resume',
  environment,
  args: [
    decision,
    `--migration ${migration} --attempt ${attempt}`,
    ...(needsReason(decision) ? ['--reason "..."'] : []),
  ],
});
