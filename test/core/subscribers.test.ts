// Who is told of halts, in the words of status, run and the dashboard.
import { expect, it } from 'vitest';
import { nobodyIsTold, subscribersText } from '../../core/views/subscribers.ts';

const topicArn = 'arn:aws:sns:eu-west-1:111122223333:shop--odin-dev';

it.each([
  [0, 0, '0 subscribers are told of halts'],
  [1, 0, '1 subscriber is told of halts'],
  [3, 1, '3 subscribers are told of halts, 1 is not confirmed yet'],
  [1, 2, '1 subscriber is told of halts, 2 are not confirmed yet'],
])('%i confirmed, and %i not yet', (confirmed, pending, text) => {
  expect(subscribersText({ topicArn, confirmed, pending })).toBe(text);
});

it('says what to type when nobody is told', () => {
  const typed =
    'Subscribe, and confirm as docs/runbook.md says: ' +
    `aws sns subscribe --topic-arn ${topicArn} --protocol email --notification-endpoint ADDRESS --region eu-west-1`;
  expect(nobodyIsTold({ topicArn, confirmed: 1, pending: 0 })).toBeUndefined();
  expect(nobodyIsTold({ topicArn, confirmed: 0, pending: 0 })).toBe(
    `Nobody is told of a halt: the topic has no confirmed subscriber. ${typed}`,
  );
  expect(nobodyIsTold({ topicArn, confirmed: 0, pending: 2 })).toBe(
    `Nobody is told of a halt: the topic has no confirmed subscriber (2 not confirmed yet, which SNS forgets after 48 hours). ${typed}`,
  );
});
