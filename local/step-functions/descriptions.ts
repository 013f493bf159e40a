// What the embedded Step Functions tells of its machines and executions.

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

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
