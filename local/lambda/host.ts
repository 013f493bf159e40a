// Lambda on this machine: every function's bundle runs in child processes of its own, one invocation at a time each,
// warm ones first. Errors, timeouts and crashes are reported as Lambda reports them.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { AwsError } from '../http.ts';
import { END_OF_LOG } from './protocol.ts';
import type { InvokeMessage, WorkerMessage } from './protocol.ts';

export interface LambdaFunctionConfig {
  readonly name: string;
  /** The folder of the bundle. */
  readonly directory: string;
  /** File and export, as in AWS. Default: `index.handler`. */
  readonly handler?: string;
  /** Default: 3, as in AWS. */
  readonly timeoutSeconds?: number | undefined;
  /** Default: 128, as in AWS; here it bounds the JavaScript heap, not buffers. */
  readonly memoryMB?: number | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  /** Only told to the function (AWS_EXECUTION_ENV): it runs on this process's own Node.js. */
  readonly runtime?: string;
}

export interface LambdaLogLine {
  readonly functionName: string;
  /** Undefined for lines written outside an invocation: while loading, or by a timer left behind. */
  readonly requestId: string | undefined;
  readonly line: string;
  readonly stream: 'stdout' | 'stderr';
}

export interface LambdaHostOptions {
  readonly functions: readonly LambdaFunctionConfig[];
  /** What every function gets besides Lambda's own variables; its own `environment` wins. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onLog?: ((line: LambdaLogLine) => void) | undefined;
  /** A folder (absolute) for what Node.js compiled: the next process then starts in two thirds of the time. */
  readonly compileCache?: string | undefined;
  readonly region?: string;
  readonly accountId?: string;
  /** Pauses before the two retries of an asynchronous invocation; AWS waits a minute and two. Default: [50, 100]. */
  readonly asyncRetryDelaysMs?: readonly number[] | undefined;
  /** How long loading the bundle may take before Lambda starts over inside the invocation. Default: 10. */
  readonly initTimeoutSeconds?: number;
  /** Idle processes of all functions together, each about 80 MB; the one that was idle for longest ends. Default: 24. */
  readonly maxIdle?: number;
}

export interface LambdaAnswer {
  readonly requestId: string;
  /** JSON. With a `functionError`: {errorType, errorMessage, trace}. */
  readonly payload: string;
  readonly functionError?: 'Unhandled';
}

export type LambdaHost = ReturnType<typeof createLambdaHost>;

export function createLambdaHost(options: LambdaHostOptions) {
  const region = options.region ?? 'eu-west-1';
  const accountId = options.accountId ?? '000000000000';
  const retryDelays = options.asyncRetryDelaysMs ?? [50, 100];
  const initMs = (options.initTimeoutSeconds ?? 10) * 1000;
  const maxIdle = options.maxIdle ?? 24;
  const functions = new Map<string, LambdaFunctionConfig>();
  /** The one that answered last is the last. */
  let idle: Worker[] = [];
  const alive = new Set<Worker>();
  const background = new Set<Promise<unknown>>();
  let closed = false;

  for (const config of options.functions) functions.set(config.name, config);

  function configOf(nameOrArn: string): LambdaFunctionConfig {
    const name = functionName(nameOrArn);
    const config = functions.get(name);
    if (config) return config;
    const arn = `arn:aws:lambda:${region}:${accountId}:function:${name}`;
    throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
  }

  function spawn(config: LambdaFunctionConfig): Worker {
    if (closed) throw new AwsError('ServiceException', 'The embedded Lambda is closed', 500);
    const environment = {
      ...(options.compileCache !== undefined && { NODE_COMPILE_CACHE: options.compileCache }),
      ...lambdaEnvironment(config, options.environment, region),
    };
    const worker = startWorker(config, environment, options.onLog);
    alive.add(worker);
    void worker.exited.then(() => {
      alive.delete(worker);
      idle = idle.filter((other) => other !== worker);
    });
    return worker;
  }

  /** A process that has loaded the bundle, or the error of loading it. */
  async function acquire(config: LambdaFunctionConfig, requestId: string): Promise<Worker> {
    const warm = idle.findLast((worker) => worker.config === config);
    idle = idle.filter((worker) => worker !== warm);
    if (warm?.running()) return warm;
    const worker = spawn(config);
    if (await settled(worker.loaded, initMs)) return worker;
    // Lambda ends an init phase that takes longer, and runs it again inside the first invocation.
    worker.kill();
    const second = spawn(config);
    if (await settled(second.loaded, timeoutMs(config))) return second;
    second.kill();
    throw timedOut(config, requestId);
  }

  function release(worker: Worker): void {
    const current = functions.get(worker.config.name);
    if (closed || current !== worker.config) worker.kill();
    else if (worker.running()) idle.push(worker);
    if (idle.length > maxIdle) idle.shift()?.kill();
  }

  function killIdle(name: string): void {
    for (const worker of idle.filter(({ config }) => config.name === name)) worker.kill();
    idle = idle.filter(({ config }) => config.name !== name);
  }

  async function run(config: LambdaFunctionConfig, payload: string, requestId: string): Promise<LambdaAnswer> {
    try {
      const functionArn = `arn:aws:lambda:${region}:${accountId}:function:${config.name}`;
      for (let tries = 1; ; tries++) {
        const worker = await acquire(config, requestId);
        const deadline = Date.now() + timeoutMs(config);
        const answer = await worker.invoke({ requestId, payload, deadline, functionArn });
        release(worker);
        if (answer !== 'not started') return answer;
        if (tries === 3) throw new AwsError('ServiceException', `${config.name}: its processes die at once`, 500);
      }
    } catch (error) {
      if (error instanceof FunctionFailure) return failure(requestId, error.payload);
      throw error;
    }
  }

  const host = {
    functionNames: (): string[] => [...functions.keys()],

    function: (nameOrArn: string): LambdaFunctionConfig => configOf(nameOrArn),

    /** Waits for the answer. Throws an AwsError only for what the Invoke API itself refuses. */
    async invoke(nameOrArn: string, payload: string, requestId: string = randomUUID()): Promise<LambdaAnswer> {
      const config = configOf(nameOrArn);
      const event = parsePayload(payload);
      return run(config, event, requestId);
    },

    /** Returns at once; a failed one is tried twice more with the same request id, as Lambda does. */
    invokeAsync(nameOrArn: string, payload: string, requestId: string = randomUUID()): { requestId: string } {
      const config = configOf(nameOrArn);
      const event = parsePayload(payload);
      const work = (async () => {
        for (const delay of [0, ...retryDelays]) {
          if (delay > 0) await sleep(delay);
          if (closed) return;
          const answer = await run(functions.get(config.name) ?? config, event, requestId);
          if (answer.functionError === undefined) return;
        }
      })().catch(() => undefined);
      background.add(work);
      void work.then(() => background.delete(work));
      return { requestId };
    },

    /**
     * Adds and replaces functions by name (a redeployment): later invocations run the new code in new processes,
     * running ones finish with the old.
     */
    updateFunctions(configs: readonly LambdaFunctionConfig[]): void {
      for (const config of configs) {
        functions.set(config.name, { ...config });
        killIdle(config.name);
      }
    },

    removeFunctions(names: readonly string[]): void {
      for (const name of names) {
        functions.delete(name);
        killIdle(name);
      }
    },

    /** Kills every process of a function at once, as a lost machine would. Returns how many there were. */
    killWorkers(nameOrArn: string): number {
      const name = functionName(nameOrArn);
      const victims = [...alive].filter((worker) => worker.config.name === name);
      for (const worker of victims) worker.kill();
      return victims.length;
    },

    workers(nameOrArn: string): number[] {
      const name = functionName(nameOrArn);
      return [...alive].filter((worker) => worker.config.name === name).map((worker) => worker.pid);
    },

    async close(): Promise<void> {
      closed = true;
      const all = [...alive];
      for (const worker of all) worker.kill();
      await Promise.all([...all.map((worker) => worker.exited), ...background]);
    },
  };
  return host;
}

/** A name from a name, an ARN, a partial ARN, or any of them with a qualifier. */
export function functionName(nameOrArn: string): string {
  const match = /^(?:arn:[^:]+:lambda:[^:]*:[^:]*:function:|\d{12}:function:)?([^:]+)(?::[^:]+)?$/.exec(nameOrArn);
  return match?.[1] ?? nameOrArn;
}

/** How an invocation failed, in Lambda's words. */
class FunctionFailure extends Error {
  readonly payload: string;

  constructor(payload: string) {
    super(payload);
    this.payload = payload;
  }
}

interface Worker {
  readonly config: LambdaFunctionConfig;
  readonly pid: number;
  /** Resolves when the bundle is loaded, rejects with a FunctionFailure when it cannot be. */
  readonly loaded: Promise<void>;
  readonly exited: Promise<void>;
  running(): boolean;
  /** `not started` when the process was gone before it saw the message: then another one can take it. */
  invoke(message: InvokeMessage): Promise<LambdaAnswer | 'not started'>;
  kill(): void;
}

interface Current {
  readonly message: InvokeMessage;
  readonly settle: (answer: LambdaAnswer | 'not started') => void;
  /** The streams whose lines of this invocation have all been read. */
  readonly ended: Set<string>;
  started: boolean;
}

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

function startWorker(
  config: LambdaFunctionConfig,
  environment: Record<string, string>,
  onLog: ((line: LambdaLogLine) => void) | undefined,
): Worker {
  const child: ChildProcess = fork(WORKER, [], {
    execPath: process.execPath,
    execArgv: [`--max-old-space-size=${config.memoryMB ?? 128}`, '--enable-source-maps'],
    env: environment,
    cwd: config.directory,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });

  const loaded = Promise.withResolvers<undefined>();
  const exited = Promise.withResolvers<undefined>();
  loaded.promise.catch(() => undefined);
  let current: Current | undefined;
  let answered: LambdaAnswer | undefined;
  let outOfMemory = false;
  let killedFor: 'timeout' | undefined;

  const finish = (answer: LambdaAnswer | 'not started') => {
    const settle = current?.settle;
    current = undefined;
    answered = undefined;
    settle?.(answer);
  };

  const finishIfLogged = () => {
    if (answered && current && current.ended.size === 2) finish(answered);
  };

  const onLine = (stream: 'stdout' | 'stderr') => (line: string) => {
    const mark = line.indexOf(END_OF_LOG);
    const text = mark < 0 ? line : line.slice(0, mark);
    if (stream === 'stderr' && text.includes('JavaScript heap out of memory')) outOfMemory = true;
    if (mark < 0 || text !== '') {
      onLog?.({ functionName: config.name, requestId: current?.message.requestId, line: text, stream });
    }
    if (mark >= 0 && line.slice(mark + END_OF_LOG.length) === current?.message.requestId) {
      current.ended.add(stream);
      finishIfLogged();
    }
  };
  const logs = [readLines(child.stdout, onLine('stdout')), readLines(child.stderr, onLine('stderr'))];

  child.on('message', (message: WorkerMessage) => {
    if (message.type === 'ready') loaded.resolve(undefined);
    else if (message.type === 'init-failed') loaded.reject(new FunctionFailure(message.payload));
    else if (message.requestId !== current?.message.requestId) return;
    else if (message.type === 'started') current.started = true;
    else {
      const { requestId, payload } = message;
      answered = message.failed ? failure(requestId, payload) : { requestId, payload };
      finishIfLogged();
      // A function that has closed its own stdout cannot mark the end there.
      setTimeout(() => current?.message.requestId === requestId && answered && finish(answered), 1000).unref();
    }
  });
  child.on('error', (error) => {
    const payload = { errorType: 'Runtime.InvalidEntrypoint', errorMessage: error.message };
    loaded.reject(new FunctionFailure(JSON.stringify(payload)));
    exited.resolve(undefined);
  });
  child.on('exit', (code, signal) => {
    // A process that the function itself started may hold the streams open for longer.
    void Promise.race([Promise.all(logs), sleep(500, undefined, { ref: false })]).then(() => {
      const requestId = current?.message.requestId ?? '';
      const reason = exitReason(code, outOfMemory ? 'SIGKILL' : signal);
      const payload = { errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${requestId} Error: ${reason}` };
      loaded.reject(new FunctionFailure(JSON.stringify(payload)));
      if (answered) finish(answered);
      else if (current && !current.started && !killedFor) finish('not started');
      else if (current) {
        const text = killedFor === 'timeout' ? timedOut(config, requestId).payload : JSON.stringify(payload);
        finish(failure(requestId, text));
      }
      exited.resolve(undefined);
    });
  });

  return {
    config,
    pid: child.pid ?? -1,
    loaded: loaded.promise,
    exited: exited.promise,
    running: () => child.exitCode === null && child.signalCode === null && child.connected,
    kill: () => void child.kill('SIGKILL'),

    async invoke(message) {
      const { promise, resolve } = Promise.withResolvers<LambdaAnswer | 'not started'>();
      current = { message, settle: resolve, ended: new Set(), started: false };
      const timer = setTimeout(() => {
        killedFor = 'timeout';
        child.kill('SIGKILL');
      }, message.deadline - Date.now());
      child.send(message, (error) => {
        // A process that died while it was idle: its exit is on the way and answers.
        if (error) child.kill('SIGKILL');
      });
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    if (!stream) {
      resolve();
      return;
    }
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine).on('close', resolve);
  });
}

/** The parent's environment stays the parent's, but for what a process needs to live. */
const PASSED = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'LANG', 'SystemRoot'];

function lambdaEnvironment(
  config: LambdaFunctionConfig,
  shared: Readonly<Record<string, string>>,
  region: string,
): Record<string, string> {
  const passed = PASSED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return {
    ...(Object.fromEntries(passed) as Record<string, string>),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    TZ: 'UTC',
    ...shared,
    ...config.environment,
    AWS_LAMBDA_FUNCTION_NAME: config.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memoryMB ?? 128),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${config.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]${randomUUID().replaceAll('-', '')}`,
    AWS_EXECUTION_ENV: `AWS_Lambda_${config.runtime ?? 'nodejs24.x'}`,
    LAMBDA_TASK_ROOT: config.directory,
    LAMBDA_RUNTIME_DIR: config.directory,
    _HANDLER: config.handler ?? 'index.handler',
  };
}

function parsePayload(payload: string): string {
  // An invocation without a payload is an empty event.
  if (payload === '') return '{}';
  try {
    JSON.parse(payload);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AwsError('InvalidRequestContentException', `Could not parse request body into json: ${reason}`);
  }
  return payload;
}

function failure(requestId: string, payload: string): LambdaAnswer {
  return { requestId, payload, functionError: 'Unhandled' };
}

function timedOut(config: LambdaFunctionConfig, requestId: string): FunctionFailure {
  const seconds = (timeoutMs(config) / 1000).toFixed(2);
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
  return new FunctionFailure(JSON.stringify({ errorType: 'Sandbox.Timedout', errorMessage }));
}

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL') return 'Runtime exited with error: signal: killed';
  if (signal === 'SIGABRT') return 'Runtime exited with error: signal: aborted';
  if (signal) return `Runtime exited with error: signal: ${signal.slice(3).toLowerCase()}`;
  return code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${code}`;
}

function timeoutMs(config: LambdaFunctionConfig): number {
  return (config.timeoutSeconds ?? 3) * 1000;
}

/** False when the time is up; the promise's own rejection passes through. */
async function settled(promise: Promise<void>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
