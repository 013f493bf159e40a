// The parallel migration of the environment `millions`: each file is moved once, and its preview shows the same calls.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestEnvironment, type TestEnvironment } from 'odin-migrate/testing';

let environment: TestEnvironment;

beforeAll(async () => {
  environment = await startTestEnvironment({ environment: 'millions' });
});
afterAll(() => environment.close());

const BUCKET = 'odin-millions-data'; // the DATA_BUCKET of this environment, in odin-migrate.json
const ARCHIVE = 'odin/archive/cubic/';
const INCOMING = 'odin/incoming/cubic/';
const FILES = 600; // two batches

const nameOf = (file: number) => `LOAD${String(file).padStart(8, '0')}.csv`;

async function prepare(): Promise<void> {
  await environment.empty(BUCKET);
  const files = Array.from({ length: FILES }, (_, file) => [ARCHIVE + nameOf(file), `${file}\n`]);
  await environment.put(BUCKET, Object.fromEntries(files) as Record<string, string>);
}

it('0001 moves every file, in batches', async () => {
  await prepare();
  expect(await environment.run('0001')).toMatchObject({ outcome: 'finished', attempt: 1 });
  expect(await environment.list(BUCKET)).toEqual(Array.from({ length: FILES }, (_, file) => INCOMING + nameOf(file)));
  expect(Buffer.from(await environment.read(BUCKET, `${INCOMING}${nameOf(599)}`)).toString()).toBe('599\n');
});

it('0001 does what its preview says', async () => {
  await environment.forget();
  await prepare();
  const { outcome, calls } = await environment.preview('0001');
  expect(outcome).toBe('finished');
  const held = calls.filter(({ sent }) => !sent).map(({ operation, items }) => [operation, items]);
  expect(held).toEqual([
    ['CopyObject', FILES],
    ['DeleteObject', FILES],
  ]);
});
