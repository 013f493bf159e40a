// `Halt for operator`: who waits, what is recorded of it, and what the operators are told.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Decision } from '../../core/names/names.ts';
import { keys } from '../../core/ledger/keys.ts';
import type { HaltPayload } from '../../core/contract/payloads.ts';
import type { ErrorSummary } from '../../core/ledger/summaries.ts';
import { createHalt } from '../../lambdas/halt/halt.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const DEADLINE = '2026-03-01T12:16:00.000Z';

let world: World;
let me: string;
let other: string;
/** The tokens with which `me` and `other` wait. */
let tokens: { me: string; other: string };

beforeEach(() => {
  world = createWorld();
  me = world.executions.run('me');
  other = world.executions.run('other');
  tokens = { me: world.executions.wait(me), other: world.executions.wait(other) };
});

function halt(payload: Partial<HaltPayload> = {}, at: Partial<HaltPayload['at']> = {}, manifest = manifestOf('0004')) {
  return createHalt(world.services, manifest)(
    { execution: me, input: {}, token: tokens.me, ...payload, at: { migration: '0004', attempt: 1, ...at } },
    invocation(world),
  );
}
const haltOther = (payload: Partial<HaltPayload> = {}, at: Partial<HaltPayload['at']> = {}) =>
  halt({ execution: other, token: tokens.other, ...payload }, at);

const subject = (attempt = 1, execution = me) => ({
  migration: '0004',
  attempt,
  execution,
  sourceSha256: HASH,
  codeSha256: HASH,
  gitCommit: 'abc123',
});
const claim = (attempt = 1, execution = me, slice = 1) =>
  world.ledger.createClaim(subject(attempt, execution), world.writer, { slice, nonce: 'n', deadline: DEADLINE });
const finish = (outcome: 'succeeded' | 'failed', error?: ErrorSummary, attempt = 1) =>
  world.ledger.createFinished(subject(attempt), world.writer, {
    outcome,
    durationMs: 1,
    slices: 1,
    ...(error && { error }),
  });
const decide = (decision: Decision, halt_ = 1, attempt = 1) =>
  world.ledger.createDecision(subject(attempt), world.writer, { halt: halt_, decision, by: 'her' });
const record = () => world.ledger.halt('0004');
const waiting = async () => (await record())?.waiting.map(({ execution, token }) => [execution, token]);
const message = () => world.published.at(-1)?.message ?? '';

const FAILURE: ErrorSummary = {
  name: 'RangeError',
  message: 'too much',
  stack: 'RangeError: too much\n    at migration (/var/task/migrations/odin-dev/0004.ts:12:9)',
};

describe('what is recorded', () => {
  it('of a failed attempt: its error, its source, and who waits since when', async () => {
    await claim();
    await finish('failed', FAILURE);
    world.clock.advance(1_000);
    expect(await halt()).toEqual({ migration: '0004', attempt: 1, halt: 1 });
    expect(await record()).toEqual({
      formatVersion: 1,
      migration: '0004',
      attempt: 1,
      halt: 1,
      outcome: 'failed',
      error: FAILURE,
      execution: me,
      requestId: 'request-1',
      time: '2026-03-01T12:00:01.000Z',
      sourceSha256: HASH,
      codeSha256: HASH,
      gitCommit: 'abc123',
      waiting: [{ execution: me, token: tokens.me, since: '2026-03-01T12:00:01.000Z', allowOutOfOrder: false }],
    });
  });

  it('of an attempt without an outcome: unknown, with the error that the state machine caught', async () => {
    await claim();
    await halt(
      {},
      { error: { Error: 'Sandbox.Timedout', Cause: '{"errorType":"Sandbox.Timedout","errorMessage":"15 min"}' } },
    );
    expect(await record()).toMatchObject({
      outcome: 'unknown',
      error: { name: 'Sandbox.Timedout', message: '15 min' },
    });
  });

  it('of an attempt that never started: unknown, and nothing of a source', async () => {
    await halt({}, { error: { Error: 'Lambda.ResourceNotFoundException', Cause: 'no such function' } });
    const found = await record();
    expect(found).toMatchObject({ outcome: 'unknown', error: { message: 'no such function' } });
    expect(found).not.toHaveProperty('sourceSha256');
  });

  it("of a failed attempt: the ledger's error, not the one that the state machine caught", async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt({}, { error: { Error: 'Runtime.HandlerError', Cause: 'renamed by an engine' } });
    expect((await record())?.error).toEqual(FAILURE);
  });

  it('of an attempt that succeeded, and whose completion was not written: unrecorded', async () => {
    await claim();
    await finish('succeeded');
    await halt({}, { error: { Error: 'LedgerForbidden', Cause: 'no' } });
    expect(await record()).toMatchObject({ outcome: 'unrecorded', error: { name: 'LedgerForbidden' } });
    expect(message()).toContain('its completion could not be recorded');
  });

  it('of a decision whose completion was not written: what the attempt was, and what was decided', async () => {
    await claim();
    await decide('mark-applied');
    await halt({}, { unrecorded: { Error: 'LedgerForbidden', Cause: 'no' } });
    // Not "unrecorded": a retry would run it again, and must not be called harmless.
    expect(await record()).toMatchObject({ halt: 2, outcome: 'unknown', error: { name: 'LedgerForbidden' } });
    expect(message()).toContain('Decided:       her decided mark-applied, and its completion could not be recorded.');
    expect(message()).toContain('runs it again, as a new attempt');
  });

  it.each([
    [{ allowOutOfOrder: true }, true],
    [{ allowOutOfOrder: false }, false],
    [{}, false],
    [{ allowOutOfOrder: 'yes' }, false],
    ['text', false],
    [undefined, false],
  ])("of the run's input %j: that out of order is allowed is %s", async (input, allowed) => {
    await halt({ input });
    expect((await record())?.waiting[0]?.allowOutOfOrder).toBe(allowed);
  });
});

describe('who waits', () => {
  it('is joined by another execution that halts at the same attempt', async () => {
    await halt();
    await haltOther();
    expect(await waiting()).toEqual([
      [me, tokens.me],
      [other, tokens.other],
    ]);
  });

  it('is each of two that halt at the same time', async () => {
    await Promise.all([halt(), haltOther()]);
    expect((await waiting())?.sort()).toEqual([
      [me, tokens.me],
      [other, tokens.other],
    ]);
  });

  it('is an execution with each of its tokens, when its task was scheduled again: nobody knows which one lives', async () => {
    await halt();
    await haltOther();
    const newer = world.executions.wait(me);
    await halt({ token: newer });
    await halt();
    expect(await waiting()).toEqual([
      [other, tokens.other],
      [me, newer],
      [me, tokens.me],
    ]);
  });

  it('is nobody of an earlier attempt who is gone', async () => {
    await haltOther();
    await decide('retry');
    world.executions.stop(other);
    await claim(2);
    await finish('failed', FAILURE, 2);
    await halt({}, { attempt: 2 });
    expect(await record()).toMatchObject({ attempt: 2, halt: 1 });
    expect(await waiting()).toEqual([[me, tokens.me]]);
  });

  it('is somebody of an earlier halt whom its decision never reached', async () => {
    await haltOther();
    await decide('retry');
    await claim(2);
    await finish('failed', FAILURE, 2);
    await halt({}, { attempt: 2 });
    expect(await waiting()).toEqual([
      [other, tokens.other],
      [me, tokens.me],
    ]);
  });

  it('is nobody of an earlier halt of the same attempt, which an abort ended', async () => {
    await haltOther();
    await decide('abort');
    world.executions.stop(other);
    expect(await halt()).toEqual({ migration: '0004', attempt: 1, halt: 2 });
    expect(await record()).toMatchObject({ halt: 2 });
    expect(await waiting()).toEqual([[me, tokens.me]]);
  });
});

describe('an invocation that was slow', () => {
  it('does not take the place of a later halt, and its execution lists again', async () => {
    world.store.before = once('get', keys.halt('0004'), async () => {
      await decide('retry');
      await claim(2, other);
      await finish('failed', FAILURE, 2);
      await haltOther({}, { attempt: 2 });
    });
    expect((await thrownBy(halt())).code).toBe('HaltNotNeeded');
    expect(await record()).toMatchObject({ attempt: 2 });
    expect(await waiting()).toEqual([[other, tokens.other]]);
  });

  it('does not wait in a halt that was decided just before it joined', async () => {
    await haltOther();
    world.store.before = once('get', keys.halt('0004'), () => decide('retry'));
    expect((await thrownBy(halt())).message).toContain('her decided retry');
  });

  it('waits in the next halt when the one that it joined was aborted just before', async () => {
    await haltOther();
    world.store.before = once('get', keys.halt('0004'), () => decide('abort'));
    expect(await halt()).toEqual({ migration: '0004', attempt: 1, halt: 2 });
    expect(await record()).toMatchObject({ halt: 2 });
    expect(await waiting()).toContainEqual([me, tokens.me]);
  });

  it('and opens a halt after an abort that did not reach the live token of its execution keeps that one', async () => {
    await claim();
    await finish('failed', FAILURE);
    await halt({ token: 'slow' });
    await halt();
    await decide('abort');
    await halt({ token: 'slow' });
    expect((await record())?.halt).toBe(2);
    expect(await waiting()).toEqual([
      [me, tokens.me],
      [me, 'slow'],
    ]);
  });
});

describe('HaltNotNeeded: the ledger has moved on', () => {
  async function expectNotNeeded(why: string): Promise<void> {
    const written = world.store.writes();
    const error = await thrownBy(halt());
    expect(error).toMatchObject({ code: 'HaltNotNeeded', source: 'system' });
    expect(error.message).toContain(`Attempt 1 of 0004 needs no halt: ${why}`);
    expect(world.store.writes()).toEqual(written);
    expect(world.published).toEqual([]);
  }

  it('when the migration is completed', async () => {
    await claim();
    await finish('succeeded');
    await world.ledger.createCompletion(subject(), world.writer, { completion: 'applied' });
    await expectNotNeeded('it is completed');
  });

  it('when a later attempt was made', async () => {
    await claim();
    await finish('failed', FAILURE);
    await claim(2);
    await expectNotNeeded('a later attempt was made');
  });

  it.each(['retry', 'mark-applied', 'skip'] as const)('when an operator decided %s', async (decision) => {
    await claim();
    await decide(decision);
    await expectNotNeeded(`her decided ${decision}`);
  });

  it('when it runs in another execution that is alive', async () => {
    await claim(1, other);
    await expectNotNeeded(`it is running in ${other}`);
  });

  it('when a later slice of it runs in another execution that is alive', async () => {
    await claim(1, me);
    await claim(1, other, 2);
    await expectNotNeeded(`it is running in ${other}`);
  });

  it.each([
    ['its own execution runs it', () => claim(1, me)],
    [
      'the execution that ran it is gone',
      async () => {
        await claim(1, other);
        world.executions.stop(other);
      },
    ],
    [
      'it failed in another execution that is alive',
      async () => {
        await claim(1, other);
        await finish('failed', FAILURE);
      },
    ],
    [
      'another execution that is alive claimed it, and its deadline has passed',
      async () => {
        await claim(1, other);
        world.clock.advance(Date.parse(DEADLINE) - world.clock.now());
      },
    ],
    ['it was aborted', () => decide('abort')],
  ])('but it is needed when %s', async (_, prepare) => {
    await prepare();
    await halt();
    expect(await waiting()).toEqual([[me, tokens.me]]);
    expect(world.published).toHaveLength(1);
  });
});

describe('what the operators are told', () => {
  beforeEach(async () => {
    await claim();
  });

  it('of a failure: the whole message', async () => {
    await finish('failed', FAILURE);
    await halt();
    expect(world.published).toMatchObject([
      {
        subject: 'odin-migrate odin-dev: 0004 halted (attempt 1)',
        message: `Migration 0004 in odin-dev needs your decision.

What it does:  What 0004 does
File:          migrations/odin-dev/0004.ts
Attempt:       1
Outcome:       FAILED. Its code threw; some of its effects may be there.
Error:         RangeError: too much
               migrations/odin-dev/0004.ts:12:9
Execution:     ${me}
               https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${me}
Log lines:     https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fodin-migrate$252Fodin-dev$252Fmigrations/log-events$3FfilterPattern$3D$2522prepared$2522$26start$3D1772366400000

Nothing later runs until you decide. Type one of:

  npx odin-migrate resume odin-dev retry --migration 0004 --attempt 1
    runs it again, as a new attempt, with the code that is deployed now
  npx odin-migrate resume odin-dev mark-applied --migration 0004 --attempt 1 --reason "..."
    records it as applied, because you made sure that its effect is there
  npx odin-migrate resume odin-dev skip --migration 0004 --attempt 1 --reason "..."
    records it as skipped: it is not needed, and never runs
  npx odin-migrate resume odin-dev abort --migration 0004 --attempt 1
    ends this run as failed; the next run halts here again
`,
      },
    ]);
  });

  it('of an unknown outcome: until when it may run, and that each decision waits for that', async () => {
    await halt();
    expect(message()).toContain('Outcome:       UNKNOWN. It may have run in part, in whole, or not at all.');
    expect(message()).toContain(`May be running until ${DEADLINE}; whatever you decide waits for that.`);
  });

  it('of an attempt that never started: nothing of a deadline', async () => {
    world = createWorld();
    await createHalt(world.services, manifestOf('0004'))(
      { execution: me, input: {}, token: 't', at: { migration: '0004', attempt: 1 } },
      invocation(world),
    );
    expect(message()).toContain('UNKNOWN. It has not started so far');
    expect(message()).toContain('Log lines:     none: its function has not claimed the attempt');
    expect(message()).not.toContain('May be running until');
  });

  it('of a migration that is not deployed any more: that it is not', async () => {
    await halt({}, {}, manifestOf('0005'));
    expect(message()).toContain('File:          not in the deployed manifest any more');
    expect(message()).not.toContain('What it does');
  });

  it('is never a task token, and neither is it logged', async () => {
    await finish('failed', FAILURE);
    await halt();
    await haltOther();
    expect(JSON.stringify([world.published, world.logs])).not.toContain('SECRET-TOKEN');
    expect(world.published).toHaveLength(2);
    expect(world.logs).toHaveLength(2);
  });

  it('has an error text on one line, without terminal escapes, cut to a size that SNS takes', async () => {
    const hostile = `\u001b[2Jmessage\r\nExecution: forged\u2028\u0000\u202e${'x'.repeat(4_000)}`;
    await finish('failed', { name: '\u001b]0;title\u0007', message: hostile, stack: `at ${hostile}` });
    await halt();
    expect(message()).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(message().match(/^Execution: /gm)).toHaveLength(1);
    expect(Buffer.byteLength(message())).toBeLessThan(10_000);
  });

  it('has a subject that SNS takes, for the longest environment name', async () => {
    world.services.environment = 'x'.repeat(32);
    await createHalt(world.services, manifestOf('0004'))(
      { execution: me, input: {}, token: 't', at: { migration: '0004', attempt: 123_456 } },
      invocation(world),
    );
    expect(world.published[0]?.subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(world.published[0]?.subject).toContain('0004 halted (attempt 123456)');
  });
});

describe('when something fails', () => {
  it('the topic: the halt stands, and the log says that nobody was told', async () => {
    world.topicFailure.error = new Error('KMS key is disabled');
    expect(await halt()).toEqual({ migration: '0004', attempt: 1, halt: 1 });
    expect(await waiting()).toEqual([[me, tokens.me]]);
    expect(world.logs.at(-1)).toMatchObject({
      level: 'error',
      message: 'The operators could not be notified',
      fields: { cause: new Error('KMS key is disabled') },
    });
  });

  it('the write: nobody is told of a halt that nobody could resume', async () => {
    world.store.before = once('replace', keys.halt('0004'), () => {
      throw unavailable();
    });
    expect((await thrownBy(halt())).code).toBe('LedgerUnavailable');
    expect(world.published).toEqual([]);
  });

  it('Step Functions: the halt is not taken as needed', async () => {
    await claim(1, other);
    world.services.executions = { ...world.services.executions, isAlive: () => Promise.reject(new Error('throttled')) };
    await expect(halt()).rejects.toThrow('throttled');
    expect(await record()).toBeUndefined();
  });
});
