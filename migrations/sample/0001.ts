// Ingest everything that Cubic ever delivered once more: move the archive back under the incoming prefix.
// No source is deleted before every copy is verified, so a crash at any point loses nothing and it can run again.

import { S3Client } from '@aws-sdk/client-s3';
import type { ListedObject } from 'odin-migrate/s3';
import { copyObjects, deleteObjects, pages } from 'odin-migrate/s3';

export const description = 'Move odin/archive/cubic/ back to odin/incoming/cubic/ to ingest it again';
export const timeoutMinutes = 15;
export const memoryMB = 512;
export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::odin-sample-data'] },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:DeleteObject'],
    Resource: ['arn:aws:s3:::odin-sample-data/odin/archive/cubic/*'],
  },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:PutObject'],
    Resource: ['arn:aws:s3:::odin-sample-data/odin/incoming/cubic/*'],
  },
];

const ARCHIVE = 'odin/archive/cubic/';
const INCOMING = 'odin/incoming/cubic/';

const s3 = new S3Client({});

export async function migration(): Promise<void> {
  const { DATA_BUCKET: bucket } = process.env;
  if (!bucket) throw new Error('DATA_BUCKET is not set: name the bucket in the variables of this environment');

  const sources: ListedObject[] = [];
  for await (const { objects } of pages({ s3, bucket, prefix: ARCHIVE })) sources.push(...objects);
  console.log(`${sources.length} files under ${ARCHIVE} to move`);

  await copyObjects({ s3, bucket, objects: sources, to: (key) => INCOMING + key.slice(ARCHIVE.length) });
  console.log(`${sources.length} copies under ${INCOMING} verified, deleting the sources`);

  await deleteObjects({ s3, bucket, keys: sources.map(({ key }) => key) });
  console.log(`${sources.length} files moved`);
}
