// Which AWS API operations only read. A preview sends these and nothing else; its session may do these and nothing else.
// Whatever is not here, a service as a whole too, counts as a write.

interface ReadOnlyService {
  /** The service's prefix in IAM actions. */
  iam: string;
  /** Operations that only read. A `*` at the end stands for the rest of the name. */
  operations: readonly string[];
  /** Actions in IAM, where these are not the operations. */
  actions?: readonly string[] | undefined;
  /** What its requests are signed for, where that is not `iam`. */
  signedFor?: string | undefined;
  /** What its hosts begin with, after a bucket or an account and before the region, where that is not what it is signed for. */
  hosts?: readonly string[] | undefined;
  /** `REST`: what a GET or HEAD asks for is a read. All others name their operation. */
  protocol?: 'REST' | undefined;
}

/**
 * By `serviceId` of the SDK's client. From the Service Authorization Reference, whose access levels are Read and List for
 * each; looked through for operations that begin with Get, List or Describe and change something all the same.
 */
export const READ_ONLY_SERVICES: Readonly<Record<string, ReadOnlyService>> = {
  // HeadObject, HeadBucket, SelectObjectContent and the listings are s3:GetObject and s3:ListBucket in IAM.
  S3: {
    iam: 's3',
    operations: ['Get*', 'Head*', 'List*', 'SelectObjectContent'],
    actions: ['Get*', 'List*'],
    hosts: ['s3', 's3-accelerate', 's3-accesspoint'],
    protocol: 'REST',
  },
  DynamoDB: {
    iam: 'dynamodb',
    operations: [
      'BatchGetItem',
      'Describe*',
      'GetItem',
      'GetResourcePolicy',
      'List*',
      'Query',
      'Scan',
      'TransactGetItems',
    ],
    actions: ['BatchGetItem', 'Describe*', 'GetItem', 'GetResourcePolicy', 'List*', 'Query', 'Scan'],
    hosts: ['dynamodb', 'ddb'],
  },
  // Not ReceiveMessage: it hides the messages from other consumers.
  SQS: { iam: 'sqs', operations: ['GetQueue*', 'List*'], hosts: ['sqs', 'queue'] },
  SNS: { iam: 'sns', operations: ['Get*', 'List*'] },
  Lambda: { iam: 'lambda', operations: ['Get*', 'List*'], protocol: 'REST' },
  // Not GetActivityTask: it takes the task.
  SFN: { iam: 'states', operations: ['Describe*', 'GetExecutionHistory', 'List*'] },
  EventBridge: { iam: 'events', operations: ['Describe*', 'List*'] },
  Kinesis: {
    iam: 'kinesis',
    operations: ['Describe*', 'Get*', 'List*'],
    hosts: ['kinesis', 'control-kinesis', 'data-kinesis'],
  },
  Firehose: { iam: 'firehose', operations: ['Describe*', 'List*'] },
  // Not StartQueryExecution: a query may write, and writes its result in any case.
  // Nor every Get*: GetPresignedNotebookUrl and GetSessionEndpoint give what lets somebody in.
  Athena: {
    iam: 'athena',
    operations: [
      ...['BatchGet*', 'GetCalculation*', 'GetCapacity*', 'GetDataCatalog', 'GetDatabase', 'GetNamedQuery'],
      ...['GetNotebookMetadata', 'GetPreparedStatement', 'GetQuery*', 'GetSession', 'GetSessionStatus'],
      ...['GetTableMetadata', 'GetWorkGroup', 'List*'],
    ],
  },
  Glue: { iam: 'glue', operations: ['BatchGet*', 'Get*', 'List*', 'SearchTables'] },
  // Not every Get*: GetAccessToken gives credentials.
  SSM: { iam: 'ssm', operations: ['Describe*', 'GetDocument', 'GetParameter*', 'List*'] },
  'Secrets Manager': { iam: 'secretsmanager', operations: ['BatchGetSecretValue', 'Describe*', 'Get*', 'List*'] },
  // Decrypt, because S3 and others decrypt what is read with the caller's permission.
  KMS: { iam: 'kms', operations: ['Decrypt', 'Describe*', 'Get*', 'List*'] },
  // Not GetSessionToken and GetFederationToken, and not AssumeRole: credentials that this session does not narrow.
  STS: { iam: 'sts', operations: ['GetCallerIdentity'] },
  IAM: { iam: 'iam', operations: ['Get*', 'List*'] },
  CloudFormation: { iam: 'cloudformation', operations: ['Describe*', 'Get*', 'List*'] },
  CloudWatch: { iam: 'cloudwatch', operations: ['Describe*', 'Get*', 'List*'], signedFor: 'monitoring' },
  'CloudWatch Logs': { iam: 'logs', operations: ['Describe*', 'FilterLogEvents', 'Get*', 'List*'] },
  EC2: { iam: 'ec2', operations: ['Describe*'] },
  ECS: { iam: 'ecs', operations: ['Describe*', 'List*'] },
  RDS: { iam: 'rds', operations: ['Describe*', 'ListTagsForResource'] },
  'Resource Groups Tagging API': { iam: 'tag', operations: ['Get*'], signedFor: 'tagging' },
};

/**
 * @param serviceId as the SDK's client says it, e.g. `S3` or `CloudWatch Logs`
 * @param operation e.g. `HeadObject`
 */
export const isReadOnly = (serviceId: string, operation: string): boolean =>
  Object.hasOwn(READ_ONLY_SERVICES, serviceId) &&
  (READ_ONLY_SERVICES[serviceId]?.operations ?? []).some((pattern) =>
    pattern.endsWith('*') ? operation.startsWith(pattern.slice(0, -1)) : operation === pattern,
  );

export interface SignedService {
  serviceId: string;
  hosts: readonly string[];
  protocol?: 'REST' | undefined;
}

/** The service whose requests are signed for `name`; undefined for one of which nothing is known. */
export function serviceSignedFor(name: string): SignedService | undefined {
  for (const [serviceId, { iam, signedFor = iam, hosts = [signedFor], protocol }] of Object.entries(
    READ_ONLY_SERVICES,
  )) {
    if (signedFor === name) return { serviceId, hosts, protocol };
  }
  return undefined;
}

/**
 * The session policy of a preview, as JSON. AWS intersects it with the role's own permissions: it grants nothing. What it does not
 * let through it denies by name: a resource policy that allows something to the session could win over an implicit deny, and
 * never does over an explicit one (docs/aws-facts.md). At most 2,048 characters (STS AssumeRole, `Policy`).
 */
export function readOnlySessionPolicy(): string {
  const actions = Object.values(READ_ONLY_SERVICES).flatMap(({ iam, operations, actions: named = operations }) =>
    named.map((action) => `${iam}:${action}`),
  );
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', NotAction: actions, Resource: '*' },
    ],
  });
}
