import { expect, it } from 'vitest';
import { withoutMark } from '../../core/text/mark.ts';

it('a text begins behind the mark that an editor has put before it, and is left as it is in every other place', () => {
  expect(withoutMark('\uFEFF{}')).toBe('{}');
  expect(withoutMark('\uFEFF\uFEFF{}')).toBe('\uFEFF{}');
  expect(withoutMark('{"a":"\uFEFF"}')).toBe('{"a":"\uFEFF"}');
  expect(withoutMark('{}')).toBe('{}');
});
