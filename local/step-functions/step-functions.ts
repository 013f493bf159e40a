// Step Functions on this machine: executions, callbacks, history and redrive around an existing interpreter of the
// Amazon States Language (aws-local-stepfunctions). Every Task is a `lambda:invoke`, with or without a task token.
// In memory only: executions end with the process, and an execution of an earlier process does not exist any more.

import { randomUUID } from 'node:crypto';
import { AwsError } from '../http.ts';
import type { MapRun } from './map-run.ts';
import { MAX_PAYLOAD_BYTES } from './interpreter-pass.ts';
import type { ExecutionSurroundings, Machine } from './execution.ts';
import { Execution } from './execution.ts';
import type { ExecutionDescription, ExecutionEvent, StateMachineDescription } from './descriptions.ts';
import type { Invoker } from './lambda-task.ts';
import { taskError } from './lambda-task.ts';
import type { Json } from './definition.ts';
import { parseDefinition } from './definition.ts';
import { createTaskTokens } from './task-tokens.ts';

export interface StepFunctionsOptions {
  readonly lambda: Invoker;
  readonly region?: string | undefined;
  readonly accountId?: string | undefined;
  /** The clock of the dates in answers, in milliseconds since the epoch. Waits use real time. */
  readonly now?: (() => number) | undefined;
}

export class StepFunctions {
  readonly #around: ExecutionSurroundings;
  readonly #machines = new Map<string, Machine>();
  readonly #executions = new Map<string, Execution>();

  constructor({ lambda, region, accountId, now }: StepFunctionsOptions) {
    this.#around = {
      lambda,
      tokens: createTaskTokens(),
      region: region ?? 'eu-west-1',
      accountId: accountId ?? '000000000000',
      now: now ?? Date.now,
      listeners: [],
    };
  }

  /** Creates a state machine, or replaces the definition of one: running executions keep theirs. */
  createStateMachine(name: string, definition: string): { stateMachineArn: string } {
    checkName(name);
    const { region, accountId, now } = this.#around;
    const arn = `arn:aws:states:${region}:${accountId}:stateMachine:${name}`;
    const created = this.#machines.get(arn)?.created ?? now();
    this.#machines.set(arn, { arn, name, text: definition, definition: parseDefinition(definition), created });
    return { stateMachineArn: arn };
  }

  deleteStateMachine(arn: string): void {
    this.#machines.delete(arn);
  }

  describeStateMachine(arn: string): StateMachineDescription {
    const { name, text, created } = this.#machineOf(arn);
    return { stateMachineArn: arn, name, definition: text, creationDate: created };
  }

  listStateMachines(): StateMachineDescription[] {
    return [...this.#machines.keys()].map((arn) => this.describeStateMachine(arn));
  }

  startExecution(request: { stateMachineArn: string; name?: string | undefined; input?: string | undefined }) {
    const machine = this.#machineOf(request.stateMachineArn);
    const { name = randomUUID(), input = '{}' } = request;
    checkName(name);
    checkJson(input, 'InvalidExecutionInput', 'Invalid State Machine Execution Input');
    const { region, accountId } = this.#around;
    const arn = `arn:aws:states:${region}:${accountId}:execution:${machine.name}:${name}`;
    const existing = this.#executions.get(arn);
    if (existing?.status === 'RUNNING' && existing.input === input) {
      return { executionArn: arn, startDate: existing.startDate };
    }
    if (existing) throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    const execution = new Execution(arn, name, machine, input, this.#around);
    this.#executions.set(arn, execution);
    return { executionArn: arn, startDate: execution.startDate };
  }

  describeExecution(arn: string): ExecutionDescription {
    return this.#executionOf(arn).describe();
  }

  /** Newest first. */
  listExecutions(stateMachineArn: string, status?: string): ExecutionDescription[] {
    this.#machineOf(stateMachineArn);
    return [...this.#executions.values()]
      .filter((execution) => execution.machine.arn === stateMachineArn)
      .filter((execution) => status === undefined || execution.status === status)
      .map((execution) => execution.describe())
      .reverse();
  }

  listMapRuns(executionArn: string): readonly MapRun[] {
    return this.#executionOf(executionArn).mapRuns;
  }

  /** One that has ended is not changed any more. */
  updateMapRun(arn: string, maxConcurrency: number): void {
    const run = [...this.#executions.values()].flatMap(({ mapRuns }) => mapRuns).find((each) => each.arn === arn);
    if (!run) throw new AwsError('ResourceNotFound', `Resource not found: '${arn}'`);
    if (run.stopDate !== undefined) throw new AwsError('ValidationException', `Map Run is not RUNNING: '${arn}'`);
    run.maxConcurrency = maxConcurrency;
  }

  stopExecution(arn: string, why: { error?: string | undefined; cause?: string | undefined } = {}) {
    return this.#executionOf(arn).stop(why);
  }

  redriveExecution(arn: string): { redriveDate: number } {
    return this.#executionOf(arn).redrive();
  }

  getExecutionHistory(arn: string): readonly ExecutionEvent[] {
    return this.#executionOf(arn).history;
  }

  sendTaskSuccess(taskToken: string, output: string): void {
    const task = this.#around.tokens.find(taskToken);
    checkJson(output, 'InvalidOutput', 'Invalid Output');
    task.succeed(JSON.parse(output) as Json);
  }

  sendTaskFailure(taskToken: string, why: { error?: string | undefined; cause?: string | undefined } = {}): void {
    this.#around.tokens.find(taskToken).fail(taskError(why.error ?? 'States.TaskFailed', why.cause ?? ''));
  }

  /** Only tells whether the task still waits: HeartbeatSeconds is not watched here. */
  sendTaskHeartbeat(taskToken: string): void {
    this.#around.tokens.find(taskToken);
  }

  /** Resolves when the execution has ended, in whatever way. */
  waitFor(arn: string): Promise<ExecutionDescription> {
    return this.#executionOf(arn).ended();
  }

  /** Told of each execution that ends. */
  onEnd(listener: () => void): void {
    this.#around.listeners.push(listener);
  }

  /** Aborts every execution that still runs: they die with the process. */
  close(): void {
    for (const execution of this.#executions.values()) execution.stop({ error: 'Embedded.Closed' });
  }

  #machineOf(arn: string): Machine {
    const machine = this.#machines.get(arn);
    if (machine) return machine;
    throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  #executionOf(arn: string): Execution {
    const execution = this.#executions.get(arn);
    if (execution) return execution;
    if (!/^arn:[^:]+:states:[^:]*:\d{12}:execution:[^:]+:[^:]+$/.test(arn)) {
      throw new AwsError('InvalidArn', `Invalid Arn: '${arn}'`);
    }
    throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  }
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
