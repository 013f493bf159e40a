// Faults for practising a halt on the embedded default. No bundle that is deployed imports this file.
import { errorSummary } from '../../core/ledger/summaries.ts';
import type { RunUserCode, UserCodeEnd } from './user-code/supervise.ts';

export interface Fault {
  /** `crash` and `timeout` are those of the function itself, so that nobody knows how its code ended. */
  fault: 'fail' | 'crash' | 'timeout';
  /** After which checkpoint of the first slice, which is durable by then; undefined: before any code of the migration runs. */
  checkpoint?: number | undefined;
}

/** The first attempt of the migration fails; a retry runs as ever. */
export const withPracticeFault =
  ({ fault, checkpoint }: Fault) =>
  (run: RunUserCode): RunUserCode =>
  async (options) => {
    const { migration, attempt, slice } = options;
    if (attempt > 1 || slice > 1) return run(options);
    const { promise: never } = Promise.withResolvers<never>();
    const happen = (): Promise<never> => {
      if (fault === 'crash') process.exit(1);
      return fault === 'timeout' ? never : Promise.reject(new PracticeFailure(migration, checkpoint));
    };
    if (checkpoint === undefined) {
      return happen().catch((thrown: unknown): UserCodeEnd => {
        return { outcome: 'threw', error: errorSummary(thrown), checkpoints: 0 };
      });
    }
    let made = 0;
    const end = await run({
      ...options,
      saveEveryMs: 0, // which one is meant is counted
      save: async (next) => {
        const answer = await options.save(next);
        made += 1;
        if (made === checkpoint) await happen();
        return answer;
      },
    });
    // Its process is ended in time even so, and nobody is to know.
    return fault === 'timeout' && made >= checkpoint ? never : end;
  };

class PracticeFailure extends Error {
  override name = 'PracticeFailure';

  constructor(migration: string, checkpoint: number | undefined) {
    const [when, asked] = checkpoint === undefined ? ['', ''] : [` after checkpoint ${checkpoint}`, `@${checkpoint}`];
    super(`Attempt 1 of ${migration} fails${when} because --fail ${migration}${asked} asked for it.`);
    this.stack = `${this.name}: ${this.message}`; // nobody looks for it in our files
  }
}
