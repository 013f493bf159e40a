// How the reports of several slices become one, and what they say of the whole.
import { describe, expect, it } from 'vitest';
import { LIMITS, PreviewReport, mergeReports, shareOfWhole } from '../../core/preview/preview.ts';

const report = (changes: Partial<PreviewReport> = {}): PreviewReport => ({
  migration: '0001',
  outcome: 'more',
  durationMs: 1_000,
  slices: 1,
  checkpoints: 1,
  calls: [],
  simulated: [],
  stale: [],
  refused: [],
  output: [],
  omitted: { calls: 0, occurrences: 0, lines: 0 },
  ...changes,
});
const put = (target: string, changes = {}) => ({
  sent: false,
  service: 'S3',
  operation: 'PutObject',
  target,
  calls: 1,
  items: 1,
  bytes: 10,
  unsized: 0,
  examples: [target],
  ...changes,
});

describe('mergeReports', () => {
  it('adds up what two slices did, in groups by operation and bucket', () => {
    const merged = mergeReports(
      report({
        calls: [put('s3://a/x/1'), put('s3://b/1')],
        output: ['one'],
        stale: [{ what: 'w', target: 't', count: 1 }],
      }),
      report({
        outcome: 'finished',
        checkpoint: { cursor: 2 },
        calls: [put('s3://a/x/2', { unsized: 1, bytes: 0 }), put('s3://a/x/2', { sent: true })],
        output: ['two'],
        stale: [{ what: 'w', target: 't', count: 2 }],
      }),
    );
    expect(merged).toEqual(
      report({
        outcome: 'finished',
        durationMs: 2_000,
        slices: 2,
        checkpoints: 2,
        checkpoint: { cursor: 2 },
        calls: [
          put('s3://a/x/', { calls: 2, items: 2, unsized: 1, examples: ['s3://a/x/1', 's3://a/x/2'] }),
          put('s3://b/1'),
          put('s3://a/x/2', { sent: true }),
        ],
        output: ['one', 'two'],
        stale: [{ what: 'w', target: 't', count: 3 }],
      }),
    );
  });

  it('keeps the latest time for which it would wait, of whichever slice', () => {
    const of = (...times: (string | undefined)[]) => {
      const [first, next] = times.map((waitsUntil) => report({ waitsUntil }));
      return mergeReports(first!, next!).waitsUntil;
    };
    expect(of('2026-03-01T12:00:00.000Z', '2026-03-02T12:00:00.000Z')).toBe('2026-03-02T12:00:00.000Z');
    expect(of('2026-03-01T12:00:00.000Z', undefined)).toBe('2026-03-01T12:00:00.000Z');
    expect(of(undefined, undefined)).toBeUndefined();
  });

  it('stays within its limits, and counts what it leaves out', () => {
    const full = (name: string) =>
      report({
        calls: Array.from({ length: LIMITS.groups }, (_, index) => put(`s3://${name}-${index}/`)),
        output: Array.from({ length: LIMITS.lines }, () => name),
        omitted: { calls: 1, occurrences: 2, lines: 3 },
      });
    const merged = mergeReports(full('a'), full('b'));
    expect(merged.calls).toHaveLength(LIMITS.groups);
    expect(merged.output).toHaveLength(LIMITS.lines);
    expect(merged.omitted).toEqual({ calls: 2 + LIMITS.groups, occurrences: 4, lines: 6 + LIMITS.lines });
  });
});

describe('shareOfWhole', () => {
  it.each([
    ['seen to its end', report({ outcome: 'finished' }), 0, 1],
    ['a quarter', report({ checkpoint: { cursor: 1, done: 25, total: 100 } }), 0, 4],
    ['ten of the fifty that a checkpoint had left', report({ checkpoint: { cursor: 1, done: 60, total: 100 } }), 50, 5],
    ['no total', report({ checkpoint: { cursor: 1, done: 25 } }), 0, undefined],
    ['no checkpoint', report(), 0, undefined],
    ['no progress', report({ checkpoint: { cursor: 1, done: 50, total: 100 } }), 50, undefined],
    ['more done than there is', report({ checkpoint: { cursor: 1, done: 120, total: 100 } }), 0, undefined],
  ])('%s', (_, seen, before, share) => {
    expect(shareOfWhole(seen, before)).toBe(share);
  });
});

it('shows what was printed without what looks like a credential', () => {
  const printed = report({ output: ['connect to postgres://app:hunter2@db', 'page 1'] });
  expect(PreviewReport.parse(printed).output).toEqual(['connect to postgres://app:***@db', 'page 1']);
});
