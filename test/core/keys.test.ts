import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kind } from '../../core/ledger/keys.ts';
import {
  batchesPrefix,
  batchKey,
  checkpointKey,
  CHECKPOINTS_PREFIX,
  claimKey,
  COMPLETED_PREFIX,
  completedKey,
  entryKey,
  entryNumberOf,
  failuresKey,
  KINDS,
  LOG_PREFIX,
  outcomeKey,
  partsOf,
  STATE_KEY,
  waiterKey,
  WAITERS_PREFIX,
  waitersPrefix,
} from '../../core/ledger/keys.ts';
import { APPENDED_BY } from '../../core/ledger/entries.ts';

const migration = fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(4, '0'));
const number = fc.integer({ min: 1, max: 99_999_999 });

it('the keys are the ones of docs/records.md', () => {
  expect(entryKey(42)).toBe('log/00000042.json');
  expect(claimKey({ migration: '0004', number: 42 })).toBe('turns/0004/00000042/claim.json');
  expect(outcomeKey({ migration: '0004', number: 42 })).toBe('turns/0004/00000042/outcome.json');
  expect(checkpointKey('0004')).toBe('checkpoints/0004.json');
  expect(waiterKey(45, 'a1b2')).toBe('waiters/00000045/a1b2.json');
  expect(completedKey('0004')).toBe('completed/0004.json');
  expect(STATE_KEY).toBe('state.json');
  const turn = { migration: '0004', number: 42 };
  expect(batchesPrefix(turn)).toBe('turns/0004/00000042/batches/');
  for (const what of ['items', 'claim', 'outcome', 'failed', 'later'] as const) {
    expect(batchKey(turn, 17, what)).toBe(`turns/0004/00000042/batches/000017-${what}.json`);
  }
  expect(failuresKey(turn)).toBe('turns/0004/00000042/failures.jsonl');
  expect([LOG_PREFIX, COMPLETED_PREFIX, CHECKPOINTS_PREFIX, WAITERS_PREFIX]).toEqual([
    ...['log/', 'completed/', 'checkpoints/', 'waiters/'],
  ]);
});

it('a key gives its parts back, and is of one kind', () => {
  const turn = { migration: '0004', number: 42 };
  const nothing = { migration: undefined, number: undefined, id: undefined };
  expect(partsOf('entry', entryKey(42))).toEqual({ ...nothing, number: 42 });
  expect(partsOf('claim', claimKey(turn))).toEqual({ ...nothing, ...turn });
  expect(partsOf('batch', batchKey(turn, 17, 'items'))).toEqual({ ...turn, id: '000017-items' });
  expect(partsOf('failures', failuresKey(turn))).toEqual({ ...nothing, ...turn });
  expect(partsOf('checkpoint', checkpointKey('0004'))).toEqual({ ...nothing, migration: '0004' });
  expect(partsOf('waiter', waiterKey(45, 'a1b2'))).toEqual({ ...nothing, number: 45, id: 'a1b2' });
  expect(partsOf('state', STATE_KEY)).toEqual(nothing);
  expect(partsOf('outcome', claimKey(turn))).toBeUndefined();
  expect(partsOf('state', 'stateXjson')).toBeUndefined();
  expect(partsOf('waiter', 'waiters/00000045/a/b.json')).toBeUndefined();
});

describe('the key of an entry', () => {
  it('gives its number back, and is listed in the order of the numbers', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(entryNumberOf(entryKey(a))).toBe(a);
        expect(entryKey(a).startsWith(LOG_PREFIX)).toBe(true);
        expect(entryKey(a) < entryKey(b)).toBe(a < b);
      }),
    );
  });

  it.each([
    'log/',
    'log/1.json',
    'log/000000042.json',
    'log/0000004x.json',
    'log/00000042.JSON',
    'log/00000042.json.bak',
    'log/00000042.json/more',
    'log/00000042.json\n',
    ' log/00000042.json',
    'x/log/00000042.json',
    'log/٠٠٠٠٠٠٤٢.json',
    'turns/0004/00000042/claim.json',
    '',
  ])('is not %j', (key) => {
    expect(entryNumberOf(key)).toBeUndefined();
  });
});

describe('the keys of a halt’s waiters', () => {
  it('are listed by the prefix of that halt, and of no other', () => {
    fc.assert(
      fc.property(number, number, fc.stringMatching(/^[0-9a-f]{32}$/), (halt, other, id) => {
        expect(waiterKey(halt, id).startsWith(waitersPrefix(halt))).toBe(true);
        expect(waiterKey(halt, id).startsWith(waitersPrefix(other))).toBe(halt === other);
      }),
    );
    expect(waitersPrefix(45)).toBe('waiters/00000045/');
  });
});

describe('the declaration of the keys', () => {
  const kinds: [string, Kind][] = Object.entries(KINDS);

  it('has one kind for each key: what is of one kind is of no other', () => {
    const key = fc.oneof(
      number.map((n) => ['entry', entryKey(n)]),
      fc.record({ migration, number }).map((turn) => ['claim', claimKey(turn)]),
      fc.record({ migration, number }).map((turn) => ['outcome', outcomeKey(turn)]),
      migration.map((id) => ['checkpoint', checkpointKey(id)]),
      fc.tuple(number, fc.stringMatching(/^[0-9a-f]{32}$/)).map(([halt, id]) => ['waiter', waiterKey(halt, id)]),
      migration.map((id) => ['completed', completedKey(id)]),
      fc.constant(['state', STATE_KEY]),
    );
    fc.assert(
      fc.property(key, ([kind, text = '']) => {
        expect(kinds.filter(([, { pattern }]) => patternOf(pattern).test(text)).map(([name]) => name)).toEqual([kind]);
      }),
    );
  });

  it('lets a migration write only what its digits stand in, and nothing that it does not read', () => {
    for (const [name, { pattern, writers, readers }] of kinds.filter(([, kind]) =>
      kind.writers.includes('migration'),
    )) {
      expect(pattern, name).toContain('<migration>');
      for (const writer of writers) expect(readers, name).toContain(writer);
    }
  });

  it('has each function that appends an entry among the writers of entries, and no migration', () => {
    expect([...KINDS.entry.writers].sort()).toEqual([...new Set(Object.values(APPENDED_BY).flat())].sort());
    expect(KINDS.entry.writers).not.toContain('migration');
  });

  it('keeps the task tokens, and nothing else, for those who tell or count the waiters', () => {
    expect(kinds.filter(([, { secret }]) => secret).map(([name]) => name)).toEqual(['waiter']);
    for (const other of ['migration', 'dashboard', 'list-pending', 'baseline', 'start-run'] as const) {
      expect(KINDS.waiter.readers as readonly string[]).not.toContain(other);
    }
  });

  it('says of each kind who writes and who reads it', () => {
    const system = [
      ...['list-pending', 'record-completion', 'halt', 'resume', 'baseline', 'dashboard', 'watch-halts', 'start-run'],
      'check-removals',
    ];
    const all = [...system, 'migration'];
    const both = ['migration', 'list-pending'];
    const said = kinds.map(([name, { writers, readers, written, secret }]) => [
      name,
      writers,
      readers,
      written,
      secret,
    ]);
    expect(said).toEqual([
      ['entry', ['list-pending', 'halt', 'resume', 'record-completion', 'baseline'], all, 'once', undefined],
      ['claim', both, all, 'once', undefined],
      ['outcome', both, all, 'once', undefined],
      ['batch', both, all, 'once', undefined],
      ['failures', ['list-pending'], system, 'once', undefined],
      ['checkpoint', ['migration'], all, 'again', undefined],
      ['waiter', ['halt'], ['halt', 'resume', 'watch-halts', 'record-completion'], 'once', true],
      ['completed', ['record-completion', 'baseline', 'list-pending'], system, 'once', undefined],
      ['state', ['list-pending'], system, 'again', undefined],
    ]);
  });

  it('replaces the checkpoint and the kept state, and nothing else', () => {
    expect(kinds.filter(([, { written }]) => written === 'again').map(([, { pattern }]) => pattern)).toEqual([
      'checkpoints/<migration>.json',
      'state.json',
    ]);
    expect(completedKey('0004').startsWith(COMPLETED_PREFIX)).toBe(true);
  });
});

const patternOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replaceAll('.', '\\.')
      .replace('<migration>', '\\d{4}')
      .replace('<number>', '\\d{8}')
      .replace('<id>', '[^/]+')}$`,
  );
