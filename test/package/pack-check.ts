// `npm run pack:check`: packs this package, installs the tarball into new projects outside of the repository, and works there as a
// team would. What is done is listed in projects.ts. Every step runs, even after one that failed, but not in a project that could
// not be installed. The last line is "N passed, N failed".
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PACKAGE_DIRECTORY } from '../../project/package.ts';
import type { Step, TeamProject } from './projects.ts';
import { ofTheTarball, projects } from './projects.ts';
import { cleanEnvironment, pack, writeFiles } from './tarball.ts';

const work = mkdtempSync(path.join(tmpdir(), 'odin-pack-'));
const count = { passed: 0, failed: 0 };
/** As many as there are cores: an install waits for the disk, and a run for its processes. */
const AT_ONCE = 2;
/** Of a step. For what hangs: a machine that is busy with something else takes many times as long. */
const LIMIT_MS = 600_000;

try {
  console.log(`=== pack\n${work}`);
  const tarball = await pack(work);
  await runAll('the tarball', PACKAGE_DIRECTORY, ofTheTarball(tarball));
  const waiting = projects(tarball).filter(({ name }) => process.argv.length === 2 || process.argv.includes(name));
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await build(next);
    }),
  );
} finally {
  if (process.env['KEEP'] === undefined) rmSync(work, { recursive: true, force: true });
}
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;

async function build({ name, folder, begin = [], files, install, steps }: TeamProject): Promise<void> {
  const directory = path.join(work, folder);
  mkdirSync(directory, { recursive: true });
  const begun = await runAll(name, directory, begin);
  writeFiles(directory, files);
  if (begun && (await runAll(name, directory, install))) await runAll(name, directory, steps);
  else count.failed += steps.length;
  // Half a gigabyte each.
  if (process.env['KEEP'] === undefined) rmSync(directory, { recursive: true, force: true });
}

async function runAll(project: string, directory: string, steps: readonly Step[]): Promise<boolean> {
  let good = true;
  for (const step of steps) {
    const started = performance.now();
    const problem = await problemOf(step, directory);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    count[problem === undefined ? 'passed' : 'failed'] += 1;
    good &&= problem === undefined;
    console.log(`${problem === undefined ? '✔' : '✖'} ${project}: ${step.name} (${seconds} s)`);
    if (problem !== undefined) console.log(problem.replaceAll(/^/gm, '    '));
  }
  return good;
}

/** @returns what came out in place of what was expected */
async function problemOf(step: Step, directory: string): Promise<string | undefined> {
  const { run, at = '', env, exitCode: expected = 0, says = [], saysNot = [] } = step;
  const [command = '', ...args] = run;
  const child = spawn(command, args, {
    cwd: path.join(directory, at),
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const exitCode = await new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'no exit code'));
  });
  const problems = [
    ...(exitCode === expected ? [] : [`exit code ${exitCode}, expected ${expected}`]),
    ...says.filter((text) => !output.includes(text)).map((text) => `it does not say "${text}"`),
    ...saysNot.filter((text) => output.includes(text)).map((text) => `it says "${text}"`),
  ];
  return problems.length === 0 ? undefined : `${problems.join('; ')}\n${run.join(' ')}\n${output.slice(-6000)}`;
}
