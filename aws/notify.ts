// SNS and EventBridge, for the functions.
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { SNSClient } from '@aws-sdk/client-sns';
import { PublishCommand } from '@aws-sdk/client-sns';
import { OdinError } from '../core/errors.ts';
import { EVENT_SOURCE } from '../core/contract/events.ts';
import { VARIABLES } from '../core/names/names.ts';
import type { Events, Notifications } from '../core/contract/ports.ts';

/**
 * Three tries of at most 5 s, with pauses of under a second: given up after about 17 s, well within a function's 90 s.
 * A topic that does not answer must not end the function that has just recorded a halt.
 */
export const QUICK = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

/**
 * The form for chats goes to a topic of its own: SNS tells forms apart by protocol, and the address of a chat is an `https:` one like
 * that of any other tool (docs/aws-facts.md). Each is sent whatever becomes of the other.
 */
export function createNotifications(sns: SNSClient, { topicArn, chatTopicArn }: TopicArns): Notifications {
  return {
    async publish(Subject, text, chat) {
      const sent = await Promise.allSettled([
        sns.send(new PublishCommand({ TopicArn: topicArn, Subject, Message: text })),
        chatTopicArn && sns.send(new PublishCommand({ TopicArn: chatTopicArn, Message: JSON.stringify(chat) })),
      ]);
      for (const one of sent) if (one.status === 'rejected') throw one.reason;
    },
  };
}

export interface TopicArns {
  topicArn: string;
  /** Undefined when no chat is told. */
  chatTopicArn: string | undefined;
}

/** Of the function that runs here. */
export const topicArnsHere = (): TopicArns => ({
  topicArn: process.env[VARIABLES.topicArn] ?? '',
  chatTopicArn: process.env[VARIABLES.chatTopicArn],
});

export function createEvents(eventBridge: EventBridgeClient): Events {
  return {
    async send({ type, detail }) {
      const { FailedEntryCount = 0, Entries } = await eventBridge.send(
        new PutEventsCommand({
          Entries: [
            {
              Source: EVENT_SOURCE,
              DetailType: type,
              Detail: JSON.stringify(detail),
              Resources: [detail.execution],
              Time: new Date(detail.time),
            },
          ],
        }),
      );
      // PutEvents answers 200 for an entry that it did not take.
      if (FailedEntryCount === 0) return;
      const { ErrorCode = 'no code', ErrorMessage = 'no message' } = Entries?.[0] ?? {};
      throw new OdinError({
        code: 'EventNotTaken',
        source: 'system',
        what: `EventBridge did not take the event "${type}": ${ErrorCode}, ${ErrorMessage}.`,
      });
    },
  };
}
