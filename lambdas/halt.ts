// `Halt for operator`: writes down who waits for a decision, and tells the operators.
import { OdinError } from '../core/errors.ts';
import type { AttemptIndex } from '../core/ledger.ts';
import type { Manifest } from '../core/manifest.ts';
import type { HaltPayload } from '../core/payloads.ts';
import { RunInput } from '../core/payloads.ts';
import type { Claim, Finished, HaltRecord } from '../core/records.ts';
import { caughtSummary } from '../core/summaries.ts';
import { haltChat, haltEvent, haltSubject, haltText } from './halt-message.ts';
import type { Invocation, Services } from './services.ts';
import { tell } from './tell.ts';

/**
 * Opens the halt of an attempt, or joins it when another execution waits there already. The machine's task then waits
 * for the token that is recorded. Safe to run again: the newest token of an execution replaces its older one.
 * @throws OdinError HaltNotNeeded when the ledger has moved on; the machine catches it and lists again
 */
export function createHalt(services: Services, manifest: Manifest) {
  const { environment, ledger, executions, log, now } = services;
  return async ({ execution, input, token, at }: HaltPayload, { requestId }: Invocation): Promise<object> => {
    const { migration, attempt } = at;
    const attempts = (await ledger.attempts(migration)).get(migration) ?? [];
    const index = attempts.find((seen) => seen.attempt === attempt);
    const finished = await ledger.finished(migration, attempt);
    await assertStillNeeded(migration, attempt, attempts, finished, execution);

    const claim = index && index.slices > 0 ? await ledger.claim(migration, attempt, index.slices) : undefined;
    const halt = (index?.halts ?? 0) + 1;
    const error = finished?.error ?? (at.error && caughtSummary(at.error));
    const self = {
      execution,
      token,
      since: new Date(now()).toISOString(),
      allowOutOfOrder: RunInput.safeParse(input).data?.allowOutOfOrder ?? false,
    };
    const record = await ledger.updateHalt(
      {
        migration,
        attempt,
        execution,
        sourceSha256: claim?.sourceSha256,
        codeSha256: claim?.codeSha256,
        gitCommit: claim?.gitCommit,
      },
      { requestId, now },
      (current) => ({
        halt,
        outcome: outcomeOf(finished),
        waiting: [...othersWaiting(current, attempt, halt, execution), self],
        ...(error && { error }),
      }),
    );
    log.warn(`Halted: ${migration}, attempt ${attempt}, ${record.outcome}`, { halt, error });
    await notify(record, execution, claim);
    return { migration, attempt, halt };
  };

  async function assertStillNeeded(
    migration: string,
    attempt: number,
    attempts: readonly AttemptIndex[],
    finished: Finished | undefined,
    execution: string,
  ): Promise<void> {
    const index = attempts.find((seen) => seen.attempt === attempt);
    const decided = index && index.halts > 0 ? await ledger.decision(migration, attempt, index.halts) : undefined;
    const claim = index && index.slices > 0 ? await ledger.claim(migration, attempt, index.slices) : undefined;
    const why =
      (await ledger.completion(migration)) !== undefined
        ? 'it is completed'
        : attempts.some((later) => later.attempt > attempt)
          ? 'a later attempt was made'
          : decided && decided.decision !== 'abort'
            ? `${decided.by} decided ${decided.decision}`
            : claim && !finished && claim.execution !== execution && (await executions.isAlive(claim.execution))
              ? `it is running in ${claim.execution}`
              : undefined;
    if (why === undefined) return;
    throw new OdinError({
      code: 'HaltNotNeeded',
      source: 'system',
      what: `Attempt ${attempt} of ${migration} needs no halt: ${why}.`,
    });
  }

  /** An unsent notification never prevents the halt: the halt is in the ledger, and the log says what was not sent. */
  function notify(halt: HaltRecord, execution: string, claim: Claim | undefined): Promise<void> {
    return tell(services, () => {
      const entry = manifest.migrations.find(({ id }) => id === halt.migration);
      const news = { environment, halt, execution, entry, claim, now: now() };
      return {
        event: { type: 'Migration Halted', detail: haltEvent(news) },
        message: { subject: haltSubject(news), text: haltText(news), chat: haltChat(news) },
      };
    });
  }
}

const outcomeOf = (finished: Finished | undefined): HaltRecord['outcome'] =>
  finished === undefined ? 'unknown' : finished.outcome === 'succeeded' ? 'unrecorded' : 'failed';

/** Who else waits in the same halt: one decision resumes them all. */
const othersWaiting = (current: HaltRecord | undefined, attempt: number, halt: number, execution: string) =>
  current?.attempt === attempt && current.halt === halt
    ? current.waiting.filter((waiting) => waiting.execution !== execution)
    : [];
