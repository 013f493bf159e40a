// Views and frames for the tests of the page: an environment of any size, and what a button sends.
import type { CallGroup, PreviewReport } from '../../core/preview/preview.ts';
import type { EnvironmentView, MigrationState, MigrationView, OpenHalt } from '../../core/views/view.ts';
import { isCompleted } from '../../core/views/view.ts';
import type { Frame } from '../../lambdas/dashboard/frame.ts';
import { Clock } from '../../lambdas/dashboard/words.ts';

export const FUNCTION_ARN = 'arn:aws:lambda:eu-west-1:111122223333:function:customWidget-odin-migrate-odin-dev';
export const EXECUTION = 'arn:aws:states:eu-west-1:111122223333:execution:odin-migrate-odin-dev:run-1';

export const frame = (changed: Partial<Frame> = {}): Frame => ({
  environment: 'odin-dev',
  functionArn: FUNCTION_ARN,
  theme: 'light',
  clock: new Clock('+00:00'),
  local: false,
  acts: true,
  page: undefined,
  ...changed,
});

export const row = (number: number, state: MigrationState, changed: Partial<MigrationView> = {}): MigrationView => {
  const id = String(number).padStart(4, '0');
  const ran = state !== 'pending' && state !== 'late';
  return {
    id,
    state,
    description: `What ${id} does`,
    file: `migrations/odin-dev/${id}.ts`,
    attempts: ran ? 1 : 0,
    changedSince: false,
    startedAt: ran ? '2026-03-01T12:00:00.000Z' : undefined,
    finishedAt: ran ? '2026-03-01T12:00:04.000Z' : undefined,
    durationMs: ran ? 4000 : undefined,
    execution: ran ? EXECUTION : undefined,
    requestId: ran ? 'request-1' : undefined,
    ...changed,
  };
};

export const rows = (count: number, state: MigrationState, from = 1): MigrationView[] =>
  Array.from({ length: count }, (_, index) => row(from + index, state));

export const viewOf = (migrations: MigrationView[], halt?: OpenHalt): EnvironmentView => ({
  environment: 'odin-dev',
  migrations,
  halt,
  completed: migrations.filter(({ state }) => isCompleted(state)).length,
  total: migrations.length,
  gitCommit: '0123456789abcdef0123456789abcdef01234567',
});

export const openHalt = (migration: string, changed: Partial<OpenHalt> = {}): OpenHalt => ({
  migration,
  description: `What ${migration} does`,
  attempt: 1,
  halt: 1,
  reason: 'failed',
  error: {
    name: 'Error',
    message: 'the disk is full',
    stack: `Error: x\n    at /var/task/migrations/odin-dev/0002.ts:12:9`,
  },
  startedAt: '2026-03-01T12:00:00.000Z',
  since: '2026-03-01T12:00:05.000Z',
  execution: EXECUTION,
  requestId: 'request-1',
  ...changed,
});

export const callsOf = (operation: string, changed: Partial<CallGroup> = {}): CallGroup => ({
  sent: false,
  service: 'S3',
  operation,
  target: 's3://springboard/odin/data/part-0',
  calls: 12,
  items: 11_204,
  bytes: 48_100_000_000,
  unsized: 0,
  examples: [],
  ...changed,
});

export const reportOf = (migration: string, changed: Partial<PreviewReport> = {}): PreviewReport => ({
  migration,
  outcome: 'finished',
  durationMs: 1_200,
  slices: 1,
  checkpoints: 0,
  calls: [callsOf('ListObjectsV2', { sent: true }), callsOf('DeleteObjects')],
  simulated: [],
  stale: [],
  refused: [],
  output: [],
  omitted: { calls: 0, occurrences: 0, lines: 0 },
  ...changed,
});

/** What each <cwdb-action> would send, by the label of the button before it; the last one of several with the same label. */
export function actions(html: string): Map<string, { payload: unknown; endpoint: string; confirmation: string }> {
  const found = html.matchAll(/<a class="btn[^"]*">([^<]*)<\/a\s*>\s*<cwdb-action\s([^>]*)>([^<]*)<\/cwdb-action/g);
  const attribute = (text: string, name: string) => new RegExp(`${name}="([^"]*)"`).exec(text)?.[1] ?? '';
  return new Map(
    [...found].map(([, label = '', attributes = '', payload = '']) => [
      label,
      {
        payload: JSON.parse(payload) as unknown,
        endpoint: attribute(attributes, 'endpoint'),
        confirmation: attribute(attributes, 'confirmation'),
      },
    ]),
  );
}
