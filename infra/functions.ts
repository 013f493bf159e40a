// What all functions have in common: how they run, and a role of their own that allows what they need and no more.
import { ArnFormat, Stack, Stage } from 'aws-cdk-lib';
import type { AddToPrincipalPolicyResult, RoleProps } from 'aws-cdk-lib/aws-iam';
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { Architecture, Code } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { EnvironmentId } from '../core/names/names.ts';
import { migrationRoleName, VARIABLES } from '../core/names/names.ts';
import type { Bundle } from '../project/bundle.ts';
import { writeBundle } from '../project/bundle.ts';

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

/** Tag on all that a construct makes: of which environment it is. */
export const ENVIRONMENT_TAG = 'odin-migrate:environment';

/**
 * The role of a migration, by its name: nobody but IAM says which role asks, while a session may tag itself.
 * @param id four digits, or `????` for those of every migration
 */
export const migrationRoleArn = (scope: Construct, of: EnvironmentId, id: string): string => {
  const stack = Stack.of(scope);
  const resourceName = migrationRoleName(of, id, stack.region);
  return stack.formatArn({ service: 'iam', region: '', resource: 'role', resourceName });
};

/** Without what is undefined: the types of CDK take a property that is left out, and no undefined one. */
export const given = <T extends object>(props: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined)) as never;

export const ARCHITECTURES = { arm64: Architecture.ARM_64, x86_64: Architecture.X86_64 };

/** How the functions of an environment run. */
export interface FunctionSettings {
  ledger: IBucket;
  logGroup: ILogGroup;
  architecture: Architecture;
  runtime: Runtime;
  tracing: Tracing;
}

export const commonProps = (
  scope: Construct,
  bundle: Bundle,
  { logGroup, architecture, runtime, tracing }: FunctionSettings,
) => ({
  runtime,
  architecture,
  handler: 'index.handler',
  code: codeOf(scope, bundle),
  tracing,
  logGroup,
});

/**
 * CDK is told its hash, and it is written to where CDK would copy it, which takes what lies there under its own name for a copy:
 * it reads and writes no file of it. If that name were another one, it would copy it (docs/aws-facts.md).
 */
function codeOf(scope: Construct, bundle: Bundle): Code {
  const hash = createHash('sha256').update(bundle.sha256).digest('hex');
  const directory = path.join(Stage.of(scope)?.assetOutdir ?? '', `asset.${hash}.code`);
  writeBundle(bundle, directory);
  return Code.fromAsset(directory, { assetHash: bundle.sha256 });
}

export const commonVariables = ({ app, environment }: EnvironmentId, ledger: IBucket): Record<string, string> => ({
  [VARIABLES.environment]: environment,
  ...given({ [VARIABLES.app]: app }),
  [VARIABLES.account]: Stack.of(ledger).account,
  [VARIABLES.ledgerBucket]: ledger.bucketName,
  NODE_OPTIONS: '--enable-source-maps',
});

/**
 * A role with inline policies and no others: two resources per function, of the 500 that a template may have. What is granted to
 * it lands there too. It lets its function write logs, and CDK adds tracing.
 */
export class FunctionRole extends Role {
  private readonly document: PolicyDocument;

  constructor(
    scope: Construct,
    id: string,
    { ledger, logGroup }: FunctionSettings,
    statements: PolicyStatement[],
    more: Pick<RoleProps, 'roleName' | 'managedPolicies'> = {},
  ) {
    const document = new PolicyDocument({ statements });
    super(scope, id, {
      ...more,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        logs: new PolicyDocument({
          statements: [allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn])],
        }),
        function: document,
      },
    });
    this.document = document;
    ledger.encryptionKey?.grant(this, 'kms:Decrypt', 'kms:GenerateDataKey');
  }

  override addToPrincipalPolicy(statement: PolicyStatement): AddToPrincipalPolicyResult {
    this.document.addStatements(statement);
    return { statementAdded: true, policyDependable: this };
  }
}
