// The execution that carries a run on in place of another one.
import type { RunInput } from '../../core/contract/payloads.ts';
import type { Executions } from '../../core/contract/ports.ts';
import { continuingExecutionName } from '../../core/names/names.ts';

/**
 * Starts it under a fixed name, so that it is started once, whoever comes first. If the execution of that name has ended, or is
 * `instead`, the next name is taken.
 * @param entry the log's entry from which it goes on
 * @param instead ARN of the execution that it takes over from
 * @returns the ARN of one that is alive
 */
export async function continueRun(
  executions: Pick<Executions, 'start' | 'isAlive'>,
  entry: number,
  input: RunInput,
  instead?: string,
): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const { execution, existed } = await executions.start(continuingExecutionName(entry, tries), input);
    if (!existed || (execution !== instead && (await executions.isAlive(execution)))) return execution;
  }
}
