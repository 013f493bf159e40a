// One execution: what it was started with, its history, and how it ended. A pass of the interpreter through its definition is in
// interpreter-pass.ts.
import { randomUUID } from 'node:crypto';
import type { ExecutionDescription, ExecutionEvent, ExecutionStatus } from './descriptions.ts';
import type { ExecutionOutcome, PassOwner, Surroundings } from './interpreter-pass.ts';
import { InterpreterPass, REDRIVE_STATE } from './interpreter-pass.ts';
import { MapRun } from './map-run.ts';
import { AwsError } from '../http.ts';
import type { Definition, Json } from './definition.ts';
import { redriveFrom } from './definition.ts';

/** A state machine, as it was when the execution started: a later deployment does not change it. */
export interface Machine {
  readonly arn: string;
  readonly name: string;
  readonly text: string;
  readonly definition: Definition;
  readonly created: number;
}

export interface ExecutionSurroundings extends Surroundings {
  readonly accountId: string;
  readonly now: () => number;
  /** Told when an execution has ended. */
  readonly listeners: (() => void)[];
}

/** AWS: a Standard execution ends when its history is full. */
const MAX_HISTORY_EVENTS = 25_000;

export class Execution implements PassOwner {
  readonly arn: string;
  readonly name: string;
  readonly machine: Machine;
  readonly input: string;
  readonly startDate: number;
  readonly history: ExecutionEvent[] = [];
  /** Of its Distributed Map, oldest first. */
  readonly mapRuns: MapRun[] = [];
  readonly #around: ExecutionSurroundings;
  readonly #redrives: number[] = [];
  #status: ExecutionStatus = 'RUNNING';
  #stopDate: number | undefined;
  #outcome: ExecutionOutcome = {};
  /** The state of the top level that was entered last, with its input: a redrive begins there. */
  #lastState: { name: string; input: Json } | undefined;
  #pass: InterpreterPass | undefined;

  /** Starts it. */
  constructor(arn: string, name: string, machine: Machine, input: string, around: ExecutionSurroundings) {
    this.arn = arn;
    this.name = name;
    this.machine = machine;
    this.input = input;
    this.#around = around;
    this.startDate = around.now();
    const roleArn = `arn:aws:iam::${around.accountId}:role/embedded`;
    this.record('ExecutionStarted', ['executionStarted', { input, roleArn }]);
    this.#pass = new InterpreterPass(this, machine.definition, around);
  }

  get status(): ExecutionStatus {
    return this.#status;
  }

  /** A Lambda function that is running goes on, as in AWS. Stopping an ended execution changes nothing. */
  stop(why: Pick<ExecutionOutcome, 'error' | 'cause'>): { stopDate: number } {
    this.end('ABORTED', why);
    return { stopDate: this.#stopDate ?? this.#around.now() };
  }

  /** Goes on with the state in which a failed, aborted or timed-out execution ended, with that state's input. */
  redrive(): { redriveDate: number } {
    const { redriveStatus, redriveStatusReason } = this.describe();
    if (redriveStatus !== 'REDRIVABLE') {
      throw new AwsError('ExecutionNotRedrivable', redriveStatusReason ?? 'Execution is not redrivable');
    }
    const date = this.#around.now();
    this.#status = 'RUNNING';
    this.#stopDate = undefined;
    this.#outcome = {};
    this.#redrives.push(date);
    this.record('ExecutionRedriven', ['executionRedriven', { redriveCount: this.#redrives.length }]);
    if (!this.#runs()) return { redriveDate: date }; // its history is full now
    const { definition } = this.machine;
    const from = this.#lastState ? redriveFrom(definition, this.#lastState, REDRIVE_STATE) : definition;
    this.#pass = new InterpreterPass(this, from, this.#around);
    return { redriveDate: date };
  }

  /** Resolves when it has ended, in whatever way. */
  async ended(): Promise<ExecutionDescription> {
    while (this.#status === 'RUNNING') await this.#pass?.finished;
    return this.describe();
  }

  describe(): ExecutionDescription {
    const status = this.#status;
    const full = this.history.length >= MAX_HISTORY_EVENTS;
    const redrivable = status !== 'RUNNING' && status !== 'SUCCEEDED' && !full;
    return {
      executionArn: this.arn,
      stateMachineArn: this.machine.arn,
      name: this.name,
      status,
      startDate: this.startDate,
      stopDate: this.#stopDate,
      input: this.input,
      ...this.#outcome,
      redriveCount: this.#redrives.length,
      redriveDate: this.#redrives.at(-1),
      redriveStatus: redrivable ? 'REDRIVABLE' : 'NOT_REDRIVABLE',
      redriveStatusReason: redrivable ? undefined : `Execution is ${status} and cannot be redriven`,
    };
  }

  #runs(): boolean {
    return this.#status === 'RUNNING';
  }

  // --- for its passes --------------------------------------------------------------------------------------------

  isCurrent(pass: InterpreterPass): boolean {
    // While a pass is being constructed it is not the current one yet.
    return this.#pass === pass && this.#status === 'RUNNING';
  }

  entered(state: { name: string; input: Json }): void {
    if (state.name in this.machine.definition.States) this.#lastState = state;
  }

  mapBegins(name: string, most: number): MapRun {
    this.mapEnds();
    const { arn, name: machine } = this.machine;
    const prefix = arn.replace(':stateMachine:', ':mapRun:').replace(new RegExp(`${machine}$`), '');
    const label = name.replaceAll(/\W/g, '').slice(0, 40);
    const run = new MapRun(`${prefix}${machine}/${label}:${randomUUID()}`, this.#around.now(), most);
    this.mapRuns.push(run);
    return run;
  }

  mapEnds(): void {
    const last = this.mapRuns.at(-1);
    if (last) last.stopDate ??= this.#around.now();
  }

  record(type: string, details?: [name: string, value: Record<string, unknown>]): void {
    const id = this.history.length + 1;
    const event = { id, previousEventId: id - 1, timestamp: this.#around.now(), type };
    this.history.push(details ? { ...event, [`${details[0]}EventDetails`]: details[1] } : event);
    if (id >= MAX_HISTORY_EVENTS && this.#status === 'RUNNING') {
      const cause = `The execution reached the maximum number of history events (${MAX_HISTORY_EVENTS}).`;
      this.end('FAILED', { error: 'States.Runtime', cause });
    }
  }

  /** The one place where an execution ends. What is still waiting inside it is let go. */
  end(status: Exclude<ExecutionStatus, 'RUNNING'>, outcome: ExecutionOutcome): void {
    if (this.#status !== 'RUNNING') return;
    this.#status = status;
    this.#stopDate = this.#around.now();
    this.#outcome = outcome;
    this.mapEnds();
    const { event, details } = ENDED[status];
    this.record(event, [details, { ...outcome }]);
    this.#pass?.stop();
    for (const listener of this.#around.listeners) listener();
  }
}

/** The history event of each end, and the field that holds what it says. */
const ENDED: Record<Exclude<ExecutionStatus, 'RUNNING'>, { event: string; details: string }> = {
  SUCCEEDED: { event: 'ExecutionSucceeded', details: 'executionSucceeded' },
  FAILED: { event: 'ExecutionFailed', details: 'executionFailed' },
  TIMED_OUT: { event: 'ExecutionTimedOut', details: 'executionTimedOut' },
  ABORTED: { event: 'ExecutionAborted', details: 'executionAborted' },
};
