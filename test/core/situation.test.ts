import { beforeEach, describe, expect, it } from 'vitest';
import type { Decision } from '../../core/names/names.ts';
import { keys } from '../../core/ledger/keys.ts';
import { Ledger } from '../../core/ledger/ledger.ts';
import { readSituation } from '../../core/decision/situation.ts';
import { createClock } from '../support/clock.ts';
import { HookedStore, once } from '../support/hooked-store.ts';
import { thrownBy } from '../support/thrown.ts';

const MANIFEST = ['0001', '0002', '0003'];
const [ME, OTHER, THIRD] = ['arn:me', 'arn:other', 'arn:third'];

let store: HookedStore;
let ledger: Ledger;
let clock: ReturnType<typeof createClock>;
let alive: Set<string>;
let asked: string[];

beforeEach(() => {
  store = new HookedStore();
  ledger = new Ledger(store);
  clock = createClock();
  alive = new Set([ME]);
  asked = [];
});

const writer = () => ({ requestId: 'r', now: clock.now });
const claim = (
  migration: string,
  attempt: number,
  execution: string,
  deadline = '2026-03-01T12:16:00.000Z',
  slice = 1,
) =>
  ledger.createClaim({ migration, attempt, execution }, writer(), { slice, nonce: `${execution}/${slice}`, deadline });
const finish = (migration: string, attempt: number, outcome: 'succeeded' | 'failed') =>
  ledger.createFinished({ migration, attempt, execution: ME }, writer(), { outcome, durationMs: 1, slices: 1 });
const decide = (migration: string, attempt: number, halt: number, decision: Decision) =>
  ledger.createDecision({ migration, attempt, execution: ME }, writer(), { halt, decision, by: 'her' });
const complete = (migration: string) =>
  ledger.createCompletion({ migration, attempt: 1, execution: ME }, writer(), { completion: 'applied' });
const openHalt = (migration: string, attempt: number, halt: number, ...executions: string[]) =>
  ledger.updateHalt({ migration, attempt, execution: ME }, writer(), () => ({
    halt,
    outcome: 'failed',
    waiting: executions.map((execution) => ({ execution, token: 't', since: clock.iso(), allowOutOfOrder: false })),
  }));

const read = (allowOutOfOrder = false) =>
  readSituation(ledger, MANIFEST, allowOutOfOrder, {
    execution: ME,
    isAlive: (execution) => {
      asked.push(execution);
      return Promise.resolve(alive.has(execution));
    },
    now: clock.now,
  });
const last = async () => (await read()).last;

describe('readSituation', () => {
  it('of an empty ledger: nothing completed, nothing attempted, no last attempt', async () => {
    expect(await read(true)).toEqual({
      manifest: MANIFEST,
      completed: new Set(),
      attempted: new Set(),
      unfinishedElsewhere: [],
      allowOutOfOrder: true,
      now: clock.now(),
    });
  });

  it('tells completed and attempted apart, whether or not the manifest has them', async () => {
    for (const id of ['0001', '0009']) await complete(id);
    for (const id of ['0001', '0003', '0008']) {
      await claim(id, 1, ME);
      await finish(id, 1, 'failed');
    }
    const { completed, attempted } = await read();
    expect(completed).toEqual(new Set(['0001', '0009']));
    expect(attempted).toEqual(new Set(['0003', '0008']));
  });

  it('has no last attempt when everything is completed, whatever was attempted', async () => {
    for (const id of MANIFEST) {
      await claim(id, 1, ME);
      await complete(id);
    }
    expect(await last()).toBeUndefined();
  });

  describe('the last attempt of the first pending migration', () => {
    it('is the highest one, with the owner, the time and the deadline of its latest slice', async () => {
      await claim('0001', 1, OTHER);
      await finish('0001', 1, 'failed');
      await decide('0001', 1, 1, 'retry');
      await claim('0001', 2, ME);
      clock.advance(1_000);
      await claim('0001', 2, OTHER, '2026-03-01T12:40:00.000Z', 2);
      alive.add(OTHER);
      expect(await last()).toEqual({
        attempt: 2,
        claim: { owner: 'alive', at: clock.now(), deadline: Date.parse('2026-03-01T12:40:00.000Z') },
      });
    });

    it.each([
      ['this', ME],
      ['alive', THIRD],
      ['dead', OTHER],
    ])('has an owner that is %s', async (owner, execution) => {
      alive.add(THIRD);
      await claim('0001', 1, execution);
      expect((await last())?.claim?.owner).toBe(owner);
    });

    it('does not ask Step Functions whether the asking execution is alive', async () => {
      await claim('0001', 1, ME);
      await openHalt('0001', 1, 1, ME);
      await read();
      expect(asked).toEqual([]);
    });

    it.each(['succeeded', 'failed'] as const)('has the outcome %s', async (outcome) => {
      await claim('0001', 1, ME);
      await finish('0001', 1, outcome);
      expect((await last())?.outcome).toBe(outcome);
    });

    it('has the latest decision', async () => {
      await claim('0001', 1, ME);
      await decide('0001', 1, 1, 'abort');
      expect((await last())?.decision).toBe('abort');
      await decide('0001', 1, 2, 'skip');
      expect((await last())?.decision).toBe('skip');
    });

    it('may be known by a decision alone, when its code never started', async () => {
      await decide('0001', 1, 1, 'retry');
      expect(await last()).toEqual({ attempt: 1, decision: 'retry' });
    });

    it('is not known by an open halt alone: nothing was attempted yet', async () => {
      await openHalt('0001', 1, 1, OTHER);
      alive.add(OTHER);
      expect(await last()).toBeUndefined();
    });
  });

  describe('an attempt whose latest slice stopped at a checkpoint', () => {
    const checkpoint = async (slice: number, stopped = true, attempt = 1) => {
      const subject = { migration: '0001', attempt, execution: ME };
      const last = await ledger.moveCheckpoint(subject, writer(), await ledger.checkpoint('0001'), {
        slice,
        cursor: slice,
      });
      if (stopped) await ledger.stopAtCheckpoint(subject, writer(), last);
    };
    beforeEach(() => claim('0001', 1, OTHER));

    it('is seen as such, with that slice and the time at which it stopped', async () => {
      await checkpoint(1);
      expect((await last())?.stopped).toEqual({ slice: 1, at: clock.now() });
      await claim('0001', 1, OTHER, '2026-03-01T12:40:00.000Z', 2);
      clock.advance(5_000);
      await checkpoint(2);
      expect((await last())?.stopped).toEqual({ slice: 2, at: clock.now() });
    });

    it.each<[string, () => Promise<unknown>]>([
      ['it made no checkpoint', () => Promise.resolve()],
      ['it has not stopped at its last one', () => checkpoint(1, false)],
      ['a later slice was claimed since', async () => (await checkpoint(1), await claim('0001', 1, ME, undefined, 2))],
      ['the checkpoint is of another attempt', () => checkpoint(1, true, 2)],
      ['it has an outcome', async () => (await checkpoint(1), await finish('0001', 1, 'failed'))],
      ['somebody decided on it', async () => (await checkpoint(1), await decide('0001', 1, 1, 'abort'))],
      ['its halt is open, whoever waits in it', async () => (await checkpoint(1), await openHalt('0001', 1, 1, THIRD))],
    ])('is not, when %s', async (_, prepare) => {
      await prepare();
      expect((await last())?.attempt).toBe(1);
      expect((await last())?.stopped).toBeUndefined();
    });
  });

  describe('the halt that is open elsewhere', () => {
    beforeEach(async () => {
      await claim('0001', 1, ME);
      await finish('0001', 1, 'failed');
    });

    it('is the first other execution that waits in it and is alive', async () => {
      await openHalt('0001', 1, 1, ME, OTHER, THIRD);
      alive.add(THIRD);
      expect((await last())?.haltOpenIn).toBe(THIRD);
    });

    it.each([
      ['of a dead execution', () => openHalt('0001', 1, 1, OTHER)],
      ['of the asking execution', () => openHalt('0001', 1, 1, ME)],
      ['of another attempt', () => openHalt('0001', 2, 1, THIRD)],
      ['of another migration', () => openHalt('0002', 1, 1, THIRD)],
    ])('is not one %s', async (_, open) => {
      alive.add(THIRD);
      await open();
      expect((await last())?.haltOpenIn).toBeUndefined();
    });

    it('is closed by its decision, and open again after an abort', async () => {
      alive.add(OTHER);
      await openHalt('0001', 1, 1, OTHER);
      await decide('0001', 1, 1, 'abort');
      expect((await last())?.haltOpenIn).toBeUndefined();
      await openHalt('0001', 1, 2, OTHER);
      expect((await last())?.haltOpenIn).toBe(OTHER);
    });
  });

  describe('attempts elsewhere that have no outcome', () => {
    it('are those of other migrations, with the deadline of the latest slice', async () => {
      await claim('0001', 1, ME);
      await claim('0003', 1, ME);
      await finish('0003', 1, 'failed');
      await claim('0003', 2, ME);
      await claim('0008', 1, ME, '2026-03-01T12:50:00.000Z');
      await claim('0008', 1, ME, '2026-03-01T13:10:00.000Z', 2);
      await claim('0009', 1, ME);
      await finish('0009', 1, 'failed');
      await decide('0007', 1, 1, 'retry');
      expect((await read()).unfinishedElsewhere).toEqual([
        { migration: '0003', attempt: 2, deadline: Date.parse('2026-03-01T12:16:00.000Z') },
        { migration: '0008', attempt: 1, deadline: Date.parse('2026-03-01T13:10:00.000Z') },
      ]);
    });

    it('are not those of a completed migration', async () => {
      await claim('0003', 1, ME);
      await complete('0003');
      expect((await read()).unfinishedElsewhere).toEqual([]);
    });
  });

  it('sees a migration that completes while it reads as completed, never as halting', async () => {
    await claim('0001', 1, ME);
    await finish('0001', 1, 'succeeded');
    store.after = once('list', 'attempts/', () => complete('0001'));
    expect(await read()).toMatchObject({ completed: new Set(['0001']), attempted: new Set() });
  });

  it.each([
    keys.started('0001', 1),
    keys.finished('0001', 1),
    keys.decision('0001', 1, 1),
    keys.halt('0001'),
    keys.checkpoint('0001'),
  ])('stops at %s when it cannot be read', async (key) => {
    if (key !== keys.started('0001', 1)) await claim('0001', 1, ME);
    await store.inner.create(key, 'garbage');
    const error = await thrownBy(read());
    expect(error).toMatchObject({ code: 'RecordUnreadable', source: 'system' });
    expect(error.message).toContain(key);
  });
});
