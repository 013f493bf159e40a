// Who a caller is: STS, asked by the request that the caller signed.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { OdinError } from '../core/errors.ts';
import { describeThrown } from '../core/thrown.ts';
import type { Callers, Identified } from '../core/contract/ports.ts';
import { PROOF_BODY, PROOF_MS, proofHeaders, SIGNED_HEADERS } from '../core/contract/proof.ts';
import { cut } from '../core/ledger/summaries.ts';

/** A decision waits for it, and is never lost by it. */
const ANSWER_MS = 3_000;
const MAX_ANSWER = 64 * 1024;

/**
 * Redirects are not followed, and the host is ours and not the caller's.
 * @param endpoint where an emulator is; undefined on AWS
 */
export const createCallers = (endpoint: string | undefined, answerMs = ANSWER_MS): Callers => ({
  async identify({ authorization, date, token }, host, said, now) {
    const age = now - timeOf(date);
    if (!(Math.abs(age) <= PROOF_MS)) return claimed(`its proof is of ${date}, and counts for five minutes`);
    const signed = SIGNATURE.exec(authorization)?.[1]?.split(';');
    if (!signed) return claimed('its proof is no signature of a request to STS');
    const unsigned = SIGNED_HEADERS.filter((name) => !signed.includes(name));
    if (unsigned.length > 0) return claimed(`its proof was made for something else: ${unsigned.join(', ')} not signed`);
    const headers = { ...proofHeaders(host, said), authorization, 'x-amz-date': date };
    try {
      const url = new URL(endpoint ?? `https://${host}/`);
      const answer = await post(
        url,
        token === undefined ? headers : { ...headers, 'x-amz-security-token': token },
        answerMs,
      );
      if (answer.status !== 200) {
        const code = /<Code>(\w{1,64})<\/Code>/.exec(answer.body)?.[1] ?? '';
        return claimed(`STS refused its proof: ${answer.status} ${code}`.trim());
      }
      const arn = unescaped(/<Arn>([^<]{20,2048})<\/Arn>/.exec(answer.body)?.[1] ?? '');
      if (!/^arn:[a-z-]+:(iam|sts)::\d{12}:[\x21-\x7e]+$/.test(arn)) return claimed('STS answered with no ARN');
      return { by: arn, identity: { is: 'verified' } };
    } catch (thrown) {
      return claimed(cut(`STS could not be asked: ${describeThrown(thrown)}`, 300));
    }
  },
});

/** As the SDK writes it, and nothing besides: of what it says twice, nobody knows which STS reads. */
const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[^,\s/]+\/\d{8}\/[a-z0-9-]+\/sts\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$/;

const claimed = (why: string): Identified => ({ identity: { is: 'claimed', why } });

function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function post(url: URL, headers: Record<string, string>, answerMs: number): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'http:' ? requestHttp : requestHttps;
    const signal = AbortSignal.timeout(answerMs);
    const sent = send(url, { method: 'POST', headers, signal, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        body += part;
        if (body.length > MAX_ANSWER) sent.destroy(notUsable('The answer is too long.'));
      });
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, body });
      });
      answer.on('error', reject);
    });
    sent.on('error', (error) => {
      reject(signal.aborted ? notUsable(`There was no answer within ${answerMs} ms.`) : error);
    });
    sent.end(PROOF_BODY);
  });
}

const notUsable = (what: string): OdinError => new OdinError({ code: 'AwsUnreachable', source: 'system', what });

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescaped = (text: string): string =>
  text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '');
