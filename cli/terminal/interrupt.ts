// Ctrl-C, and what ends a command like it, while a run goes on: the command says what it leaves, and how to go on.
import type { Ending } from './exit-codes.ts';
import { ENDING, exitCodeOfSignal } from './exit-codes.ts';
import { lastWords } from './output.ts';

/**
 * @param leave clears up, and says in lines what is left; nothing else is printed from then on. A second Ctrl-C does not wait for it
 * @returns what the work gives. Not at all when it was interrupted: the process ends, with the exit code that shells give a signal
 */
export async function untilInterrupted<T>(work: () => Promise<T>, leave: () => Promise<string[]>): Promise<T> {
  const listening = onFirstSignal((signal) => {
    void lastWords(leave).finally(() => process.exit(exitCodeOfSignal(signal)));
  });
  try {
    return await work();
  } finally {
    if (listening.hasCome()) await Promise.withResolvers<never>().promise;
    listening.stop();
  }
}

/** Resolves with the first signal that ends a command. */
export const interrupted = (): Promise<Ending> => {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  onFirstSignal(resolve);
  return promise;
};

/**
 * From then on a second Ctrl-C ends the process at once, and the others do nothing: they come more than once by themselves, from a
 * terminal that is closed, its shell, a launcher, and from `timeout`, which ends its process and then the group.
 */
function onFirstSignal(act: (signal: Ending) => void): { hasCome: () => boolean; stop: () => void } {
  let come = false;
  const onSignal = (signal: Ending): void => {
    if (come) return;
    come = true;
    process.off('SIGINT', onSignal);
    act(signal);
  };
  for (const signal of ENDING) process.on(signal, onSignal);
  const stop = (): void => {
    for (const signal of ENDING) process.off(signal, onSignal);
  };
  return { hasCome: () => come, stop };
}
