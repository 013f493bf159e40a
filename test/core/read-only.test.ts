// What a preview may send, and what its session may do.
import { describe, expect, it } from 'vitest';
import { isReadOnly, READ_ONLY_SERVICES, readOnlySessionPolicy } from '../../core/preview/read-only.ts';

describe('isReadOnly', () => {
  it.each([
    ['S3', 'GetObject'],
    ['S3', 'HeadObject'],
    ['S3', 'ListObjectsV2'],
    ['S3', 'SelectObjectContent'],
    ['DynamoDB', 'Query'],
    ['DynamoDB', 'TransactGetItems'],
    ['Secrets Manager', 'GetSecretValue'],
    ['KMS', 'Decrypt'],
    ['STS', 'GetCallerIdentity'],
    ['CloudWatch Logs', 'FilterLogEvents'],
  ])('%s %s reads', (service, operation) => {
    expect(isReadOnly(service, operation)).toBe(true);
  });

  it.each([
    ['S3', 'PutObject'],
    ['S3', 'CreateSession'],
    ['S3', 'RestoreObject'],
    ['DynamoDB', 'TransactWriteItems'],
    ['DynamoDB', 'ExecuteStatement'],
    ['SQS', 'ReceiveMessage'],
    ['SFN', 'GetActivityTask'],
    ['Athena', 'StartQueryExecution'],
    ['SSM', 'GetAccessToken'],
    ['STS', 'AssumeRole'],
    ['STS', 'GetSessionToken'],
    ['KMS', 'Encrypt'],
    ['Unheard Of', 'GetThing'],
    ['constructor', 'GetThing'],
    ['S3', ''],
    ['S3', 'Gobble'],
  ])('%s %s counts as a write', (service, operation) => {
    expect(isReadOnly(service, operation)).toBe(false);
  });
});

describe('the session policy', () => {
  const policy = JSON.parse(readOnlySessionPolicy()) as { Statement: { Effect: string; Action: string[] }[] };
  const actions = policy.Statement.flatMap(({ Action }) => Action);

  it('allows reading actions by name, and no whole service', () => {
    expect(policy.Statement.map(({ Effect }) => Effect)).toEqual(['Allow']);
    expect(actions).toContain('s3:Get*');
    for (const action of actions) {
      expect(action).toMatch(/^[a-z0-9]+:(BatchGet|Decrypt|Describe|Filter|Get|List|Query|Scan|Search)\w*\*?$/);
    }
    expect(new Set(actions.map((action) => action.split(':')[0])).size).toBe(Object.keys(READ_ONLY_SERVICES).length);
  });

  it('fits into what STS takes', () => {
    expect(readOnlySessionPolicy().length).toBeLessThanOrEqual(2_048);
  });
});
