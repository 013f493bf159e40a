// `Record completion`: what it writes, and that it writes nothing that the ledger does not say already.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Decision } from '../../core/names/names.ts';
import { keys } from '../../core/ledger/keys.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});

const record = (attempt = 1, name = 'me') =>
  createRecordCompletion(world.services)(
    { execution: executionArn(name), migration: '0004', attempt },
    invocation(world, { requestId: `request of ${name}` }),
  );
const subject = (attempt: number) => ({
  migration: '0004',
  attempt,
  execution: executionArn('runner'),
  sourceSha256: HASH,
  codeSha256: HASH,
  gitCommit: 'abc123',
});
const claim = (attempt = 1) =>
  world.ledger.createClaim(subject(attempt), world.writer, { slice: 1, nonce: 'n', deadline: world.clock.iso() });
const finish = (outcome: 'succeeded' | 'failed', attempt = 1) =>
  world.ledger.createFinished(subject(attempt), world.writer, { outcome, durationMs: 1, slices: 1 });
const decide = (decision: Decision, halt = 1, reason?: string) =>
  world.ledger.createDecision(subject(1), world.writer, {
    halt,
    decision,
    by: 'her',
    ...(reason !== undefined && { reason }),
  });
const completion = () => world.ledger.completion('0004');

describe('after user code returned', () => {
  it('records it as applied: which attempt of what source, when it started and finished', async () => {
    await claim();
    world.clock.advance(5_000);
    await finish('succeeded');
    world.clock.advance(1_000);
    expect(await record()).toEqual({ migration: '0004', completion: 'applied' });
    expect(await completion()).toEqual({
      formatVersion: 1,
      migration: '0004',
      attempt: 1,
      execution: executionArn('me'),
      requestId: 'request of me',
      time: '2026-03-01T12:00:06.000Z',
      completion: 'applied',
      startedAt: '2026-03-01T12:00:00.000Z',
      finishedAt: '2026-03-01T12:00:05.000Z',
      sourceSha256: HASH,
      codeSha256: HASH,
      gitCommit: 'abc123',
    });
  });

  it.each(['retry', 'mark-applied', 'abort'] as const)(
    'records it as applied, also when %s was decided',
    async (decision) => {
      await claim();
      await finish('succeeded');
      await decide(decision, 1, 'a reason');
      await record();
      const found = await completion();
      expect(found).toMatchObject({ completion: 'applied' });
      expect(found).not.toHaveProperty('by');
    },
  );
});

describe('after an operator said so', () => {
  it.each([
    ['mark-applied', 'marked-applied'],
    ['skip', 'skipped'],
  ] as const)('records %s as %s, with who and why', async (decision, kind) => {
    await claim();
    await finish('failed');
    world.clock.advance(60_000);
    await decide(decision, 1, 'because');
    expect(await record()).toEqual({ migration: '0004', completion: kind });
    expect(await completion()).toMatchObject({
      completion: kind,
      by: 'her',
      reason: 'because',
      startedAt: '2026-03-01T12:00:00.000Z',
      finishedAt: '2026-03-01T12:01:00.000Z',
    });
  });

  it('records an attempt that never started, without a start', async () => {
    await decide('skip', 1, 'never needed');
    await record();
    const found = await completion();
    expect(found).toMatchObject({ completion: 'skipped', attempt: 1 });
    expect(found).not.toHaveProperty('startedAt');
    expect(found).not.toHaveProperty('sourceSha256');
  });

  it('takes the latest decision', async () => {
    await finish('failed');
    await decide('abort', 1);
    await decide('mark-applied', 2, 'later');
    expect(await record()).toEqual({ migration: '0004', completion: 'marked-applied' });
  });
});

describe('is idempotent', () => {
  beforeEach(async () => {
    await claim();
    await finish('succeeded');
  });

  it('when it is asked again, later and by another execution: the first record stands', async () => {
    const first = await record(1, 'me');
    const stands = await completion();
    world.clock.advance(60_000);
    expect(await record(1, 'another')).toEqual(first);
    expect(await completion()).toEqual(stands);
    expect(world.logs.at(-1)?.message).toBe('0004 was completed before, at 2026-03-01T12:00:00.000Z: applied');
  });

  it('when many ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => record(1, `e${n}`)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await completion()).toMatchObject({ completion: 'applied' });
  });

  it('when its write failed the first time', async () => {
    world.store.before = once('create', keys.completed('0004'), () => {
      throw unavailable();
    });
    expect((await thrownBy(record())).code).toBe('LedgerUnavailable');
    expect(await completion()).toBeUndefined();
    expect(await record()).toEqual({ migration: '0004', completion: 'applied' });
  });
});

describe('records nothing', () => {
  const nothing: [string, () => Promise<unknown>][] = [
    ['for an attempt that was never made', () => Promise.resolve()],
    ['for an attempt without an outcome', () => claim()],
    ['for a failed attempt that nobody decided on', () => finish('failed')],
    ['for a failed attempt on which retry was decided', () => finish('failed').then(() => decide('retry'))],
    ['for a failed attempt that was aborted', () => finish('failed').then(() => decide('abort'))],
    [
      'when an abort came after the skip',
      () => finish('failed').then(() => decide('skip', 1, 'r').then(() => decide('abort', 2))),
    ],
    ['when it was another attempt that succeeded', () => finish('succeeded', 2)],
  ];

  it.each(nothing)('%s', async (_, prepare) => {
    await prepare();
    const written = world.store.writes();
    const error = await thrownBy(record());
    expect(error).toMatchObject({ code: 'NothingToRecord', source: 'system' });
    expect(error.message).toContain('Attempt 1 of 0004 did not succeed');
    expect(error.why).toContain('only if user code returned, or an operator said so');
    expect(world.store.writes()).toEqual(written);
    expect(await completion()).toBeUndefined();
  });

  it.each([keys.finished('0004', 1), keys.decision('0004', 1, 1), keys.started('0004', 1)])(
    'when %s cannot be read',
    async (key) => {
      if (key === keys.started('0004', 1)) await finish('succeeded');
      await world.store.inner.create(key, 'garbage');
      expect((await thrownBy(record())).code).toBe('RecordUnreadable');
      expect(await completion()).toBeUndefined();
    },
  );

  it('over a completion that cannot be read', async () => {
    await finish('succeeded');
    await world.store.inner.create(keys.completed('0004'), 'garbage');
    expect((await thrownBy(record())).code).toBe('RecordUnreadable');
  });
});
