// A deployment that would take away functions which may be needed is refused by the stack itself, before anything is removed.
import { CustomResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { createHash } from 'node:crypto';
import { ALLOW_REMOVED, parseAllowed } from '../core/decision/removals.ts';
import { OdinError } from '../core/errors.ts';
import { systemFunctionName } from '../core/names/names.ts';
import { allow, functionArn, given } from './functions.ts';
import type { SystemParts } from './system-functions.ts';
import { createSystemFunction } from './system-functions.ts';

/**
 * Another set of functions is another resource, so that CloudFormation asks when it makes it. An update would be asked in a rollback too,
 * with old and new exchanged, and nothing would tell that from a deployment: refused there, the stack would be stuck. CloudFormation removes
 * functions when everything else has succeeded (docs/aws-facts.md).
 * @param ids of the migrations that have a function
 * @returns what has to come before the manifest is deployed
 * @throws OdinError BadConfiguration for a context that names no ids
 */
export function checkRemovals(scope: Construct, parts: SystemParts, ids: readonly string[]): Construct {
  const { lambda } = createSystemFunction(scope, 'check-removals', parts, {
    statements: [allow(['lambda:InvokeFunction'], [functionArn(scope, systemFunctionName(parts, 'list-pending'))])],
  });
  const set = createHash('sha256').update(ids.join()).digest('hex').slice(0, 8);
  return new CustomResource(scope, `Removals${set}`, {
    serviceToken: lambda.functionArn,
    resourceType: 'Custom::OdinMigrateRemovals',
    properties: given({ AllowRemoved: allowedIn(scope) }),
    serviceTimeout: Duration.minutes(5),
    // There is nothing behind it: nobody need be asked when it goes.
    removalPolicy: RemovalPolicy.RETAIN,
  });
}

/** What the context says: in cdk.json, or after `-c`. Undefined when it says nothing. */
function allowedIn(scope: Construct): string[] | undefined {
  const said: unknown = scope.node.tryGetContext(ALLOW_REMOVED);
  if (said === undefined) return undefined;
  const allowed = parseAllowed(Array.isArray(said) ? said.join() : typeof said === 'string' ? said : '');
  if (allowed) return allowed;
  throw new OdinError({
    code: 'BadConfiguration',
    source: 'user',
    what: `The context ${ALLOW_REMOVED}: expected migrations' four digits, with commas between them, or all.`,
    why: `Found ${JSON.stringify(said)}.`,
  });
}
