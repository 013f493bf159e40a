// The Step Functions API on the wire (JSON 1.0): from the SDK's operation names and fields to step-functions.ts and back.

import type { ExecutionDescription } from './descriptions.ts';
import { AwsError } from '../http.ts';
import type { StepFunctions } from './step-functions.ts';

type Input = Record<string, unknown>;
type Output = Record<string, unknown>;

/** @param operation e.g. `StartExecution`. Throws AwsError. */
export function callStepFunctions(service: StepFunctions, operation: string, input: Input): Output {
  const call = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
  if (!call)
    throw new AwsError('UnknownOperationException', `The embedded Step Functions does not support ${operation}`);
  return call(service, input);
}

const OPERATIONS: Record<string, (service: StepFunctions, input: Input) => Output> = {
  CreateStateMachine(service, input) {
    const { stateMachineArn } = service.createStateMachine(text(input, 'name'), text(input, 'definition'));
    return { stateMachineArn, creationDate: seconds(service.describeStateMachine(stateMachineArn).creationDate) };
  },
  UpdateStateMachine(service, input) {
    const { name } = service.describeStateMachine(text(input, 'stateMachineArn'));
    const definition = optional(input, 'definition');
    if (definition !== undefined) service.createStateMachine(name, definition);
    return { updateDate: seconds(Date.now()) };
  },
  DeleteStateMachine(service, input) {
    service.deleteStateMachine(text(input, 'stateMachineArn'));
    return {};
  },
  DescribeStateMachine(service, input) {
    const { creationDate, ...machine } = service.describeStateMachine(text(input, 'stateMachineArn'));
    return { ...machine, creationDate: seconds(creationDate), status: 'ACTIVE', type: 'STANDARD', roleArn: '' };
  },
  ListStateMachines(service, input) {
    const machines = service.listStateMachines().map(({ stateMachineArn, name, creationDate }) => {
      return { stateMachineArn, name, type: 'STANDARD', creationDate: seconds(creationDate) };
    });
    return page('stateMachines', machines, input);
  },
  StartExecution(service, input) {
    const stateMachineArn = text(input, 'stateMachineArn');
    const started = service.startExecution({
      stateMachineArn,
      name: optional(input, 'name'),
      input: optional(input, 'input'),
    });
    return { executionArn: started.executionArn, startDate: seconds(started.startDate) };
  },
  DescribeExecution(service, input) {
    const execution = service.describeExecution(text(input, 'executionArn'));
    return {
      ...listed(execution),
      input: execution.input,
      inputDetails: { included: true },
      output: execution.output,
      outputDetails: execution.output === undefined ? undefined : { included: true },
      error: execution.error,
      cause: execution.cause,
      redriveStatus: execution.redriveStatus,
      redriveStatusReason: execution.redriveStatusReason,
    };
  },
  ListExecutions(service, input) {
    const found = service.listExecutions(text(input, 'stateMachineArn'), optional(input, 'statusFilter'));
    const filter = optional(input, 'redriveFilter');
    const wanted = found.filter(
      ({ redriveCount }) => filter === undefined || (filter === 'REDRIVEN') === redriveCount > 0,
    );
    return page('executions', wanted.map(listed), input);
  },
  StopExecution(service, input) {
    const why = { error: optional(input, 'error'), cause: optional(input, 'cause') };
    return { stopDate: seconds(service.stopExecution(text(input, 'executionArn'), why).stopDate) };
  },
  ListMapRuns(service, input) {
    const executionArn = text(input, 'executionArn');
    const { stateMachineArn } = service.describeExecution(executionArn);
    const runs = service.listMapRuns(executionArn).map(({ arn: mapRunArn, startDate, stopDate }) => ({
      executionArn,
      mapRunArn,
      stateMachineArn,
      startDate: seconds(startDate),
      stopDate: stopDate === undefined ? undefined : seconds(stopDate),
    }));
    return page('mapRuns', runs, input);
  },
  UpdateMapRun(service, input) {
    const most = input['maxConcurrency'];
    if (most !== undefined) service.updateMapRun(text(input, 'mapRunArn'), Number(most));
    return {};
  },
  RedriveExecution(service, input) {
    return { redriveDate: seconds(service.redriveExecution(text(input, 'executionArn')).redriveDate) };
  },
  GetExecutionHistory(service, input) {
    const events = service
      .getExecutionHistory(text(input, 'executionArn'))
      .map((event) => ({ ...event, timestamp: seconds(event.timestamp) }));
    return page('events', input['reverseOrder'] === true ? events.reverse() : events, input);
  },
  SendTaskSuccess(service, input) {
    service.sendTaskSuccess(text(input, 'taskToken'), text(input, 'output'));
    return {};
  },
  SendTaskFailure(service, input) {
    const why = { error: optional(input, 'error'), cause: optional(input, 'cause') };
    service.sendTaskFailure(text(input, 'taskToken'), why);
    return {};
  },
  SendTaskHeartbeat(service, input) {
    service.sendTaskHeartbeat(text(input, 'taskToken'));
    return {};
  },
};

function listed(execution: ExecutionDescription): Output {
  const { executionArn, stateMachineArn, name, status, startDate, stopDate, redriveCount, redriveDate } = execution;
  return {
    executionArn,
    stateMachineArn,
    name,
    status,
    startDate: seconds(startDate),
    stopDate: stopDate === undefined ? undefined : seconds(stopDate),
    redriveCount,
    redriveDate: redriveDate === undefined ? undefined : seconds(redriveDate),
  };
}

/** The token is a place in the list. That is enough for lists that only grow at one end while they are read. */
function page(name: string, items: readonly unknown[], input: Input): Output {
  const asked = Number(input['maxResults'] ?? 0);
  const size = asked === 0 ? 100 : Math.min(asked, 1000);
  const token = optional(input, 'nextToken');
  const start = token === undefined ? 0 : Number(Buffer.from(token, 'base64url').toString());
  if (!Number.isInteger(start)) throw new AwsError('InvalidToken', `Invalid Token: '${token}'`);
  const end = start + size;
  const nextToken = end < items.length ? Buffer.from(String(end)).toString('base64url') : undefined;
  return { [name]: items.slice(start, end), nextToken };
}

/** Dates are numbers of seconds in this protocol. */
function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}

function text(input: Input, field: string): string {
  const value = optional(input, field);
  if (value !== undefined) return value;
  throw new AwsError(
    'ValidationException',
    `Value null at '${field}' failed to satisfy constraint: Member must not be null`,
  );
}

function optional(input: Input, field: string): string | undefined {
  const value = input[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new AwsError('SerializationException', `${field} must be a string`);
}
