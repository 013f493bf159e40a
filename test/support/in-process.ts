// User code without a process: the supervisor is the real one, and what it supervises is a promise in this process. What it
// is told and what it says goes through JSON, as between two processes; one that is killed is heard of no more.
import type { Timing, RunUserCode, StartProcess } from '../../lambdas/run-migration/user-code/supervise.ts';
import { superviseUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
import { playTurn } from '../../lambdas/run-migration/user-code/child.ts';
import type { Exit } from '../../lambdas/run-migration/user-code/ends.ts';
import type { AnswerMessage, StartMessage, ToFunction } from '../../lambdas/run-migration/user-code/protocol.ts';
import type { YieldedCheckpoint } from '../../lambdas/run-migration/user-code/yielded.ts';
import type { LoadMigration } from '../../lambdas/run-migration/user-code/user-module.ts';

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

interface Options {
  /** Of the code under test, when that is another than this one. */
  play?: typeof playTurn;
  /** Nothing of it runs any more. */
  onKill?: () => void;
  /** Resolves when it ends itself. */
  exits?: Promise<Exit>;
}

export const inThisProcess =
  (load: LoadMigration, { play = playTurn, onKill, exits }: Options = {}): StartProcess =>
  (listeners) => {
    const { promise: gone, resolve: leave } = Promise.withResolvers<Exit>();
    let alive = true;
    let answer: (answer: AnswerMessage['answer']) => void = () => undefined;
    const say = (message: ToFunction) => {
      if (alive) listeners.message(asJson(message));
    };
    const end = (exit: Exit) => {
      if (!alive) return;
      alive = false;
      onKill?.();
      leave(exit);
    };
    void exits?.then(end);
    return {
      gone,
      send: (message) => {
        if (!alive) return;
        if (message.type === 'answer') {
          answer(message.answer);
          return;
        }
        const { cursor, batch, preview } = asJson(message) as StartMessage;
        const ask = (checkpoint: YieldedCheckpoint) => {
          const { promise, resolve } = Promise.withResolvers<AnswerMessage['answer']>();
          answer = resolve;
          say({ type: 'checkpoint', checkpoint });
          return promise;
        };
        void play(load, cursor, { ask, warn: () => undefined, batch, whole: preview !== undefined }).then(say);
      },
      kill: () => {
        end({ code: null, signal: 'SIGKILL' });
      },
    };
  };

export const runInThisProcess = (load: LoadMigration, clock: Timing): RunUserCode =>
  superviseUserCode(inThisProcess(load), clock, () => undefined);
