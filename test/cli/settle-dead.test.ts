// What is known on this machine of a process that is gone: of many that run batches, one may be.
import { beforeEach, expect, it } from 'vitest';
import { settleDead } from '../../client/settle-dead.ts';
import { claimBatch, endBatch, listBatches, lookAtBatches } from '../../core/ledger/batches.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld } from '../support/services.ts';

let world: World;
let ledger: LedgerBefore;
beforeEach(() => {
  world = createWorld();
  ledger = ledgerBefore(world);
});

it('says of the batch whose process is gone that nobody knows, and of no other; those run on, and further ones begin', async () => {
  const { store } = world.ledger;
  const turn = await ledger.allow('0004', {
    batches: { of: 9, plan: [{ turn: 1, sha256: 'a', batches: 9 }], rest: '1-9' },
  });
  const by = (requestId: string) => ({ ...ledger.writer('0004'), requestId });
  await claimBatch(store, turn, by('first'), 1);
  await endBatch(store, turn, by('first'), 1, { outcome: 'succeeded' });
  await claimBatch(store, turn, by('second'), 2);
  await claimBatch(store, turn, by('first'), 3); // a function is invoked again
  await claimBatch(store, turn, by('third'), 4);
  await settleDead(world.ledger, 'first');
  await settleDead(world.ledger, 'nobody');
  expect(await lookAtBatches(store, turn)).toMatchObject({ succeeded: [1], failed: [], unknown: [3], open: [2, 4] });
  expect((await listBatches(store, turn)).failed).toEqual([3]);
  expect((await store.list('turns/')).objects.filter(({ key }) => key.endsWith('/claim.json'))).toEqual([]);
});
