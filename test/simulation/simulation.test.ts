// Whole runs under faults, each held against the invariants of docs/design.md §7. `npm run simulate` runs as many as one likes.
import { describe, expect, it } from 'vitest';
import * as code from './code.ts';
import type { Extent, WorldName } from './exhaustive.ts';
import { exhaustive, WORLDS } from './exhaustive.ts';
import { KINDS } from './faults.ts';
import { reportViolation } from './report.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';

const SCHEDULES = 1_500;
const MINUTE = 60_000;

async function expectAllClean(world: WorldName, extent: Extent): Promise<number> {
  let schedules = 0;
  for await (const schedule of exhaustive(world, { code }, extent)) {
    schedules += 1;
    const { violations } = await simulate(schedule, { code });
    if (violations.length > 0) expect.fail(await reportViolation(schedule, { code }));
  }
  return schedules;
}

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
      const seen = { kinds: new Set<string>(), starts: 0, halts: 0 };
      for (let seed = 1; seed <= SCHEDULES; seed += 1) {
        const schedule = { seed, scenario: scenarioOf(seed) };
        const { violations, faults, starts, entries } = await simulate(schedule, { code });
        if (violations.length > 0) expect.fail(await reportViolation(schedule, { code }));
        for (const { kind } of faults) seen.kinds.add(kind);
        seen.starts += starts.length;
        seen.halts += entries.filter(({ kind }) => kind === 'halted').length;
      }
      // A simulation in which little happens proves little.
      expect([...seen.kinds].sort()).toEqual([...KINDS].sort());
      expect(seen.starts).toBeGreaterThan(2 * SCHEDULES);
      expect(seen.halts).toBeGreaterThan(SCHEDULES);
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

  // Those of the other worlds, and all kinds of faults: npm run simulate -- --exhaustive.
  it.each(['two slices', 'a failure, a halt and a retry', 'two migrations', 'two runs of two slices'] as const)(
    'by any pair of faults where something is recorded: %s',
    async (world) => {
      expect(await expectAllClean(world, { depth: 2, all: false })).toBeGreaterThan(1_500);
    },
    3 * MINUTE,
  );
});
