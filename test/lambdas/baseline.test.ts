// `baseline`: what it records, and that it leaves alone what this system knows better.
import { beforeEach, describe, expect, it } from 'vitest';
import { completedKey, entryKey } from '../../core/ledger/keys.ts';
import { VERSION } from '../../core/names/version.ts';
import { createBaseline } from '../../lambdas/baseline/baseline.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, IDENTITY, invocation, manifestOf } from '../support/services.ts';

let world: World;
let before: LedgerBefore;
beforeEach(() => {
  world = createWorld();
  before = ledgerBefore(world);
});

const manifest = manifestOf('0001', '0002', '0005', '0006');
const baseline = (through: string) =>
  createBaseline(world.services, manifest)(
    { ask: 'baseline', through, reason: 'ran elsewhere', by: 'alice' },
    invocation(world),
  );
const completed = async () =>
  Object.entries((await before.look()).migrations).flatMap(([id, { completion }]) => (completion ? [id] : []));
const body = async (key: string) => (await world.store.inner.get(key))?.body ?? '';

it('records every migration up to the number, in one entry, with who and why', async () => {
  expect(await baseline('0005')).toEqual({
    result: 'recorded',
    recorded: ['0001', '0002', '0005'],
    already: [],
    by: 'alice',
    message: 'Recorded as baseline: 0001, 0002, 0005.',
  });
  expect(JSON.parse(await body(entryKey(1)))).toEqual({
    format: 1,
    number: 1,
    previous: null,
    ledger: IDENTITY,
    kind: 'completed',
    time: world.clock.iso(),
    nonce: 'nonce-1',
    writer: { function: 'baseline', requestId: 'request-1', version: VERSION },
    ids: ['0001', '0002', '0005'],
    completion: 'baseline',
    by: 'alice',
    reason: 'ran elsewhere',
  });
  expect(await completed()).toEqual(['0001', '0002', '0005']);
});

it('writes a copy of the entry for each of them', async () => {
  await baseline('0002');
  for (const id of ['0001', '0002']) expect(await body(completedKey(id))).toBe(await body(entryKey(1)));
  expect(await body(completedKey('0005'))).toBe('');
});

it('changes nothing that stands: what is completed keeps its completion', async () => {
  const turn = await before.allow('0001');
  await before.claim(turn);
  await before.close(turn, 'succeeded');
  await before.complete('0001');
  expect(await baseline('0005')).toMatchObject({ recorded: ['0002', '0005'], already: ['0001'] });
  expect((await before.look()).migrations['0001']?.completion).toMatchObject({ completion: 'applied' });
});

it('records nothing twice, and says so', async () => {
  await baseline('0005');
  const stands = await before.look();
  world.clock.advance(1_000);
  expect(await baseline('0005')).toMatchObject({
    result: 'recorded',
    recorded: [],
    already: ['0001', '0002', '0005'],
    message: 'Nothing new to record. Completed before: 0001, 0002, 0005.',
  });
  expect(await before.look()).toEqual(stands);
});

it('records all or nothing when it is interrupted, and the same call again says which', async () => {
  world.store.before = once('create', entryKey(1), () => {
    throw unavailable();
  });
  await expect(baseline('0005')).rejects.toMatchObject({ code: 'LedgerUnavailable' });
  expect(await completed()).toEqual([]);
  world.store.before = once('create', completedKey('0002'), () => {
    throw unavailable();
  });
  await expect(baseline('0005')).rejects.toMatchObject({ code: 'LedgerUnavailable' });
  expect(await completed()).toEqual(['0001', '0002', '0005']);
  expect(await baseline('0005')).toMatchObject({ recorded: [], already: ['0001', '0002', '0005'] });
});

it('adopts once, when two operators do it at the same time', async () => {
  const [one, two] = await Promise.all([baseline('0005'), baseline('0006')]);
  if (one.result === 'refused' || two.result === 'refused') throw new Error('refused');
  expect([...one.recorded, ...two.recorded].sort()).toEqual(['0001', '0002', '0005', '0006']);
});

describe('is refused, and nothing is recorded', () => {
  it.each(['0002', '0006'])('while a turn of %s is open', async (migration) => {
    await before.allow(migration);
    expect(await baseline('0005')).toMatchObject({
      result: 'refused',
      code: 'AlreadyAttempted',
      what: `${migration} of odin-dev has been started here, attempt 1, and it is not settled what became of it.`,
      next: { verb: 'status' },
    });
    expect(await completed()).toEqual([]);
    expect(await before.look()).toMatchObject({ number: 1 });
  });

  it('when a run starts one between its look and its entry', async () => {
    world.store.before = once('create', entryKey(1), () => before.allow('0002'));
    expect(await baseline('0005')).toMatchObject({ result: 'refused', code: 'AlreadyAttempted' });
    expect(await completed()).toEqual([]);
  });

  it('while one is halted: that is to be decided', async () => {
    await before.halt(await before.allow('0002'));
    expect(await baseline('0005')).toMatchObject({
      code: 'AlreadyAttempted',
      next: {
        words: 'Decide on its halt first',
        verb: 'resume',
        args: ['mark-applied', '--halt 2', '--reason "..."'],
      },
    });
  });

  it.each(['0003', '0007', '9999'])('of %s, which is not deployed', async (through) => {
    expect(await baseline(through)).toMatchObject({ result: 'refused', code: 'UnknownMigration' });
    expect(await completed()).toEqual([]);
  });
});
