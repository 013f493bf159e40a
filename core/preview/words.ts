// How a preview is worded, in the terminal and on the dashboard. It holds other people's text: whoever shows it escapes it.
import { bytesText, countText, duration, idsText, numberOf } from '../text/format.ts';
import { leftOverText } from '../views/words.ts';
import type { CallGroup, Occurrence, PendingBefore, Previewed } from './preview.ts';

/** The headings of a `CallRow`'s columns, from the second on. */
export const CALL_HEADINGS = ['Call', 'Calls', 'Items', 'Size', 'Target'] as const;

/** Of a preview whose file lets it do what nobody can look into (`previewAllows`): the first line of its report. */
export const notCertain = ({ allows = [] }: Pick<Previewed, 'allows'>): string | undefined =>
  allows.length > 0
    ? `it is not certain that nothing was changed: its file allows ${allows.join(', ')}, and what goes that way is not held back`
    : undefined;

/** The sentence after every preview. */
export const promise = (previews: readonly Pick<Previewed, 'allows'>[]): string =>
  previews.some(notCertain)
    ? 'What is marked WRITE was held back.'
    : 'Nothing was changed: what is marked WRITE was held back.';

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

/** What may be otherwise in a run. */
export function caveats({ simulated, stale, refused, slicesApart, leftOver, before, waitsUntil }: Previewed): string[] {
  const own = simulated.filter(({ of }) => of === undefined);
  return [
    ...(waitsUntil === undefined
      ? []
      : [
          `it would wait at a checkpoint until ${minuteText(waitsUntil)} or later; the preview went on at once, on the data as it is now`,
        ]),
    ...stale.map(({ what, target, count, of }) => {
      const whose = of === undefined ? '' : ` of ${of}`;
      return `${what} of ${target} (${count}×) did not see an earlier write${whose}`;
    }),
    ...refused.map(({ what, target, count }) => `it was not let ${what}: ${target} (${count}×)`),
    ...(leftOver ? [leftOverText(leftOver)] : []),
    ...(own.length > 0 ? [`${readsWere(own)} answered as if its own writes had been made`] : []),
    ...(slicesApart ? ['not every slice saw what the slices before it would have written'] : []),
    ...caveatsOfEarlier(before, simulated, stale),
  ];
}

/** `2026-03-01 14:05 UTC` */
const minuteText = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;

function caveatsOfEarlier(
  before: readonly PendingBefore[],
  simulated: readonly Occurrence[],
  stale: readonly Occurrence[],
): string[] {
  const idsOf = (...kinds: PendingBefore['seen'][]) =>
    before.filter(({ seen }) => kinds.includes(seen)).map(({ migration }) => migration);
  const unseen = (kind: PendingBefore['seen'], why: string) => {
    const ids = idsOf(kind);
    return ids.length === 0 ? [] : [`it saw the data without what ${idsText(ids)} would change: ${why}`];
  };
  const met = simulated.filter(({ of }) => of !== undefined);
  const touched = new Set([...met, ...stale].map(({ of }) => of));
  const restsOn = [...new Set(met.map(({ of = '' }) => of))].sort();
  const untouched = idsOf('all', 'part').filter((id) => !touched.has(id));
  const inPart = idsOf('part');
  return [
    ...(restsOn.length > 0
      ? [`${readsWere(met)} answered as if ${idsText(restsOn)} had run: its numbers rest on that`]
      : []),
    ...(untouched.length > 0 ? [`it read nothing that ${idsText(untouched)} would change`] : []),
    ...(inPart.length > 0 ? [`of what ${idsText(inPart)} would change, it knew what is told above, and no more`] : []),
    ...unseen('not previewed', 'pending before it, and not previewed'),
    ...unseen('cut off', 'the preview came to no end, and could not say what it had held back'),
    ...unseen('too much', 'that is too much to be handed on from one preview to the next'),
  ];
}

/** `1 read was`, `12 reads were` */
function readsWere(occurrences: readonly Occurrence[]): string {
  const count = occurrences.reduce((total, occurrence) => total + occurrence.count, 0);
  return `${numberOf(count, 'read')} ${count === 1 ? 'was' : 'were'}`;
}
