// What the embedded Step Functions tells of its machines and executions.

import type { Json } from './definition.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** What happens in executions, as it happens. */
export interface StateEvent {
  readonly type:
    | 'execution-started'
    | 'execution-redriven'
    | 'execution-succeeded'
    | 'execution-failed'
    | 'execution-aborted'
    | 'execution-timed-out'
    | 'state-entered'
    | 'state-exited'
    | 'state-failed'
    | 'state-retried'
    | 'state-caught';
  readonly executionArn: string;
  readonly executionName: string;
  readonly stateMachineName: string;
  readonly timestamp: number;
  readonly stateName?: string;
  readonly stateType?: string;
  readonly input?: Json;
  readonly output?: Json | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
}

export interface StateMachineDescription {
  readonly stateMachineArn: string;
  readonly name: string;
  /** The definition as it was given. */
  readonly definition: string;
  readonly creationDate: number;
}

export interface ExecutionDescription {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly status: ExecutionStatus;
  /** Milliseconds since the epoch, here and below. */
  readonly startDate: number;
  readonly stopDate?: number | undefined;
  readonly input: string;
  readonly output?: string | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
  readonly redriveCount: number;
  readonly redriveDate?: number | undefined;
  readonly redriveStatus: 'REDRIVABLE' | 'NOT_REDRIVABLE';
  readonly redriveStatusReason?: string | undefined;
}

export interface ExecutionEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly timestamp: number;
  readonly type: string;
  /** e.g. `stateEnteredEventDetails`, as the API names them. */
  readonly [details: `${string}EventDetails`]: Record<string, unknown>;
}
