// Step Functions on this machine: executions, callbacks, history and redrive around an existing interpreter of the
// Amazon States Language (aws-local-stepfunctions). Every Task is a `lambda:invoke`, with or without a task token.
// In memory only: executions end with the process, and an execution of an earlier process does not exist any more.

import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StateMachine } from 'aws-local-stepfunctions';
import type {
  ExecutionDescription,
  ExecutionStatus,
  ExecutionEvent,
  StateEvent,
  StateMachineDescription,
} from './executions.ts';
import { AwsError } from '../http.ts';
import { invokeLambda, taskError } from './lambda-task.ts';
import type { Invoker } from './lambda-task.ts';
import { MAX_TIMER_SECONDS, prepareDefinition, redriveFrom, taskStates } from './state-machine.ts';
import type { Definition, Json, TaskState } from './state-machine.ts';
import { createTaskTokens } from './task-tokens.ts';
import type { WaitingTask } from './task-tokens.ts';

export interface StepFunctionsOptions {
  readonly lambda: Invoker;
  readonly region?: string;
  readonly accountId?: string;
  /** Milliseconds since the epoch. Dates in answers come from it; waiting is real. */
  readonly now?: () => number;
  readonly onEvent?: ((event: StateEvent) => void) | undefined;
}

export type { StateEvent } from './executions.ts';

export type StepFunctions = ReturnType<typeof createStepFunctions>;

/** AWS: a Standard execution ends when its history is full. */
const MAX_HISTORY_EVENTS = 25_000;
const MAX_PAYLOAD_BYTES = 262_144;

export function createStepFunctions(options: StepFunctionsOptions) {
  const region = options.region ?? 'eu-west-1';
  const accountId = options.accountId ?? '000000000000';
  const now = options.now ?? Date.now;
  const machines = new Map<string, Machine>();
  const executions = new Map<string, Execution>();
  const tokens = createTaskTokens();

  function machineOf(arn: string): Machine {
    const machine = machines.get(arn);
    if (machine) return machine;
    throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  function executionOf(arn: string): Execution {
    const execution = executions.get(arn);
    if (execution) return execution;
    if (!/^arn:[^:]+:states:[^:]*:\d{12}:execution:[^:]+:[^:]+$/.test(arn)) {
      throw new AwsError('InvalidArn', `Invalid Arn: '${arn}'`);
    }
    throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  }

  function record(execution: Execution, type: string, details?: [name: string, value: Record<string, unknown>]): void {
    const { history } = execution;
    const id = history.length + 1;
    const event = { id, previousEventId: id - 1, timestamp: now(), type };
    history.push(details ? { ...event, [`${details[0]}EventDetails`]: details[1] } : event);
    if (id === MAX_HISTORY_EVENTS && execution.status === 'RUNNING') {
      const cause = `The execution reached the maximum number of history events (${MAX_HISTORY_EVENTS}).`;
      end(execution, 'FAILED', { error: 'States.Runtime', cause });
    }
  }

  function tell(execution: Execution, type: StateEvent['type'], more: Partial<StateEvent> = {}): void {
    const { arn: executionArn, name: executionName, machine } = execution;
    const event = { type, executionArn, executionName, stateMachineName: machine.name, timestamp: now(), ...more };
    // Apart from the execution: what goes wrong while an event is shown is not the execution's failure.
    queueMicrotask(() => options.onEvent?.(event));
  }

  /** The one place where an execution ends. What is still waiting inside it is let go. */
  function end(execution: Execution, status: Exclude<ExecutionStatus, 'RUNNING'>, outcome: Outcome): void {
    if (execution.status !== 'RUNNING') return;
    execution.status = status;
    execution.stopDate = now();
    execution.outcome = outcome;
    const { history, details, event } = ENDED[status];
    record(execution, history, [details, { ...outcome }]);
    const { output, error, cause } = outcome;
    tell(execution, event, { error, cause, ...(output !== undefined && { output: JSON.parse(output) as Json }) });
    execution.run?.stop();
  }

  function begin(execution: Execution, definition: Definition): void {
    const stopped = Promise.withResolvers<never>();
    stopped.promise.catch(() => undefined);
    const run: Run = {
      token: undefined,
      stopped: stopped.promise,
      finished: Promise.resolve(),
      waiting: new Set(),
      stop: () => {
        running.abort();
        for (const task of run.waiting) task.close();
        stopped.reject(new ExecutionStopped());
      },
      // After a redrive an earlier run must not touch the execution any more.
      live: () => execution.run === run && execution.status === 'RUNNING',
    };
    execution.run = run;

    const handlers: Record<string, (input: Json) => Promise<Json>> = {};
    for (const [name, state] of taskStates(definition)) {
      handlers[name] = (input) => {
        // The engine evaluates the task's parameters and calls this without a pause in between: the token is ours.
        const { token } = run;
        run.token = undefined;
        return runTask(execution, run, state, input, token);
      };
    }
    const machine = new StateMachine(definition as never, { validationOptions: { noValidate: true } });
    const running = machine.run(JSON.parse(execution.input) as never, {
      overrides: { taskResourceLocalHandlers: handlers },
      context: {
        Execution: { Id: execution.arn, Name: execution.name },
        StateMachine: { Id: execution.machine.arn, Name: execution.machine.name },
        // A getter survives the engine's copy of the context, so that each scheduling gets a token of its own.
        Task: {
          get Token() {
            return (run.token ??= tokens.create());
          },
        },
      },
    });
    run.finished = Promise.allSettled([running.result, follow(execution, run, running.eventLogs)]).then(([result]) => {
      if (!run.live()) return;
      if (result.status === 'fulfilled') end(execution, 'SUCCEEDED', { output: JSON.stringify(result.value) });
      else if ((result.reason as Error).name === 'ExecutionTimeoutError') end(execution, 'TIMED_OUT', {});
      else end(execution, 'FAILED', failureOf(result.reason));
    });
  }

  /** Turns the engine's log into history and events, until the engine closes it. */
  async function follow(execution: Execution, run: Run, log: AsyncIterable<EngineEvent>): Promise<void> {
    for await (const event of log) {
      const { state } = event;
      if (!run.live()) return;
      if (!state || state.name === REDRIVE_STATE) continue;
      const about = { stateName: state.name, stateType: state.type, input: state.input };
      const topLevel = state.name in execution.machine.definition.States;
      switch (event.type) {
        case 'StateEntered':
          if (topLevel) execution.lastState = { name: state.name, input: state.input };
          record(execution, `${state.type}StateEntered`, [
            'stateEntered',
            { name: state.name, input: JSON.stringify(state.input) },
          ]);
          tell(execution, 'state-entered', about);
          break;
        case 'StateExited':
          // A Fail state is entered and never exited.
          record(execution, `${state.type}StateExited`, [
            'stateExited',
            { name: state.name, output: JSON.stringify(state.output) },
          ]);
          tell(execution, 'state-exited', { ...about, ...(state.output !== undefined && { output: state.output }) });
          break;
        case 'StateFailed':
          tell(execution, 'state-failed', { ...about, error: event.Error, cause: String(event.Cause) });
          break;
        case 'StateRetried':
          tell(execution, 'state-retried', about);
          break;
        case 'StateCaught':
          tell(execution, 'state-caught', about);
          break;
        default:
      }
    }
  }

  async function runTask(
    execution: Execution,
    run: Run,
    state: TaskState,
    input: Json,
    given: string | undefined,
  ): Promise<Json> {
    const callback = state.Resource.endsWith('.waitForTaskToken');
    const token = callback ? (given ?? tokens.create()) : undefined;
    const waiting = token === undefined ? undefined : tokens.find(token);
    if (waiting) run.waiting.add(waiting);
    // The engine sets its own timer just after this one. Its timer ends the task, this one closes the token.
    let over = false;
    const timer = setTimeout(
      () => {
        over = true;
        waiting?.close();
        if (run.live()) record(execution, 'TaskTimedOut', ['taskTimedOut', { ...about, error: 'States.Timeout' }]);
      },
      (state.TimeoutSeconds ?? MAX_TIMER_SECONDS) * 1000,
    );
    const about = { resourceType: 'lambda', resource: `invoke${callback ? '.waitForTaskToken' : ''}` };
    try {
      // Lets the log be read up to "entered", so that the history is in order.
      await nextTurn();
      if (!run.live()) throw new ExecutionStopped();
      const parameters = JSON.stringify(input);
      const timeoutInSeconds = state.TimeoutSeconds;
      record(execution, 'TaskScheduled', ['taskScheduled', { ...about, region, parameters, timeoutInSeconds }]);
      record(execution, 'TaskStarted', ['taskStarted', about]);
      const invoked = invokeLambda(options.lambda, input);
      const result = waiting
        ? // The token may be answered before the function returns; if the function fails first, so does the task.
          Promise.race([waiting.answer, invoked.then(() => submitted(execution, run, about, waiting))])
        : invoked;
      const output = await Promise.race([result, run.stopped]);
      const text = JSON.stringify(output);
      if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES) {
        const cause = 'The task returned a result with a size exceeding the maximum number of bytes service limit.';
        // A terminal error: States.ALL does not match it.
        const terminal = { isRetryable: false, isCatchable: false };
        throw Object.assign(taskError('States.DataLimitExceeded', cause), terminal);
      }
      if (over || !run.live()) throw new ExecutionStopped();
      record(execution, 'TaskSucceeded', ['taskSucceeded', { ...about, output: text }]);
      return output;
    } catch (error) {
      const { name, message } = error as Error;
      if (!over && run.live()) {
        record(execution, 'TaskFailed', ['taskFailed', { ...about, error: name, cause: message }]);
      }
      throw run.live() ? error : new ExecutionStopped();
    } finally {
      clearTimeout(timer);
      waiting?.close();
      if (waiting) run.waiting.delete(waiting);
    }
  }

  function submitted(execution: Execution, run: Run, about: Record<string, string>, task: WaitingTask): Promise<Json> {
    if (run.live() && task.open()) record(execution, 'TaskSubmitted', ['taskSubmitted', about]);
    return task.answer;
  }

  const service = {
    /** Creates a state machine, or replaces the definition of one: running executions keep theirs. */
    createStateMachine(name: string, definition: string): { stateMachineArn: string } {
      checkName(name);
      const arn = `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;
      const prepared = prepareDefinition(definition);
      machines.set(arn, {
        arn,
        name,
        text: definition,
        definition: prepared,
        created: machines.get(arn)?.created ?? now(),
      });
      return { stateMachineArn: arn };
    },

    deleteStateMachine(arn: string): void {
      machines.delete(arn);
    },

    describeStateMachine(arn: string): StateMachineDescription {
      const { name, text, created } = machineOf(arn);
      return { stateMachineArn: arn, name, definition: text, creationDate: created };
    },

    listStateMachines(): StateMachineDescription[] {
      return [...machines.keys()].map((arn) => service.describeStateMachine(arn));
    },

    startExecution(request: { stateMachineArn: string; name?: string | undefined; input?: string | undefined }) {
      const machine = machineOf(request.stateMachineArn);
      const name = request.name ?? randomUUID();
      const input = request.input ?? '{}';
      checkName(name);
      checkJson(input, 'InvalidExecutionInput', 'Invalid State Machine Execution Input');
      const arn = `arn:aws:states:${region}:${accountId}:execution:${machine.name}:${name}`;
      const existing = executions.get(arn);
      if (existing?.status === 'RUNNING' && existing.input === input) {
        return { executionArn: arn, startDate: existing.startDate };
      }
      if (existing) throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);

      const execution: Execution = {
        arn,
        name,
        machine,
        input,
        startDate: now(),
        status: 'RUNNING',
        stopDate: undefined,
        outcome: {},
        lastState: undefined,
        redrives: [],
        history: [],
        run: undefined,
      };
      executions.set(arn, execution);
      record(execution, 'ExecutionStarted', [
        'executionStarted',
        { input, roleArn: `arn:aws:iam::${accountId}:role/embedded` },
      ]);
      tell(execution, 'execution-started', { input: JSON.parse(input) as Json });
      begin(execution, machine.definition);
      return { executionArn: arn, startDate: execution.startDate };
    },

    describeExecution(arn: string): ExecutionDescription {
      return describe(executionOf(arn));
    },

    /** Newest first. */
    listExecutions(stateMachineArn: string, status?: string): ExecutionDescription[] {
      machineOf(stateMachineArn);
      return [...executions.values()]
        .filter((execution) => execution.machine.arn === stateMachineArn)
        .filter((execution) => status === undefined || execution.status === status)
        .map(describe)
        .reverse();
    },

    /** A Lambda function that is running goes on, as in AWS. Stopping an ended execution changes nothing. */
    stopExecution(arn: string, why: { error?: string | undefined; cause?: string | undefined } = {}) {
      const execution = executionOf(arn);
      end(execution, 'ABORTED', why);
      return { stopDate: execution.stopDate ?? now() };
    },

    /** Runs a failed, aborted or timed-out execution again from the state where it ended, with that state's input. */
    redriveExecution(arn: string): { redriveDate: number } {
      const execution = executionOf(arn);
      const { redriveStatus, redriveStatusReason } = describe(execution);
      if (redriveStatus !== 'REDRIVABLE') {
        throw new AwsError('ExecutionNotRedrivable', redriveStatusReason ?? 'Execution is not redrivable');
      }
      const date = now();
      execution.status = 'RUNNING';
      execution.stopDate = undefined;
      execution.outcome = {};
      execution.redrives.push(date);
      record(execution, 'ExecutionRedriven', ['executionRedriven', { redriveCount: execution.redrives.length }]);
      tell(execution, 'execution-redriven', {});
      const { definition } = execution.machine;
      begin(execution, execution.lastState ? redriveFrom(definition, execution.lastState, REDRIVE_STATE) : definition);
      return { redriveDate: date };
    },

    getExecutionHistory(arn: string): readonly ExecutionEvent[] {
      return executionOf(arn).history;
    },

    sendTaskSuccess(taskToken: string, output: string): void {
      const task = tokens.find(taskToken);
      checkJson(output, 'InvalidOutput', 'Invalid Output');
      task.succeed(JSON.parse(output) as Json);
    },

    sendTaskFailure(taskToken: string, why: { error?: string | undefined; cause?: string | undefined } = {}): void {
      tokens.find(taskToken).fail(taskError(why.error ?? 'States.TaskFailed', why.cause ?? ''));
    },

    /** Only tells whether the task still waits: HeartbeatSeconds is not watched here. */
    sendTaskHeartbeat(taskToken: string): void {
      tokens.find(taskToken);
    },

    /** Resolves when the execution has ended, in whatever way. */
    async waitFor(arn: string): Promise<ExecutionDescription> {
      const execution = executionOf(arn);
      while (execution.status === 'RUNNING') await execution.run?.finished;
      return describe(execution);
    },

    /** Ends every execution, without a word: they die with the process. */
    close(): void {
      for (const execution of executions.values()) {
        if (execution.status === 'RUNNING') service.stopExecution(execution.arn, { error: 'Embedded.Closed' });
      }
    },
  };
  return service;
}

/** The state through which a redriven execution starts; it never shows. */
const REDRIVE_STATE = 'embedded: redrive';

const ENDED: Record<
  Exclude<ExecutionStatus, 'RUNNING'>,
  { history: string; details: string; event: StateEvent['type'] }
> = {
  SUCCEEDED: { history: 'ExecutionSucceeded', details: 'executionSucceeded', event: 'execution-succeeded' },
  FAILED: { history: 'ExecutionFailed', details: 'executionFailed', event: 'execution-failed' },
  TIMED_OUT: { history: 'ExecutionTimedOut', details: 'executionTimedOut', event: 'execution-timed-out' },
  ABORTED: { history: 'ExecutionAborted', details: 'executionAborted', event: 'execution-aborted' },
};

interface Machine {
  readonly arn: string;
  readonly name: string;
  readonly text: string;
  readonly definition: Definition;
  readonly created: number;
}

interface Outcome {
  /** JSON. */
  readonly output?: string;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

interface Execution {
  readonly arn: string;
  readonly name: string;
  /** As it was when the execution started: a later deployment does not change it. */
  readonly machine: Machine;
  readonly input: string;
  readonly startDate: number;
  status: ExecutionStatus;
  stopDate: number | undefined;
  outcome: Outcome;
  lastState: { name: string; input: Json } | undefined;
  readonly redrives: number[];
  readonly history: ExecutionEvent[];
  run: Run | undefined;
}

/** One pass of the engine: the first, or a redrive. */
interface Run {
  /** Made when a task's parameters ask for it, taken when that task is scheduled. */
  token: string | undefined;
  /** Tasks that wait for an answer to their token. */
  readonly waiting: Set<WaitingTask>;
  /** Rejects when the execution has ended, whatever its tasks do. */
  readonly stopped: Promise<never>;
  finished: Promise<void>;
  stop(): void;
  live(): boolean;
}

interface EngineEvent {
  readonly type: string;
  readonly state?: { readonly name: string; readonly type: string; readonly input: Json; readonly output?: Json };
  readonly Error?: string;
  readonly Cause?: unknown;
}

/** Ends a task of an execution that is over. The engine must neither retry it nor catch it. */
class ExecutionStopped extends Error {
  readonly isRetryable = false;
  readonly isCatchable = false;
}

/** The engine wraps what failed; a Fail state without Error or Cause has neither in AWS, and defaults here. */
function failureOf(error: unknown): Outcome {
  const failed = (error as { cause?: unknown }).cause ?? error;
  const { name, message } = failed as Error;
  const byState = (failed as object).constructor.name === 'FailStateError';
  return {
    error: byState && name === 'FailStateError' ? undefined : name,
    cause: byState && message === 'Execution failed because of a Fail state' ? undefined : message,
  };
}

function describe(execution: Execution): ExecutionDescription {
  const { arn, machine, name, status, startDate, stopDate, input, outcome, redrives } = execution;
  const redrivable = status !== 'RUNNING' && status !== 'SUCCEEDED';
  return {
    executionArn: arn,
    stateMachineArn: machine.arn,
    name,
    status,
    startDate,
    stopDate,
    input,
    ...outcome,
    redriveCount: redrives.length,
    redriveDate: redrives.at(-1),
    redriveStatus: redrivable ? 'REDRIVABLE' : 'NOT_REDRIVABLE',
    redriveStatusReason: redrivable ? undefined : `Execution is ${status} and cannot be redriven`,
  };
}

function checkName(name: string): void {
  if (/^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u.test(name)) return;
  throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
}

function checkJson(text: string, code: string, message: string): void {
  if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES) {
    throw new AwsError('ValidationException', `A payload has at most ${MAX_PAYLOAD_BYTES} bytes`);
  }
  try {
    JSON.parse(text);
  } catch (error) {
    throw new AwsError(code, `${message}: '${error instanceof Error ? error.message : String(error)}'`);
  }
}
