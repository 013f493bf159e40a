// The view of an environment: one row per migration, and the open halt. It stands on the log, on a look at the open turn and on
// that migration's checkpoint, and on nothing else. The command line and the dashboard show the same.
import type { Ledger } from '../ledger/ledger.ts';
import { lackingOf } from '../decision/lacking.ts';
import { OdinError } from '../errors.ts';
import type { CheckpointRecord } from '../ledger/checkpoints.ts';
import { readCheckpoint } from '../ledger/checkpoints.ts';
import type { BatchKeys } from '../ledger/batches.ts';
import { listBatches, numbersOf } from '../ledger/batches.ts';
import type { Allowed, CallerIdentity, Commits, Completed, Did, Halted, HaltReason, Said } from '../ledger/entries.ts';
import type { CompletionState, LogState, KnownMigration, TurnState } from '../ledger/fold.ts';
import type { ErrorSummary } from '../ledger/error-records.ts';
import type { Sources } from '../ledger/sources.ts';
import { differenceOf } from '../ledger/sources.ts';
import type { Outcome, TurnLook } from '../ledger/turns.ts';
import { goesOnAt, lookAtTurn } from '../ledger/turns.ts';
import type { Decision } from '../names/names.ts';
import { siblingExecution } from '../names/names.ts';
import { logLink, migrationLogLink } from '../text/links.ts';
import type { Progress } from './progress.ts';
import { msFor, progressOf, rateText } from './progress.ts';
import type { BatchesView } from './batches.ts';
import { batchesText, batchesViewOf } from './batches.ts';

/** What a row shows of a manifest's entry; a `Manifest`'s own entries are such. */
export interface ManifestRow {
  id: string;
  file: string;
  description?: string | undefined;
  sourceSha256: string;
  sources?: Sources | undefined;
}

/**
 * The completions, and of a migration without one: `pending` (no turn was ever allowed), `late` (pending below one that was run),
 * `starting` (a turn is allowed, and its code has not started), `running`, `stopped` (at a checkpoint: a run goes on with its next
 * slice), `succeeded` (its completion is not recorded yet), `halted` (waits for a decision), `decided` (to be retried or recorded;
 * the run has not acted on it yet), `aborted`, `failed` and `unknown` (no halt is open for it yet).
 */
export type MigrationState =
  | Completed['completion']
  | 'pending'
  | 'late'
  | 'starting'
  | 'running'
  | 'stopped'
  | 'succeeded'
  | 'halted'
  | 'decided'
  | 'aborted'
  | 'failed'
  | 'unknown';

export interface MigrationView {
  id: string;
  state: MigrationState;
  description?: string | undefined;
  /** Absent when the migration is known by the ledger alone: its file was deleted. */
  file?: string | undefined;
  /** How many attempts there were. */
  attempts: number;
  /** When the first turn of the last attempt was allowed. Times are ISO 8601. */
  startedAt?: string | undefined;
  /** When its code ended, or when the completion was recorded without it. */
  finishedAt?: string | undefined;
  /** From the first turn to the end; of a running one, until now. */
  durationMs?: number | undefined;
  /** Who decided or recorded it; absent when the run did. */
  by?: string | undefined;
  identity?: CallerIdentity | undefined;
  reason?: string | undefined;
  /** The decision on the last halt of the open turn. */
  decision?: Decision | undefined;
  error?: ErrorSummary | undefined;
  /** What was still alive when it had returned. */
  leftOver?: string[] | undefined;
  /** Of an applied one: what it had done, as its last checkpoint said. */
  did?: Did | undefined;
  /** Key of the ledger: what each batch said that failed in its last turn, a line of JSON for each. */
  failures?: string | undefined;
  /** Of one whose batches have begun to run, those of all turns until now. */
  batches?: BatchesView | undefined;
  /** At its last checkpoint; the rate and the time left only while it goes on. */
  progress?: Progress | undefined;
  /** Why its checkpoint cannot be read. Nothing is decided on one, so the rest is shown all the same. */
  unreadable?: string | undefined;
  /** Until when its code may be running; whatever was decided waits for that. Absent when it cannot. */
  mayRunUntil?: string | undefined;
  /** Of one that is `stopped`: its checkpoint says that what comes next begins then. Absent when that time is over, or none is said. */
  waitsUntil?: string | undefined;
  /** Who asked the turn to stop at its next checkpoint. */
  cancelled?: Cancelled | undefined;
  /** Lambda's request id of the last turn, once its code has ended, and its execution: for links. */
  requestId?: string | undefined;
  execution?: string | undefined;
  gitCommit?: string | undefined;
  /** completed.json names it: its file was pruned. Absent of any other. */
  pruned?: true | undefined;
  /** The files that were run are not the manifest's: the migration's own, and those that it imports. */
  changedSince: boolean;
  /** The files are the same, and the packages that they import have other versions. */
  packagesChangedSince?: boolean | undefined;
}

export type Cancelled = Said & { time: string; reason?: string | undefined };

/** A halt that waits for a decision. */
export interface OpenHalt {
  migration: string;
  description?: string | undefined;
  attempt: number;
  /** Number of its entry in the log: a decision names it. */
  halt: number;
  /** As its entry says; `unrecorded` also when it has turned out meanwhile that its code succeeded: it may only be recorded. */
  reason: HaltReason;
  error?: ErrorSummary | undefined;
  /** When its attempt began. */
  startedAt: string;
  /** When it halted. */
  since: string;
  /** Until when its code may still be running; whatever is decided waits for that. Absent when it cannot. */
  mayRunUntil?: string | undefined;
  /** ARN of the execution that halted there: after an abort, of the run after it. Another one may wait there too, when that one is gone. */
  execution: string;
  requestId?: string | undefined;
  /** Under which commit the attempt began, and which one was deployed when it halted; as far as it is known. */
  commits?: Commits | undefined;
  /** Who asked its turn to stop at its next checkpoint. */
  cancelled?: Cancelled | undefined;
}

export interface EnvironmentView {
  environment: string;
  /** Ascending by id: the manifest's, and those that the ledger knows besides. */
  migrations: MigrationView[];
  halt?: OpenHalt | undefined;
  completed: number;
  total: number;
  /** Ids that completed.json names and that the ledger does not have as completed: a run refuses. Absent when there are none. */
  lacking?: string[] | undefined;
  gitCommit?: string | undefined;
}

/** What is read of the ledger. */
export interface LedgerSeen {
  state: LogState;
  /** The store's time of this look, in epoch milliseconds. */
  at: number;
  /** Of the turn that is open; undefined when none is. */
  turn?: TurnLook | undefined;
  /** Of the migration whose turn is open, or why it cannot be read. */
  checkpoint?: CheckpointRecord | { unreadable: string } | undefined;
  /** Of a turn of batches. */
  batches?: BatchKeys | undefined;
}

export interface ManifestSeen {
  environment: string;
  gitCommit?: string | null | undefined;
  migrations: readonly ManifestRow[];
  /** What completed.json names. */
  pruned?: readonly string[] | undefined;
}

/**
 * @param isOver nothing of the environment runs any more, whatever its deadline
 * @throws OdinError as `LedgerLog.look`
 */
export async function readView(ledger: Ledger, manifest: ManifestSeen, isOver = false): Promise<EnvironmentView> {
  const seen = await lookAtLedger(ledger);
  const { turn, batches } = seen;
  const began =
    turn?.seen === 'claimed' || (turn?.seen === 'unclaimed' && batches !== undefined && batches.begun.length > 0);
  return viewOf(manifest, isOver && began ? { ...seen, turn: { seen: 'claimed', deadline: 0 } } : seen);
}

/** Everything that `viewOf` needs, in at most four requests besides those for the log. @throws OdinError as `LedgerLog.look` */
export async function lookAtLedger({ log, store }: Ledger): Promise<LedgerSeen> {
  const state = await log.look();
  const at = log.lookedAt;
  if (!state.turn) return { state, at };
  const { allowed } = state.turn;
  const [turn, checkpoint, batches] = await Promise.all([
    lookAtTurn(store, allowed, at),
    checkpointOf(allowed.migration),
    allowed.batches && listBatches(store, allowed),
  ]);
  return { state, at, turn, checkpoint, batches };

  async function checkpointOf(migration: string): Promise<LedgerSeen['checkpoint']> {
    try {
      return (await readCheckpoint(store, migration))?.checkpoint;
    } catch (thrown) {
      if (!(thrown instanceof OdinError) || thrown.code !== 'RecordUnreadable') throw thrown;
      return { unreadable: thrown.what };
    }
  }
}

/** Pure: the same manifest and look give the same view. */
export function viewOf(
  { environment, gitCommit, migrations, pruned = [] }: ManifestSeen,
  seen: LedgerSeen,
): EnvironmentView {
  const inManifest = new Map(migrations.map((row) => [row.id, row]));
  const known = Object.keys(seen.state.migrations);
  const highest = known.reduce((max, id) => (id > max ? id : max), '');
  const ids = [...new Set([...inManifest.keys(), ...known])].sort();
  const gone = new Set(pruned);
  const lacking = lackingOf(seen.state, pruned);
  const rows = ids.map((id) => {
    const row = rowOf(id, inManifest.get(id), seen, highest);
    return gone.has(id) ? { ...row, pruned: true as const } : row;
  });
  return {
    environment,
    migrations: rows,
    halt: openHaltOf(seen, migrations),
    completed: rows.filter(({ state }) => isCompleted(state)).length,
    total: rows.length,
    lacking: lacking.length > 0 ? lacking : undefined,
    gitCommit: gitCommit ?? undefined,
  };
}

export const isCompleted = (state: MigrationState): state is Completed['completion'] =>
  state === 'applied' || state === 'marked-applied' || state === 'skipped' || state === 'baseline';

/** The halt that waits for a decision; undefined when none does. */
export function openHaltOf(
  { state: { turn }, at, turn: look }: Pick<LedgerSeen, 'state' | 'at' | 'turn'>,
  migrations: readonly Pick<ManifestRow, 'id' | 'description'>[],
): OpenHalt | undefined {
  if (!turn?.halt || turn.halt.decided) return undefined;
  const { halted } = turn.halt;
  return {
    migration: halted.migration,
    description: migrations.find(({ id }) => id === halted.migration)?.description,
    attempt: halted.attempt,
    halt: halted.number,
    reason: outcomeOf(look)?.outcome === 'succeeded' ? 'unrecorded' : halted.reason,
    error: halted.error,
    startedAt: turn.since,
    since: halted.time,
    mayRunUntil: deadlineOf(look, at),
    execution: haltedBy(turn.allowed, halted),
    requestId: requestIdOf(look, halted.migration),
    commits: halted.commits,
    cancelled: cancelledBy(turn),
  };
}

/** Its entry names the run. Of the run that the turn was allowed for, the execution that had it; of another one, the first. */
const haltedBy = ({ run, execution }: Allowed, halted: Halted): string =>
  halted.run === run ? execution : siblingExecution(execution, halted.run);

/**
 * The lines of the request that failed; where that is not known, those of the migration since the attempt began.
 * @param arn any ARN of the environment's partition and region
 */
export function haltLogLink({ migration, requestId, startedAt }: OpenHalt, arn: string, group: string): string {
  return requestId === undefined
    ? migrationLogLink(arn, group, migration, startedAt)
    : logLink(arn, group, requestId, startedAt);
}

const cancelledBy = ({ cancel }: TurnState): Cancelled | undefined =>
  cancel && { by: cancel.by, identity: cancel.identity, time: cancel.time, reason: cancel.reason };

function rowOf(id: string, manifest: ManifestRow | undefined, seen: LedgerSeen, highest: string): MigrationView {
  const known = seen.state.migrations[id];
  const named = { id, description: manifest?.description, file: manifest?.file };
  if (!known) return { ...named, state: id < highest ? 'late' : 'pending', attempts: 0, changedSince: false };
  const { turn } = seen.state;
  const row = turn?.allowed.migration === id ? openRow(turn, seen) : completedRow(known);
  const ran = turn?.allowed.migration === id ? turn.allowed : known.completion;
  const difference = manifest && ran && differenceOf(ran, manifest);
  return {
    ...named,
    attempts: known.attempts,
    changedSince: difference === 'files',
    packagesChangedSince: difference === 'packages' || undefined,
    ...row,
  };
}

type Row = Omit<MigrationView, 'id' | 'description' | 'file' | 'attempts' | 'changedSince' | 'packagesChangedSince'>;

function completedRow({ completion }: KnownMigration): Row {
  if (!completion) throw new OdinError(NEITHER);
  return {
    state: completion.completion,
    startedAt: completion.startedAt,
    finishedAt: completion.finishedAt ?? completion.time,
    durationMs: tookOf(completion),
    by: completion.by,
    identity: completion.identity,
    reason: completion.reason,
    leftOver: completion.leftOver,
    did: completion.did,
    gitCommit: completion.gitCommit,
    execution: completion.execution,
  };
}

/** Of one that an operator recorded, the time until the decision says nothing about the migration. */
export const tookOf = ({
  completion,
  startedAt,
  finishedAt,
}: Pick<CompletionState, 'completion' | 'startedAt' | 'finishedAt'>): number | undefined =>
  completion === 'applied' && startedAt !== undefined && finishedAt !== undefined
    ? Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt))
    : undefined;

const NEITHER = {
  code: 'Internal',
  source: 'system',
  what: 'A migration is neither completed nor has it the open turn.',
} as const;

function openRow(turn: TurnState, { at, turn: look, checkpoint, batches }: LedgerSeen): Row {
  const { allowed, since, halt } = turn;
  const state = openState(turn, look, at, batches);
  const outcome = outcomeOf(look);
  const ended = outcome?.outcome === 'succeeded' || outcome?.outcome === 'failed' ? outcome.time : undefined;
  const until = ended !== undefined ? Date.parse(ended) : state === 'running' ? at : undefined;
  const { decision, by, identity, reason } = halt?.decided ?? {};
  const goesOn = state === 'running' || state === 'stopped' || state === 'starting'; // what stands still has no rate
  const readable = checkpoint && !('unreadable' in checkpoint) ? checkpoint : undefined;
  const ofBatches = batchesSeen({ at, turn: look, checkpoint, batches }, allowed, goesOn);
  return {
    state,
    startedAt: since,
    finishedAt: ended,
    durationMs: until === undefined ? undefined : Math.max(0, until - Date.parse(since)),
    decision: decision === 'cancel' ? undefined : decision,
    by,
    identity,
    reason,
    error: outcome?.error ?? halt?.halted.error,
    leftOver: outcome?.leftOver,
    failures: outcome?.batches?.failures?.key,
    mayRunUntil: deadlineOf(look, at),
    waitsUntil: waitsUntil(turn, look, at),
    cancelled: cancelledBy(turn),
    batches: ofBatches?.batches,
    progress: ofBatches?.progress ?? (readable && progressOf(goesOn ? readable : { ...readable, began: undefined })),
    unreadable: checkpoint && 'unreadable' in checkpoint ? checkpoint.unreadable : undefined,
    requestId: requestIdOf(look, allowed.migration),
    execution: allowed.execution,
    gitCommit: allowed.gitCommit,
  };
}

const deadlineOf = (look: TurnLook | undefined, at: number): string | undefined =>
  look?.seen === 'claimed' && at <= look.deadline ? new Date(look.deadline).toISOString() : undefined;

/** Of a turn that has stopped at a checkpoint with a time. @returns ISO time; undefined when it is over, or nobody waits for it */
export function waitsUntil({ halt, cancel }: TurnState, look: TurnLook | undefined, at: number): string | undefined {
  const goesOn = goesOnAt(outcomeOf(look) ?? {});
  return goesOn !== undefined && at < goesOn && !halt && !cancel ? new Date(goesOn).toISOString() : undefined;
}

/** Of a turn of batches, and its progress in place of its checkpoint's, which is that of the plan; undefined of any other turn. */
export function batchesSeen(
  { at, turn, checkpoint, batches: keys }: Pick<LedgerSeen, 'at' | 'turn' | 'checkpoint' | 'batches'>,
  { batches: allowed, time: began }: Allowed,
  goesOn = true,
): { batches: BatchesView; progress: Progress } | undefined {
  if (!allowed || !keys) return undefined;
  const outcome = outcomeOf(turn);
  const batches = batchesViewOf(allowed, keys, outcome);
  const { succeeded: done, of: total } = batches;
  const progress = progressOf({
    done,
    total,
    time: outcome?.time ?? new Date(at).toISOString(),
    began: goesOn ? { time: began, done: total - numbersOf(allowed.rest).length } : undefined,
  });
  const { perSecond } = progress;
  const items = checkpoint && !('unreadable' in checkpoint) ? checkpoint.plan?.items : undefined;
  const rate =
    perSecond !== undefined && items !== undefined ? `${rateText((perSecond * items) / total)} of items` : '';
  const note = ['batches', batchesText(batches), rate].filter((text) => text !== '').join(', ');
  // What has failed is not begun again in this turn: nobody waits for it.
  const open = batches.running + batches.waiting;
  const remainingMs = open === 0 ? undefined : msFor(open, perSecond);
  return { batches, progress: { ...progress, remainingMs, note } };
}

function openState(
  { halt }: TurnState,
  look: TurnLook | undefined,
  at: number,
  batches: LedgerSeen['batches'],
): MigrationState {
  if (halt && !halt.decided) return 'halted';
  const outcome = look?.seen === 'closed' ? (look.outcome?.outcome ?? 'unknown') : undefined;
  if (outcome === 'succeeded') return 'succeeded';
  if (halt) return halt.decided?.decision === 'abort' ? 'aborted' : 'decided';
  if (outcome !== undefined) return outcome;
  if (look?.seen === 'claimed') {
    // All batches that began have ended, and the run is about to say what became of them.
    return at <= look.deadline || look.batches?.open.length === 0 ? 'running' : 'unknown';
  }
  return batches && batches.begun.length > 0 ? 'running' : 'starting';
}

const outcomeOf = (look: TurnLook | undefined): Outcome | undefined =>
  look?.seen === 'closed' ? look.outcome : undefined;

/** Of the migration's function: another writer's request, which closed the turn without it, has no line of its code. */
function requestIdOf(look: TurnLook | undefined, migration: string): string | undefined {
  const writer = outcomeOf(look)?.writer;
  return writer?.function === migration ? writer.requestId : undefined;
}
