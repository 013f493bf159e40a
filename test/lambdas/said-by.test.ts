// Who says what a function is told: verified by STS, or claimed; and never a reason to refuse what is said.
import { describe, expect, it, vi } from 'vitest';
import { createCallers } from '../../aws/callers.ts';
import { proofOf } from '../../client/proof.ts';
import type { DecidePayload } from '../../core/contract/payloads.ts';
import type { Proof } from '../../core/contract/proof.ts';
import { saidIn, SIGNED_HEADERS, stsHost } from '../../core/contract/proof.ts';
import type { Said } from '../../core/ledger/entries.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { saidBy } from '../../lambdas/shared/said-by.ts';
import { createWorld, IDENTITY, invocation } from '../support/services.ts';
import { answerOf, ARN, EXPIRED_TOKEN, SECRET, startSts } from '../support/sts.ts';

const MACHINE = 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev';
const AWS = { region: 'us-east-1', credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: SECRET } };
const SAID: DecidePayload = {
  ask: 'decide',
  decision: 'retry',
  by: 'arn:aws:iam::111122223333:user/boss',
  halt: 45,
  reason: 'mended',
};

/** As `resume` asks: the clock is that of the signature, unless a test moves it. */
async function ask(
  payload: DecidePayload,
  endpoint: string,
  { later = 0, identity = IDENTITY, local = false, answerMs = 60_000 } = {},
): Promise<Said & { warned: number }> {
  const world = createWorld();
  const services = {
    ...world.services,
    local,
    callers: createCallers(endpoint, answerMs),
    now: () => Date.now() + later,
    ledger: { log: new LedgerLog(world.store, identity), store: world.store },
  };
  const said = await saidBy(services, payload, invocation(world));
  return { ...said, warned: world.logs.filter(({ level }) => level === 'warn').length };
}

const signed = async (payload = SAID, options = AWS): Promise<DecidePayload> => ({
  ...payload,
  proof: await proofOf(payload, IDENTITY, MACHINE, options),
});

describe('with a proof', () => {
  it.each([AWS, { ...AWS, credentials: { ...AWS.credentials, sessionToken: 'of a session' } }])(
    'it is whom STS says, and not whom the caller says: %j',
    async (options) => {
      await using sts = await startSts();
      expect(await ask(await signed(SAID, options), sts.endpoint)).toEqual({
        by: ARN,
        identity: { is: 'verified' },
        warned: 0,
      });
    },
  );

  it.each<[string, Partial<DecidePayload>]>([
    ['decision', { decision: 'skip' }],
    ['halt', { halt: 46 }],
    ['reason', { reason: 'mended!' }],
    ['beginning', { begin: 'start' }],
    ['other decision that it counts instead of', { instead: 46 }],
  ])('of another %s, it is claimed', async (_, more) => {
    await using sts = await startSts();
    expect(await ask({ ...(await signed()), ...more }, sts.endpoint)).toEqual({
      by: SAID.by,
      identity: { is: 'claimed', why: 'STS refused its proof: 403 SignatureDoesNotMatch' },
      warned: 1,
    });
  });

  it.each([{ environment: 'odin-prod' }, { account: '444455556666' }, { region: 'eu-west-2' }, { app: 'shop' }])(
    'of the ledger of %j, it is claimed',
    async (more) => {
      await using sts = await startSts();
      const { identity } = await ask(await signed(), sts.endpoint, { identity: { ...IDENTITY, ...more } });
      expect(identity).toEqual({ is: 'claimed', why: 'STS refused its proof: 403 SignatureDoesNotMatch' });
    },
  );

  it('of an account that is not that of the ledger, it is claimed: whoever owns that gives the names there', async () => {
    await using sts = await startSts();
    const credentials = { ...AWS.credentials, accessKeyId: 'AKIAELSEWHERE' };
    expect(await ask(await signed(SAID, { ...AWS, credentials }), sts.endpoint)).toEqual({
      by: SAID.by,
      identity: { is: 'claimed', why: 'its proof is of account 444455556666, and this is 111122223333' },
      warned: 1,
    });
  });

  it.each<[string, Partial<typeof AWS.credentials & { sessionToken: string }>, string]>([
    ['a key that there is not', { accessKeyId: 'AKIANOBODY' }, 'InvalidClientTokenId'],
    ['another secret', { secretAccessKey: 'guessed' }, 'SignatureDoesNotMatch'],
    ['a session that has ended', { sessionToken: EXPIRED_TOKEN }, 'ExpiredToken'],
  ])('by %s, it is claimed', async (_, more, code) => {
    await using sts = await startSts();
    const said = await signed(SAID, { ...AWS, credentials: { ...AWS.credentials, ...more } });
    const { by, identity } = await ask(said, sts.endpoint);
    expect([by, identity]).toEqual([SAID.by, { is: 'claimed', why: `STS refused its proof: 403 ${code}` }]);
  });

  it.each([
    ['another host', 'arn:aws-cn:states:eu-west-1:111122223333:stateMachine:one', IDENTITY],
    ['another region', MACHINE, { ...IDENTITY, region: 'us-east-1' }],
  ])('that is signed for %s, it is claimed: what is asked is the STS beside the function', async (_, machine, of) => {
    await using sts = await startSts();
    const said = { ...SAID, proof: await proofOf(SAID, of, machine, AWS) };
    const { identity } = await ask(said, sts.endpoint);
    expect(identity).toEqual({ is: 'claimed', why: 'STS refused its proof: 403 SignatureDoesNotMatch' });
    expect(sts.asked()).toBe(1);
  });

  it.each(SIGNED_HEADERS)('whose signature does not bind %s is not even sent', async (name) => {
    await using sts = await startSts();
    const { proof } = await signed();
    const signedHeaders = SIGNED_HEADERS.filter((each) => each !== name).join(';');
    const authorization = proof?.authorization.replace(/SignedHeaders=[^,]+/, `SignedHeaders=${signedHeaders}`) ?? '';
    const { identity } = await ask({ ...SAID, proof: { ...(proof as Proof), authorization } }, sts.endpoint);
    expect(identity).toEqual({ is: 'claimed', why: `its proof was made for something else: ${name} not signed` });
    expect(sts.asked()).toBe(0);
  });

  it.each([
    ['another algorithm', (text: string) => text.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')],
    ['another service', (text: string) => text.replace('/sts/', '/iam/')],
    ['signed headers twice', (text: string) => text.replace(', Signature', ', SignedHeaders=host, Signature')],
    ['two signatures', (text: string) => `${text}, Signature=${'0'.repeat(64)}`],
    ['a host in it', (text: string) => text.replace('AKIAEXAMPLE', '@evil.example/AKIAEXAMPLE')],
    ['nothing of a signature', () => 'Bearer me'],
  ])('with %s is not even sent', async (_, change) => {
    await using sts = await startSts();
    const { proof } = await signed();
    const authorization = change(proof?.authorization ?? '');
    const { identity } = await ask({ ...SAID, proof: { ...(proof as Proof), authorization } }, sts.endpoint);
    expect(identity).toEqual({ is: 'claimed', why: 'its proof is no signature of a request to STS' });
    expect(sts.asked()).toBe(0);
  });

  it('is sent to the host that its function is beside, whatever is in it', async () => {
    const { proof } = await signed();
    const hosts: string[] = [];
    const callers = {
      identify: (_: Proof, host: string) => {
        hosts.push(host);
        return Promise.resolve({ identity: { is: 'claimed' as const, why: 'asked' } });
      },
    };
    const world = createWorld();
    const said = { ...SAID, by: 'arn:aws:sts:evil.example:1:x', proof };
    await saidBy({ ...world.services, local: false, callers }, said, { functionArn: MACHINE });
    expect(hosts).toEqual(['sts.eu-west-1.amazonaws.com']);
  });

  it('that was made for another program is not even sent', async () => {
    await using sts = await startSts();
    const { proof } = await signed();
    const authorization = proof?.authorization.replace(';x-odin-migrate-said', ';x-k8s-aws-id') ?? '';
    const { identity } = await ask({ ...SAID, proof: { ...(proof as Proof), authorization } }, sts.endpoint);
    expect(identity).toEqual({
      is: 'claimed',
      why: 'its proof was made for something else: x-odin-migrate-said not signed',
    });
    expect(sts.asked()).toBe(0);
  });

  it.each([5 * 60_000 + 2_000, -5 * 60_000 - 2_000])('that is %d ms old is not even sent', async (later) => {
    await using sts = await startSts();
    const { identity } = await ask(await signed(), sts.endpoint, { later });
    expect(identity).toMatchObject({ is: 'claimed', why: expect.stringMatching(/counts for five minutes$/) as string });
    expect(sts.asked()).toBe(0);
  });

  it('that STS does not answer, it is claimed', async () => {
    await using sts = await startSts(() => undefined);
    const { by, identity } = await ask(await signed(), sts.endpoint, { answerMs: 50 });
    expect(by).toBe(SAID.by);
    expect(identity).toEqual({
      is: 'claimed',
      why: 'STS could not be asked: AwsUnreachable: There was no answer within 50 ms.',
    });
  });

  it('waits for STS for three seconds, and no longer: a decision waits with it', async () => {
    await using sts = await startSts(() => undefined);
    const { proof } = await signed();
    const limit = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort());
    const host = 'sts.eu-west-1.amazonaws.com';
    const found = createCallers(sts.endpoint).identify(proof as Proof, host, saidIn(IDENTITY, SAID), Date.now());
    const { identity } = await found;
    expect(limit).toHaveBeenCalledWith(3_000);
    limit.mockRestore();
    expect(identity).toMatchObject({
      why: 'STS could not be asked: AwsUnreachable: There was no answer within 3000 ms.',
    });
  });

  it('that leads elsewhere is not followed there', async () => {
    await using other = await startSts();
    await using sts = await startSts((_, response) => {
      response.writeHead(307, { location: other.endpoint }).end();
    });
    const { identity } = await ask(await signed(), sts.endpoint);
    expect(identity).toEqual({ is: 'claimed', why: 'STS refused its proof: 307' });
    expect(other.asked()).toBe(0);
  });

  it.each([
    ['no ARN', 'all is well', 'STS answered with no ARN'],
    ['an ARN of something else', answerOf('arn:aws:s3:::bucket-of-mine'), 'STS answered with no ARN'],
    ['a text without an end', 'x'.repeat(100_000), 'STS could not be asked: AwsUnreachable: The answer is too long.'],
  ])('that is answered with %s, it is claimed', async (_, body, why) => {
    await using sts = await startSts((__, response) => {
      response.writeHead(200).end(body);
    });
    expect((await ask(await signed(), sts.endpoint)).identity).toEqual({ is: 'claimed', why });
  });

  it('an ARN is read as XML has it', async () => {
    await using sts = await startSts((_, response) => {
      response.writeHead(200).end(answerOf('arn:aws:iam::111122223333:user/R&amp;D/alice'));
    });
    expect((await ask(await signed(), sts.endpoint)).by).toBe('arn:aws:iam::111122223333:user/R&D/alice');
  });
});

it('without a proof it is claimed, and nobody is asked', async () => {
  await using sts = await startSts();
  const { by, identity } = await ask(SAID, sts.endpoint);
  expect({ by, identity }).toEqual({ by: SAID.by, identity: { is: 'claimed', why: 'no proof came with it' } });
  expect(sts.asked()).toBe(0);
});

it('on this machine it is claimed', async () => {
  await using sts = await startSts();
  expect((await ask(await signed(), sts.endpoint, { local: true })).identity).toEqual({
    is: 'claimed',
    why: 'on this machine nobody is asked who they are',
  });
  expect(sts.asked()).toBe(0);
});

it('in a partition whose STS is not known it is claimed, and nobody is asked', async () => {
  const world = createWorld();
  const functionArn = 'arn:aws-moon:lambda:moon-1:111122223333:function:f';
  expect(await saidBy(world.services, await signed(), { functionArn })).toEqual({
    by: SAID.by,
    identity: { is: 'claimed', why: `no STS is known beside ${functionArn}` },
  });
});

it('that it is claimed although a proof came is logged, with whom it names', async () => {
  const world = createWorld();
  await saidBy(world.services, await signed(), invocation(world));
  expect(world.logs).toEqual([
    { level: 'warn', message: 'Who says it is claimed: there is no STS here', fields: { by: SAID.by } },
  ]);
});

it.each([
  ['arn:aws:lambda:eu-west-1:1:function:f', 'sts.eu-west-1.amazonaws.com'],
  ['arn:aws-cn:lambda:cn-north-1:1:function:f', 'sts.cn-north-1.amazonaws.com.cn'],
  ['arn:aws-us-gov:lambda:us-gov-west-1:1:function:f', 'sts.us-gov-west-1.amazonaws.com'],
  ['arn:aws-eusc:lambda:eusc-de-east-1:1:function:f', 'sts.eusc-de-east-1.amazonaws.eu'],
  ['arn:aws-iso:lambda:us-iso-east-1:1:function:f', 'sts.us-iso-east-1.c2s.ic.gov'],
  ['arn:aws-iso-b:lambda:us-isob-east-1:1:function:f', 'sts.us-isob-east-1.sc2s.sgov.gov'],
  ['arn:aws-iso-e:lambda:eu-isoe-west-1:1:function:f', 'sts.eu-isoe-west-1.cloud.adc-e.uk'],
  ['arn:aws-iso-f:lambda:us-isof-south-1:1:function:f', 'sts.us-isof-south-1.csp.hci.ic.gov'],
  ['arn:aws-moon:lambda:moon-1:1:function:f', undefined],
  ['arn:aws:lambda:evil.example/x:1:function:f', undefined],
  ['f', undefined],
])('the STS of %s is %s', (arn, host) => {
  expect(stsHost(arn)).toBe(host);
});
