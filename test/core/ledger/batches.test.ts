// What a turn's batches amount to: which are left, and what is said of those that broke.
import { expect, it } from 'vitest';
import {
  BatchOutcome,
  countBatches,
  lookAtBatches,
  numbersOf,
  rangesOf,
  readItems,
  restAfter,
} from '../../../core/ledger/batches.ts';
import { batchKey } from '../../../core/ledger/keys.ts';
import { MemoryStore } from '../../../core/ledger/memory-store.ts';
import { outcomeOfBatches } from '../../../core/ledger/parallel.ts';
import type { Turn } from '../../../core/ledger/turn-records.ts';
import { allowed, logOf } from './entries.ts';

const [entry] = logOf(
  allowed('0004', 1, 1, { batches: { of: 9, plan: [{ turn: 1, sha256: 'a'.repeat(64), batches: 9 }], rest: '2-9' } }),
);
const turn = entry as Turn;
const looked = { succeeded: [], failed: [], unknown: [], open: [] };
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
    '3 of 9 batches failed, and of 1 nobody knows what became (batch 7). 2 have succeeded, 3 have not begun. A retry runs the 7 that did not succeed.',
    '2 × Error: denied (batches 4, 6)',
    '1 × Error: no room (batch 2)',
    'What each said is in the ledger, under turns/0004/00000001/batches/',
  ]);
  expect(outcomeOfBatches(turn, { ...looked, unknown: [7] }).outcome).toBe('unknown');
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
  expect(await countBatches(store, turn)).toEqual({ begun: 4, ended: 4 });
});

it('does not run items that are not there, or were not planned by the turn that the plan names', async () => {
  const store = new MemoryStore();
  const plan = turn.batches?.plan ?? [];
  await expect(readItems(store, '0004', plan, 3)).rejects.toMatchObject({ code: 'RecordUnreadable' });
  await store.create(batchKey({ migration: '0004', number: 1 }, 3, 'items'), '{"items":[1]}');
  await expect(readItems(store, '0004', plan, 3)).rejects.toMatchObject({ code: 'RecordUnreadable' });
  await expect(readItems(store, '0004', plan, 10)).rejects.toThrow('the plan has no batch 10');
});
