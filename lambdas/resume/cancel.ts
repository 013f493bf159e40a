// `cancel`: an operator asks the running checkpointed migration to stop at its next checkpoint. Its function looks for the
// entry at every checkpoint, and the run halts.
import { OdinError } from '../../core/errors.ts';
import { readCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed, Said } from '../../core/ledger/entries.ts';
import type { LogState, Numbered, TurnState } from '../../core/ledger/fold.ts';
import type { EntryContent } from '../../core/ledger/log.ts';
import type { TurnLook } from '../../core/ledger/turns.ts';
import { lookAtTurn } from '../../core/ledger/turns.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { CancelAnswer, CancelledAnswer, CancelPayload } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { orRefusal } from '../shared/refusal.ts';
import { saidBy } from '../shared/said-by.ts';
import { writerOf } from '../shared/writer.ts';
import { who } from '../../core/views/words.ts';
import { timeText } from '../../core/text/format.ts';

/** Of which migration, and once it was seen of which attempt. */
interface Meant {
  migration: string | undefined;
  attempt?: number | undefined;
}

const isMeant = (allowed: Allowed, { migration, attempt }: Meant): boolean =>
  (migration ?? allowed.migration) === allowed.migration && (attempt ?? allowed.attempt) === allowed.attempt;

/**
 * Safe to call again: the first one who asks for a turn to stop is the one who is recorded.
 * Refuses with NothingRunning and NotCheckpointed; nothing is appended then.
 */
export function createCancel(services: Services, manifest: Manifest) {
  const { environment } = services;
  const { log, store } = services.ledger;

  return (payload: CancelPayload, invocation: Invocation): Promise<CancelAnswer> =>
    orRefusal(services.log, async (): Promise<CancelledAnswer> => {
      const writer = writerOf(services, 'resume', invocation);
      const said = await saidBy(services, payload, invocation);
      // Who names none means the one that ran when they asked: others may append before them, and the run go on to its next one.
      let meant: Meant = { migration: payload.migration };
      const { entry, state } = await log.append(writer, async (now) => {
        const content = await whatToAppend(now, meant, payload, said);
        meant = now.turn?.allowed ?? meant;
        return content;
      });
      const { allowed, cancel } = state.turn ?? {};
      if (!allowed || !cancel) throw nothingRunning(meant);
      const { migration, attempt } = allowed;
      const { by, identity, time, reason } = cancel;
      const how = allowed.batches
        ? ['begins no further batch, and the run halts when those that run have ended', 'runs the rest']
        : (await isStopped(allowed))
          ? ['stands at a checkpoint, and the run halts there within five minutes', 'goes on from it']
          : ['stops at its next checkpoint, and the run halts there', 'goes on from it'];
      if (entry) services.log.info(`${who(cancel)} asked attempt ${attempt} of ${migration} to stop`);
      const asked = entry ? 'Recorded' : `${who(cancel)} had asked for it at ${timeText(time)}`;
      const message = `${asked}: ${migration}, attempt ${attempt}, ${how[0]}. A retry ${how[1]}.`;
      return { result: entry ? 'cancelled' : 'already', migration, attempt, by, identity, time, reason, message };
    });

  /** Undefined: somebody asked for it before. */
  async function whatToAppend(
    { turn }: LogState,
    meant: Meant,
    { reason = '' }: CancelPayload,
    said: Said,
  ): Promise<EntryContent | undefined> {
    if (!turn || turn.halt) throw nothingRunning(meant);
    const look = await lookAtTurn(store, turn.allowed, log.lookedAt);
    if (!goesOn(look)) throw nothingRunning(meant);
    if (!isMeant(turn.allowed, meant)) throw nothingRunning(meant, turn.allowed);
    if (!(await isCheckpointed(turn))) throw notCheckpointed(turn.allowed, look);
    if (turn.cancel) return undefined;
    const { migration, attempt, number: of } = turn.allowed;
    return { kind: 'decided', decision: 'cancel', migration, attempt, of, ...said, reason: reason.trim() || undefined };
  }

  /** Whether its code runs, or is to go on without a decision: between two slices, or with a fresh turn. */
  function goesOn(look: TurnLook): boolean {
    if (look.seen === 'closed') return look.outcome?.outcome === 'stopped';
    return look.seen !== 'claimed' || look.deadline >= log.lookedAt;
  }

  async function isStopped(allowed: Numbered<Allowed>): Promise<boolean> {
    return (await lookAtTurn(store, allowed, log.lookedAt)).seen === 'closed';
  }

  /** What it has yielded shows it, however its file is written; of one that has not yet, its file does. */
  async function isCheckpointed({ allowed: { migration, attempt, slice } }: TurnState): Promise<boolean> {
    if (slice > 1 || manifest.migrations.find(({ id }) => id === migration)?.checkpointed) return true;
    return (await readCheckpoint(store, migration))?.checkpoint.attempt === attempt;
  }

  /** @param runs another one than is meant */
  function nothingRunning({ migration, attempt }: Meant, runs?: Allowed): OdinError {
    const meant = [migration, attempt && `attempt ${attempt}`].filter(Boolean).join(', ');
    return new OdinError({
      code: 'NothingRunning',
      source: 'user',
      what:
        migration === undefined
          ? `No migration of ${environment} is running, so there is nothing to cancel.`
          : `${meant} of ${environment} is not running, so there is nothing to cancel.`,
      why: runs
        ? `What runs is ${runs.migration}, attempt ${runs.attempt}, which was not asked to stop.`
        : 'A halt is answered with resume.',
      next: { words: 'See what there is', verb: 'status', environment },
    });
  }

  function notCheckpointed({ migration, attempt }: Allowed, look: TurnLook): OdinError {
    const until = look.seen === 'claimed' ? `before ${timeText(look.deadline)} at the latest` : 'in time';
    return new OdinError({
      code: 'NotCheckpointed',
      source: 'user',
      what: `Migration ${migration}, attempt ${attempt}, has yielded no checkpoint, so nothing says that it can be stopped in the middle.`,
      why: `If it yields none, Lambda ends it ${until}, and the run halts then.`,
      next: { words: 'Wait for its outcome', verb: 'status', environment },
    });
  }
}
