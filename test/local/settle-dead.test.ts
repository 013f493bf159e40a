// What is closed at once when no process of it is left, and what is not: of an invocation that has the turn, and of no other.
import { beforeEach, expect, it } from 'vitest';
import { settleDead } from '../../client/settle-dead.ts';
import { lookAtTurn } from '../../core/ledger/turns.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld } from '../support/services.ts';

let world: World;
let before: LedgerBefore;
beforeEach(() => {
  world = createWorld();
  before = ledgerBefore(world);
});

it.each([
  ['the invocation that has it', 'prepared', 'unknown'],
  ['another invocation', 'other', undefined],
  ['whatever process it was', undefined, 'unknown'],
])('an open turn is closed by the death of %s: %s', async (_, invocation, outcome) => {
  const turn = await before.allow('0001');
  await before.claim(turn);
  await settleDead(world.ledger, invocation);
  const look = await lookAtTurn(world.store.inner, turn, world.clock.now());
  expect(look.seen === 'closed' ? look.outcome?.outcome : undefined).toBe(outcome);
});
