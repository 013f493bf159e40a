// What `new` puts where the work is to be: what has run is recorded for good, so a file that nobody wrote anything into throws.

const SAYS = 'This migration is not written yet: put its work here, in place of this line.';
export const NOT_WRITTEN = `throw new Error('${SAYS}');`;

/** @param text of a migration's file, in whichever way it is formatted */
export const isNotWritten = (text: string): boolean => text.includes(SAYS);
