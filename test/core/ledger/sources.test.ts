// What two files are said to differ in, by their hashes alone. How the hashes are made: test/infra/sources.test.ts.
import { describe, expect, it } from 'vitest';
import { differenceOf, isSameWork, SOURCES_VERSION, Sources } from '../../../core/ledger/sources.ts';

const hash = (letter: string) => letter.repeat(64);
const work = (text: string, files?: string, packages = 'e', version = 2) => ({
  sourceSha256: hash(text),
  sources: files === undefined ? undefined : { version, files: hash(files), packages: hash(packages) },
});

describe('the sources of two migrations', () => {
  it('of one version are compared by what they are of, whatever their own text is', () => {
    expect(differenceOf(work('a', 'f'), work('b', 'f'))).toBeUndefined();
    expect(differenceOf(work('a', 'f'), work('a', 'd'))).toBe('files');
    expect(differenceOf(work('a', 'f', 'e'), work('a', 'f', 'd'))).toBe('packages');
    expect(differenceOf(work('a', 'f', 'e'), work('a', 'c', 'd'))).toBe('files');
  });

  it.each([
    ['of before, on both sides', work('a'), work('a'), work('b')],
    ['of before, then not', work('a'), work('a', 'f'), work('b', 'f')],
    ['not of before, then so', work('a', 'f'), work('a'), work('b')],
    ['of two versions', work('a', 'f', 'e', 3), work('a', 'd'), work('b', 'f')],
  ])('are compared by their own text: %s', (_, ran, same, other) => {
    expect(differenceOf(ran, same)).toBeUndefined();
    expect(differenceOf(ran, other)).toBe('files');
  });

  it('are the same work when both are known, and made of the same files', () => {
    expect(isSameWork(work('a', 'f', 'e'), work('a', 'f', 'd'))).toBe(true);
    expect(isSameWork(work('a', 'f'), work('a', 'd'))).toBe(false);
    for (const [one, other] of [
      [{}, work('a', 'f')],
      [work('a', 'f'), {}],
      [{}, {}],
    ] as const) {
      expect(differenceOf(one, other)).toBeUndefined();
      expect(isSameWork(one, other)).toBe(false);
    }
  });

  it('are hashes, of a version that has such', () => {
    const sources = { version: SOURCES_VERSION, files: hash('f'), packages: hash('e') };
    expect(Sources.parse(sources)).toEqual(sources);
    for (const wrong of [
      { version: 1 },
      { version: '2' },
      { files: 'f' },
      { packages: `${hash('e')}0` },
      { files: undefined },
    ]) {
      expect(Sources.safeParse({ ...sources, ...wrong }).success).toBe(false);
    }
  });
});
