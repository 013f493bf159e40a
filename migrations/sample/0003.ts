// Take six columns with personal data out of every file of the AFC sales dataset. On the real dataset that takes hours,
// far longer than one Lambda function may run: after each page of files it yields, and is resumed from there.

import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { GetObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Checkpoint } from 'odin-migrate/types';
import pMap from 'p-map';

export const description = 'Rewrite odin/data/afc/sales/ without the six columns of personal data';
export const timeoutMinutes = 15;
export const memoryMB = 1024;
export const permissions = [
  { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::odin-sample-data'] },
  {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:PutObject'],
    Resource: ['arn:aws:s3:::odin-sample-data/odin/data/afc/sales/*'],
  },
];

const DATASET = 'odin/data/afc/sales/';
const DROPPED = new Set([
  'cardholder_name',
  'cardholder_email',
  'card_number_masked',
  'device_serial',
  'latitude',
  'longitude',
]);
const FILES_PER_PAGE = 20;

const s3 = new S3Client({});

/** The last key done. Files are rewritten in the order of their keys. */
type Cursor = string;

export async function* migration(resume?: Cursor): AsyncGenerator<Checkpoint<Cursor>> {
  const { DATA_BUCKET: bucket } = process.env;
  if (!bucket) throw new Error('DATA_BUCKET is not set: name the bucket in the variables of this environment');

  const keys = await listFiles(bucket);
  let done = resume === undefined ? 0 : keys.filter((key) => key <= resume).length;
  console.log(`${keys.length} files under ${DATASET}, ${done} of them done before`);

  while (done < keys.length) {
    const page = keys.slice(done, done + FILES_PER_PAGE);
    const changed = await rewriteAll(bucket, page);
    done += page.length;
    console.log(`${done} of ${keys.length} files done, ${changed.filter(Boolean).length} of this page rewritten`);
    yield { cursor: page.at(-1)!, done, total: keys.length };
  }
}

async function listFiles(bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: DATASET })) {
    for (const { Key } of page.Contents ?? []) if (Key?.endsWith('.jsonl.gz')) keys.push(Key);
  }
  return keys.sort();
}

/** Goes on to the end when one fails: a write that is still under way after the failure could meet those of a retry. */
async function rewriteAll(bucket: string, keys: readonly string[]): Promise<boolean[]> {
  const failed: Error[] = [];
  const rewriteOne = (key: string) =>
    rewrite(bucket, key).catch((error: unknown) => {
      failed.push(error as Error);
      return false;
    });
  const changed = await pMap(keys, rewriteOne, { concurrency: 4 });
  const [first, ...others] = failed;
  if (!first) return changed;
  throw others.length === 0 ? first : new Error(`${first.message}, and ${others.length} more files`, { cause: first });
}

/** Says whether the file had to change: one that is already clean is not written again. */
async function rewrite(bucket: string, key: string): Promise<boolean> {
  try {
    const file = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const before = (await promisify(gunzip)(await file.Body!.transformToByteArray())).toString();
    const after = before.split('\n').map(withoutDropped).join('\n');
    if (after === before) return false;

    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: await promisify(gzip)(after),
        ContentType: file.ContentType,
        Metadata: file.Metadata,
        IfMatch: file.ETag, // fails with 412 rather than undo what somebody else wrote since the read
      }),
    );
    return true;
  } catch (error) {
    throw new Error(`Cannot rewrite ${key}: ${String(error)}`, { cause: error });
  }
}

// JSON.parse keeps every value of this dataset: it has no number beyond 2^53, and money is in whole cents.
function withoutDropped(line: string): string {
  if (line === '') return line;
  const columns = Object.entries(JSON.parse(line) as Record<string, unknown>);
  const kept = columns.filter(([name]) => !DROPPED.has(name));
  return kept.length === columns.length ? line : JSON.stringify(Object.fromEntries(kept));
}
