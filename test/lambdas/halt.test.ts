// `Halt for operator`: what is appended, who waits, and what the operators are told.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Allowed, Halted } from '../../core/ledger/entries.ts';
import { sha256 } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import type { ErrorSummary } from '../../core/ledger/error-records.ts';
import { readWaiters } from '../../core/ledger/waiters.ts';
import { VERSION } from '../../core/names/version.ts';
import type { HaltPayload } from '../../core/contract/payloads.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { createWorld, invocation, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

let world: World;
let before: LedgerBefore;
let me: string;
let other: string;
/** The tokens with which `me` and `other` wait. */
let tokens: { me: string; other: string };
/** The turn of attempt 1 of 0004, allowed by entry 1. */
let turn: Numbered<Allowed>;

beforeEach(async () => {
  world = createWorld();
  before = ledgerBefore(world);
  me = world.executions.run('me');
  other = world.executions.run('other');
  tokens = { me: world.executions.wait(me), other: world.executions.wait(other) };
  turn = await before.allow('0004', { execution: me, gitCommit: 'abc123' });
});

function halt(payload: Partial<HaltPayload> = {}, at: Partial<HaltPayload['at']> = {}, manifest = manifestOf('0004')) {
  return createHalt(
    world.services,
    manifest,
    'https://console.example/dashboard',
  )(
    {
      ask: 'halt',
      execution: me,
      input: {},
      token: tokens.me,
      ...payload,
      at: { migration: '0004', attempt: 1, turn: turn.number, ...at },
    },
    invocation(world),
  );
}
const haltOther = (payload: Partial<HaltPayload> = {}, at: Partial<HaltPayload['at']> = {}) =>
  halt({ execution: other, token: tokens.other, ...payload }, at);

/** The halt of the open turn, as the log says. */
const halted = async (): Promise<Numbered<Halted>> => {
  const found = (await before.look()).turn?.halt?.halted;
  if (!found) throw new Error('nothing is halted');
  return found;
};
const waiting = async (number: number) =>
  (await readWaiters(world.store.inner, number)).map(({ execution, token }) => [execution, token]);
const message = () => world.published.at(-1)?.message ?? '';
/** Work of others, just before this function appends its entry. */
const justBefore = (number: number, work: () => unknown) => {
  world.store.before = once('create', entryKey(number), work);
};

const FAILURE: ErrorSummary = {
  name: 'RangeError',
  message: 'too much',
  stack: 'RangeError: too much\n    at migration (/var/task/migrations/odin-dev/0004.ts:12:9)',
};
async function failed(of = turn): Promise<void> {
  await before.claim(of);
  await before.close(of, 'failed', { error: FAILURE });
}

describe('what is appended', () => {
  it('of a failed turn: its error, its outcome, and who waits since when', async () => {
    await failed();
    world.clock.advance(1_000);
    expect(await halt()).toEqual({ migration: '0004', attempt: 1, halt: 2 });
    const outcome = (await world.store.inner.get(outcomeKey(turn)))?.body ?? '';
    expect(JSON.parse((await world.store.inner.get(entryKey(2)))?.body ?? '')).toEqual({
      format: 1,
      number: 2,
      previous: turn.sha256,
      kind: 'halted',
      time: '2026-03-01T12:00:01.000Z',
      nonce: 'nonce-1',
      writer: { function: 'halt', requestId: 'request-1', version: VERSION },
      migration: '0004',
      attempt: 1,
      turn: 1,
      run: 'me',
      reason: 'failed',
      commits: { began: 'abc123', deployed: 'abc123' },
      error: FAILURE,
      outcome: { key: outcomeKey(turn), sha256: sha256(outcome) },
    });
    expect(await readWaiters(world.store.inner, 2)).toEqual([
      {
        format: 1,
        halt: 2,
        execution: me,
        run: 'me',
        allowOutOfOrder: false,
        token: tokens.me,
        since: '2026-03-01T12:00:01.000Z',
      },
    ]);
  });

  it('of a turn without an outcome: unknown, with the error that the state machine caught', async () => {
    await before.claim(turn);
    await halt(
      {},
      { error: { Error: 'Sandbox.Timedout', Cause: '{"errorType":"Sandbox.Timedout","errorMessage":"15 min"}' } },
    );
    expect(await halted()).toMatchObject({
      reason: 'unknown',
      error: { name: 'Sandbox.Timedout', message: '15 min' },
    });
    expect(await halted()).not.toHaveProperty('outcome');
  });

  it('of a turn that nobody claimed: not started', async () => {
    await halt({}, { error: { Error: 'Lambda.ResourceNotFoundException', Cause: 'no such function' } });
    expect(await halted()).toMatchObject({ reason: 'not-started', error: { message: 'no such function' } });
  });

  it.each<[string, HaltPayload['at']['error'], ErrorSummary]>([
    [
      "an error of Lambda's, with its stack",
      { Error: 'Error', Cause: '{"errorType":"TypeError","errorMessage":"no","trace":["TypeError: no","    at f"]}' },
      { name: 'TypeError', message: 'no', stack: 'TypeError: no\n    at f' },
    ],
    [
      'one whose stack is a text',
      { Error: 'Error', Cause: '{"errorMessage":"no","trace":"at f"}' },
      { name: 'Error', message: 'no', stack: 'at f' },
    ],
    [
      "JSON that is no error of Lambda's",
      { Error: 'Timeout', Cause: '{"trace":7}' },
      { name: 'Timeout', message: '{"trace":7}' },
    ],
    ['a name alone', { Error: 'Timeout' }, { name: 'Timeout', message: 'no cause was given' }],
    ['nothing', {}, { name: 'Error', message: 'no cause was given' }],
  ])('of what the state machine caught: %s', async (_, error, kept) => {
    await before.claim(turn);
    await halt({}, { error });
    expect((await halted()).error).toEqual(kept);
  });

  it('of a turn whose outcome cannot be read: unknown, when its deadline is over', async () => {
    await before.claim(turn);
    await world.store.inner.create(outcomeKey(turn), 'garbage');
    world.clock.advance(16 * 60_000);
    await halt({}, { reason: 'unknown' });
    expect(await halted()).toMatchObject({
      reason: 'unknown',
      outcome: { key: outcomeKey(turn), sha256: sha256('garbage') },
    });
    expect(await halted()).not.toHaveProperty('error');
  });

  it.each([
    ['began-1', 'deployed-2', { began: 'began-1', deployed: 'deployed-2' }],
    ['began-1', null, { began: 'began-1' }],
    [undefined, 'deployed-2', { deployed: 'deployed-2' }],
    [undefined, null, undefined],
  ])('under which commits, as far as they are known: %s and %s', async (gitCommit, deployed, commits) => {
    world = createWorld();
    before = ledgerBefore(world);
    turn = await before.allow('0004', { gitCommit });
    await failed();
    await halt({}, {}, { ...manifestOf('0004'), gitCommit: deployed });
    expect((await halted()).commits).toEqual(commits);
  });

  it('is told in the log, too', async () => {
    await failed();
    await halt();
    expect(world.logs).toEqual([
      { level: 'warn', message: 'Halted: 0004, attempt 1, failed', fields: { halt: 2, error: FAILURE } },
    ]);
  });

  it("of a failed turn: the ledger's error, not the one that the state machine caught", async () => {
    await failed();
    await halt({}, { error: { Error: 'Runtime.HandlerError', Cause: 'renamed by an engine' } });
    expect((await halted()).error).toEqual(FAILURE);
  });

  it('of a turn that succeeded, and whose completion was not written: unrecorded', async () => {
    await before.claim(turn);
    await before.close(turn, 'succeeded');
    await halt({}, { unrecorded: { Error: 'LedgerForbidden', Cause: 'no' } });
    expect(await halted()).toMatchObject({ reason: 'unrecorded', error: { name: 'LedgerForbidden' } });
    expect(message()).toContain('Reason:        It SUCCEEDED, but its completion could not be recorded.');
  });

  it('of a decision whose completion was not written: unrecorded, and what was decided', async () => {
    await failed();
    await before.decide(await before.halt(turn), 'mark-applied', { by: 'her', reason: 'by hand' });
    await halt({}, { unrecorded: { Error: 'LedgerForbidden', Cause: 'no' } });
    expect(await halted()).toMatchObject({ number: 4, reason: 'unrecorded', error: { name: 'LedgerForbidden' } });
    expect(message()).toContain(
      'Decided:       her (claimed) decided mark-applied, and its completion could not be recorded.',
    );
    expect(message()).toContain('records now what is known of it; nothing is run twice');
  });

  it('of what could not be recorded because there was nothing to record: what the ledger says', async () => {
    await failed();
    await halt({}, { unrecorded: { Error: 'NothingToRecord', Cause: 'invoked by hand' } });
    expect(await halted()).toMatchObject({ reason: 'failed', error: { name: 'NothingToRecord' } });
  });

  it.each<[Halted['reason'], () => Promise<unknown>, string[]]>([
    ['cancelled', () => before.close(turn, 'stopped').then(() => before.cancel(turn)), ['0004']],
    ['file-gone', () => before.close(turn, 'stopped'), ['0005']],
    ['failed', () => before.close(turn, 'failed'), ['0004']],
    ['unknown', () => before.close(turn, 'unknown'), ['0004']],
  ])('of what List pending halts: %s, as the log still says', async (reason, prepared, deployed) => {
    await before.claim(turn);
    await prepared();
    await halt({}, { reason }, manifestOf(...deployed));
    expect(await halted()).toMatchObject({ reason });
    expect(await halted()).not.toHaveProperty('error');
  });

  it.each<[Halted['reason'], string[]]>([
    ['file-gone', ['0005']],
    ['code-changed', ['0004']],
  ])('of a retry that cannot be followed: %s', async (reason, deployed) => {
    await failed();
    await before.decide(await before.halt(turn), 'retry', { retry: { codeSha256: 'd'.repeat(64), begin: 'start' } });
    expect(await halt({}, { reason }, manifestOf(...deployed))).toMatchObject({ halt: 4 });
    expect(await halted()).toMatchObject({ number: 4, reason });
  });

  it('of the third turn in a row that was void: not started', async () => {
    const reference = { key: 'turns/…', sha256: 'a'.repeat(64) };
    await before.claim(turn, { claim: 'void' });
    await before.claim(await before.allow('0004', { restsOn: { turn: reference } }), { claim: 'void' });
    turn = await before.allow('0004', { restsOn: { turn: reference } });
    await before.claim(turn, { claim: 'void' });
    await halt({}, { reason: 'not-started' });
    expect(await halted()).toMatchObject({ reason: 'not-started', turn: 3 });
    expect(await halted()).not.toHaveProperty('outcome'); // a void claim is none
    expect(message()).toContain('NOT STARTED. Its function was invoked several times, and never took its turn.');
  });

  it.each([
    [{ allowOutOfOrder: true }, true, 'me'],
    [{ allowOutOfOrder: false }, false, 'me'],
    [{ run: 'deploy-1' }, false, 'deploy-1'],
    [{}, false, 'me'],
    [{ allowOutOfOrder: 'yes' }, false, 'me'],
    ['text', false, 'me'],
    [undefined, false, 'me'],
  ])("of the run's input %j: that out of order is allowed is %s, and its name is %s", async (input, allowed, run) => {
    await halt({ input });
    expect(await readWaiters(world.store.inner, 2)).toMatchObject([{ allowOutOfOrder: allowed, run }]);
    expect(await halted()).toMatchObject({ run });
  });

  it("leaves all that the run was allowed with its waiter: whoever goes on in the run's place is allowed it too", async () => {
    const input = { allowOutOfOrder: true, allowRenumbered: ['0009'], acceptChanged: ['0001', '0002'] };
    await halt({ input });
    expect(await readWaiters(world.store.inner, 2)).toMatchObject([input]);
  });
});

describe('who waits', () => {
  beforeEach(() => failed());

  it('is joined by another execution that halts at the same turn: there is one entry', async () => {
    await halt();
    world.clock.advance(1_000);
    expect(await haltOther()).toMatchObject({ halt: 2 });
    expect(await waiting(2)).toEqual([
      [me, tokens.me],
      [other, tokens.other],
    ]);
    expect(await before.look()).toMatchObject({ number: 2 });
  });

  it('is each of two that halt at the same time', async () => {
    await Promise.all([halt(), haltOther()]);
    expect((await waiting(2)).sort()).toEqual([
      [me, tokens.me],
      [other, tokens.other],
    ]);
    expect(await before.look()).toMatchObject({ number: 2 });
  });

  it('is an execution with each of its tokens, when its task was scheduled again: nobody knows which one lives', async () => {
    await halt();
    world.clock.advance(1_000);
    const newer = world.executions.wait(me);
    await halt({ token: newer });
    await halt();
    expect(await waiting(2)).toEqual([
      [me, tokens.me],
      [me, newer],
    ]);
    expect(world.published).toHaveLength(3); // in every invocation that still waits
  });

  it('is nobody of an earlier attempt', async () => {
    await haltOther();
    await before.decide(await halted(), 'retry');
    turn = await before.allow('0004', { attempt: 2 });
    await failed(turn);
    expect(await halt({}, { attempt: 2 })).toMatchObject({ halt: 5 });
    expect(await waiting(5)).toEqual([[me, tokens.me]]);
  });
});

describe('after an abort', () => {
  let redriven: string;
  beforeEach(async () => {
    await failed();
    await halt();
    await before.decide(await halted(), 'abort');
    world.executions.stop(me);
    world.executions.run('me');
    redriven = world.executions.wait(me);
  });

  it('a redrive opens the halt again, with a new token, and the reason and the error from before', async () => {
    expect(await halt({ token: redriven })).toEqual({ migration: '0004', attempt: 1, halt: 4 });
    expect(await halted()).toMatchObject({ number: 4, reason: 'failed', error: FAILURE });
    expect(await waiting(4)).toEqual([[me, redriven]]);
    expect(world.published).toHaveLength(2);
  });

  it('the next run halts there too, and keeps the error that a machine caught for the first one', async () => {
    world = createWorld();
    before = ledgerBefore(world);
    turn = await before.allow('0004');
    await before.claim(turn);
    const error = { name: 'Sandbox.Timedout', message: '15 min' };
    await before.decide(await before.halt(turn, 'unknown', { error }), 'abort');
    await halt({}, { reason: 'unknown' });
    expect(await halted()).toMatchObject({ number: 4, reason: 'unknown', error });
  });

  it('a repetition of the invocation that was aborted opens nothing', async () => {
    expect(await halt()).toEqual({ migration: '0004', attempt: 1, halt: 2 });
    expect(await before.look()).toMatchObject({ number: 3 });
    expect(world.published).toHaveLength(1);
  });
});

describe('whoever waits looks at the log after it', () => {
  beforeEach(() => failed());
  /** Done by another once this function's token is there, and before it looks again. */
  const onceItWaits = (work: () => unknown) => {
    world.store.after = once('create', /^waiters\//, work);
  };

  it('and goes on by itself, with all others, when it was decided between: the decision did not see its token', async () => {
    await haltOther();
    const identity = { is: 'claimed', why: 'no proof came with it' } as const;
    onceItWaits(async () => before.decide(await halted(), 'retry', { by: 'her', identity }));
    expect(await halt()).toMatchObject({ halt: 2 });
    const output = { decision: 'retry', by: 'her', identity };
    expect(world.executions.sent).toHaveLength(2);
    expect(world.executions.sent).toEqual(
      expect.arrayContaining([
        { token: tokens.other, answer: { output } },
        { token: tokens.me, answer: { output } },
      ]),
    );
    expect(world.published).toHaveLength(1); // of the other one
    expect(world.logs.at(-1)).toEqual({
      level: 'info',
      message: 'The halt of 0004, attempt 1, was settled meanwhile',
      fields: { halt: 2 },
    });
  });

  it('also when the halt that it opened was decided before it left its token', async () => {
    world.store.after = once('create', entryKey(2), async () => before.decide(await halted(), 'skip', { by: 'her' }));
    await halt();
    expect(world.executions.sent).toEqual([{ token: tokens.me, answer: { output: { decision: 'skip', by: 'her' } } }]);
    expect(world.published).toEqual([]);
  });

  it('and ends with an abort', async () => {
    onceItWaits(async () => before.decide(await halted(), 'abort', { by: 'her', reason: 'wrong account' }));
    await halt();
    expect(world.executions.sent).toMatchObject([{ token: tokens.me, answer: { error: 'Aborted' } }]);
    expect(await world.executions.isAlive(me)).toBe(false);
  });

  it('and goes on when a completion settled the turn', async () => {
    await halt();
    world.executions.sent.length = 0;
    onceItWaits(async () => {
      await before.cancel(turn); // an entry that settles nothing
      await before.complete('0004', 'marked-applied');
    });
    await haltOther();
    expect(world.executions.sent).toMatchObject([
      { answer: { output: { completion: 'marked-applied' } } },
      { answer: { output: { completion: 'marked-applied' } } },
    ]);
  });

  it('and goes on when the run has gone far beyond: a later attempt is halted', async () => {
    onceItWaits(async () => {
      await before.decide(await halted(), 'retry', { by: 'her' });
      const second = await before.allow('0004', { attempt: 2 });
      await before.halt(second);
    });
    await halt();
    expect(world.executions.sent).toEqual([{ token: tokens.me, answer: { output: { decision: 'retry', by: 'her' } } }]);
  });

  it('and lists again in the next invocation, when Step Functions did not answer', async () => {
    onceItWaits(async () => before.decide(await halted(), 'retry', { by: 'her' }));
    world.executions.failures.push(new Error('throttled'));
    await expect(halt()).rejects.toThrow('throttled');
    expect((await thrownBy(halt({ token: world.executions.wait(me) }))).code).toBe('HaltNotNeeded');
  });
});

describe('when others are faster', () => {
  beforeEach(() => failed());

  it('it joins the halt that was opened just before its own', async () => {
    justBefore(2, async () => haltOther());
    expect(await halt()).toMatchObject({ halt: 2 });
    expect(await before.look()).toMatchObject({ number: 2 });
    expect(await waiting(2)).toHaveLength(2);
  });

  it('it lists again when the halt that was opened just before its own is decided already', async () => {
    justBefore(2, async () => {
      await before.decide(await before.halt(turn), 'retry', { by: 'her' });
    });
    expect((await thrownBy(halt())).message).toContain('her (claimed) decided retry');
    expect(await before.look()).toMatchObject({ number: 3 });
  });

  it('it does not take the place of the halt of a later attempt', async () => {
    justBefore(2, async () => {
      await before.decide(await before.halt(turn), 'retry');
      await before.halt(await before.allow('0004', { attempt: 2 }));
    });
    expect((await thrownBy(halt())).code).toBe('HaltNotNeeded');
    expect(await halted()).toMatchObject({ attempt: 2 });
    expect(await waiting((await halted()).number)).toEqual([]);
  });
});

describe('HaltNotNeeded: the ledger has moved on', () => {
  async function expectNotNeeded(why: string, at: Partial<HaltPayload['at']> = {}): Promise<void> {
    const written = world.store.writes();
    const error = await thrownBy(halt({}, at));
    expect(error).toMatchObject({ code: 'HaltNotNeeded', source: 'system' });
    expect(error.message).toContain(`Attempt 1 of 0004 needs no halt: ${why}`);
    expect(world.store.writes()).toEqual(written);
    expect(world.published).toEqual([]);
  }

  it('when the migration is completed', async () => {
    await before.claim(turn);
    await before.close(turn, 'succeeded');
    await before.complete('0004');
    await expectNotNeeded('it is completed', { unrecorded: { Error: 'LedgerUnavailable', Cause: 'no answer' } });
  });

  it('when a later attempt was allowed', async () => {
    await failed();
    await before.decide(await before.halt(turn), 'retry');
    await before.allow('0004', { attempt: 2 });
    await expectNotNeeded('entry 1 is not the turn that is open');
  });

  it('when its turn succeeded: that is to be recorded', async () => {
    await before.claim(turn);
    await before.close(turn, 'succeeded');
    await expectNotNeeded('the next step is "record"', { error: { Error: 'States.Timeout', Cause: 'no answer' } });
  });

  it('when its turn succeeded while another waits in its halt', async () => {
    await before.claim(turn);
    await before.halt(turn, 'unknown');
    await before.close(turn, 'succeeded');
    await expectNotNeeded('the next step is "record"');
  });

  it('when its turn stopped at a checkpoint, and may go on', async () => {
    await before.claim(turn);
    await before.close(turn, 'stopped');
    await expectNotNeeded('the next step is "allow"', { error: { Error: 'States.Timeout', Cause: 'no answer' } });
    await expectNotNeeded('the next step is "allow"', { unrecorded: { Error: 'NothingToRecord', Cause: 'by hand' } });
  });

  it('when no turn is open, and when the log does not know the migration', async () => {
    await before.claim(turn);
    await before.close(turn, 'succeeded');
    const unknown = await thrownBy(halt({}, { migration: '0005', turn: 7 }));
    expect(unknown.message).toContain('Attempt 1 of 0005 needs no halt: entry 7 is not the turn that is open');
    await before.complete('0004');
    const closed = await thrownBy(halt({}, { migration: '0005' }));
    expect(closed.message).toContain('Attempt 1 of 0005 needs no halt: entry 1 is not the turn that is open');
  });

  it('when its turn is void for the first time', async () => {
    await before.claim(turn, { claim: 'void' });
    await expectNotNeeded('the next step is "allow"', { error: { Error: 'States.Timeout', Cause: 'no answer' } });
  });

  it.each([
    ['retry', 'its code may still run'],
    ['mark-applied', 'its code may still run'],
    ['skip', 'its code may still run'],
    ['retry', 'nobody has claimed it'],
    ['skip', 'nobody has claimed it'],
  ] as const)('when an operator decided %s, also while %s', async (decision, state) => {
    if (state === 'its code may still run') await before.claim(turn);
    await before.decide(await before.halt(turn, 'unknown'), decision, { by: 'her' });
    await expectNotNeeded(`her (claimed) decided ${decision}`);
  });

  it('when what List pending saw is no longer so: another retry was said since, of the code that is deployed', async () => {
    await failed();
    await before.decide(await before.halt(turn, 'code-changed'), 'retry', { by: 'her' });
    await expectNotNeeded('her (claimed) decided retry', { reason: 'code-changed' });
  });

  it('when it is invoked by hand for a turn that never was', async () => {
    await expectNotNeeded('entry 7 is not the turn that is open', { turn: 7 });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['it is claimed', () => before.claim(turn)],
    [
      'it is claimed, and its deadline has passed',
      async () => {
        await before.claim(turn);
        world.clock.advance(16 * 60_000);
      },
    ],
    ['it failed', () => failed()],
    ['it was aborted', async () => before.decide(await before.halt(turn), 'abort')],
  ])('but it is needed when %s', async (_, prepared) => {
    await prepared();
    await halt();
    expect(await waiting((await halted()).number)).toEqual([[me, tokens.me]]);
    expect(world.published).toHaveLength(1);
  });
});

describe('what the operators are told', () => {
  it('of a failure: the whole message', async () => {
    await failed();
    await halt();
    expect(world.published).toMatchObject([
      {
        subject: 'odin-migrate odin-dev: 0004 halted (attempt 1)',
        message: `Migration 0004 in odin-dev needs your decision.

Where:         account 000000000000, region eu-west-1
What it does:  What 0004 does
File:          migrations/odin-dev/0004.ts
Attempt:       1
Halt:          2
Reason:        FAILED. Some of its effects may be there.
Commit:        began with commit abc123
Error:         RangeError: too much
               migrations/odin-dev/0004.ts:12:9
Execution:     ${me}
               https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${me}
Log lines:     https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fodin-migrate$252Fodin-dev$252Fmigrations/log-events$3FfilterPattern$3D$2522prepared$2522$26start$3D1772366400000
Dashboard:     https://console.example/dashboard
Runbook:       node_modules/odin-migrate/docs/runbook.md

Nothing later runs until you decide. In a project that has odin-migrate installed, type one of:

  npx --no-install odin-migrate resume odin-dev retry --halt 2 --region eu-west-1
    runs it again with the code that is deployed now, from its last checkpoint if it has one
  npx --no-install odin-migrate resume odin-dev mark-applied --halt 2 --reason "..." --region eu-west-1
    records it as applied, because you made sure that its effect is there
  npx --no-install odin-migrate resume odin-dev skip --halt 2 --reason "..." --region eu-west-1
    records it as skipped: it is not needed, and never runs
  npx --no-install odin-migrate resume odin-dev abort --halt 2 --region eu-west-1
    ends this run as failed; the next run halts here again
`,
      },
    ]);
  });

  it('of an unknown outcome: until when it may run, and that each decision waits for that', async () => {
    await before.claim(turn);
    await halt();
    expect(message()).toContain('Reason:        UNKNOWN. It may have run in part, in whole, or not at all.');
    expect(message()).toContain(
      `A decision is held back until 2026-03-01 12:15:10 UTC, because its code may be running until then.`,
    );
  });

  it('of batches: where the lines of all of them are, as each writes under a request of its own', async () => {
    await before.claim(turn);
    const { reference } = (await before.close(turn, 'stopped')) as { reference: Allowed['restsOn']['turn'] };
    turn = await before.allow('0004', {
      execution: me,
      slice: 2,
      begin: 'checkpoint',
      restsOn: { turn: reference },
      batches: { of: 2, plan: [], rest: '1-2' },
    });
    await before.claim(turn, { claim: 'void' });
    await before.close(turn, 'failed', { batches: { of: 2, succeeded: 1, failed: 1, unknown: 0, left: 1 } });
    await halt();
    expect(message()).toMatch(/^Log lines: +https:\S+migration\S+0004\S+start/m);
  });

  it('of a turn that nobody claimed: nothing of a deadline', async () => {
    await halt();
    expect(message()).toContain('NOT STARTED so far.');
    expect(message()).toContain('Log lines:     none: its function has not taken the turn');
    expect(message()).not.toContain('is held back until');
  });

  it('of a migration that is not deployed any more: that it is not, and no retry', async () => {
    await failed();
    await halt({}, {}, manifestOf('0005'));
    expect(message()).toContain('File:          not in the deployed manifest any more');
    expect(message()).not.toContain('What it does');
    expect(message()).not.toContain('odin-dev retry');
    expect(message()).toContain('resume odin-dev skip --halt 2');
  });

  it('of a changed code: with which commit it began, and which is deployed', async () => {
    await before.claim(turn);
    await before.close(turn, 'stopped');
    const [entry] = manifestOf('0004').migrations;
    if (!entry) throw new Error('no entry');
    const manifest = {
      ...manifestOf('0004'),
      gitCommit: 'def456',
      migrations: [{ ...entry, codeSha256: 'd'.repeat(64) }],
    };
    await halt({}, { reason: 'code-changed' }, manifest);
    expect(message()).toContain('Other code is deployed than it was to go on with');
    expect(message()).toContain('Commit:        began with commit abc123, and def456 is deployed\n');
    expect((await halted()).commits).toEqual({ began: 'abc123', deployed: 'def456' });
    expect(message()).toContain('--from-start or --keep-checkpoint');
  });

  it('of a cancelled migration: where a retry goes on, who asked for it, and why', async () => {
    await before.claim(turn);
    await before.close(turn, 'stopped');
    await before.cancel(turn, { by: 'alice', reason: 'the data\nis wrong' });
    await halt({}, { reason: 'cancelled' });
    expect(message()).toContain('CANCELLED. It stopped at a checkpoint, from which a retry goes on.');
    expect(message()).toContain(
      'Asked for:     alice (claimed) asked for it to stop at 2026-03-01 12:00:00 UTC: the data is wrong',
    );
  });

  it('is never a task token, and neither is it logged', async () => {
    await failed();
    await halt();
    await haltOther();
    expect(JSON.stringify([world.published, world.logs])).not.toContain('SECRET-TOKEN');
    expect(world.published).toHaveLength(2);
    expect(world.logs).toHaveLength(2);
  });

  it('has an error text on one line, without terminal escapes, cut to a size that SNS takes', async () => {
    const hostile = `\u001b[2Jmessage\r\nExecution: forged\u2028\u0000\u202e${'x'.repeat(4_000)}`;
    await before.claim(turn);
    const error = { name: '\u001b]0;title\u0007', message: hostile, stack: `at ${hostile}` };
    await before.close(turn, 'failed', { error });
    await halt();
    expect(message()).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(message().match(/^Execution: /gm)).toHaveLength(1);
    expect(Buffer.byteLength(message())).toBeLessThan(10_000);
  });

  it('has a subject that SNS takes, for the longest environment name', async () => {
    world.services.environment = 'x'.repeat(32);
    await halt();
    expect(world.published[0]?.subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(world.published[0]?.subject).toContain('0004 halted (attempt 1)');
  });
});

describe('when something fails', () => {
  it('the topic: the halt stands, and the log says that nobody was told', async () => {
    world.topicFailure.error = new Error('KMS key is disabled');
    expect(await halt()).toEqual({ migration: '0004', attempt: 1, halt: 2 });
    expect(await waiting(2)).toEqual([[me, tokens.me]]);
    expect(world.logs.at(-1)).toMatchObject({
      level: 'error',
      message: 'The operators could not be notified',
      fields: { cause: new Error('KMS key is disabled') },
    });
  });

  it('the entry: nobody is told of a halt that nobody could resume', async () => {
    justBefore(2, () => {
      throw unavailable();
    });
    expect((await thrownBy(halt())).code).toBe('LedgerUnavailable');
    expect(world.published).toEqual([]);
  });

  it('the waiter: the same invocation again joins the halt, leaves it and tells the operators', async () => {
    world.store.before = once('create', /^waiters\//, () => {
      throw unavailable();
    });
    expect((await thrownBy(halt())).code).toBe('LedgerUnavailable');
    expect(world.published).toEqual([]);
    expect(await halt()).toMatchObject({ halt: 2 });
    expect(await waiting(2)).toEqual([[me, tokens.me]]);
    expect(world.published).toHaveLength(1);
  });

  it('the answer to the entry: the same invocation again joins it', async () => {
    world.store.after = once('create', entryKey(2), () => {
      throw unavailable();
    });
    expect((await thrownBy(halt())).code).toBe('LedgerUnavailable');
    expect(await halt()).toMatchObject({ halt: 2 });
    expect(await before.look()).toMatchObject({ number: 2 });
  });
});
