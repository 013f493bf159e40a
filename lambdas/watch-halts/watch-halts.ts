// `watch-halts`: how long a halt has been waiting for a decision, for the alarm on it. And what settled a halt is told again to those
// who wait in it: whoever was to tell it may have been cut off.
import type { Services } from '../../core/contract/ports.ts';
import type { LogState } from '../../core/ledger/fold.ts';
import { waitedHalts } from '../../core/ledger/waiters.ts';
import { carryOut, settlementOf, tellWaiters } from '../shared/tell-waiters.ts';

export interface Watched {
  /** Of the halt that waits for a decision; 0 when none does. */
  openHaltHours: number;
  /** ARNs of the executions that were told now, or started. */
  toldNow: string[];
}

/** @throws what could not be told, after all else was: a watch that fails has an alarm of its own */
export function createWatchHalts(services: Services) {
  const { ledger, log, now } = services;

  return async (): Promise<Watched> => {
    const state = await ledger.log.look();
    const open = state.turn?.halt && !state.turn.halt.decided ? state.turn.halt.halted : undefined;
    const openHaltHours = open ? Math.max(0, now() - Date.parse(open.time)) / 3_600_000 : 0;
    const settled = (await waitedHalts(ledger.store)).filter((halt) => halt !== open?.number);
    // The decision that the run goes on from, whether or not somebody waits in its halt.
    const last = state.turn?.halt?.decided && state.turn.halt.halted.number;
    const told = await Promise.allSettled(
      [...new Set([...settled, ...(last ? [last] : [])])].map((halt) => tell(state, halt)),
    );
    const toldNow = told.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    log.info(open ? `${open.migration} is halted` : 'No halt is open', { halt: open?.number, openHaltHours, toldNow });
    for (const each of told) if (each.status === 'rejected') throw each.reason;
    return { openHaltHours, toldNow };
  };

  async function tell(state: LogState, number: number): Promise<string[]> {
    const halted = await ledger.log.entry(number);
    const settlement = await settlementOf(ledger.log, number);
    if (halted?.kind !== 'halted' || !settlement) return []; // the halt was opened since the look
    if (settlement.kind === 'completed') return (await tellWaiters(services, number, settlement)).executions;
    return await carryOut(services, state, { halted, decided: settlement }, false);
  }
}
