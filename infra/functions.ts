// What all functions have in common: how they run, and a role of their own that allows what they need and no more.
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Effect, PolicyDocument, PolicyStatement, Role, type RoleProps, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { EnvironmentId } from '../core/names/names.ts';
import { VARIABLES } from '../core/names/names.ts';
import type { Bundle } from '../project/bundle.ts';

export const allow = (actions: string[], resources: string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.ALLOW, actions, resources });

export const deny = (actions: string[], resources: string[]): PolicyStatement =>
  new PolicyStatement({ effect: Effect.DENY, actions, resources });

/** By name, where a reference would be a circle or the function may be gone. @param name or a pattern */
export const functionArn = (scope: Construct, name: string): string =>
  Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

export const commonProps = (bundle: Bundle, logGroup: LogGroup) => ({
  runtime: Runtime.NODEJS_24_X,
  architecture: Architecture.ARM_64,
  handler: 'index.handler',
  code: Code.fromAsset(bundle.directory),
  tracing: Tracing.ACTIVE,
  logGroup,
});

export const commonVariables = ({ app, environment }: EnvironmentId, ledger: Bucket): Record<string, string> => ({
  [VARIABLES.environment]: environment,
  ...withValues({ [VARIABLES.app]: app }),
  [VARIABLES.account]: Stack.of(ledger).account,
  [VARIABLES.ledgerBucket]: ledger.bucketName,
  NODE_OPTIONS: '--enable-source-maps',
});

export const withValues = (variables: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** Inline policies and none of its own: two resources per function, of the 500 that a template may have. */
export const functionRole = (
  scope: Construct,
  id: string,
  logGroup: LogGroup,
  statements: PolicyStatement[],
  more: Pick<RoleProps, 'roleName' | 'managedPolicies'> = {},
): Role =>
  new Role(scope, id, {
    ...more,
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: {
      logs: new PolicyDocument({
        statements: [
          allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]),
          // X-Ray has no resources to name.
          allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*']),
        ],
      }),
      function: new PolicyDocument({ statements }),
    },
  });
