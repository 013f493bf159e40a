// A checkpointed migration of 5,000 objects that dies again and again: before, in the middle of and after each page, and
// just after each checkpoint. The real wrapper and helpers, the embedded S3, a ledger in memory.
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunAnswer } from '../../core/contract/payloads.ts';
import { readCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { checkpointKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import { DEADLINE_MARGIN_MS } from '../../core/ledger/turns.ts';
import type { PageCursor } from '../../authoring/s3.ts';
import { deleteObjects, pages } from '../../authoring/s3.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { Started } from '../local/support.ts';
import { putObjects, start } from '../local/support.ts';
import { executionArn } from '../support/fake-executions.ts';
import { runInThisProcess } from '../support/in-process.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, invocation } from '../support/services.ts';

const OBJECTS = 5_000;
const PAGE = 250;
const ME = executionArn('me');
const PLACES = ['before a page', 'in the middle of it', 'after it', 'after its checkpoint'] as const;
type Place = (typeof PLACES)[number];

let started: Started;
beforeAll(async () => {
  started = await start();
});
afterAll(() => started.stop());

const keyOf = (n: number) => `data/${String(n).padStart(5, '0')}`;
const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex');

const fill = (bucket: string, count: number): Promise<void> =>
  putObjects(
    started.aws.s3.store,
    bucket,
    Array.from({ length: count }, (_, n) => [keyOf(n), `row ${n}`]),
  );

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

/** One turn; `killed` when it died at `at`. */
async function attempt(
  world: World,
  bucket: string,
  turn: Numbered<Allowed>,
  at?: Place,
): Promise<RunAnswer | 'killed'> {
  const { promise: killed, resolve } = Promise.withResolvers<'killed'>();
  const die = (place: Place): Promise<void> => {
    if (place !== at) return Promise.resolve();
    resolve('killed');
    return never();
  };
  world.store.after = ({ operation, key }) =>
    operation === 'replace' && key === checkpointKey('0004') ? die('after its checkpoint') : undefined;
  const module = { migration: (resume: unknown) => work(bucket, resume, die) };
  const runUserCode = runInThisProcess(() => Promise.resolve(module), world.timing);
  const handle = createRunMigration(
    { migration: '0004', codeSha256: CODE, sliceMs: undefined },
    world.services,
    runUserCode,
  );
  const { migration, attempt: number, slice, execution } = turn;
  const payload = { ask: 'run' as const, execution, migration, attempt: number, slice, turn: turn.number };
  return await Promise.race([handle(payload, invocation(world)), killed]);
}

it('leaves the same bytes as one that was never interrupted, wherever it is killed and retried', async () => {
  await Promise.all([fill('uninterrupted', 500), fill('killed', OBJECTS)]);
  const quiet = createWorld();
  const only = await ledgerBefore(quiet).allow('0004', { execution: ME });
  expect(await attempt(quiet, 'uninterrupted', only)).toMatchObject({ outcome: 'finished' });
  expect(await contents('uninterrupted')).toEqual(expectedOf(500));

  const world = createWorld();
  const prepared = ledgerBefore(world);
  let turn = await prepared.allow('0004', { execution: ME });
  for (;;) {
    const outcome = await attempt(world, 'killed', turn, PLACES[(turn.attempt - 1) % PLACES.length]);
    if (outcome !== 'killed') break;
    // Lambda has ended it by now, its outcome is unknown, and somebody decides.
    expect(await world.store.inner.get(outcomeKey(turn))).toBeUndefined();
    world.clock.advance(turn.timeoutMs + DEADLINE_MARGIN_MS + 1);
    await prepared.close(turn, 'unknown');
    const halted = await prepared.halt(turn, 'unknown');
    const decided = await prepared.decide(halted, 'retry', { retry: { codeSha256: CODE, begin: 'checkpoint' } });
    turn = await prepared.allow('0004', {
      execution: ME,
      attempt: turn.attempt + 1,
      begin: 'checkpoint',
      restsOn: { decision: { key: entryKey(decided.number), sha256: decided.sha256 } },
    });
  }
  const sequence = (await readCheckpoint(world.store.inner, '0004'))?.checkpoint.sequence ?? 0;
  expect(sequence).toBeGreaterThanOrEqual(OBJECTS / 2 / PAGE);
  expect(turn.attempt).toBe(PLACES.length * sequence + 1);
  expect((await world.store.inner.get(outcomeKey(turn)))?.body).toContain('"outcome": "succeeded"');
  expect(await contents('killed')).toEqual(expectedOf(OBJECTS));
});
