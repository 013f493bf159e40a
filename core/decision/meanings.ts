// What each decision does to a halt, in the words of every place that offers it: command line, notification, dashboard.
import type { Decision } from '../names/names.ts';
import { DECISIONS } from '../names/names.ts';
import type { HaltReason } from '../ledger/entries.ts';
import type { OdinCommand } from '../text/command.ts';

export interface Meaning {
  decision: Decision;
  /** Goes on from the decision's name: `retry` "runs it again". */
  meaning: string;
}

/** What can be decided on a halt for this reason, and what it does. Where all is known, nothing is marked or skipped. */
export const meanings = (reason: HaltReason): Meaning[] =>
  DECISIONS.filter((decision) => reason !== 'unrecorded' || !needsReason(decision)).map((decision) => ({
    decision,
    meaning: meaningOf(decision, reason),
  }));

export function meaningOf(decision: Decision, reason: HaltReason): string {
  return (reason === 'unrecorded' ? UNRECORDED : MEANINGS)[decision];
}

const MEANINGS: Record<Decision, string> = {
  retry: 'runs it again with the code that is deployed now, from its last checkpoint if it has one',
  'mark-applied': 'records it as applied, because you made sure that its effect is there',
  skip: 'records it as skipped: it is not needed, and never runs',
  abort: 'ends this run as failed; the next run halts here again',
};

/** What became of it is known, and only the completion is missing. */
const UNRECORDED: Record<Decision, string> = {
  ...MEANINGS,
  retry: 'records now what is known of it; nothing is run twice',
  'mark-applied': 'is refused if its code succeeded; else it is a retry: what was decided first stays',
  skip: 'is refused if its code succeeded; else it is a retry: what was decided first stays',
};

export const needsReason = (decision: Decision): boolean => decision === 'mark-applied' || decision === 'skip';

/** Whether a reason says anything: the `...` of a command that was pasted as it is does not. */
export const saysWhy = (reason = ''): boolean => /[\p{L}\p{N}]/u.test(reason);

/** What an operator types. Bound to one halt, by the number of its entry: sent late, it does not answer another. */
export const resumeCommand = (environment: string, decision: Decision, halt: number): OdinCommand => ({
  verb: 'resume',
  environment,
  args: [decision, `--halt ${halt}`, ...(needsReason(decision) ? ['--reason "..."'] : [])],
});
