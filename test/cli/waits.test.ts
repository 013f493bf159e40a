// Whoever follows a run sees what it waits for, until when, and why it halted.
import { beforeEach, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../client/run-events.ts';
import { runEvents, Told } from '../../client/run-events.ts';
import { RunReport } from '../../cli/terminal/run-report.ts';
import { runToEnd } from '../../cli/terminal/run-to-end.ts';
import type { Deployment } from '../../client/deployment.ts';
import { nextText } from '../../core/text/command.ts';
import { lookAtLedger, openHaltOf } from '../../core/views/view.ts';
import { executionArn } from '../support/fake-executions.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

let world: World;
let before: LedgerBefore;
beforeEach(() => {
  world = createWorld();
  before = ledgerBefore(world);
});

/** Looks twice, then it has ended. */
async function followed(execution: string) {
  const told = await Told.everythingIn(world.ledger);
  let looks = 0;
  const describe = () => Promise.resolve({ status: (looks += 1) > 2 ? 'SUCCEEDED' : 'RUNNING', output: '{}' });
  const events: RunEvent[] = [];
  const pause = () => Promise.resolve();
  for await (const event of runEvents({ describe, ledger: world.ledger, pause }, execution, told, 0))
    events.push(event);
  return events.filter(({ event }) => event === 'waits');
}

function printedOf(events: RunEvent[]): string {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const report = new RunReport();
  for (const event of events) report.event(event);
  write.mockRestore();
  return printed.join('');
}

it('what is decided is held back while the code may be running, and the run says so once', async () => {
  const turn = await before.allow('0001');
  await before.claim(turn);
  await before.decide(await before.halt(turn, 'unknown'), 'retry');
  const events = await followed(executionArn('run-1'));
  expect(events).toEqual([
    { event: 'waits', migration: '0001', attempt: 1, until: '2026-03-01T12:15:10.000Z', decision: 'retry' },
  ]);
  expect(printedOf(events)).toContain(
    '… 0001  The decision retry is held back until 2026-03-01 12:15:10 UTC, because its code may be running until then.',
  );
});

it('its checkpoint’s time is said once, until it has come, and not of what is cancelled', async () => {
  const turn = await before.allow('0001');
  await before.claim(turn);
  await before.stopUntil(turn, world.clock.now() + 3_600_000);
  const events = await followed(executionArn('run-1'));
  expect(events).toEqual([
    { event: 'waits', migration: '0001', attempt: 1, until: '2026-03-01T13:00:00.000Z', atCheckpoint: true },
  ]);
  expect(printedOf(events)).toContain(
    '… 0001  waits until 2026-03-01 13:00:00 UTC, as its checkpoint says; no function runs until then',
  );
  expect(await followed(executionArn('run-2'))).toHaveLength(1);
  await before.cancel(turn);
  expect(await followed(executionArn('run-1'))).toEqual([]);
});

it('a checkpoint’s time that is over is not waited for', async () => {
  const turn = await before.allow('0001');
  await before.claim(turn);
  await before.stopUntil(turn, world.clock.now());
  expect(await followed(executionArn('run-1'))).toEqual([]);
});

it('a halt that was open before the run began is told when somebody new waits in it, and then once', async () => {
  const turn = await before.allow('0001');
  await before.claim(turn);
  await before.close(turn, 'failed');
  const halted = await before.halt(turn);
  await before.wait(halted, executionArn('run-1'), 'old');
  const told = await Told.everythingIn(world.ledger);
  const halts: string[] = [];
  let looks = 0;
  const describe = () => Promise.resolve({ status: looks > 3 ? 'SUCCEEDED' : 'RUNNING', output: '{}' });
  const pause = async () => {
    looks += 1;
    if (looks === 2) await before.wait(halted, executionArn('run-2'), 'new');
  };
  for await (const { event } of runEvents({ describe, ledger: world.ledger, pause }, executionArn('run-2'), told, 0))
    halts.push(`${event} after ${looks}`);
  expect(halts).toEqual(['halted after 2', 'ended after 4']);
});

it('a halt that is opened again shows its error again, and one that fails now shows it once', async () => {
  const turn = await before.allow('0001');
  const error = { name: 'Error', message: 'the disk is full', stack: 'Error\n    at migrations/dev/0001.ts:7:9' };
  await before.claim(turn);
  await before.close(turn, 'failed', { error });
  const entry = await before.halt(turn, 'failed', { error });
  const halt = openHaltOf(await lookAtLedger(world.ledger), []);
  if (!halt) throw new Error('it is halted');
  const again = printedOf([{ event: 'halted', halt }]);
  expect(again).toContain('Error: the disk is full');
  expect(again).toContain('migrations/dev/0001.ts:7:9');
  const now = printedOf([
    { event: 'appended', entry: turn },
    { event: 'appended', entry },
    { event: 'halted', halt },
  ]);
  expect(now).toMatch(/✖ 0001 {2}failed: Error: the disk is full\n/);
  expect(now.split('the disk is full')).toHaveLength(2);
  expect(now).not.toContain('before this run');
  // After an abort: the run appends a halt of its own, and runs nothing again.
  const next = printedOf([
    { event: 'appended', entry },
    { event: 'halted', halt },
  ]);
  expect(next).not.toContain('✖');
  expect(next).toContain('That was before this run, which has begun nothing of it.\n         Error: the disk is full');
});

it('of what another run has begun it says until when that may be running', async () => {
  await before.claim(await before.allow('0001'));
  const events = await followed(executionArn('run-2'));
  expect(events).toMatchObject([{ migration: '0001', decision: undefined }]);
  expect(printedOf(events)).toContain('which this run has not begun, may be running until 2026-03-01 12:15:10 UTC');
});

it('its own turn, a halt, an abort, and what cannot be running any more are not waited for', async () => {
  const turn = await before.allow('0001');
  await before.claim(turn);
  expect(await followed(executionArn('run-1'))).toEqual([]);
  const halted = await before.halt(turn, 'unknown');
  expect(await followed(executionArn('run-2'))).toEqual([]);
  await before.decide(halted, 'abort');
  expect(await followed(executionArn('run-1'))).toEqual([]);
  const again = await before.halt(turn, 'unknown');
  await before.decide(again, 'retry');
  world.clock.advance(910_001);
  expect(await followed(executionArn('run-1'))).toEqual([]);
});

it.each([
  ['ExpiredToken', 'The provided token has expired.', 'NoCredentials', /^Sign in again.* Then look at it: npx/],
  ['TimeoutError', 'no answer', 'AwsUnreachable', /^Check the network/],
])('who loses AWS to %s is told that the run goes on, and what to type', async (name, message, code, next) => {
  const execution = executionArn('run-1');
  const lost = Object.assign(new Error(message), { name });
  const describe = () => Promise.reject(lost);
  const deployment = { environment: 'odin-dev', local: false, ledger: world.ledger, describe, pause: () => undefined };
  const error = await thrownBy(
    runToEnd({
      deployment: deployment as unknown as Deployment,
      executionArn: execution,
      told: await Told.everythingIn(world.ledger),
      report: new RunReport(),
      pollMs: 0,
      ask: false,
    }),
  );
  expect(error.code).toBe(code);
  expect(error.why).toBe(`The run goes on in AWS, and nobody here follows it: ${execution}`);
  const typed = nextText(error.next ?? '');
  expect(typed).toMatch(next);
  expect(typed).toContain('npx --no-install odin-migrate status odin-dev');
});
