// `baseline`: adopts an environment whose first migrations ran elsewhere, by recording them as completed.
import { OdinError } from '../../core/errors.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { BaselineAnswer, Baselined, BaselinePayload } from '../../core/contract/payloads.ts';
import { orRefusal } from '../shared/refusal.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';

/**
 * Records every migration of the manifest up to and with `through`, lowest first, each once: safe to call again after a
 * crash. What has a completion keeps it.
 * Refuses with UnknownMigration (`through` is not in the manifest: most likely a slip of the finger, and it would record
 * everything) and AlreadyAttempted (this system has run one of them, so it knows better); nothing is written then.
 */
export function createBaseline({ environment, ledger, log, now }: Services, manifest: Manifest) {
  return ({ through, reason, by }: BaselinePayload, { requestId }: Invocation): Promise<BaselineAnswer> =>
    orRefusal(log, async (): Promise<Baselined> => {
      const entries = manifest.migrations.filter(({ id }) => id <= through);
      if (entries.at(-1)?.id !== through) throw unknownMigration(through);
      const ids = entries.map(({ id }) => id);
      await assertNotAttempted(ids);

      const recorded: string[] = [];
      const already: string[] = [];
      for (const { id, sourceSha256 } of entries) {
        const { created } = await ledger.createCompletion(
          {
            migration: id,
            attempt: 0,
            execution: NO_EXECUTION,
            sourceSha256,
            gitCommit: manifest.gitCommit ?? undefined,
          },
          { requestId, now },
          { completion: 'baseline', reason, by },
        );
        (created ? recorded : already).push(id);
      }
      log.info(`${by} recorded a baseline through ${through}`, { recorded, already });
      return { result: 'recorded', recorded, already, by, message: message(recorded, already) };
    });

  /** A run that starts one of them after this look is stopped by its own: the claim is followed by a look for completions. */
  async function assertNotAttempted(ids: readonly string[]): Promise<void> {
    const attempts = await ledger.attempts();
    const completed = await ledger.completedIds();
    const attempted = ids.filter((id) => attempts.has(id) && !completed.has(id));
    if (attempted.length === 0) return;
    throw new OdinError({
      code: 'AlreadyAttempted',
      source: 'user',
      what: `${attempted.join(', ')} of ${environment} ${attempted.length === 1 ? 'has' : 'have'} been attempted here, so it is no baseline what became of ${attempted.length === 1 ? 'it' : 'them'}.`,
      why: 'Nothing was recorded.',
      next: {
        words: 'Decide on its halt instead',
        verb: 'resume',
        environment,
        args: ['mark-applied', '--reason "..."'],
      },
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

/** No execution caused a baseline's records. */
const NO_EXECUTION = 'none';

function rangeOf({ migrations }: Manifest): string {
  const [first, last] = [migrations[0]?.id, migrations.at(-1)?.id];
  return first === undefined || last === undefined ? 'none' : `${migrations.length}, from ${first} to ${last}`;
}

function message(recorded: readonly string[], already: readonly string[]): string {
  const told = recorded.length === 0 ? 'Nothing new to record.' : `Recorded as baseline: ${recorded.join(', ')}.`;
  return already.length === 0 ? told : `${told} Completed before: ${already.join(', ')}.`;
}
