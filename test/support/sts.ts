// STS as far as a proof needs it: an HTTP server that knows a few keys, and checks signatures by the rules of SigV4, with no code of
// ours. test/emulator/models.test.ts holds it against botocore's signatures.
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const SECRET = 'the secret of the key';
export const ARN = 'arn:aws:sts::111122223333:assumed-role/operator/alice';

/** Whose a key is. */
const KEYS: Record<string, { secret: string; arn: string }> = {
  AKIAEXAMPLE: { secret: SECRET, arn: ARN },
  AKIAELSEWHERE: { secret: SECRET, arn: 'arn:aws:sts::444455556666:assumed-role/operator/alice' },
};
/** Whose time is over. */
export const EXPIRED_TOKEN = 'the token of a session that has ended';
/** For so long STS takes a signature (docs/aws-facts.md). */
const SIGNED_MS = 15 * 60_000;

export interface Sts extends AsyncDisposable {
  endpoint: string;
  /** How many requests came. */
  asked: () => number;
}

/** @param answer in place of what STS answers */
export async function startSts(answer?: RequestListener): Promise<Sts> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    if (answer) {
      answer(request, response);
      return;
    }
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const found = callerOf(request, body);
      const isKnown = found.startsWith('arn:');
      response.writeHead(isKnown ? 200 : 403, { 'content-type': 'text/xml' });
      response.end(isKnown ? answerOf(found) : `<ErrorResponse><Error><Code>${found}</Code></Error></ErrorResponse>`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

export const answerOf = (
  arn: string,
): string => `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult><Arn>${arn}</Arn><UserId>AROAEXAMPLE:alice</UserId><Account>111122223333</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>`;

/** An ARN, or the code of an error. */
function callerOf({ method, url, headers }: IncomingMessage, body: string): string {
  const [, id = '', scope = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const key = KEYS[id];
  if (!key) return 'InvalidClientTokenId';
  const signed = names.split(';');
  const date = String(headers['x-amz-date']);
  const hash = createHash('sha256').update(body).digest('hex');
  // The region of the host is that of the signature, and each header of AWS's own is signed.
  const region = /^sts\.([a-z0-9-]+)\.(amazonaws\.com(\.cn)?|amazonaws\.eu)$/.exec(headers.host ?? '')?.[1];
  const must = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  const isWhole =
    method === 'POST' &&
    body === 'Action=GetCallerIdentity&Version=2011-06-15' &&
    scope === `${date.slice(0, 8)}/${String(region)}/sts/aws4_request` &&
    must.every((name) => signed.includes(name)) &&
    names === [...signed].sort().join(';') &&
    [undefined, hash].includes(headers['x-amz-content-sha256'] as string | undefined);
  const canonical = [
    method,
    url,
    '',
    ...signed.map((name) => `${name}:${String(headers[name]).trim().replaceAll(/ +/g, ' ')}`),
    '',
    names,
    hash,
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')];
  const hmac = (secret: string | Buffer, data: string) => createHmac('sha256', secret).update(data).digest();
  const derived = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${key.secret}`);
  if (!isWhole || hmac(derived, text.join('\n')).toString('hex') !== signature) return 'SignatureDoesNotMatch';
  const at = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(Date.now() - at) <= SIGNED_MS)) return 'SignatureDoesNotMatch';
  return headers['x-amz-security-token'] === EXPIRED_TOKEN ? 'ExpiredToken' : key.arn;
}
