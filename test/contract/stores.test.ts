// The store contract over all adapters, and what S3 alone can do to one.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { moveCheckpoint, readCheckpoint } from '../../core/ledger/checkpoints.ts';
import { claimKey } from '../../core/ledger/keys.ts';
import { takeClaim } from '../../core/ledger/turns.ts';
import { leaveWaiter, readWaiters } from '../../core/ledger/waiters.ts';
import { allowed, logOf } from '../core/ledger/entries.ts';
import type { Allowed } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import type { LogWriter } from '../../core/ledger/log.ts';
import { MemoryStore } from '../../core/ledger/memory-store.ts';
import { ledgerClient, S3Store } from '../../aws/s3-store.ts';
import type { EmbeddedAws, RequestHook, RequestSummary, Verdict } from '../../local/embedded-aws.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { EmbeddedStore } from '../../local/s3/ledger-store.ts';
import { thrownBy } from '../support/thrown.ts';
import { storeContract } from './store.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'odin-stores-'));
let aws: EmbeddedAws;
let s3: S3Client;
let onRequest: RequestHook = () => 'pass';
let buckets = 0;

const clientOptions = () => ({
  endpoint: aws.endpoint,
  region: aws.region,
  credentials: aws.credentials,
  forcePathStyle: true,
});

async function newBucket(): Promise<string> {
  buckets += 1;
  await s3.send(new CreateBucketCommand({ Bucket: `ledger-${buckets}` }));
  return `ledger-${buckets}`;
}

beforeAll(async () => {
  aws = await startEmbeddedAws({ directory, parentEnvironment: {}, onRequest: (request) => onRequest(request) });
  s3 = new S3Client({ ...clientOptions(), maxAttempts: 1 });
});
afterAll(async () => {
  s3.destroy();
  await aws.close();
  rmSync(directory, { recursive: true, force: true });
});

storeContract('MemoryStore', () => new MemoryStore());
storeContract('S3Store on the embedded S3', async () => new S3Store(s3, await newBucket()));
storeContract('EmbeddedStore', async () => new EmbeddedStore(aws.s3.store, await newBucket()));

describe('S3Store when S3 refuses or does not answer', () => {
  let bucket: string;
  let store: S3Store;
  /** Every request since the fault began. */
  let requests: RequestSummary[];
  const clients: S3Client[] = [];

  beforeEach(async () => {
    bucket = await newBucket();
    store = storeWith(2);
    await store.create('there', 'one');
  });
  afterEach(() => {
    onRequest = () => 'pass';
    for (const client of clients.splice(0)) client.destroy();
  });

  function storeWith(maxAttempts: number): S3Store {
    const client = new S3Client({ ...clientOptions(), maxAttempts });
    clients.push(client);
    return new S3Store(client, bucket);
  }

  /** The verdict for each request that comes, the last one for ever. */
  function answer(...verdicts: [Verdict, ...Verdict[]]): void {
    requests = [];
    onRequest = (request) => {
      requests.push(request);
      return verdicts[Math.min(requests.length, verdicts.length) - 1] ?? 'pass';
    };
  }

  const WRITTEN = { etag: expect.stringMatching(/./) as unknown };
  const operations: [string, (on: S3Store) => Promise<unknown>, unknown][] = [
    [
      'get of a key that is there',
      (on) => on.get('there'),
      { body: 'one', etag: expect.any(String) as unknown, modified: expect.any(Number) as unknown },
    ],
    ['get of a key that is not there', (on) => on.get('absent'), undefined],
    ['create', (on) => on.create('new', 'x'), WRITTEN],
    ['replace without an ETag', (on) => on.replace('new', 'x', undefined), WRITTEN],
    ['replace with an old ETag', (on) => on.replace('there', 'x', '"old"'), 'conflict'],
    [
      'list',
      (on) => on.list('th'),
      { at: expect.any(Number) as unknown, objects: [{ key: 'there', etag: expect.any(String) as unknown }] },
    ],
  ];

  describe.each(operations)('%s', (_, work, expected) => {
    it('fails with LedgerForbidden for a 403, at once', async () => {
      answer({ status: 403, code: 'AccessDenied' });
      const error = await thrownBy(work(store));
      expect(error.code).toBe('LedgerForbidden');
      expect(error.message).toContain(`s3://${bucket}/`);
      expect(error.message).toContain('AccessDenied');
      expect(error.message).toContain('says nothing about whether a record is there');
      expect(requests).toHaveLength(1);
    });

    it('fails with LedgerUnavailable for a bucket that is not there, and does not take the key as absent', async () => {
      const error = await thrownBy(work(new S3Store(s3, 'no-such-bucket')));
      expect(error.code).toBe('LedgerUnavailable');
      expect(error.message).toContain('NoSuchBucket');
    });

    it.each([
      [500, 'InternalError'],
      [503, 'ServiceUnavailable'],
    ])('is repeated after a %i %s, and fails with LedgerUnavailable when it does not pass', async (status, code) => {
      answer({ status, code });
      const error = await thrownBy(work(store));
      expect(error.code).toBe('LedgerUnavailable');
      expect(error.message).toContain(code);
      expect(requests).toHaveLength(2);
    });

    it('does not notice a 500 that passes', async () => {
      answer({ status: 500, code: 'InternalError' }, 'pass');
      expect(await work(store)).toEqual(expected);
      expect(requests).toHaveLength(2);
    });

    it('fails with LedgerUnavailable when the connection is cut each time', async () => {
      answer('drop-answer');
      const error = await thrownBy(work(storeWith(1)));
      expect(error.code).toBe('LedgerUnavailable');
      expect(error.message).toContain('says nothing about whether a record is there');
    });
  });

  it('repeats a request that S3 throttles (503 SlowDown)', async () => {
    answer({ status: 503, code: 'SlowDown' }, 'pass');
    expect(await store.create('new', 'x')).toEqual(WRITTEN);
    expect(requests).toHaveLength(2);
  });

  it('gives no half list when the second page is refused', async () => {
    for (let n = 0; n < 1_001; n += 1) {
      const received = await aws.s3.store.receive(Readable.from(['x']));
      aws.s3.store.put(bucket, `p/${String(n).padStart(4, '0')}`, received, { headers: {} });
    }
    expect((await store.list('p/')).objects).toHaveLength(1_001);
    answer('pass', { status: 403, code: 'AccessDenied' });
    expect((await thrownBy(store.list('p/'))).code).toBe('LedgerForbidden');
    expect(requests.map(({ operation }) => operation)).toEqual(['ListObjectsV2', 'ListObjectsV2']);
  });

  it('reads nothing of an object that is larger than any record: it would use up the memory of who reads it', async () => {
    const most = 16 * 1024 * 1024;
    for (const size of [most, most + 1]) {
      const received = await aws.s3.store.receive(Readable.from([Buffer.alloc(size, 'x')]));
      aws.s3.store.put(bucket, 'turns/0004/00000042/outcome.json', received, { headers: {} });
      const { body } = (await store.get('turns/0004/00000042/outcome.json')) ?? {};
      expect(body?.length).toBe(size === most ? most : 0);
    }
    expect(await store.get('there')).toMatchObject({ body: 'one' }); // the connection goes on
  });

  describe('409 ConditionalRequestConflict', () => {
    const conflict = { status: 409, code: 'ConditionalRequestConflict' };

    it('is tried again, and the object is written', async () => {
      store = storeWith(1);
      answer(conflict, conflict, 'pass');
      expect(await store.create('new', 'x')).toEqual(WRITTEN);
      expect(requests).toHaveLength(3);
      onRequest = () => 'pass';
      expect((await store.get('new'))?.body).toBe('x');
    });

    it('is tried again, and somebody else may have written the object by then', async () => {
      store = storeWith(1);
      answer(conflict, 'pass');
      expect(await store.create('there', 'two')).toBe('exists');
      onRequest = () => 'pass';
      expect((await store.get('there'))?.body).toBe('one');
    });

    it('that does not pass is LedgerUnavailable after six requests, and never "exists"', async () => {
      store = storeWith(1);
      answer(conflict);
      const error = await thrownBy(store.create('new', 'x'));
      expect(error.code).toBe('LedgerUnavailable');
      expect(requests).toHaveLength(6);
    });
  });

  describe('an answer that is lost', () => {
    const [turn] = logOf(allowed('0004')) as [Numbered<Allowed>];
    const now = Date.parse('2026-03-01T12:00:00Z');
    const writer = (nonce: string): LogWriter => ({
      function: '0004',
      requestId: 'request-1',
      version: '1.0.0',
      now: () => now,
      nonce: () => nonce,
    });
    const claim = (nonce = 'mine', through = store) => takeClaim(through, turn, writer(nonce), { claim: 'claimed' });

    it('of a create: the repeated request meets its own object, which is taken as its own', async () => {
      answer('drop-answer', 'pass');
      expect(await claim()).toMatchObject({ taken: 'mine' });
      expect(requests.map(({ operation }) => operation)).toEqual(['PutObject', 'PutObject', 'GetObject']);
    });

    it("of a create: another invocation's claim is not taken as one's own", async () => {
      await claim('theirs');
      answer('drop-answer', 'pass');
      expect(await claim()).toEqual({ taken: 'by another' });
    });

    it('of a create, with every repetition lost too: the error says that nothing is known', async () => {
      answer('drop-answer');
      expect((await thrownBy(claim('mine', storeWith(2)))).code).toBe('LedgerUnavailable');
      onRequest = () => 'pass';
      expect(await store.get(claimKey(turn))).toBeDefined();
    });

    it('of a checkpoint: it is taken as its own, and moved on from', async () => {
      const first = await moveCheckpoint(store, turn, undefined, { cursor: 'a' }, now);
      onRequest = dropFirst('PutObject');
      const second = await moveCheckpoint(store, turn, first, { cursor: 'b' }, now);
      onRequest = () => 'pass';
      expect(second.checkpoint.sequence).toBe(2);
      const third = await moveCheckpoint(store, turn, second, { cursor: 'c' }, now);
      expect(await readCheckpoint(store, '0004')).toEqual(third);
    });

    it('of a waiter: it waits once', async () => {
      const since = '2026-03-01T12:00:00.000Z';
      const waiter = { halt: 2, execution: 'arn:one', token: 't', run: 'one', allowOutOfOrder: false, since };
      onRequest = dropFirst('PutObject');
      await leaveWaiter(store, waiter);
      onRequest = () => 'pass';
      await leaveWaiter(store, waiter);
      expect(await readWaiters(store, 2)).toEqual([{ format: 1, ...waiter }]);
    });

    function dropFirst(operation: string): RequestHook {
      let dropped = false;
      return (request) => {
        if (dropped || request.operation !== operation) return 'pass';
        dropped = true;
        return 'drop-answer';
      };
    }
  });
});

describe('the client of the ledger', () => {
  it('repeats a request seven times, and puts the bucket into the path of an endpoint of its own', async () => {
    const [own, embedded] = [ledgerClient(undefined), ledgerClient('http://127.0.0.1:9')];
    expect(await own.config.maxAttempts()).toBe(8);
    expect(own.config.forcePathStyle).toBe(false);
    expect(await embedded.config.maxAttempts()).toBe(8);
    expect(embedded.config.forcePathStyle).toBe(true);
    own.destroy();
    embedded.destroy();
  });
});

it('the time of a list is that of its first page: what comes after it may be later', async () => {
  const pages = [
    [
      'Sun, 01 Mar 2026 12:00:00 GMT',
      '<IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>',
    ],
    ['Sun, 01 Mar 2026 12:00:09 GMT', '<IsTruncated>false</IsTruncated>'],
  ];
  const handle = () => {
    const [date, more] = pages.shift() ?? [];
    const body = `<ListBucketResult><Contents><Key>log/${pages.length}</Key><ETag>"e"</ETag></Contents>${more}</ListBucketResult>`;
    return Promise.resolve({
      response: { statusCode: 200, headers: { date, 'content-type': 'application/xml' }, body: Readable.from([body]) },
    });
  };
  const client = new S3Client({ ...clientOptions(), requestHandler: { handle } as never });
  const { at, objects } = await new S3Store(client, 'paged').list('log/');
  expect([new Date(at).toISOString(), objects.map(({ key }) => key)]).toEqual([
    '2026-03-01T12:00:00.000Z',
    ['log/1', 'log/0'],
  ]);
});
