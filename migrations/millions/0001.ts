// What sample/0001.ts does, when there are millions of files: the plan lists them, and as many functions as the concurrency says
// move them, a batch each. A batch that failed is run again by a retry: what it has moved already counts as moved.

import { S3Client } from '@aws-sdk/client-s3';
import type { ListedObject, UnderCursor } from 'odin-migrate/s3';
import { moveObjects, objectsUnder } from 'odin-migrate/s3';
import type { Parallel, Permissions, PlannedItems } from 'odin-migrate/types';

export const description = 'Move odin/archive/cubic/ back to odin/incoming/cubic/ to ingest it again, in parallel';
export const timeoutMinutes = 15;
export const memoryMB = 512;
// S3 takes 3,500 writes and deletes a second for a prefix: twenty functions, each of which moves 60 files a second at most, are below that.
export const parallel: Parallel = { itemsPerBatch: 500, concurrency: 20 };
export const permissions: Permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::odin-millions-data'] },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectTagging', 's3:DeleteObject'],
    Resource: ['arn:aws:s3:::odin-millions-data/odin/archive/cubic/*'],
  },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'],
    Resource: ['arn:aws:s3:::odin-millions-data/odin/incoming/cubic/*'],
  },
];

const ARCHIVE = 'odin/archive/cubic/';
const INCOMING = 'odin/incoming/cubic/';

const s3 = new S3Client({});

export async function* plan(resume?: UnderCursor): AsyncGenerator<PlannedItems<ListedObject, UnderCursor>> {
  yield* objectsUnder({ s3, bucket: bucketOfEnvironment(), prefixes: [ARCHIVE], resume });
}

export async function migration(objects: ListedObject[]): Promise<void> {
  const bucket = bucketOfEnvironment();
  await moveObjects({ s3, bucket, objects, to: (key) => INCOMING + key.slice(ARCHIVE.length) });
  console.log(`${objects.length} files moved from ${ARCHIVE} to ${INCOMING}`);
}

function bucketOfEnvironment(): string {
  const { DATA_BUCKET: bucket } = process.env;
  if (!bucket) throw new Error('DATA_BUCKET is not set: name the bucket in the variables of this environment');
  return bucket;
}
