// What checks the model: `spin` and `gcc`, and what they make.
import type { ExecFileException } from 'node:child_process';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';

/** Exit codes as a shell would give them. */
export const TOOK_TOO_LONG = 124;
const NOT_THERE = 127;

/** The compiler takes a quarter of a minute, and many times that on a machine that is busy. */
export const COMPILE_MS = 600_000;

export interface Run {
  code: number;
  /** What it wrote, to both of its outputs. */
  output: string;
}

/** Runs to its end, whatever its exit code; a tool that is not there, or that was ended, is an exit code of its own. */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  timeout: number,
  env: Record<string, string> = {},
): Promise<Run> {
  const options = { cwd, timeout, maxBuffer: 64 << 20, env: { ...process.env, ...env } };
  return new Promise((resolve) => {
    execFile(command, [...args], options, (error, stdout, stderr) => {
      resolve({ code: exitCodeOf(error), output: `${stdout}${stderr}` });
    });
  });
}

function exitCodeOf(error: ExecFileException | null): number {
  if (error === null) return 0;
  if (error.killed === true) return TOOK_TOO_LONG;
  return typeof error.code === 'number' ? error.code : NOT_THERE;
}

export async function assertTools(): Promise<void> {
  for (const [tool, args] of [
    ['spin', ['-V']],
    ['gcc', ['--version']],
  ] as const) {
    const { code } = await run(tool, args, tmpdir(), 10_000);
    if (code !== 0) {
      throw new Error(
        `'${tool}' is needed to check the model, and cannot be run. Type: apt-get install spin gcc libc6-dev`,
      );
    }
  }
}
