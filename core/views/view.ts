// The view of an environment: one row per migration, and the open halt. The command line and the dashboard show the same.
import pMap from 'p-map';
import type { Decision } from '../names/names.ts';
import type { AttemptIndex, Ledger } from '../ledger/ledger.ts';
import type { Progress } from './progress.ts';
import { progressOf } from './progress.ts';
import type {
  Cancellation,
  CheckpointRecord,
  Claim,
  Completion,
  DecisionRecord,
  Finished,
  HaltRecord,
} from '../ledger/records.ts';
import type { ErrorSummary } from '../ledger/summaries.ts';

/** What a row shows of a manifest's entry; a `Manifest`'s own entries are such. */
export interface ManifestRow {
  id: string;
  file: string;
  description?: string | undefined;
  sourceSha256: string;
}

/**
 * The completions, and of a migration without one: `pending` (never started), `late` (pending below one that was run),
 * `running`, `stopped` (at a checkpoint: a run goes on with its next slice), `succeeded` (its completion is not recorded yet), `halted` (waits for a decision), `decided` (to be retried
 * or recorded; the run has not acted on it yet), `aborted`, `failed` and `unknown` (no halt is open for it yet).
 */
export type MigrationState =
  | Completion['completion']
  | 'pending'
  | 'late'
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
  description?: string;
  /** Absent when the migration is known by the ledger alone: its file was deleted. */
  file?: string;
  /** How many attempts there were. */
  attempts: number;
  /** When the last attempt was claimed. Times are ISO 8601. */
  startedAt?: string;
  /** When its code ended, or when the completion was recorded without it. */
  finishedAt?: string;
  /** From the claim to the end; of a running one, until now. */
  durationMs?: number;
  /** Who decided or recorded it; absent when the run did. */
  by?: string;
  reason?: string;
  /** The latest decision on the last attempt. */
  decision?: Decision;
  error?: ErrorSummary;
  /** At its last checkpoint; the rate and the time left only while it goes on. */
  progress?: Progress;
  /** Who asked the last attempt to stop at its next checkpoint. */
  cancelled?: { by: string; time: string; reason?: string };
  /** Lambda's request id of the last attempt's latest slice, and its execution: for links. */
  requestId?: string;
  execution?: string;
  gitCommit?: string;
  /** The source that was run, or recorded as a baseline, is not the manifest's. */
  changedSince: boolean;
}

/** A halt that waits for a decision. Without its task tokens: whoever holds one can answer it. */
export interface OpenHalt {
  migration: string;
  description?: string;
  attempt: number;
  /** Counts the halts of this attempt: after an abort it can halt again. */
  halt: number;
  outcome: HaltRecord['outcome'];
  error?: ErrorSummary;
  /** When the first execution began to wait. */
  since: string;
  /** ARNs of the executions that wait, or waited until somebody stopped them. */
  executions: string[];
  requestId?: string;
}

export interface EnvironmentView {
  environment: string;
  /** Ascending by id: the manifest's, and those that the ledger knows besides. */
  migrations: MigrationView[];
  /** The lowest, when several are open. */
  halt?: OpenHalt;
  completed: number;
  total: number;
  gitCommit?: string;
}

/** What is read of the ledger for one migration. */
export interface MigrationSeen {
  attempts: readonly AttemptIndex[];
  completion?: Completion | undefined;
  halt?: HaltRecord | undefined;
  /** Of the last attempt: its first and its latest slice's claim, its outcome, its latest decision. */
  first?: Claim | undefined;
  claim?: Claim | undefined;
  finished?: Finished | undefined;
  decision?: DecisionRecord | undefined;
  cancellation?: Cancellation | undefined;
  checkpoint?: CheckpointRecord | undefined;
}

export interface ManifestSeen {
  environment: string;
  gitCommit?: string | null;
  migrations: readonly ManifestRow[];
}

/**
 * Reads the ledger and gives the view.
 * @param now epoch milliseconds
 * @throws OdinError RecordUnreadable, LedgerForbidden, LedgerUnavailable
 */
export async function readView(ledger: Ledger, manifest: ManifestSeen, now: number): Promise<EnvironmentView> {
  return viewOf(manifest, await readSeen(ledger), now);
}

/** Everything that `viewOf` needs: a completed migration costs one read, another one a few. */
export async function readSeen(ledger: Ledger): Promise<Map<string, MigrationSeen>> {
  // Attempts first: a migration that completes between the two reads is then seen as completed.
  const attempts = await ledger.attempts();
  const completed = await ledger.completedIds();
  const halts = new Map((await ledger.halts()).map((halt) => [halt.migration, halt]));
  const ids = [...new Set([...attempts.keys(), ...completed])].sort();
  const seen = await pMap(
    ids,
    async (id): Promise<[string, MigrationSeen]> => {
      const indexes = attempts.get(id) ?? [];
      if (completed.has(id)) return [id, { attempts: indexes, completion: await ledger.completion(id) }];
      const last = indexes.at(-1);
      if (!last) return [id, { attempts: indexes }];
      const { attempt } = last;
      const [first, claim, finished, cancellation, decision, checkpoint] = await Promise.all([
        last.slices > 0 ? ledger.claim(id, attempt, 1) : undefined,
        ledger.latestClaim(id, last),
        last.finished ? ledger.finished(id, attempt) : undefined,
        last.cancelled ? ledger.cancellation(id, attempt) : undefined,
        ledger.latestDecision(id, last),
        ledger.checkpoint(id),
      ]);
      const halt = halts.get(id);
      return [id, { attempts: indexes, halt, first, claim, finished, cancellation, decision, checkpoint }];
    },
    { concurrency: READ_CONCURRENCY },
  );
  return new Map(seen);
}

/** Pure: the same manifest, ledger and time give the same view. */
export function viewOf(
  { environment, gitCommit, migrations }: ManifestSeen,
  seen: ReadonlyMap<string, MigrationSeen>,
  now: number,
): EnvironmentView {
  const inManifest = new Map(migrations.map((row) => [row.id, row]));
  const highest = [...seen.keys()].reduce((max, id) => (id > max ? id : max), '');
  const ids = [...new Set([...inManifest.keys(), ...seen.keys()])].sort();
  const rows = ids.map((id) => rowOf(id, inManifest.get(id), seen.get(id), highest, now));
  const halted = rows.find(({ state }) => state === 'halted');
  const record = halted && seen.get(halted.id)?.halt;
  return {
    environment,
    migrations: rows,
    ...(record && { halt: openHaltOf(record, halted) }),
    completed: rows.filter(({ state }) => isCompleted(state)).length,
    total: rows.length,
    ...(typeof gitCommit === 'string' && { gitCommit }),
  };
}

export const isCompleted = (state: MigrationState): state is Completion['completion'] =>
  state === 'applied' || state === 'marked-applied' || state === 'skipped' || state === 'baseline';

function rowOf(
  id: string,
  manifest: ManifestRow | undefined,
  seen: MigrationSeen | undefined,
  highest: string,
  now: number,
): MigrationView {
  const named = {
    id,
    ...(manifest?.description !== undefined && { description: manifest.description }),
    ...(manifest && { file: manifest.file }),
  };
  if (!seen) return { ...named, state: id < highest ? 'late' : 'pending', attempts: 0, changedSince: false };

  const attempts = seen.attempts.at(-1)?.attempt ?? 0;
  const ran = seen.completion?.sourceSha256 ?? seen.claim?.sourceSha256;
  const common = {
    ...named,
    attempts,
    changedSince: manifest !== undefined && ran !== undefined && ran !== manifest.sourceSha256,
  };
  return seen.completion ? completedRow(common, seen.completion) : openRow(common, seen, now);
}

type Common = Pick<MigrationView, 'id' | 'description' | 'file' | 'attempts' | 'changedSince'>;

function completedRow(common: Common, completion: Completion): MigrationView {
  const { startedAt, finishedAt = completion.time, by, reason, gitCommit, requestId, execution } = completion;
  return {
    ...common,
    state: completion.completion,
    ...(startedAt !== undefined && { startedAt }),
    finishedAt,
    // Of one that an operator recorded, the time until the decision says nothing about the migration.
    ...(completion.completion === 'applied' &&
      startedAt !== undefined && { durationMs: Date.parse(finishedAt) - Date.parse(startedAt) }),
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    ...(gitCommit !== undefined && { gitCommit }),
    requestId,
    execution,
  };
}

function openRow(common: Common, seen: MigrationSeen, now: number): MigrationView {
  const { first, claim, finished, cancellation, decision, halt, checkpoint } = seen;
  const state = openState(seen, now);
  const goesOn = state === 'running' || state === 'stopped'; // what stands still has no rate
  const until = finished ? Date.parse(finished.time) : state === 'running' ? now : undefined;
  const error = finished?.error ?? (state === 'halted' ? halt?.error : undefined);
  const { gitCommit, requestId, execution } = claim ?? {};
  return {
    ...common,
    state,
    ...(first && { startedAt: first.time }),
    ...(finished && { finishedAt: finished.time }),
    ...(first && until !== undefined && { durationMs: Math.max(0, until - Date.parse(first.time)) }),
    ...(decision && { decision: decision.decision, by: decision.by }),
    ...(decision?.reason !== undefined && { reason: decision.reason }),
    ...(error && { error }),
    ...(cancellation && { cancelled: cancelledOf(cancellation) }),
    ...(checkpoint && { progress: progressOf(goesOn ? checkpoint : { ...checkpoint, began: undefined }) }),
    ...(requestId !== undefined && { requestId }),
    ...(execution !== undefined && { execution }),
    ...(gitCommit !== undefined && { gitCommit }),
  };
}

function openState(
  { attempts, halt, claim, finished, decision, checkpoint }: MigrationSeen,
  now: number,
): MigrationState {
  const last = attempts.at(-1);
  if (last && halt?.attempt === last.attempt && halt.halt > last.halts) return 'halted';
  if (finished?.outcome === 'succeeded') return 'succeeded';
  if (decision) return decision.decision === 'abort' ? 'aborted' : 'decided';
  if (finished) return 'failed';
  if (checkpoint?.stopped && checkpoint.attempt === claim?.attempt && checkpoint.slice === claim.slice)
    return 'stopped';
  return claim && Date.parse(claim.deadline) > now ? 'running' : 'unknown';
}

const cancelledOf = ({ by, time, reason }: Cancellation): NonNullable<MigrationView['cancelled']> => ({
  by,
  time,
  ...(reason !== undefined && { reason }),
});

/** What may be shown of a halt: everything but its task tokens. */
export function openHaltOf(
  { migration, attempt, halt, outcome, error, waiting, time }: HaltRecord,
  { description, requestId }: Pick<OpenHalt, 'description' | 'requestId'> = {},
): OpenHalt {
  return {
    migration,
    ...(description !== undefined && { description }),
    attempt,
    halt,
    outcome,
    ...(error && { error }),
    since: waiting.map(({ since }) => since).sort()[0] ?? time,
    executions: [...new Set(waiting.map(({ execution }) => execution))],
    ...(requestId !== undefined && { requestId }),
  };
}

const READ_CONCURRENCY = 16;
