// What a run sees of the open turn, besides the log: its keys, its owner, and who waits in its halt.
import type { Services } from '../../core/contract/ports.ts';
import type { TurnSeen } from '../../core/decision/decide.ts';
import type { TurnState } from '../../core/ledger/fold.ts';
import { lookAtTurn } from '../../core/ledger/turns.ts';
import { haltedIn } from '../../core/ledger/waiters.ts';

type Seen = Pick<Services, 'ledger' | 'executions'>;

/** @param execution ARN of the one that asks */
export async function lookAtOpenTurn(services: Seen, turn: TurnState, execution: string): Promise<TurnSeen> {
  const { log, store } = services.ledger;
  const { isAlive } = services.executions;
  return {
    look: await lookAtTurn(store, turn.allowed, log.lookedAt),
    owner: await ownerOf(services, turn, execution),
    haltedIn: await haltedIn(store, turn, isAlive, execution),
  };
}

async function ownerOf({ executions }: Seen, { allowed }: TurnState, execution: string): Promise<TurnSeen['owner']> {
  if (allowed.execution === execution) return 'this';
  return (await executions.isAlive(allowed.execution)) ? 'alive' : 'dead';
}
