// A checkpointed migration of 5,000 objects that dies again and again: before, in the middle of and after each page, and
// just after each checkpoint. The real wrapper and helpers, the embedded S3, a ledger in memory.
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keys } from '../../core/ledger/keys.ts';
import type { RunOutcome } from '../../core/contract/payloads.ts';
import type { PageCursor } from '../../authoring/s3.ts';
import { deleteObjects, pages } from '../../authoring/s3.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';
import { executionArn } from '../support/fake-executions.ts';
import { runInThisProcess } from '../support/in-process.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation } from '../support/services.ts';

const OBJECTS = 5_000;
const PAGE = 250;
const MINUTE = 60_000;
const PLACES = ['before a page', 'in the middle of it', 'after it', 'after its checkpoint'] as const;
type Place = (typeof PLACES)[number];

let started: Started;
beforeAll(async () => {
  started = await start();
});
afterAll(() => started.stop());

const keyOf = (n: number) => `data/${String(n).padStart(5, '0')}`;
const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex');

async function fill(bucket: string, count: number): Promise<void> {
  await started.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const numbers = Array.from({ length: count }, (_, n) => n);
  const put = (n: number) => started.s3.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(n), Body: `row ${n}` }));
  await pMap(numbers, put, { concurrency: 64 });
}

/** Key → ETag, which here is the MD5 of the bytes. */
async function contents(bucket: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { objects } of pages({ s3: started.s3, bucket })) {
    for (const { key, etag } of objects) found.set(key, etag);
  }
  return found;
}

/** What one that is never interrupted leaves. */
const expectedOf = (count: number) =>
  new Map(
    Array.from({ length: count / 2 }, (_, half): [string, string] => {
      const row = `row ${2 * half}`;
      return [keyOf(2 * half), `"${hash('md5', half % 25 === 0 ? hash('sha256', row) : row)}"`];
    }),
  );

/** Of each page: every 50th object is rewritten by what it holds, unless it was before; every other one of the rest goes. */
async function* work(bucket: string, resume: unknown, die: (place: Place) => Promise<void>) {
  const { s3 } = started;
  for await (const page of pages({ s3, bucket, resume: resume as PageCursor | undefined, pageSize: PAGE })) {
    await die('before a page');
    const numbers = page.objects.map(({ key }) => ({ key, n: Number(key.slice(-5)) }));
    for (const { key } of numbers.filter(({ n }) => n % 50 === 0)) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const text = (await Body?.transformToString()) ?? '';
      if (!text.startsWith('row ')) continue;
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: hash('sha256', text) }));
    }
    await die('in the middle of it');
    await deleteObjects({ s3, bucket, keys: numbers.filter(({ n }) => n % 2 === 1).map(({ key }) => key) });
    await die('after it');
    yield page.checkpoint;
  }
}

/** What a killed process does from then on: nothing. */
const never = () => new Promise<never>(() => undefined);

/** One attempt; `killed` when it died at `at`. */
async function attempt(world: World, bucket: string, number: number, at?: Place): Promise<RunOutcome | 'killed'> {
  const { promise: killed, resolve } = Promise.withResolvers<'killed'>();
  const die = (place: Place): Promise<void> => {
    if (place !== at) return Promise.resolve();
    resolve('killed');
    return never();
  };
  world.store.after = ({ operation, key }) =>
    operation === 'replace' && key === keys.checkpoint('0004') ? die('after its checkpoint') : undefined;
  const self = {
    migration: '0004',
    predecessor: undefined,
    sourceSha256: HASH,
    codeSha256: HASH,
    clockMarginMs: MINUTE,
    sliceMs: undefined,
  };
  const module = { migration: (resume: unknown) => work(bucket, resume, die) };
  const payload = { execution: executionArn('me'), migration: '0004', attempt: number, slice: 1, gitCommit: null };
  const runUserCode = runInThisProcess(() => Promise.resolve(module), world.timing);
  const run = createRunMigration(self, world.services, runUserCode)(payload, invocation(world));
  return await Promise.race([run, killed]);
}

it('leaves the same bytes as one that was never interrupted, wherever it is killed and retried', async () => {
  await Promise.all([fill('uninterrupted', 500), fill('killed', OBJECTS)]);
  expect(await attempt(createWorld(), 'uninterrupted', 1)).toMatchObject({ outcome: 'finished' });
  expect(await contents('uninterrupted')).toEqual(expectedOf(500));

  const world = createWorld();
  let attempts = 0;
  for (let outcome: RunOutcome | 'killed' = 'killed'; outcome === 'killed';) {
    attempts += 1;
    outcome = await attempt(world, 'killed', attempts, PLACES[(attempts - 1) % PLACES.length]);
    if (outcome !== 'killed') break;
    // Lambda has ended it by now, its outcome is unknown, and somebody decides.
    expect(await world.ledger.finished('0004', attempts)).toBeUndefined();
    world.clock.advance(17 * MINUTE);
    const subject = { migration: '0004', attempt: attempts, execution: executionArn('me') };
    await world.ledger.createDecision(subject, world.writer, { halt: 1, decision: 'retry', by: 'her' });
  }
  const { sequence = 0 } = (await world.ledger.checkpoint('0004')) ?? {};
  expect(sequence).toBeGreaterThanOrEqual(OBJECTS / 2 / PAGE);
  expect(attempts).toBe(PLACES.length * sequence + 1);
  expect(await world.ledger.finished('0004', attempts)).toMatchObject({ outcome: 'succeeded' });
  expect(await contents('killed')).toEqual(expectedOf(OBJECTS));
}, 60_000);
