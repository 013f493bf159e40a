// The plan of a parallel migration, as its checkpoint and the entries of its turns name it.
import * as z from '../schema.ts';

/** How far the plan of a parallel migration has come, or, when it is sealed, what all its batches are. */
export const PlannedBatches = z.object({
  /** The turns that have planned, in their order, each with the hash of its entry and how many batches of it count. */
  turns: z.array(
    z.object({ turn: z.int().check(z.minimum(1)), sha256: z.string(), batches: z.int().check(z.minimum(0)) }),
  ),
  items: z.int().check(z.minimum(0)),
  sealed: z.boolean(),
});
export type PlannedBatches = z.infer<typeof PlannedBatches>;

export const batchesIn = ({ turns }: Pick<PlannedBatches, 'turns'>): number =>
  turns.reduce((sum, { batches }) => sum + batches, 0);

/** Which batch it is, counted from 1, and how many the plan has. */
export interface Batch {
  number: number;
  of: number;
}

/** How many batches may fail before no further one begins: a number of them, or a share of the plan's: `5%`. */
export type Tolerance = number | string;

/** A whole number of batches, rounded down: a share of a plan allows no more than that share. */
export function toleratedOf(tolerance: Tolerance = 0, of: number): number {
  const batches = typeof tolerance === 'number' ? tolerance : (of * Number(tolerance.replace('%', ''))) / 100;
  return Math.floor(Math.min(batches, of));
}
