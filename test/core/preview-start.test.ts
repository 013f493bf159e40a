// Where a preview of a migration begins.
import { expect, it } from 'vitest';
import { filesOf } from '../../core/contract/manifest.ts';
import { moveCheckpoint } from '../../core/ledger/checkpoints.ts';
import { previewStart } from '../../core/preview/start.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { CODE, createWorld, manifestOf } from '../support/services.ts';

it('is the last checkpoint of the same code, and the start without one', async () => {
  const world = createWorld();
  const start = (id: string, codeSha256 = CODE) => previewStart(world.store, { id, codeSha256 });
  expect(await start('0001')).toBeUndefined();
  const turn = await ledgerBefore(world).allow('0001');
  await moveCheckpoint(world.store, turn, undefined, { cursor: 'here' }, world.clock.now());
  expect(await start('0001')).toMatchObject({ cursor: 'here' });
  expect(await start('0001', 'other')).toBeUndefined();
  expect(await start('0002')).toBeUndefined();
});

it('the files of some migrations are those of the manifest, in its order', () => {
  expect(filesOf(manifestOf('0001', '0002', '0003'), ['0003', '0001', '0009'])).toEqual([
    'migrations/odin-dev/0001.ts',
    'migrations/odin-dev/0003.ts',
  ]);
});
