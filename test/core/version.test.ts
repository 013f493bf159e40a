// Every entry of a log says which version wrote it: the version of this package, and no other.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { VERSION } from '../../core/names/version.ts';
import { PROJECT } from '../support/project.ts';

it('the version that the functions write is the one of package.json', () => {
  const { version } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
});
