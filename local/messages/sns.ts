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
  /** What an e-mail gets. */
  readonly message: string;
  /** What an HTTPS subscription gets, e.g. a chat. The same as `message` unless the publisher sent a form of its own. */
  readonly httpsMessage: string;
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
  /** `json`: the message holds one text per protocol, `default` among them. */
  readonly structure?: string | undefined;
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
      const { topicArn, subject } = request;
      const topicName = topicArn.split(':').at(-1) ?? '';
      const known =
        topicArn === `arn:aws:sns:${options.region}:${options.accountId}:${topicName}` && topics.has(topicName);
      if (!known) throw new AwsError('NotFound', `Topic does not exist: ${topicArn}`, 404);
      if (request.message === '') throw new AwsError('InvalidParameter', 'Invalid parameter: Empty message');
      if (Buffer.byteLength(request.message) > 262_144)
        throw new AwsError('InvalidParameter', 'Invalid parameter: Message too long');
      // SNS refuses a subject that is no single line of text.
      if (subject !== undefined && !/^[\x21-\x7e][\x20-\x7e]{0,99}$/.test(subject)) {
        throw new AwsError('InvalidParameter', 'Invalid parameter: Subject (at most 100 ASCII characters on one line)');
      }
      const { message, httpsMessage } = formsOf(request);
      const folder = join(options.directory, topicName);
      mkdirSync(folder, { recursive: true });
      const file = writeNext(folder, `${subject ?? ''}\n\n${message}\n`);
      const notification = {
        messageId: randomUUID(),
        topicArn,
        topicName,
        subject,
        message,
        httpsMessage,
        file,
        timestamp: Date.now(),
      };
      messages.push(notification);
      options.onMessage?.(notification);
      return notification;
    },
  };
}

function formsOf({ message, structure }: PublishRequest): { message: string; httpsMessage: string } {
  if (structure === undefined) return { message, httpsMessage: message };
  if (structure !== 'json') throw new AwsError('InvalidParameter', 'Invalid parameter: MessageStructure');
  const forms = parseForms(message);
  const byDefault = forms['default'];
  if (byDefault === undefined) {
    throw new AwsError(
      'InvalidParameter',
      'Invalid parameter: Message Structure - No default entry in JSON message body',
    );
  }
  return { message: forms['email'] ?? byDefault, httpsMessage: forms['https'] ?? byDefault };
}

/** SNS takes no entry that is not a text. */
function parseForms(message: string): Record<string, string> {
  try {
    const forms = JSON.parse(message) as Record<string, string>;
    if (Object.values(forms).every((form) => typeof form === 'string')) return forms;
  } catch {
    // said below
  }
  throw new AwsError('InvalidParameter', 'Invalid parameter: Message Structure - JSON message body failed to parse');
}

/** The first number is the one after those of earlier processes. */
function writeNext(folder: string, text: string): string {
  const numbers = readdirSync(folder).map((name) => Number.parseInt(name, 10));
  const last = Math.max(0, ...numbers.filter(Number.isInteger));
  const file = join(folder, `${last + 1}.txt`);
  writeFileSync(file, text, { flag: 'wx' });
  return file;
}
