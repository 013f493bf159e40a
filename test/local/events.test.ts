// The embedded EventBridge: what PutEvents takes and refuses, as the SDK's client sees it.
import { EventBridgeClient, ListRulesCommand, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Started } from './support.ts';
import { start, writeFunction } from './support.ts';

let started: Started;
let eventBridge: EventBridgeClient;
beforeAll(async () => {
  started = await start();
  eventBridge = new EventBridgeClient({
    endpoint: started.aws.endpoint,
    region: started.aws.region,
    credentials: started.aws.credentials,
    maxAttempts: 1,
  });
});
afterAll(() => started.stop());

const put = (...Entries: object[]) => eventBridge.send(new PutEventsCommand({ Entries }));
const good = { Source: 'ours', DetailType: 'Happened', Detail: '{"a":"ü"}' };

describe('PutEvents', () => {
  it('keeps an event as its targets would get it, in memory and in a file', async () => {
    const answer = await put({ ...good, Time: new Date('2026-03-01T12:00:00Z'), Resources: ['arn:x'] });
    expect(answer).toMatchObject({ FailedEntryCount: 0, Entries: [{ EventId: expect.any(String) as string }] });
    const event = {
      version: '0',
      id: answer.Entries?.[0]?.EventId,
      'detail-type': 'Happened',
      source: 'ours',
      account: '000000000000',
      time: '2026-03-01T12:00:00.000Z',
      region: 'eu-west-1',
      resources: ['arn:x'],
      detail: { a: 'ü' },
    };
    expect(started.aws.events.taken.at(-1)).toEqual(event);
    const lines = readFileSync(join(started.aws.directory, 'events.jsonl'), 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual(event);
  });

  it('refuses an entry and not the request', async () => {
    const before = started.aws.events.taken.length;
    const answer = await put(
      good,
      { ...good, Source: 'aws.s3' },
      { ...good, Detail: 'text' },
      { ...good, Detail: '[]' },
      { Source: 'ours', Detail: '{}' },
      { ...good, EventBusName: 'other' },
    );
    expect(answer.FailedEntryCount).toBe(5);
    expect(answer.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      undefined,
      'NotAuthorizedForSourceException',
      'MalformedDetail',
      'MalformedDetail',
      'InvalidArgument',
      'InvalidArgument',
    ]);
    expect(started.aws.events.taken).toHaveLength(before + 1);
  });

  it('refuses more than ten entries, and more than 256 KiB', async () => {
    await expect(put(...Array.from({ length: 11 }, () => good))).rejects.toMatchObject({ name: 'ValidationException' });
    const large = { ...good, Detail: JSON.stringify({ text: 'x'.repeat(262_144) }) };
    await expect(put(large)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('is reached from inside a function without any setting', async () => {
    const source = `import { createRequire } from 'node:module';
      const { EventBridgeClient, PutEventsCommand } = createRequire('${import.meta.filename}')('@aws-sdk/client-eventbridge');
      export const handler = async () => (await new EventBridgeClient({}).send(new PutEventsCommand({
        Entries: [{ Source: 'inside', DetailType: 'd', Detail: '{}' }] }))).FailedEntryCount;`;
    started.aws.lambda.updateFunctions([writeFunction(started.folder, 'inside', source)]);
    expect((await started.aws.lambda.invoke('inside', '{}')).payload).toBe('0');
    expect(started.aws.events.taken.at(-1)).toMatchObject({ source: 'inside' });
  });
});

describe('anything else', () => {
  it('is refused by name', async () => {
    await expect(eventBridge.send(new ListRulesCommand({}))).rejects.toMatchObject({
      message: 'The embedded AWS does not support events:ListRules',
    });
  });
});
