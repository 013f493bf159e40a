// What happens in a run, as events, by what the ledger shows: embedded and deployed alike.
import { isRunning } from '../aws/step-functions.ts';
import { handedOverTo } from '../core/contract/payloads.ts';
import type { Ledger } from '../core/ledger/ledger.ts';
import type { CheckpointRecord } from '../core/ledger/checkpoints.ts';
import type { Entry } from '../core/ledger/entries.ts';
import type { Numbered } from '../core/ledger/fold.ts';
import { entryKey, waitersPrefix } from '../core/ledger/keys.ts';
import { unreadable } from '../core/ledger/unreadable.ts';
import type { Decision } from '../core/names/names.ts';
import type { BatchesView } from '../core/views/batches.ts';
import type { Progress } from '../core/views/progress.ts';
import type { LedgerSeen, OpenHalt } from '../core/views/view.ts';
import { batchesSeen, lookAtLedger, openHaltOf, waitsUntil } from '../core/views/view.ts';
import type { Deployment } from './deployment.ts';

export type RunEvent =
  /** An entry of the log; each is told once, in the log's order. */
  | { event: 'appended'; entry: Numbered<Entry> }
  | { event: 'progress'; migration: string; checkpoint: CheckpointRecord }
  /** Each twentieth of them, and when more have failed. */
  | { event: 'batches'; migration: string; batches: BatchesView; progress: Progress }
  /**
   * The run waits: code of an attempt may be running until then (ISO 8601).
   * @property decision what was decided of it meanwhile; undefined: it was begun for another run, or by an execution that is gone
   * @property atCheckpoint none is running: its checkpoint says that it goes on then
   */
  | {
      event: 'waits';
      migration: string;
      attempt: number;
      until: string;
      decision?: Decision | undefined;
      atCheckpoint?: true | undefined;
    }
  /** The run waits in this halt. */
  | { event: 'halted'; halt: OpenHalt }
  | { event: 'handed over'; execution: string }
  | {
      event: 'ended';
      status: string;
      error?: string | undefined;
      cause?: string | undefined;
      output?: string | undefined;
    };

/** What of the ledger was told before. */
export class Told {
  /** Number of the last entry that was told. */
  number = 0;
  /** Of the last halt that was told. */
  halt = 0;
  readonly checkpoints = new Set<string>();
  /** How far the batches of a turn were, when that was told last. */
  batches = '';
  /** Attempts that were waited for. */
  readonly waits = new Set<string>();
  /** When that was printed of which somebody was told last (epoch milliseconds): what comes then is told next. */
  printed = 0;
  /** ARNs of the run's own. */
  readonly executions = new Set<string>();
  /** The halt that was open at the beginning, with the keys of those who waited in it. */
  #before: { halt: number; waiters: ReadonlySet<string> } | undefined;

  /** Tells nothing of what the ledger holds now. */
  static async everythingIn({ log, store }: Ledger): Promise<Told> {
    const told = new Told();
    const { number, turn } = await log.look();
    told.number = number;
    told.printed = log.lookedAt;
    const open = turn?.halt && !turn.halt.decided ? turn.halt.halted.number : undefined;
    if (open !== undefined) told.#before = { halt: open, waiters: new Set(await waitersIn(store, open)) };
    return told;
  }

  /** A halt that was open before the run began is the run's own when somebody new waits in it. */
  async isJoined(store: Ledger['store'], halt: number): Promise<boolean> {
    const before = this.#before;
    if (before?.halt !== halt) return true;
    return (await waitersIn(store, halt)).some((key) => !before.waiters.has(key));
  }
}

/** The keys alone: what they hold is for those few who answer a halt. */
const waitersIn = async (store: Ledger['store'], halt: number): Promise<string[]> =>
  (await store.list(waitersPrefix(halt))).objects.map(({ key }) => key);

/**
 * From the execution on to those that it hands over to. Ends after `ended`. A `halted` event is told once per halt, and the
 * caller may stop there.
 */
export async function* runEvents(
  { describe, ledger, pause }: Pick<Deployment, 'describe' | 'ledger' | 'pause'>,
  first: string,
  told: Told,
  pollMs: number,
): AsyncGenerator<RunEvent> {
  let executionArn = first;
  for (;;) {
    told.executions.add(executionArn);
    // The status first, then the ledger: so the last entries of a run that has ended are still told.
    const { status, error, cause, output } = await describe(executionArn);
    const runs = isRunning(status);
    yield* changes(ledger, told, runs);
    const continuing = status === 'SUCCEEDED' ? handedOverTo(output) : undefined;
    if (continuing !== undefined) {
      executionArn = continuing;
      yield { event: 'handed over', execution: continuing };
      continue;
    }
    if (!runs) {
      yield { event: 'ended', status: status ?? 'UNKNOWN', error, cause, output };
      return;
    }
    await pause(pollMs);
  }
}

/** @param runs whether the execution still runs: one that has ended waits in no halt */
async function* changes(ledger: Ledger, told: Told, runs: boolean): AsyncGenerator<RunEvent> {
  const seen = await lookAtLedger(ledger);
  const { number, turn } = seen.state;
  while (told.number < number) {
    const entry = await ledger.log.entry(told.number + 1);
    if (!entry) throw unreadable(entryKey(told.number + 1), 'it was there, and is not there any more');
    told.number += 1;
    yield { event: 'appended', entry };
  }
  const { checkpoint } = seen;
  if (turn && !turn.halt && checkpoint && !('unreadable' in checkpoint)) {
    const { migration, attempt } = turn.allowed;
    const key = `${migration}/${checkpoint.sequence}`;
    if (checkpoint.attempt === attempt && !told.checkpoints.has(key)) {
      told.checkpoints.add(key);
      yield { event: 'progress', migration, checkpoint };
    }
  }
  const batches = turn && !turn.halt ? batchesSeen(seen, turn.allowed) : undefined;
  if (batches) {
    const { of, succeeded, failed } = batches.batches;
    const key = `${turn?.allowed.number ?? ''}/${Math.floor((20 * succeeded) / of)}/${failed}`;
    if (told.batches !== key) yield { event: 'batches', migration: turn?.allowed.migration ?? '', ...batches };
    told.batches = key;
  }
  const wait = waitOf(seen, told.executions);
  const key = JSON.stringify(wait);
  if (wait && runs && !told.waits.has(key)) {
    told.waits.add(key);
    yield { event: 'waits', ...wait };
  }
  const halt = openHaltOf(seen, []);
  if (halt && runs && halt.halt !== told.halt && (await told.isJoined(ledger.store, halt.halt))) {
    told.halt = halt.halt;
    yield { event: 'halted', halt };
  }
}

/**
 * What a run waits for: its checkpoint's time; or the open turn, when it can only go on when that is over. Undefined when that is its own,
 * and nothing was decided of it.
 */
function waitOf({ state: { turn }, at, turn: look }: LedgerSeen, own: ReadonlySet<string>) {
  if (!turn) return undefined;
  const { migration, attempt, execution } = turn.allowed;
  const time = waitsUntil(turn, look, at);
  if (time !== undefined) return { migration, attempt, until: time, atCheckpoint: true as const };
  if (look?.seen !== 'claimed' || at > look.deadline) return undefined;
  const decision = turn.halt?.decided?.decision;
  if (turn.halt ? decision === undefined || decision === 'abort' || decision === 'cancel' : own.has(execution))
    return undefined;
  const decided = decision === 'abort' || decision === 'cancel' ? undefined : decision;
  return { migration, attempt, until: new Date(look.deadline).toISOString(), decision: decided };
}
