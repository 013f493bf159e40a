// How many are told: SNS counts the subscribers of a topic.
import type { SNSClient } from '@aws-sdk/client-sns';
import { GetTopicAttributesCommand } from '@aws-sdk/client-sns';
import type { Subscribers } from '../core/views/subscribers.ts';
import type { TopicArns } from './notify.ts';

/** A chat that is told is one of them. */
export async function countSubscribers(sns: SNSClient, { topicArn, chatTopicArn }: TopicArns): Promise<Subscribers> {
  const topics = [topicArn, chatTopicArn].filter((arn) => arn !== undefined);
  const answers = await Promise.all(topics.map((TopicArn) => sns.send(new GetTopicAttributesCommand({ TopicArn }))));
  const count = (name: string) => sumOf(answers.map(({ Attributes = {} }) => Number(Attributes[name] ?? 0)));
  return { topicArn, confirmed: count('SubscriptionsConfirmed'), pending: count('SubscriptionsPending') };
}

const sumOf = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0);
