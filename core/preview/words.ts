// How a preview is worded, in the terminal and on the dashboard. It holds other people's text: whoever shows it escapes it.
import { bytesText, countText, duration, numberOf } from '../text/format.ts';
import { leftOverText } from '../views/words.ts';
import type { CallGroup, Occurrence, Previewed } from './preview.ts';

/** The headings of a `CallRow`'s columns, from the second on. */
export const CALL_HEADINGS = ['Call', 'Calls', 'Items', 'Size', 'Target'] as const;

/** The sentence after every preview. */
export const NOTHING_CHANGED = 'Nothing was changed: what is marked WRITE was held back.';

/** Calls of one kind, together; empty where there is nothing to say. */
export interface CallRow {
  sent: boolean;
  /** `PutObject`, `DynamoDB PutItem` */
  call: string;
  calls: string;
  items: string;
  size: string;
  /** Of several objects the folder that they have in common. */
  target: string;
}

/** The held-back writes, then the reads. */
export const callRows = (calls: readonly CallGroup[]): CallRow[] =>
  [...calls.filter(({ sent }) => !sent), ...calls.filter(({ sent }) => sent)].map(callRow);

function callRow({ sent, service, operation, calls, items, bytes, unsized, target }: CallGroup): CallRow {
  const size = unsized === 0 ? bytesText(bytes) : bytes === 0 ? 'not known' : `over ${bytesText(bytes)}`;
  return {
    sent,
    call: service === 'S3' ? operation : `${service} ${operation}`,
    calls: countText(calls),
    items: sent ? '' : countText(items),
    size: sent || (bytes === 0 && unsized === 0) ? '' : size,
    target: calls > 1 || items > 1 ? target.slice(0, target.lastIndexOf('/') + 1) || target : target,
  };
}

/** How a preview comes to an end before its code does. */
export interface TimeLimit {
  /** At a checkpoint: `stopped by --limit` */
  stopped: string;
  /** Before one, to be followed by `after 20.0 s`: `the function's time was over` */
  cutOff: string;
}

/** How it ended, when, and how much of the whole that was. */
export function endText(
  { outcome, durationMs, checkpoints, slices, checkpoint, share }: Previewed,
  { stopped, cutOff }: TimeLimit,
): string {
  const took = duration(durationMs);
  const through = checkpoints > 0 ? `, ${numberOf(checkpoints, 'checkpoint')} in ${numberOf(slices, 'slice')}` : '';
  switch (outcome) {
    case 'finished':
      return `it would run to its end; the preview took ${took}${through}`;
    case 'more': {
      const { done, total } = checkpoint ?? {};
      const of = total === undefined ? '' : ` of ${countText(total)}`;
      const seen = done === undefined ? '' : ` at ${countText(done)}${of}`;
      const whole =
        share === undefined
          ? ''
          : `; the whole would be ${share.toFixed(1)} times this, ${duration(durationMs * share)} and its writes`;
      return `${stopped}${seen}, after ${took}${through}${whole}`;
    }
    case 'threw':
      return `it threw after ${took}${through}`;
    case 'cut off':
      return `${cutOff} after ${took}, before ${checkpoints > 0 ? 'the next' : 'a'} checkpoint${through}`;
    case 'ended':
      return `its process ended after ${took}${through}`;
  }
}

/**
 * What may be otherwise in a run.
 * @param isFirst whether no migration is pending before it
 */
export const caveats = ({ simulated, stale, refused, slices, leftOver }: Previewed, isFirst: boolean): string[] => [
  ...stale.map(({ what, target, count }) => `${what} of ${target} (${count}×) did not see an earlier write`),
  ...refused.map(({ what, target, count }) => `it was not let ${what}: ${target} (${count}×)`),
  ...(leftOver ? [leftOverText(leftOver)] : []),
  ...(simulated.length > 0 ? [`${sum(simulated)} reads were answered as if its own writes had been made`] : []),
  ...(slices > 1 ? ['each slice saw the data without the writes of the slices before it'] : []),
  ...(isFirst ? [] : ['it saw the data without what the migrations before it would change']),
];

const sum = (occurrences: readonly Occurrence[]): string =>
  countText(occurrences.reduce((total, { count }) => total + count, 0));
