// The text of a source: what is no UTF-8 is refused by file and line, and what means nothing changes nothing.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { inspectFiles, isFine } from '../../project/inspect.ts';
import { planEnvironment } from '../../project/plan.ts';
import { discoverEnvironment } from '../../project/discover.ts';
import { significantText, readSource, tokensOf } from '../../project/source-text.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import { thrownBy } from '../support/thrown.ts';

let project: TemporaryProject | undefined;
afterEach(() => {
  project?.remove();
  project = undefined;
});

const TEXT = "export const description = 'Größe 日本';\n// über\nexport async function migration() {}\n";
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le');

const BAD: [name: string, bytes: Buffer, place: RegExp][] = [
  ['Latin-1', latin1("const a = 1;\nconst b = 'Größe';\n"), /:2: .*byte 27 of the file, 0xF6/],
  ['Latin-1 in a comment of a file with other line ends', latin1('// a\r\n\r\n// Größe\r\n'), /:3: .*0xF6/],
  [
    'a character that is cut in two',
    Buffer.concat([Buffer.from('a\nb\n'), Buffer.from('ü').subarray(0, 1)]),
    /:3: .*0xC3/,
  ],
  ['an overlong form', Buffer.from([0x61, 0x0a, 0xc0, 0xaf]), /:2: .*0xC0/],
  ['half of a surrogate pair', Buffer.from([0xed, 0xa0, 0x80]), /:1: .*0xA0/],
  ['UTF-16, little end first', utf16(TEXT), /:1: .*byte order mark of UTF-16/],
  ['UTF-16, big end first', utf16(TEXT).swap16(), /:1: .*byte order mark of UTF-16/],
  ['UTF-16 without a mark', Buffer.from('a\nb', 'utf16le'), /:1: .*zero byte/],
  ['a zero byte further down', Buffer.from('a\nb\nc\0d'), /:3: .*zero byte/],
];

describe('a file that is not UTF-8', () => {
  it.each(BAD)('%s: is refused by file and line', async (_, bytes, place) => {
    project = temporaryProject();
    writeFileSync(path.join(project.directory, 'a.ts'), bytes);
    const error = await thrownBy(() => readSource(project?.directory ?? '', 'a.ts'));
    expect(error).toMatchObject({ code: 'BadMigrationFile', source: 'user' });
    expect(error.what).toMatch(/^a\.ts:\d+: expected UTF-8, and /);
    expect(error.what).toMatch(place);
  });

  it('with a byte order mark, or without, it is fine', () => {
    project = temporaryProject({ 'a.ts': `\uFEFF${TEXT}`, 'b.ts': TEXT, 'c.ts': '' });
    expect(readSource(project.directory, 'a.ts')).toBe(TEXT);
    expect(readSource(project.directory, 'b.ts')).toBe(TEXT);
    expect(readSource(project.directory, 'c.ts')).toBe('');
  });

  const OK = 'export async function migration(): Promise<void> {}\n';
  const importing = (name: string) =>
    `import it from '../shared/${name}';\nexport const description = String(it);\n${OK}`;

  const IMPORTED = ['Latin-1', 'UTF-16, big end first', 'UTF-16 without a mark'];

  /** 0001 is fine; 0002 is, or imports, what is not. */
  it.each(
    BAD.flatMap(([kind, bytes]) => [
      [`${kind}, the file itself`, '0002.ts', bytes, undefined] as const,
      ...(IMPORTED.includes(kind) ? ['helper.ts', 'data.json', 'query.sql'] : []).map(
        (name) => [`${kind}, an imported ${name}`, name, bytes, importing(name)] as const,
      ),
    ]),
  )('%s: neither check nor synth takes it', (_, name, bytes, importer) => {
    project = temporaryProject({
      'migrations/odin-dev/0001.ts': OK,
      'migrations/odin-dev/0002.ts': importer ?? OK,
      'migrations/shared/b.ts': '',
    });
    const { directory, configuration } = project;
    const file = importer === undefined ? `migrations/odin-dev/${name}` : `migrations/shared/${name}`;
    writeFileSync(path.join(directory, file), bytes);
    const { migrations } = discoverEnvironment('odin-dev', directory, configuration);
    const [first, second] = inspectFiles(migrations, undefined, directory);
    expect(first && isFine(first)).toBe(true);
    if (!second || isFine(second)) throw new Error('it was taken');
    expect(second.problem).toMatchObject({ code: 'BadMigrationFile' });
    expect(second.problem.what).toMatch(new RegExp(`^${file.replaceAll('.', '\\.')}:\\d+: expected UTF-8`));

    const plan = planEnvironment({ environment: 'odin-dev', projectDirectory: directory, configuration });
    expect(plan.problems.map(({ what }) => what)).toEqual([second.problem.what]);
  });

  it('in a package of a workspace, which is bundled as a file of the project, it is refused too', () => {
    project = temporaryProject(
      {
        'migrations/odin-dev/0001.ts': "import { text } from '@team/shared';\nexport const description = text;\n" + OK,
        'packages/shared/package.json': '{"name":"@team/shared","version":"1.0.0","type":"module","main":"index.js"}',
      },
      { packages: ['zod'] },
    );
    const { directory, configuration } = project;
    writeFileSync(path.join(directory, 'packages/shared/index.js'), latin1("// a\nexport const text = 'Größe';\n"));
    mkdirSync(path.join(directory, 'node_modules/@team'), { recursive: true });
    symlinkSync(path.join(directory, 'packages/shared'), path.join(directory, 'node_modules/@team/shared'));
    const plan = planEnvironment({ environment: 'odin-dev', projectDirectory: directory, configuration });
    expect(plan.problems.map(({ what }) => what.slice(0, 28))).toEqual(['packages/shared/index.js:2: '.slice(0, 28)]);
  });
});

describe('what it means', () => {
  it.each([
    ['comments', 'const a = 1; // one\n/* two\n */ f(a /* three */, 2);', 'const a = 1;\nf(a, 2);'],
    ['a comment at the end, without a line end', 'a; // b', 'a;'],
    ['white space and line ends', 'if (a) {\r\n\tb();\r\n}\r\n', 'if(a){b();}'],
    ['old line ends', 'a();\rb();', 'a();\nb();'],
    ['a byte order mark', '\uFEFFa();', 'a();'],
    ['white space that is not ASCII', 'a\u00a0=\u20281;\ufeff', 'a=1;'],
    ['the comma after the last', 'f(\n  a,\n  { b, },\n  [c,],\n)', 'f(a, { b }, [c])'],
    ['a line of directions', '#!/usr/bin/env node\na();', 'a();'],
    ['a quote in a comment', "// it's\na(); /* don't ` ${ */ b();", 'a(); b();'],
    ['comments in a template', '`a ${ b /* c */ + `${ d // e\n}` } f`', '`a ${b + `${d}`} f`'],
    ['around a regular expression', 'x.replace( /[/"`]\\/\\*/g , "" ) // a', 'x.replace(/[/"`]\\/\\*/g,"")'],
    ['around divisions', 'a / b / c // d', 'a/b/c'],
    ['a division after what is asserted', 'a! / 2 /* " */', 'a!/2'],
    ['a regular expression after a condition', 'if (a) /["]/.test(b); // "', 'if(a)/["]/.test(b);'],
    ['a regular expression after a block', 'if (a) { }\n/["]/.test(b); // "', 'if(a){}/["]/.test(b);'],
    ['a division after an object', 'x = { a } / 2; // /', 'x={a}/2;'],
  ])('%s change nothing', (_, one, other) => {
    expect(significantText('a.ts', one)).toBe(significantText('a.mts', other));
  });

  it.each([
    ['another character', 'a = "b"', 'a = "c"'],
    ['white space in a text', "a = 'b c'", "a = 'b  c'"],
    ['white space in a template', '`a ${b} c`', '`a ${b}  c`'],
    ['what looks like a comment in a text', "a('http://b')", "a('http://c')"],
    ['what looks like a comment in a template', '`http://b`', '`http://c`'],
    ['what looks like a comment in a nested template', '`${`//b`}`', '`${`//c`}`'],
    ['what looks like a comment in a regular expression', '/[/*]b*/.test(a)', '/[/*]c*/.test(a)'],
    ['white space in a regular expression', '/a b/.test(c)', '/a  b/.test(c)'],
    ['one word or two', 'newa', 'new a'],
    ['where a sign belongs', 'a + ++b', 'a++ + b'],
    ['where a sign belongs, on two lines', 'a\n++b', 'a++\nb'],
    ['a hole of a list', '[a, , b]', '[a, b]'],
    ['a list of a hole', '[,]', '[]'],
    ['a line end that ends a statement', 'return\na', 'return a'],
    ['a comment with a line end that ends a statement', 'return /*\n*/ a', 'return a'],
    ['a word that is left out', 'await a()', 'a()'],
  ])('%s changes it', (_, one, other) => {
    expect(significantText('a.ts', one)).not.toBe(significantText('a.ts', other));
  });

  it('of JSON is what it holds, in its order; of other text, all of it but the kind of line end', () => {
    expect(significantText('a.json', '\uFEFF{ "a": [1, 2] }\r\n')).toBe(significantText('a.json', '{"a":[1,2]}'));
    expect(significantText('a.json', '{"a":[1,2]}')).not.toBe(significantText('a.json', '{"a":[2,1]}'));
    expect(significantText('a.json', '{"a"')).toBe('{"a"');
    expect(significantText('a.sql', '\uFEFFa -- b\r\n')).toBe('a -- b\n');
    expect(significantText('a.sql', 'a  -- b')).not.toBe(significantText('a.sql', 'a -- b'));
  });

  it('comes to an end with code that is none', () => {
    for (const broken of ['`a ${', '`a', '"a\nb', "'", '/*', '/[', '}', ')))', '${', '\\', '\ud800', '`${}`}`']) {
      expect(tokensOf(broken).join('').length).toBeGreaterThanOrEqual(0);
    }
  });
});
