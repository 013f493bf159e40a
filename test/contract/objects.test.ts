// What the helpers for objects lean on, on the embedded S3; test/emulator/objects.test.ts has the same on an emulator.
import { S3 } from '@aws-sdk/client-s3';
import { afterAll } from 'vitest';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';
import { objectsContract } from './objects.ts';

let started: Started | undefined;
afterAll(() => started?.stop());

objectsContract('the embedded S3', async () => {
  started = await start();
  const { endpoint, region, credentials } = started.aws;
  return new S3({ endpoint, region, credentials });
});
