// The page at the widths of a phone, a tablet and a desk, light and dark, in every state, closed and with everything opened: as the
// console may show it (sanitised, with the console's buttons) and as the local dashboard does. The pictures are left in
// .odin-migrate/screens/, to be looked at.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DashboardServer } from '../../cli/dashboard/server.ts';
import { startDashboardServer } from '../../cli/dashboard/server.ts';
import { STATES } from '../dashboard/states.ts';
import { PROJECT } from '../support/project.ts';
import { launchChromium } from './chromium.ts';
import { faultsOf } from './faults.ts';

const DOMPURIFY = readFileSync(createRequire(import.meta.url).resolve('dompurify/dist/purify.min.js'), 'utf8');
const PICTURES = path.join(PROJECT, '.odin-migrate', 'screens');

const WIDTHS = [360, 390, 768, 1280];
const THEMES = ['light', 'dark'] as const;
const IS_PHONE = 500;

let browser: Browser;
let server: DashboardServer;
let html = '';

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  browser = await launchChromium();
  server = await startDashboardServer({
    environment: 'odin-dev',
    place: 'on this machine',
    port: 0,
    pollMs: 3_600_000,
    callWidget: () => Promise.resolve(html),
    startRun: () => Promise.resolve({ tone: 'good', said: 'A run was started.' }),
  });
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** What the console brings along: its ground, its type, its buttons. */
const consolePage = (theme: 'light' | 'dark', content: string) => `<!doctype html>
  <meta name="viewport" content="width=device-width, initial-scale=1" />
  <style>
    body { margin: 0; padding: 10px; font: 14px/20px sans-serif; background: ${theme === 'light' ? '#fff' : '#161d26'}; }
    a { color: ${theme === 'light' ? '#0972d3' : '#539fe5'}; }
    .btn { display: inline-block; padding: 4px 20px; border: 2px solid; border-radius: 20px; font-weight: 700; white-space: nowrap; }
    .btn-primary { color: ${theme === 'light' ? '#fff' : '#0f1b2a'}; border-color: ${theme === 'light' ? '#0972d3' : '#539fe5'}; background: ${theme === 'light' ? '#0972d3' : '#539fe5'}; }
    cwdb-action { display: none; }
  </style><main>${content}</main>`;

interface FrameOfPage {
  show: (page: Page, theme: 'light' | 'dark') => Promise<void>;
  /** Which states are looked at in it: what is around the page does not depend on all of them. */
  fits: (state: { name: string }) => boolean;
}

const inConsole: FrameOfPage = {
  fits: () => true,
  show: async (page, theme) => {
    await page.setContent(consolePage(theme, ''));
    await page.evaluate(DOMPURIFY);
    await page.evaluate(`document.querySelector('main').innerHTML = DOMPurify.sanitize(${JSON.stringify(html)}, {
      ADD_TAGS: ['cwdb-action'], ADD_ATTR: ['action', 'display', 'endpoint', 'confirmation'],
      ADD_URI_SAFE_ATTR: ['endpoint'], FORCE_BODY: true })`);
  },
};

const local: FrameOfPage = {
  fits: ({ name }) => ['nothing', 'halted', 'preview'].includes(name),
  show: async (page) => {
    await page.goto('about:blank');
    await page.goto(server.url);
    await page.locator('.odin').waitFor();
  },
};

describe.each([
  ['console', inConsole],
  ['local', local],
] as const)('%s', (frame, { show, fits }) => {
  describe.each(WIDTHS)('%i px', (width) => {
    it.each(THEMES)('%s: everything is within the screen, readable, and large enough to be pressed', async (theme) => {
      const phone = width < IS_PHONE;
      const page = await browser.newPage({
        viewport: { width, height: phone ? 780 : 900 },
        colorScheme: theme,
        isMobile: phone,
        hasTouch: phone,
        deviceScaleFactor: phone ? 2 : 1,
      });
      const faults = new Map<string, string[]>();
      for (const { name, html: draw } of STATES.filter(fits)) {
        html = draw(theme);
        await show(page, theme);
        for (const opened of [false, true]) {
          if (opened) await page.evaluate(OPEN_ALL);
          const label = `${name.replace(/\W+/g, '-')}${opened ? '-opened' : ''}`;
          const found = await page.evaluate<string[]>(faultsOf(phone ? 44 : 24));
          for (const fault of found) faults.set(fault, [...(faults.get(fault) ?? []), label]);
          await page.screenshot({
            path: path.join(PICTURES, `${frame}-${width}-${theme}-${label}.png`),
            fullPage: true,
          });
        }
      }
      await page.close();
      expect(Object.fromEntries(faults)).toEqual({});
    });
  });
});

const OPEN_ALL = `(() => {
  const root = document.getElementById('widget')?.shadowRoot ?? document;
  for (const details of root.querySelectorAll('details')) details.open = true;
})()`;

it('the picture of the first minute is an image that a browser shows', async () => {
  const svg = readFileSync(path.join(PROJECT, 'docs', 'pictures', 'first-minute.svg'));
  const page = await browser.newPage();
  await page.setContent(`<img src="data:image/svg+xml;base64,${svg.toString('base64')}">`);
  const width = await page.evaluate<number>(`document.images[0].decode().then(() => document.images[0].naturalWidth)`);
  expect(width).toBeGreaterThan(600);
  await page.close();
});
