// Ingest everything that Cubic ever delivered once more: move the archive back under the incoming prefix.
// Each file is moved by itself, so a crash at any point loses nothing, and it can run again.

import { S3Client } from '@aws-sdk/client-s3';
import { moveObjects, pages } from 'odin-migrate/s3';

export const description = 'Move odin/archive/cubic/ back to odin/incoming/cubic/ to ingest it again';
export const timeoutMinutes = 15;
export const memoryMB = 512;
export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::odin-sample-data'] },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectTagging', 's3:DeleteObject'],
    Resource: ['arn:aws:s3:::odin-sample-data/odin/archive/cubic/*'],
  },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'],
    Resource: ['arn:aws:s3:::odin-sample-data/odin/incoming/cubic/*'],
  },
];

const ARCHIVE = 'odin/archive/cubic/';
const INCOMING = 'odin/incoming/cubic/';

const s3 = new S3Client({});

export async function migration(): Promise<void> {
  const { DATA_BUCKET: bucket } = process.env;
  if (!bucket) throw new Error('DATA_BUCKET is not set: name the bucket in the variables of this environment');

  let moved = 0;
  for await (const { objects } of pages({ s3, bucket, prefix: ARCHIVE })) {
    await moveObjects({ s3, bucket, objects, to: (key) => INCOMING + key.slice(ARCHIVE.length) });
    moved += objects.length;
    console.log(`${moved} files moved from ${ARCHIVE} to ${INCOMING}`);
  }
}
