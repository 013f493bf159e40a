// The state machine that core/contract/machine-definition.ts describes: its role, its logs and the machine.
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { stateMachineDefinition } from '../core/contract/machine-definition.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { MACHINE_FUNCTIONS, migrationFunctionName, resourcePrefix, systemFunctionName } from '../core/names/names.ts';
import { allow, functionArn } from './functions.ts';
import { createLogGroup } from './log-group.ts';

/** By name and not by reference: the machine invokes functions that know it, so a reference would be a circle. */
export interface MachineNames {
  arn: string;
  /** ARN pattern of its executions. */
  executions: string;
  /** The same of the executions that its Distributed Map has started. */
  mapRuns: string;
  /** ARN pattern of its Distributed Map, as it runs in them. */
  runsOfMaps: string;
}

export function namesOfMachine(scope: Construct, of: EnvironmentId): MachineNames {
  const arn = (resource: string, resourceName: string) =>
    Stack.of(scope).formatArn({
      service: 'states',
      resource,
      resourceName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  const name = resourcePrefix(of);
  return {
    arn: arn('stateMachine', name),
    executions: arn('execution', `${name}:*`),
    mapRuns: arn('execution', `${name}/*:*`),
    runsOfMaps: arn('mapRun', `${name}/*:*`),
  };
}

export function createStateMachine(
  scope: Construct,
  of: EnvironmentId,
  { logRetention, tracing }: { logRetention: RetentionDays; tracing: Tracing },
): StateMachine {
  const stack = Stack.of(scope);
  const stateMachineName = resourcePrefix(of);
  const { arn, executions, mapRuns } = namesOfMachine(scope, of);
  const functions = [
    ...MACHINE_FUNCTIONS.map((name) => systemFunctionName(of, name)),
    migrationFunctionName(of, '????'), // four digits
  ];
  return new StateMachine(scope, 'StateMachine', {
    stateMachineName,
    definitionBody: DefinitionBody.fromString(stack.toJsonString(stateMachineDefinition(of, stack.partition), 2)),
    role: new Role(scope, 'StateMachineRole', {
      assumedBy: new ServicePrincipal('states.amazonaws.com'),
      inlinePolicies: {
        invoke: new PolicyDocument({
          statements: [
            allow(
              ['lambda:InvokeFunction'],
              functions.map((name) => functionArn(scope, name)),
            ),
            // A Distributed Map starts executions of its own machine, and stops them when it is stopped (docs/aws-facts.md).
            allow(['states:StartExecution'], [arn]),
            allow(['states:DescribeExecution', 'states:StopExecution'], [executions]),
            allow(['states:RedriveExecution'], [mapRuns]),
          ],
        }),
      },
    }),
    tracingEnabled: tracing !== Tracing.DISABLED,
    logs: {
      destination: createLogGroup(
        scope,
        'StateMachineLogs',
        `/aws/vendedlogs/states/${stateMachineName}`,
        logRetention,
      ),
      level: LogLevel.ALL,
      includeExecutionData: false, // it would show the task tokens of halts (docs/aws-facts.md)
    },
  });
}
