// What SECURITY.md says of this repository itself.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT } from './support/project.ts';

const text = (file: string): string => readFileSync(path.join(PROJECT, file), 'utf8');

/** The rows of its table: threat, wall, test. */
const rows = (): string[][] =>
  text('SECURITY.md')
    .split(/^\| threat .*\n\|[- |]+\n/m)[1]
    ?.split('\n\n')[0]
    ?.split('\n')
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ) ?? [];
const testsIn = (cell: string): string[] => [...cell.matchAll(/`(test\/[\w/.-]+)`/g)].map(([, file = '']) => file);

it('each threat has a wall, and a test that is there and that a suite runs', () => {
  expect(rows().length).toBeGreaterThan(10);
  for (const row of rows()) {
    const [threat = '', wall = '', tests = ''] = row;
    expect([threat, row.length, wall.length > 20]).toEqual([threat, 3, true]);
    expect([threat, testsIn(tests).length > 0]).toEqual([threat, true]);
  }
  const named = testsIn(text('SECURITY.md'));
  const missing = named.filter((file) => !file.endsWith('.test.ts') || !existsSync(path.join(PROJECT, file)));
  expect(missing).toEqual([]);
});

it('each test that attacks is named by it', () => {
  const attacks = readdirSync(path.join(PROJECT, 'test'), { recursive: true, encoding: 'utf8' })
    .map((file) => `test/${file}`)
    .filter((file) =>
      /\/(hostile[\w-]*|walls|isolation|judge|secrets|policies|printed)(\.isolated)?\.test\.ts$/.test(file),
    );
  expect(attacks.length).toBeGreaterThan(8);
  const named = testsIn(text('SECURITY.md'));
  expect(attacks.filter((file) => !named.includes(file))).toEqual([]);
});

it('a package has an install script only if package.json names it', () => {
  const { packages } = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  const { allowScripts } = JSON.parse(text('package.json')) as { allowScripts: Record<string, boolean> };
  const withScript = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([folder]) => folder.replace(/^.*node_modules\//, ''));
  expect(withScript.sort()).toEqual(Object.keys(allowScripts).sort());
});

it('npm stops at any other one', () => {
  expect(text('.npmrc').split('\n')).toContain('strict-allow-scripts=true');
});
