// Signs again, with other credentials, what the AWS SDK has signed: Signature Version 4, over the same headers and of the same time.
// (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)
import { createHash, createHmac } from 'node:crypto';
import { percentEncoded } from './carried.ts';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

/** A request as it is sent: names of headers in lower case. */
export interface SignedRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

/** What the header of a signature says of it. */
export interface Signature {
  accessKeyId: string;
  /** `20261129` */
  day: string;
  region: string;
  /** As it is signed for: `s3`, `monitoring`. */
  service: string;
  /** `host;x-amz-date` */
  signedHeaders: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const HEADER = new RegExp(
  `^${ALGORITHM} Credential=([^/,]+)/(\\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=[0-9a-f]+$`,
);

/** Undefined for what is not signed, or in another way. */
export function signatureOf(authorization: string | undefined): Signature | undefined {
  const [, accessKeyId, day, region, service, signedHeaders] = HEADER.exec(authorization ?? '') ?? [];
  if (!accessKeyId || !day || !region || !service || !signedHeaders) return undefined;
  return { accessKeyId, day, region, service, signedHeaders };
}

/** The headers, with another signature in the place of the one that was there. */
export function signedAgain(
  request: SignedRequest,
  { day, region, service, signedHeaders }: Signature,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
): Record<string, string> {
  const headers: Record<string, string> = { ...request.headers, 'x-amz-security-token': sessionToken };
  const names = [...new Set([...signedHeaders.split(';'), 'x-amz-security-token'])].sort();
  const [path = '', query = ''] = request.path.split(/\?(.*)/s);
  const canonical = [
    request.method,
    // S3 alone takes the path as it is sent.
    service === 's3' ? path : percentEncoded(withoutDots(path)).replaceAll('%2F', '/'),
    canonicalQuery(query),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/\s+/g, ' ')}`),
    '',
    names.join(';'),
    headers['x-amz-content-sha256'] ?? sha256(request.body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = [ALGORITHM, headers['x-amz-date'] ?? '', scope, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  headers['authorization'] =
    `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return headers;
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

function canonicalQuery(query: string): string {
  const pairs = query === '' ? [] : query.split('&').map((pair) => pair.split(/=(.*)/s));
  return pairs
    .map(([name = '', value = '']) => [name, value].map((text) => percentEncoded(decodeURIComponent(text))))
    .sort(([name = '', value = ''], [other = '', its = '']) => compared(name, other) || compared(value, its))
    .map((pair) => pair.join('='))
    .join('&');
}

const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`;
}
