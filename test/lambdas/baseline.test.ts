// `baseline`: what it records, and that it leaves alone what this system knows better.
import { beforeEach, expect, it } from 'vitest';
import { createBaseline } from '../../lambdas/baseline/baseline.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation, manifestOf } from '../support/services.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});

const manifest = manifestOf('0001', '0002', '0005', '0006');
const baseline = (through: string) =>
  createBaseline(world.services, manifest)({ through, reason: 'ran elsewhere', by: 'alice' }, invocation(world));
const claim = (migration: string) =>
  world.ledger.createClaim({ migration, attempt: 1, execution: executionArn('run') }, world.writer, {
    slice: 1,
    nonce: 'n',
    deadline: world.clock.iso(),
  });

it('records every migration up to the number, once, with who and why', async () => {
  expect(await baseline('0005')).toMatchObject({ result: 'recorded', recorded: ['0001', '0002', '0005'], already: [] });
  expect(await world.ledger.completion('0005')).toEqual({
    formatVersion: 1,
    migration: '0005',
    attempt: 0,
    execution: 'none',
    time: world.clock.iso(),
    requestId: 'request-1',
    sourceSha256: HASH,
    gitCommit: 'abc123',
    completion: 'baseline',
    reason: 'ran elsewhere',
    by: 'alice',
  });
  expect(await world.ledger.completion('0006')).toBeUndefined();
});

it('goes on where it was interrupted, and changes nothing that stands', async () => {
  world.store.before = once('create', 'completed/0002.json', () => {
    throw unavailable();
  });
  await expect(baseline('0005')).rejects.toMatchObject({ code: 'LedgerUnavailable' });
  const first = await world.ledger.completion('0001');
  world.clock.advance(1_000);
  expect(await baseline('0005')).toMatchObject({ recorded: ['0002', '0005'], already: ['0001'] });
  expect(await world.ledger.completion('0001')).toEqual(first);
});

it('refuses when one of them was attempted here, and records nothing', async () => {
  await claim('0002');
  expect(await baseline('0005')).toMatchObject({ result: 'refused', code: 'AlreadyAttempted' });
  expect(await world.ledger.completedIds()).toEqual(new Set());
});

it.each(['0003', '0007', '9999'])('refuses %s, which is not deployed', async (through) => {
  expect(await baseline(through)).toMatchObject({ result: 'refused', code: 'UnknownMigration' });
  expect(await world.ledger.completedIds()).toEqual(new Set());
});
