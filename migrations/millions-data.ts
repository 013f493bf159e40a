// The data that `local millions` works on: 3,000 small files, the same ones each time. So many are six batches.

import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';

/** The bucket in the variables of the environment `millions`, and in the permissions of its migration. */
const BUCKET = 'odin-millions-data';

const FILES = 3_000;

/** What `local.data` in odin-migrate.json asks for: fills the embedded S3 of a fresh environment, and says what it put. */
export default async function putLocalData(s3: S3Client): Promise<string> {
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const put = (file: number) =>
    s3.send(
      new PutObjectCommand({
        Bucket: BUCKET,
        Key: `odin/archive/cubic/LOAD${String(file).padStart(8, '0')}.csv`,
        Body: `transaction_id,amount_cents\n${file},${file % 900}\n`,
        ContentType: 'text/csv',
      }),
    );
  await pMap(
    Array.from({ length: FILES }, (_, index) => index + 1),
    put,
    { concurrency: 16 },
  );
  return `${FILES} objects put into s3://${BUCKET}`;
}
