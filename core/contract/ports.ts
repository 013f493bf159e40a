// What the functions need of the world. lambdas/shared/aws-services.ts provides it on AWS, test/simulation/lambda.ts in a simulation.
import type { CallerIdentity } from '../ledger/entries.ts';
import type { OdinEvent } from './events.ts';
import type { Proof } from './proof.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { EnvironmentId } from '../names/names.ts';
import type { ChatNotification } from './chat.ts';

export interface Services extends LedgerServices {
  /** Whether this is the embedded AWS: commands are typed otherwise there, and there is no console to link to. */
  local?: boolean | undefined;
  executions: Executions;
  notifications: Notifications;
  events: Events;
  callers: Callers;
}

/** All that a migration's own function needs. */
export interface LedgerServices extends EnvironmentId {
  ledger: Ledger;
  log: FunctionLog;
  /** Epoch milliseconds. */
  now: () => number;
  /** A new, unguessable text at every call. */
  nonce: () => string;
}

/** One invocation of a function. */
export interface Invocation {
  requestId: string;
  functionName: string;
  /** As it was invoked, with the alias if one was named. */
  functionArn: string;
  /** Milliseconds until Lambda ends the function. */
  remainingMs: () => number;
}

/** What is asked of Step Functions. */
export interface Executions {
  /** Running, or about to be redriven. False for one that Step Functions no longer knows. */
  isAlive: (execution: string) => Promise<boolean>;
  /** How many events its history has; at 25,000 Step Functions ends it. 0 for one that Step Functions does not know. */
  events: (execution: string) => Promise<number>;
  /**
   * How many children of the execution's running Distributed Map run at the same time.
   * @param isMeant asked once it is known which map runs: whether that is the one that is meant
   */
  tuneMap: (execution: string, concurrency: number, isMeant: () => Promise<boolean>) => Promise<'tuned' | 'none runs'>;
  /** `gone` when nobody waits with this token any more. */
  succeedTask: (token: string, output: object) => Promise<'sent' | 'gone'>;
  failTask: (token: string, error: string, cause: string) => Promise<'sent' | 'gone'>;
  /** Starts the environment's machine under a fixed name; `existed` when an execution of that name was started before. */
  start: (name: string, input: object) => Promise<{ execution: string; existed: boolean }>;
}

export interface Notifications {
  /**
   * @param text for e-mail and on-call tools
   * @param chat for a chat, when one is told
   * @throws when a topic did not take the message; the caller goes on without it
   */
  publish: (subject: string, text: string, chat: ChatNotification) => Promise<void>;
}

export interface Events {
  /** @throws when the event bus did not take the event; the caller goes on without it */
  send: (event: OdinEvent) => Promise<void>;
}

export interface Callers {
  /**
   * Asks STS, for a few seconds at most, and never fails. `by`, the caller's ARN, is there when it is verified.
   * @param host of STS: the caller has signed it
   * @param said what the proof has to have been made for (`saidIn`)
   * @param now epoch milliseconds
   */
  identify: (proof: Proof, host: string, said: string, now: number) => Promise<Identified>;
}

export type Identified =
  | { by: string; identity: Extract<CallerIdentity, { is: 'verified' }> }
  | { identity: Extract<CallerIdentity, { is: 'claimed' }> };

/** Where a function logs what it does. */
export interface FunctionLog {
  info: (message: string, fields?: Record<string, unknown>) => void;
  warn: (message: string, fields?: Record<string, unknown>) => void;
  error: (message: string, fields?: Record<string, unknown>) => void;
}
