// What a person sees who presses a button far down on a phone: it is said above, or at the field, and never out of sight.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { DashboardServer, WidgetRequest } from '../../cli/dashboard/server.ts';
import { startDashboardServer } from '../../cli/dashboard/server.ts';
import { batchesViewOf } from '../../core/views/batches.ts';
import type { Notice } from '../../lambdas/dashboard/frame.ts';
import { page as pageOf } from '../../lambdas/dashboard/page.ts';
import { frame, reportOf, row, rows, viewOf } from '../dashboard/support.ts';
import { launchChromium } from './chromium.ts';

const batches = batchesViewOf(
  { of: 100, plan: [], rest: '1-100' },
  { begun: [1, 2], ended: [1], failed: [], later: [] },
  undefined,
);
const VIEW = viewOf([...rows(6, 'applied'), row(7, 'running', { batches, finishedAt: undefined }), row(8, 'pending')]);
const NOBODY = { topicArn: 'arn:aws:sns:eu-west-1:111122223333:odin-migrate-odin-dev-halts', confirmed: 0, pending: 0 };
const PREVIEWED = { ...reportOf('0008'), before: [] };

let browser: Browser;
let server: DashboardServer;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium();
  server = await startDashboardServer({
    environment: 'odin-dev',
    place: 'eu-west-1',
    port: 0,
    pollMs: 3_600_000,
    callWidget: (asked) => Promise.resolve(answerTo(asked)),
  });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 360, height: 640 }, colorScheme: 'dark' });
  await page.goto(server.url);
  await page.locator('.odin').waitFor();
});

function answerTo({ call, forms }: WidgetRequest): string {
  const { tune, preview } = call as { tune?: object; preview?: object };
  const tuned: Notice = { tone: 'good', title: '0007, attempt 1: from now on 5 batches run at a time.', lines: [] };
  const lacking: Notice = { tone: 'warn', title: 'Please fill in how many batches', lines: ['Nothing was changed.'] };
  const notice = tune && (forms['concurrency'] ? tuned : lacking);
  return pageOf(VIEW, frame({ theme: 'dark', subscribers: NOBODY, notice, preview: preview ? PREVIEWED : undefined }));
}

/** What is asked of the field in the page; the types of the DOM are not here. */
interface Field {
  validationMessage: string;
  getRootNode: () => { activeElement: unknown };
}

const openRow = (id: string) => page.locator('summary', { hasText: id }).click();
const press = (label: string) => page.getByText(label, { exact: true }).filter({ visible: true }).click();

it('a field that has to be filled in says so itself, until it is', async () => {
  await openRow('0007');
  await press('Set');
  const field = page.locator('input[name="concurrency"]');
  const said = () => field.evaluate((input) => (input as unknown as Field).validationMessage);
  await expect.poll(said).toContain('Please fill in how many batches');
  expect(await field.evaluate((input) => (input as unknown as Field).getRootNode().activeElement === input)).toBe(true);
  await field.fill('5');
  expect(await said()).toBe('');
});

it('what a press came to is in sight', async () => {
  await openRow('0007');
  await page.locator('input[name="concurrency"]').fill('5');
  await press('Set');
  const notice = page.locator('[data-notice="good"]');
  await notice.waitFor();
  await expect.poll(async () => (await notice.boundingBox())?.y ?? -1).toBeGreaterThanOrEqual(0);
});

it('a preview is in sight, and nothing else is said twice', async () => {
  await openRow('0008');
  await press('Preview');
  const preview = page.locator('#preview > *').first();
  await preview.waitFor();
  await expect.poll(async () => (await preview.boundingBox())?.y ?? -1).toBeGreaterThanOrEqual(0);
  expect((await preview.boundingBox())?.y).toBeLessThan(640);
  expect(await page.getByText('Nobody is told', { exact: true }).count()).toBe(1);
});
