// What the functions rely on of Step Functions (core/contract/ports.ts, Executions). The fake and the adapter to the real
// SDK are held to the same sentences.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Executions } from '../../core/contract/ports.ts';

export interface ExecutionsUnderTest {
  executions: Executions;
  /** An execution that runs until it is stopped. */
  run: (name: string) => Promise<string> | string;
  /** A new execution that waits for a callback, and its token. */
  wait: (name: string) => Promise<{ execution: string; token: string }> | { execution: string; token: string };
  stop: (execution: string) => Promise<void> | void;
  /** The ARN that an execution of this name has or would have. */
  arnOf: (name: string) => string;
  /** How a waiting execution that was answered ended. */
  ended: (execution: string) => Promise<void> | void;
  close: () => Promise<void> | void;
}

export function executionsContract(name: string, make: () => Promise<ExecutionsUnderTest> | ExecutionsUnderTest): void {
  describe(`executions: ${name}`, () => {
    let under: ExecutionsUnderTest;
    let executions: Executions;
    beforeEach(async () => {
      under = await make();
      ({ executions } = under);
    });
    afterEach(() => under.close());

    it('knows a running execution as alive, and not one that was stopped', async () => {
      const execution = await under.run('one');
      expect(await executions.isAlive(execution)).toBe(true);
      await under.stop(execution);
      expect(await executions.isAlive(execution)).toBe(false);
    });

    it('takes an execution that nobody knows, and text that is no ARN, as not alive', async () => {
      expect(await executions.isAlive(under.arnOf('never-started'))).toBe(false);
      expect(await executions.isAlive('typed by hand')).toBe(false);
    });

    it('counts the events of an execution: none of one that nobody knows, and never fewer', async () => {
      expect(await executions.events(under.arnOf('never-started'))).toBe(0);
      expect(await executions.events('typed by hand')).toBe(0);
      const { execution, token } = await under.wait('one');
      const before = await executions.events(execution);
      await executions.succeedTask(token, {});
      await under.ended(execution);
      expect(await executions.events(execution)).toBeGreaterThanOrEqual(before);
    });

    it('sends a success once: the token is gone after it', async () => {
      const { execution, token } = await under.wait('one');
      expect(await executions.isAlive(execution)).toBe(true);
      expect(await executions.succeedTask(token, { decision: 'retry' })).toBe('sent');
      expect(await executions.succeedTask(token, { decision: 'retry' })).toBe('gone');
      expect(await executions.failTask(token, 'Aborted', 'why')).toBe('gone');
    });

    it('sends a failure once: it ends the execution', async () => {
      const { execution, token } = await under.wait('one');
      expect(await executions.failTask(token, 'Aborted', 'why')).toBe('sent');
      await under.ended(execution);
      expect(await executions.isAlive(execution)).toBe(false);
      expect(await executions.failTask(token, 'Aborted', 'why')).toBe('gone');
    });

    it('takes a token of a stopped execution, and one that never was, as gone', async () => {
      const { execution, token } = await under.wait('one');
      await under.stop(execution);
      expect(await executions.succeedTask(token, {})).toBe('gone');
      expect(await executions.succeedTask('no token of anybody', {})).toBe('gone');
      expect(await executions.failTask('no token of anybody', 'Aborted', 'why')).toBe('gone');
    });

    it('starts an execution of a name once, whatever its input, also when the first one is over', async () => {
      const first = await executions.start('fixed', {});
      expect(first).toEqual({ execution: under.arnOf('fixed'), existed: false });
      expect(await executions.isAlive(first.execution)).toBe(true);
      expect(await executions.start('fixed', { allowOutOfOrder: true })).toEqual({ ...first, existed: true });
      await under.stop(first.execution);
      expect(await executions.start('fixed', { allowOutOfOrder: true })).toEqual({ ...first, existed: true });
      expect(await executions.isAlive(first.execution)).toBe(false);
    });
  });
}
