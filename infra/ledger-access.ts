// What each function may do to the ledger, and what its policies call the keys: both from the declaration of its keys
// (core/ledger/keys.ts), so that a writer is declared once.
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Kind, LedgerFunction } from '../core/ledger/keys.ts';
import { KINDS } from '../core/ledger/keys.ts';
import { allow } from './functions.ts';

export const KINDS_OF_KEYS: readonly Kind[] = Object.values(KINDS);

/**
 * The keys of a kind as a policy's pattern. In one, `?` and `*` match `/` too (docs/aws-facts.md).
 * @param migration four digits, or what stands for them in a policy; those of any migration when left out
 */
export const keyPattern = ({ pattern }: Kind, migration = '????'): string =>
  pattern.replace('<migration>', migration).replace('<number>', '????????').replace('<id>', '*');

/** Where keys of the kind and all that looks like them are: `turns/*`, or `state.json`, which is one key. */
export const keyRoot = ({ pattern }: Kind): string => pattern.replace(/\/.*$/, '/*');

/**
 * @param migration of a migration's function: its four digits
 * @returns none for a function that neither reads nor writes the ledger
 */
export function ledgerStatements(ledger: IBucket, who: LedgerFunction, migration?: string): PolicyStatement[] {
  const keys = (kinds: Kind[]) => kinds.map((kind) => ledger.arnForObjects(keyPattern(kind, migration)));
  const reads = keys(KINDS_OF_KEYS.filter(({ readers }) => readers.includes(who)));
  const writes = keys(KINDS_OF_KEYS.filter(({ writers }) => writers.includes(who)));
  if (reads.length === 0) return [];
  return [
    // Listing is allowed so that a missing key answers 404; without it S3 answers 403 (docs/aws-facts.md).
    allow(['s3:ListBucket'], [ledger.bucketArn]),
    allow(['s3:GetObject'], reads),
    ...(writes.length > 0 ? [allow(['s3:PutObject'], writes)] : []),
  ];
}
