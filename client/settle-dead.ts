// On this machine every process is seen. So a turn whose processes have surely ended is closed at once, as `unknown`, and nobody waits
// for its deadline (docs/design.md §4).
import type { Ledger } from '../core/ledger/ledger.ts';
import { lookAtTurn, readClaim, takeOutcome } from '../core/ledger/turns.ts';
import { localWriter } from './local-writer.ts';

/**
 * Call it when no process of the open turn is left. What such a process has sent, and what comes late, finds the key taken.
 * @param invocation only if this one, by its request id, has the turn
 */
export async function settleDead({ log, store }: Ledger, invocation?: string): Promise<void> {
  const { turn } = await log.look();
  if (!turn) return;
  if (invocation !== undefined && (await readClaim(store, turn.allowed))?.writer.requestId !== invocation) return;
  if ((await lookAtTurn(store, turn.allowed, log.lookedAt)).seen !== 'claimed') return;
  await takeOutcome(store, turn.allowed, localWriter('local'), { outcome: 'unknown' });
}
