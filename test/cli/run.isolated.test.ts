// `run` of a deployed environment: when it starts a run, when it follows the one that is under way, and what it refuses before either.
import { afterAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import type { RunCommandOptions } from '../../cli/commands/run.ts';
import { run } from '../../cli/commands/run.ts';
import type { Deployment } from '../../client/deployment.ts';
import type { Manifest } from '../../core/contract/manifest.ts';
import { OdinError } from '../../core/errors.ts';
import { parseConfiguration } from '../../project/configuration.ts';
import { executionArn } from '../support/fake-executions.ts';
import type { LedgerBefore } from '../support/ledger.ts';
import { ledgerBefore } from '../support/ledger.ts';
import { temporaryProject } from '../support/project.ts';
import type { World } from '../support/services.ts';
import { createWorld, manifestOf } from '../support/services.ts';
import { thrownBy } from '../support/thrown.ts';

let world: World;
let before: LedgerBefore;
let manifest: Manifest;
/** What was started, and what was followed: by which deployment. */
let started: object[];
let followed: { execution: string; by: string; ask: unknown }[];
/** What following comes to, one after the other. */
let ends: (() => Promise<object>)[];
let renewed: () => Promise<object>;

const deployment = (sfn: string) => ({ environment: 'odin-dev', sfn, stateMachineArn: 'machine', local: false });

vi.mock('../../client/environment.ts', async (original) => ({
  ...(await original<object>()),
  openEnvironment: () =>
    Promise.resolve({
      deployment: deployment('first'),
      manifest,
      ledger: world.ledger,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
}));
vi.mock('../../aws/step-functions.ts', async (original) => ({
  ...(await original<object>()),
  createExecutions: () => world.executions,
}));
vi.mock('../../client/subscribers.ts', async (original) => ({
  ...(await original<object>()),
  subscribersOf: () => Promise.resolve(undefined),
}));
vi.mock('../../client/deployment.ts', async (original) => ({
  ...(await original<object>()),
  findDeployment: () => renewed(),
  startRun: (_: Deployment, options: object) => {
    started.push(options);
    return Promise.resolve(world.executions.run(`started-${started.length}`));
  },
}));
vi.mock('../../cli/terminal/run-to-end.ts', async (original) => ({
  ...(await original<object>()),
  runToEnd: ({ deployment: by, executionArn: execution, ask }: Record<string, unknown>) => {
    followed.push({ execution: execution as string, by: (by as { sfn: string }).sfn, ask });
    return (ends.shift() ?? (() => Promise.resolve({ execution, outcome: 'done', exitCode: 0 })))();
  },
}));

const project = temporaryProject({ 'migrations/odin-dev/0001.ts': '', 'migrations/odin-dev/2.ts': '' });
afterAll(() => {
  project.remove();
});

beforeEach(() => {
  world = createWorld();
  before = ledgerBefore(world);
  manifest = manifestOf('0001', '0002');
  started = [];
  followed = [];
  ends = [];
  renewed = () => Promise.resolve(deployment('renewed'));
});

async function type(options: RunCommandOptions = {}, from?: typeof project) {
  const printed: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  try {
    const code = await run('odin-dev', options, {}, from);
    return { code, printed: printed.join('') };
  } finally {
    write.mockRestore();
  }
}

/** 0001 is completed, and the turn of 0002 is open, of an execution that lives. */
async function underWay() {
  await before.complete('0001', 'baseline');
  const execution = world.executions.run('run-1');
  return { execution, turn: await before.allow('0002', { execution }) };
}

it('starts a run, says what there is to do, and leaves it', async () => {
  await before.complete('0001', 'baseline');
  const { code, printed } = await type();
  expect(code).toBe(0);
  expect(started).toHaveLength(1);
  expect(followed).toEqual([]);
  expect(printed).toContain('odin-dev  started, 1 of 2 migrations to do');
  expect(printed).toContain(executionArn('started-1'));
  expect(printed).toContain('odin-migrate status odin-dev');
});

it('with --wait, follows what it has started to its end', async () => {
  ends = [() => Promise.resolve({ execution: 'e', outcome: 'failed', exitCode: 4 })];
  expect((await type({ wait: true })).code).toBe(4);
  expect(started).toHaveLength(1);
  expect(followed).toEqual([{ execution: executionArn('started-1'), by: 'first', ask: undefined }]);
});

it('starts none beside a halt whose execution waits, and says what to decide on', async () => {
  const execution = world.executions.run('run-1');
  const halted = await before.halt(await before.allow('0001', { execution }));
  await before.wait(halted, execution, world.executions.wait(execution));
  const error = await thrownBy(type());
  expect(error).toMatchObject({
    code: 'HaltedElsewhere',
    message: expect.stringContaining(
      `odin-dev is halted at 0001, attempt 1, in ${execution}; no second run was started.`,
    ) as string,
    next: { verb: 'resume', environment: 'odin-dev', args: ['retry', `--halt ${halted.number}`] },
  });
  expect(started).toEqual([]);
  world.executions.stop(execution); // it opens the halt again
  await type();
  expect(started).toHaveLength(1);
});

it('starts none beside a halt in which the next run waits, after the first one was aborted', async () => {
  const aborted = executionArn('run-1');
  const first = await before.halt(await before.allow('0001', { execution: aborted }));
  await before.wait(first, aborted, 'token');
  await before.decide(first, 'abort');
  const next = world.executions.run('run-2');
  const again = await before.halt((await world.ledger.log.look()).turn!.allowed);
  await before.wait(again, next, world.executions.wait(next));
  const error = await thrownBy(type());
  expect(error.what).toBe(`odin-dev is halted at 0001, attempt 1, in ${next}; no second run was started.`);
  expect(error.next).toMatchObject({ args: ['retry', `--halt ${again.number}`] });
  expect(started).toEqual([]);
});

it('starts none when the ledger lacks what was pruned', async () => {
  manifest = { ...manifest, pruned: ['0000'] };
  expect((await thrownBy(type())).code).toBe('NotCompleted');
  expect(started).toEqual([]);
});

it.each(['acceptChanged', 'allowRenumbered'] as const)('takes in %s what is deployed or pruned', async (option) => {
  await before.complete(['0000', '0001'], 'baseline');
  manifest = { ...manifest, pruned: ['0000'] };
  await type({ [option]: ['0000', '0002'] });
  expect(started).toEqual([{ [option]: ['0000', '0002'] }]);
  const error = await thrownBy(type({ [option]: ['0001', '0009'] }));
  expect(error.code).toBe('BadUsage');
  expect(error.message).toContain('odin-dev has no migration "0009"; no run was started.');
  expect(error.why).toBe('Deployed, or in the ledger: 0000, 0001, 0002.');
  manifest = manifestOf();
  world = createWorld();
  expect((await thrownBy(type({ [option]: ['0001'] }))).why).toBe('Deployed, or in the ledger: none.');
  expect(started).toHaveLength(1);
});

it('with --wait, follows the run that is under way, and starts another one for what it left', async () => {
  const { execution, turn } = await underWay();
  ends = [() => Promise.resolve({ execution, outcome: 'done', exitCode: 0 })];
  const { printed } = await type({ wait: true });
  expect(printed).toContain('odin-dev  a run is under way, and is followed, 1 of 2 migrations to do');
  expect(printed).toContain('That run is over, and 1 of 2 are to do: another one was started.');
  expect(followed.map((each) => each.execution)).toEqual([execution, executionArn('started-1')]);
  expect(started).toHaveLength(1);

  await before.claim(turn);
  await before.close(turn, 'succeeded');
  ends = [
    async () => {
      await before.complete('0002');
      return { execution, outcome: 'done', exitCode: 0 };
    },
  ];
  await type({ wait: true });
  expect(started).toHaveLength(1);
});

it('starts none for what a run has left that halted: it is not over', async () => {
  const { execution } = await underWay();
  ends = [() => Promise.resolve({ execution, outcome: 'halted', exitCode: 2 })];
  expect((await type({ wait: true })).code).toBe(2);
  expect(started).toEqual([]);
  expect(followed).toHaveLength(1);
});

it.each<[string, RunCommandOptions]>([
  ['is not to wait', {}],
  ['is said to run out of order', { wait: true, allowOutOfOrder: true }],
  ['is said to run what was renumbered', { wait: true, allowRenumbered: ['0002'] }],
  ['is told that a change is meant', { wait: true, acceptChanged: ['0001'] }],
])('starts a run of its own beside one that is under way when it %s', async (_, options) => {
  await underWay();
  await type(options);
  expect(started).toEqual([options]);
  expect(followed.map(({ execution }) => execution)).toEqual(options.wait ? [executionArn('started-1')] : []);
});

it('starts a run when the execution of the open turn has ended', async () => {
  const { execution } = await underWay();
  world.executions.stop(execution);
  await type({ wait: true });
  expect(started).toHaveLength(1);
});

it('goes on following with new credentials, when there are some', async () => {
  const expired = new OdinError({ code: 'NoCredentials', source: 'user', what: 'They have expired.' });
  ends = [() => Promise.reject(expired)];
  expect((await type({ wait: true })).code).toBe(0);
  expect(followed.map(({ by }) => by)).toEqual(['first', 'renewed']);
  expect(started).toHaveLength(1);

  ends = [() => Promise.reject(expired)];
  renewed = () => Promise.reject(new Error('not yet'));
  expect(await thrownBy(type({ wait: true }))).toBe(expired);

  const other = new OdinError({ code: 'AwsForbidden', source: 'user', what: 'No.' });
  for (const thrown of [other, new Error('no')]) {
    followed = [];
    ends = [() => Promise.reject(thrown)];
    await expect(type({ wait: true })).rejects.toBe(thrown);
    expect(followed).toHaveLength(1);
  }
});

it('tells of files that are not what ran under their numbers, but for those that were accepted, and of none that is to run', async () => {
  const turn = await before.allow('0001', { sourceSha256: 'd'.repeat(64) });
  await before.claim(turn);
  await before.close(turn, 'succeeded');
  await before.complete('0001');
  const { printed } = await type();
  expect(printed).toContain('migrations/odin-dev/0001.ts');
  expect(printed).not.toContain('migrations/odin-dev/0002.ts');
  expect((await type({ acceptChanged: ['0001'] })).printed).not.toContain('migrations/odin-dev/0001.ts');
});

it('warns of files here that look like migrations and are none, and needs no folder here', async () => {
  expect((await type({}, project)).printed).toContain('  warning  migrations/odin-dev/2.ts is NOT a migration');
  const nested = temporaryProject({ 'migrations/odin-dev/0001.ts': '', 'migrations/odin-dev/more/0002.ts': '' });
  const other = temporaryProject({ 'migrations/odin-dev/0001.ts': '', 'migrations/odin-dev/0002.js': '' });
  onTestFinished(() => {
    for (const each of [nested, other]) each.remove();
  });
  expect((await type({}, nested)).printed).toContain('  warning  migrations/odin-dev/more/0002.ts is NOT a migration');
  expect((await type({}, other)).printed).toContain(
    '  warning  Expected migrations to be TypeScript, "NNNN.ts", found migrations/odin-dev/0002.js.',
  );
  const elsewhere = temporaryProject({});
  const { code, printed } = await type({}, { ...elsewhere, configuration: parseConfiguration({}) });
  elsewhere.remove();
  expect(code).toBe(0);
  expect(printed).not.toContain('warning');
});

it('asks nothing where its answer is JSON', async () => {
  const { printed } = await type({ wait: true, json: true });
  expect(followed).toMatchObject([{ ask: false }]);
  expect(JSON.parse(printed)).toMatchObject({ outcome: 'done' });
});
