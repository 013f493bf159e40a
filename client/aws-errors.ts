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
  if (NO_CREDENTIALS.has(name)) {
    return new OdinError({
      code: 'NoCredentials',
      source: 'user',
      what: `AWS does not know who you are: ${what}`,
      next: 'Sign in (aws sso login), or name a profile with --profile.',
      cause: thrown,
    });
  }
  if (name === 'ConfigError' || /^region (is missing|not accepted)/i.test(thrown.message)) {
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
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
]);
const FORBIDDEN = /^AccessDenied(Exception)?$|^UnauthorizedOperation$|^AuthorizationError$/;
const FORBIDDEN_NEXT =
  'Check --profile: this identity may not do that; docs/configuration.md lists what operators need.';
const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH']);
