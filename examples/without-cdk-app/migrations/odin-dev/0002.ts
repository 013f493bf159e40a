// A migration of any length: each `yield` is a checkpoint, and after a crash it goes on from the last one.
import { S3Client } from '@aws-sdk/client-s3';
import { moveObjects, type PageCursor, pages } from 'odin-migrate/s3';
import type { Checkpoint, Permissions } from 'odin-migrate/types';
import { dataBucket } from '../shared/bucket.ts';

export const description = 'Move the orders of 2025 into the archive';
export const permissions: Permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::shop-dev-orders'] },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectTagging', 's3:DeleteObject'],
    Resource: ['arn:aws:s3:::shop-dev-orders/orders/2025-*'],
  },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:GetObjectTagging', 's3:PutObject'],
    Resource: ['arn:aws:s3:::shop-dev-orders/archive/2025/*'],
  },
];

const s3 = new S3Client({});

export async function* migration(resume?: PageCursor): AsyncGenerator<Checkpoint<PageCursor>> {
  const bucket = dataBucket();
  for await (const { objects, checkpoint } of pages({ s3, bucket, prefix: 'orders/2025-', resume, pageSize: 10 })) {
    await moveObjects({ s3, bucket, objects, to: (key) => key.replace('orders/', 'archive/2025/') });
    yield checkpoint;
  }
}
