// What runs inside a function's own process: loads the bundle, answers one invocation at a time, reports errors in
// Lambda's form, and leaves with its parent. Talks to sandbox.ts over the IPC channel only.

import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { END_OF_LOG, splitHandler } from './protocol.ts';
import type { BecomeMessage, InvokeMessage, WorkerMessage } from './protocol.ts';

interface LambdaError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: string[];
}

type Handler = (event: unknown, context: object) => unknown;

/** What Lambda's own runtime finds wrong, under its own names. */
class RuntimeFailure extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Lambda's limit for the answer of a synchronous invocation, in bytes. */
const MAX_ANSWER_BYTES = 6_291_556;

// A bundle may replace what it finds on `process` and `console`; these stay ours.
const channel = process.send?.bind(process);
const streams = [process.stdout, process.stderr].map((stream) => stream.write.bind(stream));

/** Processes that the function has started and that have not ended. Those of a thread of it are not seen from here. */
let children = 0;
subscribe('child_process', (message) => {
  children += 1;
  (message as { process: ChildProcess }).process.once('exit', () => {
    children -= 1;
  });
});
subscribe('worker_threads', () => {
  children = Infinity;
});

if (!channel) throw new RuntimeFailure('Runtime.Unknown', 'worker.ts is started by sandbox.ts only');
await main(channel);

async function main(sendToParent: NonNullable<typeof process.send>): Promise<void> {
  let current: InvokeMessage | undefined;

  delete process.env['NODE_COMPILE_CACHE']; // read by now, and no business of the function and its own processes

  process.on('disconnect', () => process.exit(0));
  // Ctrl-C reaches the whole process group; the parent decides what becomes of a running function.
  process.on('SIGINT', () => undefined);

  const send = (message: WorkerMessage) =>
    new Promise<void>((resolve) => {
      sendToParent(message, () => resolve());
    });

  const answer = async (payload: string, failed: boolean, last = false) => {
    if (!current) return;
    const { requestId } = current;
    current = undefined;
    for (const write of streams) write(`${END_OF_LOG}${requestId}\n`);
    await send({ type: 'answer', requestId, payload, failed, last, childless: children === 0 });
  };

  process.on('uncaughtException', (error) => {
    console.error(error);
    void answer(JSON.stringify(describeError(error)), true, true).then(() => process.exit(129));
  });
  process.on('unhandledRejection', (reason) => {
    console.error(reason);
    const { errorMessage, errorType, trace } = describeError(reason);
    const error = {
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: `${errorType}: ${errorMessage}`,
      trace,
    };
    void answer(JSON.stringify(error), true, true).then(() => process.exit(128));
  });

  let handler: Handler;
  let loads = 0;
  const load = async (named: string) => {
    try {
      handler = await loadHandler(process.env['LAMBDA_TASK_ROOT'] ?? '.', named, loads);
      loads += 1;
    } catch (error) {
      console.error(error);
      await send({ type: 'init-failed', payload: JSON.stringify(describeInitError(error)) });
      process.exit(1);
    }
  };
  await load(process.argv[2] ?? 'index.handler');

  process.on('message', (message: BecomeMessage | InvokeMessage) => {
    if (message.type === 'become') {
      become(message.environment);
      void load(message.handler).then(() => send({ type: 'ready' }));
      return;
    }
    current = message;
    void send({ type: 'started', requestId: message.requestId });
    void invoke(handler, message).then(({ payload, failed }) => answer(payload, failed));
  });
  module.flushCompileCache(); // now: this process is killed, and does not end by itself
  await send({ type: 'ready' });
}

function become(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, environment);
  process.chdir(process.env['LAMBDA_TASK_ROOT'] ?? '.');
}

async function invoke(handler: Handler, message: InvokeMessage): Promise<{ payload: string; failed: boolean }> {
  try {
    const result = await handler(JSON.parse(message.payload), contextOf(message));
    return marshal(result);
  } catch (error) {
    return { payload: JSON.stringify(describeError(error)), failed: true };
  }
}

function marshal(result: unknown): { payload: string; failed: boolean } {
  let payload: string;
  try {
    payload = JSON.stringify(result) ?? 'null';
  } catch {
    const error = { errorType: 'Runtime.MarshalError', errorMessage: 'Unable to stringify response body', trace: [] };
    return { payload: JSON.stringify(error), failed: true };
  }
  if (Buffer.byteLength(payload) <= MAX_ANSWER_BYTES) return { payload, failed: false };
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_ANSWER_BYTES} bytes).`;
  return {
    payload: JSON.stringify({ errorType: 'Function.ResponseSizeTooLarge', errorMessage, trace: [] }),
    failed: true,
  };
}

function contextOf(message: InvokeMessage): object {
  const { env } = process;
  return {
    awsRequestId: message.requestId,
    invokedFunctionArn: message.functionArn,
    functionName: env['AWS_LAMBDA_FUNCTION_NAME'],
    functionVersion: env['AWS_LAMBDA_FUNCTION_VERSION'],
    memoryLimitInMB: env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    logGroupName: env['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: env['AWS_LAMBDA_LOG_STREAM_NAME'],
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, message.deadline - Date.now()),
  };
}

/**
 * @param handler `index.handler`: a file without its extension, and the name of an export
 * @param loads how many were loaded in this process before: each is a module of its own, also a file that was loaded before
 */
async function loadHandler(taskRoot: string, handler: string, loads: number): Promise<Handler> {
  const [file, name] = splitHandler(handler);
  const path = ['.mjs', '.js', '.cjs'].map((ending) => join(taskRoot, file + ending)).find((path) => existsSync(path));
  if (path === undefined)
    throw new RuntimeFailure('Runtime.ImportModuleError', `Cannot find module '${file}' in ${taskRoot}`);
  const loaded = (await import(`${pathToFileURL(path).href}${loads === 0 ? '' : `?${loads}`}`)) as Record<
    string,
    unknown
  >;
  const exported = loaded[name] ?? (loaded['default'] as Record<string, unknown> | undefined)?.[name];
  if (exported === undefined)
    throw new RuntimeFailure('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof exported !== 'function')
    throw new RuntimeFailure('Runtime.HandlerNotFound', `${handler} is not a function`);
  return exported as Handler;
}

function describeInitError(error: unknown): LambdaError {
  const described = describeError(error);
  const missing = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(
    String((error as { code?: unknown } | null)?.code),
  );
  if (missing)
    return { ...described, errorType: 'Runtime.ImportModuleError', errorMessage: `Error: ${described.errorMessage}` };
  if (error instanceof SyntaxError) return { ...described, errorType: 'Runtime.UserCodeSyntaxError' };
  return described;
}

function describeError(error: unknown): LambdaError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}
