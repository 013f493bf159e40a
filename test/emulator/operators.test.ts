// Who hears of a halt and in which form, who decided, and what is asked about the account, after a real `cdk deploy`: an on-call tool's
// endpoint is subscribed to the topic of the operators, and a chat's to its own.
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OUTPUTS, stackName } from '../../core/names/names.ts';
import type { TemporaryProject } from '../support/project.ts';
import { PROJECT, temporaryProject } from '../support/project.ts';
import { bootstrap } from './cdk.ts';
import type { Emulator } from './ministack.ts';
import { account, startMiniStack } from './ministack.ts';
import type { Team } from './team.ts';
import { teamOf } from './team.ts';

const STACK = stackName({ app: 'shop', environment: 'odin-dev' });
const FAILS = "export async function migration(): Promise<void> {\n  throw new Error('not yet');\n}\n";

interface Received {
  Type: string;
  Subject?: string;
  Message: string;
  SubscribeURL?: string;
}

/** What SNS sends to an endpoint, which confirms its subscription as a tool does. */
class Subscriber implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then(async (body) => {
        const message = JSON.parse(body) as Received;
        if (message.SubscribeURL === undefined) this.received.push(message);
        else await fetch(message.SubscribeURL);
        response.end();
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The message that has this in its subject or text, once it is there. */
  got(part: RegExp): Promise<Received> {
    return expect
      .poll(() => this.received.find(({ Subject = '', Message }) => part.test(`${Subject}\n${Message}`)), {
        timeout: 60_000,
      })
      .toBeDefined()
      .then(() => this.received.find(({ Subject = '', Message }) => part.test(`${Subject}\n${Message}`))!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('the operators of an environment', () => {
  const onCall = new Subscriber();
  const chat = new Subscriber();
  let emulator: Emulator;
  let project: TemporaryProject;
  let team: Team;
  const directory = mkdtempSync(path.join(tmpdir(), 'odin-migrate-emulator-'));

  beforeAll(async () => {
    // A young account: ten functions at a time.
    emulator = await startMiniStack({ directory, functions: { LAMBDA_ACCOUNT_CONCURRENCY: '10' } });
    await bootstrap(emulator);
    project = temporaryProject({
      'odin-migrate.json': JSON.stringify({
        app: 'shop',
        environments: { 'odin-dev': { stack: { chatTopic: 'own' } } },
      }),
      'migrations/odin-dev/0001.ts': FAILS,
    });
    const command = [process.execPath, path.join(PROJECT, 'cli/odin-migrate.js')];
    team = teamOf({ emulator, directory: project.directory, command, app: [...command, 'synth'].join(' ') });
    const { outputs } = await team.deploy(STACK);
    const sns = new SNSClient(team.options);
    for (const [subscriber, output] of [
      [onCall, OUTPUTS.topicArn],
      [chat, OUTPUTS.chatTopicArn],
    ] as const) {
      const TopicArn = outputs[STACK]?.[output];
      // Its `https` needs a certificate, and is delivered as its `http` is.
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: await subscriber.listen() }));
    }
  });
  afterAll(async () => {
    await emulator[Symbol.asyncDispose]();
    await onCall[Symbol.asyncDispose]();
    await chat[Symbol.asyncDispose]();
    project.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  it('are counted once they are confirmed', async () => {
    await expect
      .poll(async () => (await team.odin('status', 'odin-dev')).text, { timeout: 60_000 })
      .toContain('2 subscribers are told of halts');
  });

  it('and what the account has no room for is asked of Lambda and of IAM', async () => {
    const checked = await team.odin('check', 'odin-dev', '--deployed');
    expect(checked.text).toContain('No more than 10 functions of the account may run at a time');
    expect(checked.text).not.toContain('is not known');
  });

  it('hear of a halt: an on-call tool in plain text, and a chat in the form that it shows, each once', async () => {
    expect((await team.odin('run', 'odin-dev', '--wait')).code).toBe(2);
    const told = await onCall.got(/halted/);
    expect(told).toMatchObject({ Type: 'Notification', Subject: expect.stringContaining('0001') as string });
    expect(told.Message).toContain('Error: not yet');
    expect(told.Message).toContain('resume odin-dev retry');
    expect(told.Message).not.toMatch(/^\s*\{/);

    const shown = JSON.parse((await chat.got(/halted/)).Message) as Record<string, unknown>;
    expect(shown).toMatchObject({ version: '1.0', source: 'custom', content: { textType: 'client-markdown' } });
    expect(JSON.stringify(shown)).toContain('not yet');
    expect([onCall.received.length, chat.received.length]).toEqual([1, 1]);
  });

  it('decide under the name that STS knows them by', async () => {
    expect((await team.odin('resume', 'odin-dev', 'abort', '--yes')).code).toBe(0);
    const history = await team.odin('history', 'odin-dev', '--json');
    expect(history.text).toContain(`arn:aws:iam::${account}:root`);
    expect(history.text).toMatch(/"is":\s*"verified"/);
  });

  it('hear of each run that ends badly, in both forms', async () => {
    const ended = await onCall.got(/ended badly/);
    expect(ended.Message).toContain('Execution:');
    expect(JSON.parse((await chat.got(/ended badly/)).Message)).toMatchObject({ source: 'custom' });
  });
});
