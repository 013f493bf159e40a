// What AWS, or the way to it, answered, as an error that a person can act on.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { ErrorCode, ErrorSource } from '../core/errors.ts';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';
import { timeText } from '../core/text/format.ts';
import { isSet, unusedProxy } from './client-options.ts';

/** What is looked at of an error. */
interface Thrown {
  name: string;
  message: string;
  /** Of Node.js's own errors; empty of others. */
  code: string;
  /** Whether AWS, or what stands in its place, has answered with it. */
  isAnswer: boolean;
}

interface Kind {
  is: (thrown: Thrown) => boolean;
  code: ErrorCode;
  source: ErrorSource;
  /** Comes before what AWS says. */
  saying?: string | undefined;
  next: () => string;
}

/**
 * An OdinError stays what it is, but for a ledger that could not be reached because of what is wrong here, with credentials or the
 * clock: the function that wrote that sentence has a role, and not a person who may sign in. Undefined when this is no error of AWS.
 */
export function awsError(thrown: unknown): OdinError | undefined {
  if (thrown instanceof OdinError) {
    const { code, cause } = thrown;
    const personal = code === 'LedgerForbidden' || code === 'LedgerUnavailable' ? awsError(cause) : undefined;
    return personal?.code === 'NoCredentials' || personal?.code === 'BadUsage' ? personal : thrown;
  }
  if (!(thrown instanceof Error)) return undefined;
  const { name, message } = thrown;
  const { code = '', $metadata } = thrown as NodeJS.ErrnoException & { $metadata?: { httpStatusCode?: number } };
  const kind = KINDS.find(({ is }) => is({ name, message, code, isAnswer: $metadata?.httpStatusCode !== undefined }));
  if (!kind) return undefined;
  const said = describeThrown(thrown).replace(/^Error: /, ''); // that name says nothing
  return new OdinError({
    code: kind.code,
    source: kind.source,
    what: kind.saying === undefined ? said : `${kind.saying}: ${said}`,
    next: kind.next(),
    cause: thrown,
  });
}

const NO_CREDENTIALS = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'AuthFailure',
  'NotSignedUp',
  'OptInRequired',
]);
const SKEWED = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture', 'CERT_NOT_YET_VALID']);
/** Those that the SDK tries again as such, and those of SNS and KMS. */
const THROTTLED =
  /^((KMS|EC2)?Throttl(ing|ed)(Exception)?|TooManyRequestsException|(RequestLimit|BandwidthLimit|ProvisionedThroughput)Exceeded(Exception)?|SlowDown|RequestThrottled(Exception)?|PriorRequestNotComplete)$/;
const EXPIRED = /^(ExpiredToken(Exception)?|TokenRefreshRequired)$/;
const FORBIDDEN = /^AccessDenied(Exception)?$|^UnauthorizedOperation$|^AuthorizationError$/;
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|ERR_PROXY_\w+)$/;
/** Of Node.js, of a certificate that it does not trust. */
const UNTRUSTED = /^(CERT_\w+|SELF_SIGNED_\w+|DEPTH_ZERO_\w+|UNABLE_TO_\w+|ERR_TLS_\w+|ERR_SSL_\w+|EPROTO)$/;

/** The first that fits counts. */
const KINDS: readonly Kind[] = [
  {
    is: ({ name, message, code }) =>
      SKEWED.has(name) || SKEWED.has(code) || /signature (not yet current|expired)/i.test(message),
    code: 'NoCredentials',
    source: 'user',
    saying: 'The clock of this machine is not that of AWS',
    next: () => `It is ${timeText(Date.now())} here. Set the clock, and try again.`,
  },
  {
    is: ({ name }) => THROTTLED.test(name),
    code: 'AwsUnreachable',
    source: 'system',
    saying: 'AWS was asked too often, and answered nothing else',
    next: () => 'Nothing is wrong with the environment. Try again in a minute.',
  },
  {
    is: ({ name, message }) => EXPIRED.test(name) || /\b(token|session)\b.*\bexpired\b/i.test(message),
    code: 'NoCredentials',
    source: 'user',
    saying: 'Your credentials have expired',
    next: () => `Sign in again${by(login(), ' or as you got them')}, and type the same command.`,
  },
  {
    is: ({ name, message, code }) =>
      name === 'EndpointError' ||
      code === 'ERR_INVALID_URL' ||
      code === 'ERR_INVALID_PROTOCOL' ||
      /unknown scheme|Protocol "[^"]*" not supported/i.test(message),
    code: 'BadUsage',
    source: 'user',
    saying: 'AWS was not asked: an endpoint is no URL',
    next: () => 'AWS_ENDPOINT_URL, or endpoint_url of the profile, begins with http:// or https://.',
  },
  {
    is: ({ name }) => NO_CREDENTIALS.has(name),
    code: 'NoCredentials',
    source: 'user',
    saying: 'AWS does not know who you are',
    next: () => noSuchProfile() ?? `Sign in${by(login())}, or name a profile with --profile.`,
  },
  {
    // Of the header that has the key and the token in it: theirs are letters, digits and `+/=`, and what was pasted along is not.
    is: ({ code }) => code === 'ERR_INVALID_CHAR',
    code: 'NoCredentials',
    source: 'user',
    saying: 'AWS was not asked: there is a line break, or another character that cannot be seen, in your credentials',
    next: () => 'Look at AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or at the file of your profile, and set them anew.',
  },
  {
    is: ({ name, message }) =>
      name === 'ConfigError' || /^region (is missing|not accepted)|Invalid region|region set in/i.test(message),
    code: 'BadUsage',
    source: 'user',
    saying: 'AWS was not asked',
    next: () => noSuchProfile() ?? 'Name a region with --region, or set it in your profile.',
  },
  {
    is: ({ name }) => FORBIDDEN.test(name),
    code: 'AwsForbidden',
    source: 'user',
    next: () => 'Check --profile: this identity may not do that; docs/configuration.md lists what operators need.',
  },
  {
    is: ({ name, code }) => UNREACHABLE.test(code) || name === 'TimeoutError',
    code: 'AwsUnreachable',
    source: 'system',
    saying: 'AWS did not answer',
    next: () => [`Check ${andWays('the network', '--region')}.`, unusedProxy()].filter(Boolean).join(' '),
  },
  {
    is: ({ code }) => UNTRUSTED.test(code),
    code: 'AwsUnreachable',
    source: 'system',
    saying: 'The way to AWS is not trusted',
    next: () =>
      `If what stands in between has a certificate of its own, name that in NODE_EXTRA_CA_CERTS. Check ${andWays('the clock')}.`,
  },
  {
    // Whatever else AWS says is told as it came: it has no sentence of ours, and is no error of ours.
    is: ({ isAnswer }) => isAnswer,
    code: 'AwsRefused',
    source: 'system',
    saying: 'AWS answered with an error',
    next: () => `Try again, if it may pass. Check ${andWays('--profile', '--region')}.`,
  },
];

const by = (command: string | undefined, or?: string): string =>
  command === undefined ? '' : ` (${[command, or].filter(Boolean).join(',')})`;

/** As it is typed, with the name of the profile that signs in; undefined where there is nothing to sign in to: then it would fail. */
function login(): string | undefined {
  const profiles = readProfiles();
  const seen = new Set<string>();
  let name: string | undefined = namedProfile() ?? 'default';
  while (name !== undefined && !seen.has(name)) {
    seen.add(name);
    const { settings, source }: Profile = profiles.get(name) ?? { settings: '' };
    const command = LOGINS.find(([setting]) => setting.test(settings))?.[1];
    if (command !== undefined) return name === 'default' ? command : `${command} --profile ${name}`;
    name = source;
  }
  return undefined;
}

const LOGINS: readonly [RegExp, string][] = [
  [/^[ \t]*(sso_session|sso_start_url)[ \t]*=/m, 'aws sso login'],
  [/^[ \t]*login_session[ \t]*=/m, 'aws login'],
];

interface Profile {
  settings: string;
  /** Whose credentials it takes to assume its role. */
  source?: string | undefined;
}

/** By name, of both files. */
function readProfiles(): Map<string, Profile> {
  const files = [
    process.env['AWS_CONFIG_FILE'] || path.join(homedir(), '.aws', 'config'),
    process.env['AWS_SHARED_CREDENTIALS_FILE'] || path.join(homedir(), '.aws', 'credentials'),
  ].filter((file) => existsSync(file));
  const profiles = new Map<string, Profile>();
  for (const file of files) {
    for (const section of readFileSync(file, 'utf8')
      .split(/^[ \t]*\[/m)
      .slice(1)) {
      const [head = '', ...lines] = section.split('\n');
      const name = /^[ \t]*(?:profile[ \t]+)?([^\]\s]+)[ \t]*\]/.exec(head)?.[1];
      if (name === undefined) continue; // of a session, or of services
      const settings = [profiles.get(name)?.settings, ...lines].join('\n');
      profiles.set(name, { settings, source: /^[ \t]*source_profile[ \t]*=[ \t]*(\S+)/m.exec(settings)?.[1] });
    }
  }
  return profiles;
}

/** That of --profile too (cli/main.ts). */
const namedProfile = (): string | undefined => process.env['AWS_PROFILE'] || undefined;

/** What to do about a profile that is in no file; undefined when it is there, or none is named. */
function noSuchProfile(): string | undefined {
  const profile = namedProfile();
  if (profile === undefined) return undefined;
  const profiles = readProfiles();
  if (profiles.has(profile)) return undefined;
  return `There is no profile "${profile}"; there is: ${[...profiles.keys()].join(', ') || 'none'}. Name another one with --profile.`;
}

/** With the variables that lead elsewhere, as far as they are set. */
function andWays(...names: string[]): string {
  const set = ['AWS_ENDPOINT_URL', 'HTTPS_PROXY', 'HTTP_PROXY'].filter(isSet);
  return new Intl.ListFormat('en-GB').format([...names, ...set]);
}

/** The variables with which the SDK is led elsewhere. @throws OdinError BadUsage for one that is no URL: the SDK would ask somebody */
export function assertEndpoints(): void {
  for (const [name, value = ''] of Object.entries(process.env)) {
    if (!/^AWS_ENDPOINT_URL(_\w+)?$/.test(name) || value === '' || isHttp(value)) continue;
    throw new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `Expected a URL in ${name}, found "${value}".`,
      next: `Write http:// or https:// before it, or unset ${name}.`,
    });
  }
}

const isHttp = (text: string): boolean => /^https?:\/\//.test(text) && URL.canParse(text);
