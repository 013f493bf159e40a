import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keys, migrationOfKey, parseAttemptKey, prefixes } from '../../core/ledger/keys.ts';

const migration = fc.integer({ min: 0, max: 9999 }).map((n) => String(n).padStart(4, '0'));
const count = fc.integer({ min: 1, max: 100_000 });

describe('keys under attempts/', () => {
  it('are the ones of docs/design.md §4', () => {
    expect(keys.started('0004', 1)).toBe('attempts/0004/0001/started.json');
    expect(keys.slice('0004', 1, 2)).toBe('attempts/0004/0001/slices/0002.json');
    expect(keys.finished('0004', 12)).toBe('attempts/0004/0012/finished.json');
    expect(keys.cancelled('0004', 1)).toBe('attempts/0004/0001/cancelled.json');
    expect(keys.decision('0004', 1, 2)).toBe('attempts/0004/0001/decisions/02.json');
  });

  it('are taken apart into what they were made of, also past their padding', () => {
    fc.assert(
      fc.property(migration, count, count, (id, attempt, n) => {
        expect(parseAttemptKey(keys.started(id, attempt))).toEqual({ record: 'started', migration: id, attempt });
        expect(parseAttemptKey(keys.finished(id, attempt))).toEqual({ record: 'finished', migration: id, attempt });
        expect(parseAttemptKey(keys.cancelled(id, attempt))).toEqual({ record: 'cancelled', migration: id, attempt });
        // The first slice's claim is started.json.
        expect(parseAttemptKey(keys.slice(id, attempt, n + 1))).toEqual({
          record: 'slice',
          migration: id,
          attempt,
          slice: n + 1,
        });
        expect(parseAttemptKey(keys.decision(id, attempt, n))).toEqual({
          record: 'decision',
          migration: id,
          attempt,
          halt: n,
        });
      }),
    );
  });

  it('differ whenever what they name differs', () => {
    const named = fc.tuple(fc.constantFrom('started', 'finished', 'slice', 'decision'), migration, count, count);
    const keyOf = ([kind, id, attempt, n]: [string, string, number, number]) =>
      kind === 'started'
        ? keys.started(id, attempt)
        : kind === 'finished'
          ? keys.finished(id, attempt)
          : kind === 'slice'
            ? keys.slice(id, attempt, n + 1)
            : keys.decision(id, attempt, n);
    fc.assert(
      fc.property(named, named, (a, b) => {
        const same = JSON.stringify(parseAttemptKey(keyOf(a))) === JSON.stringify(parseAttemptKey(keyOf(b)));
        expect(keyOf(a) === keyOf(b)).toBe(same);
      }),
    );
  });

  it('begin with the prefix that lists the attempts of their migration, and no other migration', () => {
    fc.assert(
      fc.property(migration, migration, count, (id, other, attempt) => {
        expect(keys.slice(id, attempt, 2).startsWith(prefixes.attempts(id))).toBe(true);
        expect(keys.slice(id, attempt, 2).startsWith(prefixes.attempts(other))).toBe(id === other);
      }),
    );
  });

  it.each([
    'attempts/',
    'attempts/0004/',
    'attempts/0004/0001/',
    'attempts/0004/0001/slices/',
    'attempts/004/0001/started.json',
    'attempts/00040/0001/started.json',
    'attempts/0004/1/started.json',
    'attempts/0004/0001/started.json.bak',
    'attempts/0004/0001/started.JSON',
    'attempts/0004/0001/other.json',
    'attempts/0004/0001/slices/started.json',
    'attempts/0004/0001/slices/2.json',
    'attempts/0004/0001/decisions/1.json',
    'attempts/0004/0001/decisions/0x.json',
    'attempts/0004/0001/started.json/more',
    ' attempts/0004/0001/started.json',
    'attempts/0004/0001/started.json\n',
    'x/attempts/0004/0001/started.json',
    'attempts/٠٠٠٤/0001/started.json',
    'completed/0004.json',
    '',
  ])('do not look like %j', (key) => {
    expect(parseAttemptKey(key)).toBeUndefined();
  });

  it('are never guessed from other text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        fc.pre(before !== '' || after !== '');
        expect(parseAttemptKey(`${before}attempts/0004/0001/started.json${after}`)).toBeUndefined();
      }),
    );
  });
});

describe('keys with one object per migration', () => {
  it('are the ones of docs/design.md §4', () => {
    expect(keys.completed('0004')).toBe('completed/0004.json');
    expect(keys.checkpoint('0004')).toBe('checkpoints/0004.json');
    expect(keys.halt('0004')).toBe('halts/0004.json');
  });

  it('give their migration back', () => {
    fc.assert(
      fc.property(migration, (id) => {
        expect(migrationOfKey(keys.completed(id))).toBe(id);
        expect(migrationOfKey(keys.halt(id))).toBe(id);
        expect(keys.completed(id).startsWith(prefixes.completed)).toBe(true);
        expect(keys.halt(id).startsWith(prefixes.halts)).toBe(true);
      }),
    );
  });

  it.each([
    'completed/',
    'completed/004.json',
    'completed/00041.json',
    'completed/0004.txt',
    'completed/a/0004.json',
    'x',
  ])('do not look like %j', (key) => {
    expect(migrationOfKey(key)).toBeUndefined();
  });
});
