// `resume`: a decision is written first and sent then, counts once, and reaches whoever waits for it.
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Decision } from '../../core/names/names.ts';
import { DECISIONS } from '../../core/names/names.ts';
import { keys } from '../../core/ledger/keys.ts';
import type { ResumeAnswer, Resumed, ResumePayload } from '../../core/contract/payloads.ts';
import { createResume } from '../../lambdas/resume/resume.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { World } from '../support/services.ts';
import { createWorld, HASH, invocation } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const DEADLINE = '2026-03-01T12:16:00.000Z';
const RESUMED = executionArn('resume-0004-0001-01');

let world: World;
/** The execution that halted, and the token that it waits with. */
let me: string;
let token: string;
let calls = 0;

beforeEach(() => {
  calls = 0;
  world = createWorld();
  me = world.executions.run('me');
  token = world.executions.wait(me);
});

/** Each call has a request id of its own, as each invocation of a function has. */
function call(payload: ResumePayload): Promise<ResumeAnswer> {
  calls += 1;
  return createResume(world.services)(payload, invocation(world, { requestId: `request-${calls}` }));
}
function payloadOf(decision: Decision, more: Partial<ResumePayload>): ResumePayload {
  const reason = decision === 'mark-applied' || decision === 'skip' ? { reason: 'because' } : {};
  return { decision, by: 'arn:her', ...reason, ...more };
}
async function resume(decision: Decision, more: Partial<ResumePayload> = {}): Promise<Resumed> {
  const answer = await call(payloadOf(decision, more));
  if (answer.result === 'refused') throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
}
/** A refusal is an answer of the function and not its failure: engines rename errors. */
async function refusal(decision: Decision, more: Partial<ResumePayload> = {}) {
  const answer = await call(payloadOf(decision, more));
  if (answer.result !== 'refused') throw new Error(`not refused: ${JSON.stringify(answer)}`);
  return answer;
}

const subject = (migration = '0004', attempt = 1) => ({
  migration,
  attempt,
  execution: me,
  sourceSha256: HASH,
  codeSha256: HASH,
  gitCommit: 'abc123',
});
const claim = (migration = '0004', attempt = 1) =>
  world.ledger.createClaim(subject(migration, attempt), world.writer, { slice: 1, nonce: 'n', deadline: DEADLINE });
const finish = (outcome: 'succeeded' | 'failed', migration = '0004', attempt = 1) =>
  world.ledger.createFinished(subject(migration, attempt), world.writer, { outcome, durationMs: 1, slices: 1 });
const complete = (migration = '0004') =>
  world.ledger.createCompletion(subject(migration), world.writer, { completion: 'applied' });
const waits = (execution: string, itsToken: string, allowOutOfOrder = false) => ({
  execution,
  token: itsToken,
  since: world.clock.iso(),
  allowOutOfOrder,
});
const openHalt = (waiting = [waits(me, token)], migration = '0004', attempt = 1, halt = 1) =>
  world.ledger.updateHalt(subject(migration, attempt), world.writer, () => ({ halt, outcome: 'failed', waiting }));
const decision = (migration = '0004', attempt = 1, halt = 1) => world.ledger.decision(migration, attempt, halt);
async function failedAndHalted(): Promise<void> {
  await claim();
  await finish('failed');
  await openHalt();
}
/** The answer that an execution which goes on is sent. */
const success = (of: string, what: Decision, by = 'arn:her') => ({
  token: of,
  answer: { output: { decision: what, by } },
});

describe.each(DECISIONS)('%s', (decided) => {
  const mayHaveReason = decided === 'mark-applied' || decided === 'skip' ? { reason: 'because' } : {};
  beforeEach(failedAndHalted);

  it('is recorded with who decided, of which attempt and source', async () => {
    world.clock.advance(60_000);
    await resume(decided);
    expect(await decision()).toEqual({
      formatVersion: 1,
      ...subject(),
      time: '2026-03-01T12:01:00.000Z',
      requestId: 'request-1',
      halt: 1,
      decision: decided,
      by: 'arn:her',
      ...mayHaveReason,
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
      answer: { error: 'Aborted', cause: 'arn:her aborted this run at migration 0004, attempt 1.' },
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
    expect(world.executions.started).toEqual(decided === 'abort' ? [] : [{ name: 'resume-0004-0001-01', input: {} }]);
    expect(answer.executions).toEqual(decided === 'abort' ? [] : [RESUMED]);
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
    const { isAlive, events, start } = world.executions;
    world.services.executions = {
      isAlive,
      events,
      start,
      succeedTask: sending('succeedTask'),
      failTask: sending('failTask'),
    };
    await resume(decided);
    expect(order).toEqual([keys.decision('0004', 1, 1), decided === 'abort' ? 'failTask' : 'succeedTask']);
  });

  it('is not sent when it could not be written', async () => {
    world.store.before = once('create', keys.decision('0004', 1, 1), () => {
      throw unavailable();
    });
    expect((await thrownBy(resume(decided))).code).toBe('LedgerUnavailable');
    expect(world.executions.sent).toEqual([]);
    expect(await decision()).toBeUndefined();
  });

  it('twice is told as such, and changes and sends nothing more', async () => {
    await resume(decided);
    const written = world.store.writes().filter((write) => write.startsWith('replace'));
    const stands = await decision();
    world.clock.advance(60_000);
    const again = await resume(decided, { by: 'arn:him' });
    expect(again).toMatchObject({
      result: 'already',
      decision: decided,
      by: 'arn:her',
      time: '2026-03-01T12:00:00.000Z',
    });
    expect(again.message).toContain(`arn:her had decided ${decided} on 0004, attempt 1, at 2026-03-01T12:00:00.000Z.`);
    expect(await decision()).toEqual(stands);
    expect(world.store.writes().filter((write) => write.startsWith('replace'))).toEqual(written);
    expect(world.executions.sent).toHaveLength(1);
    expect(world.executions.started).toEqual([]);
  });

  it('after another decision is refused: it says who decided what and when, and the first one stands', async () => {
    const first = decided === 'retry' ? 'skip' : 'retry';
    await resume(first, { by: 'arn:him', reason: 'his reason' });
    world.clock.advance(60_000);
    const error = await refusal(decided);
    expect(error).toMatchObject({ result: 'refused', code: 'AlreadyDecided' });
    expect(error.what).toBe(`arn:him decided ${first} on 0004, attempt 1, at 2026-03-01T12:00:00.000Z (his reason).`);
    expect(error.why).toContain(`your ${decided} was not recorded`);
    expect(await decision()).toMatchObject({ decision: first, by: 'arn:him' });
    expect(world.executions.sent).toEqual([success(token, first, 'arn:him')]);
  });

  it('that could not be sent is recorded all the same, and the same call again sends it', async () => {
    world.executions.failures.push(new Error('throttled'));
    const error = await thrownBy(resume(decided));
    expect(error).toMatchObject({ code: 'DecisionNotDelivered', source: 'system' });
    expect(error.what).toContain(`The decision ${decided} on 0004 is recorded`);
    expect(error.why).toContain('throttled');
    expect(error.next).toContain('Send the same decision again');
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
      [undefined, '', ' \n\t'].map((reason) => [decided, reason]),
    ),
  )('is needed for %s: %j is none, and nothing is written', async (decided, reason) => {
    const written = world.store.writes();
    const error = await refusal(decided as Decision, { reason });
    expect(error).toMatchObject({ result: 'refused', code: 'ReasonMissing' });
    expect(error.what).toContain(`${String(decided)} needs a reason`);
    expect(error.next).toContain('--reason "..."');
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
      cause: 'arn:her aborted this run at migration 0004, attempt 1: wrong account',
    });
  });
});

describe('which halt', () => {
  it('is none when nothing is halted: it is refused, and nothing is written', async () => {
    await claim();
    await finish('failed');
    const written = world.store.writes();
    const error = await refusal('retry');
    expect(error).toMatchObject({ result: 'refused', code: 'NothingHalted' });
    expect(error.what).toBe('No migration of odin-dev is halted, so there is nothing to decide.');
    expect(error.next).toEqual({ words: 'Start a run', verb: 'run', environment: 'odin-dev' });
    expect(world.store.writes()).toEqual(written);
  });

  it('is none when the halted migration was decided and is completed', async () => {
    await failedAndHalted();
    await resume('skip');
    await complete();
    world.executions.stop(me);
    expect((await refusal('retry')).code).toBe('NothingHalted');
  });

  it('is that of a completed migration whose decision never reached an execution', async () => {
    await failedAndHalted();
    world.executions.failures.push(new Error('Step Functions does not answer'));
    expect((await thrownBy(resume('retry'))).code).toBe('DecisionNotDelivered');
    await complete();
    expect(await resume('retry')).toMatchObject({ result: 'already', executions: [me] });
    expect(world.executions.sent).toEqual([success(token, 'retry')]);
  });

  it('is told to whoever joins it while the decision is written', async () => {
    await failedAndHalted();
    const late = world.executions.run('late');
    const lateToken = world.executions.wait(late);
    world.store.before = once('create', keys.decision('0004', 1, 1), () =>
      openHalt([waits(me, token), waits(late, lateToken)]),
    );
    expect(await resume('retry')).toMatchObject({ executions: [me, late] });
  });

  it('is none when the halted migration was completed by another execution, and nobody alive waits', async () => {
    await failedAndHalted();
    await complete();
    world.executions.stop(me);
    expect((await refusal('retry')).code).toBe('NothingHalted');
  });

  it('is that of a completed migration, when an execution still waits in it', async () => {
    await failedAndHalted();
    await complete();
    expect(await resume('retry')).toMatchObject({ result: 'decided', executions: [me] });
    expect(world.executions.sent).toEqual([success(token, 'retry')]);
  });

  it('is the named one', async () => {
    await failedAndHalted();
    expect(await resume('retry', { halt: { migration: '0004', attempt: 1 } })).toMatchObject({ result: 'decided' });
  });

  it.each([
    ['another migration', { migration: '0005', attempt: 1 }],
    ['another attempt', { migration: '0004', attempt: 2 }],
  ])('is not another one than was named: %s', async (_, named) => {
    await failedAndHalted();
    const written = world.store.writes();
    const error = await refusal('retry', { halt: named });
    expect(error).toMatchObject({ result: 'refused', code: 'OtherHalt' });
    expect(error.what).toBe(`Attempt ${named.attempt} of ${named.migration} in odin-dev is not halted.`);
    expect(error.why).toBe('Halted is attempt 1 of 0004.');
    expect(error.next).toContain('--migration 0004 --attempt 1');
    expect(world.store.writes()).toEqual(written);
    expect(world.executions.sent).toEqual([]);
  });

  it('is none, when one was named and none is open', async () => {
    const error = await refusal('retry', { halt: { migration: '0004', attempt: 1 } });
    expect(error.code).toBe('NothingHalted');
    expect(error.what).toContain('Attempt 1 of 0004 in odin-dev is not halted.');
    expect(error.why).toBe('Nothing else is halted either.');
  });

  it('is the open one, when an earlier one was decided and not completed', async () => {
    await openHalt([waits(me, token)], '0002');
    await resume('retry');
    await openHalt([waits(me, world.executions.wait(me))], '0004');
    expect(await resume('abort')).toMatchObject({ result: 'decided', migration: '0004' });
    expect(await decision('0002')).toMatchObject({ decision: 'retry' });
    expect(await decision('0004')).toMatchObject({ decision: 'abort' });
  });

  it('is the second halt of an attempt, after an abort', async () => {
    await failedAndHalted();
    await resume('abort');
    const next = world.executions.run('next');
    await openHalt([waits(next, world.executions.wait(next))], '0004', 1, 2);
    expect(await resume('retry')).toMatchObject({ result: 'decided', executions: [next] });
    expect(await decision('0004', 1, 1)).toMatchObject({ decision: 'abort' });
    expect(await decision('0004', 1, 2)).toMatchObject({ decision: 'retry', halt: 2 });
  });

  it('is one of an attempt that never started', async () => {
    await openHalt();
    expect(await resume('retry')).toMatchObject({ result: 'decided', executions: [me] });
    expect(await decision()).not.toHaveProperty('sourceSha256');
  });

  it('is not guessed when a halt, a decision or a completion cannot be read', async () => {
    await failedAndHalted();
    for (const key of [keys.completed('0004'), keys.decision('0004', 1, 1), keys.halt('0005')]) {
      const there = world.store.inner;
      await there.create(key, 'garbage');
      const error = await thrownBy(resume('retry'));
      expect(error.code).toBe('RecordUnreadable');
      expect(error.message).toContain(key);
      (there as unknown as { objects: Map<string, unknown> }).objects.delete(key);
    }
    expect(world.executions.sent).toEqual([]);
    expect(await resume('retry')).toMatchObject({ result: 'decided' });
  });
});

describe('an attempt that succeeded in the meantime', () => {
  beforeEach(async () => {
    await claim();
    await openHalt();
    await finish('succeeded');
  });

  it('cannot be skipped, and nothing is written', async () => {
    const written = world.store.writes();
    const error = await refusal('skip');
    expect(error).toMatchObject({ result: 'refused', code: 'AttemptSucceeded' });
    expect(error.next).toContain('mark-applied');
    expect(world.store.writes()).toEqual(written);
    expect(world.executions.sent).toEqual([]);
  });

  it.each(['retry', 'mark-applied', 'abort'] as const)('may be decided %s', async (decided) => {
    expect(await resume(decided)).toMatchObject({ result: 'decided', decision: decided });
  });
});

describe('until when the run waits', () => {
  const onward = DECISIONS.filter((decided) => decided !== 'abort');

  it.each(onward)('is the deadline of an attempt without an outcome, for %s', async (decided) => {
    await claim();
    await openHalt();
    const answer = await resume(decided);
    expect(answer.waitsUntil).toBe(DEADLINE);
    expect(answer.message).toContain(`It acts on this after ${DEADLINE}`);
  });

  it('is the deadline of its latest slice', async () => {
    await claim();
    await world.ledger.createClaim(subject(), world.writer, {
      slice: 2,
      nonce: 'n',
      deadline: '2026-03-01T12:40:00.000Z',
    });
    await openHalt();
    expect((await resume('retry')).waitsUntil).toBe('2026-03-01T12:40:00.000Z');
  });

  it.each([
    ['the deadline is over', 'retry', () => Promise.resolve().then(() => world.clock.advance(16 * 60_000 + 1))],
    ['the attempt has an outcome', 'retry', () => finish('failed')],
    ['the run is aborted', 'abort', () => Promise.resolve()],
  ] as const)('is not said when %s', async (_, decided, prepare) => {
    await claim();
    await openHalt();
    await prepare();
    const answer = await resume(decided);
    expect(answer).not.toHaveProperty('waitsUntil');
    expect(answer.message).not.toContain('acts on this after');
  });

  it('is not said of an attempt that never started', async () => {
    await openHalt();
    expect(await resume('retry')).not.toHaveProperty('waitsUntil');
  });
});

describe('two operators at the same time', () => {
  beforeEach(failedAndHalted);

  it.each([
    ['retry', 'skip'],
    ['abort', 'retry'],
    ['mark-applied', 'abort'],
  ] as const)('%s and %s: exactly one wins, and the other is told who decided what', async (hers, his) => {
    world.store.before = () => turn();
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
      what: expect.stringContaining(`${stands?.by ?? ''} decided ${stands?.decision ?? ''} on 0004`) as unknown,
    });
    expect(world.executions.sent).toHaveLength(1);
    expect(world.executions.sent[0]?.answer).toMatchObject(
      stands?.decision === 'abort' ? { error: 'Aborted' } : { output: { decision: stands?.decision } },
    );
  });

  it('the second one sends what the first one could not, and is refused all the same', async () => {
    world.executions.failures.push(new Error('throttled'));
    expect((await thrownBy(resume('retry', { by: 'arn:her' }))).code).toBe('DecisionNotDelivered');
    expect((await refusal('abort', { by: 'arn:him' })).code).toBe('AlreadyDecided');
    expect(world.executions.sent).toEqual([success(token, 'retry', 'arn:her')]);
  });

  it('with the same decision: one is told that it decided, the other that it was decided', async () => {
    world.store.before = () => turn();
    const answers = await Promise.all([resume('retry', { by: 'arn:her' }), resume('retry', { by: 'arn:him' })]);
    expect(answers.map(({ result }) => result).sort()).toEqual(['already', 'decided']);
    expect(new Set(answers.map(({ by }) => by)).size).toBe(1);
    expect(world.executions.sent).toHaveLength(1);
  });

  it('with nobody waiting any more: one execution is started', async () => {
    world.executions.stop(me);
    world.store.before = () => turn();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => resume('retry', { by: `arn:${n}` })));
    expect(world.executions.started).toEqual([{ name: 'resume-0004-0001-01', input: {} }]);
    for (const { executions } of answers) expect(executions).toEqual([RESUMED]);
  });
});

describe('several executions wait in one halt', () => {
  let other: string;
  let otherToken: string;
  beforeEach(async () => {
    other = world.executions.run('other');
    otherToken = world.executions.wait(other);
    await claim();
    await finish('failed');
    await openHalt([waits(me, token), waits(other, otherToken, true)]);
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
    expect(world.executions.started).toEqual([{ name: 'resume-0004-0001-01', input: { allowOutOfOrder: true } }]);
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
    expect(await resume('retry')).toMatchObject({ result: 'already', executions: [RESUMED] });
    expect(world.executions.started).toHaveLength(1);
  });

  it('is started once, however often the decision is sent again', async () => {
    for (let n = 0; n < 3; n += 1) expect((await resume('retry')).executions).toEqual([RESUMED]);
    expect(world.executions.started).toHaveLength(1);
  });

  it('is not started when the decision has been carried out: a later attempt was made', async () => {
    await resume('retry');
    world.executions.started.length = 0;
    await claim('0004', 2);
    expect(await resume('retry')).toMatchObject({ result: 'already', executions: [] });
    expect(world.executions.started).toEqual([]);
  });

  it('is not needed when the token is spent and the execution goes on', async () => {
    world = createWorld();
    me = world.executions.run('me');
    token = world.executions.wait(me);
    await failedAndHalted();
    await world.executions.succeedTask(token, {});
    expect(await resume('retry')).toMatchObject({ result: 'decided', executions: [] });
    expect(world.executions.started).toEqual([]);
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
