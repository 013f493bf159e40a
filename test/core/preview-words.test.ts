// How a preview is worded: its calls, its end, and what may be otherwise in a run.
import { describe, expect, it } from 'vitest';
import type { CallGroup, Previewed } from '../../core/preview/preview.ts';
import { CALL_HEADINGS, callRows, caveats, endText, notCertain, promise } from '../../core/preview/words.ts';
import { reportOf } from '../dashboard/support.ts';

const CALL: CallGroup = {
  sent: false,
  service: 'S3',
  operation: 'PutObject',
  target: 's3://bucket/folder/key-',
  calls: 1,
  items: 1,
  bytes: 2_500,
  unsized: 0,
  examples: [],
};
const PREVIEW: Previewed = { ...reportOf('0004', { durationMs: 60_000, calls: [] }), before: [] };

describe('what its file allows', () => {
  it('is named, because nothing holds it back', () => {
    expect(notCertain({ allows: ['addons', 'network:db'] })).toBe(
      'it is not certain that nothing was changed: its file allows addons, network:db, and what goes that way is not held back',
    );
    expect(notCertain({ allows: [] })).toBeUndefined();
    expect(notCertain({})).toBeUndefined();
  });

  it('makes the promise after all previews a smaller one', () => {
    expect(promise([{}, { allows: ['addons'] }])).toBe('What is marked WRITE was held back.');
    expect(promise([{}, {}])).toBe('Nothing was changed: what is marked WRITE was held back.');
    expect(promise([])).toBe('Nothing was changed: what is marked WRITE was held back.');
  });
});

describe('a row of calls', () => {
  const row = (changes: Partial<CallGroup>) => callRows([{ ...CALL, ...changes }])[0];

  it('has a heading for each of its columns but the first', () => {
    expect(CALL_HEADINGS).toEqual(['Call', 'Calls', 'Items', 'Size', 'Target']);
    expect(Object.keys(row({}) ?? {}).slice(1)).toEqual(CALL_HEADINGS.map((heading) => heading.toLowerCase()));
  });

  it('stands with the writes before the reads, each in their order', () => {
    const rows = callRows([
      { ...CALL, sent: true, operation: 'GetObject' },
      CALL,
      { ...CALL, sent: true, operation: 'HeadObject' },
      { ...CALL, operation: 'DeleteObject' },
    ]);
    expect(rows.map(({ sent, call }) => [sent, call])).toEqual([
      [false, 'PutObject'],
      [false, 'DeleteObject'],
      [true, 'GetObject'],
      [true, 'HeadObject'],
    ]);
  });

  it('names the service, but for S3', () => {
    expect(row({})).toEqual({
      sent: false,
      call: 'PutObject',
      calls: '1',
      items: '1',
      size: '2.5 kB',
      target: 's3://bucket/folder/key-',
    });
    expect(row({ service: 'SQS', operation: 'SendMessage' })?.call).toBe('SQS SendMessage');
  });

  it('of a read says neither items nor size', () => {
    expect(row({ sent: true, calls: 1_500, items: 1_500 })).toMatchObject({ calls: '1,500', items: '', size: '' });
  });

  it.each([
    [{ bytes: 2_500, unsized: 0 }, '2.5 kB'],
    [{ bytes: 2_500, unsized: 1 }, 'over 2.5 kB'],
    [{ bytes: 0, unsized: 1 }, 'not known'],
    [{ bytes: 0, unsized: 0 }, ''],
  ])('of %j has the size %j', (size, text) => {
    expect(row(size)?.size).toBe(text);
  });

  it('of several objects has the folder that they have in common, if they have one', () => {
    expect(row({ calls: 2 })?.target).toBe('s3://bucket/folder/');
    expect(row({ items: 2 })?.target).toBe('s3://bucket/folder/');
    expect(row({ calls: 2, items: 2, target: 'table' })?.target).toBe('table');
  });
});

describe('the end of a preview', () => {
  const limit = { stopped: 'stopped by --limit', cutOff: "the function's time was over" };
  const end = (changes: Partial<Previewed>) => endText({ ...PREVIEW, ...changes }, limit);

  it.each([
    [{ outcome: 'finished' }, 'it would run to its end; the preview took 1 min 00 s'],
    [
      { outcome: 'finished', checkpoints: 4, slices: 2 },
      'it would run to its end; the preview took 1 min 00 s, 4 checkpoints in 2 slices',
    ],
    [
      { outcome: 'finished', checkpoints: 1 },
      'it would run to its end; the preview took 1 min 00 s, 1 checkpoint in 1 slice',
    ],
    [{ outcome: 'threw' }, 'it threw after 1 min 00 s'],
    [{ outcome: 'threw', checkpoints: 1 }, 'it threw after 1 min 00 s, 1 checkpoint in 1 slice'],
    [{ outcome: 'cut off' }, "the function's time was over after 1 min 00 s, before a checkpoint"],
    [
      { outcome: 'cut off', checkpoints: 1 },
      "the function's time was over after 1 min 00 s, before the next checkpoint, 1 checkpoint in 1 slice",
    ],
    [{ outcome: 'ended' }, 'its process ended after 1 min 00 s'],
    [{ outcome: 'more' }, 'stopped by --limit, after 1 min 00 s'],
    [{ outcome: 'more', checkpoint: { cursor: 1, done: 2_000 } }, 'stopped by --limit at 2,000, after 1 min 00 s'],
    [{ outcome: 'more', checkpoint: { cursor: 1, total: 2_000 } }, 'stopped by --limit, after 1 min 00 s'],
    [
      { outcome: 'more', checkpoint: { cursor: 1, done: 2_000, total: 10_000 }, checkpoints: 2, share: 5 },
      'stopped by --limit at 2,000 of 10,000, after 1 min 00 s, 2 checkpoints in 1 slice; ' +
        'the whole would be 5.0 times this, 5 min 00 s and its writes',
    ],
  ] as const)('%j', (changes, text) => {
    expect(end(changes)).toBe(text);
  });
});

describe('what may be otherwise in a run', () => {
  const of = (changes: Partial<Previewed>) => caveats({ ...PREVIEW, ...changes });
  const read = { what: 'S3:GetObject', target: 's3://bucket', count: 1 };

  it('is nothing, when nothing was', () => {
    expect(of({})).toEqual([]);
  });

  it('is each thing that was, in its order', () => {
    expect(
      of({
        waitsUntil: '2026-03-01T14:05:09.000Z',
        stale: [
          { ...read, what: 'DynamoDB:Query', target: 'trips', count: 2 },
          { ...read, of: '0002' },
        ],
        refused: [{ what: 'open a connection', target: 'db:5432', count: 3 }],
        leftOver: ['2 timers'],
        simulated: [read],
        slicesApart: true,
      }),
    ).toEqual([
      'it would wait at a checkpoint until 2026-03-01 14:05 UTC or later; the preview went on at once, on the data as it is now',
      'DynamoDB:Query of trips (2×) did not see an earlier write',
      'S3:GetObject of s3://bucket (1×) did not see an earlier write of 0002',
      'it was not let open a connection: db:5432 (3×)',
      expect.stringContaining('2 timers'),
      '1 read was answered as if its own writes had been made',
      'not every slice saw what the slices before it would have written',
    ]);
  });

  it('is what earlier migrations would have written, as far as it was read', () => {
    const before = (
      ['all', 'all', 'part', 'all', 'not previewed', 'cut off', 'too much', 'not previewed'] as const
    ).map((seen, index) => ({ migration: `000${index + 1}`, seen }));
    expect(
      of({
        before,
        simulated: [
          { ...read, count: 2, of: '0003' },
          { ...read, of: '0001' },
          { ...read, target: 's3://other', of: '0001' },
        ],
        stale: [{ ...read, of: '0004' }],
      }),
    ).toEqual([
      'S3:GetObject of s3://bucket (1×) did not see an earlier write of 0004',
      '4 reads were answered as if 0001, 0003 had run: its numbers rest on that',
      'it read nothing that 0002 would change',
      'of what 0003 would change, it knew what is told above, and no more',
      'it saw the data without what 0005, 0008 would change: pending before it, and not previewed',
      'it saw the data without what 0006 would change: the preview came to no end, and could not say what it had held back',
      'it saw the data without what 0007 would change: that is too much to be handed on from one preview to the next',
    ]);
    expect(of({ before: [{ migration: '0001', seen: 'part' }] })).toEqual([
      'it read nothing that 0001 would change',
      'of what 0001 would change, it knew what is told above, and no more',
    ]);
  });
});
