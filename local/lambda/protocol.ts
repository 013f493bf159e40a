// What sandbox.ts and the processes that it starts say to each other, over the IPC channel.

/** The process becomes another function's, whose code has the most in common with what it has loaded. */
export interface BecomeMessage {
  readonly type: 'become';
  /** File and export. */
  readonly handler: string;
  /** All of it. */
  readonly environment: NodeJS.ProcessEnv;
}

export interface InvokeMessage {
  readonly type: 'invoke';
  readonly requestId: string;
  readonly payload: string;
  /** Milliseconds since the epoch; the parent kills the process then. */
  readonly deadline: number;
  readonly functionArn: string;
}

export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'init-failed'; readonly payload: string }
  | { readonly type: 'started'; readonly requestId: string }
  | {
      readonly type: 'answer';
      readonly requestId: string;
      readonly payload: string;
      readonly failed: boolean;
      /** It ends itself after this. */
      readonly last: boolean;
      /** Nothing that the function started runs any more. */
      readonly childless: boolean;
    };

/** Ends the log lines of an invocation on both streams, so that the parent knows that it has read them all. */
export const END_OF_LOG = '\u0000end of ';

/** `index.handler` → `index`, `handler` */
export function splitHandler(handler: string): [file: string, exported: string] {
  const dot = handler.lastIndexOf('.');
  return [handler.slice(0, dot), handler.slice(dot + 1)];
}
