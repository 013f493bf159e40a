// `baseline`: adopts an environment whose first migrations ran elsewhere, by entries that they are completed.
import { baselineThrough } from '../../core/contract/manifest.ts';
import { resumeCommand } from '../../core/decision/meanings.ts';
import { OdinError } from '../../core/errors.ts';
import { PRUNED_AT_ONCE, recordBaseline } from '../../core/ledger/completions.ts';
import type { TurnState } from '../../core/ledger/fold.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { BaselineAnswer, Baselined, BaselinePayload } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { idsText } from '../../core/text/format.ts';
import { orRefusal } from '../shared/refusal.ts';
import { saidBy } from '../shared/said-by.ts';
import { writerOf } from '../shared/writer.ts';
import { who } from '../../core/views/words.ts';

/**
 * Records every migration up to and with `through`: of the manifest, all at once; of those that were pruned, before them, some at a
 * time: nothing could run them meanwhile. What has a completion keeps it.
 * Refuses with UnknownMigration (`through` is not in the manifest, or something below it was not shown) and AlreadyAttempted (a turn is
 * open: this system knows better); nothing is written then.
 */
export function createBaseline(services: Services, manifest: Manifest) {
  const { environment, ledger, log } = services;
  const { pruned = [] } = manifest;

  return (payload: BaselinePayload, invocation: Invocation): Promise<BaselineAnswer> =>
    orRefusal(log, async (): Promise<Baselined> => {
      const { through, reason, shown } = payload;
      const all = baselineThrough(manifest, through);
      const since = shown ? all.filter((id) => !shown.includes(id)) : [];
      if (since.length > 0) throw notShown(since);

      const writer = writerOf(services, 'baseline', invocation);
      const said = await saidBy(services, payload, invocation);
      const record = (ids: string[], atOnce?: number) =>
        recordBaseline(ledger, writer, ids, { ...said, reason }, { whileOpen: alreadyAttempted, atOnce });
      const known = new Set(pruned);
      const first = await record(
        all.filter((id) => known.has(id)),
        PRUNED_AT_ONCE,
      );
      const last = await record(all); // then a run may begin
      const recorded = [...first, ...last].sort();
      const now = new Set(recorded);
      const already = all.filter((id) => !now.has(id));
      log.info(`${who(said)} recorded a baseline through ${through}`, { recorded, already });
      return { result: 'recorded', recorded, already, ...said, message: message(recorded, already) };
    });

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

  /** What nobody has seen, nobody has said of: it would be recorded as done, and never run. */
  function notShown(ids: readonly string[]): OdinError {
    return new OdinError({
      code: 'UnknownMigration',
      source: 'user',
      what: `Since this was shown, ${environment} has got ${idsText(ids)}, so nothing was recorded.`,
      next: 'Type the same again.',
    });
  }
}

function message(recorded: readonly string[], already: readonly string[]): string {
  const told = recorded.length === 0 ? 'Nothing new to record.' : `Recorded as baseline: ${idsText(recorded)}.`;
  return already.length === 0 ? told : `${told} Completed before: ${idsText(already)}.`;
}
