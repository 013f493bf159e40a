// What is closed at once when no process of it is left, and what is not: of an invocation that has the turn, and of no other.
import { beforeEach, expect, it } from 'vitest';
import { settleDead } from '../../client/settle-dead.ts';
import { claimBatch, endBatch } from '../../core/ledger/batches.ts';
import { lookAtTurn, readClaim } from '../../core/ledger/turns.ts';
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

it('nothing is closed that did not begin: of an empty log, and of a turn without a claim', async () => {
  for (const invocation of [undefined, 'prepared']) await settleDead(world.ledger, invocation);
  const turn = await before.allow('0001');
  const written = world.store.writes();
  for (const invocation of [undefined, 'prepared']) await settleDead(world.ledger, invocation);
  expect(world.store.writes()).toEqual(written);
  expect((await lookAtTurn(world.store.inner, turn, world.clock.now())).seen).toBe('unclaimed');
});

it('the batches of a turn are closed by the death of all: what had begun is unknown, and the rest begins in none of it', async () => {
  const turn = await before.allow('0004', {
    batches: { of: 9, plan: [{ turn: 1, sha256: 'a', batches: 9 }], rest: '1-9' },
  });
  const by = before.writer('0004');
  for (const batch of [1, 2]) await claimBatch(world.store.inner, turn, by, batch);
  await endBatch(world.store.inner, turn, by, 1, { outcome: 'succeeded' });
  await settleDead(world.ledger);
  const look = await lookAtTurn(world.store.inner, turn, world.clock.now());
  expect(look).toMatchObject({
    seen: 'closed',
    outcome: { outcome: 'unknown', batches: { of: 9, succeeded: 1, failed: 0, unknown: 1, left: 8 } },
  });
  expect(await readClaim(world.store.inner, turn)).toMatchObject({ claim: 'void' }); // no further one begins
});
