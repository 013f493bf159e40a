// STS as far as a proof needs it: an HTTP server that knows one key, and checks signatures by the rules of SigV4, with no code of ours.
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const SECRET = 'the secret of the key';
export const ARN = 'arn:aws:sts::111122223333:assumed-role/operator/alice';

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
      const good = body === 'Action=GetCallerIdentity&Version=2011-06-15' && isSigned(request, body);
      response.writeHead(good ? 200 : 403, { 'content-type': 'text/xml' });
      response.end(
        good ? answerOf(ARN) : '<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>',
      );
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

function isSigned({ method, url, headers }: IncomingMessage, body: string): boolean {
  const [, scope = '', names = '', signature] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)$/.exec(headers.authorization ?? '') ?? [];
  const canonical = [
    method,
    url,
    '',
    ...names.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    names,
    createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, createHash('sha256').update(canonical).digest('hex')];
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  const key = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${SECRET}`);
  return hmac(key, text.join('\n')).toString('hex') === signature;
}
