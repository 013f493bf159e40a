// Whether this invocation may run user code: the log must allow it, and the claim makes sure that no other does (docs/design.md §4).
//
//   read the entry ─▶ read what it rests on ─▶ same code? ─▶ create the claim (If-None-Match) ─▶ user code
//
// Whoever goes on without this turn has created its claim as void before: then it is found here, and nothing runs.
import { OdinError } from '../../core/errors.ts';
import type { BatchPayload, RunPayload } from '../../core/contract/payloads.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import type { Replaced, StoredCheckpoint } from '../../core/ledger/checkpoints.ts';
import { checkpointBefore, readCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed } from '../../core/ledger/entries.ts';
import { sha256 } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { entryKey } from '../../core/ledger/keys.ts';
import type { LogWriter } from '../../core/ledger/log.ts';
import { numbersOf } from '../../core/ledger/batches.ts';
import { Outcome, takeClaim } from '../../core/ledger/turns.ts';

/** What a migration's function knows of itself, from its configuration. */
export interface Self {
  migration: string;
  codeSha256: string;
  /** Ends each slice after this time, for practice; undefined: a slice lasts as long as the function may. */
  sliceMs: number | undefined;
  /** Saves each checkpoint, with 0, so that a test can count them; undefined: as often as is worth it. */
  saveEveryMs?: number | undefined;
}

export type TurnOfBatches = Numbered<Allowed> & { batches: NonNullable<Allowed['batches']> };

export interface AllowedTurn {
  turn: Numbered<Allowed>;
  /** The migration's last checkpoint, from which the next one moves on; undefined: there is none. */
  checkpoint: Replaced | undefined;
  /**
   * Set: none of its code runs. It goes on from this checkpoint, which says when, and no turn has stopped there that was waited for: so
   * this one stops there.
   */
  waiting: StoredCheckpoint | undefined;
}

/**
 * @returns the turn when this invocation, and no other ever, may run its user code
 * @throws OdinError WrongMigration, NotAllowed: nothing was claimed
 */
export async function claimAllowedTurn(
  self: Self,
  ledger: Ledger,
  payload: RunPayload,
  writer: LogWriter,
): Promise<AllowedTurn | 'claimed elsewhere'> {
  const turn = await readTurn(self, ledger, payload);
  if (turn.batches) throw notAllowed(turn, `${entryKey(turn.number)} allows batches`);
  const stopped = await readRestsOn(ledger, turn);
  if (turn.codeSha256 !== self.codeSha256) {
    await takeClaim(ledger.store, turn, writer, { claim: 'void', otherCodeSha256: self.codeSha256 });
    return 'claimed elsewhere';
  }
  const last = stopped ? undefined : await lastCheckpoint(ledger, turn);
  const waiting = turn.begin === 'checkpoint' && saysWhen(last) ? last : undefined;
  const { taken } = await takeClaim(ledger.store, turn, writer, { claim: 'claimed' });
  return taken === 'mine' ? { turn, checkpoint: stopped ?? last, waiting } : 'claimed elsewhere';
}

const saysWhen = (last: Replaced | undefined): last is StoredCheckpoint => last?.checkpoint?.notBefore !== undefined;

function assertOurs({ migration }: Self, payload: Pick<RunPayload, 'migration'>): void {
  if (payload.migration === migration) return;
  throw new OdinError({
    code: 'WrongMigration',
    source: 'system',
    what: `This function runs migration ${migration}; it was asked for ${payload.migration}.`,
  });
}

/**
 * The turn that runs this batch, if the log has it and what it rests on.
 * @throws OdinError WrongMigration, NotAllowed: nothing was claimed
 */
export async function allowedBatch(self: Self, ledger: Ledger, payload: BatchPayload): Promise<TurnOfBatches> {
  const turn = await readTurn(self, ledger, payload);
  const { batches } = turn;
  if (!batches || !numbersOf(batches.rest).includes(payload.batch)) {
    throw notAllowed(turn, `${entryKey(turn.number)} does not allow batch ${payload.batch}`);
  }
  await readRestsOn(ledger, turn);
  return { ...turn, batches };
}

/** The entry that the payload names, which says the same as the payload. */
async function readTurn(self: Self, { log }: Ledger, payload: RunPayload | BatchPayload): Promise<Numbered<Allowed>> {
  assertOurs(self, payload);
  const entry = await log.entry(payload.turn);
  if (entry?.kind !== 'allowed') {
    throw notAllowed(payload, `${entryKey(payload.turn)} ${entry ? `is a ${entry.kind} entry` : 'is not there'}`);
  }
  for (const field of ['migration', 'attempt', 'slice', 'execution'] as const) {
    if (entry[field] !== payload[field]) {
      throw notAllowed(payload, `${entryKey(entry.number)} allows ${field} ${entry[field]}, not ${payload[field]}`);
    }
  }
  return entry;
}

/** @returns the checkpoint that the turn before it stopped at, if that is what it rests on */
async function readRestsOn({ store }: Ledger, turn: Numbered<Allowed>): Promise<StoredCheckpoint | undefined> {
  const { completion, decision, turn: before } = turn.restsOn;
  const reference = completion ?? decision ?? before;
  if (!reference) return undefined;
  const stored = await store.get(reference.key);
  if (!stored || sha256(stored.body) !== reference.sha256) {
    throw notAllowed(
      turn,
      `${reference.key}, on which ${entryKey(turn.number)} rests, ${stored ? 'has changed' : 'is not there'}`,
    );
  }
  return before && Outcome.safeParse(JSON.parse(stored.body)).data?.stoppedAt;
}

/** Of an earlier turn or attempt. The first turn of all has none, and does not ask for it. */
async function lastCheckpoint({ store }: Ledger, turn: Numbered<Allowed>): Promise<Replaced | undefined> {
  if (turn.attempt === 1 && turn.slice === 1) return undefined;
  return turn.begin === 'start' ? await checkpointBefore(store, turn) : await readCheckpoint(store, turn.migration);
}

const notAllowed = (
  { migration, attempt, slice }: Pick<RunPayload, 'migration' | 'attempt' | 'slice'>,
  why: string,
): OdinError =>
  new OdinError({
    code: 'NotAllowed',
    source: 'user',
    what: `Nothing allows attempt ${attempt}, slice ${slice} of ${migration}: ${why}.`,
    next: 'Start the state machine instead of invoking this function by hand.',
  });
