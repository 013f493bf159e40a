import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { keys } from '../../core/ledger/keys.ts';
import type { Created } from '../../core/ledger/ledger.ts';
import { Ledger } from '../../core/ledger/ledger.ts';
import type { CheckpointRecord } from '../../core/ledger/records.ts';
import { createClock } from '../support/clock.ts';
import { HookedStore, unavailable } from '../support/hooked-store.ts';
import { thrownBy } from '../support/thrown.ts';

const HASH = 'a'.repeat(64);
const DEADLINE = '2026-03-01T12:16:00.000Z';
const SUBJECT = { migration: '0004', attempt: 1, execution: 'arn:one' };
const FULL_SUBJECT = { ...SUBJECT, sourceSha256: HASH, codeSha256: HASH, gitCommit: 'abc123-dirty' };
const TEXT = 'ä "日本語" \u{1F9A5}\n\u0000';

let store: HookedStore;
let ledger: Ledger;
let clock: ReturnType<typeof createClock>;
const writer = (requestId = 'request-1') => ({ requestId, now: clock.now });

beforeEach(() => {
  store = new HookedStore();
  ledger = new Ledger(store);
  clock = createClock();
});

const claim = (nonce = 'n', slice = 1) => ({ slice, nonce, deadline: DEADLINE });
const waiting = (execution: string) => ({ execution, token: 't', since: clock.iso(), allowOutOfOrder: false });
const checkpoint = (cursor: CheckpointRecord['cursor'], slice = 1) => ({ slice, cursor });
const bodyOf = async (key: string) => (await store.inner.get(key))?.body ?? '';
/** Puts text at a key, past the ledger. */
async function plant(key: string, body: string): Promise<void> {
  const there = await store.inner.get(key);
  await store.inner.replace(key, body, there?.etag);
}

/** One record of each kind: how it is written in full, how it is read, and where it lies. */
const RECORDS: [string, { key: string; write: () => Promise<unknown>; read: () => Promise<unknown> }][] = [
  [
    'the claim of an attempt',
    {
      key: 'attempts/0004/0001/started.json',
      write: () => ledger.createClaim(FULL_SUBJECT, writer(), claim()),
      read: () => ledger.claim('0004', 1, 1),
    },
  ],
  [
    'the claim of a later slice',
    {
      key: 'attempts/0004/0001/slices/0002.json',
      write: () => ledger.createClaim(FULL_SUBJECT, writer(), claim('n', 2)),
      read: () => ledger.claim('0004', 1, 2),
    },
  ],
  [
    'an outcome',
    {
      key: 'attempts/0004/0001/finished.json',
      write: () =>
        ledger.createFinished(FULL_SUBJECT, writer(), {
          outcome: 'failed',
          error: { name: 'E', message: TEXT, stack: TEXT },
          durationMs: 0,
          slices: 3,
        }),
      read: () => ledger.finished('0004', 1),
    },
  ],
  [
    'a decision',
    {
      key: 'attempts/0004/0001/decisions/02.json',
      write: () =>
        ledger.createDecision(FULL_SUBJECT, writer(), { halt: 2, decision: 'skip', reason: TEXT, by: 'arn:her' }),
      read: () => ledger.decision('0004', 1, 2),
    },
  ],
  [
    'a cancellation',
    {
      key: 'attempts/0004/0001/cancelled.json',
      write: () => ledger.createCancellation(FULL_SUBJECT, writer(), { reason: TEXT, by: 'arn:her' }),
      read: () => ledger.cancellation('0004', 1),
    },
  ],
  [
    'a completion',
    {
      key: 'completed/0004.json',
      write: () =>
        ledger.createCompletion(FULL_SUBJECT, writer(), {
          completion: 'marked-applied',
          reason: TEXT,
          by: 'arn:her',
          startedAt: DEADLINE,
          finishedAt: DEADLINE,
        }),
      read: () => ledger.completion('0004'),
    },
  ],
  [
    'a checkpoint',
    {
      key: 'checkpoints/0004.json',
      write: () =>
        ledger.moveCheckpoint(FULL_SUBJECT, writer(), undefined, {
          slice: 1,
          cursor: { key: TEXT, list: [1, null, true] },
          done: 1,
          total: 2.5,
          note: TEXT,
        }),
      read: () => ledger.checkpoint('0004'),
    },
  ],
  [
    'a halt',
    {
      key: 'halts/0004.json',
      write: () =>
        ledger.updateHalt(FULL_SUBJECT, writer(), () => ({
          halt: 1,
          outcome: 'unknown',
          error: { name: 'E', message: TEXT },
          waiting: [waiting('arn:one'), { ...waiting('arn:two'), allowOutOfOrder: true }],
        })),
      read: () => ledger.halt('0004'),
    },
  ],
];

describe.each(RECORDS)('%s', (name, { key, write, read }) => {
  const record = async () => JSON.parse(await bodyOf(key)) as Record<string, unknown>;

  it('is read as it was written, and says who wrote it, when, and of what', async () => {
    expect(await read()).toBeUndefined();
    const written = await write();
    const found = await read();
    expect(found).toEqual('record' in (written as object) ? (written as Created<unknown>).record : written);
    expect(found).toMatchObject({
      formatVersion: 1,
      migration: '0004',
      attempt: 1,
      execution: 'arn:one',
      time: '2026-03-01T12:00:00.000Z',
      requestId: 'request-1',
      sourceSha256: HASH,
      codeSha256: HASH,
      gitCommit: 'abc123-dirty',
    });
  });

  it(`lies at ${key} as indented JSON with a line end, and nothing else is written`, async () => {
    await write();
    expect(store.writes().map((text) => text.split(' ')[1])).toEqual([key]);
    const body = await bodyOf(key);
    expect(body).toBe(`${JSON.stringify(JSON.parse(body), undefined, 2)}\n`);
    expect(body).toContain('\n  "formatVersion": 1,\n');
  });

  /** Whatever stands at the key, nobody takes it as absent, as theirs, or as something to write over. */
  async function expectUnreadable(body: string): Promise<void> {
    await plant(key, body);
    for (const use of [read, write]) {
      const error = await thrownBy(use());
      expect(error).toMatchObject({ code: 'RecordUnreadable', source: 'system' });
      expect(error.message).toContain(key);
      expect(error.why).toContain('Nothing is taken as "not applied"');
    }
    expect(await bodyOf(key)).toBe(body);
  }

  it.each(['', '{', 'garbage', '{"formatVersion":1', '\u0000'])('is unreadable when it is not JSON: %j', (body) =>
    expectUnreadable(body),
  );

  it.each(['null', '[]', '7', '"text"', '{}', '{"formatVersion":2}', '{"formatVersion":"1"}'])(
    'is unreadable without the known format version: %j',
    (body) => expectUnreadable(body),
  );

  it('of a newer format is unreadable, and the error says which was expected and which was found', async () => {
    await write();
    await plant(key, JSON.stringify({ ...(await record()), formatVersion: 2 }));
    expect((await thrownBy(read())).message).toContain('expected format version 1, found 2');
  });

  it('is unreadable when any field that it must have is missing, is null, or has another type', async () => {
    await write();
    const good = await record();
    const optional = ['sourceSha256', 'codeSha256', 'gitCommit', 'reason', 'error', 'done', 'total', 'note'];
    if (name === 'a completion') optional.push('by', 'startedAt', 'finishedAt');
    for (const [field, value] of Object.entries(good)) {
      if (field === 'cursor') continue; // any JSON, null too
      const rest = Object.fromEntries(Object.entries(good).filter(([other]) => other !== field));
      if (!optional.includes(field)) await expectUnreadable(JSON.stringify(rest));
      await expectUnreadable(JSON.stringify({ ...rest, [field]: null }));
      await expectUnreadable(JSON.stringify({ ...rest, [field]: typeof value === 'object' ? 'text' : [value] }));
    }
  });

  it.each([
    ['migration', '00004'],
    ['attempt', -1],
    ['attempt', 1.5],
    ['execution', ''],
    ['time', 'yesterday'],
    ['requestId', ''],
    ['sourceSha256', 'A'.repeat(64)],
  ])('is unreadable when its %s is %j', async (field, value) => {
    await write();
    await expectUnreadable(JSON.stringify({ ...(await record()), [field]: value }));
  });

  it('of another migration under this key is unreadable', async () => {
    await write();
    const other = JSON.stringify({ ...(await record()), migration: '0005' });
    await plant(key, other);
    const error = await thrownBy(read());
    expect(error.code).toBe('RecordUnreadable');
    expect(error.message).toContain(key);
    expect(error.message).toContain('expected migration 0004, found 0005');
    expect(await bodyOf(key)).toBe(other);
  });

  it('may have fields that this version does not know', async () => {
    await write();
    const found = await read();
    await plant(key, JSON.stringify({ ...(await record()), added: 'by a later release' }));
    expect(await read()).toEqual(found);
  });

  it('fails to be read when the store does not answer', async () => {
    store.before = () => {
      throw unavailable();
    };
    expect((await thrownBy(read())).code).toBe('LedgerUnavailable');
    expect((await thrownBy(write())).code).toBe('LedgerUnavailable');
  });
});

describe('a record of another attempt, slice or halt under a key', () => {
  it.each([
    ['attempt', keys.started('0004', 1), () => ledger.claim('0004', 1, 1)],
    ['slice', keys.slice('0004', 1, 2), () => ledger.claim('0004', 1, 2)],
    ['attempt', keys.finished('0004', 1), () => ledger.finished('0004', 1)],
    ['attempt', keys.decision('0004', 1, 1), () => ledger.decision('0004', 1, 1)],
    ['halt', keys.decision('0004', 1, 1), () => ledger.decision('0004', 1, 1)],
  ])('is unreadable: %s in %s', async (field, key, read) => {
    await ledger.createClaim(SUBJECT, writer(), claim());
    await ledger.createClaim(SUBJECT, writer(), claim('n', 2));
    await ledger.createFinished(SUBJECT, writer(), { outcome: 'succeeded', durationMs: 1, slices: 1 });
    await ledger.createDecision(SUBJECT, writer(), { halt: 1, decision: 'retry', by: 'her' });
    expect(await read()).toBeDefined();
    await plant(key, JSON.stringify({ ...(JSON.parse(await bodyOf(key)) as object), [field]: 7 }));
    expect((await thrownBy(read())).message).toMatch(
      new RegExp(`${key} cannot be read: expected ${field} \\d, found 7`),
    );
  });
});

describe('a foreign key', () => {
  it.each([
    'attempts/',
    'attempts/readme.txt',
    'attempts/0004/',
    'attempts/0004/0001/',
    'attempts/0004/0001/notes.json',
    'attempts/0004/0001/slices/two.json',
    'attempts/0004/1/started.json',
  ])('under attempts/ stops every reader, and is named: %s', async (key) => {
    await ledger.createClaim(SUBJECT, writer(), claim());
    await plant(key, '{}');
    const readers = [() => ledger.attempts(), () => ledger.attempts('0004'), () => ledger.lastAttempt('0004')];
    for (const read of key.startsWith('attempts/0004/') ? readers : readers.slice(0, 1)) {
      const error = await thrownBy(read());
      expect(error.code).toBe('RecordUnreadable');
      expect(error.message).toContain(`record ${key} `);
    }
  });

  it.each(['completed/', 'completed/readme.txt', 'completed/004.json', 'completed/0004.json.bak'])(
    'under completed/ stops the reader, and is named: %s',
    async (key) => {
      await plant(key, '{}');
      const error = await thrownBy(ledger.completedIds());
      expect(error.code).toBe('RecordUnreadable');
      expect(error.message).toContain(`record ${key} `);
    },
  );

  it('under halts/ stops the reader, and is named', async () => {
    await plant('halts/readme.txt', '{}');
    const error = await thrownBy(ledger.halts());
    expect(error.code).toBe('RecordUnreadable');
    expect(error.message).toContain('halts/readme.txt');
  });
});

describe('creating', () => {
  it('happens once: the second writer is told what stands there', async () => {
    const first = await ledger.createClaim(SUBJECT, writer('a'), claim('first'));
    const before = await bodyOf(keys.started('0004', 1));
    const second = await ledger.createClaim(SUBJECT, writer('b'), claim('second'));
    expect(first).toMatchObject({ created: true, record: { nonce: 'first', requestId: 'a' } });
    expect(second).toEqual({ created: false, record: first.record });
    expect(await bodyOf(keys.started('0004', 1))).toBe(before);
  });

  it('is won by one of 50 writers, whom all of them are told', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => ledger.createClaim(SUBJECT, writer(`r${n}`), claim(`n${n}`))),
    );
    const [winner, ...others] = answers.filter(({ created }) => created);
    expect(others).toEqual([]);
    for (const { record } of answers) expect(record).toEqual(winner?.record);
    expect(await ledger.claim('0004', 1, 1)).toEqual(winner?.record);
  });

  it('takes identical bytes as its own: the answer to the first request was lost', async () => {
    const [first, second] = [
      await ledger.createClaim(SUBJECT, writer(), claim('mine')),
      await ledger.createClaim(SUBJECT, writer(), claim('mine')),
    ];
    expect(first).toEqual({ created: true, record: first.record });
    expect(second).toEqual(first);
  });

  it('does not take bytes of another time as its own', async () => {
    await ledger.createClaim(SUBJECT, writer(), claim('mine'));
    clock.advance(1);
    expect((await ledger.createClaim(SUBJECT, writer(), claim('mine'))).created).toBe(false);
  });

  it('refuses a record that its own schema would refuse, before anything is written', async () => {
    await expect(ledger.createClaim({ ...SUBJECT, migration: '4' }, writer(), claim())).rejects.toThrow();
    await expect(ledger.createClaim(SUBJECT, writer(), { ...claim(), deadline: 'soon' })).rejects.toThrow();
    expect(store.calls).toEqual([]);
  });

  it('fails when the record exists for the write and not for the read', async () => {
    store.create = () => Promise.resolve('exists');
    const error = await thrownBy(ledger.createClaim(SUBJECT, writer(), claim()));
    expect(error.code).toBe('RecordUnreadable');
    expect(error.message).toContain(keys.started('0004', 1));
  });
});

describe('attempts', () => {
  const nothing = { finished: false, cancelled: false, halts: 0 };

  it('is empty for an empty ledger', async () => {
    expect(await ledger.attempts()).toEqual(new Map());
    expect(await ledger.lastAttempt('0004')).toBeUndefined();
  });

  it('indexes what each attempt has, by its keys, in numeric order', async () => {
    for (const key of [
      keys.started('0004', 9_999),
      keys.started('0004', 10_000),
      keys.cancelled('0004', 10_000),
      keys.finished('0004', 9_999),
      keys.started('0004', 2),
      keys.slice('0004', 2, 2),
      keys.slice('0004', 2, 10),
      keys.decision('0004', 2, 1),
      keys.decision('0004', 2, 12),
      keys.decision('0010', 1, 1),
    ]) {
      await plant(key, 'not read');
    }
    const of0004 = [
      { ...nothing, attempt: 2, slices: 10, halts: 12 },
      { ...nothing, attempt: 9_999, slices: 1, finished: true },
      { ...nothing, attempt: 10_000, slices: 1, cancelled: true },
    ];
    const of0010 = [{ ...nothing, attempt: 1, slices: 0, halts: 1 }];
    expect(await ledger.attempts()).toEqual(new Map([['0004', of0004], ['0010', of0010]])); // prettier-ignore
    expect(await ledger.attempts('0004')).toEqual(new Map([['0004', of0004]]));
    expect(await ledger.lastAttempt('0004')).toEqual(of0004[2]);
  });
});

describe('completedIds', () => {
  const complete = (migration: string) =>
    ledger.createCompletion({ ...SUBJECT, migration }, writer(), { completion: 'applied' });
  const reads = () => store.calls.filter(({ operation }) => operation === 'get').map(({ key }) => key);

  it('gives the ids, and reads each completion once', async () => {
    for (const id of ['0002', '0001', '0030']) await complete(id);
    expect(await ledger.completedIds()).toEqual(new Set(['0001', '0002', '0030']));
    expect(reads().sort()).toEqual(['0001', '0002', '0030'].map(keys.completed));
    await complete('0031');
    await ledger.completedIds();
    await ledger.completedIds();
    expect(reads().sort()).toEqual(['0001', '0002', '0030', '0031'].map(keys.completed));
  });

  it('reads a completion again when its ETag has changed, and stops when it cannot be read any more', async () => {
    await complete('0001');
    await ledger.completedIds();
    await plant(keys.completed('0001'), 'garbage');
    const error = await thrownBy(ledger.completedIds());
    expect(error.code).toBe('RecordUnreadable');
    expect(error.message).toContain('completed/0001.json');
  });

  it('does not remember a completion that could not be read', async () => {
    await complete('0001');
    const good = await bodyOf(keys.completed('0001'));
    await plant(keys.completed('0001'), 'garbage');
    await thrownBy(ledger.completedIds());
    await thrownBy(ledger.completedIds());
    await plant(keys.completed('0001'), good);
    expect(await ledger.completedIds()).toEqual(new Set(['0001']));
  });

  it('takes a baseline, which had no attempt', async () => {
    await ledger.createCompletion({ ...SUBJECT, attempt: 0 }, writer(), { completion: 'baseline' });
    expect(await ledger.completedIds()).toEqual(new Set(['0004']));
    expect(await ledger.completion('0004')).toMatchObject({ attempt: 0, completion: 'baseline' });
  });

  it('reads at most 16 at a time', async () => {
    for (let n = 1; n <= 100; n += 1) await complete(String(n).padStart(4, '0'));
    let [now, most] = [0, 0];
    store.before = async ({ operation }) => {
      if (operation !== 'get') return;
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
    };
    expect((await ledger.completedIds()).size).toBe(100);
    expect(most).toBe(16);
  });
});

describe('updateHalt', () => {
  const join = (execution: string) =>
    ledger.updateHalt({ ...SUBJECT, execution }, writer(execution), (current) => ({
      halt: 1,
      outcome: 'failed',
      waiting: [...(current?.waiting ?? []), waiting(execution)],
    }));

  it('gives the current record to the change, and none at first', async () => {
    const seen: unknown[] = [];
    const change = (current: unknown) => {
      seen.push(current);
      return { halt: 1, outcome: 'failed' as const, waiting: [waiting('arn:one')] };
    };
    const first = await ledger.updateHalt(SUBJECT, writer(), change);
    await ledger.updateHalt(SUBJECT, writer(), change);
    expect(seen).toEqual([undefined, first]);
  });

  it('loses nobody when eight join at the same time', async () => {
    const executions = Array.from({ length: 8 }, (_, n) => `arn:${n}`);
    await Promise.all(executions.map(join));
    const record = await ledger.halt('0004');
    expect(record?.waiting.map(({ execution }) => execution).sort()).toEqual(executions);
  });

  it('gives up with LedgerUnavailable when others are faster ten times, and changes nothing', async () => {
    await join('arn:first');
    let others = 0;
    store.before = async ({ operation, key }) => {
      if (operation !== 'replace') return;
      others += 1;
      await plant(key, `${(await bodyOf(key)).trimEnd()}${' '.repeat(others)}\n`);
    };
    const error = await thrownBy(join('arn:late'));
    expect(error.code).toBe('LedgerUnavailable');
    expect(error.message).toContain('halts/0004.json');
    expect(others).toBe(10);
    expect((await ledger.halt('0004'))?.waiting.map(({ execution }) => execution)).toEqual(['arn:first']);
  });

  it('lists every halt', async () => {
    await join('arn:one');
    await ledger.updateHalt({ ...SUBJECT, migration: '0002' }, writer(), () => ({
      halt: 3,
      outcome: 'unknown',
      waiting: [waiting('arn:two')],
    }));
    expect((await ledger.halts()).map(({ migration, halt }) => [migration, halt])).toEqual([
      ['0002', 3],
      ['0004', 1],
    ]);
  });
});

describe('moveCheckpoint', () => {
  const move = (
    previous: CheckpointRecord | undefined,
    next: ReturnType<typeof checkpoint>,
    subject: typeof SUBJECT = SUBJECT,
  ) => ledger.moveCheckpoint(subject, writer(), previous, next);

  it('counts the checkpoints of the migration over all its slices and attempts', async () => {
    const first = await move(undefined, checkpoint('a'));
    const second = await move(first, checkpoint('b', 2));
    const third = await move(second, checkpoint('c'), { ...SUBJECT, attempt: 2 });
    expect([first, second, third].map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(await ledger.checkpoint('0004')).toEqual(third);
  });

  it('moves on from what was read back as well as from what was returned, for any cursor', async () => {
    // As JSON gives it back: without -0.
    const cursor = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as CheckpointRecord['cursor']);
    await fc.assert(
      fc.asyncProperty(cursor, cursor, async (a, b) => {
        ledger = new Ledger(new HookedStore());
        const first = await move(undefined, checkpoint(a));
        const second = await move(first, checkpoint(b));
        const third = await move(await ledger.checkpoint('0004'), checkpoint('c'));
        expect([second.sequence, third.sequence]).toEqual([2, 3]);
      }),
      { numRuns: 50, examples: [[JSON.parse('{"__proto__":false}') as CheckpointRecord['cursor'], []]] },
    );
  });

  it.each([
    ['a later attempt', { ...SUBJECT, attempt: 2 }, 1],
    ['a later slice', SUBJECT, 2],
  ])('is fenced out by %s that has moved it since', async (_, newer, slice) => {
    const seen = await move(undefined, checkpoint('a'));
    const theirs = await move(seen, checkpoint('b', slice), newer);
    const error = await thrownBy(move(seen, checkpoint('zombie')));
    expect(error).toMatchObject({ code: 'FencedOut', source: 'system' });
    expect(error.message).toContain('checkpoint of 0004');
    expect(error.message).toContain('attempt 1, slice 1');
    expect(await ledger.checkpoint('0004')).toEqual(theirs);
  });

  it('is fenced out by a first checkpoint that the writer did not see, and by one that is gone', async () => {
    const theirs = await move(undefined, checkpoint('a'));
    expect((await thrownBy(move(undefined, checkpoint('b')))).code).toBe('FencedOut');
    expect(await ledger.checkpoint('0004')).toEqual(theirs);
    ledger = new Ledger(new HookedStore());
    expect((await thrownBy(move(theirs, checkpoint('b')))).code).toBe('FencedOut');
    expect(await ledger.checkpoint('0004')).toBeUndefined();
  });

  it('is won by one of 20 that move it from the same place', async () => {
    const seen = await move(undefined, checkpoint('a'));
    const moves = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => move(seen, checkpoint(n))));
    const won = moves.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    expect(await ledger.checkpoint('0004')).toEqual(won[0]?.value);
    for (const result of moves) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'FencedOut' });
    }
  });

  it('takes its own bytes as success, when the answer to its write was lost', async () => {
    const write = store.replace.bind(store);
    store.replace = async (...args) => {
      await write(...args);
      return 'conflict';
    };
    const first = await move(undefined, checkpoint('a'));
    const second = await move(first, checkpoint('b'));
    expect(await ledger.checkpoint('0004')).toEqual(second);
    const stopped = await ledger.stopAtCheckpoint(SUBJECT, writer(), second);
    expect(await ledger.checkpoint('0004')).toEqual(stopped);
  });

  it('and stopAtCheckpoint says of the same checkpoint that its slice has stopped there', async () => {
    const first = await move(undefined, checkpoint('a'));
    expect(first.stopped).toBe(false);
    const stopped = await ledger.stopAtCheckpoint(SUBJECT, writer(), first);
    expect(stopped).toEqual({ ...first, time: stopped.time, stopped: true });
    const second = await move(stopped, checkpoint('b', 2));
    expect(second).toMatchObject({ sequence: 2, slice: 2, stopped: false });
    expect((await thrownBy(ledger.stopAtCheckpoint(SUBJECT, writer(), first))).code).toBe('FencedOut');
    expect(await ledger.checkpoint('0004')).toEqual(second);
  });
});
