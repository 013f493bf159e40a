// What follows a run on the embedded AWS: told of changes, and not asking again and again.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nearby } from '../../client/near.ts';
import { checkpointKey, completedKey, entryKey, outcomeKey, waiterKey } from '../../core/ledger/keys.ts';
import type { Started } from '../local/support.ts';
import { start } from '../local/support.ts';

const BUCKET = 'ledger';
const IDENTITY = { app: 'shop', environment: 'dev', account: '000000000000', region: 'eu-west-1' };
const WAITS = JSON.stringify({ StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 600, End: true } } });

let started: Started;
beforeAll(async () => {
  started = await start();
  started.aws.s3.createBucket(BUCKET);
});
afterAll(() => started.stop());

const near = () => nearby(started.aws, BUCKET, IDENTITY);

/** Whether it comes to an end without anything that happens. */
async function ends(pause: Promise<void>): Promise<boolean> {
  return await Promise.race([pause.then(() => true), sleep(150, false)]);
}

it('waits until something of the run has changed', async () => {
  const { ledger, pause } = near();
  const outcome = outcomeKey({ migration: '0001', number: 1 });
  for (const key of [entryKey(1), checkpointKey('0001'), waiterKey(1, 'a'), outcome]) {
    const pausing = pause(1);
    await ledger.store.create(completedKey(key.slice(0, 3)), '{}'); // is in no event
    expect(await ends(pausing)).toBe(false);
    await ledger.store.create(key, '{}');
    await pausing;
  }
  expect(await ends(pause(1))).toBe(false);
});

it('misses nothing that comes between two pauses', async () => {
  const { ledger, pause } = near();
  await ledger.store.create(entryKey(2), '{}');
  await pause(1);
  await ledger.store.create(entryKey(3), '{}');
  await pause(1);
  expect(await ends(pause(1))).toBe(false);
});

it('knows how an execution stands, and is told of its end', async () => {
  const { stepFunctions } = started.aws;
  const { describe, pause } = near();
  const { stateMachineArn } = stepFunctions.createStateMachine('waits', WAITS);
  const { executionArn } = stepFunctions.startExecution({ stateMachineArn });
  expect(await describe(executionArn)).toMatchObject({ status: 'RUNNING' });
  const pausing = pause(1);
  expect(await ends(pausing)).toBe(false);
  stepFunctions.stopExecution(executionArn, { error: 'Enough' });
  await pausing;
  expect(await describe(executionArn)).toMatchObject({ status: 'ABORTED', error: 'Enough' });
});
