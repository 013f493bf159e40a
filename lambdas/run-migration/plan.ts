// Puts down the batches that a plan yields. Those of a turn count as far as its checkpoints say: what was put down after the last one
// by a turn that died is planned again, below the next turn.
import pMap from 'p-map';
import { OdinError } from '../../core/errors.ts';
import { MAX_BATCHES, planBatch } from '../../core/ledger/batches.ts';
import { fencedOut } from '../../core/ledger/checkpoints.ts';
import type { LogWriter } from '../../core/ledger/log.ts';
import type { PlannedBatches } from '../../core/ledger/plan.ts';
import { batchesIn } from '../../core/ledger/plan.ts';
import type { Store } from '../../core/ledger/store.ts';
import type { Turn } from '../../core/ledger/turn-records.ts';

const AT_ONCE = { concurrency: 16 };

/** @param before of the checkpoint that the turn goes on from */
export function planRecorder(store: Store, turn: Turn, writer: LogWriter, before: PlannedBatches | undefined) {
  const turns = before?.turns ?? [];
  let items = before?.items ?? 0;
  let batches = 0;
  let planned = before !== undefined;
  const allTurns = () => (batches === 0 ? turns : [...turns, { turn: turn.number, sha256: turn.sha256, batches }]);
  const count = () => batchesIn({ turns: allTurns() });
  const all = (sealed: boolean): PlannedBatches => ({ turns: allTurns(), items, sealed });

  return {
    /** @throws OdinError BadPlan, FencedOut */
    async add(more: unknown[][]): Promise<void> {
      planned = true;
      const sum = count() + more.length;
      if (sum > MAX_BATCHES) throw tooMany(sum);
      const put = async (each: unknown[], index: number) => {
        const { taken } = await planBatch(store, turn, writer, batches + index + 1, each);
        if (taken !== 'mine') throw fencedOut(turn); // one turn plans in one invocation
      };
      await pMap(more, put, AT_ONCE);
      batches += more.length;
      items += more.reduce((count, each) => count + each.length, 0);
    },
    /** Undefined of a migration that has no plan. */
    recorded: () => (planned ? all(false) : undefined),
    sealed: () => all(true),
    batches: count,
  };
}

const tooMany = (batches: number): OdinError =>
  new OdinError({
    code: 'BadPlan',
    source: 'user',
    what: `plan() has yielded ${batches} batches, over ${MAX_BATCHES}.`,
    next: 'Raise itemsPerBatch, and yield so many items at once.',
  });
