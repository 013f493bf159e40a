// Whether a request only reads: by what the service would understand of it, and not by what the code that made it says of it.
import { isReadOnly, serviceSignedFor } from '../../../core/preview/read-only.ts';
import type { SignedRequest } from './signature.ts';

/** What is wrong with a request, after "it was not let": `send what is no read`. */
export interface Objection {
  what: string;
  why: string;
}

/**
 * @param signedFor the service in its signature, which AWS and the embedded AWS hold it against
 * @param target to whom it would go
 * @param endpoints those that this function's own variables name (`AWS_ENDPOINT_URL`)
 * @returns undefined for a read
 */
export function objectionTo(
  request: SignedRequest,
  signedFor: string,
  target: URL,
  endpoints: readonly URL[],
): Objection | undefined {
  const noRead = (why: string): Objection => ({ what: 'send what is no read', why });
  const service = serviceSignedFor(signedFor);
  if (!service) return noRead(`nothing is known of what only reads in ${signedFor}`);
  if (!endpoints.some((endpoint) => isAt(target, endpoint)) && !isOfAws(target, service.hosts)) {
    return { what: 'send to what is no endpoint of AWS', why: `${target.origin} is no endpoint of ${signedFor}` };
  }
  if (signedFor === 's3' && ofObjectLambda(target.hostname, request.path)) {
    return noRead('a read of an S3 Object Lambda access point runs a function');
  }
  const operation = service.protocol === 'REST' ? restOperation(request) : rpcOperation(request);
  if (operation === undefined) return noRead(`${request.method} is not in the form of a read of ${signedFor}`);
  if (operation === ANY_READ || isReadOnly(service.serviceId, operation)) return undefined;
  return noRead(`${signedFor}:${operation} is no read`);
}

/** `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, … */
export const endpointsIn = (variables: NodeJS.ProcessEnv): URL[] =>
  Object.entries(variables).flatMap(([name, value = '']) =>
    /^AWS_ENDPOINT_URL(_|$)/.test(name) && URL.canParse(value) ? [new URL(value)] : [],
  );

/** A bucket may stand before the host. */
const isAt = (target: URL, { protocol, hostname, port }: URL): boolean =>
  target.protocol === protocol &&
  target.port === port &&
  (target.hostname === hostname || target.hostname.endsWith(`.${hostname}`));

/** The partitions' domains (@aws-sdk/core, partitions.js). Others' machines have names below them too: elb, execute-api, compute. */
const DOMAINS = [
  'amazonaws.com',
  'amazonaws.com.cn',
  'amazonaws.eu',
  'api.aws',
  'api.amazonwebservices.com.cn',
  'api.amazonwebservices.eu',
  'c2s.ic.gov',
  'sc2s.sgov.gov',
  'csp.hci.ic.gov',
  'cloud.adc-e.uk',
  'api.aws.ic.gov',
  'api.aws.scloud',
  'api.aws.hci.ic.gov',
  'api.cloud-aws.adc-e.uk',
]
  .join('|')
  .replaceAll('.', '\\.');

/** What the service has before its domain: `s3`, `s3-fips.dualstack.eu-west-1`. A bucket or an account may stand before it. */
function isOfAws({ protocol, hostname, port }: URL, hosts: readonly string[]): boolean {
  const place = '(-fips)?(\\.dualstack)?(\\.(global|us-gov|[a-z]{2,4}(-[a-z]+)+-\\d+))?';
  const pattern = new RegExp(`(^|\\.)(${hosts.join('|')})${place}\\.(${DOMAINS})$`);
  return protocol === 'https:' && port === '' && pattern.test(hostname);
}

/** The alias of such an access point stands where a bucket does: before the host, or else first in the path. */
function ofObjectLambda(hostname: string, path: string): boolean {
  const [bucket = ''] = /^\/([^/?]*)/.exec(path)?.slice(1) ?? [];
  const alias = /^s3[.-]/.test(hostname) || !hostname.includes('.s3') ? bucket : (hostname.split('.')[0] ?? '');
  return /-ol-s3$/i.test(
    alias.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
  );
}

const ANY_READ = Symbol('a GET');

/** S3 and Lambda: what a GET or HEAD does is a read, with one exception. */
function restOperation({ method, path, headers, body }: SignedRequest): typeof ANY_READ | string | undefined {
  const query = new URLSearchParams(path.split(/\?(.*)/s)[1] ?? '');
  // Of another server, or of another method: AWS does not listen to it, and what a variable of the function names may.
  const misleads = Object.keys(headers).some((name) => /^x-.*method/.test(name)) || query.has('_method');
  if (!path.startsWith('/') || misleads) return undefined;
  // S3 Express: it gives credentials, which the session's policy does not narrow.
  if (query.has('session')) return 'CreateSession';
  if ((method === 'GET' || method === 'HEAD') && body.length === 0) return ANY_READ;
  // Nothing beside it: a POST that completes an upload, deletes or restores is known by its query too.
  const selects = query.has('select') && query.get('select-type') === '2' && !isForm(headers);
  const alone = [...query.keys()].every((name) => ['select', 'select-type', 'x-id'].includes(name));
  return method === 'POST' && selects && alone ? 'SelectObjectContent' : undefined;
}

/** An upload, as pages of browsers do it. */
const isForm = (headers: SignedRequest['headers']): boolean => /form/i.test(headers['content-type'] ?? '');

/** In each of the three protocols that name their operation. A request that two of them would understand is none. */
function rpcOperation({ method, path, headers, body }: SignedRequest): string | undefined {
  const { 'x-amz-target': target, 'content-type': type = '', 'smithy-protocol': smithy } = headers;
  if (method !== 'POST') return undefined;
  if (smithy !== undefined) {
    return smithy === 'rpc-v2-cbor' && target === undefined && type === 'application/cbor'
      ? /^\/service\/\w+\/operation\/(\w+)$/.exec(path)?.[1]
      : undefined;
  }
  if (path !== '/') return undefined;
  if (target !== undefined) {
    return /^application\/x-amz-json-1\.[01]$/.test(type) ? /^\w+\.(\w+)$/.exec(target)?.[1] : undefined;
  }
  if (!/^application\/x-www-form-urlencoded(; ?charset=utf-8)?$/i.test(type)) return undefined;
  const fields = [...new URLSearchParams(Buffer.from(body).toString())];
  const [action, ...more] = fields.filter(([name]) => name.toLowerCase() === 'action');
  const [name, operation = ''] = action ?? [];
  return name === 'Action' && more.length === 0 && /^\w+$/.test(operation) ? operation : undefined;
}
