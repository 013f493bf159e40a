// How much a checkpoint may hold, on both sides of the channel.

/** A cursor is bookkeeping, not data: this many bytes of JSON at most. */
export const MAX_CURSOR_BYTES = 64 * 1024;

/** UTF-16 units of a note, which is cut to that. */
export const MAX_NOTE = 500;
