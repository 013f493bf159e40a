// One run whose every text is hostile: errors, what a migration prints, names and reasons of operators. It halts and goes on
// as any other, everything stays within AWS's limits, and nothing that is written has a secret in it.
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import type { LambdaLogLine } from '../../local/lambda/host.ts';
import { HOSTILE_TEXT } from '../support/hostile.ts';
import { type } from './command-line.ts';
import { embeddedPlatform } from './embedded-platform.ts';
import { throwsAtFirst, works } from './migrations.ts';
import type { Platform } from './platform.ts';
import { World } from './world.ts';

const SECRET = 'canary-5f1d8c1e0a';
/** Step Functions and SNS take this much. */
const LIMIT = 256 * 1024;
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e]/u;

const exports = {
  // What a file may say: an environment with more than that is not synthesised.
  description: HOSTILE_TEXT.toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
    .slice(0, 200),
  variables: { SIGNING_KEY: SECRET },
};
const FILES = {
  '0001.ts': throwsAtFirst(HOSTILE_TEXT.repeat(500), exports),
  '0002.ts': throwsAtFirst(
    HOSTILE_TEXT,
    exports,
    `postgres://app:${SECRET}@db refused password=${SECRET} ${HOSTILE_TEXT}`,
  ),
  '0003.ts': works(),
};

let platform: Platform;
let aws: EmbeddedAws;
let world: World;
let execution: string;
const logs: LambdaLogLine[] = [];
/** What each command printed. */
const printed = new Map<string, string>();
const pages: string[] = [];
const tokens: string[] = [];

beforeAll(async () => {
  platform = await embeddedPlatform({
    onLog: (line) => logs.push(line),
    started: (started) => {
      aws = started;
    },
  });
  const deployment = (await platform.deploy([{ environment: 'hostile', files: FILES }])).get('hostile');
  if (!deployment) throw new Error('hostile was not deployed');
  world = new World(platform, 'hostile', deployment);
  const cli = async (...args: string[]) => {
    const { stdout, stderr } = await type({ ...aws.environment }, args[0] ?? '', 'hostile', ...args.slice(1));
    printed.set(args.join(' '), stdout + stderr);
  };

  execution = await world.start();
  tokens.push(...(await world.halted('0001', execution)).waiting.map(({ token }) => token));
  await Promise.all([cli('status'), cli('status', '--json')]);
  pages.push(await world.widget({}), await world.widget({ page: 1 }));
  await world.decide('retry', HOSTILE_TEXT, HOSTILE_TEXT.repeat(100).slice(0, 4_000));
  tokens.push(...(await world.halted('0002', execution)).waiting.map(({ token }) => token));
  await cli('resume', 'skip', '--reason', `token=${SECRET} ${HOSTILE_TEXT.replaceAll('\0', '')}`, '--wait');
  await Promise.all([cli('history'), cli('history', '--json')]);
  await cli('status', '--migration', HOSTILE_TEXT.replaceAll('\0', '')); // wrong use
  pages.push(await world.widget({}));
});
afterAll(() => platform.close());

it('halts, is answered and ends as any other', async () => {
  expect(await world.describe(execution)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'skipped', '0003': 'applied' });
  expect([await world.effects('0001'), await world.effects('0002'), await world.effects('0003')]).toEqual([2, 1, 1]);
});

it('sends messages that are short enough, of plain lines, and valid in each form', () => {
  const toChat = aws.sns.messages.filter(({ topicName }) => topicName.includes('Chat'));
  const toOperators = aws.sns.messages.filter((message) => !toChat.includes(message));
  expect([toOperators.length, toChat.length]).toEqual([3, 3]); // two halts and the end
  for (const { subject = '', message } of toOperators) {
    expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(message.replaceAll('\n', '')).not.toMatch(CONTROL);
    expect(message.split('\n').filter((line) => line.startsWith('Execution:')).length).toBe(1);
    expect(Buffer.byteLength(message)).toBeLessThan(LIMIT);
  }
  for (const { message } of toChat) {
    expect(Buffer.byteLength(message)).toBeLessThan(LIMIT);
    expect(JSON.parse(message)).toMatchObject({ version: '1.0', source: 'custom' });
    expect(message).not.toContain('<!channel>');
  }
});

it('carries no payload, and no cause, that is over the limits of Step Functions', async () => {
  const { events = [] } = await world.deployment.sfn.send(
    new GetExecutionHistoryCommand({ executionArn: execution, maxResults: 1000 }),
  );
  const texts = events.flatMap((event) =>
    Object.values(event).flatMap((details: unknown) =>
      typeof details === 'object' && details !== null ? Object.entries(details as Record<string, unknown>) : [],
    ),
  );
  const sizes = (name: RegExp) =>
    texts.filter(([key]) => name.test(key)).map(([, text]) => Buffer.byteLength(String(text)));
  expect(sizes(/^(input|output|parameters)$/).length).toBeGreaterThan(10);
  expect(Math.max(...sizes(/^(input|output|parameters)$/))).toBeLessThan(LIMIT);
  expect(sizes(/^cause$/).length).toBeGreaterThan(0);
  expect(Math.max(...sizes(/^cause$/))).toBeLessThan(32_768);
});

it('prints nothing that a terminal acts on', () => {
  expect(printed.get('status')).toContain('0001');
  expect(printed.get('history --json')).toContain('"decided"');
  expect(printed.size).toBe(6);
  for (const [command, text] of printed) expect(text.replaceAll('\n', ''), command).not.toMatch(CONTROL);
});

it('draws pages of text, and of nothing else', () => {
  expect(pages[0]).toContain('Halted at 0001');
  for (const page of pages) {
    expect(page).not.toMatch(/<script|<img|onerror="/);
    expect(page.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
    expect(page.length).toBeLessThan(60_000);
  }
});

describe('no secret', () => {
  async function ledger(): Promise<string> {
    const { s3, ledgerBucket: Bucket } = world.deployment;
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    const bodies = Contents.filter(({ Key = '' }) => !Key.startsWith('waiters/')).map(async ({ Key }) =>
      (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString(),
    );
    return (await Promise.all(bodies)).join('\n');
  }

  it.each<[string, string, () => string | Promise<string>]>([
    // Each with a word that is in it: what is not written at all has no secret either.
    ['the ledger, but for waiters/, whose tokens are why they are private', '"nonce"', ledger],
    ['the log lines', 'Halted: 0001', () => logs.map(({ line }) => line).join('\n')],
    ['the notifications', 'needs your decision', () => JSON.stringify(aws.sns.messages)],
    ['the events', 'Migration Halted', () => JSON.stringify(aws.events.taken)],
    ['what the command line printed', 'halted', () => [...printed.values()].join('\n')],
    ['the pages of the dashboard', 'Halted at', () => pages.join('\n')],
  ])('is in %s', async (_, word, read) => {
    const text = await read();
    expect(text).toContain(word);
    expect(tokens.length).toBeGreaterThan(1);
    for (const secret of [...tokens, SECRET]) expect(text.includes(secret), secret).toBe(false);
  });
});
