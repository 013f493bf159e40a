// What is around a function in a simulation.
import type * as RealCode from './code.ts';
import type { Bucket } from './bucket.ts';
import type { Deployments } from './deployments.ts';
import type { Fault, Faults, Point } from './faults.ts';
import type { Recorder } from './recorder.ts';
import type { Scenario } from './scenario.ts';
import type { Definition, Json, TaskFailed } from './stepper.ts';
import type { World } from './world.ts';

export type Code = typeof RealCode;

/** What somebody answers to a task that waits for a callback. */
export type Answer = { output: Json } | { error: TaskFailed };

/** Step Functions, as the functions ask it. */
export interface AnsweringExecutions {
  isAlive: (arn: string) => boolean;
  events: (arn: string) => number;
  answer: (token: string, answer: Answer) => 'sent' | 'gone';
  start: (name: string, input: Json) => { execution: string; existed: boolean };
}

/** The roles of the functions, of which one may lack what it was given. */
export interface Roles {
  forbid: (name: string, ms: number) => void;
  isForbidden: (name: string) => boolean;
}

export interface Surroundings {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly world: World;
  readonly code: Code;
  readonly recorder: Recorder;
  readonly faults: Faults;
  readonly executions: AnsweringExecutions;
  /** Of the machine, now. */
  readonly definition: Definition;
  /** The oldest definition that the functions serve. */
  readonly oldestDefinition: number;
  readonly bucket: Bucket;
  readonly deployments: Deployments;
  readonly sandboxes: Roles;
  /** Milliseconds that a request takes to take effect. */
  latency: (point: number) => number;
  ledgerError: (code: 'LedgerUnavailable' | 'LedgerForbidden', what: string) => Error;
  /** What a fault does to the world around the request at which it happens. */
  around: (fault: Fault, execution: string | undefined) => void;
  /** A request has had its effect, or had none: acts of the scenario that come after it. */
  passed: (point: Omit<Point, 'place'>) => void;
}
