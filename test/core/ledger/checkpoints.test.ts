import { beforeEach, describe, expect, it } from 'vitest';
import type { Allowed } from '../../../core/ledger/entries.ts';
import type { Numbered, TurnState } from '../../../core/ledger/fold.ts';
import { fold } from '../../../core/ledger/fold.ts';
import { checkpointBefore, moveCheckpoint, readCheckpoint } from '../../../core/ledger/checkpoints.ts';
import { checkpointKey } from '../../../core/ledger/keys.ts';
import { haltedIn, leaveWaiter, readWaiters, waitingExecutions, waitingInHalts } from '../../../core/ledger/waiters.ts';
import { siblingExecution } from '../../../core/names/names.ts';
import { HookedStore, once } from '../../support/hooked-store.ts';
import { thrownBy } from '../../support/thrown.ts';
import { allowed, allowedAfter, CODE, decided, halted, logOf } from './entries.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const [first, second] = logOf(allowed('0004'), allowedAfter('0004', 1, 2)) as [Numbered<Allowed>, Numbered<Allowed>];
const KEY = checkpointKey('0004');

let store: HookedStore;
beforeEach(() => {
  store = new HookedStore();
});

describe('a checkpoint', () => {
  it('is moved on by one write each, and read again by the next turn', async () => {
    expect(await readCheckpoint(store, '0004')).toBeUndefined();
    const one = await moveCheckpoint(store, first, undefined, { cursor: 'a', done: 1, total: 3 }, NOW);
    const two = await moveCheckpoint(store, first, one, { cursor: { b: [1] } }, NOW + 1_000);
    expect(store.writes()).toEqual([`replace ${KEY}`, `replace ${KEY}`]);
    expect(await readCheckpoint(store, '0004')).toEqual(two);
    expect(two.checkpoint).toMatchObject({
      ...{ turn: 1, attempt: 1, slice: 1, sequence: 2, codeSha256: CODE },
      ...{ cursor: { b: [1] }, time: '2026-03-01T12:00:01.000Z' },
    });
    const three = await moveCheckpoint(store, second, two, { cursor: 'c' }, NOW);
    expect(three.checkpoint).toMatchObject({ turn: 2, slice: 2, sequence: 3 });
  });

  it('with a time is of a format that a version without such does not read', async () => {
    const notBefore = '2026-03-02T12:00:00.000Z';
    const one = await moveCheckpoint(store, first, undefined, { cursor: 'a', notBefore }, NOW);
    expect(one.checkpoint).toMatchObject({ format: 2, notBefore });
    expect(await readCheckpoint(store, '0004')).toEqual(one);
    expect((await moveCheckpoint(store, first, one, { cursor: 'b' }, NOW)).checkpoint.format).toBe(1);
  });

  it('is out of reach of a turn that another one has moved it on from', async () => {
    const one = await moveCheckpoint(store, first, undefined, { cursor: 'a' }, NOW);
    const two = await moveCheckpoint(store, second, one, { cursor: 'b' }, NOW);
    for (const seen of [undefined, one, two]) {
      expect(await thrownBy(moveCheckpoint(store, first, seen, { cursor: 'late' }, NOW))).toMatchObject({
        code: 'FencedOut',
        source: 'system',
        what: 'Another turn of 0004 has begun since that of entry 1, attempt 1, slice 1.',
        why: 'This turn is not the one that counts any more, so it stops without changing anything further.',
      });
    }
    expect(await readCheckpoint(store, '0004')).toEqual(two);
  });

  it('knows its own when only the answer was lost', async () => {
    const { inner } = store;
    store.before = once('replace', KEY, () => {
      const replace = inner.replace.bind(inner);
      inner.replace = async (key, body, etag) => {
        await replace(key, body, etag);
        return replace(key, body, etag);
      };
    });
    const one = await moveCheckpoint(store, first, undefined, { cursor: 'a' }, NOW);
    expect(await readCheckpoint(store, '0004')).toEqual(one);
  });

  it('is out of reach without a write when what the turn has seen is of a later one', async () => {
    const two = await moveCheckpoint(store, second, undefined, { cursor: 'b' }, NOW);
    expect(store.calls).toEqual([{ operation: 'replace', key: KEY }]);
    store.calls.length = 0;
    expect((await thrownBy(moveCheckpoint(store, first, two, { cursor: 'late' }, NOW))).code).toBe('FencedOut');
    expect(store.calls).toEqual([]);
  });

  it('is out of reach when what stands in its way is gone by the time that it is read', async () => {
    store.inner.replace = () => Promise.resolve('conflict');
    const late = moveCheckpoint(store, first, undefined, { cursor: 'a' }, NOW);
    expect((await thrownBy(late)).code).toBe('FencedOut');
  });

  it.each([
    ['no JSON', '{', 'it is not JSON'],
    ['null', 'null', 'checkpoint: Invalid input: expected object, received null'],
    ['of another format', '{"format":3}', 'format: Invalid option: expected one of 1|2'],
    [
      'nested too deeply',
      `{"format":1,"cursor":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      'turn: Invalid input: expected number, received undefined',
    ],
  ])('that cannot be read is an error, and never the start: %s', async (_, body, why) => {
    await store.create(KEY, body);
    expect(await thrownBy(readCheckpoint(store, '0004'))).toMatchObject({
      code: 'RecordUnreadable',
      what: `The ledger's record ${KEY} cannot be read: ${why}.`,
      next: `A retry --from-start does not read it. Look at ${KEY} in the ledger's bucket, and at the versions of that object: an earlier one may be whole.`,
    });
  });

  describe('before an attempt that begins at the start', () => {
    it('is put aside, and its sequence goes on', async () => {
      expect(await checkpointBefore(store, second)).toBeUndefined();
      const one = await moveCheckpoint(store, first, undefined, { cursor: 'a' }, NOW);
      const before = await checkpointBefore(store, second);
      expect(before).toEqual(one);
      expect((await moveCheckpoint(store, second, before, { cursor: 'b' }, NOW)).checkpoint.sequence).toBe(2);
    });

    it.each(['{', 'null', '{"format":2}'])('counts for nothing when it cannot be read: %s', async (body) => {
      await store.create(KEY, body);
      const before = await checkpointBefore(store, second);
      expect(before).toEqual({ etag: (await store.get(KEY))?.etag, checkpoint: undefined });
      expect((await moveCheckpoint(store, second, before, { cursor: 'b' }, NOW)).checkpoint.sequence).toBe(1);
    });

    it('counts for nothing when it says that it is of this turn, or of a later one', async () => {
      const one = await moveCheckpoint(store, second, undefined, { cursor: 'a' }, NOW);
      for (const turn of [first, second]) {
        expect(await checkpointBefore(store, turn)).toEqual({ etag: one.etag, checkpoint: undefined });
      }
    });
  });
});

describe('the waiters of a halt', () => {
  const waiter = (halt: number, execution: string, token: string, seconds = 0) => ({
    ...{ halt, execution, token, run: 'run-1', allowOutOfOrder: false },
    since: new Date(NOW + seconds * 1_000).toISOString(),
  });

  it('are told apart by halt and token, and are there once', async () => {
    await leaveWaiter(store, waiter(45, 'arn:two', 'token-2', 2));
    await leaveWaiter(store, waiter(45, 'arn:one', 'token-1', 1));
    await leaveWaiter(store, waiter(45, 'arn:one', 'token-1', 9));
    await leaveWaiter(store, waiter(46, 'arn:one', 'token-3'));
    const found = await readWaiters(store, 45);
    expect(found.map(({ execution, token }) => `${execution} ${token}`)).toEqual([
      'arn:one token-1',
      'arn:two token-2',
    ]);
    expect(await readWaiters(store, 4)).toEqual([]);
  });

  it('have no token in their keys, and the name of who waits', async () => {
    await leaveWaiter(store, waiter(45, 'arn:one', 'secret'));
    expect(store.writes().join()).toMatch(/^create waiters\/00000045\/[0-9a-f]{32}-one\.json$/);
  });

  it('are known by their keys to those who may not read them', async () => {
    const names = ['one', 'run-2.json', 'Zürich', 'a-b'];
    for (const name of names) await leaveWaiter(store, waiter(45, `arn:states:${name}`, `token of ${name}`));
    await leaveWaiter(store, waiter(45, 'arn:states:one', 'another token')); // of a redrive
    await leaveWaiter(store, waiter(46, 'arn:states:elsewhere', 'token'));
    await store.create('waiters/00000045/notes.json', '{}');
    store.calls.length = 0;
    const found = await waitingExecutions(store, 45, 'arn:states:me');
    expect(found.sort()).toEqual(names.map((name) => `arn:states:${name}`).sort());
    expect(store.calls.map(({ operation }) => operation)).toEqual(['list']);
  });

  it('are known of every halt at once, and foreign keys are none', async () => {
    await leaveWaiter(store, waiter(46, 'arn:states:two', 'token-1'));
    await leaveWaiter(store, waiter(45, 'arn:states:one', 'token-2'));
    await leaveWaiter(store, waiter(45, 'arn:states:two', 'token-3'));
    const digits = '0'.repeat(32);
    for (const key of [
      'notes.json',
      `00000047/${digits}.json`,
      `00000047/x${digits}-a.json`,
      `47/${digits}-a.json`,
      `00000047/${digits}-a\nb.json`,
    ]) {
      await store.create(`waiters/${key}`, '{}');
    }
    const found = [...(await waitingInHalts(store, 'arn:states:me'))];
    expect(found.map(([halt, waiting]) => [halt, waiting.toSorted()])).toEqual([
      [45, ['arn:states:one', 'arn:states:two']],
      [46, ['arn:states:two']],
    ]);
    expect(await waitingExecutions(store, 47, 'arn:states:me')).toEqual([]);
  });

  it('that is open keep others from running while one of them lives, but for the one that asks', async () => {
    const said = [allowed('0004'), halted(1, '0004'), decided(2, 'retry', '0004')];
    const turnAfter = (count: number) => fold(logOf(...said.slice(0, count))).turn as TurnState;
    const own = turnAfter(1).allowed.execution;
    const [one, two] = ['run-1', 'run-2'].map((name) => siblingExecution(own, name)) as [string, string];
    for (const execution of [one, two]) await leaveWaiter(store, waiter(2, execution, `token of ${execution}`));
    const asked: string[] = [];
    const halt = (count: number, alive: string[], besides?: string) =>
      haltedIn(
        store,
        turnAfter(count),
        (execution) => {
          asked.push(execution);
          return Promise.resolve(alive.includes(execution));
        },
        besides,
      );
    for (const count of [1, 3]) expect(await halt(count, [one, two])).toBeUndefined();
    expect(asked).toEqual([]);
    expect(await halt(2, [two])).toBe(two);
    expect(await halt(2, [])).toBeUndefined();
    expect(await halt(2, [one], one)).toBeUndefined();
    expect(await halt(2, [one, two], one)).toBe(two);
  });

  it('are put down as JSON that a person can read', async () => {
    await leaveWaiter(store, waiter(45, 'arn:one', 'token'));
    const [{ key } = { key: '' }] = (await store.list('waiters/')).objects;
    const { body = '' } = (await store.get(key)) ?? {};
    expect(body).toBe(`${JSON.stringify({ format: 1, ...waiter(45, 'arn:one', 'token') }, undefined, 2)}\n`);
  });

  it('are not passed over when one cannot be read, or is gone', async () => {
    const key = 'waiters/00000045/x.json';
    await leaveWaiter(store, waiter(45, 'arn:one', 'token'));
    await store.create(key, '{}');
    const unreadable = {
      code: 'RecordUnreadable',
      what: `The ledger's record ${key} cannot be read: it is no waiter.`,
    };
    expect(await thrownBy(readWaiters(store, 45))).toMatchObject(unreadable);
    const get = store.inner.get.bind(store.inner);
    store.inner.get = (asked) => (asked === key ? Promise.resolve(undefined) : get(asked));
    expect(await thrownBy(readWaiters(store, 45))).toMatchObject(unreadable);
  });
});
