// The functions that every environment has, whatever its migrations are, and what each of them may do.
import { Duration, Stack } from 'aws-cdk-lib';
import type { IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { KINDS } from '../core/ledger/keys.ts';
import type { EnvironmentId, SystemFunction } from '../core/names/names.ts';
import { systemFunctionName, VARIABLES } from '../core/names/names.ts';
import type { Bundle } from '../project/bundle.ts';
import type { FunctionSettings } from './functions.ts';
import { allow, commonProps, commonVariables, FunctionRole } from './functions.ts';
import { ledgerStatements } from './ledger-access.ts';
import type { MachineNames } from './state-machine.ts';
import type { Topics } from './topic.ts';
import { letPublish, topicVariables } from './topic.ts';

const MEMORY_MB = 512;
const TIMEOUT = Duration.seconds(90);

/** What the parts that have a system function need. */
export interface SystemParts extends EnvironmentId, FunctionSettings, Topics {
  machine: MachineNames;
  bundles: Record<SystemFunction, Bundle>;
}

export interface CreatedFunction {
  lambda: LambdaFunction;
  role: IRole;
}

/** Those of the run itself. The dashboard, the watch and the start at deployment are with what they serve. */
export function createSystemFunctions(scope: Construct, parts: SystemParts) {
  const { machine } = parts;
  const describe = allow(['states:DescribeExecution'], [machine.executions]);
  const eventBus = Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' });
  const announce = [allow(['events:PutEvents'], [eventBus])];

  const ofMachine = { [VARIABLES.stateMachineArn]: machine.arn };
  const functions = {
    'list-pending': createSystemFunction(scope, 'list-pending', parts, {
      statements: [
        allow(['states:DescribeExecution', 'states:GetExecutionHistory'], [machine.executions]),
        allow(['states:StartExecution'], [machine.arn]), // a fresh one, when the history is nearly full
        ...announce,
      ],
      variables: { ...topicVariables(parts), ...ofMachine },
    }),
    'record-completion': createSystemFunction(scope, 'record-completion', parts),
    halt: createSystemFunction(scope, 'halt', parts, {
      statements: [describe, ...announce],
      variables: { ...topicVariables(parts), ...ofMachine },
    }),
    resume: createSystemFunction(scope, 'resume', parts, {
      statements: [
        allow(['states:StartExecution'], [machine.arn]),
        allow(['states:DescribeExecution', 'states:ListMapRuns'], [machine.executions]),
        allow(['states:UpdateMapRun'], [machine.runsOfMaps]),
      ],
      variables: ofMachine,
    }),
    // A function of its own, and not a mode of another: who may invoke it may declare migrations done.
    baseline: createSystemFunction(scope, 'baseline', parts),
  };
  for (const { role } of [functions['list-pending'], functions.halt]) letPublish(parts, role);
  return functions;
}

/** @param statements what it may do besides working on the ledger and telling those who wait there */
export function createSystemFunction(
  scope: Construct,
  name: SystemFunction,
  parts: SystemParts,
  {
    statements = [],
    variables,
  }: { statements?: PolicyStatement[] | undefined; variables?: Record<string, string> | undefined } = {},
): CreatedFunction {
  const { ledger, machine, bundles } = parts;
  const id = name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
  const role = new FunctionRole(scope, `${id}Role`, parts, [
    ...ledgerStatements(ledger, name),
    ...tellWaiters(name, machine),
    ...statements,
  ]);
  const lambda = new LambdaFunction(scope, id, {
    ...commonProps(scope, bundles[name], parts),
    functionName: systemFunctionName(parts, name),
    role,
    timeout: TIMEOUT,
    memorySize: MEMORY_MB,
    environment: { ...commonVariables(parts, ledger), ...variables },
  });
  return { lambda, role };
}

/** Whoever reads the waiters of a halt reads their task tokens, to tell them. */
const tellWaiters = (name: SystemFunction, machine: MachineNames): PolicyStatement[] =>
  KINDS.waiter.readers.some((reader) => reader === name)
    ? [allow(['states:SendTaskSuccess', 'states:SendTaskFailure'], [machine.arn])]
    : [];
