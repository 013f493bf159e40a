/**
 * The most that Lambda gives to a function in every account and region (docs/aws-facts.md). The API takes more by now, of some
 * functions and in some regions: what is longer than this is checkpointed.
 */
export const LAMBDA_MOST = {
  timeoutSeconds: 900,
  memoryMB: 10_240,
  ephemeralStorageMB: 10_240,
  layers: 5,
  unpackedBytes: 250 * 1024 ** 2,
} as const;

/** Batches at the same time: what Step Functions and Lambda allow to an account unasked (docs/aws-facts.md). */
export const MAX_CONCURRENCY = 1_000;

/** What each function has of `/tmp`, in MB, when nobody says more (docs/aws-facts.md). */
export const LEAST_EPHEMERAL_STORAGE_MB = 512;

/**
 * The least that a migration's function runs in, in MB. It has two processes, the function's own and that of the user code. Doing
 * nothing they take 105 MB (docs/performance.md), and the user code has a heap of four fifths of what is above FUNCTION_OWN_MB.
 */
export const LEAST_MEMORY_MB = 256;

/** Of a function's memory, for its own process. */
export const FUNCTION_OWN_MB = 128;
