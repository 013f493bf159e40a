// SNS as far as notifications go: each published message becomes a text file that a person can read.

import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AwsError } from '../http.ts';

export interface Notification {
  readonly messageId: string;
  readonly topicArn: string;
  readonly topicName: string;
  readonly subject: string | undefined;
  readonly message: string;
  /** The file that holds the subject, a blank line, and the message. */
  readonly file: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

export interface SnsOptions {
  readonly directory: string;
  readonly region: string;
  readonly accountId: string;
  readonly onMessage?: ((notification: Notification) => void) | undefined;
}

interface PublishRequest {
  readonly topicArn: string;
  readonly subject?: string | undefined;
  readonly message: string;
}

export type Sns = ReturnType<typeof createSns>;

export function createSns(options: SnsOptions) {
  const topics = new Set<string>();
  const messages: Notification[] = [];

  return {
    /** Everything that was published since the start, oldest first. */
    messages: messages as readonly Notification[],

    /** Does nothing when the topic exists. */
    createTopic(name: string): { topicArn: string } {
      topics.add(name);
      return { topicArn: `arn:aws:sns:${options.region}:${options.accountId}:${name}` };
    },

    publish(request: PublishRequest): Notification {
      const { topicArn, subject, message } = request;
      const topicName = topicArn.split(':').at(-1) ?? '';
      const known =
        topicArn === `arn:aws:sns:${options.region}:${options.accountId}:${topicName}` && topics.has(topicName);
      if (!known) throw new AwsError('NotFound', `Topic does not exist: ${topicArn}`, 404);
      if (message === '') throw new AwsError('InvalidParameter', 'Invalid parameter: Empty message');
      if (Buffer.byteLength(message) > 262_144)
        throw new AwsError('InvalidParameter', 'Invalid parameter: Message too long');
      // As SNS: UTF-8, on one line (docs/aws-facts.md).
      if (subject !== undefined && !/^\P{Cc}{1,99}$/u.test(subject)) {
        throw new AwsError('InvalidParameter', 'Invalid parameter: Subject (fewer than 100 characters on one line)');
      }
      const folder = join(options.directory, topicName);
      mkdirSync(folder, { recursive: true });
      const file = writeNext(folder, `${subject ?? ''}\n\n${message}\n`);
      const notification = {
        messageId: randomUUID(),
        topicArn,
        topicName,
        subject,
        message,
        file,
        timestamp: Date.now(),
      };
      messages.push(notification);
      options.onMessage?.(notification);
      return notification;
    },
  };
}

/** The first number is the one after those of earlier processes. */
function writeNext(folder: string, text: string): string {
  const numbers = readdirSync(folder).map((name) => Number.parseInt(name, 10));
  const last = Math.max(0, ...numbers.filter(Number.isInteger));
  const file = join(folder, `${last + 1}.txt`);
  writeFileSync(file, text, { flag: 'wx' });
  return file;
}
