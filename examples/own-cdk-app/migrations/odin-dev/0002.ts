// Permissions of its own, made of what the app gives: a value that only a deployment knows stands where it is put.
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Permissions } from 'odin-migrate/types';

export const description = 'See that the bucket is there';
export const permissions: Permissions = ({ variables, partition }) => [
  { Effect: 'Allow', Action: 's3:ListBucket', Resource: `arn:${partition}:s3:::${variables['DATA_BUCKET']}` },
];

const s3 = new S3Client({});

export async function migration(): Promise<void> {
  await s3.send(new HeadBucketCommand({ Bucket: process.env['DATA_BUCKET'] }));
}
