// Halts, what operators decide about them, and what becomes of it.
import { expect } from 'vitest';
import type { DecidedAnswer } from '../../core/contract/payloads.ts';
import type { OdinError } from '../../core/errors.ts';
import type { Decision } from '../../core/names/names.ts';
import {
  crashesAtFirst,
  exhaustsMemoryAtFirst,
  exitsAtFirst,
  fails,
  hangsAtFirst,
  killsItsFunctionAtFirst,
  leavesWritesPendingAtFirst,
  takes,
  works,
} from './migrations.ts';
import type { Scenario } from './scenario.ts';
import { secondFails, three, whoSaid } from './scenario.ts';

/** How user code may end that neither returns nor throws. */
const KNOWN_FAILURES = [
  { environment: 'exits', title: 'exits', source: exitsAtFirst(), name: 'ProcessExited' },
  { environment: 'crashes', title: 'crashes', source: crashesAtFirst(), name: 'Crashed' },
  { environment: 'hangs', title: 'hangs past its time', source: hangsAtFirst(), name: 'OutOfTime' },
  { environment: 'memory', title: 'runs out of memory', source: exhaustsMemoryAtFirst(), name: 'OutOfMemory' },
];

/** Those that wait for longest come first. */
export const HALTS: Scenario[] = [
  {
    title:
      'an execution stopped in the middle of a migration: the next one waits for its outcome, and nothing runs twice',
    environment: 'stopped',
    files: { '0001.ts': takes(20), '0002.ts': works() },
    async live(world) {
      const stopped = await world.start();
      await world.effectsAppear('0001', 1);
      await expect(world.cancel()).rejects.toMatchObject({ code: 'NotCheckpointed' });
      await world.stop(stopped);
      const next = await world.start();
      // The function was not stopped with its execution. It succeeds, and nobody need be asked.
      expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'applied' });
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
    },
  },
  {
    title:
      'two operators at once: one wins, the other is told who decided what; the same decision again changes nothing',
    environment: 'operators',
    files: secondFails,
    async live(world) {
      const run = await world.start();
      const { number: halt } = await world.halted('0002', run);
      // Both name what they saw: by the time of the second one the run may have gone on, and ended.
      const answers = await Promise.allSettled([
        world.decide('skip', 'alice', 'never mind', { halt }),
        world.decide('mark-applied', 'bob', 'I did it', { halt }),
      ]);
      const won = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
      const lost = answers.filter((answer) => answer.status === 'rejected').map(({ reason }) => reason as OdinError);
      expect(lost.map(({ code, message }) => code ?? message)).toEqual(['AlreadyDecided']);
      expect(lost[0]?.message).toMatch(/^\S+ \((?:claimed|verified)\) decided /);
      expect(lost[0]?.message).toContain(`decided ${won[0]?.decision} on 0002, attempt 1`);
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      const { decision, by, time } = won[0] as DecidedAnswer;
      const completions = await world.completions();
      expect(completions['0002']).toBe(decision === 'skip' ? 'skipped' : 'marked-applied');
      expect(await world.decide(decision as Decision, by, 'again', { halt })).toMatchObject({
        result: 'already',
        time,
      });
      expect(await world.completions()).toEqual(completions);
    },
  },
  {
    title: 'a function that is killed: unknown outcome, halt, no retry before the old deadline',
    environment: 'unknown',
    files: { '0001.ts': killsItsFunctionAtFirst(), '0002.ts': works() },
    async live(world) {
      const run = await world.start();
      expect(await world.halted('0001', run)).toMatchObject({ attempt: 1, reason: 'unknown' });
      expect(await world.effects('0002')).toBe(0);
      const { at = 0, deadline = 0 } = (await world.claimed('0001')) ?? {};
      expect(deadline).toBeGreaterThan(at);

      const answer = await world.decide('retry');
      // On a busy machine the deadline may have passed by the time of the decision.
      if (answer.waitsUntil !== undefined) expect(Date.parse(answer.waitsUntil)).toBe(deadline);
      else expect(Date.now()).toBeGreaterThanOrEqual(deadline);
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect((await world.claimed('0001', 2))?.at).toBeGreaterThanOrEqual(deadline);
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([2, 1]);
    },
  },
  ...KNOWN_FAILURES.map(({ environment, title, source, name }): Scenario => ({
    title: `user code that ${title}: a failure that says so, and a retry need not wait`,
    environment,
    files: { '0001.ts': source, '0002.ts': works() },
    async live(world) {
      const run = await world.start();
      expect(await world.halted('0001', run)).toMatchObject({ attempt: 1, reason: 'failed', error: { name } });
      const [told] = await world.notified(1);
      expect(told?.message).toContain(`${name}: `);
      expect(await world.effects('0002')).toBe(0);
      expect(await world.decide('retry')).not.toHaveProperty('waitsUntil');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([2, 1]);
    },
  })),
  {
    title: 'what user code left pending when it failed does not go on, neither afterwards nor beside its retry',
    environment: 'pending',
    files: { '0001.ts': leavesWritesPendingAtFirst(), '0002.ts': works() },
    async live(world) {
      const run = await world.start();
      expect(await world.halted('0001', run)).toMatchObject({ reason: 'failed', error: { message: 'one of three' } });
      const left = await world.objects('late/pending/');
      expect(left.length).toBeGreaterThan(0);
      await world.decide('retry');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.objects('late/pending/')).toEqual(left);
    },
  },
  {
    title: 'a failure halts, notifies, and runs nothing later; a redeployed fix is retried',
    environment: 'fix',
    files: secondFails,
    async live(world) {
      const run = await world.start();
      const halt = await world.halted('0002', run);
      expect(halt).toMatchObject({ attempt: 1, reason: 'failed', error: { message: 'the disk of the past is full' } });
      expect(halt.error?.stack).toMatch(/migrations\/fix\/0002\.ts:\d+/);

      const [first] = await world.notified(1);
      expect(first?.subject).toContain('0002 halted');
      expect(first?.message).toContain('the disk of the past is full');
      expect(first?.message).toMatch(/migrations\/fix\/0002\.ts:\d+/);
      expect(first?.message).toContain('npx --no-install odin-migrate resume fix retry');
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
      expect(await world.entries('decided')).toMatchObject([
        { of: halt.number, by: whoSaid('alice'), reason: 'fixed' },
      ]);

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
      expect(await world.completion('0001')).toMatchObject({ by: whoSaid('alice'), reason: 'done by hand' });
      expect([await world.effects('0001'), await world.effects('0002'), await world.effects('0003')]).toEqual([
        1, 1, 1,
      ]);
      await expect(world.decide('retry')).rejects.toMatchObject({ code: 'NothingHalted' });
    },
  },
  {
    title: 'the file of a halted migration is removed: there is nothing to retry, and all else can be decided',
    environment: 'file-gone',
    files: { '0001.ts': fails(), '0002.ts': works() },
    async live(world) {
      const run = await world.start();
      await world.halted('0001', run);
      await world.redeploy({ '0002.ts': works() }, '0001');
      await expect(world.decide('retry')).rejects.toMatchObject({ code: 'UnknownMigration' });
      await world.decide('skip', 'alice', 'nobody needs it any more');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'skipped', '0002': 'applied' });
      expect([await world.effects('0001'), await world.effects('0002')]).toEqual([1, 1]);
    },
  },
  {
    title: 'after an abort the run has failed, and a new run halts again',
    environment: 'abort',
    files: secondFails,
    async live(world) {
      const run = await world.start();
      const aborted = await world.halted('0002', run);
      await world.decide('abort', 'alice', 'not tonight');
      const ended = await world.ended(run);
      expect(ended).toMatchObject({ status: 'FAILED', error: 'Aborted' });
      expect(ended.cause).toMatch(
        /(?:alice \(claimed\)|:root \(verified\)) aborted this run at migration 0002, attempt 1: not tonight/,
      );

      const next = await world.start();
      const again = await world.halted('0002', next);
      expect(again).toMatchObject({ attempt: 1, turn: aborted.turn });
      expect(again.number).toBeGreaterThan(aborted.number);
      expect(await world.effects('0002')).toBe(1);
      await world.redeploy(three);
      await world.decide('retry');
      expect(await world.ended(next)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.effects('0002')).toBe(2);
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
      const [decision] = await world.entries('decided');
      expect(carried).toMatch(new RegExp(`:continue-0{6,}${decision?.number}$`));
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
      expect(second.cause).toContain('npx --no-install odin-migrate resume halted-elsewhere');
      await world.decide('skip', 'alice', 'no matter');
      expect(await world.ended(run)).toMatchObject({ status: 'SUCCEEDED' });
    },
  },
  {
    title: 'the same decision sent twice is one decision',
    environment: 'twice',
    files: { '0001.ts': fails() },
    async live(world) {
      const run = await world.start();
      const { number: halt } = await world.halted('0001', run);
      // As the command names the halt: the run may be past it when the second one looks.
      const answers = await Promise.all(
        ['once', 'twice'].map(() => world.decide('retry', 'alice', undefined, { halt })),
      );
      expect(answers.map(({ result }) => result).sort()).toEqual(['already', 'decided']);
      expect(await world.halted('0001', run)).toMatchObject({ attempt: 2 }); // fails as well
      expect(await world.effects('0001')).toBe(2);
      await world.decide('abort');
      expect(await world.ended(run)).toMatchObject({ status: 'FAILED' });
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
      const all = { reason: 'not needed', operator: 'alice' };
      const after = await world.widget({ ...(JSON.parse(press) as object), widgetContext: { forms: { all } } });
      expect(after).toContain('Recorded: skip on 0002, attempt 1.');

      expect(await world.ended(execution)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.completions()).toEqual({ '0001': 'applied', '0002': 'skipped', '0003': 'applied' });
      expect(await world.completion('0002')).toMatchObject({
        reason: 'not needed',
        by: 'alice (dashboard of account unknown)',
      });
      expect(await world.widget({})).toContain('Everything is done');
    },
  },
];
