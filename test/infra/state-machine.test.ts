// The definition of docs/design.md §6, walked: where each error leads, what is tried again, and what engines may differ in.
import { describe, expect, it } from 'vitest';
import { STATES } from '../../core/names/names.ts';
import { stateMachineDefinition } from '../../core/contract/machine-definition.ts';
import { DEFINITION } from '../../core/contract/payloads.ts';

interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  MaxAttempts?: number;
}
interface State {
  Type: string;
  Resource?: string;
  Parameters?: { FunctionName?: string; 'FunctionName.$'?: string; Payload: Record<string, unknown> };
  Next?: string;
  End?: boolean;
  Default?: string;
  Choices?: { Variable: string; StringEquals: string; Next: string }[];
  Retry?: Retrier[];
  Catch?: { ErrorEquals: string[]; Next: string; ResultPath?: string | null }[];
  TimeoutSeconds?: number;
}

const definition = stateMachineDefinition({ environment: 'odin-dev' });
const states = definition.States as unknown as Record<string, State>;
const entries = Object.entries(states);
const tasks = entries.filter(([, { Type }]) => Type === 'Task');
const state = (name: string): State => {
  const found = states[name];
  if (!found) throw new Error(`no state ${name}`);
  return found;
};
const nextOf = ({ Next, Default, Choices = [], Catch = [] }: State) =>
  [Next, Default, ...Choices.map((choice) => choice.Next), ...Catch.map((caught) => caught.Next)].filter(
    (next) => next !== undefined,
  );

/** How an execution goes on after an error of a state, as Step Functions reads Retry and Catch: the first that matches. */
const caughtBy = (of: State, error: string) =>
  of.Catch?.find(({ ErrorEquals }) => ErrorEquals.includes(error) || ErrorEquals.includes('States.ALL'))?.Next;
const retriesOf = (of: State, error: string) =>
  of.Retry?.find(({ ErrorEquals }) => ErrorEquals.includes(error) || ErrorEquals.includes('States.ALL'))?.MaxAttempts ??
  0;
/** How long an error is tried again, without jitter, in seconds. */
function patience(of: State, error: string): number {
  const retrier = of.Retry?.find(
    ({ ErrorEquals }) => ErrorEquals.includes(error) || ErrorEquals.includes('States.ALL'),
  );
  const {
    IntervalSeconds = 1,
    BackoffRate = 2,
    MaxDelaySeconds = Infinity,
    MaxAttempts = 3,
  } = retrier ?? {
    MaxAttempts: 0,
  };
  return Array.from({ length: MaxAttempts }, (_, n) =>
    Math.min(IntervalSeconds * BackoffRate ** n, MaxDelaySeconds),
  ).reduce((sum, delay) => sum + delay, 0);
}

/** Errors of every kind that a Task can end with. */
const MAY_HAVE_RUN = [
  'Lambda.ServiceException',
  'Lambda.SdkClientException',
  'Lambda.AWSLambdaException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'States.Timeout',
  'States.TaskFailed',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.HandlerError',
  'MigrationFailed',
  'OutcomeNotWritten',
  'Error',
];
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
/** A role may be seconds old. */
const FORBIDDEN = [
  'LedgerForbidden',
  'Lambda.AccessDeniedException',
  'Lambda.KMSAccessDeniedException',
  'Lambda.EC2AccessDeniedException',
];
/** What passes, and may take longer than a minute. */
const PASSING = [
  ...NOT_STARTED,
  'LedgerUnavailable',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
];
const ERRORS = [...MAY_HAVE_RUN, ...NOT_STARTED, ...FORBIDDEN, 'LedgerUnavailable', 'Lambda.ResourceNotFoundException'];

describe('the graph', () => {
  it('has the states of docs/design.md §6, and begins with listing', () => {
    expect(Object.keys(states).sort()).toEqual(Object.values(STATES).sort());
    expect(definition.StartAt).toBe('List pending');
    expect(Object.fromEntries(entries.map(([name, { Type }]) => [name, Type]))).toEqual({
      'List pending': 'Task',
      'What next?': 'Choice',
      'Run migration': 'Task',
      'Run batches': 'Map',
      'Outcome?': 'Choice',
      'Record completion': 'Task',
      Wait: 'Wait',
      'Halt for operator': 'Task',
      Finished: 'Succeed',
      'Handed over': 'Succeed',
      Refused: 'Fail',
      'Unknown step': 'Fail',
    });
  });

  it('leads only to states that there are, and reaches each of them', () => {
    const reached = new Set<string>();
    const walk = (name: string): void => {
      if (reached.has(name)) return;
      reached.add(name);
      for (const next of nextOf(state(name))) walk(next);
    };
    walk(definition.StartAt);
    expect([...reached].sort()).toEqual(Object.keys(states).sort());
  });

  it('takes each step of `List pending` to its state, and one that it does not know to an end that says so', () => {
    expect(state(STATES.whatNext).Choices?.map(({ StringEquals, Next }) => [StringEquals, Next])).toEqual([
      ['run', STATES.runMigration],
      ['run batches', STATES.runBatches],
      ['record', STATES.recordCompletion],
      ['wait', STATES.wait],
      ['halt', STATES.halt],
      ['finished', STATES.finished],
      ['handed over', STATES.handedOver],
      ['refuse', STATES.refused],
    ]);
    expect(state(STATES.whatNext).Default).toBe(STATES.unknownStep);
    expect(state(STATES.outcome).Choices?.map(({ StringEquals, Next }) => [StringEquals, Next])).toEqual([
      ['finished', STATES.recordCompletion],
    ]);
    expect(state(STATES.outcome).Default).toBe(STATES.listPending);
  });

  it('ends well in two places alone, which only `finished` and `handed over` lead to', () => {
    expect(entries.filter(([, { End }]) => End !== undefined)).toEqual([]);
    const ends = entries.filter(([, { Type }]) => Type === 'Succeed').map(([name]) => name);
    expect(ends).toEqual([STATES.finished, STATES.handedOver]);
    for (const end of ends) {
      const leadThere = entries.flatMap(([name, of]) =>
        nextOf(of)
          .filter((next) => next === end)
          .map(() => name),
      );
      expect(leadThere).toEqual([STATES.whatNext]);
    }
  });

  it('lists again after everything that went well: the truth is in the ledger', () => {
    for (const name of [STATES.recordCompletion, STATES.wait, STATES.halt])
      expect(state(name).Next).toBe('List pending');
  });
});

describe('an error', () => {
  it.each(ERRORS)('%s of `Run migration` or of `Record completion` halts', (error) => {
    expect(caughtBy(state(STATES.runMigration), error)).toBe(STATES.halt);
    expect(caughtBy(state(STATES.recordCompletion), error)).toBe(STATES.halt);
  });

  it.each([...ERRORS, 'Aborted'])('%s of the halt, or of `List pending`, fails the execution there', (error) => {
    expect(caughtBy(state(STATES.halt), error)).toBeUndefined();
    expect(caughtBy(state(STATES.listPending), error)).toBeUndefined();
  });

  it('HaltNotNeeded lists again, and is the only one that leads on from the halt', () => {
    expect(state(STATES.halt).Catch).toEqual([{ ErrorEquals: ['HaltNotNeeded'], Next: STATES.listPending }]);
  });

  it('never leads to an end, or to running or recording, without an operator or the ledger in between', () => {
    for (const [name, of] of tasks) {
      for (const { Next } of of.Catch ?? []) expect([STATES.halt, STATES.listPending], name).toContain(Next);
    }
  });

  it('is given to the halt beside the step, and not in its place', () => {
    for (const name of [STATES.runMigration, STATES.recordCompletion]) {
      const ResultPath = expect.stringMatching(/^\$\.\w+$/) as unknown;
      expect(state(name).Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath, Next: STATES.halt }]);
    }
  });
});

describe('what is tried again', () => {
  it('of `Run migration`: only errors that prove that the function did not start, or had not taken its turn', () => {
    const run = state(STATES.runMigration);
    expect(run.Retry?.flatMap(({ ErrorEquals }) => ErrorEquals)).toEqual([
      ...FORBIDDEN,
      ...NOT_STARTED,
      'LedgerUnavailable',
    ]);
    for (const error of MAY_HAVE_RUN) expect(retriesOf(run, error), error).toBe(0);
    for (const error of [...NOT_STARTED, 'LedgerUnavailable']) expect(patience(run, error)).toBeGreaterThan(30 * 60);
    for (const error of FORBIDDEN) expect(patience(run, error), error).toBe(120);
  });

  it('of `List pending`: what passes for half an hour, a 403 for two minutes, the rest for one, but not what would be answered again', () => {
    const list = state(STATES.listPending);
    for (const error of PASSING) expect(patience(list, error), error).toBeGreaterThan(30 * 60);
    for (const error of FORBIDDEN) expect(patience(list, error), error).toBe(120);
    const others = ERRORS.filter((error) => ![...PASSING, ...FORBIDDEN].includes(error));
    expect(others).toContain('States.Timeout');
    for (const error of others) expect(patience(list, error), error).toBe(62);
    for (const error of ['BadPayload', 'RecordUnreadable', 'BadConfiguration']) {
      expect(retriesOf(list, error)).toBe(0);
    }
  });

  it('of `Record completion`: everything for hours, a 403 for two minutes, but not what would be answered again', () => {
    const record = state(STATES.recordCompletion);
    for (const error of ERRORS) {
      if (FORBIDDEN.includes(error)) expect(patience(record, error), error).toBe(120);
      else expect(patience(record, error), error).toBeGreaterThan(4 * 3_600);
    }
    for (const error of ['BadPayload', 'NothingToRecord', 'RecordUnreadable']) expect(retriesOf(record, error)).toBe(0);
  });

  it('of the halt: everything for hours, a 403 for two minutes, but not an abort, the end of the year, and what would be answered again', () => {
    const halt = state(STATES.halt);
    for (const error of ERRORS.filter((name) => name !== 'States.Timeout')) {
      if (FORBIDDEN.includes(error)) expect(patience(halt, error), error).toBe(120);
      else expect(patience(halt, error), error).toBeGreaterThan(4 * 3_600);
    }
    for (const error of ['HaltNotNeeded', 'Aborted', 'States.Timeout', 'RecordUnreadable']) {
      expect(retriesOf(halt, error)).toBe(0);
    }
  });

  it('States.ALL stands alone and last, as Step Functions wants it', () => {
    for (const [name, { Retry = [], Catch = [] }] of tasks) {
      for (const list of [Retry, Catch]) {
        const names = (list as { ErrorEquals: string[] }[]).map(({ ErrorEquals }) => ErrorEquals);
        const at = names.findIndex((each) => each.includes('States.ALL'));
        if (at >= 0) expect([names[at], at], name).toEqual([['States.ALL'], names.length - 1]);
      }
    }
  });
});

describe('the batches of a parallel migration', () => {
  const map = definition.States[STATES.runBatches];
  const children = map.ItemProcessor.States as unknown as Record<string, State>;
  const batch = children['Run batch'] as State;

  it('run in executions of their own that may last as long as a function, as many at once as the step says', () => {
    expect(map.ItemProcessor.ProcessorConfig).toEqual({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
    expect([map.ItemsPath, map.MaxConcurrencyPath]).toEqual(['$.batches', '$.concurrency']);
    expect(batch.TimeoutSeconds).toBe(960);
    expect(Object.keys(children).filter((name) => entries.some(([known]) => known === name))).toEqual([]);
  });

  it('name the execution of the run, and not that of the child, and the version of the definition', () => {
    expect(map.ItemSelector.asked).toMatchObject({
      ask: 'batch',
      definition: DEFINITION,
      'execution.$': '$$.Execution.Id',
    });
  });

  it('never fail a child: what became of them is in the ledger, and everything leads to listing', () => {
    for (const error of ERRORS) expect(caughtBy(batch, error), error).toBe('Batch ended');
    expect([batch.End, children['Batch ended']?.End]).toEqual([true, true]);
    expect(map.Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: STATES.listPending }]);
    expect([map.Next, map.ResultPath]).toEqual([STATES.listPending, null]);
  });

  it('are asked for again only when none of their code ran', () => {
    for (const error of MAY_HAVE_RUN) expect(retriesOf(batch, error), error).toBe(0);
    for (const error of [...NOT_STARTED, 'LedgerUnavailable']) expect(patience(batch, error)).toBeGreaterThan(30 * 60);
  });
});

describe('what engines read alike', () => {
  const text = JSON.stringify(definition);

  it('is of the context object only the execution, the token and the number of a batch', () => {
    const used = [...text.matchAll(/\$\$\.[\w.]+/g)].map(([path]) => path);
    expect([...new Set(used)].sort()).toEqual([
      '$$.Execution.Id',
      '$$.Execution.Input',
      '$$.Map.Item.Value',
      '$$.Task.Token',
    ]);
  });

  it('is JSONPath, without Parallel, intrinsic functions and paths of timeouts', () => {
    expect(text).not.toMatch(/JSONata|"Parallel"|States\.(Format|Json|Array|UUID)|TimeoutSecondsPath|Heartbeat/);
  });

  it('has a timeout on every task: longer than the function may take, and a year for an operator', () => {
    expect(Object.fromEntries(tasks.map(([name, { TimeoutSeconds }]) => [name, TimeoutSeconds]))).toEqual({
      'List pending': 120,
      'Run migration': 960,
      'Record completion': 120,
      'Halt for operator': 31_536_000,
    });
  });

  it('says its version in every payload', () => {
    for (const [name, { Parameters }] of tasks) expect(Parameters?.Payload['definition'], name).toBe(DEFINITION);
  });

  it('gives the token to the halt and to nobody else', () => {
    for (const [name, { Parameters, Resource }] of tasks) {
      const halts = name === STATES.halt;
      expect(JSON.stringify(Parameters).includes('$$.Task.Token')).toBe(halts);
      expect(Resource).toBe(`arn:aws:states:::lambda:invoke${halts ? '.waitForTaskToken' : ''}`);
    }
  });

  it('is the same for every number of migrations, far below 1 MB, and of the partition that is asked for', () => {
    expect(stateMachineDefinition.length).toBeLessThanOrEqual(2);
    expect(Buffer.byteLength(text)).toBeLessThan(20_000);
    expect(JSON.stringify(stateMachineDefinition({ environment: 'odin-dev' }, 'aws-us-gov'))).toContain(
      'arn:aws-us-gov:states:::',
    );
    expect(JSON.stringify(stateMachineDefinition({ environment: 'odin-prod' }))).not.toContain('odin-dev');
  });

  it('invokes the functions of its environment', () => {
    expect(tasks.map(([, { Parameters }]) => Parameters?.FunctionName ?? Parameters?.['FunctionName.$'])).toEqual([
      'odin-migrate-odin-dev-list-pending',
      '$.functionName',
      'odin-migrate-odin-dev-record-completion',
      'odin-migrate-odin-dev-halt',
    ]);
  });
});
