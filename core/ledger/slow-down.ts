// What follows when S3 has asked a turn of batches for fewer requests: half as many at a time in the next one, after a pause. Each time
// again, so that a prefix has the time that S3 takes to give it more; and not for ever.

/** So often halved, as many as may run at a time are one. From then on a turn of which no batch succeeded has failed. */
export const MOST_HALVINGS = 10;

const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 15 * 60_000;

/** Batches at a time. @param times that S3 has slowed down the attempt */
export const atOnceAfter = (atOnce: number, times = 0): number => Math.max(1, Math.floor(atOnce / 2 ** times));

/** Before the turn that follows: 15 s, 30 s, 1 min, … 15 min, and 76 min in all before one can fail. @param times that there were before */
export const pauseAfter = (times = 0): number => Math.min(FIRST_PAUSE_MS * 2 ** times, LONGEST_PAUSE_MS);
