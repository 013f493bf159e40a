// An object of the ledger that is there, and cannot be read: never the same as one that is absent.
import type * as z from '../schema.ts';
import { OdinError } from '../errors.ts';

/**
 * @param why after "cannot be read:"
 * @param first what helps without a look at the bucket, as a sentence
 */
export const unreadable = (key: string, why: string, cause?: unknown, first?: string): OdinError =>
  new OdinError({
    code: 'RecordUnreadable',
    source: 'system',
    what: `The ledger's record ${key} cannot be read: ${why}.`,
    why: 'Nothing is taken as "not applied" because of it: the run stops here.',
    next: `${first === undefined ? '' : `${first} `}Look at ${key} in the ledger's bucket, and at the versions of that object: an earlier one may be whole.`,
    cause,
  });

/** The first thing in which a record has another shape: `writer.version: Invalid input`. @param whole what is named when no field of it is */
export function misfitOf({ issues }: z.core.$ZodError, whole: string): string {
  const [{ path, message }] = issues as [z.core.$ZodIssue]; // an error has one at least
  return `${path.join('.') || whole}: ${message}`;
}
