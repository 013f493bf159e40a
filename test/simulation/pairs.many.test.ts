// Pairs of faults in small worlds: minutes, so it is in a job of its own (`npm run test:simulation`).
import { expect, it } from 'vitest';
import { expectAllClean } from './expect.ts';

// Those of the other worlds, and all kinds of faults: npm run simulate -- --exhaustive.
it.each(['two slices', 'a failure, a halt and a retry', 'two migrations', 'two runs of two slices'] as const)(
  'no invariant is violated by any pair of faults where something is recorded: %s',
  async (world) => {
    expect(await expectAllClean(world, { depth: 2, all: false })).toBeGreaterThan(1_500);
  },
);
