// Where Node.js's permissions stand for Lambda's file system, on this machine and in a preview, what they say speaks of options that
// nobody has typed. It is said as Lambda would, with what to do.
import { isError, linksOf, partOf } from '../../../core/thrown.ts';

/** The error itself, changed, with all that it was caused by; anything else as it is. */
export function inLambdasWords(thrown: unknown): unknown {
  for (const { thrown: each } of linksOf(thrown)) {
    if (!isError(each) || partOf(each, 'code') !== 'ERR_ACCESS_DENIED') continue;
    const [message, resource] = [partOf(each, 'message'), partOf(each, 'resource')];
    if (partOf(each, 'permission') !== 'FileSystemWrite' || typeof message !== 'string') continue;
    const said = `EROFS: read-only file system, ${typeof resource === 'string' ? resource : 'a file'}. In Lambda a function writes below os.tmpdir() alone, in a folder that is its own and does not last: write there, or to S3.`;
    try {
      if (typeof each.stack === 'string') each.stack = each.stack.replace(message, () => said);
      each.message = said;
      each.code = 'EROFS';
    } catch {
      // It is frozen: its own words have to do.
    }
  }
  return thrown;
}
