// How far a checkpointed migration has come, how fast it goes, and how long it will take: from its last checkpoint.
import type { CheckpointRecord } from '../ledger/checkpoints.ts';

export interface Progress {
  /** Things done and to be done, as the migration counts them. A `total` below `done` is left out. */
  done?: number | undefined;
  total?: number | undefined;
  note?: string | undefined;
  /** When the checkpoint was made, ISO 8601. */
  time: string;
  /** From 0 to 1. */
  share?: number | undefined;
  /** Things per second, from the beginning of the attempt to the checkpoint. */
  perSecond?: number | undefined;
  /** From the checkpoint to the end, at that rate, in milliseconds. */
  remainingMs?: number | undefined;
}

/** Every number of it is finite and not negative; what cannot be said is absent. */
export function progressOf({
  done,
  total: claimed,
  note,
  time,
  began,
}: Pick<CheckpointRecord, 'done' | 'total' | 'note' | 'time' | 'began'>): Progress {
  const total = claimed !== undefined && claimed >= (done ?? 0) ? claimed : undefined;
  const share = done !== undefined && total !== undefined && total > 0 ? done / total : undefined;
  const moved = began ? (done ?? 0) - began.done : 0;
  const elapsedMs = began ? Date.parse(time) - Date.parse(began.time) : 0;
  const perSecond = moved > 0 && elapsedMs > 0 ? finite((moved / elapsedMs) * 1000) : undefined;
  const remainingMs = total === undefined ? undefined : msFor(total - (done ?? 0), perSecond);
  return { done, total, note, time, share, perSecond, remainingMs };
}

/** How long so many things take, in milliseconds; undefined when nobody knows the rate. */
export const msFor = (things: number, perSecond: number | undefined): number | undefined =>
  perSecond === undefined ? undefined : finite(Math.ceil((things / perSecond) * 1000));

/** `120 of 4000 (3 %), 12.4/s, about 5 min left`, as much of it as is known; empty when nothing was counted. */
export function progressText({ done, total, share, perSecond, remainingMs }: Progress): string {
  if (done === undefined) return '';
  return [
    `${done}${total === undefined ? ' done' : ` of ${total}`}${share === undefined ? '' : ` (${percent(share)})`}`,
    ...(perSecond === undefined ? [] : [rateText(perSecond)]),
    ...(remainingMs === undefined || share === 1 ? [] : [`about ${roughly(remainingMs)} left`]),
  ].join(', ');
}

/** `3 %`, rounded down: `100 %` means all of it. */
export const percent = (share: number): string => `${Math.floor(100 * share)} %`;

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

/** Per second, minute, hour or day: the first in which it is at least one. */
export function rateText(perSecond: number): string {
  const units = [['s', 1] as const, ['min', 60] as const, ['h', 3_600] as const];
  const [unit, seconds] = units.find(([, size]) => perSecond * size >= 1) ?? (['day', 86_400] as const);
  const value = perSecond * seconds;
  return `${value >= 100 ? Math.round(value) : Math.round(value * 10) / 10}/${unit}`;
}

/** One number and its unit: the estimate is no better than that. */
function roughly(ms: number): string {
  const [unit, size] = (
    [
      ['days', 86_400_000],
      ['h', 3_600_000],
      ['min', 60_000],
    ] as const
  ).find(([, unitMs]) => ms >= 2 * unitMs) ?? ['s', 1_000];
  return `${Math.ceil(ms / size)} ${unit}`;
}
