// What is compiled once: taken again when nothing has changed, and compiled again when anything has.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEPLOYED } from '../../project/compile.ts';
import { compileOnce } from '../../project/kept.ts';
import { temporaryFolder } from '../../project/temporary.ts';

let directory: string;
const at = (file: string) => path.join(directory, file);
const CACHE = 'node_modules/.cache/odin-migrate';
const KEPT = `${CACHE}/the-part.json`;
const options = (minify = true) => ({ ...DEPLOYED, minify, entryPoints: [{ in: at('one.ts'), out: 'one' }] });
const compiled = (minify?: boolean) =>
  compileOnce('the/part', directory, directory, options(minify)).files.get('one.mjs') ?? '';

/** Keeps another text than was compiled, as only this test does: it shows whether what is kept is taken. */
function mark(): void {
  const [, ...rest] = readFileSync(at(KEPT), 'utf8').split('\n');
  const text = rest.join('\n').replaceAll('first', 'taken');
  writeFileSync(at(KEPT), `${createHash('sha256').update(text).digest('hex')}\n${text}`);
}

beforeEach(async () => {
  directory = temporaryFolder();
  mkdirSync(at('node_modules'));
  writeFileSync(at('one.ts'), `import { word } from './two.ts';\nconsole.log(word);\n`);
  writeFileSync(at('two.ts'), `export const word: string = 'first';\n`);
  await sleep(20); // what changed just now may be changing still, and is not kept
  expect(compiled()).toContain('first');
  mark();
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('compileOnce', () => {
  it('takes what it has kept', () => {
    expect(compiled()).toContain('taken');
    expect(readdirSync(at(CACHE))).toEqual(['the-part.json']);
  });

  it('compiles again when a file has changed that it is made of, of the same size and with the same time too', () => {
    const { mtime, atime } = statSync(at('two.ts'));
    writeFileSync(at('two.ts'), `export const word: string = 'other';\n`);
    utimesSync(at('two.ts'), atime, mtime);
    expect(compiled()).toContain('other');
  });

  it('compiles again when something was installed', () => {
    writeFileSync(at('node_modules/.package-lock.json'), '{}');
    expect(compiled()).toContain('first');
  });

  it('compiles again when it is asked for something else', () => {
    expect(compiled(false)).toContain('first');
  });

  it.each([
    ['half of it is there', (text: string) => text.slice(0, text.length / 2)],
    ['a letter of it is another', (text: string) => text.replace('taken', 'taxen')],
    ['it is empty', () => ''],
  ])('compiles again when %s', (_, damage) => {
    writeFileSync(at(KEPT), damage(readFileSync(at(KEPT), 'utf8')));
    expect(compiled()).toContain('first');
    mark();
    expect(compiled()).toContain('taken');
  });

  it('keeps nothing of a file that may have changed while it was compiled', () => {
    rmSync(at(KEPT));
    const now = vi.spyOn(Date, 'now').mockReturnValue(statSync(at('two.ts')).ctimeMs); // when the compiler began
    expect(compiled()).toContain('first');
    now.mockRestore();
    expect(existsSync(at(KEPT))).toBe(false);
    expect(compiled()).toContain('first');
    expect(existsSync(at(KEPT))).toBe(true);
  });

  it('keeps nothing where it cannot write', () => {
    rmSync(at('node_modules/.cache'), { recursive: true });
    writeFileSync(at('node_modules/.cache'), ''); // no folder
    expect(compiled()).toContain('first');
    rmSync(at('node_modules'), { recursive: true });
    expect(compiled()).toContain('first');
    expect(existsSync(at('node_modules'))).toBe(false);
  });
});
