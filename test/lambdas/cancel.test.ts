// `cancel`: which turn is asked to stop, what is recorded, and what is refused.
import { beforeEach, describe, expect, it } from 'vitest';
import type { CancelledAnswer, Refusal } from '../../core/contract/payloads.ts';
import { CancelPayload } from '../../core/contract/payloads.ts';
import { moveCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed, Decided } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { checkpointKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import { DEADLINE_MARGIN_MS } from '../../core/ledger/turns.ts';
import { createCancel } from '../../lambdas/resume/cancel.ts';
import { once } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation, manifestOf } from '../support/services.ts';

const MINUTE = 60_000;
const BY_HER = { by: 'arn:her', reason: 'too slow' };
let world: World;
let ledger: LedgerBefore;
let turn: Numbered<Allowed>;
beforeEach(() => {
  world = createWorld();
  ledger = ledgerBefore(world);
});

const claim = async (migration: string) => {
  turn = await ledger.allow(migration);
  await ledger.claim(turn);
};
const checkpoint = () => moveCheckpoint(world.store.inner, turn, undefined, { cursor: 1 }, world.clock.now());
const recorded = async (): Promise<Decided | undefined> => (await ledger.look()).turn?.cancel;

/** 0004 and 0005 yield checkpoints; 0003 does not. */
const manifest = {
  ...manifestOf('0003', '0004', '0005'),
  migrations: manifestOf('0003', '0004', '0005').migrations.map((entry) => ({
    ...entry,
    checkpointed: entry.id !== '0003',
  })),
};
const cancel = (payload: object = BY_HER, deployed = manifest) =>
  createCancel(world.services, deployed)(CancelPayload.parse({ ask: 'cancel', ...payload }), invocation(world));

describe('a running checkpointed migration', () => {
  beforeEach(() => claim('0004'));

  it('is asked to stop: recorded with who, why and which execution, and told so', async () => {
    const answer = await cancel();
    expect(answer).toEqual({
      result: 'cancelled',
      migration: '0004',
      attempt: 1,
      by: 'arn:her',
      identity: { is: 'claimed', why: 'no proof came with it' },
      time: '2026-03-01T12:00:00.000Z',
      reason: 'too slow',
      message:
        'Recorded: 0004, attempt 1, stops at its next checkpoint, and the run halts there. A retry goes on from it.',
    });
    expect(await recorded()).toMatchObject({
      ...{ ...BY_HER, decision: 'cancel', of: turn.number },
      writer: { function: 'resume' },
    });
    expect(world.logs).toEqual([
      { level: 'info', message: 'arn:her (claimed) asked attempt 1 of 0004 to stop', fields: undefined },
    ]);
  });

  it('is asked once: who comes second is told who was first', async () => {
    await cancel();
    world.clock.advance(1_000);
    world.logs.length = 0;
    const again = await cancel({ by: 'arn:him' });
    expect(again).toMatchObject({ result: 'already', by: 'arn:her', time: '2026-03-01T12:00:00.000Z' });
    expect((again as CancelledAnswer).message).toMatch(
      /^arn:her \(claimed\) had asked for it at 2026-03-01 12:00:00 UTC: 0004, attempt 1/,
    );
    expect(world.logs).toEqual([]);
  });

  it('is the one that is named, of whichever attempt', async () => {
    expect(await cancel({ ...BY_HER, migration: '0004' })).toMatchObject({ result: 'cancelled', migration: '0004' });
  });

  it('needs no reason, and keeps none that is blank', async () => {
    const answer = await cancel({ by: 'arn:her', reason: '  ' });
    expect((answer as CancelledAnswer).reason).toBeUndefined();
    expect(await recorded()).not.toHaveProperty('reason');
  });

  it('is asked without a word of why', async () => {
    await cancel({ by: 'arn:her' });
    expect(await recorded()).not.toHaveProperty('reason');
  });

  it('is the turn that is open, of whichever attempt', async () => {
    await ledger.close(turn, 'failed');
    await ledger.decide(await ledger.halt(turn), 'retry');
    turn = await ledger.allow('0004', { attempt: 2 });
    await ledger.claim(turn);
    expect(await cancel()).toMatchObject({ result: 'cancelled', attempt: 2 });
    expect(await recorded()).toMatchObject({ of: turn.number });
  });

  it('is asked before its code has started, too', async () => {
    world = createWorld();
    ledger = ledgerBefore(world);
    turn = await ledger.allow('0004');
    expect(await cancel()).toMatchObject({ result: 'cancelled', migration: '0004' });
  });

  it('is asked too when it is between two slices, however long', async () => {
    await ledger.close(turn, 'stopped', { stoppedAt: await checkpoint() });
    world.clock.advance(24 * 60 * MINUTE);
    expect(await cancel()).toMatchObject({ result: 'cancelled', migration: '0004' });
  });

  it('is asked while it waits for the time of a checkpoint, and is told when it halts', async () => {
    await ledger.stopUntil(turn, world.clock.now() + 60 * MINUTE);
    expect((await cancel()) as CancelledAnswer).toMatchObject({
      result: 'cancelled',
      message:
        'Recorded: 0004, attempt 1, stands at a checkpoint, and the run halts there within five minutes. A retry goes on from it.',
    });
  });

  it('is known by its checkpoint when its file is not deployed any more', async () => {
    await checkpoint();
    expect(await cancel(BY_HER, manifestOf('0005'))).toMatchObject({ result: 'cancelled' });
  });
});

describe('a run that goes on before it is recorded', () => {
  beforeEach(() => claim('0004'));
  const meanwhile = (happens: () => Promise<unknown>) => {
    world.store.before = once('create', entryKey(2), happens);
  };

  it.each([{}, { migration: '0004' }])('has its next migration left alone, asked with %j', async (named) => {
    meanwhile(async () => {
      await ledger.close(turn, 'succeeded');
      await ledger.complete('0004');
      await claim('0005');
    });
    expect(await cancel({ ...BY_HER, ...named })).toMatchObject({
      result: 'refused',
      code: 'NothingRunning',
      what: '0004, attempt 1 of odin-dev is not running, so there is nothing to cancel.',
      why: 'What runs is 0005, attempt 1, which was not asked to stop.',
    });
    expect(await recorded()).toBeUndefined();
  });

  it('has its next attempt left alone', async () => {
    meanwhile(async () => {
      await ledger.close(turn, 'failed');
      await ledger.decide(await ledger.halt(turn), 'retry');
      turn = await ledger.allow('0004', { attempt: 2 });
      await ledger.claim(turn);
    });
    expect(await cancel()).toMatchObject({ result: 'refused', code: 'NothingRunning' });
    expect(await recorded()).toBeUndefined();
  });

  it('is asked to stop in its next slice', async () => {
    meanwhile(async () => {
      await ledger.close(turn, 'stopped', { stoppedAt: await checkpoint() });
      turn = await ledger.allow('0004', {
        slice: 2,
        begin: 'checkpoint',
        restsOn: { turn: { key: outcomeKey(turn), sha256: HASH } },
      });
      await ledger.claim(turn);
    });
    expect(await cancel()).toMatchObject({ result: 'cancelled', migration: '0004' });
    expect(await recorded()).toMatchObject({ of: turn.number });
  });
});

describe('a running migration that is not written as a generator, and gives one back', () => {
  beforeEach(() => claim('0003'));

  it('is asked to stop, too: its checkpoint shows what it is', async () => {
    await checkpoint();
    expect(await cancel()).toMatchObject({ result: 'cancelled', migration: '0003' });
  });

  it('is asked in a later slice, before that has yielded anything', async () => {
    await ledger.close(turn, 'stopped', { stoppedAt: await checkpoint() });
    turn = await ledger.allow('0003', {
      slice: 2,
      begin: 'checkpoint',
      restsOn: { turn: { key: outcomeKey(turn), sha256: HASH } },
    });
    expect(await cancel()).toMatchObject({ result: 'cancelled', migration: '0003' });
  });

  it('is asked in a later slice, whatever has become of its checkpoint', async () => {
    await ledger.close(turn, 'stopped', { stoppedAt: await checkpoint() });
    const restsOn = { turn: { key: outcomeKey(turn), sha256: HASH } };
    turn = await ledger.allow('0003', { slice: 2, begin: 'checkpoint', restsOn });
    const { inner } = world.store;
    await inner.replace(checkpointKey('0003'), 'garbage', (await inner.get(checkpointKey('0003')))?.etag);
    expect(await cancel()).toMatchObject({ result: 'cancelled', migration: '0003' });
  });
});

it('a turn of batches begins no further one: those that run end', async () => {
  turn = await ledger.allow('0004', { batches: { of: 3, plan: [], rest: '1-3' } });
  expect(await cancel()).toMatchObject({
    result: 'cancelled',
    message:
      'Recorded: 0004, attempt 1, begins no further batch, and the run halts when those that run have ended. A retry runs the rest.',
  });
});

describe('is refused, and nothing is written', () => {
  const expectRefused = (code: string): Promise<Refusal> => refused(BY_HER, code);

  async function refused(payload: object, code = 'NothingRunning'): Promise<Refusal> {
    const before = world.store.writes();
    const answer = await cancel(payload);
    expect(answer).toMatchObject({ result: 'refused', code });
    expect(world.store.writes()).toEqual(before);
    return answer as Refusal;
  }

  it('of an empty ledger', async () => {
    expect(await expectRefused('NothingRunning')).toEqual({
      result: 'refused',
      code: 'NothingRunning',
      what: 'No migration of odin-dev is running, so there is nothing to cancel.',
      why: 'A halt is answered with resume.',
      next: { words: 'See what there is', verb: 'status', environment: 'odin-dev' },
    });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['cannot be running any more', () => Promise.resolve()],
    ['died after a checkpoint', () => checkpoint()],
  ])('of an attempt that %s', async (_, happens) => {
    await claim('0004');
    await happens();
    world.clock.advance(16 * MINUTE);
    await expectRefused('NothingRunning');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['has an outcome', () => ledger.close(turn, 'failed')],
    ['is halted, whatever became of it', () => ledger.halt(turn, 'unknown')],
    ['is completed', () => ledger.complete('0004')],
  ])('of an attempt that %s, although its time is not over', async (_, happens) => {
    await claim('0004');
    await happens();
    await expectRefused('NothingRunning');
  });

  it('of another one than is named: a page, or what somebody has read, may be old', async () => {
    await claim('0005');
    const old = await refused({ ...BY_HER, migration: '0004' });
    expect(old.what).toBe('0004 of odin-dev is not running, so there is nothing to cancel.');
    expect(old.why).toBe('What runs is 0005, attempt 1, which was not asked to stop.');
    await ledger.close(turn, 'failed');
    expect((await refused({ ...BY_HER, migration: '0004' })).why).toBe('A halt is answered with resume.');
  });

  it('of an attempt whose outcome cannot be read, and whose time is over', async () => {
    await claim('0004');
    await world.store.inner.create(outcomeKey(turn), 'garbage');
    world.clock.advance(16 * MINUTE);
    await expectRefused('NothingRunning');
  });

  it('of one that yields no checkpoints: until when it may run', async () => {
    await claim('0003');
    expect(await expectRefused('NotCheckpointed')).toEqual({
      result: 'refused',
      code: 'NotCheckpointed',
      what: 'Migration 0003, attempt 1, has yielded no checkpoint, so nothing says that it can be stopped in the middle.',
      why: 'If it yields none, Lambda ends it before 2026-03-01 12:15:10 UTC at the latest, and the run halts then.',
      next: { words: 'Wait for its outcome', verb: 'status', environment: 'odin-dev' },
    });
  });

  it('of one that has not started: nobody knows until when it may run', async () => {
    await ledger.allow('0003');
    const { why } = await expectRefused('NotCheckpointed');
    expect(why).toBe('If it yields none, Lambda ends it in time, and the run halts then.');
  });

  it('of one whose earlier attempt made a checkpoint, and that made none', async () => {
    await claim('0003');
    await checkpoint();
    await ledger.close(turn, 'failed');
    await ledger.decide(await ledger.halt(turn), 'retry');
    await ledger.claim(await ledger.allow('0003', { attempt: 2 }));
    await expectRefused('NotCheckpointed');
  });

  it('of one whose time was over just now, and not of one that has a moment left', async () => {
    await claim('0004');
    world.clock.advance(15 * MINUTE + DEADLINE_MARGIN_MS + 1);
    await expectRefused('NothingRunning');
    world.clock.advance(-1);
    expect(await cancel()).toMatchObject({ result: 'cancelled' });
  });

  it('of one whose file is not deployed any more and that made no checkpoint', async () => {
    await claim('0009');
    await expectRefused('NotCheckpointed');
  });
});
