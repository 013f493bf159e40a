// Who is told of halts: counted by SNS, said beside everything else, and never a reason for it to fail.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deploymentOf } from '../../client/deployment.ts';
import { subscribersOf } from '../../client/subscribers.ts';
import { OUTPUTS } from '../../core/names/names.ts';
import { nobodyIsTold, subscribersText } from '../../core/views/subscribers.ts';
import type { Verdict } from '../../local/embedded-aws.ts';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:operators';

let started: Started;
let verdict: Verdict = 'pass';
let asked = 0;
beforeAll(async () => {
  started = await start({
    onRequest: ({ operation }) => {
      if (operation === 'GetTopicAttributes') asked += 1;
      return verdict;
    },
  });
});
afterAll(() => started.stop());

const deployment = (local: boolean, topicArn: string | undefined = TOPIC) => {
  const outputs: Record<string, string> = {
    [OUTPUTS.stateMachineArn]: 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev',
    [OUTPUTS.ledgerBucket]: 'ledger',
    [OUTPUTS.resumeFunction]: 'resume',
  };
  if (topicArn !== '') outputs[OUTPUTS.topicArn] = topicArn;
  const options = { endpoint: started.aws.endpoint, region: 'us-east-1', credentials: started.aws.credentials };
  return deploymentOf({ environment: 'odin-dev' }, outputs, { ...options, maxAttempts: 1 }, local);
};

it('is counted', async () => {
  expect(await subscribersOf(deployment(false))).toEqual({ topicArn: TOPIC, confirmed: 0, pending: 0 });
});

it('is not known where SNS refuses, and says why', async () => {
  verdict = { status: 403, code: 'AuthorizationError' };
  expect(await subscribersOf(deployment(false))).toEqual({
    unknown: expect.stringContaining('AuthorizationError') as string,
  });
  verdict = 'pass';
});

it('is not asked on this machine, nor where no topic is said', async () => {
  const before = asked;
  expect(await subscribersOf(deployment(true))).toBeUndefined();
  expect(await subscribersOf(deployment(false, ''))).toBeUndefined();
  expect(asked).toBe(before);
});

it.each([
  [1, 0, '1 subscriber is told of halts'],
  [2, 1, '2 subscribers are told of halts, 1 is not confirmed yet'],
  [0, 2, '0 subscribers are told of halts, 2 are not confirmed yet'],
])('%d and %d pending: %s', (confirmed, pending, text) => {
  expect(subscribersText({ topicArn: TOPIC, confirmed, pending })).toBe(text);
  const warning = nobodyIsTold({ topicArn: TOPIC, confirmed, pending });
  if (confirmed > 0) expect(warning).toBeUndefined();
  else
    expect(warning).toMatch(
      /^Nobody is told of a halt: .* \(2 not confirmed yet, .*: aws sns subscribe --topic-arn arn:\S+:operators .* --region eu-west-1$/,
    );
});
