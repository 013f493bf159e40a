// Three suites: `unit` needs nothing but Node.js, `browser` needs Chromium, `emulator` deploys to an AWS emulator (Python)
// and takes minutes.

import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default'],
    // Vitest leaves one core to itself, which of two is half of the machine; most of a scenario is waiting for others.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/emulator/**', 'test/browser/**'],
          testTimeout: 60_000,
          // Room for a hook that synthesises and deploys to the embedded AWS on a busy machine.
          hookTimeout: 180_000,
        },
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
          name: 'emulator',
          include: ['test/emulator/**/*.test.ts'],
          testTimeout: 10 * 60_000,
          hookTimeout: 15 * 60_000,
          // One emulator, one set of ports, one account: two files at once would deploy over each other.
          fileParallelism: false,
        },
      },
    ],
  },
});
