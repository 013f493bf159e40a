// Every error of AWS that a person can meet has a sentence of its own: what happened, and what to do.
import { DescribeStacksCommand, CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client, ListBucketsCommand } from '@aws-sdk/client-s3';
import path from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { assertEndpoints, awsError } from '../../client/aws-errors.ts';
import { failedStack, findDeployment, s3ClientOf } from '../../client/deployment.ts';
import { OdinError } from '../../core/errors.ts';
import { start } from '../local/support.ts';
import { temporaryProject } from '../support/project.ts';

const error = (name: string, message: string, more: object = {}) => Object.assign(new Error(message), { name }, more);
const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('by its name, or Node.js’s code for it', () => {
  const names = (text: string) => text.trim().split(/\s+/);
  const NAMES = {
    'clock of this machine': `RequestTimeTooSkewed RequestExpired RequestInTheFuture`,
    'asked too often': `Throttling ThrottlingException ThrottledException KMSThrottlingException EC2ThrottledException
      TooManyRequestsException RequestLimitExceeded BandwidthLimitExceeded ProvisionedThroughputExceededException SlowDown
      RequestThrottled RequestThrottledException PriorRequestNotComplete`,
    'have expired': `ExpiredToken ExpiredTokenException TokenRefreshRequired`,
    'does not know who you are': `CredentialsProviderError TokenProviderError InvalidClientTokenId UnrecognizedClientException
      InvalidAccessKeyId InvalidToken InvalidSignatureException SignatureDoesNotMatch MissingAuthenticationToken
      MissingAuthenticationTokenException IncompleteSignature IncompleteSignatureException AuthFailure NotSignedUp OptInRequired`,
    ': no': `AccessDenied AccessDeniedException UnauthorizedOperation AuthorizationError`,
    'AWS was not asked': `ConfigError`,
    'an endpoint is no URL': `EndpointError`,
    'did not answer': `TimeoutError`,
  };
  const CODES = {
    'clock of this machine': `CERT_NOT_YET_VALID`,
    'an endpoint is no URL': `ERR_INVALID_URL ERR_INVALID_PROTOCOL`,
    'did not answer': `ECONNREFUSED ECONNRESET EPIPE ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH ENETUNREACH ENETDOWN
      ERR_PROXY_TUNNEL`,
    'not trusted': `CERT_HAS_EXPIRED SELF_SIGNED_CERT_IN_CHAIN DEPTH_ZERO_SELF_SIGNED_CERT UNABLE_TO_VERIFY_LEAF_SIGNATURE
      ERR_TLS_CERT_ALTNAME_INVALID ERR_SSL_WRONG_VERSION_NUMBER EPROTO`,
  };
  const cases = (of: Record<string, string>) =>
    Object.entries(of).flatMap(([what, text]) => names(text).map((name) => [name, what] as const));

  it.each(cases(NAMES))('%s: %s; of another name it is what AWS answered', (name, what) => {
    expect(awsError(error(name, 'no'))?.what).toContain(what);
    for (const other of [`My${name}`, `${name}2`]) {
      expect(awsError(error(other, 'no', { $metadata: { httpStatusCode: 400 } }))?.code).toBe('AwsRefused');
      expect(awsError(error(other, 'no'))).toBeUndefined();
    }
  });

  it.each(cases(CODES))('%s: %s; of another code it is none of AWS', (code, what) => {
    expect(awsError(error('Error', 'no', { code }))?.what).toContain(what);
    for (const other of [`MY_${code}`, `${code}-2`])
      expect(awsError(error('Error', 'no', { code: other }))).toBeUndefined();
  });

  it('of a person to mend, or of the way to AWS, with what to check and the variables that lead elsewhere', () => {
    for (const name of ['AWS_ENDPOINT_URL', 'HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy'])
      vi.stubEnv(name, '');
    const told = (name: string, more: object = {}) => {
      const { source, next } = awsError(error(name, 'no', more)) ?? {};
      return [source, next];
    };
    const answered = { $metadata: { httpStatusCode: 400 } };
    expect(told('TimeoutError')).toEqual(['system', 'Check the network and --region.']);
    expect(told('Strange', answered)).toEqual(['system', 'Try again, if it may pass. Check --profile and --region.']);
    expect(told('SlowDown')).toEqual(['system', 'Nothing is wrong with the environment. Try again in a minute.']);
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://here');
    expect(told('Strange', answered)[1]).toBe(
      'Try again, if it may pass. Check --profile, --region and AWS_ENDPOINT_URL.',
    );
    vi.stubEnv('HTTPS_PROXY', 'http://proxy');
    vi.stubEnv('HTTP_PROXY', 'http://proxy');
    expect(told('Error', { code: 'EPROTO' })).toEqual([
      'system',
      'If what stands in between has a certificate of its own, name that in NODE_EXTRA_CA_CERTS. ' +
        'Check the clock, AWS_ENDPOINT_URL, HTTPS_PROXY and HTTP_PROXY.',
    ]);
    for (const name of [
      'RequestExpired',
      'ExpiredToken',
      'EndpointError',
      'InvalidToken',
      'ConfigError',
      'AccessDenied',
    ])
      expect([name, told(name)[0]]).toEqual([name, 'user']);
  });

  it.each([
    ['Unknown scheme: localhost', 'an endpoint is no URL'],
    ['Protocol "localhost:" not supported. Expected "http:"', 'an endpoint is no URL'],
    ['Region is missing', 'AWS was not asked: '],
    ['Region not accepted: region="x y"', 'AWS was not asked: '],
    ['Invalid region in ARN', 'AWS was not asked: '],
    ['There is no region set in the profile', 'AWS was not asked: '],
    ['The session of that profile is expired', 'Your credentials have expired'],
  ])('%s: %s', (message, what) => {
    expect(awsError(error('Error', message))?.what).toContain(what);
  });

  it('is said as it came, and is none where nothing was thrown that AWS or Node.js throws', () => {
    expect(awsError(error('AccessDenied', 'no'))?.what).toBe('AccessDenied: no');
    expect(awsError(error('Strange', 'The wanted region is missing'))).toBeUndefined();
    for (const thrown of ['ECONNREFUSED', undefined, null, { name: 'AccessDenied', message: 'no' }])
      expect(awsError(thrown)).toBeUndefined();
  });
});

describe('a ledger that could not be read', () => {
  const credentialsError = error('InvalidToken', 'no');
  const endpoint = error('EndpointError', 'no');
  const ledger = (code: 'LedgerForbidden' | 'LedgerUnavailable' | 'RecordUnreadable', cause?: Error) =>
    new OdinError({ code, source: 'system', what: 'Could not list s3://b/.', cause });

  it.each(['LedgerForbidden', 'LedgerUnavailable'] as const)('for what is wrong here is that: %s', (code) => {
    expect(awsError(ledger(code, credentialsError))?.code).toBe('NoCredentials');
    expect(awsError(ledger(code, endpoint))?.code).toBe('BadUsage');
  });

  it.each([
    ledger('RecordUnreadable', credentialsError),
    ledger('LedgerForbidden'),
    ledger('LedgerForbidden', error('AccessDenied', 'no')),
  ])('for anything else is what its function said: %s', (said) => {
    expect(awsError(said)).toBe(said);
  });
});

describe('a variable that names an endpoint', () => {
  const asked = () => {
    try {
      assertEndpoints();
    } catch (thrown) {
      return thrown;
    }
    return 'fine';
  };

  it.each(['', 'http://localhost:4566', 'https://aws.example.com/'])('may be %j', (value) => {
    vi.stubEnv('AWS_ENDPOINT_URL', value);
    vi.stubEnv('AWS_ENDPOINT_URL_S3', value);
    expect(asked()).toBe('fine');
  });

  it('is a URL with its scheme before it, whichever service it is of, and no other variable is asked', () => {
    for (const name of ['MY_AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URLS', 'AWS_ENDPOINT']) vi.stubEnv(name, 'localhost');
    expect(asked()).toBe('fine');
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3']) {
      for (const value of ['localhost', 'see http://localhost', 'ftp://here']) {
        vi.stubEnv(name, value);
        expect(asked()).toMatchObject({
          code: 'BadUsage',
          source: 'user',
          what: `Expected a URL in ${name}, found "${value}".`,
          next: `Write http:// or https:// before it, or unset ${name}.`,
        });
      }
      vi.stubEnv(name, '');
    }
  });
});

describe('an error of AWS', () => {
  it.each<readonly [string, string, string, string, string]>([
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
    ['InvalidToken', 'The provided token is malformed', 'NoCredentials', 'does not know who you are', '--profile'],
    [
      'CredentialsProviderError',
      'The SSO session associated with this profile has expired or is otherwise invalid.',
      'NoCredentials',
      'expired',
      'Sign in again',
    ],
    ['ServiceUnavailable', 'Please wait', 'AwsRefused', 'ServiceUnavailable: Please wait (HTTP 400)', 'Try again'],
    ['UnknownError', 'UnknownError', 'AwsRefused', 'UnknownError', '--region'],
  ])('%s (%s) is %s', (name, message, code, what, next) => {
    const found = awsError(error(name, message, { $metadata: { httpStatusCode: 400 } }));
    expect(found).toMatchObject({ code });
    expect(found?.what).toContain(what);
    expect(found?.next).toContain(next);
  });

  it('names the command that signs a profile in, if there is one, and says which there are where it is none of them', () => {
    const files = temporaryProject({
      config: `[default]
[sso-session team]
sso_start_url = https://team.awsapps.com/start
 [ profile  work ] 
region=[no]
 sso_session = team
[profile admin]
source_profile = work
role_arn = arn:aws:iam::111122223333:role/admin
[profile old]
sso_start_url = https://old.awsapps.com/start
[profile mine]
login_session = arn:aws:iam::111122223333:user/me
[profile tool]
credential_process = /usr/bin/tool
[profile circle]
source_profile = circle
[profile keys]
region = x
`,
      credentials: '[keys]\naws_access_key_id = AKIA\n',
    });
    onTestFinished(() => {
      files.remove();
    });
    vi.stubEnv('AWS_CONFIG_FILE', path.join(files.directory, 'config'));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', path.join(files.directory, 'credentials'));
    const region = error('Error', 'Region is missing');
    const nobody = error('CredentialsProviderError', 'Could not load credentials');
    const expired = error('CredentialsProviderError', 'Token is expired.');

    vi.stubEnv('AWS_PROFILE', '');
    expect(awsError(region)).toMatchObject({
      what: 'AWS was not asked: Region is missing',
      next: 'Name a region with --region, or set it in your profile.',
    });
    for (const [profile, command] of [
      ['work', 'aws sso login --profile work'],
      ['admin', 'aws sso login --profile work'],
      ['old', 'aws sso login --profile old'],
      ['mine', 'aws login --profile mine'],
    ] as const) {
      vi.stubEnv('AWS_PROFILE', profile);
      expect(awsError(region)?.next).toContain('--region');
      expect(awsError(nobody)?.next).toBe(`Sign in (${command}), or name a profile with --profile.`);
      expect(awsError(expired)?.next).toBe(
        `Sign in again (${command}, or as you got them), and type the same command.`,
      );
    }
    for (const profile of ['', 'tool', 'circle', 'keys']) {
      vi.stubEnv('AWS_PROFILE', profile);
      expect(awsError(nobody)?.next).toBe('Sign in, or name a profile with --profile.');
      expect(awsError(expired)?.next).toBe('Sign in again, and type the same command.');
    }
    files.write('config', '[default]\nsso_session = team\n');
    vi.stubEnv('AWS_PROFILE', '');
    expect(awsError(nobody)?.next).toBe('Sign in (aws sso login), or name a profile with --profile.');
    files.write('config', '[default]\n[profile work]\n[sso-session team]\n');
    vi.stubEnv('AWS_PROFILE', 'wrok');
    const none = 'There is no profile "wrok"; there is: default, work, keys. Name another one with --profile.';
    expect(awsError(region)?.next).toBe(none);
    expect(awsError(nobody)?.next).toBe(none);
  });

  it('of a certificate is not an error of the network', () => {
    const untrusted = error('Error', 'self-signed certificate', { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    expect(awsError(untrusted)).toMatchObject({
      code: 'AwsUnreachable',
      what: expect.stringContaining('not trusted') as string,
    });
    expect(awsError(error('Error', 'boom'))).toBeUndefined();
  });

  it('is what is wrong here, where the ledger could not be read for that, and else says that the ledger could not be read', () => {
    const ledger = (cause: Error) =>
      new OdinError({ code: 'LedgerUnavailable', source: 'system', what: 'Could not list s3://b/.', cause });
    const expired = error('ExpiredToken', 'The provided token has expired.', { $metadata: { httpStatusCode: 400 } });
    expect(awsError(ledger(expired))).toMatchObject({ code: 'NoCredentials' });
    const away = ledger(error('Error', 'connect ECONNREFUSED', { code: 'ECONNREFUSED' }));
    expect(awsError(away)).toBe(away);
  });

  it.each(['localhost:4566', 'ftp://here', 'http://here:x'])(
    'an AWS_ENDPOINT_URL that is no URL (%s) is told before anybody is asked',
    async (endpoint) => {
      vi.stubEnv('AWS_ENDPOINT_URL_SSM', endpoint);
      await expect(findDeployment('odin-dev', { aws: { region: 'eu-west-1' } })).rejects.toMatchObject({
        code: 'BadUsage',
        what: `Expected a URL in AWS_ENDPOINT_URL_SSM, found "${endpoint}".`,
      });
    },
  );

  it('is none of another account than the file names: it is told before anything is looked at', async () => {
    const asked: string[] = [];
    const aws = await start({
      onRequest: ({ operation }) => {
        asked.push(operation);
        return 'pass';
      },
    });
    try {
      const { endpoint, region, credentials: own } = aws.aws;
      const place = (account: string) => ({ app: 'shop', account, aws: { endpoint, region, credentials: own } });
      await expect(findDeployment('odin-dev', place('999999999999'))).rejects.toMatchObject({
        code: 'OtherAccount',
        what: 'odin-dev is in account 999999999999, and these credentials are of account 000000000000.',
      });
      expect(asked).toEqual(['GetCallerIdentity']);
      await expect(findDeployment('odin-dev', place('000000000000'))).rejects.toMatchObject({
        code: 'NotDeployed',
        why: `They lead to account 000000000000, region ${region}. Found there: no environment.`,
      });
    } finally {
      await aws.stop();
    }
  });

  it.each(['ROLLBACK_COMPLETE', 'ROLLBACK_FAILED'] as const)(
    'a first deployment that is %s has failed',
    (StackStatus) => {
      const stack = { StackName: 'a', CreationTime: new Date(0) };
      expect(failedStack({ ...stack, StackStatus })).toBe(true);
      expect(failedStack({ ...stack, StackStatus: 'UPDATE_ROLLBACK_COMPLETE' })).toBe(false);
    },
  );

  it('of a named endpoint comes from the bucket in its path: not every machine resolves a bucket’s name', () => {
    const isInPath = (options: object = {}) => s3ClientOf({ region: 'eu-west-1', ...options }).config.forcePathStyle;
    expect([isInPath({ endpoint: 'http://aws.test:4566' }), isInPath()]).toEqual([true, false]);
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3']) {
      vi.stubEnv(name, 'http://aws.test:4566');
      expect(isInPath()).toBe(true);
      vi.stubEnv(name, '');
      expect(isInPath()).toBe(false);
    }
  });

  it('while an environment is looked for does not say that it is not deployed', async () => {
    const aws = await start({
      onRequest: ({ service }) => (service === 'cloudformation' ? { status: 400, code: 'Throttling' } : 'pass'),
    });
    try {
      const { endpoint, region, credentials: own } = aws.aws;
      const place = { app: 'shop', aws: { endpoint, region, credentials: own, maxAttempts: 1 } };
      await expect(findDeployment('odin-dev', place)).rejects.toMatchObject({ code: 'AwsUnreachable' });
    } finally {
      await aws.stop();
    }
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

it('what was pasted along with credentials is named, and is no error of ours', async () => {
  const pasted = { accessKeyId: 'AKIAEXAMPLE\r', secretAccessKey: 'b' };
  const s3 = new S3Client({ endpoint: 'http://127.0.0.1:1', region: 'eu-west-1', credentials: pasted, maxAttempts: 1 });
  const thrown: unknown = await s3.send(new ListBucketsCommand({})).catch((error: unknown) => error);
  expect(awsError(thrown)).toMatchObject({
    code: 'NoCredentials',
    what: expect.stringContaining('there is a line break, or another character that cannot be seen') as string,
  });
});
