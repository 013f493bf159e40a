// What the tests of the embedded AWS share: a started one in a temporary folder, clients, and functions from text.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import type { EmbeddedAws, EmbeddedAwsOptions } from '../../local/embedded-aws.ts';
import type { LambdaFunctionConfig } from '../../local/lambda/host.ts';
import type { S3 } from '../../local/s3/protocol.ts';

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'odin-local-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The address for a request that is not signed. */
export const withKey = ({ endpoint, credentials }: EmbeddedAws): string => `${endpoint}/${credentials.accessKeyId}`;

/** A function whose bundle is this text. */
export function writeFunction(
  folder: string,
  name: string,
  source: string,
  config: Partial<LambdaFunctionConfig> = {},
): LambdaFunctionConfig {
  const directory = join(folder, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'index.mjs'), source);
  return { name, directory, ...config };
}

export interface Started {
  readonly aws: EmbeddedAws;
  readonly folder: string;
  readonly s3: S3Client;
  readonly sfn: SFNClient;
  readonly lambda: LambdaClient;
  readonly sns: SNSClient;
  stop(): Promise<void>;
}

/** Clients as a migration has them: nothing but an endpoint, a region and credentials; no `forcePathStyle`. */
export async function start(options: Partial<EmbeddedAwsOptions> = {}, attempts = 1): Promise<Started> {
  const folder = temporaryFolder();
  const aws = await startEmbeddedAws({ directory: join(folder.path, 'aws'), parentEnvironment: {}, ...options });
  const client = {
    endpoint: aws.endpoint,
    region: aws.region,
    credentials: aws.credentials,
    maxAttempts: attempts,
  };
  const clients = {
    s3: new S3Client(client),
    sfn: new SFNClient(client),
    lambda: new LambdaClient(client),
    sns: new SNSClient(client),
  };
  return {
    aws,
    folder: folder.path,
    ...clients,
    async stop() {
      for (const each of Object.values(clients)) each.destroy();
      await aws.close();
      folder.remove();
    },
  };
}

/**
 * Straight into the embedded S3, past the requests: those are no part of a test of what happens to thousands of objects. With the
 * content type that the SDK sends when it is told none.
 */
export async function putObjects(
  store: S3['store'],
  bucket: string,
  objects: Iterable<readonly [key: string, body: string | Buffer]>,
): Promise<void> {
  if (!store.hasBucket(bucket)) store.createBucket(bucket);
  for (const [key, body] of objects) {
    store.put(bucket, key, await store.receive(Buffer.from(body)), {
      headers: { 'content-type': 'application/octet-stream' },
    });
  }
}

/** How long something that happens at once may take on a machine that is busy with something else: a limit for what hangs. */
const PATIENCE_MS = 120_000;

export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    if (condition()) return;
    await sleep(10);
  }
  throw new Error(`Waited in vain: ${what}`);
}
