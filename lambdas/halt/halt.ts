// `Halt for operator`: appends that the run waits for a decision, leaves its token among the waiters, and tells the operators.
import { decide } from '../../core/decision/decide.ts';
import { OdinError } from '../../core/errors.ts';
import type { Halted, HaltReason } from '../../core/ledger/entries.ts';
import type { LogState, Numbered, TurnState } from '../../core/ledger/fold.ts';
import type { EntryContent } from '../../core/ledger/log.ts';
import type { TurnLook } from '../../core/ledger/turns.ts';
import { lookAtTurn, readClaim } from '../../core/ledger/turns.ts';
import { leaveWaiter, readWaiters } from '../../core/ledger/waiters.ts';
import { executionName } from '../../core/names/names.ts';
import { who } from '../../core/views/words.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { HaltPayload } from '../../core/contract/payloads.ts';
import { RunInput } from '../../core/contract/payloads.ts';
import type { Invocation, Services } from '../../core/contract/ports.ts';
import { announce } from '../shared/announce.ts';
import { tellSettlement } from '../shared/tell-waiters.ts';
import { writerOf } from '../shared/writer.ts';
import { caughtSummary } from './caught-summary.ts';
import { haltChat, haltEvent, haltSubject, haltMail } from './halt-message.ts';

/**
 * Opens the halt of a turn, or joins it when it is open already. The machine's task then waits for the token that is left
 * among the waiters. Safe to run again, also at the same time.
 * @throws OdinError HaltNotNeeded when the ledger has moved on; the machine catches it and lists again
 */
export function createHalt(services: Services, manifest: Manifest, dashboardUrl?: string) {
  const { environment, local, now } = services;
  const { log, store } = services.ledger;

  return async (
    payload: HaltPayload,
    invocation: Invocation,
  ): Promise<{ migration: string; attempt: number; halt: number }> => {
    const { execution, token, at } = payload;
    const { migration, attempt } = at;
    const input = RunInput.safeParse(payload.input).data;
    const run = input?.run ?? executionName(execution);

    const writer = writerOf(services, 'halt', invocation);
    const { turn } = (await log.append(writer, (state) => whatToAppend(state, payload, run))).state;
    if (!turn?.halt) throw notNeeded(at, 'its turn is not open any more');
    const { halted } = turn.halt;
    const halt = halted.number;

    const since = new Date(now()).toISOString();
    const { allowOutOfOrder = false, allowRenumbered, acceptChanged } = input ?? {};
    const said = { allowOutOfOrder, allowRenumbered, acceptChanged };
    await leaveWaiter(store, { halt, execution, run, ...said, token, since });
    // Whoever settles a halt reads its waiters after that; who waits looks at the log after that. So one sees the other.
    if (await isOpen(halt)) {
      services.log.warn(`Halted: ${migration}, attempt ${attempt}, ${halted.reason}`, { halt, error: halted.error });
      await notify(turn, halted, execution);
    } else {
      await tellSettlement(services, halt);
      services.log.info(`The halt of ${migration}, attempt ${attempt}, was settled meanwhile`, { halt });
    }
    return { migration, attempt, halt };
  };

  /** Undefined: the turn's halt is to be joined. */
  async function whatToAppend(
    state: LogState,
    { token, at }: HaltPayload,
    run: string,
  ): Promise<EntryContent | undefined> {
    const { migration, attempt } = at;
    const { turn } = state;
    if (state.migrations[migration]?.completion) throw notNeeded(at, 'it is completed');
    if (turn?.allowed.number !== at.turn) throw notNeeded(at, `entry ${at.turn} is not the turn that is open`);

    const look = await lookAtTurn(store, turn.allowed, log.lookedAt);
    const reason = reasonOf(state, turn, look, at);
    const { halt } = turn;
    if (halt && !halt.decided) return undefined;
    // Its own token waited in the halt that was decided: this is a repetition of what was told, or is to be told again.
    if (halt && (await readWaiters(store, halt.halted.number)).some((waiter) => waiter.token === token))
      return undefined;

    const outcome = look.seen === 'closed' ? look : undefined;
    const caught = at.unrecorded ?? at.error;
    const known = at.unrecorded ? undefined : outcome?.outcome?.error;
    const error = known ?? (caught ? caughtSummary(caught) : halt?.halted.error);
    const { began } = turn;
    const deployed = manifest.gitCommit ?? undefined;
    const commits = began === undefined && deployed === undefined ? undefined : { began, deployed };
    const of = { migration, attempt, turn: at.turn, run };
    return { kind: 'halted', ...of, reason, commits, error, outcome: outcome?.reference };
  }

  /** Why a person is needed, as the ledger says it now: what sent the run here may be over. */
  function reasonOf(state: LogState, turn: TurnState, look: TurnLook, at: HaltPayload['at']): HaltReason {
    const seen = { look, owner: 'this' as const, haltedIn: undefined };
    const allow = { allowOutOfOrder: true, allowRenumbered: [] };
    const next = decide({ state, seen, manifest: manifest.migrations, ...allow, now: log.lookedAt });
    if (next.step === 'halt') return next.reason;
    if (next.step === 'record' && at.unrecorded) return 'unrecorded';
    // The run does not wait for the deadline of a turn whose function failed, or could not be invoked: a person hears of it now.
    if (!turn.halt && look.seen === 'claimed') return 'unknown';
    if (!turn.halt && look.seen === 'unclaimed') return 'not-started';
    const decided = turn.halt?.decided;
    throw notNeeded(at, decided ? `${who(decided)} decided ${decided.decision}` : `the next step is "${next.step}"`);
  }

  async function isOpen(number: number): Promise<boolean> {
    const halt = (await log.look()).turn?.halt;
    return halt?.halted.number === number && halt.decided === undefined;
  }

  /** An unsent notification never prevents the halt: the halt is in the ledger, and the log says what was not sent. */
  async function notify(
    { allowed, verdict, cancel }: TurnState,
    halted: Numbered<Halted>,
    execution: string,
  ): Promise<void> {
    const look = await lookAtTurn(store, allowed, log.lookedAt);
    const claim = await readClaim(store, allowed);
    await announce(services, () => {
      const news = {
        environment,
        local,
        dashboardUrl,
        halted,
        execution,
        manifest,
        allowed,
        look,
        claim,
        verdict,
        cancel,
        now: now(),
      };
      return {
        event: { type: 'Migration Halted', detail: haltEvent(news) },
        message: { subject: haltSubject(news), text: haltMail(news), chat: haltChat(news) },
      };
    });
  }
}

const notNeeded = ({ migration, attempt }: HaltPayload['at'], why: string): OdinError =>
  new OdinError({
    code: 'HaltNotNeeded',
    source: 'system',
    what: `Attempt ${attempt} of ${migration} needs no halt: ${why}.`,
  });
