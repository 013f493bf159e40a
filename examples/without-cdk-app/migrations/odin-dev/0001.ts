// A plain migration: it ends well by returning, and fails by throwing.
import { S3Client } from '@aws-sdk/client-s3';
import { deleteObjects, pages } from 'odin-migrate/s3';
import type { Permissions } from 'odin-migrate/types';
import { dataBucket } from '../shared/bucket.ts';

export const description = 'Delete the carts that nobody came back to';
export const permissions: Permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::shop-dev-orders'] },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:DeleteObject'], // the first for a delete of what was listed, and nothing newer
    Resource: ['arn:aws:s3:::shop-dev-orders/carts/*'],
  },
];

const s3 = new S3Client({});

export async function migration(): Promise<void> {
  const bucket = dataBucket();
  for await (const { objects } of pages({ s3, bucket, prefix: 'carts/' })) {
    await deleteObjects({ s3, bucket, objects });
    console.log(`${objects.length} carts deleted`);
  }
}
