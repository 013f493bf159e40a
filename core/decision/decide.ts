// The decision of docs/design.md §5: what a run does next, from what the log amounts to and from what is seen of its open turn.
// Pure: the same answer for the same input.
import type { HaltReason } from '../ledger/entries.ts';
import type { LogState, TurnState } from '../ledger/fold.ts';
import { pauseAfter } from '../ledger/slow-down.ts';
import type { SourceHashes } from '../ledger/sources.ts';
import type { Outcome, TurnLook } from '../ledger/turns.ts';
import { goesOnAt } from '../ledger/turns.ts';
import { lackingOf } from './lacking.ts';
import type { Renumbered } from './renumbered.ts';
import { renumberedIn } from './renumbered.ts';

/** What is seen of the open turn, besides the log. */
export interface TurnSeen {
  look: TurnLook;
  /** The execution that the turn's entry names: the one that asks, another that lives, or one that has ended. */
  owner: 'this' | 'alive' | 'dead';
  /** ARN of another live execution that waits in the turn's halt; undefined when there is none. */
  haltedIn: string | undefined;
}

export interface Question {
  state: LogState;
  /** Of `state.turn`; undefined when no turn is open. */
  seen: TurnSeen | undefined;
  /** The deployed migrations, ascending by id, with the code of each. */
  manifest: readonly ({ id: string; codeSha256: string } & SourceHashes)[];
  /** Ids that completed.json names: the log has to have their completions. None when left out. */
  pruned?: readonly string[] | undefined;
  allowOutOfOrder: boolean;
  /** Ids of migrations that may run although their work was completed under another number. */
  allowRenumbered: readonly string[];
  /** Epoch milliseconds: S3's time when it answered the first request of the look. */
  now: number;
}

export interface NextTurn {
  migration: string;
  attempt: number;
  slice: number;
  begin: 'start' | 'checkpoint';
}

export type NextStep =
  | { step: 'finished' }
  /** Appends an entry that allows this turn, and runs it. */
  | ({ step: 'allow' } & NextTurn)
  /** Runs the turn that is allowed already. */
  | { step: 'run again'; turn: number }
  | { step: 'record'; migration: string; completion: 'applied' | 'marked-applied' | 'skipped' }
  /** Creates the key, and decides anew: whoever was faster is read. */
  | { step: 'take'; key: 'claim' | 'outcome'; turn: number }
  | { step: 'wait'; until: 'deadline'; at: number }
  | { step: 'wait'; until: 'other execution' }
  /** S3 has slowed down the batches of the turn before. */
  | { step: 'wait'; until: 'fewer requests'; at: number }
  /** The checkpoint at which the turn stopped says when it goes on. */
  | { step: 'wait'; until: 'time'; at: number }
  /** Of the turn's function, or of the one that decides. */
  | { step: 'wait'; until: 'deployment' }
  | { step: 'halt'; migration: string; attempt: number; reason: HaltReason }
  | { step: 'refuse'; error: 'NotCompleted'; lacking: string[] }
  | { step: 'refuse'; error: 'OutOfOrder'; late: string[]; highest: string }
  | { step: 'refuse'; error: 'Renumbered'; renumbered: Renumbered[] }
  | { step: 'refuse'; error: 'HaltedElsewhere'; migration: string; attempt: number; halt: number; execution: string };

/** A third turn in a row that never started is looked at by a person. */
const MAX_TRIES = 3;

/** Functions of one deployment are updated one after the other, within minutes. */
export const DEPLOYMENT_MS = 5 * 60_000;

/** The first rule that has an answer gives it. */
export function decide(question: Question): NextStep {
  const { state, seen } = question;
  if (state.turn === undefined || seen === undefined) {
    return (
      refuseLacking(question) ??
      refuseLate(question) ??
      refuseRenumbered(question) ??
      allowFirstPending(question) ?? { step: 'finished' }
    );
  }
  const look: Look = { ...question, turn: state.turn, seen };
  for (const [, rule] of TURN_RULES) {
    const step = rule(look);
    if (step) return step;
  }
  return haltFor('failed', look);
}

interface Look extends Question {
  turn: TurnState;
  seen: TurnSeen;
}

type Rule = (look: Look) => NextStep | undefined;

const recordSuccess: Rule = ({ seen, turn }) =>
  outcomeOf(seen) === 'succeeded'
    ? { step: 'record', migration: turn.allowed.migration, completion: 'applied' }
    : undefined;

/** Whatever was decided waits until no code of the turn can run: it takes the key first. */
const closeDecidedTurn: Rule = ({ turn, seen, now }) =>
  decisionOf(turn) !== undefined && !isClosed(seen) ? closeOrWait(turn, seen, now) : undefined;

/** The first decision of this kind stands: a later `retry` of what could not be recorded records it. */
const recordDecision: Rule = ({ turn }) => {
  const { migration } = turn.allowed;
  if (!turn.verdict || decisionOf(turn) === undefined) return undefined;
  const completion = turn.verdict.decision === 'skip' ? 'skipped' : 'marked-applied';
  return { step: 'record', migration, completion };
};

const haltWithoutFile: Rule = (look) =>
  decisionOf(look.turn) === 'retry' && codeOf(look) === undefined ? haltFor('file-gone', look) : undefined;

const haltRetryOfOtherCode: Rule = (look) =>
  decisionOf(look.turn) === 'retry' && look.turn.halt?.decided?.retry?.codeSha256 !== codeOf(look)
    ? haltFor('code-changed', look)
    : undefined;

const allowNextAttempt: Rule = (look) => {
  const { allowed, halt } = look.turn;
  if (decisionOf(look.turn) !== 'retry') return undefined;
  const late = refuseLate(look);
  if (late) return late;
  const begin = halt?.decided?.retry?.begin ?? 'start';
  return { step: 'allow', migration: allowed.migration, attempt: allowed.attempt + 1, slice: 1, begin };
};

const refuseHaltedElsewhere: Rule = ({ turn, seen }) => {
  const { migration, attempt } = turn.allowed;
  if (!turn.halt || turn.halt.decided || seen.haltedIn === undefined) return undefined;
  const halt = turn.halt.halted.number;
  return { step: 'refuse', error: 'HaltedElsewhere', migration, attempt, halt, execution: seen.haltedIn };
};

/** Open, or aborted: the same halt is to be answered. */
const haltAgain: Rule = (look) => {
  const { halt } = look.turn;
  return halt && haltFor(halt.halted.reason, look);
};

const haltCancelled: Rule = (look) =>
  outcomeOf(look.seen) === 'stopped' && look.turn.cancel ? haltFor('cancelled', look) : undefined;

const waitForNextSliceElsewhere: Rule = ({ seen }) =>
  outcomeOf(seen) === 'stopped' && seen.owner === 'alive' ? { step: 'wait', until: 'other execution' } : undefined;

const haltStoppedWithoutFile: Rule = (look) =>
  outcomeOf(look.seen) === 'stopped' && codeOf(look) === undefined ? haltFor('file-gone', look) : undefined;

/** An attempt is one code, from its first slice to its last. */
const haltStoppedOtherCode: Rule = (look) =>
  outcomeOf(look.seen) === 'stopped' && codeOf(look) !== look.turn.allowed.codeSha256
    ? haltFor('code-changed', look)
    : undefined;

/** Its author wants what comes after the checkpoint not to begin before then. */
const waitForTime: Rule = ({ seen: { look }, now }) => {
  const at = look.seen === 'closed' && look.outcome?.outcome === 'stopped' ? goesOnAt(look.outcome) : undefined;
  return at !== undefined && now < at ? { step: 'wait', until: 'time', at } : undefined;
};

/** What S3 has slowed down goes on later, with fewer batches at a time. */
const waitAfterSlowDown: Rule = ({ seen: { look }, turn, now }) => {
  if (look.seen !== 'closed' || look.outcome?.outcome !== 'stopped' || !look.outcome.batches?.slowed) return undefined;
  const at = look.at + pauseAfter(turn.allowed.batches?.slowed);
  return now < at ? { step: 'wait', until: 'fewer requests', at } : undefined;
};

const allowNextSlice: Rule = ({ seen, turn }) => {
  const { migration, attempt, slice } = turn.allowed;
  return outcomeOf(seen) === 'stopped'
    ? { step: 'allow', migration, attempt, slice: slice + 1, begin: 'checkpoint' }
    : undefined;
};

const haltFailed: Rule = (look) => {
  const outcome = outcomeOf(look.seen);
  return outcome === 'failed' || outcome === 'unknown' ? haltFor(outcome, look) : undefined;
};

const closeClaimedTurn: Rule = ({ turn, seen, now }) =>
  seen.look.seen === 'claimed' ? closeOrWait(turn, seen, now) : undefined;

const runAgain: Rule = (look) => {
  const { turn, seen } = look;
  const same = codeOf(look) === turn.allowed.codeSha256;
  // Of batches, whoever asks again has run those that it could.
  const once = turn.allowed.batches === undefined;
  return seen.look.seen === 'unclaimed' && seen.owner === 'this' && same && once && !turn.cancel
    ? { step: 'run again', turn: turn.allowed.number }
    : undefined;
};

const waitForOwner: Rule = ({ seen }) =>
  seen.look.seen === 'unclaimed' && seen.owner === 'alive' ? { step: 'wait', until: 'other execution' } : undefined;

const voidUnclaimedTurn: Rule = ({ turn, seen }) =>
  seen.look.seen === 'unclaimed' ? { step: 'take', key: 'claim', turn: turn.allowed.number } : undefined;

const haltVoidCancelled: Rule = (look) => (look.turn.cancel ? haltFor('cancelled', look) : undefined);

const haltVoidWithoutFile: Rule = (look) => (codeOf(look) === undefined ? haltFor('file-gone', look) : undefined);

const haltNotStarted: Rule = (look) => (look.turn.tries >= MAX_TRIES ? haltFor('not-started', look) : undefined);

/** A later slice has the code that its attempt began with, a later attempt the code of which a person said `retry`. */
const haltVoidOtherCode: Rule = (look) => {
  const { attempt, slice, codeSha256 } = look.turn.allowed;
  return (attempt > 1 || slice > 1) && codeOf(look) !== codeSha256 ? haltFor('code-changed', look) : undefined;
};

/** Its function had other code than its entry names: half of a deployment was there. The run waits for the rest. */
const waitForDeployment: Rule = (look) => {
  const turn = look.seen.look;
  if (turn.seen !== 'void' || turn.claim.otherCodeSha256 === undefined) return undefined;
  const there = turn.claim.otherCodeSha256 === codeOf(look);
  return !there && look.now < turn.at + DEPLOYMENT_MS ? { step: 'wait', until: 'deployment' } : undefined;
};

const allowAgain: Rule = (look) => {
  const { migration, attempt, slice, begin } = look.turn.allowed;
  return refuseLate(look) ?? { step: 'allow', migration, attempt, slice, begin };
};

/** The rules for an open turn, each by its name, in the order in which they hold. The last six are about a void claim. */
export const TURN_RULES: [name: string, rule: Rule][] = Object.entries({
  recordSuccess,
  closeDecidedTurn,
  recordDecision,
  haltWithoutFile,
  haltRetryOfOtherCode,
  allowNextAttempt,
  refuseHaltedElsewhere,
  haltAgain,
  haltCancelled,
  waitForNextSliceElsewhere,
  haltStoppedWithoutFile,
  haltStoppedOtherCode,
  waitForTime,
  waitAfterSlowDown,
  allowNextSlice,
  haltFailed,
  closeClaimedTurn,
  runAgain,
  waitForOwner,
  voidUnclaimedTurn,
  haltVoidCancelled,
  haltVoidWithoutFile,
  haltNotStarted,
  waitForDeployment,
  haltVoidOtherCode,
  allowAgain,
});

/**
 * A ledger without them is another one, or the file is wrong: no function could make up for it. An open turn is settled first: while
 * it is open, nobody can adopt what is lacking.
 */
function refuseLacking({ state, pruned = [] }: Question): NextStep | undefined {
  const lacking = lackingOf(state, pruned);
  return lacking.length > 0 ? { step: 'refuse', error: 'NotCompleted', lacking } : undefined;
}

function refuseLate({ state, manifest, allowOutOfOrder }: Question): NextStep | undefined {
  const { late, highest } = lateIn(state, manifest);
  return late.length > 0 && !allowOutOfOrder ? { step: 'refuse', error: 'OutOfOrder', late, highest } : undefined;
}

/** Pending ids below one that is completed or was attempted: to run them now would not be in order. @returns that one, too */
export function lateIn(
  state: Pick<LogState, 'migrations'>,
  manifest: readonly { id: string }[],
): { late: string[]; highest: string } {
  const known = Object.keys(state.migrations);
  const highest = known.reduce((max, id) => (id > max ? id : max), '');
  const late = manifest.map(({ id }) => id).filter((id) => !known.includes(id) && id < highest);
  return { late, highest };
}

/** The file of a completed migration that goes on under another number: its work would be done a second time. */
function refuseRenumbered({ state, manifest, allowRenumbered }: Question): NextStep | undefined {
  const renumbered = renumberedIn(state, manifest).filter(({ id }) => !allowRenumbered.includes(id));
  return renumbered.length > 0 ? { step: 'refuse', error: 'Renumbered', renumbered } : undefined;
}

function allowFirstPending({ state, manifest }: Question): NextStep | undefined {
  const pending = manifest.find(({ id }) => !state.migrations[id]?.completion);
  return pending && { step: 'allow', migration: pending.id, attempt: 1, slice: 1, begin: 'start' };
}

/** No user code of the turn runs, or will. */
const isClosed = ({ look }: TurnSeen): boolean => look.seen === 'void' || look.seen === 'closed';

/** What became of a turn that was claimed; undefined while that is not known, and when it is void. */
const outcomeOf = ({ look }: TurnSeen): Outcome['outcome'] | undefined =>
  look.seen === 'closed' ? (look.outcome?.outcome ?? 'unknown') : undefined;

function closeOrWait(turn: TurnState, { look }: TurnSeen, now: number): NextStep {
  if (look.seen !== 'claimed') return { step: 'take', key: 'claim', turn: turn.allowed.number };
  return now > look.deadline
    ? { step: 'take', key: 'outcome', turn: turn.allowed.number }
    : { step: 'wait', until: 'deadline', at: look.deadline };
}

/** A decision that goes on; an abort leaves the halt to be answered. */
function decisionOf({ halt }: TurnState): 'retry' | 'mark-applied' | 'skip' | undefined {
  const decision = halt?.decided?.decision;
  return decision === 'retry' || decision === 'mark-applied' || decision === 'skip' ? decision : undefined;
}

/** The code that is deployed for the turn's migration; undefined when its file is gone. */
const codeOf = ({ manifest, turn }: Look): string | undefined =>
  manifest.find(({ id }) => id === turn.allowed.migration)?.codeSha256;

const haltFor = (reason: HaltReason, { turn }: Look): NextStep => ({
  step: 'halt',
  migration: turn.allowed.migration,
  attempt: turn.allowed.attempt,
  reason,
});
