// Whoever follows a run sees what it waits for, and until when.
import { beforeEach, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../client/run-events.ts';
import { runEvents, Told } from '../../client/run-events.ts';
import { RunReport } from '../../cli/terminal/run-report.ts';
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
  for (const event of events) new RunReport().event(event);
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
