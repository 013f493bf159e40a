// The batches of a parallel migration, as a run goes from its plan to them, and from them to what became of all.
import type { BatchesLook } from './batches.ts';
import { closeBatches, lookAtBatches, numbersOf, restAfter } from './batches.ts';
import { readCheckpoint } from './checkpoints.ts';
import type { Allowed } from './entries.ts';
import type { ErrorSummary } from './error-records.ts';
import type { LogState } from './fold.ts';
import { batchesPrefix } from './keys.ts';
import type { LogWriter } from './log.ts';
import { batchesIn } from './plan.ts';
import type { Store } from './store.ts';
import { cut, MAX_SUMMARY } from './summaries.ts';
import type { Turn } from './turn-records.ts';
import type { Outcome, TurnLook } from './turns.ts';

/**
 * The batches of the next turn of a parallel migration, which goes on at its checkpoint: those that have not succeeded.
 * @returns undefined: its plan is not sealed
 */
export async function nextBatches(
  store: Store,
  migration: string,
  { turn }: Pick<LogState, 'turn'>,
): Promise<Allowed['batches']> {
  const before = turn?.allowed;
  if (before?.batches) {
    const { batches } = before;
    return { ...batches, rest: restAfter(batches.rest, await lookAtBatches(store, before)) };
  }
  const { plan } = (await readCheckpoint(store, migration))?.checkpoint ?? {};
  if (!plan?.sealed) return undefined;
  const of = batchesIn(plan);
  return { of, plan: plan.turns, rest: of === 1 ? '1' : `1-${of}` };
}

type Became = Pick<Outcome, 'outcome' | 'error' | 'batches'>;

/**
 * What became of a turn that is claimed, and of which no code runs any more: its deadline is over, its batches have all ended, or its
 * processes surely have. Nobody has said it of a plain one. Batches without an outcome get `unknown`, whatever comes late.
 */
export async function outcomeOfOver(store: Store, turn: Turn, look: TurnLook, writer: LogWriter): Promise<Became> {
  if (look.seen !== 'claimed' || !look.batches) return { outcome: 'unknown' };
  const { batches } = look;
  if (batches.open.length === 0) return outcomeOfBatches(turn, batches); // no other one has begun since: the turn is closed
  await closeBatches(store, turn, writer, batches.open);
  return outcomeOfBatches(turn, await lookAtBatches(store, turn));
}

/** When no code of any of them runs any more. */
export function outcomeOfBatches(turn: Turn, look: BatchesLook): Became {
  const { of = 0, rest = '' } = turn.batches ?? {};
  const left = numbersOf(restAfter(rest, look)).length;
  const batches = { of, succeeded: of - left, failed: look.failed.length, unknown: look.unknown.length, left };
  if (left === 0) return { outcome: 'succeeded', batches };
  if (look.failed.length > 0) return { outcome: 'failed', error: errorOf(turn, look, batches), batches };
  if (look.unknown.length > 0) return { outcome: 'unknown', error: errorOf(turn, look, batches), batches };
  return { outcome: 'stopped', batches };
}

/** So many kinds of errors, and batches of each, are named. */
const KINDS = 5;
const NAMED = 5;

/** How many of how many, and what they said, by its kind: the commonest first. */
function errorOf(turn: Turn, { failed, unknown }: BatchesLook, counts: NonNullable<Outcome['batches']>): ErrorSummary {
  const kinds = new Map<string, number[]>();
  for (const { batch, error } of failed) {
    const kind = error ? `${error.name}: ${error.message.split('\n')[0] ?? ''}` : 'without an error that can be read';
    kinds.set(kind, [...(kinds.get(kind) ?? []), batch]);
  }
  const lines = [...kinds]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([kind, batches]) => `${batches.length} × ${cut(kind, 500)} (${named(batches)})`);
  const { of, succeeded, left } = counts;
  const first =
    `${failed.length} of ${of} batches failed` +
    (unknown.length === 0 ? '' : `, and of ${unknown.length} nobody knows what became (${named(unknown)})`) +
    `. ${succeeded} have succeeded, ${left - failed.length - unknown.length} have not begun. A retry runs the ${left} that did not succeed.`;
  const more = lines.length > KINDS ? [`… and ${lines.length - KINDS} kinds more`] : [];
  const where = `What each said is in the ledger, under ${batchesPrefix(turn)}`;
  return {
    name: 'BatchesFailed',
    message: cut([first, ...lines.slice(0, KINDS), ...more, where].join('\n'), MAX_SUMMARY.message),
    stack: failed[0]?.error?.stack,
  };
}

const named = (batches: readonly number[]): string =>
  `${batches.length === 1 ? 'batch' : 'batches'} ${batches.slice(0, NAMED).join(', ')}${batches.length > NAMED ? ', …' : ''}`;
