// Questions at the terminal. Ctrl-C leaves a question without an answer, and the command goes on.
import { confirm } from '@inquirer/prompts';
import { atTerminal } from './output.ts';

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
export const agreed = async (message: string, said: boolean | undefined): Promise<boolean> =>
  said === true || !atTerminal() || (await answerTo(confirm({ message, default: false }))) === true;
