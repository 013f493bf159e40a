// The tests of one area, for Stryker: in one process, and the cheapest first, because the first that fails is the last that runs.
import { statSync } from 'node:fs';
import path from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';
import { AREAS } from './areas.ts';

// Of the sandbox, when Stryker runs it.
const ROOT = path.resolve(import.meta.dirname, '../..');
const area = AREAS.find(({ name }) => name === process.env['MUTANTS_AREA']) ?? AREAS[0];
const { tests = [], slow = [] } = area ?? {};
const isSlow = ({ moduleId }: TestSpecification) =>
  slow.some((glob) => path.matchesGlob(path.relative(ROOT, moduleId), glob));

class CheapestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const cost = (file: TestSpecification) =>
      (isSlow(file) ? Number.MAX_SAFE_INTEGER / 2 : 0) + statSync(file.moduleId).size;
    return await Promise.resolve(files.toSorted((one, other) => cost(one) - cost(other)));
  }
}

export default defineConfig({
  root: ROOT,
  test: {
    include: [...tests],
    exclude: [
      ...configDefaults.exclude,
      // They take minutes, or need modules of their own, which a mutant would have to be put into.
      'test/**/*.{fuzz,isolated,many}.test.ts',
      'test/simulation/mutants.test.ts',
      ...(process.env['MUTANTS_TESTS'] === 'quick' ? slow : []),
    ],
    sequence: { sequencer: CheapestFirst },
    isolate: false,
    // A mutant that makes a test hang is noticed.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
