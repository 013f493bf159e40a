// The scenarios' place outside this process: a real `cdk bootstrap` and `cdk deploy` on MiniStack.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { deploymentOf } from '../../client/deployment.ts';
import { OUTPUTS, stackName } from '../../core/names/names.ts';
import type { EnvironmentSpec, Notification, Platform } from '../scenarios/platform.ts';
import { DATA_BUCKET, stackNames, synthesise } from '../scenarios/platform.ts';
import { PROJECT } from '../support/project.ts';
import { bootstrap, deploy } from './cdk.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { account, region, startMiniStack } from './ministack.ts';

const Envelope = z.object({ Subject: z.string(), Message: z.string() });

/** @param s3 in front of the S3 of the functions */
export async function emulatorPlatform({ s3 }: { s3?: FaultProxy } = {}): Promise<Platform> {
  const parent = path.join(PROJECT, '.odin-migrate', 'test');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(path.join(parent, 'emulator-'));
  // Outside the project, whose package.json would turn the emulator's own worker script into an ES module.
  const emulatorDirectory = mkdtempSync(path.join(tmpdir(), 'odin-migrate-emulator-'));
  const emulator = await startMiniStack({
    directory: emulatorDirectory,
    functions: s3 && { AWS_ENDPOINT_URL_S3: s3.endpoint },
  });
  if (s3) s3.target = emulator.endpoint;
  const options = {
    endpoint: emulator.endpoint,
    region,
    credentials: {
      accessKeyId: emulator.environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: emulator.environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  };
  const sqs = new SQSClient(options);
  const sns = new SNSClient(options);
  const queues = new Map<string, string>();
  const received = new Map<string, Notification[]>();

  await bootstrap(emulator);
  await new S3Client({ ...options, forcePathStyle: true }).send(
    new CreateBucketCommand({ Bucket: DATA_BUCKET, CreateBucketConfiguration: { LocationConstraint: region } }),
  );

  /** As an operator would: a queue of theirs, subscribed to the environment's topic. */
  async function subscribeQueue(environment: string, TopicArn: string): Promise<void> {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: `operators-${environment}` }));
    const queueArn = `arn:aws:sqs:${region}:${account}:operators-${environment}`;
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'sns.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: queueArn,
          Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
        },
      ],
    });
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queueArn }));
    queues.set(environment, QueueUrl);
  }

  return {
    async deploy(specs: readonly EnvironmentSpec[]) {
      const app = synthesise(directory, specs);
      const { outputs } = await deploy(emulator, { app, stacks: stackNames(specs) });
      const deployments = new Map(
        specs.map(({ environment }) => [
          environment,
          deploymentOf({ environment }, outputs[stackName({ environment })] ?? {}, options, false),
        ]),
      );
      for (const { environment } of specs) {
        const topic = outputs[stackName({ environment })]?.[OUTPUTS.topicArn] ?? '';
        if (!queues.has(environment)) await subscribeQueue(environment, topic);
      }
      return deployments;
    },
    async notifications(environment) {
      const QueueUrl = queues.get(environment);
      const seen = received.get(environment) ?? [];
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      if (Messages.length > 0) {
        const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
        await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      }
      for (const { Body = '' } of Messages) {
        const { Subject, Message } = Envelope.parse(JSON.parse(Body));
        seen.push({ subject: Subject, message: Message });
      }
      received.set(environment, seen);
      return seen;
    },
    async close() {
      await emulator.stop();
      for (const folder of [directory, emulatorDirectory]) rmSync(folder, { recursive: true, force: true });
    },
  };
}
