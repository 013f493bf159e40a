// What a careful person writes with the AWS SDK alone: the same requests for each object as `copyObjects`, as many at the same time.
import { CopyObjectCommand, HeadObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';

const s3 = new S3Client({});
const Bucket = 'bench';
const head = (Key, more) => s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED', ...more }));
const headOrNone = (Key) =>
  head(Key).catch((error) => {
    if (error.$metadata?.httpStatusCode !== 404) throw error;
  });

async function copy({ Key, ETag, Size }) {
  const target = Key.replace('from/', 'to/');
  const [source, there] = await Promise.all([head(Key, { IfMatch: ETag }), headOrNone(target)]);
  if (there) throw new Error(`${target} is there`);
  if (source.ContentLength !== Size) throw new Error(`${Key} changed`);
  await s3.send(
    new CopyObjectCommand({
      Bucket,
      Key: target,
      CopySource: `${Bucket}/${encodeURIComponent(Key)}`,
      CopySourceIfMatch: ETag,
      IfNoneMatch: '*',
    }),
  );
  const copied = await head(target);
  if (copied.ETag !== ETag || copied.ContentType !== source.ContentType) throw new Error(`${target} is not ${Key}`);
}

for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket, Prefix: 'from/' })) {
  await pMap(Contents, copy, { concurrency: 16 });
}
