// The process of user code, without a bundle: runs the case that its environment names.
import { runUserProcess } from '../../lambdas/run-migration/user-code/child.ts';
import type { MigrationModule } from '../../lambdas/run-migration/user-code/user-module.ts';
import { CASES } from './user-code-cases.ts';

const { CASE = '', MODULE } = process.env;
const nothingSeen = () => ({
  calls: [],
  simulated: [],
  stale: [],
  refused: [],
  omitted: { calls: 0, occurrences: 0, lines: 0 },
});

runUserProcess(
  async () => (MODULE === undefined ? CASES[CASE]!() : ((await import(MODULE)) as MigrationModule)),
  () => Promise.resolve({ seen: nothingSeen, handedOn: () => undefined }),
);
