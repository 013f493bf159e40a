// The execution that carries a run on in place of another one.
import type { RunInput } from '../../core/contract/payloads.ts';
import type { Executions } from '../../core/contract/ports.ts';
import { carriesOnAfter, continuingExecutionName } from '../../core/names/names.ts';

type Asked = Pick<Executions, 'start' | 'isAlive'>;

/**
 * Starts it under a fixed name, so that it is started once, whoever comes first. If the execution of that name has ended, or does not
 * come after `instead`, the next name is taken.
 * @param entry the log's entry from which it goes on
 * @param instead ARN of the execution that it takes over from
 * @returns the ARN of one that is alive
 */
export async function continueRun(
  executions: Asked,
  entry: number,
  input: RunInput,
  instead?: string,
): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const execution = await startedOrAlive(executions, continuingExecutionName(entry, tries), input);
    if (execution !== undefined && (instead === undefined || carriesOnAfter(execution, instead))) return execution;
  }
}

/** As `continueRun`, with so many names at most; undefined when the executions of all of them have ended. */
export async function continueRunAtMost(
  names: number,
  executions: Asked,
  entry: number,
  input: RunInput,
): Promise<string | undefined> {
  for (let tries = 1; tries <= names; tries += 1) {
    const execution = await startedOrAlive(executions, continuingExecutionName(entry, tries), input);
    if (execution !== undefined) return execution;
  }
  return undefined;
}

async function startedOrAlive(executions: Asked, name: string, input: RunInput): Promise<string | undefined> {
  const { execution, existed } = await executions.start(name, input);
  return !existed || (await executions.isAlive(execution)) ? execution : undefined;
}
