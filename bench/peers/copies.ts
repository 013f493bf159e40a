// Objects copied and looked at on the embedded AWS, by one of these, in the project that is the current folder:
//
//   copies.ts OBJECTS nothing                           puts the objects, and that is all: what the others cost besides their work
//   copies.ts OBJECTS command PROGRAM [ARG ...]         a program, with the variables by which it finds the S3
//   copies.ts OBJECTS migration ID BATCHES_AT_ONCE      a migration of the project
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pMap from 'p-map';
import { startTestEnvironment } from '../../authoring/testing.ts';
import { ENVIRONMENT } from '../projects.ts';

const [count = '', what = '', ...args] = process.argv.slice(2);
const Bucket = 'bench';

await using environment = await startTestEnvironment({ environment: ENVIRONMENT });
const { s3 } = environment;
await s3.send(new CreateBucketCommand({ Bucket }));
const keys = Array.from({ length: Number(count) }, (_, n) => `from/part-${String(n).padStart(6, '0')}`);
await pMap(keys, (Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key })), { concurrency: 16 });

if (what === 'migration') {
  const [id = '', batchesAtOnce = ''] = args;
  const { outcome, error } = await environment.run(id, { batchesAtOnce: Number(batchesAtOnce) });
  if (outcome !== 'finished') throw new Error(error?.message ?? outcome);
} else if (what === 'command') {
  const [program = '', ...rest] = args;
  const { accessKeyId, secretAccessKey } = await s3.config.credentials();
  const { protocol, hostname, port } = (await s3.config.endpoint?.()) ?? {};
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL_S3: `${protocol}//${hostname}:${port}`,
    S3_ENDPOINT_URL: `${protocol}//${hostname}:${port}`, // as s5cmd wants it
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}.`);
}

if (what !== 'nothing') {
  const { KeyCount } = await s3.send(
    new ListObjectsV2Command({ Bucket, Prefix: 'to/', StartAfter: `to/${keys.at(-2)?.slice(5) ?? ''}` }),
  );
  if (KeyCount !== 1) throw new Error('They were not all copied.');
}
