// `Record completion`: appends that a migration is done with, from what the ledger holds and not from what it was told.
import { OdinError } from '../../core/errors.ts';
import type { Completed } from '../../core/ledger/entries.ts';
import type { LogState, Numbered } from '../../core/ledger/fold.ts';
import { entryKey } from '../../core/ledger/keys.ts';
import type { EntryContent } from '../../core/ledger/log.ts';
import { lookAtTurn } from '../../core/ledger/turns.ts';
import type { RecordPayload } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { copyCompleted } from '../../core/ledger/completions.ts';
import { tellSettlement } from '../shared/tell-waiters.ts';
import { writerOf } from '../shared/writer.ts';
import { who } from '../../core/views/words.ts';

/**
 * Idempotent: a completion that stands already is success (docs/design.md §6). Whoever waits in a halt of the turn goes on.
 * @throws OdinError NothingToRecord when neither user code returned nor an operator said so (docs/design.md §7, invariant 4)
 */
export function createRecordCompletion(services: Services) {
  const { log, store } = services.ledger;

  return async (
    payload: RecordPayload,
    invocation: Invocation,
  ): Promise<{ migration: string; completion: Completed['completion'] }> => {
    const { migration, turn } = payload;
    const writer = writerOf(services, 'record-completion', invocation);
    const { entry, state } = await log.append(writer, (now) => whatToAppend(now, payload));
    const stands = state.migrations[migration]?.completion?.number ?? 0;
    // The fold takes nothing but a `completed` entry for a migration's completion.
    const completed = (entry ?? (await log.entry(stands))) as Numbered<Completed>;
    const { completion, time } = completed;
    services.log.info(
      entry ? `Completed ${migration}: ${completion}` : `${migration} was completed before, at ${time}: ${completion}`,
    );
    await copyCompleted(store, completed);
    await tellHalts(turn, completed);
    return { migration, completion };
  };

  /** Undefined: it is completed already. */
  async function whatToAppend(state: LogState, payload: RecordPayload): Promise<EntryContent | undefined> {
    const { migration, attempt } = payload;
    if (state.migrations[migration]?.completion) return undefined;

    const { turn } = state;
    if (
      turn?.allowed.number !== payload.turn ||
      turn.allowed.migration !== migration ||
      turn.allowed.attempt !== attempt
    ) {
      throw nothingToRecord(payload, 'It has no open turn of that number.');
    }
    const look = await lookAtTurn(store, turn.allowed, log.lookedAt);
    const ran = look.seen === 'closed' || turn.allowed.slice > 1;
    const content = { kind: 'completed' as const, ids: [migration], startedAt: ran ? turn.since : undefined };
    if (look.seen === 'closed' && look.outcome?.outcome === 'succeeded') {
      const { time: finishedAt, leftOver, did } = look.outcome;
      return { ...content, completion: 'applied', finishedAt, leftOver, did, restsOn: look.reference };
    }
    const { verdict } = turn;
    if (!verdict)
      throw nothingToRecord(payload, 'It did not succeed, and no operator marked it applied or skipped it.');
    if (look.seen !== 'closed' && look.seen !== 'void') {
      throw nothingToRecord(payload, `${who(verdict)} decided ${verdict.decision}, and its code may still be running.`);
    }
    const { by, identity, reason, time, number, sha256 } = verdict;
    const completion = verdict.decision === 'skip' ? 'skipped' : 'marked-applied';
    return {
      ...content,
      completion,
      by,
      identity,
      reason,
      finishedAt: time,
      restsOn: { key: entryKey(number), sha256 },
    };
  }

  /** Of every halt of the turn: who decided it may have been cut off before all were told. */
  async function tellHalts(turn: number, completed: Numbered<Completed>): Promise<void> {
    for (let number = turn + 1; number < completed.number; number += 1) {
      if ((await log.entry(number))?.kind !== 'halted') continue;
      await tellSettlement(services, number);
    }
  }
}

const nothingToRecord = ({ migration, attempt, turn }: RecordPayload, why: string): OdinError =>
  new OdinError({
    code: 'NothingToRecord',
    source: 'system',
    what: `There is no completion to record of ${migration}, attempt ${attempt}, entry ${turn}.`,
    why: `${why} A completion exists only if user code returned, or an operator said so.`,
  });
