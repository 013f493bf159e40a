// Starts a process for user code, and takes it away again.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Duplex, Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeThrown } from '../../../core/thrown.ts';
import { VARIABLES } from '../../../core/names/names.ts';
import { FUNCTION_OWN_MB } from '../../../core/names/lambda-limits.ts';
import type { Exit } from './ends.ts';
import { CHANNEL, MessageReader, PIPE, written } from './messages.ts';
import { OutputReader } from './output.ts';
import type { Timing, Listeners, StartProcess, UserProcess } from './supervise.ts';

export interface ProcessSettings {
  /** What it runs: absolute. */
  file: string;
  env: NodeJS.ProcessEnv;
  /** Options of Node.js besides those that every process of user code gets. */
  execArgv?: readonly string[] | undefined;
  /** Has the process one pipe more, after those for its messages, and is given the function's end of it. */
  onPipe?: ((pipe: Duplex) => void) | undefined;
}

export const REAL_CLOCK: Timing = {
  now: () => Date.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** The function's variables and credentials, without what is between Lambda, the function and the ledger. */
export const userEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !FUNCTIONS_OWN.test(name) || FOR_USER_CODE.includes(name)),
  );

/**
 * Of Lambda's own variables: by the runtime's API user code could answer for the function, and the descriptor for its log is not
 * open in another process.
 */
const FUNCTIONS_OWN = /^(ODIN_.*|AWS_LAMBDA_RUNTIME_API|_LAMBDA_TELEMETRY_LOG_FD)$/;
const FOR_USER_CODE: string[] = [VARIABLES.environment, VARIABLES.migration];

/** Of what is not the function's own a fifth is for what a process needs besides objects, its code above all. */
export const heapMB = (functionMB: number): number => Math.floor((functionMB - FUNCTION_OWN_MB) * 0.8);

const functionMB = (): number => Number(process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024);

/** For so long its output is read after its end: a process that it started, and that left its group, may hold the streams. */
const STREAM_PATIENCE_MS = 500;
/** For so long a process may live after it has closed the channel: one that ends closes it a little before. */
const SILENCE_MS = 1_000;

export const startUserProcess =
  ({ file, env, execArgv = [], onPipe }: ProcessSettings): StartProcess =>
  (listeners): UserProcess => {
    const heap = `--max-old-space-size=${heapMB(functionMB())}`;
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, [heap, '--enable-source-maps', ...mayDo(execArgv), file], {
        env,
        stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', ...(onPipe ? (['pipe'] as const) : [])],
        // A process group of its own, so that what it starts ends with it. A Ctrl-C in a terminal is for its function alone.
        detached: true,
      });
    } catch (thrown) {
      return { send: nothing, kill: nothing, gone: Promise.resolve(notStarted(thrown)) };
    }
    const kill = () => {
      killGroup(child);
    };
    // Should the function end itself.
    process.once('exit', kill);
    preferForOutOfMemory(child);
    const toChild = child.stdio[CHANNEL.read] as Writable;
    toChild.on('error', nothing); // it is gone, and says so
    const pipe = (child.stdio as readonly unknown[])[PIPE] as Duplex | null | undefined; // its type knows of five
    if (pipe) onPipe?.(pipe);
    return {
      send: (message) => void toChild.write(written(message)),
      kill,
      gone: goneOf(child, listeners).finally(() => {
        process.off('exit', kill);
      }),
    };
  };

/** What the function's own process may not, as on this machine, user code may not either; a preview's may less. */
const mayDo = (execArgv: readonly string[]): readonly string[] =>
  execArgv.includes('--permission')
    ? execArgv
    : [...process.execArgv.filter((option) => /^--(permission$|allow-|disable-warning=)/.test(option)), ...execArgv];

const nothing = (): void => undefined;

const notStarted = (thrown: unknown): Exit => ({ code: null, signal: null, notStarted: describeThrown(thrown) });

async function goneOf(child: ChildProcess, { message, line }: Listeners): Promise<Exit> {
  let heapFull = false;
  let silent = false;
  const printed = [
    follow(child.stdout, new OutputReader('info', line)),
    follow(
      child.stderr,
      new OutputReader('warn', (words) => {
        if (words.text.includes('JavaScript heap out of memory')) heapFull = true;
        line(words);
      }),
    ),
  ];
  const said = follow(child.stdio[CHANNEL.write] as Readable, new MessageReader(message));
  void said.then(async () => {
    await sleep(SILENCE_MS, undefined, { ref: false });
    if (child.exitCode !== null || child.signalCode !== null) return;
    silent = true;
    killGroup(child);
  });

  const exit = await new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      resolve(notStarted(error));
    });
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  killGroup(child); // what it started
  const followed = Promise.all([...printed, said]);
  await Promise.race([followed, sleep(STREAM_PATIENCE_MS)]);
  for (const stream of child.stdio) stream?.destroy();
  await followed;
  return { ...exit, silent, heapFull: heapFull && exit.signal === 'SIGABRT' };
}

interface Reader {
  write: (chunk: Buffer) => void;
  end: () => void;
}

/** Resolves when there is nothing more to read. */
async function follow(stream: Readable | null, reader: Reader): Promise<void> {
  try {
    for await (const chunk of stream ?? []) reader.write(chunk as Buffer);
  } catch {
    // The process could not be started, or a process that it started holds the stream: then nobody reads on.
  } finally {
    reader.end();
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL'); // no group of that number: it is gone, or groups are not known here
  }
}

/** When the function's memory is used up, the kernel is to end this process, and not the function, which tells of it. */
function preferForOutOfMemory({ pid }: ChildProcess): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  } catch {
    // It could not be started, or this is no Linux.
  }
}
