// The view of an environment: what each state looks like from the ledger, and what is never shown.
import { beforeEach, describe, expect, it } from 'vitest';
import { claimBatch, endBatch, markBatch } from '../../core/ledger/batches.ts';
import { EMPTY_LOG } from '../../core/ledger/fold.ts';
import { moveCheckpoint } from '../../core/ledger/checkpoints.ts';
import { claimKey, entryKey } from '../../core/ledger/keys.ts';
import { takeOutcome } from '../../core/ledger/turns.ts';
import { migrationLogLink } from '../../core/text/links.ts';
import { batchesSeen, haltLogLink, lookAtLedger, openHaltOf, readView, tookOf, viewOf } from '../../core/views/view.ts';
import { executionArn } from '../support/fake-executions.ts';
import { unavailable } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, manifestOf } from '../support/services.ts';

let world: World;
let ledger: LedgerBefore;
beforeEach(() => {
  world = createWorld();
  ledger = ledgerBefore(world);
});

const MINUTE = 60_000;
const ERROR = { name: 'Error', message: 'no space' };
const view = (...ids: string[]) => readView(world.ledger, manifestOf(...ids));
const only = async (id = '0001') => (await view(id)).migrations.find((migration) => migration.id === id);
const start = async (id = '0001', more: Parameters<LedgerBefore['allow']>[1] = {}) => {
  const turn = await ledger.allow(id, more);
  await ledger.claim(turn);
  return turn;
};

describe('the state of one migration', () => {
  it('is pending without an entry', async () => {
    expect(await only()).toEqual({
      id: '0001',
      file: 'migrations/odin-dev/0001.ts',
      description: 'What 0001 does',
      state: 'pending',
      attempts: 0,
      changedSince: false,
    });
  });

  it('is applied after its completion, with how long its code took', async () => {
    await start('0001', { gitCommit: 'abc123' });
    const startedAt = '2026-03-01T11:00:00.000Z';
    await ledger.complete('0001', 'applied', { startedAt, finishedAt: '2026-03-01T11:05:00.000Z' });
    expect(await only()).toMatchObject({
      state: 'applied',
      attempts: 1,
      startedAt,
      finishedAt: '2026-03-01T11:05:00.000Z',
      durationMs: 5 * MINUTE,
      changedSince: false,
      gitCommit: 'abc123',
      execution: executionArn('run-1'),
    });
  });

  it('is told with what it had begun and not awaited, before and after that is recorded', async () => {
    const turn = await start();
    await ledger.close(turn, 'succeeded', { leftOver: ['2 timers'] });
    expect(await only()).toMatchObject({ state: 'succeeded', leftOver: ['2 timers'] });
    await ledger.complete('0001', 'applied', { leftOver: ['2 timers'] });
    expect(await only()).toMatchObject({ state: 'applied', leftOver: ['2 timers'] });
  });

  it('is told with what it had done, once that is recorded', async () => {
    const did = { done: 7, total: 9, note: 'files moved' };
    await start();
    await ledger.complete('0001', 'applied', { did });
    expect(await only()).toMatchObject({ state: 'applied', did });
  });

  it('is what an operator recorded it as, with who and why, and without a duration', async () => {
    await ledger.complete('0001', 'baseline', { by: 'him', reason: 'adopted' });
    const recorded = { state: 'baseline', attempts: 0, by: 'him', reason: 'adopted', finishedAt: world.clock.iso() };
    expect(await only()).toMatchObject(recorded);
    const settled = { startedAt: world.clock.iso(), finishedAt: world.clock.iso(), by: 'her', reason: 'not needed' };
    await start('0002');
    world.clock.advance(MINUTE);
    await ledger.complete('0002', 'skipped', settled);
    expect(await only('0002')).toMatchObject({ state: 'skipped', attempts: 1, ...settled });
    expect((await only('0002'))?.durationMs).toBeUndefined();
  });

  it('is starting while its turn is allowed, and has no claim or a void one', async () => {
    const turn = await ledger.allow('0001');
    expect(await only()).toMatchObject({ state: 'starting', attempts: 1, startedAt: world.clock.iso() });
    await ledger.claim(turn, { claim: 'void' });
    expect(await only()).toMatchObject({ state: 'starting' });
  });

  it("is running until its deadline by the store's clock, counted from its first slice, and unknown after it", async () => {
    const first = await start();
    world.clock.advance(2 * MINUTE);
    await ledger.close(first, 'stopped');
    const restsOn = { turn: { key: claimKey(first), sha256: 'a'.repeat(64) } };
    await start('0001', { slice: 2, begin: 'checkpoint', restsOn });
    world.clock.advance(MINUTE);
    expect(await only()).toMatchObject({ state: 'running', durationMs: 3 * MINUTE });
    world.clock.advance(14 * MINUTE + 10_000); // until its timeout and the margin are over
    expect(await only()).toMatchObject({ state: 'running' });
    world.clock.advance(1);
    const unknown = await only();
    expect(unknown).toMatchObject({ state: 'unknown' });
    expect(unknown?.durationMs).toBeUndefined();
  });

  it('is unknown when that is its outcome, or when its outcome cannot be read', async () => {
    const turn = await start();
    await ledger.close(turn, 'unknown');
    expect(await only()).toMatchObject({ state: 'unknown' });
    await ledger.complete('0001', 'marked-applied');
    const spoiled = await start('0002');
    await world.store.create(`turns/0002/${String(spoiled.number).padStart(8, '0')}/outcome.json`, '{');
    expect(await only('0002')).toMatchObject({ state: 'running' });
    world.clock.advance(16 * MINUTE);
    expect(await only('0002')).toMatchObject({ state: 'unknown' });
  });

  it('has succeeded between its outcome and its completion', async () => {
    await ledger.close(await start(), 'succeeded');
    const succeeded = { state: 'succeeded', finishedAt: world.clock.iso(), durationMs: 0, requestId: 'prepared' };
    expect(await only()).toMatchObject(succeeded);
  });

  it('has failed before its halt', async () => {
    world.clock.advance(MINUTE);
    await ledger.close(await start(), 'failed', { error: ERROR });
    expect(await only()).toMatchObject({ state: 'failed', error: ERROR, finishedAt: world.clock.iso() });
  });

  it('goes from halted to decided, with who and why, and to running with the next attempt', async () => {
    const turn = await start();
    await ledger.close(turn, 'failed');
    const halt = await ledger.halt(turn, 'failed', { error: ERROR });
    expect(await only()).toMatchObject({ state: 'halted', error: ERROR });
    await ledger.decide(halt, 'retry', { by: 'her', reason: 'because' });
    expect(await only()).toMatchObject({ state: 'decided', decision: 'retry', by: 'her', reason: 'because' });
    await start('0001', { attempt: 2 });
    const running = await only();
    expect(running).toMatchObject({ state: 'running', attempts: 2 });
    expect(running?.error).toBeUndefined();
    expect(running?.decision).toBeUndefined();
  });

  it('has as much time left as the batches need that go on or wait: what failed is not begun again', async () => {
    const turn = await ledger.allow('0001', { batches: { of: 4, plan: [], rest: '1-4' } });
    const { store } = world.ledger;
    const writer = ledger.writer('0001');
    const end = async (batch: number, outcome: 'succeeded' | 'failed') => {
      await claimBatch(store, turn, writer, batch);
      world.clock.advance(1_000);
      await endBatch(store, turn, writer, batch, { outcome });
      if (outcome === 'failed') await markBatch(store, turn, writer, batch, 'failed');
    };
    for (const batch of [1, 2]) await end(batch, 'succeeded');
    const { perSecond = 0, remainingMs } = (await only())?.progress ?? {};
    expect(remainingMs).toBe(Math.ceil((2 / perSecond) * 1000));
    for (const batch of [3, 4]) await end(batch, 'failed');
    const over = (await only())?.progress;
    expect(over).toMatchObject({ done: 2, total: 4, note: expect.stringContaining('2 failed') as string });
    expect(over?.perSecond).toBeGreaterThan(0);
    expect(over?.remainingMs).toBeUndefined();
  });

  it('has the progress of its batches: those that failed are not done', async () => {
    const { store } = world.ledger;
    const turn = await ledger.allow('0001', { batches: { of: 9, plan: [], rest: '2-9' } });
    const writer = ledger.writer('0001');
    for (const batch of [2, 3, 4]) await claimBatch(store, turn, writer, batch);
    await endBatch(store, turn, writer, 2, { outcome: 'succeeded' });
    await endBatch(store, turn, writer, 3, { outcome: 'failed' });
    await markBatch(store, turn, writer, 3, 'failed');
    const running = { done: 2, total: 9, note: 'batches, 1 running, 1 failed' };
    expect(await only()).toMatchObject({ state: 'running', progress: running });

    await ledger.claim(turn, { claim: 'void' });
    await endBatch(store, turn, writer, 4, { outcome: 'succeeded' });
    const batches = { of: 9, succeeded: 3, failed: 1, unknown: 0, left: 6 };
    await ledger.close(turn, 'failed', { batches });
    expect(await only()).toMatchObject({ progress: { done: 3, total: 9, note: 'batches, 1 failed' } });
  });

  it('has the progress of its last checkpoint, and is between two slices when the last one stopped there', async () => {
    const turn = await start();
    const began = { time: world.clock.iso(), done: 0 };
    world.clock.advance(10_000);
    const content = { cursor: 1, done: 20, total: 100, note: 'a', began };
    const last = await moveCheckpoint(world.store, turn, undefined, content, world.clock.now());
    const progress = { done: 20, total: 100, note: 'a', time: world.clock.iso(), share: 0.2, perSecond: 2 };
    expect(await only()).toMatchObject({ state: 'running', progress: { ...progress, remainingMs: 40_000 } });

    await ledger.close(turn, 'stopped', { stoppedAt: last });
    world.clock.advance(60 * MINUTE);
    expect(await only()).toMatchObject({ state: 'stopped', progress: { perSecond: 2 } });
    const restsOn = { turn: { key: claimKey(turn), sha256: 'a'.repeat(64) } };
    await start('0001', { slice: 2, begin: 'checkpoint', restsOn });
    expect(await only()).toMatchObject({ state: 'running', progress: { perSecond: 2 } });
    world.clock.advance(60 * MINUTE);
    const { progress: standing, ...rest } = (await only())!;
    expect(rest).toMatchObject({ state: 'unknown' });
    expect(standing).toEqual({ done: 20, total: 100, share: 0.2, note: 'a', time: progress.time });
  });

  it('is shown all the same when its checkpoint cannot be read, and says so', async () => {
    await start();
    await world.store.create('checkpoints/0001.json', '{');
    const row = await only();
    expect(row).toMatchObject({ state: 'running' });
    expect(row?.progress).toBeUndefined();
    expect(row?.unreadable).toContain('checkpoints/0001.json cannot be read');
  });

  it('says who asked it to stop, and why', async () => {
    const turn = await start();
    await ledger.cancel(turn, { by: 'her', reason: 'too slow' });
    const cancelled = { by: 'her', reason: 'too slow', time: world.clock.iso() };
    expect(await only()).toMatchObject({ state: 'running', cancelled });
    await ledger.halt(turn);
    expect((await view('0001')).halt).toMatchObject({ cancelled });
  });

  it('is aborted until it halts again', async () => {
    const turn = await start();
    await ledger.decide(await ledger.halt(turn), 'abort');
    expect(await only()).toMatchObject({ state: 'aborted', decision: 'abort', by: 'anna' });
    await ledger.halt(turn);
    const again = await only();
    expect(again).toMatchObject({ state: 'halted' });
    expect(again?.decision).toBeUndefined();
  });

  it('waits at a checkpoint with a time until that time, and not when it is halted or asked to stop', async () => {
    const turn = await start();
    const until = world.clock.now() + MINUTE;
    await ledger.stopUntil(turn, until);
    const waiting = { state: 'stopped', waitsUntil: new Date(until).toISOString() };
    expect(await only()).toMatchObject(waiting);
    world.clock.advance(MINUTE - 1);
    expect(await only()).toMatchObject(waiting);
    world.clock.advance(1);
    const over = await only();
    expect(over).toMatchObject({ state: 'stopped' });
    expect(over?.waitsUntil).toBeUndefined();
  });

  it.each(['cancel', 'halt'] as const)('does not wait at a checkpoint with a time after a %s', async (said) => {
    const turn = await start();
    await ledger.stopUntil(turn, world.clock.now() + MINUTE);
    await ledger[said](turn);
    expect((await only())?.waitsUntil).toBeUndefined();
  });

  it('keeps its rate while the next slice is about to start', async () => {
    const turn = await start();
    const began = { time: world.clock.iso(), done: 0 };
    world.clock.advance(10_000);
    const content = { cursor: 1, done: 20, total: 100, began };
    const stoppedAt = await moveCheckpoint(world.store, turn, undefined, content, world.clock.now());
    await ledger.close(turn, 'stopped', { stoppedAt });
    const restsOn = { turn: { key: claimKey(turn), sha256: 'a'.repeat(64) } };
    await ledger.allow('0001', { slice: 2, begin: 'checkpoint', restsOn });
    expect(await only()).toMatchObject({ state: 'starting', progress: { perSecond: 2 } });
  });

  it('has succeeded also when a retry was decided before that was seen', async () => {
    const turn = await start();
    await ledger.decide(await ledger.halt(turn, 'unknown'), 'retry');
    expect(await only()).toMatchObject({ state: 'decided' });
    await ledger.close(turn, 'succeeded');
    expect(await only()).toMatchObject({ state: 'succeeded' });
  });

  it('of a turn of batches is starting until one of them begins, and running until its outcome', async () => {
    const turn = await ledger.allow('0001', { batches: { of: 2, plan: [], rest: '1-2' } });
    const writer = ledger.writer('0001');
    expect(await only()).toMatchObject({ state: 'starting' });
    await claimBatch(world.ledger.store, turn, writer, 1);
    expect(await only()).toMatchObject({ state: 'running' });
    await ledger.claim(turn, { claim: 'void' });
    await endBatch(world.ledger.store, turn, writer, 1, { outcome: 'succeeded' });
    world.clock.advance(60 * MINUTE);
    expect(await only()).toMatchObject({ state: 'running' });
  });

  it('has, of batches, a rate of items as far as both are known', async () => {
    const { store } = world.ledger;
    const plan = { turns: [{ turn: 1, sha256: 'a'.repeat(64), batches: 4 }], items: 400, sealed: true };
    const planning = await start();
    const stoppedAt = await moveCheckpoint(world.store, planning, undefined, { cursor: 1, plan }, world.clock.now());
    await ledger.close(planning, 'stopped', { stoppedAt });
    const restsOn = { turn: { key: claimKey(planning), sha256: 'a'.repeat(64) } };
    const batches = { of: 4, plan: plan.turns, rest: '1-4' };
    const turn = await ledger.allow('0001', { slice: 2, begin: 'checkpoint', restsOn, batches });
    expect((await only())?.progress?.note).toBe('batches');
    await claimBatch(store, turn, ledger.writer('0001'), 1);
    await endBatch(store, turn, ledger.writer('0001'), 1, { outcome: 'succeeded' });
    world.clock.advance(20_000);
    expect((await only())?.progress?.note).toBe('batches, 5/s of items');

    const seen = await lookAtLedger(world.ledger);
    const noteOf = (checkpoint: typeof seen.checkpoint) => batchesSeen({ ...seen, checkpoint }, turn)?.progress.note;
    expect(noteOf(seen.checkpoint)).toBe('batches, 5/s of items');
    expect(noteOf({ unreadable: 'spoiled' })).toBe('batches');
    expect(noteOf(undefined)).toBe('batches');
    expect(noteOf({ ...stoppedAt.checkpoint, plan: undefined })).toBe('batches');
    expect(batchesSeen(seen, turn, false)?.progress.perSecond).toBeUndefined();
    expect(batchesSeen(seen, planning)).toBeUndefined();
    expect(batchesSeen({ ...seen, batches: undefined }, turn)).toBeUndefined();
  });

  it('is late below one that was attempted', async () => {
    await start('0003');
    const { migrations } = await view('0001', '0003', '0004');
    expect(migrations.map(({ id, state }) => [id, state])).toEqual([
      ['0001', 'late'],
      ['0003', 'running'],
      ['0004', 'pending'],
    ]);
  });

  it('is late below the highest that was completed, also when that was not the last', async () => {
    await ledger.complete('0003', 'baseline');
    await start('0001');
    expect(await only('0002')).toMatchObject({ state: 'late' });
  });

  it('says that its packages changed since, when its files did not', async () => {
    const sources = { version: 2, files: 'a'.repeat(64), packages: 'b'.repeat(64) };
    await start('0001', { sources });
    const manifest = manifestOf('0001');
    const now = async (changes: Partial<typeof sources>) => {
      manifest.migrations[0]!.sources = { ...sources, ...changes };
      const [row] = (await readView(world.ledger, manifest)).migrations;
      return [row?.changedSince, row?.packagesChangedSince];
    };
    expect(await now({})).toEqual([false, undefined]);
    expect(await now({ packages: 'c'.repeat(64) })).toEqual([false, true]);
    expect(await now({ files: 'c'.repeat(64) })).toEqual([true, undefined]);
  });

  it('of a log that says neither is a fault of ours', () => {
    const state = { ...EMPTY_LOG, migrations: { '0001': { attempts: 1 } } };
    expect(() => viewOf(manifestOf('0001'), { state, at: 0 } as never)).toThrow(
      expect.objectContaining({
        code: 'Internal',
        source: 'system',
        what: expect.stringContaining('neither') as string,
      }),
    );
  });

  it('took no time that anybody knows without its beginning and its end', () => {
    const [startedAt, finishedAt] = ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:01.000Z'];
    expect(tookOf({ completion: 'applied', startedAt, finishedAt })).toBe(1_000);
    expect(tookOf({ completion: 'applied', startedAt, finishedAt: undefined })).toBeUndefined();
    expect(tookOf({ completion: 'applied', startedAt: undefined, finishedAt })).toBeUndefined();
    expect(tookOf({ completion: 'skipped', startedAt, finishedAt })).toBeUndefined();
  });

  it('says that the file changed since, and knows one whose file was deleted', async () => {
    for (const id of ['0001', '0002']) {
      await start(id);
      await ledger.complete(id);
    }
    await start('0003');
    const manifest = manifestOf('0002', '0003');
    for (const entry of manifest.migrations) entry.sourceSha256 = 'b'.repeat(64);
    const { migrations } = await readView(world.ledger, manifest);
    expect(migrations.map(({ id, file, changedSince }) => [id, file, changedSince])).toEqual([
      ['0001', undefined, false],
      ['0002', 'migrations/odin-dev/0002.ts', true],
      ['0003', 'migrations/odin-dev/0003.ts', true],
    ]);
  });
});

describe('the whole', () => {
  it('shows the open halt, and no task token', async () => {
    const turn = await start();
    world.clock.advance(MINUTE);
    await ledger.close(turn, 'failed', { error: ERROR });
    const halt = await ledger.halt(turn, 'failed', { error: ERROR, commits: { began: 'abc123' } });
    await ledger.wait(halt, executionArn('run-1'), 'SECRET');
    const whole = await view('0001', '0002', '0003');
    expect(whole.halt).toEqual({
      migration: '0001',
      description: 'What 0001 does',
      attempt: 1,
      halt: halt.number,
      reason: 'failed',
      error: ERROR,
      startedAt: turn.time,
      since: world.clock.iso(),
      execution: executionArn('run-1'),
      requestId: 'prepared',
      commits: { began: 'abc123' },
    });
    expect(JSON.stringify(whole)).not.toContain('SECRET');
    const log = haltLogLink(whole.halt!, executionArn('run-1'), '/logs');
    expect(log).toContain(`%22prepared%22`.replaceAll('%', '$25'));
    expect(log).toContain(`start$3D${Date.parse(turn.time)}`);
    expect(whole).toMatchObject({ environment: 'odin-dev', completed: 0, total: 3, gitCommit: 'abc123' });
  });

  it('leads after an abort to the run that halts there now, and not to the one that was ended', async () => {
    const turn = await start();
    await ledger.close(turn, 'failed');
    await ledger.decide(await ledger.halt(turn), 'abort');
    const next = await ledger.halt(turn, 'failed', { run: 'run-2' });
    expect((await view('0001')).halt).toMatchObject({ halt: next.number, execution: executionArn('run-2') });
  });

  it('leads to the execution that carries its run on', async () => {
    const turn = await start('0001', { execution: executionArn('continue-7'), run: 'run-1' });
    await ledger.close(turn, 'failed');
    await ledger.halt(turn, 'failed', { run: 'run-1' });
    expect((await view('0001')).halt?.execution).toBe(executionArn('continue-7'));
  });

  it('says of a halt until when its code may be running, and no longer', async () => {
    await ledger.halt(await start(), 'unknown');
    const until = new Date(world.clock.now() + 910_000).toISOString(); // its timeout and the margin
    expect((await view('0001')).halt).toMatchObject({ reason: 'unknown', mayRunUntil: until });
    expect((await only())?.mayRunUntil).toBe(until);
    const over = await readView(world.ledger, manifestOf('0001'), true);
    expect(over.halt?.mayRunUntil).toBeUndefined();
    world.clock.advance(910_000);
    expect((await view('0001')).halt).toMatchObject({ mayRunUntil: until });
    world.clock.advance(1);
    expect((await view('0001')).halt?.mayRunUntil).toBeUndefined();
  });

  it('counts as completed whatever its completion is', async () => {
    for (const [id, completion] of [
      ['0001', 'applied'],
      ['0002', 'marked-applied'],
      ['0003', 'skipped'],
      ['0004', 'baseline'],
    ] as const) {
      if (completion !== 'baseline') await start(id);
      await ledger.complete(id, completion);
      const { completed, migrations } = await view(id);
      expect([completed, migrations.at(-1)?.state]).toEqual([Number(id), completion]);
    }
  });

  it('describes what is halted by its own file, and not when that is gone', async () => {
    await ledger.complete('0001', 'baseline');
    await ledger.halt(await start('0002'));
    expect((await view('0001', '0002', '0003')).halt?.description).toBe('What 0002 does');
    expect((await view('0001', '0003')).halt).toMatchObject({ migration: '0002' });
    expect((await view('0001', '0003')).halt?.description).toBeUndefined();
    const seen = await lookAtLedger(world.ledger);
    expect(openHaltOf(seen, [])?.description).toBeUndefined();
  });

  it('that is over has no code that runs: what began is unknown, and what did not is as before', async () => {
    const over = async () => (await readView(world.ledger, manifestOf('0001'), true)).migrations.at(-1)?.state;
    const turn = await ledger.allow('0001');
    expect(await over()).toBe('starting');
    await ledger.claim(turn);
    expect([(await only())?.state, await over()]).toEqual(['running', 'unknown']);
    await ledger.close(turn, 'failed');
    expect(await over()).toBe('failed');
    await ledger.complete('0001', 'marked-applied');

    const batches = await ledger.allow('0002', { batches: { of: 2, plan: [], rest: '1-2' } });
    expect(await over()).toBe('starting');
    await claimBatch(world.ledger.store, batches, ledger.writer('0002'), 1);
    expect([(await only('0002'))?.state, await over()]).toEqual(['running', 'unknown']);
    await ledger.claim(batches, { claim: 'void' });
    await endBatch(world.ledger.store, batches, ledger.writer('0002'), 1, { outcome: 'failed' });
    await ledger.close(batches, 'failed', { batches: { of: 2, succeeded: 0, failed: 1, unknown: 0, left: 2 } });
    expect(await over()).toBe('failed');
  });

  it('is not shown without a checkpoint that could not be read for another reason than what is in it', async () => {
    await start();
    world.store.before = ({ key }) => {
      if (key.startsWith('checkpoints/')) throw unavailable();
    };
    await expect(view('0001')).rejects.toMatchObject({ code: 'LedgerUnavailable' });
  });

  it('says of a halt whose code has succeeded meanwhile that it may only be recorded', async () => {
    const turn = await start();
    await ledger.halt(turn, 'unknown');
    await ledger.close(turn, 'succeeded');
    expect((await view('0001')).halt).toMatchObject({ reason: 'unrecorded' });
  });

  it('takes no request of another function for one of the migration', async () => {
    const turn = await start();
    const writer = {
      function: 'list-pending',
      requestId: 'another',
      version: '0',
      now: world.clock.now,
      nonce: () => 'n',
    };
    await takeOutcome(world.store, turn, writer, { outcome: 'unknown' });
    await ledger.halt(turn, 'unknown');
    const { halt } = await view('0001');
    expect(halt?.requestId).toBeUndefined();
    expect(haltLogLink(halt!, executionArn('run-1'), '/logs')).toBe(
      migrationLogLink(executionArn('run-1'), '/logs', '0001', turn.time),
    );
    expect((await only())?.requestId).toBeUndefined();
  });

  it('reads the log, the open turn and its checkpoint, and lists nothing else', async () => {
    await ledger.complete(['0001', '0002'], 'baseline');
    await start('0003');
    await readView(world.ledger, manifestOf('0003'));
    world.store.calls.length = 0;
    await readView(world.ledger, manifestOf('0003'));
    expect(world.store.calls.map(({ operation, key }) => `${operation} ${key}`)).toEqual([
      'list log/',
      'get turns/0003/00000002/outcome.json',
      'get checkpoints/0003.json',
      'get turns/0003/00000002/claim.json',
    ]);
  });

  it('is empty for an environment without migrations and entries', async () => {
    expect(await view()).toEqual({
      environment: 'odin-dev',
      migrations: [],
      completed: 0,
      total: 0,
      gitCommit: 'abc123',
    });
  });

  it('stops at an entry that cannot be read', async () => {
    await world.store.create(entryKey(1), '{}');
    await expect(view('0001')).rejects.toMatchObject({ code: 'RecordUnreadable' });
  });
});

describe('what was pruned', () => {
  const seen = (pruned: string[], ...ids: string[]) => readView(world.ledger, { ...manifestOf(...ids), pruned });

  it('is completed as before, and said to be pruned; what was deleted by hand is not', async () => {
    await ledger.complete(['0001', '0002'], 'baseline');
    const { migrations, completed, total, lacking } = await seen(['0001'], '0003');
    expect(migrations.map(({ id, state, pruned, file }) => [id, state, pruned, file])).toEqual([
      ['0001', 'baseline', true, undefined],
      ['0002', 'baseline', undefined, undefined],
      ['0003', 'pending', undefined, 'migrations/odin-dev/0003.ts'],
    ]);
    expect({ completed, total, lacking }).toEqual({ completed: 2, total: 3, lacking: undefined });
  });

  it('and is not completed here is named: a run refuses', async () => {
    await ledger.complete('0001', 'baseline');
    await start('0002');
    expect((await seen(['0000', '0001', '0002'], '0003')).lacking).toEqual(['0000', '0002']);
  });
});
