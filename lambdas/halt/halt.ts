// `Halt for operator`: writes down who waits for a decision, and tells the operators.
import { OdinError } from '../../core/errors.ts';
import { codeOf } from '../../core/ledger/ledger.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { HaltPayload } from '../../core/contract/payloads.ts';
import { RunInput } from '../../core/contract/payloads.ts';
import type { Claim, DecisionRecord, Finished, HaltRecord } from '../../core/ledger/records.ts';
import { caughtSummary } from '../../core/ledger/summaries.ts';
import { haltChat, haltEvent, haltSubject, haltText } from './halt-message.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { announce } from '../shared/announce.ts';

/**
 * Opens the halt of an attempt, or joins it when another execution waits there already. The machine's task then waits
 * for the token that is recorded. Safe to run again, also at the same time.
 * @throws OdinError HaltNotNeeded when the ledger has moved on; the machine catches it and lists again
 */
export function createHalt(services: Services, manifest: Manifest) {
  const { environment, local, ledger, executions, log, now } = services;
  return async ({ execution, input, token, at }: HaltPayload, { requestId }: Invocation): Promise<object> => {
    const { migration, attempt } = at;
    const self = {
      execution,
      token,
      since: new Date(now()).toISOString(),
      allowOutOfOrder: RunInput.safeParse(input).data?.allowOutOfOrder ?? false,
    };
    for (;;) {
      const { finished, claim, decided, halt } = await look(at, execution);
      const caught = at.unrecorded ?? at.error;
      const known = at.unrecorded === undefined ? finished?.error : undefined;
      const error = known ?? (caught && caughtSummary(caught));
      const record = await ledger.updateHalt(
        { migration, attempt, execution, ...codeOf(claim) },
        { requestId, now },
        async (current) => {
          // A slow invocation must not take the tokens of a later halt away.
          if (current && isLater(current, attempt, halt)) throw notNeeded(migration, attempt, 'a later halt is open');
          return {
            halt,
            outcome: outcomeOf(finished),
            waiting: [...(await othersWaiting(current, attempt, halt, self)), self],
            ...(error && { error }),
          };
        },
      );
      // A decision is written and then the record is read (resume); the record is written and then decisions are read.
      // Whatever the order, one sees the other: nobody waits in a halt whose decision was delivered without him.
      if ((await look(at, execution)).halt > halt) continue;
      log.warn(`Halted: ${migration}, attempt ${attempt}, ${record.outcome}`, { halt, error });
      await notify(record, execution, claim, at.unrecorded && decided);
      return { migration, attempt, halt };
    }
  };

  /** What the ledger holds of the attempt, and the number of its next halt. */
  async function look({ migration, attempt, unrecorded }: HaltPayload['at'], execution: string) {
    const attempts = await ledger.attemptsOf(migration);
    const index = attempts.find((seen) => seen.attempt === attempt);
    const finished = await ledger.finished(migration, attempt);
    const claim = await ledger.latestClaim(migration, index);
    const decided = await ledger.latestDecision(migration, index);
    const why =
      (await ledger.completion(migration)) !== undefined
        ? 'it is completed'
        : attempts.some((later) => later.attempt > attempt)
          ? 'a later attempt was made'
          : // What was decided could not be recorded: listing again would go round for ever.
            decided && decided.decision !== 'abort' && !unrecorded
            ? `${decided.by} decided ${decided.decision}`
            : claim && !finished && (await runsElsewhere(claim, execution))
              ? `it is running in ${claim.execution}`
              : undefined;
    if (why !== undefined) throw notNeeded(migration, attempt, why);
    return { finished, claim, decided, halt: (index?.halts ?? 0) + 1 };
  }

  async function runsElsewhere(claim: Claim, execution: string): Promise<boolean> {
    const mayRun = claim.execution !== execution && Date.parse(claim.deadline) > now();
    return mayRun && (await executions.isAlive(claim.execution));
  }

  /**
   * Who else waits, and is resumed by the same decision. Of the same halt everybody, this execution's other tokens too:
   * of two invocations nobody can tell whose token is the live one, and a dead token costs nothing. Of an earlier halt
   * who is still alive, this execution too: a decision was recorded there that never reached him.
   */
  async function othersWaiting(
    current: HaltRecord | undefined,
    attempt: number,
    halt: number,
    self: HaltRecord['waiting'][number],
  ): Promise<HaltRecord['waiting']> {
    const others = current?.waiting.filter(({ token }) => token !== self.token) ?? [];
    if (current?.attempt === attempt && current.halt === halt) return others;
    const left: HaltRecord['waiting'] = [];
    for (const other of others) {
      if (other.execution === self.execution || (await executions.isAlive(other.execution))) {
        left.push({ ...other, since: self.since });
      }
    }
    return left;
  }

  /** An unsent notification never prevents the halt: the halt is in the ledger, and the log says what was not sent. */
  function notify(
    halt: HaltRecord,
    execution: string,
    claim: Claim | undefined,
    unrecorded: DecisionRecord | undefined,
  ): Promise<void> {
    return announce(services, () => {
      const entry = manifest.migrations.find(({ id }) => id === halt.migration);
      const news = { environment, local, halt, execution, entry, claim, unrecorded, now: now() };
      return {
        event: { type: 'Migration Halted', detail: haltEvent(news) },
        message: { subject: haltSubject(news), text: haltText(news), chat: haltChat(news) },
      };
    });
  }
}

const outcomeOf = (finished: Finished | undefined): HaltRecord['outcome'] =>
  finished === undefined ? 'unknown' : finished.outcome === 'succeeded' ? 'unrecorded' : 'failed';

/** Whether the record is of a halt that was opened after this one. */
const isLater = (current: HaltRecord, attempt: number, halt: number): boolean =>
  current.attempt > attempt || (current.attempt === attempt && current.halt > halt);

const notNeeded = (migration: string, attempt: number, why: string): OdinError =>
  new OdinError({
    code: 'HaltNotNeeded',
    source: 'system',
    what: `Attempt ${attempt} of ${migration} needs no halt: ${why}.`,
  });
