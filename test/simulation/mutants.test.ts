// The simulation can fail: each deliberate fault in the code under test is caught within some hundred schedules.
import { describe, expect, it } from 'vitest';
import { MUTANTS, mutate } from './mutants.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';

/** Seeds that are tried; most faults are caught in the first ten. */
const SEEDS = 2_000;

describe('a fault in the code is caught', () => {
  it('and none is found where nothing was changed', async () => {
    const code = await mutate({ name: 'no fault' });
    for (let seed = 1; seed <= 50; seed += 1) {
      expect((await simulate({ seed, scenario: scenarioOf(seed) }, { code })).violations).toEqual([]);
    }
  }, 120_000);

  it.each(MUTANTS)(
    '$name',
    async (mutant) => {
      const code = await mutate(mutant);
      let caught: unknown;
      const from = mutant.from ?? 1;
      for (let seed = from; seed < from + SEEDS && caught === undefined; seed += 1) {
        const scenario = { ...scenarioOf(seed), ...mutant.focus };
        const { violations } = await simulate({ seed, scenario }, { code, wrapStore: mutant.wrapStore });
        caught = violations[0];
      }
      expect(caught, `none of ${SEEDS} schedules caught it`).toBeDefined();
    },
    120_000,
  );
});
