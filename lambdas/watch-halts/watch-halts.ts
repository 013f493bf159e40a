// `watch-halts`: how long a halt has been waiting for a decision, for the alarm on it. And what settled a halt is told again to those
// who wait in it: whoever was to tell it may have been cut off.
import type { Services } from '../../core/contract/ports.ts';
import type { LogState } from '../../core/ledger/fold.ts';
import { waitingInHalts } from '../../core/ledger/waiters.ts';
import { carryOut, settlementOf, tellWaiters } from '../shared/tell-waiters.ts';

export interface Watched {
  /** Of the halt that waits for a decision; 0 when none does. */
  openHaltHours: number;
  /** ARNs of the executions that were told now, or go on in place of those that have ended. */
  toldNow: string[];
}

/**
 * @param measured hears of the hours before anything is told
 * @throws what could not be told, after all else was: a watch that fails has an alarm of its own
 */
export function createWatchHalts(services: Services, measured: (openHaltHours: number) => void = () => undefined) {
  const { ledger, executions, log, now } = services;

  return async (): Promise<Watched> => {
    const state = await ledger.log.look();
    const open = state.turn?.halt && !state.turn.halt.decided ? state.turn.halt.halted : undefined;
    const openHaltHours = open ? Math.max(0, now() - Date.parse(open.time)) / 3_600_000 : 0;
    measured(openHaltHours);
    // The decision that the run goes on from is carried out, whether or not somebody waits in its halt.
    const last = state.turn?.halt?.decided && state.turn.halt.halted.number;
    const halts = new Set([...(await waitedIn(state)), ...(last === undefined ? [] : [last])]);
    if (open) halts.delete(open.number);
    const toldNow: string[] = [];
    const failures: unknown[] = [];
    for (const halt of halts) {
      try {
        toldNow.push(...(await tellAgain(state, halt)));
      } catch (thrown) {
        failures.push(thrown);
      }
    }
    log.info(open ? `${open.migration} is halted` : 'No halt is open', { halt: open?.number, openHaltHours, toldNow });
    if (failures.length > 0) throw failures[0];
    return { openHaltHours, toldNow };
  };

  /** Numbers of the halts in which an execution waits that lives. Those of the past are known by a list alone. */
  async function waitedIn(state: LogState): Promise<number[]> {
    const known = anyExecution(state);
    if (known === undefined) return [];
    const waiting = await waitingInHalts(ledger.store, known);
    const alive = new Set<string>();
    for (const execution of new Set([...waiting.values()].flat())) {
      if (await executions.isAlive(execution)) alive.add(execution);
    }
    return [...waiting].filter(([, waits]) => waits.some((each) => alive.has(each))).map(([halt]) => halt);
  }

  async function tellAgain(state: LogState, number: number): Promise<string[]> {
    const halted = await ledger.log.entry(number);
    const settlement = await settlementOf(ledger.log, number);
    if (halted?.kind !== 'halted' || !settlement) return []; // the halt was opened since the look
    if (settlement.kind === 'completed') return (await tellWaiters(services, number, settlement)).executions;
    return await carryOut(services, state, { halted, decided: settlement }, 'watch');
  }
}

/** ARN of an execution that had a turn; undefined when none had: then nobody has ever waited. */
function anyExecution({ turn, migrations }: LogState): string | undefined {
  if (turn) return turn.allowed.execution;
  return Object.values(migrations).findLast(({ completion }) => completion?.execution)?.completion?.execution;
}
