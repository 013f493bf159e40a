// The dashboard as an operator uses it: a real browser, the real widget function, the embedded AWS, the sample
// environment with a halt that a run before it left behind.
import { userInfo } from 'node:os';
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveEmbedded } from '../../cli/commands/dashboard.ts';
import type { DashboardServer } from '../../cli/dashboard/server.ts';
import type { Embedded } from '../../client/embedded.ts';
import { startEmbedded } from '../../client/embedded.ts';
import { openProject } from '../../project/project.ts';
import type { PracticeFault } from '../../project/bundle.ts';
import { until } from '../scenarios/world.ts';
import { launchChromium } from './chromium.ts';

const project = openProject();
let directory: string;
let embedded: Embedded;
let server: DashboardServer;
let browser: Browser;
let page: Page;
/** What the browser complained of: errors of the page's script, and whatever its content policy stopped. */
const complaints: string[] = [];

const start = (practiceFault?: PracticeFault) =>
  startEmbedded({ project, environment: 'sample', directory, practiceFault });

beforeAll(async () => {
  browser = await launchChromium();
  const parent = path.join(project.directory, '.odin-migrate', 'test');
  mkdirSync(parent, { recursive: true });
  directory = mkdtempSync(path.join(parent, 'browser-'));
  await leaveHalt();
  embedded = await start();
  server = await serveEmbedded(embedded.deployment);
  page = await browser.newPage({ colorScheme: 'light' });
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(server.url);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await embedded?.close();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

/** A run, in an embedded AWS of its own that then ends, as `npm start -- --fail 0002` leaves it. */
async function leaveHalt(): Promise<void> {
  const before = await start({ migration: '0002', fault: 'fail' });
  const { sfn, stateMachineArn, ledger } = before.deployment;
  await sfn.send(new StartExecutionCommand({ stateMachineArn, input: '{}' }));
  await until('the halt of 0002', async () => ((await ledger.log.look()).turn?.halt ? true : undefined));
  await before.close();
}

const headline = (text: string) => page.locator('.head .title', { hasText: text });
const button = (label: string) => page.locator('.btn', { hasText: label });
const state = (id: string) => page.locator(`[data-migration="${id}"]`).getAttribute('data-state');
/** Key, content and time of change of every object, also of the ledger. */
async function everything(): Promise<string[]> {
  const { s3, ledgerBucket } = embedded.deployment;
  const found: string[] = [];
  for (const Bucket of [ledgerBucket, 'odin-sample-data']) {
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket })) {
      found.push(
        ...Contents.map(({ Key, ETag, LastModified }) => `${Bucket}/${Key} ${ETag} ${LastModified?.toISOString()}`),
      );
    }
  }
  return found;
}

const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');

describe('the dashboard in a browser', () => {
  it('shows the halt that a run before it left behind', async () => {
    await headline('Halted at 0002').waitFor();
    expect(await page.locator('[data-halted] .error pre').first().textContent()).toContain('PracticeFailure');
    expect([await state('0001'), await state('0002'), await state('0003')]).toEqual(['applied', 'halted', 'pending']);
  });

  it('changes between light and dark', async () => {
    const light = await background();
    await page.locator('#theme').click();
    await expect.poll(background, { timeout: 30_000 }).not.toBe(light); // once the widget of the other theme has come
    await page.locator('#theme').click();
    await expect.poll(background, { timeout: 30_000 }).toBe(light);
  });

  it('asks first, and does nothing when the answer is no', async () => {
    await button('Retry').click();
    expect(await page.locator('#confirm p').textContent()).toContain('Retry 0002 in sample?');
    await page.locator('#confirm button', { hasText: 'Cancel' }).click();
    await page.locator('#confirm').waitFor({ state: 'hidden' });
    expect((await embedded.deployment.ledger.log.look()).turn?.halt?.decided).toBeUndefined();
  });

  it('wants a reason where one is needed, and says so', async () => {
    await button('Mark applied').click(); // and asks nothing before that
    await page.locator('[data-notice="warn"]', { hasText: 'Please fill in the reason' }).waitFor();
    expect((await embedded.deployment.ledger.log.look()).turn?.halt?.decided).toBeUndefined();
  });

  it('says during a halt why no run is started, and goes on saying it', async () => {
    await page.locator('#run').click();
    const notice = page.locator('[data-notice="warn"]', { hasText: 'No run was started: 0002 is halted' });
    await notice.waitFor();
    const looks: string[] = [];
    page.on('response', (response) => looks.push(response.url()));
    await until('two refreshes', () => Promise.resolve(looks.length >= 2 ? true : undefined));
    expect(await notice.count()).toBe(1);
  });

  it('keeps what is being typed through its refreshes', async () => {
    const field = page.locator('input[name="reason"]');
    await field.fill('The disk has been ');
    const looks: string[] = [];
    page.on('response', (response) => looks.push(response.url()));
    await until('two refreshes', () => Promise.resolve(looks.length >= 2 ? true : undefined));
    await field.pressSequentially('cleared');
    expect(await field.inputValue()).toBe('The disk has been cleared');
  });

  it('a row opens to its history, and stays open over the refreshes', async () => {
    const row = page.locator('[data-migration="0001"]');
    await row.locator('> summary').click();
    await row.locator('.trail', { hasText: 'allowed to run' }).waitFor();
    expect((await row.locator('.trail .said').allTextContents()).map((text) => text.split(' in ')[0])).toEqual([
      'allowed to run',
      'applied',
    ]);
    const looks: string[] = [];
    page.on('response', (response) => looks.push(response.url()));
    await until('two refreshes', () => Promise.resolve(looks.length >= 2 ? true : undefined));
    expect(await row.getAttribute('open')).toBe('');
    await row.locator('> summary').click();
  });

  it('Preview of a pending one shows what it would write, stays over the refreshes, and changes nothing', async () => {
    const before = await everything();
    await page.locator('[data-migration="0003"] > summary').click();
    await page.locator('[data-migration="0003"] .btn', { hasText: 'Preview' }).click();
    const card = page.locator('[data-previewed="0003"]');
    await card.waitFor({ timeout: 60_000 });
    const [write, ...others] = await card.locator('tr[data-call="write"]').allTextContents();
    expect(write?.replace(/\s+/g, ' ').trim()).toBe(
      'WRITE PutObject 120 120 180.0 kB s3://odin-sample-data/odin/data/afc/sales/',
    );
    expect(others).toEqual([]);
    expect(await card.textContent()).toContain('It would run to its end');
    expect(await card.textContent()).toContain('Nothing was changed');
    expect(await everything()).toEqual(before);

    const looks: string[] = [];
    page.on('response', (response) => looks.push(response.url()));
    await until('two refreshes', () => Promise.resolve(looks.length >= 2 ? true : undefined));
    expect(await card.count()).toBe(1);
    expect(await page.locator('input[name="reason"]').inputValue()).toBe('The disk has been cleared');

    await card.locator('.btn', { hasText: 'Close' }).click();
    await card.waitFor({ state: 'detached' });
  });

  it('Retry, confirmed, is recorded with the name and the reason, and the run finishes before our eyes', async () => {
    await button('Retry').click();
    await page.locator('#confirm button', { hasText: 'Confirm' }).click();
    await headline('Everything is done').waitFor({ timeout: 120_000 });
    expect([await state('0001'), await state('0002'), await state('0003')]).toEqual(['applied', 'applied', 'applied']);

    const { ledger } = embedded.deployment;
    const entries = await ledger.log.entries();
    expect(entries.find(({ kind }) => kind === 'decided')).toMatchObject({
      decision: 'retry',
      reason: 'The disk has been cleared',
      by: `local:${userInfo().username} (dashboard on localhost of account 000000000000)`,
    });
    const done = entries.flatMap((entry) => (entry.kind === 'completed' ? [[entry.ids[0], entry.completion]] : []));
    expect(done).toEqual([
      ['0001', 'applied'],
      ['0002', 'applied'],
      ['0003', 'applied'],
    ]);
    expect((await ledger.log.look()).migrations['0002']?.attempts).toBe(2);
  });

  it('starts a run, which finds nothing to do', async () => {
    await page.locator('#run').click();
    await headline('Everything is done').waitFor();
    expect(await page.locator('#trouble').isHidden()).toBe(true);
  });

  it('had no error, and nothing that its content policy stopped', () => {
    expect(complaints).toEqual([]);
  });

  it('without the token can do nothing', async () => {
    const stranger = await browser.newPage();
    await stranger.goto(server.url.replace(/#.*/, ''));
    await stranger.locator('#trouble', { hasText: 'Open the address that the terminal shows' }).waitFor();
    expect(await stranger.locator('.odin').count()).toBe(0);
    await stranger.close();
  });
});
