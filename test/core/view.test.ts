// The view of an environment: what each state looks like from the ledger, and what is never shown.
import { beforeEach, describe, expect, it } from 'vitest';
import { readView } from '../../core/views/view.ts';
import { executionArn } from '../support/fake-executions.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, manifestOf } from '../support/services.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
});

const MINUTE = 60_000;
const subject = (migration: string, attempt = 1) => ({
  migration,
  attempt,
  execution: executionArn('run'),
  sourceSha256: HASH,
  gitCommit: 'abc123',
});
const deadline = (minutes: number) => new Date(world.clock.now() + minutes * MINUTE).toISOString();
const claim = (migration: string, attempt = 1, slice = 1) =>
  world.ledger.createClaim(subject(migration, attempt), world.writer, {
    slice,
    nonce: `${migration}/${attempt}/${slice}`,
    deadline: deadline(16),
  });
const finish = (migration: string, outcome: 'succeeded' | 'failed', attempt = 1) =>
  world.ledger.createFinished(subject(migration, attempt), world.writer, {
    outcome,
    durationMs: 1,
    slices: 1,
    ...(outcome === 'failed' && { error: { name: 'Error', message: 'no space' } }),
  });
const complete = (migration: string) =>
  world.ledger.createCompletion(subject(migration), world.writer, {
    completion: 'applied',
    startedAt: '2026-03-01T11:00:00.000Z',
    finishedAt: '2026-03-01T11:05:00.000Z',
  });
const openHalt = (migration: string, attempt = 1, halt = 1) =>
  world.ledger.updateHalt(subject(migration, attempt), world.writer, () => ({
    halt,
    outcome: 'failed' as const,
    error: { name: 'Error', message: 'no space' },
    waiting: [{ execution: executionArn('run'), token: 'SECRET', since: world.clock.iso(), allowOutOfOrder: false }],
  }));
const decide = (migration: string, decision: 'retry' | 'abort' | 'skip', halt = 1) =>
  world.ledger.createDecision(subject(migration), world.writer, { halt, decision, by: 'her', reason: 'because' });
const view = (...ids: string[]) => readView(world.ledger, manifestOf(...ids), world.clock.now());
const only = async (id = '0001') => (await view(id)).migrations.find((migration) => migration.id === id);

describe('the state of one migration', () => {
  it('is pending without a record', async () => {
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
    await claim('0001');
    await complete('0001');
    expect(await only()).toMatchObject({
      state: 'applied',
      attempts: 1,
      finishedAt: '2026-03-01T11:05:00.000Z',
      durationMs: 5 * MINUTE,
      changedSince: false,
      gitCommit: 'abc123',
    });
  });

  it('is running until its deadline, counted from its first slice, and unknown after it', async () => {
    await claim('0001');
    world.clock.advance(2 * MINUTE);
    await claim('0001', 1, 2);
    world.clock.advance(MINUTE);
    expect(await only()).toMatchObject({ state: 'running', durationMs: 3 * MINUTE });
    world.clock.advance(16 * MINUTE);
    const unknown = await only();
    expect(unknown).toMatchObject({ state: 'unknown' });
    expect(unknown).not.toHaveProperty('durationMs');
  });

  it('has succeeded between its outcome and its completion, and failed before its halt', async () => {
    await claim('0001');
    await finish('0001', 'succeeded');
    await claim('0002');
    await finish('0002', 'failed');
    const { migrations } = await view('0001', '0002');
    expect(migrations.map(({ state }) => state)).toEqual(['succeeded', 'failed']);
    expect(migrations[1]?.error).toEqual({ name: 'Error', message: 'no space' });
  });

  it('goes from halted to decided, with who and why, and to running with the next attempt', async () => {
    await claim('0001');
    await finish('0001', 'failed');
    await openHalt('0001');
    expect(await only()).toMatchObject({ state: 'halted', error: { message: 'no space' } });
    await decide('0001', 'retry');
    expect(await only()).toMatchObject({ state: 'decided', decision: 'retry', by: 'her', reason: 'because' });
    await claim('0001', 2);
    const running = await only();
    expect(running).toMatchObject({ state: 'running', attempts: 2 });
    expect(running).not.toHaveProperty('error');
  });

  it('has the progress of its last checkpoint, and is between two slices when the last one stopped there', async () => {
    await claim('0001');
    const began = { time: world.clock.iso(), done: 0 };
    world.clock.advance(10_000);
    const content = { slice: 1, cursor: 1, done: 20, total: 100, note: 'a', began };
    const last = await world.ledger.moveCheckpoint(subject('0001'), world.writer, undefined, content);
    const progress = { done: 20, total: 100, note: 'a', time: world.clock.iso(), share: 0.2, perSecond: 2 };
    expect(await only()).toMatchObject({ state: 'running', progress: { ...progress, remainingMs: 40_000 } });

    await world.ledger.stopAtCheckpoint(subject('0001'), world.writer, last);
    world.clock.advance(60 * MINUTE);
    expect(await only()).toMatchObject({ state: 'stopped' });
    await claim('0001', 1, 2);
    expect(await only()).toMatchObject({ state: 'running' });
    world.clock.advance(60 * MINUTE);
    const { progress: standing, ...rest } = (await only())!;
    expect(rest).toMatchObject({ state: 'unknown' });
    expect(standing).toEqual({ done: 20, total: 100, share: 0.2, note: 'a', time: expect.any(String) as unknown });
  });

  it('says who asked it to stop, and why', async () => {
    await claim('0001');
    await world.ledger.createCancellation(subject('0001'), world.writer, { by: 'her', reason: 'too slow' });
    const cancelled = { by: 'her', reason: 'too slow', time: world.clock.iso() };
    expect(await only()).toMatchObject({ state: 'running', cancelled });
  });

  it('is aborted until it halts again', async () => {
    await claim('0001');
    await openHalt('0001');
    await decide('0001', 'abort');
    expect(await only()).toMatchObject({ state: 'aborted' });
    await openHalt('0001', 1, 2);
    expect(await only()).toMatchObject({ state: 'halted' });
  });

  it('is late below one that was attempted', async () => {
    await claim('0003');
    const { migrations } = await view('0001', '0003', '0004');
    expect(migrations.map(({ id, state }) => [id, state])).toEqual([
      ['0001', 'late'],
      ['0003', 'running'],
      ['0004', 'pending'],
    ]);
  });

  it('says that the file changed since, and knows one whose file was deleted', async () => {
    await complete('0001');
    await complete('0002');
    const manifest = manifestOf('0002');
    manifest.migrations[0]!.sourceSha256 = 'b'.repeat(64);
    const { migrations } = await readView(world.ledger, manifest, world.clock.now());
    expect(migrations.map(({ id, file, changedSince }) => [id, file, changedSince])).toEqual([
      ['0001', undefined, false],
      ['0002', 'migrations/odin-dev/0002.ts', true],
    ]);
  });
});

describe('the whole', () => {
  it('shows the lowest open halt, without its task tokens', async () => {
    await claim('0001');
    await openHalt('0001');
    await claim('0002');
    await openHalt('0002');
    const whole = await view('0001', '0002', '0003');
    expect(whole.halt).toEqual({
      migration: '0001',
      description: 'What 0001 does',
      attempt: 1,
      halt: 1,
      outcome: 'failed',
      error: { name: 'Error', message: 'no space' },
      since: world.clock.iso(),
      executions: [executionArn('run')],
      requestId: 'prepared',
    });
    expect(JSON.stringify(whole)).not.toContain('SECRET');
    expect(whole).toMatchObject({ environment: 'odin-dev', completed: 0, total: 3, gitCommit: 'abc123' });
  });

  it('is empty for an environment without migrations and records', async () => {
    expect(await view()).toEqual({
      environment: 'odin-dev',
      migrations: [],
      completed: 0,
      total: 0,
      gitCommit: 'abc123',
    });
  });

  it('stops at a record that cannot be read', async () => {
    await world.store.create('completed/0001.json', '{}');
    await expect(view('0001')).rejects.toMatchObject({ code: 'RecordUnreadable' });
  });
});
