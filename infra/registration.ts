// By what an environment is found and claimed: parameters of SSM under its own path (docs/design.md §4).
import type { RemovalPolicy } from 'aws-cdk-lib';
import { Stack } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Registration } from '../core/contract/registration.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { parameterName, qualifiedName } from '../core/names/names.ts';

/**
 * Stays when the stack goes, as the ledger does, so that nobody begins a new, empty ledger without saying so: another app of that
 * name, a renamed construct, and a stack that is deployed again are refused by CloudFormation, because the parameter exists
 * already. It refers to nothing. Everything else has to wait for it: then nothing is made or replaced before.
 * @param removalPolicy of the ledger
 */
export const claimEnvironment = (scope: Construct, of: EnvironmentId, removalPolicy: RemovalPolicy): StringParameter =>
  kept(
    new StringParameter(scope, 'Claim', {
      parameterName: parameterName(of, 'claim'),
      description: 'Stays when the stack goes: this environment has a ledger. odin-migrate adopt brings it back.',
      stringValue: qualifiedName(of),
    }),
    removalPolicy,
  );

/** Stays too, and says which bucket it is. @param removalPolicy of the ledger */
export const keepLedgerName = (
  scope: Construct,
  of: EnvironmentId,
  bucketName: string,
  removalPolicy: RemovalPolicy,
): StringParameter =>
  kept(
    new StringParameter(scope, 'LedgerName', {
      parameterName: parameterName(of, 'ledger'),
      description: 'Stays when the stack goes: the bucket of the ledger, which stays too',
      stringValue: bucketName,
    }),
    removalPolicy,
  );

export const registerEnvironment = (scope: Construct, of: EnvironmentId, registration: Registration): StringParameter =>
  new StringParameter(scope, 'Registration', {
    parameterName: parameterName(of, 'registration'),
    description: 'Where the commands of odin-migrate find this environment',
    stringValue: Stack.of(scope).toJsonString(registration),
  });

function kept(parameter: StringParameter, removalPolicy: RemovalPolicy): StringParameter {
  parameter.applyRemovalPolicy(removalPolicy);
  return parameter;
}
