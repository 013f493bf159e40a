// What the ledger of a test's world holds before the function under test is called: written by the ledger's own code, as its
// writers would write it, with a log of its own that does not know what the function has seen.
import { moveCheckpoint, readCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed, Completed, Decided, Halted } from '../../core/ledger/entries.ts';
import { APPENDED_BY } from '../../core/ledger/entries.ts';
import type { LogState, Numbered } from '../../core/ledger/fold.ts';
import type { EntryContent, LogWriter } from '../../core/ledger/log.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import type { Claim, Outcome } from '../../core/ledger/turns.ts';
import { takeClaim, takeOutcome } from '../../core/ledger/turns.ts';
import type { Waiter } from '../../core/ledger/waiters.ts';
import { leaveWaiter } from '../../core/ledger/waiters.ts';
import { executionName } from '../../core/names/names.ts';
import { executionArn } from './fake-executions.ts';
import type { World } from './services.ts';
import { CODE, IDENTITY, sourceOf } from './services.ts';

type Turn = Numbered<Allowed>;

export function ledgerBefore({ store, clock }: Pick<World, 'store' | 'clock'>) {
  const log = new LedgerLog(store.inner, IDENTITY);
  let nonces = 0;
  const writer = (name: string): LogWriter => ({
    function: name,
    requestId: 'prepared',
    version: '0.0.0',
    now: clock.now,
    nonce: () => `prepared-${(nonces += 1)}`,
  });

  async function append<E>(content: EntryContent): Promise<E> {
    const by = APPENDED_BY[content.kind][0] ?? '';
    const { entry } = await log.append(writer(by), () => Promise.resolve(content));
    return entry as E;
  }

  return {
    writer,
    look: (): Promise<LogState> => log.look(),
    append,

    /** A turn of a migration; by default its first one, of an execution `run-1`. */
    allow: (migration: string, more: Partial<Omit<Allowed, 'kind'>> = {}): Promise<Turn> => {
      const execution = more.execution ?? executionArn('run-1');
      return append({
        kind: 'allowed',
        migration,
        attempt: 1,
        slice: 1,
        run: executionName(execution),
        execution,
        sourceSha256: sourceOf(migration),
        codeSha256: CODE,
        gitCommit: undefined,
        timeoutMs: 900_000,
        begin: 'start',
        restsOn: {},
        ...more,
      });
    },

    claim: (turn: Turn, claim: Partial<Claim> = {}) =>
      takeClaim(store.inner, turn, writer(turn.migration), { claim: 'claimed', ...claim }),

    close: (turn: Turn, outcome: Outcome['outcome'], more: Partial<Outcome> = {}) =>
      takeOutcome(store.inner, turn, writer(turn.migration), { outcome, ...more }),

    /** Stops a turn at a checkpoint, after which nothing begins before this time. */
    stopUntil: async (turn: Turn, time: number) => {
      const before = await readCheckpoint(store.inner, turn.migration);
      const next = { cursor: turn.number, notBefore: new Date(time).toISOString() };
      const stoppedAt = await moveCheckpoint(store.inner, turn, before, next, clock.now());
      return takeOutcome(store.inner, turn, writer(turn.migration), { outcome: 'stopped', stoppedAt });
    },

    halt: (turn: Turn, reason: Halted['reason'] = 'failed', more: Partial<Omit<Halted, 'kind'>> = {}) =>
      append<Numbered<Halted>>({
        kind: 'halted',
        migration: turn.migration,
        attempt: turn.attempt,
        turn: turn.number,
        run: turn.run,
        reason,
        ...more,
      }),

    /** Leaves a waiter in a halt: an execution that waits there with this token. */
    wait: ({ number, run }: Numbered<Halted>, execution: string, token: string, more: Partial<Waiter> = {}) =>
      leaveWaiter(store.inner, {
        halt: number,
        execution,
        token,
        run,
        allowOutOfOrder: false,
        since: clock.iso(),
        ...more,
      }),

    decide: (halted: Numbered<Halted>, decision: Decided['decision'], more: Partial<Omit<Decided, 'kind'>> = {}) =>
      append<Numbered<Decided>>({
        kind: 'decided',
        decision,
        migration: halted.migration,
        attempt: halted.attempt,
        of: halted.number,
        by: 'anna',
        retry: decision === 'retry' ? { codeSha256: CODE, begin: 'start' } : undefined,
        ...more,
      }),

    cancel: (turn: Turn, more: Partial<Omit<Decided, 'kind'>> = {}) =>
      append<Numbered<Decided>>({
        kind: 'decided',
        decision: 'cancel',
        migration: turn.migration,
        attempt: turn.attempt,
        of: turn.number,
        by: 'anna',
        ...more,
      }),

    complete: (
      id: string | string[],
      completion: Completed['completion'] = 'applied',
      more: Partial<Omit<Completed, 'kind'>> = {},
    ) => append<Numbered<Completed>>({ kind: 'completed', ids: [id].flat(), completion, ...more }),
  };
}

export type LedgerBefore = ReturnType<typeof ledgerBefore>;
