// The batches of a parallel migration as people see them: counts, and the plan as one strip. From keys alone, whatever they hold.
import type { BatchKeys } from '../ledger/batches.ts';
import { numbersOf } from '../ledger/batches.ts';
import type { Allowed } from '../ledger/entries.ts';
import type { Outcome } from '../ledger/turns.ts';

/** Numbers of batches. Together, without `of`, they are all of the plan. */
export interface BatchCounts {
  of: number;
  succeeded: number;
  failed: number;
  unknown: number;
  running: number;
  waiting: number;
  /** So many times S3 has slowed down the attempt: those are among the waiting. Absent: never. */
  slowedDown?: number | undefined;
}

/** A part of the plan, in its order: batches `from` to `to`, and how many of these are what. The others wait. */
export interface StripCell {
  from: number;
  to: number;
  succeeded: number;
  /** Those of which nobody knows are among them. */
  failed: number;
  running: number;
}

export interface BatchesView extends BatchCounts {
  /** At most `STRIP_CELLS`. */
  strip: StripCell[];
}

export const STRIP_CELLS = 60;

/** @param outcome of the turn, once it is over: then none of them runs */
export function batchesViewOf(
  { of, rest, slowed = 0 }: NonNullable<Allowed['batches']>,
  keys: BatchKeys,
  outcome: Outcome | undefined,
): BatchesView {
  const left = new Set(numbersOf(rest));
  const [ended, failed, later] = [new Set(keys.ended), new Set(keys.failed), new Set(keys.later)];
  const begun = new Set(keys.begun.filter((batch) => !later.has(batch)));
  const stateOf = (batch: number) => {
    if (!left.has(batch)) return 'succeeded';
    if (!begun.has(batch)) return 'waiting';
    if (failed.has(batch)) return 'failed';
    return ended.has(batch) ? 'succeeded' : outcome ? 'failed' : 'running';
  };
  const size = Math.ceil(of / STRIP_CELLS);
  const counts = { succeeded: 0, failed: 0, running: 0, waiting: 0 };
  const strip = Array.from({ length: Math.ceil(of / size) }, (_, index): StripCell => {
    const cell = { from: index * size + 1, to: Math.min((index + 1) * size, of), succeeded: 0, failed: 0, running: 0 };
    for (let batch = cell.from; batch <= cell.to; batch += 1) {
      const state = stateOf(batch);
      counts[state] += 1;
      if (state !== 'waiting') cell[state] += 1;
    }
    return cell;
  });
  const slowedDown = slowed + (outcome?.batches?.slowed ? 1 : 0) || undefined;
  if (!outcome?.batches) return { of, ...counts, unknown: 0, slowedDown, strip };
  const said = outcome.batches;
  const waiting = of - said.succeeded - said.failed - said.unknown;
  return {
    of,
    succeeded: said.succeeded,
    failed: said.failed,
    unknown: said.unknown,
    running: 0,
    waiting,
    slowedDown,
    strip,
  };
}

/** `3 running, 1 failed, slowed down by S3 twice`; empty when nothing of it is to be said. */
export const batchesText = ({ running, failed, unknown, slowedDown }: BatchCounts): string => {
  const counts = (
    [
      ['running', running],
      ['failed', failed],
      ['unknown', unknown],
    ] as const
  ).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
  const slowed = slowedDown === undefined ? [] : [`slowed down by S3 ${timesText(slowedDown)}`];
  return [...counts, ...slowed].join(', ');
};

const timesText = (times: number): string => (times === 1 ? 'once' : times === 2 ? 'twice' : `${times} times`);

/** What a cell shows: what needs a look comes first. */
export function cellState({ from, to, succeeded, failed, running }: StripCell): StripState {
  if (failed > 0) return 'failed';
  if (running > 0) return 'running';
  if (succeeded === to - from + 1) return 'done';
  return succeeded > 0 ? 'partly' : 'waiting';
}

export type StripState = 'failed' | 'running' | 'done' | 'partly' | 'waiting';
