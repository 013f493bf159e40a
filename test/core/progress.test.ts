// Share, rate and estimate of a checkpoint: whatever a migration counts, and however clocks go.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { percent, progressOf, progressText } from '../../core/views/progress.ts';
import { CheckpointRecord } from '../../core/ledger/checkpoints.ts';

const BEGAN = '2026-03-01T12:00:00.000Z';
const at = (ms: number) => new Date(Date.parse(BEGAN) + ms).toISOString();
const HOUR = 3_600_000;

describe('progressOf', () => {
  it('counts from where the attempt began, and not from nothing', () => {
    expect(progressOf({ done: 150, total: 400, time: at(10_000), began: { time: BEGAN, done: 100 } })).toEqual({
      done: 150,
      total: 400,
      time: at(10_000),
      share: 0.375,
      perSecond: 5,
      remainingMs: 50_000,
    });
  });

  it.each([
    ['nothing', {}, {}],
    ['a note alone', { note: 'a' }, { note: 'a' }],
    ['no total', { done: 5 }, { done: 5 }],
    ['no count', { total: 5 }, { total: 5 }],
    ['a total of nothing', { done: 0, total: 0 }, { done: 0, total: 0 }],
    ['a total below what is done', { done: 12, total: 10 }, { done: 12 }],
    ['everything', { done: 10, total: 10 }, { done: 10, total: 10, share: 1 }],
  ])('of %s says what can be said', (_, counted, expected) => {
    expect(progressOf({ ...counted, time: BEGAN })).toEqual({ ...expected, time: BEGAN });
  });

  it.each([
    ['no time has passed', { time: at(0), done: 5 }],
    ['the clock went back', { time: at(-1), done: 5 }],
    ['nothing was done', { time: at(10), done: 3 }],
    ['it counts anew', { time: at(10), done: 1 }],
  ])('has no rate and no estimate when %s', (_, counted) => {
    const progress = progressOf({ ...counted, total: 10, began: { time: BEGAN, done: 3 } });
    expect(progress.perSecond).toBeUndefined();
    expect(progress.remainingMs).toBeUndefined();
  });

  const count = fc.option(
    fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), fc.constant(Number.MAX_VALUE)),
    { nil: undefined },
  );
  const ms = fc.oneof(fc.integer({ min: -1_000, max: 1_000 }), fc.integer({ min: 0, max: 8_000 * HOUR }));
  const checkpoint = fc.record({ done: count, total: count, began: count, ms }).map(({ done, total, began, ms }) => ({
    done,
    total,
    time: at(ms),
    began: began === undefined ? undefined : { time: BEGAN, done: began },
  }));

  it('is made of finite numbers that are not negative, of anything that a record may hold', () => {
    fc.assert(
      fc.property(checkpoint, (record) => {
        const base = { format: 1, turn: 1, attempt: 1, slice: 1, codeSha256: 'c', sequence: 1, cursor: 1 };
        expect(() => CheckpointRecord.parse({ ...base, ...record })).not.toThrow();
        const { time, note, ...numbers } = progressOf(record);
        expect([time, note]).toEqual([record.time, undefined]);
        for (const value of Object.values(numbers).filter((known) => known !== undefined)) {
          expect(Number.isFinite(value)).toBe(true);
          expect(value).toBeGreaterThanOrEqual(0);
        }
        expect(numbers.share ?? 0).toBeLessThanOrEqual(1);
        expect(numbers.total ?? Infinity).toBeGreaterThanOrEqual(numbers.done ?? 0);
      }),
      { numRuns: 500 },
    );
  });

  it('is told in one line that has no NaN, no Infinity and no minus', () => {
    fc.assert(
      fc.property(checkpoint, (record) => {
        const text = progressText(progressOf(record)).replaceAll(/e[+-]\d+/g, '');
        expect(text).not.toMatch(/NaN|Infinity|undefined|-|\n/);
        expect(text === '').toBe(record.done === undefined);
      }),
    );
  });

  it('at a steady rate estimates what it will take', () => {
    const steady = fc.record({
      perSecond: fc.integer({ min: 1, max: 1_000 }),
      total: fc.integer({ min: 2, max: 1_000 }),
    });
    fc.assert(
      fc.property(steady, fc.double({ min: 0.01, max: 0.99, noNaN: true }), ({ perSecond, total }, part) => {
        const seconds = Math.ceil((part * total) / perSecond);
        const done = seconds * perSecond;
        fc.pre(done <= total);
        const { remainingMs = -1 } = progressOf({
          done,
          total,
          time: at(seconds * 1000),
          began: { time: BEGAN, done: 0 },
        });
        expect(Math.abs(remainingMs - ((total - done) / perSecond) * 1000)).toBeLessThanOrEqual(1.001);
      }),
    );
  });
});

describe('progressText', () => {
  it.each([
    [
      { done: 120, total: 4000, share: 0.03, perSecond: 12.44, remainingMs: 312_000 },
      '120 of 4000 (3 %), 12.4/s, about 6 min left',
    ],
    [{ done: 7 }, '7 done'],
    [{ total: 7 }, ''],
    [{ done: 7, total: 7, share: 1, perSecond: 345.6, remainingMs: 0 }, '7 of 7 (100 %), 346/s'],
    [{ done: 1, perSecond: 0.5 }, '1 done, 30/min'],
    [{ done: 1, perSecond: 0.001 }, '1 done, 3.6/h'],
    [{ done: 1, perSecond: 0.0001 }, '1 done, 8.6/day'],
    [{ done: 1, total: 2, share: 0.5, perSecond: 1, remainingMs: 1_000 }, '1 of 2 (50 %), 1/s, about 1 s left'],
    [{ done: 1, total: 2, share: 0.5, remainingMs: 5 * HOUR + 1 }, '1 of 2 (50 %), about 6 h left'],
    [{ done: 1, total: 2, share: 0.5, remainingMs: 60 * HOUR }, '1 of 2 (50 %), about 3 days left'],
    [{ done: 1, perSecond: 99.96 }, '1 done, 100/s'],
    [{ done: 1, perSecond: 100.4 }, '1 done, 100/s'],
    [{ done: 1, total: 2, share: 0.5, remainingMs: 119_000 }, '1 of 2 (50 %), about 119 s left'],
    [{ done: 1, total: 2, share: 0.5, remainingMs: 120_000 }, '1 of 2 (50 %), about 2 min left'],
  ])('of %j is %j', (progress, text) => {
    expect(progressText({ ...progress, time: BEGAN })).toBe(text);
  });

  it('says 100 % of the whole alone', () => {
    expect([0, 0.999_999, 1].map(percent)).toEqual(['0 %', '99 %', '100 %']);
  });
});
