// How the reports of several slices become one, and what they say of the whole.
import { describe, expect, it } from 'vitest';
import {
  commonPrefix,
  groupKey,
  LIMITS,
  mergeGroups,
  mergeOccurrences,
  mergeReports,
  parseAnswer,
  PreviewAllows,
  PreviewPayload,
  PreviewReport,
  previewed,
  shareOfWhole,
} from '../../core/preview/preview.ts';
import { reportOf } from '../dashboard/support.ts';

const report = (changes: Partial<PreviewReport> = {}): PreviewReport =>
  reportOf('0001', { outcome: 'more', durationMs: 1_000, checkpoints: 1, calls: [], ...changes });
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
    expect(of('2026-03-02T12:00:00.000Z', '2026-03-01T12:00:00.000Z')).toBe('2026-03-02T12:00:00.000Z');
    expect(of('2026-03-01T12:00:00.000Z', undefined)).toBe('2026-03-01T12:00:00.000Z');
    expect(of(undefined, undefined)).toBeUndefined();
  });

  it('names what was left over in each slice, the first few of all', () => {
    const of = (first?: string[], next?: string[]) =>
      mergeReports(report({ leftOver: first }), report({ leftOver: next })).leftOver;
    expect(of(['a'], ['b'])).toEqual(['a', 'b']);
    expect(of(['a'])).toEqual(['a']);
    expect(of(undefined, ['b'])).toEqual(['b']);
    expect(of()).toBeUndefined();
    expect(
      of(
        Array.from({ length: LIMITS.leftOver }, () => 'a'),
        ['b'],
      ),
    ).not.toContain('b');
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
    ['no count', report({ checkpoint: { cursor: 1, total: 100 } }), 0, undefined],
    ['all of it, at a checkpoint', report({ checkpoint: { cursor: 1, done: 100, total: 100 } }), 0, 1],
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

describe('calls that are told together', () => {
  it('are those of one operation on one bucket, or on one target elsewhere', () => {
    const key = (target: string) => groupKey(put(target));
    expect(key('s3://a/x/1')).toBe(key('s3://a/y'));
    expect(key('s3://a/x')).not.toBe(key('s3://b/x'));
    expect(key('table-1')).not.toBe(key('table-2'));
    // Not a bucket, though there is one in it.
    expect(key('copy of s3://a/x')).not.toBe(key('copy of s3://a/y'));
  });

  it('are added up, under what their targets have in common, with the first few as examples', () => {
    const two = mergeGroups(put('s3://a/x/1'), put('s3://a/x/22', { bytes: 5 }));
    expect(two).toEqual(put('s3://a/x/', { calls: 2, items: 2, bytes: 15, examples: ['s3://a/x/1', 's3://a/x/22'] }));
    const more = put('s3://a/x/3', { examples: ['3', '4', '5'] });
    expect(mergeGroups(two, more).examples).toEqual(['s3://a/x/1', 's3://a/x/22', '3']);
    // Once there are enough, they stay, as they are.
    const twice = { ...two, examples: ['1', '1', '1'] };
    expect(mergeGroups(twice, more).examples).toEqual(['1', '1', '1']);
  });

  it.each([
    ['abc', 'abd', 'ab'],
    ['ab', 'abc', 'ab'],
    ['abc', 'ab', 'ab'],
    ['ab', 'ab', 'ab'],
    ['a', 'b', ''],
  ])('have in common, of %j and %j, %j', (a, b, prefix) => {
    expect(commonPrefix(a, b)).toBe(prefix);
  });
});

it('what happened to another target, because of another migration or in another way is told apart', () => {
  const one = { what: 'w', target: 't', count: 1 };
  const others = [
    { ...one, of: '0001' },
    { ...one, what: 'v' },
    { ...one, target: 'u' },
  ];
  expect(mergeOccurrences([one, ...others], [one, ...others])).toEqual(
    [one, ...others].map((occurrence) => ({ ...occurrence, count: 2 })),
  );
  const many = Array.from({ length: LIMITS.occurrences + 1 }, (_, index) => ({ ...one, target: String(index) }));
  expect(mergeOccurrences(many, many)).toHaveLength(LIMITS.occurrences);
});

it('a report is told with what its file says, what ran before it, and how much of the whole it saw', () => {
  const seen = report({ checkpoint: { cursor: 1, done: 60, total: 100 } });
  const before = [{ migration: '0000', seen: 'all' as const }];
  expect(previewed(seen, { description: 'What it does' }, before, 50)).toEqual({
    ...seen,
    description: 'What it does',
    before,
    share: 5,
  });
});

describe('what a function answers', () => {
  it('is a report, and what it hands on', () => {
    expect(parseAnswer('odin-dev', { ...report(), handedOn: 'packed' })).toEqual({
      report: report(),
      handedOn: 'packed',
    });
    expect(parseAnswer('odin-dev', report())).toEqual({ report: report(), handedOn: undefined });
  });

  it.each([null, {}, { ...report(), outcome: 'other' }, { ...report(), omitted: {} }, { ...report(), calls: [{}] }])(
    'is none of a version that knows of no previews: %j',
    (answer) => {
      expect(() => parseAnswer('odin-dev', answer)).toThrow(
        expect.objectContaining({
          code: 'NotDeployed',
          source: 'user',
          what: expect.stringMatching(/^The function did not answer with a preview \(✖ [^\n]{8,}\)\.$/) as string,
          why: 'It was deployed by another version of odin-migrate.',
          next: 'Deploy odin-dev again.',
        }),
      );
    },
  );

  it.each(['finished', 'more', 'threw', 'cut off', 'ended'] as const)('may have %s', (outcome) => {
    const whole = report({
      outcome,
      checkpoint: { cursor: 1, done: 1, total: 2, note: 'n' },
      calls: [put('s3://a')],
      simulated: [{ what: 'w', target: 't', count: 1, of: '0001' }],
    });
    expect(PreviewReport.parse(whole)).toEqual(whole);
  });
});

it('a function is asked for a preview of one migration, and of nothing else', () => {
  const payload = { ask: 'preview', migration: '0001', cursor: [1], before: 'packed', seconds: 1, endAfterSeconds: 2 };
  expect(PreviewPayload.parse(payload)).toEqual(payload);
  for (const other of [{ ask: '' }, { migration: '1' }, { seconds: 0 }, { endAfterSeconds: 0 }, { more: 1 }]) {
    expect(PreviewPayload.safeParse({ ...payload, ...other }).success).toBe(false);
  }
});

describe('what a preview may be let do', () => {
  it.each(['addons', 'child_process', 'worker_threads', 'network:db.example.com', 'network:::1'])('is %s', (name) => {
    expect(PreviewAllows.parse([name])).toEqual([name]);
  });

  it.each(['files', 'my addons', 'addons too', 'network:', 'network:a b', 'network:*'])('is not %s', (name) => {
    expect(PreviewAllows.safeParse([name]).error?.issues.map(({ message }) => message)).toEqual([
      'expected "addons", "child_process", "worker_threads" or "network:<host>"',
    ]);
  });

  it('is a list', () => {
    expect(PreviewAllows.safeParse('addons').error?.issues.map(({ message }) => message)).toEqual([
      'expected a list, e.g. ["network:db.example.com"]',
    ]);
  });
});
