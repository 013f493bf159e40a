// What is masked of a text that goes to mails, chats and records, and what must be left in it.
import fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MASK, withoutSecrets } from '../../core/text/secrets.ts';

/** So that nothing here is taken for a credential by those who look for them. */
const joined = (...pieces: string[]): string => pieces.join('');

const ACCESS_KEY = joined('AKIA', 'IOSFODNN7EXAMPLE');
const SECRET_KEY = joined('wJalrXUtnFEMI/K7MDENG/', 'bPxRfiCYEXAMPLEKEY');
const SESSION = joined('IQoJb3JpZ2lu', 'X2VjEPr//////////wEaCWV1LXdlc3QtMSJHMEUCIQD', '+/=');
const JWT = joined(
  'eyJhbGciOiJIUzI1NiJ9.',
  'eyJzdWIiOiIxMjM0NTY3ODkwIn0',
  '.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
);
const PEM = joined(
  '-----BEGIN RSA ',
  'PRIVATE KEY',
  '-----\nMIIEpAIBAAKCAQEA7bq\nxyz+/==\n-----END RSA ',
  'PRIVATE KEY',
  '-----',
);

/** A text, and what must not be in it any more. */
const SECRETS: [string, ...string[]][] = [
  ['connect ECONNREFUSED postgres://app:s3cr-t@db.internal:5432/app', 's3cr-t'],
  ['mysql://root:p@ss@word@10.0.0.1/x refused', 'p@ss', 'word@'],
  ['redis://:hunter2@cache:6379', 'hunter2'],
  ['amqps://user:ab/cd+ef@host/vhost', 'ab/cd+ef'],
  ['mongodb+srv://u:%40secret%2F@cluster0.mongodb.net/?retryWrites=true', '%40secret%2F'],
  ['fatal: https://x-access-token:abcdef123@github.com/a/b.git', 'abcdef123'],
  ['fatal: https://abcdefghijklmnopqrst123@github.com/a/b.git', 'abcdefghijklmnopqrst123'],
  ['login failed: password=hunter2', 'hunter2'],
  ['login failed: password = "hunter two"', 'hunter two', 'two'],
  ["login failed for {user: 'a', password: 'hunter two'}", 'hunter'],
  ['password: correcthorse', 'correcthorse'],
  ['Server=db;User Id=sa;Password=Pa55,word;Encrypt=true', 'Pa55', 'word;'],
  ['PGPASSWORD=hunter2 psql -h db', 'hunter2'],
  ['DB_PASSWORD_VALUE=hunter2', 'hunter2'],
  ['mysqldump --password hunter2 --host db', 'hunter2'],
  ['curl --api-key=hunter2', 'hunter2'],
  ['{"user":"a","password":"hun\\"ter2","host":"b"}', 'ter2'],
  ['payload "{\\"password\\":\\"hunter2\\",\\"host\\":\\"b\\"}"', 'hunter2'],
  ['{ clientSecret: abc123def }', 'abc123def'],
  ['GET https://api.example.com/v1?user=1&token=abc123&page=2', 'abc123'],
  ['GET https://api.example.com/v1?access_token=abc%2F123', 'abc%2F123'],
  ['apiKey: "abc-123"', 'abc-123'],
  ['x-api-key: 8f3b2c1d', '8f3b2c1d'],
  ['AccountKey=abc/def+ghi==;EndpointSuffix=core.windows.net', 'abc/def', 'ghi'],
  ['https://a.blob.core.windows.net/c?sv=2022&sig=abc%3D&se=2026', 'abc%3D'],
  [`The AWS Access Key Id ${ACCESS_KEY} does not exist`, ACCESS_KEY],
  [`AWS_ACCESS_KEY_ID=${ACCESS_KEY} AWS_SECRET_ACCESS_KEY=${SECRET_KEY}`, ACCESS_KEY, SECRET_KEY],
  [`credentials ${ACCESS_KEY} ${SECRET_KEY}.`, ACCESS_KEY, SECRET_KEY],
  [`{ SecretAccessKey: '${SECRET_KEY}', SessionToken: '${SESSION}' }`, SECRET_KEY, SESSION],
  [`got ${SESSION}`, SESSION.slice(0, 30)],
  [
    `https://bucket.s3.eu-west-1.amazonaws.com/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${ACCESS_KEY}%2F20260301%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Security-Token=${encodeURIComponent(SESSION)}&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024&X-Amz-SignedHeaders=host`,
    ACCESS_KEY,
    'IQoJ',
    'fe5f80f77d5fa3beca',
  ],
  ['https://d1.cloudfront.net/a?Expires=1&Signature=nitfHRCrtziwO2HwPfWw~yYDhUF5&Key-Pair-Id=K2', 'nitfHRCrtziwO2'],
  [
    `authorization: AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/20260301/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=fe5f80f77d5f`,
    'fe5f80f77d5f',
  ],
  ["headers: { Authorization: 'Basic dXNlcjpwYXNz' }", 'dXNlcjpwYXNz'],
  ['"authorization":"Bearer abc.def-123"', 'abc.def-123'],
  ['401 for Bearer abcdefgh12', 'abcdefgh12'],
  ['Cookie: sid=abc; theme=dark', 'sid', 'abc'],
  [`invalid token ${JWT}`, 'eyJzdWIi', 'dozjgNry'],
  [`key ${PEM} is not valid`, 'MIIEpAIBAAKCAQEA7bq', 'xyz'],
  [JSON.stringify({ pem: PEM }), 'MIIEpAIBAAKCAQEA7bq', 'xyz'],
  [PEM.slice(0, 60), 'MIIEpAIBAAKCAQEA7bq'],
  [joined('-----BEGIN OPENSSH ', 'PRIVATE KEY', '-----\nb3BlbnNzaC1rZXk'), 'b3BlbnNzaC1rZXk'],
  [joined('ghp_', 'a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8', ' is revoked'), 'a1B2c3D4'],
  [joined('xoxb-', '123456789012-abcdefghij'), '123456789012'],
  [joined('POST https://hooks.slack.com/services/', 'T000/B000/XXXXXXXX', ' failed'), 'XXXXXXXX'],
  [joined('sk_live_', '4eC39HqLyjWDarjtT1zdp7dc'), '4eC39HqLyj'],
  [`TaskTimedOut AQCEAAAAKgAAAAMAAAAA${'b64Token'.repeat(20)}`, 'b64Token'],
];

/** Texts without which an error says nothing. */
const OTHERS = [
  'NoSuchKey: s3://bucket/exports/2026/03/01/part-00000-a1b2c3d4.snappy.parquet',
  's3://bucket/tokens/2026/passwords.csv',
  's3://bucket/secret/user@example.com/a=b/c:d',
  'http://127.0.0.1:9000/bucket/a@b/c:d@e',
  'http://[::1]:9000/bucket/a@b',
  'ssh://git@github.com/a/b.git',
  'https://example.com:8443/a?b=c&d=e#f@g',
  'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf is not there',
  'secret=arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf',
  'arn:aws:states:eu-west-1:123456789012:execution:odin-migrate-odin-dev:run-2026-03-01T12-00-00-000Z-1',
  'User: arn:aws:sts::123456789012:assumed-role/odin-migrate--odin-dev--0001/session is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf',
  'Error in authorization: AccessDenied: User arn:aws:iam::123456789012:user/a',
  'encryptionKey=arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  'AROAEXAMPLEID1234567890:session',
  'ETag "9b2cf535f27731c974343645a3985328-12"',
  'commit 347f0f0dc3a1b2c3d4e5f60718293a4b5c6d7e8f',
  'sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
  'Request ID: 4442587FB7D0A2F9, Extended Request ID: uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg==',
  'VersionId 3HL4kqtJvjVBH40Nrjfkd, UploadId VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA',
  'SyntaxError: Unexpected token } in JSON at position 4',
  'Unexpected token: identifier',
  'The security token included in the request is expired',
  'Basic authentication failed; Bearer authentication is needed',
  'used 1500 tokens (max_tokens: 4096)',
  'password is wrong; the password must have 8 characters',
  'password=undefined token=null secret=***',
  "TypeError: Cannot read properties of undefined (reading 'token')\n    at migration (/var/task/migrations/odin-dev/0002.ts:12:9)\n    at file:///var/task/index.mjs:1:2\n    at node:internal/process:1:2",
  'wrote Exports/2026/Customers/Full/Part0001A/x1',
  'pass: 12, fail: 3',
  'ECONNREFUSED 127.0.0.1:5432',
  'npx --no-install odin-migrate resume odin-dev retry --from-start --reason "the token was renewed"',
  'arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef',
];

describe('what looks like a credential', () => {
  it.each(SECRETS)('is masked: %s', (text, ...secrets) => {
    const masked = withoutSecrets(text);
    expect(masked).toContain(MASK);
    for (const secret of secrets) expect(masked).not.toContain(secret);
    expect(withoutSecrets(masked)).toBe(masked);
  });

  it('leaves what stands around it', () => {
    expect(withoutSecrets('connect to postgres://app:s3cret@db.internal:5432/app failed')).toBe(
      'connect to postgres://app:***@db.internal:5432/app failed',
    );
    expect(withoutSecrets('{"user":"a","password":"hunter2","host":"b"}')).toBe(
      '{"user":"a","password":"***","host":"b"}',
    );
    expect(withoutSecrets('GET /v1?user=1&token=abc123&page=2')).toBe('GET /v1?user=1&token=***&page=2');
    expect(withoutSecrets('Server=db;Password=a;Encrypt=true')).toBe('Server=db;Password=***;Encrypt=true');
    expect(withoutSecrets('"{\\"password\\":\\"hunter2\\",\\"host\\":\\"b\\"}"')).toBe(
      '"{\\"password\\":\\"***\\",\\"host\\":\\"b\\"}"',
    );
    expect(withoutSecrets('(password: hunter2), then')).toBe('(password: ***), then');
  });

  it.each(OTHERS)('is not: %s', (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });

  it('is a secret key of AWS, whichever it is', () => {
    for (let n = 0; n < 500; n += 1) {
      const key = randomBytes(30).toString('base64');
      expect(withoutSecrets(`the key ${key} leaked`)).toBe(`the key ${MASK} leaked`);
    }
  });

  it('is no hash, commit, UUID, ETag, ARN or key of an object', () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/);
    const segment = fc.oneof(
      word,
      fc.stringMatching(/^\d{1,8}$/),
      fc.uuid(),
      fc.stringMatching(/^[a-z]{2,8}-\d{4}\.(csv|json|parquet)$/),
    );
    const key = fc.array(segment, { minLength: 1, maxLength: 8 }).map((segments) => segments.join('/'));
    const digest = fc
      .tuple(
        fc.constantFrom('md5', 'sha1', 'sha256', 'sha512'),
        fc.constantFrom('hex' as const, 'base64' as const),
        fc.string(),
      )
      .map(([algorithm, form, text]) => createHash(algorithm).update(text).digest(form));
    fc.assert(
      fc.property(
        fc.oneof(
          key,
          digest,
          fc.uuid(),
          key.map((path) => `arn:aws:s3:::bucket/${path}`),
        ),
        (name) => {
          for (const text of [name, `s3://bucket/${name} is not there`, `"${name}"`, `at ${name}.`]) {
            expect(withoutSecrets(text)).toBe(text);
          }
        },
      ),
    );
  });

  it('is looked for in texts of any kind in time that grows with their length', () => {
    const pieces = [
      'a',
      'a://b:',
      'password',
      'password=',
      '"',
      '\\"',
      'arn:',
      '-----BEGIN PRIVATE KEY-----',
      'eyJaaaaa.',
      'Bearer ',
      'cookie:',
      ' ',
      '/',
      '@',
      '--token ',
    ];
    for (const piece of pieces) {
      const text = piece.repeat(Math.ceil(100_000 / piece.length));
      const begun = process.cpuUsage();
      withoutSecrets(text);
      const { user } = process.cpuUsage(begun);
      expect([piece, user < 5e6]).toEqual([piece, true]);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(withoutSecrets(withoutSecrets(text))).toBe(withoutSecrets(text));
      }),
    );
  });
});
