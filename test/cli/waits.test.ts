// Whoever follows a run sees what it waits for, until when, and why it halted.
import { beforeEach, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../client/run-events.ts';
import { runEvents, Told } from '../../client/run-events.ts';
import { RunReport } from '../../cli/terminal/run-report.ts';
import { lookAtLedger, openHaltOf } from '../../core/views/view.ts';
import { executionArn } from '../support/fake-executions.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld } from '../support/services.ts';

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
    { event: 'appended', entry },
    { event: 'halted', halt },
  ]);
  expect(now.split('the disk is full')).toHaveLength(2);
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
