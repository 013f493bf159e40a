// What the mutants are tried against, and what is said of them, is about the code as it is.
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { AREAS } from './areas.ts';
import { EQUIVALENT } from './equivalent.ts';

it.each(AREAS)('$name: each of its globs finds files', ({ files, tests, slow }) => {
  for (const glob of [...files, ...tests, ...slow]) expect([glob, globSync(glob).length > 0]).toEqual([glob, true]);
});

it('the slow tests of an area are among its tests', () => {
  for (const { tests, slow } of AREAS) {
    const all = new Set(globSync([...tests]));
    expect(globSync([...slow]).filter((file) => !all.has(file) && !/\.(fuzz|isolated|many)\./.test(file))).toEqual([]);
  }
});

it.each(EQUIVALENT)('$file: what cannot be noticed there stands there ($code)', ({ file, code, why }) => {
  expect(readFileSync(file, 'utf8').replaceAll(/\s+/g, ' ')).toContain(code);
  expect(why).not.toBe('');
});
