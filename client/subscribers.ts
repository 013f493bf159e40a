// Who would be told of a halt. It is looked at beside something else, which it never fails.
import { SNSClient } from '@aws-sdk/client-sns';
import { regionOf } from '../core/names/names.ts';
import { describeThrown } from '../core/thrown.ts';
import type { Subscribers } from '../core/views/subscribers.ts';
import { countSubscribers } from '../aws/subscribers.ts';
import type { Deployment } from './deployment.ts';

export type SubscribersSeen = Subscribers | { unknown: string };

/** Undefined on this machine, and of an environment whose topic is not known. */
export async function subscribersOf({
  local,
  topicArn,
  chatTopicArn,
  options,
}: Deployment): Promise<SubscribersSeen | undefined> {
  if (local || topicArn === undefined) return undefined;
  try {
    const sns = new SNSClient({ ...options, region: regionOf(topicArn) });
    return await countSubscribers(sns, { topicArn, chatTopicArn });
  } catch (thrown) {
    return { unknown: describeThrown(thrown) };
  }
}
