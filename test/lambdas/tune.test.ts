// `tune`: how many batches run at the same time.
import { beforeEach, expect, it, vi } from 'vitest';
import { TunePayload } from '../../core/contract/payloads.ts';
import { createTune } from '../../lambdas/resume/tune.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation } from '../support/services.ts';

let world: World;
let ledger: LedgerBefore;
beforeEach(() => {
  world = createWorld();
  ledger = ledgerBefore(world);
});

const tune = (migration?: string) =>
  createTune(world.services)(
    TunePayload.parse({ ask: 'tune', concurrency: 50, by: 'her', migration }),
    invocation(world),
  );
const batches = { of: 9, plan: [], rest: '1-9' };

it('reaches the map of the open turn, and writes nothing', async () => {
  const { execution } = await ledger.allow('0004', { batches });
  world.executions.maps.set(execution, 20);
  const before = await world.store.list('');
  expect(await tune()).toEqual({
    result: 'tuned',
    migration: '0004',
    attempt: 1,
    concurrency: 50,
    message: '0004, attempt 1: from now on 50 batches run at a time; those that run end.',
  });
  expect(world.executions.maps.get(execution)).toBe(50);
  expect((await world.store.list('')).objects).toEqual(before.objects);
  expect(world.logs).toEqual([
    { level: 'info', message: 'her (claimed) lets 50 batches of 0004 run at a time', fields: undefined },
  ]);
});

const refused = {
  result: 'refused',
  code: 'NothingRunning',
  what: 'No batches of odin-dev are running, so there is nothing to tune.',
  why: 'No migration runs: a halt is answered with resume.',
  next: { words: 'See what there is', verb: 'status', environment: 'odin-dev' },
};

it('refuses when no batches run: no turn, or one that plans', async () => {
  expect(await tune()).toEqual(refused);
  expect(world.logs).toEqual([
    {
      level: 'warn',
      message: `Refused: ${refused.what} ${refused.why} See what there is: npx --no-install odin-migrate status odin-dev`,
      fields: { code: 'NothingRunning' },
    },
  ]);
  const { execution } = await ledger.allow('0004');
  world.executions.maps.set(execution, 20);
  const planning = 'What runs is 0004, attempt 1, which is making its plan, or has none.';
  expect(await tune()).toMatchObject({ ...refused, why: planning });
});

it('refuses when the map of the turn has not begun or is over, and when it is halted', async () => {
  const turn = await ledger.allow('0004', { batches });
  expect(await tune()).toMatchObject({
    ...refused,
    what: 'No batches of 0004 are running, so there is nothing to tune.',
    why: 'Those of 0004, attempt 1, have not begun, or have ended. The next attempt begins with what its file says.',
  });
  world.executions.maps.set(turn.execution, 20);
  await ledger.claim(turn, { claim: 'void' });
  await ledger.halt(turn, 'cancelled');
  expect(await tune()).toMatchObject(refused);
});

it("leaves the next migration's batches alone when the run goes on meanwhile", async () => {
  const { execution } = await ledger.allow('0004', { batches });
  world.executions.maps.set(execution, 20);
  const { tuneMap } = world.executions;
  vi.spyOn(world.executions, 'tuneMap').mockImplementation(async (...asked) => {
    await ledger.complete('0004');
    await ledger.allow('0005', { batches, execution });
    return await tuneMap(...asked);
  });
  expect(await tune()).toMatchObject({
    ...refused,
    what: 'No batches of 0004 are running, so there is nothing to tune.',
    why: expect.stringContaining('0004, attempt 1') as string,
  });
  expect(world.executions.maps.get(execution)).toBe(20);
});

it("refuses when another migration's batches run than those that are meant: a page may be old", async () => {
  const { execution } = await ledger.allow('0004', { batches });
  world.executions.maps.set(execution, 20);
  expect(await tune('0003')).toMatchObject({
    ...refused,
    what: 'No batches of 0003 are running, so there is nothing to tune.',
    why: 'What runs is 0004, attempt 1, which was left alone.',
  });
  expect(world.executions.maps.get(execution)).toBe(20);
  expect(await tune('0004')).toMatchObject({ result: 'tuned', migration: '0004' });
});
