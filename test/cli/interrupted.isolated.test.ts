// What Ctrl-C, and the loss of the process, leave of a run on this machine: said at once, and settled at once.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { PROJECT, temporaryProject } from '../support/project.ts';

const HANGS = `export async function* migration() {
  yield { cursor: 1, done: 10, total: 40 };
  console.log('works');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
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
  { 'odin-migrate.json': '{}', 'migrations/dev/0001.ts': HANGS, 'migrations/many/0001.ts': IN_BATCHES },
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

it('Ctrl-C says what it leaves, and the next run halts there at once', { timeout: 120_000 }, async () => {
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

it('of a process that was killed the next command knows that it is dead', { timeout: 120_000 }, async () => {
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
  { timeout: 120_000 },
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
