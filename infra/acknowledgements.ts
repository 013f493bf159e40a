// Findings of cdk-nag that are meant to be as they are, each with its reason. A finding that no line here covers fails
// test/infra/nag.test.ts.
import { AspectPriority, Aspects, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct, IConstruct } from 'constructs';

/** Resources and actions with a wildcard that a role may have, and why. `<…>` stands for a reference, as cdk-nag prints it. */
const WILDCARDS: [RegExp, string][] = [
  [/^\*$/, "X-Ray, and the delivery of a state machine's logs, have no resources to name."],
  [
    /^(<\w*Ledger\w+\.Arn>|arn:[^/]*:s3:::[^/]+)\/[a-z]+\/[\w./?*]+\.jsonl?$/,
    "A kind of the ledger's keys that this function reads or writes; the bucket's policy bounds who writes it.",
  ],
  [
    /:execution:[a-z0-9-]+(\/\*)?:\*$/,
    "The executions of this environment's own state machine, and those that its map starts.",
  ],
  [/:mapRun:[a-z0-9-]+\/\*:\*$/, "The maps of batches in the executions of this environment's own state machine."],
  [/:function:[a-z0-9-]+-[?\d]\?{3}$/, "The four digits of this environment's migrations."],
  [/^kms:GenerateDataKey\*$/, 'What CDK grants to whoever publishes to a topic with a key.'],
];

const DECLARED =
  "Declared by the migration's file, or granted to it in code; both are reviewed before they are deployed.";

/** Of what is in the construct when the app is synthesised: what is granted later too. */
export function acknowledgeFindings(scope: Construct, ledger: IBucket): void {
  Validations.of(ledger).acknowledge({
    id: 'AwsSolutions::AwsSolutions-S1',
    reason: 'Every record says who wrote it, when and why; access logs would need a bucket that outlives this one.',
  });
  Aspects.of(scope).add({ visit: acknowledgeWildcards }, { priority: AspectPriority.READONLY });
}

function acknowledgeWildcards(construct: IConstruct): void {
  if (!CfnResource.isCfnResource(construct)) return;
  if (!['AWS::IAM::Role', 'AWS::IAM::Policy'].includes(construct.cfnResourceType)) return;
  const isMigration = /\/Migration\d{4}Role\//.test(construct.node.path);
  for (const [kind, value] of wildcards(construct)) {
    const known = WILDCARDS.find(([pattern]) => pattern.test(value))?.[1];
    const reason = known ?? (isMigration ? DECLARED : undefined);
    if (reason === undefined) continue;
    Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-IAM5[${kind}::${value}]`, reason });
  }
}

interface Document {
  Statement?: { Resource?: unknown; Action?: unknown }[] | undefined;
}

function wildcards(construct: CfnResource): ['Resource' | 'Action', string][] {
  const properties = Stack.of(construct).resolve(
    (construct as unknown as { _toCloudFormation: () => unknown })._toCloudFormation(),
  ) as {
    Resources: Record<
      string,
      { Properties?: { PolicyDocument?: Document; Policies?: { PolicyDocument: Document }[] } }
    >;
  };
  const [{ Properties } = {}] = Object.values(properties.Resources);
  const statements = [
    Properties?.PolicyDocument,
    ...(Properties?.Policies ?? []).map((policy) => policy.PolicyDocument),
  ].flatMap((document) => document?.Statement ?? []);
  return (['Resource', 'Action'] as const).flatMap((kind) =>
    statements
      .flatMap((statement) => statement[kind])
      .map(printed)
      .filter((value) => value.includes('*') || value.includes('?'))
      .map((value) => [kind, value] as ['Resource' | 'Action', string]),
  );
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
