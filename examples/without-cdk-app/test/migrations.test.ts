import { startTestEnvironment, type TestEnvironment } from 'odin-migrate/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CARTS, ORDERS } from '../migrations/shared/data.ts';

const BUCKET = 'shop-dev-orders';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await startTestEnvironment({ environment: 'odin-dev' });
}, 60_000);
afterAll(() => environment.close());

async function prepare(): Promise<void> {
  await environment.empty(BUCKET).catch(() => undefined); // it is not there at first
  await environment.put(BUCKET, Object.fromEntries([...CARTS, ...ORDERS].map((key) => [key, key])));
}

it('0001 deletes the carts, and nothing else', async () => {
  await prepare();
  expect(await environment.run('0001')).toMatchObject({ outcome: 'finished' });
  expect(await environment.list(BUCKET)).toEqual(ORDERS);
}, 60_000);

it('0002 can be killed after each of its checkpoints, and every order is in the archive once', async () => {
  const crashes = await environment.crashAtEveryCheckpoint('0002', prepare, async () => {
    expect(await environment.list(BUCKET, 'orders/')).toEqual([]);
    expect(await environment.list(BUCKET, 'archive/')).toHaveLength(ORDERS.length);
  });
  expect(crashes).toBe(3);
}, 60_000);
