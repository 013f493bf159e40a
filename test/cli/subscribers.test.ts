// Who is told of halts: counted by SNS, said beside everything else, and never a reason for it to fail.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SNSClient } from '@aws-sdk/client-sns';
import { countSubscribers } from '../../aws/subscribers.ts';
import { deploymentOf } from '../../client/deployment.ts';
import { subscribersOf } from '../../client/subscribers.ts';
import { OUTPUTS } from '../../core/names/names.ts';
import { nobodyIsTold, subscribersText } from '../../core/views/subscribers.ts';
import type { Verdict } from '../../local/embedded-aws.ts';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';
import { PROJECT } from '../support/project.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:operators';
const CHAT = 'arn:aws:sns:eu-west-1:111122223333:chat';

let started: Started;
let verdict: Verdict = 'pass';
const asked: unknown[] = [];
beforeAll(async () => {
  started = await start({
    onRequest: ({ operation, input }) => {
      if (operation === 'GetTopicAttributes') asked.push((input as { TopicArn: string }).TopicArn);
      return verdict;
    },
  });
});
afterAll(() => started.stop());

const deployment = (local: boolean, topicArn: string | undefined = TOPIC, chatTopicArn?: string) => {
  const outputs: Record<string, string> = {
    [OUTPUTS.stateMachineArn]: 'arn:aws:states:eu-west-1:111122223333:stateMachine:odin-migrate-odin-dev',
    [OUTPUTS.ledgerBucket]: 'ledger',
    [OUTPUTS.resumeFunction]: 'resume',
  };
  if (topicArn !== '') outputs[OUTPUTS.topicArn] = topicArn;
  if (chatTopicArn !== undefined) outputs[OUTPUTS.chatTopicArn] = chatTopicArn;
  const options = { endpoint: started.aws.endpoint, region: 'us-east-1', credentials: started.aws.credentials };
  return deploymentOf({ environment: 'odin-dev' }, outputs, { ...options, maxAttempts: 1 }, local);
};

it('is counted', async () => {
  expect(await subscribersOf(deployment(false))).toEqual({ topicArn: TOPIC, confirmed: 0, pending: 0 });
});

it('counts those of the chat’s topic too: who is told there alone is told', async () => {
  asked.length = 0;
  expect(await subscribersOf(deployment(false, TOPIC, CHAT))).toEqual({ topicArn: TOPIC, confirmed: 0, pending: 0 });
  expect(asked.sort()).toEqual([CHAT, TOPIC]);
  // Nobody subscribes to the embedded SNS.
  const sns = new SNSClient({ region: 'eu-west-1' });
  const counts = new Map([
    [TOPIC, { SubscriptionsConfirmed: '0', SubscriptionsPending: '1' }],
    [CHAT, { SubscriptionsConfirmed: '2', SubscriptionsPending: '0' }],
  ]);
  const answers = (TopicArn: string) => ({ $metadata: {}, Attributes: counts.get(TopicArn) });
  sns.middlewareStack.add(
    () => (args) => Promise.resolve({ response: {}, output: answers((args.input as { TopicArn: string }).TopicArn) }),
    { step: 'initialize' },
  );
  const told = await countSubscribers(sns, { topicArn: TOPIC, chatTopicArn: CHAT });
  expect(told).toEqual({ topicArn: TOPIC, confirmed: 2, pending: 1 });
});

it('is not known where SNS refuses, and says why', async () => {
  verdict = { status: 403, code: 'AuthorizationError' };
  expect(await subscribersOf(deployment(false))).toEqual({
    unknown: expect.stringContaining('AuthorizationError') as string,
  });
  verdict = 'pass';
});

it('is not asked on this machine, nor where no topic is said', async () => {
  asked.length = 0;
  expect(await subscribersOf(deployment(true))).toBeUndefined();
  expect(await subscribersOf(deployment(false, ''))).toBeUndefined();
  expect(asked).toEqual([]);
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

it('docs/runbook.md, which is named then, confirms so that nobody ends it by the link in a mail', () => {
  const said = readFileSync(path.join(PROJECT, 'docs/runbook.md'), 'utf8');
  expect(said).toMatch(
    /^aws sns confirm-subscription --topic-arn ARN --token TOKEN --authenticate-on-unsubscribe true$/m,
  );
});
