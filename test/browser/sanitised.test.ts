// The widget's page as the console's sanitiser may leave it: DOMPurify, with the one element of CloudWatch's own let through. It takes
// away each id and name that would hide a property of the document or of a form, and a field without a name is sent by nobody.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DecidePayload } from '../../core/contract/payloads.ts';
import { createDashboard } from '../../lambdas/dashboard/dashboard.ts';
import { WidgetEvent } from '../../lambdas/dashboard/event.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { createWorld, invocation, manifestOf } from '../support/services.ts';
import { launchChromium } from './chromium.ts';

const DOMPURIFY = readFileSync(createRequire(import.meta.url).resolve('dompurify/dist/purify.min.js'), 'utf8');

let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await launchChromium();
  page = await browser.newPage();
  await page.setContent('<main></main>');
  await page.evaluate(DOMPURIFY);
});
afterAll(() => browser?.close());

/** Puts what is left into the page; returns what was taken away. */
const sanitise = (html: string): Promise<string[]> =>
  page.evaluate(`(() => {
    document.querySelector('main').innerHTML = DOMPurify.sanitize(${JSON.stringify(html)}, {
      ADD_TAGS: ['cwdb-action'], ADD_ATTR: ['action', 'display', 'endpoint', 'confirmation'],
      ADD_URI_SAFE_ATTR: ['endpoint'], FORCE_BODY: true,
    });
    return DOMPurify.removed.filter(({ element }) => element?.nodeName !== 'REMOVE').map(({ element, attribute, from }) =>
      element ? element.nodeName : from.nodeName + ' ' + attribute.name + '="' + attribute.value + '"');
  })()`);

/** As the console sends a form: by the names of its fields. */
const forms = (): Promise<Record<string, string>> =>
  page.evaluate(
    `Object.fromEntries([...document.querySelectorAll('main input[name]')].map(({ name, value }) => [name, value]))`,
  );

/** What the element behind a button says. */
const payloadOf = async (label: string): Promise<object> => {
  const action = page.locator('.btn', { hasText: label }).locator('xpath=following-sibling::*[1][self::cwdb-action]');
  return JSON.parse((await action.textContent()) ?? '') as object;
};

it('what is typed and pressed in what is left is decided, with the name and the reason', async () => {
  const world = createWorld();
  const ledger = ledgerBefore(world);
  await ledger.halt(await ledger.allow('0001', { execution: world.executions.run('run-1') }));
  const sent: DecidePayload[] = [];
  const dashboard = createDashboard(
    world.services,
    manifestOf('0001', '0002'),
    {
      sendDecision: (payload) => {
        sent.push(payload);
        return createResume(world.services, manifestOf('0001', '0002'))(payload, invocation(world));
      },
      askMigration: () => Promise.reject(new Error('nothing is previewed')),
      sendTune: () => Promise.reject(new Error('nothing is tuned')),
    },
    () => Promise.resolve(undefined),
  );
  const draw = (event: object) => dashboard(WidgetEvent.parse(event), invocation(world));

  // Links open in another tab or in this one: that is the console's own matter.
  const taken = (await sanitise(await draw({}))).filter((each) => each !== 'A target="_blank"');
  expect(taken).toEqual([]);

  await page.locator('label', { hasText: 'Reason' }).locator('input').fill('not needed');
  await page.locator('label', { hasText: 'Your name' }).locator('input').fill('alice');
  const context = { widgetContext: { accountId: '111122223333', dashboardName: 'd', forms: { all: await forms() } } };
  expect(await draw({ ...(await payloadOf('Skip')), ...context })).toContain('Recorded: skip on 0001, attempt 1.');
  expect(sent).toMatchObject([
    { decision: 'skip', halt: 2, reason: 'not needed', by: 'alice (dashboard d of account 111122223333)' },
  ]);
});
