// An example of a test of a migration; docs/testing-migrations.md shows it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestEnvironment, type TestEnvironment } from 'odin-migrate/testing';
import { gunzipSync, gzipSync } from 'node:zlib';

let environment: TestEnvironment;

beforeAll(async () => {
  environment = await startTestEnvironment({ environment: 'sample' });
});
afterAll(() => environment.close());

const BUCKET = 'odin-sample-data'; // the DATA_BUCKET of this environment, in odin-migrate.json
const SALES = 'odin/data/afc/sales/';

/** 65 files: 0003 yields a checkpoint after every 20. */
async function prepare(): Promise<void> {
  await environment.empty(BUCKET);
  const row = JSON.stringify({ sale_id: '1', cardholder_name: 'Ada' });
  const names = Array.from({ length: 65 }, (_, file) => `${SALES}${String(file).padStart(3, '0')}.jsonl.gz`);
  await environment.put(BUCKET, Object.fromEntries(names.map((name) => [name, gzipSync(row)])));
}

async function assertRewritten(): Promise<void> {
  const files = await environment.list(BUCKET, SALES);
  expect(files).toHaveLength(65);
  for (const key of files) expect(gunzipSync(await environment.read(BUCKET, key)).toString()).toBe('{"sale_id":"1"}');
}

it('0003 rewrites every file', async () => {
  await prepare();
  expect(await environment.run('0003')).toMatchObject({ outcome: 'finished', checkpoints: 4 });
  await assertRewritten();
});

it('0003 does what its preview says', async () => {
  await environment.forget();
  await prepare();
  const { outcome, calls } = await environment.preview('0003');
  expect(outcome).toBe('finished');
  const [writes, ...others] = calls.filter(({ sent }) => !sent);
  expect(writes).toMatchObject({ operation: 'PutObject', items: 65, target: `s3://${BUCKET}/${SALES}0` });
  expect(others).toEqual([]);
});

it('0003 can be killed after each of its checkpoints and run again', async () => {
  expect(await environment.crashAtEveryCheckpoint('0003', prepare, assertRewritten)).toBe(4);
});

it('0002 deletes nothing when a backfill is missing', async () => {
  await environment.empty(BUCKET);
  const live = { 'odin/data/cubic/ods/abp_tap/part-00000.parquet': 'PAR1' };
  await environment.put(BUCKET, live);
  const { outcome, error } = await environment.run('0002');
  expect(outcome).toBe('failed');
  expect(error?.message).toContain('Nothing was deleted');
  expect(await environment.list(BUCKET)).toEqual(Object.keys(live));
});
