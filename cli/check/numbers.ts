// Numbers that another file had before.
import type { MigrationFile } from '../../project/discover.ts';
import { usedBeforeText } from '../../project/numbers.ts';
import type { Finding } from './finding.ts';

/** @param again files whose numbers git has seen under another text; @param accepted ids of which somebody said that it is meant */
export const numberFindings = (
  environment: string,
  again: readonly MigrationFile[],
  accepted: readonly string[],
): Finding[] =>
  again
    .filter(({ id }) => !accepted.includes(id))
    .map(({ id, file }) => ({ environment, severity: 'warning', rule: 'number', file, message: usedBeforeText(id) }));
