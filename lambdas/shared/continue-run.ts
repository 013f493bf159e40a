// The execution that carries a run on in place of another one.
import type { Executions } from '../../core/contract/ports.ts';

/**
 * Starts it under a fixed name, so that it is started once, whoever comes first. If the execution of that name has ended, the
 * next name is taken.
 * @returns the ARN of one that is alive
 */
export async function continueRun(
  executions: Pick<Executions, 'start' | 'isAlive'>,
  nameOf: (tries: number) => string,
  input: object,
): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const { execution, existed } = await executions.start(nameOf(tries), input);
    if (!existed || (await executions.isAlive(execution))) return execution;
  }
}
