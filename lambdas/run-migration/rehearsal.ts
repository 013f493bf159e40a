// Faults for practising a halt on the embedded default. No bundle that is deployed imports this file.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadMigration } from './user-module.ts';

/** The first attempt of the migration fails before its code runs; a retry runs the real code. */
export function rehearse(fault: 'fail' | 'crash' | 'timeout', load: LoadMigration): LoadMigration {
  return async (payload) => {
    if (payload.attempt > 1) return load(payload);
    if (fault === 'crash') process.exit(1);
    if (fault === 'timeout') await sleep(2 ** 31 - 1);
    return {
      migration: () => {
        throw new RehearsedFailure(
          `Attempt 1 of ${payload.migration} fails because --fail ${payload.migration} asked for it.`,
        );
      },
    };
  };
}

class RehearsedFailure extends Error {
  override name = 'RehearsedFailure';
}
