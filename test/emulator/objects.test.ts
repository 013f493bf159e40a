// What the helpers for objects lean on, on MiniStack; test/contract/objects.test.ts has the same on the embedded S3.
import { S3 } from '@aws-sdk/client-s3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { objectsContract } from '../contract/objects.ts';
import type { Emulator } from './ministack.ts';
import { region, startMiniStack } from './ministack.ts';

let emulator: Emulator | undefined;
const directory = mkdtempSync(path.join(tmpdir(), 'odin-objects-'));
afterAll(async () => {
  await emulator?.stop();
  rmSync(directory, { recursive: true, force: true });
});

objectsContract('the emulator', async () => {
  emulator = await startMiniStack({ directory });
  const { endpoint, environment } = emulator;
  const credentials = {
    accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  return new S3({ endpoint, region, credentials, forcePathStyle: true });
});
