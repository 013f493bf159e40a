// How long user code may run, of the time that its function has.

/**
 * So long before the end of the function its code is ended, and its outcome is written: the end of a process takes a tenth of a
 * second, a write that has to be repeated a few. A slice that looks after its time has stopped by then (safetyMs in supervise.ts).
 */
const NEARLY_OVER_MS = 4_000;

export const untilNearlyOver = (remainingMs: number): number => remainingMs - Math.min(NEARLY_OVER_MS, remainingMs / 5);
