// `List pending`: reads the log, decides what the run does next, and appends the turn that it allows (docs/design.md §5, §6).
//
//   look ─▶ look at the open turn ─▶ decide ─┬─ take a key, look again
//    ▲                                       ├─ allow ─▶ append ─▶ run
//    └───── another has appended ────────────┘ …
import { OdinError } from '../../core/errors.ts';
import type { Manifest, ManifestEntry } from '../../core/contract/manifest.ts';
import { deployedIds } from '../../core/contract/manifest.ts';
import type { FinishedStep, NextPayload, Step, TurnName } from '../../core/contract/payloads.ts';
import { BATCHES_DEFINITION, OLDEST_DEFINITION } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import type { NextStep, NextTurn, TurnSeen } from '../../core/decision/decide.ts';
import { decide } from '../../core/decision/decide.ts';
import type { Allowed, Reference } from '../../core/ledger/entries.ts';
import { numbersOf } from '../../core/ledger/batches.ts';
import type { CompletionState, LogState, TurnState } from '../../core/ledger/fold.ts';
import { entryKey } from '../../core/ledger/keys.ts';
import { nextBatches, outcomeOfOver } from '../../core/ledger/parallel.ts';
import { atOnceAfter } from '../../core/ledger/slow-down.ts';
import type { EntryContent, LogWriter } from '../../core/ledger/log.ts';
import { takeClaim, takeOutcome } from '../../core/ledger/turns.ts';
import { carriesOnAfter, executionName } from '../../core/names/names.ts';
import { announce } from '../shared/announce.ts';
import { continueRun } from '../shared/continue-run.ts';
import { writerOf } from '../shared/writer.ts';
import { changedFiles, completedCount, completedRun, migrationsCount } from './completed-run.ts';
import { writeMissingCopies } from './copies.ts';
import { changedText, finishedChat, finishedSubject, finishedText } from './finished-message.ts';
import { lookAtOpenTurn } from './look.ts';
import { refusalText, unknownText } from './refusal.ts';
import { beginsOld, waitStep } from './wait.ts';

/** Of the 25,000 events at which Step Functions ends an execution. A slice or a poll takes 14, and with retries some dozen more. */
export const HANDOVER_EVENTS = 20_000;

/** An execution that has asked once has some five events, and one that has waited and asks again some fifteen. */
const JUST_BEGUN_EVENTS = 10;

/** So many batches at the same time are for a laptop what thousands are for Lambda. */
const ON_THIS_MACHINE = 4;

/** While a run goes on, its cache may be so many entries behind: each is one more request for a reader that starts cold. */
const BEHIND_WHILE_RUNNING = 20;

/**
 * @param handoverEvents when so many events are in its history, the run goes on in a fresh execution
 * @param oldest the same, when its execution has an older definition than this
 * @throws OdinError as `LedgerLog.look`: the run stops, nothing is taken as absent
 */
export function createListPending(
  services: Services,
  manifest: Manifest,
  handoverEvents = HANDOVER_EVENTS,
  oldest = OLDEST_DEFINITION,
) {
  const { ledger, executions, log } = services;

  return async (payload: NextPayload, invocation: Invocation): Promise<Step> => {
    const writer = writerOf(services, 'list-pending', invocation);
    let decided: Decided | undefined;
    const { state } = await ledger.log.append(writer, async (seen) => {
      decided = await decideOn(seen, payload, writer);
      const { next, instead } = decided;
      return next.step === 'allow' && !instead ? allowed(next, seen, decided, payload) : undefined;
    });
    const { next, instead } = known(decided);
    const step = instead ?? toStep(next, state, payload);
    const goesOn = step.step === 'run' || step.step === 'run batches' || step.step === 'record';
    if (await ledger.log.keep(goesOn ? BEHIND_WHILE_RUNNING : 1)) await writeMissingCopies(services, state);
    log.info(
      `Next: ${step.step}`,
      step.step === 'run batches' ? { ...step, batches: step.batches.length } : { ...step },
    );
    if (step.step === 'finished') await tellOfTheEnd(payload, state);
    return step;
  };

  interface Decided {
    /** Each key that was to be taken is. */
    next: Exclude<NextStep, { step: 'take' }>;
    seen: TurnSeen | undefined;
    /** Of the turn that is to be allowed, when it runs batches. */
    batches: Allowed['batches'];
    /** Of an execution that cannot take the next step. */
    instead: Step | undefined;
  }

  /** Takes keys until there is none to be taken: each is taken once, so that is soon. */
  async function decideOn(state: LogState, payload: NextPayload, writer: LogWriter): Promise<Decided> {
    for (;;) {
      const seen = state.turn && (await lookAtOpenTurn(services, state.turn, payload.execution));
      const next = decide({
        state,
        seen,
        manifest: manifest.migrations,
        pruned: manifest.pruned,
        allowOutOfOrder: payload.input.allowOutOfOrder ?? false,
        allowRenumbered: payload.input.allowRenumbered ?? [],
        now: ledger.log.lookedAt,
      });
      if (next.step !== 'take') {
        const batches = next.step === 'allow' ? await batchesOf(next, state) : undefined;
        return { next, seen, batches, instead: await insteadOf(next, state, seen, payload, batches !== undefined) };
      }
      await takeKey(next.key, known(state.turn), known(seen), writer);
    }
  }

  /** Undefined of a turn that is to plan, and of one that is not parallel. */
  async function batchesOf(next: NextTurn, state: LogState): Promise<Allowed['batches']> {
    const { parallel } = deployed(next.migration);
    if (next.begin === 'start' || !parallel) return undefined;
    return nextBatches(ledger.store, next, state, parallel.toleratedFailures);
  }

  /** Whoever was faster is read at the next look. */
  async function takeKey(
    key: 'claim' | 'outcome',
    { allowed }: TurnState,
    { look }: TurnSeen,
    writer: LogWriter,
  ): Promise<void> {
    const { taken } =
      key === 'claim'
        ? await takeClaim(ledger.store, allowed, writer, { claim: 'void' })
        : await takeOutcome(ledger.store, allowed, writer, await outcomeOfOver(ledger.store, allowed, look, writer));
    log.info(`The ${key} of entry ${allowed.number}, ${allowed.migration}, was taken: ${taken}`);
  }

  /**
   * Comes before anything is appended for this execution: else the one that takes over would find a turn whose owner has ended.
   * A fresh execution has the deployed definition. While a deployment goes on that may be the old one again: so one that has only
   * begun waits before it hands over, and there is a fresh one every some seconds, and not hundreds.
   * @returns undefined: there is room in the history, and its definition is served
   */
  async function insteadOf(
    { step }: NextStep,
    state: LogState,
    seen: TurnSeen | undefined,
    payload: NextPayload,
    runsBatches: boolean,
  ): Promise<Step | undefined> {
    const { definition = 1, execution } = payload;
    const unknown = unknownIn(payload, state);
    if (unknown.length > 0) return { step: 'refuse', error: 'UnknownMigration', cause: unknownText(unknown, manifest) };
    const least = runsBatches ? Math.max(oldest, BATCHES_DEFINITION) : oldest;
    if (definition < least) {
      if ((await executions.events(execution)) < JUST_BEGUN_EVENTS) return beginsOld(definition);
      const why = `This execution has definition ${definition} of the state machine; what ${runsBatches ? 'comes next needs' : 'is deployed serves'} ${least} and later.`;
      return handOver(why, state, seen, payload);
    }
    if (step !== 'allow' && step !== 'record' && step !== 'wait') return undefined;
    const events = await executions.events(execution);
    if (events < handoverEvents) return undefined;
    return handOver(`This execution has ${events} events of the 25,000 that it may have.`, state, seen, payload);
  }

  /**
   * What is said of a migration that is not there is a slip, and the one that was meant stays refused or told of. A run that has begun
   * goes on: what it was said of may have been taken away since.
   */
  function unknownIn({ execution, input }: NextPayload, { turn, run, migrations }: LogState): string[] {
    if (turn || run?.name === runOf(execution, input)) return [];
    const there = [...deployedIds(manifest), ...Object.keys(migrations)];
    const said = [...(input.allowRenumbered ?? []), ...(input.acceptChanged ?? [])];
    return said.filter((id) => !there.includes(id));
  }

  /**
   * Asked again, it names the same execution, or the one that has begun a turn meanwhile. That one comes after this: an earlier one may be
   * about to hand over to this one.
   */
  async function handOver(
    why: string,
    { number, turn }: LogState,
    seen: TurnSeen | undefined,
    { execution, input }: NextPayload,
  ): Promise<Step> {
    const run = runOf(execution, input);
    const owner = seen?.owner === 'alive' && turn?.allowed.run === run ? turn.allowed.execution : undefined;
    const goesOn = owner !== undefined && carriesOnAfter(owner, execution);
    const continuing = goesOn ? owner : await continueRun(executions, number, { ...input, run }, execution);
    return { step: 'handed over', execution: continuing, summary: `${why} The run goes on in ${continuing}.` };
  }

  function allowed(
    turn: NextTurn,
    state: LogState,
    { seen, batches }: Decided,
    { execution, input }: NextPayload,
  ): EntryContent {
    const { sourceSha256, sources, codeSha256, timeoutSeconds } = deployed(turn.migration);
    return {
      kind: 'allowed',
      ...turn,
      run: runOf(execution, input),
      execution,
      sourceSha256,
      sources,
      codeSha256,
      gitCommit: manifest.gitCommit ?? undefined,
      timeoutMs: timeoutSeconds * 1000,
      batches,
      restsOn: restsOn(turn, state, seen),
    };
  }

  /** The nearest thing that makes the turn right; what that rests on itself is in its own entry. */
  function restsOn(turn: NextTurn, state: LogState, seen: TurnSeen | undefined): Allowed['restsOn'] {
    const open = state.turn;
    if (open && turn.attempt > open.allowed.attempt) return { decision: referenceTo(open.halt?.decided) };
    if (seen?.look.seen === 'void' || seen?.look.seen === 'closed') return { turn: seen.look.reference };
    return { completion: referenceTo(completionBefore(turn.migration, state)) };
  }

  function deployed(migration: string): ManifestEntry {
    return known(manifest.migrations.find(({ id }) => id === migration));
  }

  function toStep(next: Decided['next'], state: LogState, { input }: NextPayload): Step {
    switch (next.step) {
      case 'allow':
      case 'run again':
        return run(known(state.turn).allowed);
      case 'record':
        return { step: 'record', ...nameOf(known(state.turn).allowed) };
      case 'halt':
        return { step: 'halt', ...nameOf(known(state.turn).allowed), reason: next.reason };
      case 'wait':
        return waitStep(next, known(state.turn), ledger.log.lookedAt, services);
      case 'refuse':
        return { step: 'refuse', error: next.error, cause: refusalText(next, manifest, services) };
      case 'finished':
        return finished(state, input);
    }
  }

  function run(turn: Allowed): Step {
    const { functionName, parallel } = deployed(turn.migration);
    const { batches } = turn;
    if (!batches) return { step: 'run', ...nameOf(turn), functionName };
    const { concurrency = 1 } = parallel ?? {};
    return {
      step: 'run batches',
      ...nameOf(turn),
      functionName,
      concurrency: atOnceAfter(atOnce(concurrency), batches.slowed),
      batches: numbersOf(batches.rest),
    };
  }

  /** Each has two processes, which on this machine are its own. */
  function atOnce(concurrency: number): number {
    return services.local ? Math.min(concurrency, ON_THIS_MACHINE) : concurrency;
  }

  function finished(state: LogState, input: NextPayload['input']): FinishedStep {
    const { environment } = manifest;
    const completed = completedCount(state);
    const count = migrationsCount(manifest);
    const changed = changedFiles(manifest, state, input);
    const summary =
      count === 0
        ? `${environment} has no migrations: nothing to run.`
        : `Nothing is pending in ${environment}: each of its ${count} migrations is completed (${completed} in the ledger).`;
    if (changed.length === 0) return { step: 'finished', completed, summary };
    return { step: 'finished', completed, changed, summary: `${summary} ${changedText(changed)}` };
  }

  /**
   * A run ends here once, so this is sent once; when the answer of this very invocation is lost, `List pending` is asked
   * again, and it is sent again. The operators hear of a run that had needed them, or that leaves a file aside, and programs of
   * every run.
   */
  async function tellOfTheEnd({ execution, input }: NextPayload, state: LogState): Promise<void> {
    const run = runOf(execution, input);
    const end = completedRun(manifest, state, { run, execution, now: services.now() }, input);
    await announce(services, () => ({
      event: { type: 'Run Completed', detail: end },
      message:
        end.afterHalts.length > 0 || end.changed
          ? { subject: finishedSubject(end), text: finishedText(end), chat: finishedChat(end) }
          : undefined,
    }));
  }
}

/** The name that all executions of a run have in common: that of its first. */
export const runOf = (execution: string, { run }: NextPayload['input']): string => run ?? executionName(execution);

/** Of the highest id below it: also when its file is not deployed any more. */
function completionBefore(migration: string, { migrations }: LogState): CompletionState | undefined {
  const before = Object.keys(migrations).filter((id) => id < migration && migrations[id]?.completion);
  return migrations[before.reduce((highest, id) => (id > highest ? id : highest), '')]?.completion;
}

/** What `decide` says is about what it was given: the turn is open, and its file deployed. */
function known<T>(value: T | undefined): T {
  if (value !== undefined) return value;
  throw new OdinError({ code: 'Internal', source: 'system', what: 'A step was decided that does not fit the log.' });
}

const nameOf = ({ migration, attempt, slice, number }: Allowed): TurnName => ({
  migration,
  attempt,
  slice,
  turn: number,
});

const referenceTo = (entry: { number: number; sha256: string } | undefined): Reference | undefined =>
  entry && { key: entryKey(entry.number), sha256: entry.sha256 };
