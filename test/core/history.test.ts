// The audit trail: the log in words, in its order, with nothing left out.
import { expect, it } from 'vitest';
import type { Entry } from '../../core/ledger/entries.ts';
import { APPENDED_BY } from '../../core/ledger/entries.ts';
import { idsOf, readHistory, readTrails, told } from '../../core/views/history.ts';
import { allowed, completed, decided, halted, logOf } from './ledger/entries.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { createWorld } from '../support/services.ts';

const NO_SPACE = {
  name: 'Error',
  message: 'no space',
  stack: 'Error: no space\n    at migrations/odin-dev/0002.ts:3:9',
};

/** A line of the history, as it is printed. */
function line(entry: Entry): string {
  const { word, text, details, error } = told(entry);
  const attempt = entry.kind === 'completed' ? '' : `/${entry.attempt}`;
  const thrown = error ? [`${error.name}: ${error.message}`] : [];
  return [`${entry.number} ${idsOf(entry).join(',')}${attempt} ${word}${text}`, ...thrown, ...details].join(' | ');
}

/** A baseline; a migration that fails, is retried, is cancelled at a checkpoint, and is skipped. */
async function prepared() {
  const world = createWorld();
  const ledger = ledgerBefore(world);
  await ledger.complete(['0000', '0001'], 'baseline', { by: 'him', reason: 'adopted' });
  const first = await ledger.allow('0002', { gitCommit: '0123456789abcdef0123456789abcdef01234567' });
  await ledger.decide(await ledger.halt(first, 'failed', { error: NO_SPACE }), 'retry');
  const second = await ledger.allow('0002', { attempt: 2 });
  const reference = { key: 'turns/0002/00000005/outcome.json', sha256: 'a'.repeat(64) };
  const slice = await ledger.allow('0002', { attempt: 2, slice: 2, begin: 'checkpoint', restsOn: { turn: reference } });
  await ledger.cancel(slice, { by: 'verified her', identity: { is: 'claimed', why: 'no proof' }, reason: 'too slow' });
  const halt = await ledger.halt(slice, 'cancelled');
  world.clock.advance(60_000);
  await ledger.decide(halt, 'skip', { by: 'her', identity: { is: 'verified' }, reason: 'not needed' });
  await ledger.complete('0002', 'skipped', { by: 'her', identity: { is: 'verified' }, reason: 'not needed' });
  await ledger.complete('0003', 'baseline');
  expect(second.number).toBe(5);
  return world;
}

it('tells every entry, in the order of the log', async () => {
  const { ledger } = await prepared();
  const entries = await readHistory(ledger);
  expect(entries.map(line)).toEqual([
    '1 0000,0001 baseline, by him (claimed): adopted',
    '2 0002/1 allowed to run in run-1, of commit 0123456789',
    '3 0002/1 halted: it failed | Error: no space',
    '4 0002/1 retry, decided by anna (claimed) on the halt of entry 3',
    '5 0002/2 allowed to run in run-1',
    '6 0002/2 slice 2 allowed to run from its checkpoint in run-1',
    '7 0002/2 cancel, asked by … her (claimed): too slow | claimed: no proof',
    '8 0002/2 halted: it was cancelled, and stopped at a checkpoint',
    '9 0002/2 skip, decided by her (verified) on the halt of entry 8: not needed',
    '10 0002 skipped, by her (verified): not needed',
    '11 0003 baseline',
  ]);
  expect(entries[8]).toMatchObject({ decision: 'skip', by: 'her', time: '2026-03-01T12:01:00.000Z' });
});

it('of a migration that fails, is retried and fails again shows both halts with their errors', async () => {
  const world = createWorld();
  const ledger = ledgerBefore(world);
  const errors = [NO_SPACE, { name: 'TypeError', message: 'no such key' }];
  for (const [index, error] of errors.entries()) {
    const halt = await ledger.halt(await ledger.allow('0001', { attempt: index + 1 }), 'failed', { error });
    if (index === 0) await ledger.decide(halt, 'retry');
  }
  const halts = (await readHistory(world.ledger)).filter(({ kind }) => kind === 'halted');
  expect(halts.map(line)).toEqual([
    '2 0001/1 halted: it failed | Error: no space',
    '5 0001/2 halted: it failed | TypeError: no such key',
  ]);
});

it('of an abort shows it after its halt, and the halt that follows, though all were written in the same millisecond', async () => {
  const world = createWorld();
  const ledger = ledgerBefore(world);
  const turn = await ledger.allow('0001');
  await ledger.decide(await ledger.halt(turn), 'abort');
  await ledger.halt(turn);
  const history = await readHistory(world.ledger);
  expect(history.map((entry) => [entry.kind, entry.time])).toEqual([
    ['allowed', world.clock.iso()],
    ['halted', world.clock.iso()],
    ['decided', world.clock.iso()],
    ['halted', world.clock.iso()],
  ]);
  expect(told(history[2]!)).toMatchObject({
    word: 'abort',
    text: ', decided by anna (claimed) on the halt of entry 2',
  });
});

it('tells of one migration alone, a baseline of several among it', async () => {
  const { ledger } = await prepared();
  expect((await readHistory(ledger, '0001')).map(line)).toEqual(['1 0000,0001 baseline, by him (claimed): adopted']);
  expect((await readHistory(ledger, '0002')).map(({ number }) => number)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(await readHistory(ledger, '0009')).toEqual([]);
});

it('of a few tells the same without reading the others', async () => {
  const { ledger, store } = await prepared();
  await ledgerBefore({ store, clock: createWorld().clock }).allow('0004');
  const all = await readHistory(ledger);
  const state = await ledger.log.look();
  const ids = ['0000', '0001', '0002', '0003', '0004'];
  const trails = await readTrails(ledger, state, [...ids, '0009']);
  expect([...trails.keys()]).toEqual(ids);
  for (const id of ids) {
    expect(trails.get(id)).toEqual({ entries: all.filter((entry) => idsOf(entry).includes(id)), earlier: 0 });
  }
  const gets = () => store.calls.filter(({ operation }) => operation === 'get').length;
  const before = gets();
  await readTrails(ledger, state, ['0000', '0001', '0004']);
  expect(gets() - before).toBe(2);
});

it('of one with many slices tells the last, and how many there are before them', async () => {
  const world = createWorld();
  const ledger = ledgerBefore(world);
  const reference = { key: 'turns/0001/00000001/outcome.json', sha256: 'a'.repeat(64) };
  await ledger.allow('0001');
  for (let slice = 2; slice <= 50; slice += 1) {
    await ledger.allow('0001', { slice, begin: 'checkpoint', restsOn: { turn: reference } });
  }
  await ledger.complete('0001');
  const trail = (await readTrails(world.ledger, await world.ledger.log.look(), ['0001'])).get('0001');
  expect(trail?.earlier).toBe(31);
  expect(trail?.entries.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => 32 + index));
});

it('says what a migration that was applied had not awaited', async () => {
  const world = createWorld();
  const ledger = ledgerBefore(world);
  await ledger.allow('0001');
  await ledger.complete('0001', 'applied', { leftOver: ['2 timers', '1 connection'] });
  const [, entry] = await readHistory(world.ledger);
  expect(told(entry!).details).toEqual([expect.stringContaining('2 timers, 1 connection')]);
});

it.each([
  [{ done: 7, total: 9, note: 'files moved' }, '7 of 9 (77 %)  files moved'],
  [{ done: 9, total: 7 }, '9 done'],
  [{ done: 7 }, '7 done'],
  [{ note: 'files moved' }, 'files moved'],
])('says what a migration that was applied had done: %j', async (did, text) => {
  const world = createWorld();
  const ledger = ledgerBefore(world);
  await ledger.allow('0001');
  await ledger.complete('0001', 'applied', { did });
  const [, entry] = await readHistory(world.ledger);
  expect(told(entry!).details).toEqual([text]);
});

it('says how long a migration ran that was applied, and of a decision where the next attempt begins', async () => {
  const world = createWorld();
  const ledger = ledgerBefore(world);
  const halt = await ledger.halt(await ledger.allow('0001'));
  const codeSha256 = 'c'.repeat(64);
  await ledger.decide(halt, 'retry', { retry: { codeSha256, begin: 'checkpoint' } });
  await ledger.allow('0001', { attempt: 2, begin: 'checkpoint' });
  await ledger.complete('0001', 'applied', {
    startedAt: '2026-03-01T11:00:00.000Z',
    finishedAt: '2026-03-01T11:05:00.000Z',
  });
  const entries = await readHistory(world.ledger);
  expect(entries.slice(2).map(line)).toEqual([
    '3 0001/1 retry, decided by anna (claimed) on the halt of entry 2 | from its last checkpoint',
    '4 0001/2 allowed to run from its checkpoint in run-1',
    '5 0001 applied in 5 min 00 s',
  ]);
  // What goes on is busy, what a person said is to be looked at.
  expect(entries.map((entry) => told(entry).tone)).toEqual(['busy', 'bad', 'warn', 'busy', 'good']);
});

it('of a large log leaves nothing out', async () => {
  const world = createWorld();
  const log = ledgerBefore(world);
  const ids = Array.from({ length: 500 }, (_, index) => String(index + 1).padStart(4, '0'));
  for (const id of ids) {
    await log.allow(id);
    await log.complete(id);
  }
  const history = await readHistory(world.ledger);
  expect(history.map(({ number }) => number)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  expect(history.filter(({ kind }) => kind === 'completed').flatMap(idsOf)).toEqual(ids);
});

it('has words for every kind of entry, of any reason and decision', () => {
  const every = [
    ...logOf(allowed('0001'), halted(1, '0001'), decided(2, 'mark-applied', '0001'), completed(['0001'])),
    ...logOf(allowed('0001'), decided(1, 'cancel', '0001')),
  ];
  expect(new Set(every.map(({ kind }) => kind))).toEqual(new Set(Object.keys(APPENDED_BY)));
  for (const entry of every) expect(`${told(entry).word}${told(entry).text}`).not.toMatch(/undefined|^$/);
});
