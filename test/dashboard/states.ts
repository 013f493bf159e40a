// Environments as an operator may find them, each as the page of it: for the tests that look at it in a browser.
import type { Entry } from '../../core/ledger/entries.ts';
import type { Trail } from '../../core/views/history.ts';
import { batchesViewOf } from '../../core/views/batches.ts';
import type { Frame } from '../../lambdas/dashboard/frame.ts';
import { page } from '../../lambdas/dashboard/page.ts';
import { allowed, completed, decided, halted, logOf } from '../core/ledger/entries.ts';
import { callsOf, frame, openHalt, reportOf, row, rows, viewOf } from './support.ts';

const LONG_MESSAGE = [
  'Could not delete 1,204 of 11,204 objects below s3://springboard/odin/data/incoming/2026/03/01/; these are the first of them:',
  ...Array.from(
    { length: 40 },
    (_, index) => `  odin/data/incoming/2026/03/01/part-${String(index).padStart(5, '0')}.parquet: AccessDenied`,
  ),
  `caused by AccessDenied: ${'arn:aws:sts::111122223333:assumed-role/odin-migrate-odin-dev-0002/odin-migrate-odin-dev-0002 '.repeat(6)}`,
].join('\n');
const ONE_LINE = { name: 'SyntaxError', message: 'x'.repeat(1_900) };
const LONG = {
  name: 'ObjectsFailed',
  message: LONG_MESSAGE,
  stack: `ObjectsFailed: x\n${Array.from({ length: 12 }, (_, index) => `    at deep${index} (/var/task/migrations/odin-dev/0002.ts:${index + 1}:9)`).join('\n')}`,
};
const HOSTILE = `</span></div><script>alert(1)</script><img src=x onerror="alert(2)">\u202egnp.exe <style>*{display:none}</style>{{x}} & "' ${'W'.repeat(300)}`;
const ARABIC = 'حذف الملفات القديمة من التخزين (0002) قبل الترحيل';
const HEBREW = 'מחיקת קבצים זמניים s3://springboard/odin/ לפני ההעברה';

const trails = (entries: Entry[], id = '0002', earlier = 0): Map<string, Trail> =>
  new Map([[id, { entries, earlier }]]);

const RETRIED = logOf(
  allowed('0002'),
  { ...halted(1, '0002'), error: LONG },
  {
    ...decided(2, 'retry', '0002'),
    by: 'arn:aws:sts::111122223333:assumed-role/Operators/alice',
    identity: { is: 'verified' },
  },
  { ...allowed('0002'), attempt: 2 },
  { ...halted(4, '0002'), attempt: 2, reason: 'unknown' },
  {
    ...decided(5, 'skip', '0002'),
    attempt: 2,
    by: 'alice (dashboard d of account 111122223333)',
    reason: 'not needed:\nthe table is gone since Monday',
  },
) as Entry[];

const BATCHES = batchesViewOf(
  { of: 10_000, plan: [], rest: '1001-10000' },
  {
    begun: Array.from({ length: 3_303 }, (_, index) => 1_001 + index),
    ended: Array.from({ length: 3_103 }, (_, index) => 1_001 + index),
    failed: [1_100, 1_101, 2_500],
    later: [],
  },
  undefined,
);

interface State {
  name: string;
  html: (theme: Frame['theme']) => string;
}

const state = (name: string, view: Parameters<typeof page>[0], changed: Partial<Frame> = {}): State => ({
  name,
  html: (theme) => page(view, frame({ theme, ...changed })),
});

export const STATES: State[] = [
  state('nothing', viewOf([])),
  state('done', viewOf(rows(6, 'applied')), {
    subscribers: { topicArn: 'arn:aws:sns:eu-west-1:111122223333:topic', confirmed: 3, pending: 1 },
  }),
  state(
    'running',
    viewOf([
      row(1, 'applied'),
      row(2, 'running', {
        durationMs: 245_000,
        finishedAt: undefined,
        progress: {
          done: 312_040,
          total: 1_204_000,
          note: 'odin/data/afc/sales/2026-03-01/part-00042.parquet',
          time: '2026-03-01T12:00:03.000Z',
          share: 0.26,
          perSecond: 312,
          remainingMs: 2_860_000,
        },
      }),
      row(3, 'pending'),
    ]),
  ),
  state(
    'batches',
    viewOf([
      row(1, 'applied'),
      row(2, 'running', {
        durationMs: 245_000,
        finishedAt: undefined,
        batches: BATCHES,
        progress: {
          done: 4_100,
          total: 10_000,
          note: 'batches, 200 running, 3 failed, 2041/s of items',
          time: '2026-03-01T12:00:03.000Z',
          share: 0.41,
          perSecond: 4.1,
          remainingMs: 1_440_000,
        },
      }),
    ]),
  ),
  state(
    'halted',
    viewOf(
      [row(1, 'applied'), row(2, 'halted', { error: openHalt('0002').error }), row(3, 'pending')],
      openHalt('0002'),
    ),
    { trails: trails(RETRIED.slice(0, 2)) },
  ),
  state(
    'unknown outcome, nobody told',
    viewOf(
      [row(1, 'applied'), row(2, 'halted', { attempts: 3 }), row(3, 'pending')],
      openHalt('0002', {
        reason: 'unknown',
        error: undefined,
        attempt: 3,
        commits: { began: 'abc123', deployed: 'def456' },
      }),
    ),
    {
      subscribers: {
        topicArn: 'arn:aws:sns:eu-west-1:111122223333:odin-migrate-odin-dev-halts',
        confirmed: 0,
        pending: 1,
      },
      typed: { reason: '', name: 'alice' },
      notice: {
        tone: 'warn',
        title: 'Please fill in the reason',
        lines: ['The decision mark-applied needs a reason.'],
      },
    },
  ),
  state(
    'cancelled',
    viewOf(
      [
        row(1, 'applied'),
        row(2, 'halted', { progress: { done: 30, total: 120, share: 0.25, time: '2026-03-01T12:00:03.000Z' } }),
      ],
      openHalt('0002', { reason: 'cancelled', error: undefined }),
    ),
  ),
  state(
    'aborted, decided, late',
    viewOf([
      row(1, 'marked-applied', {
        by: 'arn:aws:sts::111122223333:assumed-role/Operators/alice',
        identity: { is: 'verified' },
        reason: 'it was there',
      }),
      row(2, 'skipped', {
        attempts: 2,
        by: 'alice (dashboard d of account 111122223333)',
        reason: 'not needed:\nthe table is gone since Monday',
        changedSince: true,
      }),
      row(3, 'late'),
      row(4, 'baseline', { by: 'local:bob', file: undefined, pruned: true }),
      row(5, 'aborted', { error: LONG, attempts: 12 }),
    ]),
    { trails: trails(RETRIED, '0002', 17) },
  ),
  state(
    '40 migrations',
    viewOf([...rows(22, 'applied'), row(23, 'stopped', { finishedAt: undefined }), ...rows(17, 'pending', 24)]),
    {
      page: 1,
      trails: trails([...RETRIED, ...(logOf(completed(['0023'])) as Entry[])], '0023'),
    },
  ),
  state(
    'a very long error',
    viewOf([row(1, 'applied'), row(2, 'halted', { error: LONG })], openHalt('0002', { error: LONG })),
    {
      trails: trails(RETRIED),
    },
  ),
  state('an error of one line', viewOf([row(1, 'failed', { error: ONE_LINE })], openHalt('0001', { error: ONE_LINE }))),
  state(
    'many scripts',
    viewOf(
      [
        row(1, 'applied', {
          description: HEBREW,
          by: 'arn:aws:iam::111122223333:user/Ærøskøbing-Ñandú-李小龍',
          reason: ARABIC,
        }),
        row(2, 'halted', { description: ARABIC }),
        row(3, 'pending', {
          description: '将旧的分区移动到归档存储桶 🚀 並刪除暫存檔案，然後重新寫入六個欄位的個人資料',
        }),
        row(4, 'pending', {
          description: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
        }),
      ],
      openHalt('0002', { description: ARABIC, error: { name: 'Error', message: `${HEBREW}\n${ARABIC}` } }),
    ),
  ),
  state(
    'hostile',
    viewOf(
      [
        row(1, 'applied', { description: HOSTILE, by: HOSTILE, reason: HOSTILE }),
        row(2, 'halted', {
          description: HOSTILE,
          file: HOSTILE,
          error: { name: HOSTILE, message: HOSTILE, stack: HOSTILE },
        }),
      ],
      openHalt('0002', { description: HOSTILE, error: { name: HOSTILE, message: HOSTILE, stack: HOSTILE } }),
    ),
    {
      trails: trails([{ ...RETRIED[1], error: { name: HOSTILE, message: HOSTILE } } as Entry]),
      notice: { tone: 'bad', title: HOSTILE, lines: [HOSTILE] },
    },
  ),
  state('only shows', viewOf([row(1, 'applied'), row(2, 'halted')], openHalt('0002')), { acts: false }),
  state('preview', viewOf([row(1, 'applied'), row(2, 'pending')]), {
    preview: {
      ...reportOf('0002', {
        calls: [
          callsOf('ListObjectsV2', { sent: true }),
          callsOf('DeleteObjects'),
          callsOf('PutObject', { target: `s3://springboard/odin/${'data/'.repeat(20)}`, calls: 1, items: 1 }),
        ],
        output: ['12 files found', 'x'.repeat(290)],
        stale: [{ what: 'DynamoDB:Query', target: 'trips', count: 2 }],
      }),
      description: 'What 0002 does',
      before: [],
    },
  }),
];
