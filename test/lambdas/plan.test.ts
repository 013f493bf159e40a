// What a turn that plans leaves in the ledger: its batches, how many of them count, and the seal without which none is run.
import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_BATCHES } from '../../core/ledger/batches.ts';
import { readCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed } from '../../core/ledger/entries.ts';
import { sha256 } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { batchKey, checkpointKey, outcomeKey } from '../../core/ledger/keys.ts';
import type { PlannedBatches } from '../../core/ledger/plan.ts';
import type { Outcome } from '../../core/ledger/turns.ts';
import { createRunMigration } from '../../lambdas/run-migration/run-migration.ts';
import type { RunUserCode } from '../../lambdas/run-migration/user-code/supervise.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const ME = executionArn('me');

type Turn = Numbered<Allowed>;

let world: World;
let prepared: LedgerBefore;
let turn: Turn;

beforeEach(async () => {
  world = createWorld();
  prepared = ledgerBefore(world);
  turn = await prepared.allow('0004', { execution: ME });
});

/** Yields each of these plans with a cursor that counts them, and comes to its end. */
const plans =
  (...yields: string[][][]): RunUserCode =>
  async ({ save, cursor }) => {
    let at = (cursor as number | undefined) ?? 0;
    for (const batches of yields) await save({ cursor: (at += 1), done: at, batches });
    return { outcome: 'finished', checkpoints: yields.length };
  };

/** The same, and its slice is over before its end. */
const stops =
  (runUserCode: RunUserCode): RunUserCode =>
  async (options) => ({ outcome: 'stopped', checkpoints: (await runUserCode(options)).checkpoints });

function run(runUserCode: RunUserCode) {
  const { migration, attempt, slice, number, execution } = turn;
  return createRunMigration(
    { migration: '0004', codeSha256: CODE, sliceMs: undefined },
    world.services,
    runUserCode,
  )({ ask: 'run', execution, migration, attempt, slice, turn: number }, invocation(world));
}

const json = async (key: string): Promise<unknown> =>
  JSON.parse((await world.store.inner.get(key))?.body ?? 'null') as unknown;
const outcome = async () => (await json(outcomeKey(turn))) as Outcome;
const plan = async (): Promise<PlannedBatches | undefined> =>
  (await readCheckpoint(world.store.inner, '0004'))?.checkpoint.plan;
const items = async (batch: number, of: Turn = turn) =>
  ((await json(batchKey(of, batch, 'items'))) as { items: unknown[] } | null)?.items;
const counts = (of: Turn, batches: number) => ({ turn: of.number, sha256: of.sha256, batches });

/** The next slice, which goes on from where this turn has stopped. */
async function nextSlice(): Promise<Turn> {
  const key = outcomeKey(turn);
  const { body = '' } = (await world.store.inner.get(key)) ?? {};
  const restsOn = { turn: { key, sha256: sha256(body) } };
  return prepared.allow('0004', { execution: ME, slice: turn.slice + 1, begin: 'checkpoint', restsOn });
}

describe('a plan', () => {
  it('is put down batch by batch, sealed at its end, and its batches come next', async () => {
    expect(await run(plans([['a', 'b'], ['c']], [['d']]))).toMatchObject({ outcome: 'more', slice: 1 });
    expect([await items(1), await items(2), await items(3), await items(4)]).toEqual([
      ['a', 'b'],
      ['c'],
      ['d'],
      undefined,
    ]);
    expect(await plan()).toEqual({ turns: [counts(turn, 3)], items: 4, sealed: true });
    const { outcome: became, stoppedAt, did } = await outcome();
    expect([became, stoppedAt?.checkpoint.sequence, did]).toEqual(['stopped', 3, undefined]);
    expect(stoppedAt).toEqual(await readCheckpoint(world.store.inner, '0004'));
    expect(stoppedAt?.checkpoint).toMatchObject({ cursor: 2, done: 2, began: { done: 0 } });
    expect(world.logs.at(-1)?.message).toBe('The plan is sealed: 3 batches');
  });

  it('is not sealed as long as it goes on: its batches are there before the checkpoint that counts them', async () => {
    const seen: unknown[] = [];
    world.store.before = async ({ operation, key }) => {
      if (operation === 'replace' && key === checkpointKey('0004'))
        seen.push([await plan(), await items(1), await items(2)]);
    };
    await run(stops(plans([['a']], [['b']])));
    expect(seen).toEqual([
      [undefined, ['a'], undefined],
      [{ turns: [counts(turn, 1)], items: 1, sealed: false }, ['a'], ['b']],
    ]);
    expect(await plan()).toEqual({ turns: [counts(turn, 2)], items: 2, sealed: false });
  });

  it('goes on in the next slice, which counts its own batches from 1, and those of before', async () => {
    await run(stops(plans([['a'], ['b']])));
    const first = turn;
    turn = await nextSlice();
    expect(await run(plans([['c']]))).toMatchObject({ outcome: 'more', slice: 2 });
    expect([await items(1, first), await items(2, first), await items(1)]).toEqual([['a'], ['b'], ['c']]);
    expect(await plan()).toEqual({ turns: [counts(first, 2), counts(turn, 1)], items: 3, sealed: true });
  });

  it('names no turn that has put down nothing', async () => {
    await run(stops(plans([['a']])));
    const first = turn;
    turn = await nextSlice();
    expect(await run(plans())).toMatchObject({ outcome: 'more' });
    expect(await plan()).toEqual({ turns: [counts(first, 1)], items: 1, sealed: true });
  });

  it('of nothing has succeeded, and is not sealed: there is nothing to run', async () => {
    expect(await run(plans([], []))).toMatchObject({ outcome: 'finished' });
    expect(await outcome()).toMatchObject({ outcome: 'succeeded', did: { done: 2 } });
    expect(await plan()).toEqual({ turns: [], items: 0, sealed: false });
  });

  it('is no part of the checkpoints of a migration that plans nothing', async () => {
    const end = await run(async ({ save }) => {
      expect(await save({ cursor: 1 })).toBe('go on');
      return { outcome: 'finished', checkpoints: 1 };
    });
    expect(end).toMatchObject({ outcome: 'finished' });
    expect(await plan()).toBeUndefined();
  });

  it('that fails is not sealed', async () => {
    const error = { name: 'Error', message: 'no' };
    const failing: RunUserCode = async (options) => {
      await plans([['a']])(options);
      return { outcome: 'threw', error, checkpoints: 1 };
    };
    expect((await thrownBy(run(failing))).code).toBe('MigrationFailed');
    expect(await plan()).toMatchObject({ sealed: false });
  });

  it('whose seal cannot be written has failed', async () => {
    let replaced = 0;
    world.store.before = ({ operation }) => {
      if (operation === 'replace' && (replaced += 1) === 2) throw unavailable();
    };
    expect((await thrownBy(run(plans([['a']])))).code).toBe('MigrationFailed');
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { name: 'LedgerUnavailable' }, checkpoints: 1 });
    expect(await plan()).toMatchObject({ sealed: false });
  });

  it('has 10,000 batches at most, those of its earlier slices among them', async () => {
    const many = Array.from({ length: MAX_BATCHES - 1 }, () => ['x']);
    await run(stops(plans(many)));
    turn = await nextSlice();
    const refused: unknown[] = [];
    const end: RunUserCode = async ({ save }) => {
      await save({ cursor: 2, batches: [['y'], ['z']] }).catch((thrown: unknown) => refused.push(thrown));
      await save({ cursor: 3, batches: [['y']] });
      return { outcome: 'finished', checkpoints: 1 };
    };
    expect(await run(end)).toMatchObject({ outcome: 'more' });
    expect(refused).toMatchObject([{ code: 'BadPlan', source: 'user' }]);
    expect(String(refused[0])).toContain('plan() has yielded 10001 batches, over 10000. Raise itemsPerBatch');
    expect([await items(1), await items(2)]).toEqual([['y'], undefined]);
    expect(await plan()).toMatchObject({ items: MAX_BATCHES, sealed: true });
  });

  it('of which another invocation has put down a batch moves no checkpoint', async () => {
    world.store.before = once('create', batchKey(turn, 1, 'items'), () =>
      world.store.inner.create(batchKey(turn, 1, 'items'), '{}'),
    );
    const refused: unknown[] = [];
    await run(async ({ save }) => {
      await save({ cursor: 1, batches: [['a']] }).catch((thrown: unknown) => refused.push(thrown));
      return { outcome: 'stopped', checkpoints: 0 };
    });
    expect(refused).toMatchObject([{ code: 'FencedOut' }]);
    expect(await readCheckpoint(world.store.inner, '0004')).toBeUndefined();
  });

  it('that comes after its turn was ended moves no checkpoint: its function may have been frozen meanwhile', async () => {
    const gate = Promise.withResolvers<undefined>();
    world.store.before = once('create', batchKey(turn, 1, 'items'), () => gate.promise);
    let late: Promise<unknown> | undefined;
    const error = { name: 'OutOfTime', message: 'It was ended.' };
    const ended: RunUserCode = ({ save }) => {
      late = save({ cursor: 1, batches: [['a']] }).catch((thrown: unknown) => thrown);
      return Promise.resolve({ outcome: 'out of time', error, checkpoints: 0 });
    };
    expect((await thrownBy(run(ended))).code).toBe('MigrationFailed');
    gate.resolve(undefined);
    expect(await late).toMatchObject({ code: 'FencedOut' });
    expect(await readCheckpoint(world.store.inner, '0004')).toBeUndefined();
  });

  it('is told with the cursor that its checkpoint has', async () => {
    await run(plans([['a']]));
    expect(world.logs[0]).toMatchObject({ level: 'info', fields: { cursor: 1 } });
    expect(world.logs[0]?.message).toMatch(/^Checkpoint 1: /);
  });
});
