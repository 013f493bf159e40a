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
import type { BatchMark } from './keys.ts';
import { batchesPrefix, batchKey, partsOf } from './keys.ts';
import type { LogWriter } from './log.ts';
import type { PlannedBatches } from './plan.ts';
import type { Store } from './store.ts';
import type { Added, Taken, Turn } from './turn-records.ts';
import { readRecord, recordFields, takeKey } from './turn-records.ts';
import { cut } from './summaries.ts';
import { unreadable } from './unreadable.ts';

/** So many are listed and read by one function within its time, and named in one payload of the machine. */
export const MAX_BATCHES = 10_000;

const AT_ONCE = { concurrency: 32 };

export const BatchItems = z.object({ ...recordFields, items: z.array(JsonValue) });

export const BatchClaim = z.object({ ...recordFields, claim: z.literal('claimed') });

/**
 * `not-begun`: its turn was closed when it was claimed, and none of its code has run. `slowed-down`: its code ended because S3 asked for
 * fewer requests, and may be run again.
 */
export const BatchOutcome = z.object({
  ...recordFields,
  outcome: z.enum(['succeeded', 'failed', 'unknown', 'not-begun', 'slowed-down']),
  error: z.optional(ErrorSummary),
  durationMs: z.optional(z.int().check(z.minimum(0))),
  leftOver: z.optional(z.array(z.string())),
});
export type BatchOutcome = z.infer<typeof BatchOutcome>;

/** Beside the outcome of one that did not succeed: so a list tells how many have not, and nobody reads each outcome for that. */
export const BatchMarked = z.object({ ...recordFields, marks: z.enum(['failed', 'later']) });

/** Of an error, as it is kept of each of 10,000 batches at the same time. The rest is in the batch's outcome. */
const MAX_KEPT = { message: 1_000, stack: 2_000 };

interface BrokenBatch {
  batch: number;
  error: ErrorSummary | undefined;
}

/** What is seen of the batches that a turn runs. Numbers of batches, ascending. */
export interface BatchesLook {
  succeeded: number[];
  /** Their errors are cut. */
  failed: BrokenBatch[];
  /** S3 asked for fewer requests: these are for the next turn. */
  slowed: BrokenBatch[];
  /** Closed by somebody who had waited for their deadline. */
  unknown: number[];
  /** Claimed, without an outcome that can be read: their code may be running. */
  open: number[];
}

export const hasBegun = ({ succeeded, failed, slowed, unknown, open }: BatchesLook): boolean =>
  succeeded.length + failed.length + slowed.length + unknown.length + open.length > 0;

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

/** After its outcome: whoever counts counts it from now on. Nothing is decided on it but when no further batch begins. */
export const markBatch = (
  store: Store,
  turn: Turn,
  writer: LogWriter,
  batch: number,
  marks: BatchMark,
): Promise<Taken> => takeKey(store, batchKey(turn, batch, marks), turn, writer, { marks });

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
  const { key, turn } = plannedIn(migration, plan, batch);
  const stored = await store.get(key);
  if (!stored) throw unreadable(key, 'it is not there');
  const record = readRecord(BatchItems, stored.body, turn);
  if (!record) throw unreadable(key, 'it is no batch of the turn that planned it');
  return record.items;
}

/** Where its items are, and the turn that planned it. @throws OdinError RecordUnreadable: the plan has no such batch */
export function plannedIn(migration: string, plan: PlannedBatches['turns'], batch: number) {
  let before = 0;
  for (const { turn: number, sha256, batches } of plan) {
    if (batch <= before + batches) {
      const key = batchKey({ migration, number }, batch - before, 'items');
      return { key, turn: { number, sha256 } };
    }
    before += batches;
  }
  throw unreadable(batchesPrefix({ migration, number: plan[0]?.turn ?? 0 }), `the plan has no batch ${batch}`);
}

/** What is seen of a turn's batches by their keys alone: numbers, ascending. */
export interface BatchKeys {
  begun: number[];
  /** Of these. */
  ended: number[];
  /** Of these: with those of which nobody knows. */
  failed: number[];
  /** Of these: for the next turn. None of their code has run, or S3 asked for fewer requests. */
  later: number[];
}

export async function listBatches(store: Store, turn: Pick<Turn, 'migration' | 'number'>): Promise<BatchKeys> {
  const keys: BatchKeys = { begun: [], ended: [], failed: [], later: [] };
  const lists = { claim: keys.begun, outcome: keys.ended, failed: keys.failed, later: keys.later };
  for (const { key } of (await store.list(batchesPrefix(turn))).objects) {
    const [, digits, what] = /^(\d{6})-(claim|outcome|failed|later)$/.exec(partsOf('batch', key)?.id ?? '') ?? [];
    if (what) lists[what as keyof typeof lists].push(Number(digits));
  }
  return keys;
}

/** Begun, and not ended as far as their keys tell. */
export function openIn({ begun, ended }: BatchKeys): number[] {
  const hasEnded = new Set(ended);
  return begun.filter((batch) => !hasEnded.has(batch));
}

/** Reads the outcome of each that has one. @param keys when they have been listed */
export async function lookAtBatches(store: Store, turn: Turn, keys?: BatchKeys): Promise<BatchesLook> {
  const { begun, ended: outcomes } = keys ?? (await listBatches(store, turn));
  const look: BatchesLook = { succeeded: [], failed: [], slowed: [], unknown: [], open: [] };
  const ended = new Map<number, BatchOutcome | undefined>();
  const read = async (batch: number) => {
    const stored = await store.get(batchKey(turn, batch, 'outcome'));
    const record = stored && readRecord(BatchOutcome, stored.body, turn);
    ended.set(batch, record && { ...record, error: record.error && shortened(record.error) });
  };
  await pMap(outcomes, read, AT_ONCE);
  for (const batch of begun) {
    const record = ended.get(batch);
    if (!record) look.open.push(batch);
    else if (record.outcome === 'failed') look.failed.push({ batch, error: record.error });
    else if (record.outcome === 'slowed-down') look.slowed.push({ batch, error: record.error });
    else if (record.outcome !== 'not-begun') look[record.outcome].push(batch);
  }
  return look;
}

/** Those without an outcome that an invocation has claimed. @param requestId of it */
export async function openBatchesOf(store: Store, turn: Turn, requestId: string): Promise<number[]> {
  const open = openIn(await listBatches(store, turn));
  const isIts = async (batch: number) => {
    const stored = await store.get(batchKey(turn, batch, 'claim'));
    return (stored && readRecord(BatchClaim, stored.body, turn))?.writer.requestId === requestId;
  };
  const its = await pMap(open, isIts, AT_ONCE);
  return open.filter((_, index) => its[index]);
}

const shortened = ({ name, message, stack }: ErrorSummary): ErrorSummary => ({
  name,
  message: cut(message, MAX_KEPT.message),
  stack: stack && cut(stack, MAX_KEPT.stack),
});

/** After the deadline: nothing that comes late makes them anything else than unknown. */
export async function closeBatches(
  store: Store,
  turn: Turn,
  writer: LogWriter,
  open: readonly number[],
): Promise<void> {
  const close = async (batch: number) => {
    const { taken } = await endBatch(store, turn, writer, batch, { outcome: 'unknown' });
    if (taken === 'mine') await markBatch(store, turn, writer, batch, 'failed');
  };
  await pMap(open, close, AT_ONCE);
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
