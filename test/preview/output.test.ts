// What a preview prints: that of the sample environment is what docs/preview.md shows.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Previewed } from '../../core/preview/preview.ts';
import { printPreview } from '../../cli/terminal/preview-output.ts';
import { promise } from '../../core/preview/words.ts';
import { openEnvironment } from '../../client/environment.ts';
import { previewMigrations } from '../../client/preview.ts';
import { openProject } from '../../project/project.ts';
import { workFolder } from '../../project/temporary.ts';

const printed: string[] = [];
const print = (previewed: Previewed, { isFirst }: { isFirst: boolean }) => {
  printed.length = 0;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  printPreview(previewed, { isFirst });
  vi.restoreAllMocks();
  return printed.join('');
};
afterEach(() => {
  vi.restoreAllMocks();
});

it('docs/preview.md shows the preview of the sample environment', async () => {
  const project = openProject();
  const directory = mkdtempSync(path.join(workFolder(project.directory), 'preview-'));
  const settings = { directory, usersOwnS3: false };
  const texts: string[] = [];
  {
    await using opened = await openEnvironment('sample', { project }, settings);
    const { migrations } = opened.manifest;
    const pending = migrations.map(({ id }) => id);
    for await (const previewed of previewMigrations(opened.deployment, migrations, pending))
      texts.push(print(previewed, { isFirst: texts.length === 0 }));
  }
  rmSync(directory, { recursive: true, force: true });

  texts.push(`\n${promise([])}\n`);

  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/preview.md'), 'utf8');
  const shown = /^\$ npx --no-install odin-migrate preview sample --local\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
  const withoutTimes = (text: string) => text.replaceAll(/\d+\.\d s/g, '0.0 s');
  expect(withoutTimes(texts.join(''))).toBe(withoutTimes(shown));
});

describe('a preview in part', () => {
  const report: Previewed = {
    migration: '0004',
    description: 'Escape \u001b[31mred',
    outcome: 'more',
    durationMs: 60_000,
    slices: 2,
    checkpoints: 4,
    checkpoint: { cursor: 'x', done: 2_000, total: 10_000 },
    share: 5,
    calls: [
      {
        sent: false,
        service: 'S3',
        operation: 'DeleteObjects',
        target: 's3://springboard/odin/data/part-0',
        calls: 12,
        items: 11_204,
        bytes: 48_100_000_000,
        unsized: 3,
        examples: [],
      },
      {
        sent: false,
        service: 'SQS',
        operation: 'SendMessage',
        target: 'https://sqs.eu-west-1.amazonaws.com/1/queue',
        calls: 1,
        items: 1,
        bytes: 0,
        unsized: 1,
        examples: [],
      },
    ],
    simulated: [
      { what: 'S3:HeadObject', target: 's3://springboard', count: 1_500 },
      { what: 'S3:HeadObject', target: 's3://springboard', count: 1_000, of: '0003' },
      { what: 'S3:ListObjectsV2', target: 's3://springboard', count: 3, of: '0001' },
    ],
    stale: [
      { what: 'DynamoDB:Query', target: 'trips', count: 2 },
      { what: 'S3:ListObjects', target: 's3://springboard/x/', count: 1, of: '0002' },
    ],
    refused: [{ what: 'open a connection of its own', target: 'db:5432', count: 1 }],
    output: Array.from({ length: 12 }, (_, line) => `line ${line}`),
    omitted: { calls: 7, occurrences: 0, lines: 30 },
    before: [],
  };

  it('says how much of the whole it is, what it left out, and what is not certain', () => {
    const text = print(report, { isFirst: false });
    expect(text).toContain('▷ 0004  Escape red\n');
    expect(text).toContain('… and 32 lines more');
    expect(text).toMatch(/WRITE {2}DeleteObjects +12 +11,204 +over 48\.1 GB +s3:\/\/springboard\/odin\/data\/\n/);
    expect(text).toMatch(/WRITE {2}SQS SendMessage +1 +1 +not known +https:\/\/sqs/);
    expect(text).toContain('and 7 calls on more targets than can be listed');
    expect(text).toContain(
      'stopped by --limit at 2,000 of 10,000, after 1 min 00 s, 4 checkpoints in 2 slices; ' +
        'the whole would be 5.0 times this, 5 min 00 s and its writes',
    );
    expect(text).toContain('! DynamoDB:Query of trips (2×) did not see an earlier write');
    expect(text).toContain('! it was not let open a connection of its own: db:5432 (1×)');
    expect(text).toContain('! 1,500 reads were answered as if its own writes had been made');
    expect(text).toContain('! S3:ListObjects of s3://springboard/x/ (1×) did not see an earlier write of 0002');
    expect(text).toContain('! 1,003 reads were answered as if 0001, 0003 had run: its numbers rest on that');
    expect(text).not.toContain('slice saw');
  });

  it('says how much of each earlier migration it saw', () => {
    const before = (['all', 'all', 'part', 'all', 'not previewed', 'cut off', 'too much'] as const).map(
      (seen, index) => ({
        migration: `000${index + 1}`,
        seen,
      }),
    );
    const lines = print({ ...report, before, slicesApart: true }, { isFirst: true }).split('\n');
    expect(lines.filter((line) => line.startsWith('  ! ') && /slice saw|000[3-7]/.test(line))).toEqual([
      '  ! not every slice saw what the slices before it would have written',
      '  ! 1,003 reads were answered as if 0001, 0003 had run: its numbers rest on that',
      '  ! it read nothing that 0004 would change',
      '  ! of what 0003 would change, it knew what is told above, and no more',
      '  ! it saw the data without what 0005 would change: pending before it, and not previewed',
      '  ! it saw the data without what 0006 would change: the preview came to no end, and could not say what it had held back',
      '  ! it saw the data without what 0007 would change: that is too much to be handed on from one preview to the next',
    ]);
  });

  it('says in its first line what its file allows, and then promises less', () => {
    const allowing = { ...report, allows: ['child_process', 'network:db.example.com'] };
    expect(print(allowing, { isFirst: true }).split('\n')[1]).toBe(
      '  ! it is not certain that nothing was changed: its file allows child_process, network:db.example.com, ' +
        'and what goes that way is not held back',
    );
    expect(promise([report, allowing])).toBe('What is marked WRITE was held back.');
    expect(promise([report])).toBe('Nothing was changed: what is marked WRITE was held back.');
    expect(print(report, { isFirst: true })).not.toContain('not certain that');
  });

  it.each([
    ['threw', 'it threw after'],
    ['cut off', "the function's time was over after"],
    ['ended', 'its process ended after'],
  ] as const)('says of one that %s, that %s …', (outcome, words) => {
    const error = { name: 'TypeError', message: 'of the migration', stack: 'at x (migrations/odin-dev/0004.ts:12:9)' };
    const text = print({ ...report, outcome, error }, { isFirst: true });
    expect(text).toContain(`✖ ${words}`);
    expect(text).toContain('TypeError: of the migration\n    at migrations/odin-dev/0004.ts:12:9');
  });
});
