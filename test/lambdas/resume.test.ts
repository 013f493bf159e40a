// `resume`: a decision is appended first and told then, counts once, and reaches whoever waits for it.
import { setImmediate as soon } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { DecideAnswer, DecidedAnswer, DecidePayload } from '../../core/contract/payloads.ts';
import { moveCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed, Decided, Halted } from '../../core/ledger/entries.ts';
import type { Numbered } from '../../core/ledger/fold.ts';
import { checkpointKey, entryKey, outcomeKey, waiterKey } from '../../core/ledger/keys.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import type { Decision } from '../../core/names/names.ts';
import { DECISIONS } from '../../core/names/names.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { CODE, createWorld, IDENTITY, invocation, manifestOf, sourceOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

/** Of the account that the ledger is of: another one's names prove nothing. */
const ALICE = `arn:aws:sts::${IDENTITY.account}:assumed-role/operator/alice`;

/** Of a turn that is claimed at the beginning of a test: 15 minutes, and a margin. */
const DEADLINE = '2026-03-01T12:15:10.000Z';
const OTHER_CODE = 'd'.repeat(64);
/** The halt of `failedAndHalted` is entry 2, and the decision on it entry 3. */
const CONTINUED = executionArn('continue-00000003');

let world: World;
let ledger: LedgerBefore;
let turn: Numbered<Allowed>;
let halted: Numbered<Halted>;
/** The execution that halted, and the token that it waits with. */
let me: string;
let token: string;
let calls = 0;

beforeEach(async () => {
  calls = 0;
  world = createWorld();
  ledger = ledgerBefore(world);
  me = world.executions.run('me');
  token = world.executions.wait(me);
  turn = await ledger.allow('0004', { execution: me });
});

/** Each call has a request id and a log of its own, as each invocation of a cold function has. */
function call(payload: DecidePayload, manifest: Manifest = manifestOf('0004', '0005')): Promise<DecideAnswer> {
  calls += 1;
  const services = {
    ...world.services,
    ledger: { log: new LedgerLog(world.store, IDENTITY), store: world.store },
  };
  return createResume(services, manifest)(payload, invocation(world, { requestId: `request-${calls}` }));
}
function payloadOf(decision: Decision, more: Partial<DecidePayload>): DecidePayload {
  const reason = decision === 'mark-applied' || decision === 'skip' ? { reason: 'because' } : {};
  return { ask: 'decide', decision, by: 'arn:her', ...reason, ...more };
}
async function resume(
  decision: Decision,
  more: Partial<DecidePayload> = {},
  manifest?: Manifest,
): Promise<DecidedAnswer> {
  const answer = await call(payloadOf(decision, more), manifest);
  if (answer.result === 'refused') throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
}
/** A refusal is an answer of the function and not its failure: engines rename errors. */
async function refusal(decision: Decision, more: Partial<DecidePayload> = {}, manifest?: Manifest) {
  const answer = await call(payloadOf(decision, more), manifest);
  if (answer.result !== 'refused') throw new Error(`not refused: ${JSON.stringify(answer)}`);
  return answer;
}

const claim = () => ledger.claim(turn);
const finish = (outcome: 'succeeded' | 'failed') => ledger.close(turn, outcome);
const openHalt = async (reason: Halted['reason'] = 'failed') => {
  halted = await ledger.halt(turn, reason);
  await ledger.wait(halted, me, token);
};
/** The entry of a decision; by default the first on the first halt. */
const decision = async (number = 3): Promise<Decided | undefined> => {
  const stored = await world.store.inner.get(entryKey(number));
  return stored && (JSON.parse(stored.body) as Decided);
};
async function failedAndHalted(): Promise<void> {
  await claim();
  await finish('failed');
  await openHalt();
}
/** The answer that an execution which goes on is sent. */
const success = (of: string, what: Decision, by = 'arn:her') => ({
  token: of,
  answer: { output: { decision: what, by, identity: { is: 'claimed', why: 'no proof came with it' } } },
});

describe.each(DECISIONS)('%s', (decided) => {
  const mayHaveReason = decided === 'mark-applied' || decided === 'skip' ? { reason: 'because' } : {};
  beforeEach(failedAndHalted);

  it('is recorded with who decided, and of which halt', async () => {
    world.clock.advance(60_000);
    await resume(decided);
    const entry = await decision();
    expect(entry).toMatchObject({
      kind: 'decided',
      number: 3,
      previous: halted.sha256,
      time: '2026-03-01T12:01:00.000Z',
      writer: { function: 'resume', requestId: 'request-1' },
      migration: '0004',
      attempt: 1,
      of: 2,
      decision: decided,
      by: 'arn:her',
      ...mayHaveReason,
    });
    expect(entry?.retry).toEqual(decided === 'retry' ? { codeSha256: CODE, begin: 'start' } : undefined);
    expect(world.logs).toEqual([
      { level: 'info', message: `arn:her (claimed) decided ${decided} on 0004, attempt 1`, fields: { halt: 2 } },
    ]);
  });

  it('is recorded as verified, by whom STS names, when it came with a proof', async () => {
    const proof = { authorization: 'AWS4-HMAC-SHA256 …', date: '20260301T120000Z' };
    world.services.callers = { identify: () => Promise.resolve({ by: ALICE, identity: { is: 'verified' } }) };
    const answer = await resume(decided, { proof });
    expect(answer).toMatchObject({ by: ALICE, identity: { is: 'verified' } });
    expect(answer.message).not.toContain('claimed');
    expect(await decision()).toMatchObject({ by: ALICE, identity: { is: 'verified' } });
    expect(JSON.stringify(await decision())).not.toContain('AWS4');
    const again = await resume(decided);
    expect(again.message).toContain(`${ALICE} (verified) had decided ${decided}`);
  });

  it('counts all the same when its proof is not verified, and the answer says why', async () => {
    const answer = await resume(decided, { proof: { authorization: 'AWS4', date: '20260301T120000Z' } });
    expect(answer.message).toContain('Who decided is recorded as claimed, not as verified: there is no STS here.');
    expect(await decision()).toMatchObject({
      by: 'arn:her',
      identity: { is: 'claimed', why: 'there is no STS here' },
    });
  });

  it('reaches the execution that waits, and starts no other', async () => {
    const answer = await resume(decided);
    expect(answer).toMatchObject({
      result: 'decided',
      migration: '0004',
      attempt: 1,
      decision: decided,
      by: 'arn:her',
      time: '2026-03-01T12:00:00.000Z',
      ...mayHaveReason,
      executions: decided === 'abort' ? [] : [me],
    });
    const aborted = {
      token,
      answer: { error: 'Aborted', cause: 'arn:her (claimed) aborted this run at migration 0004, attempt 1.' },
    };
    expect(world.executions.sent).toEqual([decided === 'abort' ? aborted : success(token, decided)]);
    expect(world.executions.started).toEqual([]);
    expect(await world.executions.isAlive(me)).toBe(decided !== 'abort');
  });

  it(`${decided === 'abort' ? 'starts nothing' : 'starts one execution'} when the one that halted is gone`, async () => {
    world.executions.stop(me);
    const answer = await resume(decided);
    expect(await decision()).toMatchObject({ decision: decided });
    expect(world.executions.sent).toEqual([]);
    expect(world.executions.started).toEqual(
      decided === 'abort' ? [] : [{ name: 'continue-00000003', input: { run: 'me' } }],
    );
    expect(answer.executions).toEqual(decided === 'abort' ? [] : [CONTINUED]);
  });

  it('is written before it is sent', async () => {
    const order: string[] = [];
    world.store.after = ({ operation, key }) => {
      if (operation === 'create') order.push(key);
    };
    const sending = (how: 'succeedTask' | 'failTask') => () => {
      order.push(how);
      return Promise.resolve('sent' as const);
    };
    const { isAlive, events, start, tuneMap } = world.executions;
    world.services.executions = {
      isAlive,
      events,
      start,
      tuneMap,
      succeedTask: sending('succeedTask'),
      failTask: sending('failTask'),
    };
    await resume(decided);
    expect(order).toEqual([entryKey(3), decided === 'abort' ? 'failTask' : 'succeedTask']);
  });

  it('is not sent when it could not be written', async () => {
    world.store.before = once('create', entryKey(3), () => {
      throw unavailable();
    });
    expect((await thrownBy(resume(decided))).code).toBe('LedgerUnavailable');
    expect(world.executions.sent).toEqual([]);
    expect(await decision()).toBeUndefined();
  });

  it('twice is told as such, and changes and sends nothing more', async () => {
    await resume(decided);
    const stands = await decision();
    world.clock.advance(60_000);
    world.logs.length = 0;
    const again = await resume(decided, { by: 'arn:him', proof: { authorization: 'AWS4', date: '20260301T120000Z' } });
    expect(again).toMatchObject({
      result: 'already',
      decision: decided,
      by: 'arn:her',
      time: '2026-03-01T12:00:00.000Z',
    });
    expect(again.message).toBe(
      `arn:her (claimed) had decided ${decided} on 0004, attempt 1, at 2026-03-01 12:00:00 UTC.` +
        (decided === 'abort' ? ' The run ends as failed; the next run halts here again.' : ''),
    );
    expect(world.logs.filter(({ level }) => level === 'info')).toEqual([]);
    expect(await decision()).toEqual(stands);
    expect(world.executions.sent).toHaveLength(1);
  });

  it('after another decision is refused: it says who decided what and when, and the first one stands', async () => {
    const first = decided === 'retry' ? 'skip' : 'retry';
    await resume(first, { by: 'arn:him', reason: 'his reason' });
    world.clock.advance(60_000);
    const error = await refusal(decided);
    expect(error).toMatchObject({ result: 'refused', code: 'AlreadyDecided' });
    expect(error.what).toBe(
      `arn:him (claimed) decided ${first} on 0004, attempt 1, at 2026-03-01 12:00:00 UTC (his reason).`,
    );
    expect(error.why).toBe(`The first decision on a halt counts; your ${decided} was not recorded.`);
    expect(await decision()).toMatchObject({ decision: first, by: 'arn:him' });
    expect(world.executions.sent).toEqual([success(token, first, 'arn:him')]);
  });

  it('that could not be sent is recorded all the same, and the same call again sends it', async () => {
    world.executions.failures.push(new Error('throttled'));
    const error = await thrownBy(resume(decided));
    expect(error).toMatchObject({ code: 'DecisionNotDelivered', source: 'system' });
    expect(error.what).toBe(`The decision ${decided} on 0004 is recorded, but the run could not be told.`);
    expect(error.why).toBe('Error: throttled');
    expect(error.next).toBe('Send the same decision again: it changes nothing that is recorded, and tells the run.');
    expect(error.cause).toEqual(new Error('throttled'));
    expect(await decision()).toMatchObject({ decision: decided });
    expect(world.executions.sent).toEqual([]);

    expect(await resume(decided)).toMatchObject({ result: 'already', executions: decided === 'abort' ? [] : [me] });
    expect(world.executions.sent).toHaveLength(1);
    expect(world.executions.sent[0]?.token).toBe(token);
  });
});

describe('a reason', () => {
  beforeEach(failedAndHalted);

  it.each(
    (['mark-applied', 'skip'] as const).flatMap((decided) =>
      [undefined, '', ' \n\t', '...', '…'].map((reason) => [decided, reason]),
    ),
  )('is needed for %s: %j is none, and nothing is written', async (decided, reason) => {
    const written = world.store.writes();
    const error = await refusal(decided as Decision, { reason });
    expect(error).toMatchObject({ result: 'refused', code: 'ReasonMissing' });
    expect(error.what).toBe(
      `${String(decided)} needs a reason: it stays in the ledger for whoever asks later why this migration did not run.`,
    );
    expect(error.next).toBe('Type the same again with --reason "..." and your words in place of the dots.');
    expect(world.store.writes()).toEqual(written);
    expect(world.executions.sent).toEqual([]);
  });

  it.each(['retry', 'abort'] as const)(
    'is not needed for %s, and kept without the space around it',
    async (decided) => {
      await resume(decided, { reason: '  the bucket was empty \n' });
      expect((await decision())?.reason).toBe('the bucket was empty');
    },
  );

  it('of only space is none', async () => {
    await resume('retry', { reason: '  ' });
    expect(await decision()).not.toHaveProperty('reason');
  });

  it('of an abort is what the run fails with', async () => {
    await resume('abort', { reason: 'wrong account' });
    expect(world.executions.sent[0]?.answer).toEqual({
      error: 'Aborted',
      cause: 'arn:her (claimed) aborted this run at migration 0004, attempt 1: wrong account',
    });
  });
});

describe('which halt', () => {
  it('is none when nothing is halted: it is refused, and nothing is written', async () => {
    await claim();
    await finish('failed');
    const error = await refusal('retry');
    expect(error).toMatchObject({ result: 'refused', code: 'NothingHalted' });
    expect(error.what).toBe('No migration of odin-dev is halted, so there is nothing to decide.');
    expect(error.next).toEqual({ words: 'Start a run', verb: 'run', environment: 'odin-dev' });
    expect(world.store.writes()).toEqual([]);
  });

  it('is none when the halted migration was decided and is completed', async () => {
    await failedAndHalted();
    await resume('skip');
    await ledger.complete('0004', 'skipped');
    expect((await refusal('retry')).code).toBe('NothingHalted');
  });

  it('is that of a completed migration whose decision never reached an execution, when it is named', async () => {
    await failedAndHalted();
    world.executions.failures.push(new Error('Step Functions does not answer'));
    expect((await thrownBy(resume('retry'))).code).toBe('DecisionNotDelivered');
    await ledger.complete('0004');
    expect(await resume('retry', { halt: 2 })).toMatchObject({ result: 'already', executions: [me] });
    expect(world.executions.sent).toEqual([success(token, 'retry')]);
  });

  it('is told to whoever joins it while the decision is written', async () => {
    await failedAndHalted();
    const late = world.executions.run('late');
    const lateToken = world.executions.wait(late);
    world.store.before = once('create', entryKey(3), () => ledger.wait(halted, late, lateToken));
    expect((await resume('retry')).executions.sort()).toEqual([late, me].sort());
  });

  it('was settled by a completion: whoever still waits in it is told, and there is nothing to decide', async () => {
    await failedAndHalted();
    await ledger.cancel(turn);
    await ledger.complete('0004');
    const error = await refusal('retry', { halt: 2 });
    expect(error.code).toBe('NothingHalted');
    expect(error.what).toBe(
      'Halt 2 needs no decision any more: 0004 was completed at 2026-03-01 12:00:00 UTC, applied.',
    );
    expect(error.why).toBeUndefined();
    expect(world.executions.sent).toEqual([{ token, answer: { output: { completion: 'applied' } } }]);
  });

  it('is the one that was named, whatever else was said before it was decided', async () => {
    await failedAndHalted();
    await ledger.cancel(turn);
    await ledger.decide(halted, 'retry');
    await ledger.allow('0004', { attempt: 2 });
    expect(await resume('retry', { halt: 2 })).toMatchObject({ result: 'already', entry: 4, decision: 'retry' });
  });

  it('is the named one', async () => {
    await failedAndHalted();
    expect(await resume('retry', { halt: 2 })).toMatchObject({ result: 'decided', halt: 2 });
  });

  it.each([1, 3, 99])('is not another one than was named: %i', async (named) => {
    await failedAndHalted();
    const error = await refusal('retry', { halt: named });
    expect(error).toMatchObject({ result: 'refused', code: 'OtherHalt' });
    expect(error.what).toBe(`Entry ${named} of the log of odin-dev is no halt.`);
    expect(error.why).toBe('Halted is attempt 1 of 0004.');
    expect(error.next).toBe('Decide on that one: --halt 2.');
    expect(world.store.writes()).toEqual([]);
    expect(world.executions.sent).toEqual([]);
  });

  it('is the earlier one, when that was named: its decision stands, the open one is not touched', async () => {
    await failedAndHalted();
    await resume('abort');
    const next = world.executions.run('next');
    const again = await ledger.halt(turn);
    await ledger.wait(again, next, world.executions.wait(next));
    const error = await refusal('retry', { halt: 2 });
    expect(error.code).toBe('AlreadyDecided');
    expect(error.what).toContain('arn:her (claimed) decided abort on 0004, attempt 1');
    expect((await ledger.look()).turn?.halt).toMatchObject({ halted: { number: 4 }, decided: undefined });
    expect(await world.executions.isAlive(next)).toBe(true);
  });

  it('is none, when one was named and none is open', async () => {
    const error = await refusal('retry', { halt: 1 });
    expect(error.code).toBe('NothingHalted');
    expect(error.what).toBe('Entry 1 of the log of odin-dev is no halt.');
  });

  it('is the second halt of an attempt, after an abort', async () => {
    await failedAndHalted();
    await resume('abort');
    const next = world.executions.run('next');
    const again = await ledger.halt(turn);
    await ledger.wait(again, next, world.executions.wait(next));
    expect(await resume('retry')).toMatchObject({ result: 'decided', halt: 4, executions: [next] });
    expect(await decision(3)).toMatchObject({ decision: 'abort', of: 2 });
    expect(await decision(5)).toMatchObject({ decision: 'retry', of: 4 });
  });

  it('is an earlier one that was named, although the last one is decided, too', async () => {
    await failedAndHalted();
    await resume('abort');
    await ledger.decide(await ledger.halt(turn), 'retry');
    expect(await resume('abort', { halt: 2 })).toMatchObject({ result: 'already', halt: 2, entry: 3 });
    expect(await refusal('retry', { halt: 2 })).toMatchObject({
      code: 'AlreadyDecided',
      what: 'arn:her (claimed) decided abort on 0004, attempt 1, at 2026-03-01 12:00:00 UTC.',
    });
  });

  it('is known with what was decided: nothing of the log is read once more', async () => {
    await failedAndHalted();
    await resume('retry');
    const { calls } = world.store;
    const after = calls.slice(calls.findIndex(({ operation, key }) => operation === 'create' && key === entryKey(3)));
    expect(after.filter(({ key }) => key.startsWith('log/'))).toHaveLength(1);
  });

  it('is one of a turn that never started', async () => {
    await openHalt('not-started');
    expect(await resume('retry')).toMatchObject({ result: 'decided', executions: [me] });
  });

  it.each([entryKey(3), waiterKey(2, 'other')])('is not guessed when it cannot be read: %s', async (key) => {
    await failedAndHalted();
    await world.store.inner.create(key, 'garbage');
    const error = await thrownBy(resume('retry'));
    // An entry stops it before anything is written; a waiter, after the decision is recorded.
    expect(error.code).toBe(key === entryKey(3) ? 'RecordUnreadable' : 'DecisionNotDelivered');
    expect(error.message).toContain(key);
    expect(world.executions.sent).toEqual([]);
  });
});

describe('a turn that succeeded in the meantime', () => {
  beforeEach(async () => {
    await claim();
    await openHalt('unknown');
    await finish('succeeded');
  });

  it.each(['skip', 'mark-applied'] as const)('cannot be decided %s, and nothing is written', async (decided) => {
    const error = await refusal(decided);
    expect(error).toEqual({
      result: 'refused',
      code: 'AttemptSucceeded',
      what: `Attempt 1 of 0004 succeeded, so ${decided} cannot be recorded.`,
      next: 'Decide retry: nothing is run twice, its success is recorded.',
    });
    expect(world.store.writes()).toEqual([]);
    expect(world.executions.sent).toEqual([]);
  });

  it.each(['retry', 'abort'] as const)('may be decided %s, and nothing begins anew', async (decided) => {
    expect(await resume(decided)).toMatchObject({ result: 'decided', decision: decided });
    expect(await decision()).not.toHaveProperty('retry');
  });
});

it('a turn whose outcome cannot be read has not succeeded: it may be decided', async () => {
  await claim();
  await openHalt('unknown');
  await world.store.inner.create(outcomeKey(turn), 'garbage');
  world.clock.advance(16 * 60_000);
  expect(await resume('skip')).toMatchObject({ result: 'decided', decision: 'skip' });
});

describe('a verdict that could not be recorded', () => {
  it('stays: a retry of the recording says nothing of code', async () => {
    await failedAndHalted();
    await resume('mark-applied');
    const unrecorded = await ledger.halt(turn, 'unrecorded');
    await ledger.wait(unrecorded, me, world.executions.wait(me));
    expect(await resume('retry')).toMatchObject({ result: 'decided', halt: 4, executions: [me] });
    expect(await decision(5)).not.toHaveProperty('retry');
    expect((await ledger.look()).turn?.verdict).toMatchObject({ decision: 'mark-applied' });
  });
});

describe('a decision that cannot have its effect', () => {
  beforeEach(failedAndHalted);

  it('is refused: a retry of what is below nothing that was run, and of what a lower file came late to', async () => {
    const late = await refusal('retry', {}, manifestOf('0002', '0004'));
    expect(late).toEqual({
      result: 'refused',
      code: 'OutOfOrder',
      what: 'Nothing was recorded: the run would refuse a retry of 0004, because migrations/odin-dev/0002.ts is pending, and 0004 was run before.',
      why: 'What came late gets the next free number, and is deployed; then decide retry.',
      next: {
        words: 'If the order does not matter, decide abort; the next run halts here again, and may retry',
        verb: 'run',
        environment: 'odin-dev',
        args: ['--allow-out-of-order'],
      },
    });
    const more = await refusal('retry', {}, manifestOf('0001', '0002', '0004', '0005'));
    expect(more.what).toContain(', because migrations/odin-dev/0001.ts, migrations/odin-dev/0002.ts are pending, and');
    expect(await decision()).toBeUndefined();
    // It only records, and runs nothing.
    expect(await resume('skip', {}, manifestOf('0002', '0004'))).toMatchObject({ result: 'decided' });
  });

  it('is taken where the run that waits may run out of order', async () => {
    const other = world.executions.run('other');
    await ledger.wait(halted, other, world.executions.wait(other), { allowOutOfOrder: true });
    expect(await resume('retry', {}, manifestOf('0002', '0004'))).toMatchObject({ result: 'decided' });
  });

  it('is refused with the number under which the text stands now', async () => {
    const renamed = manifestOf('0005');
    const migrations = renamed.migrations.map((each) => ({ ...each, sourceSha256: sourceOf('0004') }));
    const answer = await refusal('retry', {}, { ...renamed, migrations });
    expect(answer).toEqual({
      result: 'refused',
      code: 'UnknownMigration',
      what: 'The file of 0004 is not deployed any more, so there is nothing to retry: 0005 has its text.',
      next: 'Give the file back the number 0004, deploy it, and then retry; or decide skip, and start a run with --allow-renumbered 0005.',
    });
  });
});

describe('a decision in place of another one', () => {
  beforeEach(failedAndHalted);

  it('counts, when it names that one before it has had its effect, and is told to nobody twice', async () => {
    expect(await resume('mark-applied', { by: 'arn:anna' })).toMatchObject({ entry: 3, executions: [me] });
    const first = await refusal('retry');
    expect(first).toMatchObject({ code: 'AlreadyDecided' });
    expect(first.next).toBe(
      'It has had no effect yet. If yours is to count instead, type the same again with --instead 3.',
    );
    expect(await resume('retry', { instead: 3 })).toMatchObject({ result: 'decided', entry: 4, decision: 'retry' });
    expect(await decision(4)).toMatchObject({ of: 2, instead: 3, by: 'arn:her', retry: { codeSha256: CODE } });
    expect((await ledger.look()).turn).toMatchObject({ halt: { decided: { number: 4 } }, verdict: undefined });
    expect(world.executions.started).toEqual([]); // the one that was told goes on, and reads the log
    // The same call again, and somebody else who had not seen it.
    expect(await resume('retry', { instead: 3 })).toMatchObject({ result: 'already', entry: 4 });
    expect(await refusal('skip', { instead: 3 })).toMatchObject({ code: 'AlreadyDecided' });
    expect(await decision(5)).toBeUndefined();
  });

  it('lets an execution go on when the one that was told has ended', async () => {
    await resume('retry');
    world.executions.stop(me);
    expect(await resume('skip', { instead: 3 })).toMatchObject({ executions: [executionArn('continue-00000004')] });
  });

  it('may settle what the one before it did not', async () => {
    await resume('abort');
    await resume('skip', { instead: 3 });
    expect((await ledger.look()).turn?.verdict).toMatchObject({ number: 4, decision: 'skip' });
  });

  it('is refused when that one has had its effect', async () => {
    await resume('retry');
    const again = await ledger.halt(turn, 'code-changed');
    const answer = await refusal('skip', { instead: 3 });
    expect(answer).toEqual({
      result: 'refused',
      code: 'OtherHalt',
      what: 'Entry 3 is no decision on the open halt, 4, of 0004: what was decided there has had its effect.',
      next: 'Decide on the open one: --halt 4, without --instead.',
    });
    await resume('skip');
    await ledger.complete('0004', 'skipped');
    const late = await refusal('retry', { halt: again.number, instead: 5 });
    expect(late).toMatchObject({ code: 'AlreadyDecided' });
    expect(late.next).toBe('Look at the status; if the run halts again, decide then.');
    expect(await refusal('retry', { instead: 5 })).toMatchObject({ code: 'NothingHalted' });
  });

  it('is what is told of a halt that was settled by it', async () => {
    await resume('retry');
    await resume('skip', { instead: 3 });
    await ledger.complete('0004', 'skipped');
    expect(await resume('skip', { halt: 2 })).toMatchObject({ result: 'already', entry: 4, decision: 'skip' });
  });
});

describe('where a retry begins', () => {
  const manifest = (codeSha256: string): Manifest => {
    const plain = manifestOf('0004');
    const migrations = plain.migrations.map((each) => ({ ...each, codeSha256, checkpointed: true }));
    return { ...plain, migrations };
  };
  const checkpoint = (cursor: string) =>
    moveCheckpoint(world.store.inner, turn, undefined, { cursor }, world.clock.now());

  it('is the start, without a checkpoint', async () => {
    await failedAndHalted();
    await resume('retry', {}, manifest(CODE));
    expect((await decision())?.retry).toEqual({ codeSha256: CODE, begin: 'start' });
  });

  it('is the checkpoint, when the deployed code made it', async () => {
    await checkpoint('zebra');
    await failedAndHalted();
    expect((await resume('retry', {}, manifest(CODE))).message).toBe(
      'Recorded: retry on 0004, attempt 1. The run goes on. It begins at the last checkpoint.',
    );
    expect((await decision())?.retry).toEqual({ codeSha256: CODE, begin: 'checkpoint' });
  });

  it('is the checkpoint of one that is not written as a generator, and gave one back', async () => {
    await checkpoint('zebra');
    await failedAndHalted();
    await resume('retry', {}, manifestOf('0004'));
    expect((await decision())?.retry).toEqual({ codeSha256: CODE, begin: 'checkpoint' });
  });

  it('is the start of one that yields nothing, also when its code may still be running', async () => {
    await claim();
    await openHalt('unknown');
    const written = manifestOf('0004');
    const migrations = written.migrations.map((each) => ({ ...each, codeSha256: OTHER_CODE }));
    await resume('retry', {}, { ...written, migrations });
    expect((await decision())?.retry).toEqual({ codeSha256: OTHER_CODE, begin: 'start' });
  });

  it('is asked for, when other code made the checkpoint: nothing is written', async () => {
    await checkpoint('zebra');
    await failedAndHalted();
    const error = await refusal('retry', {}, manifest(OTHER_CODE));
    expect(error).toEqual({
      result: 'refused',
      code: 'OtherCode',
      what: 'The checkpoint of 0004 was made by other code than is deployed now.',
      why: 'What it means is known to the code that made it, and perhaps to no other.',
      next: 'Type the same again with --keep-checkpoint if the deployed code goes on from it (of a parallel migration: with the batches that are left), or with --from-start to begin anew.',
    });
    expect(world.store.writes()).toEqual([]);
  });

  it.each(['start', 'checkpoint'] as const)(
    'is what the operator says, of the code that is deployed: %s',
    async (begin) => {
      await checkpoint('zebra');
      await failedAndHalted();
      await resume('retry', { begin }, manifest(OTHER_CODE));
      expect((await decision())?.retry).toEqual({ codeSha256: OTHER_CODE, begin });
    },
  );

  it('is the start of one that began there, whatever checkpoint an earlier attempt of other code has left', async () => {
    await checkpoint('zebra');
    await failedAndHalted();
    await resume('retry', { begin: 'start' }, manifest(OTHER_CODE));
    turn = await ledger.allow('0004', { execution: me, attempt: 2, begin: 'start', codeSha256: OTHER_CODE });
    await failedAndHalted();
    await resume('retry', {}, manifest(OTHER_CODE));
    expect((await decision())?.retry).toEqual({ codeSha256: OTHER_CODE, begin: 'start' });
  });

  it('is asked for, when the attempt began at a checkpoint of the attempt before it, and made none', async () => {
    await checkpoint('zebra');
    await failedAndHalted();
    await resume('retry', {}, manifest(CODE));
    turn = await ledger.allow('0004', { execution: me, attempt: 2, begin: 'checkpoint' });
    await failedAndHalted();
    expect(await refusal('retry', {}, manifest(OTHER_CODE))).toMatchObject({ code: 'OtherCode' });
  });

  it('is asked for, when other code may still be running, and make a checkpoint', async () => {
    await claim();
    await openHalt('unknown');
    expect(await refusal('retry', {}, manifest(OTHER_CODE))).toMatchObject({ code: 'OtherCode' });
    await resume('retry', {}, manifest(CODE));
    expect((await decision())?.retry).toEqual({ codeSha256: CODE, begin: 'checkpoint' });
  });

  it('is not at a plan of batches, when the deployed code does none', async () => {
    const plan = { turns: [{ turn: turn.number, sha256: turn.sha256, batches: 3 }], items: 9, sealed: false };
    await moveCheckpoint(world.store.inner, turn, undefined, { cursor: 'zebra', plan }, world.clock.now());
    await failedAndHalted();
    expect(await refusal('retry', { begin: 'checkpoint' }, manifest(OTHER_CODE))).toEqual({
      result: 'refused',
      code: 'OtherCode',
      what: 'The checkpoint of 0004 is that of a plan of batches, and the deployed code has no plan().',
      next: 'Type the same again with --from-start to begin anew; or deploy code that does the batches, and then retry.',
    });
    const { migrations, ...rest } = manifest(OTHER_CODE);
    const parallel = { ...rest, migrations: migrations.map((each) => ({ ...each, parallel: { concurrency: 2 } })) };
    await resume('retry', { begin: 'checkpoint' }, parallel);
    expect((await decision())?.retry).toEqual({ codeSha256: OTHER_CODE, begin: 'checkpoint' });
  });

  it('is nowhere, when the file is not deployed any more: what remains is said', async () => {
    await failedAndHalted();
    const error = await refusal('retry', {}, manifestOf('0005'));
    expect(error).toEqual({
      result: 'refused',
      code: 'UnknownMigration',
      what: 'The file of 0004 is not deployed any more, so there is nothing to retry.',
      next: 'Decide mark-applied, skip or abort; or deploy the file again, and then retry.',
    });
    expect(await resume('skip', {}, manifestOf('0005'))).toMatchObject({ result: 'decided' });
  });

  it('is not guessed, when the checkpoint cannot be read', async () => {
    await world.store.inner.create(checkpointKey('0004'), 'garbage');
    await failedAndHalted();
    expect((await thrownBy(resume('retry', {}, manifest(CODE)))).code).toBe('RecordUnreadable');
    expect(await resume('retry', { begin: 'start' }, manifest(CODE))).toMatchObject({ result: 'decided' });
  });
});

describe('until when the run waits', () => {
  const onward = DECISIONS.filter((decided) => decided !== 'abort');

  it.each(onward)('is the deadline of a turn without an outcome, for %s', async (decided) => {
    await claim();
    await openHalt('unknown');
    const answer = await resume(decided);
    expect(answer.waitsUntil).toBe(DEADLINE);
    expect(answer.message).toContain(
      `It acts on this after 2026-03-01 12:15:10 UTC, until when the old attempt may still be running.`,
    );
  });

  it.each([
    ['the deadline is over', 'retry', () => Promise.resolve().then(() => world.clock.advance(16 * 60_000))],
    ['the turn has an outcome', 'retry', () => finish('failed')],
    ['the run is aborted', 'abort', () => Promise.resolve()],
  ] as const)('is not said when %s', async (_, decided, happens) => {
    await claim();
    await openHalt('unknown');
    await happens();
    const answer = await resume(decided);
    expect(answer.waitsUntil).toBeUndefined();
    expect(answer.message).not.toContain('acts on this after');
  });

  it('is said to the very moment at which the deadline is over', async () => {
    await claim();
    await openHalt('unknown');
    world.clock.advance(15 * 60_000 + 10_000);
    expect((await resume('retry')).waitsUntil).toBe(DEADLINE);
  });

  it('is not said of a halt that is over, when its decision is sent again', async () => {
    await claim();
    await openHalt('unknown');
    await resume('abort');
    await ledger.wait(await ledger.halt(turn, 'unknown'), me, 'another');
    expect(await resume('abort', { halt: 2 })).toMatchObject({ result: 'already', waitsUntil: undefined });
  });

  it('is not said of a turn that never started', async () => {
    await openHalt('not-started');
    expect((await resume('retry')).waitsUntil).toBeUndefined();
  });
});

describe('two operators at the same time', () => {
  beforeEach(failedAndHalted);

  it.each([
    ['retry', 'skip'],
    ['abort', 'retry'],
    ['mark-applied', 'abort'],
  ] as const)('%s and %s: exactly one wins, and the other is told who decided what', async (hers, his) => {
    world.store.before = () => soon();
    const [her, him] = await Promise.all([
      call(payloadOf(hers, { by: 'arn:her' })),
      call(payloadOf(his, { by: 'arn:him' })),
    ]);
    const stands = await decision();
    const [winner, loser] = stands?.by === 'arn:her' ? [her, him] : [him, her];
    expect(winner).toMatchObject({ result: 'decided', decision: stands?.decision });
    expect(loser).toMatchObject({
      result: 'refused',
      code: 'AlreadyDecided',
      what: expect.stringContaining(
        `${stands?.by ?? ''} (claimed) decided ${stands?.decision ?? ''} on 0004`,
      ) as unknown,
    });
    expect(world.executions.sent).toHaveLength(1);
    expect(world.executions.sent[0]?.answer).toMatchObject(
      stands?.decision === 'abort' ? { error: 'Aborted' } : { output: { decision: stands?.decision } },
    );
  });

  it('what is said of a halt without naming it is never said of the one after it', async () => {
    world.store.before = once('create', entryKey(3), async () => {
      await ledger.decide(halted, 'mark-applied', { by: 'him', reason: 'done' });
      await ledger.complete('0004', 'marked-applied');
      const next = await ledger.allow('0005');
      await ledger.claim(next);
      await ledger.close(next, 'failed');
      await ledger.halt(next);
    });
    const late = await refusal('skip');
    expect(late).toMatchObject({ code: 'AlreadyDecided' });
    expect(late.what).toContain('him (claimed) decided mark-applied on 0004, attempt 1');
    expect((await ledger.look()).turn?.halt).toMatchObject({ halted: { migration: '0005' }, decided: undefined });
  });

  it('the second one sends what the first one could not, and is refused all the same', async () => {
    world.executions.failures.push(new Error('throttled'));
    expect((await thrownBy(resume('retry', { by: 'arn:her' }))).code).toBe('DecisionNotDelivered');
    expect((await refusal('abort', { by: 'arn:him' })).code).toBe('AlreadyDecided');
    expect(world.executions.sent).toEqual([success(token, 'retry', 'arn:her')]);
  });

  it('with the same decision: one is told that it decided, the other that it was decided', async () => {
    world.store.before = () => soon();
    const answers = await Promise.all([resume('retry', { by: 'arn:her' }), resume('retry', { by: 'arn:him' })]);
    expect(answers.map(({ result }) => result).sort()).toEqual(['already', 'decided']);
    expect(new Set(answers.map(({ by }) => by)).size).toBe(1);
    expect(world.executions.sent).toHaveLength(1);
  });

  it('with nobody waiting any more: one execution is started', async () => {
    world.executions.stop(me);
    world.store.before = () => soon();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => resume('retry', { by: `arn:${n}` })));
    expect(world.executions.started).toEqual([{ name: 'continue-00000003', input: { run: 'me' } }]);
    for (const { executions } of answers) expect(executions).toEqual([CONTINUED]);
  });
});

describe('several executions wait in one halt', () => {
  let other: string;
  let otherToken: string;
  beforeEach(async () => {
    other = world.executions.run('other');
    otherToken = world.executions.wait(other);
    await failedAndHalted();
    await ledger.wait(halted, other, otherToken, {
      allowOutOfOrder: true,
      since: new Date(world.clock.now() + 1000).toISOString(),
    });
  });

  it('and each is sent the one decision', async () => {
    expect((await resume('retry')).executions).toEqual([me, other]);
    expect(world.executions.sent).toEqual([success(token, 'retry'), success(otherToken, 'retry')]);
  });

  it('and an abort ends each of them', async () => {
    await resume('abort');
    expect([await world.executions.isAlive(me), await world.executions.isAlive(other)]).toEqual([false, false]);
  });

  it('and no new one is started when one of them is gone', async () => {
    world.executions.stop(me);
    expect((await resume('retry')).executions).toEqual([other]);
    expect(world.executions.started).toEqual([]);
  });

  it('and the second is told by the same call again, when sending to it failed', async () => {
    const { succeedTask } = world.executions;
    let calls = 0;
    world.services.executions = {
      ...world.services.executions,
      succeedTask: (...args) => {
        calls += 1;
        return calls === 2 ? Promise.reject(new Error('throttled')) : succeedTask(...args);
      },
    };
    expect((await thrownBy(resume('retry'))).code).toBe('DecisionNotDelivered');
    expect(world.executions.sent).toEqual([success(token, 'retry')]);
    expect((await resume('retry')).executions).toEqual([other]);
    expect(world.executions.sent).toEqual([success(token, 'retry'), success(otherToken, 'retry')]);
    expect(world.executions.started).toEqual([]);
  });

  it('and the one that takes over when all are gone may run out of order, if one of them might', async () => {
    world.executions.stop(me);
    world.executions.stop(other);
    await resume('retry');
    expect(world.executions.started).toEqual([
      { name: 'continue-00000003', input: { run: 'me', allowOutOfOrder: true } },
    ]);
  });

  it('and the one that takes over may do what was said to each of them', async () => {
    const said = [
      { allowRenumbered: ['0007'], acceptChanged: ['0002', '0001'] },
      { allowRenumbered: ['0007', '0006'], acceptChanged: ['0003'] },
    ];
    for (const [n, each] of said.entries()) await ledger.wait(halted, executionArn(`gone-${n}`), `token-${n}`, each);
    world.executions.stop(me);
    world.executions.stop(other);
    await resume('retry');
    expect(world.executions.started.map(({ input }) => input)).toEqual([
      {
        run: 'me',
        allowOutOfOrder: true,
        allowRenumbered: ['0006', '0007'],
        acceptChanged: ['0001', '0002', '0003'],
      },
    ]);
  });
});

describe('the execution that takes over', () => {
  beforeEach(async () => {
    await failedAndHalted();
    world.executions.stop(me);
  });

  it('is started by the same call again, when starting it failed', async () => {
    world.executions.failures.push(new Error('no answer to the send'));
    expect((await thrownBy(resume('retry'))).code).toBe('DecisionNotDelivered');
    const { succeedTask } = world.executions;
    world.services.executions = { ...world.services.executions, succeedTask };
    expect(await resume('retry')).toMatchObject({ result: 'already', executions: [CONTINUED] });
    expect(world.executions.started).toHaveLength(1);
  });

  it('is started once, however often the decision is sent again', async () => {
    for (let n = 0; n < 3; n += 1) expect((await resume('retry')).executions).toEqual([CONTINUED]);
    expect(world.executions.started).toHaveLength(1);
  });

  it('is not started when the decision has been carried out: a later attempt was made', async () => {
    await resume('retry');
    world.executions.started.length = 0;
    await ledger.allow('0004', { attempt: 2, execution: CONTINUED });
    expect(await resume('retry', { halt: 2 })).toMatchObject({ result: 'already', executions: [] });
    expect(world.executions.started).toEqual([]);
  });

  it('is started whatever Step Functions says of the one that waited: it may have been stopped a moment ago', async () => {
    const seems = world.executions.run('me');
    expect(await world.executions.isAlive(seems)).toBe(true);
    expect(await resume('retry')).toMatchObject({ result: 'decided', executions: [CONTINUED] });
  });

  it('is the next one, when that of its name has ended', async () => {
    world.executions.stop(world.executions.run('continue-00000003'));
    expect((await resume('retry')).executions).toEqual([executionArn('continue-00000003-2')]);
    // A person may try as often as they like.
    for (const number of [2, 3, 4]) {
      world.executions.stop(executionArn(`continue-00000003-${number}`));
      expect((await resume('retry')).executions).toEqual([executionArn(`continue-00000003-${number + 1}`)]);
    }
  });
});

describe('the message', () => {
  beforeEach(failedAndHalted);

  it.each([
    ['retry', 'Recorded: retry on 0004, attempt 1. The run goes on.'],
    ['abort', 'Recorded: abort on 0004, attempt 1. The run ends as failed; the next run halts here again.'],
  ] as const)('after %s says what was recorded and what follows', async (decided, message) => {
    expect((await resume(decided)).message).toBe(message);
  });

  it('never holds a task token, and neither does the log or a refusal', async () => {
    const answers = [await resume('retry'), await refusal('abort')];
    expect(JSON.stringify([answers, world.logs])).not.toContain('SECRET-TOKEN');
  });
});
