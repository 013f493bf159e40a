// What a preview may send, and what its session may do.
import { describe, expect, it } from 'vitest';
import type { Statement } from '../support/policies.ts';
import { isAllowed } from '../support/policies.ts';
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
  const policy = JSON.parse(readOnlySessionPolicy()) as { Statement: Statement[] };
  const actions = policy.Statement.flatMap(({ NotAction = [] }) => NotAction);
  const everything: Statement = { Effect: 'Allow', Action: '*', Resource: '*' };
  const may = (action: string, role: Statement[], resourcePolicy: Statement[] = []) => {
    const principal = {
      arn: 'arn:aws:sts::111122223333:assumed-role/of-0004/preview-0004',
      tags: {},
      statements: role,
    };
    const request = { principal: { ...principal, session: policy.Statement }, action, resource: 'arn:aws:s3:::b/k' };
    return isAllowed(request, resourcePolicy);
  };

  it('lets reading actions through by name, and no whole service', () => {
    for (const action of actions) {
      expect(action).toMatch(/^[a-z0-9]+:(BatchGet|Decrypt|Describe|Filter|Get|List|Query|Scan|Search)\w*\*?$/);
    }
    expect(new Set(actions.map((action) => action.split(':')[0])).size).toBe(Object.keys(READ_ONLY_SERVICES).length);
  });

  it('grants nothing: what the role may not read, the session may not', () => {
    expect(may('s3:GetObject', [everything])).toBe(true);
    expect(may('s3:GetObject', [])).toBe(false);
  });

  it.each([
    's3:PutObject',
    's3:DeleteObject',
    'sqs:SendMessage',
    'dynamodb:PutItem',
    'states:StartExecution',
    'iam:PassRole',
  ])(
    'denies %s to the role that may do everything, and against a resource policy that gives it to the session',
    (action) => {
      expect(may(action, [everything])).toBe(false);
      expect(may(action, [everything], [everything])).toBe(false);
    },
  );

  it('fits into what STS takes', () => {
    expect(readOnlySessionPolicy().length).toBeLessThanOrEqual(2_048);
  });
});
