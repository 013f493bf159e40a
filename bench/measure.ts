// What a command costs: the CPU and the memory of its whole process tree, what outlives it included (supervise.py says how).
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findPython } from '../test/support/python.ts';
import { PROJECT } from '../test/support/project.ts';

export interface Measurable {
  run: readonly string[];
  cwd: string;
  env?: Readonly<Record<string, string>> | undefined;
}

export interface Cost {
  /** User and system, of all processes. */
  cpuSeconds: number;
  /** From its start to its own end. */
  wallSeconds: number;
  /** The most that the tree had in memory at one time. What processes of one program share counts once. */
  peakBytes: number;
  /** As many as were seen: those that live for less than 50 ms may be missing here, and are never missing in the CPU. */
  processes: number;
  /** What was still there five seconds after its end, and was killed. */
  leftRunning: number;
}

const SUPERVISOR = path.join(import.meta.dirname, 'supervise.py');

/** The Node.js that this runs on: the one that the project pins. */
export const NODE = process.execPath;

/** @throws Error with the end of what it printed, when its exit code is not 0 */
export async function costOf({ run, cwd, env }: Measurable): Promise<Cost> {
  if (process.platform !== 'linux') throw new Error('The bench reads /proc: it needs Linux.');
  const folder = mkdtempSync(path.join(tmpdir(), 'odin-bench-'));
  const printed = path.join(folder, 'printed.txt');
  const report = path.join(folder, 'report.json');
  const output = openSync(printed, 'w');
  try {
    const supervisor = spawn(await python(), [SUPERVISOR, report, ...run], {
      cwd,
      env: { ...environment(), ...env },
      stdio: ['ignore', output, output],
    });
    const ended = await new Promise<number | string>((resolve) => {
      supervisor.on('error', (error) => resolve(error.message));
      supervisor.on('close', (code, signal) => resolve(code ?? signal ?? 'no exit code'));
    });
    const text = readFileSync(printed, 'utf8');
    if (ended !== 0) throw new Error(`The supervisor of ${run.join(' ')} ended with ${ended}.\n${text.slice(-2000)}`);
    const { exitCode, ...cost } = JSON.parse(readFileSync(report, 'utf8')) as Cost & { exitCode: number };
    if (exitCode !== 0) throw new Error(`${run.join(' ')}: exit code ${exitCode}\n${text.slice(-2000)}`);
    return cost;
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs them in turn, A B A B …, so that a machine which becomes slower makes all of them slower.
 * @returns of each the median of every figure
 */
export async function inTurn<Name extends string>(
  commands: Record<Name, Measurable>,
  { rounds, warmUp }: { rounds: number; warmUp: number },
): Promise<Record<Name, Cost>> {
  const names = Object.keys(commands) as Name[];
  const costs = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Cost[]>;
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const name of names) {
      const cost = await costOf(commands[name]);
      if (round >= 0) costs[name].push(cost);
    }
  }
  return Object.fromEntries(names.map((name) => [name, medianCost(costs[name])])) as Record<Name, Cost>;
}

/** Of each figure for itself. */
export const medianCost = (costs: readonly Cost[]): Cost => {
  const of = (figure: keyof Cost) => median(costs.map((cost) => cost[figure]));
  return {
    cpuSeconds: of('cpuSeconds'),
    wallSeconds: of('wallSeconds'),
    peakBytes: of('peakBytes'),
    processes: of('processes'),
    leftRunning: Math.max(...costs.map(({ leftRunning }) => leftRunning)),
  };
};

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** Without what npm, the user's AWS and a CI add: the commands are to be the same everywhere. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|INIT_CWD|AWS_|CDK_|NODE_OPTIONS|NODE_COMPILE_CACHE|CI$|FORCE_COLOR)/.test(name),
  );
  const tools = [path.join(PROJECT, 'node_modules/.bin'), path.dirname(NODE)];
  return {
    ...Object.fromEntries(kept),
    PATH: [...tools, process.env['PATH'] ?? ''].join(path.delimiter),
    NO_COLOR: '1',
    npm_config_update_notifier: 'false',
  };
}

let found: Promise<string> | undefined;
/** Its real path: a shim of a version manager would be a process of its own. */
async function python(): Promise<string> {
  found ??= findPython(9).then(
    (candidate) =>
      new Promise((resolve, reject) => {
        const child = spawn(candidate, ['-c', 'import sys; print(sys.executable)']);
        child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim()));
        child.once('error', reject);
      }),
  );
  return await found;
}
