// How many subscribers a topic has: SNS counts them.
import type { SNSClient } from '@aws-sdk/client-sns';
import { GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import type { Subscribers } from '../core/views/subscribers.ts';

export async function countSubscribers(sns: SNSClient, topicArn: string): Promise<Subscribers> {
  const { Attributes = {} } = await sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn }));
  const count = (name: string) => Number(Attributes[name] ?? 0);
  return { topicArn, confirmed: count('SubscriptionsConfirmed'), pending: count('SubscriptionsPending') };
}
