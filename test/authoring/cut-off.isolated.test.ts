// A copy in parts that S3 was too busy for, longer than a helper waits: its parts stay, and the next attempt goes on with them.
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, expect, it, vi } from 'vitest';
import { moveObjects, ObjectsFailed, pages } from '../../authoring/s3.ts';
import type { RequestHook } from '../../local/embedded-aws.ts';
import { start } from '../local/support.ts';

// The pauses between tries, half a minute in all.
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<object>()),
  setTimeout: () => Promise.resolve(),
}));

let onRequest: RequestHook = () => 'pass';
const started = await start({ onRequest: (request) => onRequest(request) });
afterAll(() => started.stop());

it('goes on with its parts when S3 answers again', async () => {
  const { endpoint, region, credentials } = started.aws;
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
  const Bucket = 'cut-off';
  await s3.send(new CreateBucketCommand({ Bucket }));
  const upload = { Bucket, Key: 'in/parts' };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload));
  const Parts = [];
  for (const [index, Body] of [Buffer.alloc(5 * 1024 ** 2), Buffer.alloc(5 * 1024 ** 2, 'x'), 'end'].entries()) {
    const { ETag } = await s3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: index + 1, Body }));
    Parts.push({ PartNumber: index + 1, ETag });
  }
  const { ETag } = await s3.send(
    new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }),
  );
  vi.spyOn(console, 'warn').mockReturnValue(undefined);
  const move = async () => {
    for await (const { objects } of pages({ s3, bucket: Bucket, prefix: 'in/' }))
      await moveObjects({ s3, bucket: Bucket, objects, to: (key) => key.replace('in/', 'out/') });
  };

  let copied = 0;
  onRequest = ({ operation }) => {
    if (operation !== 'UploadPartCopy') return 'pass';
    copied += 1;
    return copied <= 2 ? 'pass' : { status: 503, code: 'SlowDown' };
  };
  await expect(move()).rejects.toBeInstanceOf(ObjectsFailed);
  copied = 0;
  onRequest = ({ operation }) => {
    if (operation === 'UploadPartCopy') copied += 1;
    return 'pass';
  };
  await move();
  expect(copied).toBe(1);
  expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'out/parts' }))).ETag).toBe(ETag);
  expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toBeUndefined();
});
