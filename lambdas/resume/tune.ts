// `tune`: an operator asks that more or fewer batches of a parallel migration run at the same time, from now on until its map ends.
// Nothing is decided on it, so the ledger knows nothing of it.
import { OdinError } from '../../core/errors.ts';
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
      if (!turn || turn.halt || !turn.allowed.batches) throw nothingRunning(meant);
      const { migration, attempt, execution, number } = turn.allowed;
      if (meant !== undefined && meant !== migration) throw nothingRunning(meant);
      // An execution has one map after the other: which one runs may be asked when it has gone on to the next migration's.
      const isStillOpen = async () => (await ledger.log.look()).turn?.allowed.number === number;
      if ((await executions.tuneMap(execution, concurrency, isStillOpen)) === 'none runs')
        throw nothingRunning(migration);
      log.info(
        `${who(await saidBy(services, payload, invocation))} lets ${concurrency} batches of ${migration} run at a time`,
      );
      const message = `${migration}, attempt ${attempt}: from now on ${concurrency} batches run at a time; those that run end.`;
      return { result: 'tuned', migration, attempt, concurrency, message };
    });

  function nothingRunning(meant: string | undefined): OdinError {
    return new OdinError({
      code: 'NothingRunning',
      source: 'user',
      what: `No batches of ${meant ?? environment} are running, so there is nothing to tune.`,
      why: 'A plan has no batches yet that run, and the next attempt begins with what its file says.',
      next: { words: 'See what there is', verb: 'status', environment },
    });
  }
}
