// Task tokens: the promises that callback tasks wait for.

import { randomBytes } from 'node:crypto';
import { AwsError } from '../http.ts';
import type { Json } from './definition.ts';

export interface WaitingTask {
  readonly answer: Promise<Json>;
  /** False once it is answered or closed. */
  open(): boolean;
  succeed(output: Json): void;
  fail(error: Error): void;
  /** From now on the token is one that timed out. */
  close(): void;
}

/** A token of an earlier process has this form too: it is unknown (TaskDoesNotExist), and not invalid. */
const FORM = /^AQCEAAAAKgAAAAMAAAAA[A-Za-z0-9_-]{128}$/;

export type TaskTokens = ReturnType<typeof createTaskTokens>;

export function createTaskTokens() {
  const tasks = new Map<string, WaitingTask>();

  return {
    create(): string {
      const token = `AQCEAAAAKgAAAAMAAAAA${randomBytes(96).toString('base64url')}`;
      const { promise, resolve, reject } = Promise.withResolvers<Json>();
      promise.catch(() => undefined);
      let open = true;
      const once =
        <Argument>(settle: (argument: Argument) => void) =>
        (argument: Argument) => {
          open = false;
          settle(argument);
        };
      const close = () => {
        open = false;
      };
      tasks.set(token, { answer: promise, open: () => open, succeed: once(resolve), fail: once(reject), close });
      return token;
    },

    /** The task that waits for this token, or the error of Step Functions' API. */
    find(token: string): WaitingTask {
      if (!FORM.test(token)) throw new AwsError('InvalidToken', `Invalid Token: '${token.slice(0, 60)}'`);
      const task = tasks.get(token);
      if (!task) throw new AwsError('TaskDoesNotExist', `Task does not exist: '${token}'`);
      if (task.open()) return task;
      throw new AwsError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
    },
  };
}
