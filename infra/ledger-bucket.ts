// The ledger's bucket, and the policy that keeps its promise for everyone, whatever their role allows (docs/design.md §4).
import type { CustomResourceProviderBase } from 'aws-cdk-lib';
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IRole, PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { BlockPublicAccess, Bucket, BucketEncryption, BucketPolicy, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { OdinError } from '../core/errors.ts';
import type { Kind, LedgerFunction } from '../core/ledger/keys.ts';
import type { EnvironmentId, SystemFunction } from '../core/names/names.ts';
import { given, migrationRoleArn } from './functions.ts';
import { keyPattern, keyRoot, KINDS_OF_KEYS } from './ledger-access.ts';

/** Tag on a migration's role: whose part of a ledger it may write. */
export const MIGRATION_TAG = 'odin-migrate:migration';

/** What is replaced by the next of its kind: checkpoints by the million, and the kept state. */
const REPLACED_KINDS = KINDS_OF_KEYS.filter(({ written }) => written === 'again');
/** Long enough to look at what a migration did. Nothing else of a ledger ever expires. */
const FORMER_VERSIONS = Duration.days(90);

export interface LedgerProps {
  /** A bucket that was this environment's ledger before; a new one when left out. */
  existingName: string | undefined;
  encryptionKey: IKey | undefined;
  /** DESTROY empties and deletes it with the stack; everything else keeps it. */
  removalPolicy: RemovalPolicy;
}

export interface LedgerBucket {
  bucket: IBucket;
  policy: BucketPolicy;
  /** Who may empty it; undefined of one that is kept. */
  emptiedBy: string | undefined;
}

export function createLedgerBucket(
  scope: Construct,
  { existingName, encryptionKey, removalPolicy }: LedgerProps,
): LedgerBucket {
  if (existingName !== undefined) return existingLedger(scope, existingName, encryptionKey);
  const isTemporary = removalPolicy === RemovalPolicy.DESTROY;
  const bucket = new Bucket(scope, 'Ledger', {
    versioned: true,
    encryption: encryptionKey ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
    ...given({ encryptionKey, bucketKeyEnabled: encryptionKey && true }),
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    removalPolicy,
    autoDeleteObjects: isTemporary,
    lifecycleRules: REPLACED_KINDS.map(({ pattern }) => ({
      prefix: pattern.replace(/\/.*$/, '/'),
      noncurrentVersionExpiration: FORMER_VERSIONS,
    })),
  });
  const { policy } = bucket;
  if (!policy) throw new OdinError({ code: 'Internal', source: 'system', what: 'The ledger has no policy.' });
  // A bucket that is retained loses the policy that the stack made, unless that is retained too (docs/aws-facts.md).
  policy.applyRemovalPolicy(removalPolicy);
  return { bucket: bucket as IBucket, policy, emptiedBy: isTemporary ? roleThatEmpties(bucket) : undefined };
}

/** Its logical ids are those of a ledger that the stack makes itself. */
function existingLedger(scope: Construct, bucketName: string, encryptionKey: IKey | undefined): LedgerBucket {
  const bucket = Bucket.fromBucketAttributes(scope, 'Ledger', { bucketName, ...given({ encryptionKey }) });
  const below = bucket as unknown as Construct; // as every resource is
  const policy = new BucketPolicy(below, 'Policy', { bucket });
  policy.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  for (const conditions of [
    { Bool: { 'aws:SecureTransport': 'false' } },
    { NumericLessThan: { 's3:TlsVersion': 1.2 } },
  ]) {
    policy.document.addStatements(
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:*'],
        resources: [bucket.bucketArn, bucket.arnForObjects('*')],
        conditions,
      }),
    );
  }
  return { bucket, policy, emptiedBy: undefined };
}

/** The role of CDK's function that empties buckets, which is one for the whole stack. @returns its ARN */
function roleThatEmpties(bucket: Bucket): string {
  const provider = Stack.of(bucket).node.tryFindChild('Custom::S3AutoDeleteObjectsCustomResourceProvider') as
    CustomResourceProviderBase | undefined;
  if (provider) return provider.roleArn;
  throw new OdinError({
    code: 'Internal',
    source: 'system',
    what: 'This version of aws-cdk-lib empties buckets in a way that is not known.',
    next: 'Leave removalPolicy out.',
  });
}

/** @param functions all system functions that write to the ledger, or read what is secret in it, by their names */
export function protectLedger(
  { bucket, policy, emptiedBy }: LedgerBucket,
  of: EnvironmentId,
  functions: Partial<Record<SystemFunction, { role: IRole }>>,
): void {
  const keys = (patterns: string[]) => patterns.map((pattern) => bucket.arnForObjects(pattern));
  const everything = [bucket.bucketArn, bucket.arnForObjects('*')];
  const deny = (sid: string, props: PolicyStatementProps) => {
    policy.document.addStatements(
      new PolicyStatement({ sid, effect: Effect.DENY, principals: [new AnyPrincipal()], ...props }),
    );
  };

  // A delete marker would let If-None-Match succeed again (docs/aws-facts.md), so nothing is ever deleted.
  deny('NothingIsDeleted', {
    actions: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
    resources: keys(['*']),
    // A ledger that goes with its stack is emptied when that is deleted, and at no other time.
    ...given({ conditions: emptiedBy === undefined ? undefined : { ArnNotEquals: { 'aws:PrincipalArn': emptiedBy } } }),
  });

  // Replication asks for no condition, and would put one ledger's log over another's.
  deny('NothingIsReplicatedHere', {
    actions: ['s3:ReplicateObject', 's3:ReplicateDelete', 's3:ReplicateTags'],
    resources: keys(['*']),
  });

  // Who may write a record could stop all who read it by one that is there, and is answered with a 403: in an archive, or with a key of its
  // own. What a bucket does by itself is in no header, and these look at headers (docs/aws-facts.md).
  const putWith = (header: string, other: string | undefined) => ({
    Null: { [`s3:${header}`]: 'false' },
    ...given({ StringNotEquals: other === undefined ? undefined : { [`s3:${header}`]: other } }),
  });
  for (const [sid, conditions] of Object.entries({
    NothingIsArchived: putWith('x-amz-storage-class', 'STANDARD'),
    NothingHasAKeyOfItsOwn: putWith('x-amz-server-side-encryption-customer-algorithm', undefined),
    NothingHasAnotherKey: putWith('x-amz-server-side-encryption-aws-kms-key-id', bucket.encryptionKey?.keyArn),
  })) {
    deny(sid, { actions: ['s3:PutObject'], resources: keys(['*']), conditions });
  }

  const replaced = keys(unique(REPLACED_KINDS.map(keyRoot)));
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

  /** Holds for whoever is none of them: of several values a negated operator holds only if none is equal (docs/aws-facts.md). */
  function noneOf(names: readonly LedgerFunction[]): Record<string, Record<string, unknown>> {
    const roles = names.map((name) =>
      name === 'migration' ? migrationRoleArn(policy, of, '????') : roleOf(name).roleArn,
    );
    return { ArnNotLike: { 'aws:PrincipalArn': roles } };
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
