// S3 asks for fewer requests for longer than a helper waits: it says so, begins nothing more, and goes on when it is called again.
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { DeleteObjectsCommandOutput } from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it, vi } from 'vitest';
import { Retries } from '../../authoring/objects/retries.ts';
import type { ListedObject } from '../../authoring/s3.ts';
import { deleteObjects, moveObjects, ObjectsFailed, pages } from '../../authoring/s3.ts';
import type { RequestHook } from '../../local/embedded-aws.ts';
import { putObjects, start } from '../local/support.ts';

// The pauses between tries, half a minute in all.
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<object>()),
  setTimeout: vi.fn(() => Promise.resolve()),
}));

let onRequest: RequestHook = () => 'pass';
const started = await start({ onRequest: (request) => onRequest(request) });
afterAll(() => started.stop());

const { endpoint, region, credentials } = started.aws;
const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
vi.spyOn(console, 'warn').mockReturnValue(undefined);

const SLOW = { status: 503, code: 'SlowDown' };
const out = (key: string) => key.replace('in/', 'out/');

/** So many objects under `in/`, as they are listed once. */
async function listed(bucket: string, count: number): Promise<ListedObject[]> {
  const keys = Array.from({ length: count }, (_, n) => `in/${String(n).padStart(4, '0')}`);
  await putObjects(
    started.aws.s3.store,
    bucket,
    keys.map((key) => [key, `of ${key}`]),
  );
  onRequest = () => 'pass';
  const objects: ListedObject[] = [];
  for await (const page of pages({ s3, bucket })) objects.push(...page.objects);
  return objects;
}

const errorOf = async (work: Promise<unknown>): Promise<ObjectsFailed> => {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ObjectsFailed);
  return thrown as ObjectsFailed;
};

const keysIn = (bucket: string, prefix: string): number =>
  [...started.aws.s3.store.list(bucket, { prefix, after: '' })].length;

it.each(['HeadObject', 'CopyObject', 'DeleteObject'])(
  'a move that is to go slower at %s says so, begins no further object, and goes on with the same list',
  async (slow) => {
    const bucket = `slow-${slow.toLowerCase()}`;
    const objects = await listed(bucket, 60);
    let asked = 0;
    onRequest = ({ operation }) => (operation === slow && (asked += 1) > 40 ? SLOW : 'pass');
    const move = () => moveObjects({ s3, bucket, objects, to: out, concurrency: 4 });
    const error = await errorOf(move());
    expect(error).toMatchObject({ name: 'SlowedDown', code: 'SlowedDown' });
    expect(error.message).toContain('S3 asks for fewer requests: when it takes them, a retry goes on');
    const reasons = error.failures.map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason.startsWith('not begun'))).not.toHaveLength(0);
    expect(asked).toBeLessThan(40 + 8 * 16); // eight times each of those that were under way
    const moved = 60 - keysIn(bucket, 'in/');
    expect(moved).toBe(60 - reasons.length);
    expect(moved).toBeGreaterThan(0);
    onRequest = () => 'pass';
    await move();
    expect([keysIn(bucket, 'in/'), keysIn(bucket, 'out/')]).toEqual([0, 60]);
  },
);

it('what is wrong with one object is a failure, whatever S3 asks of the others', async () => {
  const objects = await listed('slow-and-denied', 12);
  onRequest = ({ operation, key }) =>
    operation !== 'CopyObject' ? 'pass' : key === 'out/0000' ? { status: 403, code: 'AccessDenied' } : SLOW;
  const error = await errorOf(moveObjects({ s3, bucket: 'slow-and-denied', objects, to: out }));
  expect(error).toMatchObject({ name: 'ObjectsFailed', code: 'ObjectsFailed' });
  expect(error.failures).toHaveLength(12);
});

it('deletes that are to go slower say so, as a whole and key by key', async () => {
  const objects = await listed('slow-deletes', 20);
  onRequest = ({ operation }) => (operation === 'DeleteObjects' ? SLOW : 'pass');
  const remove = () => deleteObjects({ s3, bucket: 'slow-deletes', objects });
  expect(await errorOf(remove())).toMatchObject({ name: 'SlowedDown' });
  onRequest = () => 'pass';
  const said: DeleteObjectsCommandOutput = {
    $metadata: { httpStatusCode: 200 },
    Errors: [{ Key: 'in/0003', Code: 'SlowDown', Message: 'Please reduce your request rate.' }],
  };
  const send = vi.spyOn(s3, 'send').mockResolvedValue(said as never);
  const { name, failures } = await errorOf(remove());
  send.mockRestore();
  expect(name).toBe('SlowedDown');
  expect(failures.map(({ key }) => key)).toEqual(['in/0003']);
  await remove();
  expect(keysIn('slow-deletes', 'in/')).toBe(0);
});

it('when one request is to go slower, the others of the call wait too', async () => {
  const slept = vi.mocked(sleep);
  const retries = new Retries();
  const slow = Object.assign(new Error('slow'), { name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
  let asked = 0;
  await retries.again('one', () => ((asked += 1) === 1 ? Promise.reject(slow) : Promise.resolve()));
  slept.mockClear();
  await retries.again('another', () => Promise.resolve());
  expect(slept).toHaveBeenCalledOnce();
  await new Retries().again('of another call', () => Promise.resolve());
  expect(slept).toHaveBeenCalledOnce();
  expect(retries.gaveUp).toBe(false);
});

it('a copy in parts goes on with its parts when S3 answers again', async () => {
  onRequest = () => 'pass';
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
  const move = async () => {
    for await (const { objects } of pages({ s3, bucket: Bucket, prefix: 'in/' }))
      await moveObjects({ s3, bucket: Bucket, objects, to: out });
  };

  let copied = 0;
  onRequest = ({ operation }) => {
    if (operation !== 'UploadPartCopy') return 'pass';
    copied += 1;
    return copied <= 2 ? 'pass' : SLOW;
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
