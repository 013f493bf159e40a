// By what an environment is found and claimed: parameters of SSM under its own path (docs/design.md §4).
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Registration } from '../core/contract/registration.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { parameterName, qualifiedName } from '../core/names/names.ts';

/**
 * Stays when the stack goes, as `registerEnvironment`'s `ledger` does, so that nobody begins a new, empty ledger without saying so:
 * another app of that name, a renamed construct, and a stack that is deployed again are refused by CloudFormation, because the
 * parameter exists already. It refers to nothing. Everything else has to wait for it: then nothing is made or replaced before.
 */
export const claimEnvironment = (scope: Construct, of: EnvironmentId): StringParameter =>
  keep(
    new StringParameter(scope, 'Claim', {
      parameterName: parameterName(of, 'claim'),
      description: 'Stays when the stack goes: this environment has a ledger. odin-migrate adopt brings it back.',
      stringValue: qualifiedName(of),
    }),
  );

/** Where the commands look, and the name of the ledger, which stays. */
export function registerEnvironment(
  scope: Construct,
  of: EnvironmentId,
  ledger: Bucket,
  registration: Registration,
): void {
  keep(
    new StringParameter(scope, 'LedgerName', {
      parameterName: parameterName(of, 'ledger'),
      description: 'Stays when the stack goes: the bucket of the ledger, which stays too',
      stringValue: ledger.bucketName,
    }),
  );
  new StringParameter(scope, 'Registration', {
    parameterName: parameterName(of, 'registration'),
    description: 'Where the commands of odin-migrate find this environment',
    stringValue: Stack.of(scope).toJsonString(registration),
  });
}

/** But for a deployment that is rolled back: that leaves nothing behind that would be in the way of the next one (docs/aws-facts.md). */
function keep(parameter: StringParameter): StringParameter {
  parameter.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  return parameter;
}
