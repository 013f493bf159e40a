// How long a run waits before it looks again, and why.
import type { Step } from '../../core/contract/payloads.ts';
import type { NextStep } from '../../core/decision/decide.ts';
import type { TurnState } from '../../core/ledger/fold.ts';

type Wait = Extract<NextStep, { step: 'wait' }>;

/** @param now epoch milliseconds, of the look that the wait was decided on */
export function waitStep(wait: Wait, { allowed }: TurnState, now: number): Extract<Step, { step: 'wait' }> {
  const { migration, attempt } = allowed;
  const subject = `attempt ${attempt} of ${migration}`;
  const poll = pollSeconds(now - Date.parse(allowed.time));
  switch (wait.until) {
    case 'deadline': {
      const left = Math.max(Math.ceil((wait.at - now) / 1000), 1);
      const why = `${subject} may be running until ${new Date(wait.at).toISOString()}`;
      return { step: 'wait', seconds: Math.min(left, poll), why };
    }
    case 'other execution':
      return { step: 'wait', seconds: poll, why: `${subject} goes on in another execution, ${allowed.execution}` };
    case 'deployment':
      return {
        step: 'wait',
        seconds: DEPLOYMENT_POLL,
        why: `half of a deployment is there: ${migration} waits for the rest`,
      };
  }
}

/** Of an execution that has begun with a definition of before. */
export const beginsOld = (definition: number): Extract<Step, { step: 'wait' }> => ({
  step: 'wait',
  seconds: DEPLOYMENT_POLL,
  why: `half of a deployment is there: the state machine still begins with its definition ${definition}`,
});

const MIN_POLL_SECONDS = 2;
const MAX_POLL_SECONDS = 300;
const DEPLOYMENT_POLL = 15;

/**
 * A tenth of the time that the other has been running, from 2 s to 5 min: a short one is noticed soon, and a long one
 * does not fill the execution's history (25,000 events; a poll costs about 10).
 */
const pollSeconds = (runningMs: number): number =>
  Math.min(Math.max(Math.round(runningMs / 10_000), MIN_POLL_SECONDS), MAX_POLL_SECONDS);
