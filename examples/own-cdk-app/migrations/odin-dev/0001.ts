// What it may do, the app grants by name (shop-stack.ts): the bucket's name, and its key, are known there.
import { S3Client } from '@aws-sdk/client-s3';
import { deleteObjects, type PageCursor, pages } from 'odin-migrate/s3';
import type { Checkpoint } from 'odin-migrate/types';

export const description = 'Delete the carts that nobody came back to';
export const access = ['orders'];

const s3 = new S3Client({});

export async function* migration(resume?: PageCursor): AsyncGenerator<Checkpoint<PageCursor>> {
  const bucket = process.env['DATA_BUCKET'] ?? '';
  for await (const { objects, checkpoint } of pages({ s3, bucket, prefix: 'carts/', resume })) {
    await deleteObjects({ s3, bucket, objects });
    yield checkpoint;
  }
}
