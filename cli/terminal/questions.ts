// Questions at the terminal. Ctrl-C leaves a question without an answer, and the command goes on.

/** @returns the answer, or undefined when it was left by Ctrl-C */
export async function answerTo<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question;
  } catch (thrown) {
    if ((thrown as Error).name === 'ExitPromptError') return undefined;
    throw thrown;
  }
}
