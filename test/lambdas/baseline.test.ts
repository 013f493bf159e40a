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
const baseline = (through: string, shown?: string[]) =>
  createBaseline(world.services, manifest)(
    { ask: 'baseline', through, shown, reason: 'ran elsewhere', by: 'alice' },
    invocation(world),
  );
const completed = async () =>
  Object.entries((await before.look()).migrations).flatMap(([id, { completion }]) => (completion ? [id] : []));
const body = async (key: string) => (await world.store.inner.get(key))?.body ?? '';

const UNPROVED = { is: 'claimed', why: 'no proof came with it' };

it('records every migration up to the number, in one entry, with who and why', async () => {
  expect(await baseline('0005')).toEqual({
    result: 'recorded',
    recorded: ['0001', '0002', '0005'],
    already: [],
    by: 'alice',
    identity: UNPROVED,
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
    identity: UNPROVED,
    reason: 'ran elsewhere',
  });
  expect(await completed()).toEqual(['0001', '0002', '0005']);
  expect(world.logs).toContainEqual({
    level: 'info',
    message: 'alice (claimed) recorded a baseline through 0005',
    fields: { recorded: ['0001', '0002', '0005'], already: [] },
  });
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
      why: 'A baseline is of what ran elsewhere, so nothing was recorded.',
      next: { words: 'Wait for its outcome', verb: 'status', environment: 'odin-dev' },
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

  it.each([
    ['0003', 'If everything up to 0002 is meant, type --through 0002.'],
    ['0007', 'If everything up to 0006 is meant, type --through 0006.'],
    ['9999', 'If everything up to 0006 is meant, type --through 0006.'],
    ['0000', 'There is nothing below it either: no baseline is needed.'],
  ])('of %s, which is not deployed', async (through, next) => {
    expect(await baseline(through)).toEqual({
      result: 'refused',
      code: 'UnknownMigration',
      what: `${through} is not among the deployed migrations of odin-dev, so nothing was recorded.`,
      why: 'Deployed: 4, from 0001 to 0006.',
      next,
    });
    expect(await completed()).toEqual([]);
  });

  it('when one was deployed that nobody had seen who said it', async () => {
    expect(await baseline('0005', ['0001', '0005'])).toMatchObject({
      result: 'refused',
      code: 'UnknownMigration',
      what: 'Since this was shown, odin-dev has got 0002, so nothing was recorded.',
      next: 'Type the same again.',
    });
    expect(await completed()).toEqual([]);
    // What is gone since was completed, and pruned or not: there is nothing to record of it.
    expect(await baseline('0005', ['0000', '0001', '0002', '0005'])).toMatchObject({
      recorded: ['0001', '0002', '0005'],
    });
  });

  it('where nothing is deployed', async () => {
    const ask = createBaseline(world.services, manifestOf());
    const payload = { ask: 'baseline' as const, through: '0001', reason: 'ran elsewhere', by: 'alice' };
    expect(await ask(payload, invocation(world))).toMatchObject({
      code: 'UnknownMigration',
      why: 'Deployed: none.',
    });
  });
});

describe('of what was pruned', () => {
  const pruned = Array.from({ length: 250 }, (_, n) => String(n + 1).padStart(4, '0'));
  const ask = (through: string) =>
    createBaseline(world.services, {
      ...manifestOf('0100', '0900', '0901'),
      pruned: pruned.filter((id) => id !== '0100'),
    })({ ask: 'baseline', through, reason: 'ran elsewhere', by: 'alice' }, invocation(world));
  const entries = async () => {
    const all = [];
    for (let number = 1; number <= (await before.look()).number; number += 1)
      all.push(JSON.parse(await body(entryKey(number))) as { ids: string[] });
    return all.map(({ ids }) => [ids.length, ids[0]]);
  };

  it('records that and nothing else, a hundred at a time: each has a copy of its entry', async () => {
    expect(await ask('pruned')).toMatchObject({ result: 'recorded', already: [] });
    expect(await entries()).toEqual([
      [100, '0001'],
      [100, '0102'],
      [49, '0202'],
    ]);
    expect(await completed()).not.toContain('0100');
    expect(await body(completedKey('0250'))).toBe(await body(entryKey(3)));
  });

  it('goes on where it was interrupted', async () => {
    world.store.before = once('create', entryKey(2), () => {
      throw unavailable();
    });
    await expect(ask('pruned')).rejects.toMatchObject({ code: 'LedgerUnavailable' });
    const answer = await ask('pruned');
    expect(answer).toMatchObject({
      message: expect.stringMatching(/^Recorded as baseline: 0102, .* and 139 more, up to 0250\./) as string,
    });
    expect(await completed()).toHaveLength(249);
  });

  it('up to a number takes the deployed ones last, in one entry: only then may a run begin', async () => {
    expect(await ask('0900')).toMatchObject({ recorded: [...pruned, '0900'] });
    expect(await entries()).toEqual([
      [100, '0001'],
      [100, '0102'],
      [49, '0202'],
      [2, '0100'],
    ]);
    expect(await completed()).not.toContain('0901');
  });

  it('may end with one that was pruned, and with none that is unknown', async () => {
    expect(await ask('0003')).toMatchObject({ recorded: ['0001', '0002', '0003'] });
    // With a deployed one below it.
    expect(await ask('0250')).toMatchObject({ recorded: pruned.slice(3) });
    expect(await ask('0300')).toMatchObject({
      result: 'refused',
      code: 'UnknownMigration',
      next: expect.stringContaining('--through 0250') as string,
    });
  });
});
