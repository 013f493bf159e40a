// The one error class of this project, and every code that it can carry.
import type { Next, Where } from './text/command.ts';
import { nextText } from './text/command.ts';
import { describeThrown } from './thrown.ts';

/**
 * Who has to act: `user` (an input, a file, a configuration or a decision is wrong) or `system` (AWS, the ledger, or
 * odin-migrate itself).
 */
export type ErrorSource = 'user' | 'system';

/**
 * Every code, in one place: they are the `errorType` of a failed Lambda function, the `error` of a failed execution,
 * and what a pipeline may match on. A code is never renamed.
 */
export type ErrorCode =
  // the project's files and configuration, at synth
  | 'BadConfiguration'
  | 'BadEnvironmentName'
  | 'BadMigrationFile'
  | 'BundlingFailed'
  | 'TooManyMigrations'
  | 'UnknownEnvironment'
  | 'OtherAccount'
  // a ledger that was kept
  | 'AlreadyDeployed'
  | 'NoFormerLedger'
  | 'LedgerBroken'
  // a deployment that takes away what may be needed
  | 'FunctionsRemoved'
  // a deployed environment that is taken down
  | 'StillRunning'
  | 'StackNotDeleted'
  // what a function was sent
  | 'BadPayload'
  | 'WrongMigration'
  // the ledger
  | 'LedgerForbidden'
  | 'LedgerUnavailable'
  | 'RecordUnreadable'
  | 'LogBroken'
  | 'NewerLedger'
  | 'OldLedger'
  | 'AnotherAppsLedger'
  // a run that must not go on
  | 'OutOfOrder'
  | 'NotCompleted'
  | 'Renumbered'
  | 'HaltedElsewhere'
  | 'UnknownStep'
  // a migration
  | 'NotAllowed'
  | 'MigrationFailed'
  | 'BadCheckpoint'
  | 'BadPlan'
  | 'NotAwaited'
  | 'FencedOut'
  | 'ObjectsFailed'
  | 'SlowedDown'
  | 'BadArgument'
  | 'NothingToRecord'
  | 'OutcomeNotWritten'
  // a preview
  | 'NoReadOnlySession'
  | 'RefusedInPreview'
  // an operator's decision
  | 'NothingHalted'
  | 'OtherHalt'
  | 'ReasonMissing'
  | 'AlreadyDecided'
  | 'AttemptSucceeded'
  | 'OtherCode'
  | 'HaltNotNeeded'
  | 'NothingRunning'
  | 'NotCheckpointed'
  | 'DecisionNotDelivered'
  // adopting an environment
  | 'AlreadyAttempted'
  | 'UnknownMigration'
  // telling of it
  | 'EventNotTaken'
  // the command line and the embedded AWS
  | 'BadUsage'
  | 'NotDeployed'
  | 'NoCredentials'
  | 'AwsForbidden'
  | 'AwsUnreachable'
  | 'AwsRefused'
  | 'Internal';

export interface ErrorParts {
  code: ErrorCode;
  source: ErrorSource;
  /** What happened, with what was expected and what was found. One sentence. */
  what: string;
  /** The same without the file that it begins with, for a list that names the file already; absent when there is none. */
  remark?: string | undefined;
  /** Why it matters or what it may mean. One sentence; may be absent. */
  why?: string | undefined;
  /** What to type or to do next: a sentence, or a command as data. */
  next?: Next | undefined;
  cause?: unknown;
}

/**
 * An error that a person can act on: `code` for programs, `what`, `why` and `next` for people. Its
 * `name` is the code, so that Lambda and Step Functions report the code as the error's type.
 */
export class OdinError extends Error {
  readonly code: ErrorCode;
  readonly source: ErrorSource;
  readonly what: string;
  readonly remark: string | undefined;
  readonly why: string | undefined;
  readonly next: Next | undefined;

  constructor(parts: ErrorParts) {
    super(errorLines(parts).join(' '), parts.cause === undefined ? {} : { cause: parts.cause });
    this.name = parts.code;
    this.code = parts.code;
    this.source = parts.source;
    this.what = parts.what;
    this.remark = parts.remark;
    this.why = parts.why;
    this.next = parts.next;
  }
}

/** What, why and what to do next, in the words of the place where they are read. */
export const errorLines = ({ what, why, next }: Pick<ErrorParts, 'what' | 'why' | 'next'>, where?: Where): string[] =>
  [what, why, next && nextText(next, where)].filter((line) => line !== undefined);

/** Of whatever was thrown: of a proxy that was revoked, nobody can ask what it is. */
export function isOdinError(thrown: unknown): thrown is OdinError {
  try {
    return thrown instanceof OdinError;
  } catch {
    return false;
  }
}

/** The OdinError behind whatever was thrown: itself, or an `Internal` one that keeps it as its cause. */
export function asOdinError(thrown: unknown): OdinError {
  if (isOdinError(thrown)) return thrown;
  return new OdinError({ code: 'Internal', source: 'system', what: describeThrown(thrown), cause: thrown });
}
