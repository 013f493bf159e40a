// What a proof of who says something is made of, and what it is good for.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  Proof,
  PROOF_BODY,
  PROOF_HEADER,
  PROOF_MS,
  proofHeaders,
  saidIn,
  SIGNED_HEADERS,
  stsHost,
} from '../../core/contract/proof.ts';

const LEDGER = { app: undefined, environment: 'odin-dev', account: '111122223333', region: 'eu-west-1' };

it('is a request that STS takes, and says in a signed header what for it was made', () => {
  expect(proofHeaders('sts.eu-west-1.amazonaws.com', 'said')).toEqual({
    host: 'sts.eu-west-1.amazonaws.com',
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    'x-amz-content-sha256': createHash('sha256').update('Action=GetCallerIdentity&Version=2011-06-15').digest('hex'),
    'x-odin-migrate-said': 'said',
  });
  expect(PROOF_BODY).toBe('Action=GetCallerIdentity&Version=2011-06-15');
  expect([...SIGNED_HEADERS].sort()).toEqual(['x-amz-date', ...Object.keys(proofHeaders('host', 'said'))].sort());
  expect(SIGNED_HEADERS.at(-1)).toBe(PROOF_HEADER);
  expect(PROOF_MS).toBe(300_000);
});

describe('what it is good for', () => {
  const payload = { halt: 3, decision: 'retry', by: 'alice' };
  const said = saidIn(LEDGER, payload);

  it('is one thing, however its fields stand, and whatever is absent in it', () => {
    expect(said).toMatch(/^[0-9a-f]{64}$/);
    expect(saidIn(LEDGER, { by: 'alice', decision: 'retry', halt: 3 })).toBe(said);
    expect(saidIn(LEDGER, { decision: 'retry', by: 'alice', halt: 3 })).toBe(said);
    expect(saidIn(LEDGER, { ...payload, reason: undefined, proof: { date: 'any' } })).toBe(said);
  });

  it.each([
    ['another halt', LEDGER, { ...payload, halt: 4 }],
    ['another decision', LEDGER, { ...payload, decision: 'skip' }],
    ['a reason besides', LEDGER, { ...payload, reason: 'because' }],
    ['a field that is null', LEDGER, { ...payload, reason: null }],
    ['another environment', { ...LEDGER, environment: 'odin-prod' }, payload],
    ['another account', { ...LEDGER, account: '444455556666' }, payload],
  ])('is not %s', (_, ledger, other) => {
    expect(saidIn(ledger, other)).not.toBe(said);
  });
});

it.each([
  ['arn:aws:states:eu-west-1:1:stateMachine:a', 'sts.eu-west-1.amazonaws.com'],
  ['arn:aws-us-gov:states:us-gov-west-1:1:a', 'sts.us-gov-west-1.amazonaws.com'],
  ['arn:aws-cn:states:cn-north-1:1:a', 'sts.cn-north-1.amazonaws.com.cn'],
  ['arn:aws-eusc:states:eusc-de-east-1:1:a', 'sts.eusc-de-east-1.amazonaws.eu'],
  ['arn:aws-iso:states:us-iso-east-1:1:a', 'sts.us-iso-east-1.c2s.ic.gov'],
  ['arn:aws-iso-b:states:us-isob-east-1:1:a', 'sts.us-isob-east-1.sc2s.sgov.gov'],
  ['arn:aws-iso-e:states:eu-isoe-west-1:1:a', 'sts.eu-isoe-west-1.cloud.adc-e.uk'],
  ['arn:aws-iso-f:states:us-isof-south-1:1:a', 'sts.us-isof-south-1.csp.hci.ic.gov'],
  ['arn:other:states:eu-west-1:1:a', undefined],
  ['arn:aws:states::1:a', undefined],
  ['arn:aws:states:evil.example/:1:a', undefined],
  ['arn:aws:states:/eu-west-1:1:a', undefined],
  ['arn:aws', undefined],
  ['', undefined],
])('of %j STS is at %j', (arn, host) => {
  expect(stsHost(arn)).toBe(host);
});

describe('as it is sent', () => {
  const proof = { authorization: 'AWS4-HMAC-SHA256 a', date: '20260301T120000Z', token: 'token' };
  it('is what can stand in headers', () => {
    expect(Proof.parse(proof)).toEqual(proof);
    expect(Proof.parse({ ...proof, token: undefined })).toEqual({ ...proof, token: undefined });
  });

  it.each([
    { authorization: '' },
    { authorization: 'a\nb' },
    { authorization: 'ä' },
    { authorization: ' a\n' },
    { authorization: 'x'.repeat(16_385) },
    { date: '2026-03-01T12:00:00Z' },
    { date: ' 20260301T120000Z' },
    { date: '20260301T120000Z ' },
    { more: 'a' },
  ])('is not %j', (change) => {
    expect(Proof.safeParse({ ...proof, ...change }).success).toBe(false);
  });
});
