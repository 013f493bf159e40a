// What the launcher does on a Node.js that is not the pinned one: it starts that, and passes on what it is sent.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import { PROJECT, temporaryProject } from '../support/project.ts';

const OLD = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.0.0'})`;
const project = temporaryProject(
  {
    'odin-migrate.json': '{}',
    'migrations/odin-dev/0001.ts': 'export async function migration(): Promise<void> {}\n',
  },
  { sources: true },
);
afterAll(() => {
  project.remove();
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('a %s ends the process that has port and lock', async (signal) => {
  const program = ['--import', OLD, path.join(PROJECT, 'cli/odin-migrate.js'), 'dashboard', 'odin-dev', '--local'];
  const launcher = spawn(process.execPath, program, {
    cwd: project.directory,
    detached: true, // without a terminal, from which Ctrl-C would reach both
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(launcher, 'exit');
  let address = '';
  for await (const line of createInterface(launcher.stdout)) {
    address = /http:\/\/\S+/.exec(line)?.[0] ?? '';
    if (address !== '') break;
  }
  expect((await fetch(address)).status).toBe(200);
  launcher.kill(signal);
  expect(await ended).toEqual([0, null]);
  await expect(fetch(address)).rejects.toThrow();
  expect(existsSync(path.join(project.directory, '.odin-migrate/local/odin-dev/process'))).toBe(false);
});

it.each([
  ['nothing is installed', [], 'Type "npm ci" in the project folder first.'],
  ['packages for development are left out', ['esbuild'], 'Type "npm ci --include=dev"'],
  ['install scripts do not run', ['node'], 'Type "npm rebuild node --ignore-scripts=false"'],
])('says what to type where %s', (_, packages, advice) => {
  const folder = temporaryProject({}, { packages: [] });
  try {
    for (const name of ['package.json', 'cli/odin-migrate.js'])
      folder.write(name, readFileSync(path.join(PROJECT, name), 'utf8'));
    for (const name of packages) folder.write(`node_modules/${name}/package.json`, '{}');
    const program = ['--import', OLD, path.join(folder.directory, 'cli/odin-migrate.js'), 'status'];
    const { status, stderr } = spawnSync(process.execPath, program, { encoding: 'utf8' });
    expect(stderr).toContain(`The Node.js that this project pins is not installed.\n`);
    expect(stderr).toContain(advice);
    expect(status).toBe(1);
  } finally {
    folder.remove();
  }
});
