// Draws the pictures of the README and of docs/dashboard.md anew, from what is there today: `npm run pictures`. It needs Chromium.
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { serveEmbedded } from '../../cli/commands/dashboard.ts';
import { startEmbedded } from '../../client/embedded.ts';
import { openProject } from '../../project/project.ts';
import { launchChromium } from './chromium.ts';
import { terminalSvg, transcript } from '../../scripts/first-minute.ts';

const project = openProject();
const PICTURES = path.join(project.directory, 'docs', 'pictures');

const DESK = { width: 1080, height: 640 };
const PHONE = { width: 390, height: 720 };

/** The sample's first migration alone has taken 45 s on a busy machine, where Playwright gives a page 30. */
const PATIENCE_MS = 600_000;

/** The sample environment with a halt, at a desk and on a phone. */
async function drawDashboard(): Promise<void> {
  const parent = path.join(project.directory, '.odin-migrate', 'test');
  mkdirSync(parent, { recursive: true });
  const browser = await launchChromium(); // first: without it nothing else is begun, which would keep this process
  const directory = mkdtempSync(path.join(parent, 'pictures-'));
  const embedded = await startEmbedded({
    project,
    environment: 'sample',
    directory,
    practiceFault: { migration: '0002', fault: 'fail' },
  });
  const server = await serveEmbedded(embedded.deployment);
  try {
    const { sfn, stateMachineArn } = embedded.deployment;
    await sfn.send(new StartExecutionCommand({ stateMachineArn, input: '{}' }));
    for (const theme of ['light', 'dark'] as const) {
      const [desk, phone] = [
        await shot(browser, server.url, theme, DESK),
        await shot(browser, server.url, theme, PHONE),
      ];
      writeFileSync(path.join(PICTURES, `dashboard-${theme}.png`), await sideBySide(browser, desk, phone));
    }
    writeFileSync(path.join(PICTURES, 'preview.png'), await previewShot(browser, server.url));
  } finally {
    await browser.close();
    await server.close();
    await embedded.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function opened(browser: Browser, url: string, colorScheme: 'light' | 'dark', viewport: typeof DESK) {
  const page = await browser.newPage({ viewport, colorScheme });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(url);
  await page.locator('.title', { hasText: 'Halted at 0002' }).waitFor();
  return page;
}

async function shot(browser: Browser, url: string, theme: 'light' | 'dark', viewport: typeof DESK): Promise<Buffer> {
  const page = await opened(browser, url, theme, viewport);
  const picture = await page.screenshot();
  await page.close();
  return picture;
}

async function previewShot(browser: Browser, url: string): Promise<Buffer> {
  const page = await opened(browser, url, 'light', DESK);
  await page.locator('[data-migration="0003"] > summary').click();
  await page.locator('[data-migration="0003"] .btn', { hasText: 'Preview' }).click();
  const card = page.locator('[data-previewed="0003"]');
  const picture = await card.screenshot();
  await page.close();
  return picture;
}

/** On a ground that lets the reader's through. */
async function sideBySide(browser: Browser, ...pictures: Buffer[]): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: DESK.width + PHONE.width + 60, height: PHONE.height + 40 } });
  page.setDefaultTimeout(PATIENCE_MS);
  const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture.toString('base64')}">`);
  await page.setContent(`<style>body{margin:0;display:inline-flex;gap:20px;padding:20px;align-items:center;background:transparent}
    img{border-radius:10px;border:1px solid #7f8b99}</style>${images.join('')}`);
  const picture = await page.screenshot({ omitBackground: true });
  await page.close();
  return picture;
}

mkdirSync(PICTURES, { recursive: true });
writeFileSync(path.join(PICTURES, 'first-minute.svg'), terminalSvg(transcript()));
await drawDashboard();
process.stdout.write(`The pictures are in ${path.relative(project.directory, PICTURES)}/.\n`);
