// That schedules violate no invariant of docs/design.md §7; the message of one that does shows the shortest that does.
import { expect } from 'vitest';
import * as code from './code.ts';
import type { Extent, WorldName } from './exhaustive.ts';
import { exhaustive } from './exhaustive.ts';
import { reportViolation } from './report.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';

/** @returns how many schedules there were */
export async function expectAllClean(world: WorldName, extent: Extent): Promise<number> {
  let schedules = 0;
  for await (const schedule of exhaustive(world, { code }, extent)) {
    schedules += 1;
    const { violations } = await simulate(schedule, { code });
    if (violations.length > 0) expect.fail(await reportViolation(schedule, { code }));
  }
  return schedules;
}

/** @returns what happened in all of them, for a simulation in which little happens proves little */
export async function expectNoViolation({ from, to }: { from: number; to: number }) {
  const seen = { kinds: new Set<string>(), starts: 0, halts: 0 };
  for (let seed = from; seed <= to; seed += 1) {
    const schedule = { seed, scenario: scenarioOf(seed) };
    const { violations, faults, starts, entries } = await simulate(schedule, { code });
    if (violations.length > 0) expect.fail(await reportViolation(schedule, { code }));
    for (const { kind } of faults) seen.kinds.add(kind);
    seen.starts += starts.length;
    seen.halts += entries.filter(({ kind }) => kind === 'halted').length;
  }
  return seen;
}
