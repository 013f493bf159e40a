/* eslint-disable no-console -- this file is what stands between user code's console and the log */
// The console of user code: each call becomes one frame on the stream that it would have been written to, so that the
// function's log has it in one piece, with its level, in order with everything else on that stream.
import { Console } from 'node:console';
import { format } from './node-util.ts';
import type { Level } from './output.ts';
import { framed, piecesOf } from './output.ts';

const LEVELS = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' } as const satisfies Record<
  string,
  Level
>;

/** @returns its `warn`, which user code may replace in the console */
export function frameConsole(): (sentence: string) => void {
  // It ignores errors of the streams, as the console does: a migration may have closed them.
  const plain = new Console({ stdout: process.stdout, stderr: process.stderr });
  for (const method of Object.keys(LEVELS) as (keyof typeof LEVELS)[]) {
    const level = LEVELS[method];
    const write = level === 'warn' || level === 'error' ? plain.error.bind(plain) : plain.log.bind(plain);
    console[method] = (...args: unknown[]) => {
      for (const text of piecesOf(format(...args))) write(framed({ level, text }));
    };
  }
  return console.warn;
}
