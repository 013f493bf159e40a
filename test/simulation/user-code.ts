// User code of a simulated migration: steps that take time, each of which may fail, hang, or end its process. It runs under the
// real supervisor and driver, in a process of its own, as far as anybody can see: what is killed does nothing any more.
import type { Exit } from '../../lambdas/run-migration/user-code/ends.ts';
import type { RunUserCode, UserCodeOptions } from '../../lambdas/run-migration/user-code/supervise.ts';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { inThisProcess } from '../support/in-process.ts';
import type { PlannedMigration } from './planned.ts';
import { codeOf } from './planned.ts';
import { draw } from './random.ts';
import type { Sandbox } from './sandbox.ts';
import { SlowedDown } from './sandbox.ts';
import type { Whole } from './whole.ts';

interface Life {
  over: boolean;
  exit: () => void;
}

/** @param turn number of the entry that allows it, and the invocation; undefined: a preview, which is no turn */
export function runUserCode(
  sim: Whole,
  sandbox: Sandbox,
  planned: PlannedMigration,
  turn: { number: number; requestId: string } | undefined,
): RunUserCode {
  const clock = {
    now: sandbox.now,
    after: (ms: number, work: () => void) => {
      let wanted = true;
      sandbox.later(ms, () => {
        if (wanted) work();
      });
      return () => {
        wanted = false;
      };
    },
  };
  return (options) => {
    const { promise: exits, resolve } = Promise.withResolvers<Exit>();
    const life: Life = { over: false, exit: () => resolve({ code: 1, signal: null }) };
    const onKill = () => {
      life.over = true;
      if (turn) sim.recorder.userCodeKilled(sandbox.id);
    };
    const load = userCode(sim, sandbox, planned, turn, options, life);
    const start = inThisProcess(load, { play: sim.code.playTurn, onKill, exits });
    return sim.code.superviseUserCode(start, clock, () => undefined)(options);
  };
}

function userCode(
  sim: Whole,
  sandbox: Sandbox,
  planned: PlannedMigration,
  turn: { number: number; requestId: string } | undefined,
  { migration, attempt, slice, cursor, batch }: UserCodeOptions,
  life: Life,
) {
  const { recorder, seed } = sim;
  return (): Promise<MigrationModule> => {
    // A module's top level is user code already.
    if (turn) {
      const codeSha256 = codeOf(planned);
      recorder.userCodeStarts({
        turn: turn.number,
        requestId: turn.requestId,
        migration,
        attempt,
        slice,
        sandbox: sandbox.id,
        cursor,
        codeSha256,
        batch: batch?.number,
        items: batch?.items,
        plans: planned.batches !== undefined && !batch,
      });
    }
    const ends = (how: 'returned' | 'threw' | 'slowed' | 'stopped') => {
      if (turn) recorder.userCodeEnds(sandbox.id, how);
    };
    const unlessOver = (): Promise<void> => (life.over ? new Promise(() => undefined) : Promise.resolve());
    const step = async (name: string): Promise<void> => {
      const what = `${turn ? 'user code' : 'preview'} of ${migration}, ${name}`;
      await sandbox.request('user', what, () => undefined, { exits: life.exit });
      await unlessOver();
    };
    const work = async (at: number): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      sandbox.later(planned.stepMs * (0.5 + draw(seed, 'step', sandbox.id, at)), resolve);
      await promise;
      await unlessOver();
      await step(`step ${at}`);
    };
    async function plain(): Promise<void> {
      try {
        for (let at = 0; at < planned.steps; at += 1) await work(at);
        ends('returned');
      } catch (thrown) {
        // Of any other code it is a failure as others are.
        ends(batch && thrown instanceof SlowedDown ? 'slowed' : 'threw');
        throw thrown;
      }
    }
    /** @param atStop user code of a `finally`, which runs when a slice stops too */
    async function* heard(
      steps: AsyncGenerator<unknown, void, undefined>,
      atStop = () => Promise.resolve(),
    ): AsyncGenerator<unknown, void, undefined> {
      let done = false;
      try {
        yield* steps;
        done = true;
        ends('returned');
      } catch (thrown) {
        done = true;
        ends('threw');
        throw thrown;
      } finally {
        if (!done) {
          await atStop();
          ends('stopped');
        }
      }
    }
    // Of the right time: what an author computes by a clock that is wrong is what he says.
    const notBefore = (at: number): Date | undefined =>
      planned.waitMs === undefined || at % 3 === 2 ? undefined : new Date(sim.world.now + planned.waitMs);
    const yields = (cursor: number) => {
      const time = notBefore(cursor);
      if (turn) recorder.userCodeYields(sandbox.id, cursor, time?.getTime());
      return { cursor, notBefore: time };
    };
    async function* steps(resume: unknown): AsyncGenerator<unknown, void, undefined> {
      for (let at = typeof resume === 'number' ? resume + 1 : 0; at < planned.steps; at += 1) {
        await work(at);
        yield { ...yields(at), done: at + 1, total: planned.steps };
      }
    }
    async function* items(resume: unknown): AsyncGenerator<unknown, void, undefined> {
      const { of, yields: atOnce } = planned.batches ?? { of: 0, yields: 1 };
      for (let from = typeof resume === 'number' ? resume : 0; from < of; from += atOnce) {
        await work(from);
        const to = Math.min(from + atOnce, of);
        yield { items: Array.from({ length: 2 * (to - from) }, (_, at) => 2 * from + at), ...yields(to) };
      }
    }
    const checkpointed = (resume: unknown) => heard(steps(resume), () => work(99));
    const plan = (resume: unknown) => heard(items(resume));
    return topLevel();

    /** Of a file that cannot be loaded, the next attempt loads it anew. */
    async function topLevel(): Promise<MigrationModule> {
      try {
        await step('top level');
      } catch (thrown) {
        ends(batch && thrown instanceof SlowedDown ? 'slowed' : 'threw');
        throw thrown;
      }
      if (planned.batches) return { migration: plain, plan, parallel: { itemsPerBatch: 2 } };
      return { migration: planned.sliceMs === undefined ? plain : checkpointed };
    }
  };
}
