// One sandbox: a process that has loaded a function's bundle and runs one invocation at a time. Between two invocations it
// is frozen, with all that it started, as AWS does it (docs/aws-facts.md). It may become another function's that leaves nothing
// behind either (functions.ts): on AWS each has one of its own, and here that would be most of the time and of the memory.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { LEAST_EPHEMERAL_STORAGE_MB } from '../../core/names/lambda-limits.ts';
import { sandboxWorker } from '../../project/package.ts';
import type { CodePlace } from './code.ts';
import type { LambdaAnswer, LambdaFunctionConfig, LambdaLogLine } from './functions.ts';
import { failedAnswer, FunctionFailure, timeoutFailure } from './functions.ts';
import type { Freezer } from './processes.ts';
import { endAllStartedWith, killAll } from './processes.ts';
import { END_OF_LOG } from './protocol.ts';
import type { BecomeMessage, InvokeMessage, WorkerMessage } from './protocol.ts';

/** How an invocation came out. `not started`: the process was gone before it saw it, so that another one can take it. */
export type Invoked = LambdaAnswer | 'not started';

interface Current {
  readonly message: InvokeMessage;
  readonly settle: (answer: Invoked) => void;
  /** The streams whose lines of this invocation have all been read. */
  readonly ended: Set<string>;
  /** The process has seen it. */
  started: boolean;
  /** Kept until all its lines have been read. */
  answer: LambdaAnswer | undefined;
}

/** The answer waits so long for the marks at the end of the lines: a function may have closed its stdout. */
const LOG_PATIENCE_MS = 1_000;
/** So long its output is read after its exit: a process that the function itself started may hold the streams open. */
const STREAM_PATIENCE_MS = 500;
/** How often a function's temporary folder is looked at while it runs: for people. */
const STORAGE_LOOK_MS = 1_000;
/** A process keeps the clients of all the functions that it has been: a megabyte each. */
const MAX_FUNCTIONS = 50;

/** A function, where its code lies, and all variables of its process. */
export interface SandboxFunction {
  readonly config: LambdaFunctionConfig;
  readonly place: CodePlace;
  readonly environment: NodeJS.ProcessEnv;
}

export interface NodeProgram {
  readonly path: string;
  /** `24.21.0` */
  readonly version: string;
}

export interface SandboxSettings {
  readonly onLog: ((line: LambdaLogLine) => void) | undefined;
  readonly freezer: Freezer;
  readonly node: NodeProgram;
  readonly compileCache: string | undefined;
  /** The folder in which it makes its own `/tmp`, which goes with it. */
  readonly tmp: string;
}

export class Sandbox {
  readonly pid: number;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #onLog: ((line: LambdaLogLine) => void) | undefined;
  readonly #freezer: Freezer;
  readonly #tmp: string;
  /** Lets it go on; undefined while it is not frozen. */
  #thaw: (() => void) | undefined;
  #function: SandboxFunction;
  /** How many functions' it was. */
  #functions = 1;
  #loaded = loading();
  /** Why the bundle could not be loaded, as its process says it: it ends itself then. */
  #loadFailure: string | undefined;
  readonly #exited = Promise.withResolvers<undefined>();
  /** The invocation under way. */
  #current: Current | undefined;
  #outOfMemory = false;
  #timedOut = false;
  /** Its process has answered, and ends itself. */
  #ends = false;
  #childless = false;

  constructor(its: SandboxFunction, { onLog, freezer, node, compileCache, tmp }: SandboxSettings) {
    const { config, place } = its;
    this.#function = its;
    this.#freezer = freezer;
    this.#onLog = onLog;
    this.#tmp = mkdtempSync(path.join(tmp, 'sandbox-'));
    this.exited = this.#exited.promise;
    void this.exited.then(() => {
      rmSync(this.#tmp, { recursive: true, force: true });
    });
    this.#child = fork(sandboxWorker, [place.handler], {
      execPath: node.path,
      // Without the second it takes 50 MB more before it first clears up: a run has several of these at once.
      execArgv: [
        `--max-old-space-size=${config.memoryMB ?? 128}`,
        '--max-semi-space-size=2',
        '--enable-source-maps',
        ...readOnly(node, [this.#tmp, ...(compileCache === undefined ? [] : [compileCache])]),
      ],
      env: { NODE_COMPILE_CACHE: compileCache, ...this.#environmentOf(its) },
      cwd: place.directory,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.pid = this.#child.pid ?? -1;
    const logs = (['stdout', 'stderr'] as const).map((stream) =>
      readLines(this.#child[stream], (line) => {
        this.#onLine(stream, line);
      }),
    );
    this.#child.on('message', (message: WorkerMessage) => {
      this.#onMessage(message);
    });
    this.#child.on('error', (error) => {
      const payload = { errorType: 'Runtime.InvalidEntrypoint', errorMessage: error.message };
      this.#loaded.reject(new FunctionFailure(JSON.stringify(payload)));
      this.#exited.resolve(undefined);
    });
    this.#child.on('exit', (code, signal) => {
      const read = Promise.race([Promise.all(logs), sleep(STREAM_PATIENCE_MS, undefined, { ref: false })]);
      void read.then(() => {
        this.#onExit(code, signal);
      });
    });
  }

  get config(): LambdaFunctionConfig {
    return this.#function.config;
  }

  /** Resolves when the bundle is loaded, rejects with a FunctionFailure when it cannot be. */
  get loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  isOfTheSameCode({ place }: SandboxFunction): boolean {
    return place.common !== undefined && place.common === this.#function.place.common;
  }

  /** Resolves when its process has ended, to whether surely nothing is left of what it had started for this function. */
  async gone(): Promise<boolean> {
    await this.exited;
    return await endAllStartedWith(`${LOG_STREAM}=${this.#function.environment[LOG_STREAM] ?? ''}`);
  }

  /** Between two invocations: from now on it is another function's. @returns false: it has been enough of them */
  become(its: SandboxFunction): boolean {
    if (this.#functions === MAX_FUNCTIONS) return false;
    this.#goOn();
    this.#function = its;
    this.#functions += 1;
    this.#loaded = loading();
    rmSync(this.#tmp, { recursive: true, force: true });
    mkdirSync(this.#tmp);
    this.#send({ type: 'become', handler: its.place.handler, environment: this.#environmentOf(its) });
    return true;
  }

  running(): boolean {
    return !this.#ends && this.#child.exitCode === null && this.#child.signalCode === null && this.#child.connected;
  }

  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) killAll(this.pid);
  }

  async invoke(message: InvokeMessage): Promise<Invoked> {
    this.#goOn();
    const { promise, resolve } = Promise.withResolvers<Invoked>();
    this.#current = { message, settle: resolve, ended: new Set(), started: false, answer: undefined };
    const timer = setTimeout(() => {
      this.#timedOut = true;
      this.kill();
    }, message.deadline - Date.now());
    const watch = this.#watchStorage();
    this.#send(message);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      watch.end();
      if (this.running()) this.#thaw = this.#freezer.freeze(this.pid, this.#childless);
    }
  }

  /** Of each function that it is: what is in the folder is gone when it becomes another. */
  #environmentOf({ environment }: SandboxFunction): NodeJS.ProcessEnv {
    return { ...environment, TMPDIR: this.#tmp };
  }

  /** Nothing here keeps the folder from growing: what would have failed in Lambda is told, once in an invocation. */
  #watchStorage(): { end: () => void } {
    const most = this.config.ephemeralStorageMB ?? LEAST_EPHEMERAL_STORAGE_MB;
    const look = () => {
      const found = bytesBelow(this.#tmp) / 1024 ** 2;
      if (found <= most) return;
      clearInterval(timer);
      looked = true;
      const message = `${Math.ceil(found)} MB are in the temporary folder, of which this function has ${most} MB in Lambda (ephemeralStorageMB): there, writing more fails (ENOSPC).`;
      const { name: functionName } = this.config;
      const requestId = this.#current?.message.requestId;
      const line = JSON.stringify({ level: 'WARN', message, from: 'migration' });
      this.#onLog?.({ functionName, requestId, line, stream: 'stderr' });
    };
    let looked = false;
    const timer = setInterval(look, STORAGE_LOOK_MS).unref();
    return {
      end: () => {
        clearInterval(timer);
        if (!looked) look();
      },
    };
  }

  #goOn(): void {
    this.#thaw?.();
    this.#thaw = undefined;
  }

  #send(message: BecomeMessage | InvokeMessage): void {
    this.#child.send(message, (error) => {
      // A process that died while it was idle: its exit is on the way and answers.
      if (error) this.kill();
    });
  }

  // --- what the process tells ------------------------------------------------------------------------------------

  #onMessage(message: WorkerMessage): void {
    if (message.type === 'ready') {
      this.#loaded.resolve(undefined);
      return;
    }
    if (message.type === 'init-failed') {
      this.#loadFailure = message.payload; // told when it has ended, and its lines have been read
      return;
    }
    const current = this.#current;
    if (!current || message.requestId !== current.message.requestId) return;
    if (message.type === 'started') {
      current.started = true;
      return;
    }
    const { requestId, payload } = message;
    this.#ends = message.last;
    this.#childless = message.childless;
    current.answer = message.failed ? failedAnswer(requestId, payload) : { requestId, payload };
    this.#finishIfLogged();
    setTimeout(() => {
      if (this.#current === current && current.answer) this.#finish(current.answer);
    }, LOG_PATIENCE_MS).unref();
  }

  #onLine(stream: 'stdout' | 'stderr', line: string): void {
    const mark = line.indexOf(END_OF_LOG);
    const text = mark < 0 ? line : line.slice(0, mark);
    const requestId = this.#current?.message.requestId;
    if (stream === 'stderr' && text.includes('JavaScript heap out of memory')) this.#outOfMemory = true;
    if (mark < 0 || text !== '') this.#onLog?.({ functionName: this.config.name, requestId, line: text, stream });
    if (mark >= 0 && line.slice(mark + END_OF_LOG.length) === requestId) {
      this.#current?.ended.add(stream);
      this.#finishIfLogged();
    }
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    const current = this.#current;
    const requestId = current?.message.requestId ?? '';
    const reason = exitReason(code, this.#outOfMemory ? 'SIGKILL' : signal);
    const payload = { errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${requestId} Error: ${reason}` };
    this.#loaded.reject(new FunctionFailure(this.#loadFailure ?? JSON.stringify(payload)));
    if (current?.answer) this.#finish(current.answer);
    else if (current && !current.started && !this.#timedOut) this.#finish('not started');
    else if (current) {
      const text = this.#timedOut ? timeoutFailure(this.config, requestId).payload : JSON.stringify(payload);
      this.#finish(failedAnswer(requestId, text));
    }
    this.#exited.resolve(undefined);
  }

  #finishIfLogged(): void {
    const current = this.#current;
    if (current?.answer && current.ended.size === 2) this.#finish(current.answer);
  }

  #finish(answer: Invoked): void {
    const current = this.#current;
    this.#current = undefined;
    current?.settle(answer);
  }
}

function bytesBelow(folder: string): number {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return files.reduce((sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).size, 0);
  } catch {
    return 0; // what was there a moment ago is gone
  }
}

function loading(): PromiseWithResolvers<undefined> {
  const loaded = Promise.withResolvers<undefined>();
  loaded.promise.catch(() => undefined);
  return loaded;
}

/** Lambda's own variable that no other sandbox has with this value. */
const LOG_STREAM = 'AWS_LAMBDA_LOG_STREAM_NAME';

/** What a program writes to that is no file. Not the folder: memory that processes share lies in it, which Lambda has not, and disks. */
const DEVICES = ['null', 'zero', 'full', 'tty', 'stdout', 'stderr', 'fd/1', 'fd/2'].map((name) => `/dev/${name}`);

/**
 * Node.js's permissions stand for Lambda's file system: everything can be read, and nothing written but what is named, devices, and what the
 * kernel keeps of its processes. What else permissions can forbid is allowed. A program that is no Node.js is not held.
 */
const readOnly = ({ version }: NodeProgram, writable: readonly string[]): string[] => [
  '--permission',
  '--allow-fs-read=*',
  ...[...writable, ...DEVICES, '/proc'].map((folder) => `--allow-fs-write=${folder}`),
  '--allow-child-process',
  '--allow-worker',
  '--allow-addons',
  '--allow-wasi',
  ...(Number.parseInt(version, 10) >= 25 ? ['--allow-net'] : []),
  '--disable-warning=SecurityWarning', // of what is allowed here
];

/** The parent's environment stays the parent's, but for what a process needs to live. */
const PASSED = ['PATH', 'HOME', 'TEMP', 'LANG', 'SystemRoot'];

export function lambdaEnvironment(
  config: LambdaFunctionConfig,
  directory: string,
  shared: Readonly<Record<string, string>>,
  region: string,
): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(PASSED.map((name) => [name, process.env[name]])),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    TZ: ':UTC', // as Lambda writes it (docs/aws-facts.md)
    ...shared,
    ...config.environment,
    AWS_LAMBDA_FUNCTION_NAME: config.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memoryMB ?? 128),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${config.name}`,
    [LOG_STREAM]: `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`,
    AWS_EXECUTION_ENV: `AWS_Lambda_${config.runtime ?? 'nodejs24.x'}`,
    LAMBDA_TASK_ROOT: directory,
    LAMBDA_RUNTIME_DIR: directory,
    _HANDLER: config.handler ?? 'index.handler',
  };
}

/** Not by Node.js's readline, for which U+2028 in a record ends it. */
async function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream ?? []) {
    const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
  if (rest !== '') onLine(rest);
}

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL') return 'Runtime exited with error: signal: killed';
  if (signal === 'SIGABRT') return 'Runtime exited with error: signal: aborted';
  if (signal) return `Runtime exited with error: signal: ${signal.slice(3).toLowerCase()}`;
  return code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}
