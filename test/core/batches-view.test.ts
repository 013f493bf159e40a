// The plan of a parallel migration as one strip, from a look at keys.
import { expect, it } from 'vitest';
import { batchesText, batchesViewOf, cellState, STRIP_CELLS } from '../../core/views/batches.ts';

const nothing = { begun: [], ended: [], failed: [], later: [] };
const plan = (of: number, rest = `1-${of}`) => ({ of, plan: [], rest });
const states = (view: ReturnType<typeof batchesViewOf>) => view.strip.map(cellState);

it('has a cell for each batch of a small plan', () => {
  const keys = { begun: [2, 3, 4, 5], ended: [2, 3, 5], failed: [3], later: [5] };
  const view = batchesViewOf(plan(7, '2-7'), keys, undefined);
  expect(states(view)).toEqual(['done', 'done', 'failed', 'running', 'waiting', 'waiting', 'waiting']);
  expect(view).toMatchObject({ of: 7, succeeded: 2, failed: 1, unknown: 0, running: 1, waiting: 3 });
  expect(view.strip[3]).toEqual({ from: 4, to: 4, succeeded: 0, failed: 0, running: 1 });
  expect(view.strip[5]).toEqual({ from: 6, to: 6, succeeded: 0, failed: 0, running: 0 });
  expect(batchesText(view)).toBe('1 running, 1 failed');
  expect(batchesText({ ...view, failed: 0, slowedDown: 2 })).toBe('1 running, slowed down by S3 twice');
  expect(batchesText({ ...view, failed: 0, slowedDown: 3 })).toBe('1 running, slowed down by S3 3 times');
});

it('has as many cells of 10,000 batches as there is room for, and loses none', () => {
  for (const of of [1, 59, 60, 61, 119, 3_333, 10_000]) {
    const { strip } = batchesViewOf(plan(of), { ...nothing, begun: [of], ended: [of], failed: [of] }, undefined);
    expect(strip.length).toBeLessThanOrEqual(STRIP_CELLS);
    expect(strip.map(({ from }) => from)).toEqual([1, ...strip.slice(0, -1).map(({ to }) => to + 1)]);
    expect(strip.at(-1)).toMatchObject({ to: of, failed: 1 }); // one of hundreds shows
  }
  const half = { ...nothing, begun: [1, 2], ended: [1, 2] };
  expect(states(batchesViewOf(plan(120), half, undefined)).slice(0, 2)).toEqual(['done', 'waiting']);
  expect(states(batchesViewOf(plan(300), half, undefined)).slice(0, 2)).toEqual(['partly', 'waiting']);
});

it('counts what S3 has slowed down as waiting, and says how often', () => {
  const keys = { begun: [2, 3], ended: [2, 3], failed: [], later: [3] };
  const running = batchesViewOf({ ...plan(4, '2-4'), slowed: 2 }, keys, undefined);
  expect(running).toMatchObject({ succeeded: 2, failed: 0, waiting: 2, slowedDown: 2 });
  const batches = { of: 4, succeeded: 2, failed: 0, unknown: 0, left: 2, slowed: 1 };
  const over = batchesViewOf(plan(4, '2-4'), keys, { outcome: 'stopped', batches } as never);
  expect(over).toMatchObject({ succeeded: 2, waiting: 2, slowedDown: 1 });
  expect(batchesText(over)).toBe('slowed down by S3 once');
  expect(batchesViewOf(plan(4), nothing, undefined)).not.toHaveProperty('slowedDown', expect.anything());
});

it('has none that runs once the turn is over: of those nobody knows', () => {
  const batches = { of: 4, succeeded: 1, failed: 0, unknown: 1, left: 3 };
  const view = batchesViewOf(plan(4), { ...nothing, begun: [1, 2], ended: [1] }, {
    outcome: 'unknown',
    batches,
  } as never);
  expect(view).toMatchObject({ succeeded: 1, failed: 0, unknown: 1, running: 0, waiting: 2 });
  expect(states(view)).toEqual(['done', 'failed', 'waiting', 'waiting']);
  const failed = { outcome: 'failed', batches: { of: 4, succeeded: 1, failed: 2, unknown: 0, left: 3 } } as never;
  expect(
    batchesViewOf(plan(4), { ...nothing, begun: [1, 2, 3], ended: [1, 2, 3], failed: [2, 3] }, failed),
  ).toMatchObject({
    succeeded: 1,
    failed: 2,
    waiting: 1,
  });
  // Closed by another than its function, which knows of no batch: what the keys show is all that is known.
  const closed = batchesViewOf(plan(4), { ...nothing, begun: [1, 2], ended: [1] }, { outcome: 'unknown' } as never);
  expect(closed).toMatchObject({ succeeded: 1, failed: 1, unknown: 0, running: 0, waiting: 2 });
});
