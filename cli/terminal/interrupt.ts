// Ctrl-C, and what ends a command like it, while a run goes on: the command says what it leaves, and how to go on.
import { constants } from 'node:os';
import { lastWords } from './output.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * @param leave clears up, and says in lines what is left; nothing else is printed from then on. A second Ctrl-C does not wait for it
 * @returns what the work gives. Not at all when it was interrupted: the process ends, with the exit code that shells give a signal
 */
export async function untilInterrupted<T>(work: () => Promise<T>, leave: () => Promise<string[]>): Promise<T> {
  let left = false;
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    left = true;
    stopListening();
    void lastWords(leave).finally(() => process.exit(128 + constants.signals[signal]));
  };
  const stopListening = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await work();
  } finally {
    stopListening();
    if (left) await Promise.withResolvers<never>().promise;
  }
}
