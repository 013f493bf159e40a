// Faults for practising a halt on the embedded default. No bundle that is deployed imports this file.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunPayload } from '../../core/contract/payloads.ts';
import type { LoadMigration, MigrationModule } from './user-module.ts';
import { isCheckpointed } from './user-module.ts';

export interface Fault {
  fault: 'fail' | 'crash' | 'timeout';
  /** After which checkpoint of the first slice; undefined: before any code of the migration runs. */
  checkpoint?: number | undefined;
}

/** The first attempt of the migration fails; a retry runs the real code. */
export function withPracticeFault(fault: Fault, load: LoadMigration): LoadMigration {
  return async (payload) => {
    if (payload.attempt > 1 || payload.slice > 1) return load(payload);
    if (fault.checkpoint !== undefined) return faultyAt(fault.checkpoint, fault, payload, await load(payload));
    if (fault.fault !== 'fail') await happen(fault, payload);
    return { migration: () => happen(fault, payload) };
  };
}

/** The fault happens when the checkpoint is durable. */
function faultyAt(checkpoint: number, fault: Fault, payload: RunPayload, real: MigrationModule): MigrationModule {
  return {
    async *migration(resume) {
      const running: unknown = await real.migration(resume);
      if (!isCheckpointed(running)) return;
      let made = 0;
      for await (const value of running) {
        yield value;
        made += 1;
        if (made === checkpoint) await happen(fault, payload);
      }
    },
  };
}

async function happen({ fault, checkpoint }: Fault, { migration }: RunPayload): Promise<void> {
  if (fault === 'crash') process.exit(1);
  if (fault === 'timeout') await sleep(2 ** 31 - 1);
  const [when, asked] = checkpoint === undefined ? ['', ''] : [` after checkpoint ${checkpoint}`, `@${checkpoint}`];
  throw new PracticeFailure(`Attempt 1 of ${migration} fails${when} because --fail ${migration}${asked} asked for it.`);
}

class PracticeFailure extends Error {
  override name = 'PracticeFailure';
}
