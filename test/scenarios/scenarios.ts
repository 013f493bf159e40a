// What users of the system live through, written once and run on the embedded AWS and on the emulator.
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment } from '../../cli/deployment.ts';
import type { OdinError } from '../../core/errors.ts';
import {
  checkpointed,
  exhaustsMemoryAtFirst,
  exitsAtFirst,
  fails,
  hangsAtFirst,
  moves,
  slowly,
  takes,
  works,
} from './migrations.ts';
import type { Files, Platform } from './platform.ts';
import { DATA_BUCKET } from './platform.ts';
import { until, World } from './world.ts';

/** Above the patience of world.ts, so that a scenario that hangs says what it waited for. */
const TIMEOUT_MS = 600_000;

interface Scenario {
  title: string;
  environment: string;
  files: Files;
  live: (world: World) => Promise<void>;
}

export function runScenarios(name: string, makePlatform: () => Promise<Platform>): void {
  describe(name, { concurrent: true, timeout: TIMEOUT_MS }, () => {
    let platform: Platform;
    let deployments: Map<string, Deployment>;

    beforeAll(async () => {
      platform = await makePlatform();
      deployments = await platform.deploy(SCENARIOS);
    });
    afterAll(async () => {
      await platform.close();
    });

    for (const { title, environment, live } of SCENARIOS) {
      it(title, async () => {
        const deployment = deployments.get(environment);
        if (!deployment) throw new Error(`${environment} was not deployed`);
        await live(new World(platform, environment, deployment));
      });
    }
  });
}

const three = { '0001.ts': works(), '0002.ts': works(), '0003.ts': works() };
const secondFails = { ...three, '0002.ts': fails() };

const SCENARIOS: Scenario[] = [
  {
    title: 'a preview changes nothing, also while a run is halted, and lists what the run then does',
    environment: 'previewed',
    files: { '0001.ts': fails(), '0002.ts': moves(3) },
    async live(world) {
      const sizes = [1, 20, 300, 4000, 50_000, 6, 70];
      for (const [index, size] of sizes.entries()) {
        const Key = `from/previewed/${index}`;
        await world.deployment.s3.send(new PutObjectCommand({ Bucket: DATA_BUCKET, Key, Body: 'x'.repeat(size) }));
      }
      const total = sizes.reduce((sum, size) => sum + size);
      const run = await world.start();
      await world.halted('0001', run);
      const before = await world.everything();

      const failing = await world.preview('0001');
      expect(failing).toMatchObject({ outcome: 'threw', error: { message: 'the disk of the past is full' } });
      expect(failing.error?.stack).toMatch(/migrations\/previewed\/0001\.ts:\d+/);
      expect(failing.calls).toMatchObject([
        { sent: false, operation: 'PutObject', items: 1 },
        { sent: true, operation: 'ListObjectsV2' },
      ]);

      const previewed = await world.preview('0002');
      const from = `s3://${DATA_BUCKET}/from/previewed/`;
      const to = `s3://${DATA_BUCKET}/to/previewed/`;
      expect(previewed).toMatchObject({ outcome: 'finished', share: 1, checkpoints: 3, checkpoint: { done: 7 } });
      expect(previewed.calls).toEqual([
        expect.objectContaining({ operation: 'ListObjectsV2', sent: true, calls: 4, target: from }),
        expect.objectContaining({
          operation: 'CopyObject',
          sent: false,
          calls: 7,
          bytes: total,
          unsized: 0,
          target: to,
        }),
        expect.objectContaining({ operation: 'HeadObject', sent: true, calls: 7, target: to }),
        expect.objectContaining({
          operation: 'DeleteObjects',
          sent: false,
          calls: 3,
          items: 7,
          bytes: total,
          target: from,
        }),
      ]);
      expect(previewed.stale).toEqual([]);
      expect(previewed.output).toEqual(['3 objects moved', '3 objects moved', '1 objects moved']);
      const inPart = await world.preview('0002', 0.001);
      expect(inPart).toMatchObject({ outcome: 'more', slices: 1, checkpoints: 1, checkpoint: { done: 3 } });

      expect(await world.everything()).toEqual(before);
      expect(await world.attempts('0002')).toBe(0);

      await world.decide('skip', 'alice', 'only the preview of it was wanted');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.objects('from/previewed/')).toEqual([]);
      expect(await world.objects('to/previewed/')).toHaveLength(previewed.calls[1]?.calls ?? 0);
    },
  },
  {
    title: 'a fresh run applies all in order, and a second run applies none',
    environment: 'fresh',
    files: three,
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied', '0003': 'applied' });
      const claims = await Promise.all(['0001', '0002', '0003'].map((id) => world.deployment.ledger.claim(id, 1, 1)));
      const outcomes = await Promise.all(['0001', '0002', '0003'].map((id) => world.deployment.ledger.finished(id, 1)));
      for (const [index, finished] of outcomes.slice(0, 2).entries()) {
        expect(Date.parse(claims[index + 1]?.time ?? '')).toBeGreaterThanOrEqual(Date.parse(finished?.time ?? 'x'));
      }

      const again = await world.runToEnd();
      expect(again).toMatchObject({ status: 'SUCCEEDED' });
      expect(again.output).toContain('Nothing is pending in fresh');
      for (const id of ['0001', '0002', '0003']) expect(await world.effects(id)).toBe(1);
    },
  },
  {
    title: 'an environment without migrations deploys, and a run says that there is nothing to run',
    environment: 'empty',
    files: {},
    async live(world) {
      const run = await world.runToEnd();
      expect(run.status).toBe('SUCCEEDED');
      expect(run.output).toContain('empty has no migrations: nothing to run.');
    },
  },
  {
    title: 'a failure halts, notifies, and runs nothing later; a redeployed fix is retried',
    environment: 'fix',
    files: secondFails,
    async live(world) {
      const run = await world.start();
      const halt = await world.halted('0002', run);
      expect(halt).toMatchObject({ attempt: 1, outcome: 'failed', error: { message: 'the disk of the past is full' } });
      expect(halt.error?.stack).toMatch(/migrations\/fix\/0002\.ts:\d+/);

      const [first] = await world.notified(1);
      expect(first?.subject).toContain('0002 halted');
      expect(first?.message).toContain('the disk of the past is full');
      expect(first?.message).toMatch(/migrations\/fix\/0002\.ts:\d+/);
      expect(first?.message).toContain('npx odin-migrate resume fix retry');
      for (const { token } of halt.waiting) expect(first?.message).not.toContain(token);

      expect((await world.describe(run)).status).toBe('RUNNING');
      expect(await world.effects('0003')).toBe(0);

      await world.redeploy(three);
      const answer = await world.decide('retry', 'alice', 'fixed');
      expect(answer).toMatchObject({ result: 'decided', decision: 'retry', executions: [run] });
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied', '0003': 'applied' });
      expect([await world.effects('0001'), await world.effects('0002'), await world.effects('0003')]).toEqual([
        1, 2, 1,
      ]);
      expect(await world.deployment.ledger.decision('0002', 1, 1)).toMatchObject({ by: 'alice', reason: 'fixed' });

      const [, last] = await world.notified(2);
      expect(last?.subject).toBe('odin-migrate fix: finished after a halt');
      expect(last?.message).toContain('0002           applied');
    },
  },
  {
    title: 'mark-applied and skip need a reason, are recorded as such, and the run goes on',
    environment: 'marked',
    files: { '0001.ts': fails(), '0002.ts': fails(), '0003.ts': works() },
    async live(world) {
      const run = await world.start();
      await world.halted('0001', run);
      await expect(world.decide('mark-applied')).rejects.toMatchObject({ code: 'ReasonMissing' });
      await expect(world.decide('skip', 'alice', '  ')).rejects.toMatchObject({ code: 'ReasonMissing' });
      await world.decide('mark-applied', 'alice', 'done by hand');
      await world.halted('0002', run);
      await world.decide('skip', 'bob', 'not needed here');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'marked-applied', '0002': 'skipped', '0003': 'applied' });
      expect(await world.deployment.ledger.completion('0001')).toMatchObject({ by: 'alice', reason: 'done by hand' });
      expect([await world.effects('0001'), await world.effects('0002'), await world.effects('0003')]).toEqual([
        1, 1, 1,
      ]);
      await expect(world.decide('retry')).rejects.toMatchObject({ code: 'NothingHalted' });
    },
  },
  {
    title: 'after an abort the run has failed, and a new run halts again',
    environment: 'abort',
    files: secondFails,
    async live(world) {
      const run = await world.start();
      await world.halted('0002', run);
      await world.decide('abort', 'alice', 'not tonight');
      const ended = await world.ended(run);
      expect(ended).toMatchObject({ status: 'FAILED', error: 'Aborted' });
      expect(ended.cause).toContain('alice aborted this run at migration 0002, attempt 1: not tonight');

      const next = await world.start();
      expect(await world.halted('0002', next, 2)).toMatchObject({ attempt: 1, halt: 2 });
      expect(await world.effects('0002')).toBe(1);
      await world.redeploy(three);
      await world.decide('retry');
      expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.effects('0002')).toBe(2);
    },
  },
  ...(['exit', 'hang', 'memory'] as const).map((fault): Scenario => {
    const source = { exit: exitsAtFirst, hang: hangsAtFirst, memory: exhaustsMemoryAtFirst }[fault]();
    return {
      title: `${{ exit: 'a function that exits', hang: 'one that hangs past its timeout', memory: 'one that runs out of memory' }[fault]}: unknown outcome, halt, no retry before the old deadline`,
      environment: `unknown-${fault}`,
      files: { '0001.ts': source, '0002.ts': works() },
      async live(world) {
        const run = await world.start();
        const halt = await world.halted('0001', run);
        expect(halt).toMatchObject({ attempt: 1, outcome: 'unknown' });
        expect(halt.error?.name === 'OutOfTime').toBe(fault === 'hang');
        expect(await world.effects('0002')).toBe(0);
        const { ledger } = world.deployment;
        const deadline = (await ledger.claim('0001', 1, 1))?.deadline ?? '';
        expect(Date.parse(deadline)).toBeGreaterThan(Date.parse((await ledger.claim('0001', 1, 1))?.time ?? ''));

        const answer = await world.decide('retry');
        // On a busy machine the deadline may have passed by the time of the decision.
        if (answer.waitsUntil !== undefined) expect(answer.waitsUntil).toBe(deadline);
        else expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(deadline));
        expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
        const second = await ledger.claim('0001', 2, 1);
        expect(Date.parse(second?.time ?? '')).toBeGreaterThanOrEqual(Date.parse(deadline));
        expect([await world.effects('0001'), await world.effects('0002')]).toEqual([2, 1]);
      },
    };
  }),
  ...[2, 8].map((count): Scenario => ({
    title: `${count} executions at once: each effect once`,
    environment: `at-once-${count}`,
    files: { '0001.ts': takes(1), '0002.ts': works(), '0003.ts': works() },
    async live(world) {
      const runs = await Promise.all(Array.from({ length: count }, () => world.start()));
      const ends = await Promise.all(runs.map((run) => world.ended(run)));
      expect(ends.map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 'SUCCEEDED'));
      for (const id of ['0001', '0002', '0003']) expect(await world.effects(id)).toBe(1);
    },
  })),
  {
    title: 'an execution stopped in the middle of a migration: the next one halts, and nothing runs twice',
    environment: 'stopped',
    files: { '0001.ts': takes(20), '0002.ts': works() },
    async live(world) {
      const stopped = await world.start();
      await world.effectsAppear('0001', 1);
      await expect(world.cancel()).rejects.toMatchObject({ code: 'NotCheckpointed' });
      await world.stop(stopped);
      const next = await world.start();
      expect(await world.halted('0001', next)).toMatchObject({ outcome: 'unknown', attempt: 1 });

      // The function was not stopped with its execution. It succeeds, and whatever was decided, that counts.
      await until('the outcome of 0001', () => world.deployment.ledger.finished('0001', 1));
      await expect(world.decide('skip', 'alice', 'in a hurry')).rejects.toMatchObject({ code: 'AttemptSucceeded' });
      await world.decide('retry');
      expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
    },
  },
  {
    title: 'a halted execution that was stopped: the decision is carried on by a new one, started once',
    environment: 'taken-over',
    files: secondFails,
    async live(world) {
      const stopped = await world.start();
      await world.halted('0002', stopped);
      await world.stop(stopped);
      await world.redeploy(three);
      const answer = await world.decide('retry');
      expect(answer.executions).toHaveLength(1);
      const [carried = ''] = answer.executions;
      expect(carried).toMatch(/:resume-0002-0001-01$/);
      expect(await world.ended(carried)).toMatchObject({ status: 'SUCCEEDED' });
      expect([await world.effects('0001'), await world.effects('0002'), await world.effects('0003')]).toEqual([
        1, 2, 1,
      ]);
    },
  },
  {
    title: 'a second run while one is halted is refused, with the command that resumes it',
    environment: 'halted-elsewhere',
    files: secondFails,
    async live(world) {
      const run = await world.start();
      await world.halted('0002', run);
      const second = await world.runToEnd();
      expect(second).toMatchObject({ status: 'FAILED', error: 'HaltedElsewhere' });
      expect(second.cause).toContain(run);
      expect(second.cause).toContain('npx odin-migrate resume halted-elsewhere');
      await world.decide('skip', 'alice', 'no matter');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    },
  },
  {
    title: 'a migration that is added later: only it runs',
    environment: 'added',
    files: { '0001.ts': works(), '0002.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      await world.redeploy({ ...three, '0001.ts': works('Changed after it was applied') });
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect([await world.effects('0001'), await world.effects('0002'), await world.effects('0003')]).toEqual([
        1, 1, 1,
      ]);
    },
  },
  {
    title: 'a late lower number is refused by name, and runs when the input allows it',
    environment: 'late',
    files: { '0001.ts': works(), '0003.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      await world.redeploy(three);
      const refused = await world.runToEnd();
      expect(refused).toMatchObject({ status: 'FAILED', error: 'OutOfOrder' });
      expect(refused.cause).toContain('late/0002.ts');
      expect(await world.effects('0002')).toBe(0);
      expect(await world.runToEnd({ allowOutOfOrder: true })).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.effects('0002')).toBe(1);
    },
  },
  {
    title: 'a migration whose file was deleted after it was applied is not missed',
    environment: 'deleted',
    files: { '0001.ts': works(), '0002.ts': works() },
    async live(world) {
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      await world.redeploy({ '0003.ts': works() });
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied', '0003': 'applied' });
    },
  },
  {
    title: 'an environment does not touch its neighbour whose name it begins with',
    environment: 'side',
    files: three,
    async live(world) {
      const neighbours = await world.platform.deploy([{ environment: 'side-by-side', files: three }]);
      const deployment = neighbours.get('side-by-side');
      if (!deployment) throw new Error('the neighbour was not deployed');
      const neighbour = new World(world.platform, 'side-by-side', deployment);
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await neighbour.completions()).toEqual({});
      expect(await neighbour.effects('0001')).toBe(0);
      expect(await neighbour.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect([await world.effects('0001'), await neighbour.effects('0001')]).toEqual([1, 1]);
    },
  },
  {
    title: 'a function invoked by hand, or several times with one payload, runs nothing twice',
    environment: 'by-hand',
    files: { '0001.ts': works(), '0002.ts': works() },
    async live(world) {
      const bad = await world.invokeByHand('0001', { key1: 'value1' });
      expect(bad.error).toBe(true);
      expect(bad.text).toContain('Nothing was done');
      const payload = { execution: 'by hand', migration: '0002', attempt: 1, slice: 1, gitCommit: null };
      const early = await world.invokeByHand('0002', payload);
      expect(early).toMatchObject({ error: true });
      expect(early.text).toContain('runs only after 0001');
      expect((await world.invokeByHand('0001', { ...payload, migration: '0001', attempt: 2 })).error).toBe(true);
      expect((await world.invokeByHand('0001', payload)).error).toBe(true); // another migration's payload
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([0, 0]);

      const first = { ...payload, migration: '0001' };
      const answers = await Promise.all(Array.from({ length: 6 }, () => world.invokeByHand('0001', first)));
      expect(answers.filter(({ text }) => text.includes('"finished"'))).toHaveLength(1);
      expect(answers.filter(({ text }) => text.includes('"claimed elsewhere"'))).toHaveLength(5);
      expect(await world.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      expect((await world.invokeByHand('0001', first)).text).toContain('claimed elsewhere');
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
    },
  },
  {
    title:
      'two operators at once: one wins, the other is told who decided what; the same decision again changes nothing',
    environment: 'operators',
    // The last one takes a while: whoever comes second finds the run still going on.
    files: { ...secondFails, '0003.ts': takes(15) },
    async live(world) {
      const run = await world.start();
      await world.halted('0002', run);
      const answers = await Promise.allSettled([
        world.decide('skip', 'alice', 'never mind'),
        world.decide('mark-applied', 'bob', 'I did it'),
      ]);
      const won = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
      const lost = answers.filter((answer) => answer.status === 'rejected').map(({ reason }) => reason as OdinError);
      expect([won.length, lost.length]).toEqual([1, 1]);
      expect(lost[0]?.code).toBe('AlreadyDecided');
      expect(lost[0]?.message).toContain(`${won[0]?.by} decided ${won[0]?.decision} on 0002, attempt 1`);
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      const expected = won[0]?.decision === 'skip' ? 'skipped' : 'marked-applied';
      expect((await world.completions())['0002']).toBe(expected);
    },
  },
  {
    title: 'the same decision sent twice is one decision',
    environment: 'twice',
    files: { '0001.ts': fails() },
    async live(world) {
      const run = await world.start();
      await world.halted('0001', run);
      const answers = await Promise.all([world.decide('retry', 'alice'), world.decide('retry', 'alice')]);
      expect(answers.map(({ result }) => result).sort()).toEqual(['already', 'decided']);
      await world.halted('0001', run); // attempt 2 fails as well
      await until('attempt 2 to be halted', async () =>
        (await world.deployment.ledger.halt('0001'))?.attempt === 2 ? true : undefined,
      );
      expect(await world.effects('0001')).toBe(2);
      await world.decide('abort');
      expect(await world.ended(run)).toMatchObject({ status: 'FAILED' });
    },
  },
  {
    title: 'a record that cannot be read stops the run, and is not taken as absent',
    environment: 'unreadable',
    files: three,
    async live(world) {
      const { s3, ledgerBucket: Bucket } = world.deployment;
      await s3.send(new PutObjectCommand({ Bucket, Key: 'completed/0001.json', Body: '{"formatVersion": 99}' }));
      const run = await world.start();
      const ended = await world.ended(run);
      expect(ended.status).toBe('FAILED');
      expect(ended.cause).toContain('completed/0001.json');
      expect(ended.cause).toContain('expected format version 1, found 99');
      for (const id of ['0001', '0002', '0003']) expect(await world.effects(id)).toBe(0);
    },
  },
  {
    title: 'an input that nobody understands fails the run before it does anything',
    environment: 'bad-input',
    files: three,
    async live(world) {
      const ended = await world.runToEnd({ allowOutofOrder: true });
      expect(ended.status).toBe('FAILED');
      expect(ended.cause).toContain('allowOutofOrder');
      expect(await world.effects('0001')).toBe(0);
    },
  },
  {
    title: 'a checkpointed migration killed in a slice goes on from its last checkpoint, and does the rest once',
    environment: 'checkpointed',
    files: { '0001.ts': checkpointed(40, 25) },
    async live(world) {
      const run = await world.start();
      expect(await world.halted('0001', run)).toMatchObject({ outcome: 'unknown' });
      expect(await world.deployment.ledger.checkpoint('0001')).toMatchObject({ cursor: 24, done: 24, total: 40 });
      await world.decide('retry');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.objects('list/checkpointed/')).toEqual(
        Array.from({ length: 40 }, (_, index) => `list/checkpointed/${String(index + 1).padStart(4, '0')}`),
      );
      expect(await world.attempts('0001')).toBe(2);
    },
  },
  {
    title: 'a checkpointed migration that is cancelled halts at its next checkpoint, and a retry goes on from there',
    environment: 'cancelled',
    files: { '0001.ts': slowly(60), '0002.ts': works() },
    async live(world) {
      await expect(world.cancel()).rejects.toMatchObject({ code: 'NothingRunning' });
      const run = await world.start();
      const { ledger } = world.deployment;
      await until('the first checkpoint', () => ledger.checkpoint('0001'));
      expect(await world.cancel('alice', 'the data is wrong')).toMatchObject({
        result: 'cancelled',
        migration: '0001',
      });
      expect(await world.cancel('bob')).toMatchObject({ result: 'already', by: 'alice' });
      const halt = await world.halted('0001', run);
      expect(halt).toMatchObject({ outcome: 'failed', error: { name: 'Cancelled' } });
      const [told] = await world.notified(1);
      expect(told?.message).toContain('CANCELLED. It stopped at a checkpoint');
      expect(told?.message).toContain('alice asked for it to stop');
      const at = (await ledger.checkpoint('0001'))?.done ?? 60;
      expect(at).toBeLessThan(60);
      await expect(world.cancel()).rejects.toMatchObject({ code: 'NothingRunning' });

      await world.decide('retry');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await ledger.checkpoint('0001')).toMatchObject({ done: 60, attempt: 2, sequence: 60 });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
    },
  },
  {
    title: 'the dashboard widget shows the halt, changes nothing by a look, and its Skip lets the run go on',
    environment: 'widget',
    files: secondFails,
    async live(world) {
      const execution = await world.start();
      await world.halted('0002', execution);
      expect(await world.widget({ describe: {} })).toMatch(/^## odin-migrate/);

      const page = await world.widget({});
      expect(page).toContain('Halted at 0002');
      const press = /\{"decide":\{"decision":"skip".*?\}\}/.exec(page)?.[0] ?? '';
      const all = { reason: 'not needed', name: 'alice' };
      const after = await world.widget({ ...(JSON.parse(press) as object), widgetContext: { forms: { all } } });
      expect(after).toContain('Recorded: skip on 0002, attempt 1.');

      expect(await world.ended(execution)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'skipped', '0003': 'applied' });
      expect(await world.deployment.ledger.completion('0002')).toMatchObject({
        reason: 'not needed',
        by: 'alice (dashboard of account unknown)',
      });
      expect(await world.widget({})).toContain('Everything is done');
    },
  },
];

/** Only where RedriveExecution is there: what an operator's Redrive in the console does. */
export function runRedriveScenarios(name: string, makePlatform: () => Promise<Platform>): void {
  it(`${name}: redrive of an aborted run opens the halt again`, { timeout: TIMEOUT_MS }, async () => {
    const platform = await makePlatform();
    try {
      const deployments = await platform.deploy([{ environment: 'redrive', files: secondFails }]);
      const deployment = deployments.get('redrive');
      if (!deployment) throw new Error('redrive was not deployed');
      const world = new World(platform, 'redrive', deployment);
      const run = await world.start();
      const before = await world.halted('0002', run);
      await world.decide('abort');
      expect(await world.ended(run)).toMatchObject({ status: 'FAILED', error: 'Aborted' });

      await deployment.sfn.send(new RedriveExecutionCommand({ executionArn: run }));
      const again = await world.halted('0002', run, 2);
      expect(again.waiting.at(-1)?.token).not.toBe(before.waiting[0]?.token);
      await world.decide('skip', 'alice', 'after all');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });

      // Redriven after another execution finished the work: the ledger has moved on, and it ends by saying so.
      await world.redeploy({ ...three, '0004.ts': fails() });
      const failed = await world.start();
      await world.halted('0004', failed);
      await world.decide('abort');
      await world.ended(failed);
      const next = await world.start();
      await world.halted('0004', next, 2);
      await world.decide('mark-applied', 'alice', 'done');
      await world.ended(next);
      await deployment.sfn.send(new RedriveExecutionCommand({ executionArn: failed }));
      await sleep(50);
      expect(await world.ended(failed)).toMatchObject({ status: 'SUCCEEDED' });
    } finally {
      await platform.close();
    }
  });

  it(`${name}: redrive of a run that was stopped, or refused`, { timeout: TIMEOUT_MS }, async () => {
    const platform = await makePlatform();
    try {
      const specs = [
        { environment: 'redrive-halted', files: secondFails },
        { environment: 'redrive-running', files: { '0001.ts': takes(3), '0002.ts': works() } },
        { environment: 'redrive-late', files: { '0001.ts': works(), '0003.ts': works() } },
      ];
      const deployments = await platform.deploy(specs);
      const [halted, running, late] = specs.map(({ environment }) => {
        const deployment = deployments.get(environment);
        if (!deployment) throw new Error(`${environment} was not deployed`);
        return new World(platform, environment, deployment);
      });
      if (!halted || !running || !late) throw new Error('Three environments were to be deployed');
      const redrive = (world: World, executionArn: string) =>
        world.deployment.sfn.send(new RedriveExecutionCommand({ executionArn }));

      // Stopped while it was halted: the same halt, with another token.
      const first = await halted.start();
      const before = await halted.halted('0002', first);
      await halted.stop(first);
      await redrive(halted, first);
      const after = await until('another token', async () => {
        const halt = await halted.deployment.ledger.halt('0002');
        return halt?.waiting.at(-1)?.token === before.waiting[0]?.token ? undefined : halt;
      });
      // The old token stays: nobody could tell which of two is the live one, and a dead one costs nothing.
      expect(after).toMatchObject({ halt: 1, waiting: [{ execution: first }, { execution: first }] });
      await halted.decide('skip', 'alice', 'not needed');
      expect(await halted.ended(first)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await halted.effects('0002')).toBe(1);

      // Stopped in the middle of a migration: the attempt is not run again; its outcome counts when it comes.
      const second = await running.start();
      await running.effectsAppear('0001', 1);
      await running.stop(second);
      await redrive(running, second);
      expect(await running.ended(second)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await running.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
      expect([await running.effects('0001'), await running.effects('0002')]).toEqual([1, 1]);

      // Refused: the Fail state fails again.
      expect(await late.runToEnd()).toMatchObject({ status: 'SUCCEEDED' });
      await late.redeploy(three);
      const refused = await late.start();
      expect(await late.ended(refused)).toMatchObject({ status: 'FAILED', error: 'OutOfOrder' });
      await redrive(late, refused);
      await sleep(50);
      expect(await late.ended(refused)).toMatchObject({ status: 'FAILED', error: 'OutOfOrder' });
    } finally {
      await platform.close();
    }
  });
}
