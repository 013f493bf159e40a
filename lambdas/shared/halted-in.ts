// Whether an open halt holds an execution that lives: then nobody else need run.
import type { Services } from '../../core/contract/ports.ts';
import type { TurnState } from '../../core/ledger/fold.ts';
import { waitingExecutions } from '../../core/ledger/waiters.ts';

/**
 * @param besides ARN of the one that asks, if an execution does
 * @returns the ARN of an execution that lives and waits in the turn's halt; undefined when the halt is not open, or nobody else waits
 */
export async function haltedIn(
  { ledger, executions }: Pick<Services, 'ledger' | 'executions'>,
  { halt, allowed }: TurnState,
  besides?: string,
): Promise<string | undefined> {
  if (!halt || halt.decided) return undefined;
  for (const execution of await waitingExecutions(ledger.store, halt.halted.number, allowed.execution)) {
    if (execution !== besides && (await executions.isAlive(execution))) return execution;
  }
  return undefined;
}
