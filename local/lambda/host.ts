// Lambda on this machine: functions run in child processes, one invocation at a time in each, warm ones first. Errors, timeouts
// and crashes are reported as Lambda reports them.

import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsError } from '../http.ts';
import { aloneAt, CodeFolder } from './code.ts';
import type { LambdaAnswer, LambdaFunctionConfig, LambdaLogLine } from './functions.ts';
import { failedAnswer, FunctionFailure, functionName, timeoutFailure, timeoutMs } from './functions.ts';
import { Freezer } from './processes.ts';
import type { NodeProgram, SandboxFunction } from './sandbox.ts';
import { lambdaEnvironment, Sandbox } from './sandbox.ts';

export type { LambdaAnswer, LambdaFunctionConfig, LambdaLogLine } from './functions.ts';

export interface LambdaHostOptions {
  readonly functions: readonly LambdaFunctionConfig[];
  /** What a function gets besides Lambda's own variables; its own `environment` wins. */
  readonly environment: (config: LambdaFunctionConfig) => Readonly<Record<string, string>>;
  readonly onLog?: ((line: LambdaLogLine) => void) | undefined;
  /**
   * Told, before it is answered, of an invocation whose process has ended in it, when surely nothing is left of what that had started.
   */
  readonly onGone?: ((requestId: string) => Promise<void>) | undefined;
  /** A folder (absolute) for what Node.js compiled: the next process then starts in two thirds of the time. */
  readonly compileCache?: string | undefined;
  /** A folder (absolute) for the code of functions that share processes (`ownFiles`). Without it none does. */
  readonly code?: string | undefined;
  /** The Node.js that runs the functions; the one of this process without it. */
  readonly node?: NodeProgram | undefined;
  /** A folder (absolute), emptied now, in which each sandbox has its `/tmp`; one of the system's own without it, for a while. */
  readonly tmp?: string | undefined;
  readonly region?: string | undefined;
  readonly accountId?: string | undefined;
  /** Pauses before the two retries of an asynchronous invocation; AWS waits a minute and two. Default: [50, 100]. */
  readonly asyncRetryDelaysMs?: readonly number[] | undefined;
  /** How long loading the bundle may take before Lambda starts over inside the invocation. Default: 10. */
  readonly initTimeoutSeconds?: number | undefined;
  /** Idle processes of all functions together, each about 80 MB; the one that was idle for longest ends. Default: 8. */
  readonly maxIdle?: number | undefined;
}

export class LambdaHost {
  readonly #options: LambdaHostOptions;
  readonly #region: string;
  readonly #accountId: string;
  readonly #functions = new Map<string, LambdaFunctionConfig>();
  /** In the order of their last answers. */
  #idle: Sandbox[] = [];
  readonly #alive = new Set<Sandbox>();
  /** Asynchronous invocations under way. */
  readonly #background = new Set<Promise<unknown>>();
  readonly #freezer = new Freezer();
  readonly #code: CodeFolder | undefined;
  readonly #tmp: string;
  #closed = false;

  constructor(options: LambdaHostOptions) {
    this.#options = options;
    this.#region = options.region ?? 'eu-west-1';
    this.#accountId = options.accountId ?? '000000000000';
    if (options.code !== undefined) this.#code = new CodeFolder(options.code);
    this.#tmp = emptyFolder(options.tmp);
    // What a process may write has to be there when it starts.
    if (options.compileCache !== undefined) mkdirSync(options.compileCache, { recursive: true });
    for (const config of options.functions) this.#functions.set(config.name, config);
  }

  functionNames(): string[] {
    return [...this.#functions.keys()];
  }

  /** @throws AwsError ResourceNotFoundException */
  configOf(nameOrArn: string): LambdaFunctionConfig {
    const name = functionName(nameOrArn);
    const config = this.#functions.get(name);
    if (config) return config;
    throw new AwsError('ResourceNotFoundException', `Function not found: ${this.#arnOf(name)}`, 404);
  }

  /** Waits for the answer. Throws an AwsError only for what the Invoke API itself refuses. */
  async invoke(nameOrArn: string, payload: string, requestId: string = randomUUID()): Promise<LambdaAnswer> {
    const config = this.configOf(nameOrArn);
    return await this.#run(config, parsePayload(payload), requestId);
  }

  /** Returns at once. One that fails is tried twice more with the same request id, as Lambda does; then a log line gives it up. */
  invokeAsync(nameOrArn: string, payload: string, requestId: string = randomUUID()): { requestId: string } {
    const config = this.configOf(nameOrArn);
    const event = parsePayload(payload);
    const work = this.#runWithRetries(config, event, requestId);
    this.#background.add(work);
    void work.then(() => this.#background.delete(work));
    return { requestId };
  }

  /**
   * Adds and replaces functions by name (a redeployment): later invocations run the new code in new processes,
   * running ones finish with the old.
   */
  updateFunctions(configs: readonly LambdaFunctionConfig[]): void {
    for (const config of configs) {
      // A new object: a sandbox of the old code is known by the object that it was started with.
      this.#functions.set(config.name, { ...config });
      this.#killIdle(config.name);
    }
  }

  removeFunctions(names: readonly string[]): void {
    for (const name of names) {
      this.#functions.delete(name);
      this.#killIdle(name);
    }
  }

  /** Kills every process of a function at once, as a lost machine would. Returns how many there were. */
  killProcesses(nameOrArn: string): number {
    const victims = this.#aliveOf(nameOrArn);
    for (const sandbox of victims) sandbox.kill();
    return victims.length;
  }

  /** The ids of a function's processes. */
  processIds(nameOrArn: string): number[] {
    return this.#aliveOf(nameOrArn).map(({ pid }) => pid);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#alive];
    for (const sandbox of all) sandbox.kill();
    await Promise.all([...all.map(({ exited }) => exited), ...this.#background]);
    this.#freezer.close();
    rmSync(this.#tmp, { recursive: true, force: true });
  }

  // --- one invocation --------------------------------------------------------------------------------------------

  async #runWithRetries(config: LambdaFunctionConfig, event: string, requestId: string): Promise<void> {
    const { asyncRetryDelaysMs = [50, 100], onLog } = this.#options;
    let failure = '';
    for (const delay of [0, ...asyncRetryDelaysMs]) {
      if (delay > 0) await sleep(delay);
      if (this.#closed) return;
      try {
        const answer = await this.#run(this.#functions.get(config.name) ?? config, event, requestId);
        if (answer.functionError === undefined) return;
        failure = answer.payload;
      } catch (error) {
        failure = String(error); // of the service itself, and not of the function
      }
    }
    // AWS drops it here too, where no destination for failures is configured.
    const line = `An asynchronous invocation of ${config.name} is given up: ${failure}`;
    onLog?.({ functionName: config.name, requestId, line, stream: 'stderr' });
  }

  async #run(config: LambdaFunctionConfig, payload: string, requestId: string): Promise<LambdaAnswer> {
    try {
      const functionArn = this.#arnOf(config.name);
      for (let tries = 1; ; tries++) {
        const { sandbox, deadline } = await this.#acquire(config, requestId);
        const answer = await sandbox.invoke({ type: 'invoke', requestId, payload, deadline, functionArn });
        this.#release(sandbox);
        if (answer !== 'not started') {
          if (!this.#closed && !sandbox.running() && (await sandbox.gone())) await this.#options.onGone?.(requestId);
          return answer;
        }
        if (tries === 3) throw new AwsError('ServiceException', `${config.name}: its processes die at once`, 500);
      }
    } catch (error) {
      if (error instanceof FunctionFailure) return failedAnswer(requestId, error.payload);
      throw error;
    }
  }

  // --- sandboxes -------------------------------------------------------------------------------------------------

  /** A process that has loaded the bundle, and the end of the invocation's time; or the error of loading it. */
  async #acquire(config: LambdaFunctionConfig, requestId: string): Promise<{ sandbox: Sandbox; deadline: number }> {
    const fromNow = () => Date.now() + timeoutMs(config);
    const warm = this.#take((sandbox) => sandbox.config === config);
    if (warm) return { sandbox: warm, deadline: fromNow() };
    const its = this.#functionOf(config);
    const first = this.#become(its) ?? this.#start(its);
    if (await settledWithin(first.loaded, (this.#options.initTimeoutSeconds ?? 10) * 1000)) {
      return { sandbox: first, deadline: fromNow() };
    }
    // Lambda ends an init phase that takes longer, and runs it again inside the first invocation: on the invocation's time.
    first.kill();
    const deadline = fromNow();
    const second = this.#start(its);
    if (await settledWithin(second.loaded, timeoutMs(config))) return { sandbox: second, deadline };
    second.kill();
    throw timeoutFailure(config, requestId);
  }

  /** The one that was idle for the shortest time, of those that run. */
  #take(fits: (sandbox: Sandbox) => boolean): Sandbox | undefined {
    const found = this.#idle.findLast((sandbox) => sandbox.running() && fits(sandbox));
    this.#idle = this.#idle.filter((sandbox) => sandbox !== found);
    return found;
  }

  /** An idle process that has loaded the same code for another function. */
  #become(its: SandboxFunction): Sandbox | undefined {
    const found = this.#take((sandbox) => sandbox.isOfTheSameCode(its));
    if (found?.become(its)) return found;
    found?.kill();
    return undefined;
  }

  #functionOf(config: LambdaFunctionConfig): SandboxFunction {
    const place = this.#code?.placeOf(config) ?? aloneAt(config);
    const environment = lambdaEnvironment(config, place.directory, this.#options.environment(config), this.#region);
    return { config, place, environment };
  }

  #start(its: SandboxFunction): Sandbox {
    if (this.#closed) throw new AwsError('ServiceException', 'The embedded Lambda is closed', 500);
    const { compileCache, node = THIS_NODE, onLog } = this.#options;
    const sandbox = new Sandbox(its, { onLog, freezer: this.#freezer, node, compileCache, tmp: this.#tmp });
    this.#alive.add(sandbox);
    void sandbox.exited.then(() => {
      this.#alive.delete(sandbox);
      this.#idle = this.#idle.filter((other) => other !== sandbox);
    });
    return sandbox;
  }

  #release(sandbox: Sandbox): void {
    const current = this.#functions.get(sandbox.config.name);
    if (this.#closed || current !== sandbox.config) sandbox.kill();
    else if (sandbox.running()) this.#idle.push(sandbox);
    if (this.#idle.length > (this.#options.maxIdle ?? 8)) this.#idle.shift()?.kill();
  }

  #killIdle(name: string): void {
    for (const sandbox of this.#idle.filter(({ config }) => config.name === name)) sandbox.kill();
    this.#idle = this.#idle.filter(({ config }) => config.name !== name);
  }

  #aliveOf(nameOrArn: string): Sandbox[] {
    const name = functionName(nameOrArn);
    return [...this.#alive].filter(({ config }) => config.name === name);
  }

  #arnOf(name: string): string {
    return `arn:aws:lambda:${this.#region}:${this.#accountId}:function:${name}`;
  }
}

const THIS_NODE: NodeProgram = { path: process.execPath, version: process.versions.node };

/** By its real path: permissions are asked for that. */
function emptyFolder(directory: string | undefined): string {
  if (directory === undefined) return realpathSync(mkdtempSync(path.join(tmpdir(), 'odin-tmp-')));
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return realpathSync(directory);
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

/** False when the time is up; the promise's own rejection passes through. */
async function settledWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
