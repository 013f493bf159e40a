// Functions as text: what `check` says of one is what becomes of it when it is compiled as for Lambda, and its text runs elsewhere.
import { buildSync } from 'esbuild';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import ts from 'typescript';
import { afterAll, expect, it } from 'vitest';
import { functionTexts } from '../../cli/check/function-text.ts';
import { DEPLOYED } from '../../project/compile.ts';
import { temporaryFolder } from '../local/support.ts';

const folder = temporaryFolder();
afterAll(() => {
  folder.remove();
});

let files = 0;
/** The libraries are read once. */
let before: ts.Program | undefined;
/** What is said of a file. */
function said(text: string): string[] {
  const file = path.join(folder.path, `${(files += 1)}.ts`);
  writeFileSync(file, text);
  const options = { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.NodeNext, strict: true, types: [] };
  const program = ts.createProgram([file], options, undefined, before);
  before = program;
  const source = program.getSourceFile(file);
  return source ? functionTexts(program.getTypeChecker(), source).map(({ line, column }) => `${line}:${column}`) : [];
}

const compiled = async (text: string): Promise<{ f: () => unknown }> => {
  const file = path.join(folder.path, `${(files += 1)}.mjs`);
  buildSync({ ...DEPLOYED, stdin: { contents: text, loader: 'ts' }, outfile: file, bundle: true });
  return (await import(pathToFileURL(file).href)) as { f: () => unknown };
};

it.each<[string, string, boolean]>([
  ['has none of its own', 'const f = () => [1].map((n) => n * 1)[0];', false],
  ['is a declaration', 'function f() { return 1; }', false],
  ['has methods', 'const f = () => ({ m() { return 1; } }).m();', false],
  ['has one in a constant', 'const f = () => { const g = () => 1; return g(); };', true],
  ['has one in a property', 'const f = () => ({ p: () => 1 }).p();', true],
  ['has a declaration', 'const f = () => { function g() { return 1; } return g(); };', true],
  ['has one with a name', 'const f = () => [1].map(function g(n) { return n; })[0];', true],
  ['has one by default', 'const f = (g = () => 1) => g();', false],
  [
    'has one in a pattern',
    'const f = () => { const { g = () => 1 } = {} as { g?: () => number }; return g(); };',
    true,
  ],
  ['has one that is assigned', 'const f = () => { let g: () => number; g = () => 1; return g(); };', true],
  ['has a class', 'const f = () => { class G { n = 1 } return new G().n; };', true],
  ['has what is disposed of', 'const f = () => { using g = { n: 1, [Symbol.dispose]() {} }; return g.n; };', true],
  ['is a constant of another', 'const g = () => { const one = () => 1; return one(); }; const f = g;', true],
])('one that %s', async (_, text, changed) => {
  const { f } = await compiled(`${text}\nexport { f };`);
  expect(f()).toBe(1);
  const elsewhere = () => vm.runInNewContext(`(${f.toString()})()`) as unknown;
  if (changed) expect(elsewhere).toThrow(/is not defined/);
  else expect(elsewhere()).toBe(1);
  expect(said(`${text}\nf.toString();`)).toEqual(changed ? ['2:1'] : []);
});

const G = 'const f = () => { const g = () => 1; return g(); };\n';
it.each([
  ['f.toString();', ['2:1']],
  ['String(f);', ['2:8']],
  ['`(${f})()`;', ['2:5']],
  ["let text = 'var f = '; text += f;", ['2:32']],
  ["'var f = ' + f;", ['2:14']],
  ['Function.prototype.toString.call(f);', ['2:34']],
  ['const run = (script: () => void) => script.toString();', ['2:37']],
  ['f().toString(); String(f()); `${f()}`; 1 + f(); [f].map((each) => each());', []],
  ['const sql = (texts: TemplateStringsArray, ...values: unknown[]) => 1; sql`${f}`;', []],
])('%s', (text, places) => {
  expect(said(G + text)).toEqual(places);
});

it('what a library sends elsewhere as text, and what it calls here', () => {
  const browser = path.join(folder.path, 'node_modules/browser');
  mkdirSync(browser, { recursive: true });
  writeFileSync(
    path.join(browser, 'index.d.ts'),
    'export const page: { evaluate<T>(f: () => T): Promise<T>; close(f: () => void): void };\n',
  );
  writeFileSync(path.join(browser, 'package.json'), '{"name":"browser","version":"1.0.0","types":"index.d.ts"}');
  const text = `${G}import { page } from 'browser';
const own = { evaluate: (each: () => number) => each() };
void page.evaluate(f);
void page.evaluate(() => 1);
page.close(f);
own.evaluate(f);
`;
  expect(said(text)).toEqual(['4:20']);
});
