// Questions at the terminal. Ctrl-C leaves a question without an answer, and the command goes on.
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { confirm, input } from '@inquirer/prompts';
import { OdinError } from '../../core/errors.ts';
import { atTerminal, canBeShown, plain } from './output.ts';

/** @returns the answer, or undefined when it was left by Ctrl-C */
export async function answerTo<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (thrown) {
    if ((thrown as Error).name === 'ExitPromptError') return undefined;
    throw thrown;
  }
}

/**
 * Asks yes or no; no is the default, and what Ctrl-C says.
 * @param said whether the command was told not to ask: then, and where nobody can be asked, it is a yes
 */
export async function agreed(question: string, said: boolean | undefined): Promise<boolean> {
  const message = plain(question);
  if (said === true || !atTerminal()) return true;
  if (canBeShown()) return (await answerTo(confirm({ message, default: false }))) === true;
  const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: false });
  try {
    const left = once(lines, 'close').then(() => 'no');
    return /^\s*y(es)?\s*$/i.test(await Promise.race([lines.question(`${message} (y/N) `), left]));
  } finally {
    lines.close();
  }
}

/**
 * Lets the name be typed of what cannot be brought back.
 * @param said whether the command was told not to ask
 * @throws OdinError BadUsage when it was not, and nobody can be asked
 */
export async function typedName(name: string, said: boolean | undefined): Promise<boolean> {
  if (said === true) return true;
  if (atTerminal()) return (await answerTo(input({ message: `Type ${name} if that is meant:` })))?.trim() === name;
  throw new OdinError({
    code: 'BadUsage',
    source: 'user',
    what: 'Nobody can be asked here, and this cannot be undone.',
    next: 'Say --yes.',
  });
}
