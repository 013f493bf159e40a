// One pass of the interpreter through a definition: the first of an execution, or a redrive. Runs its tasks, and turns what the
// interpreter logs into the execution's history.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StateMachine } from 'aws-local-stepfunctions';
import type { ExecutionStatus } from './descriptions.ts';
import type { Invoker } from './lambda-task.ts';
import { invokeLambda, taskError } from './lambda-task.ts';
import type { Definition, Json, State, TaskState } from './definition.ts';
import { childStates, distributedMaps, MAX_TIMER_SECONDS, mostAtOnce, taskStates } from './definition.ts';
import type { MapRun } from './map-run.ts';
import type { TaskTokens, WaitingTask } from './task-tokens.ts';

/** What a pass needs of what is around it. */
export interface Surroundings {
  readonly lambda: Invoker;
  readonly tokens: TaskTokens;
  readonly region: string;
}

/** The execution that a pass belongs to, as the pass knows it. */
export interface PassOwner {
  readonly arn: string;
  readonly name: string;
  readonly input: string;
  readonly machine: { readonly arn: string; readonly name: string };
  /** Whether this pass is the one that counts, and the execution has not ended. */
  isCurrent(pass: InterpreterPass): boolean;
  record(type: string, details?: [name: string, value: Record<string, unknown>]): void;
  entered(state: { name: string; input: Json }): void;
  /** A Distributed Map, by its state's name. */
  mapBegins(name: string, most: number): MapRun;
  mapEnds(): void;
  end(status: Exclude<ExecutionStatus, 'RUNNING'>, outcome: ExecutionOutcome): void;
}

/** How an execution ended. */
export interface ExecutionOutcome {
  /** JSON. */
  readonly output?: string | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

/** AWS: the largest payload of a state, in bytes. */
export const MAX_PAYLOAD_BYTES = 262_144;

/** The state through which a redriven execution starts; it never shows. */
export const REDRIVE_STATE = 'embedded: redrive';

export class InterpreterPass {
  /** Settles when the pass is over, in whatever way. */
  readonly finished: Promise<void>;
  readonly #execution: PassOwner;
  readonly #around: Surroundings;
  /** Made when a task's parameters ask for it, taken when that task is scheduled. */
  #token: string | undefined;
  /** Tasks that wait for an answer to their token. */
  readonly #waiting = new Set<WaitingTask>();
  /** Rejects when the execution has ended, whatever its tasks do. */
  readonly #stopped = Promise.withResolvers<never>();
  readonly #abort: () => void;
  /** States whose events are in no history here. */
  readonly #children: readonly string[];
  readonly #maps: ReadonlyMap<string, State>;
  /** Of the Distributed Map that runs. */
  #mapRun: MapRun | undefined;

  constructor(execution: PassOwner, definition: Definition, around: Surroundings) {
    this.#execution = execution;
    this.#around = around;
    this.#children = childStates(definition);
    this.#maps = distributedMaps(definition);
    this.#stopped.promise.catch(() => undefined);
    const running = this.#interpret(definition);
    this.#abort = () => {
      running.abort();
    };
    const log = this.#follow(running.eventLogs);
    this.finished = Promise.allSettled([running.result, log]).then(([result]) => {
      if (!this.#live()) return;
      if (result.status === 'fulfilled') execution.end('SUCCEEDED', { output: JSON.stringify(result.value) });
      else if ((result.reason as Error).name === 'ExecutionTimeoutError') execution.end('TIMED_OUT', {});
      else execution.end('FAILED', failureOf(result.reason));
    });
  }

  /** Lets go of whatever still waits inside. */
  stop(): void {
    this.#abort();
    for (const task of this.#waiting) task.close();
    this.#stopped.reject(new ExecutionStopped());
  }

  /** After a redrive an earlier pass must not touch the execution any more. */
  #live(): boolean {
    return this.#execution.isCurrent(this);
  }

  #interpret(definition: Definition) {
    const { arn, name, input, machine } = this.#execution;
    const handlers: Record<string, (input: Json) => Promise<Json>> = {};
    for (const [taskName, state] of taskStates(definition)) {
      handlers[taskName] = (parameters) => {
        // Between the task's parameters and this call the interpreter does not pause, so the token is this task's.
        const token = this.#token;
        this.#token = undefined;
        return this.#children.includes(taskName)
          ? this.#runChildsTask(parameters)
          : this.#runTask(state, parameters, token);
      };
    }
    // A getter, because each scheduling of a task needs a new token. The interpreter copies the context, and so calls it.
    const nextToken = () => (this.#token ??= this.#around.tokens.create());
    const interpreter = new StateMachine(definition as never, { validationOptions: { noValidate: true } });
    return interpreter.run(JSON.parse(input) as never, {
      overrides: { taskResourceLocalHandlers: handlers },
      context: {
        Execution: { Id: arn, Name: name },
        StateMachine: { Id: machine.arn, Name: machine.name },
        Task: {
          get Token() {
            return nextToken();
          },
        },
      },
    });
  }

  /** Turns the interpreter's log into history, until the interpreter closes it. */
  async #follow(log: AsyncIterable<InterpreterEvent>): Promise<void> {
    const execution = this.#execution;
    for await (const event of log) {
      const { state } = event;
      if (!this.#live()) return;
      if (!state || state.name === REDRIVE_STATE || this.#children.includes(state.name)) continue;
      const { name, type } = state;
      if (event.type === 'StateEntered') {
        execution.entered({ name, input: state.input });
        const map = this.#maps.get(name);
        if (map) this.#mapRun = execution.mapBegins(name, mostAtOnce(map, state.input));
        execution.record(`${type}StateEntered`, ['stateEntered', { name, input: JSON.stringify(state.input) }]);
      } else if (event.type === 'StateExited') {
        // A Fail state is entered and never exited.
        if (this.#maps.has(name)) execution.mapEnds();
        execution.record(`${type}StateExited`, ['stateExited', { name, output: JSON.stringify(state.output) }]);
      }
    }
  }

  /** A child that has not begun when its execution has ended does not begin; its function goes on, as in AWS. */
  async #runChildsTask(input: Json): Promise<Json> {
    await nextTurn(); // until the log has been read up to the map's "entered"
    const invoke = () => {
      if (!this.#live()) throw new ExecutionStopped();
      return invokeLambda(this.#around.lambda, input);
    };
    return Promise.race([this.#mapRun?.run(async () => invoke()) ?? invoke(), this.#stopped.promise]);
  }

  async #runTask(state: TaskState, input: Json, given: string | undefined): Promise<Json> {
    const execution = this.#execution;
    const { tokens, lambda, region } = this.#around;
    const callback = state.Resource.endsWith('.waitForTaskToken');
    const token = callback ? (given ?? tokens.create()) : undefined;
    const waiting = token === undefined ? undefined : tokens.find(token);
    if (waiting) this.#waiting.add(waiting);
    const about = { resourceType: 'lambda', resource: `invoke${callback ? '.waitForTaskToken' : ''}` };
    // Closes the token. The interpreter's own timer, set just after this one, ends the task.
    let over = false;
    const timer = setTimeout(
      () => {
        over = true;
        waiting?.close();
        if (this.#live()) execution.record('TaskTimedOut', ['taskTimedOut', { ...about, error: 'States.Timeout' }]);
      },
      (state.TimeoutSeconds ?? MAX_TIMER_SECONDS) * 1000,
    );
    try {
      // Waits until the log has been read up to "entered": so the history is in order.
      await nextTurn();
      if (!this.#live()) throw new ExecutionStopped();
      const parameters = JSON.stringify(input);
      const timeoutInSeconds = state.TimeoutSeconds;
      execution.record('TaskScheduled', ['taskScheduled', { ...about, region, parameters, timeoutInSeconds }]);
      execution.record('TaskStarted', ['taskStarted', about]);
      if (!this.#live()) throw new ExecutionStopped(); // its history is full now
      const invoked = invokeLambda(lambda, input);
      const result = waiting
        ? // The token may be answered before the function returns; if the function fails first, so does the task.
          Promise.race([waiting.answer, invoked.then(() => this.#submitted(about, waiting))])
        : invoked;
      const output = await Promise.race([result, this.#stopped.promise]);
      const text = JSON.stringify(output);
      if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES) {
        const cause = 'The task returned a result with a size exceeding the maximum number of bytes service limit.';
        // A terminal error: States.ALL does not match it.
        const terminal = { isRetryable: false, isCatchable: false };
        throw Object.assign(taskError('States.DataLimitExceeded', cause), terminal);
      }
      if (over || !this.#live()) throw new ExecutionStopped();
      execution.record('TaskSucceeded', ['taskSucceeded', { ...about, output: text }]);
      return output;
    } catch (error) {
      const { name, message } = error as Error;
      if (!over && this.#live()) {
        execution.record('TaskFailed', ['taskFailed', { ...about, error: name, cause: message }]);
      }
      throw this.#live() ? error : new ExecutionStopped();
    } finally {
      clearTimeout(timer);
      waiting?.close();
      if (waiting) this.#waiting.delete(waiting);
    }
  }

  #submitted(about: Record<string, string>, task: WaitingTask): Promise<Json> {
    if (this.#live() && task.open()) this.#execution.record('TaskSubmitted', ['taskSubmitted', about]);
    return task.answer;
  }
}

interface InterpreterEvent {
  readonly type: string;
  readonly state?: { readonly name: string; readonly type: string; readonly input: Json; readonly output?: Json };
}

/** Ends a task of an execution that is over. The interpreter must neither retry it nor catch it. */
class ExecutionStopped extends Error {
  readonly isRetryable = false;
  readonly isCatchable = false;
}

/** The interpreter wraps what failed. For a Fail state without Error or Cause it fills in defaults, where AWS has neither. */
function failureOf(error: unknown): ExecutionOutcome {
  const failed = (error as { cause?: unknown }).cause ?? error;
  const { name, message } = failed as Error;
  const byState = (failed as object).constructor.name === 'FailStateError';
  return {
    error: byState && name === 'FailStateError' ? undefined : name,
    cause: byState && message === 'Execution failed because of a Fail state' ? undefined : message,
  };
}
