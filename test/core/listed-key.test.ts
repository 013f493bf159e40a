// Keys as S3 encodes them in lists.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asListedKey, isReadAsEmpty, listedKey } from '../../core/text/listed-key.ts';

it('is a form’s: spaces are pluses, and slashes stay', () => {
  for (const [key, listed] of [
    ['a b  c/d/e', 'a+b++c/d/e'],
    ['1+1=2', '1%2B1%3D2'],
    ['ä\n', '%C3%A4%0A'],
    ['', ''],
  ] as const) {
    expect(asListedKey(key)).toBe(listed);
    expect(listedKey(listed)).toBe(key);
  }
});

it('comes back as it was, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (key) => {
      expect(listedKey(asListedKey(key))).toBe(key);
    }),
  );
});

it('is read as empty where it is white space with a line break in it, and nothing else', () => {
  for (const key of ['\n', '\r', ' \n ', '\t\r\n', '\n\n']) expect(isReadAsEmpty(key)).toBe(true);
  for (const key of ['', ' ', '\t', 'a\n', '\na', 'a', 'a b']) expect(isReadAsEmpty(key)).toBe(false);
});
