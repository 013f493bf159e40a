// What running user code promises, in whatever process it runs: one suite for a process of its own and for the stand-in of tests.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OdinError } from '../../core/errors.ts';
import type { YieldedCheckpoint } from '../../lambdas/run-migration/user-code/yielded.ts';
import type {
  Timing,
  RunUserCode,
  UserCodeEnd,
  UserCodeOptions,
} from '../../lambdas/run-migration/user-code/supervise.ts';

const OPTIONS = {
  migration: '0004',
  attempt: 1,
  slice: 1,
  cursor: undefined,
  sliceMs: 60_000,
  endAfterMs: 60_000,
  saveEveryMs: 0,
};

export function describeUserCode(where: string, runnerOf: (name: string, clock: Timing) => RunUserCode): void {
  describe(`user code ${where}`, () => {
    let folder: string;
    let file: string;
    let saved: YieldedCheckpoint[];
    /** Lets the end of its time come. */
    let endItsTime: () => void;
    const clock: Timing = {
      now: () => Date.now(),
      after: (_, work) => {
        endItsTime = work;
        return () => undefined;
      },
    };
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'odin-user-code-'));
      file = join(folder, 'did');
      vi.stubEnv('DID', file);
      saved = [];
    });
    afterEach(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    });

    const save = (checkpoint: YieldedCheckpoint): Promise<'go on'> => {
      saved.push(checkpoint);
      return Promise.resolve('go on');
    };
    const run = (name: string, options: Partial<UserCodeOptions> = {}): Promise<UserCodeEnd> =>
      runnerOf(name, clock)({ ...OPTIONS, save, ...options });
    const did = (): string[] => {
      try {
        return readFileSync(file, 'utf8').trimEnd().split('\n');
      } catch {
        return []; // it did nothing
      }
    };
    const refusal = () => new OdinError({ code: 'FencedOut', source: 'user', what: 'Somebody said stop.' });

    it('that returns has finished', async () => {
      expect(await run('returns')).toEqual({ outcome: 'finished', checkpoints: 0 });
      expect(did()).toEqual(['returned']);
    });

    it('that throws is told of with name, message and stack', async () => {
      expect(await run('throws')).toEqual({
        outcome: 'threw',
        error: {
          name: 'Refused',
          message: 'not today',
          stack: expect.stringContaining('user-code-cases.ts') as unknown,
        },
        checkpoints: 0,
      });
      expect(await run('throws nothing')).toMatchObject({ error: { name: 'Error', message: 'undefined' } });
      expect(await run('fails at its top level')).toMatchObject({
        outcome: 'threw',
        error: { name: 'SyntaxError', message: 'at the top' },
      });
    });

    it('has each checkpoint kept before the code after it runs', async () => {
      const order: string[] = [];
      const end = await run('numbers', {
        save: async (checkpoint) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          order.push(`${did().at(-1)} kept`);
          saved.push(checkpoint);
          return 'go on';
        },
      });
      expect(end).toEqual({ outcome: 'finished', checkpoints: 3 });
      expect(order).toEqual(['step 1 kept', 'step 2 kept', 'step 3 kept']);
      expect(saved[1]).toEqual({ cursor: 2, done: 2, total: 3, note: 'the 2th' });
      expect(did()).toEqual(['step 1', 'step 2', 'step 3', 'finally']);
    });

    it('goes on from its cursor, and leaves one as it is', async () => {
      expect(await run('numbers', { cursor: 2 })).toEqual({ outcome: 'finished', checkpoints: 1 });
      expect(did()).toEqual(['step 3', 'finally']);
      await run('any cursor', { cursor: null });
      expect(did().at(-1)).toBe('null');
      expect(JSON.stringify(saved.at(-1)?.cursor)).toBe('{"__proto__":[0,null],"ü\u2028":"\\ud800"}');
      await run('any cursor', { cursor: saved.at(-1)?.cursor });
      expect(did().at(-1)).toBe('{"__proto__":[0,null],"ü\u2028":"\\ud800"}');
    });

    it('stops at a checkpoint when its slice is over; its `finally` runs, and nothing else', async () => {
      expect(await run('numbers', { sliceMs: 0 })).toEqual({ outcome: 'stopped', checkpoints: 1 });
      expect(did()).toEqual(['step 1', 'finally']);
    });

    it('stops at a checkpoint when that is the answer, which is kept; its `finally` runs, and nothing else', async () => {
      const end = await run('numbers', {
        save: async (checkpoint) => {
          await save(checkpoint);
          return checkpoint.cursor === 2 ? 'stop' : 'go on';
        },
      });
      expect(end).toEqual({ outcome: 'stopped', checkpoints: 2 });
      expect(did()).toEqual(['step 1', 'step 2', 'finally']);
    });

    it.each(['an iterator without a return', 'an async function that gives back one', 'a stream'])(
      'may be whatever `for await` goes through: %s',
      async (name) => {
        expect(await run(name, { sliceMs: 0 })).toEqual({ outcome: 'stopped', checkpoints: 1 });
        expect(did().slice(0, 1)).toEqual(['step 1']);
        expect(await run(name, { cursor: 1 })).toEqual({ outcome: 'finished', checkpoints: 2 });
        expect(did().filter((what) => what !== 'closed')).toEqual(
          expect.arrayContaining(['step 1', 'step 2', 'step 3']),
        );
      },
    );

    it('has what belongs to the whole after its last checkpoint: that does not run when a slice ends', async () => {
      expect(await run('cleans up as it should', { sliceMs: 0 })).toMatchObject({ outcome: 'stopped' });
      expect(did()).toEqual(['step 1', 'finally']);
      expect(await run('cleans up as it should', { cursor: 1 })).toMatchObject({ outcome: 'finished' });
      expect(did().slice(2)).toEqual(['step 2', 'step 3', 'finally', 'at the end']);
    });

    it.each(['a function', 'a list of functions', 'a generator that is not async'])(
      'that gives back %s has not run, and has failed',
      async (name) => {
        expect(await run(name)).toMatchObject({
          outcome: 'threw',
          error: { name: 'BadMigrationFile', message: expect.stringMatching(/none of its code has run/) as unknown },
        });
        expect(did()).toEqual([]);
      },
    );

    it('that gives back promises has failed, and one that awaited them has not', async () => {
      expect(await run('a list of promises')).toMatchObject({
        outcome: 'threw',
        error: { name: 'BadMigrationFile', message: expect.stringMatching(/promises, which nobody awaits/) as unknown },
      });
      expect(await run('a list of what is done')).toEqual({ outcome: 'finished', checkpoints: 0 });
    });

    it('stops at a checkpoint that is refused, and the refusal is the end of it', async () => {
      const refuse = () => Promise.reject(refusal());
      const end = { outcome: 'threw', error: { name: 'FencedOut', message: 'Somebody said stop.' }, checkpoints: 0 };
      expect(await run('numbers', { save: refuse })).toMatchObject(end);
      expect(did()).toEqual(['step 1', 'finally']);
      expect(await run('cannot close', { save: refuse })).toMatchObject(end);
      const refuseLast = () => {
        setTimeout(endItsTime, 50);
        return refuse();
      };
      expect(await run('hangs while it closes', { save: refuseLast })).toMatchObject(end);
    });

    describe('that yields more often than is worth saving', () => {
      const cursors = () => saved.map(({ cursor }) => cursor);
      const saveEveryMs = 60_000;

      it('has its first checkpoint saved, and its last one', async () => {
        expect(await run('numbers', { saveEveryMs })).toEqual({ outcome: 'finished', checkpoints: 2 });
        expect(cursors()).toEqual([1, 3]);
      });

      it('has the last one saved when it throws, after that and before its end is known', async () => {
        const end = run('yields twice, and throws', { saveEveryMs });
        expect(await end).toMatchObject({ outcome: 'threw', error: { name: 'Refused' }, checkpoints: 2 });
        expect(cursors()).toEqual([1, 2]);
      });

      it('has the one saved at which its slice is over', async () => {
        let now = Date.now();
        const timing = { ...clock, now: () => (now += 20_000) };
        const runs = runnerOf('numbers', timing);
        expect(await runs({ ...OPTIONS, endAfterMs: 1e9, sliceMs: 200_000, saveEveryMs: 1e9, save })).toEqual({
          outcome: 'stopped',
          checkpoints: 2,
        });
        expect(cursors()).toEqual([1, 2]);
      });

      it('has none saved when its time is over: that is left for its outcome', async () => {
        const end = await run('yields twice, and hangs', {
          saveEveryMs,
          save: (checkpoint) => {
            const timer = setInterval(() => {
              if (!did().includes('hangs')) return;
              clearInterval(timer);
              endItsTime();
            }, 5);
            return save(checkpoint);
          },
        });
        expect(end).toMatchObject({ outcome: 'out of time', checkpoints: 1 });
        expect(cursors()).toEqual([1]);
      });

      it('has ended as it has, when the last one cannot be saved', async () => {
        const failsLater = (checkpoint: YieldedCheckpoint) =>
          checkpoint.cursor === 1 ? save(checkpoint) : Promise.reject(refusal());
        const options = { saveEveryMs, save: failsLater };
        expect(await run('numbers', options)).toEqual({ outcome: 'finished', checkpoints: 1 });
        expect(await run('yields twice, and throws', options)).toMatchObject({ error: { name: 'Refused' } });
      });
    });

    it('that throws while it stops has failed', async () => {
      expect(await run('cannot close', { sliceMs: 0 })).toMatchObject({
        outcome: 'threw',
        error: { message: 'cannot close' },
      });
    });

    it('that yields what is no checkpoint has failed', async () => {
      expect(await run('a bad checkpoint')).toMatchObject({ outcome: 'threw', error: { name: 'BadCheckpoint' } });
      expect(did()).toEqual([]);
    });

    it('that does not end is ended', async () => {
      const end = await run('hangs', {
        save: () => {
          setTimeout(endItsTime, 50);
          return Promise.resolve('go on');
        },
      });
      expect(end).toMatchObject({ outcome: 'out of time', error: { name: 'OutOfTime' }, checkpoints: 1 });
    });
  });
}
