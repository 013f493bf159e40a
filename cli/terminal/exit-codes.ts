// What the command line's exit codes mean, for pipelines.
import { constants } from 'node:os';
import type { ErrorCode } from '../../core/errors.ts';

export const EXIT = {
  /** Done. */
  done: 0,
  /** Wrong use, configuration or migration file; or AWS did not answer. */
  wrong: 1,
  /** A migration is halted and waits for a decision. */
  halted: 2,
  /** Refused: running or deciding now would break a rule. */
  refused: 3,
  /** The run failed or was aborted. */
  failed: 4,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What ends a command from outside: Ctrl-C, and what is like it. */
export const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type Ending = (typeof ENDING)[number];

/** As shells give it. */
export const exitCodeOfSignal = (signal: Ending): number => 128 + constants.signals[signal];

const REFUSALS: readonly ErrorCode[] = [
  'OutOfOrder',
  'NotCompleted',
  'Renumbered',
  'HaltedElsewhere',
  'AlreadyDecided',
  'AttemptSucceeded',
  'NothingHalted',
  'OtherHalt',
  'OtherCode',
  'ReasonMissing',
  'NothingRunning',
  'NotCheckpointed',
  'AlreadyAttempted',
  'UnknownMigration',
  'AlreadyDeployed',
  'StillRunning',
  'NoFormerLedger',
  'LedgerBroken',
];

export const exitCodeOf = (code: string): ExitCode =>
  (REFUSALS as readonly string[]).includes(code) ? EXIT.refused : EXIT.wrong;
