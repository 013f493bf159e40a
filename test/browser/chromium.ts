// Debian's Chromium, driven by playwright-core. A test that needs it fails without it, and says what to install.
import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';
import { existsSync } from 'node:fs';

/** A browser that talks to nobody but the page, and that runs as root in a container. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(
      `${executablePath} is not there. Install it (apt-get install -y chromium), or name another with CHROMIUM=/path/to/chromium.`,
    );
  }
  return chromium.launch({ executablePath, args: FLAGS });
}
