// `tune`: an operator asks that more or fewer batches of a parallel migration run at the same time, from now on until its map ends.
// Nothing is decided on it, so the ledger knows nothing of it.
import { OdinError } from '../../core/errors.ts';
import type { Allowed } from '../../core/ledger/entries.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import type { TuneAnswer, TunedAnswer, TunePayload } from '../../core/contract/payloads.ts';
import { who } from '../../core/views/words.ts';
import { orRefusal } from '../shared/refusal.ts';
import { saidBy } from '../shared/said-by.ts';

/** Safe to call again. Refuses with NothingRunning. */
export function createTune(services: Services) {
  const { environment, executions, ledger, log } = services;

  return (payload: TunePayload, invocation: Invocation): Promise<TuneAnswer> =>
    orRefusal(log, async (): Promise<TunedAnswer> => {
      const { turn } = await ledger.log.look();
      const { concurrency, migration: meant } = payload;
      if (!turn || turn.halt) throw nothingRunning(meant);
      const { migration, attempt, execution, number, batches } = turn.allowed;
      if (!batches || (meant !== undefined && meant !== migration)) throw nothingRunning(meant, turn.allowed);
      // An execution has one map after the other: which one runs may be asked when it has gone on to the next migration's.
      const isStillOpen = async () => (await ledger.log.look()).turn?.allowed.number === number;
      if ((await executions.tuneMap(execution, concurrency, isStillOpen)) === 'none runs')
        throw nothingRunning(migration, turn.allowed);
      log.info(
        `${who(await saidBy(services, payload, invocation))} lets ${concurrency} batches of ${migration} run at a time`,
      );
      const message = `${migration}, attempt ${attempt}: from now on ${concurrency} batches run at a time; those that run end.`;
      return { result: 'tuned', migration, attempt, concurrency, message };
    });

  /** @param open what has the turn: another one, or one whose batches do not run */
  function nothingRunning(meant: string | undefined, open?: Allowed): OdinError {
    return new OdinError({
      code: 'NothingRunning',
      source: 'user',
      what: `No batches of ${meant ?? environment} are running, so there is nothing to tune.`,
      why: open ? whatOpens(open, meant) : 'No migration runs: a halt is answered with resume.',
      next: { words: 'See what there is', verb: 'status', environment },
    });
  }
}

function whatOpens({ migration, attempt, batches }: Allowed, meant: string | undefined): string {
  const it = `${migration}, attempt ${attempt}`;
  if (meant !== undefined && meant !== migration) return `What runs is ${it}, which was left alone.`;
  return batches
    ? `Those of ${it}, have not begun, or have ended. The next attempt begins with what its file says.`
    : `What runs is ${it}, which is making its plan, or has none.`;
}
