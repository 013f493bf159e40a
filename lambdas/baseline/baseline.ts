// `baseline`: adopts an environment whose first migrations ran elsewhere, by one entry that they are completed.
import { resumeCommand } from '../../core/decision/meanings.ts';
import { OdinError } from '../../core/errors.ts';
import type { Completed } from '../../core/ledger/entries.ts';
import type { LogState, Numbered, TurnState } from '../../core/ledger/fold.ts';
import type { EntryContent } from '../../core/ledger/log.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { BaselineAnswer, Baselined, BaselinePayload } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { copyCompleted } from '../shared/copy-completed.ts';
import { orRefusal } from '../shared/refusal.ts';
import { writerOf } from '../shared/writer.ts';

/**
 * Records every migration of the manifest up to and with `through`, all at once. What has a completion keeps it.
 * Refuses with UnknownMigration (`through` is not in the manifest: most likely a slip of the finger, and it would record
 * everything) and AlreadyAttempted (a turn is open: this system knows better); nothing is written then.
 */
export function createBaseline(services: Services, manifest: Manifest) {
  const { environment, ledger, log } = services;

  return (payload: BaselinePayload, invocation: Invocation): Promise<BaselineAnswer> =>
    orRefusal(log, async (): Promise<Baselined> => {
      const { through, by } = payload;
      const ids = manifest.migrations.map(({ id }) => id).filter((id) => id <= through);
      if (ids.at(-1) !== through) throw unknownMigration(through);

      const writer = writerOf(services, 'baseline', invocation);
      const { entry } = await ledger.log.append(writer, (state) => Promise.resolve(whatToAppend(state, ids, payload)));
      const completed = entry as Numbered<Completed> | undefined; // it appends no other kind
      if (completed) await copyCompleted(ledger.store, completed);
      const recorded = completed?.ids ?? [];
      const already = ids.filter((id) => !recorded.includes(id));
      log.info(`${by} recorded a baseline through ${through}`, { recorded, already });
      return { result: 'recorded', recorded, already, by, message: message(recorded, already) };
    });

  /** Undefined: all are completed already. */
  function whatToAppend(state: LogState, ids: string[], { by, reason }: BaselinePayload): EntryContent | undefined {
    if (state.turn) throw alreadyAttempted(state.turn);
    const pending = ids.filter((id) => !state.migrations[id]?.completion);
    return pending.length === 0 ? undefined : { kind: 'completed', ids: pending, completion: 'baseline', by, reason };
  }

  function alreadyAttempted({ allowed: { migration, attempt }, halt }: TurnState): OdinError {
    return new OdinError({
      code: 'AlreadyAttempted',
      source: 'user',
      what: `${migration} of ${environment} has been started here, attempt ${attempt}, and it is not settled what became of it.`,
      why: 'A baseline is of what ran elsewhere, so nothing was recorded.',
      next: halt
        ? { words: 'Decide on its halt first', ...resumeCommand(environment, 'mark-applied', halt.halted.number) }
        : { words: 'Wait for its outcome', verb: 'status', environment },
    });
  }

  function unknownMigration(through: string): OdinError {
    const below = manifest.migrations.filter(({ id }) => id < through).at(-1)?.id;
    return new OdinError({
      code: 'UnknownMigration',
      source: 'user',
      what: `${through} is not among the deployed migrations of ${environment}, so nothing was recorded.`,
      why: `Deployed: ${rangeOf(manifest)}.`,
      next:
        below === undefined
          ? 'There is nothing below it either: no baseline is needed.'
          : `If everything up to ${below} is meant, type --through ${below}.`,
    });
  }
}

function rangeOf({ migrations }: Manifest): string {
  const [first, last] = [migrations[0]?.id, migrations.at(-1)?.id];
  return first === undefined || last === undefined ? 'none' : `${migrations.length}, from ${first} to ${last}`;
}

function message(recorded: readonly string[], already: readonly string[]): string {
  const told = recorded.length === 0 ? 'Nothing new to record.' : `Recorded as baseline: ${recorded.join(', ')}.`;
  return already.length === 0 ? told : `${told} Completed before: ${already.join(', ')}.`;
}
