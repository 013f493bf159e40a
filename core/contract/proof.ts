// The proof of who says something: a request for GetCallerIdentity, signed by the caller and sent by the function that is told.
// STS answers it with the caller's ARN, and with nothing else; a header that is signed with it says what for it was made.
import { createHash } from 'node:crypto';
import * as z from '../schema.ts';
import type { LedgerIdentity } from '../ledger/entries.ts';
import { identityText } from '../ledger/entries.ts';

/** What the caller adds to the request that both make from the payload: short texts that can be header values. */
const HeaderValue = z.string().check(z.minLength(1), z.maxLength(16_384), z.regex(/^[\x20-\x7e]+$/));
export const Proof = z.strictObject({
  authorization: HeaderValue,
  /** `20260301T120000Z` */
  date: z.string().check(z.regex(/^\d{8}T\d{6}Z$/)),
  /** Of temporary credentials. It is worth nothing without their secret, which stays with the caller. */
  token: z.optional(HeaderValue),
});
export type Proof = z.infer<typeof Proof>;

export const PROOF_BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
export const PROOF_HEADER = 'x-odin-migrate-said';
/** Signed, all of them: a proof that was made for somebody else lacks the last one. */
export const SIGNED_HEADERS = ['content-type', 'host', 'x-amz-content-sha256', 'x-amz-date', PROOF_HEADER] as const;

/** STS takes a signature for 15 minutes; here it counts for less, in both directions. */
export const PROOF_MS = 5 * 60_000;

/** All headers but those of the proof itself. @param said the value of `PROOF_HEADER` */
export const proofHeaders = (host: string, said: string): Record<string, string> => ({
  host,
  'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
  'x-amz-content-sha256': createHash('sha256').update(PROOF_BODY).digest('hex'),
  [PROOF_HEADER]: said,
});

/**
 * What the header says: the hash of whose ledger it is and of all that is said, the halt and the decision among it. So a proof is good
 * for one thing in one environment.
 * @param payload as its schema parses it
 */
export function saidIn(ledger: LedgerIdentity, payload: object): string {
  const fields = Object.entries(payload)
    .filter(([name, value]) => name !== 'proof' && value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([identityText(ledger), fields]))
    .digest('hex');
}

/** By partition (docs/aws-facts.md). */
const DOMAINS: Record<string, string> = {
  aws: 'amazonaws.com',
  'aws-us-gov': 'amazonaws.com',
  'aws-cn': 'amazonaws.com.cn',
  'aws-eusc': 'amazonaws.eu',
  'aws-iso': 'c2s.ic.gov',
  'aws-iso-b': 'sc2s.sgov.gov',
  'aws-iso-e': 'cloud.adc-e.uk',
  'aws-iso-f': 'csp.hci.ic.gov',
};

/** STS of the region and partition of an ARN; undefined where none is known. */
export function stsHost(arn: string): string | undefined {
  const [, partition = '', , region = ''] = arn.split(':');
  const domain = DOMAINS[partition];
  return domain === undefined || !/^[a-z0-9-]+$/.test(region) ? undefined : `sts.${region}.${domain}`;
}
