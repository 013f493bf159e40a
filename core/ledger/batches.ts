// The batches of a parallel migration: keys below a turn, each with a claim and an outcome of its own, created once (docs/design.md §4).
//
//   a batch's function:  turn closed? ─▶ create the batch's claim ─▶ turn closed? ─▶ user code ─▶ create the batch's outcome
//   whoever goes on:     create the turn's claim (closed) ─▶ wait for the batches that began ─▶ create the turn's outcome
//
// Who begins a batch claims it and then looks for the turn's claim; who closes the turn creates that claim and then looks for the
// batches. So one sees the other: a batch that nobody waits for does not begin.
import pMap from 'p-map';
import * as z from '../schema.ts';
import { ErrorSummary } from './error-records.ts';
import { JsonValue } from './json.ts';
import { batchesPrefix, batchKey, partsOf } from './keys.ts';
import type { LogWriter } from './log.ts';
import type { PlannedBatches } from './plan.ts';
import type { Store } from './store.ts';
import type { Added, Taken, Turn } from './turn-records.ts';
import { readRecord, recordFields, takeKey } from './turn-records.ts';
import { unreadable } from './unreadable.ts';

/** So many are listed and read by one function within its time, and named in one payload of the machine. */
export const MAX_BATCHES = 10_000;

const AT_ONCE = { concurrency: 32 };

export const BatchItems = z.object({ ...recordFields, items: z.array(JsonValue) });

export const BatchClaim = z.object({ ...recordFields, claim: z.literal('claimed') });

/** `not-begun`: its turn was closed when it was claimed, and none of its code has run. */
export const BatchOutcome = z.object({
  ...recordFields,
  outcome: z.enum(['succeeded', 'failed', 'unknown', 'not-begun']),
  error: z.optional(ErrorSummary),
  durationMs: z.optional(z.int().check(z.minimum(0))),
  leftOver: z.optional(z.array(z.string())),
});
export type BatchOutcome = z.infer<typeof BatchOutcome>;

/** What is seen of the batches that a turn runs. Numbers of batches, ascending. */
export interface BatchesLook {
  succeeded: number[];
  failed: { batch: number; error: ErrorSummary | undefined }[];
  /** Closed by somebody who had waited for their deadline. */
  unknown: number[];
  /** Claimed, without an outcome that can be read: their code may be running. */
  open: number[];
}

export const hasBegun = ({ succeeded, failed, unknown, open }: BatchesLook): boolean =>
  succeeded.length + failed.length + unknown.length + open.length > 0;

/** Puts down what a batch is made of, below the turn that plans it. @param batch counted from 1 in that turn */
export const planBatch = (
  store: Store,
  turn: Turn,
  writer: LogWriter,
  batch: number,
  items: unknown[],
): Promise<Taken> => takeKey(store, batchKey(turn, batch, 'items'), turn, writer, { items });

export const claimBatch = (store: Store, turn: Turn, writer: LogWriter, batch: number): Promise<Taken> =>
  takeKey(store, batchKey(turn, batch, 'claim'), turn, writer, { claim: 'claimed' });

export const endBatch = (
  store: Store,
  turn: Turn,
  writer: LogWriter,
  batch: number,
  content: Omit<BatchOutcome, Added>,
): Promise<Taken> => takeKey(store, batchKey(turn, batch, 'outcome'), turn, writer, content);

/**
 * What a batch is made of.
 * @param batch counted from 1 in the whole plan
 * @throws OdinError RecordUnreadable: it is not there, or was not made by the turn that the plan names
 */
export async function readItems(
  store: Store,
  migration: string,
  plan: PlannedBatches['turns'],
  batch: number,
): Promise<unknown[]> {
  let before = 0;
  for (const { turn, sha256, batches } of plan) {
    if (batch <= before + batches) {
      const key = batchKey({ migration, number: turn }, batch - before, 'items');
      const stored = await store.get(key);
      if (!stored) throw unreadable(key, 'it is not there');
      const record = readRecord(BatchItems, stored.body, { number: turn, sha256 });
      if (!record) throw unreadable(key, 'it is no batch of the turn that planned it');
      return record.items;
    }
    before += batches;
  }
  throw unreadable(batchesPrefix({ migration, number: plan[0]?.turn ?? 0 }), `the plan has no batch ${batch}`);
}

/** How many batches of a turn have begun, and how many of these have ended: from their keys alone. */
export async function countBatches(
  store: Store,
  turn: Pick<Turn, 'migration' | 'number'>,
): Promise<{ begun: number; ended: number }> {
  const { claims, outcomes } = await keysOf(store, turn);
  return { begun: claims.length, ended: outcomes.length };
}

export async function lookAtBatches(store: Store, turn: Turn): Promise<BatchesLook> {
  const { claims, outcomes } = await keysOf(store, turn);
  const look: BatchesLook = { succeeded: [], failed: [], unknown: [], open: [] };
  const ended = new Map<number, BatchOutcome | undefined>();
  const read = async (batch: number) => {
    const stored = await store.get(batchKey(turn, batch, 'outcome'));
    ended.set(batch, stored && readRecord(BatchOutcome, stored.body, turn));
  };
  await pMap(outcomes, read, AT_ONCE);
  for (const batch of claims) {
    const record = ended.get(batch);
    if (!record) look.open.push(batch);
    else if (record.outcome === 'failed') look.failed.push({ batch, error: record.error });
    else if (record.outcome !== 'not-begun') look[record.outcome].push(batch);
  }
  return look;
}

/** After the deadline: nothing that comes late makes them anything else than unknown. */
export async function closeBatches(
  store: Store,
  turn: Turn,
  writer: LogWriter,
  open: readonly number[],
): Promise<void> {
  await pMap(open, (batch) => endBatch(store, turn, writer, batch, { outcome: 'unknown' }), AT_ONCE);
}

/** Without those that have succeeded. @returns as `rest` of an entry */
export function restAfter(rest: string, { succeeded }: Pick<BatchesLook, 'succeeded'>): string {
  const done = new Set(succeeded);
  return rangesOf(numbersOf(rest).filter((batch) => !done.has(batch)));
}

/** `1-17,19` of ascending numbers; empty of none. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && last[1] + 1 === number) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}

/** The other way round. */
export const numbersOf = (ranges: string): number[] =>
  ranges === ''
    ? []
    : ranges.split(',').flatMap((range) => {
        const [from = 0, to = from] = range.split('-').map(Number);
        return Array.from({ length: to - from + 1 }, (_, index) => from + index);
      });

async function keysOf(store: Store, turn: Pick<Turn, 'migration' | 'number'>) {
  const claims: number[] = [];
  const outcomes: number[] = [];
  for (const { key } of (await store.list(batchesPrefix(turn))).objects) {
    const [, digits, what] = /^(\d{6})-(claim|outcome)$/.exec(partsOf('batch', key)?.id ?? '') ?? [];
    if (what === 'claim') claims.push(Number(digits));
    else if (what === 'outcome') outcomes.push(Number(digits));
  }
  return { claims, outcomes };
}
