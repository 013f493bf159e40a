// What is masked of a text that goes to mails, chats and records, and what must be left in it.
import fc from 'fast-check';
import { createHash } from 'node:crypto';
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
  ['password:\n  hunter2', 'hunter2'],
  ['{\n  "password":\n    "hunter2"\n}', 'hunter2'],
  ['{"password":["hunter2"]}', 'hunter2'],
  ['{"password":{"value":"hunter2"}}', 'hunter2'],
  ["{'password': u'hunter2'}", 'hunter2'],
  ['<db:password>hunter2</db:password>', 'hunter2'],
  ['<add key="password" value="hunter2"/>', 'hunter2'],
  ['{"name":"DB_PASSWORD","value":"hunter2"}', 'hunter2'],
  ['{\\"Key\\":\\"DB_PASSWORD\\",\\"Value\\":\\"hunter2\\"}', 'hunter2'],
  ["rawHeaders: [ 'Authorization', 'Basic dXNlcjpwYXNz', 'x-api-key', 'abc-123-xyz' ]", 'dXNlcjpwYXNz', 'abc-123-xyz'],
  ['Proxy-Authorization: Basic dXNlcjpwYXNz', 'dXNlcjpwYXNz'],
  ['X-Amz-Security-Token: abcDEF123/+=', 'abcDEF123'],
  ['https://b.s3.amazonaws.com/k?AWSAccessKeyId=x&Signature=abc%2Fdef%3D&Expires=1', 'abc%2Fdef'],
  ['?redirect=https%3A%2F%2Fx%3Ftoken%3Dhunter2', 'hunter2'],
  ['GET //user:hunter2@host/path', 'hunter2'],
  ['curl -u admin:hunter2 https://x', 'hunter2'],
  ['curl --user admin:hunter2 https://x', 'hunter2'],
  ['mysqldump -uroot -phunter2 app', 'hunter2'],
  ["CREATE USER a IDENTIFIED BY 'hunter2'", 'hunter2'],
  ["ALTER USER a WITH PASSWORD 'hunter two'", 'hunter', 'two'],
  [joined('---- BEGIN SSH2 ENCRYPTED ', 'PRIVATE KEY', ' ----\nMIIEpAIB\n---- END SSH2 KEY ----'), 'MIIEpAIB'],
  [joined('PuTTY-User-Key', '-File-3: ssh-rsa\nPrivate-Lines: 14\nAAAAgQ'), 'AAAAgQ'],
  [joined('AGE-SECRET', '-KEY-1', 'Q'.repeat(58)), 'QQQQ'],
  [joined('glptt', '-a1b2c3d4e5f6g7h8i9j0k1l2'), 'a1b2c3'],
  [joined('xapp', '-1-A0123456789-1234567890-abcdef'), 'A0123456789'],
  [joined('dop', '_v1_', '0123456789abcdef'.repeat(4)), '0123456789'],
  [joined('pypi', '-AgEIcHlwaS5vcmcabcdefghijklmnop'), 'AgEIcHlw'],
  [joined('dckr', '_pat_abcdefghijklmnopqrstuvwxyz'), 'abcdefghij'],
  [joined('hv', 's.CAESIJabcdefghijklmnopqrstuvwxyz'), 'CAESIJ'],
  [joined('ya', '29.a0AfH6SMBabcdefghijklmnopqrstuv'), 'a0AfH6SMB'],
  [joined('shp', 'at_', '0123456789abcdef'.repeat(2)), '0123456789'],
  [joined('POST https://discord.com/api/webhooks/', '123456789012345678/abcDEF_ghijklmnop'), 'abcDEF'],
  [joined('POST https://x.webhook.office.com/webhookb2/', '1b4e28ba-2fa1@1b4e28ba/Incoming/abcdef0123'), 'abcdef0123'],
  ['connection: "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=abcd1234="', 'abcd1234'],
  [`TaskTimedOut AQCEAAAAKgAAAAMAAAAA${'b64Token'.repeat(20)}`, 'b64Token'],
  ['connect failed: scott:tiger@db.example.com:1521', 'tiger'],
  ['cannot reach user:hunter2@host', 'hunter2'],
  ['root:hunter2@tcp(127.0.0.1:3306)/db', 'hunter2'],
  ['admin:hunter2@10.0.0.1:5432/app', 'hunter2'],
  ['user:hunter2@db.example.com:5432', 'hunter2'],
  ['jdbc:oracle:thin:scott/tiger@//db:1521/svc', 'tiger'],
  ['jdbc:oracle:thin:scott/tiger@db:1521:orcl', 'tiger'],
  ['sqlplus -s scott/tiger@orcl', 'tiger'],
  ['smtps://user@example.com:hunter2@smtp.example.com:587', 'hunter2'],
  ['?next=postgres%3A%2F%2Fu%3Ahunter2%40h%2Fdb', 'hunter2'],
  ['password%253Dhunter2', 'hunter2'],
  ['%7B%22password%22%3A%22hunter2%22%7D', 'hunter2'],
  [joined('%2D%2D%2D%2D%2DBEGIN%20', 'PRIVATE%20KEY', '%2D%2D%2D%2D%2D%0AMIIEvQ'), 'MIIEvQ'],
  [joined('key=-----BEGIN+RSA+', 'PRIVATE+KEY', '-----%0AMIIEvQ%0A-----END+RSA'), 'MIIEvQ'],
  ['{"credentials":{"user":"hunter1","secret":{"nested":"hunter2"}}}', 'hunter1', 'hunter2'],
  ["{ tokens: { access: 'hunter1', refresh: 'hunter2' } }", 'hunter1', 'hunter2'],
  ['{"passwords":["hunter1","","hunt\\"er2"]}', 'hunter1', 'er2'],
  ['{\\"passwords\\":[\\"hunter1\\",\\"hunter2\\"]}', 'hunter1', 'hunter2'],
  ['{"apikey":{"id":"x","value":"hunter2', 'hunter2'],
  ["'set-cookie': [\n    'session=hunter1; Path=/',\n    'b=hunter2; x'\n  ]", 'hunter1', 'hunter2'],
  ['"cookies":{"sid":"hunter2"}', 'hunter2'],
  ['PHPSESSID=hunter2; connect.sid=s%3Ahunter3', 'hunter2', 'hunter3'],
  ['SecretString: "hunter2"', 'hunter2'],
  ['{"SecretString":"{\\"username\\":\\"a\\",\\"pw\\":\\"hunter2\\"}"}', 'hunter2'],
  ['"password_hash":"$2b$10$abc" password2=hunter2', '$2b$10$abc', 'hunter2'],
  ['DB_PW=hunter2', 'hunter2'],
  ['Passwort: hunter2', 'hunter2'],
  ['PASSWORD: |\n  hunter2', 'hunter2'],
  ['Uid=u;Pwd={hun;ter2};', 'ter2'],
  ['the password is hunter2', 'hunter2'],
  ['Incorrect API key provided: 0123456789abcdef0123456789abcdef', '0123456789abcdef'],
  ['Authorization: Digest username="a", realm="b", response="6629fae49393a0539745"', '6629fae4'],
  ['401 for NTLM TlRMTVNTUAADAAAAGAAYAH4AAAA', 'TlRMTVNT'],
  ['Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa', 'YIIJvwYG'],
  ['sshpass -p hunter2 ssh x', 'hunter2'],
  ['docker login -u bob -p hunter2 registry', 'hunter2'],
  ['redis-cli -h x -a hunter2 ping', 'hunter2'],
  [joined('whsec', '_abcdefghijklmnopqrstuvwxyz012345'), 'abcdefghij'],
  [joined('hf', '_abcdefghijklmnopqrstuvwxyzABCDEFGH'), 'abcdefghij'],
  [joined('glsa', '_abcdefghijklmnopqrstuvwxyz012345_6789abcd'), 'abcdefghij'],
  [joined('dapi', '0123456789abcdef'.repeat(2)), '0123456789'],
  [joined('ATATT', '3xFfGF0abcdefghijklmnopqrstuvwxyz'), 'abcdefghij'],
  ['cn=admin,dc=example,dc=com bindpw=hunter2', 'hunter2'],
  ['machine github.com login bob password hunter2', 'hunter2'],
  ['{"auths":{"ghcr.io":{"auth":"Ym9iOmh1bnRlcjI="}}}', 'Ym9iOmh1bnRlcjI'],
  [joined('SK', '0123456789abcdef'.repeat(2)), '0123456789'],
  [joined('PMAK', '-0123456789abcdef01234567-0123456789abcdef0123456789abcdef01'), '0123456789'],
  [joined('sq0', 'csp-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'), 'abcdefghij'],
  ['Set-Cookie2: sid=hunter2', 'hunter2'],
  ['one-time code: 123456', '123456'],
  ['POST /oauth/token code_verifier=hunter2abc', 'hunter2abc'],
  ['SAMLResponse=PHNhbWxwOlJlc3BvbnNl', 'PHNhbWxw'],
  ['SECRET_KEY_BASE=hunter2', 'hunter2'],
  ['privateKeyPem: MIIEvQIBADANBgkqhkiG', 'MIIEvQ'],
  ['Authorization: OAuth oauth_token="hunter2", oauth_signature="ABC123"', 'hunter2', 'ABC123'],
  ['Authorization: Hawk id="a", mac="hunter2ABC="', 'hunter2ABC'],
  ['Password for bob: hunter2', 'hunter2'],
  ['mot de passe : hunter2', 'hunter2'],
  ['password := "hunter2"', 'hunter2'],
  ["expect(password !== 'hunter2')", 'hunter2'],
  ['TypeError at setPassword("hunter2")', 'hunter2'],
  ['user "bob" identified with mysql_native_password by "hunter2"', 'hunter2'],
  ["CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'hunter2')", 'hunter2'],
  ["COPY x ACCESS_KEY_ID 'AKX' SECRET_ACCESS_KEY 'hunter2'", 'AKX', 'hunter2'],
  ['kubectl create secret generic x --from-literal=foo=hunter2', 'hunter2'],
  ['mongodump -u bob -p hunter2 --host h', 'hunter2'],
  ['zip -r -P hunter2 a.zip b', 'hunter2'],
  ['7z x -phunter2 a.7z', 'hunter2'],
  ['smbclient //srv/share -U bob%hunter2', 'hunter2'],
  ['htpasswd -b users bob hunter2', 'hunter2'],
  ['vault login hunter2hunter2', 'hunter2'],
  ['aws configure set aws_secret_access_key hunter2abc', 'hunter2abc'],
  [`seed phrase: ${'legal winner thank year '.repeat(3).trim()}`, 'winner'],
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
  'password authentication failed for user "app"',
  'expected one of ["password", "username"]',
  'docker run -u 1000:1000 app',
  'rsync -u host:/backup/2026 .',
  'pypi-simple-repository-index-of-all is not there',
  '//bucket/a:b/c@d and s3://bucket//a:b@c',
  '<Token/> <Key>exports/2026/passwords.csv</Key>',
  'ECONNREFUSED 127.0.0.1:5432',
  'npx --no-install odin-migrate resume odin-dev retry --from-start --reason "the token was renewed"',
  'arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef',
  'mailto:alice@example.com, to:bob@example.org',
  'User AROAEXAMPLEID1234567890:bob1@example.com is not authorized',
  'arn:aws:sts::123456789012:assumed-role/Admin/bob@example.com on arn:aws:s3:::b/a:b@c',
  'serviceAccount:x1@project.iam.gserviceaccount.com',
  `app:1.2@sha256:${'0123456789abcdef'.repeat(4)}`,
  'npm:chalk@4.1.2 and schema:v1@latest',
  'at 12:30:00@UTC, on tenant:42@eu',
  'git@github.com:org/repo.git and user@host:/path',
  's3://b/a/b:c@d/e and s3://b/user:alice@example.com/file.csv',
  "key 'user:alice@example.com/file.csv' and daily:summary@2026-03-01.csv",
  '?next=https%3A%2F%2Fexample.com%3A8443%2Fa%40b',
  '{"usage":{"tokens":{"in":1,"out":2}},"tokens":[],"password":""}',
  '{"secrets":["arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf"]}',
  'Expected tokens: 5000',
  'tokenizer: ["a"]',
  'password: []',
  'the secret is rotated; API key is missing; the api-key header is empty',
  'docker run -p 8080:80 image',
  'Negotiate failed; key-0123; hf_model',
  // What begins like a token, and is too short for one.
  'github_pat_x glpat-x npm_install pypi-AgE1 hvs.token1 ya29.abc NRAK-1 sq0atp-1 SK0123',
  'sk_live_on sk-1 AIza1 SG.a.b whsec_x ATATT3x1 IQoJb3JpZ2lu1 discord.com/api/webhooks/1',
  'seed: apple bread',
  'vault login admin',
  'login as bob, password is asked for',
  'arn:aws:lambda:eu-west-1:123456789012:function:token:7',
  'passed: 12; bypass=1 file(s), compass: north',
  's3://bucket/user=bob/token=12/part-0.parquet',
  's3://bucket/password=none/x',
  'WHERE token IS NULL AND secret = ? AND password = $1',
  'PWD=/var/task OLDPWD=/',
  "the secret 'prod/db' was not found; getSecret('prod/db')",
  'SELECT token, secret FROM t WHERE id = 1',
  'Password for bob: ',
  'login as bob; password is needed',
  'zip -r a.zip b -P',
  'aws configure set region eu-west-1',
  '{"auth":"none","oauth":"2"}',
  'nextToken=undefined continuationToken: null',
  'column "password_hash" does not exist',
  'the partition key is orderId; sort key: createdAt',
  'checksumSHA256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  'arn:aws:sqs:eu-west-1:123456789012:orders-2026, https://sqs.eu-west-1.amazonaws.com/123456789012/orders',
  'TypeError: token.split is not a function at Token.parse (token.ts:12:3)',
  'Cannot find module "./secrets/password.ts"; /var/task/secrets/api-key.json: ENOENT',
  'SKU SK0123 and seed words: two three',
];

const WORDS = 'apple bread chair dance eagle flame grape house image juice knife lemon';
const LONG = 'abcdefghij0123456789ABCDEFGHIJ';

/** A text, and what is left of it: no more than the credential is masked, and no less. */
const MASKED: [string, string][] = [
  [`key ${PEM} is not valid`, 'key *** is not valid'],
  [joined('a ---- BEGIN SSH2 ENCRYPTED ', 'PRIVATE KEY', ' ----\nMIIEpAIB\n---- END SSH2 KEY ---- b'), 'a *** b'],
  [
    joined('a=-----BEGIN+RSA+', 'PRIVATE+KEY', '-----%0AMIIEvQ\nxyz%0A-----END+RSA+', 'PRIVATE+KEY', '-----&b=1'),
    'a=***&b=1',
  ],
  [
    joined(
      'a=%2D%2D%2D%2D%2DBEGIN%20',
      'PRIVATE%20KEY',
      '%2D%2D%2D%2D%2D%0AM%0A-----END%20',
      'PRIVATE%20KEY',
      '-----&b=1',
    ),
    'a=***&b=1',
  ],
  ['postgres%3A%2F%2Fapp%3Ahunter2%40db%2Fapp', 'postgres%3A%2F%2Fapp%3A***%40db%2Fapp'],
  ['redis%3A%2F%2F%3Ahunter2%40cache', 'redis%3A%2F%2F%3A***%40cache'],
  ['sqlplus  -s  -L scott/tiger@orcl now', 'sqlplus  -s  -L scott/***@orcl now'],
  ['sqlldr scott/tiger@orcl now', 'sqlldr scott/***@orcl now'],
  [`{"cookie" : "sid=abc", "a":1}`, '{"cookie" : "***", "a":1}'],
  [`{'cookie':  'sid=abc', 'a':1}`, "{'cookie':  '***', 'a':1}"],
  ['Bearer abcdefgh12, Bearer hgfedcba21.', 'Bearer ***, Bearer ***'],
  [`SECRET 'a b', SESSION_TOKEN  'c d' of`, "SECRET '***', SESSION_TOKEN  '***' of"],
  ['machine a  login  bob  password  hunter2 b', 'machine a  login  bob  password  *** b'],
  [joined('{"auth" : "', 'dXNlcjpwYXNz', '=="}'), '{"auth" : "***"}'],
  [`seed: ${WORDS}.`, 'seed: ***.'],
  [`Seed phrase = "${WORDS}"`, 'Seed phrase = "***"'],
  [`'recoveryPhrase' :  '${WORDS.replaceAll(' ', ', ')}'`, "'recoveryPhrase' :  '***'"],
  [`Recovery words: ${WORDS}`, 'Recovery words: ***'],
  [`{"mnemonic":"${WORDS}"}`, '{"mnemonic":"***"}'],
  [`Mnemonic_phrase=${WORDS}`, 'Mnemonic_phrase=***'],
  ['-u admin:hunter2 --user  bob:hunter2', '-u admin:*** --user  bob:***'],
  ['curl -u 1:12345a x', 'curl -u 1:*** x'],
  ['mysqldump -h x -phunter2 app', 'mysqldump -h x -p*** app'],
  ['mysql -phunter2 app', 'mysql -p*** app'],
  ['sshpass  -p  hunter2 ssh x', 'sshpass  -p  *** ssh x'],
  ['sshpass -phunter2 ssh x', 'sshpass -p*** ssh x'],
  ['docker  login -u bob -p  hunter2 x', 'docker  login -u bob -p  *** x'],
  ['mongodump -p hunter2 x', 'mongodump -p *** x'],
  ['snowsql -p hunter2 x', 'snowsql -p *** x'],
  ['redis-cli -a hunter2 ping', 'redis-cli -a *** ping'],
  ['zip -r -P  hunter2 a.zip', 'zip -r -P  *** a.zip'],
  ['unzip -P hunter2 a.zip', 'unzip -P *** a.zip'],
  ['7z a -phunter2 a.7z', '7z a -p*** a.7z'],
  ['7za -phunter2 a.7z', '7za -p*** a.7z'],
  ['smbclient -L x -U  bob%hunter2 y', 'smbclient -L x -U  bob%*** y'],
  ['htpasswd -c -bB  file  bob  hunter2 x', 'htpasswd -c -bB  file  bob  *** x'],
  ['vault  login  hvhunter22 x', 'vault  login  *** x'],
  [
    'aws  configure  set  profile.a.aws_session_token  hunter2 x',
    'aws  configure  set  profile.a.aws_session_token  *** x',
  ],
  [joined('a eyJ', 'hbGciOiJ.eyJzdWIi.sig.more.most b'), 'a *** b'],
  [joined('a eyJ', 'hbGciOiJ.eyJzdWIi, b'), 'a ***, b'],
  [`TaskTimedOut AAAAKgAAAAMAAAAA${'b64Token'.repeat(5)} x`, 'TaskTimedOut *** x'],
  [joined('a github', `_pat_${LONG} b`), 'a *** b'],
  [joined('a npm', `_${LONG} b`), 'a *** b'],
  [joined('a https://x.office.com', `/webhook/${LONG}@a b`), 'a https://x.*** b'],
  [joined('a sntry', `s_${LONG} b`), 'a *** b'],
  [joined('a sntry', `u_${LONG} b`), 'a *** b'],
  [joined('a NRAK', `-${LONG.toUpperCase()} b`), 'a *** b'],
  [joined('a sk', `-proj-${LONG} b`), 'a *** b'],
  [joined('a AIza', `${LONG}-_abc b`), 'a *** b'],
  [joined('a SG', `.${LONG}.${LONG}-_ b`), 'a *** b'],
  ["passwords: ['a\\'b', 'c']", "passwords: ['***', '***']"],
  ['"passwords":["a\\"b","c"]', '"passwords":["***","***"]'],
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

  it.each(MASKED)('is masked, and nothing else: %s', (text, masked) => {
    expect(withoutSecrets(text)).toBe(masked);
  });

  it.each(OTHERS)('is not: %s', (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });

  it('is a secret key of AWS: of a hundred thousand four look like words, or like a path', () => {
    for (let n = 0; n < 500; n += 1) {
      const key = createHash('sha256').update(`key ${n}`).digest().subarray(0, 30).toString('base64');
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
      'a:b@',
      'user:',
      'token:{"',
      'token:{"a":"b',
      "passwords: ['",
      'Authorization: Digest a="b",',
      'sqlplus a/',
      '%3A%2F%2Fa%3A',
      'docker login ',
      '-----BEGIN+PRIVATE+KEY',
      'Authorization: OAuth a="b",',
      'htpasswd -b ',
      'zip -P',
      'login a password ',
      's3://token=',
      'seed phrase: abc ',
      'abc ',
      '"auth":"',
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
