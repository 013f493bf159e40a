// A page that was left open: the server is gone, AWS does not answer, the machine slept, and somebody comes back to it in the morning.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { DashboardServer, WidgetRequest } from '../../cli/dashboard/server.ts';
import { startDashboardServer } from '../../cli/dashboard/server.ts';
import { STATES } from '../dashboard/states.ts';
import { PROJECT } from '../support/project.ts';
import { launchChromium } from './chromium.ts';
import { faultsOf } from './faults.ts';

const PICTURES = path.join(PROJECT, '.odin-migrate', 'screens');
type Theme = WidgetRequest['theme'];
const HALTED = (theme: Theme) => STATES.find(({ name }) => name === 'halted')!.html(theme);

let browser: Browser;
let server: DashboardServer;
let page: Page;
let asked: WidgetRequest['call'][];
let answer: (theme: Theme) => Promise<string>;

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
});

beforeEach(async () => {
  asked = [];
  answer = (theme) => Promise.resolve(HALTED(theme));
  page = await browser.newPage({ viewport: { width: 390, height: 780 }, timezoneId: 'Europe/Berlin' });
  await page.clock.install({ time: new Date('2026-03-01T22:30:59Z') });
  await open('light');
});

async function open(colorScheme: Theme): Promise<void> {
  server = await startDashboardServer({
    environment: 'odin-dev',
    place: 'eu-west-1',
    port: 0,
    pollMs: 3_600_000,
    callWidget: ({ call, theme }) => {
      asked.push(call);
      return answer(theme);
    },
  });
  await page.emulateMedia({ colorScheme });
  await page.goto('about:blank');
  await page.goto(server.url);
  await page.locator('.odin').waitFor();
}
afterEach(async () => {
  await page.close();
  await server.close();
});

const OF_BEFORE = 'What is shown here is of 2026-03-01 23:3';
const trouble = (text: string) => page.locator('#trouble', { hasText: text });
const comeBack = () => page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
const isStale = () => page.evaluate<boolean>(`document.getElementById('widget').classList.contains('stale')`);

it('is looked at again at once when somebody comes back to it, and not after the next wait', async () => {
  expect(asked).toHaveLength(1);
  await page.clock.pauseAt(new Date('2026-03-02T06:00:00Z'));
  answer = (theme) => Promise.resolve(HALTED(theme).replace('Halted at', 'In the morning halted at'));
  await comeBack();
  await page.locator('.title', { hasText: 'In the morning' }).waitFor();
});

it('says that the command has ended, and of when it is, until it is answered again', async () => {
  await server.close();
  await comeBack();
  await trouble(
    `The command in the terminal has ended: type it again, and open what it prints. ${OF_BEFORE}`,
  ).waitFor();
  expect(await isStale()).toBe(true);
  await page.locator('.btn', { hasText: 'Abort' }).click();
  await page.locator('#confirm button', { hasText: 'Confirm' }).click();
  await trouble(OF_BEFORE).waitFor();
  expect(asked).toEqual([{}]);
});

it.each([360, 390, 768, 1280])(
  'then fits a screen of %i px, light and dark, and keeps the theme that it is drawn in',
  async (width) => {
    await page.setViewportSize({ width, height: 780 });
    const pressable = width < 500 ? 44 : 24;
    for (const theme of ['light', 'dark']) {
      await server.close();
      await comeBack();
      await trouble(OF_BEFORE).waitFor();
      expect(await page.evaluate<string[]>(faultsOf(pressable))).toEqual([]);
      await page.screenshot({ path: path.join(PICTURES, `left-open-${width}-${theme}.png`) });
      await page.locator('#theme').click();
      await trouble(OF_BEFORE).waitFor();
      expect(await page.evaluate<string[]>(faultsOf(pressable))).toEqual([]);
      if (theme === 'light') await open('dark');
    }
  },
);

it('says what AWS answered, and of when it is, and is as before when AWS answers again', async () => {
  answer = () => Promise.reject(new Error('Your credentials have expired.'));
  await comeBack();
  await trouble('Your credentials have expired.').waitFor();
  await trouble(OF_BEFORE).waitFor();
  expect(await isStale()).toBe(true);
  answer = (theme) => Promise.resolve(HALTED(theme));
  await comeBack();
  await page.locator('#trouble').waitFor({ state: 'hidden' });
  expect(await isStale()).toBe(false);
});

it('says that it waits, and since when, where nothing is answered: the command may be stopped', async () => {
  answer = () => new Promise(() => undefined);
  await comeBack();
  await page.clock.runFor(14_000);
  expect(await page.locator('#trouble').isHidden()).toBe(true);
  await page.clock.runFor(2_000);
  await trouble('There is no answer since 2026-03-01 23:30:59').waitFor();
});

it('a button is pressed by the space bar too, as buttons are', async () => {
  await page.locator('.btn', { hasText: 'Abort' }).focus();
  await page.keyboard.press(' ');
  await page.locator('#confirm p', { hasText: 'Abort' }).waitFor();
});
