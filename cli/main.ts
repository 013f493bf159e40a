// Runs one command and turns whatever it throws into what, why, and what to type next.
import { isatty } from 'node:tty';
import { CommanderError } from 'commander';
import { asOdinError } from '../core/errors.ts';
import { awsError } from '../client/aws-errors.ts';
import { EXIT, exitCodeOf, exitCodeOfSignal } from './terminal/exit-codes.ts';
import { printError } from './terminal/output.ts';
import { createProgram } from './program.ts';

/** @returns the exit code (exit-codes.ts) */
export async function main(args: string[]): Promise<number> {
  // `… | head` closes the pipe, and a terminal may be closed: the rest of the output is lost, and the command ends as it would have.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
  if (process.stdin.isTTY) leaveClosedTerminal(process.stdin);
  for (const signal of LEAVING) process.on(signal, end);
  let exitCode: number = EXIT.done;
  const program = createProgram((code) => {
    exitCode = code;
  }).exitOverride();
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    // Commander has printed its message, or the help that was asked for.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.done : EXIT.wrong;
    const error = awsError(thrown) ?? asOdinError(thrown);
    printError(error);
    return exitCodeOf(error.code);
  } finally {
    for (const signal of LEAVING) process.off(signal, end);
  }
}

/** A terminal that was closed takes no mode, and of a question that stands there readline would make an uncaught error. */
function leaveClosedTerminal(terminal: NodeJS.ReadStream): void {
  const setRawMode = terminal.setRawMode.bind(terminal);
  terminal.setRawMode = (mode) => (isatty(0) ? setRawMode(mode) : terminal);
}

const LEAVING = ['SIGTERM', 'SIGHUP'] as const;

/** A signal that nobody takes ends a process at once, and its lock would stay. Where somebody else listens, they end it. */
function end(signal: (typeof LEAVING)[number]): void {
  if (process.listenerCount(signal) === 1) process.exit(exitCodeOfSignal(signal));
}
