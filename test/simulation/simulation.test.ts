// Whole runs under faults, each held against the invariants of docs/design.md §7. `npm run simulate` runs as many as one likes.
import { describe, expect, it } from 'vitest';
import * as code from './code.ts';
import { exhaustive } from './exhaustive.ts';
import { reportViolation } from './report.ts';
import { QUIET, scenarioOf } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import type { Schedule } from './simulation.ts';
import { simulate } from './simulation.ts';

const SCHEDULES = 3_000;
const MINUTE = 60_000;

async function expectClean(schedule: Schedule): Promise<void> {
  const { violations } = await simulate(schedule, { code });
  if (violations.length > 0) expect.fail(await reportViolation(schedule, { code }));
}

describe('a simulation', () => {
  it('is the same again for the same seed, also when exactly its faults are given', async () => {
    const schedule = { seed: 26, scenario: scenarioOf(26) };
    const first = await simulate(schedule, { code, trace: true });
    expect(first.faults.length).toBeGreaterThan(3);
    expect(await simulate(schedule, { code, trace: true })).toEqual(first);
    expect(await simulate({ ...schedule, faults: first.faults }, { code, trace: true })).toEqual(first);
  });

  it(
    `violates no invariant in ${SCHEDULES} schedules`,
    async () => {
      const seen = { kinds: new Set<string>(), starts: 0 };
      for (let seed = 1; seed <= SCHEDULES; seed += 1) {
        const schedule = { seed, scenario: scenarioOf(seed) };
        const { violations, faults, userCodeStarts } = await simulate(schedule, { code });
        if (violations.length > 0) expect.fail(await reportViolation(schedule, { code }));
        for (const { kind } of faults) seen.kinds.add(kind);
        seen.starts += userCodeStarts;
      }
      // A simulation in which little happens proves little.
      expect(seen.kinds.size).toBe(28);
      expect(seen.starts).toBeGreaterThan(2 * SCHEDULES);
    },
    3 * MINUTE,
  );

  it(
    'violates no invariant at any single crash and any single lost answer of a run with a failure',
    async () => {
      let schedules = 0;
      for await (const schedule of exhaustive({ code }, 1)) {
        schedules += 1;
        await expectClean(schedule);
      }
      expect(schedules).toBeGreaterThan(200);
    },
    MINUTE,
  );
});

/** Schedules that once violated an invariant, as they were shortened when they were found. */
describe('stays mended', () => {
  const base: Scenario = {
    ...QUIET,
    migrations: [{ id: '0010', steps: 2, stepMs: 57_502, timeoutMs: 60_000, sliceMs: undefined }],
  };

  it('an execution that joined a halt just after its decision was delivered, in a migration completed since', async () => {
    await expectClean({
      seed: 1723,
      scenario: { ...base, startsMs: [1_074_722, 544_524, 254_412], operators: 3, decisions: 2, pageSize: 2 },
      faults: [
        { point: 8, kind: 'fails', size: 0.761 },
        { point: 89, kind: 'stall', size: 0.855 },
      ],
    });
  });

  it('a decision that was recorded, and never delivered before the next halt took the place of its record', async () => {
    const planned = { steps: 4, stepMs: 147.2, timeoutMs: 60_000, sliceMs: 10_000 };
    await expectClean({
      seed: 1046,
      scenario: {
        ...base,
        migrations: [{ id: '0010', ...planned }],
        startsMs: [359, 467],
        decisions: 2,
        pageSize: 1,
        latencyMs: 5_000,
      },
      faults: [
        { point: 31, kind: 'throws', size: 0.516 },
        { point: 32, kind: 'crash after', size: 0.047 },
        { point: 69, kind: 'slow answer', size: 0.915 },
        { point: 165, kind: 'throws', size: 0.209 },
        { point: 222, kind: 'stop and redrive', size: 0.27 },
        { point: 231, kind: 'crash after', size: 0.626 },
      ],
    });
  });

  it('an abort that was recorded and never sent: another run waited for the execution, which waited to be aborted', async () => {
    await expectClean({
      seed: 10_509,
      scenario: {
        ...base,
        migrations: [{ id: '0010', steps: 3, stepMs: 57_077.715, timeoutMs: 60_000, sliceMs: 10_000 }],
        startsMs: [6_362_329, 4_542_969],
        decisions: 4,
        userFails: 0.05,
        clocksApartMs: 60_000,
        handoverEvents: 60,
      },
      faults: [
        { point: 5, kind: 'duplicate', size: 0.9982887422665954 },
        { point: 12, kind: 'crash after', size: 0.298 },
        { point: 182, kind: 'late', size: 0.144 },
      ],
    });
  });
});

describe('what cannot be guaranteed (docs/guarantees.md), and is shown here', () => {
  it('clocks that differ by more than the margin: an attempt may start while the one before it still runs', async () => {
    const hanging: Scenario = {
      ...scenarioOf(1),
      pageSize: 1000,
      latencyMs: undefined,
      migrations: [{ id: '0010', steps: 3, stepMs: 20_000, timeoutMs: 300_000, sliceMs: undefined }],
      startsMs: [0, 100_000],
      operators: 3,
      decisions: 8,
      say: 'retry',
      rate: 0.3,
      userFails: 0,
      kinds: ['error while it runs', 'stands still'],
      deployments: false,
      outOfOrder: 0,
    };
    const invariantsAt = async (clocksApartMs: number) => {
      const violated = new Set<number>();
      for (let seed = 1; seed <= 150; seed += 1) {
        const { violations } = await simulate({ seed, scenario: { ...hanging, clocksApartMs } }, { code });
        for (const { invariant } of violations) violated.add(invariant);
      }
      return [...violated];
    };
    expect(await invariantsAt(60_000)).toEqual([]);
    expect(await invariantsAt(6 * 60_000)).toEqual([2]);
  });
});
