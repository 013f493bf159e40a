// Tells those who wait in a halt what settled it, in one place. Each may be told again: a token is good for one answer.
import type { Completed, Decided, Halted } from '../../core/ledger/entries.ts';
import type { LogState, Numbered } from '../../core/ledger/fold.ts';
import type { LedgerLog } from '../../core/ledger/log.ts';
import type { Waiter } from '../../core/ledger/waiters.ts';
import { readWaiters } from '../../core/ledger/waiters.ts';
import { who } from '../../core/views/words.ts';
import type { RunInput } from '../../core/contract/payloads.ts';
import type { Executions, Services } from '../../core/contract/ports.ts';
import { continueRun, continueRunAtMost } from './continue-run.ts';

/** The decision on a halt; or, when there is none, what was completed while it was open. */
export type Settlement = Numbered<Decided> | Numbered<Completed>;

/**
 * What settled the halt of an entry; undefined while it is open.
 * @throws OdinError RecordUnreadable, NewerLedger
 */
export async function settlementOf(log: LedgerLog, halt: number): Promise<Settlement | undefined> {
  let settled: Settlement | undefined;
  for (let number = halt + 1; ; number += 1) {
    const entry = await log.entry(number);
    if (entry?.kind === 'decided' && entry.of === halt)
      settled = entry; // the last one that counts
    else if (settled || !entry) return settled;
    // Until it is settled nothing but a `cancel` can follow it in the log.
    else if (entry.kind === 'completed') return entry;
  }
}

export interface ToldWaiters {
  /** ARNs of those that were waiting, and were told now. */
  executions: string[];
  /** Everybody who waits, or waited, in this halt. */
  waiters: Waiter[];
}

/**
 * An abort ends the executions; all else lets them go on. Call it after the entry that settles the halt is appended: whoever
 * leaves a waiter looks at the log after it, so one sees the other.
 * @throws OdinError RecordUnreadable; or what Step Functions did not take, after all others were told
 */
export async function tellWaiters(
  { ledger: { store }, executions }: Pick<Services, 'ledger' | 'executions'>,
  halt: number,
  settlement: Settlement,
): Promise<ToldWaiters> {
  const told: ToldWaiters = { executions: [], waiters: await readWaiters(store, halt) };
  const failures: unknown[] = [];
  for (const { token, execution } of told.waiters) {
    try {
      if ((await answerTask(executions, token, settlement)) === 'sent') told.executions.push(execution);
    } catch (thrown) {
      failures.push(thrown);
    }
  }
  if (failures.length > 0) throw failures[0];
  return told;
}

/** Tells those who wait in a halt what settled it; nobody while it is open. @throws as `settlementOf` and `tellWaiters` */
export async function tellSettlement(services: Pick<Services, 'ledger' | 'executions'>, halt: number): Promise<void> {
  const settlement = await settlementOf(services.ledger.log, halt);
  if (settlement) await tellWaiters(services, halt, settlement);
}

/**
 * Tells a decision to every execution that waits in the halt. When none takes it, and the run has not gone on from it, an execution
 * is started under a fixed name: it finds the decision in the log.
 *
 *   who       one that waited seems to run          all that were started have ended
 *   `first`   starts one: that one may be stopped   starts another
 *   `again`   starts none: that one may go on       starts another
 *   `watch`   starts none: that one may go on       starts another, three in all; then a person must look why
 *
 * @returns the ARNs of those that go on
 * @throws OdinError as tellWaiters
 */
export async function carryOut(
  services: Pick<Services, 'ledger' | 'executions' | 'log'>,
  { turn }: LogState,
  { halted, decided }: { halted: Numbered<Halted>; decided: Numbered<Decided> },
  who: 'first' | 'again' | 'watch',
): Promise<string[]> {
  const { executions, log } = services;
  const { executions: told, waiters } = await tellWaiters(services, halted.number, decided);
  const carriedOut = turn?.halt?.decided?.number !== decided.number;
  if (decided.decision === 'abort') return []; // those that were told have ended
  if (told.length > 0 || carriedOut) return told;
  if (who !== 'first') {
    for (const { execution } of waiters) if (await executions.isAlive(execution)) return [];
  }
  const input: RunInput = {
    run: halted.run,
    allowOutOfOrder: waiters.some((waiter) => waiter.allowOutOfOrder) || undefined,
    allowRenumbered: allOf(waiters.map(({ allowRenumbered }) => allowRenumbered)),
    acceptChanged: allOf(waiters.map(({ acceptChanged }) => acceptChanged)),
  };
  if (who !== 'watch') return [await continueRun(executions, decided.number, input)];
  const execution = await continueRunAtMost(WATCH_STARTS, executions, decided.number, input);
  if (execution !== undefined) return [execution];
  log.error(
    `Nobody acts on the decision of entry ${decided.number}: each of the ${WATCH_STARTS} executions that were started for it has ended. Their errors say why; the next run, or the same decision again, acts on it.`,
    { halt: halted.number },
  );
  return [];
}

/** Undefined when there is none. */
function allOf(lists: readonly (readonly string[] | undefined)[]): string[] | undefined {
  const all = [...new Set(lists.flatMap((list) => list ?? []))];
  return all.length > 0 ? all.sort() : undefined;
}

/** A run that is refused would be refused each time, and an alarm would go off for each. */
const WATCH_STARTS = 3;

function answerTask(executions: Executions, token: string, settlement: Settlement): Promise<'sent' | 'gone'> {
  if (settlement.kind === 'completed') return executions.succeedTask(token, { completion: settlement.completion });
  const { decision, by, identity, migration, attempt, reason } = settlement;
  if (decision !== 'abort') return executions.succeedTask(token, { decision, by, identity });
  const why = reason === undefined ? '.' : `: ${reason}`;
  return executions.failTask(
    token,
    'Aborted',
    `${who(settlement)} aborted this run at migration ${migration}, attempt ${attempt}${why}`,
  );
}
