// On this machine every process is seen. So a turn whose processes have surely ended is closed at once, as `unknown`, and nobody waits
// for its deadline (docs/design.md §4).
import type { Ledger } from '../core/ledger/ledger.ts';
import { closeBatches, openBatchesOf } from '../core/ledger/batches.ts';
import { outcomeOfOver } from '../core/ledger/parallel.ts';
import { lookAtTurn, readClaim, takeClaim, takeOutcome } from '../core/ledger/turns.ts';
import { localWriter } from './local-writer.ts';

/**
 * Call it when no process of the open turn is left. What such a process has sent, and what comes late, finds the key taken.
 * @param invocation only what this one has, by its request id: the turn, or a batch of it, while others run on
 */
export async function settleDead({ log, store }: Ledger, invocation?: string): Promise<void> {
  const { turn } = await log.look();
  if (!turn) return;
  const { allowed } = turn;
  const writer = localWriter('local');
  if (invocation !== undefined && allowed.batches) {
    await closeBatches(store, allowed, writer, await openBatchesOf(store, allowed, invocation));
    return;
  }
  if (invocation !== undefined) {
    if ((await readClaim(store, allowed))?.writer.requestId !== invocation) return;
  } else if (allowed.batches) {
    await takeClaim(store, allowed, writer, { claim: 'void' }); // which closes it, and those that have begun are over
  }
  const look = await lookAtTurn(store, allowed, log.lookedAt);
  if (look.seen !== 'claimed') return;
  await takeOutcome(store, allowed, writer, await outcomeOfOver(store, allowed, look, writer));
}
