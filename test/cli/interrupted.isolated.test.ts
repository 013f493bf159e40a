// What Ctrl-C, and the loss of the process, leave of a run on this machine: said at once, and settled at once.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { localDirectory } from '../../client/local-folder.ts';
import { LOCK_FILE } from '../../client/local-lock.ts';
import { PROJECT, temporaryProject } from '../support/project.ts';

/** Several commands, one after the other: on a busy machine each takes half a minute. */
const PATIENCE = { timeout: 600_000 };

const HANGS = `export async function* migration() {
  yield { cursor: 1, done: 10, total: 40 };
  console.log('works');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
`;
const STEPS = `import { setTimeout as sleep } from 'node:timers/promises';
export async function* migration() {
  for (let cursor = 1; cursor <= 600; cursor += 1) {
    yield { cursor };
    console.log('works');
    await sleep(1_000);
  }
}
`;
const IN_BATCHES = `export const parallel = { itemsPerBatch: 1, concurrency: 1 };
export async function* plan() {
  yield { items: [1, 2, 3], cursor: 1 };
}
export async function migration([item]) {
  if (item === 1) return;
  console.log('works');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
`;
const project = temporaryProject(
  {
    'odin-migrate.json': '{}',
    'migrations/dev/0001.ts': HANGS,
    'migrations/dash/0001.ts': HANGS,
    'migrations/steps/0001.ts': STEPS,
    'migrations/many/0001.ts': IN_BATCHES,
  },
  { sources: true },
);
afterAll(() => {
  project.remove();
});

/** The command line in a process of its own, and what it prints. */
function typed(...args: string[]) {
  const child = spawn(process.execPath, [path.join(PROJECT, 'cli/odin-migrate.js'), ...args], {
    cwd: project.directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group, as a shell at a terminal gives one
    env: { PATH: process.env['PATH'], HOME: project.directory },
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => printed.push(String(chunk)));
  return { child, text: () => printed.join(''), ended: ended(child) };
}

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

async function begun(...args: string[]) {
  const run = typed(...args);
  while (!run.text().includes('works')) await once(run.child.stdout, 'data');
  return run;
}

const HALTED = '■ 0001  halted, attempt 1: its outcome is unknown';

it('Ctrl-C says what it leaves, and the next run halts there at once', PATIENCE, async () => {
  const run = await begun('local', 'dev', '--fresh');
  run.child.kill('SIGINT');
  expect(await run.ended).toBe(130);
  expect(run.text()).toContain('Interrupted. 0001 was running: its process was ended');
  expect(run.text()).toContain('Its last checkpoint stays: 10 of 40');
  expect(run.text()).toContain('halts there and asks for a decision: npx --no-install odin-migrate local dev');
  expect(run.text()).not.toContain('The run ended');

  const next = typed('local', 'dev');
  expect(await next.ended).toBe(2);
  expect(next.text()).toContain(HALTED);
  expect(next.text()).not.toMatch(/may be running|held back/);
});

it(
  'of a migration that runs anew nothing is left to go on with, and what was run before is as it was',
  PATIENCE,
  async () => {
    const before = typed('status', 'steps', '--local');
    await before.ended;
    const run = await begun('local', 'steps', '--again', '0001');
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(130);
    expect(run.text()).toContain('Interrupted. To begin anew, type the same again.');
    expect(run.text()).not.toContain('Go on with');
    const after = typed('status', 'steps', '--local');
    await after.ended;
    expect(after.text()).toBe(before.text());
  },
);

it(
  'what ends it comes twice where a terminal is closed, or by timeout: it says what it leaves all the same',
  PATIENCE,
  async () => {
    const run = await begun('local', 'dev', '--fresh');
    run.child.kill('SIGHUP');
    run.child.kill('SIGTERM');
    expect([129, 143]).toContain(await run.ended);
    expect(run.text()).toContain('Interrupted. 0001 was running: its process was ended');
    expect(existsSync(path.join(localDirectory(project, 'dev'), LOCK_FILE))).toBe(false);
  },
);

it(
  'a terminal sends Ctrl-C to the compiler too: a resumed run says what it leaves, whatever its file has become',
  PATIENCE,
  async () => {
    const first = await begun('local', 'dev', '--fresh');
    first.child.kill('SIGINT');
    await first.ended;
    await typed('local', 'dev').ended;
    const run = await begun('resume', 'dev', 'retry', '--local', '--from-start');
    project.write('migrations/dev/0001.ts', `${HANGS}}}`);
    process.kill(-(run.child.pid ?? 0), 'SIGINT');
    expect(await run.ended).toBe(130);
    project.write('migrations/dev/0001.ts', HANGS);
    expect(run.text()).not.toMatch(/BundlingFailed|BadMigrationFile/);
    expect(run.text()).toContain('Interrupted. 0001 was running: its process was ended');
    expect(run.text()).toContain('Its last checkpoint stays: 10 of 40');
  },
);

it('a dashboard that is ended says what became of the run that was begun there', PATIENCE, async () => {
  const run = typed('dashboard', 'dash', '--local');
  const address = () => /(http:\S+)#(\S+)/.exec(run.text());
  while (!address()) await once(run.child.stdout, 'data');
  const [, url = '', token = ''] = address() ?? [];
  const started = await fetch(`${url}run`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json', 'x-odin-token': token, origin: new URL(url).origin },
  });
  expect(started.status).toBe(200);
  while (!run.text().includes('works')) await once(run.child.stdout, 'data');
  run.child.kill('SIGINT');
  expect(await run.ended).toBe(0);
  expect(run.text()).toContain('Interrupted. 0001 was running: its process was ended');
});

it('of a process that was killed the next command knows that it is dead', PATIENCE, async () => {
  const run = await begun('local', 'dev', '--fresh');
  const running = typed('status', 'dev', '--local');
  await running.ended;
  expect(running.text()).toMatch(/0001 .* running/);
  expect(running.text()).toMatch(/0001: its code may be running until \S+ \S+ UTC/);

  run.child.kill('SIGKILL');
  await run.ended;
  const status = typed('status', 'dev', '--local');
  await status.ended;
  expect(status.text()).toMatch(/0001 .* unknown/);
  expect(status.text()).toContain('nobody said how');

  const next = typed('local', 'dev');
  expect(await next.ended).toBe(2);
  expect(next.text()).toContain(HALTED);
  const retry = typed('resume', 'dev', 'skip', '--reason', 'a test', '--local');
  expect(await retry.ended).toBe(0);
  expect(retry.text()).not.toMatch(/may be running|held back/);
  expect(retry.text()).toContain('✔ 0001  skipped');
});

it.each(['SIGINT', 'SIGKILL'] as const)(
  'of batches too, after %s: one that had begun is settled at once, and the others are still to do',
  PATIENCE,
  async (signal) => {
    const run = await begun('local', 'many', '--fresh');
    run.child.kill(signal);
    await run.ended;
    if (signal === 'SIGINT') expect(run.text()).toContain('Interrupted. 0001 was running: its process was ended');
    const status = typed('status', 'many', '--local');
    await status.ended;
    expect(status.text()).toMatch(/0001 .* unknown/);

    const next = typed('local', 'many');
    expect(await next.ended).toBe(2);
    expect(next.text()).toContain(HALTED);
    expect(next.text()).toContain('of 1 nobody knows what became (batch 2). 1 have succeeded, 1 have not begun.');
    expect(next.text()).not.toMatch(/may be running|held back/);
  },
);

it('cancel --local stops what another process of this machine runs, at its next checkpoint', PATIENCE, async () => {
  const nobody = typed('cancel', 'steps', '--local');
  expect(await nobody.ended).toBe(3);
  expect(nobody.text()).toMatch(/^NothingRunning: No process of this machine runs steps/);
  expect(nobody.text()).toContain('npx --no-install odin-migrate status steps --local');

  const run = await begun('local', 'steps');
  const another = typed('cancel', 'steps', '0002', '--local');
  expect(await another.ended).toBe(3);
  expect(another.text()).toMatch(/^NothingRunning: 0002 of steps is not running/);
  const cancelled = typed('cancel', 'steps', '0001', '--local', '--reason', 'too slow');
  expect(await cancelled.ended).toBe(0);
  expect(cancelled.text()).toMatch(/^Recorded: 0001, attempt 1, stops at its next checkpoint/);
  expect(cancelled.text()).toContain('npx --no-install odin-migrate status steps --local');
  expect(await run.ended).toBe(2);
  expect(run.text()).toMatch(/asked it to stop: too slow/);
  expect(run.text()).toContain('■ 0001  halted, attempt 1: it was cancelled, and stopped at a checkpoint');

  const status = typed('status', 'steps', '--local');
  expect(await status.ended).toBe(2);
  expect(status.text()).toMatch(/\(claimed\) asked it to stop: too slow\n/);

  const over = typed('cancel', 'steps', '--local');
  expect(await over.ended).toBe(3);
  expect(over.text()).toMatch(/^NothingRunning/);
});

it('tune --local reaches the batches that another process of this machine runs', PATIENCE, async () => {
  const run = await begun('local', 'many', '--fresh');
  const another = typed('tune', 'many', '0002', '--concurrency', '3', '--local');
  expect(await another.ended).toBe(3);
  expect(another.text()).toMatch(/^NothingRunning: No batches of 0002 are running/);
  const tuned = typed('tune', 'many', '--concurrency', '3', '--local');
  expect(await tuned.ended).toBe(0);
  expect(tuned.text()).toMatch(/^0001, attempt 1: from now on 3 batches run at a time/);
  // It was one at a time: now the third batch begins beside the second, which hangs.
  while (run.text().split('works').length < 3) await once(run.child.stdout, 'data');
  run.child.kill('SIGINT');
  expect(await run.ended).toBe(130);
});
