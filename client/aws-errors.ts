// What AWS, or the way to it, answered, as an error that a person can act on.
import type { ErrorCode, ErrorSource } from '../core/errors.ts';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';

/** What is looked at of an error. */
interface Thrown {
  name: string;
  message: string;
  /** Of Node.js's own errors; empty of others. */
  code: string;
}

interface Kind {
  is: (thrown: Thrown) => boolean;
  code: ErrorCode;
  source: ErrorSource;
  /** Comes before what AWS says. */
  saying?: string | undefined;
  next: () => string;
}

/** An OdinError stays what it is. Undefined when this is no error of AWS. */
export function awsError(thrown: unknown): OdinError | undefined {
  if (thrown instanceof OdinError) return thrown;
  if (!(thrown instanceof Error)) return undefined;
  const { name, message } = thrown;
  const { code = '' } = thrown as NodeJS.ErrnoException;
  const kind = KINDS.find(({ is }) => is({ name, message, code }));
  if (!kind) return undefined;
  const said = describeThrown(thrown);
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
  'SignatureDoesNotMatch',
]);
const SKEWED = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture']);
const THROTTLED =
  /^(Throttling(Exception)?|ThrottledException|TooManyRequestsException|RequestLimitExceeded|SlowDown|RequestThrottled(Exception)?)$/;
const EXPIRED = /^(ExpiredToken(Exception)?|TokenRefreshRequired)$/;
const FORBIDDEN = /^AccessDenied(Exception)?$|^UnauthorizedOperation$|^AuthorizationError$/;
const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH']);

/** The first that fits counts. */
const KINDS: readonly Kind[] = [
  {
    is: ({ name, message }) => SKEWED.has(name) || /signature (not yet current|expired)/i.test(message),
    code: 'NoCredentials',
    source: 'user',
    saying: 'The clock of this machine is not that of AWS',
    next: () => `It is ${new Date().toISOString()} here. Set the clock, and try again.`,
  },
  {
    is: ({ name }) => THROTTLED.test(name),
    code: 'AwsUnreachable',
    source: 'system',
    saying: 'AWS was asked too often, and answered nothing else',
    next: () => 'Nothing is wrong with the environment. Try again in a minute.',
  },
  {
    is: ({ name, message }) => EXPIRED.test(name) || /\btoken\b.*\bexpired\b/i.test(message),
    code: 'NoCredentials',
    source: 'user',
    saying: 'Your credentials have expired',
    next: () => 'Sign in again (aws sso login, or as you got them), and type the same command.',
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
    next: () => 'Sign in (aws sso login), or name a profile with --profile.',
  },
  {
    is: ({ name, message }) =>
      name === 'ConfigError' || /^region (is missing|not accepted)|Invalid region|region set in/i.test(message),
    code: 'BadUsage',
    source: 'user',
    saying: 'AWS was not asked',
    next: () => 'Name a region with --region, or set it in your profile.',
  },
  {
    is: ({ name }) => FORBIDDEN.test(name),
    code: 'AwsForbidden',
    source: 'user',
    next: () => 'Check --profile: this identity may not do that; docs/configuration.md lists what operators need.',
  },
  {
    is: ({ name, code }) => UNREACHABLE.has(code) || name === 'TimeoutError',
    code: 'AwsUnreachable',
    source: 'system',
    saying: 'AWS did not answer',
    next: () => 'Check the network, --region and AWS_ENDPOINT_URL.',
  },
];
