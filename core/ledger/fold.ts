// The only reader of the log: what its entries amount to. It refuses an entry that its writer could not have been
// allowed to append, because whoever goes on from there would rest on something that never was.
import { OdinError } from '../errors.ts';
import type { Allowed, Completed, Decided, Entry, Halted, LedgerIdentity } from './entries.ts';
import { APPENDED_BY } from './entries.ts';
import { entryKey } from './keys.ts';
import type { Sources } from './sources.ts';

/** What the log says up to its last entry. It is plain JSON: it is kept in a cache, too. */
export interface LogState {
  /** Number and hash of the last entry; 0 and null of an empty log. */
  number: number;
  sha256: string | null;
  ledger: LedgerIdentity | undefined;
  /** Of every migration that the log names. */
  migrations: Record<string, KnownMigration>;
  /** The turn that no `completed` entry has settled. At most one. */
  turn: TurnState | undefined;
  /** The run that was allowed a turn, or that halted, last. */
  run: RunState | undefined;
}

export interface RunState {
  name: string;
  /** Ids of the migrations at which it halted, in that order. */
  haltedAt: string[];
}

export interface KnownMigration {
  /** 0 when it was only ever named in a baseline. */
  attempts: number;
  completion: CompletionState | undefined;
}

/** What is kept of a completion: a log of thousands stays small. */
export interface CompletionState extends Pick<
  Completed,
  'number' | 'completion' | 'time' | 'by' | 'identity' | 'reason' | 'startedAt' | 'finishedAt' | 'leftOver' | 'did'
> {
  sha256: string;
  /** Of the last turn, as the next three; undefined of a baseline. */
  sourceSha256: string | undefined;
  /** Undefined of a turn of before, too. */
  sources: Sources | undefined;
  /** ARN. */
  execution: string | undefined;
  gitCommit: string | undefined;
}

export interface TurnState {
  allowed: Numbered<Allowed>;
  /** How many turns in a row were allowed for this slice, this one among them: those before it were void. */
  tries: number;
  /** When the first turn of this attempt was allowed, and under which commit. */
  since: string;
  began: string | undefined;
  cancel: Numbered<Decided> | undefined;
  halt: { halted: Numbered<Halted>; decided: Numbered<Decided> | undefined } | undefined;
  /** The turn's first `mark-applied` or `skip` that nothing was said instead of. It stands, whatever is decided on a later halt because it was not recorded. */
  verdict: Numbered<Decided> | undefined;
}

/** An entry with the hash of what is stored, by which others refer to it. */
export type Numbered<E extends Entry> = E & { sha256: string };

export const EMPTY_LOG: LogState = {
  number: 0,
  sha256: null,
  ledger: undefined,
  migrations: {},
  turn: undefined,
  run: undefined,
};

/**
 * @param entries in the order of the log, from the one after `state.number`
 * @throws OdinError LogBroken: a number is missing, a hash does not match, or an entry does not follow from those before it
 */
export const fold = (entries: readonly Numbered<Entry>[], state: LogState = EMPTY_LOG): LogState =>
  entries.reduce(next, state);

function next(state: LogState, entry: Numbered<Entry>): LogState {
  const { number } = entry;
  if (number !== state.number + 1) throw logBroken(number, `expected entry ${state.number + 1}`);
  if (entry.previous !== state.sha256)
    throw logBroken(number, `it does not follow entry ${state.number} as it is stored`);
  if ((number === 1) !== (entry.ledger !== undefined))
    throw logBroken(number, 'entry 1, and it alone, says whose log it is');
  const by = entry.writer.function;
  if (!APPENDED_BY[entry.kind].some((name) => name === by))
    throw logBroken(number, `${by} appends no ${entry.kind} entry`);
  const after = { ...state, number, sha256: entry.sha256, ledger: state.ledger ?? entry.ledger };
  switch (entry.kind) {
    case 'allowed':
      return allow(after, entry);
    case 'halted':
      return halt(after, entry);
    case 'decided':
      return decided(after, entry);
    case 'completed':
      return complete(after, entry);
  }
}

function allow(state: LogState, entry: Numbered<Allowed>): LogState {
  const { migration, attempt, slice, number } = entry;
  const { turn } = state;
  const known = state.migrations[migration];
  if (known?.completion) throw logBroken(number, `${migration} is completed`);
  if (turn) {
    if (turn.allowed.migration !== migration) throw logBroken(number, `${turn.allowed.migration} is not settled`);
    const how = followsOn(turn, entry);
    if (how === undefined)
      throw logBroken(number, `attempt ${attempt}, slice ${slice} does not follow the turn before it`);
    const { since, began } = how === 'attempt' ? firstOf(entry) : turn;
    return withTurn(state, entry, { tries: how === 'again' ? turn.tries + 1 : 1, since, began });
  }
  if (attempt !== 1 || slice !== 1) throw logBroken(number, `the first turn of ${migration} is attempt 1, slice 1`);
  return withTurn(state, entry, { tries: 1, ...firstOf(entry) });
}

const firstOf = ({ time, gitCommit }: Allowed) => ({ since: time, began: gitCommit });

function followsOn(turn: TurnState, entry: Allowed): 'again' | 'slice' | 'attempt' | undefined {
  const before = turn.allowed;
  const decision = turn.halt?.decided?.decision;
  if (entry.attempt === before.attempt + 1) {
    return entry.slice === 1 && decision === 'retry' && !turn.verdict ? 'attempt' : undefined;
  }
  if (entry.attempt !== before.attempt || turn.halt || entry.restsOn.turn === undefined) return undefined;
  if (entry.slice === before.slice) return 'again';
  return entry.slice === before.slice + 1 ? 'slice' : undefined;
}

function withTurn(
  state: LogState,
  allowed: Numbered<Allowed>,
  attempt: Pick<TurnState, 'tries' | 'since' | 'began'>,
): LogState {
  const { migration, run } = allowed;
  return {
    ...state,
    migrations: { ...state.migrations, [migration]: { attempts: allowed.attempt, completion: undefined } },
    turn: { allowed, ...attempt, cancel: undefined, halt: undefined, verdict: undefined },
    run: runOf(state, run),
  };
}

const runOf = ({ run }: LogState, name: string): RunState => (run?.name === name ? run : { name, haltedAt: [] });

function halt(state: LogState, halted: Numbered<Halted>): LogState {
  const turn = openTurn(state, halted, halted.turn);
  const before = turn.halt;
  if (before && !before.decided)
    throw logBroken(halted.number, `the halt of entry ${before.halted.number} is still open`);
  const run = runOf(state, halted.run);
  const haltedAt = [...new Set([...run.haltedAt, halted.migration])];
  return { ...state, turn: { ...turn, halt: { halted, decided: undefined } }, run: { ...run, haltedAt } };
}

function decided(state: LogState, entry: Numbered<Decided>): LogState {
  if (entry.decision === 'cancel') {
    const turn = openTurn(state, entry, entry.of);
    if (turn.cancel) throw logBroken(entry.number, `entry ${turn.cancel.number} has cancelled it before`);
    return { ...state, turn: { ...turn, cancel: entry } };
  }
  const turn = openTurn(state, entry, state.turn?.allowed.number ?? 0);
  if (turn.halt?.halted.number !== entry.of)
    throw logBroken(entry.number, `entry ${entry.of} is not the halt that is open`);
  if (turn.halt.decided?.number !== entry.instead) {
    throw logBroken(
      entry.number,
      turn.halt.decided
        ? `entry ${turn.halt.decided.number} has decided it before`
        : `entry ${entry.instead ?? 0}, in whose place it is said, is no decision on it`,
    );
  }
  const settles = entry.decision === 'mark-applied' || entry.decision === 'skip';
  const earlier = turn.verdict?.of === entry.of ? undefined : turn.verdict;
  const verdict = earlier ?? (settles ? entry : undefined);
  return { ...state, turn: { ...turn, halt: { ...turn.halt, decided: entry }, verdict } };
}

function complete(state: LogState, entry: Numbered<Completed>): LogState {
  const { ids, completion, number } = entry;
  const { turn } = state;
  if (completion === 'baseline' ? turn !== undefined : turn?.allowed.migration !== ids[0] || ids.length !== 1) {
    throw logBroken(number, turn ? `the turn of entry ${turn.allowed.number} is not settled by it` : 'no turn is open');
  }
  const again = ids.find((id) => state.migrations[id]?.completion);
  if (again !== undefined) throw logBroken(number, `${again} is completed already`);
  const { sha256, time, by, identity, reason, startedAt, finishedAt, leftOver, did } = entry;
  const { sourceSha256, sources, execution, gitCommit } = turn?.allowed ?? {};
  const completed: CompletionState = {
    number,
    sha256,
    completion,
    time,
    by,
    identity,
    reason,
    startedAt,
    finishedAt,
    leftOver,
    did,
    sourceSha256,
    sources,
    execution,
    gitCommit,
  };
  const done = ids.map((id) => [id, { attempts: state.migrations[id]?.attempts ?? 0, completion: completed }] as const);
  return { ...state, migrations: { ...state.migrations, ...Object.fromEntries(done) }, turn: undefined };
}

/** The open turn, which the entry must be about. */
function openTurn(state: LogState, entry: Halted | Decided, number: number): TurnState {
  const { turn } = state;
  const { migration, attempt } = entry;
  if (turn?.allowed.number !== number || turn.allowed.migration !== migration || turn.allowed.attempt !== attempt) {
    throw logBroken(entry.number, `it is about attempt ${attempt} of ${migration}, which has no open turn`);
  }
  return turn;
}

export const logBroken = (number: number, why: string): OdinError =>
  new OdinError({
    code: 'LogBroken',
    source: 'system',
    what: `The ledger's ${entryKey(number)} cannot stand where it is: ${why}.`,
    why: 'Nothing is concluded from a log that does not hold together: the run stops here.',
    next: `Look at ${entryKey(number)} and at the entry before it in the ledger's bucket, and at the versions of both objects.`,
  });
