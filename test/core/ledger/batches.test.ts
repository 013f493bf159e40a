// What a turn's batches amount to: which are left, and what is said of those that broke.
import { expect, it } from 'vitest';
import {
  BatchOutcome,
  claimBatch,
  closeBatches,
  endBatch,
  hasBegun,
  listBatches,
  lookAtBatches,
  markBatch,
  numbersOf,
  openBatchesOf,
  planBatch,
  rangesOf,
  readItems,
  restAfter,
} from '../../../core/ledger/batches.ts';
import { batchKey, claimKey, failuresKey, outcomeKey } from '../../../core/ledger/keys.ts';
import { MemoryStore } from '../../../core/ledger/memory-store.ts';
import type { TurnState } from '../../../core/ledger/fold.ts';
import { nextBatches, outcomeOfBatches, outcomeOfOver } from '../../../core/ledger/parallel.ts';
import { atOnceAfter, pauseAfter } from '../../../core/ledger/slow-down.ts';
import { toleratedOf } from '../../../core/ledger/plan.ts';
import type { Turn } from '../../../core/ledger/turn-records.ts';
import { lookAtTurn, takeClaim } from '../../../core/ledger/turns.ts';
import { moveCheckpoint } from '../../../core/ledger/checkpoints.ts';
import { sha256 } from '../../../core/ledger/entries.ts';
import { HookedStore } from '../../support/hooked-store.ts';
import { allowed, logOf } from './entries.ts';

const [entry] = logOf(
  allowed('0004', 1, 1, { batches: { of: 9, plan: [{ turn: 1, sha256: 'a'.repeat(64), batches: 9 }], rest: '2-9' } }),
);
const turn = entry as Turn;
const WRITER = { function: '0004', requestId: 'r', version: '1.0.0', now: () => 0, nonce: () => 'n' };
const looked = { succeeded: [], failed: [], slowed: [], unknown: [], open: [] };
const failing = (batch: number, message: string) => ({ batch, error: { name: 'Error', message } });

it('writes numbers as ranges, and reads them back', () => {
  for (const [numbers, ranges] of [
    [[], ''],
    [[1], '1'],
    [[1, 2, 3, 7, 9, 10], '1-3,7,9-10'],
  ] as const) {
    expect(rangesOf(numbers)).toBe(ranges);
    expect(numbersOf(ranges)).toEqual(numbers);
  }
  expect(restAfter('2-9', { succeeded: [2, 5] })).toBe('3-4,6-9');
});

it('has succeeded when nothing is left, and has stopped when some have not begun', () => {
  const all = [2, 3, 4, 5, 6, 7, 8, 9];
  expect(outcomeOfBatches(turn, { ...looked, succeeded: all })).toEqual({
    outcome: 'succeeded',
    batches: { of: 9, succeeded: 9, failed: 0, unknown: 0, left: 0 },
    did: { done: 9, total: 9, note: 'batches' },
  });
  expect(outcomeOfBatches(turn, { ...looked, succeeded: [2, 3] })).toEqual({
    outcome: 'stopped',
    batches: { of: 9, succeeded: 3, failed: 0, unknown: 0, left: 6 },
  });
});

it('says how many failed, and their errors by kind, the commonest first', () => {
  const failed = [failing(2, 'no room\nat all'), failing(4, 'denied'), failing(6, 'denied')];
  const { outcome, error } = outcomeOfBatches(turn, { ...looked, succeeded: [3], failed, unknown: [7] });
  expect(outcome).toBe('failed');
  expect(error?.name).toBe('BatchesFailed');
  expect(error?.message.split('\n')).toEqual([
    '3 of 9 batches failed, and of 1 nobody knows what became (batch 7). 2 have succeeded, 3 have not begun: no further one begins when one has failed. A retry runs the 7 that did not succeed.',
    '2 × Error: denied (batches 4, 6)',
    '1 × Error: no room (batch 2)',
  ]);
  expect(outcomeOfBatches(turn, { ...looked, unknown: [7] }).outcome).toBe('unknown');
  expect(outcomeOfBatches(turn, { ...looked, open: [7] }).outcome).toBe('unknown'); // what stands there cannot be read
});

it('names five kinds of errors, and five batches of each, and what cannot be read', () => {
  const at = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
  const wide: Turn = { ...turn, batches: { of: 40, plan: [], rest: '1-40', tolerated: 2 } };
  const failed = [
    ...at(1, 6).map((batch) => failing(batch, 'a')),
    ...at(7, 5).map((batch) => ({ batch, error: undefined })),
    ...at(12, 4).map((batch) => failing(batch, 'x'.repeat(600))),
    ...at(16, 3).map((batch) => failing(batch, 'c')),
    ...at(19, 2).map((batch) => failing(batch, 'd')),
    ...['e', 'f'].map((message, index) => failing(21 + index, message)),
  ];
  const failures = { key: 'turns/0004/00000001/failures.jsonl', sha256: 'a'.repeat(64) };
  const { error } = outcomeOfBatches(wide, { ...looked, failed, unknown: [31, 30] }, failures);
  expect(error?.message.split('\n')).toEqual([
    '22 of 40 batches failed, and of 2 nobody knows what became (batches 30, 31). 0 have succeeded, 16 have not begun: no further one begins when more than 2 have failed. A retry runs the 40 that did not succeed.',
    'What each said is in the ledger, and status --failures prints it: turns/0004/00000001/failures.jsonl',
    '6 × Error: a (batches 1, 2, 3, 4, 5, …)',
    '5 × without an error that can be read (batches 7, 8, 9, 10, 11)',
    `4 × Error: ${'x'.repeat(492)}… (batches 12, 13, 14, 15)`,
    '3 × Error: c (batches 16, 17, 18)',
    '2 × Error: d (batches 19, 20)',
    '… and 2 kinds more',
  ]);
  expect(outcomeOfBatches(wide, { ...looked, failed: failed.slice(0, 20) }).error?.message).not.toContain('kinds more');
  const few = outcomeOfBatches(wide, { ...looked, failed: failed.slice(0, 2) }).error?.message;
  expect(few).toContain('0 have succeeded, 38 have not begun. A retry');
  const all = outcomeOfBatches(turn, { ...looked, failed: at(2, 8).map((batch) => failing(batch, 'a')) }).error
    ?.message;
  expect(all).toContain('1 have succeeded, 0 have not begun. A retry');
  const stack = { ...failing(2, 'a').error, stack: 'at a place' };
  expect(
    outcomeOfBatches(turn, { ...looked, failed: [{ batch: 2, error: stack }, failing(3, 'b')] }).error?.stack,
  ).toBe('at a place');
  expect(outcomeOfBatches(turn, { ...looked, failed: [{ batch: 2, error: undefined }] }).error?.stack).toBeUndefined();
  expect(outcomeOfBatches(turn, { ...looked, unknown: [7] }).error?.stack).toBeUndefined();
});

it('stops when S3 slowed some down, and fails when that helps no more', () => {
  const slowed = [2, 3].map((batch) => ({ batch, error: { name: 'SlowedDown', message: 'S3 said SlowDown' } }));
  const after = (times: number | undefined): Turn => ({ ...turn, batches: { ...turn.batches!, slowed: times } });
  const batches = { of: 9, succeeded: 1, failed: 0, unknown: 0, left: 8, slowed: 2 };
  for (const times of [undefined, 9]) {
    expect(outcomeOfBatches(after(times), { ...looked, slowed })).toEqual({ outcome: 'stopped', batches });
  }
  expect(outcomeOfBatches(after(10), { ...looked, succeeded: [4], slowed }).outcome).toBe('stopped');
  expect(outcomeOfBatches(after(10), looked).outcome).toBe('stopped');
  const { outcome, error } = outcomeOfBatches(after(10), { ...looked, slowed });
  expect(outcome).toBe('failed');
  expect(error).toEqual({
    name: 'SlowedDown',
    message:
      'S3 has asked for fewer requests 11 times, in more than an hour, the last time with one batch at a time, and none succeeded. ' +
      '1 of 9 batches have succeeded. A retry runs the 8 that did not.\nBatch 2 said: S3 said SlowDown',
  });
  const silent = outcomeOfBatches(after(10), { ...looked, slowed: [{ batch: 2, error: undefined }] }).error?.message;
  expect(silent).toMatch(/A retry runs the 8 that did not\.$/);
  const long = [{ batch: 2, error: { name: 'SlowedDown', message: 'x'.repeat(1_001) } }];
  expect(outcomeOfBatches(after(10), { ...looked, slowed: long }).error?.message).toContain(
    `said: ${'x'.repeat(999)}…`,
  );
  // A batch that failed is not passed over because others were slowed down.
  const both = outcomeOfBatches(turn, { ...looked, failed: [failing(4, 'no room')], slowed });
  expect(both.outcome).toBe('failed');
  expect(both.error?.message).toContain(
    '1 of 9 batches failed, and S3 slowed down 2. 1 have succeeded, 5 have not begun: no further one begins',
  );
});

it('halves what runs at a time each time, down to one, and pauses for longer each time', () => {
  expect([undefined, 0, 1, 2, 10].map((times) => atOnceAfter(1_000, times))).toEqual([1_000, 1_000, 500, 250, 1]);
  expect(atOnceAfter(1, 3)).toBe(1);
  expect([undefined, 1, 2, 6, 99].map((times) => pauseAfter(times) / 1_000)).toEqual([15, 30, 60, 900, 900]);
});

it('counts how often an attempt was slowed down, and begins the next attempt anew', async () => {
  const store = new MemoryStore();
  await claimBatch(store, turn, WRITER, 2);
  await endBatch(store, turn, WRITER, 2, { outcome: 'slowed-down' });
  expect(hasBegun(await lookAtBatches(store, turn))).toBe(true);
  const next = (attempt: number, times?: number) =>
    nextBatches(
      store,
      { migration: '0004', attempt },
      { turn: { allowed: { ...turn, batches: { ...turn.batches!, slowed: times } } } as TurnState },
      0,
    );
  expect(await next(1)).toMatchObject({ rest: '2-9', slowed: 1 });
  expect(await next(1, 4)).toMatchObject({ slowed: 5 });
  expect(await next(2, 4)).not.toHaveProperty('slowed', expect.anything());
});

it('takes a batch whose outcome cannot be read, or is of another entry, for one that may run', async () => {
  const store = new MemoryStore();
  const record = (outcome: string, number = turn.number) =>
    JSON.stringify({
      format: 1,
      entry: { number, sha256: turn.sha256 },
      time: '2026-03-01T12:00:00Z',
      nonce: 'n',
      writer: { function: '0004', requestId: 'r', version: '1.0.0' },
      outcome,
    });
  expect(BatchOutcome.safeParse(JSON.parse(record('succeeded'))).success).toBe(true);
  for (const batch of [2, 3, 4, 5]) await store.create(batchKey(turn, batch, 'claim'), '{}');
  await store.create(batchKey(turn, 2, 'outcome'), record('succeeded'));
  await store.create(batchKey(turn, 3, 'outcome'), 'not JSON');
  await store.create(batchKey(turn, 4, 'outcome'), record('succeeded', 7));
  await store.create(batchKey(turn, 5, 'outcome'), record('not-begun'));
  expect(await lookAtBatches(store, turn)).toEqual({ ...looked, succeeded: [2], open: [3, 4] });
  expect(await listBatches(store, turn)).toEqual({ begun: [2, 3, 4, 5], ended: [2, 3, 4, 5], failed: [], later: [] });
});

it('reads no outcome of a batch while one is waited for, and then each once', async () => {
  const store = new HookedStore();
  await store.create(claimKey(turn), '{}');
  for (const batch of [2, 3, 4]) await claimBatch(store, turn, WRITER, batch);
  for (const batch of [2, 3]) await endBatch(store, turn, WRITER, batch, { outcome: 'succeeded' });
  const read = async () => {
    store.calls.length = 0;
    const look = await lookAtTurn(store, turn, 0);
    return { look, read: store.calls.filter(({ key }) => key.includes('/batches/') && !key.endsWith('/')).length };
  };
  expect(await read()).toEqual({ look: { seen: 'claimed', deadline: expect.any(Number) as number }, read: 0 });
  await endBatch(store, turn, WRITER, 4, { outcome: 'not-begun' });
  expect(await read()).toMatchObject({ look: { deadline: 0, batches: { succeeded: [2, 3], open: [] } }, read: 3 });
});

it('waits for the deadline of a turn whose outcome cannot be read, although its batches have ended: nobody can create another', async () => {
  const store = new MemoryStore();
  await store.create(claimKey(turn), '{}');
  const look = () => lookAtTurn(store, turn, 0);
  expect(await look()).toEqual({ seen: 'claimed', deadline: 0, batches: looked });
  await store.create(outcomeKey(turn), 'not JSON');
  expect(await look()).toMatchObject({ seen: 'claimed', batches: looked });
  expect(await look()).not.toMatchObject({ deadline: 0 });
});

it('tells by the keys which have begun, ended, failed and are for later, and passes over others', async () => {
  const store = new MemoryStore();
  await planBatch(store, turn, WRITER, 1, [1]);
  for (const batch of [2, 3, 4]) await claimBatch(store, turn, WRITER, batch);
  for (const batch of [3, 4]) await endBatch(store, turn, WRITER, batch, { outcome: 'failed' });
  await markBatch(store, turn, WRITER, 3, 'failed');
  await markBatch(store, turn, WRITER, 4, 'later');
  const { key, prefix } = { key: batchKey(turn, 2, 'claim'), prefix: 'turns/0004/00000001/batches/' };
  for (const foreign of ['000009-claimed', 'x000009-claim', '9-claim', '0000009-claim', '000009-', '000009-notes']) {
    await store.create(`${prefix}${foreign}.json`, '{}');
  }
  await store.create(`${key}.bak`, '{}');
  await store.create(`${prefix}more/000009-claim.json`, '{}');
  expect(await listBatches(store, turn)).toEqual({ begun: [2, 3, 4], ended: [3, 4], failed: [3], later: [4] });
});

it('says that some have begun, whatever became of them', () => {
  expect(hasBegun(looked)).toBe(false);
  const ones = [{ succeeded: [1] }, { failed: [failing(1, 'a')] }, { slowed: [failing(1, 'a')] }, { unknown: [1] }];
  for (const one of [...ones, { open: [1] }]) expect(hasBegun({ ...looked, ...one })).toBe(true);
});

it('knows which open batches an invocation has claimed', async () => {
  const store = new MemoryStore();
  const by = (requestId: string) => ({ ...WRITER, requestId });
  for (const batch of [2, 3]) await claimBatch(store, turn, by('mine'), batch);
  await claimBatch(store, turn, by('another'), 4);
  await store.create(batchKey(turn, 5, 'claim'), '{}');
  await endBatch(store, turn, by('mine'), 3, { outcome: 'succeeded' });
  expect(await openBatchesOf(store, turn, 'mine')).toEqual([2]);
  expect(await openBatchesOf(store, turn, 'another')).toEqual([4]);
  expect(await openBatchesOf(store, turn, 'nobody')).toEqual([]);
  const gone = new HookedStore(store);
  gone.inner.get = () => Promise.resolve(undefined);
  expect(await openBatchesOf(gone, turn, 'mine')).toEqual([]);
});

it('closes what is open, and marks it as failed unless somebody else said what became of it', async () => {
  const store = new MemoryStore();
  for (const batch of [2, 3]) await claimBatch(store, turn, WRITER, batch);
  await endBatch(store, turn, WRITER, 3, { outcome: 'succeeded' });
  await closeBatches(store, turn, { ...WRITER, nonce: () => 'another' }, [2, 3]);
  expect(await lookAtBatches(store, turn)).toEqual({ ...looked, succeeded: [3], unknown: [2] });
  expect(await listBatches(store, turn)).toMatchObject({ failed: [2], later: [] });
  const { body = '' } = (await store.get(batchKey(turn, 2, 'failed'))) ?? {};
  expect(JSON.parse(body)).toMatchObject({ marks: 'failed' });
});

it('keeps of an error what has room for all of them', async () => {
  const store = new MemoryStore();
  const error = { name: 'Error', message: 'x'.repeat(1_001), stack: 'y'.repeat(2_001) };
  for (const batch of [2, 3]) await claimBatch(store, turn, WRITER, batch);
  await endBatch(store, turn, WRITER, 2, { outcome: 'failed', error });
  await endBatch(store, turn, WRITER, 3, { outcome: 'slowed-down', error: { name: 'SlowedDown', message: 'slow' } });
  const kept = { name: 'Error', message: `${'x'.repeat(999)}…`, stack: `${'y'.repeat(1_999)}…` };
  const slow = { name: 'SlowedDown', message: 'slow', stack: undefined };
  expect(await lookAtBatches(store, turn)).toEqual({
    ...looked,
    failed: [{ batch: 2, error: kept }],
    slowed: [{ batch: 3, error: slow }],
  });
});

it('finds the items of a batch below the turn that planned it', async () => {
  const store = new MemoryStore();
  const plan = [
    { turn: turn.number, sha256: turn.sha256, batches: 3 },
    { turn: 7, sha256: 'e'.repeat(64), batches: 2 },
  ];
  const later = { ...turn, number: 7, sha256: 'e'.repeat(64) };
  await planBatch(store, turn, WRITER, 3, ['a', { b: 1 }]);
  await planBatch(store, later, WRITER, 1, ['c']);
  await planBatch(store, { ...later, sha256: 'f'.repeat(64) }, WRITER, 2, ['of another']);
  expect(await readItems(store, '0004', plan, 3)).toEqual(['a', { b: 1 }]);
  expect(await readItems(store, '0004', plan, 4)).toEqual(['c']);
  const cannot = (key: string, why: string) => ({ what: `The ledger's record ${key} cannot be read: ${why}.` });
  await expect(readItems(store, '0004', plan, 2)).rejects.toMatchObject(
    cannot('turns/0004/00000001/batches/000002-items.json', 'it is not there'),
  );
  await expect(readItems(store, '0004', plan, 5)).rejects.toMatchObject(
    cannot('turns/0004/00000007/batches/000002-items.json', 'it is no batch of the turn that planned it'),
  );
  await expect(readItems(store, '0004', plan, 6)).rejects.toMatchObject(
    cannot('turns/0004/00000001/batches/', 'the plan has no batch 6'),
  );
  await expect(readItems(store, '0004', [], 1)).rejects.toMatchObject(
    cannot('turns/0004/00000000/batches/', 'the plan has no batch 1'),
  );
});

it('is void when it was closed before any batch began, and waits for those that began', async () => {
  for (const [began, seen] of [
    [[], { seen: 'void' }],
    [[2], { seen: 'claimed', deadline: 0, batches: { succeeded: [2], open: [] } }],
  ] as const) {
    const store = new MemoryStore();
    for (const batch of began) {
      await claimBatch(store, turn, WRITER, batch);
      await endBatch(store, turn, WRITER, batch, { outcome: 'succeeded' });
    }
    await takeClaim(store, turn, WRITER, { claim: 'void' });
    expect(await lookAtTurn(store, turn, 0)).toMatchObject(seen);
  }
});

it('is closed with what is open, once: what has ended is not read again', async () => {
  const store = new HookedStore();
  for (const batch of [2, 3, 4]) await claimBatch(store, turn, WRITER, batch);
  await endBatch(store, turn, WRITER, 2, { outcome: 'failed', error: { name: 'Error', message: 'no room' } });
  await endBatch(store, turn, WRITER, 4, { outcome: 'succeeded' });
  const became = await outcomeOfOver(store, turn, { seen: 'claimed', deadline: 0 }, WRITER);
  expect(became.batches).toMatchObject({ succeeded: 2, failed: 1, unknown: 1, left: 7 });
  expect(became.batches?.failures?.key).toBe(failuresKey(turn));
  expect(await lookAtBatches(store, turn)).toMatchObject({ unknown: [3], open: [] });
  expect((await listBatches(store, turn)).failed).toEqual([3]);
  store.calls.length = 0;
  const batches = { ...looked, succeeded: [2, 3, 4, 5, 6, 7, 8, 9] };
  const done = await outcomeOfOver(store, turn, { seen: 'claimed', deadline: 0, batches }, WRITER);
  expect(done.outcome).toBe('succeeded');
  expect(store.calls).toEqual([]);
});

it('names what stands there of those that failed, whoever put it down', async () => {
  const store = new HookedStore();
  const batches = { ...looked, failed: [failing(2, 'no room')] };
  const over = () => outcomeOfOver(store, turn, { seen: 'claimed', deadline: 0, batches }, WRITER);
  await over();
  expect(store.calls).toEqual([{ operation: 'create', key: failuresKey(turn) }]);
  const other = new HookedStore();
  await other.create(failuresKey(turn), 'of another version\n');
  const { batches: counts } = await outcomeOfOver(other, turn, { seen: 'claimed', deadline: 0, batches }, WRITER);
  expect(counts?.failures?.sha256).toBe(sha256('of another version\n'));
});

it('puts nothing down of a turn in which nothing failed', async () => {
  const store = new MemoryStore();
  await claimBatch(store, turn, WRITER, 2);
  await endBatch(store, turn, WRITER, 2, { outcome: 'succeeded' });
  const { outcome, batches } = await outcomeOfOver(store, turn, { seen: 'claimed', deadline: 0 }, WRITER);
  expect(outcome).toBe('stopped');
  expect(batches).toMatchObject({ succeeded: 2, left: 7, failures: undefined });
  expect(await store.get(failuresKey(turn))).toBeUndefined();
});

it('does not run items that are not there, or were not planned by the turn that the plan names', async () => {
  const store = new MemoryStore();
  const plan = turn.batches?.plan ?? [];
  await expect(readItems(store, '0004', plan, 3)).rejects.toMatchObject({ code: 'RecordUnreadable' });
  await store.create(batchKey({ migration: '0004', number: 1 }, 3, 'items'), '{"items":[1]}');
  await expect(readItems(store, '0004', plan, 3)).rejects.toMatchObject({ code: 'RecordUnreadable' });
  await expect(readItems(store, '0004', plan, 10)).rejects.toThrow('the plan has no batch 10');
});

it('tolerates a number of batches, or a share of the plan, rounded down', () => {
  for (const [tolerance, of, batches] of [
    [undefined, 400, 0],
    [3, 400, 3],
    [3, 2, 2],
    ['5%', 400, 20],
    ['5%', 19, 0],
    ['0.5%', 400, 2],
    ['100%', 7, 7],
  ] as const) {
    expect(toleratedOf(tolerance, of)).toBe(batches);
  }
});

it('puts down less of each when so many failed that nobody could read it again', async () => {
  const store = new MemoryStore();
  const batches = { of: 10_000, plan: [{ turn: 1, sha256: 'a'.repeat(64), batches: 10_000 }], rest: '1-10000' };
  const error = { name: 'Error', message: '\u0001'.repeat(1_000) };
  const failed = Array.from({ length: 10_000 }, (_, index) => ({ batch: index + 1, error }));
  const look = { seen: 'claimed' as const, deadline: 0, batches: { ...looked, failed } };
  await outcomeOfOver(store, { ...turn, batches }, look, WRITER);
  const { body = '' } = (await store.get(failuresKey(turn))) ?? {};
  expect(Buffer.byteLength(body)).toBeLessThan(16 * 1024 * 1024);
  const lines = body.trimEnd().split('\n');
  expect(lines).toHaveLength(10_000);
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    batch: 10_000,
    error: { name: 'Error', message: `${'\u0001'.repeat(124)}…` },
  });
});

it('puts down what each said that failed, once, with its message cut, and names it', async () => {
  const store = new MemoryStore();
  for (const batch of [2, 3, 4, 5]) await claimBatch(store, turn, WRITER, batch);
  const error = { name: 'Error', message: 'x'.repeat(4_000), stack: 'at a place' };
  await endBatch(store, turn, WRITER, 4, { outcome: 'failed', error });
  await endBatch(store, turn, WRITER, 2, { outcome: 'failed', error: { name: 'Error', message: 'no room' } });
  await endBatch(store, turn, WRITER, 5, { outcome: 'succeeded' });
  const look = async () => ({ seen: 'claimed' as const, deadline: 0, batches: await lookAtBatches(store, turn) });
  const { outcome, error: said, batches } = await outcomeOfOver(store, turn, await look(), WRITER);
  expect(outcome).toBe('failed');
  const key = failuresKey(turn);
  const { body = '' } = (await store.get(key)) ?? {};
  expect(batches?.failures).toEqual({ key, sha256: sha256(body) });
  expect(said?.message).toContain(`What each said is in the ledger, and status --failures prints it: ${key}`);
  const lines = body.trimEnd().split('\n');
  const where = (batch: number) => ({
    items: `turns/0004/00000001/batches/00000${batch}-items.json`,
    record: `turns/0004/00000001/batches/00000${batch}-outcome.json`,
  });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { batch: 2, outcome: 'failed', error: { name: 'Error', message: 'no room' }, ...where(2) },
    { batch: 3, outcome: 'unknown', ...where(3) },
    { batch: 4, outcome: 'failed', error: { name: 'Error', message: `${'x'.repeat(999)}…` }, ...where(4) },
  ]);
  // Another one that closes it finds the same.
  expect((await outcomeOfOver(store, turn, await look(), WRITER)).batches?.failures).toEqual(batches?.failures);
});

it.each([
  [1, '1', 0],
  [3, '1-3', 1],
])('the first turn of batches has all %i of the plan, when that is sealed', async (batches, rest, tolerated) => {
  const store = new MemoryStore();
  const next = (state: { turn: undefined } | { turn: { allowed: Turn } } = { turn: undefined }) =>
    nextBatches(store, { migration: '0004', attempt: 1 }, state as Parameters<typeof nextBatches>[2], '50%');
  expect(await next()).toBeUndefined();
  const plans = { ...turn, batches: undefined };
  const turns = [{ turn: 1, sha256: 'a'.repeat(64), batches }];
  const open = await moveCheckpoint(
    store,
    plans,
    undefined,
    { cursor: 1, plan: { turns, items: 9, sealed: false } },
    0,
  );
  expect(await next({ turn: { allowed: plans } })).toBeUndefined();
  await moveCheckpoint(store, plans, open, { cursor: 1, plan: { turns, items: 9, sealed: true } }, 0);
  expect(await next({ turn: { allowed: plans } })).toEqual({ of: batches, plan: turns, rest, tolerated });
});

it('the next one has those that have not succeeded, and what its file tolerates by now', async () => {
  const store = new MemoryStore();
  const outcomes = { 2: 'succeeded', 4: 'failed', 5: 'not-begun', 6: 'unknown' } as const;
  for (const [batch, outcome] of Object.entries(outcomes)) {
    await claimBatch(store, turn, WRITER, Number(batch));
    await endBatch(store, turn, WRITER, Number(batch), { outcome });
  }
  const state = { turn: { allowed: turn } } as Parameters<typeof nextBatches>[2];
  expect(await nextBatches(store, { migration: '0004', attempt: 1 }, state, 2)).toEqual({
    ...turn.batches,
    rest: '3-9',
    tolerated: 2,
  });
  expect(await nextBatches(store, { migration: '0004', attempt: 1 }, state, undefined)).toMatchObject({
    rest: '3-9',
    tolerated: 0,
  });
});

it('of a plain turn that is over, and of one of which nothing is seen, nobody knows what became', async () => {
  const store = new MemoryStore();
  const looks = [{ seen: 'claimed', deadline: 0 } as const, { seen: 'unclaimed' } as const];
  const plain = { ...turn, batches: undefined };
  for (const look of looks) expect(await outcomeOfOver(store, plain, look, WRITER)).toEqual({ outcome: 'unknown' });
  expect(await outcomeOfOver(store, turn, { seen: 'unclaimed' }, WRITER)).toEqual({ outcome: 'unknown' });
});
