// LocalStack's Step Functions (PyPI) in a process of its own: an interpreter of the states language that shares no code with the
// embedded one nor with the emulator's.
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedAws } from '../../local/embedded-aws.ts';
import { ProgramError, lastLines, leash } from '../support/leash.ts';
import { installPythonProgram } from '../support/python.ts';

export interface Interpreter {
  /** Of its Step Functions API, and of nothing else. */
  readonly endpoint: string;
  close(): Promise<void>;
}

const START_SECONDS = 60;

/** @param aws whose functions it invokes */
export async function startInterpreter(aws: EmbeddedAws): Promise<Interpreter> {
  const python = await installPythonProgram({
    name: 'interpreter',
    requirements: resolve(import.meta.dirname, 'requirements.txt'),
    module: 'localstack',
    oldestMinor: 11,
  });
  const directory = resolve(aws.directory, 'interpreter');
  mkdirSync(directory, { recursive: true });
  const logFile = resolve(directory, 'localstack.log');
  const server = leash([python, resolve(import.meta.dirname, 'host.py')], {
    python,
    cwd: directory,
    env: {
      ...aws.environment,
      // It signs with credentials of its own.
      AWS_ENDPOINT_URL: `${aws.endpoint}/${aws.credentials.accessKeyId}`,
      AWS_ACCOUNT_ID: aws.accountId,
      HOME: directory,
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      PYTHONDONTWRITEBYTECODE: '1',
    },
    logFile,
  });
  const endpoint = await Promise.race([announced(logFile), server.exited.then(() => undefined)]);
  if (endpoint !== undefined) return { endpoint, close: () => server.kill() };
  await server.kill();
  throw new ProgramError(`LocalStack's Step Functions did not start within ${START_SECONDS} s.\n${lastLines(logFile)}`);
}

/** Its first line, or nothing in time. */
async function announced(logFile: string): Promise<string | undefined> {
  const end = Date.now() + START_SECONDS * 1000;
  while (Date.now() < end) {
    const endpoint = /^http:\S+$/m.exec(await readFile(logFile, 'utf8'))?.[0];
    if (endpoint !== undefined) return endpoint;
    await sleep(50);
  }
  return undefined;
}
