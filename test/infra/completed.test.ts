// completed.json: how it is written, what is taken of it, and what is refused.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import * as prettier from 'prettier';
import type { CompletedMigration } from '../../project/completed.ts';
import { COMPLETED_FILE, formatCompleted, readCompleted, writeCompleted } from '../../project/completed.ts';
import { planEnvironment } from '../../project/plan.ts';
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
  [`{"format": 1, "0001" : "applied ${TIME}", "0001"\n: "skipped ${TIME}"}`, 'it names 0001 twice'],
  ['{"format": "<<<<<<< mine"', 'it is not JSON'],
  ['<html>\n=====', 'it is not JSON'],
])('is refused when it says %j', async (text, why) => {
  const error = await thrownBy(() => read(text));
  expect(error).toMatchObject({ code: 'BadMigrationFile', source: 'user' });
  expect(error.what).toContain(`migrations/odin-dev/completed.json cannot be read: ${why}`);
  expect(error.why).toMatch(/^It says which migrations are completed .* nothing is deployed without it\.$/);
  expect(error.next).toContain('type prune again');
});

it('is refused when it is a folder', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'odin-completed-'));
  mkdirSync(path.join(folder, 'completed.json'));
  const error = await thrownBy(() => readCompleted(folder, 'migrations/odin-dev/completed.json'));
  rmSync(folder, { recursive: true });
  expect(error).toMatchObject({ code: 'BadMigrationFile', what: expect.stringContaining('EISDIR') as string });
});

it('is shown in its page as it is', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/prune.md'), 'utf8');
  const [, example = ''] = /```json\n([^]*?)```/.exec(page) ?? [];
  const shown = read(example);
  expect(shown.map(({ id }) => id)).toEqual(['0001', '0002', '0003']);
  expect(formatCompleted(shown)).toBe(example);
});

describe('a plan', () => {
  const MIGRATION = 'export async function migration(): Promise<void> {}\n';
  const plan = (files: Record<string, string>) => {
    const named = Object.entries(files).map(([file, text]) => [`migrations/odin-dev/${file}`, text]);
    project = temporaryProject(Object.fromEntries(named) as Record<string, string>);
    const { directory, configuration } = project;
    return planEnvironment({ environment: 'odin-dev', projectDirectory: directory, configuration, bundling: false });
  };
  const line = `"0001": "applied ${TIME} ${createHash('sha256').update(MIGRATION).digest('hex')}"`;

  it('names what was pruned in its manifest, and has a function for the rest only', () => {
    const { manifest, bundles, problems, warnings } = plan({
      'completed.json': `{${line}, "format": 1}`,
      '0002.ts': MIGRATION,
    });
    expect(manifest.pruned).toEqual(['0001']);
    expect(bundles.migrations.map(({ id }) => id)).toEqual(['0002']);
    expect([...problems, ...warnings]).toEqual([]);
  });

  it('says nothing of it where nothing was pruned: such an environment deploys as before', () => {
    expect(JSON.stringify(plan({ '0002.ts': MIGRATION }).manifest)).not.toContain('pruned');
  });

  it('warns of a file that came back, and refuses it with another text', () => {
    const same = plan({ 'completed.json': `{${line}, "format": 1}`, '0001.ts': MIGRATION });
    expect(same.problems).toEqual([]);
    expect(same.warnings).toEqual([
      expect.stringContaining('0001.ts does not run: completed.json names 0001') as string,
    ]);
    expect(same.bundles.migrations).toEqual([]);
    project?.remove();
    const other = plan({ 'completed.json': `{${line}, "format": 1}`, '0001.ts': `// new work\n${MIGRATION}` });
    expect(other.problems).toMatchObject([{ code: 'BadMigrationFile', source: 'user' }]);
    expect(other.problems[0]?.what).toContain('give it the next free number');
  });

  it('is refused with a completed.json that cannot be read, and nothing of it may be deployed', () => {
    expect(plan({ 'completed.json': '{', '0002.ts': MIGRATION }).problems).toMatchObject([
      { code: 'BadMigrationFile' },
    ]);
  });
});
