// How user code ended when it did not end by itself, in words: what happened, and what to do about it.
import type { ErrorSummary } from '../../../core/ledger/error-records.ts';
import { cut, MAX_SUMMARY } from '../../../core/ledger/summaries.ts';
import { LAMBDA_MOST } from '../../../core/names/lambda-limits.ts';

/** How a process went. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** It could not be started. */
  notStarted?: string | undefined;
  /** It closed the channel to its function, and had to be ended. */
  silent?: boolean | undefined;
  /** Its JavaScript heap was full. */
  heapFull?: boolean | undefined;
}

interface Ended {
  outcome: 'ended';
  error: ErrorSummary;
}

const ended = (name: string, message: string, stack?: string): Ended => ({
  outcome: 'ended',
  error: { name, message: cut(message, MAX_SUMMARY.message), stack },
});

const LESS_OR_MORE = `Work on less at a time, or raise its memoryMB (${LAMBDA_MOST.memoryMB} at most).`;

/** What is said of a process that is gone without having said how its code ended. */
export function gone({ code, signal, notStarted, silent, heapFull }: Exit): Ended {
  if (notStarted !== undefined) {
    return ended(
      'NotStarted',
      `No process could be started for its code: ${notStarted}. Nothing of it has run; a retry is safe.`,
    );
  }
  if (silent) return notUnderstood('it was closed');
  if (heapFull) return ended('OutOfMemory', `Its process had no memory left for its objects. ${LESS_OR_MORE}`);
  if (signal === 'SIGKILL') {
    return ended(
      'OutOfMemory',
      'Its process was killed (SIGKILL), and not by odin-migrate: the kernel does that when the memory of the function is ' +
        `used up. ${LESS_OR_MORE}`,
    );
  }
  if (signal !== null) {
    return ended(
      'Crashed',
      `Its process was ended by the signal ${signal}. Its log has what it printed last; mend that, deploy, and retry.`,
    );
  }
  return ended(
    'ProcessExited',
    `Its process ended with exit code ${code} before migration() had returned. ` +
      'Let migration() return or throw, and call process.exit nowhere; deploy, and retry.',
  );
}

export const crashed = (error: ErrorSummary): Ended =>
  ended(
    'Crashed',
    'An error that nothing caught, out of a timer, a listener or a promise that nobody awaits, ended its process: ' +
      `${error.name}: ${error.message}. Await all that it starts; deploy, and retry.`,
    error.stack,
  );

export const stuck = (): Ended =>
  ended(
    'NeverReturned',
    'migration() awaits something that can no longer happen: nothing is left in its process that could settle it. ' +
      'Look for a promise that is never resolved; deploy, and retry.',
  );

/** @param why after "what came was not understood:" */
export const notUnderstood = (why: string): Ended =>
  ended(
    'ChannelBroken',
    `Its process used the channel to its function (file descriptors 3 and 4), and what came was not understood: ${why}. ` +
      'Let it leave these descriptors alone; deploy, and retry.',
  );

export function outOfTime(ms: number, checkpointed: boolean): { outcome: 'out of time'; error: ErrorSummary } {
  const advice = checkpointed
    ? 'The step after its last checkpoint took too long: yield more often'
    : 'Make it checkpointed (an async generator), with its first checkpoint long before that';
  return {
    outcome: 'out of time',
    error: {
      name: 'OutOfTime',
      message:
        `Its code was still running after ${Math.round(ms / 1000)} s, when its function had to end it: it may be half done. ` +
        `${advice}, or raise its timeoutMinutes (15 at most): docs/migrations.md#longer-than-fifteen-minutes-checkpoints`,
    },
  };
}
