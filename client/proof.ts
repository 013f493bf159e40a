// The proof of who types: a request for GetCallerIdentity that is signed here, and sent by the function that it goes to.
import { STSClient } from '@aws-sdk/client-sts';
import type { Proof } from '../core/contract/proof.ts';
import { PROOF_BODY, proofHeaders, saidIn, stsHost } from '../core/contract/proof.ts';
import type { LedgerIdentity } from '../core/ledger/entries.ts';
import type { ClientOptions } from './client-options.ts';
import { signedHeaders } from './signed.ts';

/**
 * @param payload as its schema parses it: what is said, and where it is signed
 * @param stateMachineArn of the environment: its STS is of that region
 * @param at now, as AWS has it: of a clock that is an hour off, nobody would take it
 * @returns undefined where no STS is known
 */
export async function proofOf(
  payload: object,
  identity: LedgerIdentity,
  stateMachineArn: string,
  options: ClientOptions,
  at = new Date(),
): Promise<Proof | undefined> {
  const hostname = stsHost(stateMachineArn);
  if (hostname === undefined) return undefined;
  const { region } = identity;
  const sts = new STSClient({ ...options, region });
  const headers = await signedHeaders(
    sts,
    {
      service: 'sts',
      region,
      protocol: 'https:',
      hostname,
      headers: proofHeaders(hostname, saidIn(identity, payload)),
      body: PROOF_BODY,
    },
    at,
  );
  const { authorization = '', 'x-amz-date': date = '', 'x-amz-security-token': token } = headers;
  return { authorization, date, token };
}
