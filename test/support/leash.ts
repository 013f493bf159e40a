// Starts a command that cannot outlive this process, its output in a log file.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

export interface Leashed {
  /** The exit code. */
  readonly exited: Promise<number | null>;
  /** Kills the command and everything that it started, and waits until it is gone. */
  kill(): Promise<void>;
}

export interface LeashOptions {
  python: string;
  cwd: string;
  /** The whole environment, but for TMPDIR: nothing is inherited. */
  env: Record<string, string>;
  /** Output is appended here. */
  logFile: string;
}

/** A program that a suite needs is missing, or did not do what it should. */
export class ProgramError extends Error {
  override name = 'ProgramError';
}

export function leash(command: readonly string[], { python, cwd, env, logFile }: LeashOptions): Leashed {
  const log = openSync(logFile, 'a');
  const child = spawn(python, [resolve(import.meta.dirname, 'leash.py'), ...command], {
    cwd,
    env: { TMPDIR: tmpdir(), ...env },
    // A Ctrl-C in the terminal is for this process; the leash follows when the pipe closes.
    detached: true,
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  const exited = new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('exit', done);
  });
  child.stdin?.on('error', () => undefined); // EPIPE when the command ends first.
  return {
    exited,
    async kill() {
      child.stdin?.end();
      await exited;
    },
  };
}

/** The end of a log, for an error message. */
export function lastLines(logFile: string, count = 40): string {
  const text = existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd() : '';
  return [`--- last lines of ${logFile}`, ...text.split('\n').slice(-count)].join('\n');
}
