import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** The data of local runs. */
export default async function put(s3: S3Client): Promise<string> {
  await s3.send(new CreateBucketCommand({ Bucket: 'orders' })).catch(() => undefined); // it may be there already
  for (const Key of ['carts/1', 'carts/2', 'orders/1']) {
    await s3.send(new PutObjectCommand({ Bucket: 'orders', Key, Body: Key }));
  }
  return '2 carts and an order';
}
