// What `npx --no-install odin-migrate local odin-dev` begins with: `local.data` in odin-migrate.json names this file.
import { BucketAlreadyOwnedByYou, CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

const Bucket = 'shop-dev-orders';

/** An order of each hour of a day. */
export const ORDERS = Array.from(
  { length: 24 },
  (_, hour) => `orders/2025-12-31T${String(hour).padStart(2, '0')}.json`,
);
export const CARTS = ['carts/1.json', 'carts/2.json', 'carts/3.json'];

export default async function put(s3: S3Client): Promise<string> {
  try {
    await s3.send(new CreateBucketCommand({ Bucket }));
  } catch (thrown) {
    if (!(thrown instanceof BucketAlreadyOwnedByYou)) throw thrown;
    return `s3://${Bucket} is as the last run left it`;
  }
  for (const Key of [...CARTS, ...ORDERS]) await s3.send(new PutObjectCommand({ Bucket, Key, Body: '{}' }));
  return `${CARTS.length} carts and ${ORDERS.length} orders`;
}
