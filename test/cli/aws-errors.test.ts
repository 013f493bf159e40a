// Every error of AWS that a person can meet has a sentence of its own: what happened, and what to do.
import { DescribeStacksCommand, CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client, ListBucketsCommand } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { awsError } from '../../client/aws-errors.ts';

const error = (name: string, message: string, more: object = {}) => Object.assign(new Error(message), { name }, more);
const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('an error of AWS', () => {
  it.each([
    [
      'ExpiredToken',
      'The provided token has expired.',
      'NoCredentials',
      'Your credentials have expired',
      'Sign in again',
    ],
    [
      'ExpiredTokenException',
      'The security token included in the request is expired',
      'NoCredentials',
      'expired',
      'Sign in',
    ],
    [
      'CredentialsProviderError',
      'Token is expired. To refresh run aws sso login',
      'NoCredentials',
      'expired',
      'Sign in',
    ],
    [
      'CredentialsProviderError',
      'Could not load credentials',
      'NoCredentials',
      'does not know who you are',
      '--profile',
    ],
    ['RequestTimeTooSkewed', 'The difference is too large.', 'NoCredentials', 'clock', 'Set the clock'],
    [
      'InvalidSignatureException',
      'Signature expired: 2026 is now earlier than',
      'NoCredentials',
      'clock',
      'Set the clock',
    ],
    ['SignatureDoesNotMatch', 'Signature not yet current', 'NoCredentials', 'clock', 'Set the clock'],
    ['Throttling', 'Rate exceeded', 'AwsUnreachable', 'asked too often', 'Try again in a minute'],
    ['ThrottlingException', 'Rate exceeded', 'AwsUnreachable', 'asked too often', 'Try again in a minute'],
    ['TooManyRequestsException', 'Too many', 'AwsUnreachable', 'asked too often', 'Try again in a minute'],
    ['SlowDown', 'Please reduce your request rate.', 'AwsUnreachable', 'asked too often', 'Try again in a minute'],
    ['AccessDenied', 'no', 'AwsForbidden', 'AccessDenied: no', '--profile'],
  ])('%s (%s) is %s', (name, message, code, what, next) => {
    const found = awsError(error(name, message, { $metadata: { httpStatusCode: 400 } }));
    expect(found).toMatchObject({ code });
    expect(found?.what).toContain(what);
    expect(found?.next).toContain(next);
  });

  it.each(['localhost:4566', '127.0.0.1:4566', 'localhost'])(
    'an endpoint without http:// (%s) says so',
    async (endpoint) => {
      vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
      const s3 = new S3Client({ region: 'eu-west-1', credentials, maxAttempts: 1 });
      const thrown: unknown = await s3.send(new ListBucketsCommand({})).catch((caught: unknown) => caught);
      expect(awsError(thrown)).toMatchObject({ code: 'BadUsage', next: expect.stringContaining('http://') as string });
    },
  );

  it('an empty region says so', async () => {
    vi.stubEnv('AWS_REGION', '');
    vi.stubEnv('AWS_CONFIG_FILE', '/none');
    const thrown: unknown = await Promise.resolve()
      .then(() => new CloudFormationClient({ region: '', credentials }).send(new DescribeStacksCommand({})))
      .catch((caught: unknown) => caught);
    expect(awsError(thrown)).toMatchObject({ code: 'BadUsage', next: expect.stringContaining('--region') as string });
  });
});
