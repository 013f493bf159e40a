// How much the process of user code may tell, on both sides of the channel. Without schemas: that process loads none.

/** A cursor is bookkeeping, not data: this many bytes of JSON at most. */
export const MAX_CURSOR_BYTES = 64 * 1024;

/** UTF-16 units of a note, which is cut to that. */
export const MAX_NOTE = 500;

/** How many of what a migration left behind are told, and how long each may be. */
export const LEFT_OVER = { items: 10, length: 200 };

/** What one `yield` of a plan may hold, in bytes of JSON: it is one message, and a batch is one object of the ledger. */
export const MAX_ITEMS_BYTES = 1024 * 1024;
