// `resume`: an operator's decision on a halt, first appended to the log and then told to whoever waits (docs/design.md §6).
import { lateIn } from '../../core/decision/decide.ts';
import { needsReason, saysWhy } from '../../core/decision/meanings.ts';
import { nothingHalted } from '../../core/decision/nothing-halted.ts';
import { OdinError } from '../../core/errors.ts';
import { describeThrown } from '../../core/thrown.ts';
import type { CheckpointRecord } from '../../core/ledger/checkpoints.ts';
import { readCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Completed, Decided, Halted, Said } from '../../core/ledger/entries.ts';
import type { LogState, Numbered, TurnState } from '../../core/ledger/fold.ts';
import type { EntryContent } from '../../core/ledger/log.ts';
import { isSameWork } from '../../core/ledger/sources.ts';
import type { TurnLook } from '../../core/ledger/turns.ts';
import { lookAtTurn } from '../../core/ledger/turns.ts';
import { readWaiters } from '../../core/ledger/waiters.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { filesOf } from '../../core/contract/manifest.ts';
import type { DecideAnswer, DecidedAnswer, DecidePayload } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { orRefusal } from '../shared/refusal.ts';
import { carryOut, settlementOf, tellWaiters } from '../shared/tell-waiters.ts';
import { saidBy } from '../shared/said-by.ts';
import { writerOf } from '../shared/writer.ts';
import { who } from '../../core/views/words.ts';
import { timeText } from '../../core/text/format.ts';

/**
 * Safe to call again, by anybody, at any time: the first decision on a halt counts, unless another one names it before it has had
 * its effect, and each call tells what counts to whoever was not told yet.
 * Refuses with ReasonMissing, NothingHalted, OtherHalt, AttemptSucceeded, UnknownMigration (a retry without a file), OutOfOrder, OtherCode
 * (nothing was appended), and AlreadyDecided (somebody else decided otherwise; it says who, what and when).
 * @throws OdinError DecisionNotDelivered: the decision is recorded; the same call again delivers it
 */
export function createResume(services: Services, manifest: Manifest) {
  const { environment } = services;
  const { log, store } = services.ledger;

  return (payload: DecidePayload, invocation: Invocation): Promise<DecideAnswer> =>
    orRefusal(services.log, async (): Promise<DecidedAnswer> => {
      assertReason(payload);
      const writer = writerOf(services, 'resume', invocation);
      const said = await saidBy(services, payload, invocation);
      // Who names no halt means the one that was open when they asked: others may append before them, and the run go on to its next halt.
      let meant = payload;
      const { entry, state } = await log.append(writer, (now) => {
        meant = { ...meant, halt: meant.halt ?? now.turn?.halt?.halted.number };
        return whatToAppend(now, meant, said);
      });
      const { halted, decided } = await decidedHalt(state, meant);
      const { migration, attempt, number: halt } = halted;
      const { decision, by, identity, time, reason } = decided;
      if (entry) services.log.info(`${who(decided)} decided ${decision} on ${migration}, attempt ${attempt}`, { halt });

      // One that is said instead of another is acted on by who was told of that one, if it still runs.
      const goOn = await deliver(state, halted, decided, entry !== undefined && decided.instead === undefined);
      const mayBeReplaced = state.turn?.halt?.decided?.number === decided.number;
      if (!entry && decision !== payload.decision) throw alreadyDecided(decided, payload, mayBeReplaced);
      const waitsUntil = await waitFor(state, decided);
      const result = entry ? 'decided' : 'already';
      const message = messageOf(result, decided, goOn, { waitsUntil, proved: payload.proof !== undefined });
      return {
        result,
        migration,
        attempt,
        halt,
        entry: decided.number,
        decision,
        by,
        identity,
        time,
        reason,
        executions: goOn,
        waitsUntil,
        message,
      };
    });

  /** Undefined: the halt that is meant is not open, or another decision counts. */
  async function whatToAppend(state: LogState, payload: DecidePayload, said: Said): Promise<EntryContent | undefined> {
    const { turn } = state;
    const { decision, instead } = payload;
    if (!turn?.halt) return undefined;
    const { migration, attempt, number } = turn.halt.halted;
    if (payload.halt !== number) return undefined;
    if (turn.halt.decided?.number !== instead) {
      if (!turn.halt.decided) throw hadItsEffect(instead, turn.halt.halted);
      return undefined;
    }

    const look = await lookAtTurn(store, turn.allowed, log.lookedAt);
    const succeeded = look.seen === 'closed' && look.outcome?.outcome === 'succeeded';
    if (succeeded && needsReason(decision)) throw attemptSucceeded(turn.halt.halted, decision);
    // What became of it is known then, and a retry only records it.
    const settled = turn.verdict !== undefined && turn.verdict.of !== number; // by an earlier halt: nothing is said instead of that
    const runs = decision === 'retry' && !succeeded && !settled;
    const retry = runs ? await retryOf(turn, look, payload) : undefined;
    if (runs) await assertInOrder(state, turn.halt.halted);
    const reason = payload.reason?.trim() || undefined;
    return { kind: 'decided', decision, migration, attempt, of: number, ...said, reason, instead, retry };
  }

  /** The run refuses what is not in order, each time: a retry would be recorded, and nothing would come of it. */
  async function assertInOrder(state: LogState, { number, migration }: Halted): Promise<void> {
    const { late, highest } = lateIn(state, manifest.migrations);
    if (late.length === 0) return;
    if ((await readWaiters(store, number)).some((waiter) => waiter.allowOutOfOrder)) return;
    const files = filesOf(manifest, late);
    throw new OdinError({
      code: 'OutOfOrder',
      source: 'user',
      what: `Nothing was recorded: the run would refuse a retry of ${migration}, because ${files.join(', ')} ${files.length === 1 ? 'is' : 'are'} pending, and ${highest} was run before.`,
      why: 'What came late gets the next free number, and is deployed; then decide retry.',
      next: {
        words: 'If the order does not matter, decide abort; the next run halts here again, and may retry',
        verb: 'run',
        environment,
        args: ['--allow-out-of-order'],
      },
    });
  }

  /** Which code a retry is said of, and where it begins. */
  async function retryOf(turn: TurnState, look: TurnLook, { begin }: DecidePayload): Promise<Decided['retry']> {
    const { migration } = turn.allowed;
    const deployed = manifest.migrations.find(({ id }) => id === migration);
    if (!deployed) {
      const other = manifest.migrations.find((entry) => isSameWork(turn.allowed, entry));
      throw nothingToRetry(migration, other?.id);
    }
    const { codeSha256, checkpointed } = deployed;
    if (begin === 'start') return { codeSha256, begin };
    const checkpoint = (await readCheckpoint(store, migration))?.checkpoint;
    // What it has yielded shows that it goes on from there, however its file is written.
    if (!checkpoint && !checkpointed) return { codeSha256, begin: 'start' };
    // Nothing would do its batches: the code would begin at the plan's last cursor, and again as often as it returned.
    if (checkpoint?.plan && begin && !deployed.parallel) throw noBatches(migration);
    if (begin) return { codeSha256, begin };
    const madeBy = checkpointCode(turn, look, checkpoint);
    if (madeBy === undefined) return { codeSha256, begin: 'start' };
    if (madeBy !== codeSha256) throw otherCode(migration);
    return { codeSha256, begin: 'checkpoint' };
  }

  /** The code that made the checkpoint from which the attempt would go on; undefined when there is none. */
  function checkpointCode(
    { allowed }: TurnState,
    look: TurnLook,
    checkpoint: CheckpointRecord | undefined,
  ): string | undefined {
    // An attempt that began at the start does not go on from an earlier one's checkpoint.
    const counts = checkpoint?.attempt === allowed.attempt || allowed.begin === 'checkpoint';
    if (checkpoint && counts) return checkpoint.codeSha256;
    return look.seen === 'claimed' ? allowed.codeSha256 : undefined; // it may still make one
  }

  /**
   * The halt that is meant, and the decision on it that counts: the one that was appended just now, or an earlier one.
   * Whoever waits in a halt that was settled without a decision is told again, too.
   */
  async function decidedHalt(
    { turn }: LogState,
    { halt: named }: DecidePayload,
  ): Promise<{ halted: Numbered<Halted>; decided: Numbered<Decided> }> {
    const last = turn?.halt;
    const open = last?.decided ? undefined : last?.halted;
    if (last?.decided && last.halted.number === named) {
      return { halted: last.halted, decided: last.decided };
    }
    if (named === undefined) throw nothingHalted(environment);
    const halted = await log.entry(named);
    if (halted?.kind !== 'halted') throw notHalted(`Entry ${named} of the log of ${environment} is no halt.`, open);
    const settlement = await settlementOf(log, named);
    if (settlement?.kind === 'decided') return { halted, decided: settlement };
    if (settlement) await tellWaiters(services, named, settlement);
    throw notHalted(
      `Halt ${named} needs no decision any more${settlement ? `: ${completedText(settlement)}` : ''}.`,
      open,
    );
  }

  /** Returns the ARNs of those that go on. */
  async function deliver(
    state: LogState,
    halted: Numbered<Halted>,
    decided: Numbered<Decided>,
    first: boolean,
  ): Promise<string[]> {
    try {
      return await carryOut(services, state, { halted, decided }, first ? 'first' : 'again');
    } catch (cause) {
      throw new OdinError({
        code: 'DecisionNotDelivered',
        source: 'system',
        what: `The decision ${decided.decision} on ${decided.migration} is recorded, but the run could not be told.`,
        why: describeThrown(cause),
        next: 'Send the same decision again: it changes nothing that is recorded, and tells the run.',
        cause,
      });
    }
  }

  /** Until when the run waits before it acts (ISO time): the turn's code may still be running. */
  async function waitFor({ turn }: LogState, { number, decision }: Numbered<Decided>): Promise<string | undefined> {
    if (turn?.halt?.decided?.number !== number || decision === 'abort') return undefined;
    const look = await lookAtTurn(store, turn.allowed, log.lookedAt);
    if (look.seen !== 'claimed' || look.deadline < log.lookedAt) return undefined;
    return new Date(look.deadline).toISOString();
  }

  function notHalted(what: string, open: Halted | undefined): OdinError {
    if (!open) return nothingHalted(environment, what);
    return new OdinError({
      code: 'OtherHalt',
      source: 'user',
      what,
      why: `Halted is attempt ${open.attempt} of ${open.migration}.`,
      next: `Decide on that one: --halt ${open.number}.`,
    });
  }
}

function assertReason({ decision, reason }: DecidePayload): void {
  if (!needsReason(decision) || saysWhy(reason)) return;
  throw new OdinError({
    code: 'ReasonMissing',
    source: 'user',
    what: `${decision} needs a reason: it stays in the ledger for whoever asks later why this migration did not run.`,
    next: `Type the same again with --reason "..." and your words in place of the dots.`,
  });
}

const attemptSucceeded = ({ migration, attempt }: Halted, decision: string): OdinError =>
  new OdinError({
    code: 'AttemptSucceeded',
    source: 'user',
    what: `Attempt ${attempt} of ${migration} succeeded, so ${decision} cannot be recorded.`,
    next: 'Decide retry: nothing is run twice, its success is recorded.',
  });

/** @param other under which number its text is deployed now */
const nothingToRetry = (migration: string, other: string | undefined): OdinError =>
  new OdinError({
    code: 'UnknownMigration',
    source: 'user',
    what: `The file of ${migration} is not deployed any more, so there is nothing to retry${other === undefined ? '.' : `: ${other} has its text.`}`,
    next:
      other === undefined
        ? 'Decide mark-applied, skip or abort; or deploy the file again, and then retry.'
        : `Give the file back the number ${migration}, deploy it, and then retry; or decide skip, and start a run with --allow-renumbered ${other}.`,
  });

/** @param instead a decision that is not the one on the open halt, or undefined */
const hadItsEffect = (instead: number | undefined, { number, migration }: Halted): OdinError =>
  new OdinError({
    code: 'OtherHalt',
    source: 'user',
    what: `Entry ${instead ?? 0} is no decision on the open halt, ${number}, of ${migration}: what was decided there has had its effect.`,
    next: `Decide on the open one: --halt ${number}, without --instead.`,
  });

const otherCode = (migration: string): OdinError =>
  new OdinError({
    code: 'OtherCode',
    source: 'user',
    what: `The checkpoint of ${migration} was made by other code than is deployed now.`,
    why: 'What it means is known to the code that made it, and perhaps to no other.',
    next: 'Type the same again with --keep-checkpoint if the deployed code goes on from it (of a parallel migration: with the batches that are left), or with --from-start to begin anew.',
  });

const noBatches = (migration: string): OdinError =>
  new OdinError({
    code: 'OtherCode',
    source: 'user',
    what: `The checkpoint of ${migration} is that of a plan of batches, and the deployed code has no plan().`,
    next: 'Type the same again with --from-start to begin anew; or deploy code that does the batches, and then retry.',
  });

const alreadyDecided = (
  { decision, migration, attempt, time, reason, number, ...said }: Decided,
  asked: DecidePayload,
  mayBeReplaced: boolean,
): OdinError =>
  new OdinError({
    code: 'AlreadyDecided',
    source: 'user',
    what: `${who(said)} decided ${decision} on ${migration}, attempt ${attempt}, at ${timeText(time)}${reason === undefined ? '' : ` (${reason})`}.`,
    why: `The first decision on a halt counts; your ${asked.decision} was not recorded.`,
    next: mayBeReplaced
      ? `It has had no effect yet. If yours is to count instead, type the same again with --instead ${number}.`
      : 'Look at the status; if the run halts again, decide then.',
  });

const completedText = ({ ids, completion, time }: Completed): string =>
  `${ids.join(', ')} was completed at ${timeText(time)}, ${completion}`;

function messageOf(
  result: DecidedAnswer['result'],
  { decision, migration, attempt, time, retry, ...said }: Decided,
  goOn: readonly string[],
  { waitsUntil, proved }: { waitsUntil: string | undefined; proved: boolean },
): string {
  const unverified = result === 'decided' && proved && said.identity?.is === 'claimed' ? said.identity.why : undefined;
  const parts = [
    result === 'decided'
      ? `Recorded: ${decision} on ${migration}, attempt ${attempt}.`
      : `${who(said)} had decided ${decision} on ${migration}, attempt ${attempt}, at ${timeText(time)}.`,
    unverified !== undefined && `Who decided is recorded as claimed, not as verified: ${unverified}.`,
    decision === 'abort' && 'The run ends as failed; the next run halts here again.',
    goOn.length > 0 && 'The run goes on.',
    retry?.begin === 'checkpoint' && 'It begins at the last checkpoint.',
    waitsUntil !== undefined &&
      `It acts on this after ${timeText(waitsUntil)}, until when the old attempt may still be running.`,
  ];
  return parts.filter((part) => part !== false).join(' ');
}
