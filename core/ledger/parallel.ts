// The batches of a parallel migration, as a run goes from its plan to them, and from them to what became of all.
import type { BatchesLook } from './batches.ts';
import { closeBatches, lookAtBatches, numbersOf, plannedIn, restAfter } from './batches.ts';
import { readCheckpoint } from './checkpoints.ts';
import type { Allowed, Reference } from './entries.ts';
import { sha256 } from './entries.ts';
import type { ErrorSummary } from './error-records.ts';
import type { LogState } from './fold.ts';
import { batchKey, failuresKey } from './keys.ts';
import type { LogWriter } from './log.ts';
import type { PlannedBatches, Tolerance } from './plan.ts';
import { batchesIn, toleratedOf } from './plan.ts';
import type { Store } from './store.ts';
import { MAX_RECORD_BYTES } from './store.ts';
import { MOST_HALVINGS } from './slow-down.ts';
import { cut, MAX_SUMMARY } from './summaries.ts';
import type { Turn } from './turn-records.ts';
import type { Outcome, TurnLook } from './turns.ts';

/**
 * The batches of the next turn of a parallel migration, which goes on at its checkpoint: those that have not succeeded.
 * @param tolerance of the deployed file
 * @returns undefined: its plan is not sealed
 */
export async function nextBatches(
  store: Store,
  { migration, attempt }: Pick<Allowed, 'migration' | 'attempt'>,
  { turn }: Pick<LogState, 'turn'>,
  tolerance: Tolerance | undefined,
): Promise<Allowed['batches']> {
  const before = turn?.allowed;
  if (before?.batches) {
    const { of, plan, rest, slowed = 0 } = before.batches;
    const look = await lookAtBatches(store, before);
    // An attempt begins with as many at a time as its file says.
    const times = before.attempt === attempt ? slowed + (look.slowed.length > 0 ? 1 : 0) : 0;
    return { of, plan, rest: restAfter(rest, look), tolerated: toleratedOf(tolerance, of), slowed: times || undefined };
  }
  const { plan } = (await readCheckpoint(store, migration))?.checkpoint ?? {};
  if (!plan?.sealed) return undefined;
  const of = batchesIn(plan);
  return { of, plan: plan.turns, rest: of === 1 ? '1' : `1-${of}`, tolerated: toleratedOf(tolerance, of) };
}

type Became = Pick<Outcome, 'outcome' | 'error' | 'batches' | 'did'>;

/**
 * What became of a turn that is claimed, and of which no code runs any more: its deadline is over, its batches have all ended, or its
 * processes surely have. Nobody has said it of a plain one. Batches without an outcome get `unknown`, whatever comes late.
 */
export async function outcomeOfOver(store: Store, turn: Turn, look: TurnLook, writer: LogWriter): Promise<Became> {
  if (look.seen !== 'claimed' || !turn.batches) return { outcome: 'unknown' };
  let batches = look.batches ?? (await lookAtBatches(store, turn));
  if (batches.open.length > 0) {
    await closeBatches(store, turn, writer, batches.open);
    batches = await lookAtBatches(store, turn); // no other one has begun since: the turn is closed
  }
  return outcomeOfBatches(turn, batches, await writeFailures(store, turn, turn.batches.plan, whenOver(batches)));
}

/**
 * Puts down what each batch said that failed, one line of JSON for each, ascending: `batch`, `outcome`, `error`, and the keys of its
 * `items` and of its whole `record`. The same whoever writes it: nothing changes in a turn that is over.
 */
async function writeFailures(
  store: Store,
  turn: Turn,
  plan: PlannedBatches['turns'],
  look: BatchesLook,
): Promise<Reference | undefined> {
  if (look.failed.length + look.unknown.length === 0) return undefined;
  const lineOf = (said: { batch: number }) => {
    const items = plannedIn(turn.migration, plan, said.batch).key;
    return `${JSON.stringify({ ...said, items, record: batchKey(turn, said.batch, 'outcome') })}\n`;
  };
  const textWith = (most: number): string =>
    [
      ...look.failed.map(({ batch, error }) => ({
        batch,
        outcome: 'failed',
        error: error && { name: error.name, message: cut(error.message, most) },
      })),
      ...look.unknown.map((batch) => ({ batch, outcome: 'unknown' })),
    ]
      .sort((one, other) => one.batch - other.batch)
      .map(lineOf)
      .join('');
  let most = MAX_SUMMARY.message;
  let body = textWith(most);
  // Of thousands less of each, or nobody could read them again.
  while (Buffer.byteLength(body) > MAX_RECORD_BYTES) body = textWith((most /= 2));
  const key = failuresKey(turn);
  const stands = (await store.create(key, body)) === 'exists' ? await store.get(key) : undefined;
  // One that is too large to be read again is the same, too.
  return { key, sha256: sha256(stands?.body || body) };
}

/** An outcome that cannot be read is as good as none, and unknown, when no code of any of them runs any more. */
const whenOver = (look: BatchesLook): BatchesLook => ({
  ...look,
  unknown: [...look.unknown, ...look.open].sort((one, other) => one - other),
  open: [],
});

/** When no code of any of them runs any more. */
export function outcomeOfBatches(turn: Turn, seen: BatchesLook, failures?: Reference): Became {
  const look = whenOver(seen);
  const { of = 0, rest = '' } = turn.batches ?? {};
  const left = numbersOf(restAfter(rest, look)).length;
  const { failed, unknown } = look;
  const slowed = look.slowed.length || undefined;
  const batches = { of, succeeded: of - left, failed: failed.length, unknown: unknown.length, left, slowed, failures };
  if (left === 0) return { outcome: 'succeeded', batches, did: { done: of, total: of, note: 'batches' } };
  if (look.failed.length > 0) return { outcome: 'failed', error: errorOf(turn, look, batches), batches };
  if (look.unknown.length > 0) return { outcome: 'unknown', error: errorOf(turn, look, batches), batches };
  if (isStuck(turn, look)) return { outcome: 'failed', error: slowedDown(look, batches), batches };
  return { outcome: 'stopped', batches };
}

/** S3 has asked for fewer requests as often as that makes them fewer, and still nothing has come of it. */
const isStuck = ({ batches }: Turn, { succeeded, slowed }: BatchesLook): boolean =>
  slowed.length > 0 && succeeded.length === 0 && (batches?.slowed ?? 0) >= MOST_HALVINGS;

const slowedDown = (
  { slowed }: BatchesLook,
  { of, succeeded, left }: NonNullable<Outcome['batches']>,
): ErrorSummary => {
  const [first] = slowed;
  const said = first?.error ? [`Batch ${first.batch} said: ${cut(first.error.message, 1_000)}`] : [];
  const what =
    `S3 has asked for fewer requests ${MOST_HALVINGS + 1} times, in more than an hour, the last time with one batch at a time, and none ` +
    `succeeded. ${succeeded} of ${of} batches have succeeded. A retry runs the ${left} that did not.`;
  return { name: 'SlowedDown', message: [what, ...said].join('\n') };
};

/** So many kinds of errors, and batches of each, are named. */
const KINDS = 5;
const NAMED = 5;

/** How many of how many, and what they said, by its kind: the commonest first. */
function errorOf(
  turn: Turn,
  { failed, slowed, unknown }: BatchesLook,
  counts: NonNullable<Outcome['batches']>,
): ErrorSummary {
  const kinds = new Map<string, number[]>();
  for (const { batch, error } of failed) {
    const kind = error ? `${error.name}: ${error.message.split('\n')[0] ?? ''}` : 'without an error that can be read';
    kinds.set(kind, [...(kinds.get(kind) ?? []), batch]);
  }
  const lines = [...kinds]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([kind, batches]) => `${batches.length} × ${cut(kind, 500)} (${named(batches)})`);
  const { of, succeeded, left, failures } = counts;
  const { tolerated = 0 } = turn.batches ?? {};
  const notBegun = left - failed.length - slowed.length - unknown.length;
  const why = failed.length > tolerated && notBegun > 0 ? `: no further one begins when ${limitText(tolerated)}` : '';
  const first =
    `${failed.length} of ${of} batches failed` +
    (unknown.length === 0 ? '' : `, and of ${unknown.length} nobody knows what became (${named(unknown)})`) +
    (slowed.length === 0 ? '' : `, and S3 slowed down ${slowed.length}`) +
    `. ${succeeded} have succeeded, ${notBegun} have not begun${why}. A retry runs the ${left} that did not succeed.`;
  const more = lines.length > KINDS ? [`… and ${lines.length - KINDS} kinds more`] : [];
  const where = failures ? [`What each said is in the ledger, and status --failures prints it: ${failures.key}`] : [];
  return {
    name: 'BatchesFailed',
    message: cut([first, ...where, ...lines.slice(0, KINDS), ...more].join('\n'), MAX_SUMMARY.message),
    stack: failed[0]?.error?.stack,
  };
}

/** Of how many may fail. */
const limitText = (tolerated: number): string =>
  tolerated === 0 ? 'one has failed' : `more than ${tolerated} have failed`;

const named = (batches: readonly number[]): string =>
  `${batches.length === 1 ? 'batch' : 'batches'} ${batches.slice(0, NAMED).join(', ')}${batches.length > NAMED ? ', …' : ''}`;
