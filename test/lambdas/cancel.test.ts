// `cancel`: which attempt is asked to stop, what is recorded, and what is refused.
import { beforeEach, describe, expect, it } from 'vitest';
import { keys } from '../../core/ledger/keys.ts';
import type { Cancelled, Refusal } from '../../core/contract/payloads.ts';
import { CancelPayload } from '../../core/contract/payloads.ts';
import { createCancel } from '../../lambdas/resume/cancel.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation, manifestOf } from '../support/services.ts';

const MINUTE = 60_000;
let world: World;
let me: string;
beforeEach(() => {
  world = createWorld();
  me = world.executions.run('me');
});

const subject = (migration: string, attempt = 1) => ({ migration, attempt, execution: me });
const claim = (migration: string, attempt = 1, slice = 1) =>
  world.ledger.createClaim(subject(migration, attempt), world.writer, {
    slice,
    nonce: `${migration}/${attempt}/${slice}`,
    deadline: new Date(world.clock.now() + 16 * MINUTE).toISOString(),
  });
const checkpoint = (migration: string, slice = 1) =>
  world.ledger.moveCheckpoint(subject(migration), world.writer, undefined, { slice, cursor: 1 });
const finish = (migration: string, attempt = 1) =>
  world.ledger.createFinished(subject(migration, attempt), world.writer, {
    outcome: 'failed',
    durationMs: 1,
    slices: 1,
  });

/** 0004 and 0005 yield checkpoints; 0003 does not. */
const manifest = {
  ...manifestOf('0003', '0004', '0005'),
  migrations: manifestOf('0003', '0004', '0005').migrations.map((entry) => ({
    ...entry,
    checkpointed: entry.id !== '0003',
  })),
};
const cancel = (payload: object = { by: 'arn:her', reason: 'too slow' }) =>
  createCancel(world.services, manifest)(CancelPayload.parse({ cancel: payload }), invocation(world));

describe('a running checkpointed migration', () => {
  beforeEach(() => claim('0004'));

  it('is asked to stop: recorded with who, why and which execution, and told so', async () => {
    const answer = await cancel();
    expect(answer).toEqual({
      result: 'cancelled',
      migration: '0004',
      attempt: 1,
      by: 'arn:her',
      time: '2026-03-01T12:00:00.000Z',
      reason: 'too slow',
      message:
        'Recorded: 0004, attempt 1, stops at its next checkpoint, and the run halts there. A retry goes on from it.',
    });
    expect(await world.ledger.cancellation('0004', 1)).toMatchObject({
      by: 'arn:her',
      reason: 'too slow',
      execution: me,
    });
  });

  it('is asked once: who comes second is told who was first', async () => {
    await cancel();
    world.clock.advance(1_000);
    const again = await cancel({ by: 'arn:him' });
    expect(again).toMatchObject({ result: 'already', by: 'arn:her', time: '2026-03-01T12:00:00.000Z' });
    expect((again as Cancelled).message).toMatch(
      /^arn:her had asked for it at 2026-03-01T12:00:00.000Z: 0004, attempt 1/,
    );
  });

  it('needs no reason, and keeps none that is blank', async () => {
    expect(await cancel({ by: 'arn:her', reason: '  ' })).not.toHaveProperty('reason');
    expect(await world.ledger.cancellation('0004', 1)).not.toHaveProperty('reason');
  });

  it('is its last attempt', async () => {
    await finish('0004');
    await claim('0004', 2);
    expect(await cancel()).toMatchObject({ result: 'cancelled', attempt: 2 });
  });

  it('is the one whose slice was claimed last, when several may be running', async () => {
    world.clock.advance(1_000);
    await claim('0005');
    expect(await cancel()).toMatchObject({ migration: '0005' });
  });

  it('is asked too when it is between two slices, however long', async () => {
    await world.ledger.stopAtCheckpoint(subject('0004'), world.writer, await checkpoint('0004'));
    world.clock.advance(24 * 60 * MINUTE);
    expect(await cancel()).toMatchObject({ result: 'cancelled', migration: '0004' });
  });

  it('is known by its checkpoint when its file is not deployed any more', async () => {
    await checkpoint('0004');
    const gone = createCancel(world.services, manifestOf('0005'));
    expect(await gone({ cancel: { by: 'arn:her' } }, invocation(world))).toMatchObject({ result: 'cancelled' });
  });
});

describe('is refused, and nothing is written', () => {
  async function expectRefused(code: string): Promise<Refusal> {
    const before = world.store.writes();
    const answer = await cancel();
    expect(answer).toMatchObject({ result: 'refused', code });
    expect(world.store.writes()).toEqual(before);
    return answer as Refusal;
  }

  it('of an empty ledger', async () => {
    const { what, next } = await expectRefused('NothingRunning');
    expect(what).toBe('No migration of odin-dev is running, so there is nothing to cancel.');
    expect(next).toMatchObject({ verb: 'status', environment: 'odin-dev' });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['cannot be running any more', () => Promise.resolve()],
    ['died after a checkpoint', () => checkpoint('0004')],
  ])('of an attempt that %s', async (_, happens) => {
    await claim('0004');
    await happens();
    world.clock.advance(16 * MINUTE);
    await expectRefused('NothingRunning');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['has an outcome', () => finish('0004')],
    ['is completed', () => world.ledger.createCompletion(subject('0004'), world.writer, { completion: 'applied' })],
  ])('of an attempt that %s, although its time is not over', async (_, happens) => {
    await claim('0004');
    await happens();
    await expectRefused('NothingRunning');
  });

  it('of one that is known by a decision alone', async () => {
    await world.store.inner.create(keys.decision('0004', 1, 1), 'not read');
    await expectRefused('NothingRunning');
  });

  it('of one that yields no checkpoints: until when it may run', async () => {
    await claim('0003');
    const { what, why } = await expectRefused('NotCheckpointed');
    expect(what).toContain('0003, attempt 1, yields no checkpoints');
    expect(why).toContain('before 2026-03-01T12:16:00.000Z');
  });

  it('of one whose file is not deployed any more and that made no checkpoint', async () => {
    await claim('0009');
    await expectRefused('NotCheckpointed');
  });
});
