// The sample migrations and their data set, over HTTP, against the embedded S3: what they change, that they can be killed
// anywhere and run again, and that their permissions cover what they do.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HttpAnswer } from '../../local/http.ts';
import { sendAnswer } from '../../local/http.ts';
import type { S3 } from '../../local/s3/protocol.ts';
import { createS3 } from '../../local/s3/protocol.ts';
import putByDefault, { describeSampleData, putSampleData } from '../../migrations/sample-data.ts';
import * as reingest from '../../migrations/sample/0001.ts';
import * as deleteTables from '../../migrations/sample/0002.ts';
import * as dropColumns from '../../migrations/sample/0003.ts';
import { putObjects } from '../local/support.ts';

const ARCHIVE = 'odin/archive/cubic/';
const INCOMING = 'odin/incoming/cubic/';
const LIVE = 'odin/data/cubic/ods/';
const BACKFILL = 'odin/data/cubic/ods_backfill/';
const SALES = 'odin/data/afc/sales/';
const DROPPED = ['cardholder_name', 'cardholder_email', 'card_number_masked', 'device_serial', 'latitude', 'longitude'];

type Objects = Map<string, Buffer>;

let server: Server;
let s3: S3Client;
let sample: Objects;

beforeAll(async () => {
  server = await startServer();
  vi.stubEnv('AWS_ENDPOINT_URL', server.url);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.spyOn(console, 'log').mockReturnValue(undefined);
  s3 = new S3Client({});
  await putSampleData(s3, 'reference');
  sample = read('reference');
});

afterAll(async () => {
  s3.destroy();
  await server.close();
});

beforeEach(() => {
  server.intercept = undefined;
  server.seen.length = 0;
});

describe('the sample data', () => {
  test('is about 400 objects, and describeSampleData counts them', async () => {
    expect(sample.size).toBeGreaterThan(380);
    expect(sample.size).toBeLessThan(450);
    const counts = await describeSampleData(s3, 'reference');
    expect(counts).toEqual(
      [ARCHIVE, INCOMING, LIVE, BACKFILL, SALES].map((prefix) => ({
        prefix,
        objects: under(sample, prefix).size,
        bytes: [...under(sample, prefix).values()].reduce((sum, body) => sum + body.length, 0),
      })),
    );
    expect(counts.map(({ objects }) => objects)).toEqual([151, 0, 132, 12, 120]);
  });

  test('has sales of twelve columns, six of them personal', () => {
    for (const body of under(sample, SALES).values()) {
      const rows = sales(body);
      expect(rows.length).toBeGreaterThanOrEqual(40);
      for (const row of rows) {
        expect(Object.keys(row)).toHaveLength(12);
        expect(Object.keys(row)).toEqual(expect.arrayContaining(DROPPED));
      }
    }
  });

  test('is the same for the same seed, and another for another seed', async () => {
    const put = await putSampleData(s3, 'same-seed', 1);
    expect(put).toEqual({ objects: sample.size, bytes: [...sample.values()].reduce((sum, b) => sum + b.length, 0) });
    expectSame(read('same-seed'), sample);

    await putSampleData(s3, 'other-seed', 2);
    const key = `${SALES}part-00000.jsonl.gz`;
    expect(readOne('other-seed', key)[1]).not.toEqual(sample.get(key));
  });

  test('is not put again over a migrated bucket', async () => {
    const migrated = without(without(sample, ARCHIVE), LIVE);
    await bucketWith('migrated', migrated);
    expect(await putSampleData(s3, 'migrated')).toEqual({ objects: 0, bytes: 0 });
    expectSame(read('migrated'), migrated);
  });

  test('is put by default where the sample migrations look for it, and says so', async () => {
    expect(await putByDefault(s3)).toMatch(/^416 objects \(\d+ KiB\) put into s3:\/\/odin-sample-data$/);
    expect(await putByDefault(s3)).toBe('s3://odin-sample-data is as the last run left it');
    expect(await describeSampleData(s3, 'odin-sample-data')).toEqual(await describeSampleData(s3, 'reference'));
  });

  test('is completed by a second call when the first one died', async () => {
    server.intercept = denyAfter(100, (request) => request.method === 'PUT' && request.key !== '');
    await expect(putSampleData(s3, 'half')).rejects.toThrow('Access Denied');
    server.intercept = undefined;
    await putSampleData(s3, 'half');
    expectSame(read('half'), sample);
  });

  test('does not take "access denied" for "not there yet"', async () => {
    await bucketWith('denied', under(sample, 'odin/_sample-data.json'));
    server.intercept = denyAfter(0, (request) => request.method === 'HEAD');
    await expect(putSampleData(s3, 'denied')).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    expect(server.seen.filter((request) => request.method === 'PUT')).toEqual([]);
  });
});

describe('0001, which moves the archive back to the incoming prefix', () => {
  const archive = (): Objects => under(sample, `${ARCHIVE}use_transaction/`);
  const moved = (): Objects => movedFrom(archive());
  const movedFrom = (sources: Objects): Objects =>
    new Map([...sources].map(([key, body]) => [INCOMING + key.slice(ARCHIVE.length), body]));

  test('moves every file, whatever its name, and touches nothing else', async () => {
    await run(reingest.migration, await bucketWith('move', sample));
    expectSame(read('move'), new Map([...without(sample, ARCHIVE), ...movedFrom(under(sample, ARCHIVE))]));
    const named = server.seen.flatMap(({ copySource }) => copySource ?? []);
    expect(named).toContainEqual(expect.stringMatching(/\/manual%20correction%20\(Z%C3%BCrich\)\.csv$/));
  });

  test('changes nothing when it runs again', async () => {
    await bucketWith('move-again', archive());
    await run(reingest.migration, 'move-again');
    server.seen.length = 0;
    await run(reingest.migration, 'move-again');
    expectSame(read('move-again'), moved());
    expect(server.seen.filter((request) => request.method !== 'GET')).toEqual([]);
  });

  test.each([0, 1, 13, 25])('has lost nothing when it dies after %i copies, and then completes', async (copies) => {
    const bucket = await bucketWith(`move-died-${copies}`, archive());
    server.intercept = denyAfter(copies, (request) => request.copySource !== undefined);
    await expect(run(reingest.migration, bucket)).rejects.toThrow('Access Denied');
    expect(under(read(bucket), ARCHIVE).size).toBe(archive().size - copies);
    expectSame(movedFrom(under(read(bucket), ARCHIVE)), withoutAll(moved(), under(read(bucket), INCOMING)));

    server.intercept = undefined;
    await run(reingest.migration, bucket);
    expectSame(read(bucket), moved());
  });

  test('lists the files that could not be deleted, and completes the next time', async () => {
    const bucket = await bucketWith('move-kept', archive());
    const kept = [...archive().keys()].slice(3, 5);
    server.intercept = denyAfter(0, (request) => request.method === 'DELETE' && kept.includes(request.key));
    await expect(run(reingest.migration, bucket)).rejects.toThrow(
      `2 of 26 objects could not be moved:\n  ${kept[0]}: AccessDenied: Access Denied (HTTP 403)\n  ${kept[1]}: AccessDenied`,
    );
    expect([...under(read(bucket), ARCHIVE).keys()]).toEqual(kept);

    server.intercept = undefined;
    await run(reingest.migration, bucket);
    expectSame(read(bucket), moved());
  });

  test('compares the contents where an ETag is not an MD5', async () => {
    const bucket = await bucketWith('move-etag', archive());
    const [key, body] = first(archive());
    const upload = { Bucket: bucket, Key: key };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload));
    const { ETag } = await s3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: body }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }));
    expect(done.ETag).toMatch(/-1"$/);

    await run(reingest.migration, bucket);
    expectSame(read(bucket), moved());
  });

  test('does not take "access denied" for "not copied yet"', async () => {
    const bucket = await bucketWith('move-denied', archive());
    server.intercept = denyAfter(0, (request) => request.method === 'HEAD');
    await expect(run(reingest.migration, bucket)).rejects.toThrow(/^26 of 26 objects could not be moved:[^]*HTTP 403/);
    expectSame(read(bucket), archive());
  });

  test('refuses an older file of the same size at the target, and moves the others', async () => {
    const bucket = await bucketWith('move-over', archive());
    const [[target, body], [source]] = [first(moved()), first(archive())];
    await put(bucket, target, Buffer.alloc(body.length));
    await expect(run(reingest.migration, bucket)).rejects.toThrow(`${target} is there already, with other bytes`);
    expect([...under(read(bucket), ARCHIVE).keys()]).toEqual([source]);
  });

  test.each([
    ['differs in its bytes', (length: number) => Buffer.alloc(length)],
    ['differs in its size', () => Buffer.from('short')],
  ])('does not delete the source when its copy %s', async (what, garbage) => {
    const bucket = await bucketWith(`move-${what.replaceAll(' ', '-')}`, archive());
    const [target, body] = first(moved());
    server.intercept = async (request, next) => {
      const answer = await next();
      if (request.copySource !== undefined && request.key === target) await put(bucket, target, garbage(body.length));
      return answer;
    };
    await expect(run(reingest.migration, bucket)).rejects.toThrow(`${target} differs from`);
    expectSame(under(read(bucket), ARCHIVE), new Map([first(archive())]));
  });

  test('does not delete the source when its copy is taken away before it is verified', async () => {
    const bucket = await bucketWith('move-taken', archive());
    const [target] = first(moved());
    server.intercept = async (request, next) => {
      const answer = await next();
      if (request.copySource !== undefined && request.key === target) {
        await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: target }));
      }
      return answer;
    };
    await expect(run(reingest.migration, bucket)).rejects.toThrow(`${target} differs from`);
    expectSame(under(read(bucket), ARCHIVE), new Map([first(archive())]));
  });
});

describe('0002, which deletes the parquet files of six tables', () => {
  const tables = (): Objects => new Map([...under(sample, LIVE), ...under(sample, BACKFILL)]);
  const deleted = (): Objects =>
    new Map([...tables()].filter(([key]) => !(key.startsWith(LIVE) && key.endsWith('.parquet'))));

  test('deletes them, and leaves every other file and table', async () => {
    const other = new Map([
      [`${LIVE}other_table/part-00000.parquet`, Buffer.from('1')],
      [`${LIVE}abp_tap_history/part-00000.parquet`, Buffer.from('2')],
    ]);
    const bucket = await bucketWith('tables', new Map([...without(sample, SALES), ...other]));
    await run(deleteTables.migration, bucket);
    expectSame(read(bucket), new Map([...without(without(sample, SALES), LIVE), ...deleted(), ...other]));
  });

  test('changes nothing when it runs again', async () => {
    const bucket = await bucketWith('tables-again', deleted());
    await run(deleteTables.migration, bucket);
    expectSame(read(bucket), deleted());
    expect(server.seen.filter((request) => request.deletes)).toEqual([]);
  });

  test.each([0, 1, 5])('completes when it died after %i tables', async (count) => {
    const bucket = await bucketWith(`tables-died-${count}`, tables());
    server.intercept = denyAfter(count, (request) => request.deletes !== undefined);
    await expect(run(deleteTables.migration, bucket)).rejects.toThrow('Access Denied');
    server.intercept = undefined;
    await run(deleteTables.migration, bucket);
    expectSame(read(bucket), deleted());
  });

  test.each([
    ['nothing', []],
    ['no parquet file', ['', '_SUCCESS']],
  ])('refuses when the backfill of a table holds %s', async (what, names) => {
    const unfilled = without(without(tables(), `${BACKFILL}card_dimension/`), `${BACKFILL}use_transaction/`);
    for (const name of names) unfilled.set(`${BACKFILL}card_dimension/${name}`, Buffer.alloc(0));
    const bucket = await bucketWith(`tables-${what.replaceAll(' ', '-')}`, unfilled);
    await expect(run(deleteTables.migration, bucket)).rejects.toThrow(
      'Nothing was deleted: no parquet file under odin/data/cubic/ods_backfill/ for card_dimension, use_transaction',
    );
    expectSame(read(bucket), unfilled);
    expect(server.seen.filter((request) => request.deletes)).toEqual([]);
  });

  test('lists the files that could not be deleted', async () => {
    const bucket = await bucketWith('tables-kept', tables());
    const kept = `${LIVE}card_dimension/part-00007.parquet`;
    server.intercept = keepOnDelete(bucket, [kept]);
    await expect(run(deleteTables.migration, bucket)).rejects.toThrow(
      `1 of 20 objects could not be deleted:\n  ${kept}: AccessDenied Access Denied`,
    );
  });

  test('deletes more than 1000 files of a table in batches', async () => {
    const many = new Map(
      Array.from({ length: 1001 }, (_, index) => [`${LIVE}abp_tap/more-${index}.parquet`, Buffer.from('1')]),
    );
    const bucket = await bucketWith('tables-many', new Map([...under(sample, BACKFILL), ...many]));
    await run(deleteTables.migration, bucket);
    expectSame(read(bucket), under(sample, BACKFILL));
    expect(server.seen.flatMap((request) => (request.deletes ? [request.deletes.length] : []))).toEqual([1000, 1]);
  });
});

describe('0003, which takes six columns out of every sales file', () => {
  const dataset = (): Objects => new Map([...under(sample, SALES)].slice(0, 50));
  const checkpoints = [20, 40, 50].map((done) => ({
    cursor: `${SALES}part-${String(done - 1).padStart(5, '0')}.jsonl.gz`,
    done,
    total: 50,
  }));
  let uninterrupted: Objects;

  beforeAll(async () => {
    await bucketWith('sales', dataset());
    expect(await runPages('sales')).toEqual(checkpoints);
    uninterrupted = read('sales');
  });

  test('drops the columns and keeps every row and every other value', () => {
    expect([...uninterrupted.keys()]).toEqual([...dataset().keys()]);
    for (const [key, body] of uninterrupted) {
      const expected = sales(sample.get(key)!).map((row) =>
        Object.fromEntries(Object.entries(row).filter(([column]) => !DROPPED.includes(column))),
      );
      expect(sales(body)).toEqual(expected);
      expect(Object.keys(sales(body)[0]!)).toHaveLength(6);
    }
  });

  test('writes nothing when it runs again', async () => {
    expect(await runPages('sales')).toEqual(checkpoints);
    expect(server.seen.filter((request) => request.method === 'PUT')).toEqual([]);
    expectSame(read('sales'), uninterrupted);
  });

  test('keeps the metadata of a file, and leaves other files alone', async () => {
    const key = `${SALES}part-00000.jsonl.gz`;
    const readme = new Map([[`${SALES}README.md`, Buffer.from('Sales of the AFC system.')]]);
    const bucket = await bucketWith('sales-metadata', readme);
    const body = sample.get(key)!;
    await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentType: 'text/x',
        Metadata: { source: 'afc' },
      }),
    );
    expect(await runPages(bucket)).toEqual([{ cursor: key, done: 1, total: 1 }]);
    expect(await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).toMatchObject({
      ContentType: 'text/x',
      Metadata: { source: 'afc' },
    });
    expectSame(read(bucket), new Map([...readme, [key, uninterrupted.get(key)!]]));
  });

  test('does not write a file that has none of the columns, however it is formatted', async () => {
    const clean = new Map([[`${SALES}part-00000.jsonl.gz`, gzipSync('{ "sale_id": "1" }\n\n')]]);
    const bucket = await bucketWith('sales-clean', clean);
    await runPages(bucket);
    expect(server.seen.filter((request) => request.method === 'PUT')).toEqual([]);
  });

  test('gives the same bytes when it is killed at any checkpoint and resumed there', async () => {
    await pMap(
      checkpoints,
      async ({ cursor, done }) => {
        const bucket = await bucketWith(`sales-killed-${done}`, dataset());
        const before = await runPages(bucket, undefined, Math.ceil(done / 20));
        expect(before.at(-1)?.cursor).toBe(cursor);
        // The cursor is stored as JSON between the two runs.
        const after = await runPages(bucket, JSON.parse(JSON.stringify(cursor)) as string);
        expect([...before, ...after]).toEqual(checkpoints);
        expectSame(read(bucket), uninterrupted);
      },
      { concurrency: 1 },
    );
  }, 30_000);

  test('does not read again what was done before the checkpoint', async () => {
    const bucket = await bucketWith('sales-resumed', dataset());
    await runPages(bucket, undefined, 1);
    server.seen.length = 0;
    await runPages(bucket, checkpoints[0]!.cursor);
    expect(server.seen.filter((request) => request.method === 'GET' && request.key !== '')).toHaveLength(30);
    server.seen.length = 0;
    expect(await runPages(bucket, checkpoints[2]!.cursor)).toEqual([]);
    expect(server.seen.filter((request) => request.key !== '')).toEqual([]);
  });

  test.each([0, 7, 20, 39, 49])(
    'gives the same bytes when it dies after %i writes, between checkpoints',
    async (writes) => {
      const bucket = await bucketWith(`sales-died-${writes}`, dataset());
      server.intercept = denyAfter(writes, (request) => request.method === 'PUT');
      const durable: { cursor: string }[] = [];
      await expect(async () => {
        vi.stubEnv('DATA_BUCKET', bucket);
        for await (const checkpoint of dropColumns.migration()) durable.push(checkpoint);
      }).rejects.toThrow(
        /^Cannot rewrite odin\/data\/afc\/sales\/part-\d{5}\.jsonl\.gz: AccessDenied: Access Denied(, and \d+ more files)?$/,
      );
      expect(durable).toEqual(checkpoints.slice(0, Math.floor(writes / 20)));

      server.intercept = undefined;
      await runPages(bucket, durable.at(-1)?.cursor);
      expectSame(read(bucket), uninterrupted);
    },
  );

  test('does not undo what another writer wrote after the read', async () => {
    const bucket = await bucketWith('sales-raced', dataset());
    const key = `${SALES}part-00030.jsonl.gz`;
    const theirs = gzipSync('{"sale_id":"1","latitude":42.1}\n');
    server.intercept = async (request, next) => {
      if (request.method === 'PUT' && request.key === key) {
        server.intercept = undefined;
        await put(bucket, key, theirs);
      }
      return next();
    };
    await expect(runPages(bucket)).rejects.toThrow(`Cannot rewrite ${key}: PreconditionFailed`);
    expect(read(bucket).get(key)).toEqual(theirs);

    await runPages(bucket, checkpoints[0]!.cursor);
    expect(sales(read(bucket).get(key)!)).toEqual([{ sale_id: '1' }]);
  });

  test('names the file that it cannot read', async () => {
    const key = `${SALES}part-00000.jsonl.gz`;
    const bucket = await bucketWith('sales-broken', new Map([[key, Buffer.from('not gzip')]]));
    await expect(runPages(bucket)).rejects.toThrow(`Cannot rewrite ${key}: Error: incorrect header check`);
  });
});

describe('every sample migration', () => {
  const all = { '0001': reingest, '0002': deleteTables, '0003': dropColumns };

  test.each(Object.entries(all))('%s has permissions for what it does, and no more', async (_, migration) => {
    const some = [...sample].filter((_, index) => index % 5 === 0);
    await bucketWith('odin-sample-data', new Map([...some, ...under(sample, BACKFILL)]));
    // One that was copied, and not deleted yet: its tags are compared.
    const copied = some.find(([key]) => key.startsWith(ARCHIVE));
    if (copied) await put('odin-sample-data', INCOMING + copied[0].slice(ARCHIVE.length), copied[1]);
    server.seen.length = 0;
    vi.stubEnv('DATA_BUCKET', 'odin-sample-data');
    if (migration === dropColumns) await runPages('odin-sample-data');
    else await (migration as typeof reingest).migration();

    const needed = new Set(server.seen.flatMap(actions));
    const granted = migration.permissions.flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((resource) => `${action} ${resource}`)),
    );
    const covers = (grant: string, need: string): boolean =>
      grant.endsWith('*') ? need.startsWith(grant.slice(0, -1)) : need === grant;
    expect([...needed].filter((need) => !granted.some((grant) => covers(grant, need)))).toEqual([]);
    expect(granted.filter((grant) => ![...needed].some((need) => covers(grant, need)))).toEqual([]);
  });

  test.each(Object.entries(all))('%s says that DATA_BUCKET is not set', async (_, migration) => {
    vi.stubEnv('DATA_BUCKET', undefined);
    const started = migration === dropColumns ? dropColumns.migration().next() : migration.migration();
    await expect(started).rejects.toThrow('DATA_BUCKET is not set');
    expect(server.seen).toEqual([]);
  });
});

async function run(migration: () => Promise<void>, bucket: string): Promise<void> {
  vi.stubEnv('DATA_BUCKET', bucket);
  await migration();
}

/** Runs 0003 and returns its checkpoints; with a number of pages it is killed, never resumed, after that many. */
async function runPages(bucket: string, resume?: string, pages = Infinity): Promise<{ cursor: string }[]> {
  vi.stubEnv('DATA_BUCKET', bucket);
  const checkpoints = [];
  const pending = dropColumns.migration(resume);
  while (checkpoints.length < pages) {
    const next = await pending.next();
    if (next.done === true) break;
    checkpoints.push(next.value);
  }
  return checkpoints;
}

async function bucketWith(bucket: string, objects: Objects): Promise<string> {
  await putObjects(server.store, bucket, objects);
  server.seen.length = 0;
  return bucket;
}

const put = (bucket: string, key: string, body: Buffer): Promise<void> =>
  putObjects(server.store, bucket, [[key, body]]);

function read(bucket: string): Objects {
  return new Map(
    [...server.store.list(bucket, { prefix: '', after: '' })].map(({ key, file }) => [key, readFileSync(file)]),
  );
}

function readOne(bucket: string, key: string): [string, Buffer] {
  const object = server.store.get(bucket, key);
  if (!object) throw new Error(`s3://${bucket}/${key} is not there`);
  return [key, readFileSync(object.file)];
}

function under(objects: Objects, prefix: string): Objects {
  return new Map([...objects].filter(([key]) => key.startsWith(prefix)));
}

function without(objects: Objects, prefix: string): Objects {
  return new Map([...objects].filter(([key]) => !key.startsWith(prefix)));
}

function withoutAll(objects: Objects, others: Objects): Objects {
  return new Map([...objects].filter(([key]) => !others.has(key)));
}

function first(objects: Objects): [string, Buffer] {
  return [...objects][0]!;
}

function sales(body: Buffer): Record<string, unknown>[] {
  const lines = gunzipSync(body).toString().trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Compares keys and hashes: a readable failure, unlike a diff of hundreds of buffers. */
function expectSame(actual: Objects, expected: Objects): void {
  const hashes = (objects: Objects): string[] =>
    [...objects].map(([key, body]) => `${createHash('sha256').update(body).digest('hex')} ${key}`).sort();
  expect(hashes(actual)).toEqual(hashes(expected));
}

interface Seen {
  method: string;
  bucket: string;
  /** Empty for a request to the bucket itself. */
  key: string;
  /** Whether it is about an object's tags. */
  tags: boolean;
  /** As it was sent, encoded. */
  copySource: string | undefined;
  /** The keys that a DeleteObjects request names. */
  deletes: string[] | undefined;
}

/** Answers in place of the server, or calls `next`, which does what was asked, and gives its answer or another. */
type Intercept = (request: Seen, next: () => Promise<HttpAnswer>) => Promise<HttpAnswer>;

interface Server {
  url: string;
  store: S3['store'];
  seen: Seen[];
  intercept: Intercept | undefined;
  close(): Promise<void>;
}

/** The embedded S3 on a free port, with a list of what it was asked and a place to interfere. */
async function startServer(): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'odin-migrate-sample-'));
  const embedded = createS3({ directory });

  async function answer(incoming: IncomingMessage): Promise<HttpAnswer> {
    const { pathname, searchParams: query } = new URL(`http://localhost${incoming.url ?? '/'}`);
    const { method = 'GET', headers } = incoming;
    const body = await buffer(incoming);
    const [, bucket = '', ...key] = pathname.split('/').map(decodeURIComponent);
    const copySource = headers['x-amz-copy-source']?.toString();
    const deletes = query.has('delete') ? namedKeys(body) : undefined;
    const seen = { method, bucket, key: key.join('/'), tags: query.has('tagging'), copySource, deletes };
    server.seen.push(seen);
    // Short pages, so that every test crosses some.
    if (query.has('list-type')) query.set('max-keys', '40');
    const next = (): Promise<HttpAnswer> =>
      embedded.handle({ method, path: pathname, query, headers, body: Readable.from([body]) });
    return server.intercept ? server.intercept(seen, next) : next();
  }

  const http = createServer((incoming, response) => {
    void answer(incoming).then((given) => sendAnswer(response, given));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    store: embedded.store,
    seen: [],
    intercept: undefined,
    async close() {
      http.closeAllConnections();
      http.close();
      embedded.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function namedKeys(body: Buffer): string[] {
  return Array.from(body.toString().matchAll(/<Key>(.*?)<\/Key>/g), ([, key = '']) => key);
}

function denyAfter(count: number, matches: (request: Seen) => boolean): Intercept {
  let passed = 0;
  return (request, next) => {
    if (!matches(request) || (passed += 1) <= count) return next();
    const body = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';
    return Promise.resolve({ status: 403, body: request.method === 'HEAD' ? undefined : body });
  };
}

/** DeleteObjects deletes every key but these, answers 200, and reports these as errors, as S3 does. */
function keepOnDelete(bucket: string, kept: string[]): Intercept {
  return async (request, next) => {
    const refused = request.deletes?.filter((key) => kept.includes(key)) ?? [];
    const before = refused.map((key) => readOne(bucket, key));
    const answer = await next();
    await putObjects(server.store, bucket, before);
    if (refused.length === 0) return answer;
    const errors = refused.map(
      (key) => `<Error><Key>${key}</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`,
    );
    return { status: 200, body: `<DeleteResult>${errors.join('')}</DeleteResult>` };
  };
}

/** The IAM actions and resources that S3 asks for when it gets this request. */
function actions({ method, bucket, key, tags, copySource, deletes }: Seen): string[] {
  const arn = (name: string): string => `arn:aws:s3:::${name}`;
  // On the condition of an ETag, which is what the helpers send.
  const remove = (name: string) => [`s3:DeleteObject ${arn(name)}`, `s3:GetObject ${arn(name)}`];
  if (deletes) return deletes.flatMap((each) => remove(`${bucket}/${each}`));
  if (key === '') return [`s3:ListBucket ${arn(bucket)}`];
  const object = arn(`${bucket}/${key}`);
  if (method === 'DELETE') return remove(`${bucket}/${key}`);
  if (tags) return [`s3:GetObjectTagging ${object}`];
  if (copySource) return [`s3:GetObject ${arn(decodeURIComponent(copySource))}`, `s3:PutObject ${object}`];
  return [method === 'PUT' ? `s3:PutObject ${object}` : `s3:GetObject ${object}`];
}
