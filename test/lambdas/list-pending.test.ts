// `List pending`: what it answers to the state machine, what it appends and takes, and in which words it refuses.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../core/contract/manifest.ts';
import type { RunInput, Step } from '../../core/contract/payloads.ts';
import { BATCHES_DEFINITION, DEFINITION, OLDEST_DEFINITION } from '../../core/contract/payloads.ts';
import { moveCheckpoint } from '../../core/ledger/checkpoints.ts';
import type { Allowed } from '../../core/ledger/entries.ts';
import { sha256 } from '../../core/ledger/entries.ts';
import { claimKey, completedKey, entryKey, outcomeKey } from '../../core/ledger/keys.ts';
import { LedgerLog } from '../../core/ledger/log.ts';
import { DEADLINE_MARGIN_MS, lookAtTurn } from '../../core/ledger/turns.ts';
import { continuingExecutionName } from '../../core/names/names.ts';
import { timeText } from '../../core/text/format.ts';
import { executionLink } from '../../core/text/links.ts';
import { createListPending, HANDOVER_EVENTS } from '../../lambdas/list-pending/list-pending.ts';
import { executionArn } from '../support/fake-executions.ts';
import { once, unavailable } from '../support/hooked-store.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import type { World } from '../support/services.ts';
import { assertDocumented } from '../support/event-schemas.ts';
import { CODE, createWorld, HASH, IDENTITY, invocation, manifestOf, sourceOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

const OTHER_CODE = 'd'.repeat(64);
const MINUTE = 60_000;

let world: World;
let ledger: LedgerBefore;
let me: string;
let other: string;

beforeEach(() => {
  world = createWorld();
  ledger = ledgerBefore(world);
  me = world.executions.run('me');
  other = world.executions.run('other');
});

/** A function that starts cold. */
const list = (input: RunInput = {}, manifest: Manifest = manifestOf('0001', '0002', '0003'), execution = me) =>
  createListPending(
    { ...world.services, ledger: { log: new LedgerLog(world.store, IDENTITY), store: world.store } },
    manifest,
  )({ ask: 'next', execution, input }, invocation(world));
const entry = async (number: number) =>
  JSON.parse((await world.store.inner.get(entryKey(number)))?.body ?? 'null') as Allowed;
const withCode = (codeSha256: string, ...ids: string[]): Manifest => {
  const manifest = manifestOf(...ids);
  return { ...manifest, migrations: manifest.migrations.map((each) => ({ ...each, codeSha256 })) };
};
const claimed = async (migration: string, more: Partial<Allowed> = {}) => {
  const turn = await ledger.allow(migration, { execution: me, ...more });
  await ledger.claim(turn);
  return turn;
};
const closed = async (
  outcome: 'succeeded' | 'failed' | 'stopped' | 'unknown' = 'failed',
  more: Partial<Allowed> = {},
) => {
  const turn = await claimed('0001', more);
  await ledger.close(turn, outcome);
  return turn;
};
const halted = async () => ledger.halt(await closed());

it('a turn rests on the completion of the highest id below it, whether or not that one has a file', async () => {
  await ledger.complete(['0003', '0005'], 'baseline');
  const highest = await ledger.complete('0002', 'baseline');
  expect(await list({ allowOutOfOrder: true }, manifestOf('0001', '0004', '0006'))).toMatchObject({
    migration: '0001',
  });
  const first = await entry(3);
  expect(first.restsOn).toEqual({});
  await ledger.claim({ ...first, sha256: (await ledger.look()).sha256 ?? '' });
  await ledger.close({ ...first, sha256: (await ledger.look()).sha256 ?? '' }, 'succeeded');
  const of0001 = await ledger.complete('0001');
  expect(await list({ allowOutOfOrder: true }, manifestOf('0004', '0006'))).toMatchObject({ migration: '0004' });
  const { sha256: of0003 } = known(await new LedgerLog(world.store, IDENTITY).entry(1));
  expect((await entry(5)).restsOn).toEqual({ completion: { key: entryKey(1), sha256: of0003 } });
  expect([highest.number, of0001.number]).toEqual([2, 4]); // later in the log, and lower
});

describe('a file that is not what was run under its number', () => {
  const applied = async (id: string, more: Partial<Allowed> = {}) => {
    const turn = await ledger.allow(id, more);
    await ledger.claim(turn);
    await ledger.close(turn, 'succeeded');
    await ledger.complete(id);
  };
  const withText = (id: string, text: string, ...ids: string[]): Manifest => {
    const manifest = manifestOf(...ids);
    const changed = manifest.migrations.map((each) => (each.id === id ? { ...each, sourceSha256: text } : each));
    return { ...manifest, migrations: changed };
  };
  const ended = () => world.sentEvents.findLast(({ type }) => type === 'Run Completed')?.detail;

  it('is named by the output, the event and a message, until it is said to be meant', async () => {
    await applied('0001');
    await applied('0002');
    const other = withText('0002', HASH, '0001', '0002');
    const changed = [{ migration: '0002', file: 'migrations/odin-dev/0002.ts' }];
    const step = await list({}, other);
    expect(step).toMatchObject({ step: 'finished', changed });
    const said =
      /Another text stands under a number that is completed, and does not run: migrations\/odin-dev\/0002\.ts\..* --accept-changed 0002\./;
    expect('summary' in step && step.summary).toMatch(said);
    expect(ended()).toMatchObject({ changed, afterHalts: [] });
    expect(world.sentEvents.length).toBe(1);
    for (const event of world.sentEvents) assertDocumented(event);
    const [message] = world.published;
    expect(message?.subject).toBe('odin-migrate odin-dev: finished, but a file changed after it had run');
    expect(JSON.stringify(message)).toMatch(/0002\.ts.*--accept-changed 0002/);

    const meant = await list({ acceptChanged: ['0002'] }, other);
    expect(meant).not.toHaveProperty('changed');
    expect(ended()).not.toHaveProperty('changed', changed);
    expect(world.published).toHaveLength(1);
  });

  it('of several is named with each of them, in each form', async () => {
    await applied('0001');
    await applied('0002');
    const manifest = manifestOf('0001', '0002');
    const migrations = manifest.migrations.map((each) => ({ ...each, sourceSha256: HASH }));
    const step = await list({}, { ...manifest, migrations });
    const said =
      'Another text stands under numbers that are completed, and does not run: migrations/odin-dev/0001.ts, ' +
      'migrations/odin-dev/0002.ts. If it is new work, give it a number of its own; if it is meant, run with ' +
      '--accept-changed 0001 --accept-changed 0002.';
    expect('summary' in step && step.summary).toBe(
      `Nothing is pending in odin-dev: each of its 2 migrations is completed (2 in the ledger). ${said}`,
    );
    const subject = 'odin-migrate odin-dev: finished, but a file changed after it had run';
    const link = executionLink(me);
    expect(world.published).toEqual([
      {
        subject,
        message: `The run in odin-dev has finished. Nothing is pending.

${said}

Completed:     2 in the ledger
Execution:     ${me}
               ${link}
`,
        chat: {
          version: '1.0',
          source: 'custom',
          content: {
            textType: 'client-markdown',
            title: 'odin-dev: finished, but a file changed after it had run',
            description: [said, '2 migrations are completed.', `Execution: ${link}`].join('\n'),
            nextSteps: [],
            keywords: ['odin-migrate', 'odin-dev', 'finished'],
          },
          metadata: {
            threadId: 'odin-migrate/odin-dev/0001',
            summary: subject,
            eventType: 'Run Completed',
            relatedResources: [me],
            additionalContext: { environment: 'odin-dev', completed: '2' },
          },
        },
      },
    ]);
  });

  it('says nothing of packages, of a baseline, and of one that has still to be run', async () => {
    const sources = (packages: string) => ({ version: 2, files: HASH, packages });
    await ledger.complete('0001', 'baseline');
    await applied('0002', { sources: sources(HASH) });
    const manifest = withText('0001', HASH, '0001', '0002');
    const migrations = manifest.migrations.map((each) => ({ ...each, sources: sources('b'.repeat(64)) }));
    expect(await list({}, { ...manifest, migrations })).not.toHaveProperty('changed');
    expect(world.published).toEqual([]);
  });

  it.each(['allowRenumbered', 'acceptChanged'] as const)(
    'is not named in %s by a slip: nothing is run',
    async (said) => {
      const manifest = { ...manifestOf('0002', '0004'), pruned: ['0000'] };
      await ledger.complete(['0000', '0001'], 'baseline');
      const refused = await list({ [said]: ['0000', '0001', '0002', '0020', '0021'] }, manifest);
      expect(refused).toEqual({
        step: 'refuse',
        error: 'UnknownMigration',
        cause:
          'The input names 0020, 0021, which odin-dev does not have: nothing was run. Deployed: 0000, 0002, 0004. ' +
          'Correct the input, and start the run again.',
      });
      const input = { [said]: ['0000', '0001', '0002', '0004'] };
      expect(await list(input, manifest)).toMatchObject({ step: 'run', migration: '0002' });
      // What was taken away since the run began stops it no more.
      const turn = known((await ledger.look()).turn).allowed;
      await ledger.claim(turn);
      await ledger.close(turn, 'succeeded');
      await ledger.complete('0002');
      const later = { ...manifestOf('0002'), pruned: manifest.pruned };
      expect(await list(input, later)).toMatchObject({ step: 'finished' });
    },
  );

  it('is refused when it was completed under a number whose file is gone, unless it is said to be meant', async () => {
    await applied('0001');
    await applied('0002');
    const renamed = withText('0003', sourceOf('0002'), '0001', '0003', '0004');
    const step = await list({}, renamed);
    expect(step).toMatchObject({ step: 'refuse', error: 'Renumbered' });
    expect('cause' in step && step.cause).toBe(
      'migrations/odin-dev/0003.ts has the text that was completed under 0002, whose file is gone: to run it would be to do its ' +
        'work a second time. Delete it, or give it back its number; or, if it has to be done again, type ' +
        '"npx --no-install odin-migrate run odin-dev --allow-renumbered 0003", or start odin-migrate-odin-dev with the input ' +
        '{"allowRenumbered":["0003"]}.',
    );
    expect(await list({ allowRenumbered: ['0004'] }, renamed)).toMatchObject({ error: 'Renumbered' });
    const migrations = renamed.migrations.map((each) =>
      each.id === '0004' ? { ...each, sourceSha256: sourceOf('0002') } : each,
    );
    const both = await list({}, { ...renamed, migrations });
    expect('cause' in both && both.cause).toBe(
      'migrations/odin-dev/0003.ts has the text that was completed under 0002, whose file is gone; ' +
        'migrations/odin-dev/0004.ts has the text that was completed under 0002, whose file is gone: to run it would be to do its ' +
        'work a second time. Delete it, or give it back its number; or, if it has to be done again, type ' +
        '"npx --no-install odin-migrate run odin-dev --allow-renumbered 0003 --allow-renumbered 0004", or start ' +
        'odin-migrate-odin-dev with the input {"allowRenumbered":["0003","0004"]}.',
    );
    expect(await list({ allowRenumbered: ['0003'] }, renamed)).toMatchObject({ step: 'run', migration: '0003' });
  });

  it('may be a copy of one that is still there', async () => {
    await applied('0001');
    expect(await list({}, withText('0002', sourceOf('0001'), '0001', '0002'))).toMatchObject({ step: 'run' });
  });
});

describe('what is pending', () => {
  it('is allowed first, and run: by an entry that says everything of the turn', async () => {
    const before = await ledger.complete('0001', 'baseline');
    expect(await list()).toEqual({
      step: 'run',
      migration: '0002',
      attempt: 1,
      slice: 1,
      turn: 2,
      functionName: 'odin-migrate-odin-dev-0002',
    });
    expect(await entry(2)).toMatchObject({
      kind: 'allowed',
      migration: '0002',
      attempt: 1,
      slice: 1,
      run: 'me',
      execution: me,
      sourceSha256: sourceOf('0002'),
      codeSha256: CODE,
      gitCommit: 'abc123',
      timeoutMs: 900_000,
      begin: 'start',
      restsOn: { completion: { key: entryKey(1), sha256: before.sha256 } },
      writer: { function: 'list-pending' },
    });
  });

  it('runs in the order of the manifest, and never the same again', async () => {
    const order: string[] = [];
    for (let step = await list(); step.step !== 'finished'; step = await list()) {
      if (step.step !== 'run') throw new Error(`unexpected: ${step.step}`);
      order.push(step.migration);
      const { turn } = await ledger.look();
      await ledger.claim(turn!.allowed);
      await ledger.close(turn!.allowed, 'succeeded');
      expect(await list()).toEqual({
        step: 'record',
        migration: step.migration,
        attempt: 1,
        slice: 1,
        turn: step.turn,
      });
      await ledger.complete(step.migration);
    }
    expect(order).toEqual(['0001', '0002', '0003']);
  });

  it('is nothing: says so, with how many the ledger has', async () => {
    await ledger.complete(['0000', '0001', '0002', '0003'], 'baseline');
    expect(await list()).toEqual({
      step: 'finished',
      completed: 4,
      summary: 'Nothing is pending in odin-dev: each of its 3 migrations is completed (4 in the ledger).',
    });
    expect(await list({}, manifestOf())).toEqual({
      step: 'finished',
      completed: 4,
      summary: 'odin-dev has no migrations: nothing to run.',
    });
  });

  it('carries the name of its run, when it is continued', async () => {
    await list({ run: 'first' });
    expect(await entry(1)).toMatchObject({ run: 'first', execution: me });
  });

  it('is run after git commits that are not known', async () => {
    await list({}, { ...manifestOf('0001'), gitCommit: null });
    expect(await entry(1)).not.toHaveProperty('gitCommit');
  });

  it('is decided anew when another execution was faster: one turn is allowed', async () => {
    world.store.before = once('create', entryKey(1), () => list({}, undefined, other));
    expect(await list()).toMatchObject({ step: 'wait' });
    expect(await ledger.look()).toMatchObject({ number: 1, turn: { allowed: { execution: other } } });
  });

  it('is allowed once when the answer is lost: the next listing runs that turn again', async () => {
    world.store.after = once('create', entryKey(1), () => {
      throw unavailable();
    });
    expect((await thrownBy(list())).code).toBe('LedgerUnavailable');
    expect(await list()).toMatchObject({ step: 'run', turn: 1 });
    expect((await ledger.look()).number).toBe(1);
  });
});

describe('a turn that is open', () => {
  it('and unclaimed is run again by its execution, and waited for by another', async () => {
    await ledger.allow('0001', { execution: me });
    expect(await list()).toMatchObject({ step: 'run', migration: '0001', turn: 1 });
    expect(await list({}, undefined, other)).toEqual({
      step: 'wait',
      seconds: 2,
      why: `attempt 1 of 0001 goes on in another execution, ${me}`,
    });
    expect((await ledger.look()).number).toBe(1);
  });

  it('and unclaimed, its execution gone, is made void, and allowed again', async () => {
    const turn = await ledger.allow('0001', { execution: other });
    world.executions.stop(other);
    expect(await list()).toMatchObject({ step: 'run', migration: '0001', attempt: 1, turn: 2 });
    const look = await lookAtTurn(world.store, turn, world.clock.now());
    expect(look.seen).toBe('void');
    const { body = '' } = (await world.store.inner.get(claimKey(turn))) ?? {};
    expect(await entry(2)).toMatchObject({
      execution: me,
      restsOn: { turn: { key: claimKey(turn), sha256: sha256(body) } },
    });
  });

  it('and claimed by the time that it is made void is waited for: the function was faster', async () => {
    const turn = await ledger.allow('0001', { execution: other });
    world.executions.stop(other);
    world.store.before = once('create', claimKey(turn), () => ledger.claim(turn));
    expect(await list()).toMatchObject({ step: 'wait' });
    expect((await ledger.look()).number).toBe(1);
  });

  it('and void for the third time halts', async () => {
    const gone = executionArn('gone');
    let restsOn = {};
    for (let tries = 1; tries <= 3; tries += 1) {
      const turn = await ledger.allow('0001', { execution: gone, restsOn });
      await ledger.claim(turn, { claim: 'void' });
      restsOn = { turn: { key: claimKey(turn), sha256: HASH } };
    }
    expect(await list()).toEqual({
      step: 'halt',
      migration: '0001',
      attempt: 1,
      slice: 1,
      turn: 3,
      reason: 'not-started',
    });
  });

  it('and void because half of a deployment is there waits for the rest of it, five minutes long', async () => {
    const turn = await ledger.allow('0001', { execution: me });
    await ledger.claim(turn, { claim: 'void', otherCodeSha256: OTHER_CODE });
    const wait = { step: 'wait', seconds: 15, why: 'half of a deployment is there: 0001 waits for the rest' };
    expect(await list()).toEqual(wait);
    world.clock.advance(5 * MINUTE - 1);
    expect(await list()).toEqual(wait);
    // The rest is there: it is allowed with the code that is deployed by now.
    expect(await list({}, withCode(OTHER_CODE, '0001'))).toMatchObject({ step: 'run', turn: 2 });
    expect(await entry(2)).toMatchObject({ codeSha256: OTHER_CODE, attempt: 1 });
  });

  it('that another execution goes on with is looked for every five minutes at the least, however long that takes', async () => {
    await closed('stopped', { execution: other });
    world.clock.advance(20 * MINUTE);
    expect(await list()).toMatchObject({ step: 'wait', seconds: 120 });
    world.clock.advance(20 * 60 * MINUTE);
    expect(await list()).toMatchObject({ step: 'wait', seconds: 300 });
  });

  it('that S3 has slowed down waits before it goes on, and asks every five minutes at the least', async () => {
    const [of, rest] = [3, '1-3'];
    const plan = [{ turn: 1, sha256: HASH, batches: of }];
    const slowed = { of, succeeded: 0, failed: 0, unknown: 0, left: of, slowed: 1 };
    const turn = await claimed('0001', { batches: { of, plan, rest, slowed: 5 } });
    await ledger.close(turn, 'stopped', { batches: slowed });
    const at = timeText(world.clock.now() + 8 * MINUTE);
    const why = `S3 has slowed down attempt 1 of 0001: it goes on at ${at}, with fewer batches at a time`;
    expect(await list()).toEqual({ step: 'wait', seconds: 300, why });
    world.clock.advance(7 * MINUTE);
    expect(await list()).toEqual({ step: 'wait', seconds: 60, why });
    world.clock.advance(MINUTE - 1);
    expect(await list()).toEqual({ step: 'wait', seconds: 1, why });
    world.clock.advance(1);
    expect(await list()).toMatchObject({ step: 'run', slice: 2 });
  });

  it('and claimed is asked for once more at its very deadline, a second later', async () => {
    await claimed('0001');
    world.clock.advance(15 * MINUTE + DEADLINE_MARGIN_MS);
    expect(await list()).toMatchObject({ step: 'wait', seconds: 1 });
  });

  it.each(['me', 'other'])('and claimed, of the execution %s, is waited for until its deadline', async (name) => {
    const turn = await claimed('0001', { execution: executionArn(name) });
    const deadline = world.clock.now() + 15 * MINUTE + DEADLINE_MARGIN_MS;
    const why = `attempt 1 of 0001 may be running until ${timeText(deadline)}`;
    expect(await list()).toEqual({ step: 'wait', seconds: 2, why });
    world.clock.advance(10 * MINUTE);
    expect(await list()).toEqual({ step: 'wait', seconds: 60, why });
    world.clock.advance(5 * MINUTE);
    expect(await list()).toEqual({ step: 'wait', seconds: 10, why });
    world.clock.advance(DEADLINE_MARGIN_MS + 1);
    expect(await list()).toMatchObject({ step: 'halt', turn: 1, reason: 'unknown' });
    expect(await lookAtTurn(world.store, turn, world.clock.now())).toMatchObject({
      seen: 'closed',
      outcome: { outcome: 'unknown' },
    });
  });

  it('and closed by its function at its deadline counts as it says', async () => {
    const turn = await claimed('0001');
    world.clock.advance(16 * MINUTE);
    world.store.before = once('create', outcomeKey(turn), () => ledger.close(turn, 'succeeded'));
    expect(await list()).toMatchObject({ step: 'record', turn: 1 });
  });

  it('and succeeded is recorded, also when its file is gone', async () => {
    await closed('succeeded');
    expect(await list()).toMatchObject({ step: 'record', migration: '0001', turn: 1 });
    expect(await list({}, manifestOf('0002'))).toMatchObject({ step: 'record', migration: '0001', turn: 1 });
  });

  it.each(['failed', 'unknown'] as const)('and %s halts', async (outcome) => {
    await closed(outcome);
    expect(await list()).toMatchObject({ step: 'halt', migration: '0001', attempt: 1, turn: 1, reason: outcome });
  });

  it('and stopped goes on with the next slice, which rests on its outcome', async () => {
    const turn = await closed('stopped');
    expect(await list()).toMatchObject({ step: 'run', attempt: 1, slice: 2, turn: 2 });
    const { body = '' } = (await world.store.inner.get(outcomeKey(turn))) ?? {};
    expect(await entry(2)).toMatchObject({
      begin: 'checkpoint',
      restsOn: { turn: { key: outcomeKey(turn), sha256: sha256(body) } },
    });
  });

  it('and stopped in another execution that is alive is left to that', async () => {
    await closed('stopped', { execution: other });
    expect(await list()).toMatchObject({ step: 'wait' });
    world.executions.stop(other);
    expect(await list()).toMatchObject({ step: 'run', slice: 2 });
  });

  it('and stopped halts when it was cancelled, or when other code is deployed, or none', async () => {
    const turn = await closed('stopped');
    const halt = { step: 'halt', turn: 1 };
    expect(await list({}, withCode(OTHER_CODE, '0001'))).toMatchObject({ ...halt, reason: 'code-changed' });
    expect(await list({}, manifestOf('0002'))).toMatchObject({ ...halt, reason: 'file-gone' });
    await ledger.cancel(turn);
    expect(await list()).toMatchObject({ ...halt, reason: 'cancelled' });
  });

  it('and stopped at a checkpoint with a time is waited for, by the store’s clock, and then goes on with the next slice', async () => {
    const turn = await claimed('0001');
    const time = world.clock.now() + 60 * MINUTE;
    await ledger.stopUntil(turn, time);
    const why = `attempt 1 of 0001 goes on at ${timeText(time)}, as its checkpoint says`;
    expect(await list()).toEqual({ step: 'wait', seconds: 2, why });
    world.clock.advance(58 * MINUTE);
    expect(await list()).toEqual({ step: 'wait', seconds: 120, why });
    world.clock.advance(2 * MINUTE - 1);
    expect(await list()).toEqual({ step: 'wait', seconds: 1, why });
    world.clock.advance(1);
    expect(await list()).toMatchObject({ step: 'run', attempt: 1, slice: 2 });
  });

  it('and stopped so is looked at every five minutes at the least, and on this machine every ten seconds', async () => {
    await ledger.stopUntil(await claimed('0001'), world.clock.now() + 30 * 24 * 60 * MINUTE);
    world.clock.advance(24 * 60 * MINUTE);
    expect(await list()).toMatchObject({ step: 'wait', seconds: 300 });
    world.services.local = true;
    expect(await list()).toMatchObject({ step: 'wait', seconds: 10 });
  });

  it('and stopped so halts at once when it is cancelled, or other code is deployed, or none', async () => {
    const turn = await claimed('0001');
    await ledger.stopUntil(turn, world.clock.now() + 60 * MINUTE);
    const halt = { step: 'halt', turn: 1 };
    expect(await list({}, withCode(OTHER_CODE, '0001'))).toMatchObject({ ...halt, reason: 'code-changed' });
    expect(await list({}, manifestOf('0002'))).toMatchObject({ ...halt, reason: 'file-gone' });
    await ledger.cancel(turn);
    expect(await list()).toMatchObject({ ...halt, reason: 'cancelled' });
  });

  it('and stopped so in an execution that was stopped in its wait is waited for by the next one', async () => {
    await ledger.stopUntil(await claimed('0001', { execution: other }), world.clock.now() + 60 * MINUTE);
    expect(await list()).toMatchObject({
      step: 'wait',
      why: `attempt 1 of 0001 goes on in another execution, ${other}`,
    });
    world.executions.stop(other);
    expect(await list()).toMatchObject({ why: expect.stringContaining('as its checkpoint says') as string });
    world.clock.advance(60 * MINUTE);
    expect(await list()).toMatchObject({ step: 'run', slice: 2 });
  });

  it('holds back every other migration, lower ones and those of another manifest too', async () => {
    await claimed('0002');
    expect(await list({ allowOutOfOrder: true }, manifestOf('0001', '0003'))).toMatchObject({ step: 'wait' });
  });
});

describe('a halt', () => {
  it('that is open halts again, in whichever execution comes', async () => {
    await halted();
    expect(await list()).toMatchObject({ step: 'halt', turn: 1, reason: 'failed' });
    expect(await list({}, undefined, other)).toMatchObject({ step: 'halt', turn: 1, reason: 'failed' });
  });

  it('that was aborted halts again', async () => {
    await ledger.decide(await halted(), 'abort');
    expect(await list()).toMatchObject({ step: 'halt', turn: 1, reason: 'failed' });
  });

  it('that was answered with retry lets the next attempt run, from where it says', async () => {
    const decision = await ledger.decide(await halted(), 'retry', { retry: { codeSha256: CODE, begin: 'checkpoint' } });
    expect(await list()).toMatchObject({ step: 'run', attempt: 2, slice: 1, turn: 4 });
    expect(await entry(4)).toMatchObject({
      begin: 'checkpoint',
      restsOn: { decision: { key: entryKey(3), sha256: decision.sha256 } },
    });
  });

  it('that was answered with retry of code that is not deployed any more halts, and says so', async () => {
    await ledger.decide(await halted(), 'retry');
    expect(await list({}, withCode(OTHER_CODE, '0001'))).toMatchObject({ step: 'halt', reason: 'code-changed' });
    expect(await list({}, manifestOf('0002'))).toMatchObject({ step: 'halt', reason: 'file-gone' });
  });

  it.each(['mark-applied', 'skip'] as const)('that was answered with %s is recorded', async (decision) => {
    await ledger.decide(await halted(), decision);
    expect(await list()).toMatchObject({ step: 'record', migration: '0001', attempt: 1, turn: 1 });
  });

  it('that was answered while its code may run waits for the deadline, then closes the turn', async () => {
    const turn = await claimed('0001');
    await ledger.decide(await ledger.halt(turn, 'unknown'), 'retry');
    world.clock.advance(15 * MINUTE);
    expect(await list()).toMatchObject({ step: 'wait', seconds: 10 });
    world.clock.advance(DEADLINE_MARGIN_MS + 1);
    expect(await list()).toMatchObject({ step: 'run', attempt: 2 });
    expect(await lookAtTurn(world.store, turn, world.clock.now())).toMatchObject({ outcome: { outcome: 'unknown' } });
  });

  it('that was answered with retry, and whose code succeeded after all, is recorded: nothing runs again', async () => {
    const turn = await claimed('0001');
    await ledger.decide(await ledger.halt(turn, 'unknown'), 'retry');
    await ledger.close(turn, 'succeeded');
    expect(await list()).toMatchObject({ step: 'record', turn: 1 });
  });
});

describe('a history that is nearly full', () => {
  const events = (count: number, execution = me) => world.executions.eventCounts.set(execution, count);

  it('lets a fresh execution carry the run on, with the same input and its name, started once', async () => {
    events(HANDOVER_EVENTS);
    const step = await list({ allowOutOfOrder: true });
    const successor = executionArn('continue-00000000');
    expect(step).toEqual({
      step: 'handed over',
      execution: successor,
      summary: `This execution has 20000 events of the 25,000 that it may have. The run goes on in ${successor}.`,
    });
    expect(await list({ allowOutOfOrder: true })).toEqual(step);
    const input = { allowOutOfOrder: true, run: 'me' };
    expect(world.executions.started).toEqual([{ name: 'continue-00000000', input }]);
    // Nothing is allowed for an execution that is about to end.
    expect((await ledger.look()).number).toBe(0);
  });

  it('is far below the limit of Step Functions, and not reached one event before', async () => {
    expect(HANDOVER_EVENTS).toBeLessThanOrEqual(24_000);
    events(HANDOVER_EVENTS - 1);
    expect(await list()).toMatchObject({ step: 'run' });
    expect(world.executions.started).toEqual([]);
  });

  it('hands over to the next when the one of that name is gone, or is this one', async () => {
    events(HANDOVER_EVENTS);
    world.executions.stop(world.executions.run('continue-00000000'));
    expect(await list()).toMatchObject({ execution: executionArn('continue-00000000-2') });
    const second = executionArn('continue-00000000-2');
    events(HANDOVER_EVENTS, second);
    expect(await list({ run: 'me' }, undefined, second)).toMatchObject({
      execution: executionArn('continue-00000000-3'),
    });
    expect(world.executions.started.at(-1)?.input).toEqual({ run: 'me' });
  });

  it('is not handed back, to one that may be about to hand over to this one', async () => {
    const [first, second] = [world.executions.run('continue-00000000'), world.executions.run('continue-00000001')];
    await claimed('0001', { execution: first, run: 'me' });
    events(HANDOVER_EVENTS, second);
    const third = executionArn('continue-00000001-2');
    expect(await list({ run: 'me' }, undefined, second)).toMatchObject({ step: 'handed over', execution: third });
    // Those that come after it go on to the next name too, while the one before them is alive.
    events(HANDOVER_EVENTS, third);
    expect(await list({ run: 'me' }, undefined, third)).toMatchObject({
      execution: executionArn('continue-00000001-3'),
    });
    // The first, asked again, still finds the one that it has started.
    events(HANDOVER_EVENTS, first);
    expect(await list({ run: 'me' }, undefined, first)).toMatchObject({ execution: second });
  });

  it('hands over to the one that has begun a turn of the run meanwhile, when it is repeated', async () => {
    const successor = world.executions.run('continue-00000000');
    await claimed('0001', { execution: successor, run: 'me' });
    events(HANDOVER_EVENTS);
    expect(await list()).toMatchObject({ step: 'handed over', execution: successor });
    expect(world.executions.started).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['records', () => closed('succeeded')],
    ['waits for another execution', () => claimed('0001', { execution: other })],
    ['waits for its own turn', () => claimed('0001')],
  ])('hands over a run that %s', async (_, make) => {
    await make();
    events(HANDOVER_EVENTS);
    expect(await list()).toMatchObject({ step: 'handed over' });
  });

  it.each<[Step['step'], () => Promise<unknown>]>([
    ['finished', () => ledger.complete(['0001', '0002', '0003'], 'baseline')],
    ['halt', () => closed('failed')],
    ['refuse', () => ledger.complete('0003', 'baseline')],
    ['run', () => ledger.allow('0001', { execution: me })],
  ])('changes nothing for the step %s', async (step, make) => {
    await make();
    events(HANDOVER_EVENTS);
    expect(await list()).toMatchObject({ step });
    expect(world.executions.started).toEqual([]);
  });

  it('stops the listing, which is repeated, when Step Functions does not say how full it is', async () => {
    world.services.executions = { ...world.services.executions, events: () => Promise.reject(new Error('throttled')) };
    await expect(list()).rejects.toThrow('throttled');
  });
});

describe('an execution of a definition that is not served any more', () => {
  const OLDEST = DEFINITION + 1;
  const old = (from: { definition?: number } = { definition: DEFINITION }, input: RunInput = {}, execution = me) =>
    createListPending(
      { ...world.services, ledger: { log: new LedgerLog(world.store, IDENTITY), store: world.store } },
      manifestOf('0001', '0002', '0003'),
      undefined,
      OLDEST,
    )({ ask: 'next', ...from, execution, input }, invocation(world));
  const events = (count: number, execution = me) => world.executions.eventCounts.set(execution, count);

  it.each<[string, () => Promise<unknown>]>([
    ['something is pending', () => Promise.resolve()],
    ['it has a turn of its own that is not claimed', () => ledger.allow('0001', { execution: me })],
    [
      'another execution waits in a halt',
      async () => {
        await ledger.wait(await ledger.halt(await closed('failed', { execution: other })), other, 'token');
      },
    ],
    ['it was halted and is to go on', async () => ledger.decide(await halted(), 'retry')],
    ['it succeeded', () => closed('succeeded')],
    ['nothing is pending', () => ledger.complete(['0001', '0002', '0003'], 'baseline')],
    ['a lower one is late', () => ledger.complete('0003', 'baseline')],
  ])('is handed over when %s, and nothing is appended for it', async (_, make) => {
    await make();
    events(12);
    const { number } = await ledger.look();
    const successor = executionArn(continuingExecutionName(number));
    const step = await old(undefined, { allowOutOfOrder: true });
    expect(step).toEqual({
      step: 'handed over',
      execution: successor,
      summary: `This execution has definition ${DEFINITION} of the state machine; what is deployed serves ${OLDEST} and later. The run goes on in ${successor}.`,
    });
    expect(await old(undefined, { allowOutOfOrder: true })).toEqual(step);
    expect(world.executions.started.map(({ input }) => input)).toEqual([{ allowOutOfOrder: true, run: 'me' }]);
    expect((await ledger.look()).number).toBe(number);
  });

  it('counts as the first when it does not say which', async () => {
    events(12);
    expect(await old({})).toMatchObject({ summary: expect.stringContaining('has definition 1 of') as unknown });
  });

  it('waits first when it has only begun, as while a deployment goes on, and hands over to the next after that', async () => {
    events(9);
    expect(await old()).toEqual({
      step: 'wait',
      seconds: 15,
      why: `half of a deployment is there: the state machine still begins with its definition ${DEFINITION}`,
    });
    expect(world.executions.started).toEqual([]);
    expect((await ledger.look()).number).toBe(0);
    events(10);
    const first = executionArn('continue-00000000');
    expect(await old()).toMatchObject({ execution: first });
    events(15, first);
    expect(await old(undefined, { run: 'me' }, first)).toMatchObject({
      execution: executionArn('continue-00000000-2'),
    });
  });

  it('is served when it is the oldest of those that are, or newer, whatever its history', async () => {
    expect(await old({ definition: OLDEST })).toMatchObject({ step: 'run' });
    expect(await old({ definition: OLDEST + 1 })).toMatchObject({ step: 'run' });
    expect(OLDEST_DEFINITION).toBeLessThanOrEqual(DEFINITION);
  });

  it.each([
    [undefined, 9, 9],
    [true, 9, 4],
    [true, 3, 3],
  ])('runs batches, on this machine (%s) few at a time: of %i, %i', async (local, concurrency, atOnce) => {
    world.services.local = local;
    const manifest = manifestOf('0001');
    const parallel = { concurrency, toleratedFailures: 2 };
    const migrations = manifest.migrations.map((each) => ({ ...each, checkpointed: true, parallel }));
    const next = () =>
      createListPending(
        { ...world.services, ledger: { log: new LedgerLog(world.store, IDENTITY), store: world.store } },
        { ...manifest, migrations },
      )({ ask: 'next', definition: DEFINITION, execution: me, input: {} }, invocation(world));
    expect(await next()).toMatchObject({ step: 'run' });
    const { allowed } = known((await ledger.look()).turn);
    expect(allowed.batches).toBeUndefined(); // it plans
    await ledger.claim(allowed);
    await ledger.close(allowed, 'stopped');
    const turns = [{ turn: allowed.number, sha256: allowed.sha256, batches: 3 }];
    const plan = { turns, items: 6, sealed: true };
    await moveCheckpoint(world.store.inner, allowed, undefined, { cursor: 6, plan }, world.clock.now());
    const functionName = 'odin-migrate-odin-dev-0001';
    expect(await next()).toEqual({
      step: 'run batches',
      migration: '0001',
      attempt: 1,
      slice: 2,
      turn: 2,
      functionName,
      concurrency: atOnce,
      batches: [1, 2, 3],
    });
    expect((await entry(2)).batches).toEqual({ of: 3, plan: turns, rest: '1-3', tolerated: 2 });
    expect(await world.store.inner.get('state.json')).toBeUndefined(); // the run goes on
    // Of thousands of batches their number.
    expect(world.logs.at(-1)).toMatchObject({ message: 'Next: run batches', fields: { turn: 2, batches: 3 } });
  });

  it('plans anew in an attempt from the start, whatever plan an earlier one has left', async () => {
    const manifest = manifestOf('0001');
    const migrations = manifest.migrations.map((each) => ({
      ...each,
      checkpointed: true,
      parallel: { concurrency: 2 },
    }));
    const first = await closed();
    const plan = { turns: [{ turn: 1, sha256: first.sha256, batches: 3 }], items: 6, sealed: true };
    await moveCheckpoint(world.store.inner, first, undefined, { cursor: 6, plan }, world.clock.now());
    await ledger.decide(await ledger.halt(first), 'retry');
    expect(await list({}, { ...manifest, migrations })).toMatchObject({ step: 'run', attempt: 2 });
    expect((await entry(4)).batches).toBeUndefined();
  });

  it('hands over before batches, when its definition has no map for them, and plans on its own', async () => {
    const manifest = manifestOf('0001');
    const parallel = {
      ...manifest,
      migrations: manifest.migrations.map((each) => ({ ...each, checkpointed: true, parallel: { concurrency: 2 } })),
    };
    const ask = (definition: number) =>
      createListPending(
        { ...world.services, ledger: { log: new LedgerLog(world.store, IDENTITY), store: world.store } },
        parallel,
      )({ ask: 'next', definition, execution: me, input: {} }, invocation(world));
    events(12);
    expect(await ask(BATCHES_DEFINITION - 1)).toMatchObject({ step: 'run', attempt: 1, slice: 1 });
    const { allowed } = known((await ledger.look()).turn);
    await ledger.claim(allowed);
    await ledger.close(allowed, 'stopped');
    const plan = { turns: [{ turn: allowed.number, sha256: allowed.sha256, batches: 3 }], items: 6, sealed: true };
    await moveCheckpoint(world.store.inner, allowed, undefined, { cursor: 6, plan }, world.clock.now());
    expect(await ask(BATCHES_DEFINITION - 1)).toMatchObject({
      step: 'handed over',
      summary: expect.stringContaining(
        `definition ${BATCHES_DEFINITION - 1} of the state machine; what comes next needs ${BATCHES_DEFINITION} and`,
      ) as unknown,
    });
    expect((await ledger.look()).turn?.allowed.number).toBe(allowed.number);
    expect(await ask(BATCHES_DEFINITION)).toMatchObject({ step: 'run batches', batches: [1, 2, 3] });
  });
});

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none');
  return value;
}

describe('the end of a run', () => {
  const complete = async (by?: string) => {
    const halt = await halted();
    await ledger.decide(halt, 'mark-applied');
    await ledger.complete('0001', 'marked-applied', { by });
    await ledger.complete(['0002', '0003'], 'baseline');
  };

  it('is told to programs, and to operators too when they were needed', async () => {
    await complete('anna');
    await list();
    expect(world.sentEvents.map(({ detail }) => detail)).toEqual([
      {
        version: 1,
        environment: 'odin-dev',
        execution: me,
        completed: 3,
        migrations: 3,
        afterHalts: [{ migration: '0001', completion: 'marked-applied', by: 'anna' }],
        time: world.clock.iso(),
      },
    ]);
    expect(world.published.at(-1)?.message).toContain('0001           marked-applied by anna');
  });

  it('counts what was pruned among the migrations', async () => {
    await ledger.complete(['0001', '0002', '0003'], 'baseline');
    expect(await list({}, { ...manifestOf('0003'), pruned: ['0001', '0002'] })).toMatchObject({
      summary: 'Nothing is pending in odin-dev: each of its 3 migrations is completed (3 in the ledger).',
    });
    expect(world.sentEvents.at(-1)?.detail).toMatchObject({ completed: 3, migrations: 3 });
  });

  it('names what an earlier execution of the same run had halted at, and nothing of another run', async () => {
    await complete();
    await list({ run: 'me' }, undefined, other);
    expect(world.sentEvents.at(-1)?.detail).toMatchObject({ execution: other, afterHalts: [{ migration: '0001' }] });
    const { message, chat } = known(world.published.at(-1));
    expect(message).toContain('\n0001           marked-applied\nCompleted:     3 in the ledger\n');
    expect(chat.content.description).toBe(
      `0001: marked-applied\n3 migrations are completed.\nExecution: ${executionLink(other)}`,
    );
    await list({}, undefined, other);
    expect(world.sentEvents.at(-1)?.detail).toMatchObject({ execution: other, afterHalts: [] });
    expect(world.published).toHaveLength(1);
  });
});

describe('what is kept beside the log', () => {
  it('is written at rest, and by a running one each twenty entries', async () => {
    const state = async () => (await world.store.inner.get('state.json'))?.body;
    await list();
    expect(await state()).toBeUndefined();
    await ledger.complete('0001', 'applied').catch(() => undefined);
    await list({}, manifestOf('0001'));
    expect(await state()).toContain('"number": 2');
    const ids = Array.from({ length: 25 }, (_, n) => String(n + 10).padStart(4, '0'));
    for (const id of ids) await ledger.complete(id, 'baseline');
    await list({}, manifestOf('0001', ...ids, '0099'));
    expect(await state()).toContain('"number": 28');
  });

  it('is not written by one that is about to record', async () => {
    await closed('succeeded');
    expect(await list()).toMatchObject({ step: 'record' });
    expect(await world.store.inner.get('state.json')).toBeUndefined();
  });

  it('is a copy of each completion: one that is missing is written', async () => {
    await ledger.complete(['0001', '0002', '0003'], 'baseline');
    await world.store.inner.create(completedKey('0001'), 'there');
    await list();
    const body = (await world.store.inner.get(entryKey(1)))?.body;
    expect((await world.store.inner.get(completedKey('0001')))?.body).toBe('there');
    expect((await world.store.inner.get(completedKey('0002')))?.body).toBe(body);
    expect((await world.store.inner.get(completedKey('0003')))?.body).toBe(body);
    const copying = world.store.calls.slice(world.store.calls.findIndex(({ key }) => key === 'completed/'));
    expect(copying.map(({ operation, key }) => `${operation} ${key}`).sort()).toEqual([
      'create completed/0002.json',
      'create completed/0003.json',
      'get log/00000001.json',
      'get log/00000001.json',
      'list completed/',
    ]);
  });

  it('does not stop a run when a copy cannot be written', async () => {
    await ledger.complete(['0001', '0002', '0003'], 'baseline');
    world.store.before = once('list', 'completed/', () => {
      throw unavailable();
    });
    expect(await list()).toMatchObject({ step: 'finished' });
    expect(world.logs.filter(({ level }) => level === 'error')).toMatchObject([
      {
        message: 'A copy of a completion could not be written; the next run tries again',
        fields: { cause: { code: 'LedgerUnavailable' } },
      },
    ]);
  });
});

describe('a refusal', () => {
  it('of one late file names it, what ran before it, and both ways out', async () => {
    await ledger.complete(['0001', '0003'], 'baseline');
    const step = await list();
    expect(step).toMatchObject({ step: 'refuse', error: 'OutOfOrder' });
    expect(step.step === 'refuse' && step.cause).toBe(
      'migrations/odin-dev/0002.ts is pending, but 0003 was run before: running it now would not be in order. ' +
        'Give the late file the next free number, or, if the order does not matter, type ' +
        '"npx --no-install odin-migrate run odin-dev --allow-out-of-order", or start odin-migrate-odin-dev with the ' +
        'input {"allowOutOfOrder": true}.',
    );
    world.services.local = true;
    const local = await list();
    expect(local.step === 'refuse' && local.cause).toContain(
      '"npx --no-install odin-migrate local odin-dev --allow-out-of-order"',
    );
    expect(await list({ allowOutOfOrder: true })).toMatchObject({ step: 'run', migration: '0002' });
  });

  it('of several late files names them all', async () => {
    await ledger.complete('0003', 'baseline');
    const step = await list();
    expect(step.step === 'refuse' && step.cause).toMatch(
      /^migrations\/odin-dev\/0001\.ts, migrations\/odin-dev\/0002\.ts are pending, but 0003 was run before: running them now would not be in order\. Give the late files next free numbers, or, if/,
    );
  });

  it('also holds for a file that was deployed while a higher one was void, or is to be retried', async () => {
    const turn = await ledger.allow('0002', { execution: me });
    await ledger.claim(turn, { claim: 'void' });
    const refused = { step: 'refuse', error: 'OutOfOrder' };
    expect(await list({}, manifestOf('0001', '0002'))).toMatchObject(refused);
    await ledger.decide(await ledger.halt(turn, 'not-started'), 'retry');
    expect(await list({}, manifestOf('0001', '0002'))).toMatchObject(refused);
  });

  it('of the 220 late files that an environment may have fits into what Step Functions keeps of a cause', async () => {
    const ids = Array.from({ length: 220 }, (_, n) => String(n).padStart(4, '0'));
    await ledger.complete('9999', 'baseline');
    const step = await list({}, manifestOf(...ids));
    expect(step.step === 'refuse' && step.cause.length).toBeLessThan(32_768);
  });

  describe('because of completed.json', () => {
    const pruned = (...ids: string[]) => ({ ...manifestOf('0003'), pruned: ids });

    it('names what the ledger lacks, and says what to do in each place', async () => {
      await ledger.complete('0001', 'baseline');
      const step = await list({ allowOutOfOrder: true }, pruned('0001', '0002'));
      expect(step).toEqual({
        step: 'refuse',
        error: 'NotCompleted',
        cause:
          'completed.json of odin-dev names 0002 as completed, and this ledger does not. It may be a new ledger, or that of another ' +
          'environment, or the file was edited. If they did not run, take their lines out of completed.json, bring their files back ' +
          'from git, and deploy. If they ran elsewhere: npx --no-install odin-migrate baseline odin-dev --pruned --reason "..."',
      });
      world.services.local = true;
      const local = await list({}, pruned('0001', '0002'));
      expect(local.step === 'refuse' && local.cause).toMatch(/again: npx --no-install odin-migrate local odin-dev$/);
      expect((await ledger.look()).number).toBe(1);
    });

    it('records first what succeeded, and answers a halt first', async () => {
      const turn = await claimed('0002');
      await ledger.close(turn, 'succeeded');
      expect(await list({}, pruned('0001'))).toMatchObject({ step: 'record', migration: '0002' });
    });

    it('of 5,000 that are lacking fits into what Step Functions keeps of a cause', async () => {
      const step = await list({}, pruned(...Array.from({ length: 5000 }, (_, n) => String(n).padStart(4, '0'))));
      expect(step.step === 'refuse' && step.cause).toContain('0009 and 4,990 more, up to 4999 as completed');
      expect(step.step === 'refuse' && step.cause.length).toBeLessThan(1_000);
    });
  });

  it('is not that of an execution by its own halt, in which it has waited before', async () => {
    await ledger.wait(await halted(), me, 'token');
    expect(await list()).toMatchObject({ step: 'halt' });
  });

  it('because of a halt elsewhere names the execution, and the command that resumes it', async () => {
    const halt = await halted();
    await ledger.wait(halt, executionArn('gone'), 'token-1');
    await ledger.wait(halt, other, 'token-2');
    const step = await list();
    expect(step).toMatchObject({ step: 'refuse', error: 'HaltedElsewhere' });
    const cause = step.step === 'refuse' ? step.cause : '';
    expect(cause).toBe(
      `Migration 0001, attempt 1, is halted in another execution, ${other}, and waits for an operator's decision. ` +
        'Decide, e.g.: npx --no-install odin-migrate resume odin-dev retry --halt 2',
    );
    world.services.local = true;
    const local = await list();
    expect(local.step === 'refuse' && local.cause).toBe(`${cause} --local`);
    world.executions.stop(other);
    expect(await list()).toMatchObject({ step: 'halt' });
  });
});

describe('a ledger that cannot be read', () => {
  it('stops the run, and the entry is named', async () => {
    await ledger.complete('0001', 'baseline');
    await world.store.inner.create(entryKey(2), 'garbage');
    const error = await thrownBy(list());
    expect(error.code).toBe('RecordUnreadable');
    expect(error.message).toContain(entryKey(2));
  });

  it('has foreign keys, which are passed over', async () => {
    await world.store.inner.create('log/readme.txt', 'hello');
    await world.store.inner.create('log/00000001.json.bak', 'hello');
    expect(await list()).toMatchObject({ step: 'run', turn: 1 });
  });

  it.each([
    ['list', 'log/'],
    ['get', entryKey(1)],
    ['get', 'state.json'],
  ] as const)('stops the run when a %s of %s fails, and writes nothing', async (operation, key) => {
    await ledger.complete('0001', 'baseline');
    world.store.before = once(operation, key, () => {
      throw unavailable();
    });
    expect((await thrownBy(list())).code).toBe('LedgerUnavailable');
    expect(world.store.writes()).toEqual([]);
  });

  it('stops the run when Step Functions does not say whether an owner is alive', async () => {
    await ledger.allow('0001', { execution: other });
    world.services.executions = { ...world.services.executions, isAlive: () => Promise.reject(new Error('throttled')) };
    await expect(list()).rejects.toThrow('throttled');
  });
});

it('says what it found', async () => {
  const turn = await claimed('0001', { execution: other });
  const step = await list();
  expect(world.logs).toEqual([{ level: 'info', message: 'Next: wait', fields: { ...step } }]);
  world.executions.stop(other);
  world.clock.advance(16 * MINUTE);
  world.logs.length = 0;
  await list();
  expect(world.logs).toMatchObject([
    { level: 'info', message: `The outcome of entry ${turn.number}, 0001, was taken: mine`, fields: undefined },
    { level: 'info', message: 'Next: halt', fields: { reason: 'unknown' } },
  ]);
  expect([world.sentEvents, world.published]).toEqual([[], []]);
});
