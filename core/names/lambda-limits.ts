/**
 * The most that Lambda gives to a function in every account and region (docs/aws-facts.md). The API takes more by now, of some
 * functions and in some regions: what is longer than this is checkpointed.
 */
export const LAMBDA_MOST = { timeoutSeconds: 900, memoryMB: 10_240 } as const;

/**
 * The least that a migration's function runs in, in MB. It has two processes, the function's own and that of the user code. Doing
 * nothing they take 105 MB (docs/performance.md), and the user code has a heap of four fifths of what is above FUNCTION_OWN_MB.
 */
export const LEAST_MEMORY_MB = 256;

/** Of a function's memory, for its own process. */
export const FUNCTION_OWN_MB = 128;
