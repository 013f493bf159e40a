// How long a run waits before it looks again, and why.
import type { Step } from '../../core/contract/payloads.ts';
import type { NextStep } from '../../core/decision/decide.ts';
import type { TurnState } from '../../core/ledger/fold.ts';
import type { Where } from '../../core/text/command.ts';
import { timeText } from '../../core/text/format.ts';

type Wait = Extract<NextStep, { step: 'wait' }>;

/** @param now epoch milliseconds, of the look that the wait was decided on */
export function waitStep(
  wait: Wait,
  { allowed }: TurnState,
  now: number,
  { local }: Where,
): Extract<Step, { step: 'wait' }> {
  const { migration, attempt } = allowed;
  const subject = `attempt ${attempt} of ${migration}`;
  const poll = pollSeconds(now - Date.parse(allowed.time));
  const until = (at: number, most: number, why: (time: string) => string): Extract<Step, { step: 'wait' }> => ({
    step: 'wait',
    seconds: Math.min(Math.max(Math.ceil((at - now) / 1000), 1), most),
    why: why(timeText(at)),
  });
  switch (wait.until) {
    case 'deadline':
      return until(wait.at, poll, (time) => `${subject} may be running until ${time}`);
    case 'other execution':
      return { step: 'wait', seconds: poll, why: `${subject} goes on in another execution, ${allowed.execution}` };
    case 'time':
      // So often somebody who cancels it meanwhile, and a deployment of other code, is noticed.
      return until(
        wait.at,
        local ? Math.min(poll, MAX_LOCAL_POLL_SECONDS) : poll,
        (time) => `${subject} goes on at ${time}, as its checkpoint says`,
      );
    case 'fewer requests':
      return until(
        wait.at,
        MAX_POLL_SECONDS,
        (time) => `S3 has slowed down ${subject}: it goes on at ${time}, with fewer batches at a time`,
      );
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
/** Where a look costs nothing, and somebody sits before it. */
const MAX_LOCAL_POLL_SECONDS = 10;
const DEPLOYMENT_POLL = 15;

/**
 * A tenth of the time that the other has been running, from 2 s to 5 min: a short one is noticed soon, and a long one
 * does not fill the execution's history (25,000 events; a poll costs about 10).
 */
const pollSeconds = (runningMs: number): number =>
  Math.min(Math.max(Math.round(runningMs / 10_000), MIN_POLL_SECONDS), MAX_POLL_SECONDS);
