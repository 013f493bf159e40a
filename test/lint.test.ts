// The lint rules that keep core pure, errors ours and promises awaited, each shown to fire on a small offence.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path, { resolve } from 'node:path';
import { ESLint } from 'eslint';
import { configs } from 'typescript-eslint';
import { beforeAll, describe, expect, test } from 'vitest';

const PROJECT = resolve(import.meta.dirname, '..');
const OURS = ['core', 'aws', 'lambdas', 'project', 'infra', 'local', 'client', 'cli', 'authoring', 'scripts'];
/** ESLint takes eight probes with types at most. */
const FOLDERS = ['core', 'lambdas', 'project', 'infra', 'cli', 'local', 'migrations/sample', 'test'];
const probe = (folder: string): string => `${folder}/lint-probe.ts`;

const EXPORTED = /^export (?:async )?(?:interface|type|class|const|let|function\*?) (\w+)/gm;

const IMPORTS = '@typescript-eslint/no-restricted-imports';
const SYNTAX = 'no-restricted-syntax';

let withTypes: ESLint;
/** Most of these rules need no types, which take their time. */
let withoutTypes: ESLint;

beforeAll(() => {
  // The probes are not on disk, so that no other tool ever sees them.
  const projectService = {
    allowDefaultProject: FOLDERS.map(probe),
    defaultProject: 'test/support/lint-probe.tsconfig.json',
  };
  const cwd = resolve(import.meta.dirname, '..');
  withTypes = new ESLint({ cwd, overrideConfig: { languageOptions: { parserOptions: { projectService } } } });
  withoutTypes = new ESLint({ cwd, overrideConfig: [configs.disableTypeChecked] });
});

describe('clocks and chance', () => {
  test.each([
    ['Date.now()', 'no-restricted-properties'],
    ['Math.random()', 'no-restricted-properties'],
    ['crypto.randomUUID()', 'no-restricted-properties'],
    ['new Date()', SYNTAX],
    ['new Date', SYNTAX],
    ['Date()', SYNTAX],
    ['performance.now()', 'no-restricted-globals'],
    ['process.env', 'no-restricted-globals'],
    ['setTimeout(() => undefined, 1)', 'no-restricted-globals'],
  ])('core may not use %s, and others may', async (expression, rule) => {
    expect(await rulesOf('core', `export const it: unknown = ${expression};`)).toContain(rule);
    expect(await rulesOf('local', `export const it: unknown = ${expression};`)).not.toContain(rule);
  });

  test('core may not take them apart or import them either', async () => {
    expect(await rulesOf('core', 'export const { now } = Date;')).toContain('no-restricted-properties');
    expect(await rulesOf('core', `export { randomUUID } from 'node:crypto';`)).toContain(IMPORTS);
    expect(await rulesOf('core', `import crypto from 'node:crypto';\nexport const it = crypto;`)).toContain(IMPORTS);
  });

  test('core may work with a time that it is given, and hash', async () => {
    const code = `
      import { createHash } from 'node:crypto';
      export const year = (time: string): number => new Date(time).getUTCFullYear() + Date.parse(time);
      export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');`;
    expect(await rulesOf('core', code, withTypes)).toEqual([]);
  });
});

describe('errors and the console', () => {
  const errors = ["throw new Error('x');", "throw Error('x');", "export const it = new TypeError('x');"];

  test.each(OURS)('%s may not make a bare Error', async (folder) => {
    for (const code of errors) expect(await rulesOf(folder, code)).toContain(SYNTAX);
  });

  test.each(['migrations/sample', 'test'])('%s may', async (folder) => {
    for (const code of errors) expect(await rulesOf(folder, code)).not.toContain(SYNTAX);
  });

  test.each(['core', 'aws', 'lambdas', 'project', 'infra', 'client', 'authoring'])(
    '%s may not write to the console',
    async (folder) => {
      expect(await rulesOf(folder, "console.log('x');")).toContain('no-console');
    },
  );

  test.each(['cli', 'migrations/sample'])('%s may', async (folder) => {
    expect(await rulesOf(folder, "console.log('x');", withTypes)).toEqual([]);
  });
});

describe('a conditional spread', () => {
  const declared = 'declare const x: { y: 1 } | undefined; ';

  test.each(['...(x && { z: 1 })', '...(x ? { z: 1 } : {})', '...(x === undefined ? {} : { z: 1 })'])(
    'of an object is in no folder: %s',
    async (spread) => {
      for (const folder of ['core', 'local', 'migrations/sample', 'test']) {
        expect(await rulesOf(folder, `${declared}export const it = { ${spread} };`)).toEqual([SYNTAX]);
      }
    },
  );

  test.each(['{ ...(x ?? {}) }', '{ ...(x ? x : { y: 2 }) }', '[...(x ? [x] : [])]'])('is none: %s', async (it) => {
    expect(await rulesOf('core', `${declared}export const it = ${it};`)).toEqual([]);
  });
});

describe('in every folder', () => {
  const OFFENCES = [
    ['@typescript-eslint/no-floating-promises', 'Promise.resolve(1);'],
    ['@typescript-eslint/no-misused-promises', 'export const it = [1].filter(() => Promise.resolve(true));'],
    ['@typescript-eslint/await-thenable', 'export const it = await 1;'],
    [
      '@typescript-eslint/switch-exhaustiveness-check',
      `export function it(kind: 'run' | 'halt'): void {
        switch (kind) {
          case 'run':
            break;
        }
      }`,
    ],
    [
      '@typescript-eslint/consistent-type-imports',
      `import { ESLint } from 'eslint';
       export type It = ESLint;`,
    ],
  ] as const;

  test.each(FOLDERS.flatMap((folder) => OFFENCES.map(([rule, code]) => ({ folder, rule, code }))))(
    '$folder: $rule',
    async ({ folder, rule, code }) => expect(await rulesOf(folder, code, withTypes)).toContain(rule),
  );
});

/** The rules that complain about this code in this folder. A parse error is none of them: it fails the test. */
async function rulesOf(folder: string, code: string, eslint = withoutTypes): Promise<string[]> {
  const results = await eslint.lintText(`${code}\n`, { filePath: probe(folder) });
  return results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line }) => {
      if (ruleId === null) throw new Error(`${folder}, line ${line}: ${message}`);
      return ruleId;
    }),
  );
}

test('no two files export the same name', () => {
  const files = execFileSync('git', ['ls-files', '*.ts'], { cwd: PROJECT, encoding: 'utf8' }).trim().split('\n');
  const names = files
    // Tests, migrations and examples are nobody's modules: each may call its own cursor `Cursor`.
    .filter((file) => !/^(test|migrations|docs|examples)\//.test(file) && existsSync(path.join(PROJECT, file)))
    // A schema and its type share a name, as do the forms of one function.
    .flatMap((file) => [
      ...new Set([...readFileSync(path.join(PROJECT, file), 'utf8').matchAll(EXPORTED)].map(([, name]) => name)),
    ])
    .filter((name) => name !== 'handler') // what Lambda calls in each bundle
    .toSorted();
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name, index) => name === names[index - 1])).toEqual([]);
});
