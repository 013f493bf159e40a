// What a preview prints: that of the sample environment is what docs/preview.md shows.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startTestEnvironment } from 'odin-migrate/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Previewed } from '../../core/preview/preview.ts';
import { printPreview } from '../../cli/terminal/preview-output.ts';
import { NOTHING_CHANGED } from '../../core/preview/words.ts';
import { putSampleData } from '../../migrations/sample-data.ts';

const printed: string[] = [];
const print = (previewed: Previewed, isFirst = true) => {
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
  await using environment = await startTestEnvironment({ environment: 'sample' });
  await putSampleData(environment.s3, 'odin-sample-data');
  const texts: string[] = [];
  for (const id of ['0001', '0002', '0003']) texts.push(print(await environment.preview(id), texts.length === 0));

  texts.push(`\n${NOTHING_CHANGED}\n`);

  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/preview.md'), 'utf8');
  const shown = /^\$ npx odin-migrate preview sample --local\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
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
    simulated: [{ what: 'S3:HeadObject', target: 's3://springboard', count: 1_500 }],
    stale: [{ what: 'DynamoDB:Query', target: 'trips', count: 2 }],
    refused: [{ what: 'open a connection of its own', target: 'db:5432', count: 1 }],
    output: Array.from({ length: 12 }, (_, line) => `line ${line}`),
    omitted: { calls: 7, occurrences: 0, lines: 30 },
  };

  it('says how much of the whole it is, what it left out, and what is not certain', () => {
    const text = print(report, false);
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
    expect(text).toContain('! each slice saw the data without the writes of the slices before it');
    expect(text).toContain('! it saw the data without what the migrations before it would change');
  });

  it.each([
    ['threw', 'it threw after'],
    ['cut off', "the function's time was over after"],
    ['ended', 'its process ended after'],
  ] as const)('says of one that %s, that %s …', (outcome, words) => {
    const error = { name: 'TypeError', message: 'of the migration', stack: 'at x (migrations/odin-dev/0004.ts:12:9)' };
    const text = print({ ...report, outcome, error });
    expect(text).toContain(`✖ ${words}`);
    expect(text).toContain('TypeError: of the migration\n    at migrations/odin-dev/0004.ts:12:9');
  });
});
