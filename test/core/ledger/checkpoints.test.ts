import { beforeEach, describe, expect, it } from 'vitest';
import type { Allowed } from '../../../core/ledger/entries.ts';
import type { Numbered } from '../../../core/ledger/fold.ts';
import { moveCheckpoint, readCheckpoint } from '../../../core/ledger/checkpoints.ts';
import { checkpointKey } from '../../../core/ledger/keys.ts';
import { leaveWaiter, readWaiters, waitingExecutions } from '../../../core/ledger/waiters.ts';
import { HookedStore, once } from '../../support/hooked-store.ts';
import { thrownBy } from '../../support/thrown.ts';
import { allowed, allowedAfter, CODE, logOf } from './entries.ts';

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

  it('is out of reach of a turn that another one has moved it on from', async () => {
    const one = await moveCheckpoint(store, first, undefined, { cursor: 'a' }, NOW);
    const two = await moveCheckpoint(store, second, one, { cursor: 'b' }, NOW);
    for (const seen of [undefined, one, two]) {
      expect((await thrownBy(moveCheckpoint(store, first, seen, { cursor: 'late' }, NOW))).code).toBe('FencedOut');
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

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['of another format', '{"format":2}'],
    ['nested too deeply', `{"format":1,"cursor":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
  ])('that cannot be read is an error, and never the start: %s', async (_, body) => {
    await store.create(KEY, body);
    expect((await thrownBy(readCheckpoint(store, '0004'))).code).toBe('RecordUnreadable');
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

  it('are not passed over when one cannot be read', async () => {
    await leaveWaiter(store, waiter(45, 'arn:one', 'token'));
    await store.create('waiters/00000045/x.json', '{}');
    expect((await thrownBy(readWaiters(store, 45))).code).toBe('RecordUnreadable');
  });
});
