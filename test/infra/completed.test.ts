// completed.json: how it is written, what is taken of it, and what is refused.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import * as prettier from 'prettier';
import type { CompletedMigration } from '../../project/completed.ts';
import { COMPLETED_FILE, formatCompleted, readCompleted, writeCompleted } from '../../project/completed.ts';
import type { TemporaryProject } from '../support/project.ts';
import { temporaryProject } from '../support/project.ts';
import { thrownBy } from '../support/thrown.ts';

const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const TIME = '2026-11-02T10:11:12.123Z';
const of = (id: string, more: Partial<CompletedMigration> = {}): CompletedMigration => ({
  id,
  completion: 'applied',
  time: TIME,
  sourceSha256: HASH,
  ...more,
});

let project: TemporaryProject | undefined;
afterEach(() => project?.remove());

function read(text: string) {
  project = temporaryProject({ [COMPLETED_FILE]: text });
  return readCompleted(project.directory, `migrations/odin-dev/${COMPLETED_FILE}`);
}

it('is read as it was written, in ascending order, and is nothing when it is not there', () => {
  const some = [of('0001'), of('0002', { completion: 'baseline', sourceSha256: undefined }), of('4990')];
  project = temporaryProject();
  expect(readCompleted(project.directory, COMPLETED_FILE)).toEqual([]);
  writeCompleted(project.directory, some);
  expect(readCompleted(project.directory, COMPLETED_FILE)).toEqual(some);
  expect(existsSync(path.join(project.directory, `${COMPLETED_FILE}.${process.pid}.tmp`))).toBe(false);
});

it('has a line for each, which no other one changes, and which prettier leaves alone', async () => {
  const before = formatCompleted([of('0001')]).split('\n');
  const after = formatCompleted([of('0001'), of('0002')]).split('\n');
  expect(after.filter((line) => !before.includes(line))).toEqual([`  "0002": "applied ${TIME} ${HASH}",`]);
  expect(before.filter((line) => !after.includes(line))).toEqual([]);
  const text = formatCompleted(Array.from({ length: 200 }, (_, n) => of(String(n + 1000))));
  expect(await prettier.format(text, { parser: 'json' })).toBe(text);
});

it('is the same whatever the order of its lines, as a merge may leave them', () => {
  const line = (id: string) => `"${id}": "applied ${TIME}"`;
  expect(read(`{${line('1002')}, ${line('0001')}, "format": 1}`).map(({ id }) => id)).toEqual(['0001', '1002']);
});

it.each([
  ['', 'it is not JSON'],
  ['{"format": 1', 'it is not JSON'],
  ['{\n<<<<<<< ours\n', 'a conflict of git stands in it'],
  ['[]', 'it: '],
  ['{}', 'format: '],
  ['{"format": 2}', 'format: '],
  ['{"format": 1, "0001": "done"}', '0001: expected how it was completed'],
  ['{"format": 1, "0001": "applied yesterday"}', '0001: "yesterday" is no time'],
  [`{"format": 1, "001": "applied ${TIME}"}`, '"001" is no migration'],
  [`{"format": 1, "0001": "applied ${TIME}", "0001": "skipped ${TIME}"}`, 'it names 0001 twice'],
])('is refused when it says %j', async (text, why) => {
  const error = await thrownBy(() => read(text));
  expect(error).toMatchObject({ code: 'BadMigrationFile', source: 'user' });
  expect(error.what).toContain(`migrations/odin-dev/completed.json cannot be read: ${why}`);
  expect(error.next).toContain('type prune again');
});

it('is shown in its page as it is', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/prune.md'), 'utf8');
  const [, example = ''] = /```json\n([^]*?)```/.exec(page) ?? [];
  const shown = read(example);
  expect(shown.map(({ id }) => id)).toEqual(['0001', '0002', '0003']);
  expect(formatCompleted(shown)).toBe(example);
});
