// What the command line sends with a decision: a proof that is bound to it, and none where nobody would take it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, vi } from 'vitest';
import type { Deployment } from '../../client/deployment.ts';
import { deploymentOf, sendBaseline, sendCancel, sendDecision } from '../../client/deployment.ts';
import { proofOf } from '../../client/proof.ts';
import type { DecidePayload } from '../../core/contract/payloads.ts';
import { BaselinePayload, CancelPayload, DecidePayload as Decide } from '../../core/contract/payloads.ts';
import { OUTPUTS } from '../../core/names/names.ts';
import { saidIn } from '../../core/contract/proof.ts';
import { createCallers } from '../../aws/callers.ts';
import { ARN, SECRET, startSts } from '../support/sts.ts';
import { thrownBy } from '../support/thrown.ts';

const SAID: DecidePayload = { ask: 'decide', decision: 'skip', by: 'arn:her', halt: 45, reason: 'half a pair: \ud83d' };

/** Lambda, which answers each payload that it gets as `answer` says. */
async function startLambda(answer: (payload: Record<string, unknown>) => { error?: string }) {
  const payloads: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      if (request.method === 'GET') {
        // The ledger, for its clock, which a test does not set.
        response.setHeader('date', new Date(performance.timeOrigin + performance.now()).toUTCString());
        response.end('<ListBucketResult/>');
        return;
      }
      const payload = JSON.parse(body) as Record<string, unknown>;
      payloads.push(payload);
      const { error } = answer(payload);
      if (error !== undefined) response.setHeader('x-amz-function-error', 'Unhandled');
      response.end(
        JSON.stringify(error === undefined ? { result: 'decided' } : { errorType: error, errorMessage: 'no' }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const deployment = (local: boolean): Deployment =>
    deploymentOf(
      { environment: 'odin-dev' },
      {
        [OUTPUTS.stateMachineArn]: 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev',
        [OUTPUTS.ledgerBucket]: 'ledger',
        [OUTPUTS.resumeFunction]: 'odin-migrate-odin-dev-resume',
      },
      {
        endpoint,
        region: 'eu-west-1',
        credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: SECRET },
        maxAttempts: 1,
      },
      local,
    );
  return {
    payloads,
    deployment,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

it('a proof is of the environment’s region, whatever the caller’s own is', async () => {
  const arn = 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev';
  const identity = { environment: 'odin-dev', account: '111122223333', region: 'eu-west-1' };
  const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: SECRET };
  for (const options of [{ credentials, region: 'us-east-1' }, { credentials }]) {
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    const proof = await proofOf(SAID, identity, arn, options);
    vi.unstubAllEnvs();
    expect(proof?.authorization).toContain('/eu-west-1/sts/aws4_request');
  }
});

it.each([
  ['a decision', Decide, (to: Deployment) => sendDecision(to, SAID)],
  ['a cancel', CancelPayload, (to: Deployment) => sendCancel(to, { ask: 'cancel', by: 'arn:her' })],
  [
    'a baseline',
    BaselinePayload,
    (to: Deployment) => sendBaseline(to, { ask: 'baseline', through: '0004', reason: ' ran before ', by: 'arn:her' }),
  ],
])('%s goes with a proof that STS takes for what the function parses', async (_, schema, send) => {
  await using lambda = await startLambda(() => ({}));
  await using sts = await startSts();
  const deployment = lambda.deployment(false);
  await send(deployment);
  const payload = schema.parse(lambda.payloads[0]);
  const found = payload.proof
    ? await createCallers(sts.endpoint).identify(
        payload.proof,
        'sts.eu-west-1.amazonaws.com',
        saidIn(deployment.identity, payload),
        Date.now(),
      )
    : undefined;
  expect(found).toEqual({ by: ARN, identity: { is: 'verified' } });
});

it.each([3_600_000, -3_600_000])('of a machine whose clock is %i ms off, STS takes it all the same', async (off) => {
  await using lambda = await startLambda(() => ({}));
  await using sts = await startSts();
  const deployment = lambda.deployment(false);
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: now + off });
  await sendDecision(deployment, SAID).finally(() => vi.useRealTimers());
  const payload = Decide.parse(lambda.payloads[0]);
  const found = await createCallers(sts.endpoint).identify(
    payload.proof!,
    'sts.eu-west-1.amazonaws.com',
    saidIn(deployment.identity, payload),
    now,
  );
  expect(found).toEqual({ by: ARN, identity: { is: 'verified' } });
});

it('a function of before, which takes no proof, is told without one', async () => {
  await using lambda = await startLambda(({ proof }) => (proof ? { error: 'BadPayload' } : {}));
  expect(await sendDecision(lambda.deployment(false), SAID)).toEqual({ result: 'decided' });
  expect(lambda.payloads.map(({ proof }) => proof !== undefined)).toEqual([true, false]);
});

it('another error is not tried again', async () => {
  await using lambda = await startLambda(() => ({ error: 'DecisionNotDelivered' }));
  expect((await thrownBy(sendDecision(lambda.deployment(false), SAID))).code).toBe('DecisionNotDelivered');
  expect(lambda.payloads).toHaveLength(1);
});

it('on this machine nothing is signed', async () => {
  await using lambda = await startLambda(() => ({}));
  await sendDecision(lambda.deployment(true), SAID);
  expect(lambda.payloads.map(({ proof }) => proof)).toEqual([undefined]);
});
