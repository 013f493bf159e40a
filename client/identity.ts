// Whose a ledger has to be.
import type { LedgerIdentity } from '../core/ledger/entries.ts';
import type { EnvironmentId } from '../core/names/names.ts';
import { accountOf, regionOf } from '../core/names/names.ts';

/** Account and region are those of the stack, and so of everything in it: its functions write them into entry 1 of the log. */
export const identityOf = ({ app, environment }: EnvironmentId, stateMachineArn: string): LedgerIdentity => ({
  app,
  environment,
  account: accountOf(stateMachineArn),
  region: regionOf(stateMachineArn),
});
