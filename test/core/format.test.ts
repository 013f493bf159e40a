// Numbers, amounts, times and lists of ids as people read them.
import { expect, it } from 'vitest';
import { bytesText, countText, duration, idsText, numberOf, timeText } from '../../core/text/format.ts';

it('writes a time to the second, in UTC', () => {
  expect(timeText('2026-03-01T14:05:06.789+02:00')).toBe('2026-03-01 12:05:06 UTC');
  expect(timeText(Date.parse('2026-03-01T12:05:06Z'))).toBe('2026-03-01 12:05:06 UTC');
});

it('writes numbers with commas, and one as one', () => {
  expect([0, 999, 11_204].map(countText)).toEqual(['0', '999', '11,204']);
  expect([0, 1, 2, 1_000].map((value) => numberOf(value, 'slice'))).toEqual([
    ...['0 slices', '1 slice', '2 slices', '1,000 slices'],
  ]);
  expect([1, 2].map((value) => numberOf(value, 'entry', 'entries'))).toEqual(['1 entry', '2 entries']);
});

it.each([
  [0, '0 B'],
  [1, '1 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [7_200_000, '7.2 MB'],
  [48_100_000_000, '48.1 GB'],
  [2.5e12, '2.5 TB'],
  [3e15, '3.0 PB'],
  [4e18, '4000.0 PB'],
])('%i bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

it.each([
  [0, '0.0 s'],
  [400, '0.4 s'],
  [12_345, '12.3 s'],
  [59_949, '59.9 s'],
  [59_960, '1 min 00 s'],
  [60_000, '1 min 00 s'],
  [245_000, '4 min 05 s'],
  [3_599_999, '59 min 59 s'],
  [3_600_000, '1 h 00 min'],
  [7_620_000, '2 h 07 min'],
  [48 * 3_600_000 - 1, '47 h 59 min'],
  [48 * 3_600_000, '2 d 00 h'],
  [76 * 3_600_000, '3 d 04 h'],
])('%i ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it('names ten ids, and says how many more there are', () => {
  const ids = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1).padStart(4, '0'));
  const ten = '0001, 0002, 0003, 0004, 0005, 0006, 0007, 0008, 0009, 0010';
  expect([idsText([]), idsText(ids(2)), idsText(ids(10))]).toEqual(['', '0001, 0002', ten]);
  expect(idsText(ids(11))).toBe(`${ten} and 1 more, up to 0011`);
  expect(idsText(ids(4_990))).toBe(`${ten} and 4,980 more, up to 4990`);
});
