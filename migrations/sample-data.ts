// The data that the sample migrations work on: about 400 small objects, the same ones for the same seed, byte for byte.

import { gzipSync } from 'node:zlib';
import {
  CreateBucketCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  NotFound,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';

export interface PrefixCount {
  prefix: string;
  objects: number;
  bytes: number;
}

/** Written last. While it is there the data set is complete, and may have been migrated since. */
const MARKER = 'odin/_sample-data.json';

/** The bucket in the variables of the environment `sample`, and in the permissions of its migrations. */
const SAMPLE_BUCKET = 'odin-sample-data';

const PREFIXES = [
  'odin/archive/cubic/',
  'odin/incoming/cubic/',
  'odin/data/cubic/ods/',
  'odin/data/cubic/ods_backfill/',
  'odin/data/afc/sales/',
];

const TABLES = [
  'abp_tap',
  'card_dimension',
  'device_dimension',
  'fare_product_dimension',
  'sale_transaction',
  'use_transaction',
];

/**
 * Creates the bucket if it is missing and puts the data set, unless its marker is there already: then nothing is
 * touched, so that a second call never undoes a migration. Returns what this call put.
 */
export async function putSampleData(
  s3: S3Client,
  bucket: string,
  seed = 1,
): Promise<{ objects: number; bytes: number }> {
  await createIfMissing(s3, bucket);
  if (await exists(() => s3.send(new HeadObjectCommand({ Bucket: bucket, Key: MARKER })))) {
    return { objects: 0, bytes: 0 };
  }

  const put = async ({ key, body, type }: SampleObject): Promise<number> => {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: type }));
    return body.length;
  };
  const sizes = await pMap(sampleObjects(seed), put, { concurrency: 16 });
  sizes.push(await put({ key: MARKER, body: json({ seed }), type: 'application/json' }));
  return { objects: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** What `local.data` in odin-migrate.json asks for: fills the embedded S3 before a local run, and says what it put. */
export default async function putLocalData(s3: S3Client): Promise<string> {
  const { objects, bytes } = await putSampleData(s3, SAMPLE_BUCKET);
  return objects > 0
    ? `${objects} objects (${Math.round(bytes / 1024)} KiB) put into s3://${SAMPLE_BUCKET}`
    : `s3://${SAMPLE_BUCKET} is as the last run left it`;
}

/** Objects and bytes under each prefix that a sample migration reads or changes. */
export async function describeSampleData(s3: S3Client, bucket: string): Promise<PrefixCount[]> {
  return pMap(PREFIXES, async (prefix) => {
    const count = { prefix, objects: 0, bytes: 0 };
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix })) {
      for (const { Size = 0 } of page.Contents ?? []) {
        count.objects += 1;
        count.bytes += Size;
      }
    }
    return count;
  });
}

interface SampleObject {
  key: string;
  body: Buffer;
  type: string;
}

function* sampleObjects(seed: number): Generator<SampleObject> {
  const random = new Random(seed);
  yield* archive(random);
  yield* tables(random);
  yield* sales(random);
}

function* archive(random: Random): Generator<SampleObject> {
  for (const table of TABLES) {
    for (let load = 1; load <= 25; load += 1) yield csv(random, `${table}/LOAD${pad(load, 8)}.csv`);
  }
  // Somebody always uploads one by hand, with a name that has to be encoded.
  yield csv(random, 'use_transaction/manual correction (Zürich).csv');
}

function csv(random: Random, name: string): SampleObject {
  const rows = ['transaction_id,posted_on,stop_id,amount_cents,status'];
  for (let row = random.below(60) + 20; row > 0; row -= 1) {
    const status = random.pick(['settled', 'pending', 'reversed']);
    rows.push([random.digits(12), random.timestamp(), 70_000 + random.below(300), random.below(900), status].join());
  }
  return { key: `odin/archive/cubic/${name}`, body: Buffer.from(`${rows.join('\n')}\n`), type: 'text/csv' };
}

function* tables(random: Random): Generator<SampleObject> {
  for (const table of TABLES) {
    const live = `odin/data/cubic/ods/${table}/`;
    for (let part = 0; part < 20; part += 1) yield parquet(random, `${live}part-${pad(part, 5)}.parquet`);
    yield { key: `${live}_SUCCESS`, body: Buffer.alloc(0), type: 'application/octet-stream' };
    yield { key: `${live}schema.json`, body: json({ table, version: 3 }), type: 'application/json' };

    const backfill = `odin/data/cubic/ods_backfill/${table}/`;
    for (let part = 0; part < 2; part += 1) yield parquet(random, `${backfill}part-${pad(part, 5)}.parquet`);
  }
}

/** Parquet by name and magic number only: nothing here reads what is inside. */
function parquet(random: Random, key: string): SampleObject {
  const body = Buffer.concat([Buffer.from('PAR1'), random.bytes(1000 + random.below(3000)), Buffer.from('PAR1')]);
  return { key, body, type: 'application/vnd.apache.parquet' };
}

function* sales(random: Random): Generator<SampleObject> {
  for (let file = 0; file < 120; file += 1) {
    const rows: string[] = [];
    for (let row = random.below(21) + 40; row > 0; row -= 1) rows.push(JSON.stringify(sale(random)));
    // Node writes no modification time (mtime 0) into a gzip header, so equal rows are equal bytes.
    const body = gzipSync(`${rows.join('\n')}\n`);
    yield { key: `odin/data/afc/sales/part-${pad(file, 5)}.jsonl.gz`, body, type: 'application/gzip' };
  }
}

function sale(random: Random): Record<string, string | number> {
  const first = random.pick(['Ada', 'Björn', 'Chen', 'Dolores', 'Emeka', 'Farah']);
  const last = random.pick(['Alvarez', 'Baker', 'Cohen', 'Dubois', 'Eze', 'Fujita']);
  return {
    sale_id: random.digits(16),
    sold_at: random.timestamp(),
    station: random.pick(['Alewife', 'Braintree', 'Forest Hills', 'Lechmere', 'Wonderland']),
    cardholder_name: `${first} ${last}`,
    cardholder_email: `${first}.${last}@example.com`.toLowerCase(),
    card_number_masked: `************${random.digits(4)}`,
    product: random.pick(['single', 'day pass', 'monthly', 'stored value']),
    quantity: random.below(4) + 1,
    amount_cents: random.below(9000) + 170,
    device_serial: `FVM-${random.digits(6)}`,
    latitude: (42_300_000 + random.below(150_000)) / 1e6,
    longitude: -(71_000_000 + random.below(180_000)) / 1e6,
  };
}

/** mulberry32: a 32-bit generator that is small and good enough for made-up data, and never for secrets. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 up to, but not including, the limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }

  digits(count: number): string {
    return Array.from({ length: count }, () => this.below(10)).join('');
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }

  /** A second of the year 2024, UTC. */
  timestamp(): string {
    return new Date(Date.UTC(2024, 0, 1) + this.below(366 * 86_400) * 1000).toISOString();
  }
}

async function createIfMissing(s3: S3Client, bucket: string): Promise<void> {
  if (await exists(() => s3.send(new HeadBucketCommand({ Bucket: bucket })))) return;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
}

async function exists(head: () => Promise<unknown>): Promise<boolean> {
  try {
    await head();
    return true;
  } catch (error) {
    // Only "not found" means absent. "Access denied" must not lead to a second data set over the first.
    if (error instanceof NotFound) return false;
    throw error;
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function pad(number: number, width: number): string {
  return String(number).padStart(width, '0');
}
