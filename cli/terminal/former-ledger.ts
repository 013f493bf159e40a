// The ledger of an environment whose stack is gone, as `adopt` and `start-over` show it before they ask.
import type { DeployedPlace } from '../../client/deployment.ts';
import type { FormerLedger } from '../../client/former-ledger.ts';
import { findFormerLedger } from '../../client/former-ledger.ts';
import { numberOf } from '../../core/text/format.ts';
import { colour, print, whileBusy } from './output.ts';

/** @throws OdinError as findFormerLedger */
export async function showFormerLedger(environment: string, place: DeployedPlace): Promise<FormerLedger> {
  const former = await whileBusy(`Looking for the ledger of ${environment}`, () =>
    findFormerLedger(environment, place),
  );
  const { bucket, entries, completed, leftover } = former;
  const holds = `${numberOf(entries, 'entry', 'entries')}, ${numberOf(completed, 'migration')} completed`;
  print(`The ledger of ${environment} is ${colour.bold(bucket)}: ${holds}.`);
  if (leftover !== undefined)
    print(`The stack ${leftover} is left of a refused deployment. It holds nothing, and goes too.`);
  return former;
}
