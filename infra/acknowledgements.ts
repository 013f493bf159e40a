// Findings of cdk-nag that are meant to be as they are, each with its reason. A finding that no line here covers fails
// test/infra/nag.test.ts.
import { CfnResource, type Stack, Validations } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';

/** Resources with a wildcard that a role may have, and why. `<…>` stands for a reference, as cdk-nag prints it. */
const WILDCARDS: [RegExp, string][] = [
  [/^\*$/, "X-Ray, and the delivery of a state machine's logs, have no resources to name."],
  [
    /^<Ledger\w+\.Arn>\/[a-z]+\/[\w./?*]+\.json$/,
    "A kind of the ledger's keys that this function reads or writes; the bucket's policy bounds who writes it.",
  ],
  [/:execution:odin-migrate-[a-z0-9-]+:\*$/, "The executions of this environment's own state machine."],
  [/:function:odin-migrate-[a-z0-9-]+-[?\d]\?{3}$/, "The four digits of this environment's migrations."],
];

/** A migration's `permissions` stand in its file, and are reviewed with it. */
const DECLARED = "Declared by the migration's file, which is reviewed before it is deployed.";

export function acknowledgeFindings(stack: Stack, ledger: Bucket): void {
  Validations.of(ledger).acknowledge({
    id: 'AwsSolutions::AwsSolutions-S1',
    reason: 'Every record says who wrote it, when and why; access logs would need a bucket that outlives this one.',
  });
  for (const construct of stack.node.findAll()) {
    if (!CfnResource.isCfnResource(construct)) continue;
    if (!['AWS::IAM::Role', 'AWS::IAM::Policy'].includes(construct.cfnResourceType)) continue;
    const isMigration = /\/Migration\d{4}Role\//.test(construct.node.path);
    for (const resource of wildcardResources(stack, construct)) {
      const reason = WILDCARDS.find(([pattern]) => pattern.test(resource))?.[1] ?? (isMigration ? DECLARED : undefined);
      if (reason === undefined) continue;
      Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-IAM5[Resource::${resource}]`, reason });
    }
  }
}

interface Document {
  Statement?: { Resource?: unknown }[] | undefined;
}

function wildcardResources(stack: Stack, construct: CfnResource): string[] {
  const properties = stack.resolve(
    (construct as unknown as { _toCloudFormation: () => unknown })._toCloudFormation(),
  ) as {
    Resources: Record<
      string,
      { Properties?: { PolicyDocument?: Document; Policies?: { PolicyDocument: Document }[] } }
    >;
  };
  const [{ Properties } = {}] = Object.values(properties.Resources);
  const documents = [
    Properties?.PolicyDocument,
    ...(Properties?.Policies ?? []).map((policy) => policy.PolicyDocument),
  ];
  return documents
    .flatMap((document) => document?.Statement ?? [])
    .flatMap(({ Resource }) => (Array.isArray(Resource) ? (Resource as unknown[]) : [Resource]))
    .map(printed)
    .filter((resource) => resource.includes('*') || resource.includes('?'));
}

/** As cdk-nag prints a resource: references in angle brackets. */
function printed(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  if (typeof resource !== 'object' || resource === null) return '';
  if ('Ref' in resource) return `<${String(resource.Ref)}>`;
  if ('Fn::GetAtt' in resource) return `<${(resource['Fn::GetAtt'] as string[]).join('.')}>`;
  if ('Fn::Join' in resource) {
    const [separator, parts] = resource['Fn::Join'] as [string, unknown[]];
    return parts.map(printed).join(separator);
  }
  return '';
}
