// By what an environment is found and claimed: parameters of SSM under its own path (docs/design.md §4).
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Registration } from '../core/contract/registration.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { parameterName, qualifiedName } from '../core/names/names.ts';

/**
 * Two of them stay when the stack goes, so that nobody begins a new, empty ledger without saying so: another app of that name, a
 * renamed construct, and a stack that is deployed again are refused by CloudFormation, because the parameter exists already.
 * The first one refers to nothing and everything else waits for it: it is refused before anything is made or replaced. Call this
 * last.
 */
export function registerEnvironment(
  scope: Construct,
  of: EnvironmentId,
  ledger: Bucket,
  registration: Registration,
): void {
  const others = scope.node.children.slice();
  const claim = keep(
    new StringParameter(scope, 'Claim', {
      parameterName: parameterName(of, 'claim'),
      description: 'Stays when the stack goes: this environment has a ledger. odin-migrate adopt brings it back.',
      stringValue: qualifiedName(of),
    }),
  );
  for (const each of others) each.node.addDependency(claim);
  const where = keep(
    new StringParameter(scope, 'LedgerName', {
      parameterName: parameterName(of, 'ledger'),
      description: 'Stays when the stack goes: the bucket of the ledger, which stays too',
      stringValue: ledger.bucketName,
    }),
  );
  where.node.addDependency(claim);
  const found = new StringParameter(scope, 'Registration', {
    parameterName: parameterName(of, 'registration'),
    description: 'Where the commands of odin-migrate find this environment',
    stringValue: Stack.of(scope).toJsonString(registration),
  });
  found.node.addDependency(claim);
}

/** But for a deployment that is rolled back: that leaves nothing behind that would be in the way of the next one (docs/aws-facts.md). */
function keep(parameter: StringParameter): StringParameter {
  parameter.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  return parameter;
}
