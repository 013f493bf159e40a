// An object of the ledger that is there, and cannot be read: never the same as one that is absent.
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
