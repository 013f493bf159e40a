// What SECURITY.md says of this repository itself.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT } from './support/project.ts';

const text = (file: string): string => readFileSync(path.join(PROJECT, file), 'utf8');

it('each test that it names is there', () => {
  const named = [...text('SECURITY.md').matchAll(/`(test\/[\w/.-]+)`/g)].map(([, file = '']) => file);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((file) => !existsSync(path.join(PROJECT, file)))).toEqual([]);
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
