// Suites: `unit`, `isolated`, `simulation` (what takes minutes of it), `faults` (whether it finds faults in the code) and `fuzz` need
// nothing but Node.js,
// `browser` needs Chromium, `emulator` deploys to an AWS emulator (Python) and takes minutes,
// `interpreter` runs the state machine on another interpreter (Python), `templates` lints templates (Python).

import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

const ISOLATED = 'test/**/*.isolated.test.ts';
const FAULTS = 'test/simulation/mutants.test.ts';
const MANY = 'test/**/*.many.test.ts';
const FUZZ = 'test/**/*.fuzz.test.ts';

/** Begun last, as their size suggests to Vitest, these would leave one core idle at the end. */
const LONGEST = [
  'test/scenarios/embedded.test.ts',
  'test/scenarios/definitions.many.test.ts',
  'test/scenarios/disturbed.many.test.ts',
  'test/emulator/scenarios.test.ts',
];

const UNIT = {
  // A limit for what hangs: a machine that is busy with something else takes many times as long.
  testTimeout: 180_000,
  // Room for a hook that synthesises and deploys to the embedded AWS: it has taken more than three minutes.
  hookTimeout: 600_000,
};

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLongest = ({ moduleId }: TestSpecification) => LONGEST.some((file) => moduleId.endsWith(file));
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  test: {
    reporters: ['default'],
    // One more than there are cores: most of a scenario is waiting for others, and the longest files are scenarios. (Vitest's own default
    // leaves one core to itself, which of two is half of the machine.)
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...UNIT,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...configDefaults.exclude,
            'test/emulator/**',
            'test/interpreter/**',
            'test/templates/**',
            'test/browser/**',
            ISOLATED,
            FAULTS,
            MANY,
            FUZZ,
          ],
          // One process for many files: a quarter of the time of this suite was loading the same modules again.
          isolate: false,
        },
      },
      {
        // What needs modules of its own: it mocks one, changes the state of one, or imports one that reads the environment.
        test: { ...UNIT, name: 'isolated', include: [ISOLATED] },
      },
      {
        test: {
          name: 'simulation',
          include: [MANY],
          // Minutes of one core each: on a busy machine one has taken more than ten.
          testTimeout: 60 * 60_000,
          hookTimeout: UNIT.hookTimeout,
        },
      },
      {
        test: {
          name: 'faults',
          include: [FAULTS],
        },
      },
      {
        // A limit of its own for each case: test/fuzz/fuzz.ts.
        test: { name: 'fuzz', include: [FUZZ] },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 150_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          ...UNIT,
          name: 'interpreter',
          include: ['test/interpreter/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'templates',
          include: ['test/templates/**/*.test.ts'],
          // Twenty seconds of one core for the largest.
          testTimeout: 10 * 60_000,
          hookTimeout: 10 * 60_000,
        },
      },
      {
        test: {
          name: 'emulator',
          include: ['test/emulator/**/*.test.ts'],
          testTimeout: 10 * 60_000,
          hookTimeout: 15 * 60_000,
        },
      },
    ],
  },
});
