// What AWS, or the way to it, answered, as an error that a person can act on.
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';

/** An OdinError stays what it is. Undefined when this is no error of AWS. */
export function awsError(thrown: unknown): OdinError | undefined {
  if (thrown instanceof OdinError) return thrown;
  if (!(thrown instanceof Error)) return undefined;
  const { name } = thrown;
  const { code } = thrown as NodeJS.ErrnoException;
  const what = describeThrown(thrown);
  if (SKEWED.has(name) || /signature (not yet current|expired)/i.test(thrown.message)) {
    return new OdinError({
      code: 'NoCredentials',
      source: 'user',
      what: `The clock of this machine is not that of AWS: ${what}`,
      next: `It is ${new Date().toISOString()} here. Set the clock, and try again.`,
      cause: thrown,
    });
  }
  if (THROTTLED.test(name)) {
    return new OdinError({
      code: 'AwsUnreachable',
      source: 'system',
      what: `AWS was asked too often, and answered nothing else: ${what}`,
      next: 'Nothing is wrong with the environment. Try again in a minute.',
      cause: thrown,
    });
  }
  if (EXPIRED.test(name) || /\btoken\b.*\bexpired\b/i.test(thrown.message)) {
    return new OdinError({
      code: 'NoCredentials',
      source: 'user',
      what: `Your credentials have expired: ${what}`,
      next: 'Sign in again (aws sso login, or as you got them), and type the same command.',
      cause: thrown,
    });
  }
  if (
    name === 'EndpointError' ||
    code === 'ERR_INVALID_URL' ||
    code === 'ERR_INVALID_PROTOCOL' ||
    /unknown scheme|Protocol "[^"]*" not supported/i.test(thrown.message)
  ) {
    return new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `AWS was not asked: an endpoint is no URL: ${what}`,
      next: 'AWS_ENDPOINT_URL, or endpoint_url of the profile, begins with http:// or https://.',
      cause: thrown,
    });
  }
  if (NO_CREDENTIALS.has(name)) {
    return new OdinError({
      code: 'NoCredentials',
      source: 'user',
      what: `AWS does not know who you are: ${what}`,
      next: 'Sign in (aws sso login), or name a profile with --profile.',
      cause: thrown,
    });
  }
  if (
    name === 'ConfigError' ||
    /^region (is missing|not accepted)|Invalid region|region set in/i.test(thrown.message)
  ) {
    return new OdinError({
      code: 'BadUsage',
      source: 'user',
      what: `AWS was not asked: ${what}`,
      next: 'Name a region with --region, or set it in your profile.',
      cause: thrown,
    });
  }
  if (FORBIDDEN.test(name)) {
    return new OdinError({ code: 'AwsForbidden', source: 'user', what, next: FORBIDDEN_NEXT, cause: thrown });
  }
  if (UNREACHABLE.has(code ?? '') || name === 'TimeoutError') {
    return new OdinError({
      code: 'AwsUnreachable',
      source: 'system',
      what: `AWS did not answer: ${what}`,
      next: 'Check the network, --region and AWS_ENDPOINT_URL.',
      cause: thrown,
    });
  }
  return undefined;
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
const FORBIDDEN_NEXT =
  'Check --profile: this identity may not do that; docs/configuration.md lists what operators need.';
const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH']);
