// Step Functions as the functions see it, in memory. executions-contract.ts says what it promises, and runs over the
// embedded Step Functions too.
import type { Executions } from '../../core/contract/ports.ts';

export const MACHINE = 'arn:aws:states:eu-west-1:000000000000:stateMachine:odin-migrate-odin-dev';
export const executionArn = (name: string): string => `${MACHINE.replace(':stateMachine:', ':execution:')}:${name}`;

export interface Sent {
  token: string;
  /** Of a success its output, of a failure its error and cause. */
  answer: { output: object } | { error: string; cause: string };
}

export class FakeExecutions implements Executions {
  /** Everything that was started by `start` and not by `run`: each once. */
  readonly started: { name: string; input: object }[] = [];
  /** Every answer that reached a waiting task. */
  readonly sent: Sent[] = [];
  /** Thrown by the next sends and starts, one each. */
  readonly failures: unknown[] = [];

  readonly #alive = new Set<string>();
  readonly #names = new Set<string>();
  /** Token → the execution that waits with it. */
  readonly #waiting = new Map<string, string>();
  #tokens = 0;

  /** An execution that runs. */
  run(name: string): string {
    this.#names.add(name);
    this.#alive.add(executionArn(name));
    return executionArn(name);
  }

  /** Lets a running execution wait for a callback, with a new token. */
  wait(execution: string): string {
    if (!this.#alive.has(execution)) throw new Error(`${execution} does not run, so it cannot wait`);
    this.#tokens += 1;
    const token = `SECRET-TOKEN-${this.#tokens}`;
    this.#waiting.set(token, execution);
    return token;
  }

  /** Stops an execution; its tokens are worth nothing from now on. */
  stop(execution: string): void {
    this.#alive.delete(execution);
    for (const [token, owner] of this.#waiting) if (owner === execution) this.#waiting.delete(token);
  }

  readonly isAlive = (execution: string): Promise<boolean> => Promise.resolve(this.#alive.has(execution));

  /** Execution → events of its history, as a test sets them. */
  readonly eventCounts = new Map<string, number>();

  readonly events = (execution: string): Promise<number> => Promise.resolve(this.eventCounts.get(execution) ?? 0);

  /** Executions whose Distributed Map runs, and with how many children at a time. */
  readonly maps = new Map<string, number>();

  readonly tuneMap = async (execution: string, concurrency: number, isMeant: () => Promise<boolean>) => {
    if (!this.maps.has(execution) || !(await isMeant())) return 'none runs';
    this.maps.set(execution, concurrency);
    return 'tuned';
  };

  readonly succeedTask = (token: string, output: object) => this.#send(token, { output }, false);

  readonly failTask = (token: string, error: string, cause: string) => this.#send(token, { error, cause }, true);

  readonly start = async (name: string, input: object): Promise<{ execution: string; existed: boolean }> => {
    await this.#maybeFail();
    const existed = this.#names.has(name);
    if (!existed) {
      this.run(name);
      this.started.push({ name, input });
    }
    return { execution: executionArn(name), existed };
  };

  async #send(token: string, answer: Sent['answer'], ends: boolean): Promise<'sent' | 'gone'> {
    await this.#maybeFail();
    const execution = this.#waiting.get(token);
    if (execution === undefined) return 'gone';
    this.#waiting.delete(token);
    this.sent.push({ token, answer });
    if (ends) this.stop(execution);
    return 'sent';
  }

  async #maybeFail(): Promise<void> {
    await Promise.resolve();
    if (this.failures.length > 0) throw this.failures.shift();
  }
}
