// The ledger's bucket, and the policy that keeps its promise for everyone, whatever their role allows (docs/design.md §4).
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IRole, PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { OdinError } from '../core/errors.ts';
import type { Kind, LedgerFunction } from '../core/ledger/keys.ts';
import type { SystemFunction } from '../core/names/names.ts';
import { keyPattern, keyRoot, KINDS_OF_KEYS } from './ledger-access.ts';

/** Tag on a migration's role: whose part of a ledger it may write. */
export const MIGRATION_TAG = 'odin-migrate:migration';
/** Tag on a migration's role: the bucket of its own environment, which no other environment of any account or region has. */
export const LEDGER_TAG = 'odin-migrate:ledger';

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

/** @param functions all system functions that write to the ledger, or read what is secret in it, by their names */
export function protectLedger(bucket: Bucket, functions: Partial<Record<SystemFunction, { role: IRole }>>): void {
  const keys = (patterns: string[]) => patterns.map((pattern) => bucket.arnForObjects(pattern));
  const everything = [bucket.bucketArn, bucket.arnForObjects('*')];
  const deny = (sid: string, props: PolicyStatementProps) =>
    bucket.addToResourcePolicy(
      new PolicyStatement({ sid, effect: Effect.DENY, principals: [new AnyPrincipal()], ...props }),
    );

  // A delete marker would let If-None-Match succeed again (docs/aws-facts.md), so nothing is ever deleted.
  deny('NothingIsDeleted', { actions: ['s3:DeleteObject', 's3:DeleteObjectVersion'], resources: keys(['*']) });

  const replaced = keys(unique(KINDS_OF_KEYS.filter(({ written }) => written === 'again').map(keyRoot)));
  deny('KeysAreCreatedOnce', {
    actions: ['s3:PutObject'],
    notResources: replaced,
    conditions: { Null: { 's3:if-none-match': 'true' } },
  });
  deny('OthersAreReplacedFromWhatIsKnown', {
    actions: ['s3:PutObject'],
    resources: replaced,
    conditions: { Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' } },
  });

  for (const root of unique(KINDS_OF_KEYS.map(keyRoot))) {
    const writers = unique(KINDS_OF_KEYS.filter((kind) => keyRoot(kind) === root).flatMap((kind) => kind.writers));
    deny(`Writers${sidOf(root)}`, {
      actions: ['s3:PutObject'],
      resources: keys([root]),
      conditions: noneOf(writers),
    });
  }
  for (const kind of KINDS_OF_KEYS.filter(({ secret }) => secret)) {
    deny(`Readers${sidOf(keyRoot(kind))}`, {
      actions: ['s3:GetObject', 's3:GetObjectVersion'],
      resources: keys([keyRoot(kind)]),
      conditions: noneOf(kind.readers),
    });
  }

  const byMigrations = { Null: { [`aws:PrincipalTag/${MIGRATION_TAG}`]: 'false' } };
  // Whatever a migration's own permissions say (s3:* on everything, say), it writes its own part and no other.
  const ownPart = (kind: Kind) => keyPattern(kind, `\${aws:PrincipalTag/${MIGRATION_TAG}}`);
  deny('MigrationsWriteTheirOwnPart', {
    actions: ['s3:PutObject'],
    notResources: keys(KINDS_OF_KEYS.filter(({ writers }) => writers.includes('migration')).map(ownPart)),
    conditions: byMigrations,
  });
  // Nor may it remove this policy or let objects expire: whoever may write the bucket's settings can undo all this.
  deny('MigrationsChangeNoSettings', {
    notActions: ['s3:ListBucket', 's3:GetObject', 's3:PutObject'],
    resources: everything,
    conditions: byMigrations,
  });

  // Nor anybody without an account. A service of AWS (an inventory, say) is let through here, and bound by the statements above.
  deny('ThisAccountAlone', {
    actions: ['s3:*'],
    resources: everything,
    conditions: {
      StringNotEquals: { 'aws:PrincipalAccount': Stack.of(bucket).account },
      BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
    },
  });
  // A bucket that is retained loses the policy that the stack made, unless that is retained too (docs/aws-facts.md).
  bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN);

  /** Holds for whoever is none of them: of several values a negated operator holds only if none is equal (docs/aws-facts.md). */
  function noneOf(names: readonly LedgerFunction[]): Record<string, Record<string, unknown>> {
    const ofSystem = names.filter((name) => name !== 'migration').map((name) => roleOf(name).roleArn);
    const conditions: Record<string, Record<string, unknown>> = {};
    if (ofSystem.length > 0) conditions['ArnNotEquals'] = { 'aws:PrincipalArn': ofSystem };
    if (names.includes('migration')) {
      conditions['StringNotEquals'] = { [`aws:PrincipalTag/${LEDGER_TAG}`]: bucket.bucketName };
    }
    return conditions;
  }

  function roleOf(name: SystemFunction): IRole {
    const { role } = functions[name] ?? {};
    if (role) return role;
    throw new OdinError({ code: 'Internal', source: 'system', what: `The ledger does not know the role of ${name}.` });
  }
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** `turns/*` is `OfTurns`: an id of a statement has letters and digits only. */
const sidOf = (root: string): string =>
  root.replace(/^(\w)(\w*).*$/, (_, first: string, rest: string) => `Of${first.toUpperCase()}${rest}`);
