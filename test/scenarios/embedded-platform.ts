// The scenarios' place in this process: the embedded AWS, with the same templates and bundles as a deployment.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { deploymentOf } from '../../client/deployment.ts';
import { logGroupName, resourcePrefix, stackName } from '../../core/names/names.ts';
import type { EmbeddedAws, EmbeddedAwsOptions } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { deployTemplate } from '../../local/cloudformation/template.ts';
import { storedDefinition } from '../infra/definitions.ts';
import type { Notification, Platform } from './platform.ts';
import { DATA_BUCKET, synthesise } from './platform.ts';
import { startCloudWatchLogs } from '../support/cloudwatch-logs.ts';
import { PROJECT } from '../support/project.ts';

interface Options {
  onLog?: EmbeddedAwsOptions['onLog'];
  /** Is given the AWS itself. */
  started?: (aws: EmbeddedAws) => void;
  /** The definition, as it is stored, that each environment has until it is deployed again. */
  firstDefinition?: number;
}

export async function embeddedPlatform({ onLog, started, firstDefinition }: Options = {}): Promise<Platform> {
  const parent = path.join(PROJECT, '.odin-migrate', 'test');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(path.join(parent, 'embedded-')); // inside the project: migrations import its packages
  const notifications = new Map<string, Notification[]>();
  const logs = await startCloudWatchLogs();
  const begun = new Set<string>();
  const aws = await startEmbeddedAws({
    directory,
    parentEnvironment: {},
    onLog: (line) => {
      onLog?.(line);
      const [, environment] = /^odin-migrate-(.+)-\d{4}$/.exec(line.functionName) ?? [];
      if (environment === undefined) return;
      const write = (message: string) => {
        const stream = `2026/11/30/${line.functionName}[$LATEST]${line.requestId ?? ''}`;
        logs.put(logGroupName({ environment }, 'migrations'), stream, message);
      };
      write(line.line);
      // A request that is gone tells nobody: its end is there with its first line.
      if (line.requestId === undefined || begun.has(line.requestId)) return;
      begun.add(line.requestId);
      write(`END RequestId: ${line.requestId}`);
    },
    onNotification: ({ topicArn, subject, message }) => {
      const known = [...environments].find(([, topic]) => topic === topicArn)?.[0] ?? topicArn;
      notifications.set(known, [...(notifications.get(known) ?? []), { subject: subject ?? '', message }]);
    },
  });
  started?.(aws);
  const environments = new Map<string, string>();
  const options = {
    endpoint: aws.endpoint,
    region: aws.region,
    credentials: aws.credentials,
  };
  await new S3Client({ ...options, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: DATA_BUCKET }));

  return {
    deploy(specs) {
      const assemblyDirectory = synthesise(directory, specs);
      const deployments = specs.map(({ environment }) => {
        const { outputs } = deployTemplate(aws, { assemblyDirectory, stackName: stackName({ environment }) });
        if (firstDefinition !== undefined && !environments.has(environment)) {
          const name = resourcePrefix({ environment });
          aws.stepFunctions.createStateMachine(name, storedDefinition(firstDefinition, environment));
        }
        environments.set(environment, outputs['NotificationTopicArn'] ?? '');
        return [environment, deploymentOf({ environment }, outputs, options, true)] as const;
      });
      return Promise.resolve(new Map(deployments));
    },
    notifications: (environment) => Promise.resolve(notifications.get(environment) ?? []),
    logsEndpoint: logs.endpoint,
    async close() {
      await logs[Symbol.asyncDispose]();
      await aws.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
