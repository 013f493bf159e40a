// The state machine of docs/design.md §6, in the Amazon States Language. It is written out, and not built with constructs, so that
// it can be read at a glance. Step Functions, the emulator and the embedded engine all run this definition.
import type { ErrorCode } from '../errors.ts';
import type { EnvironmentId } from '../names/names.ts';
import { LAMBDA_MOST } from '../names/lambda-limits.ts';
import { STATES, systemFunctionName } from '../names/names.ts';
import { commandLine, PROGRAM } from '../text/command.ts';
import { DEFINITION } from './payloads.ts';

/** A function's 15 minutes and one for the invocation itself. The function is not stopped by it (docs/aws-facts.md). */
const RUN_TIMEOUT_SECONDS = LAMBDA_MOST.timeoutSeconds + 60;
const SYSTEM_TIMEOUT_SECONDS = 120;
/** The longest that a callback token lives (docs/aws-facts.md). */
const ONE_YEAR_SECONDS = 31_536_000;

/** Invoke errors that prove that the function did not start, and that pass (docs/aws-facts.md). */
const NOT_STARTED = [
  'Lambda.TooManyRequestsException',
  'Lambda.ENILimitReachedException',
  'Lambda.EC2ThrottledException',
  'Lambda.SubnetIPAddressLimitReachedException',
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ENINotReadyException',
  'Lambda.CodeArtifactUserPendingException',
  'Lambda.CodeArtifactUserDeletedException',
  'Lambda.SnapStartNotReadyException',
  'Lambda.SnapStartRegenerationFailureException',
  'Lambda.EFSMountConnectivityException',
  'Lambda.EFSMountTimeoutException',
  'Lambda.S3FilesMountConnectivityException',
  'Lambda.S3FilesMountTimeoutException',
];

/** What passes by itself, and may take longer than a minute: throttling, an S3 or a Lambda that is not well. */
const PASSING = [
  ...NOT_STARTED,
  'LedgerUnavailable',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
];

/**
 * IAM is eventually consistent: in the minutes after a deployment a role may lack what it was given (docs/aws-facts.md). A
 * migration's function throws `LedgerForbidden` and `LedgerUnavailable` before it has run any code, and not after that.
 */
const FORBIDDEN = [
  'LedgerForbidden',
  'Lambda.AccessDeniedException',
  'Lambda.KMSAccessDeniedException',
  'Lambda.EC2AccessDeniedException',
];

/** At most 5 s, 10 s, 20 s, … 2 min, 20 times, each wait drawn at random below that: gives up after 35 minutes at the latest. */
const PATIENT = { IntervalSeconds: 5, BackoffRate: 2, MaxDelaySeconds: 120, MaxAttempts: 20, JitterStrategy: 'FULL' };
/** 2 s, 4 s, … up to 5 min, 60 times: about 4 h 30 min of waiting in all, and 2 min more for each try that hangs. */
const FOR_HOURS = { IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 300, MaxAttempts: 60 };
/** Every 10 s, 12 times. */
const TWO_MINUTES = { IntervalSeconds: 10, BackoffRate: 1, MaxAttempts: 12 };
/** 2 s, 4 s, 8 s, … 5 times: about a minute in all. Reading may be repeated after any error. */
const A_MINUTE = { IntervalSeconds: 2, BackoffRate: 2, MaxAttempts: 5 };

/** Errors that the same request would get again, now. */
const FINAL_READ_ERRORS = [
  'BadPayload',
  'RecordUnreadable',
  'LogBroken',
  'NewerLedger',
  'OldLedger',
  'AnotherAppsLedger',
  'BadConfiguration',
];

/** The states of a child execution. */
const RUN_BATCH = 'Run batch';
const BATCH_ENDED = 'Batch ended';

export function stateMachineDefinition(of: EnvironmentId, partition = 'aws') {
  const invoke = `arn:${partition}:states:::lambda:invoke`;
  const asks = { definition: DEFINITION, 'execution.$': '$$.Execution.Id' };
  const turn = { 'migration.$': '$.migration', 'attempt.$': '$.attempt', 'turn.$': '$.turn' };
  return {
    Comment: `Runs the pending migrations of ${of.environment}, one after the other, each once. The truth is in the ledger bucket.`,
    StartAt: STATES.listPending,
    States: {
      [STATES.listPending]: {
        Type: 'Task',
        Comment: 'Reads the manifest and the ledger, decides what comes next, and appends the turn that it allows.',
        Resource: invoke,
        Parameters: {
          FunctionName: systemFunctionName(of, 'list-pending'),
          Payload: { ask: 'next', ...asks, 'input.$': '$$.Execution.Input' },
        },
        OutputPath: '$.Payload',
        TimeoutSeconds: SYSTEM_TIMEOUT_SECONDS,
        Retry: [
          { ErrorEquals: FORBIDDEN, ...TWO_MINUTES },
          { ErrorEquals: FINAL_READ_ERRORS, MaxAttempts: 0 },
          { ErrorEquals: PASSING, ...PATIENT },
          { ErrorEquals: ['States.ALL'], ...A_MINUTE },
        ],
        Next: STATES.whatNext,
      },
      [STATES.whatNext]: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.step', StringEquals: 'run', Next: STATES.runMigration },
          { Variable: '$.step', StringEquals: 'run batches', Next: STATES.runBatches },
          { Variable: '$.step', StringEquals: 'record', Next: STATES.recordCompletion },
          { Variable: '$.step', StringEquals: 'wait', Next: STATES.wait },
          { Variable: '$.step', StringEquals: 'halt', Next: STATES.halt },
          { Variable: '$.step', StringEquals: 'finished', Next: STATES.finished },
          { Variable: '$.step', StringEquals: 'handed over', Next: STATES.handedOver },
          { Variable: '$.step', StringEquals: 'refuse', Next: STATES.refused },
        ],
        Default: STATES.unknownStep,
      },
      [STATES.runMigration]: {
        Type: 'Task',
        Comment: 'The function claims the turn before it runs any code of the migration.',
        Resource: invoke,
        Parameters: {
          'FunctionName.$': '$.functionName',
          Payload: { ask: 'run', ...asks, ...turn, 'slice.$': '$.slice' },
        },
        OutputPath: '$.Payload',
        TimeoutSeconds: RUN_TIMEOUT_SECONDS,
        // Nothing else may be retried: after any other error the function may have run.
        Retry: [
          { ErrorEquals: FORBIDDEN, ...TWO_MINUTES },
          { ErrorEquals: [...NOT_STARTED, 'LedgerUnavailable'], ...PATIENT },
        ],
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: STATES.halt }],
        Next: STATES.outcome,
      },
      [STATES.runBatches]: {
        Type: 'Map',
        Comment:
          'Each batch in an invocation of its own, many at the same time. What became of them is in the ledger alone.',
        ItemsPath: '$.batches',
        MaxConcurrencyPath: '$.concurrency',
        ItemSelector: {
          'functionName.$': '$.functionName',
          // Here, because a child has an execution of its own.
          asked: { ask: 'batch', ...asks, ...turn, 'slice.$': '$.slice', 'batch.$': '$$.Map.Item.Value' },
        },
        ItemProcessor: {
          // A batch may take 15 minutes, and an Express execution ends after five (docs/performance.md).
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: RUN_BATCH,
          States: {
            [RUN_BATCH]: {
              Type: 'Task',
              Comment:
                'The function claims the batch before it runs any code of the migration: so it runs once, however often it is asked.',
              Resource: invoke,
              Parameters: { 'FunctionName.$': '$.functionName', 'Payload.$': '$.asked' },
              OutputPath: '$.Payload.batch',
              TimeoutSeconds: RUN_TIMEOUT_SECONDS,
              Retry: [
                { ErrorEquals: FORBIDDEN, ...TWO_MINUTES },
                { ErrorEquals: [...NOT_STARTED, 'LedgerUnavailable'], ...PATIENT },
              ],
              Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: BATCH_ENDED }],
              End: true,
            },
            [BATCH_ENDED]: { Type: 'Pass', OutputPath: '$.asked.batch', End: true },
          },
        },
        ResultPath: null,
        // Whatever it was: the ledger says which batches began, and the run waits for those.
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: STATES.listPending }],
        Next: STATES.listPending,
      },
      [STATES.outcome]: {
        Type: 'Choice',
        Comment: 'What stopped at a checkpoint goes on from there, with its next slice.',
        Choices: [{ Variable: '$.outcome', StringEquals: 'finished', Next: STATES.recordCompletion }],
        Default: STATES.listPending,
      },
      [STATES.recordCompletion]: {
        Type: 'Task',
        Comment: 'Appends to the log that the migration is completed. Idempotent.',
        Resource: invoke,
        Parameters: {
          FunctionName: systemFunctionName(of, 'record-completion'),
          Payload: { ask: 'record', ...asks, ...turn },
        },
        ResultPath: null,
        TimeoutSeconds: SYSTEM_TIMEOUT_SECONDS,
        Retry: [
          { ErrorEquals: FORBIDDEN, ...TWO_MINUTES },
          { ErrorEquals: ['NothingToRecord', ...FINAL_READ_ERRORS], MaxAttempts: 0 },
          { ErrorEquals: ['States.ALL'], ...FOR_HOURS },
        ],
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.unrecorded', Next: STATES.halt }],
        Next: STATES.listPending,
      },
      [STATES.wait]: {
        Type: 'Wait',
        Comment: 'A turn may still be running: looks again later.',
        SecondsPath: '$.seconds',
        Next: STATES.listPending,
      },
      [STATES.halt]: {
        Type: 'Task',
        Comment: `Waits, at no cost, until an operator decides: ${PROGRAM} resume. An abort fails this state.`,
        Resource: `${invoke}.waitForTaskToken`,
        Parameters: {
          FunctionName: systemFunctionName(of, 'halt'),
          Payload: {
            ask: 'halt',
            ...asks,
            'input.$': '$$.Execution.Input',
            'token.$': '$$.Task.Token',
            'at.$': '$',
          },
        },
        TimeoutSeconds: ONE_YEAR_SECONDS,
        Retry: [
          { ErrorEquals: FORBIDDEN, ...TWO_MINUTES },
          { ErrorEquals: ['HaltNotNeeded', 'Aborted', 'States.Timeout', ...FINAL_READ_ERRORS], MaxAttempts: 0 },
          { ErrorEquals: ['States.ALL'], ...FOR_HOURS },
        ],
        Catch: [{ ErrorEquals: ['HaltNotNeeded'], Next: STATES.listPending }],
        Next: STATES.listPending,
      },
      [STATES.finished]: { Type: 'Succeed', Comment: 'Nothing is pending.' },
      [STATES.handedOver]: {
        Type: 'Succeed',
        Comment:
          'The history of this execution is nearly full, or its definition too old: the one that its output names carries the run on.',
      },
      [STATES.refused]: {
        Type: 'Fail',
        Comment: 'Running on would break a rule; the cause says which, and what to type.',
        ErrorPath: '$.error',
        CausePath: '$.cause',
      },
      [STATES.unknownStep]: {
        Type: 'Fail',
        Error: 'UnknownStep' satisfies ErrorCode,
        Cause:
          `"List pending" answered with a step that this execution's definition, version ${DEFINITION}, does not know; the input of this ` +
          `state names it. Another version is deployed than the one that this execution began with. A new run has the deployed ` +
          `definition, and goes on where this one stopped: ${commandLine({ verb: 'run', environment: of.environment }, of)}`,
      },
    },
  };
}
