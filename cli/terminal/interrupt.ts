// Ctrl-C, and what ends a command like it, while a run goes on: the command says what it leaves, and how to go on.
import type { Ending } from './exit-codes.ts';
import { ENDING, exitCodeOfSignal } from './exit-codes.ts';
import { lastWords } from './output.ts';

/**
 * @param leave clears up, and says in lines what is left; nothing else is printed from then on. A second Ctrl-C does not wait for it
 * @returns what the work gives. Not at all when it was interrupted: the process ends, with the exit code that shells give a signal
 */
export async function untilInterrupted<T>(work: () => Promise<T>, leave: () => Promise<string[]>): Promise<T> {
  let left = false;
  const onSignal = (signal: Ending): void => {
    left = true;
    stopListening();
    void lastWords(leave).finally(() => process.exit(exitCodeOfSignal(signal)));
  };
  const stopListening = (): void => {
    for (const signal of ENDING) process.off(signal, onSignal);
  };
  for (const signal of ENDING) process.on(signal, onSignal);
  try {
    return await work();
  } finally {
    stopListening();
    if (left) await Promise.withResolvers<never>().promise;
  }
}
