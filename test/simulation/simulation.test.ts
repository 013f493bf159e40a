// Whole runs under faults, each held against the invariants of docs/design.md §7. `npm run test:simulation` has more of
// them, and `npm run simulate` as many as one likes.
import { describe, expect, it } from 'vitest';
import * as code from './code.ts';
import type { WorldName } from './exhaustive.ts';
import { WORLDS } from './exhaustive.ts';
import { expectAllClean, expectNoViolation } from './expect.ts';
import { KINDS } from './faults.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';

const SCHEDULES = 500;
const MINUTE = 60_000;

describe('a simulation', () => {
  it('is the same again for the same seed, also when exactly its faults are given', async () => {
    const schedule = { seed: 26, scenario: scenarioOf(26) };
    const first = await simulate(schedule, { code, trace: true, requests: true });
    expect(first.faults.length).toBeGreaterThan(3);
    expect(await simulate(schedule, { code, trace: true, requests: true })).toEqual(first);
    expect(await simulate({ ...schedule, faults: first.faults }, { code, trace: true, requests: true })).toEqual(first);
  });

  it(
    `violates no invariant in ${SCHEDULES} schedules`,
    async () => {
      const { kinds, starts, halts } = await expectNoViolation({ from: 1, to: SCHEDULES });
      expect([...kinds].sort()).toEqual([...KINDS].sort());
      expect(starts).toBeGreaterThan(2 * SCHEDULES);
      expect(halts).toBeGreaterThan(SCHEDULES);
    },
    3 * MINUTE,
  );
});

describe('no invariant is violated', () => {
  it.each(Object.keys(WORLDS) as WorldName[])(
    'by any single fault: %s',
    async (world) => {
      expect(await expectAllClean(world, { depth: 1, all: true })).toBeGreaterThan(150);
    },
    MINUTE,
  );
});
