// Batches of objects, copied and looked at in this process, `claimed-batches.ts BATCHES OBJECTS_OF_EACH HOW`: `with-ledger` by the function
// of a batch, with its claim and its outcome in a ledger on the same embedded S3; `without` it; `nothing` puts the objects, and that is all.
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pMap from 'p-map';
import type { ListedObject } from '../../authoring/s3.ts';
import { copyObjects } from '../../authoring/s3.ts';
import { S3Store } from '../../aws/s3-store.ts';
import { planBatch } from '../../core/ledger/batches.ts';
import { sha256 } from '../../core/ledger/entries.ts';
import { outcomeKey } from '../../core/ledger/keys.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { createRunBatch } from '../../lambdas/run-migration/run-batch.ts';
import { startEmbeddedAws } from '../../local/embedded-aws.ts';
import { createClock } from '../../test/support/clock.ts';
import { HookedStore } from '../../test/support/hooked-store.ts';
import { ledgerBefore } from '../../test/support/ledger.ts';
import { CODE, createWorld, IDENTITY, invocation } from '../../test/support/services.ts';

const [count = 0, size = 0] = process.argv.slice(2, 4).map(Number);
const how = process.argv[4];
const directory = mkdtempSync(path.join(tmpdir(), 'odin-bench-'));
const aws = await startEmbeddedAws({ directory, parentEnvironment: {} });
const { endpoint, region, credentials } = aws;
const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
const bucket = 'bench';
const numbers = Array.from({ length: count }, (_, index) => index + 1);
for (const Bucket of [bucket, 'ledger']) await s3.send(new CreateBucketCommand({ Bucket }));
const put = async (n: number): Promise<ListedObject> => {
  const key = `from/part-${String(n).padStart(6, '0')}`;
  const { ETag: etag = '' } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: key }));
  return { key, size: key.length, etag };
};
const objects = await pMap(Array.from({ length: count * size }, (_, n) => n).keys(), put, { concurrency: 16 });
const itemsOf = (batch: number) => objects.slice((batch - 1) * size, batch * size);
const copy = (items: readonly ListedObject[]) =>
  copyObjects({ s3, bucket, objects: items, to: (key) => key.replace('from/', 'to/') });

if (how === 'without') for (const batch of numbers) await copy(itemsOf(batch));
if (how === 'with-ledger') {
  const store = new S3Store(s3, 'ledger');
  const before = ledgerBefore({ store: new HookedStore(store), clock: createClock() });
  const planning = await before.allow('0001');
  for (const batch of numbers) await planBatch(store, planning, before.writer('0001'), batch, itemsOf(batch));
  const plan = [{ turn: planning.number, sha256: planning.sha256, batches: count }];
  await before.claim(planning);
  await before.close(planning, 'stopped');
  const key = outcomeKey(planning);
  const restsOn = { turn: { key, sha256: sha256((await store.get(key))?.body ?? '') } };
  const turn = await before.allow('0001', { slice: 2, batches: { of: count, plan, rest: `1-${count}` }, restsOn });
  const world = createWorld();
  const services = { ...world.services, ledger: { store, log: new LedgerLog(store, IDENTITY) } };
  const runBatch = createRunBatch(
    { migration: '0001', codeSha256: CODE, sliceMs: undefined },
    services,
    async ({ batch }) => {
      await copy((batch?.items ?? []) as ListedObject[]);
      return { outcome: 'finished', checkpoints: 0 };
    },
  );
  const { migration, attempt, slice, number, execution } = turn;
  for (const batch of numbers) {
    const asked = { ask: 'batch', execution, migration, attempt, slice, turn: number, batch } as const;
    const { outcome } = await runBatch(asked, invocation(world));
    if (outcome !== 'succeeded') throw new Error(`Batch ${batch}: ${outcome}`);
  }
}
s3.destroy();
await aws.close();
rmSync(directory, { recursive: true, force: true });
