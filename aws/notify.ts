// SNS and EventBridge, for the functions.
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { SNSClient } from '@aws-sdk/client-sns';
import { PublishCommand } from '@aws-sdk/client-sns';
import { OdinError } from '../core/errors.ts';
import { EVENT_SOURCE } from '../core/contract/events.ts';
import type { Events, Notifications } from '../core/contract/ports.ts';

/**
 * Three tries of at most 5 s, with pauses of under a second: given up after about 17 s, well within a function's 90 s.
 * A topic that does not answer must not end the function that has just recorded a halt.
 */
export const QUICK = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
};

/** An HTTPS subscription gets the form for chats, every other one the text (`default`, in SNS's message structure). */
export function createNotifications(sns: SNSClient, topicArn: string): Notifications {
  return {
    async publish(Subject, text, chat) {
      const Message = JSON.stringify({ default: text, https: JSON.stringify(chat) });
      await sns.send(new PublishCommand({ TopicArn: topicArn, Subject, Message, MessageStructure: 'json' }));
    },
  };
}

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
