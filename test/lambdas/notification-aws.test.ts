// Notifications and events over the real SDK clients, to the embedded AWS.
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OdinEvent } from '../../core/contract/events.ts';
import type { RequestSummary, Verdict } from '../../local/embedded-aws.ts';
import { SNSClient } from '@aws-sdk/client-sns';
import { createEvents, createNotifications, QUICK } from '../../aws/notify.ts';
import { chatNotification } from '../../core/contract/chat.ts';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';
import { thrownBy } from '../support/thrown.ts';

let started: Started;
let operators: string;
let chats: string;
let decide: (request: RequestSummary) => Verdict;
let tries: string[];
const chat = chatNotification(
  { title: 't', description: 'd', nextSteps: [], keywords: [] },
  { threadId: 'i', summary: 's', eventType: 'e', relatedResources: [], additionalContext: {} },
);
const event: OdinEvent = {
  type: 'Run Completed',
  detail: {
    version: 1,
    environment: 'odin-dev',
    execution: 'arn:aws:states:eu-west-1:1:execution:m:e',
    completed: 0,
    migrations: 0,
    afterHalts: [],
    time: '2026-03-01T12:00:00.000Z',
  },
};

beforeAll(async () => {
  started = await start({
    onRequest: (request) => {
      tries.push(request.operation);
      return decide(request);
    },
  });
  operators = started.aws.sns.createTopic('operators').topicArn;
  chats = started.aws.sns.createTopic('chat').topicArn;
});
afterAll(() => started.stop());
beforeEach(() => {
  decide = () => 'pass';
  tries = [];
});

const client = () => ({
  ...QUICK,
  endpoint: started.aws.endpoint,
  region: started.aws.region,
  credentials: started.aws.credentials,
});

describe('a notification', () => {
  const publish = (chatTopicArn: string | undefined) =>
    createNotifications(new SNSClient(client()), { topicArn: operators, chatTopicArn }).publish(
      'subject',
      'text "quoted"\n',
      chat,
    );
  /** The topic and the text of each, in any order. */
  const sentSince = (count: number) =>
    new Map(started.aws.sns.messages.slice(count).map(({ topicArn, message }) => [topicArn, message]));

  it('is the same text for each protocol, and nothing for a chat when none is told', async () => {
    const before = started.aws.sns.messages.length;
    await publish(undefined);
    expect([...sentSince(before)]).toEqual([[operators, 'text "quoted"\n']]);
    expect(started.aws.sns.messages.at(-1)?.subject).toBe('subject');
  });

  it('has the form for chats on their topic alone', async () => {
    const before = started.aws.sns.messages.length;
    await publish(chats);
    const sent = sentSince(before);
    expect([...sent.keys()].sort()).toEqual([operators, chats].sort());
    expect(sent.get(operators)).toBe('text "quoted"\n');
    expect(JSON.parse(sent.get(chats) ?? '')).toEqual(chat);
  });

  it.each([
    ['operators', () => operators, () => chats],
    ['chats', () => chats, () => operators],
  ])('for the %s that is not taken is an error, and keeps nothing from the others', async (_, refused, other) => {
    decide = ({ input }) =>
      (input as { TopicArn: string }).TopicArn === refused() ? { status: 403, code: 'AuthorizationError' } : 'pass';
    const before = started.aws.sns.messages.length;
    await expect(publish(chats)).rejects.toThrow();
    expect([...sentSince(before).keys()]).toEqual([other()]);
  });

  it('to who never answers is given up', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const requestHandler = { ...QUICK.requestHandler, requestTimeout: 20 };
    const sns = new SNSClient({ ...client(), endpoint, requestHandler, maxAttempts: 1 });
    const published = createNotifications(sns, { topicArn: operators, chatTopicArn: undefined });
    await expect(published.publish('subject', 'text', chat)).rejects.toThrow(/time/i);
    silent.closeAllConnections();
    silent.close();
  });

  it('is tried three times, and then fails', async () => {
    decide = () => ({ status: 500, code: 'InternalError' });
    await expect(publish(undefined)).rejects.toThrow();
    expect(tries).toEqual(['Publish', 'Publish', 'Publish']);
  });
});

describe('an event', () => {
  it('is on the default bus, with its execution as resource', async () => {
    await createEvents(new EventBridgeClient(client())).send(event);
    expect(started.aws.events.taken.at(-1)).toMatchObject({
      source: 'odin-migrate',
      'detail-type': 'Run Completed',
      resources: [event.detail.execution],
      time: event.detail.time,
      detail: event.detail,
    });
  });

  it('that the bus does not take is an error, though PutEvents answers 200', async () => {
    const eventBridge = new EventBridgeClient(client());
    eventBridge.middlewareStack.add(
      (next) => (args) => {
        (args.input as { Entries: { Source: string }[] }).Entries[0]!.Source = 'aws.ours';
        return next(args);
      },
      { step: 'initialize' },
    );
    const error = await thrownBy(createEvents(eventBridge).send(event));
    expect(error).toMatchObject({ code: 'EventNotTaken', source: 'system' });
    expect(error.message).toContain('NotAuthorizedForSourceException');
  });
});
