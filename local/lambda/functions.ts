// A function as it is configured, what it answers and logs, and how an invocation fails, in Lambda's words.

export interface LambdaFunctionConfig {
  readonly name: string;
  /** The folder of the bundle. */
  readonly directory: string;
  /** File and export, as in AWS. Default: `index.handler`. */
  readonly handler?: string | undefined;
  /** Default: 3, as in AWS. */
  readonly timeoutSeconds?: number | undefined;
  /** Default: 128, as in AWS; here it bounds the JavaScript heap, not buffers. */
  readonly memoryMB?: number | undefined;
  /** Default: 512, as in AWS; here it bounds nothing, and what is over it is told in the log. */
  readonly ephemeralStorageMB?: number | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Only told to the function (AWS_EXECUTION_ENV): it runs on this process's own Node.js. */
  readonly runtime?: string | undefined;
  /**
   * The names of the bundle's files that no other function has, of a function that leaves nothing behind in its process.
   * Functions that have all other files in common take their turns in the same processes. Undefined: its processes are its own.
   */
  readonly ownFiles?: readonly string[] | undefined;
}

export interface LambdaLogLine {
  readonly functionName: string;
  /** Undefined for lines written outside an invocation: while loading, or by a timer left behind. */
  readonly requestId: string | undefined;
  readonly line: string;
  readonly stream: 'stdout' | 'stderr';
}

export interface LambdaAnswer {
  readonly requestId: string;
  /** JSON. With a `functionError`: {errorType, errorMessage, trace}. */
  readonly payload: string;
  readonly functionError?: 'Unhandled' | undefined;
}

/** The name in a name, an ARN, a partial ARN, or any of them with a qualifier. */
export function functionName(nameOrArn: string): string {
  const match = /^(?:arn:[^:]+:lambda:[^:]*:[^:]*:function:|\d{12}:function:)?([^:]+)(?::[^:]+)?$/.exec(nameOrArn);
  return match?.[1] ?? nameOrArn;
}

/** How an invocation failed, in Lambda's words. */
export class FunctionFailure extends Error {
  readonly payload: string;

  constructor(payload: string) {
    super(payload);
    this.payload = payload;
  }
}

export function failedAnswer(requestId: string, payload: string): LambdaAnswer {
  return { requestId, payload, functionError: 'Unhandled' };
}

export function timeoutFailure(config: LambdaFunctionConfig, requestId: string): FunctionFailure {
  const seconds = (timeoutMs(config) / 1000).toFixed(2);
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
  return new FunctionFailure(JSON.stringify({ errorType: 'Sandbox.Timedout', errorMessage }));
}

export function timeoutMs(config: LambdaFunctionConfig): number {
  return (config.timeoutSeconds ?? 3) * 1000;
}
