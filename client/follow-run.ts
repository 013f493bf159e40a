// Follows a run to its end, or to the halt at which nobody decides here.
import type { ChangedFile } from '../core/contract/events.ts';
import { changedIn } from '../core/contract/payloads.ts';
import type { OpenHalt } from '../core/views/view.ts';
import type { Deployment } from './deployment.ts';
import type { RunEvent, Told } from './run-events.ts';
import { runEvents } from './run-events.ts';

export interface FollowedRun {
  deployment: Deployment;
  executionArn: string;
  told: Told;
  pollMs: number;
  /** Told of each event, in order, and waited for. */
  onEvent: (event: RunEvent) => void | Promise<void>;
  /** Called at each halt. True means that it was decided: the run is followed on. */
  onHalt: (halt: OpenHalt) => Promise<boolean>;
}

/** How it came out. `execution`: the ARN of the last execution of the run, others having handed over to it. */
export type RunEnd = { execution: string } &
  /** @property changed files that are not those which were run under their numbers, and did not run */
  (
    | { outcome: 'done'; changed: ChangedFile[] }
    | { outcome: 'halted'; halt: OpenHalt }
    /** @property error the refusal's or the failed function's code, or Step Functions' status; `cause` is absent when none was given */
    | { outcome: 'ended'; status: string; error: string; cause?: string | undefined }
  );

export async function followRun(run: FollowedRun): Promise<RunEnd> {
  let execution = run.executionArn;
  for await (const event of runEvents(run.deployment, execution, run.told, run.pollMs)) {
    await run.onEvent(event);
    if (event.event === 'handed over') execution = event.execution;
    if (event.event === 'halted') {
      const { halt } = event;
      if (!(await run.onHalt(halt))) return { execution, outcome: 'halted', halt };
    }
    if (event.event === 'ended') return { execution, ...ended(event) };
  }
  return { execution, outcome: 'ended', status: 'UNKNOWN', error: 'UNKNOWN' };
}

function ended({ status, error, cause, output }: Extract<RunEvent, { event: 'ended' }>) {
  if (status === 'SUCCEEDED') return { outcome: 'done' as const, changed: changedIn(output) };
  return { outcome: 'ended' as const, status, error: error || status, cause: cause && messageOf(cause) };
}

/** A failed function's cause is JSON with an errorMessage; a refusal's is the sentence itself. */
function messageOf(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : cause;
  } catch {
    return cause;
  }
}
