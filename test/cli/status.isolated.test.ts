// `status` of a deployed environment leads to its dashboard, its executions and its logs, where a terminal takes links.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { status } from '../../cli/commands/status.ts';
import { EXIT } from '../../cli/terminal/exit-codes.ts';
import { executionLink } from '../../core/text/links.ts';
import { MACHINE } from '../support/fake-executions.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, manifestOf } from '../support/services.ts';

const DASHBOARD = 'https://eu-west-1.console.aws.amazon.com/cloudwatch/home#dashboards/dashboard/odin-dev';
let world: World;

vi.mock('../../client/environment.ts', async (original) => ({
  ...(await original<object>()),
  lookAtEnvironment: () =>
    Promise.resolve({
      deployment: { environment: 'odin-dev', stateMachineArn: MACHINE, dashboardUrl: DASHBOARD },
      manifest: manifestOf('0001', '0002'),
      ledger: world.ledger,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
}));
vi.mock('../../client/subscribers.ts', async (original) => ({
  ...(await original<object>()),
  subscribersOf: () => Promise.resolve(undefined),
}));

beforeEach(() => {
  world = createWorld();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A failed migration waits in a halt. @returns what is printed, and the execution of its turn */
async function typed(hyperlinks: '0' | '1') {
  vi.stubEnv('FORCE_HYPERLINK', hyperlinks);
  const before = ledgerBefore(world);
  const turn = await before.allow('0001');
  await before.claim(turn);
  await before.close(turn, 'failed');
  await before.halt(turn);
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  expect(await status({}, 'odin-dev', {})).toBe(EXIT.halted);
  write.mockRestore();
  return { printed: printed.join('').replaceAll('\u001b', '<ESC>'), execution: turn.execution };
}

const linked = (url: string, text: string) => `<ESC>]8;;${url}<ESC>\\${text}<ESC>]8;;<ESC>\\`;

it('has them', async () => {
  const { printed, execution } = await typed('1');
  expect(printed).toContain(linked(DASHBOARD, 'odin-dev'));
  for (const text of ['halted', 'its execution']) expect(printed).toContain(linked(executionLink(execution), text));
  for (const text of ['0001', 'its log'])
    expect(printed.split(`<ESC>\\${text}<ESC>]8;;`)[0]).toMatch(/<ESC>\]8;;https:\/\/\S*#logsV2:\S*$/);
});

it('has none elsewhere, and no words of them', async () => {
  const { printed } = await typed('0');
  expect(printed).not.toMatch(/<ESC>|https:|its log/);
  expect(printed).toMatch(/^0001 .*halted/m);
});
