// `watch-halts`: how long a halt has been waiting for a decision, for the alarm on it.
import type { HaltRecord } from '../../core/ledger/records.ts';
import { aliveIn } from '../../core/decision/situation.ts';
import type { Services } from '../../core/contract/ports.ts';

/** @returns how many halts are open, and for how many hours the oldest one has been; 0 when none is */
export function createWatchHalts({ ledger, executions, log, now }: Services) {
  return async (): Promise<{ openHalts: number; openHaltHours: number }> => {
    const open: HaltRecord[] = [];
    for (const halt of await ledger.halts()) if (await isOpen(halt)) open.push(halt);
    const since = open.flatMap(({ waiting }) => waiting.map((waited) => Date.parse(waited.since)));
    const openHaltHours = since.length === 0 ? 0 : Math.max(0, now() - Math.min(...since)) / 3_600_000;
    log.info(`${open.length} halts are open`, { openHaltHours, migrations: open.map(({ migration }) => migration) });
    return { openHalts: open.length, openHaltHours };
  };

  /** Undecided. A migration that was completed meanwhile needs no decision, unless an execution still waits for one. */
  async function isOpen(halt: HaltRecord): Promise<boolean> {
    if (await ledger.decision(halt.migration, halt.attempt, halt.halt)) return false;
    if ((await ledger.completion(halt.migration)) === undefined) return true;
    return (await aliveIn(halt, executions.isAlive)) !== undefined;
  }
}
