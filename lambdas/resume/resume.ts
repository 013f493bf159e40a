// `resume`: an operator's decision, first written to the ledger and then sent to whoever waits for it (docs/design.md §6).
import { needsReason } from '../../core/decision/meanings.ts';
import { describeThrown, OdinError } from '../../core/errors.ts';
import { codeOf } from '../../core/ledger/ledger.ts';
import { resumedExecutionName } from '../../core/names/names.ts';
import type { ResumeAnswer, Resumed, ResumePayload } from '../../core/contract/payloads.ts';
import type { DecisionRecord, HaltRecord } from '../../core/ledger/records.ts';
import { aliveIn } from '../../core/decision/situation.ts';
import { orRefusal } from '../shared/refusal.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { continueRun } from '../shared/continue-run.ts';

/**
 * Safe to call again, by anybody, at any time: the first decision on a halt wins, and each call delivers whatever was
 * decided but not delivered yet.
 * Refuses with ReasonMissing, NothingHalted, OtherHalt, AttemptSucceeded (nothing was written), and AlreadyDecided
 * (somebody else decided otherwise; it says who, what and when).
 * @throws OdinError DecisionNotDelivered: the decision is recorded; the same call again delivers it
 */
export function createResume(services: Services) {
  const decideOrThrow = createDecider(services);
  return (payload: ResumePayload, invocation: Invocation): Promise<ResumeAnswer> =>
    orRefusal(services.log, () => decideOrThrow(payload, invocation));
}

function createDecider({ environment, ledger, executions, log, now }: Services) {
  return async (payload: ResumePayload, { requestId }: Invocation): Promise<Resumed> => {
    assertReason(payload);
    const halt = await findHalt(payload);
    const { migration, attempt } = halt;
    const finished = await ledger.finished(migration, attempt);
    if (finished?.outcome === 'succeeded' && payload.decision === 'skip') throw attemptSucceeded(halt);

    const index = (await ledger.attemptsOf(migration)).find((seen) => seen.attempt === attempt);
    const claim = await ledger.latestClaim(migration, index);
    const { created, record } = await ledger.createDecision(
      { migration, attempt, execution: halt.execution, ...codeOf(claim) },
      { requestId, now },
      {
        halt: halt.halt,
        decision: payload.decision,
        by: payload.by,
        ...(hasText(payload.reason) && { reason: payload.reason.trim() }),
      },
    );
    if (created) log.info(`${record.by} decided ${record.decision} on ${migration}, attempt ${attempt}`);

    const delivered = await deliver(await withLatecomers(halt), record);
    if (!created && record.decision !== payload.decision) throw alreadyDecided(record, payload);

    const mayRunUntil = !finished && claim && Date.parse(claim.deadline) > now() ? claim.deadline : undefined;
    const waitsUntil = record.decision === 'abort' ? undefined : mayRunUntil;
    return {
      result: created ? 'decided' : 'already',
      migration,
      attempt,
      decision: record.decision,
      by: record.by,
      time: record.time,
      ...(record.reason !== undefined && { reason: record.reason }),
      executions: delivered,
      ...(waitsUntil !== undefined && { waitsUntil }),
      message: message(created, record, delivered, waitsUntil),
    };
  };

  /** The halt that the operator means: the one that was named, else the open one, else the one decided last. */
  async function findHalt({ halt: named }: ResumePayload): Promise<HaltRecord> {
    const unsettled: { halt: HaltRecord; open: boolean }[] = [];
    for (const halt of await ledger.halts()) {
      const decided = await ledger.decision(halt.migration, halt.attempt, halt.halt);
      const completed = await ledger.completion(halt.migration);
      // An execution may still wait in a completed migration's halt: another one completed it, or the decision was
      // recorded and never delivered.
      if (completed && (await aliveIn(halt, executions.isAlive)) === undefined) continue;
      unsettled.push({ halt, open: !decided });
    }
    const open = unsettled.filter((candidate) => candidate.open);
    if (named) {
      const match = unsettled.find(({ halt }) => halt.migration === named.migration && halt.attempt === named.attempt);
      if (match) return match.halt;
      throw notThatHalt(named, open[0]?.halt);
    }
    // Which of several is meant must be said: one may be of a file that is not deployed any more.
    if (open.length > 1) throw severalHalts(open.map((candidate) => candidate.halt));
    const found = open[0] ?? unsettled.at(-1);
    if (found) return found.halt;
    throw new OdinError({
      code: 'NothingHalted',
      source: 'user',
      what: `No migration of ${environment} is halted, so there is nothing to decide.`,
      next: { words: 'Start a run', verb: 'run', environment },
    });
  }

  /**
   * Sends the recorded decision to every execution that waits in the halt. When all of them are gone, a new one is
   * started under a fixed name: it finds the decision in the ledger. Returns the ARNs of those that go on.
   */
  async function deliver(halt: HaltRecord, record: DecisionRecord): Promise<string[]> {
    try {
      const goOn: string[] = [];
      let alive = false;
      for (const { token, execution } of halt.waiting) {
        const sent =
          record.decision === 'abort'
            ? await executions.failTask(token, 'Aborted', abortCause(record))
            : await executions.succeedTask(token, { decision: record.decision, by: record.by });
        // A token that nobody waits for in a live execution: an earlier delivery was faster.
        if (sent === 'sent' || (await executions.isAlive(execution))) alive = true;
        if (sent === 'sent' && record.decision !== 'abort') goOn.push(execution);
      }
      if (alive || record.decision === 'abort' || (await movedOn(record))) return goOn;
      const allowOutOfOrder = halt.waiting.some((waiting) => waiting.allowOutOfOrder);
      const nameOf = (tries: number) => resumedExecutionName(record.migration, record.attempt, record.halt, tries);
      return [await continueRun(executions, nameOf, allowOutOfOrder ? { allowOutOfOrder } : {})];
    } catch (cause) {
      throw new OdinError({
        code: 'DecisionNotDelivered',
        source: 'system',
        what: `The decision ${record.decision} on ${record.migration} is recorded, but the run could not be told.`,
        why: describeThrown(cause),
        next: 'Send the same decision again: it changes nothing that is recorded, and tells the run.',
        cause,
      });
    }
  }

  /** The halt as it stands after the decision: an execution may have joined it since it was read (see halt.ts). */
  async function withLatecomers(halt: HaltRecord): Promise<HaltRecord> {
    const now = await ledger.halt(halt.migration);
    return now?.attempt === halt.attempt && now.halt === halt.halt ? now : halt;
  }

  /** A later attempt or a completion shows that the decision has been carried out. */
  async function movedOn({ migration, attempt }: DecisionRecord): Promise<boolean> {
    if ((await ledger.completion(migration)) !== undefined) return true;
    return ((await ledger.lastAttempt(migration))?.attempt ?? 0) > attempt;
  }

  function severalHalts(open: readonly HaltRecord[]): OdinError {
    return new OdinError({
      code: 'OtherHalt',
      source: 'user',
      what: `Several attempts are halted in ${environment}: ${open.map(({ migration, attempt }) => `attempt ${attempt} of ${migration}`).join(', ')}.`,
      next: 'Say which one you mean: --migration ... --attempt ....',
    });
  }

  function notThatHalt(named: { migration: string; attempt: number }, open: HaltRecord | undefined): OdinError {
    const what = `Attempt ${named.attempt} of ${named.migration} in ${environment} is not halted.`;
    return open
      ? new OdinError({
          code: 'OtherHalt',
          source: 'user',
          what,
          why: `Halted is attempt ${open.attempt} of ${open.migration}.`,
          next: `Decide on that one: --migration ${open.migration} --attempt ${open.attempt}.`,
        })
      : new OdinError({
          code: 'NothingHalted',
          source: 'user',
          what,
          why: 'Nothing else is halted either.',
          next: { words: 'Start a run', verb: 'run', environment },
        });
  }
}

function assertReason({ decision, reason }: ResumePayload): void {
  if (!needsReason(decision) || hasText(reason)) return;
  throw new OdinError({
    code: 'ReasonMissing',
    source: 'user',
    what: `${decision} needs a reason: it stays in the ledger for whoever asks later why this migration did not run.`,
    next: `Type the same again with --reason "...".`,
  });
}

const hasText = (text: string | undefined): text is string => text !== undefined && text.trim() !== '';

const attemptSucceeded = ({ migration, attempt }: HaltRecord): OdinError =>
  new OdinError({
    code: 'AttemptSucceeded',
    source: 'user',
    what: `Attempt ${attempt} of ${migration} succeeded in the meantime, so it cannot be recorded as skipped.`,
    next: 'Decide mark-applied (or retry: nothing is run twice, its success is recorded).',
  });

const alreadyDecided = (record: DecisionRecord, payload: ResumePayload): OdinError =>
  new OdinError({
    code: 'AlreadyDecided',
    source: 'user',
    what: `${record.by} decided ${record.decision} on ${record.migration}, attempt ${record.attempt}, at ${record.time}${record.reason === undefined ? '' : ` (${record.reason})`}.`,
    why: `The first decision on a halt counts; your ${payload.decision} was not recorded.`,
    next: 'Look at the status; if the run halts again, decide then.',
  });

const abortCause = ({ migration, attempt, by, reason }: DecisionRecord): string =>
  `${by} aborted this run at migration ${migration}, attempt ${attempt}${reason === undefined ? '.' : `: ${reason}`}`;

function message(created: boolean, record: DecisionRecord, goOn: string[], waitsUntil: string | undefined): string {
  const { decision, migration, attempt, by, time } = record;
  const told = created
    ? `Recorded: ${decision} on ${migration}, attempt ${attempt}.`
    : `${by} had decided ${decision} on ${migration}, attempt ${attempt}, at ${time}.`;
  const then =
    decision === 'abort'
      ? ' The run ends as failed; the next run halts here again.'
      : goOn.length > 0
        ? ' The run goes on.'
        : '';
  const wait =
    waitsUntil === undefined
      ? ''
      : ` It acts on this after ${waitsUntil}, until when the old attempt may still be running.`;
  return told + then + wait;
}
