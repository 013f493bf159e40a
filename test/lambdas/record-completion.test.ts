// `Record completion`: what it appends, that it appends nothing that the ledger does not say already, and whom it tells.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Allowed, CallerIdentity } from '../../core/ledger/entries.ts';
import { sha256 } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { claimKey, completedKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import type { Decision } from '../../core/names/names.ts';
import { VERSION } from '../../core/names/version.ts';
import { createRecordCompletion } from '../../lambdas/record-completion/record-completion.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

let world: World;
let before: LedgerBefore;
/** The turn of attempt 1 of 0004, allowed by entry 1. */
let turn: Numbered<Allowed>;
beforeEach(async () => {
  world = createWorld();
  before = ledgerBefore(world);
  turn = await before.allow('0004');
});

const record = (named: { number: number; attempt: number } = turn, name = 'me', migration = '0004') =>
  createRecordCompletion(world.services)(
    { ask: 'record', execution: executionArn(name), migration, attempt: named.attempt, turn: named.number },
    invocation(world, { requestId: `request of ${name}` }),
  );
const completion = async () => (await before.look()).migrations['0004']?.completion;
const body = async (key: string) => (await world.store.inner.get(key))?.body ?? '';
async function failed(): Promise<void> {
  await before.claim(turn);
  await before.close(turn, 'failed');
}
/** Of the turn as it failed: halted and decided. */
async function decided(decision: Decision, reason?: string, identity?: CallerIdentity) {
  return before.decide(await before.halt(turn), decision, { reason, identity });
}

it('says what was still alive when user code had returned', async () => {
  await before.claim(turn);
  await before.close(turn, 'succeeded', { leftOver: ['2 timers'] });
  await record();
  expect(JSON.parse(await body(entryKey(2)))).toMatchObject({ completion: 'applied', leftOver: ['2 timers'] });
});

it('says what was done, as the outcome does', async () => {
  const did = { done: 7, total: 7, note: 'files moved' };
  await before.claim(turn);
  await before.close(turn, 'succeeded', { did });
  await record();
  expect(JSON.parse(await body(entryKey(2)))).toMatchObject({ completion: 'applied', did });
});

describe('after user code returned', () => {
  beforeEach(async () => {
    world.clock.advance(1_000);
    await before.claim(turn);
    world.clock.advance(5_000);
    await before.close(turn, 'succeeded');
    world.clock.advance(1_000);
  });

  it('appends it as applied: when it started and finished, and the outcome that it rests on', async () => {
    expect(await record()).toEqual({ migration: '0004', completion: 'applied' });
    expect(world.logs.map(({ message }) => message)).toEqual(['Completed 0004: applied']);
    expect(JSON.parse(await body(entryKey(2)))).toEqual({
      format: 1,
      number: 2,
      previous: turn.sha256,
      kind: 'completed',
      time: '2026-03-01T12:00:07.000Z',
      nonce: 'nonce-1',
      writer: { function: 'record-completion', requestId: 'request of me', version: VERSION },
      ids: ['0004'],
      completion: 'applied',
      startedAt: '2026-03-01T12:00:00.000Z',
      finishedAt: '2026-03-01T12:00:06.000Z',
      restsOn: { key: outcomeKey(turn), sha256: sha256(await body(outcomeKey(turn))) },
    });
  });

  it('writes the copy: the very text of the entry', async () => {
    await record();
    expect(await body(completedKey('0004'))).toBe(await body(entryKey(2)));
  });

  it('asks the store four times when it is warm, and nothing unusual happened', async () => {
    await world.ledger.log.look(); // a function that is warm
    world.store.calls.length = 0;
    await record();
    expect(world.store.calls.map(({ operation, key }) => `${operation} ${key}`)).toEqual([
      'list log/',
      `get ${outcomeKey(turn)}`,
      `create ${entryKey(2)}`,
      `create ${completedKey('0004')}`,
    ]);
  });

  it('reads no waiters of what is no halt', async () => {
    await before.cancel(turn);
    await record();
    expect(world.store.calls.map(({ key }) => key).filter((key) => key.startsWith('waiters/'))).toEqual([]);
  });

  it.each(['retry', 'mark-applied', 'abort'] as const)(
    'appends it as applied, also when %s was decided',
    async (decision) => {
      await decided(decision, 'a reason');
      await record();
      expect(await completion()).toMatchObject({ completion: 'applied', by: undefined, reason: undefined });
    },
  );
});

describe('after an operator said so', () => {
  it.each([
    ['mark-applied', 'marked-applied'],
    ['skip', 'skipped'],
  ] as const)('appends %s as %s, with who and why, resting on the decision', async (decision, kind) => {
    await failed();
    world.clock.advance(60_000);
    const entry = await decided(decision, 'because', { is: 'verified' });
    expect(await record()).toEqual({ migration: '0004', completion: kind });
    expect(await completion()).toMatchObject({
      completion: kind,
      by: 'anna',
      identity: { is: 'verified' },
      reason: 'because',
      startedAt: '2026-03-01T12:00:00.000Z',
      finishedAt: '2026-03-01T12:01:00.000Z',
    });
    expect(await world.ledger.log.entry(4)).toMatchObject({
      restsOn: { key: entryKey(entry.number), sha256: entry.sha256 },
    });
  });

  it('appends an attempt that never started, without a start', async () => {
    await decided('skip', 'never needed');
    await before.claim(turn, { claim: 'void' });
    await record();
    expect(await completion()).toMatchObject({ completion: 'skipped', startedAt: undefined });
  });

  it('appends one whose second slice never started with the start of its first', async () => {
    const { since } = (await before.look()).turn ?? {};
    await before.claim(turn);
    await before.close(turn, 'stopped');
    world.clock.advance(60_000);
    turn = await before.allow('0004', {
      slice: 2,
      begin: 'checkpoint',
      restsOn: { turn: { key: outcomeKey(turn), sha256: 'a'.repeat(64) } },
    });
    await decided('skip', 'enough');
    await before.claim(turn, { claim: 'void' });
    await record();
    expect(since).toBeDefined();
    expect(await completion()).toMatchObject({ completion: 'skipped', startedAt: since });
  });

  it('takes the decision after an abort', async () => {
    await failed();
    await decided('abort');
    await decided('mark-applied', 'later');
    expect(await record()).toEqual({ migration: '0004', completion: 'marked-applied' });
  });

  it('appends the first verdict, when its recording failed and retry was decided then', async () => {
    await failed();
    await decided('skip', 'not needed');
    await before.decide(await before.halt(turn, 'unrecorded'), 'retry', { by: 'him' });
    expect(await record()).toEqual({ migration: '0004', completion: 'skipped' });
    expect(await completion()).toMatchObject({ by: 'anna', reason: 'not needed' });
  });
});

describe('is idempotent', () => {
  beforeEach(async () => {
    await before.claim(turn);
    await before.close(turn, 'succeeded');
  });

  it('when it is asked again, later and by another execution: the first entry stands', async () => {
    const first = await record();
    const stands = await before.look();
    world.clock.advance(60_000);
    expect(await record(turn, 'another')).toEqual(first);
    expect(await before.look()).toEqual(stands);
    expect(world.logs.at(-1)?.message).toBe('0004 was completed before, at 2026-03-01T12:00:00.000Z: applied');
  });

  it('when many ask at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => record(turn, `e${n}`)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await before.look()).toMatchObject({ number: 2, turn: undefined });
  });

  it('when its write failed the first time', async () => {
    world.store.before = once('create', entryKey(2), () => {
      throw unavailable();
    });
    expect((await thrownBy(record())).code).toBe('LedgerUnavailable');
    expect(await completion()).toBeUndefined();
    expect(await record()).toEqual({ migration: '0004', completion: 'applied' });
  });

  it('when the answer to its write was lost', async () => {
    world.store.after = once('create', entryKey(2), () => {
      throw unavailable();
    });
    expect((await thrownBy(record())).code).toBe('LedgerUnavailable');
    expect(await record()).toEqual({ migration: '0004', completion: 'applied' });
    expect(await before.look()).toMatchObject({ number: 2 });
  });

  it('when the copy could not be written the first time: the second call writes it', async () => {
    world.store.before = once('create', completedKey('0004'), () => {
      throw unavailable();
    });
    expect((await thrownBy(record())).code).toBe('LedgerUnavailable');
    expect(await completion()).toMatchObject({ completion: 'applied' });
    await record();
    expect(await body(completedKey('0004'))).toBe(await body(entryKey(2)));
  });

  it('when something else stands in place of the copy: that is not read, and stays', async () => {
    await world.store.inner.create(completedKey('0004'), 'garbage');
    expect(await record()).toEqual({ migration: '0004', completion: 'applied' });
    expect(await body(completedKey('0004'))).toBe('garbage');
  });
});

describe('those who wait in a halt of the turn', () => {
  let other: string;
  let token: string;
  beforeEach(async () => {
    other = world.executions.run('other');
    token = world.executions.wait(other);
    await before.claim(turn);
  });

  it('go on when it was settled by a success that nobody decided on', async () => {
    await before.wait(await before.halt(turn, 'unknown'), other, token);
    await before.close(turn, 'succeeded');
    await record();
    expect(world.executions.sent).toEqual([{ token, answer: { output: { completion: 'applied' } } }]);
    expect(await world.executions.isAlive(other)).toBe(true);
  });

  it('go on when the decision on it reached another one only, and also from a halt before the last', async () => {
    await before.close(turn, 'failed');
    const first = await before.halt(turn);
    await before.wait(first, other, token);
    await before.decide(first, 'skip', { reason: 'not needed' });
    const second = await before.halt(turn, 'unrecorded');
    await before.decide(second, 'retry');
    await record();
    expect(world.executions.sent).toEqual([{ token, answer: { output: { decision: 'skip', by: 'anna' } } }]);
  });

  it('are ended when it was aborted and they were not told so', async () => {
    const halted = await before.halt(turn, 'unknown');
    await before.wait(halted, other, token);
    await before.decide(halted, 'abort', { reason: 'wrong account' });
    await before.close(turn, 'succeeded');
    await record();
    expect(world.executions.sent).toEqual([
      {
        token,
        answer: {
          error: 'Aborted',
          cause: 'anna (claimed) aborted this run at migration 0004, attempt 1: wrong account',
        },
      },
    ]);
  });

  it('are told by the second call, when Step Functions did not answer the first', async () => {
    const halted = await before.halt(turn, 'unknown');
    const third = world.executions.run('third');
    const itsToken = world.executions.wait(third);
    await before.wait(halted, other, token);
    world.clock.advance(1_000);
    await before.wait(halted, third, itsToken);
    await before.close(turn, 'succeeded');
    world.executions.failures.push(new Error('throttled'));
    await expect(record()).rejects.toThrow('throttled');
    expect(world.executions.sent).toMatchObject([{ token: itsToken }]); // each of the others is told
    expect(await record()).toEqual({ migration: '0004', completion: 'applied' });
    expect(world.executions.sent).toMatchObject([{ token: itsToken }, { token }]);
  });
});

describe('appends nothing', () => {
  async function expectNothing(why: string, work = () => record()): Promise<void> {
    const written = world.store.writes();
    const error = await thrownBy(work());
    expect(error).toMatchObject({ code: 'NothingToRecord', source: 'system' });
    expect(error.message).toMatch(/^There is no completion to record of 0004, attempt \d, entry \d\./);
    expect(error.why).toContain(why);
    expect(error.why).toContain('only if user code returned, or an operator said so');
    expect(world.store.writes()).toEqual(written);
    expect(await completion()).toBeUndefined();
  }
  const NO_SUCCESS = 'It did not succeed, and no operator marked it applied or skipped it.';

  it.each<[string, () => Promise<unknown>]>([
    ['that nobody claimed', () => Promise.resolve()],
    ['without an outcome', () => before.claim(turn)],
    ['that stopped at a checkpoint', () => before.claim(turn).then(() => before.close(turn, 'stopped'))],
    ['that failed, and that nobody decided on', () => failed()],
    ['that failed, and on which retry was decided', () => failed().then(() => decided('retry'))],
    ['that failed, and was aborted', () => failed().then(() => decided('abort'))],
    [
      'whose outcome cannot be read, after its deadline',
      async () => {
        await before.claim(turn);
        await world.store.inner.create(outcomeKey(turn), 'garbage');
        world.clock.advance(16 * 60_000);
      },
    ],
  ])('of a turn %s', async (_, prepared) => {
    await prepared();
    await expectNothing(NO_SUCCESS);
  });

  it('when it is invoked by hand after the decision, and before the deadline: its code may still be running', async () => {
    await before.claim(turn);
    await decided('skip', 'because');
    await expectNothing('anna (claimed) decided skip, and its code may still be running.');
    world.clock.advance(16 * 60_000);
    await expectNothing('its code may still be running'); // who goes on takes the outcome first
    await before.close(turn, 'unknown');
    expect(await record()).toEqual({ migration: '0004', completion: 'skipped' });
  });

  it('of a decided turn that nobody claimed, until its claim is void', async () => {
    await decided('skip', 'because');
    await expectNothing('its code may still be running');
  });

  it.each<[string, () => Parameters<typeof record>]>([
    ['another turn', () => [{ number: 2, attempt: 1 }]],
    ['another attempt', () => [{ number: 1, attempt: 2 }]],
  ])('when %s is named than the one that is open', async (_, named) => {
    await before.claim(turn);
    await before.close(turn, 'succeeded');
    await expectNothing('It has no open turn of that number.', () => record(...named()));
  });

  it('when another migration is named', async () => {
    await before.claim(turn);
    await before.close(turn, 'succeeded');
    expect((await thrownBy(record(turn, 'me', '0005'))).code).toBe('NothingToRecord');
    expect(await before.look()).toMatchObject({ number: 1 });
  });

  it('when no turn is open', async () => {
    await before.claim(turn);
    await before.close(turn, 'succeeded');
    await record();
    expect((await thrownBy(record({ number: 3, attempt: 1 }, 'me', '0005'))).code).toBe('NothingToRecord');
    expect(await before.look()).toMatchObject({ number: 2 });
  });

  it('of the attempt before, when a later turn was allowed since', async () => {
    await failed();
    await decided('retry');
    const second = await before.allow('0004', { attempt: 2 });
    await before.claim(second);
    await before.close(second, 'succeeded');
    await expectNothing('It has no open turn of that number.');
    expect(await record(second)).toEqual({ migration: '0004', completion: 'applied' });
  });

  it('when an entry cannot be read', async () => {
    await world.store.inner.create(entryKey(2), 'garbage');
    expect((await thrownBy(record())).code).toBe('RecordUnreadable');
  });

  it.each(['get', 'list'] as const)('when the store does not answer a %s: that is not "absent"', async (operation) => {
    await failed();
    await decided('skip', 'because');
    world.store.before = (call) => {
      if (call.operation === operation && !call.key.startsWith('state')) throw unavailable();
    };
    expect((await thrownBy(record())).code).toBe('LedgerUnavailable');
    world.store.before = () => undefined;
    expect(await completion()).toBeUndefined();
  });

  it('for a claim of another entry, which counts as one', async () => {
    await world.store.inner.create(claimKey(turn), JSON.stringify({ format: 1, claim: 'void' }));
    await decided('skip', 'because');
    await expectNothing('its code may still be running');
  });
});
