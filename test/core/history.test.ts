// The audit trail: every record, oldest first.
import { expect, it } from 'vitest';
import { readHistory } from '../../core/views/history.ts';
import { executionArn } from '../support/fake-executions.ts';
import { createWorld } from '../support/services.ts';

async function prepared() {
  const world = createWorld();
  const { ledger, writer, clock } = world;
  const later = () => clock.advance(1_000);
  const subject = (migration: string, attempt = 1) => ({ migration, attempt, execution: executionArn('run') });
  const claim = (migration: string, attempt: number, slice = 1) =>
    ledger.createClaim(subject(migration, attempt), writer, {
      slice,
      nonce: `${attempt}/${slice}`,
      deadline: '2026-03-01T13:00:00.000Z',
    });
  await ledger.createCompletion({ ...subject('0001'), attempt: 0 }, writer, {
    completion: 'baseline',
    by: 'him',
    reason: 'adopted',
  });
  later();
  await claim('0002', 1);
  later();
  await claim('0002', 1, 2);
  later();
  await ledger.createCancellation(subject('0002'), writer, { by: 'her', reason: 'too slow' });
  later();
  const error = { name: 'Error', message: 'no space' };
  await ledger.createFinished(subject('0002'), writer, { outcome: 'failed', durationMs: 1, slices: 2, error });
  later();
  await ledger.updateHalt(subject('0002'), writer, () => ({
    halt: 1,
    outcome: 'failed' as const,
    error,
    waiting: [{ execution: executionArn('run'), token: 'SECRET', since: clock.iso(), allowOutOfOrder: false }],
  }));
  later();
  await ledger.createDecision(subject('0002'), writer, { halt: 1, decision: 'retry', by: 'her' });
  later();
  await claim('0002', 2);
  return ledger;
}

it('tells everything, oldest first, without task tokens', async () => {
  const events = await readHistory(await prepared());
  expect(events.map(({ migration, attempt, event }) => `${migration}/${attempt} ${event}`)).toEqual([
    '0001/0 completed',
    '0002/1 started',
    '0002/1 slice',
    '0002/1 cancelled',
    '0002/1 finished',
    '0002/1 halted',
    '0002/1 decided',
    '0002/2 started',
  ]);
  expect(events[0]).toMatchObject({ completion: 'baseline', by: 'him', reason: 'adopted' });
  expect(events[3]).toMatchObject({ by: 'her', reason: 'too slow' });
  expect(events[6]).toMatchObject({ decision: 'retry', by: 'her', time: '2026-03-01T12:00:06.000Z' });
  expect(JSON.stringify(events)).not.toContain('SECRET');
});

it('tells of one migration alone', async () => {
  const events = await readHistory(await prepared(), '0001');
  expect(events.map(({ event }) => event)).toEqual(['completed']);
  expect(await readHistory(await prepared(), '0009')).toEqual([]);
});
