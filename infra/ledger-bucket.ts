// The ledger's bucket, and the policy that keeps its promise for everyone, whatever their role allows (docs/design.md §4).
import { RemovalPolicy } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IRole, PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

/** Tag on a migration's role: whose part of the ledger it may write. */
export const MIGRATION_TAG = 'odin-migrate:migration';

export function createLedgerBucket(scope: Construct): Bucket {
  return new Bucket(scope, 'Ledger', {
    versioned: true,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    removalPolicy: RemovalPolicy.RETAIN,
  });
}

export interface LedgerWriters {
  recordCompletion: IRole;
  baseline: IRole;
  halt: IRole;
  resume: IRole;
}

export function protectLedger(bucket: Bucket, writers: LedgerWriters): void {
  const keys = (...patterns: string[]) => patterns.map((pattern) => bucket.arnForObjects(pattern));
  const deny = (sid: string, props: PolicyStatementProps) =>
    bucket.addToResourcePolicy(
      new PolicyStatement({ sid, effect: Effect.DENY, principals: [new AnyPrincipal()], ...props }),
    );
  const onlyWrittenBy = (sid: string, roles: IRole[], ...patterns: string[]) =>
    deny(sid, {
      actions: ['s3:PutObject'],
      resources: keys(...patterns),
      // Of several values, ArnNotEquals holds only if none is equal.
      conditions: { ArnNotEquals: { 'aws:PrincipalArn': roles.map(({ roleArn }) => roleArn) } },
    });

  // A delete marker would let If-None-Match succeed again (docs/aws-facts.md), so nothing is ever deleted.
  deny('NothingIsDeleted', { actions: ['s3:DeleteObject', 's3:DeleteObjectVersion'], resources: keys('*') });
  deny('RecordsAreCreatedOnce', {
    actions: ['s3:PutObject'],
    resources: keys('attempts/*', 'completed/*'),
    conditions: { Null: { 's3:if-none-match': 'true' } },
  });
  onlyWrittenBy('CompletionsByRecordCompletion', [writers.recordCompletion, writers.baseline], 'completed/*');
  onlyWrittenBy('DecisionsByResume', [writers.resume], 'attempts/*/decisions/*', 'attempts/*/cancelled.json');
  onlyWrittenBy('HaltsByHalt', [writers.halt], 'halts/*');

  const byMigrations = { Null: { [`aws:PrincipalTag/${MIGRATION_TAG}`]: 'false' } };
  // Whatever a migration's own permissions say (s3:* on everything, say), it writes its own part and no other.
  deny('MigrationsWriteTheirOwnPart', {
    actions: ['s3:PutObject'],
    notResources: keys(
      `attempts/\${aws:PrincipalTag/${MIGRATION_TAG}}/*`,
      `checkpoints/\${aws:PrincipalTag/${MIGRATION_TAG}}.json`,
    ),
    conditions: byMigrations,
  });
  // Nor may it remove this policy or let objects expire: whoever may write the bucket's settings can undo all this.
  deny('MigrationsChangeNoSettings', {
    notActions: ['s3:ListBucket', 's3:GetObject', 's3:PutObject'],
    resources: [bucket.bucketArn, bucket.arnForObjects('*')],
    conditions: byMigrations,
  });
  deny('MigrationsReadNoTokens', {
    actions: ['s3:GetObject'],
    resources: keys('halts/*'),
    conditions: byMigrations,
  });
  // A bucket that is retained loses the policy that the stack made, unless that is retained too (docs/aws-facts.md).
  bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN);
}
